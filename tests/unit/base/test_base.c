/* SPDX-License-Identifier: MIT */
/* Arenas, buffers, strings, errors and the log. */
#include "tests/support/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"

START_TEST(arena_keeps_its_bound)
{
	struct arena *a = arena_new(1000);
	char *p = arena_alloc(a, 600);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < 600; i++)
		ck_assert_int_eq(p[i], 0);
	ck_assert_ptr_null(arena_alloc(a, 401));
	ck_assert_ptr_nonnull(arena_alloc(a, 400));
	ck_assert_ptr_null(arena_array(a, SIZE_MAX / 2, 3));
	arena_reset(a);
	ck_assert_ptr_nonnull(arena_alloc(a, 1000));
	arena_free(a);
	arena_free(NULL);
}
END_TEST

START_TEST(arena_allocates_all_sizes)
{
	struct arena *a = arena_new(64 * 1024 * 1024);

	for (size_t n = 1; n < 2000000; n = n * 3 + 1) {
		char *p = arena_alloc(a, n);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xff, n);
	}
	arena_free(a);
}
END_TEST

struct mark {
	char *order; /* NUL-terminated, grows */
	char name;
};

static void
leave_mark(void *arg)
{
	const struct mark *m = arg;

	m->order[strlen(m->order)] = m->name;
}

START_TEST(arena_defers_newest_first)
{
	struct arena *a = arena_new(4096);
	char order[4] = "";
	struct mark one = { order, '1' }, two = { order, '2' };

	ck_assert_int_eq(arena_defer(a, leave_mark, &one), 0);
	ck_assert_int_eq(arena_defer(a, leave_mark, &two), 0);
	arena_reset(a);
	ck_assert_str_eq(order, "21");
	arena_free(a);
	ck_assert_str_eq(order, "21");
}
END_TEST

START_TEST(arena_fails_on_request)
{
	struct arena *a = arena_new(4096);

	arena_fail_after(a, 2);
	ck_assert_ptr_nonnull(arena_alloc(a, 1));
	arena_reset(a);
	ck_assert_ptr_nonnull(arena_alloc(a, 1));
	ck_assert(!arena_has_failed(a));
	ck_assert_ptr_null(arena_alloc(a, 1));
	ck_assert(arena_has_failed(a));
	arena_free(a);
}
END_TEST

START_TEST(buf_stays_failed)
{
	struct arena *a = arena_new(64 * 1024);
	struct buf b;

	buf_init(&b, a, 10);
	buf_add(&b, STR("12345"));
	buf_printf(&b, "%d", 6789);
	ck_assert(!buf_failed(&b));
	ck_assert(str_eq(buf_str(&b), STR("123456789")));
	ck_assert_ptr_eq(buf_extend(&b, 1), b.p + 9);
	b.p[--b.n] = '\0';
	buf_add(&b, STR("xy"));
	ck_assert(buf_failed(&b));
	buf_add(&b, STR("z"));
	ck_assert_ptr_null(buf_extend(&b, 1));
	ck_assert(buf_failed(&b));
	ck_assert(str_eq(buf_str(&b), STR("123456789")));
	arena_free(a);
}
END_TEST

