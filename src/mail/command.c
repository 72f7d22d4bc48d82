/* SPDX-License-Identifier: MIT */
/*
 * Sends a message by a command such as sendmail(8). The message is in a file
 * without a name, which the command reads as its standard input, so that
 * nothing has to be written while it runs.
 */
#define _GNU_SOURCE /* memfd_create(), posix_spawn_..._addclosefrom_np() */
#include "mail/ways.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/settings.h"

#define TICK_MS 50 /* how often the end of the command is looked for */

/* The statuses of sysexits.h after which no later attempt would succeed. msmtp
 * returns others, such as EX_NOHOST, for failures of the relay. */
#define STATUS_DATAERR 65
#define STATUS_NOUSER  67

int
command_prepare(const struct mail_settings *set, struct err *err)
{
	const struct str program = set->command.v[0];
	char path[4096];
	struct stat st;

	if (program.n >= sizeof(path))
		return err_set(err, ERR_CONFIG, "the path is too long");
	(void)snprintf(path, sizeof(path), "%.*s", STR_ARG(program));
	if (stat(path, &st) != 0 || access(path, X_OK) != 0)
		return err_set(err, ERR_CONFIG, "cannot be executed: %s",
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "is not a program");
	return 0;
}

/* Returns a file with the message, whose lines end as those of a text file do;
 * -1: errno says why not. */
static int
message_file(struct str message, struct arena *a)
{
	char *text = arena_alloc(a, message.n + 1);
	size_t n = 0;
	int fd;

	if (text == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < message.n; i++) {
		if (message.p[i] != '\r')
			text[n++] = message.p[i];
	}
	fd = memfd_create("message", MFD_CLOEXEC);
	if (fd >= 0 &&
	    (write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)) {
		(void)close(fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

/* Returns the arguments, terminated by NULL; NULL when out of memory. */
static char **
arguments(const struct words *command, struct arena *a)
{
	char **argv = arena_array(a, command->n + 1, sizeof(*argv));

	for (size_t i = 0; argv != NULL && i < command->n; i++) {
		argv[i] = arena_cstr(a, command->v[i]);
		if (argv[i] == NULL)
			return NULL;
	}
	return argv;
}

struct child {
	pid_t pid;
	int message; /* its standard input */
	int errors[2]; /* its standard error; read, write */
	char said[200]; /* the first line of standard error */
	size_t nsaid;
	bool line_ended, errors_ended;
};

/* Only the three standard descriptors are open in the child. No signal is
 * blocked or ignored, and it leads a process group, so that what it starts can
 * be killed with it. */
static int
child_start(struct child *c, char **argv)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char locale[] = "LC_ALL=C";
	char *const environment[] = { path, locale, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	rc = posix_spawn_file_actions_init(&files);
	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, c->message, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null",
						      O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, c->errors[1], 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	/* With these arguments, none of the four can fail. */
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
							POSIX_SPAWN_SETSIGDEF |
							POSIX_SPAWN_SETPGROUP);
	if (rc == 0)
		rc = posix_spawn(&c->pid, argv[0], &files, &attributes, argv,
				 environment);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

static void
child_read_errors(struct child *c)
{
	char bytes[512];
	ssize_t n;

	while ((n = read(c->errors[0], bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n' && c->nsaid > 0)
				c->line_ended = true;
			if (!c->line_ended && bytes[i] != '\n' &&
			    c->nsaid < sizeof(c->said))
				c->said[c->nsaid++] = bytes[i];
		}
	}
	c->errors_ended = n == 0 || (errno != EAGAIN && errno != EINTR);
}

/* Waits for the end of the child. Returns its wait status, or -1 after the time
 * limit or a stop; it was killed then. */
static int
child_wait(struct child *c, const struct transport *t)
{
	const int64_t until_ms = env_mono_ms(t->env) + t->limit_ms;
	int status = -1;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->errors_ended ? -1 : c->errors[0],
			  .events = POLLIN },
			{ .fd = t->stop_fd, .events = POLLIN },
		};

		(void)poll(fds, ARRAY_LEN(fds), TICK_MS);
		child_read_errors(c);
		if (waitpid(c->pid, &status, WNOHANG) == c->pid)
			break;
		if (fds[1].revents != 0 || env_mono_ms(t->env) >= until_ms) {
			(void)kill(-c->pid, SIGKILL);
			(void)waitpid(c->pid, &status, 0);
			return -1;
		}
	}
	child_read_errors(c);
	return status;
}

static void
command_answer(const struct child *c, int status, struct mail_answer *out)
{
	const struct str said = { .p = c->said, .n = c->nsaid };
	enum mail_outcome outcome = MAIL_LATER;
	char text[300] = "";

	if (status == -1) {
		(void)snprintf(text, sizeof(text),
			       "the command was killed "
			       "before it ended");
	} else if (!WIFEXITED(status)) {
		(void)snprintf(text, sizeof(text),
			       "the command was ended by signal %d",
			       WTERMSIG(status));
	} else if (WEXITSTATUS(status) == 0) {
		outcome = MAIL_SENT;
	} else {
		if (WEXITSTATUS(status) == STATUS_DATAERR ||
		    WEXITSTATUS(status) == STATUS_NOUSER)
			outcome = MAIL_REFUSED;
		(void)snprintf(text, sizeof(text), "exit status %d%s%.*s",
			       WEXITSTATUS(status), said.n > 0 ? ": " : "",
			       STR_ARG(said));
	}
	answer_set(out, outcome, str_from(text));
}

void
command_send(const struct transport *t, const struct letter *letter,
	     struct arena *a, struct mail_answer *out)
{
	struct child c = { .message = message_file(letter->message, a),
			   .errors = { -1, -1 } };
	char **argv = arguments(&t->set->command, a);
	int rc = 0;

	if (argv == NULL)
		rc = ENOMEM;
	else if (c.message < 0 || pipe2(c.errors, O_CLOEXEC) != 0 ||
		 fcntl(c.errors[0], F_SETFL, O_NONBLOCK) != 0)
		rc = errno;
	if (rc == 0)
		rc = child_start(&c, argv);
	if (c.errors[1] >= 0)
		(void)close(c.errors[1]);
	if (rc == 0)
		command_answer(&c, child_wait(&c, t), out);
	else
		answer_set(out, MAIL_LATER, str_from(strerror(rc)));
	if (c.errors[0] >= 0)
		(void)close(c.errors[0]);
	if (c.message >= 0)
		(void)close(c.message);
}
