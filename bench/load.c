/* SPDX-License-Identifier: MIT */
/*
 * Sends HTTP requests over kept connections, and prints their number and the
 * percentiles of their latency.
 *
 *     load [-c CONNECTIONS] [-r RATE] [-s SECONDS] [-n REQUESTS] [-H FILE]
 *          [-b BODY] PORT HOST PATH
 *
 * Each request has one line of FILE as a further header, in turn. With a body
 * it is a POST of JSON. Without a rate each connection sends the next request
 * as soon as it has the answer (closed loop). With a rate the requests are
 * scheduled at constant distances, whatever the server does (open loop): a
 * request waits when all connections are busy, and its latency counts from the
 * scheduled time.
 *
 * Output: requests STATUS... with the number of answers for each status, as in
 *     requests=1000 seconds=0.500000 p50_ns=... p99_ns=... lost=0 200=1000
 */
#define _GNU_SOURCE /* epoll_pwait2() */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/load_answer.h"

#define NS_PER_S	   1000000000
#define EVENTS		   64
#define INPUT_MAX	   65536
#define LINGER_NS	   (INT64_C(20) * NS_PER_S) /* for the last answers */
#define REQUESTS_NS	   (INT64_C(120) * NS_PER_S) /* for a number of them */
#define STATUSES	   600
#define LATENCIES_AT_FIRST 65536

struct load_connection {
	int fd;
	bool busy;
	int64_t due_ns; /* of the request that it sends */
	size_t have;
	char in[INPUT_MAX];
};

struct load_request {
	char *text;
	size_t n;
};

struct load_options {
	unsigned long connections, requests_max;
	double rate, seconds; /* rate 0: closed loop */
	const char *headers; /* file; NULL: none */
	const char *body; /* NULL: GET */
	in_port_t port;
	const char *host, *path;
};

struct load {
	struct load_options opt;
	struct load_request *requests;
	size_t nrequests;
	struct load_connection *connections;
	size_t at; /* the connection that is tried next */
	int epoll;
	int64_t began_ns, end_ns;
	unsigned long sent, answered, lost;
	unsigned long of_status[STATUSES];
	uint64_t *latency;
	size_t latency_max;
};

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- requests ----------------------------------------------------------- */

static void
add_request(struct load *l, const char *header)
{
	const struct load_options *o = &l->opt;
	struct load_request *r;
	int n;

	l->requests =
	    realloc(l->requests, (l->nrequests + 1) * sizeof(*l->requests));
	if (l->requests == NULL)
		fail("realloc");
	r = &l->requests[l->nrequests++];
	if (o->body == NULL)
		n = asprintf(&r->text, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
			     o->path, o->host, header);
	else
		n = asprintf(&r->text,
			     "POST %s HTTP/1.1\r\nHost: %s\r\n%s"
			     "Accept: application/json\r\n"
			     "Content-Type: application/json\r\n"
			     "Content-Length: %zu\r\n\r\n%s",
			     o->path, o->host, header, strlen(o->body),
			     o->body);
	if (n < 0)
		fail("asprintf");
	r->n = (size_t)n;
}

