/* SPDX-License-Identifier: MIT */
/* The parser of password files and groups: which lines it reads, and what it
 * notes. */
#include "backends/htpasswd/file.h"
#include "strategy/user_source.h"
#include "tests/support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *a;
static struct htpasswd h;

static void
setup(void)
{
	a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(a);
}

static void
teardown(void)
{
	arena_free(a);
}

static void
parse(const char *users, const char *groups)
{
	const struct htpasswd_text u = { "users", str_from(users) };
	const struct htpasswd_text g = { "groups", str_from(groups) };
	struct err err;

	ck_assert_msg(htpasswd_parse(&u, groups != NULL ? &g : NULL, a, &h,
				     &err) == 0,
		      "%s", err.msg);
}

static const char *
roles(const char *name)
{
	const struct htpasswd_user *u = htpasswd_find(&h, str_from(name));

	ck_assert_ptr_nonnull(u);
	return arena_cstr(a, u->roles);
}

static const struct htpasswd_refused *
refused(const char *kind)
{
	for (size_t i = 0; i < h.nrefused; i++) {
		if (strcmp(h.refused[i].kind, kind) == 0)
			return &h.refused[i];
	}
	ck_abort_msg("no refused hash of kind %s", kind);
	return NULL;
}

/* clang-format off */
static const char *const kinds[] = {
	"$1$s4q3060d$XclWzUwxGIQbSuaZfyfAn1", "md5-crypt",
	"$P$B4buMmHVQA9JB9.t9LrYOvCwS9Tt5N1", "phpass",
	"$S$DSjXzEkOVqLbSZIeuyLlLJ2IeZAbuJ1kG7VwSu", "drupal-sha512",
	"$argon2d$v=19$m=8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g", "argon2d",
	"$$2y$$05$$abcdefghijklmnopqrstuu", "doubled-dollars",
	"pbkdf2_sha1$1000$seasalt$xxxx", "pbkdf2-sha1",
	"{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=", "digest",
	"{PLAIN}secret", "plain",
	"$2y$31$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S",
	"bcrypt",
	"!", "none",
};
/* clang-format on */

#define BCRYPT "$2y$05$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"

/* Each refused kind has its name and its lines. Users with usable hashes are
 * not noted. */
START_TEST(refused_hashes_are_noted_by_kind)
{
	const size_t n = ARRAY_LEN(kinds) / 2;
	char text[4096] = "";
	char *p = text;

	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "u%zu:%s\ngood%zu:" BCRYPT "\n", i,
			     kinds[2 * i], i);
	for (int i = 0; i < 12; i++)
		p += sprintf(p, "old%d:4YsTU2tsmmUYI\n", i);
	parse(text, NULL);
	ck_assert_uint_eq(h.nrefused, n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct htpasswd_refused *one = refused(kinds[2 * i + 1]);

		ck_assert_uint_eq(one->lines.count, 1);
		ck_assert_uint_eq(one->lines.v[0], 2 * i + 1);
		ck_assert_ptr_nonnull(one->why);
	}
	ck_assert_uint_eq(refused("des-crypt")->lines.count, 12);
	ck_assert_uint_eq(refused("des-crypt")->lines.v[0], 2 * n + 1);
	ck_assert_uint_eq(htpasswd_find(&h, STR("good0"))->line, 2);
}
END_TEST

/* Windows writes a byte order mark and carriage returns. */
START_TEST(a_byte_order_mark_is_skipped)
{
	parse("\357\273\277alice:$a\r\nbob:$b\r\n",
	      "\357\273\277staff: alice\r\n");
	ck_assert_uint_eq(h.n, 2);
	ck_assert_str_eq(roles("alice"), "staff");
	ck_assert_uint_eq(h.notes[HTPASSWD_NAMES].count, 0);
	ck_assert_uint_eq(h.notes[HTPASSWD_GROUPS].count, 0);
}
END_TEST

START_TEST(members_have_commas_or_are_unknown)
{
	parse("alice:$a\nbob:$b\n",
	      "admins: alice, bob\nstaff:alice,bob,\nops: carol bob dave\n");
	ck_assert_str_eq(roles("alice"), "admins,staff");
	ck_assert_str_eq(roles("bob"), "admins,staff,ops");
	ck_assert_uint_eq(h.notes[HTPASSWD_MEMBERS].count, 1);
	ck_assert_uint_eq(h.notes[HTPASSWD_MEMBERS].v[0], 3);
	parse("alice:$a\n", "staff: alice \nops: alice,\t\r\nnone:\n");
	ck_assert_str_eq(roles("alice"), "staff,ops");
	ck_assert_uint_eq(h.notes[HTPASSWD_MEMBERS].count, 0);
}
END_TEST

/* The names sort before, between and after the existing ones. */
START_TEST(unknown_names_are_not_found)
{
	static const char *const none[] = { "", "a", "bo", "bobb", "z" };

	parse("bob:$b\ncarol:$c\n", NULL);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		ck_assert_ptr_null(htpasswd_find(&h, str_from(none[i])));
	parse("", NULL);
	ck_assert_uint_eq(h.n, 0);
	ck_assert_ptr_null(htpasswd_find(&h, STR("")));
}
END_TEST

/* Values at their limits are accepted. */
START_TEST(values_at_their_limits_are_read)
{
	char text[4096], groups[4096], *p = groups;
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "alice:%0512d:", 0);
	(void)snprintf(text + n, sizeof(text) - n, "%0*d\n", 1024 - (int)n, 0);
	ck_assert_uint_eq(strlen(text), 1025);
	for (int i = 0; i < 205; i++) /* 205 * 5 - 1 bytes */
		p += sprintf(p, "r%03d:alice\n", i);
	parse(text, groups);
	ck_assert_uint_eq(htpasswd_find(&h, STR("alice"))->hash.n, 512);
	ck_assert_uint_eq(strlen(roles("alice")), IDENTITY_ROLES_MAX);
}
END_TEST

START_TEST(the_maximum_of_lines_is_read)
{
	char *text = malloc(100000 * 9 + 1), *p = text;

	ck_assert_ptr_nonnull(text);
	arena_free(a);
	a = arena_new((size_t)64 << 20);
	for (int i = 0; i < 100000; i++)
		p += sprintf(p, "u%05d:$\n", i);
	parse(text, NULL);
	ck_assert_uint_eq(h.n, 100000);
	ck_assert_uint_eq(htpasswd_find(&h, STR("u99999"))->line, 100000);
	free(text);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("htpasswd_file");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, refused_hashes_are_noted_by_kind);
	tcase_add_test(t, a_byte_order_mark_is_skipped);
	tcase_add_test(t, members_have_commas_or_are_unknown);
	tcase_add_test(t, unknown_names_are_not_found);
	tcase_add_test(t, values_at_their_limits_are_read);
	tcase_add_test(t, the_maximum_of_lines_is_read);
	return run_case(t);
}
