/* SPDX-License-Identifier: MIT */
/* server/notify: the messages to the service manager. */
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/support/tmpdir.h"
#include "tests/support/run.h"

static void
set(const char *name, const char *value)
{
	if (value == NULL)
		ck_assert_int_eq(unsetenv(name), 0);
	else
		ck_assert_int_eq(setenv(name, value, 1), 0);
}

/* The socket of a service manager, at a path or `@name`. */
static int
hear(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(un.sun_path, name, strlen(name));
	if (name[0] == '@')
		un.sun_path[0] = '\0';
	else
		n++;
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&un, n), 0);
	return fd;
}

START_TEST(messages_are_sent)
{
	for (int abstract = 0; abstract <= 1; abstract++) {
		char name[100], got[64] = "";
		struct notifier n;
		struct tmpdir p;
		struct err err;
		int fd;

		tmpdir_init(&p);
		(void)snprintf(name, sizeof(name), "%s%s",
			       abstract == 1 ? "@" : "", p.path);
		fd = hear(name);
		set("NOTIFY_SOCKET", name);
		notify_init(&n);
		ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
		ck_assert_int_eq(notify_send(&n, "READY=1\nSTATUS=x", &err), 0);
		ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_DONTWAIT), 16);
		ck_assert_str_eq(got, "READY=1\nSTATUS=x");
		(void)close(fd); /* no process receives any more */
		/* there is no file if the name is abstract */
		(void)unlink(p.path);
		ck_assert_int_eq(notify_send(&n, "READY=1", &err), -1);
		ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
		notify_close(&n);
		ck_assert_int_eq(notify_send(&n, "READY=1", &err), 0);
		tmpdir_end(&p);
	}
}
END_TEST

START_TEST(bad_sockets_are_ignored)
{
	char longest[110];
	const char *const rows[] = { NULL,	 "",	      "/",    "@",
				     "relative", "vsock:2:1", longest };

	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[108] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct notifier n;
		struct err err;

		set("NOTIFY_SOCKET", rows[i]);
		notify_init(&n);
		ck_assert_msg(n.fd == -1, "row %zu", i);
		ck_assert_int_eq(notify_send(&n, "READY=1", &err), 0);
		ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	}
}
END_TEST

START_TEST(watchdog_interval_is_read)
{
	char ours[24], other[24];
	const struct {
		const char *usec, *pid;
		int64_t ms;
	} rows[] = {
		{ NULL, NULL, 0 },
		{ "30000000", NULL, 30000 },
		{ "30000000", ours, 30000 },
		{ "30000000", other, 0 },
		{ "30000000", "x", 0 },
		{ "30s", ours, 0 },
		{ "-1", ours, 0 },
		{ "", ours, 0 },
		{ "0", ours, 0 },
		{ "9223372036854775807", ours, INT64_MAX / 1000 },
		{ "9223372036854775808", ours, 0 },
	};

	(void)snprintf(ours, sizeof(ours), "%ld", (long)getpid());
	(void)snprintf(other, sizeof(other), "%ld", (long)getppid());
	set("NOTIFY_SOCKET", NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct notifier n;

		set("WATCHDOG_USEC", rows[i].usec);
		set("WATCHDOG_PID", rows[i].pid);
		notify_init(&n);
		ck_assert_msg(n.watchdog_ms == rows[i].ms, "row %zu", i);
		ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
		ck_assert_ptr_null(getenv("WATCHDOG_PID"));
	}
}
END_TEST

/* The environment gives a successor the same socket and interval. */
START_TEST(environment_is_passed_to_the_successor)
{
	static const char wanted[] =
	    "NOTIFY_SOCKET=@fcgiauth-test\0WATCHDOG_USEC=1500000";
	struct arena *a = arena_new(4096);
	struct notifier n;
	struct buf out;

	ck_assert_ptr_nonnull(a);
	buf_init(&out, a, 4096);
	set("NOTIFY_SOCKET", "@fcgiauth-test");
	set("WATCHDOG_USEC", "1500999");
	set("WATCHDOG_PID", NULL);
	notify_init(&n);
	notify_print_environment(&n, &out);
	ck_assert(!buf_failed(&out));
	ck_assert_uint_eq(out.n, sizeof(wanted));
	ck_assert_mem_eq(out.p, wanted, sizeof(wanted));
	notify_close(&n);
	notify_init(&n);
	buf_init(&out, a, 4096);
	notify_print_environment(&n, &out);
	ck_assert_uint_eq(out.n, 0);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("notify");

	tcase_add_test(t, messages_are_sent);
	tcase_add_test(t, bad_sockets_are_ignored);
	tcase_add_test(t, watchdog_interval_is_read);
	tcase_add_test(t, environment_is_passed_to_the_successor);
	return run_case(t);
}
