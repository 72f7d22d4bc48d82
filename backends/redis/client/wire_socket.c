/* SPDX-License-Identifier: MIT */
/* Connects, waits, reads and writes with a deadline. */
#include "backends/redis/client/wire_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
redis_socket_wait(int fd, short events, const struct env *env,
		  int64_t deadline_ms, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left_ms = deadline_ms - env_mono_ms(env);
		int n;

		if (left_ms > INT32_MAX)
			left_ms = INT32_MAX;
		n = left_ms <= 0 ? 0 : poll(&p, 1, (int)left_ms);
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(err, ERR_UNAVAILABLE,
				       "no reply in time");
		if (errno != EINTR)
			return err_set(err, ERR_UNAVAILABLE, "poll: %s",
				       strerror(errno));
	}
}

static bool
is_later(int code)
{
	return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

static ssize_t
socket_receive(int fd, void *buf, size_t n, int flags, short *events,
	       struct err *err)
{
	ssize_t got = recv(fd, buf, n, flags);

	if (got > 0)
		return got;
	if (got == 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "the server has closed the connection");
	if (!is_later(errno))
		return err_set(err, ERR_UNAVAILABLE, "%s", strerror(errno));
	*events = POLLIN;
	return 0;
}

ssize_t
redis_socket_read(int fd, void *buf, size_t n, short *events, struct err *err)
{
	return socket_receive(fd, buf, n, MSG_DONTWAIT, events, err);
}

ssize_t
redis_socket_read_on(int fd, void *buf, size_t n, short *events,
		     struct err *err)
{
	return socket_receive(fd, buf, n, 0, events, err);
}

int
redis_socket_block(int fd, int64_t ms, struct err *err)
{
	const struct timeval t = { .tv_sec = ms / 1000,
				   .tv_usec = ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0 ||
	    fcntl(fd, F_SETFL, 0) != 0)
		return err_set(err, ERR_UNAVAILABLE, "socket: %s",
			       strerror(errno));
	return 0;
}

ssize_t
redis_socket_write(int fd, const void *buf, size_t n, short *events,
		   struct err *err)
{
	ssize_t put = send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (put > 0)
		return put;
	if (put < 0 && !is_later(errno))
		return err_set(err, ERR_UNAVAILABLE, "%s", strerror(errno));
	*events = POLLOUT;
	return 0;
}

/* Connects to one numeric address. */
static int
connect_to(const struct sockaddr *sa, socklen_t n, const struct env *env,
	   int64_t deadline_ms, int *out, struct err *err)
{
	int fd = socket(sa->sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code = 0;
	socklen_t len = sizeof(code);

	if (fd < 0)
		return err_set(err, ERR_UNAVAILABLE, "socket: %s",
			       strerror(errno));
	if (connect(fd, sa, n) != 0)
		code = errno;
	if (code == EINPROGRESS || code == EINTR) {
		if (redis_socket_wait(fd, POLLOUT, env, deadline_ms, err) !=
		    0) {
			(void)close(fd);
			return -1;
		}
		code = 0;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
			code = errno;
	}
	if (code != 0) {
		(void)close(fd);
		return err_set(err, ERR_UNAVAILABLE, "cannot connect: %s",
			       strerror(code));
	}
	*out = fd;
	return 0;
}

static int
connect_unix(const char *path, const struct env *env, int64_t deadline_ms,
	     int *fd, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, ERR_CONFIG,
			       "path: must have at most %zu bytes",
			       sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	return connect_to((const struct sockaddr *)&sun, sizeof(sun), env,
			  deadline_ms, fd, err);
}

/* Failures are ignored, because the connection works without these options. */
static void
tune(int fd)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 }, /* seconds */
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)setsockopt(fd, rows[i].level, rows[i].name,
				 &rows[i].value, sizeof(rows[i].value));
}

/* Each address gets a share of the time, so that an unresponsive one leaves
 * time for the next one. */
static int
connect_any(const struct addrinfo *list, const struct env *env,
	    int64_t deadline_ms, int *fd, struct err *err)
{
	int64_t left = 0;
	int result = -1;

	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		left++;
	for (const struct addrinfo *ai = list; ai != NULL && result != 0;
	     ai = ai->ai_next, left--) {
		int64_t now_ms = env_mono_ms(env);

		result =
		    connect_to(ai->ai_addr, ai->ai_addrlen, env,
			       now_ms + (deadline_ms - now_ms) / left, fd, err);
	}
	if (result != 0)
		return -1;
	tune(*fd);
	return 0;
}

static int
connect_tcp(const struct redis_address *at, const struct env *env,
	    int64_t deadline_ms, int *fd, struct err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)at->port);
	rc = getaddrinfo(at->host, port, &hints, &list);
	if (rc != 0)
		return err_set(err, ERR_UNAVAILABLE, "no address found: %s",
			       gai_strerror(rc));
	rc = connect_any(list, env, deadline_ms, fd, err);
	freeaddrinfo(list);
	return rc;
}

int
redis_socket_connect(const struct redis_address *at, const struct env *env,
		     int64_t deadline_ms, int *fd, struct err *err)
{
	if (at->port == 0)
		return connect_unix(at->host, env, deadline_ms, fd, err);
	return connect_tcp(at, env, deadline_ms, fd, err);
}
