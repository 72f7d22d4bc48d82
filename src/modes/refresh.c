/* SPDX-License-Identifier: MIT */
/*
 * Mode refresh: access tokens of minutes, and a refresh token of weeks that is
 * replaced at each use.  The login is a session in the store whose secret
 * rotates; an old secret that comes back ends it (RFC 9700 section 4.14.2).
 * Within a short grace the same old secret gets the same successor, so that
 * two tabs, or an answer that was lost, log nobody out; that is not in the
 * RFC, and `grace = 0` turns it off.
 */
#include "modes/access_token.h"

#include <string.h>

#include "strategy/password_mark.h"
#include "strategy/session_id.h"
#include "modes/refresh_token.h"
#include "base/secret.h"
#include "http/cookie.h"


struct refresh_conf {
	int64_t idle_timeout, absolute_timeout, grace;
};

struct refresh_mode {
	struct access access;
	struct refresh_conf set;
};

static const struct option refresh_options[] = {
	OPTION(SECONDS, struct refresh_conf, idle_timeout, .def = "14d",
	       .min = 1, .max = 400 * 86400,
	       .help = "A login ends when its refresh token is not used for so "
		       "long. Never longer than absolute_timeout."),
	OPTION(SECONDS, struct refresh_conf, absolute_timeout, .def = "90d",
	       .min = 1, .max = 400 * 86400,
	       .help = "A login ends so long after its beginning, however "
		       "often it is refreshed."),
	OPTION(SECONDS, struct refresh_conf, grace, .def = "10s", .min = 0,
	       .max = 60,
	       .help =
		   "So long after its use, the same refresh token gets the same "
		   "successor again: for tabs that refresh together, and for "
		   "answers that were lost. Keep it well below the ttl of "
		   "access tokens. 0 is strict: any second use ends the login."),
	OPTION_END,
};

static int
refresh_open(const void *conf, const void *also, bool make,
	     const struct env *env, struct arena *a, void **mode,
	     struct err *err)
{
	struct refresh_mode *m = arena_alloc(a, sizeof(*m));

	if (m == NULL)
		return err_nomem(err);
	m->set = *(const struct refresh_conf *)conf;
	if (access_open(also, make, false, env, a, &m->access, err) != 0)
		return err_context(err, "[jwt]");
	*mode = m;
	return 0;
}

static void
refresh_close(void *mode)
{
	(void)mode; /* it lies in the snapshot's arena */
}

static int
refresh_authenticate(const void *mode, struct call *c, struct str token,
		     enum verdict *verdict, struct grant *out, struct err *err)
{
	const struct refresh_mode *m = mode;

	return access_authenticate(&m->access, c, token, verdict, out, err);
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The key of the tags; the store keeps it for all instances. */
static int
tag_key(struct call *c, uint8_t key[32], struct err *err)
{
	if (env_random(c->env, key, 32) != 0)
		return err_set(err, ERR_INTERNAL, "no entropy");
	return store_secret(c->store, "refresh", key, err);
}

/* *ours: the token was made here, for the session that it names; else *out and
 * key are zero. */
static int
read_token(struct call *c, struct str text, uint8_t key[32], bool *ours,
	   struct refresh_token *out, struct err *err)
{
	struct refresh_token t = { .generation = 0 };
	uint8_t tags[32] = { 0 };
	bool is = text.n == REFRESH_TOKEN_CHARS;

