/* SPDX-License-Identifier: MIT */
/* server/listen: addresses, and safe binding. */
#include "server/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/option.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/tmpdir.h"
#include "tests/support/run.h"

static void
must_open(const char *address, struct listeners *out)
{
	struct err err = { .code = ERR_NONE };

	ck_assert_msg(open_one(address, 0600, out, &err) == 0, "%s", err.msg);
}

/* The error must be ERR_CONFIG with the address and `word` in its message, and
 * *out must be unchanged. */
static void
must_refuse(const char *address, const char *word)
{
	struct listeners l = { .n = 77 };
	struct err err = { .code = ERR_NONE };

	ck_assert_int_eq(open_one(address, 0600, &l, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_uint_eq(l.n, 77);
	ck_assert_msg(strstr(err.msg, address) != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, word) != NULL, "%s", err.msg);
}

static bool
somebody_accepts(const struct listeners *l, const char *path)
{
	int client = fcgi_connect(path), server;

	if (client < 0)
		return false;
	server = accept4(l->v[0].fd, NULL, NULL, SOCK_CLOEXEC);
	(void)close(client);
	if (server >= 0)
		(void)close(server);
	return server >= 0;
}

START_TEST(addresses_are_parsed)
{
	static const char *const good[] = { "127.0.0.1:0", "0.0.0.0:0",
					    "127.0.0.1:65535" };
	const struct str bad[] = {
		STR(""),
		STR("unix:"),
		STR("unix:relative"),
		STR("unix:/folder/"),
		STR("unix:/a\0b"),
		STR("/run/s"),
		STR("127.0.0.1"),
		STR("127.0.0.1:"),
		STR("127.0.0.1:65536"),
		STR("127.0.0.1:-1"),
		STR("127.0.0.1:9000 "),
		STR("127.0.0.1:http"),
		STR("127.1:9000"),
		STR("localhost:9000"),
		STR(":9000"),
		STR("9000"),
		STR("*:9000"),
		STR("::1:9000"),
		STR("[::1]"),
		STR("[]:9000"),
		STR("[127.0.0.1]:9000"),
		STR("[::1%lo]:9000"),
		STR("[::1:9000"),
		STR("127.0.0.1\0:9000"),
	};
	struct listeners l;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = { .code = ERR_NONE };

		if (open_one(good[i], 0600, &l, &err) == 0)
			listen_close(&l);
		else /* the port is in use, but the address is valid */
			ck_assert_msg(strstr(err.msg, "expected") == NULL, "%s",
				      err.msg);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct words one = { .v = &bad[i], .n = 1 };
		struct err err = { .code = ERR_NONE };

		ck_assert_msg(listen_open(&one, 0600, &l, &err) != 0, "row %zu",
			      i);
		ck_assert_msg(err.code == ERR_CONFIG, "row %zu: %s", i,
			      err.msg);
	}
}
END_TEST

/* A path of n bytes in the folder; n is more than 60. */
static void
long_path(char *out, const char *folder, size_t n)
{
	size_t have = (size_t)snprintf(out, n, "%s/", folder);

	memset(out + have, 'x', n - have);
	out[n] = '\0';
}

START_TEST(length_of_the_path_is_bounded)
{
	struct tmpdir p;
	struct listeners l;
	char path[200], address[220];

	tmpdir_init(&p);
	long_path(path, p.folder, 107);
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	must_open(address, &l);
	ck_assert_str_eq(l.v[0].path, path);
	ck_assert(somebody_accepts(&l, path));
	listen_close(&l);
	long_path(path, p.folder, 108);
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	must_refuse(address, "at most 107");
	tmpdir_end(&p);
}
END_TEST

START_TEST(unix_socket_has_its_mode)
{
	static const unsigned modes[] = { 0600, 0660, 0666, 0777 };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct err err = { .code = ERR_NONE };
		struct listeners l;
		struct tmpdir p;
		struct stat st;
		int flags;

		tmpdir_init(&p);
		ck_assert_int_eq(open_one(p.address, modes[i], &l, &err), 0);
		ck_assert_int_eq(lstat(p.path, &st), 0);
		ck_assert_msg((st.st_mode & 07777) == modes[i], "row %zu", i);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert(!l.v[0].inherited);
		flags = fcntl(l.v[0].fd, F_GETFL);
		ck_assert_int_ne(flags & O_NONBLOCK, 0);
		flags = fcntl(l.v[0].fd, F_GETFD);
		ck_assert_int_ne(flags & FD_CLOEXEC, 0);
		ck_assert(somebody_accepts(&l, p.path));
		listen_close(&l);
		ck_assert_uint_eq(l.n, 0);
		ck_assert_int_lt(lstat(p.path, &st), 0);
		tmpdir_end(&p);
	}
}
END_TEST

START_TEST(socket_of_another_service_is_kept)
{
	struct tmpdir p;
	struct listeners l;

	tmpdir_init(&p);
	must_open(p.address, &l);
	must_refuse(p.address, "another service listens on it");
	/* The first service is not disturbed: it has accepted the probe, and
	 * goes on. */
	ck_assert(somebody_accepts(&l, p.path));
	listen_close(&l);
	tmpdir_end(&p);
}
END_TEST

