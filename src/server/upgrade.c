/* SPDX-License-Identifier: MIT */
/* Upgrade: another program takes over without an interruption. */
#include "server/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "server/listen.h"
#include "server/notify.h"

#define VARIABLE	"FCGIAUTH_UPGRADE" /* the descriptor of the pair */
#define LISTEN_PID	"LISTEN_PID="
#define PID_DIGITS	10
#define FIRST_PASSED	3
#define ENVIRONMENT_MAX (4 * 1024 * 1024)
#define EXIT_NO_EXEC	127 /* as a shell has it */

/* Everything that the child needs: after fork() in a process with threads it
 * may call little more than execve(). */
struct launch {
	const char *path;
	char *const *argv;
	char **environment;
	char *pid_digits; /* the digits in the environment, to be filled in */
	/* the listening sockets, then our end of the pair */
	int fds[LISTEN_MAX + 1];
	int nfds;
};

static void
upgrade_absolute(struct program *p, const char *name)
{
	char folder[sizeof(p->path)];
	int n;

	if (name[0] == '/')
		n = snprintf(p->path, sizeof(p->path), "%s", name);
	else if (getcwd(folder, sizeof(folder)) == NULL)
		n = -1;
	else
		n = snprintf(p->path, sizeof(p->path), "%s/%s", folder, name);
	if (n < 0 || (size_t)n >= sizeof(p->path))
		p->path[0] = '\0';
}

/* Finds the program in PATH, as the shell did. */
static void
search(struct program *p, const char *name)
{
	struct str folders = str_from(getenv("PATH")), folder;
	char found[sizeof(p->path)];

	while (str_cut(&folders, ':', &folder)) {
		int n =
		    snprintf(found, sizeof(found), "%.*s%s%s", STR_ARG(folder),
			     folder.n > 0 ? "/" : "", name);

		if (n > 0 && (size_t)n < sizeof(found) &&
		    access(found, X_OK) == 0) {
			upgrade_absolute(p, found);
			return;
		}
	}
}

void
program_init(struct program *p, char *const *argv)
{
	p->path[0] = '\0';
	p->argv = argv;
	if (strchr(argv[0], '/') != NULL)
		upgrade_absolute(p, argv[0]);
	else
		search(p, argv[0]);
}

void
upgrade_init(struct upgrade *u)
{
	struct str text = str_from(getenv(VARIABLE));
	int64_t fd;

	*u = (struct upgrade){ .to_successor = -1, .to_predecessor = -1 };
	if (str_to_uint(text, INT32_MAX, &fd) &&
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
		u->to_predecessor = (int)fd;
	(void)unsetenv(VARIABLE); /* fails only on a bad name */
}

/* Makes the environment of the successor: our own, and what describes the
 * sockets, as one string each. */
static int
make_environment(struct launch *launch, const struct listeners *listeners,
		 const struct notifier *notifier, struct arena *a,
		 struct err *err)
{
	size_t n = 0, used = 0;
	struct buf more;

	buf_init(&more, a, ENVIRONMENT_MAX);
	/* First, so that its digits are at a known offset. */
	buf_printf(&more, LISTEN_PID "%0*d%c", PID_DIGITS, 0, '\0');
	buf_printf(&more, VARIABLE "=%d%c", FIRST_PASSED + launch->nfds - 1,
		   '\0');
	listen_print_environment(listeners, &more);
	notify_print_environment(notifier, &more);
	if (buf_failed(&more))
		return err_nomem(err);
	for (size_t i = 0; i < more.n; i++)
		n += more.p[i] == '\0';
	while (environ[used] != NULL)
		used++;
	launch->environment = arena_array(a, used + n + 1, sizeof(char *));
	if (launch->environment == NULL)
		return err_nomem(err);
	memcpy(launch->environment, environ, used * sizeof(char *));
	for (size_t at = 0; at < more.n; at += strlen(more.p + at) + 1)
		launch->environment[used++] = more.p + at;
	launch->environment[used] = NULL;
	launch->pid_digits = more.p + strlen(LISTEN_PID);
	return 0;
}

/* Runs in the child: may call only what a signal handler may call. */
static _Noreturn void
upgrade_exec(struct launch *launch)
{
	pid_t pid = getpid();

	for (int i = PID_DIGITS - 1; i >= 0; i--) {
		launch->pid_digits[i] = (char)('0' + pid % 10);
		pid /= 10;
	}
	/* Moved away first: a descriptor may have a number that another one
	 * must get. */
	for (int i = 0; i < launch->nfds; i++) {
		launch->fds[i] = fcntl(launch->fds[i], F_DUPFD_CLOEXEC,
				       FIRST_PASSED + launch->nfds);
		if (launch->fds[i] < 0)
			_exit(EXIT_NO_EXEC);
	}
	/* These are passed on: unlike all others, they are not
	 * close-on-exec. */
	for (int i = 0; i < launch->nfds; i++) {
		if (dup2(launch->fds[i], FIRST_PASSED + i) < 0)
			_exit(EXIT_NO_EXEC);
	}
	(void)execve(launch->path, launch->argv, launch->environment);
	_exit(EXIT_NO_EXEC);
}

static int
launch_it(struct upgrade *u, struct launch *launch, int pair[2],
	  struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_set(err, ERR_INTERNAL, "fork: %s", strerror(errno));
	if (pid == 0)
		upgrade_exec(launch);
	u->successor = pid;
	u->given_up = false;
	u->to_successor = pair[0];
	return 0;
}

static int
upgrade_launch(struct upgrade *u, const struct program *program,
	       const struct listeners *listeners,
	       const struct notifier *notifier, struct arena *a,
	       struct err *err)
{
	struct launch launch = { .path = program->path, .argv = program->argv };
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair) < 0)
		return err_set(err, ERR_INTERNAL, "socketpair: %s",
			       strerror(errno));
	for (size_t i = 0; i < listeners->n; i++)
		launch.fds[launch.nfds++] = listeners->v[i].fd;
	launch.fds[launch.nfds++] = pair[1];
	rc = make_environment(&launch, listeners, notifier, a, err);
	if (rc == 0)
		rc = launch_it(u, &launch, pair, err);
	if (rc != 0)
		(void)close(pair[0]); /* nothing was written to it */
	(void)close(pair[1]); /* the successor has it */
	return rc;
}