START_TEST(str_to_uint_is_strict)
{
	static const struct {
		const char *text;
		int64_t max, value; /* value -1: refused */
	} rows[] = {
		{ "0", 10, 0 },
		{ "10", 10, 10 },
		{ "11", 10, -1 },
		{ "1", 1, 1 },
		{ "2", 1, -1 },
		{ "9223372036854775807", INT64_MAX, INT64_MAX },
		{ "9223372036854775808", INT64_MAX, -1 },
		{ "", 10, -1 },
		{ "-1", 10, -1 },
		{ "+1", 10, -1 },
		{ "1 ", 10, -1 },
		{ "0x1", 10, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t value = -1;
		bool ok =
		    str_to_uint(str_from(rows[i].text), rows[i].max, &value);

		ck_assert_msg(ok == (rows[i].value >= 0) &&
				  value == rows[i].value,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(utf8_is_checked)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "abc", true },
		{ "\xc3\xa9", true },
		{ "\xe2\x82\xac", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\xc3", false },
		{ "\xa9", false },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x80\x80", false },
		{ "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf8\x88\x80\x80\x80", false },
		{ "\xe2\x82", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(str_is_utf8(str_from(rows[i].text)) == rows[i].ok,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(text_has_no_controls)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "a \"b\"", true },
		{ "\xc3\xa9", true },
		{ "\xd8\x9d", true },
		{ "\xe2\x80\x8d", true },
		{ "\xe2\x80\x90", true },
		{ "\xe2\x80\xaf", true },
		{ "\xe2\x81\xa5", true },
		{ "\xc2\xa0", true },
		{ "\xf0\x9f\x98\x80", true },
		{ "\x1b", false },
		{ "a\n", false },
		{ "\x7f", false },
		{ "\xff", false },
		{ "\xc2\x80", false },
		{ "a\302\2331m", false },
		{ "\xc2\x9f", false },
		{ "\xd8\x9c", false },
		{ "\xe2\x80\x8e", false },
		{ "\xe2\x80\x8f", false },
		{ "\xe2\x80\xa8", false },
		{ "a\xe2\x80\xae", false },
		{ "\xe2\x81\xa6", false },
		{ "\xe2\x81\xa9", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(str_is_text(str_from(rows[i].text)) == rows[i].ok,
			      "row %zu", i);
	}
}
END_TEST

/* Puts each byte into each place of texts of up to three words of memory, whose
 * other bytes are next to the control characters. */
START_TEST(controls_are_found_in_each_place)
{
	static const char base[] = " ~\x80\xff!}\x81\xa0";

	for (size_t n = 1; n <= 24; n++) {
		for (size_t i = 0; i < 256 * n; i++) {
			const unsigned char c = (unsigned char)(i % 256);
			char text[24];

			for (size_t k = 0; k < n; k++)
				text[k] = base[(i + k) % (sizeof(base) - 1)];
			text[i / 256] = (char)c;
			ck_assert_msg(str_has_control((struct str){
					  text, n }) == (c < 0x20 || c == 0x7f),
				      "%zu bytes, place %zu, byte %u", n,
				      i / 256, c);
		}
	}
	ck_assert(!str_has_control((struct str){ NULL, 0 }));
}
END_TEST

START_TEST(names_have_letters_digits_and_more)
{
	for (int i = 0; i < 256; i++) {
		const char text[] = { 'a', (char)i };
		const struct str s = { text, sizeof(text) };
		const bool is_alnum = (i >= 'a' && i <= 'z') ||
				      (i >= 'A' && i <= 'Z') ||
				      (i >= '0' && i <= '9');

		ck_assert_msg(str_is_name(s, "") == is_alnum, "byte %d", i);
		ck_assert_msg(str_is_name(s, "-@[`{/:") ==
				  (is_alnum ||
				   (i != 0 && strchr("-@[`{/:", i) != NULL)),
			      "byte %d", i);
	}
	ck_assert(!str_is_name(STR(""), "-"));
}
END_TEST

START_TEST(secret_free_spares_other_blocks)
{
	const size_t sizes[] = { 0, 1, 15, 16, 17, 24, 25, 100000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = malloc(sizes[i]), *q = malloc(24);

		ck_assert(p != NULL && q != NULL);
		memset(p, 'x', sizes[i]);
		memset(q, 'y', 24);
		secret_free(p);
		for (size_t k = 0; k < 24; k++)
			ck_assert_int_eq(q[k], 'y');
		secret_free(q);
	}
	secret_free(NULL);
}
END_TEST

START_TEST(strings_are_cut_and_trimmed)
{
	struct str rest = STR("a,,b"), part, word;
	struct str words = STR("  one \t two ");
	size_t n = 0;

	while (str_cut(&rest, ',', &part))
		n++;
	ck_assert_uint_eq(n, 3);
	rest = STR("");
	ck_assert(str_cut(&rest, ',', &part));
	ck_assert_uint_eq(part.n, 0);
	ck_assert(!str_cut(&rest, ',', &part));
	ck_assert(str_word(&words, &word) && str_eq(word, STR("one")));
	ck_assert(str_word(&words, &word) && str_eq(word, STR("two")));
	ck_assert(!str_word(&words, &word));
	ck_assert(str_eq(str_trim(STR(" \t x y\t")), STR("x y")));
	ck_assert(str_eq_nocase(STR("BeArer"), STR("bearer")));
	ck_assert(!str_eq_nocase(STR("Bearer"), STR("Bearex")));
	ck_assert(secret_equal(STR("same"), STR("same")));
	ck_assert(!secret_equal(STR("same"), STR("samf")));
	ck_assert(!secret_equal(STR("same"), STR("sam")));
}
END_TEST

START_TEST(strings_are_ordered_by_bytes)
{
	static const struct str sorted[] = {
		{ NULL, 0 }, { "\0", 1 }, { "a", 1 }, { "a\0", 2 },
		{ "aa", 2 }, { "ab", 2 }, { "b", 1 }, { "\xff", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			int order = str_order(sorted[i], sorted[j]);

			ck_assert_msg((order > 0) - (order < 0) ==
					  (i > j) - (i < j),
				      "rows %zu and %zu have the order %d", i,
				      j, order);
		}
	}
}
END_TEST

START_TEST(errors_keep_their_cause)
{
	struct err err;

	ck_assert_int_eq(err_set(&err, ERR_CONFIG, "bad %s", "value"), -1);
	ck_assert_int_eq(err_context(&err, "[%s]", "server"), -1);
	ck_assert_str_eq(err.msg, "[server]: bad value");
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

static int64_t
epoch(void *ctx)
{
	(void)ctx;
	return 0;
}

/* At most `max` lines pass per second; the rest is counted. */
START_TEST(log_limit_counts_suppressed_lines)
{
	static const struct {
		int64_t now_ms;
		bool may;
		int64_t left_out;
	} rows[] = {
		{ 0, true, 0 },	    { 999, true, 0 },  { 999, false, 0 },
		{ 999, false, 0 },  { 1000, true, 2 }, { 1999, true, 0 },
		{ 1999, false, 0 }, { 9000, true, 1 }, { 9000, true, 0 },
		{ 9001, false, 0 }, { 8000, true, 1 },
	};
	struct log_limit limit = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t left_out = -1;

		ck_assert_msg(log_limit_take(&limit, rows[i].now_ms, 2,
					     &left_out) == rows[i].may,
			      "row %zu", i);
		ck_assert_msg(left_out == rows[i].left_out, "row %zu", i);
	}
}
END_TEST

/* Logs one value that an attacker may have chosen, and reads the line. */
static void
logged(enum log_format format, bool journal, char *out, size_t n)
{
	int fd[2];
	ssize_t got;

	ck_assert_int_eq(pipe(fd), 0);
	struct log log = { .fd = fd[1],
			   .level = LOG_INFO,
			   .format = format,
			   .journal = journal,
			   .wall_ms = epoch };

	LOG(&log, LOG_DEBUG, "dropped", F_INT("n", 1));
	LOG(&log, LOG_ERROR, "kept", F_INT("n", -5),
	    F_STR("v", STR("a\nb\"c\\\xff")), F_CSTR("w", "plain"));
	got = read(fd[0], out, n - 1);
	ck_assert_int_gt(got, 0);
	out[got] = '\0';
	(void)close(fd[0]);
	(void)close(fd[1]);
}

START_TEST(log_entry_is_one_line)
{
	char line[512];

	logged(LOG_TEXT, false, line, sizeof(line));
	ck_assert_str_eq(line, "1970-01-01T00:00:00.000Z error kept n=-5 "
			       "v=\"a\\u000ab\\\"c\\\\\\ufffd\" w=plain\n");
	logged(LOG_JSON, false, line, sizeof(line));
	ck_assert_str_eq(line,
			 "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":"
			 "\"error\",\"event\":\"kept\",\"n\":-5,\"v\":"
			 "\"a\\u000ab\\\"c\\\\\\ufffd\",\"w\":\"plain\"}\n");
	logged(LOG_TEXT, true, line, sizeof(line));
	ck_assert_msg(strncmp(line, "<3> error kept", 14) == 0,
		      "the line is %s", line);
}
END_TEST

START_TEST(log_entry_has_a_bounded_length)
{
	char big[20000], line[8192];
	int fd[2];
	ssize_t got;

	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(pipe(fd), 0);
	struct log log = { .fd = fd[1], .format = LOG_JSON, .wall_ms = epoch };

	LOG(&log, LOG_ERROR, "big",
	    F_STR("v", ((struct str){ .p = big, .n = sizeof(big) })),
	    F_CSTR("after", "value"));
	got = read(fd[0], line, sizeof(line));
	ck_assert_int_gt(got, 4000);
	ck_assert_int_le(got, 4096);
	ck_assert_int_eq(memcmp(line + got - 3, "\"}\n", 3), 0);
	(void)close(fd[0]);
	(void)close(fd[1]);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("base");

	tcase_add_test(t, arena_keeps_its_bound);
	tcase_add_test(t, arena_allocates_all_sizes);
	tcase_add_test(t, arena_defers_newest_first);
	tcase_add_test(t, arena_fails_on_request);
	tcase_add_test(t, buf_stays_failed);
	tcase_add_test(t, str_to_uint_is_strict);
	tcase_add_test(t, utf8_is_checked);
	tcase_add_test(t, text_has_no_controls);
	tcase_add_test(t, controls_are_found_in_each_place);
	tcase_add_test(t, names_have_letters_digits_and_more);
	tcase_add_test(t, secret_free_spares_other_blocks);
	tcase_add_test(t, strings_are_cut_and_trimmed);
	tcase_add_test(t, strings_are_ordered_by_bytes);
	tcase_add_test(t, errors_keep_their_cause);
	tcase_add_test(t, log_entry_is_one_line);
	tcase_add_test(t, log_entry_has_a_bounded_length);
	tcase_add_test(t, log_limit_counts_suppressed_lines);
	return run_case(t);
}