START_TEST(stale_socket_is_replaced)
{
	struct tmpdir p;
	struct listeners l;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tmpdir_init(&p);
	memcpy(un.sun_path, p.path, strlen(p.path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	(void)close(fd); /* as a crash does: the name stays */
	must_open(p.address, &l);
	ck_assert(somebody_accepts(&l, p.path));
	listen_close(&l);
	tmpdir_end(&p);
}
END_TEST

START_TEST(other_files_are_kept)
{
	struct tmpdir p;
	struct stat st;
	char other[100];
	int fd;

	tmpdir_init(&p);
	fd = open(p.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "data", 4), 4);
	(void)close(fd); /* written */
	must_refuse(p.address, "not a socket");
	ck_assert_int_eq(lstat(p.path, &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(unlink(p.path), 0);

	ck_assert_int_eq(mkdir(p.path, 0700), 0);
	must_refuse(p.address, "not a socket");
	ck_assert_int_eq(rmdir(p.path), 0);

	/* A link is not followed, wherever it leads. */
	(void)snprintf(other, sizeof(other), "%s/other", p.folder);
	ck_assert_int_eq(symlink(other, p.path), 0);
	must_refuse(p.address, "not a socket");
	ck_assert_int_eq(unlink(p.path), 0);
	tmpdir_end(&p);
}
END_TEST

START_TEST(datagram_socket_is_kept)
{
	struct tmpdir p;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	tmpdir_init(&p);
	memcpy(un.sun_path, p.path, strlen(p.path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	must_refuse(p.address, "connect: ");
	(void)close(fd);
	ck_assert_int_eq(unlink(p.path), 0);
	tmpdir_end(&p);
}
END_TEST

START_TEST(missing_folder_is_reported)
{
	struct tmpdir p;

	tmpdir_init(&p);
	ck_assert_int_eq(rmdir(p.folder), 0);
	must_refuse(p.address, "No such file");
}
END_TEST

/* A successor has replaced the socket file, which is then not removed. */
START_TEST(successor_keeps_its_socket)
{
	struct tmpdir p;
	struct listeners old, new;

	tmpdir_init(&p);
	must_open(p.address, &old);
	ck_assert_int_eq(unlink(p.path), 0);
	must_open(p.address, &new);
	listen_close(&old);
	ck_assert(somebody_accepts(&new, p.path));
	listen_close(&new);
	tmpdir_end(&p);
}
END_TEST

/* If one address is bad, no socket stays open and no file stays. */
START_TEST(failure_leaves_no_socket)
{
	struct tmpdir p;
	struct listeners l = { .n = 77 };
	struct err err;
	struct str v[LISTEN_MAX + 1];

	tmpdir_init(&p);
	v[0] = str_from(p.address);
	v[1] = STR("127.0.0.1:0");
	v[2] = str_from(p.address);
	ck_assert_int_eq(listen_open(&(struct words){ .v = v, .n = 3 }, 0600,
				     &l, &err),
			 -1);
	ck_assert_uint_eq(l.n, 77);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = STR("127.0.0.1:0");
	ck_assert_int_eq(listen_open(&(struct words){ .v = v,
						      .n = LISTEN_MAX + 1 },
				     0600, &l, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(listen_open(&(struct words){ .n = 0 }, 0600, &l, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(listen_open(&(struct words){ .v = v, .n = LISTEN_MAX },
				     0600, &l, &err),
			 0);
	ck_assert_uint_eq(l.n, LISTEN_MAX);
	listen_close(&l);
	tmpdir_end(&p);
}
END_TEST

/* The address that the kernel chose for port 0. */
static socklen_t
bound(const struct listeners *l, struct sockaddr_storage *out, char *text,
      size_t n)
{
	socklen_t size = sizeof(*out);

	ck_assert_int_eq(getsockname(l->v[0].fd, (struct sockaddr *)out, &size),
			 0);
	if (out->ss_family == AF_INET6)
		(void)snprintf(text, n, "[::1]:%u",
			       ntohs(((struct sockaddr_in6 *)out)->sin6_port));
	else
		(void)snprintf(text, n, "127.0.0.1:%u",
			       ntohs(((struct sockaddr_in *)out)->sin_port));
	return size;
}

static int
option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &n), 0);
	return value;
}

static void
check_tcp(const char *address)
{
	struct sockaddr_storage a;
	struct listeners l;
	char text[64];
	socklen_t n;
	int client, server;

	must_open(address, &l);
	n = bound(&l, &a, text, sizeof(text));
	client = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&a, n), 0);
	server = accept4(l.v[0].fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(server, 0);
	ck_assert_int_ne(option_of(server, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(option_of(l.v[0].fd, SOL_SOCKET, SO_REUSEADDR), 0);
	if (a.ss_family == AF_INET6)
		ck_assert_int_ne(option_of(l.v[0].fd, IPPROTO_IPV6,
					   IPV6_V6ONLY),
				 0);
	must_refuse(text, "in use");
	/* This side closes first, so the port is in TIME_WAIT, which is no
	 * obstacle. */
	(void)close(server);
	(void)close(client);
	listen_close(&l);
	must_open(text, &l);
	listen_close(&l);
}

START_TEST(tcp_addresses_are_listened_on)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	check_tcp("127.0.0.1:0");
	/* If the kernel has no IPv6, there is nothing to check. */
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		check_tcp("[::1]:0");
	if (fd >= 0)
		(void)close(fd);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("listen");

	tcase_add_test(t, addresses_are_parsed);
	tcase_add_test(t, length_of_the_path_is_bounded);
	tcase_add_test(t, unix_socket_has_its_mode);
	tcase_add_test(t, socket_of_another_service_is_kept);
	tcase_add_test(t, stale_socket_is_replaced);
	tcase_add_test(t, other_files_are_kept);
	tcase_add_test(t, datagram_socket_is_kept);
	tcase_add_test(t, missing_folder_is_reported);
	tcase_add_test(t, successor_keeps_its_socket);
	tcase_add_test(t, failure_leaves_no_socket);
	tcase_add_test(t, tcp_addresses_are_listened_on);
	return run_case(t);
}
