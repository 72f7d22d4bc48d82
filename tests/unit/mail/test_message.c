/* SPDX-License-Identifier: MIT */
/* mail/message: the bytes of a message, and what cannot be in one. */
#define _GNU_SOURCE /* memmem() */
#include "mail/message.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/fake_env.h"
#include "tests/support/run.h"

#define ARENA_BYTES (4 * 1024 * 1024)

struct composed {
	struct arena *arena;
	struct fake_env fake;
	struct str text;
	struct err err;
	int rc;
};

/* A mail of which a test changes one member. */
static struct mail_message
usual(void)
{
	return (struct mail_message){
		.from = { .name = STR("Login"),
			  .address = STR("login@example.com") },
		.to = STR("alice@example.org"),
		.subject = STR("Your password"),
		.text = STR("Hello,\n\nthis is the link.\n"),
	};
}

static void
compose(struct composed *c, const struct mail_message *m)
{
	*c = (struct composed){ .arena = arena_new(ARENA_BYTES),
				.text = STR("?") };
	ck_assert_ptr_nonnull(c->arena);
	fake_env_init(&c->fake);
	c->rc = message_compose(m, &c->fake.env, c->arena, &c->text, &c->err);
	if (c->rc != 0)
		ck_assert(str_eq(c->text, STR("?")));
}

static void
end(struct composed *c)
{
	arena_free(c->arena);
}

/* Returns the position of `part` in the message, or -1. */
static long
find(const struct composed *c, const char *part)
{
	const char *at = memmem(c->text.p, c->text.n, part, strlen(part));

	return at != NULL ? at - c->text.p : -1;
}

#define ASSERT_HAS(c, part)                                                    \
	ck_assert_msg(find(c, part) >= 0, "%.*s", STR_ARG((c)->text))

START_TEST(a_message_has_all_headers)
{
	struct mail_message m = usual();
	struct composed c;

	compose(&c, &m);
	ck_assert_int_eq(c.rc, 0);
	ASSERT_HAS(&c, "From: \"Login\"\r\n <login@example.com>\r\n"
		       "To: alice@example.org\r\n"
		       "Subject: Your password\r\n"
		       "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
		       "Message-ID: <");
	ASSERT_HAS(&c, "@example.com>\r\n"
		       "Auto-Submitted: auto-generated\r\n"
		       "MIME-Version: 1.0\r\n"
		       "Content-Type: text/plain; charset=UTF-8\r\n"
		       "Content-Transfer-Encoding: 7bit\r\n\r\n"
		       "Hello,\r\n\r\nthis is the link.\r\n");
	end(&c);
	m.from.name = STR("");
	compose(&c, &m);
	ASSERT_HAS(&c, "From: login@example.com\r\n");
	end(&c);
}
END_TEST

START_TEST(message_ids_differ)
{
	const struct mail_message m = usual();
	struct composed one;
	struct str other;

	compose(&one, &m);
	ck_assert_int_eq(message_compose(&m, &one.fake.env, one.arena, &other,
					 &one.err),
			 0);
	ck_assert(!str_eq(one.text, other));
	end(&one);
}
END_TEST

START_TEST(names_and_subjects_are_encoded)
{
	struct mail_message m = usual();
	struct composed c;

	m.from.name = STR("A \"b\" \\ c, <d>");
	m.subject = STR("Zur\xc3\xbc"
			"cksetzen Ihres Passworts, wie Sie es verlangt haben");
	m.text = STR("Gr\xc3\xbc\xc3\x9f"
		     "e\n");
	compose(&c, &m);
	ck_assert_int_eq(c.rc, 0);
	ASSERT_HAS(&c, "From: \"A \\\"b\\\" \\\\ c, <d>\"\r\n <");
	ASSERT_HAS(&c, "Subject: =?UTF-8?B?WnVyw7xja3NldHplbiBJaHJlcyBQYX"
		       "Nzd29ydHMsIHdpZSBTaWUg?=\r\n "
		       "=?UTF-8?B?ZXMgdmVybGFuZ3QgaGFiZW4=?=\r\n");
	ASSERT_HAS(&c, "Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ0K\r\n");
	end(&c);
	m.from.name = STR("J\xc3\xbcrgen");
	compose(&c, &m);
	ASSERT_HAS(&c, "From: =?UTF-8?B?SsO8cmdlbg==?=\r\n <login@example");
	end(&c);
}
END_TEST

/* Every line ends with CR LF, has no other CR and LF, and is short. */
static void
assert_lines(const struct composed *c, size_t max)
{
	struct str rest = c->text, line;

	ck_assert(str_ends(c->text, STR("\r\n")));
	rest.n -= 1;
	while (str_cut(&rest, '\n', &line)) {
		ck_assert(line.n > 0 && line.p[line.n - 1] == '\r');
		ck_assert_uint_eq(str_find(line, '\r'), line.n - 1);
		ck_assert_uint_le(line.n - 1, max);
	}
}

