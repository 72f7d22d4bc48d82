/* SPDX-License-Identifier: MIT */
/* Sessions in Redis. */
#include "strategy/session_check.h"
#include "backends/redis/records.h"

#include <string.h>

static int
store_redis_open(const void *conf, const struct env *env, void **store,
		 struct err *err)
{
	return redis_open(redis_store_scripts, LUA_COUNT, conf, env, store,
			  err);
}

static int
keep_secret(struct redis_batch *b, struct str name, uint8_t value[32],
	    struct err *err)
{
	struct str key = redis_key(b, "secret:", name), kept;
	size_t get;

	(void)redis_add(b, "SET", key,
			REDIS_ARGS({ .p = (const char *)value, .n = 32 },
				   STR("NX")));
	get = redis_add(b, "GET", key, NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, get, &kept, err) != 0)
		return -1;
	if (kept.n != 32)
		return redis_damaged("secret", err);
	memcpy(value, kept.p, 32);
	return 0;
}

static int
store_redis_secret(void *conn, const struct call *c, const char *name,
		   uint8_t value[32], struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 2);

	return keep_secret(&b, str_from(name), value, err);
}

/* Enough for all sessions of a user who had no limit until now. */
#define MAKING_MAX (256 << 20)

/* A session on its way into the store. */
struct making {
	struct redis_link *l;
	struct arena *a;
	const struct session *s;
	int64_t max, now_ms;
	struct session *others; /* of the user, with max */
	size_t nothers;
	struct session *over; /* of those, who have to go */
	size_t nover;
};

static int64_t
end_ms(const struct session *s)
{
	return s->idle_expires_ms < s->expires_ms ? s->idle_expires_ms
						  : s->expires_ms;
}

/* Its token may lead to another session.  What cannot be taken back is in
 * nobody's way, and swept. */
static void
take_back(const struct making *m)
{
	struct redis_batch b = redis_batch(m->l, m->a, 1 + REDIS_FORGET_STEPS);

	(void)redis_add(&b, "DEL",
			redis_key_session(&b, redis_id(&b, &m->s->id)), NULL,
			0);
	redis_forget(&b, m->s);
	redis_batch_try(&b);
}

/* Those that were to make room for it stay. */
static void
spare(const struct making *m)
{
	struct redis_batch b = redis_batch(m->l, m->a, 2 * m->nover);

	for (size_t i = 0; i < m->nover; i++) {
		struct str key = redis_key(&b, "u:", m->s->who.name);
		struct str entry = redis_entry(&b, &m->over[i]);

		(void)redis_add(&b, "ZADD", key, REDIS_ARGS(STR("0"), entry));
		(void)redis_add(&b, "ZREM", key,
				REDIS_ARGS(redis_join(
				    &b, REDIS_ARGS(STR("-"), entry))));
	}
	redis_batch_try(&b);
}

static int
taken(struct err *err)
{
	return err_set(err, ERR_INTERNAL,
		       "another session has this id or token");
}

/*
 * The session, and before it that it ends: whatever is left alone of a create
 * is swept then.  Nothing leads to it yet.
 */
static int
make(struct making *m, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, 4);
	const struct session *s = m->s;
	struct str made, led;

	(void)redis_add(&b, "ZADD", redis_key(&b, "ends", STR("")),
			REDIS_ARGS(redis_number(&b, end_ms(s)),
				   redis_end_of(&b, s)));
	(void)redis_add(&b, "SET", redis_key_session(&b, redis_id(&b, &s->id)),
			REDIS_ARGS(redis_record(&b, s), STR("NX"), STR("PX"),
				   redis_keep(&b, s->expires_ms - m->now_ms)));
	(void)redis_add(&b, "GET", redis_key_token(&b, &s->token), NULL, 0);
	if (m->max > 0)
		(void)redis_add(&b, "ZRANGEBYLEX",
				redis_key(&b, "u:", s->who.name),
				REDIS_ARGS(STR("[0"), STR("+")));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_text(&b, 1, &made, err) != 0 ||
	    redis_get_text(&b, 2, &led, err) != 0 ||
	    (m->max > 0 && redis_get_entries(&b, 3, &m->others, &m->nothers,
					     err) != 0))
		return -1;
	if (made.p != NULL && led.p == NULL)
		return 0;
	if (made.p != NULL)
		take_back(m);
	return taken(err);
}

/* Moves those of the page that are over behind `ngone` of m->others, and
 * deletes them: a touch that comes late could have them live on, where those
 * who look for the user's sessions would not find them any more. */
