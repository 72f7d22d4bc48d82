/* SPDX-License-Identifier: MIT */
/* mail/command: what the command gets, and what its end means. */
#define _GNU_SOURCE /* memmem() */
#include "mail/transport.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/settings.h"
#include "tests/support/process.h"
#include "tests/support/run.h"

#define ARENA_BYTES (1024 * 1024)
#define LONG_MS	    600000

struct sending {
	struct arena *arena;
	char folder[64];
	char program[128]; /* a script of the shell */
	struct str words[3];
	struct mail_settings set;
	struct env env;
	struct transport transport;
	struct mail_answer answer;
};

/* Writes the script, with the words of its command. */
static void
sending_init(struct sending *s, const char *script)
{
	FILE *file;

	*s = (struct sending){ .arena = arena_new(ARENA_BYTES),
			       .env = env_real(NULL) };
	process_folder(s->folder, sizeof(s->folder));
	(void)snprintf(s->program, sizeof(s->program), "%s/sendmail",
		       s->folder);
	file = fopen(s->program, "w");
	ck_assert_ptr_nonnull(file);
	(void)fprintf(file, "#!/bin/sh\ncd %s || exit 1\n%s\n", s->folder,
		      script);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(s->program, 0755), 0);
	s->words[0] = str_from(s->program);
	s->words[1] = STR("-t");
	s->words[2] = STR("$HOME;'\"*");
	s->set.command = (struct words){ .v = s->words, .n = 3 };
	s->transport = (struct transport){ .set = &s->set,
					   .env = &s->env,
					   .stop_fd = -1,
					   .limit_ms = LONG_MS };
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
sending_end(struct sending *s)
{
	process_remove(s->folder);
	arena_free(s->arena);
}

static void
sending_send(struct sending *s)
{
	const struct mail_message mail = {
		.from = { .name = STR("Login"), .address = STR("login@a.b") },
		.to = STR("alice@c.d"),
		.subject = STR("Subject"),
		.text = STR("one\n.\ntwo\n"),
	};
	struct err err;

	ck_assert_int_eq(transport_send(&s->transport, &mail, s->arena,
					&s->answer, &err),
			 0);
}

/* Returns what the script has written to a file. */
static const char *
written(struct sending *s, const char *name)
{
	char path[128];
	char *text = arena_alloc(s->arena, 65536);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	text[fread(text, 1, 65535, file)] = '\0';
	(void)fclose(file);
	return text;
}

/* Fails if a signal but the two that the C library uses itself, 32 and 33, is
 * in a set of the script. */
static void
assert_no_signal(struct sending *s, const char *set)
{
	const char *line = strstr(written(s, "signals"), set);

	ck_assert_ptr_nonnull(line);
	ck_assert_uint_eq(strtoull(line + strlen(set), NULL, 16) &
			      ~UINT64_C(0x180000000),
			  0);
}

START_TEST(the_command_reads_the_message)
{
	struct sending s;
	const char *message;

	sending_init(&s, "cat >message; printf '%s|' \"$@\" >words; env >env;"
			 "ls -l /proc/self/fd >fds; grep Sig /proc/self/status"
			 " >signals; exit 0");
	ck_assert_int_eq(setenv("FCGIAUTH_SECRET", "x", 1), 0);
	ck_assert_int_ge(open("/dev/null", O_RDONLY), 3); /* no O_CLOEXEC */
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_SENT);
	ck_assert_str_eq(s.answer.text, "");
	message = written(&s, "message");
	ck_assert_ptr_nonnull(strstr(message, "\nTo: alice@c.d\n"));
	ck_assert_ptr_nonnull(strstr(message, "\n\none\n.\ntwo\n"));
	ck_assert_ptr_null(strchr(message, '\r'));
	ck_assert_str_eq(written(&s, "words"), "-t|$HOME;'\"*|");
	ck_assert_ptr_null(strstr(written(&s, "env"), "FCGIAUTH_SECRET"));
	ck_assert_ptr_nonnull(strstr(written(&s, "env"), "PATH=/usr/sbin"));
	/* Only ls itself has a fourth one, the folder. */
	ck_assert_ptr_null(strstr(written(&s, "fds"), " 4 -> "));
	assert_no_signal(&s, "SigIgn:");
	assert_no_signal(&s, "SigBlk:");
	sending_end(&s);
}
END_TEST

