/* SPDX-License-Identifier: MIT */
/*
 * Mode jwt: the client holds a signed token that contains the identity; every
 * service that has the key accepts it. Nothing is stored, unless revocation =
 * store: then revocations are stored, by session and by user, but never by the
 * text of the token, because the same token can be encoded in several ways. A
 * sign-in also stores a session, to be listed and ended. A check does not read
 * it: the end of a session first denies its tokens, and then removes it.
 */
#include "modes/access_token.h"

#include <string.h>

#include "strategy/denial.h"
#include "strategy/password_mark.h"
#include "strategy/session_id.h"
#include "modes/session_settings.h"
#include "crypto/digest.h"
#include "http/cookie.h"

#define PAGE	  100 /* sessions that are read together */
#define PAGE_ROOM ((size_t)1 << 20)

struct jwt_mode {
	struct access_tokens access;
	int64_t max_per_user;
};

static bool
jwt_needs_store(const void *conf)
{
	return ((const struct jwt_conf *)conf)->revocation == REVOCATION_STORE;
}

static int
jwt_open(const struct mode_conf *conf, const struct env *env, struct arena *a,
	 void **mode, struct err *err)
{
	struct jwt_mode *m = arena_alloc(a, sizeof(*m));

	if (m == NULL)
		return err_nomem(err);
	if (access_open(conf->own, conf->make, env, a, &m->access, err) != 0)
		return err_context(err, "[jwt]");
	m->access.denials = jwt_needs_store(conf->own);
	m->max_per_user =
	    ((const struct session_conf *)conf->also[0])->max_per_user;
	*mode = m;
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
	return ((const struct jwt_mode *)mode)->access.denials;
}

static int
jwt_authenticate(const void *mode, struct call *c, struct str token,
		 struct auth_result *out, struct err *err)
{
	const struct jwt_mode *m = mode;

	return access_authenticate(&m->access, c, token, out, err);
}

/* The longest time for which a token can be valid: the options may have been
 * different when it was issued. */
#define LEEWAY_MAX_MS (JWT_LEEWAY_MAX * INT64_C(1000))
#define LIFE_MAX_MS   ((JWT_TTL_MAX + 2 * JWT_LEEWAY_MAX) * INT64_C(1000))

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

/* Ends a session whose tokens are valid until then at most. *ended says
 * whether it was stored. */
static int
jwt_end(struct call *c, const struct session_id *id, int64_t until_ms,
	bool *ended, struct err *err)
{
	if (deny_session(c, id, until_ms, err) != 0)
		return -1;
	return store_revoke(c->store, c, id, ended, err);
}

static int
jwt_revoke(const void *mode, struct call *c, struct str token,
	   struct auth_result *out, struct err *err)
{
	const struct access_tokens *access =
	    &((const struct jwt_mode *)mode)->access;
	struct auth_result is;
	bool ended;

	if (access_identify(access, c, token, &is, err) != 0)
		return -1;
	if (is.verdict == VERDICT_ALLOW && access->denials &&
	    jwt_end(c, &is.principal.session,
		    is.principal.expires_ms + LEEWAY_MAX_MS, &ended, err) != 0)
		return -1;
	*out = is;
	return 0;
}

/* The sessions of a user that stay. */
struct jwt_kept {
	struct str user;
	const struct session_id *one; /* NULL: none */
	int64_t newest; /* so many others */
};

/* Ends the sessions of a page that do not stay; k->newest counts down. */
static int
jwt_end_page(struct call *c, const struct session_list *page,
	     struct jwt_kept *k, int64_t *ended, struct err *err)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct session *s = &page->v[i];
		bool done;

		if (k->one != NULL &&
		    memcmp(&s->id, k->one, sizeof(s->id)) == 0)
			continue;
		if (k->newest > 0) {
			k->newest--;
			continue;
		}
		if (jwt_end(c, &s->id, s->expires_ms + LEEWAY_MAX_MS, &done,
			    err) != 0)
			return -1;
		*ended += done;
	}
	return 0;
}

/* Ends all sessions of a user except those that stay. */
static int
jwt_end_rest(struct call *c, struct jwt_kept k, int64_t *ended, struct err *err)
{
	const struct session_query q = { .user = k.user, .limit = PAGE };
	struct session_cursor cursor = { .more = true };
	struct arena *room = arena_new(PAGE_ROOM);
	struct call each = *c;
	struct session_list page;
	int64_t n = 0;
	int result = room == NULL ? err_nomem(err) : 0;

	each.arena = room;
	while (result == 0 && cursor.more) {
		arena_reset(room);
		if (store_list(each.store, &each, &q, &cursor, &page, err) !=
			0 ||
		    jwt_end_page(&each, &page, &k, &n, err) != 0)
			result = -1;
	}
	arena_free(room);
	if (result == 0)
		*ended = n;
	return result;
}

