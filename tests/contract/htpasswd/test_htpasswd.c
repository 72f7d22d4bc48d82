/* SPDX-License-Identifier: MIT */
/* A password file as user source, while the file changes. */
#include "strategy/users.h"
#include "backends/htpasswd/file.h"
#include "tests/contract/expect.h"
#include "tests/support/call.h"
#include "tests/support/fake_env.h"
#include "tests/support/process.h"
#include "tests/support/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct user_source_ops users_htpasswd;

struct fixture {
	const char *name;
	struct fake_env fake;
	struct log log;
	char folder[64], file[96], groups[96], said[96];
	struct backend *users;
	struct users_conn *conn;
	struct arena *a;
	struct err err;
};

static struct fixture fixture, *const r = &fixture;

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t n = strlen(text);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
	ck_assert_int_eq(close(fd), 0);
}

/* Replaces the file by another inode, like an editor. */
static void
replace_file(const char *path, const char *text)
{
	char next[128];

	(void)snprintf(next, sizeof(next), "%s.new", path);
	write_file(next, text);
	ck_assert_int_eq(rename(next, path), 0);
}

/* Returns how often the log contains a word. */
static int
said(const char *word)
{
	char text[8192] = "";
	int fd = open(r->said, O_RDONLY), n = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_int_eq(close(fd), 0);
	for (const char *p = strstr(text, word); p != NULL;
	     p = strstr(p + 1, word))
		n++;
	return n;
}

static int
open_source(bool groups)
{
	/* The rest of the options, as far as there are any, is zero. */
	const struct {
		const char *file, *groups;
		void *rest[8];
	} conf = { .file = r->file, .groups = groups ? r->groups : NULL };

	ck_assert_uint_ge(sizeof(conf), users_htpasswd.base.driver.conf_size);
	if (users_open(&users_htpasswd, &conf, &r->fake.env, &r->users,
		       &r->err) != 0)
		return -1;
	users_conn_bind(r->conn, r->users);
	return 0;
}

static void
setup(void)
{
	*r = (struct fixture){ .name = "htpasswd" };
	fake_env_init(&r->fake);
	process_folder(r->folder, sizeof(r->folder));
	(void)snprintf(r->file, sizeof(r->file), "%s/users", r->folder);
	(void)snprintf(r->groups, sizeof(r->groups), "%s/groups", r->folder);
	(void)snprintf(r->said, sizeof(r->said), "%s/log", r->folder);
	write_file(r->said, "");
	r->log = (struct log){ .fd = open(r->said, O_WRONLY | O_APPEND),
			       .level = LOG_DEBUG,
			       .wall_ms = r->fake.env.clock.wall_ms,
			       .ctx = r->fake.env.clock.ctx };
	r->fake.env.log = &r->log;
	r->a = arena_new(16 << 20);
	r->conn = users_conn_new(&r->fake.env);
	ck_assert(r->a != NULL && r->conn != NULL);
}

static void
teardown(void)
{
	users_conn_free(r->conn);
	backend_unref(r->users);
	arena_free(r->a);
	ck_assert_int_eq(close(r->log.fd), 0);
	process_remove(r->folder);
}

static bool
find(const char *name, struct user *out)
{
	struct user_answer is = { .found = true };

	OK(r, users_find(r->conn, AT(r, 0), str_from(name), &is, &r->err));
	*out = is.user;
	return is.found;
}

static bool
there(const char *name)
{
	struct user u;

	return find(name, &u);
}

