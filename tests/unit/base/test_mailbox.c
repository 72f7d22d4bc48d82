/* SPDX-License-Identifier: MIT */
/* base/mailbox: which e-mail addresses are accepted. */
#include "base/mailbox.h"

#include <string.h>

#include "base/str.h"
#include "tests/support/run.h"

START_TEST(addresses_to_which_mail_can_be_sent)
{
	static const char *const good[] = {
		"a@b",
		"alice@example.com",
		"alice.b-c+tag@mail.example.com",
		"o'neil@example.com",
		"#$&'*+=?^_{}~@example.com",
		"1@1.example",
		"a@xn--bcher-kva.example",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(mailbox_is_address(str_from(good[i])), "%s",
			      good[i]);
}
END_TEST

START_TEST(texts_that_are_no_address)
{
	static const char *const bad[] = {
		"",
		"@",
		"a",
		"a@",
		"@b",
		"a@b@c",
		"a b@c",
		" a@b",
		"a@b ",
		"a@b\n",
		"a@b\r\nBcc: c@d",
		"a\n@b",
		"a@b,c@d",
		"a@b;c@d",
		"a,c@d",
		"<a@b>",
		"a@b>",
		"A <a@b>",
		"\"a\"@b",
		"\"a b\"@c",
		"a@[127.0.0.1]",
		"a@(x)b",
		"a(x)@b",
		"a\\@b",
		"a:b@c",
		".a@b",
		"a.@b",
		"a..b@c",
		"a@.b",
		"a@b.",
		"a@b..c",
		"a@-b",
		"a@b-",
		"a@b-.c",
		"a@b_c",
		"-a@b",
		"|cmd@b",
		"a|b@c",
		"a!b@c",
		"a%b@c",
		"/etc/x@b",
		"a`b@c",
		"b\xc3\xbc"
		"cher@example.com",
		"a@b\xc3\xbc"
		"cher.example",
		"a@b\x7f",
		"a\t@b",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!mailbox_is_address(str_from(bad[i])), "%s",
			      bad[i]);
	ck_assert(!mailbox_is_address((struct str){ .p = NULL, .n = 0 }));
	ck_assert(!mailbox_is_address(STR("a\0@b")));
	ck_assert(!mailbox_is_address(STR("a@b\0")));
}
END_TEST

/* Writes an address whose parts have these lengths. */
static struct str
address_of(char *text, size_t local, size_t labels, size_t label)
{
	size_t n = local;

	memset(text, 'a', local);
	text[n++] = '@';
	for (size_t i = 0; i < labels; i++) {
		if (i > 0)
			text[n++] = '.';
		memset(text + n, 'b', label);
		n += label;
	}
	return (struct str){ .p = text, .n = n };
}

START_TEST(addresses_have_at_most_254_bytes)
{
	char text[512];
	struct str s;

	s = address_of(text, 62, 3, 63);
	ck_assert_uint_eq(s.n, 254);
	ck_assert(mailbox_is_address(s));
	s = address_of(text, 63, 3, 63);
	ck_assert(!mailbox_is_address(s));
	ck_assert(mailbox_is_address(address_of(text, 64, 1, 63)));
	ck_assert(!mailbox_is_address(address_of(text, 65, 1, 63)));
	ck_assert(!mailbox_is_address(address_of(text, 64, 1, 64)));
}
END_TEST

START_TEST(mailboxes_may_have_a_name)
{
	static const struct {
		const char *text, *name, *address; /* NULL: refused */
	} rows[] = {
		{ "a@b", "", "a@b" },
		{ "<a@b>", "", "a@b" },
		{ "Login <a@b>", "Login", "a@b" },
		{ "The \"Login\", of us<a@b>", "The \"Login\", of us", "a@b" },
		{ "J\xc3\xbcrgen <a@b>", "J\xc3\xbcrgen", "a@b" },
		{ "A <x> <a@b>", "A <x>", "a@b" },
		{ "", NULL, NULL },
		{ "Login", NULL, NULL },
		{ "Login a@b", NULL, NULL },
		{ "a@b>", NULL, NULL },
		{ "<a@b", NULL, NULL },
		{ "<a@b>,<c@d>", "<a@b>,", "c@d" },
		{ "<a@b> x", NULL, NULL },
		{ "<>", NULL, NULL },
		{ "A\tB <a@b>", NULL, NULL },
		{ "A\n <a@b>", NULL, NULL },
		{ "\xff <a@b>", NULL, NULL },
		{ "\xe2\x80\xae <a@b>", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mailbox box = { .name = STR("?"), .address = STR("?") };
		const bool ok = mailbox_parse(str_from(rows[i].text), &box);
		const char *name = ok ? rows[i].name : "?";
		const char *address = ok ? rows[i].address : "?";

		ck_assert_msg(ok == (rows[i].address != NULL), "%s",
			      rows[i].text);
		ck_assert(str_eq(box.name, str_from(name)));
		ck_assert(str_eq(box.address, str_from(address)));
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("mailbox");

	tcase_add_test(t, addresses_to_which_mail_can_be_sent);
	tcase_add_test(t, texts_that_are_no_address);
	tcase_add_test(t, addresses_have_at_most_254_bytes);
	tcase_add_test(t, mailboxes_may_have_a_name);
	return run_case(t);
}