static int
look_at_page(struct making *m, size_t at, size_t n, size_t *ngone,
	     struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, n);
	struct redis_batch rest = redis_batch(m->l, m->a, n);

	for (size_t i = 0; i < n; i++)
		(void)redis_add_script(
		    &b, LUA_REAP,
		    redis_key_session(&b, redis_id(&b, &m->others[at + i].id)),
		    REDIS_ARGS(redis_time(&b, m->now_ms), REDIS_ENDS_AT));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct session was = { .damage = "not there" };
		struct str record;

		if (redis_is_array(&b, i))
			continue;
		if (redis_get_text(&b, i, &record, err) != 0)
			return -1;
		if (record.p != NULL)
			redis_record_parse(record, &was);
		if (was.damage == NULL)
			(void)redis_add(&rest, "DEL",
					redis_key_token(&rest, &was.token),
					NULL, 0);
		m->others[(*ngone)++] = m->others[at + i];
	}
	redis_batch_try(&rest);
	return 0;
}

/* Those that take no room any more; of the others there are enough anyway when
 * they are fewer than the limit. */
static int
look_for_gone(struct making *m, size_t *ngone, struct err *err)
{
	*ngone = 0;
	if ((int64_t)m->nothers < m->max)
		return 0;
	for (size_t at = 0; at < m->nothers;) {
		size_t n = m->nothers - at < REDIS_PAGE ? m->nothers - at
							: REDIS_PAGE;

		if (look_at_page(m, at, n, ngone, err) != 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Into the indices; m->over become those that have to go for it. */
static int
enlist(struct making *m, size_t ngone, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, 2);
	struct str *args = arena_array(m->a, ngone + 2, sizeof(*args));

	if (args == NULL)
		return err_nomem(err);
	args[0] = redis_entry(&b, m->s);
	args[1] = redis_number(&b, m->max);
	for (size_t i = 0; i < ngone; i++)
		args[2 + i] = redis_entry(&b, &m->others[i]);
	(void)redis_add_script(&b, LUA_ROOM,
			       redis_key(&b, "u:", m->s->who.name), args,
			       ngone + 2);
	(void)redis_add(&b, "ZADD", redis_key(&b, "sessions", STR("")),
			REDIS_ARGS(STR("0"), redis_entry(&b, m->s)));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	return redis_get_entries(&b, 0, &m->over, &m->nover, err);
}

/* Last: a session that can be used is whole, and found by who ends those of
 * its user. */
static int
lead(const struct making *m, struct err *err)
{
	struct redis_batch b = redis_batch(m->l, m->a, 1);
	const struct session *s = m->s;
	struct str led;

	(void)redis_add(&b, "SET", redis_key_token(&b, &s->token),
			REDIS_ARGS(redis_id(&b, &s->id), STR("NX"), STR("PX"),
				   redis_keep(&b, s->expires_ms - m->now_ms)));
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_text(&b, 0, &led, err) != 0)
		return -1;
	return led.p == NULL ? taken(err) : 0;
}

/* Others go only when nothing can fail any more but that. */
static int
create(struct making *m, int64_t *evicted, struct err *err)
{
	struct redis_sessions over = { .l = m->l, .a = m->a };
	size_t ngone;

	if (make(m, err) != 0)
		return -1;
	if (look_for_gone(m, &ngone, err) != 0 || enlist(m, ngone, err) != 0 ||
	    lead(m, err) != 0) {
		if (m->nover > 0)
			spare(m);
		take_back(m);
		return -1;
	}
	for (size_t i = 0; i < m->nover; i++)
		m->over[i].who.name = m->s->who.name;
	over.v = m->over;
	over.n = m->nover;
	return redis_end(&over, m->now_ms, evicted, err);
}

static int
store_redis_create(void *conn, const struct call *c,
		   const struct session *session, int64_t max_per_user,
		   int64_t *evicted, struct err *err)
{
	struct making m = { .l = conn,
			    .a = arena_new(MAKING_MAX),
			    .s = session,
			    .max = max_per_user > 0 ? max_per_user : 0,
			    .now_ms = c->now_ms };
	int64_t n = 0;
	int result;

	if (m.a == NULL)
		return err_nomem(err);
	if (session->created_ms < 0 || session->last_seen_ms < 0 ||
	    end_ms(session) < 0)
		result = err_set(err, ERR_INPUT, "a time before 1970");
	else
		result = create(&m, &n, err);
	arena_free(m.a);
	if (result == 0)
		*evicted = n;
	return result;
}

/* The id that the token leads to, and the session, both copied; p NULL where
 * there is none. */
static int
ask_at_once(struct redis_batch *b, const struct token_hash *token,
	    struct str found[2], struct err *err)
{
	const struct str *v;
	size_t n;

	(void)redis_add_script(b, LUA_FIND, redis_key_token(b, token),
			       REDIS_ARGS(redis_key(b, "s:{", STR(""))));
	if (redis_batch_run(b, err) != 0)
		return -1;
	if (!redis_is_array(b, 0))
		return redis_get_text(b, 0, &found[0], err);
	if (redis_get_texts(b, 0, &v, &n, err) != 0)
		return -1;
	if (n != 2)
		return redis_damaged("answer", err);
	memcpy(found, v, 2 * sizeof(*v));
	return 0;
}

/* In a cluster the two are on different servers. */
static int
ask_in_turn(struct redis_batch *b, const struct token_hash *token,
	    struct str found[2], struct err *err)
{
	struct str text;

	(void)redis_add(b, "GET", redis_key_token(b, token), NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &text, err) != 0)
		return -1;
	if (text.p == NULL)
		return 0;
	if (arena_copy(b->a, text, &found[0]) != 0)
		return err_nomem(err);
	(void)redis_add_script(b, LUA_READ, redis_key_session(b, found[0]),
			       NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, 0, &text, err) != 0)
		return -1;
	if (text.p != NULL && arena_copy(b->a, text, &found[1]) != 0)
		return err_nomem(err);
	return 0;
}

