/* SPDX-License-Identifier: MIT */
/*
 * Mode session: the client holds a token; the store holds its SHA-256 and the
 * session. A token is base64url of
 *
 *	session id (16) | secret (32)
 *
 * The id selects the session. The hash covers both, so the token is valid only
 * if the id belongs to the secret.
 */
#include "strategy/auth_mode.h"
#include "strategy/clock.h"
#include "strategy/password_mark.h"
#include "strategy/session_id.h"
#include "modes/session_settings.h"
#include "base/enc.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "http/cookie.h"

#define SECRET_BYTES 32 /* 256 bits: far above ASVS 7.2.3 */
#define TOKEN_BYTES  (SESSION_ID_BYTES + SECRET_BYTES)
#define TOKEN_CHARS  BASE64URL_LEN(TOKEN_BYTES)
#define TOUCH_MAX_MS 60000 /* last_seen is updated after at most this long */

static const struct option session_options[] = {
	OPTION(SECONDS, struct session_conf, idle_timeout, .def = "30m",
	       .min = 1, .max = 365 * 86400,
	       .help =
		   "A session that is not used for this long ends. It may end "
		   "earlier by a tenth of this time, but at most by a minute: "
		   "activity is not recorded more often than that. Never "
		   "longer than absolute_timeout."),
	OPTION(SECONDS, struct session_conf, absolute_timeout, .def = "12h",
	       .min = 1, .max = 365 * 86400,
	       .help = "A session ends this long after its sign-in, whether "
		       "it is used or not."),
	OPTION(SECONDS, struct session_conf, remember, .def = "30d", .min = 0,
	       .max = 400 * 86400,
	       .help =
		   "Length of a session with \"Stay signed in\": "
		   "its absolute timeout and the lifetime of its cookie; the "
		   "idle timeout does not apply to it. "
		   "0 removes the box from the login page."),
	OPTION(INT, struct session_conf, max_per_user, .def = "0", .min = 0,
	       .max = 1000000,
	       .help = "Number of live sessions that one user may have; a "
		       "sign-in beyond that ends the oldest. 0 means no "
		       "limit. It is the only option of this section that "
		       "holds in every mode: also in mode refresh, and in "
		       "mode jwt if revocation is store. In mode refresh "
		       "access tokens of a session that was ended work until "
		       "they expire unless revocation is store."),
	OPTION_END,
};

static int
session_open(const struct mode_conf *conf, const struct env *env,
	     struct arena *a, void **mode, struct err *err)
{
	struct session_conf *copy = arena_alloc(a, sizeof(*copy));

	(void)env;
	if (copy == NULL)
		return err_nomem(err);
	*copy = *(const struct session_conf *)conf->own;
	*mode = copy;
	return 0;
}

static void
session_close(void *mode)
{
	(void)mode; /* it is allocated in the arena of the snapshot */
}

static struct token_hash
hash_of(const uint8_t token[TOKEN_BYTES])
{
	struct token_hash hash;

	digest_sha256((struct str){ .p = (const char *)token,
				    .n = TOKEN_BYTES },
		      hash.b);
	return hash;
}

/* Finds the session of a token. A value that cannot be a token is not found,
 * and the store is not asked. */
static int
session_find(struct call *c, struct str token, struct session_answer *out,
	     struct err *err)
{
	uint8_t bytes[TOKEN_BYTES];
	struct token_hash hash;
	struct session_id id;

	if (!base64url_decode(token, bytes, sizeof(bytes))) {
		*out = (struct session_answer){ .found = false };
		return 0;
	}
	memcpy(id.b, bytes, sizeof(id.b));
	hash = hash_of(bytes);
	secret_wipe(bytes, sizeof(bytes));
	return store_find(c->store, c, &id, &hash, out, err);
}

/*
 * Sets when last_seen must be updated. An update at each request would cost a
 * transaction each, so it is due only after a tenth of the idle timeout, at
 * most TOUCH_MAX_MS.
 */
static void
plan_touch(const struct session_conf *set, const struct session *s,
	   int64_t now_ms, struct principal *out)
{
	out->last_seen_ms = s->last_seen_ms;
	out->touch_every_ms = min64(TOUCH_MAX_MS, set->idle_timeout * 100);
	out->touch_idle_expires_ms =
	    s->remember ?
		s->idle_expires_ms :
		min64(now_ms + set->idle_timeout * 1000, s->expires_ms);
}

/* Limits the ends of a session that was made while the clock was ahead: from
 * now on it must not last longer than a new session. */
static void
bound(const struct session_conf *set, int64_t now_ms, struct session *s)
{
	const int64_t most =
	    s->remember ? set->remember : set->absolute_timeout;

	s->expires_ms = min64(s->expires_ms, now_ms + 1000 * most);
	if (!s->remember)
		s->idle_expires_ms = min64(s->idle_expires_ms,
					   now_ms + 1000 * set->idle_timeout);
}

static int
session_authenticate(const void *mode, struct call *c, struct str token,
		     struct auth_result *out, struct err *err)
{
	struct session_answer is;
	struct session *s = &is.session;