static const char *
roles(const char *name)
{
	struct user u = { .who.roles = STR("?") };
	char *text;

	(void)find(name, &u);
	text = arena_cstr(r->a, u.who.roles);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(users_of_the_file_are_found)
{
	struct user u;

	write_file(r->file, "# a comment\n\n  \t\nalice:$2y$a\n"
			    "bob:$apr1$b:a comment\r\n  carol:\n#dave:x\n"
			    "Alice:$6$c\nerin:$5$no-end");
	OK(r, open_source(false));
	HOLDS(r, find("alice", &u));
	HOLDS(r, str_eq(u.who.name, STR("alice")));
	HOLDS(r, str_eq(u.hash, STR("$2y$a")));
	HOLDS(r, u.who.roles.n == 0 && !u.disabled);
	HOLDS(r, find("bob", &u));
	HOLDS(r, str_eq(u.hash, STR("$apr1$b")));
	HOLDS(r, find("carol", &u));
	SAME(r, u.hash.n, 0);
	HOLDS(r, find("Alice", &u));
	HOLDS(r, str_eq(u.hash, STR("$6$c")));
	HOLDS(r, there("erin"));
	HOLDS(r, !there("dave") && !there("#dave") && !there("ALICE") &&
		     !there("alic") && !there("alice:"));
	OK(r, users_ping(r->conn, &r->err));
}
END_TEST

START_TEST(groups_are_roles)
{
	write_file(r->file, "alice:$a\nbob:$b\ncarol:$c\n");
	write_file(r->groups, "# c\nadmin: alice  carol\n\nstaff:bob alice\n"
			      "empty:\nadmin: carol bob nobody\n"
			      "not a role: alice\nALICE: alice2 Alice\n");
	OK(r, open_source(true));
	ck_assert_str_eq(roles("alice"), "admin,staff");
	ck_assert_str_eq(roles("bob"), "staff,admin");
	ck_assert_str_eq(roles("carol"), "admin");
	SAME(r, said("not a valid role"), 1);
}
END_TEST

START_TEST(a_list_is_sorted)
{
	static const char *const sorted[] = { "A", "Z", "a", "aa", "b" };
	struct user_list list;

	write_file(r->file, "b:$\naa:$\nZ:$\na:$\nA:$\n");
	OK(r, open_source(false));
	for (size_t limit = 1; limit < 7; limit++) {
		struct str after = STR("");
		size_t n = 0;

		do {
			OK(r, users_list(r->conn, AT(r, 0), after, limit, &list,
					 &r->err));
			HOLDS(r, list.n <= limit);
			for (size_t i = 0; i < list.n; i++) {
				after = list.v[i].who.name;
				HOLDS(r, str_eq(after, str_from(sorted[n])));
				n++;
			}
		} while (list.n == limit);
		SAME(r, n, ARRAY_LEN(sorted));
	}
}
END_TEST

START_TEST(the_file_is_never_written)
{
	struct user u;
	enum user_change answer;
	struct schema_state state;
	struct hash_change change = { .hash = STR("$x") };
	bool changed = true;

	write_file(r->file, "alice:$a\n");
	OK(r, open_source(false));
	HOLDS(r, find("alice", &u));
	FAILS(r, users_add(r->conn, AT(r, 0), &u, &answer, &r->err), ERR_CONFIG,
	      "htpasswd(1)");
	FAILS(r, users_remove(r->conn, AT(r, 0), u.who.name, &answer, &r->err),
	      ERR_CONFIG, "htpasswd(1)");
	OK(r, users_set_hash(r->conn, AT(r, 0), &change, &changed, &r->err));
	HOLDS(r, !changed);
	OK(r, users_schema(r->conn, &state, &r->err));
	SAME(r, state.want, 0);
	OK(r, users_check_schema(r->conn, &r->err));
}
END_TEST

static const struct {
	const char *users, *groups, *says;
} mistakes[] = {
	{ "alice:$a\nbob\n", NULL, "users:2: there is no colon" },
	{ "alice:$a\n\n#\n:$b\n", NULL, "users:4: there is no name" },
	{ "a:$1\nb:$2\nc:$3\nb:$4\n", NULL,
	  "users:4: user b is already in line 2" },
	{ "", NULL, "there is no user" },
	{ "# nobody\n", NULL, "there is no user" },
	{ "no name:$x\n", NULL, "there is no user" },
	{ NULL, NULL, "users: No such file" },
	{ "alice:$a\n", "admin alice\n", "groups:1: there is no colon" },
	{ "alice:$a\n", "a: alice\n: alice\n", "groups:2: there is no name" },
};

START_TEST(a_mistake_prevents_the_start)
{
	if (mistakes[_i].users != NULL)
		write_file(r->file, mistakes[_i].users);
	if (mistakes[_i].groups != NULL)
		write_file(r->groups, mistakes[_i].groups);
	ck_assert_msg(open_source(mistakes[_i].groups != NULL) == -1,
		      "row %d: the file is accepted", _i);
	ck_assert_msg(r->err.code == ERR_CONFIG &&
			  strstr(r->err.msg, mistakes[_i].says) != NULL,
		      "row %d: %s", _i, r->err.msg);
}
END_TEST

/* The limits on lines, bytes and the size of files. */
START_TEST(files_have_limits)
{
	char *big = calloc(1, 2 << 20), *p = big;

	ck_assert_ptr_nonnull(big);
	(void)snprintf(big, 2048, "a:$x\nb:%01030d\n", 0);
	write_file(r->file, big);
	FAILS(r, open_source(false), ERR_CONFIG, "users:2: the line has more");
	(void)snprintf(big, 2048, "a:$x\nb:%0513d\n", 0);
	write_file(r->file, big);
	FAILS(r, open_source(false), ERR_CONFIG, "users:2: the hash has more");
	for (int i = 0; i < 100001; i++)
		p += sprintf(p, "u%d:$\n", i);
	write_file(r->file, big);
	FAILS(r, open_source(false), ERR_CONFIG, "users:100001: more than");
	write_file(r->file, "alice:$a\n");
	p = big;
	for (int i = 0; i < 20; i++)
		p += sprintf(p, "%060d: alice\n", i);
	write_file(r->groups, big);
	FAILS(r, open_source(true), ERR_CONFIG,
	      "groups:17: the groups of alice");
	free(big);
	ck_assert_int_eq(truncate(r->groups, HTPASSWD_BYTES_MAX + 1), 0);
	FAILS(r, open_source(true), ERR_CONFIG, "groups: it is larger");
	ck_assert_int_eq(unlink(r->groups), 0);
	ck_assert_int_eq(mkdir(r->groups, 0700), 0);
	FAILS(r, open_source(true), ERR_CONFIG, "groups: it is a directory");
	write_file(r->file, "alice:$a\n");
	ck_assert_int_eq(truncate(r->file, 12), 0); /* with NULs */
	FAILS(r, open_source(false), ERR_CONFIG, "users:2: there is a NUL");
}
END_TEST

START_TEST(unusable_lines_are_logged)
{
	write_file(r->file, "alice:$a\nno name:$x\nm\xc3\xbcller:$x\n"
			    "old:4YsTU2tsmmUYI\nsha:{SHA}mN7MY=\n");
	OK(r, open_source(false));
	HOLDS(r, there("old") && there("sha"));
	SAME(r, said("not a valid user name"), 1); /* once for each reading */
	SAME(r, said("lines=\"2, 3\""), 1);
	SAME(r, said("lines=4 kind=des-crypt"), 1);
	SAME(r, said("lines=5 kind=digest"), 1);
}
END_TEST

START_TEST(changes_of_the_file_are_read)
{
	write_file(r->file, "alice:$a\n");
	write_file(r->groups, "admin: alice\n");
	OK(r, open_source(true));
	HOLDS(r, there("alice") && !there("bob"));
	write_file(r->file, "alice:$a\nbob:$b\n"); /* in place */
	HOLDS(r, there("alice") && there("bob"));
	replace_file(r->file, "bob:$c\n"); /* another file */
	HOLDS(r, !there("alice") && there("bob"));
	ck_assert_str_eq(roles("bob"), "");
	replace_file(r->groups, "staff: bob\n");
	ck_assert_str_eq(roles("bob"), "staff");
	write_file(r->groups, "");
	ck_assert_str_eq(roles("bob"), "");
	SAME(r, said("htpasswd_read"), 4);
	HOLDS(r, there("bob"));
	SAME(r, said("htpasswd_read"),
	     4); /* an unchanged file is not read again */
}
END_TEST

START_TEST(a_mistake_keeps_the_last_correct_file)
{
	write_file(r->file, "alice:$a\n");
	OK(r, open_source(false));
	write_file(r->file, "alice:$a\nalice:$b\n");
	HOLDS(r, there("alice") && !there("bob"));
	HOLDS(r, there("alice"));
	SAME(r, said("htpasswd_refused"), 1); /* once for each change */
	SAME(r, said("users:2: user alice is already in line"), 1);
	write_file(r->file, "alice:$a\nrubbish\n");
	HOLDS(r, there("alice"));
	SAME(r, said("htpasswd_refused"), 2);
	write_file(r->file, "bob:$b\n");
	HOLDS(r, !there("alice") && there("bob"));
	/* The file ends in the middle of a line, which no earlier file did. */
	write_file(r->file, "bob:$b\nca");
	HOLDS(r, there("bob"));
	write_file(r->file, "carol:$2y$05$abc");
	HOLDS(r, there("bob") && !there("carol"));
	SAME(r, said("it may be cut off"), 1);
	replace_file(r->file, "carol:$2y$05$abc\n");
	HOLDS(r, !there("bob") && there("carol"));
}
END_TEST

START_TEST(a_missing_or_empty_file_is_unavailable)
{
	struct user_answer is = { .found = true };
	struct rlimit was, none;

	write_file(r->file, "alice:$a\n");
	OK(r, open_source(false));
	ck_assert_int_eq(unlink(r->file), 0);
	FAILS(r, users_find(r->conn, AT(r, 0), STR("alice"), &is, &r->err),
	      ERR_UNAVAILABLE, "users: No such file");
	FAILS(r, users_ping(r->conn, &r->err), ERR_UNAVAILABLE, "No such file");
	HOLDS(r, is.found);
	write_file(r->file, "");
	FAILS(r, users_find(r->conn, AT(r, 0), STR("alice"), &is, &r->err),
	      ERR_UNAVAILABLE, "there is no user");
	write_file(r->file, "bob:$b\n");
	HOLDS(r, !there("alice") && there("bob")); /* without a back-off */
	/* This failure is not in the file, so the file is read again later. A
	 * file with a mistake would be read only once. */
	write_file(r->file, "carol:$c\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){ .rlim_max = was.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	FAILS(r, users_find(r->conn, AT(r, 0), STR("bob"), &is, &r->err),
	      ERR_UNAVAILABLE, "Too many open files");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	HOLDS(r, !there("bob") && there("carol"));
}
END_TEST

/* Sets the fake clock to this time after the last change of the file. */
static void
stand_after_change(int64_t ms)
{
	struct stat st;

	ck_assert_int_eq(stat(r->file, &st), 0);
	atomic_store(&r->fake.wall_ms, (int64_t)st.st_ctim.tv_sec * 1000 +
					   st.st_ctim.tv_nsec / 1000000 + ms);
}

START_TEST(a_changed_file_is_used_after_a_second)
{
	write_file(r->file, "alice:$a\n");
	stand_after_change(100);
	OK(r, open_source(false)); /* there is no earlier file */
	HOLDS(r, there("alice"));
	SAME(r, said("htpasswd_read"), 0);
	stand_after_change(1000);
	HOLDS(r, there("alice"));
	SAME(r, said("htpasswd_read"),
	     1); /* it may have changed in the same second */
	/* htpasswd(1) empties the file, then writes. */
	write_file(r->file, "");
	stand_after_change(0);
	HOLDS(r, there("alice"));
	write_file(r->file, "bob:$b\n");
	stand_after_change(999);
	HOLDS(r, there("alice") && !there("bob"));
	stand_after_change(1000);
	HOLDS(r, !there("alice") && there("bob"));
	/* A clock that was set back must not delay the reading forever. */
	write_file(r->file, "carol:$c\n");
	stand_after_change(-5000);
	HOLDS(r, !there("bob") && there("carol"));
	HOLDS(r, said("htpasswd_refused") == 0);
}
END_TEST

enum { THREADS = 4, ROUNDS = 300 };

static void *
read_all(void *arg)
{
	struct users_conn *conn = users_conn_new(&r->fake.env);
	long *bad = arg;

	users_conn_bind(conn, r->users);
	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new(1 << 20);
		struct user_answer x, y;
		struct err err;

		if (users_find(conn, CALL_AT(a, 0), STR("always"), &x, &err) !=
			0 ||
		    users_find(conn, CALL_AT(a, 0), STR("never"), &y, &err) !=
			0 ||
		    !x.found || y.found)
			++*bad;
		arena_free(a);
	}
	users_conn_free(conn);
	return NULL;
}

