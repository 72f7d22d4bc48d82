/* SPDX-License-Identifier: MIT */
/* Keys and records of the Redis store. */
#include "strategy/clock.h"
#include "strategy/session_check.h"
#include "strategy/session_id.h"
#include "backends/redis/records.h"

#include <stdio.h>
#include <string.h>

/* Lua and scores have all integers up to this. */
#define EXACT_MAX   (INT64_C(1) << 53)
/* A hundred years. Redis refuses an expiry that overflows its numbers. */
#define KEEP_MAX_MS INT64_C(3155760000000)

enum {
	COUNT_LEN = 10,
	SECRET_LEN = 32,
	AT_REMEMBER = 1,
	AT_CREATED = 2,
	AT_EXPIRES = 21,
	AT_LAST_SEEN = 40,
	AT_IDLE = 59,
	AT_ROTATED = 78,
	AT_GENERATION = 97,
	AT_AUTH = 107,
	AT_WAS_ROTATED = 117,
	AT_TOKEN = 118,
	AT_WRAPPED = 182,
	AT_TEXT = 214,
};

/* `auth` of a record: AUTH_SAME, or AUTH_ZERO and the difference. */
#define AUTH_SAME 0
#define AUTH_ZERO INT64_C(5000000000)

static struct str
part(struct str s, size_t at, size_t n)
{
	return (struct str){ .p = s.p + at, .n = n };
}

struct str
redis_time(struct redis_batch *b, int64_t ms)
{
	char text[REDIS_TIME_LEN + 1];

	(void)snprintf(text, sizeof(text), "%019lld",
		       ms < 0 ? 0LL : (long long)ms);
	return redis_join(b, REDIS_ARGS({ .p = text, .n = REDIS_TIME_LEN }));
}

bool
redis_time_parse(struct str s, int64_t *ms)
{
	return s.n == REDIS_TIME_LEN && str_to_uint(s, INT64_MAX, ms);
}

struct str
redis_count(struct redis_batch *b, uint32_t n)
{
	char text[COUNT_LEN + 1];

	(void)snprintf(text, sizeof(text), "%010lu", (unsigned long)n);
	return redis_join(b, REDIS_ARGS({ .p = text, .n = COUNT_LEN }));
}

struct str
redis_end_of_key(struct redis_batch *b, const char *kind, struct str key)
{
	return redis_join(b, REDIS_ARGS(str_from(kind), key));
}

struct str
redis_keep(struct redis_batch *b, int64_t span_ms)
{
	if (span_ms < 0)
		span_ms = 0;
	if (span_ms > KEEP_MAX_MS)
		span_ms = KEEP_MAX_MS;
	return redis_number(b, span_ms + REDIS_MARGIN_MS);
}

struct str
redis_id(struct redis_batch *b, const struct session_id *id)
{
	char text[REDIS_ID_LEN];

	hex_encode(id->b, sizeof(id->b), text);
	return redis_join(b, REDIS_ARGS({ .p = text, .n = sizeof(text) }));
}

struct str
redis_shard(struct redis_batch *b, uint8_t shard)
{
	char text[HEX_LEN(1)];

	hex_encode(&shard, 1, text);
	return redis_join(b, REDIS_ARGS(redis_prefix(b->conn), STR("{"),
					{ .p = text, .n = sizeof(text) },
					STR("}")));
}

struct str
redis_index(struct redis_batch *b, uint8_t shard, const char *kind,
	    struct str user)
{
	return redis_join(b, REDIS_ARGS(redis_shard(b, shard), str_from(kind),
					user));
}

struct str
redis_key_session(struct redis_batch *b, const struct session_id *id)
{
	return redis_index(b, session_id_shard(id), "s:", redis_id(b, id));
}

struct str
redis_entry(struct redis_batch *b, const struct session *s)
{
	return redis_join(b, REDIS_ARGS(redis_time(b, s->created_ms),
					redis_id(b, &s->id)));
}

bool
redis_entry_parse(struct str entry, struct session *s)
{
	return entry.n == REDIS_ENTRY_LEN &&
	       redis_time_parse(part(entry, 0, REDIS_TIME_LEN),
				&s->created_ms) &&
	       hex_decode(str_skip(entry, REDIS_TIME_LEN), s->id.b,
			  sizeof(s->id.b));
}

struct str
redis_record_who(struct redis_batch *b, const struct identity *who)
{
	const struct str nul = { .p = "", .n = 1 };

	return redis_join(b, REDIS_ARGS(who->name, nul, who->roles, nul,
					who->email, nul, who->full_name, nul));
}

struct str
redis_mark(struct redis_batch *b, const struct password_mark *mark)
{
	char text[HEX_LEN(PASSWORD_MARK_BYTES)];

	if (!password_mark_is_known(mark))
		return STR("");
	hex_encode(mark->b, sizeof(mark->b), text);
	return redis_join(b, REDIS_ARGS({ .p = text, .n = sizeof(text) }));
}

