/* SPDX-License-Identifier: MIT */
/* Listening sockets: inherited ones first, otherwise bound here. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/option.h"

#define BACKLOG	     4096 /* the kernel lowers it to its own maximum */
#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */
/* The names of the sockets, from a predecessor: one a line. */
#define NAMES	     "FCGIAUTH_SOCKETS"
#define UNIX_PREFIX  STR("unix:")

struct listen_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} u;
	socklen_t n;
};

static int
listen_parse_unix(struct str path, struct listen_address *out, struct err *err)
{
	if (path.n == 0 || path.p[0] != '/')
		return err_set(err, ERR_CONFIG,
			       "the path of a unix socket must be absolute");
	if (path.n >= sizeof(out->u.un.sun_path))
		return err_set(err, ERR_CONFIG,
			       "the path of a unix socket must have at "
			       "most %zu bytes",
			       sizeof(out->u.un.sun_path) - 1);
	if (str_find(path, '\0') < path.n || path.p[path.n - 1] == '/')
		return err_set(err, ERR_CONFIG,
			       "the path of a unix socket must "
			       "not contain NUL or end in /");
	*out = (struct listen_address){ .n = sizeof(out->u.un) };
	out->u.un.sun_family = AF_UNIX;
	memcpy(out->u.un.sun_path, path.p, path.n);
	return 0;
}

static int
parse_inet(struct str host, in_port_t port, struct listen_address *out)
{
	char text[INET6_ADDRSTRLEN];
	bool v6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	struct listen_address a = { .n = 0 };

	if (v6)
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	if (host.n >= sizeof(text) || str_find(host, '\0') < host.n)
		return -1;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (v6) {
		a.u.v6.sin6_family = AF_INET6;
		a.u.v6.sin6_port = htons(port);
		a.n = sizeof(a.u.v6);
		if (inet_pton(AF_INET6, text, &a.u.v6.sin6_addr) != 1)
			return -1;
	} else {
		a.u.v4.sin_family = AF_INET;
		a.u.v4.sin_port = htons(port);
		a.n = sizeof(a.u.v4);
		if (inet_pton(AF_INET, text, &a.u.v4.sin_addr) != 1)
			return -1;
	}
	*out = a;
	return 0;
}

static int
listen_parse(struct str s, struct listen_address *out, struct err *err)
{
	size_t colon = s.n;
	int64_t port;

	if (str_starts(s, UNIX_PREFIX))
		return listen_parse_unix(str_skip(s, UNIX_PREFIX.n), out, err);
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !str_to_uint(str_skip(s, colon), UINT16_MAX, &port) ||
	    parse_inet((struct str){ .p = s.p, .n = colon - 1 },
		       (in_port_t)port, out) < 0)
		return err_set(err, ERR_CONFIG,
			       "expected unix:/path, 127.0.0.1:9000 or "
			       "[::1]:9000");
	return 0;
}

static int
set_option(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

static bool
is_listening(int fd)
{
	int on = 0, type = 0;
	socklen_t n = sizeof(on), m = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && on != 0 &&
	       type == SOCK_STREAM;
}

static void
set_name(struct listener *l, struct str name)
{
	/* Used in the log, and cut off if it is too long. */
	(void)snprintf(l->name, sizeof(l->name), "%.*s", STR_ARG(name));
}

static int
inherit(int fd, struct str name, struct listeners *out, struct err *err)
{
	struct listener *l = &out->v[out->n];
	int flags = fcntl(fd, F_GETFL);

	if (!is_listening(fd))
		return err_set(err, ERR_CONFIG,
			       "descriptor %d is not a listening stream socket",
			       fd);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, ERR_INTERNAL, "descriptor %d: %s", fd,
			       strerror(errno));
	/* Fails on a unix socket, where the option has no meaning. */
	(void)set_option(fd, IPPROTO_TCP, TCP_NODELAY);
	*l = (struct listener){ .fd = fd, .inherited = true };
	set_name(l, name);
	out->n++;
	return 0;
}

/* Returns how many sockets the service manager passed to this process. */
static int
count_passed(int64_t *out, struct err *err)
{
	struct str pid = str_from(getenv("LISTEN_PID"));
	struct str fds = str_from(getenv("LISTEN_FDS"));
	int64_t who, n;

	if (!str_to_uint(pid, INT32_MAX, &who) || who != getpid()) {
		*out = 0;
		return 0;
	}
	if (!str_to_uint(fds, LISTEN_MAX, &n))
		return err_set(err, ERR_CONFIG,
			       "LISTEN_FDS must be a number up to %d",
			       LISTEN_MAX);
	*out = n;
	return 0;
}

