/* SPDX-License-Identifier: MIT */
/* server/frame: input at once, byte by byte and at its limits, and the bytes
 * that are left. */
#include "server/frame.h"

#include <string.h>

#include "base/str.h"
#include "tests/support/fcgi_client.h"
#include "tests/support/run.h"

static const struct frame_limits limits = {
	.params = BAD_PARAMS,
	.pairs = BAD_PAIRS,
	.body = BAD_BODY,
	.excess = BAD_EXCESS,
};

/* A reader works like a connection: its buffer has frame_max() bytes and gets
 * `step` bytes at a time. */
struct reader {
	struct frame frame;
	char *buffer;
	size_t n, max;
	size_t most; /* the highest n while the frame was incomplete */
};

static void
reader_init(struct reader *r, const struct frame_limits *l)
{
	*r = (struct reader){ .max = frame_max(l) };
	r->buffer = malloc(r->max);
	ck_assert_ptr_nonnull(r->buffer);
}

/* Reads up to the end of *in, or until the frame is not incomplete any more. */
static enum frame_state
reader_feed(struct reader *r, const struct frame_limits *l, struct str *in,
	    size_t step)
{
	enum frame_state state = FRAME_INCOMPLETE;

	while (state == FRAME_INCOMPLETE && in->n > 0) {
		size_t n = in->n < step ? in->n : step;

		if (n > r->max - r->n)
			n = r->max - r->n;
		ck_assert_msg(n > 0, "frame_max() is too small");
		memcpy(r->buffer + r->n, in->p, n);
		r->n += n;
		*in = str_skip(*in, n);
		state = frame_scan(&r->frame, l, r->buffer, &r->n);
		if (state == FRAME_INCOMPLETE && r->n > r->most)
			r->most = r->n;
	}
	return state;
}

static enum frame_state
scan(const struct bytes *b, size_t step)
{
	struct str in = { .p = b->p, .n = b->n };
	struct reader r;
	enum frame_state state;

	reader_init(&r, &limits);
	state = reader_feed(&r, &limits, &in, step);
	free(r.buffer);
	return state;
}

static const size_t steps[] = { SIZE_MAX, 1, 7, 8, 9, 1000 };

START_TEST(malformed_frames_are_refused)
{
	for (size_t i = 0; i < fcgi_nbad; i++) {
		struct bytes b = { .p = NULL };

		fcgi_bad[i].build(&b);
		for (size_t j = 0; j < ARRAY_LEN(steps); j++)
			ck_assert_msg(
			    scan(&b, steps[j]) == FRAME_MALFORMED,
			    "row %zu (%s) with step %zu is not malformed", i,
			    fcgi_bad[i].name, steps[j]);
		bytes_free(&b);
	}
}
END_TEST

START_TEST(good_frames_are_read)
{
	static const struct fcgi_request rows[] = {
		{ .id = 1 },
		{ .id = 1, .keep = true },
		{ .id = 65535, .keep = true },
		{ .id = 256, .authorizer = true },
		{ .name = "HTTP_COOKIE", .value = "a=b" },
		{ .name = "EMPTY", .value = "" },
		{ .body = 1 },
		{ .body = BAD_BODY },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fcgi_request *q = &rows[i];
		struct bytes b = { .p = NULL };

		fcgi_request(&b, q);
		for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
			struct str in = { .p = b.p, .n = b.n };
			struct reader r;

			reader_init(&r, &limits);
			ck_assert_msg(reader_feed(&r, &limits, &in, steps[j]) ==
					  FRAME_COMPLETE,
				      "row %zu with step %zu is not complete",
				      i, steps[j]);
			ck_assert_uint_eq(in.n, 0);
			ck_assert_uint_eq(r.n, r.frame.pos);
			ck_assert_uint_eq(r.frame.id, q->id == 0 ? 1 : q->id);
			ck_assert(r.frame.keep == q->keep);
			ck_assert(r.frame.authorizer == q->authorizer);
			ck_assert(!r.frame.body_too_large);
			ck_assert_uint_eq(r.frame.body, q->body);
			free(r.buffer);
		}
		b.n--;
		ck_assert_msg(scan(&b, SIZE_MAX) == FRAME_INCOMPLETE,
			      "row %zu is not incomplete without its last byte",
			      i);
		bytes_free(&b);
	}
}
END_TEST

