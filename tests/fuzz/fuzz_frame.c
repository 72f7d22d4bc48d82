/* SPDX-License-Identifier: MIT */
/*
 * server/frame: the state and the packed bytes do not depend on how the input
 * is split into reads, a packed request scans like the original, and libfcgi
 * accepts every request that passes.
 */
#include "server/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "server/fcgi.h"
#include "tests/support/fuzz.h"

static const struct frame_limits limits = {
	.params = 2000, .pairs = 50, .body = 300, .excess = 600
};

struct result {
	enum frame_state state;
	struct frame frame;
	char *buffer;
	size_t n;
};

/* Feeds `step` bytes at a time, as a connection would. */
static struct result
scan(const uint8_t *data, size_t n, size_t step)
{
	size_t max = frame_max(&limits), at = 0;
	struct result r = { .state = FRAME_INCOMPLETE, .buffer = malloc(max) };

	assert(r.buffer != NULL);
	while (r.state == FRAME_INCOMPLETE && at < n) {
		size_t take = n - at < step ? n - at : step;

		if (take > max - r.n)
			take = max - r.n;
		assert(take > 0);
		memcpy(r.buffer + r.n, data + at, take);
		r.n += take;
		at += take;
		r.state = frame_scan(&r.frame, &limits, r.buffer, &r.n);
		assert(r.frame.pos <= r.n && r.n <= max);
	}
	return r;
}

/* A handler that answers 403 through libfcgi. */
static void
answer(const struct result *r)
{
	struct fcgi *f = fcgi_new();
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct message m;
	struct buf out;
	struct err err;

	assert(f != NULL && a != NULL);
	assert(fcgi_decode(f, r->buffer, r->frame.pos, a, &m, &err) == 0);
	assert(m.authorizer == r->frame.authorizer);
	assert(m.body.n == r->frame.body);
	assert(m.nparams >= 1); /* FCGI_ROLE is from libfcgi */
	for (size_t i = 0; i < m.nparams; i++) {
		assert(m.params[i].name.n > 0);
		assert(str_find(m.params[i].name, '=') == m.params[i].name.n);
	}
	buf_init(&out, a, 4096);
	assert(fcgi_answer(f, STR("Status: 403\r\n\r\n"), &out, &err) == 0);
	assert(out.n > 0 && out.n % 8 == 0);
	fcgi_free(f);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct result whole = scan(data, n, SIZE_MAX);
	struct result bytes = scan(data, n, 1);

	assert(whole.state == bytes.state);
	if (whole.state != FRAME_MALFORMED)
		assert(whole.frame.pos == bytes.frame.pos &&
		       memcmp(whole.buffer, bytes.buffer, whole.frame.pos) ==
			   0);
	if (whole.state == FRAME_COMPLETE) {
		struct result again = scan((const uint8_t *)whole.buffer,
					   whole.frame.pos, SIZE_MAX);

		assert(again.state == FRAME_COMPLETE);
		assert(again.frame.pos == whole.frame.pos);
		assert(again.frame.params == whole.frame.params);
		assert(again.frame.body == whole.frame.body);
		free(again.buffer);
		assert(fcgi_init() == 0);
		answer(&whole);
	}
	free(whole.buffer);
	free(bytes.buffer);
	return 0;
}