static int
jwt_mode_make_id(const struct access_tokens *access, struct call *c,
		 struct str name, struct session_id *out, struct err *err)
{
	if (!access->denials)
		return session_id_make(c->env, c->now_ms, name, out, err);
	return denial_session_id(c, name, access->policy.leeway, out, err);
}

/* Stores a session, and ends the oldest ones above the limit. All processes
 * that do so at the same time list the new sessions of each other. */
static int
jwt_store(const struct jwt_mode *m, struct call *c, const struct session *s,
	  int64_t *evicted, struct err *err)
{
	const struct jwt_kept kept = { .user = s->who.name,
				       .one = &s->id,
				       .newest = m->max_per_user - 1 };
	struct err second;
	bool ended;

	if (store_create(c->store, c, s, 0, NULL, err) != 0)
		return -1;
	if (m->max_per_user == 0 || jwt_end_rest(c, kept, evicted, err) == 0)
		return 0;
	/* Its token is not handed out. If it cannot be removed, it expires. */
	(void)!store_revoke(c->store, c, &s->id, &ended, &second);
	return -1;
}

/* Fills in what is stored beside the identity, the id and auth_ms. */
static int
jwt_fill_session(const struct jwt_mode *m, struct call *c,
		 const struct login *login, struct str token, struct session *s,
		 struct err *err)
{
	s->created_ms = c->now_ms;
	s->last_seen_ms = c->now_ms;
	s->expires_ms = (c->now_ms / 1000 + m->access.policy.ttl) * 1000;
	s->idle_expires_ms = s->expires_ms;
	s->address = login->address;
	s->user_agent = login->user_agent;
	digest_sha256(token, s->token.b);
	return password_mark_make(c, login->hash, &s->mark, err);
}

static int
jwt_issue_login(const void *mode, struct call *c, const struct login *login,
		struct credentials *out, struct err *err)
{
	const struct jwt_mode *m = mode;
	const struct access_tokens *access = &m->access;
	struct session s = { .who = login->who, .auth_ms = c->now_ms };
	struct credentials made = {
		.expires_in = access->policy.ttl,
		.cookie_max_age = access->policy.ttl,
	};

	if (jwt_mode_make_id(access, c, s.who.name, &s.id, err) != 0 ||
	    access_issue(access, c, &s, &made.access, err) != 0)
		return -1;
	if (access->denials &&
	    (jwt_fill_session(m, c, login, made.access, &s, err) != 0 ||
	     jwt_store(m, c, &s, &made.evicted, err) != 0))
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
	bool ended;

	(void)conf;
	return jwt_end(c, id, c->now_ms + LIFE_MAX_MS, &ended, err);
}

static int
jwt_end_others(struct call *c, struct str user, const struct session_id *except,
	       int64_t *ended, struct err *err)
{
	const struct jwt_kept kept = { .user = user, .one = except };

	return jwt_end_rest(c, kept, ended, err);
}

static int
jwt_secret(const void *mode, const char *label, uint8_t out[32],
	   struct err *err)
{
	const struct jwt_mode *m = mode;

	return access_secret(&m->access, label, out, err);
}

static json_t *
jwt_jwks(const void *mode)
{
	return keyring_jwks(&((const struct jwt_mode *)mode)->access.keys);
}

const struct auth_mode_ops mode_jwt = {
	.driver = {
		.name = "jwt",
		.summary = "signed tokens, which are checked by themselves",
		.options = jwt_options,
		.conf_size = sizeof(struct jwt_conf),
		.check = jwt_conf_check,
	},
	.access_cookie = COOKIE_ACCESS,
	.refresh_cookie = COOKIE_ACCESS,
	.also = { "session" },
	.open = jwt_open,
	.close = jwt_close,
	.needs_store = jwt_needs_store,
	.secret = jwt_secret,
	.end_user = jwt_end_user,
	.end_session = jwt_end_session,
	.end_others = jwt_end_others,
	.asks_store = jwt_asks_store,
	.authenticate = jwt_authenticate,
	.issue = jwt_issue_login,
	.revoke = jwt_revoke,
	.jwks = jwt_jwks,
};
