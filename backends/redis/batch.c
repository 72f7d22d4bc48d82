/* SPDX-License-Identifier: MIT */
/* Steps of the Redis store that are sent together. */
#include "backends/redis/batch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SCRATCH_MAX (4 << 20)

struct redis_batch
redis_batch(struct redis_conn *conn, struct arena *a, size_t max)
{
	struct redis_batch b = {
		.conn = conn,
		.a = a,
		.steps = arena_array(a, max, sizeof(*b.steps)),
		.replies = arena_array(a, max, sizeof(redisReply *)),
		.max = max,
	};

	b.failed = b.steps == NULL || b.replies == NULL;
	return b;
}

struct arena *
redis_scratch(void)
{
	return arena_new(SCRATCH_MAX);
}

static size_t
batch_add(struct redis_batch *b, const struct redis_step *step)
{
	struct str *args = NULL;

	assert(b->n < b->max);
	if (!b->failed && step->nargs > 0) {
		args = arena_array(b->a, step->nargs, sizeof(*args));
		b->failed = args == NULL;
	}
	if (b->failed)
		return 0;
	if (args != NULL)
		memcpy(args, step->args, step->nargs * sizeof(*args));
	b->steps[b->n] = *step;
	b->steps[b->n].args = args;
	return b->n++;
}

size_t
redis_add(struct redis_batch *b, const char *command, struct str key,
	  const struct str *args, size_t nargs)
{
	return batch_add(b, &(struct redis_step){ .command = command,
						  .key = key,
						  .args = args,
						  .nargs = nargs });
}

size_t
redis_add_script(struct redis_batch *b, size_t script, struct str key,
		 const struct str *args, size_t nargs)
{
	return redis_add_script_keys(b, script, key, 0, args, nargs);
}

size_t
redis_add_script_keys(struct redis_batch *b, size_t script, struct str key,
		      size_t nkeys, const struct str *args, size_t nargs)
{
	return batch_add(b, &(struct redis_step){ .script = script,
						  .key = key,
						  .nkeys = nkeys,
						  .args = args,
						  .nargs = nargs });
}

int
redis_batch_run(struct redis_batch *b, struct err *err)
{
	size_t n = b->n;

	b->n = 0;
	if (b->failed)
		return err_nomem(err);
	return n == 0 ? 0 : redis_run(b->conn, b->steps, n, b->replies, err);
}

int
redis_damaged(const char *what, struct err *err)
{
	return err_set(err, ERR_BUSY, "damaged %s", what);
}

static bool
get_text(const redisReply *r, struct str *out)
{
	if (r->type == REDIS_REPLY_NIL) {
		*out = (struct str){ .p = NULL };
		return true;
	}
	if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)
		return false;
	*out = (struct str){ .p = r->str, .n = r->len };
	return true;
}

int
redis_get_text(const struct redis_batch *b, size_t i, struct str *out,
	       struct err *err)
{
	return get_text(b->replies[i], out) ? 0 : redis_damaged("text", err);
}

int
redis_get_number(const struct redis_batch *b, size_t i, int64_t *out,
		 struct err *err)
{
	if (b->replies[i]->type != REDIS_REPLY_INTEGER)
		return redis_damaged("number", err);
	*out = b->replies[i]->integer;
	return 0;
}

bool
redis_is_array(const struct redis_batch *b, size_t i)
{
	return b->replies[i]->type == REDIS_REPLY_ARRAY;
}

int
redis_get_texts(const struct redis_batch *b, size_t i, const struct str **out,
		size_t *n, struct err *err)
{
	const redisReply *r = b->replies[i];
	struct str *v;

	if (r->type != REDIS_REPLY_ARRAY)
		return redis_damaged("list", err);
	v = arena_array(b->a, r->elements, sizeof(*v));
	if (v == NULL)
		return err_nomem(err);
	for (size_t k = 0; k < r->elements; k++) {
		if (!get_text(r->element[k], &v[k]))
			return redis_damaged("list", err);
		if (v[k].p != NULL && arena_copy(b->a, v[k], &v[k]) != 0)
			return err_nomem(err);
	}
	*out = v;
	*n = r->elements;
	return 0;
}

struct str
redis_join(struct redis_batch *b, const struct str *parts, size_t n)
{
	size_t length = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		length += parts[i].n;
	p = b->failed ? NULL : arena_alloc(b->a, length + 1);
	if (p == NULL) {
		b->failed = true;
		return STR("");
	}
	length = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].n > 0)
			memcpy(p + length, parts[i].p, parts[i].n);
		length += parts[i].n;
	}
	return (struct str){ .p = p, .n = length };
}

struct str
redis_number(struct redis_batch *b, int64_t n)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lld", (long long)n);

	return redis_join(b, REDIS_ARGS({ .p = text, .n = (size_t)length }));
}

struct str
redis_key(struct redis_batch *b, const char *kind, struct str name)
{
	return redis_join(b, REDIS_ARGS(redis_prefix(b->conn), str_from(kind),
					name));
}