START_TEST(threads_share_the_file)
{
	pthread_t threads[THREADS];
	long bad[THREADS] = { 0 };

	write_file(r->file, "always:$a\n");
	OK(r, open_source(false));
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all,
						&bad[i]),
				 0);
	for (int i = 0; i < ROUNDS; i++)
		replace_file(r->file, i % 2 == 0 ? "always:$a\nother:$b\n" :
						   "always:$a\n");
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		SAME(r, bad[i], 0);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("htpasswd");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, users_of_the_file_are_found);
	tcase_add_test(t, groups_are_roles);
	tcase_add_test(t, a_list_is_sorted);
	tcase_add_test(t, the_file_is_never_written);
	tcase_add_loop_test(t, a_mistake_prevents_the_start, 0,
			    ARRAY_LEN(mistakes));
	tcase_add_test(t, files_have_limits);
	tcase_add_test(t, unusable_lines_are_logged);
	tcase_add_test(t, changes_of_the_file_are_read);
	tcase_add_test(t, a_mistake_keeps_the_last_correct_file);
	tcase_add_test(t, a_missing_or_empty_file_is_unavailable);
	tcase_add_test(t, a_changed_file_is_used_after_a_second);
	tcase_add_test(t, threads_share_the_file);
	return run_case(t);
}
