/* SPDX-License-Identifier: MIT */
/* base/enc: base64url, hexadecimal and percent-encoding. */
#include "base/enc.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "tests/support/run.h"

START_TEST(base64url_encodes_and_decodes)
{
	/* The rows of RFC 4648 section 10, and texts that are refused. */
	static const struct {
		const char *text;
		size_t n;
		const char *bytes; /* NULL: refused */
	} rows[] = {
		{ "Zg", 1, "f" },
		{ "Zm8", 2, "fo" },
		{ "Zm9v", 3, "foo" },
		{ "Zm9vYg", 4, "foob" },
		{ "Zm9vYmE", 5, "fooba" },
		{ "Zm9vYmFy", 6, "foobar" },
		{ "", 0, "" },
		{ "-_8", 2, "\xfb\xff" },
		{ "Zh", 1, NULL },
		{ "Zm9", 2, NULL },
		{ "Zg==", 1, NULL },
		{ "Z", 1, NULL },
		{ "Zm9v", 2, NULL },
		{ "+/8", 2, NULL },
		{ "Zm 9", 2, NULL },
		{ "Zm9v\n", 3, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[8] = { 0 };
		char text[16] = { 0 };
		bool ok =
		    base64url_decode(str_from(rows[i].text), bytes, rows[i].n);

		ck_assert_msg(ok == (rows[i].bytes != NULL), "row %zu", i);
		if (!ok)
			continue;
		ck_assert_msg(memcmp(bytes, rows[i].bytes, rows[i].n) == 0,
			      "row %zu", i);
		base64url_encode(bytes, rows[i].n, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

/* Decodes as RFC 4648 section 5 describes it, bit by bit. */
static bool
decode_slowly(struct str s, uint8_t *out, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	size_t used = 0;

	memset(out, 0, n);
	for (size_t i = 0; i < 6 * s.n; i++, used++) {
		const char *at = memchr(alphabet, s.p[i / 6], 64);
		const bool bit =
		    at != NULL && (at - alphabet) >> (5 - i % 6) & 1;

		if (at == NULL || (bit && used >= 8 * n))
			return false;
		if (used < 8 * n)
			out[used / 8] |= (uint8_t)(bit << (7 - used % 8));
	}
	return true;
}

/* Puts each byte into each place of texts of each length of a group of four,
 * and compares the result with that of the slow decoder. */
START_TEST(base64url_decodes_each_byte_in_each_place)
{
	static const char base[] = "Zm9vYmFyQUJD";

	for (size_t n = 1; n <= 9; n++) {
		for (size_t i = 0; i < 256 * BASE64URL_LEN(n); i++) {
			uint8_t got[9], want[9];
			char text[13] = { 0 };
			struct str s = { text, BASE64URL_LEN(n) };
			bool ok;

			memcpy(text, base, s.n);
			text[i / 256] = (char)(i % 256);
			ok = decode_slowly(s, want, n);
			ck_assert_msg(base64url_decode(s, got, n) == ok,
				      "%zu bytes, row %zu: %d", n, i, !ok);
			if (!ok)
				continue;
			ck_assert_msg(memcmp(got, want, n) == 0,
				      "%zu bytes, row %zu", n, i);
			base64url_encode(got, n, text);
			ck_assert_msg(text[i / 256] == (char)(i % 256),
				      "%zu bytes, row %zu", n, i);
		}
	}
}
END_TEST

START_TEST(hex_encodes_and_decodes)
{
	uint8_t bytes[2] = { 0 };
	char text[5] = { 0 };

	ck_assert(hex_decode(STR("0aff"), bytes, 2));
	hex_encode(bytes, 2, text);
	ck_assert_str_eq(text, "0aff");
	ck_assert(!hex_decode(STR("0AFF"), bytes, 2));
	ck_assert(!hex_decode(STR("0aff0"), bytes, 2));
	ck_assert(!hex_decode(STR("0agf"), bytes, 2));
}
END_TEST

START_TEST(percent_escapes_are_decoded)
{
	static const struct {
		const char *text, *out; /* out NULL: refused */
		bool plus;
	} rows[] = {
		{ "a%20b+c", "a b+c", false }, { "a%20b+c", "a b c", true },
		{ "%41%7a", "Az", false },     { "%zz", NULL, false },
		{ "%4", NULL, false },	       { "%", NULL, false },
		{ "%2525", "%25", false },     { "", "", false },
	};
	struct arena *a = arena_new(64 * 1024);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;
		bool ok;

		buf_init(&b, a, 1024);
		ok = percent_decode(&b, str_from(rows[i].text), rows[i].plus);
		ck_assert_msg(ok == (rows[i].out != NULL), "row %zu", i);
		if (ok) {
			ck_assert_msg(str_eq(buf_str(&b),
					     str_from(rows[i].out)),
				      "row %zu", i);
		}
	}
	arena_free(a);
}
END_TEST

/* The encoded text is ASCII; readable ASCII characters stay as they are. */
START_TEST(percent_encoded_text_stays_readable)
{
	static const struct {
		const char *text, *out;
	} rows[] = {
		{ "Alice Liddell <a@x>", "Alice Liddell <a@x>" },
		{ "\xc3\x84nne 100%", "%C3%84nne 100%25" },
		{ "\x1f\x7f~", "%1F%7F~" },
		{ "", "" },
	};
	struct arena *a = arena_new(64 * 1024);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b, plain;

		buf_init(&b, a, 1024);
		buf_init(&plain, a, 1024);
		percent_encode_text(&b, str_from(rows[i].text));
		ck_assert_msg(str_eq(buf_str(&b), str_from(rows[i].out)),
			      "row %zu", i);
		ck_assert(percent_decode(&plain, buf_str(&b), false));
		ck_assert(str_eq(buf_str(&plain), str_from(rows[i].text)));
	}
	arena_free(a);
}
END_TEST

START_TEST(percent_encoding_keeps_all_bytes)
{
	struct arena *a = arena_new(64 * 1024);
	struct buf coded, plain;
	char all[256];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	buf_init(&coded, a, 1024);
	buf_init(&plain, a, 1024);
	percent_encode(&coded, (struct str){ .p = all, .n = sizeof(all) });
	for (size_t i = 0; i < coded.n; i++)
		ck_assert(coded.p[i] > 0x20 && coded.p[i] < 0x7f);
	ck_assert(percent_decode(&plain, buf_str(&coded), false));
	ck_assert(str_eq(buf_str(&plain),
			 (struct str){ .p = all, .n = sizeof(all) }));
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("enc");

	tcase_add_test(t, base64url_encodes_and_decodes);
	tcase_add_test(t, base64url_decodes_each_byte_in_each_place);
	tcase_add_test(t, hex_encodes_and_decodes);
	tcase_add_test(t, percent_escapes_are_decoded);
	tcase_add_test(t, percent_encoded_text_stays_readable);
	tcase_add_test(t, percent_encoding_keeps_all_bytes);
	return run_case(t);
}