	if (session_find(c, token, &is, err) != 0)
		return -1;
	*out = (struct auth_result){ .verdict = VERDICT_DENY };
	if (!is.found)
		return 0;
	bound(mode, c->now_ms, s);
	out->verdict = VERDICT_ALLOW;
	out->principal = (struct principal){
		.who = s->who,
		.session = s->id,
		.expires_ms = min64(s->idle_expires_ms, s->expires_ms),
		.ends_ms = s->expires_ms,
		.auth_ms = s->auth_ms,
		.remember = s->remember,
		.mark = s->mark,
	};
	plan_touch(mode, s, c->now_ms, &out->principal);
	return 0;
}

/* Sets the times of a new session; `remember` is ignored unless it is
 * offered. */
static void
set_times(const struct session_conf *set, bool remember, int64_t now_ms,
	  struct session *s)
{
	s->created_ms = now_ms;
	s->auth_ms = now_ms;
	s->last_seen_ms = now_ms;
	s->remember = remember && set->remember > 0;
	s->expires_ms = now_ms + 1000 * (s->remember ? set->remember :
						       set->absolute_timeout);
	s->idle_expires_ms =
	    s->remember ?
		s->expires_ms :
		min64(now_ms + 1000 * set->idle_timeout, s->expires_ms);
}

static int
session_mode_revoke(const void *mode, struct call *c, struct str token,
		    struct auth_result *out, struct err *err)
{
	struct auth_result is;
	bool was_live;

	if (session_authenticate(mode, c, token, &is, err) != 0 ||
	    (is.verdict == VERDICT_ALLOW &&
	     store_revoke(c->store, c, &is.principal.session, &was_live, err) !=
		 0))
		return -1;
	*out = is;
	return 0;
}

static int
session_issue(const void *mode, struct call *c, const struct login *login,
	      struct credentials *out, struct err *err)
{
	const struct session_conf *set = mode;
	uint8_t bytes[TOKEN_BYTES];
	struct session s = { .who = login->who,
			     .address = login->address,
			     .user_agent = login->user_agent };
	char *token = arena_alloc(c->arena, TOKEN_CHARS + 1);
	int64_t evicted;

	if (token == NULL)
		return err_nomem(err);
	if (session_id_make(c->env, c->now_ms, s.who.name, &s.id, err) != 0 ||
	    password_mark_make(c, login->hash, &s.mark, err) != 0)
		return -1;
	memcpy(bytes, s.id.b, SESSION_ID_BYTES);
	if (env_random(c->env, bytes + SESSION_ID_BYTES, SECRET_BYTES) != 0)
		return err_norandom(err);
	base64url_encode(bytes, sizeof(bytes), token);
	s.token = hash_of(bytes);
	secret_wipe(bytes, sizeof(bytes));
	set_times(set, login->remember, c->now_ms, &s);
	if (store_create(c->store, c, &s, set->max_per_user, &evicted, err) !=
	    0)
		return -1;
	*out = (struct credentials){
		.session = s.id,
		.access = { .p = token, .n = TOKEN_CHARS },
		.expires_in =
		    (min64(s.idle_expires_ms, s.expires_ms) - c->now_ms) / 1000,
		.cookie_max_age = s.remember ? set->remember : -1,
		.evicted = evicted,
	};
	return 0;
}

/* Records activity; the token stays the same. */
static int
session_refresh(const void *mode, struct call *c, struct str token,
		size_t access_max, struct refresh_result *out, struct err *err)
{
	const struct session_conf *set = mode;
	struct auth_result is;
	struct principal *who = &is.principal;

	(void)access_max; /* no new token is made */
	if (session_authenticate(mode, c, token, &is, err) != 0)
		return -1;
	if (is.verdict != VERDICT_ALLOW) {
		*out = (struct refresh_result){ .answer = REFRESH_REFUSED };
		return 0;
	}
	if (!who->remember) {
		const struct touch touch = {
			.id = who->session,
			.last_seen_ms = c->now_ms,
			.idle_expires_ms =
			    min64(c->now_ms + 1000 * set->idle_timeout,
				  who->ends_ms),
		};

		if (store_touch(c->store, c, &touch, err) != 0)
			return -1;
		who->expires_ms = touch.idle_expires_ms;
	}
	*out = (struct refresh_result){
		.answer = REFRESH_DONE,
		.principal = *who,
		.credentials = {
			.session = who->session,
			.access = token,
			.expires_in = (who->expires_ms - c->now_ms) / 1000,
			.cookie_max_age = -1,
		},
	};
	return 0;
}

/* Asks the store, because only it knows whether a token belongs to the session
 * that it names. */
static int
session_session_of(const void *mode, struct call *c, struct str token,
		   struct named_session *out, struct err *err)
{
	struct session_answer is;

	(void)mode;
	if (session_find(c, token, &is, err) != 0)
		return -1;
	*out = (struct named_session){ .ours = is.found, .id = is.session.id };
	return 0;
}

static bool
session_offers_remember(const void *mode)
{
	return ((const struct session_conf *)mode)->remember > 0;
}

const struct auth_mode_ops mode_session = {
	.driver = {
		.name = "session",
		.summary = "opaque tokens, sessions in the store",
		.options = session_options,
		.conf_size = sizeof(struct session_conf),
	},
	.access_cookie = COOKIE_SESSION,
	.refresh_cookie = COOKIE_SESSION,
	.open = session_open,
	.close = session_close,
	.offers_remember = session_offers_remember,
	.authenticate = session_authenticate,
	.issue = session_issue,
	.refresh = session_refresh,
	.revoke = session_mode_revoke,
	.session_of = session_session_of,
};
