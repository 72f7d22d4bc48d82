/* SPDX-License-Identifier: MIT */
/*
 * Mode refresh: access tokens that last minutes, and a refresh token that lasts
 * weeks and is replaced at each use. A sign-in is a session in the store whose
 * secret rotates; the session ends when an old refresh token is presented (RFC
 * 9700 section 4.14.2). Within a short grace period the previous token gets
 * the same successor again, so that two tabs, or a lost response, sign nobody
 * out; that is not in the RFC, and `grace = 0` turns it off.
 */
#include "modes/access_token.h"

#include <string.h>

#include "strategy/password_mark.h"
#include "strategy/session_id.h"
#include "modes/refresh_token.h"
#include "modes/refresh_user.h"
#include "modes/session_settings.h"
#include "base/secret.h"
#include "http/cookie.h"

struct refresh_conf {
	int64_t idle_timeout, absolute_timeout, grace;
};

struct refresh_mode {
	struct access_tokens access;
	struct refresh_conf set;
	int64_t max_per_user;
	bool asks_store; /* an access token ends with its session */
};

static const struct option refresh_options[] = {
	OPTION(SECONDS, struct refresh_conf, idle_timeout, .def = "14d",
	       .min = 1, .max = 400 * 86400,
	       .help = "A session ends if its refresh token is not used for "
		       "this long. Never longer than absolute_timeout."),
	OPTION(SECONDS, struct refresh_conf, absolute_timeout, .def = "90d",
	       .min = 1, .max = 400 * 86400,
	       .help = "A session ends this long after its sign-in, however "
		       "often it is refreshed."),
	OPTION(SECONDS, struct refresh_conf, grace, .def = "10s", .min = 0,
	       .max = 60,
	       .help =
		   "For this long after its use a refresh token gets the same "
		   "successor again: for tabs that refresh at the same time, "
		   "and for responses that were lost. Keep it well below the "
		   "ttl of access tokens. With 0 any second use ends the "
		   "session."),
	OPTION_END,
};

static int
refresh_open(const struct mode_conf *conf, const struct env *env,
	     struct arena *a, void **mode, struct err *err)
{
	struct refresh_mode *m = arena_alloc(a, sizeof(*m));
	const struct jwt_conf *jwt;

	if (m == NULL)
		return err_nomem(err);
	jwt = conf->also[0];
	m->set = *(const struct refresh_conf *)conf->own;
	m->max_per_user =
	    ((const struct session_conf *)conf->also[1])->max_per_user;
	m->asks_store = jwt->revocation == REVOCATION_STORE;
	if (access_open(jwt, conf->make, env, a, &m->access, err) != 0)
		return err_context(err, "[jwt]");
	*mode = m;
	return 0;
}

static void
refresh_close(void *mode)
{
	(void)mode; /* it is allocated in the arena of the snapshot */
}

static bool
refresh_asks_store(const void *mode)
{
	return ((const struct refresh_mode *)mode)->asks_store;
}

/* Checks that the session of an access token has not ended. The principal gets
 * the identity of the session, which an administrator may have changed since
 * the token was issued. */
static int
refresh_check_session(struct call *c, struct auth_result *is, struct err *err)
{
	struct principal *who = &is->principal;
	struct session_answer now;
	const struct session *s = &now.session;

	if (store_find(c->store, c, &who->session, NULL, &now, err) != 0)
		return -1;
	if (!now.found || !str_eq(s->who.name, who->who.name)) {
		*is = (struct auth_result){ .verdict = VERDICT_DENY };
		return 0;
	}
	who->who = s->who;
	who->auth_ms = s->auth_ms;
	who->expires_ms =
	    min64(who->expires_ms, min64(s->idle_expires_ms, s->expires_ms));
	return 0;
}

static int
refresh_identify_access(const void *mode, struct call *c, struct str token,
			struct auth_result *out, struct err *err)
{
	const struct refresh_mode *m = mode;

	return access_authenticate(&m->access, c, token, out, err);
}

static int
refresh_authenticate(const void *mode, struct call *c, struct str token,
		     struct auth_result *out, struct err *err)
{
	const struct refresh_mode *m = mode;
	struct auth_result is;

	if (access_authenticate(&m->access, c, token, &is, err) != 0 ||
	    (is.verdict == VERDICT_ALLOW && m->asks_store &&
	     refresh_check_session(c, &is, err) != 0))
		return -1;
	*out = is;
	return 0;
}

/* Reads the key of the tags, which the store keeps for all instances. */
static int
tag_key(struct call *c, uint8_t key[32], struct err *err)
{
	if (env_random(c->env, key, 32) != 0)
		return err_norandom(err);
	return store_secret(c->store, c, "refresh", key, err);
}

/* A token that a client has presented. */
struct presented {
	bool ours; /* its tag is valid: the service has issued it for the
		    * session that it names; else all fields are zero */
	struct refresh_token token;
	uint8_t key[32]; /* the key of the tags */
};

