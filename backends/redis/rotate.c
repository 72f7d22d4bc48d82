/* SPDX-License-Identifier: MIT */
/* Rotation of refresh tokens in the Redis store. */
#include "strategy/clock.h"
#include "strategy/session_check.h"
#include "strategy/session_id.h"
#include "backends/redis/client/wire_error.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

/* Returns the earliest beginning of a grace period that is not over, or an
 * empty text if there is no grace period. */
static struct str
since(struct redis_batch *b, const struct rotation *r, int64_t now_ms)
{
	if (r->grace_ms == 0)
		return STR("");
	return redis_time(b, r->grace_ms >= now_ms ? 0 : now_ms - r->grace_ms);
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

/* Reads { word } or { word, record }. Returns false if the reply is
 * neither. */
static bool
rotate_parse(const redisReply *r, enum rotate_answer *answer,
	     struct str *record)
{
	*record = STR("");
	if (r->type != REDIS_REPLY_ARRAY || r->elements < 1 || r->elements > 2)
		return false;
	for (size_t i = 0; i < r->elements; i++)
		if (r->element[i]->type != REDIS_REPLY_STRING)
			return false;
	if (r->elements == 2)
		*record = redis_reply_str(r->element[1]);
	return answer_of(redis_reply_str(r->element[0]), answer) &&
	       (*answer == ROTATE_GONE) == (r->elements == 1) &&
	       record->n <= REDIS_RECORD_MAX;
}

static bool
rotate_has_successor(enum rotate_answer answer)
{
	return answer == ROTATE_DONE || answer == ROTATE_GRACE;
}

/* `room` has REDIS_RECORD_MAX bytes and was allocated before the rotation,
 * which must not fail afterwards for lack of memory. */
static int
read_outcome(const redisReply *r, const struct session_id *id, char *room,
	     struct rotated *out, struct err *err)
{
	struct rotated is = { .session = { .id = *id } };
	struct str record;

	if (!rotate_parse(r, &is.answer, &record))
		is.session.damage = "record";
	if (record.n > 0 && is.session.damage == NULL) {
		memcpy(room, record.p, record.n);
		record.p = room;
		redis_record_parse(record, &is.session);
	}
	if (session_refuse_damaged(&is.session, err) != 0)
		return -1;
	if (rotate_has_successor(is.answer))
		redis_record_wrapped(record, is.wrapped);
	if (is.answer == ROTATE_GONE)
		is.session = (struct session){ .damage = NULL };
	*out = is;
	return 0;
}

static struct str
secret(const uint8_t bytes[32])
{
	return (struct str){ .p = (const char *)bytes, .n = 32 };
}

int
store_redis_rotate(void *conn, const struct call *c, const struct rotation *r,
		   struct rotated *out, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	char *room = arena_alloc(c->arena, REDIS_RECORD_MAX);

	if (room == NULL)
		return err_nomem(err);
	(void)redis_add_script(
	    &b, LUA_ROTATE, redis_key_session(&b, &r->id),
	    REDIS_ARGS(redis_time(&b, c->now_ms),
		       redis_count(&b, r->generation), secret(r->presented.b),
		       since(&b, r, c->now_ms),
		       redis_time(&b, later_ms(c->now_ms, r->grace_ms)),
		       secret(r->next.b), secret(r->wrapped),
		       redis_time(&b, later_ms(c->now_ms, r->idle_ms)),
		       redis_id(&b, &r->id),
		       redis_shard(&b, session_id_shard(&r->id))));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return read_outcome(b.replies[0], &r->id, room, out, err);
}
