/* SPDX-License-Identifier: MIT */
/*
 * The keys and records of the Redis store. P is the prefix. Numbers are
 * decimal with leading zeros, so that they have the order of their texts.
 *
 * Sessions are in shards (strategy/session_id.h), and all data of one user is
 * in one shard. T is P{XX} with the number of the shard in hexadecimal. The
 * text in braces determines the slot of a cluster.
 *
 *	T s:ID		a session, as below; ID is its id in hexadecimal
 *	T u:USER	the index of a user: entries, all of score 0
 *	T pages		the index of all sessions of the shard: for each page
 *			the ID from which on it has them, of score 0
 *	T p:ID		a page: the 16 bytes of each ID, of score 0
 *	T e:NN		the 16 bytes of the ID, USER; the score is the time when
 *			sweep() must read the session. NN is from 00 to 3f, by
 *			the SHA-1 of the user (part_of() in lua/common.lua)
 *	T sessions	entries of sessions that an earlier version has created,
 *			or whose ID does not begin with created_ms
 *	T ends		ENTRY:USER of the same, with the score of `T e:NN`
 *	T seen		ID; the score is a last_seen_ms that the record does not
 *			have yet
 *
 *	P ends		a:KEY and d:KEY, with the same score
 *	P a:KEY		attempts: 19 digits of the end, blank, banned 0 or 1,
 *			blank, count
 *	P bans		KEY of each ban; the score is its end
 *	P n:USER	networks of a user: for each, 19 digits of its end and
 *			32 hexadecimal digits of its hash
 *	P d:KEY		a denial: 19 digits of until, 19 of issued
 *	P secret:NAME	32 bytes
 *	P ping		what ping() writes
 *
 * An entry is 19 digits of created_ms and the ID, so entries have the order of
 * listings. One script creates a session and its entries, and one script ends
 * them: it deletes the session first, then the entries whose indices can be
 * changed. The score of its end may be too early, because a touch or a
 * rotation does not move it later.
 *
 * The change feed reports each change of a record, so most touches are stored
 * in `seen`. A later last_seen_ms there moves idle_expires_ms of the record by
 * the same time, up to expires_ms, unless the two are the same (times_at() in
 * lua/common.lua, redis_record_seen()). An earlier one has no meaning.
 *
 * The times in a record decide. The expiry in Redis only frees memory, at
 * least a minute later, and leaves the entries to sweep(). So a reader of an
 * index must read the records, too.
 *
 * A session is one string, because a hash takes twice the memory:
 *
 *	  0 format '1'	  1 remember	  2 created_ms	 21 expires_ms
 *	 40 last_seen_ms		 59 idle_expires_ms
 *	 78 rotated_ms	 97 generation	107 auth
 *	117 was rotated	118 token	150 previous token
 *	182 wrapped	214 name, roles, email, full_name, address, user_agent,
 *			    and, if it is known, the mark in hexadecimal
 *
 * `auth` tells when the user last proved who they are: it is 0 for created_ms,
 * else 5,000,000,000 and the milliseconds since created_ms, which may be
 * negative. An earlier version does not read it, and writes 0.
 *
 * Times have 19 digits, counts have 10, flags are 0 or 1, and secrets have 32
 * bytes. Texts have a NUL between them. Another format begins with another
 * digit. Lua counts from 1.
 */
#ifndef BACKENDS_REDIS_RECORDS_H
#define BACKENDS_REDIS_RECORDS_H

#include "strategy/session_store.h"
#include "backends/redis/batch.h"
#include "base/enc.h"

/* Returns 19 digits; a time before 1970 becomes 1970. */
struct str redis_time(struct redis_batch *b, int64_t ms);
bool redis_time_parse(struct str s, int64_t *ms) MUST_USE;
struct str redis_count(struct redis_batch *b, uint32_t n); /* 10 digits */
/* Returns the member of `P ends` of a record; the kind is "a:" or "d:". */
struct str redis_end_of_key(struct redis_batch *b, const char *kind,
			    struct str key);
/* A record that is over stays in Redis at least so long. */
#define REDIS_MARGIN_MS 60000
/* Returns the expiry, for PX, of a record that is over in span_ms. */
struct str redis_keep(struct redis_batch *b, int64_t span_ms);

#define REDIS_ID_LEN	HEX_LEN(SESSION_ID_BYTES)
#define REDIS_TIME_LEN	19
#define REDIS_ENTRY_LEN (REDIS_TIME_LEN + REDIS_ID_LEN)

struct str redis_id(struct redis_batch *b, const struct session_id *id);
/* Returns P{XX}, which the scripts call `front`. */
struct str redis_shard(struct redis_batch *b, uint8_t shard);
struct str redis_key_session(struct redis_batch *b,
			     const struct session_id *id);
/* The kind and user are "u:" and a user, or "sessions", "ends" or "seen", and
 * "". */
struct str redis_index(struct redis_batch *b, uint8_t shard, const char *kind,
		       struct str user);

/* Returns the entry of s->created_ms and s->id. */
struct str redis_entry(struct redis_batch *b, const struct session *s);
bool redis_entry_parse(struct str entry, struct session *s) MUST_USE;

/* The record of a session is not longer than this. */
#define REDIS_RECORD_MAX 2400

/* Returns hexadecimal digits, or an empty text if the mark is unknown. */
struct str redis_mark(struct redis_batch *b, const struct password_mark *mark);
struct str redis_record(struct redis_batch *b, const struct session *s);
/* Sets all but the id; the texts point into `record`. Of a damaged record it
 * sets only s->damage. */
void redis_record_parse(struct str record, struct session *s);
/* Sets the times that follow from the score in `seen`; p is NULL if there is
 * none. */
void redis_record_seen(struct session *s, struct str seen);
/* Copies the wrapped successor of the previous token. */
void redis_record_wrapped(struct str record, uint8_t out[32]);
/* Returns the four texts of an identity, with a NUL behind each. */
struct str redis_record_who(struct redis_batch *b, const struct identity *who);

bool redis_is_alive(const struct session *s, int64_t now_ms);

#endif