/* Legal records that no server sends: one for each byte, with padding. */
START_TEST(records_of_one_byte_are_packed)
{
	struct bytes plain = { .p = NULL }, odd = { .p = NULL };
	struct bytes params = { .p = NULL }, body = { .p = NULL };
	struct str in;
	struct reader r;

	fcgi_pair(&params, STR("REQUEST_METHOD"), STR("POST"), false);
	fcgi_pair(&params, STR("WIDE"), STR("four byte lengths"), true);
	bytes_fill(&body, 'b', 3000);
	fcgi_begin(&plain, 9, FCGI_R_RESPONDER, true);
	fcgi_stream(&plain, FCGI_T_PARAMS, 9, &params, 65535, 0);
	fcgi_stream(&plain, FCGI_T_STDIN, 9, &body, 65535, 0);
	fcgi_begin(&odd, 9, FCGI_R_RESPONDER, true);
	fcgi_stream(&odd, FCGI_T_PARAMS, 9, &params, 1, 255);
	fcgi_stream(&odd, FCGI_T_STDIN, 9, &body, 1, 255);
	ck_assert_uint_gt(odd.n, 100 * plain.n);

	for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
		in = (struct str){ .p = odd.p, .n = odd.n };
		reader_init(&r, &limits);
		ck_assert_int_eq(reader_feed(&r, &limits, &in, steps[j]),
				 FRAME_COMPLETE);
		ck_assert_uint_eq(r.frame.pos, plain.n);
		ck_assert_int_eq(memcmp(r.buffer, plain.p, plain.n), 0);
		free(r.buffer);
	}
	bytes_free(&plain);
	bytes_free(&odd);
	bytes_free(&params);
	bytes_free(&body);
}
END_TEST

/* Removes the complete request, as the loop does. */
static void
reader_next(struct reader *r)
{
	r->n -= r->frame.pos;
	memmove(r->buffer, r->buffer + r->frame.pos, r->n);
	frame_next(&r->frame);
}

/* A request whose records all have padding, also the empty ones and the STDIN
 * behind an AUTHORIZER request. */
static void
padded_request(struct bytes *b, bool authorizer, size_t padding)
{
	static const char begin[] = { 0, 1, 1, 0, 0, 0, 0, 0 };
	struct bytes params = { .p = NULL };
	size_t at = b->n;

	fcgi_pair(&params, STR("REQUEST_METHOD"), STR("GET"), false);
	fcgi_record(b, FCGI_T_BEGIN, 3, begin, sizeof(begin), padding);
	b->p[at + 9] = authorizer ? FCGI_R_AUTHORIZER : FCGI_R_RESPONDER;
	fcgi_record(b, FCGI_T_PARAMS, 3, params.p, params.n, padding);
	fcgi_record(b, FCGI_T_PARAMS, 3, NULL, 0, padding);
	fcgi_record(b, FCGI_T_STDIN, 3, NULL, 0, padding);
	bytes_free(&params);
}

/* Two padded requests on one connection are read as if they had no padding. */
static void
expect_unpadded(bool authorizer, size_t padding, size_t step)
{
	struct bytes plain = { .p = NULL }, b = { .p = NULL };
	struct reader r;
	struct str in;

	padded_request(&plain, authorizer, 0);
	padded_request(&b, authorizer, padding);
	padded_request(&b, authorizer, padding);
	in = (struct str){ .p = b.p, .n = b.n };
	reader_init(&r, &limits);
	for (unsigned k = 0; k < 2; k++) {
		enum frame_state state =
		    frame_scan(&r.frame, &limits, r.buffer, &r.n);

		if (state == FRAME_INCOMPLETE)
			state = reader_feed(&r, &limits, &in, step);
		ck_assert_msg(state == FRAME_COMPLETE,
			      "request %u with padding %zu and step %zu fails",
			      k, padding, step);
		ck_assert_uint_eq(r.frame.pos, plain.n - (authorizer ? 8 : 0));
		ck_assert_int_eq(memcmp(r.buffer, plain.p, r.frame.pos), 0);
		reader_next(&r);
	}
	ck_assert_int_eq(reader_feed(&r, &limits, &in, step), FRAME_INCOMPLETE);
	(void)frame_scan(&r.frame, &limits, r.buffer, &r.n);
	ck_assert_uint_eq(r.n + in.n, 0);
	free(r.buffer);
	bytes_free(&plain);
	bytes_free(&b);
}

START_TEST(padding_is_removed)
{
	static const size_t paddings[] = { 1, 7, 8, 255 };

	for (size_t i = 0; i < ARRAY_LEN(paddings); i++) {
		for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
			expect_unpadded(false, paddings[i], steps[j]);
			expect_unpadded(true, paddings[i], steps[j]);
		}
	}
}
END_TEST

