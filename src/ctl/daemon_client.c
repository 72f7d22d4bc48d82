/* SPDX-License-Identifier: MIT */
/* A FastCGI client for one request. */
#include "ctl/daemon_client.h"

#include <errno.h>
#include <fastcgi.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/settings.h"

#define WAIT_S	    5
#define ANSWER_MAX  (1024 * 1024)
#define REQUEST_MAX 4096
#define REQUEST_ID  1

static int
dial_unix(struct str path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (path.n >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path.p, path.n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Connects to `127.0.0.1:9000` or `[::1]:9000`. */
static int
dial_tcp(struct str address, struct arena *a)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags =
					    AI_NUMERICHOST | AI_NUMERICSERV };
	struct str host = address;
	struct addrinfo *to;
	const char *name, *port;
	int fd;

	while (host.n > 0 && host.p[host.n - 1] != ':')
		host.n--;
	port = arena_cstr(a, str_skip(address, host.n));
	host.n -= host.n > 0 ? 1 : 0;
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	name = arena_cstr(a, host);
	if (name == NULL || port == NULL ||
	    getaddrinfo(name, port, &hints, &to) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

static int
dial_daemon(struct str address, struct arena *a)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	const int fd = str_starts(address, STR("unix:")) ?
			   dial_unix(str_skip(address, 5)) :
			   dial_tcp(address, a);

	if (fd >= 0) {
		/* These fail only on what is not a socket. */
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
				 sizeof(wait));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait,
				 sizeof(wait));
	}
	return fd;
}

/* FastCGI 1.0, section 3.3. */
static void
add_record(struct buf *out, int type, struct str content)
{
	const FCGI_Header head = {
		.version = FCGI_VERSION_1,
		.type = (unsigned char)type,
		.requestIdB0 = REQUEST_ID,
		.contentLengthB1 = (unsigned char)(content.n >> 8),
		.contentLengthB0 = (unsigned char)(content.n & 0xff),
	};

	buf_add(out,
		(struct str){ .p = (const char *)&head, .n = sizeof(head) });
	buf_add(out, content);
}

static void
add_length(struct buf *out, size_t n)
{
	if (n > 127) {
		buf_add_char(out, (char)(0x80 | n >> 24));
		buf_add_char(out, (char)(n >> 16));
		buf_add_char(out, (char)(n >> 8));
	}
	buf_add_char(out, (char)n);
}

static void
add_param(struct buf *out, struct str name, struct str value)
{
	add_length(out, name.n);
	add_length(out, value.n);
	buf_add(out, name);
	buf_add(out, value);
}

static void
write_request(const struct server_settings *set, const char *action,
	      struct arena *a, struct buf *out)
{
	const FCGI_BeginRequestBody begin = { .roleB0 = FCGI_RESPONDER };
	struct str secrets = set->peer_secret, secret;
	struct buf params;

	buf_init(&params, a, REQUEST_MAX);
	add_param(&params, STR("AUTH_ACTION"), str_from(action));
	/* While the secret is changed there are two, which are both valid. */
	if (str_word(&secrets, &secret))
		add_param(&params, STR("AUTH_SECRET"), secret);
	add_record(out, FCGI_BEGIN_REQUEST,
		   (struct str){ .p = (const char *)&begin,
				 .n = sizeof(begin) });
	add_record(out, FCGI_PARAMS, buf_str(&params));
	add_record(out, FCGI_PARAMS, STR(""));
	add_record(out, FCGI_STDIN, STR(""));
	out->failed = out->failed || buf_failed(&params);
}

static int
send_request(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		const ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		bytes = str_skip(bytes, (size_t)n);
	}
	return 0;
}

/* Reads until the daemon closes the connection. */
static int
receive_all(int fd, struct buf *out)
{
	char part[4096];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		buf_add(out, (struct str){ .p = part, .n = (size_t)n });
	if (n == 0 && buf_failed(out))
		errno = EMSGSIZE;
	return n == 0 && !buf_failed(out) ? 0 : -1;
}

/* Appends the content of the records of STDOUT; returns false if the answer is
 * not complete. */
static bool
unpack(struct str bytes, struct buf *out)
{
	while (bytes.n >= FCGI_HEADER_LEN) {
		const unsigned char *head = (const unsigned char *)bytes.p;
		const size_t n = (size_t)head[4] << 8 | head[5];
		const int type = head[1];
		struct str content = str_skip(bytes, FCGI_HEADER_LEN);

		if (content.n < n + head[6])
			return false;
		bytes = str_skip(content, n + head[6]);
		content.n = n;
		if (type == FCGI_STDOUT)
			buf_add(out, content);
		else if (type == FCGI_END_REQUEST)
			return !buf_failed(out);
	}
	return false;
}

/* Separates the body; returns false unless the status is 200. */
static bool
daemon_body(struct str answer, struct str *body)
{
	const struct str end = STR("\r\n\r\n");

	if (!str_starts(answer, STR("Status: 200 ")))
		return false;
	for (size_t i = 0; i + end.n <= answer.n; i++) {
		if (memcmp(answer.p + i, end.p, end.n) == 0) {
			*body = str_skip(answer, i + end.n);
			return true;
		}
	}
	return false;
}

/* Says why the connection was of no use, by errno. */
static int
no_answer(struct err *err)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return err_set(err, ERR_UNAVAILABLE,
			       "has not answered within %d seconds", WAIT_S);
	return err_set(err, ERR_UNAVAILABLE, "the connection has failed: %s",
		       strerror(errno));
}

/* Returns the status of an answer, or 0. */
static int64_t
daemon_status(struct str answer)
{
	const struct str name = STR("Status: ");
	int64_t status = 0;

	if (!str_starts(answer, name) ||
	    !str_to_uint(str_clip(str_skip(answer, name.n), 3), 999, &status))
		return 0;
	return status;
}

static int
ask_on(int fd, struct str request, struct arena *a, struct str *body,
       struct err *err)
{
	struct buf records, answer;

	buf_init(&records, a, ANSWER_MAX);
	buf_init(&answer, a, ANSWER_MAX);
	if (send_request(fd, request) != 0 || receive_all(fd, &records) != 0)
		return no_answer(err);
	if (!unpack(buf_str(&records), &answer))
		return err_set(err, ERR_UNAVAILABLE,
			       "must answer by FastCGI, but does not");
	if (daemon_body(buf_str(&answer), body))
		return 0;
	return err_set(err, ERR_UNAVAILABLE,
		       "must answer 200, but answers %lld; its "
		       "server.peer_secret or its version may be another",
		       (long long)daemon_status(buf_str(&answer)));
}

int
daemon_ask(const struct server_settings *set, const char *action,
	   struct arena *a, struct str *body, struct err *err)
{
	const struct str address = set->listen.v[0];
	struct buf request;
	int fd, rc;

	buf_init(&request, a, REQUEST_MAX);
	write_request(set, action, a, &request);
	if (buf_failed(&request))
		return err_nomem(err);
	fd = dial_daemon(address, a);
	if (fd < 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "cannot connect to the daemon at %.*s "
			       "(server.listen): %s",
			       STR_ARG(address), strerror(errno));
	rc = ask_on(fd, buf_str(&request), a, body, err);
	(void)close(fd);
	if (rc != 0)
		return err_context(err, "the daemon at %.*s", STR_ARG(address));
	return 0;
}
