/* SPDX-License-Identifier: MIT */
/* The table of invalid FastCGI input, which must be refused. */
#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "tests/support/fcgi_client.h"

static void
begin(struct bytes *b)
{
	fcgi_begin(b, 1, FCGI_R_RESPONDER, true);
}

/* Builds a request whose PARAMS content is these bytes. */
static void
with_params(struct bytes *b, const void *p, size_t n)
{
	begin(b);
	fcgi_record(b, FCGI_T_PARAMS, 1, p, n, 0);
	fcgi_record(b, FCGI_T_PARAMS, 1, NULL, 0, 0);
	fcgi_record(b, FCGI_T_STDIN, 1, NULL, 0, 0);
}

static void
with_pair(struct bytes *b, struct str name, struct str value)
{
	struct bytes params = { .p = NULL };

	fcgi_pair(&params, name, value, false);
	with_params(b, params.p, params.n);
	bytes_free(&params);
}

/* Builds a request that begins with one valid pair and continues with this
 * record, where PARAMS or its end is expected. */
static void
in_params(struct bytes *b, uint8_t type, uint16_t id, struct str content)
{
	struct bytes params = { .p = NULL };

	begin(b);
	fcgi_pair(&params, STR("REQUEST_METHOD"), STR("GET"), false);
	fcgi_record(b, FCGI_T_PARAMS, 1, params.p, params.n, 0);
	fcgi_record(b, type, id, content.p, content.n, 0);
	bytes_free(&params);
}

static void
end_params(struct bytes *b)
{
	fcgi_record(b, FCGI_T_PARAMS, 1, NULL, 0, 0);
}

static void
lengths_overflow(struct bytes *b)
{
	/* CVE-2025-23016: lengths whose sum overflows an int. */
	with_params(b, "\xff\xff\xff\xff\x7f\x41", 6);
}

static void
both_lengths_overflow(struct bytes *b)
{
	with_params(b, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}

static void
value_length_huge(struct bytes *b)
{
	/* 1.9 GB. */
	with_params(b, "\x01\xf1\x40\x00\x00X", 6);
}

static void
name_longer_than_rest(struct bytes *b)
{
	with_params(b, "\x05\x00NAME", 6);
}

static void
value_longer_than_rest(struct bytes *b)
{
	with_params(b, "\x04\x05NAMEfour", 10);
}

static void
cut_in_length(struct bytes *b)
{
	with_params(b, "\x04\x80\x00", 3);
}

static void
cut_after_name_length(struct bytes *b)
{
	with_params(b, "\x04", 1);
}

static void
get_values_repeated(struct bytes *b)
{
	struct bytes pairs = { .p = NULL };

	for (int i = 0; i < 8; i++)
		fcgi_pair(&pairs, STR("FCGI_MPXS_CONNS"), STR(""), false);
	fcgi_record(b, FCGI_T_GET_VALUES, 0, pairs.p, pairs.n, 0);
	bytes_free(&pairs);
}

static void
get_values_empty(struct bytes *b)
{
	fcgi_record(b, FCGI_T_GET_VALUES, 0, NULL, 0, 0);
}

static void
get_values_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_GET_VALUES, 0, STR("\x0f\0FCGI_MPXS_CONNS"));
}

static void
unknown_type_in_params(struct bytes *b)
{
	in_params(b, 77, 1, STR("xx"));
}

static void
management_in_params(struct bytes *b)
{
	in_params(b, 200, 0, STR("\001\001AB"));
}

static void
abort_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_ABORT, 1, STR(""));
}

static void
stdin_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_STDIN, 1, STR("body"));
}

static void
end_of_stdin_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_STDIN, 1, STR(""));
}

static void
data_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_DATA, 1, STR("data"));
}

static void
begin_in_params(struct bytes *b)
{
	in_params(b, FCGI_T_BEGIN, 1, STR("\0\1\1\0\0\0\0\0"));
}