/* Records a path that a predecessor bound. It must not be unlinked by this
 * process before the predecessor has ended. */
static void
note_path(struct listener *l, struct str name)
{
	struct listen_address a;
	struct err ignored; /* then the socket file stays when we end */
	struct stat st;

	if (!str_starts(name, UNIX_PREFIX) ||
	    listen_parse_unix(str_skip(name, UNIX_PREFIX.n), &a, &ignored) <
		0 ||
	    lstat(a.u.un.sun_path, &st) < 0)
		return;
	memcpy(l->path, a.u.un.sun_path, sizeof(l->path));
	l->device = st.st_dev;
	l->inode = st.st_ino;
}

static int
take_numbered(int64_t n, struct listeners *out, struct err *err)
{
	const char *of_predecessor = getenv(NAMES);
	char separator = of_predecessor != NULL ? '\n' : ':';
	struct str names =
	    str_from(of_predecessor != NULL ? of_predecessor :
					      getenv("LISTEN_FDNAMES"));

	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + n; fd++) {
		struct str name = STR("");

		/* false: there is no name left */
		(void)str_cut(&names, separator, &name);
		if (inherit(fd, name, out, err) < 0)
			return -1;
		note_path(&out->v[out->n - 1], name);
	}
	return 0;
}

/* Standard input is a socket when started by spawn-fcgi, or by systemd with
 * StandardInput=socket. Descriptor 0 is filled with /dev/null, so that no other
 * file becomes standard input. */
static int
listen_take_stdin(struct listeners *out, struct err *err)
{
	int null, fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST_PASSED);

	if (fd < 0)
		return err_set(err, ERR_INTERNAL, "descriptor 0: %s",
			       strerror(errno));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		err_set(err, ERR_INTERNAL, "/dev/null: %s", strerror(errno));
	else if (inherit(fd, STR("standard input"), out, err) == 0)
		fd = -1;
	if (null >= 0)
		(void)close(null); /* 0 is a copy of it, or the process ends */
	if (fd < 0)
		return 0;
	(void)close(fd); /* the process ends */
	return -1;
}

static int
take_passed(struct listeners *out, struct err *err)
{
	static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS",
						 "LISTEN_FDNAMES", NAMES };
	int64_t n = 0;

	if (count_passed(&n, err) < 0 || take_numbered(n, out, err) < 0)
		return -1;
	/* Children must not inherit these. */
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		(void)unsetenv(variables[i]); /* fails only on a bad name */
	return n == 0 && is_listening(STDIN_FILENO) ?
		   listen_take_stdin(out, err) :
		   0;
}