int
upgrade_begin(struct upgrade *u, const struct program *program,
	      const struct listeners *listeners,
	      const struct notifier *notifier, struct err *err)
{
	struct arena *a;
	int rc;

	if (u->successor != 0)
		return err_set(err, ERR_BUSY,
			       "successor (pid %ld) is still starting",
			       (long)u->successor);
	if (u->to_predecessor >= 0)
		return err_set(err, ERR_BUSY,
			       "the predecessor has not handed over yet");
	/* When process 1 ends, everything in its container ends. */
	if (getpid() == 1)
		return err_set(err, ERR_CONFIG,
			       "process 1 cannot hand over: restart the "
			       "container");
	if (program->path[0] == '\0')
		return err_set(err, ERR_CONFIG, "%s: the program was not found",
			       program->argv[0]);
	a = arena_new(2 * ENVIRONMENT_MAX);
	if (a == NULL)
		return err_nomem(err);
	rc = upgrade_launch(u, program, listeners, notifier, a, err);
	arena_free(a);
	return rc;
}

static enum upgrade_state
upgrade_report_exit(struct upgrade *u, int status, struct err *err)
{
	long pid = (long)u->successor;

	upgrade_let_go(u); /* there is no process at its other end */
	u->successor = 0;
	if (WIFSIGNALED(status))
		(void)err_set(err, ERR_CONFIG,
			      "successor (pid %ld) was ended by signal %d", pid,
			      WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_NO_EXEC)
		(void)err_set(err, ERR_CONFIG,
			      "successor (pid %ld) cannot be started", pid);
	else
		(void)err_set(err, ERR_CONFIG,
			      "successor (pid %ld) exited with status %d; see "
			      "its log above",
			      pid, WEXITSTATUS(status));
	return UPGRADE_FAILED;
}

enum upgrade_state
upgrade_poll(struct upgrade *u, struct err *err)
{
	int status;
	char byte;

	if (u->successor == 0)
		return UPGRADE_NONE;
	if (!u->given_up &&
	    recv(u->to_successor, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1)
		return UPGRADE_READY;
	/* It has ended without writing a byte, or because it was told to. */
	if (waitpid(u->successor, &status, WNOHANG) == u->successor)
		return upgrade_report_exit(u, status, err);
	return UPGRADE_WAITING;
}

void
upgrade_let_go(struct upgrade *u)
{
	if (u->to_successor >= 0)
		/* the other end sees that it is closed */
		(void)close(u->to_successor);
	u->to_successor = -1;
}

void
upgrade_give_up(struct upgrade *u)
{
	if (u->successor != 0) /* not reaped, so the process id is still ours */
		(void)kill(u->successor, u->given_up ? SIGKILL : SIGTERM);
	u->given_up = true;
}

int
upgrade_tell_ready(const struct upgrade *u, struct err *err)
{
	if (u->to_predecessor < 0 ||
	    send(u->to_predecessor, "", 1, MSG_NOSIGNAL) == 1)
		return 0;
	return err_set(err, ERR_UNAVAILABLE, "the predecessor has ended: %s",
		       strerror(errno));
}

bool
upgrade_has_taken_over(struct upgrade *u)
{
	char byte;

	/* Any other failure means that the predecessor has crashed. */
	if (u->to_predecessor < 0 ||
	    (recv(u->to_predecessor, &byte, 1, MSG_DONTWAIT) < 0 &&
	     (errno == EAGAIN || errno == EINTR)))
		return false;
	(void)close(u->to_predecessor); /* the predecessor has let go */
	u->to_predecessor = -1;
	return true;
}
