/* SPDX-License-Identifier: MIT */
/* Starts programs of a test, waits for them and ends them. */
#include "tests/support/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY	     65534
#define FDS_MAX	     256 /* more than a test opens */
#define STOP_MS	     10000
#define STEP_MS	     10
#define CHILDREN_MAX 64

void
process_abort(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	abort();
}

static bool
find_in(const char *folder, size_t nfolder, const char *name, char *path,
	size_t n)
{
	int length = snprintf(path, n, "%.*s/%s", (int)nfolder, folder, name);

	return length > 0 && (size_t)length < n && access(path, X_OK) == 0;
}

bool
process_find(const char *name, char *path, size_t n)
{
	const char *folders = getenv("PATH");
	glob_t found;
	bool is_there = false;

	while (folders != NULL && *folders != '\0') {
		size_t length = strcspn(folders, ":");

		if (find_in(folders, length, name, path, n))
			return true;
		folders += length + (folders[length] == ':');
	}
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
		return false;
	/* glob() sorts, so the newest version is the last. */
	for (size_t i = found.gl_pathc; i > 0 && !is_there; i--)
		is_there =
		    find_in(found.gl_pathv[i - 1],
			    strlen(found.gl_pathv[i - 1]), name, path, n);
	globfree(&found);
	return is_there;
}

/* Runs in the child process: each failure ends it with its own exit status. */
static void
become(const struct process_spec *spec, pid_t parent)
{
	static const char *const environment[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC", NULL
	};
	sigset_t none;
	int log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	int in = open("/dev/null", O_RDONLY);

	if (log < 0 || in < 0 || dup2(in, 0) < 0 || dup2(log, 1) < 0 ||
	    dup2(log, 2) < 0)
		_exit(120);
	for (int fd = 3; fd < FDS_MAX; fd++)
		(void)close(fd); /* most are not open */
	(void)sigemptyset(&none); /* cannot fail */
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		_exit(121);
	if (spec->unprivileged && geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
	     setuid(NOBODY) != 0))
		_exit(122);
	/* Must be last: a change of user resets it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(123);
	if (spec->folder != NULL && chdir(spec->folder) != 0)
		_exit(124);
	(void)execve(spec->argv[0], (char *const *)(uintptr_t)spec->argv,
		     (char *const *)(uintptr_t)environment);
	_exit(125);
}

void
process_start(struct process *p, const struct process_spec *spec)
{
	pid_t parent = getpid(), pid = fork();

	MUST(pid >= 0, "fork() fails: %s", strerror(errno));
	if (pid == 0)
		become(spec, parent);
	p->pid = pid;
}

/* Returns true when the program has ended; *status is then the value of
 * waitpid(). */
static bool
has_ended(struct process *p, int options, int *status)
{
	pid_t pid = waitpid(p->pid, status, options);

	MUST(pid >= 0, "waitpid() fails: %s", strerror(errno));
	if (pid > 0)
		p->pid = 0;
	return pid > 0;
}

int
process_run(const struct process_spec *spec)
{
	struct process p;
	int status;

	process_start(&p, spec);
	(void)has_ended(&p, 0, &status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int64_t
process_now_ms(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock_gettime() fails");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
process_sleep_ms(int64_t ms)
{
	const struct timespec t = { .tv_sec = ms / 1000,
				    .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* may return earlier */
}

bool
process_wait(struct process *p, bool (*ready)(void *ctx), void *ctx,
	     int64_t limit_ms)
{
	int64_t end_ms = process_now_ms() + limit_ms;
	int status;

	while (process_now_ms() < end_ms) {
		if (p != NULL && has_ended(p, WNOHANG, &status))
			return false;
		if (ready(ctx))
			return true;
		process_sleep_ms(STEP_MS);
	}
	return false;
}

void
process_stop(struct process *p, int signal)
{
	int64_t end_ms = process_now_ms() + STOP_MS;
	int status;

	if (p->pid == 0)
		return;
	process_signal_all(p, SIGCONT);
	MUST(kill(p->pid, signal) == 0, "kill() fails: %s", strerror(errno));
	while (process_now_ms() < end_ms) {
		if (has_ended(p, WNOHANG, &status))
			return;
		process_sleep_ms(STEP_MS);
	}
	MUST(kill(p->pid, SIGKILL) == 0, "kill() fails: %s", strerror(errno));
	(void)has_ended(p, 0, &status);
	MUST(false, "the program does not end after the signal");
}

void
process_signal_all(const struct process *p, int signal)
{
	char path[80];
	int child;
	FILE *f;

	/* The parent first, so that it starts no new children. */
	MUST(kill(p->pid, signal) == 0, "kill() fails: %s", strerror(errno));
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
		       (int)p->pid, (int)p->pid);
	f = fopen(path, "r");
	MUST(f != NULL, "cannot open %s: %s", path, strerror(errno));
	for (int i = 0; i < CHILDREN_MAX && fscanf(f, "%d", &child) == 1; i++)
		(void)kill(child, signal); /* it may have ended */
	(void)fclose(f);
}

/* Ports below the range that the kernel assigns to clients: a client could take
 * the port before the test listens on it. */
#define PORT_FIRST 10000
#define PORTS	   20000

static bool
is_free(int port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool bound;

	MUST(fd >= 0, "socket() fails: %s", strerror(errno));
	bound = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	(void)close(fd); /* was only opened for the check */
	return bound;
}

int
process_free_port(void)
{
	for (int tries = 0; tries < 100; tries++) {
		uint16_t number = 0;
		int port;

		MUST(getrandom(&number, sizeof(number), 0) == sizeof(number),
		     "getrandom() fails");
		port = PORT_FIRST + number % PORTS;
		if (is_free(port))
			return port;
	}
	MUST(false, "no port is free");
	return -1;
}

void
process_folder(char *path, size_t n)
{
	int length = snprintf(path, n, "/tmp/fcgiauth-XXXXXX");

	MUST(length > 0 && (size_t)length < n && mkdtemp(path) != NULL,
	     "cannot create a folder: %s", strerror(errno));
	MUST(geteuid() != 0 || chown(path, NOBODY, NOBODY) == 0,
	     "cannot change the owner of %s: %s", path, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
process_remove(const char *folder)
{
	MUST(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0,
	     "cannot remove %s: %s", folder, strerror(errno));
}