	if (is && tag_key(c, tags, err) != 0)
		return -1;
	*ours = is && refresh_token_read(text, tags, &t);
	*out = t;
	memcpy(key, tags, sizeof(tags));
	secret_wipe(&t, sizeof(t));
	secret_wipe(tags, sizeof(tags));
	return 0;
}

static int
write_token(struct call *c, const struct refresh_token *t,
	    const uint8_t key[32], struct str *out, struct err *err)
{
	char *text = arena_alloc(c->arena, REFRESH_TOKEN_CHARS);

	if (text == NULL)
		return err_nomem(err);
	refresh_token_write(t, key, text);
	*out = (struct str){ .p = text, .n = REFRESH_TOKEN_CHARS };
	return 0;
}

/* How long things last, for a session whose tokens are known. */
static void
fill_credentials(const struct refresh_mode *m, const struct call *c,
		 const struct session *s, struct credentials *out)
{
	const int64_t ttl = m->access.policy.ttl;
	const int64_t left_ms = min64(s->idle_expires_ms, s->expires_ms) -
	    c->now_ms;

	out->session = s->id;
	out->expires_in = ttl;
	out->cookie_max_age = ttl;
	out->refresh_max_age = left_ms / 1000;
}

/* The session whose secret this is now; *found false for an older one. */
static int
find_current(struct call *c, const struct refresh_token *t,
	     const uint8_t key[32], bool *found, struct session *out,
	     struct err *err)
{
	struct token_hash hash;

	refresh_token_hash(t, key, &hash);
	return store_find(c->store, c->arena, &hash, c->now_ms, found, out,
			  err);
}

/* *ours, and whose, as far as it is known: a refresh token, or an access token
 * of any age. */
static int
identify(const struct refresh_mode *m, struct call *c, struct str token,
	 enum verdict *ours, struct grant *out, struct err *err)
{
	struct refresh_token t;
	struct session s;
	uint8_t key[32];
	bool mine, found;

	if (read_token(c, token, key, &mine, &t, err) != 0)
		return -1;
	if (!mine)
		return access_identify(&m->access, c, token, ours, out, err);
	if (find_current(c, &t, key, &found, &s, err) != 0)
		return -1;
	*ours = VERDICT_ALLOW;
	*out = (struct grant){ .session = t.session };
	if (found)
		out->who = s.who;
	return 0;
}

static int
refresh_revoke(const void *mode, struct call *c, struct str token,
	       enum verdict *ended, struct grant *out, struct err *err)
{
	enum verdict ours;
	struct grant grant;
	bool was_live = false;

	if (identify(mode, c, token, &ours, &grant, err) != 0 ||
	    (ours == VERDICT_ALLOW &&
	     store_revoke(c->store, &grant.session, &was_live, err) != 0))
		return -1;
	*ended = was_live ? VERDICT_ALLOW : VERDICT_DENY;
	*out = was_live ? grant : (struct grant){ .expires_ms = 0 };
	return 0;
}

static int
refresh_issue(const void *mode, struct call *c, const struct login *login,
	      struct credentials *out, struct err *err)
{
	const struct refresh_mode *m = mode;
	struct session s = { .who = login->who,
			     .created_ms = c->now_ms,
			     .last_seen_ms = c->now_ms,
			     .address = login->address,
			     .user_agent = login->user_agent };
	struct credentials made = { .expires_in = 0 };
	struct refresh_token t = { .generation = 0 };
	uint8_t key[32];

	s.expires_ms = c->now_ms + m->set.absolute_timeout * 1000;
	s.idle_expires_ms = min64(c->now_ms + m->set.idle_timeout * 1000,
				  s.expires_ms);
	if (session_id_make(c->env, c->now_ms, &s.id, err) != 0 ||
	    password_mark_make(c, login->hash, &s.mark, err) != 0 ||
	    tag_key(c, key, err) != 0)
		return -1;
	t.session = s.id;
	if (env_random(c->env, t.secret, sizeof(t.secret)) != 0)
		return err_set(err, ERR_INTERNAL, "no entropy");
	refresh_token_hash(&t, key, &s.token);
	if (write_token(c, &t, key, &made.refresh, err) != 0 ||
	    access_issue(&m->access, c, &s.who, &s.id, &made.access, err) !=
		0 ||
	    store_create(c->store, &s, 0, c->now_ms, NULL, err) != 0)
		return -1;
	secret_wipe(&t, sizeof(t));
	fill_credentials(m, c, &s, &made);
	*out = made;
	return 0;
}

/* A user who was disabled or removed, or has got another password, meanwhile:
 * the session ends. */
static int
check_user(struct call *c, const struct session *s, struct identity *who,
	   bool *still, struct err *err)
{
	enum user_answer found;
	struct user user;
	struct password_mark now;
	bool is, was_live;

	if (users_find(c->users, c->arena, s->who.name, &found, &user, err) !=
	    0)
		return -1;
	is = found == USER_FOUND && !user.disabled;
	if (is && password_mark_fits(c, &s->mark, user.hash, &is, &now, err) !=
		0)
		return -1;
	if ((is ? store_remark(c->store, s->who.name, &s->mark, &now, err) :
		  store_revoke(c->store, &s->id, &was_live, err)) != 0)
		return -1;
	*still = is;
	*who = is ? user.who : (struct identity){ .name = STR("") };
	return 0;
}

/* The successor: as it was made now, or, after grace, as it was made before. */
static int
successor(const struct refresh_token *presented, const uint8_t key[32],
	  const struct session *s, const uint8_t wrapped[32],
	  struct refresh_token *out, struct err *err)
{
	struct token_hash hash;

