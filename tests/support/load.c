/* SPDX-License-Identifier: MIT */
/*
 * load COUNT THREADS fcgi SOCKET COOKIE    checks, on kept connections
 * load COUNT THREADS http PORT COOKIE      pages, through a web server
 *
 * Sends requests continuously: at least COUNT, and until standard input ends.
 * Prints "DONE FAILED MOVED". A request is done when it got the expected
 * answer. It has moved, and is sent again, when no byte of it could be written
 * because the peer had closed the kept connection; once it is written, any
 * other answer than the expected one is a failure.
 */
#include "tests/support/fcgi_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/str.h"

#define WAIT_MS	      20000
#define THREADS_MAX   64
/* every second request is one of a visitor, which must be refused */
#define VISITOR_EVERY 2

struct request {
	struct bytes bytes;
	const char *wanted[2]; /* both must be in the answer */
};

struct load {
	long count;
	const char *address;
	struct request request, visitor;
	bool http;
	atomic_bool input_over;
	atomic_long begun, done, failed, moved;
};

static int
connect_port(const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	const struct timeval patience = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)strtol(port, NULL, 10));
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) != 0 ||
	    connect(fd, (const struct sockaddr *)&in, sizeof(in)) != 0) {
		if (fd >= 0)
			(void)close(fd); /* not connected */
		return -1;
	}
	return fd;
}

/* Prints the error, for the diagnosis of a failed test. */
static bool
complain(const char *what, const char *answer)
{
	(void)fprintf(stderr, "%s: %s: %.300s\n", what, strerror(errno),
		      answer);
	return false;
}

/* Returns true when the answer is complete. A chunked answer comes from the
 * service. */
static bool
is_whole(const char *text, size_t n)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "\r\nContent-Length: ");

	if (end == NULL)
		return false;
	if (length == NULL || length > end)
		return n > 5 && strcmp(text + n - 5, "0\r\n\r\n") == 0;
	return n >= (size_t)(end - text) + 4 + strtoul(length + 18, NULL, 10);
}

static bool
read_http(int fd, char *text, size_t room)
{
	size_t n = 0;

	do {
		ssize_t got = recv(fd, text + n, room - 1 - n, 0);

		if (got > 0)
			n += (size_t)got;
		text[n] = '\0';
		if (got <= 0)
			return complain("no answer", text);
	} while (!is_whole(text, n));
	return true;
}

static bool
read_fcgi(int fd, char *text, size_t room)
{
	struct fcgi_answer answer;
	enum fcgi_got got = fcgi_read(fd, WAIT_MS, &answer);

	if (got != FCGI_GOT_ANSWER)
		return complain("no answer",
				got == FCGI_GOT_CUT ? "cut" : "none");
	(void)snprintf(text, room, "%s", answer.text);
	return true;
}

static bool
answered(const struct load *h, int fd, const struct request *r)
{
	char text[16384];

	if (!(h->http ? read_http : read_fcgi)(fd, text, sizeof(text)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(r->wanted); i++) {
		if (strstr(text, r->wanted[i]) == NULL)
			return complain(r->wanted[i], text);
	}
	return true;
}

/* Sends one request; opens *fd if necessary, and closes it after a failure. */
static bool
ask(struct load *h, int *fd, const struct request *r)
{
	bool kept = *fd >= 0;
	ssize_t sent;

	if (!kept)
		*fd = h->http ? connect_port(h->address) :
				fcgi_connect(h->address);
	if (*fd < 0)
		return complain("connect", h->address);
	sent = send(*fd, r->bytes.p, r->bytes.n, MSG_NOSIGNAL);
	if (sent < 0 && kept && (errno == EPIPE || errno == ECONNRESET)) {
		atomic_fetch_add(&h->moved, 1);
		(void)close(*fd); /* closed by the peer */
		*fd = -1;
		return ask(h, fd, r);
	}
	if (sent == (ssize_t)r->bytes.n && answered(h, *fd, r))
		return true;
	if (sent != (ssize_t)r->bytes.n)
		(void)complain("send", "");
	(void)close(*fd); /* cannot be used again */
	*fd = -1;
	return false;
}

static void *
run(void *arg)
{
	struct load *h = arg;
	int fd = -1;

	for (;;) {
		long number = atomic_fetch_add(&h->begun, 1);
		bool visitor = number % VISITOR_EVERY == 0;

		if (number >= h->count && atomic_load(&h->input_over))
			break;
		if (ask(h, &fd, visitor ? &h->visitor : &h->request))
			atomic_fetch_add(&h->done, 1);
		else
			atomic_fetch_add(&h->failed, 1);
	}
	if (fd >= 0)
		(void)close(fd); /* all requests are answered */
	return NULL;
}

static void
add_http(struct request *r, const char *method, const char *cookie)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "%s /page.txt HTTP/1.1\r\nHost: localhost\r\n"
			 "Cookie: %s\r\nContent-Length: 0\r\n\r\n",
			 method, cookie);

	bytes_add(&r->bytes, text, (size_t)n);
}

static void
add_fcgi(struct request *r, const char *cookie)
{
	static const char *const facts[][2] = {
		{ "AUTH_ACTION", "verify" },  { "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/page" },   { "REMOTE_ADDR", "127.0.0.1" },
		{ "HTTP_HOST", "localhost" }, { "SERVER_PORT", "80" },
	};
	struct bytes params = { .p = NULL }, none = { .p = NULL };

	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		fcgi_pair(&params, str_from(facts[i][0]), str_from(facts[i][1]),
			  false);
	fcgi_pair(&params, STR("HTTP_COOKIE"), str_from(cookie), false);
	fcgi_begin(&r->bytes, 1, FCGI_R_RESPONDER, true);
	fcgi_stream(&r->bytes, FCGI_T_PARAMS, 1, &params, 65535, 0);
	fcgi_stream(&r->bytes, FCGI_T_STDIN, 1, &none, 65535, 0);
	bytes_free(&params);
}

static void
make_requests(struct load *h, const char *cookie)
{
	if (h->http) {
		/* nginx does not repeat a POST that it has sent. */
		h->request.wanted[0] = "HTTP/1.1 200";
		h->request.wanted[1] = "X-User: alice";
		h->visitor.wanted[0] = "HTTP/1.1 401";
		h->visitor.wanted[1] = "WWW-Authenticate: Bearer";
		add_http(&h->request, "GET", cookie);
		add_http(&h->visitor, "POST", "a=b");
	} else {
		h->request.wanted[0] = "Status: 204";
		h->request.wanted[1] = "Remote-User: alice";
		h->visitor.wanted[0] = "Status: 401";
		h->visitor.wanted[1] = "";
		add_fcgi(&h->request, cookie);
		add_fcgi(&h->visitor, "a=b");
	}
}

int
main(int argc, char **argv)
{
	static struct load h;
	pthread_t threads[THREADS_MAX];
	long n;
	char c;

	if (argc != 6)
		return EXIT_FAILURE;
	h.count = strtol(argv[1], NULL, 10);
	n = strtol(argv[2], NULL, 10);
	h.http = strcmp(argv[3], "http") == 0;
	h.address = argv[4];
	make_requests(&h, argv[5]);
	for (long i = 0; i < n && n <= THREADS_MAX; i++) {
		if (pthread_create(&threads[i], NULL, run, &h) != 0)
			return EXIT_FAILURE;
	}
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	atomic_store(&h.input_over, true);
	for (long i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	(void)printf("%ld %ld %ld\n", atomic_load(&h.done),
		     atomic_load(&h.failed), atomic_load(&h.moved));
	return EXIT_SUCCESS;
}
