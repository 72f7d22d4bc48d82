/* SPDX-License-Identifier: MIT */
/* server/upgrade: a successor that was given up never takes over. */
#include "server/upgrade.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "server/listen.h"
#include "server/notify.h"
#include "tests/support/run.h"

#define SUCCESSOR "successor"

/* This program as the successor: it says that it is ready, writes what it sees
 * then, and waits until it is killed. */
static int
succeed(const char *out)
{
	struct upgrade u;
	struct err err;
	int64_t fd = -1;

	upgrade_init(&u);
	if (!str_to_uint(str_from(out), INT32_MAX, &fd) ||
	    upgrade_tell_ready(&u, &err) != 0)
		return EXIT_FAILURE;
	if (write((int)fd, upgrade_has_taken_over(&u) ? "y" : "n", 1) != 1)
		return EXIT_FAILURE;
	for (;;)
		(void)poll(NULL, 0, 1000);
}

static void
block_sigterm(void)
{
	sigset_t set;

	/* The daemon and its successor block SIGTERM, too. */
	ck_assert_int_eq(sigemptyset(&set), 0);
	ck_assert_int_eq(sigaddset(&set, SIGTERM), 0);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

static enum upgrade_state
wait_for_it(struct upgrade *u, struct err *err)
{
	enum upgrade_state state = upgrade_poll(u, err);

	while (state == UPGRADE_WAITING) {
		(void)poll(NULL, 0, 1);
		state = upgrade_poll(u, err);
	}
	return state;
}

/* A successor that starts slowly finds SIGTERM pending. If it took over, it
 * would remove the socket that its predecessor serves. */
START_TEST(given_up_successor_does_not_take_over)
{
	const struct listeners none = { .n = 0 };
	const struct notifier nobody = { .fd = -1 };
	char fd[16], self[] = "/proc/self/exe", word[] = SUCCESSOR;
	char *argv[] = { self, word, fd, NULL };
	struct program program;
	struct upgrade u;
	struct err err = { .code = ERR_NONE };
	int pipe_fds[2];
	char seen = '-';

	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_gt(snprintf(fd, sizeof(fd), "%d", pipe_fds[1]), 0);
	block_sigterm();
	upgrade_init(&u);
	program_init(&program, argv);
	ck_assert_msg(upgrade_begin(&u, &program, &none, &nobody, &err) == 0,
		      "%s", err.msg);
	(void)close(pipe_fds[1]); /* the successor has it */
	upgrade_give_up(&u);
	ck_assert_int_eq(read(pipe_fds[0], &seen, 1), 1);
	ck_assert_int_eq(seen, 'n');
	/* The successor cannot become ready any more. */
	ck_assert_int_eq(upgrade_poll(&u, &err), UPGRADE_WAITING);
	ck_assert_int_ne(upgrade_begin(&u, &program, &none, &nobody, &err), 0);
	upgrade_give_up(&u);
	ck_assert_int_eq(wait_for_it(&u, &err), UPGRADE_FAILED);
	ck_assert_ptr_nonnull(strstr(err.msg, "signal 9"));
	ck_assert_int_eq(upgrade_poll(&u, &err), UPGRADE_NONE);
	(void)close(pipe_fds[0]); /* nothing more comes */
}
END_TEST

int
main(int argc, char **argv)
{
	TCase *t = new_case("upgrade");

	if (argc == 3 && strcmp(argv[1], SUCCESSOR) == 0)
		return succeed(argv[2]);
	tcase_add_test(t, given_up_successor_does_not_take_over);
	return run_case(t);
}