static void
begin_other_id(struct bytes *b)
{
	in_params(b, FCGI_T_BEGIN, 2, STR("\0\1\1\0\0\0\0\0"));
}

static void
params_other_id(struct bytes *b)
{
	in_params(b, FCGI_T_PARAMS, 2, STR("\001\001AB"));
}

static void
stdin_other_id(struct bytes *b)
{
	begin(b);
	end_params(b);
	fcgi_record(b, FCGI_T_STDIN, 2, NULL, 0, 0);
}

static void
abort_in_stdin(struct bytes *b)
{
	begin(b);
	end_params(b);
	fcgi_record(b, FCGI_T_ABORT, 1, NULL, 0, 0);
}

static void
params_after_end(struct bytes *b)
{
	begin(b);
	end_params(b);
	fcgi_record(b, FCGI_T_PARAMS, 1, "\001\001AB", 4, 0);
}

static void
version_0(struct bytes *b)
{
	begin(b);
	b->p[0] = 0;
}

static void
version_2_later(struct bytes *b)
{
	size_t at;

	begin(b);
	at = b->n;
	end_params(b);
	b->p[at] = 2;
}

static void
role_0(struct bytes *b)
{
	fcgi_begin(b, 1, 0, true);
}

static void
role_filter(struct bytes *b)
{
	fcgi_begin(b, 1, FCGI_R_FILTER, true);
}

static void
role_77(struct bytes *b)
{
	fcgi_begin(b, 1, 77, true);
}

static void
role_257(struct bytes *b)
{
	begin(b);
	b->p[8] = 1;
}

static void
begin_short(struct bytes *b)
{
	fcgi_record(b, FCGI_T_BEGIN, 1, "\0\1\1\0\0\0\0", 7, 0);
}

static void
begin_long(struct bytes *b)
{
	fcgi_record(b, FCGI_T_BEGIN, 1, "\0\1\1\0\0\0\0\0\0", 9, 0);
}

static void
begin_empty(struct bytes *b)
{
	fcgi_record(b, FCGI_T_BEGIN, 1, NULL, 0, 0);
}

static void
id_0(struct bytes *b)
{
	fcgi_begin(b, 0, FCGI_R_RESPONDER, true);
}

static void
params_first(struct bytes *b)
{
	fcgi_record(b, FCGI_T_PARAMS, 1, "\001\001AB", 4, 0);
}

static void
stdin_first(struct bytes *b)
{
	fcgi_record(b, FCGI_T_STDIN, 1, NULL, 0, 0);
}

static void
http(struct bytes *b)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	bytes_add(b, text, sizeof(text) - 1);
}

static void
one_wrong_byte(struct bytes *b)
{
	bytes_add(b, "\x16", 1);
}

static void
zeros(struct bytes *b)
{
	bytes_fill(b, '\0', 100);
}

static void
empty_name(struct bytes *b)
{
	with_pair(b, STR(""), STR("value"));
}

static void
empty_pair(struct bytes *b)
{
	with_pair(b, STR(""), STR(""));
}

static void
nul_in_name(struct bytes *b)
{
	with_pair(b, STR("REMOTE\0USER"), STR("alice"));
}

static void
nul_in_value(struct bytes *b)
{
	with_pair(b, STR("REMOTE_USER"), STR("alice\0"));
}

static void
equals_in_name(struct bytes *b)
{
	with_pair(b, STR("REMOTE_USER=alice"), STR("x"));
}

static void
equals_as_name(struct bytes *b)
{
	with_pair(b, STR("="), STR(""));
}

static void
too_many_pairs(struct bytes *b)
{
	struct bytes params = { .p = NULL };

	for (size_t i = 0; i < BAD_PAIRS + 1; i++)
		fcgi_pair(&params, STR("N"), STR(""), false);
	with_params(b, params.p, params.n);
	bytes_free(&params);
}

