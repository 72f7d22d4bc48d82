/* SPDX-License-Identifier: MIT */
/* server/listen: sockets passed by a service manager. */
#include "server/listen.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/support/tmpdir.h"
#include "tests/support/run.h"

/* Runs the function in a child process, which must exit with status 0. */
static void
in_child(void (*run)(const struct tmpdir *p), const struct tmpdir *p)
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL); /* so that the child does not print it again */
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		run(p);
		_exit(99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "the child ends with status %#x", (unsigned)status);
}

/* If `ok` is false, the child exits and prints the number of the line. */
#define CHILD_ASSERT(ok)                                                       \
	do {                                                                   \
		if (!(ok)) {                                                   \
			(void)fprintf(stderr, "line %d\n", __LINE__);          \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static void
set_pid(long pid)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%010ld", pid);
	CHILD_ASSERT(setenv("LISTEN_PID", text, 1) == 0);
}

static void
set_env(const char *fds, long pid)
{
	set_pid(pid);
	CHILD_ASSERT(setenv("LISTEN_FDS", fds, 1) == 0);
	CHILD_ASSERT(setenv("LISTEN_FDNAMES", "a:b", 1) == 0);
}

/* A listening unix socket at p->path as descriptor `as`. */
static void
pass(const struct tmpdir *p, int as)
{
	struct listeners l;
	struct err err;

	(void)unlink(p->path); /* it may exist */
	CHILD_ASSERT(open_one(p->address, 0600, &l, &err) == 0);
	if (l.v[0].fd == as) {
		CHILD_ASSERT(fcntl(as, F_SETFD, 0) == 0);
		CHILD_ASSERT(fcntl(as, F_SETFL, 0) == 0);
		return;
	}
	CHILD_ASSERT(dup2(l.v[0].fd, as) == as);
	CHILD_ASSERT(fcntl(as, F_SETFL, 0) == 0);
	CHILD_ASSERT(close(l.v[0].fd) == 0);
}

static void
child_systemd(const struct tmpdir *p)
{
	struct listeners l;
	struct stat st;
	struct err err;

	pass(p, 3);
	pass(p, 4);
	set_env("2", getpid());
	/* The passed sockets replace the configured addresses. */
	CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &l, &err) == 0);
	CHILD_ASSERT(l.n == 2 && l.v[0].fd == 3 && l.v[1].fd == 4);
	for (size_t i = 0; i < l.n; i++) {
		CHILD_ASSERT(l.v[i].inherited && l.v[i].path[0] == '\0');
		CHILD_ASSERT((fcntl(l.v[i].fd, F_GETFL) & O_NONBLOCK) != 0);
		CHILD_ASSERT((fcntl(l.v[i].fd, F_GETFD) & FD_CLOEXEC) != 0);
	}
	CHILD_ASSERT(getenv("LISTEN_FDS") == NULL);
	CHILD_ASSERT(getenv("LISTEN_PID") == NULL);
	CHILD_ASSERT(getenv("LISTEN_FDNAMES") == NULL);
	/* A passed socket is not unlinked. */
	listen_close(&l);
	CHILD_ASSERT(lstat(p->path, &st) == 0);
	_exit(0);
}

static void
child_other_pid(const struct tmpdir *p)
{
	struct listeners l;
	struct err err;

	pass(p, 3);
	CHILD_ASSERT(unlink(p->path) == 0);
	set_env("1", getppid());
	CHILD_ASSERT(open_one(p->address, 0600, &l, &err) == 0);
	CHILD_ASSERT(l.n == 1 && !l.v[0].inherited && l.v[0].fd != 3);
	listen_close(&l);
	_exit(0);
}

static void
refused_count(const char *fds)
{
	struct listeners l;
	struct err err;

	set_env(fds, getpid());
	CHILD_ASSERT(open_one("127.0.0.1:0", 0600, &l, &err) == -1);
	CHILD_ASSERT(err.code == ERR_CONFIG);
}

static void
child_bad_count(const struct tmpdir *p)
{
	(void)p;
	refused_count("17");
	refused_count("x");
	refused_count("-1");
	refused_count("");
	_exit(0);
}

static void
child_not_listening(const struct tmpdir *p)
{
	struct listeners l;
	struct err err;
	int pair[2];

	pass(p, 3);
	CHILD_ASSERT(unlink(p->path) == 0);
	CHILD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHILD_ASSERT(dup2(pair[0], 4) == 4);
	set_env("2", getpid());
	CHILD_ASSERT(open_one(p->address, 0600, &l, &err) == -1);
	CHILD_ASSERT(err.code == ERR_CONFIG);
	CHILD_ASSERT(strstr(err.msg, "descriptor 4") != NULL);
	_exit(0);
}

static void
child_stdin(const struct tmpdir *p)
{
	struct listeners l;
	struct stat st;
	struct err err;

	pass(p, 0);
	CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &l, &err) == 0);
	CHILD_ASSERT(l.n == 1 && l.v[0].fd > 2 && l.v[0].inherited);
	CHILD_ASSERT((fcntl(l.v[0].fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHILD_ASSERT((fcntl(l.v[0].fd, F_GETFL) & O_NONBLOCK) != 0);
	/* Standard input stays open on /dev/null. */
	CHILD_ASSERT(fstat(0, &st) == 0 && S_ISCHR(st.st_mode));
	listen_close(&l);
	_exit(0);
}

/* LISTEN_FDS has precedence over standard input, which stays as it is. */
static void
child_both(const struct tmpdir *p)
{
	struct listeners l;
	struct stat st;
	struct err err;

	pass(p, 3);
	pass(p, 0);
	set_env("1", getpid());
	CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &l, &err) == 0);
	CHILD_ASSERT(l.n == 1 && l.v[0].fd == 3);
	CHILD_ASSERT(fstat(0, &st) == 0 && S_ISSOCK(st.st_mode));
	_exit(0);
}