/* Returns 0 when nothing is there, or a socket that no process listens on. */
static int
check_free(const struct sockaddr_un *un, struct err *err)
{
	struct stat st;
	int fd, rc, reason;

	if (lstat(un->sun_path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(err, ERR_CONFIG, "%s", strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFIG,
			       "the path exists and is not a socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_INTERNAL, "socket: %s",
			       strerror(errno));
	rc = connect(fd, (const struct sockaddr *)un, sizeof(*un));
	reason = rc < 0 ? errno : 0;
	(void)close(fd);
	if (rc < 0 && (reason == ECONNREFUSED || reason == ENOENT))
		return 0;
	/* EAGAIN: its queue is full, so a process listens. */
	if (rc == 0 || reason == EAGAIN)
		return err_set(err, ERR_CONFIG,
			       "another service listens on it");
	return err_set(err, ERR_CONFIG, "connect: %s", strerror(reason));
}

/* Makes a name in the same folder, so that rename() can put it into place. */
static int
temporary_name(const char *path, struct sockaddr_un *out, struct err *err)
{
	size_t folder = (size_t)(strrchr(path, '/') - path);
	int n;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(out->sun_path, sizeof(out->sun_path), "%.*s/.%ld.new",
		     (int)folder, path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(out->sun_path))
		return err_set(err, ERR_CONFIG,
			       "the name of its folder is too long");
	return 0;
}

static int
bind_and_rename(int fd, const struct sockaddr_un *un, unsigned mode,
		struct listener *l, struct err *err)
{
	struct sockaddr_un temporary;
	const char *name = temporary.sun_path;
	struct stat st;

	if (temporary_name(un->sun_path, &temporary, err) < 0)
		return -1;
	/* A file of that name was left behind by a crash: its process had our
	 * process id, so it has ended. */
	(void)unlink(name);
	if (bind(fd, (const struct sockaddr *)&temporary, sizeof(temporary)) <
	    0)
		return err_set(err, ERR_CONFIG, "bind %s: %s", name,
			       strerror(errno));
	/* Before listen(), so that nobody connects while the mode is wider. */
	if (chmod(name, (mode_t)mode) < 0 || listen(fd, BACKLOG) < 0 ||
	    lstat(name, &st) < 0 || rename(name, un->sun_path) < 0) {
		err_set(err, ERR_CONFIG, "%s", strerror(errno));
		(void)unlink(name); /* nothing else can be done if it fails */
		return -1;
	}
	memcpy(l->path, un->sun_path, sizeof(l->path));
	l->device = st.st_dev;
	l->inode = st.st_ino;
	l->unlink = true;
	return 0;
}

static int
bind_tcp(int fd, const struct listen_address *a, struct err *err)
{
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
	    /* Accepted sockets inherit this option. */
	    set_option(fd, IPPROTO_TCP, TCP_NODELAY) < 0 ||
	    (a->u.any.sa_family == AF_INET6 &&
	     set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) ||
	    bind(fd, &a->u.any, a->n) < 0 || listen(fd, BACKLOG) < 0)
		return err_set(err, ERR_CONFIG, "%s", strerror(errno));
	return 0;
}

static int
open_one(struct str s, unsigned mode, struct listener *out, struct err *err)
{
	struct listen_address a;
	struct listener l = { .fd = -1 };
	int rc;

	if (listen_parse(s, &a, err) < 0)
		return -1;
	if (a.u.any.sa_family == AF_UNIX && check_free(&a.u.un, err) < 0)
		return -1;
	l.fd = socket(a.u.any.sa_family,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l.fd < 0)
		return err_set(err, ERR_CONFIG, "socket: %s", strerror(errno));
	if (a.u.any.sa_family == AF_UNIX)
		rc = bind_and_rename(l.fd, &a.u.un, mode, &l, err);
	else
		rc = bind_tcp(l.fd, &a, err);
	if (rc < 0) {
		(void)close(l.fd);
		return -1;
	}
	set_name(&l, s);
	*out = l;
	return 0;
}

static int
open_all(const struct words *addresses, unsigned mode, struct listeners *out,
	 struct err *err)
{
	if (addresses->n == 0 || addresses->n > LISTEN_MAX)
		return err_set(err, ERR_CONFIG,
			       "expected 1 to %d addresses to listen on",
			       LISTEN_MAX);
	for (size_t i = 0; i < addresses->n; i++) {
		struct str s = addresses->v[i];

		if (open_one(s, mode, &out->v[out->n], err) < 0)
			return err_context(err, "%.*s", STR_ARG(s));
		out->n++;
	}
	return 0;
}

int
listen_open(const struct words *addresses, unsigned mode, struct listeners *out,
	    struct err *err)
{
	struct listeners l = { .n = 0 };

	if (take_passed(&l, err) < 0 ||
	    (l.n == 0 && open_all(addresses, mode, &l, err) < 0)) {
		listen_close(&l);
		return -1;
	}
	*out = l;
	return 0;
}

/* True when the path still leads to this socket, and not to another one. */
static bool
is_in_place(const struct listener *l)
{
	struct stat st;

	return lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	       st.st_ino == l->inode;
}

void
listen_close(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct listener *one = &l->v[i];

		if (one->unlink && is_in_place(one))
			/* if it fails, the file stays */
			(void)unlink(one->path);
		(void)close(one->fd);
	}
	l->n = 0;
}

void
listen_print_environment(const struct listeners *l, struct buf *out)
{
	buf_printf(out, "LISTEN_FDS=%zu%c" NAMES "=", l->n, '\0');
	for (size_t i = 0; i < l->n; i++) {
		const struct listener *one = &l->v[i];
		/* A path that leads to another socket by now is not passed
		 * on. */
		bool lost = one->path[0] != '\0' && !is_in_place(one);

		buf_printf(out, "%s%s\n", lost ? "lost " : "", one->name);
	}
	buf_add_char(out, '\0');
}

void
listen_hand_over(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->v[i].unlink = false;
}

void
listen_take_over(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->v[i].unlink = l->v[i].path[0] != '\0';
}
