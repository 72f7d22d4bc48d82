/* SPDX-License-Identifier: MIT */
/*
 * Mode jwt: the client holds a signed token that contains the identity; every
 * service that has the key accepts it. Nothing is stored, unless revocation =
 * store: then revocations are stored, by session and by user, but never by the
 * text of the token, because the same token can be encoded in several ways.
 */
#include "modes/access_token.h"

#include "strategy/denial.h"
#include "strategy/session_id.h"
#include "http/cookie.h"

static bool
jwt_needs_store(const void *conf)
{
	return ((const struct jwt_conf *)conf)->revocation == REVOCATION_STORE;
}

static int
jwt_open(const struct mode_conf *conf, const struct env *env, struct arena *a,
	 void **mode, struct err *err)
{
	struct access_tokens *access = arena_alloc(a, sizeof(*access));

	if (access == NULL)
		return err_nomem(err);
	if (access_open(conf->own, conf->make, env, a, access, err) != 0)
		return err_context(err, "[jwt]");
	access->denials = jwt_needs_store(conf->own);
	*mode = access;
	return 0;
}

static void
jwt_close(void *mode)
{
	(void)mode; /* it is allocated in the arena of the snapshot */
}

static bool
jwt_asks_store(const void *mode)
{
	return ((const struct access_tokens *)mode)->denials;
}

static int
jwt_authenticate(const void *mode, struct call *c, struct str token,
		 struct auth_result *out, struct err *err)
{
	return access_authenticate(mode, c, token, out, err);
}

/* The longest time for which a token can be valid: the options may have been
 * different when it was issued. */
#define LIFE_MAX_MS ((JWT_TTL_MAX + 2 * JWT_LEEWAY_MAX) * INT64_C(1000))

/* Revokes all tokens of one session, whatever clock they were issued by. */
static int
deny_session(struct call *c, const struct session_id *id, int64_t until_ms,
	     struct err *err)
{
	char key[DENIAL_SESSION_KEY];
	const struct denial d = { .key = denial_session_key(id, key),
				  .issued_ms = INT64_MAX,
				  .until_ms = until_ms };

	return store_deny(c->store, c, &d, err);
}

static int
jwt_revoke(const void *mode, struct call *c, struct str token,
	   struct auth_result *out, struct err *err)
{
	const struct access_tokens *access = mode;
	const int64_t leeway_ms = JWT_LEEWAY_MAX * INT64_C(1000);
	struct auth_result is;

	if (access_identify(access, c, token, &is, err) != 0)
		return -1;
	if (is.verdict == VERDICT_ALLOW && access->denials &&
	    deny_session(c, &is.principal.session,
			 is.principal.expires_ms + leeway_ms, err) != 0)
		return -1;
	*out = is;
	return 0;
}

static int
jwt_mode_make_id(const struct access_tokens *access, struct call *c,
		 struct str name, struct session_id *out, struct err *err)
{
	if (!access->denials)
		return session_id_make(c->env, c->now_ms, name, out, err);
	return denial_session_id(c, name, access->policy.leeway, out, err);
}

static int
jwt_issue_login(const void *mode, struct call *c, const struct login *login,
		struct credentials *out, struct err *err)
{
	const struct access_tokens *access = mode;
	struct session s = { .who = login->who, .auth_ms = c->now_ms };
	struct credentials made = {
		.expires_in = access->policy.ttl,
		.cookie_max_age = access->policy.ttl,
	};

	if (jwt_mode_make_id(access, c, s.who.name, &s.id, err) != 0 ||
	    access_issue(access, c, &s, &made.access, err) != 0)
		return -1;
	made.session = s.id;
	*out = made;
	return 0;
}

/* Revokes the tokens of a user, or of all users. The clock of the host that
 * issued a token may be ahead by the leeway. */
static int
jwt_end_user(const void *conf, struct call *c, struct str user, struct err *err)
{
	const struct jwt_conf *set = conf;
	const struct denial d = {
		.key = denial_user_key(user, c->arena),
		.issued_ms = c->now_ms + set->leeway * 1000,
		.until_ms = c->now_ms + LIFE_MAX_MS,
	};

	if (d.key.p == NULL)
		return err_nomem(err);
	return store_deny(c->store, c, &d, err);
}

static int
jwt_end_session(const void *conf, struct call *c, const struct session_id *id,
		struct err *err)
{
	(void)conf;
	return deny_session(c, id, c->now_ms + LIFE_MAX_MS, err);
}

static int
jwt_secret(const void *mode, const char *label, uint8_t out[32],
	   struct err *err)
{
	return access_secret(mode, label, out, err);
}

static json_t *
jwt_jwks(const void *mode)
{
	return keyring_jwks(&((const struct access_tokens *)mode)->keys);
}

const struct auth_mode_ops mode_jwt = {
	.driver = {
		.name = "jwt",
		.summary = "signed tokens, no sessions in the store",
		.options = jwt_options,
		.conf_size = sizeof(struct jwt_conf),
		.check = jwt_conf_check,
	},
	.access_cookie = COOKIE_ACCESS,
	.refresh_cookie = COOKIE_ACCESS,
	.open = jwt_open,
	.close = jwt_close,
	.needs_store = jwt_needs_store,
	.secret = jwt_secret,
	.end_user = jwt_end_user,
	.end_session = jwt_end_session,
	.asks_store = jwt_asks_store,
	.authenticate = jwt_authenticate,
	.issue = jwt_issue_login,
	.revoke = jwt_revoke,
	.jwks = jwt_jwks,
};