START_TEST(lines_are_short)
{
	struct mail_message m = usual();
	struct composed c;
	struct buf text;
	struct arena *a = arena_new(ARENA_BYTES);

	buf_init(&text, a, MAIL_TEXT_MAX);
	for (int i = 0; i < 998; i++)
		buf_add_char(&text, 'x');
	m.text = buf_str(&text);
	compose(&c, &m);
	ASSERT_HAS(&c, ": 7bit\r\n");
	assert_lines(&c, 998);
	end(&c);

	buf_add_char(&text, 'x');
	m.text = buf_str(&text);
	compose(&c, &m);
	ASSERT_HAS(&c, ": base64\r\n");
	assert_lines(&c, 76);
	end(&c);

	/* characters of three bytes, so that chunks end within one */
	while (text.n + 3 < MAIL_TEXT_MAX)
		buf_add_cstr(&text, "\xe2\x82\xac");
	m.text = buf_str(&text);
	m.subject = (struct str){ .p = m.text.p + 999, .n = 198 };
	compose(&c, &m);
	ck_assert_int_eq(c.rc, 0);
	assert_lines(&c, 76);
	end(&c);
	arena_free(a);
}
END_TEST

/* What would end a header, add one, or name another recipient. */
START_TEST(nothing_is_injected)
{
	static const char *const bad[] = {
		"a@b\r\nBcc: c@d",
		"a@b\nBcc: c@d",
		"a@b\rBcc: c@d",
		"a@b, c@d",
		"a@b,c@d",
		"a@b c@d",
		"a@b\r\n\r\ntext",
		"A <a@b>",
		"<a@b>",
		"\"a@b\"@c",
		"a@b\t",
		"",
		"a",
		"a@b\x7f",
		"a@b:c",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mail_message m = usual();
		struct composed c;

		m.to = str_from(bad[i]);
		compose(&c, &m);
		ck_assert_msg(c.rc != 0, "to %s", bad[i]);
		ck_assert_int_eq(c.err.code, ERR_INPUT);
		end(&c);
		m = usual();
		m.from.address = str_from(bad[i]);
		compose(&c, &m);
		ck_assert_msg(c.rc != 0, "from %s", bad[i]);
		end(&c);
	}
}
END_TEST

START_TEST(only_plain_text_is_sent)
{
	static const struct str bad[] = {
		{ .p = "a\r\nb", .n = 4 }, { .p = "a\rb", .n = 3 },
		{ .p = "a\0b", .n = 3 },   { .p = "\x1b[1m", .n = 4 },
		{ .p = "\xff", .n = 1 },   { .p = "\xe2\x80\xae", .n = 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mail_message m = usual();
		struct composed c;

		m.text = bad[i];
		compose(&c, &m);
		ck_assert_msg(c.rc != 0, "text %zu", i);
		end(&c);
		m = usual();
		m.subject = bad[i];
		compose(&c, &m);
		ck_assert_msg(c.rc != 0, "subject %zu", i);
		end(&c);
		m = usual();
		m.from.name = bad[i];
		compose(&c, &m);
		ck_assert_msg(c.rc != 0, "name %zu", i);
		end(&c);
	}
}
END_TEST

START_TEST(failures_leave_no_message)
{
	const struct mail_message m = usual();
	struct composed c;
	struct mail_message big = usual();
	struct str out = STR("?");
	char text[MAIL_TEXT_MAX + 1];

	compose(&c, &m);
	c.fake.no_entropy = true;
	ck_assert_int_eq(message_compose(&m, &c.fake.env, c.arena, &out,
					 &c.err),
			 -1);
	ck_assert_int_eq(c.err.code, ERR_INTERNAL);
	c.fake.no_entropy = false;
	arena_fail_after(c.arena, 0);
	ck_assert_int_eq(message_compose(&m, &c.fake.env, c.arena, &out,
					 &c.err),
			 -1);
	ck_assert_int_eq(c.err.code, ERR_INTERNAL);
	ck_assert(str_eq(out, STR("?")));
	end(&c);

	memset(text, 'x', sizeof(text));
	big.text = (struct str){ .p = text, .n = sizeof(text) };
	compose(&c, &big);
	ck_assert_int_eq(c.rc, -1);
	end(&c);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("message");

	tcase_add_test(t, a_message_has_all_headers);
	tcase_add_test(t, message_ids_differ);
	tcase_add_test(t, names_and_subjects_are_encoded);
	tcase_add_test(t, lines_are_short);
	tcase_add_test(t, nothing_is_injected);
	tcase_add_test(t, only_plain_text_is_sent);
	tcase_add_test(t, failures_leave_no_message);
	return run_case(t);
}