static const struct {
	const char *script;
	enum mail_outcome outcome;
	const char *text;
} ends[] = {
	{ "exit 0", MAIL_SENT, "" },
	{ "echo warning >&2; exit 0", MAIL_SENT, "" },
	{ "exit 75", MAIL_LATER, "exit status 75" },
	{ "exit 1", MAIL_LATER, "exit status 1" },
	{ "exit 64", MAIL_LATER, "exit status 64" },
	{ "exit 69", MAIL_LATER, "exit status 69" },
	{ "exit 77", MAIL_LATER, "exit status 77" },
	{ "exit 78", MAIL_LATER, "exit status 78" },
	{ "exit 65", MAIL_REFUSED, "exit status 65" },
	{ "exit 67", MAIL_REFUSED, "exit status 67" },
	{ "echo out; echo >&2; echo one >&2; echo two >&2; exit 75", MAIL_LATER,
	  "exit status 75: one" },
	{ "printf 'a\\tb\\033c' >&2; exit 67", MAIL_REFUSED,
	  "exit status 67: a b c" },
	{ "kill -9 $$", MAIL_LATER, "the command was ended by signal 9" },
	/* what it starts may hold its standard error */
	{ "sleep 600 & echo $! >pid; exit 0", MAIL_SENT, "" },
};

START_TEST(the_end_of_the_command_is_the_answer)
{
	struct sending s;

	sending_init(&s, ends[_i].script);
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, ends[_i].outcome);
	ck_assert_str_eq(s.answer.text, ends[_i].text);
	if (strstr(ends[_i].script, ">pid") != NULL)
		(void)kill(atoi(written(&s, "pid")), SIGKILL);
	sending_end(&s);
}
END_TEST

START_TEST(much_that_is_said_is_cut)
{
	struct sending s;

	sending_init(&s, "i=0; while [ $i -lt 5000 ]; do printf "
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i + 1)); done "
			 ">&2; exit 75");
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_LATER);
	ck_assert_uint_eq(strlen(s.answer.text), sizeof(s.answer.text) - 1);
	sending_end(&s);
}
END_TEST

/* Fails if the script or a child of it still runs. */
static void
assert_killed(struct sending *s)
{
	char text[64];
	FILE *file;
	const int pid = atoi(written(s, "pid"));

	ck_assert_int_gt(pid, 0);
	(void)snprintf(text, sizeof(text), "/proc/%d/stat", pid);
	for (;;) {
		char state = 'Z';

		file = fopen(text, "r");
		if (file == NULL)
			return;
		if (fscanf(file, "%*d %*s %c", &state) != 1)
			state = 'Z';
		(void)fclose(file);
		if (state == 'Z' || state == 'X')
			return;
		process_sleep_ms(10);
	}
}

START_TEST(a_command_that_hangs_is_killed)
{
	struct sending s;

	sending_init(&s, "sleep 600 & echo $! >pid; wait");
	s.transport.limit_ms = 1000;
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_LATER);
	ck_assert_str_eq(s.answer.text, "the command was killed before it "
					"ended");
	assert_killed(&s);
	sending_end(&s);
}
END_TEST

START_TEST(a_stop_kills_the_command)
{
	struct sending s;
	int stop[2];

	sending_init(&s, "sleep 600");
	ck_assert_int_eq(pipe(stop), 0);
	ck_assert_int_eq(write(stop[1], "x", 1), 1);
	s.transport.stop_fd = stop[0];
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_LATER);
	(void)close(stop[0]);
	(void)close(stop[1]);
	sending_end(&s);
}
END_TEST

START_TEST(a_program_must_be_executable)
{
	struct sending s;
	struct err err;

	sending_init(&s, "exit 0");
	ck_assert_int_eq(transport_prepare(&s.set, &err), 0);
	s.words[0] = str_from(s.folder);
	ck_assert_int_eq(transport_prepare(&s.set, &err), -1);
	ck_assert_str_eq(err.msg, "is not a program");
	s.words[0] = STR("/nonexistent/sendmail");
	ck_assert_int_eq(transport_prepare(&s.set, &err), -1);
	ck_assert_str_eq(err.msg, "cannot be executed: No such file or "
				  "directory");
	ck_assert_int_eq(err.code, ERR_CONFIG);
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_LATER);
	ck_assert_str_eq(s.answer.text, "No such file or directory");
	sending_end(&s);
}
END_TEST

START_TEST(smtp_is_compiled_in_or_refused)
{
	struct sending s;
	struct err err;

	sending_init(&s, "exit 0");
	s.set.smtp = STR("smtp://127.0.0.1:1");
	if (transport_prepare(&s.set, &err) != 0) {
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert(str_starts(str_from(err.msg),
				     STR("not compiled in: ")));
	}
	sending_send(&s);
	ck_assert_int_eq(s.answer.outcome, MAIL_LATER);
	ck_assert_str_ne(s.answer.text, "");
	sending_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("command");

	tcase_add_test(t, the_command_reads_the_message);
	tcase_add_loop_test(t, the_end_of_the_command_is_the_answer, 0,
			    ARRAY_LEN(ends));
	tcase_add_test(t, much_that_is_said_is_cut);
	tcase_add_test(t, a_command_that_hangs_is_killed);
	tcase_add_test(t, a_stop_kills_the_command);
	tcase_add_test(t, a_program_must_be_executable);
	tcase_add_test(t, smtp_is_compiled_in_or_refused);
	return run_case(t);
}