/* A token that does not fit may fit a key that is newer than the known one. */
static int
refresh_read(struct call *c, struct str text, struct presented *out,
	     struct err *err)
{
	const bool complete = text.n == REFRESH_TOKEN_CHARS;
	struct presented p = { .ours = false };

	for (int tries = 0; complete && !p.ours && tries < 2; tries++) {
		if (tries > 0)
			store_forget_secrets(c->store);
		if (tag_key(c, p.key, err) != 0)
			return -1;
		p.ours = refresh_token_read(text, p.key, &p.token);
	}
	*out = p.ours ? p : (struct presented){ .ours = false };
	secret_wipe(&p, sizeof(p));
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

/* Fills the session id, and the times of the tokens and cookies. */
static void
fill_credentials(const struct refresh_mode *m, const struct call *c,
		 const struct session *s, struct credentials *out)
{
	const int64_t ttl = m->access.policy.ttl;
	const int64_t left_ms =
	    min64(s->idle_expires_ms, s->expires_ms) - c->now_ms;

	out->session = s->id;
	out->expires_in = ttl;
	out->cookie_max_age = ttl;
	out->refresh_max_age = left_ms / 1000;
}

/* Finds the session whose current token this is; an older token finds none. */
static int
find_current(struct call *c, const struct presented *p,
	     struct session_answer *out, struct err *err)
{
	struct token_hash hash;

	refresh_token_hash(&p->token, p->key, &hash);
	return store_find(c->store, c, &p->token.session, &hash, out, err);
}

/* Checks whether the service has issued a token, which may be a refresh token,
 * or an access token of any age. Returns its session, and its identity as far
 * as that is known. */
static int
refresh_identify(const struct refresh_mode *m, struct call *c, struct str token,
		 struct auth_result *out, struct err *err)
{
	struct presented p;
	struct session_answer current;

	if (refresh_read(c, token, &p, err) != 0)
		return -1;
	if (!p.ours)
		return access_identify(&m->access, c, token, out, err);
	if (find_current(c, &p, &current, err) != 0)
		return -1;
	*out = (struct auth_result){ .verdict = VERDICT_ALLOW,
				     .principal.session = p.token.session };
	if (current.found)
		out->principal.who = current.session.who;
	return 0;
}

static int
refresh_revoke(const void *mode, struct call *c, struct str token,
	       struct auth_result *out, struct err *err)
{
	struct auth_result is;
	bool was_live = false;

	if (refresh_identify(mode, c, token, &is, err) != 0 ||
	    (is.verdict == VERDICT_ALLOW &&
	     store_revoke(c->store, c, &is.principal.session, &was_live, err) !=
		 0))
		return -1;
	*out = was_live ? is : (struct auth_result){ .verdict = VERDICT_DENY };
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
			     .auth_ms = c->now_ms,
			     .address = login->address,
			     .user_agent = login->user_agent };
	struct credentials made = { .expires_in = 0 };
	struct refresh_token t = { .generation = 0 };
	uint8_t key[32];

	s.expires_ms = c->now_ms + m->set.absolute_timeout * 1000;
	s.idle_expires_ms =
	    min64(c->now_ms + m->set.idle_timeout * 1000, s.expires_ms);
	if (session_id_make(c->env, c->now_ms, s.who.name, &s.id, err) != 0 ||
	    password_mark_make(c, login->hash, &s.mark, err) != 0 ||
	    tag_key(c, key, err) != 0)
		return -1;
	t.session = s.id;
	if (env_random(c->env, t.secret, sizeof(t.secret)) != 0)
		return err_norandom(err);
	refresh_token_hash(&t, key, &s.token);
	if (write_token(c, &t, key, &made.refresh, err) != 0 ||
	    access_issue(&m->access, c, &s, &made.access, err) != 0 ||
	    store_create(c->store, c, &s, m->max_per_user, &made.evicted,
			 err) != 0)
		return -1;
	secret_wipe(&t, sizeof(t));
	fill_credentials(m, c, &s, &made);
	*out = made;
	return 0;
}

/* Returns the successor of the presented token: the new one, or, within the
 * grace period, the one that was made at the first use. */
static int
successor(const struct presented *p, const struct rotated *r,
	  struct refresh_token *out, struct err *err)
{
	struct token_hash hash;

	out->session = p->token.session;
	out->generation = p->token.generation + 1;
	refresh_token_wrap(&p->token, r->wrapped, out->secret);
	refresh_token_hash(out, p->key, &hash);
	if (memcmp(hash.b, r->session.token.b, sizeof(hash.b)) != 0)
		return err_set(err, ERR_INTERNAL,
			       "stored successor does not match its session");
	return 0;
}