/* A request whose PARAMS have exactly n bytes, in one pair whose lengths take 8
 * bytes. */
static void
params_of(struct bytes *b, size_t n, size_t chunk)
{
	struct bytes params = { .p = NULL }, value = { .p = NULL };

	bytes_fill(&value, 'v', n - 8 - 1);
	fcgi_pair(&params, STR("N"), (struct str){ value.p, value.n }, true);
	ck_assert_uint_eq(params.n, n);
	fcgi_begin(b, 1, FCGI_R_RESPONDER, false);
	fcgi_stream(b, FCGI_T_PARAMS, 1, &params, chunk, 3);
	fcgi_record(b, FCGI_T_STDIN, 1, NULL, 0, 0);
	bytes_free(&params);
	bytes_free(&value);
}

START_TEST(size_of_params_is_bounded)
{
	static const size_t chunks[] = { 65535, 40000, 32768, 1000, 2 };
	static const struct {
		size_t n;
		enum frame_state state;
	} rows[] = {
		{ BAD_PARAMS - 1, FRAME_COMPLETE },
		{ BAD_PARAMS, FRAME_COMPLETE },
		{ BAD_PARAMS + 1, FRAME_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(chunks); j++) {
			struct bytes b = { .p = NULL };

			params_of(&b, rows[i].n, chunks[j]);
			ck_assert_msg(scan(&b, 4096) == rows[i].state,
				      "wrong state of row %zu with chunk %zu",
				      i, chunks[j]);
			bytes_free(&b);
		}
	}
}
END_TEST

START_TEST(number_of_pairs_is_bounded)
{
	for (size_t n = BAD_PAIRS - 1; n <= BAD_PAIRS + 1; n++) {
		struct bytes b = { .p = NULL }, params = { .p = NULL };

		for (size_t i = 0; i < n; i++)
			fcgi_pair(&params, STR("N"), STR("v"), i % 2 == 0);
		fcgi_begin(&b, 1, FCGI_R_AUTHORIZER, false);
		fcgi_stream(&b, FCGI_T_PARAMS, 1, &params, 5, 0);
		ck_assert_msg(scan(&b, 64) == (n <= BAD_PAIRS ?
						   FRAME_COMPLETE :
						   FRAME_MALFORMED),
			      "wrong state of %zu pairs", n);
		bytes_free(&b);
		bytes_free(&params);
	}
}
END_TEST

START_TEST(too_large_body_is_skipped)
{
	static const struct {
		size_t n, chunk;
		bool large;
	} rows[] = {
		{ BAD_BODY, 65535, false },    { BAD_BODY, 1, false },
		{ BAD_BODY + 1, 65535, true }, { BAD_BODY + 1, 1, true },
		{ BAD_EXCESS, 65535, true },   { BAD_EXCESS, 8000, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = { .p = NULL }, body = { .p = NULL };
		struct reader r;
		struct str in;

		bytes_fill(&body, 'b', rows[i].n);
		fcgi_begin(&b, 1, FCGI_R_RESPONDER, true);
		fcgi_record(&b, FCGI_T_PARAMS, 1, NULL, 0, 0);
		fcgi_stream(&b, FCGI_T_STDIN, 1, &body, rows[i].chunk, 0);
		in = (struct str){ .p = b.p, .n = b.n };
		reader_init(&r, &limits);
		ck_assert_msg(reader_feed(&r, &limits, &in, 8192) ==
				  FRAME_COMPLETE,
			      "row %zu", i);
		ck_assert_msg(r.frame.body_too_large == rows[i].large,
			      "row %zu", i);
		ck_assert_uint_le(r.frame.pos, BAD_BODY + 100);
		ck_assert_uint_eq(r.n, r.frame.pos);
		free(r.buffer);
		bytes_free(&b);
		bytes_free(&body);
	}
}
END_TEST

/* The headers of records must not fill the memory. */
START_TEST(memory_is_bounded)
{
	struct bytes b = { .p = NULL }, params = { .p = NULL };
	struct reader r;
	struct str in;

	params_of(&b, BAD_PARAMS, 1);
	in = (struct str){ .p = b.p, .n = b.n };
	reader_init(&r, &limits);
	ck_assert_int_eq(reader_feed(&r, &limits, &in, 512), FRAME_COMPLETE);
	ck_assert_uint_lt(r.most, BAD_PARAMS + 1024);
	ck_assert_uint_lt(r.max, BAD_PARAMS + BAD_BODY + 70000);
	free(r.buffer);
	bytes_free(&b);
	bytes_free(&params);
}
END_TEST

START_TEST(pipelined_frames_are_read)
{
	struct bytes b = { .p = NULL };

	for (uint16_t id = 1; id <= 5; id++)
		fcgi_request(&b, &(struct fcgi_request){
				     .id = id, .keep = true, .body = 10 });
	for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
		struct str in = { .p = b.p, .n = b.n };
		struct reader r;
		enum frame_state state = FRAME_INCOMPLETE;

		reader_init(&r, &limits);
		for (uint16_t id = 1; id <= 5; id++) {
			state = frame_scan(&r.frame, &limits, r.buffer, &r.n);
			if (state == FRAME_INCOMPLETE)
				state = reader_feed(&r, &limits, &in, steps[j]);
			ck_assert_msg(
			    state == FRAME_COMPLETE,
			    "with step %zu request %u is not complete",
			    steps[j], id);
			ck_assert_uint_eq(r.frame.id, id);
			reader_next(&r);
		}
		ck_assert_uint_eq(r.n + in.n, 0);
		free(r.buffer);
	}
	bytes_free(&b);
}
END_TEST