static int
store_redis_find(void *conn, const struct call *c, const struct session_id *id,
		 const struct token_hash *token, struct session_answer *out,
		 struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	struct str answer[2] = { { .p = NULL }, { .p = NULL } };
	struct session s = { .created_ms = 0 };
	bool is = false;

	if ((redis_is_cluster(conn) ? ask_in_turn(&b, token, answer, err)
				    : ask_at_once(&b, token, answer, err)) != 0)
		return -1;
	if (answer[0].p != NULL &&
	    !hex_decode(answer[0], s.id.b, sizeof(s.id.b)))
		return redis_damaged("token", err);
	if (answer[0].p != NULL && answer[1].p != NULL) {
		redis_record_parse(answer[1], &s);
		/* One that was rotated away may still lead here. */
		is = s.damage != NULL ||
		    (token_hash_same(&s.token, token) &&
		     memcmp(&s.id, id, sizeof(*id)) == 0 &&
		     redis_is_alive(&s, c->now_ms));
	}
	*out = (struct session_answer){ .found = is };
	if (is)
		out->session = s;
	return 0;
}

static int
store_redis_touch(void *conn, const struct call *c, const struct touch *t,
		  struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t ignored;

	(void)redis_add_script(
	    &b, LUA_TOUCH, redis_key_session(&b, redis_id(&b, &t->id)),
	    REDIS_ARGS(redis_time(&b, t->last_seen_ms),
		       redis_time(&b, t->idle_expires_ms),
		       redis_time(&b,
				  later_ms(t->last_seen_ms, CLOCK_SLACK_MS))));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	if (redis_get_number(&b, 0, &ignored, err) == 0)
		return 0;
	return session_refuse_damaged(&(struct session){ .id = t->id,
							 .damage = "record" },
				      err);
}

static int
store_redis_revoke(void *conn, const struct call *c,
		   const struct session_id *id, bool *ended, struct err *err)
{
	const struct session session = { .id = *id };
	const struct redis_sessions one = {
		.l = conn, .a = c->arena, .v = &session, .n = 1
	};
	int64_t n = 0;

	if (redis_end(&one, INT64_MIN, &n, err) != 0)
		return -1;
	*ended = n > 0;
	return 0;
}

const struct session_store_ops store_redis = {
	.base = {
		.driver = {
			.name = "redis",
			.summary = "sessions in Redis: one server, Sentinel, or"
				   " a cluster",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED,
			.options = redis_options,
			.conf_size = sizeof(struct redis_conf),
			.check = redis_check,
		},
		.open = store_redis_open,
		.close = redis_close,
		.connect = redis_connect,
		.disconnect = redis_disconnect,
		.is_lost = redis_is_lost,
		.ping = store_redis_ping,
		.advise = store_redis_advise,
	},
	.secret = store_redis_secret,
	.create = store_redis_create,
	.find = store_redis_find,
	.touch = store_redis_touch,
	.rotate = store_redis_rotate,
	.deny = store_redis_deny,
	.denied = store_redis_denied,
	.revoke = store_redis_revoke,
	.revoke_user = store_redis_revoke_user,
	.revoke_all = store_redis_revoke_all,
	.update_user = store_redis_update_user,
	.remark = store_redis_remark,
	.list = store_redis_list,
	.attempt = store_redis_attempt,
	.give_back = store_redis_give_back,
	.banned = store_redis_banned,
	.reset_attempts = store_redis_reset_attempts,
	.bans = store_redis_bans,
	.learn = store_redis_learn,
	.networks = store_redis_networks,
	.unlearn = store_redis_unlearn,
	.sweep = store_redis_sweep,
};