static int
refresh_rotate(const struct refresh_mode *m, struct call *c,
	       const struct presented *p, struct rotated *out, struct err *err)
{
	struct refresh_token next = { .session = p->token.session,
				      .generation = p->token.generation + 1 };
	struct rotation r = {
		.id = p->token.session,
		.generation = p->token.generation,
		.idle_ms = m->set.idle_timeout * 1000,
		.grace_ms = m->set.grace * 1000,
	};

	if (env_random(c->env, next.secret, sizeof(next.secret)) != 0)
		return err_norandom(err);
	refresh_token_hash(&p->token, p->key, &r.presented);
	refresh_token_hash(&next, p->key, &r.next);
	refresh_token_wrap(&p->token, next.secret, r.wrapped);
	secret_wipe(&next, sizeof(next));
	return store_rotate(c->store, c, &r, out, err);
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

/* Does everything that can fail, before the refresh token is used up. The
 * answer is REFRESH_DONE if there is a new access token; with any other answer
 * all other fields are zero. */
static int
refresh_issue_access(const struct refresh_mode *m, struct call *c,
		     const struct session *s, size_t access_max,
		     struct refresh_result *out, struct err *err)
{
	struct refresh_result made = { .answer = REFRESH_DONE };
	struct session now = *s;
	bool still;

	if (refresh_check_user(c, s, &now.who, &still, err) != 0 ||
	    (still && access_issue(&m->access, c, &now,
				   &made.credentials.access, err) != 0))
		return -1;
	made.principal.who = now.who;
	if (!still)
		made = (struct refresh_result){ .answer = REFRESH_REFUSED };
	else if (made.credentials.access.n > access_max)
		made = (struct refresh_result){ .answer = REFRESH_TOO_LARGE };
	*out = made;
	return 0;
}

/* Fills the result with the successor of a token that was used up, now or
 * within the grace period. */
static int
refresh_fill_successor(const struct refresh_mode *m, struct call *c,
		       const struct presented *p, const struct rotated *r,
		       struct refresh_result *out, struct err *err)
{
	struct refresh_token next;

	out->answer = translate(r->answer);
	out->principal.session = r->session.id;
	out->principal.expires_ms = c->now_ms + m->access.policy.ttl * 1000;
	out->principal.ends_ms = r->session.expires_ms;
	out->principal.auth_ms = r->session.auth_ms;
	fill_credentials(m, c, &r->session, &out->credentials);
	if (successor(p, r, &next, err) != 0)
		return -1;
	return write_token(c, &next, p->key, &out->credentials.refresh, err);
}

/* Fills the result for a token that was refused, with the session and the
 * identity if the log needs them. */
static void
fill_refusal(const struct presented *p, const struct rotated *r,
	     struct refresh_result *out)
{
	*out = (struct refresh_result){ .answer = translate(r->answer) };
	if (r->answer == ROTATE_REUSED || r->answer == ROTATE_FUTURE)
		out->principal =
		    (struct principal){ .session = p->token.session,
					.who = r->session.who };
}

/* Refreshes a session with a token that the service has issued. */
static int
prolong(const struct refresh_mode *m, struct call *c, const struct presented *p,
	size_t access_max, struct refresh_result *out, struct err *err)
{
	struct refresh_result made;
	struct session_answer current;
	struct rotated r;

	if (find_current(c, p, &current, err) != 0 ||
	    (current.found &&
	     refresh_issue_access(m, c, &current.session, access_max, &made,
				  err) != 0))
		return -1;
	if (current.found && made.answer != REFRESH_DONE) {
		*out = made;
		return 0;
	}
	if (refresh_rotate(m, c, p, &r, err) != 0)
		return -1;
	if (r.answer != ROTATE_DONE && r.answer != ROTATE_GRACE) {
		fill_refusal(p, &r, out);
		return 0;
	}
	if (!current.found &&
	    refresh_issue_access(m, c, &r.session, access_max, &made, err) != 0)
		return -1;
	if (made.answer == REFRESH_DONE &&
	    refresh_fill_successor(m, c, p, &r, &made, err) != 0)
		return -1;
	*out = made;
	return 0;
}

static int
refresh_refresh(const void *mode, struct call *c, struct str token,
		size_t access_max, struct refresh_result *out, struct err *err)
{
	struct presented p;

	if (refresh_read(c, token, &p, err) != 0)
		return -1;
	if (p.ours)
		return prolong(mode, c, &p, access_max, out, err);
	*out = (struct refresh_result){ .answer = REFRESH_REFUSED };
	return 0;
}

static int
refresh_session_of(const void *mode, struct call *c, struct str token,
		   struct named_session *out, struct err *err)
{
	struct presented p;

	(void)mode;
	if (refresh_read(c, token, &p, err) != 0)
		return -1;
	*out = (struct named_session){ .ours = p.ours, .id = p.token.session };
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
		.summary = "short-lived access tokens, rotating refresh tokens",
		.options = refresh_options,
		.conf_size = sizeof(struct refresh_conf),
	},
	.access_cookie = COOKIE_ACCESS,
	.refresh_cookie = COOKIE_REFRESH,
	.also = { "jwt", "session" },
	.open = refresh_open,
	.close = refresh_close,
	.asks_store = refresh_asks_store,
	.authenticate = refresh_authenticate,
	.identify = refresh_identify_access,
	.issue = refresh_issue,
	.refresh = refresh_refresh,
	.revoke = refresh_revoke,
	.session_of = refresh_session_of,
	.jwks = refresh_jwks,
};