	out->session = presented->session;
	out->generation = presented->generation + 1;
	refresh_token_wrap(presented, wrapped, out->secret);
	refresh_token_hash(out, key, &hash);
	if (memcmp(hash.b, s->token.b, sizeof(hash.b)) != 0)
		return err_set(err, ERR_INTERNAL,
			       "stored successor does not fit its session");
	return 0;
}

static int
rotate(const struct refresh_mode *m, struct call *c,
       const struct refresh_token *presented, const uint8_t key[32],
       enum rotate_answer *answer, struct session *s, uint8_t wrapped[32],
       struct err *err)
{
	struct refresh_token next = { .session = presented->session,
				      .generation = presented->generation + 1 };
	struct rotation r = {
		.generation = presented->generation,
		.idle_ms = m->set.idle_timeout * 1000,
		.grace_ms = m->set.grace * 1000,
		.grace_max = m->set.grace > 0 ? UINT32_MAX : 0,
	};

	if (env_random(c->env, next.secret, sizeof(next.secret)) != 0)
		return err_set(err, ERR_INTERNAL, "no entropy");
	refresh_token_hash(presented, key, &r.presented);
	refresh_token_hash(&next, key, &r.next);
	refresh_token_wrap(presented, next.secret, r.wrapped);
	secret_wipe(&next, sizeof(next));
	return store_rotate(c->store, c->arena, &presented->session, &r,
			    c->now_ms, answer, s, wrapped, err);
}

static enum refresh_answer
translate(enum rotate_answer answer)
{
	switch (answer) {
	case ROTATE_DONE:
		return REFRESH_DONE;
	case ROTATE_GRACE:
		return REFRESH_AGAIN;
	case ROTATE_REUSED:
		return REFRESH_REUSED;
	case ROTATE_FUTURE:
		return REFRESH_FUTURE;
	case ROTATE_GONE:
		break;
	}
	return REFRESH_REFUSED;
}

/* Everything that can fail, before the token is used up.  *answer:
 * REFRESH_DONE when there is an access token to hand over. */
static int
prepare(const struct refresh_mode *m, struct call *c, const struct session *s,
	size_t access_max, enum refresh_answer *answer, struct grant *grant,
	struct credentials *out, struct err *err)
{
	bool still;

	*answer = REFRESH_REFUSED;
	if (check_user(c, s, &grant->who, &still, err) != 0)
		return -1;
	if (!still)
		return 0;
	if (access_issue(&m->access, c, &grant->who, &s->id, &out->access,
			 err) != 0)
		return -1;
	*answer = out->access.n > access_max ? REFRESH_TOO_LARGE :
					       REFRESH_DONE;
	return 0;
}

/* The token is used up, now or just before: its successor goes out. */
static int
finish(const struct refresh_mode *m, struct call *c,
       const struct refresh_token *presented, const uint8_t key[32],
       const struct session *s, const uint8_t wrapped[32],
       struct grant *grant, struct credentials *out, struct err *err)
{
	struct refresh_token next;