static void
too_many_params(struct bytes *b)
{
	struct bytes params = { .p = NULL }, value = { .p = NULL };

	/* 8 bytes of lengths, 1 of name: one byte past the limit. */
	bytes_fill(&value, 'v', BAD_PARAMS - 8);
	fcgi_pair(&params, STR("N"), (struct str){ value.p, value.n }, true);
	assert(params.n == BAD_PARAMS + 1);
	begin(b);
	fcgi_stream(b, FCGI_T_PARAMS, 1, &params, 1000, 0);
	bytes_free(&params);
	bytes_free(&value);
}

static void
body_past_excess(struct bytes *b)
{
	struct bytes body = { .p = NULL };

	bytes_fill(&body, 'b', 65535);
	begin(b);
	end_params(b);
	for (size_t n = 0; n <= BAD_EXCESS; n += body.n)
		fcgi_record(b, FCGI_T_STDIN, 1, body.p, body.n, 0);
	bytes_free(&body);
}

static void
authorizer_with_body(struct bytes *b)
{
	fcgi_begin(b, 1, FCGI_R_AUTHORIZER, true);
	fcgi_record(b, FCGI_T_PARAMS, 1, "\001\001AB", 4, 0);
	fcgi_record(b, FCGI_T_STDIN, 1, "body", 4, 0);
}

const struct fcgi_bad fcgi_bad[] = {
	{ "lengths whose sum overflows", lengths_overflow },
	{ "two greatest lengths", both_lengths_overflow },
	{ "value length of 1.9 GB", value_length_huge },
	{ "name longer than the rest", name_longer_than_rest },
	{ "value longer than the rest", value_longer_than_rest },
	{ "cut inside a length", cut_in_length },
	{ "cut after the length of a name", cut_after_name_length },
	{ "GET_VALUES, a name eight times", get_values_repeated },
	{ "GET_VALUES, empty", get_values_empty },
	{ "GET_VALUES among PARAMS", get_values_in_params },
	{ "unknown type among PARAMS", unknown_type_in_params },
	{ "unknown management record", management_in_params },
	{ "ABORT_REQUEST among PARAMS", abort_in_params },
	{ "STDIN among PARAMS", stdin_in_params },
	{ "end of STDIN among PARAMS", end_of_stdin_in_params },
	{ "DATA among PARAMS", data_in_params },
	{ "second BEGIN, same id", begin_in_params },
	{ "second BEGIN, other id", begin_other_id },
	{ "PARAMS of another id", params_other_id },
	{ "STDIN of another id", stdin_other_id },
	{ "ABORT_REQUEST instead of STDIN", abort_in_stdin },
	{ "PARAMS after their end", params_after_end },
	{ "version 0", version_0 },
	{ "version 2 in the second record", version_2_later },
	{ "role 0", role_0 },
	{ "role FILTER", role_filter },
	{ "role 77", role_77 },
	{ "role 257", role_257 },
	{ "BEGIN_REQUEST of 7 bytes", begin_short },
	{ "BEGIN_REQUEST of 9 bytes", begin_long },
	{ "BEGIN_REQUEST, empty", begin_empty },
	{ "id 0", id_0 },
	{ "PARAMS first", params_first },
	{ "STDIN first", stdin_first },
	{ "HTTP", http },
	{ "one wrong byte", one_wrong_byte },
	{ "zeros", zeros },
	{ "empty name", empty_name },
	{ "empty name and value", empty_pair },
	{ "NUL in a name", nul_in_name },
	{ "NUL in a value", nul_in_value },
	{ "= in a name", equals_in_name },
	{ "= as a name", equals_as_name },
	{ "one pair too many", too_many_pairs },
	{ "one byte of PARAMS too many", too_many_params },
	{ "body past what is dropped", body_past_excess },
	{ "STDIN among an authorizer's PARAMS", authorizer_with_body },
};

const size_t fcgi_nbad = ARRAY_LEN(fcgi_bad);