/* The empty STDIN behind an AUTHORIZER request comes with it, later, or not at
 * all. */
START_TEST(stdin_of_an_authorizer_is_skipped)
{
	const struct fcgi_request q = { .id = 7,
					.authorizer = true,
					.keep = true };
	static const size_t split[] = { 0, 1, 8 };

	for (size_t i = 0; i < ARRAY_LEN(split); i++) {
		struct bytes b = { .p = NULL };
		size_t end;
		struct reader r;
		struct str in;

		fcgi_request(&b, &q);
		end = b.n;
		fcgi_record(&b, FCGI_T_STDIN, 7, NULL, 0, 0);
		fcgi_request(&b, &q);

		reader_init(&r, &limits);
		in = (struct str){ .p = b.p, .n = end + split[i] };
		ck_assert_int_eq(reader_feed(&r, &limits, &in, SIZE_MAX),
				 FRAME_COMPLETE);
		ck_assert_uint_eq(r.frame.pos, end);
		ck_assert_msg((r.frame.skip == 0) == (split[i] == 8), "row %zu",
			      i);
		reader_next(&r);
		in = (struct str){ .p = b.p + end + split[i],
				   .n = b.n - end - split[i] };
		ck_assert_msg(reader_feed(&r, &limits, &in, SIZE_MAX) ==
				  FRAME_COMPLETE,
			      "row %zu", i);
		ck_assert_uint_eq(r.frame.skip, 7);
		reader_next(&r);
		ck_assert_uint_eq(r.n, 0);
		free(r.buffer);
		bytes_free(&b);
	}
}
END_TEST

/* STDIN behind an AUTHORIZER request must be empty, have its id and come
 * once. */
START_TEST(wrong_stdin_of_an_authorizer_is_refused)
{
	static const struct {
		uint16_t id;
		unsigned times;
		size_t content;
	} rows[] = { { 8, 1, 0 }, { 7, 2, 0 }, { 7, 1, 1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = { .p = NULL };
		struct str in;
		struct reader r;

		fcgi_request(&b, &(struct fcgi_request){ .id = 7,
							 .authorizer = true,
							 .keep = true });
		for (unsigned k = 0; k < rows[i].times; k++)
			fcgi_record(&b, FCGI_T_STDIN, rows[i].id, "x",
				    rows[i].content, 0);
		in = (struct str){ .p = b.p, .n = b.n };
		reader_init(&r, &limits);
		ck_assert_int_eq(reader_feed(&r, &limits, &in, 1),
				 FRAME_COMPLETE);
		reader_next(&r);
		ck_assert_msg(reader_feed(&r, &limits, &in, 1) ==
				  FRAME_MALFORMED,
			      "row %zu", i);
		free(r.buffer);
		bytes_free(&b);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("frame");

	tcase_add_test(t, malformed_frames_are_refused);
	tcase_add_test(t, good_frames_are_read);
	tcase_add_test(t, records_of_one_byte_are_packed);
	tcase_add_test(t, size_of_params_is_bounded);
	tcase_add_test(t, number_of_pairs_is_bounded);
	tcase_add_test(t, too_large_body_is_skipped);
	tcase_add_test(t, memory_is_bounded);
	tcase_add_test(t, pipelined_frames_are_read);
	tcase_add_test(t, stdin_of_an_authorizer_is_skipped);
	tcase_add_test(t, wrong_stdin_of_an_authorizer_is_refused);
	tcase_add_test(t, padding_is_removed);
	return run_case(t);
}