static void
read_headers(struct load *l)
{
	FILE *in = fopen(l->opt.headers, "r");
	char *line = NULL, *header;
	size_t room = 0;
	ssize_t n;

	if (in == NULL)
		fail(l->opt.headers);
	while ((n = getline(&line, &room, in)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (asprintf(&header, "%s\r\n", line) < 0)
			fail("asprintf");
		add_request(l, header);
		free(header);
	}
	free(line);
	(void)fclose(in);
	if (l->nrequests == 0) {
		(void)fprintf(stderr, "load: %s is empty\n", l->opt.headers);
		exit(EXIT_FAILURE);
	}
}

/* ---- connections -------------------------------------------------------- */

static void
open_connection(struct load *l, struct load_connection *c)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(l->opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	const int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		fail("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		fail("epoll_ctl");
	c->busy = false;
	c->have = 0;
}

static void
reopen(struct load *l, struct load_connection *c)
{
	(void)close(c->fd);
	open_connection(l, c);
}

/* Returns the time of the request that is sent next. */
static int64_t
load_next_due(const struct load *l)
{
	if (l->opt.rate == 0)
		return now_ns();
	return l->began_ns + (int64_t)((double)l->sent * 1e9 / l->opt.rate);
}

static bool
all_sent(const struct load *l, int64_t now)
{
	if (l->opt.requests_max > 0)
		return l->sent >= l->opt.requests_max;
	return (l->opt.rate == 0 ? now : load_next_due(l)) >= l->end_ns;
}

static bool
may_send(const struct load *l)
{
	const int64_t now = now_ns();

	return !all_sent(l, now) &&
	       (l->opt.rate == 0 || load_next_due(l) <= now);
}

static void
send_next(struct load *l, struct load_connection *c)
{
	const struct load_request *r = &l->requests[l->sent % l->nrequests];

	c->due_ns = load_next_due(l);
	c->busy = true;
	l->sent++;
	/* The socket blocks, and a request fits into its buffer. */
	if (send(c->fd, r->text, r->n, MSG_NOSIGNAL) != (ssize_t)r->n) {
		l->lost++;
		reopen(l, c);
	}
}

static void
send_where_idle(struct load *l)
{
	for (size_t i = 0; i < l->opt.connections && may_send(l); i++) {
		struct load_connection *c = &l->connections[l->at];

		l->at = (l->at + 1) % l->opt.connections;
		if (!c->busy)
			send_next(l, c);
	}
}

static void
note_latency(struct load *l, int64_t ns)
{
	if (l->answered == l->latency_max) {
		l->latency_max = l->latency_max == 0 ? LATENCIES_AT_FIRST :
						       2 * l->latency_max;
		l->latency =
		    realloc(l->latency, l->latency_max * sizeof(*l->latency));
		if (l->latency == NULL)
			fail("realloc");
	}
	l->latency[l->answered++] = (uint64_t)ns;
}

static void
load_receive(struct load *l, struct load_connection *c)
{
	ssize_t n =
	    recv(c->fd, c->in + c->have, sizeof(c->in) - c->have, MSG_DONTWAIT);
	struct load_answer a;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		l->lost += c->busy;
		reopen(l, c);
		return;
	}
	c->have += (size_t)n;
	a = load_answer_read(c->in, c->have);
	if (!a.complete && c->have < sizeof(c->in))
		return;
	note_latency(l, now_ns() - c->due_ns);
	l->of_status[a.status > 0 && a.status < STATUSES ? a.status : 0]++;
	c->busy = false;
	c->have = 0;
	if (a.closes)
		reopen(l, c);
	if (may_send(l))
		send_next(l, c);
}

/* ---- the run ------------------------------------------------------------ */

static bool
is_over(const struct load *l)
{
	const int64_t now = now_ns();

	return (all_sent(l, now) && l->answered + l->lost >= l->sent) ||
	       now >= l->end_ns + LINGER_NS;
}

/* Waits until the next request is due, or longer if all connections are busy
 * and in the closed loop. */
static void
wait_for_events(struct load *l)
{
	struct epoll_event e[EVENTS];
	int64_t wait_ns = NS_PER_S / 10;
	struct timespec t;
	int n;

	if (l->opt.rate > 0 && load_next_due(l) > now_ns())
		wait_ns = load_next_due(l) - now_ns();
	if (wait_ns < 0)
		wait_ns = 0;
	if (wait_ns > NS_PER_S / 10)
		wait_ns = NS_PER_S / 10;
	t = (struct timespec){ .tv_nsec = wait_ns };
	n = epoll_pwait2(l->epoll, e, EVENTS, &t, NULL);
	if (n < 0 && errno != EINTR)
		fail("epoll_pwait2");
	for (int i = 0; i < n; i++)
		load_receive(l, e[i].data.ptr);
}

static int
compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t
percentile(const struct load *l, double part)
{
	size_t at = (size_t)((double)l->answered * part);

	if (l->answered == 0)
		return 0;
	return l->latency[at < l->answered ? at : l->answered - 1];
}

static void
print_result(struct load *l, int64_t took_ns)
{
	qsort(l->latency, l->answered, sizeof(*l->latency), compare_u64);
	(void)printf("requests=%lu seconds=%.6f p50_ns=%" PRIu64
		     " p99_ns=%" PRIu64 " lost=%lu",
		     l->answered, (double)took_ns / 1e9, percentile(l, 0.50),
		     percentile(l, 0.99), l->sent - l->answered);
	for (int s = 0; s < STATUSES; s++) {
		if (l->of_status[s] > 0)
			(void)printf(" %d=%lu", s, l->of_status[s]);
	}
	(void)printf("\n");
}

static void
run(struct load *l)
{
	l->connections = calloc(l->opt.connections, sizeof(*l->connections));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->connections == NULL || l->epoll < 0)
		fail("load");
	/* Sleeps end in time. */
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	for (size_t i = 0; i < l->opt.connections; i++)
		open_connection(l, &l->connections[i]);
	l->began_ns = now_ns();
	l->end_ns = l->began_ns + (int64_t)(l->opt.seconds * 1e9);
	if (l->opt.requests_max > 0)
		l->end_ns = l->began_ns + REQUESTS_NS;
	while (!is_over(l)) {
		send_where_idle(l);
		wait_for_events(l);
	}
	print_result(l, now_ns() - l->began_ns);
}

static int
read_options(struct load_options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:r:s:n:H:b:")) != -1) {
		switch (c) {
		case 'c':
			o->connections = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = strtod(optarg, NULL);
			break;
		case 's':
			o->seconds = strtod(optarg, NULL);
			break;
		case 'n':
			o->requests_max = strtoul(optarg, NULL, 10);
			break;
		case 'H':
			o->headers = optarg;
			break;
		case 'b':
			o->body = optarg;
			break;
		default:
			return -1;
		}
	}
	if (argc - optind != 3 || o->connections == 0)
		return -1;
	o->port = (in_port_t)strtoul(argv[optind], NULL, 10);
	o->host = argv[optind + 1];
	o->path = argv[optind + 2];
	return 0;
}

int
main(int argc, char **argv)
{
	struct load l = { .opt = { .connections = 32, .seconds = 1 } };

	if (read_options(&l.opt, argc, argv) != 0) {
		(void)fprintf(stderr, "usage: load [-c CONNECTIONS] [-r RATE] "
				      "[-s SECONDS] [-n REQUESTS] [-H FILE] "
				      "[-b BODY] PORT HOST PATH\n");
		return 2;
	}
	if (l.opt.headers != NULL)
		read_headers(&l);
	else
		add_request(&l, "");
	run(&l);
	return EXIT_SUCCESS;
}