	grant->session = s->id;
	grant->expires_ms = c->now_ms + m->access.policy.ttl * 1000;
	grant->ends_ms = s->expires_ms;
	fill_credentials(m, c, s, out);
	if (successor(presented, key, s, wrapped, &next, err) != 0)
		return -1;
	return write_token(c, &next, key, &out->refresh, err);
}

/* What a use of a refresh token gives; refused, and zero, to begin with. */
struct prolonged {
	enum refresh_answer answer;
	struct grant grant;
	struct credentials credentials;
};

/* The token is ours. */
static int
prolong(const struct refresh_mode *m, struct call *c,
	const struct refresh_token *presented, const uint8_t key[32],
	size_t access_max, struct prolonged *out, struct err *err)
{
	struct credentials made = { .expires_in = 0 };
	struct grant who = { .expires_ms = 0 };
	enum refresh_answer ready = REFRESH_REFUSED;
	enum rotate_answer rotated;
	uint8_t wrapped[32];
	struct session s;
	bool current;

	if (find_current(c, presented, key, &current, &s, err) != 0 ||
	    (current &&
	     prepare(m, c, &s, access_max, &ready, &who, &made, err) != 0))
		return -1;
	if (current && ready != REFRESH_DONE) {
		out->answer = ready;
		return 0;
	}
	if (rotate(m, c, presented, key, &rotated, &s, wrapped, err) != 0)
		return -1;
	out->answer = translate(rotated);
	if (rotated == ROTATE_REUSED || rotated == ROTATE_FUTURE)
		out->grant = (struct grant){ .session = presented->session,
					     .who = s.who };
	if (rotated != ROTATE_DONE && rotated != ROTATE_GRACE)
		return 0;
	if (!current && prepare(m, c, &s, access_max, &ready, &who, &made,
				err) != 0)
		return -1;
	if (ready != REFRESH_DONE) {
		out->answer = ready;
		return 0;
	}
	if (finish(m, c, presented, key, &s, wrapped, &who, &made, err) != 0)
		return -1;
	out->grant = who;
	out->credentials = made;
	return 0;
}

static int
refresh_refresh(const void *mode, struct call *c, struct str token,
		size_t access_max, enum refresh_answer *answer,
		struct grant *grant, struct credentials *out, struct err *err)
{
	struct prolonged is = { .answer = REFRESH_REFUSED };
	struct refresh_token presented;
	uint8_t key[32];
	bool ours;

	if (read_token(c, token, key, &ours, &presented, err) != 0 ||
	    (ours &&
	     prolong(mode, c, &presented, key, access_max, &is, err) != 0))
		return -1;
	*answer = is.answer;
	*grant = is.grant;
	*out = is.credentials;
	return 0;
}

static int
refresh_session_of(const void *mode, struct call *c, struct str token,
		   bool *ours, struct session_id *out, struct err *err)
{
	struct refresh_token t;
	uint8_t key[32];
	bool is;

	(void)mode;
	if (read_token(c, token, key, &is, &t, err) != 0)
		return -1;
	*ours = is;
	*out = t.session;
	return 0;
}

static json_t *
refresh_jwks(const void *mode)
{
	return keyring_jwks(&((const struct refresh_mode *)mode)->access.keys);
}

const struct auth_mode_ops mode_refresh = {
	.driver = {
		.name = "refresh",
		.summary = "short tokens, rotating refresh token in the store",
		.options = refresh_options,
		.conf_size = sizeof(struct refresh_conf),
	},
	.access_cookie = COOKIE_ACCESS,
	.refresh_cookie = COOKIE_REFRESH,
	.also = "jwt",
	.open = refresh_open,
	.close = refresh_close,
	.authenticate = refresh_authenticate,
	.issue = refresh_issue,
	.refresh = refresh_refresh,
	.revoke = refresh_revoke,
	.session_of = refresh_session_of,
	.jwks = refresh_jwks,
};
