/* SPDX-License-Identifier: MIT */
/* A fake Redis server that serves one connection at a time. */
#include "tests/contract/redis/fake.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Returns false at the end of the test. */
static bool
wait_for(const struct redis_fake *f, int fd, int64_t ms)
{
	struct pollfd p[] = { { .fd = f->stop[0], .events = POLLIN },
			      { .fd = fd, .events = POLLIN } };
	int n = poll(p, fd < 0 ? 1 : 2, (int)ms);

	return n >= 0 && p[0].revents == 0;
}

static bool
say(const struct redis_fake *f, int fd, const struct redis_line *line)
{
	size_t n = line->n == 0 ? strlen(line->bytes) : line->n;

	if (line->each_ms == 0)
		return send(fd, line->bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
	for (size_t i = 0; i < n; i++)
		if (!wait_for(f, -1, line->each_ms) ||
		    send(fd, line->bytes + i, 1, MSG_NOSIGNAL) != 1)
			return false;
	return true;
}

static void
serve(const struct redis_fake *f, int fd)
{
	char buf[4096];

	for (size_t i = 0;; i++) {
		if (!wait_for(f, fd, -1) || recv(fd, buf, sizeof(buf), 0) <= 0)
			return;
		if (i >= f->n || f->lines[i].bytes == NULL)
			continue;
		if (!say(f, fd, &f->lines[i]))
			return;
		if (f->lines[i].hang_up) {
			(void)wait_for(f, -1, f->lines[i].hang_up_ms);
			return;
		}
	}
}

static void *
run(void *arg)
{
	struct redis_fake *f = arg;

	while (wait_for(f, f->fd, -1)) {
		int fd = accept(f->fd, NULL, NULL);

		if (fd < 0)
			continue;
		(void)atomic_fetch_add(&f->accepted, 1);
		serve(f, fd);
		(void)close(fd);
	}
	return NULL;
}

void
redis_fake_start(struct redis_fake *f, const struct redis_line *lines, size_t n)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);

	*f = (struct redis_fake){ .lines = lines, .n = n };
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(f->fd, 0);
	ck_assert_int_eq(bind(f->fd, (const struct sockaddr *)&sin,
			      sizeof(sin)),
			 0);
	ck_assert_int_eq(getsockname(f->fd, (struct sockaddr *)&sin, &len), 0);
	f->port = ntohs(sin.sin_port);
	(void)snprintf(f->url, sizeof(f->url), "redis://127.0.0.1:%d", f->port);
	ck_assert_int_eq(listen(f->fd, 8), 0);
	ck_assert_int_eq(pipe(f->stop), 0);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, run, f), 0);
}

void
redis_fake_wait(struct redis_fake *f, unsigned accepted)
{
	for (int i = 0; atomic_load(&f->accepted) < accepted; i++) {
		ck_assert_int_lt(i, 2000);
		(void)poll(NULL, 0, 10);
	}
}

void
redis_fake_end(struct redis_fake *f)
{
	ck_assert_int_eq(close(f->stop[1]), 0);
	ck_assert_int_eq(pthread_join(f->thread, NULL), 0);
	(void)close(f->stop[0]);
	(void)close(f->fd);
}