static void
child_names(const struct tmpdir *p)
{
	static const struct {
		const char *names, *wanted[2];
	} rows[] = {
		{ "web:api", { "web", "api" } },
		{ "web", { "web", "" } },
		{ "", { "", "" } },
		{ "a:b:c", { "a", "b" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listeners l;
		struct err err;

		pass(p, 3);
		pass(p, 4);
		set_env("2", getpid());
		CHILD_ASSERT(setenv("LISTEN_FDNAMES", rows[i].names, 1) == 0);
		CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &l, &err) == 0);
		for (size_t k = 0; k < l.n; k++)
			CHILD_ASSERT(strcmp(l.v[k].name, rows[i].wanted[k]) ==
				     0);
		listen_close(&l);
	}
	_exit(0);
}

/* Sets the environment that a successor gets. */
static void
put_environment(const struct listeners *l)
{
	struct arena *a = arena_new(65536);
	struct buf out;

	CHILD_ASSERT(a != NULL);
	buf_init(&out, a, 65536);
	listen_print_environment(l, &out);
	CHILD_ASSERT(!buf_failed(&out));
	for (size_t at = 0; at < out.n; at += strlen(out.p + at) + 1) {
		char *equals = strchr(out.p + at, '=');

		CHILD_ASSERT(equals != NULL);
		CHILD_ASSERT(setenv(strndup(out.p + at,
					    (size_t)(equals - out.p) - at),
				    equals + 1, 1) == 0);
	}
	set_pid(getpid());
	arena_free(a);
}

/* The socket is handed over twice, and the last process unlinks it. */
static void
child_successor(const struct tmpdir *p)
{
	struct listeners first, second;
	struct stat st;
	struct err err;
	int saved;

	(void)unlink(p->path); /* it may exist */
	CHILD_ASSERT(open_one(p->address, 0600, &first, &err) == 0);
	CHILD_ASSERT(first.n == 1 && first.v[0].unlink);
	for (int takes_over = 0; takes_over <= 1; takes_over++) {
		CHILD_ASSERT(dup2(first.v[0].fd, 3) == 3);
		put_environment(&first);
		CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &second, &err) == 0);
		CHILD_ASSERT(getenv("FCGIAUTH_SOCKETS") == NULL);
		CHILD_ASSERT(second.n == 1 && second.v[0].inherited);
		CHILD_ASSERT(strcmp(second.v[0].path, p->path) == 0);
		CHILD_ASSERT(strcmp(second.v[0].name, p->address) == 0);
		if (takes_over == 0) {
			/* A successor that ends before it takes over unlinks
			 * nothing. */
			saved = dup(3);
			listen_close(&second);
			CHILD_ASSERT(dup2(saved, 3) == 3);
			CHILD_ASSERT(lstat(p->path, &st) == 0);
		}
	}
	listen_hand_over(&first);
	second.v[0].fd = dup(3);
	listen_close(&first);
	CHILD_ASSERT(lstat(p->path, &st) == 0);
	listen_take_over(&second);
	listen_close(&second);
	CHILD_ASSERT(lstat(p->path, &st) != 0);
	_exit(0);
}

/* Another file has the path now, and no process unlinks it. */
static void
child_replaced(const struct tmpdir *p)
{
	struct listeners first, second;
	struct stat st;
	struct err err;

	(void)unlink(p->path); /* it may exist */
	CHILD_ASSERT(open_one(p->address, 0600, &first, &err) == 0);
	CHILD_ASSERT(dup2(first.v[0].fd, 3) == 3);
	CHILD_ASSERT(unlink(p->path) == 0);
	CHILD_ASSERT(close(creat(p->path, 0600)) == 0);
	put_environment(&first);
	CHILD_ASSERT(open_one("127.0.0.1:1", 0600, &second, &err) == 0);
	CHILD_ASSERT(second.n == 1 && second.v[0].path[0] == '\0');
	listen_take_over(&second);
	listen_close(&second);
	CHILD_ASSERT(lstat(p->path, &st) == 0);
	_exit(0);
}

START_TEST(sockets_are_inherited)
{
	static const struct {
		void (*run)(const struct tmpdir *p);
		bool left; /* whether the socket file still exists */
	} rows[] = {
		{ child_systemd, true },    { child_other_pid, false },
		{ child_bad_count, false }, { child_not_listening, false },
		{ child_stdin, true },	    { child_both, true },
		{ child_names, true },	    { child_successor, false },
		{ child_replaced, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tmpdir p;

		tmpdir_init(&p);
		in_child(rows[i].run, &p);
		ck_assert_msg((unlink(p.path) == 0) == rows[i].left, "row %zu",
			      i);
		tmpdir_end(&p);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("passed");

	tcase_add_test(t, sockets_are_inherited);
	return run_case(t);
}