static int64_t
auth_of(const struct session *s)
{
	const int64_t most = AUTH_ZERO - 1;
	const int64_t after_ms = s->auth_ms - s->created_ms;

	if (after_ms == 0)
		return AUTH_SAME;
	if (after_ms < -most)
		return AUTH_ZERO - most;
	return AUTH_ZERO + (after_ms < most ? after_ms : most);
}

static int64_t
auth_ms_of(int64_t created_ms, int64_t auth)
{
	const int64_t after_ms = auth == AUTH_SAME ? 0 : auth - AUTH_ZERO;

	if (after_ms < 0)
		return created_ms > -after_ms ? created_ms + after_ms : 0;
	return later_ms(created_ms, after_ms);
}

struct str
redis_record(struct redis_batch *b, const struct session *s)
{
	static const char none[2 * SECRET_LEN];
	const struct str nul = { .p = "", .n = 1 };
	const struct str mark = redis_mark(b, &s->mark);
	char head[AT_TOKEN + 1];

	(void)snprintf(head, sizeof(head),
		       "1%d%019lld%019lld%019lld%019lld%019d%010lu%010lld0",
		       s->remember, (long long)s->created_ms,
		       (long long)s->expires_ms, (long long)s->last_seen_ms,
		       (long long)s->idle_expires_ms, 0,
		       (unsigned long)s->generation, (long long)auth_of(s));
	return redis_join(
	    b, REDIS_ARGS({ .p = head, .n = AT_TOKEN },
			  { .p = (const char *)s->token.b, .n = SECRET_LEN },
			  { .p = none, .n = sizeof(none) },
			  redis_record_who(b, &s->who), s->address, nul,
			  s->user_agent, mark.n > 0 ? nul : mark, mark));
}

static bool
record_get_numbers(struct str record, struct session *s)
{
	const struct {
		size_t at;
		int64_t *to;
	} times[] = {
		{ AT_CREATED, &s->created_ms },
		{ AT_EXPIRES, &s->expires_ms },
		{ AT_LAST_SEEN, &s->last_seen_ms },
		{ AT_IDLE, &s->idle_expires_ms },
	};
	int64_t remember, generation, auth;

	if (record.n < AT_TEXT || record.p[0] != '1' ||
	    !str_to_uint(part(record, AT_REMEMBER, 1), 1, &remember) ||
	    !str_to_uint(part(record, AT_GENERATION, COUNT_LEN), UINT32_MAX,
			 &generation) ||
	    !str_to_uint(part(record, AT_AUTH, COUNT_LEN), INT64_MAX, &auth))
		return false;
	s->remember = remember != 0;
	s->generation = (uint32_t)generation;
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (!redis_time_parse(part(record, times[i].at, REDIS_TIME_LEN),
				      times[i].to))
			return false;
	s->auth_ms = auth_ms_of(s->created_ms, auth);
	return true;
}

static bool
record_get_texts(struct str record, struct session *s)
{
	struct str *const texts[] = { &s->who.name,  &s->who.roles,
				      &s->who.email, &s->who.full_name,
				      &s->address,   &s->user_agent };
	struct str rest = str_skip(record, AT_TEXT);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!str_cut(&rest, '\0', texts[i]))
			return false;
	return rest.p == NULL || hex_decode(rest, s->mark.b, sizeof(s->mark.b));
}

void
redis_record_parse(struct str record, struct session *s)
{
	struct session got = { .id = s->id };

	if (record.n > REDIS_RECORD_MAX || !record_get_numbers(record, &got) ||
	    !record_get_texts(record, &got) ||
	    session_shard_of(got.who.name) != session_id_shard(&got.id))
		got = (struct session){ .id = s->id, .damage = "record" };
	else
		memcpy(got.token.b, record.p + AT_TOKEN, sizeof(got.token.b));
	session_check(&got);
	*s = got;
}

void
redis_record_seen(struct session *s, struct str seen)
{
	int64_t at_ms, later;

	if (s->damage != NULL || !str_to_uint(seen, EXACT_MAX, &at_ms) ||
	    at_ms <= s->last_seen_ms)
		return;
	later = later_ms(s->idle_expires_ms, at_ms - s->last_seen_ms);
	if (s->idle_expires_ms < s->expires_ms)
		s->idle_expires_ms =
		    later < s->expires_ms ? later : s->expires_ms;
	s->last_seen_ms = at_ms;
}

void
redis_record_wrapped(struct str record, uint8_t out[32])
{
	memcpy(out, record.p + AT_WRAPPED, SECRET_LEN);
}

bool
redis_is_alive(const struct session *s, int64_t now_ms)
{
	return now_ms < s->idle_expires_ms && now_ms < s->expires_ms;
}
