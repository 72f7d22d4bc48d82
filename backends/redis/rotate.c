/* SPDX-License-Identifier: MIT */
/* Rotation of refresh tokens in the Redis store. */
#include "strategy/session_check.h"
#include "backends/redis/records.h"

#include <string.h>

/* How long the next token is reserved before its session leads to it. */
#define RESERVED STR("60000")

/* One rotation on its way. */
struct turn {
	struct redis_link *l;
	struct arena *a;
	const struct rotation *r;
	int64_t now_ms;
	bool reserved; /* `next` leads to the session because of us */
	char *record; /* REDIS_RECORD_MAX, of the caller's arena: what is done
		       * must not fail for want of memory */
	size_t n; /* of it */
	struct rotated is;
};

/* A `next` that leads elsewhere is taken. */
static int
reserve(struct turn *t, struct err *err)
{
	struct redis_batch b = redis_batch(t->l, t->a, 2);
	struct str key = redis_key_token(&b, &t->r->next);
	struct str id = redis_id(&b, &t->r->id), set, got;

	(void)redis_add(&b, "SET", key,
			REDIS_ARGS(id, STR("NX"), STR("PX"), RESERVED));
	(void)redis_add(&b, "GET", key, NULL, 0);
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_text(&b, 0, &set, err) != 0 ||
	    redis_get_text(&b, 1, &got, err) != 0)
		return -1;
	if (!str_eq(got, id))
		return err_set(err, ERR_INTERNAL,
			       "another session has the next token");
	t->reserved = set.p != NULL;
	return 0;
}

/* The earliest beginning of a grace that is not over at now_ms. */
static int64_t
since_ms(const struct turn *t)
{
	int64_t grace_ms = t->r->grace_ms;

	return grace_ms >= t->now_ms ? 0 : t->now_ms - grace_ms;
}

static bool
answer_of(struct str word, enum rotate_answer *out)
{
	static const char *const words[] = {
		[ROTATE_GONE] = "GONE",	    [ROTATE_DONE] = "DONE",
		[ROTATE_GRACE] = "GRACE",   [ROTATE_REUSED] = "REUSED",
		[ROTATE_FUTURE] = "FUTURE",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(word, str_from(words[i]))) {
			*out = (enum rotate_answer)i;
			return true;
		}
	}
	return false;
}

/* The script's { word } or { word, record }. */
static int
read_outcome(struct turn *t, const struct redis_batch *b, struct err *err)
{
	const struct str *v;
	size_t n;

	if (redis_get_texts(b, 0, &v, &n, err) != 0)
		return -1;
	if (n < 1 || n > 2 || !answer_of(v[0], &t->is.answer) ||
	    (t->is.answer == ROTATE_GONE) != (n == 1) ||
	    (n == 2 && v[1].n > REDIS_RECORD_MAX))
		return session_refuse_damaged(&(struct session){ .id = t->r->id,
								 .damage =
								     "record" },
					      err);
	if (n == 1)
		return 0;
	memcpy(t->record, v[1].p, v[1].n);
	t->n = v[1].n;
	t->is.session.id = t->r->id;
	redis_record_parse((struct str){ .p = t->record, .n = t->n },
			   &t->is.session);
	return session_refuse_damaged(&t->is.session, err);
}

static struct str
secret(const uint8_t bytes[32])
{
	return (struct str){ .p = (const char *)bytes, .n = 32 };
}

static int
turn(struct turn *t, struct err *err)
{
	const struct rotation *r = t->r;
	struct redis_batch b = redis_batch(t->l, t->a, 1);

	(void)redis_add_script(
	    &b, LUA_ROTATE, redis_key_session(&b, redis_id(&b, &t->r->id)),
	    REDIS_ARGS(redis_time(&b, t->now_ms),
		       redis_count(&b, r->generation), secret(r->presented.b),
		       redis_time(&b, since_ms(t)),
		       redis_time(&b, later_ms(t->now_ms, r->grace_ms)),
		       redis_number(&b, r->grace_ms > 0 ? r->grace_max : 0),
		       secret(r->next.b), secret(r->wrapped),
		       redis_time(&b, later_ms(t->now_ms, r->idle_ms))));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return read_outcome(t, &b, err);
}

/* Steps to what shall lead to the session now. */
static struct redis_batch
lead(const struct turn *t)
{
	struct redis_batch b = redis_batch(t->l, t->a, 3 + REDIS_FORGET_STEPS);
	const struct token_hash *next = &t->r->next,
				*now = &t->is.session.token;

	if (t->is.answer == ROTATE_DONE || t->is.answer == ROTATE_GRACE)
		(void)redis_add(&b, "SET", redis_key_token(&b, now),
				REDIS_ARGS(redis_id(&b, &t->r->id), STR("PX"),
					   redis_keep(&b,
						      t->is.session.expires_ms -
							  t->now_ms)));
	if (t->is.answer == ROTATE_DONE &&
	    memcmp(&t->r->presented, now, sizeof(*now)) != 0)
		(void)redis_add(&b, "DEL",
				redis_key_token(&b, &t->r->presented), NULL, 0);
	if (t->is.answer == ROTATE_REUSED) {
		(void)redis_add(&b, "DEL", redis_key_token(&b, now), NULL, 0);
		redis_forget(&b, &t->is.session);
	}
	if (t->reserved &&
	    (t->is.answer == ROTATE_GONE ||
	     memcmp(next, now, sizeof(*now)) != 0))
		(void)redis_add(&b, "DEL", redis_key_token(&b, next), NULL, 0);
	return b;
}

static int
rotate(struct turn *t, struct err *err)
{
	struct redis_batch b;

	if (reserve(t, err) != 0 || turn(t, err) != 0)
		return -1;
	b = lead(t);
	/* Whoever is not told so asks again and gets GRACE, which leads to
	 * the session, too. */
	if (t->is.answer == ROTATE_DONE || t->is.answer == ROTATE_GRACE)
		return redis_batch_run(&b, err);
	redis_batch_try(&b);
	return 0;
}

int
store_redis_rotate(void *conn, const struct call *c, const struct rotation *r,
		   struct rotated *out, struct err *err)
{
	struct turn t = { .l = conn,
			  .a = redis_scratch(),
			  .r = r,
			  .now_ms = c->now_ms,
			  .record = arena_alloc(c->arena, REDIS_RECORD_MAX) };
	int result = -1;

	if (t.a == NULL || t.record == NULL)
		(void)err_nomem(err);
	else
		result = rotate(&t, err);
	arena_free(t.a);
	if (result != 0)
		return -1;
	if (t.is.answer == ROTATE_DONE || t.is.answer == ROTATE_GRACE)
		redis_record_wrapped((struct str){ .p = t.record, .n = t.n },
				     t.is.wrapped);
	*out = t.is;
	return 0;
}
