/* SPDX-License-Identifier: MIT */
/* Credentials in requests and answers. */
#include "auth/credential.h"

#include "strategy/clock.h"
#include "auth/audit.h"
#include "auth/cache.h"
#include "auth/recheck.h"
#include "auth/last_seen.h"
#include "http/cookie.h"

#define TOUCH_SOON_MS 2000

/* "Bearer", blanks, one token68 (RFC 6750 section 2.1, RFC 9110 11.2). */
static bool
is_bearer(struct str authorization, struct str *token)
{
	struct str scheme, rest = authorization;

	if (!str_word(&rest, &scheme) || !str_eq_nocase(scheme, STR("Bearer")))
		return false;
	*token = str_trim(rest);
	return true;
}

enum credential_answer
credential_find(const struct request_context *ctx, struct str *token)
{
	const struct http_request *in = ctx->in;

	*token = STR("");
	if (in->authorization_twice)
		return CREDENTIAL_REFUSED;
	if (is_bearer(in->authorization, token))
		return CREDENTIAL_BEARER;
	switch (cookie_find(in, ctx->jar->access, token)) {
	case COOKIE_FOUND:
		return CREDENTIAL_COOKIE;
	case COOKIE_CONFLICT:
		return CREDENTIAL_REFUSED;
	case COOKIE_ABSENT:
		break;
	}
	return CREDENTIAL_ABSENT;
}

/* Records that a session was seen, and gives the principal its new times. */
static void
note_touch(struct request_context *ctx, struct principal *principal)
{
	const struct touch touch = {
		.id = principal->session,
		.last_seen_ms = ctx->call.now_ms,
		.idle_expires_ms = principal->touch_idle_expires_ms,
	};
	struct err err;

	/* The session ends soon: the janitor might write too late, and a
	 * request before that would be refused. */
	if ((principal->expires_ms - ctx->call.now_ms >= TOUCH_SOON_MS ||
	     store_touch(ctx->call.store, &ctx->call, &touch, &err) != 0) &&
	    !last_seen_add(ctx->service->shared->last_seen, &touch))
		return;
	principal->last_seen_ms = touch.last_seen_ms;
	principal->expires_ms =
	    min64(touch.idle_expires_ms, principal->ends_ms);
}

int
credential_read(struct request_context *ctx, struct str token,
		struct auth_result *out, struct err *err)
{
	const struct service *s = ctx->service;
	const struct auth_mode_ops *mode = s->mode_ops;

	if (mode->identify != NULL)
		return mode->identify(s->mode, &ctx->call, token, out, err);
	return mode->authenticate(s->mode, &ctx->call, token, out, err);
}

int
credential_identify(struct request_context *ctx, struct auth_result *out,
		    struct str *token, struct err *err)
{
	struct auth_result is = { .verdict = VERDICT_DENY };
	struct str text;

	if (credential_find(ctx, &text) > CREDENTIAL_ABSENT &&
	    credential_read(ctx, text, &is, err) != 0)
		return -1;
	*out = is;
	*token = text;
	return 0;
}

static bool
touch_is_due(const struct request_context *ctx,
	     const struct principal *principal)
{
	const int64_t now_ms = ctx->call.now_ms;

	return now_ms - principal->last_seen_ms >= principal->touch_every_ms ||
	       seen_ahead(principal->last_seen_ms, now_ms);
}

int
credential_keep(struct request_context *ctx, struct auth_result *is,
		struct err *err)
{
	struct principal kept = is->principal;
	bool due, still = true;

	if (is->verdict != VERDICT_ALLOW || is->principal.last_seen_ms == 0)
		return 0;
	due = recheck_is_due(ctx, &is->principal);
	if (due && recheck_user(ctx, &kept, &still, err) != 0)
		return -1;
	if (!still) {
		*is = (struct auth_result){ .verdict = VERDICT_DENY };
		return 0;
	}
	if (due || touch_is_due(ctx, &kept))
		note_touch(ctx, &kept);
	is->principal = kept;
	return 0;
}

static struct cache_query
query_of(const struct request_context *ctx, struct str token)
{
	const struct service *s = ctx->service;

	return (struct cache_query){
		.credential = token,
		.generation = s->generation,
		.stateless = !service_asks_store(s),
		.max_age_ms = s->set->cache.max_age * 1000,
		.wall_ms = ctx->call.now_ms,
		.mono_ms = env_mono_ms(ctx->call.env),
	};
}

/* Finds the principal of a token that was verified before. Returns false also
 * if the user must be looked up or last_seen must be updated: then the session
 * is read from the store again. */
static bool
recall(const struct request_context *ctx, const struct cache_query *q,
       struct principal *out)
{
	struct principal known;

	if (!cache_find(ctx->service->shared->cache, q, ctx->call.arena,
			&known) ||
	    (known.last_seen_ms != 0 &&
	     (touch_is_due(ctx, &known) || recheck_is_due(ctx, &known))))
		return false;
	*out = known;
	return true;
}

/* Authenticates a token by the mode, and adds it to the cache. */
static int
authenticate_by_mode(struct request_context *ctx, const struct cache_query *q,
		     struct auth_result *out, struct err *err)
{
	const struct service *s = ctx->service;
	struct cache *cache = s->shared->cache;
	struct auth_result is;
	uint64_t moment = 0;

	if (ctx->must_not_wait && !q->stateless) {
		ctx->would_wait = true;
		return err_set(err, ERR_BUSY, "the store must be asked");
	}
	if (cache != NULL)
		moment = cache_moment(cache);
	if (s->mode_ops->authenticate(s->mode, &ctx->call, q->credential, &is,
				      err) != 0 ||
	    credential_keep(ctx, &is, err) != 0)
		return -1;
	if (cache != NULL && is.verdict == VERDICT_ALLOW)
		cache_add(cache, q, moment, &is.principal);
	*out = is;
	return 0;
}

int
credential_authenticate(struct request_context *ctx, struct auth_result *out,
			struct str *token, struct err *err)
{
	struct auth_result is = { .verdict = VERDICT_DENY };
	struct cache_query q;
	struct str text;

	if (credential_find(ctx, &text) > CREDENTIAL_ABSENT) {
		q = query_of(ctx, text);
		if (ctx->service->shared->cache != NULL &&
		    recall(ctx, &q, &is.principal))
			is.verdict = VERDICT_ALLOW;
		else if (authenticate_by_mode(ctx, &q, &is, err) != 0)
			return -1;
	}
	*out = is;
	*token = text;
	return 0;
}

bool
credential_wants_cookies(const struct request_context *ctx, bool form)
{
	return form || ctx->service->set->auth.deliver != DELIVER_BODY;
}

static void
set_cookie(struct request_context *ctx, enum cookie_kind kind, struct str value,
	   int64_t max_age)
{
	const struct settings *set = ctx->service->set;

	cookie_set(ctx->out, &ctx->jar->set, set->server.path, kind, value,
		   max_age);
}

void
credential_set_cookies(struct request_context *ctx, const struct credentials *c)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;

	set_cookie(ctx, (enum cookie_kind)mode->access_cookie, c->access,
		   c->cookie_max_age);
	if (c->refresh.n > 0) {
		set_cookie(ctx, (enum cookie_kind)mode->refresh_cookie,
			   c->refresh, c->refresh_max_age);
	}
}

void
credential_clear_cookies(struct request_context *ctx)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;

	/* The access cookie is cleared last: of two cookies that are cleared at
	 * once, curl 7.88 keeps the first in its file, and the refresh token
	 * has been ended already. */
	if (mode->refresh_cookie != mode->access_cookie) {
		set_cookie(ctx, (enum cookie_kind)mode->refresh_cookie, STR(""),
			   0);
	}
	set_cookie(ctx, (enum cookie_kind)mode->access_cookie, STR(""), 0);
}

enum credential_answer
credential_find_refresh(const struct request_context *ctx, struct str *token)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;

	*token = STR("");
	if (mode->refresh_cookie == mode->access_cookie)
		return CREDENTIAL_ABSENT;
	switch (cookie_find(ctx->in, ctx->jar->refresh, token)) {
	case COOKIE_FOUND:
		return CREDENTIAL_COOKIE;
	case COOKIE_CONFLICT:
		return CREDENTIAL_REFUSED;
	case COOKIE_ABSENT:
		break;
	}
	return CREDENTIAL_ABSENT;
}

int
credential_end(struct request_context *ctx, struct str token, const char *event,
	       struct err *err)
{
	const struct service *s = ctx->service;
	struct auth_result is;

	if (s->mode_ops->revoke(s->mode, &ctx->call, token, &is, err) != 0)
		return -1;
	if (is.verdict == VERDICT_ALLOW)
		audit(ctx, event, is.principal.who.name, &is.principal.session,
		      NULL);
	return 0;
}

const char credential_too_large[] =
    "This account has more roles than a browser's cookie can hold. Please tell "
    "the administrator.";

size_t
credential_cookie_room(const struct request_context *ctx)
{
	return COOKIE_MAX_BYTES - ctx->jar->access.n;
}

static json_t *
json_str(struct str s)
{
	return json_stringn(s.n > 0 ? s.p : "", s.n);
}

static json_t *
json_roles(struct str roles)
{
	json_t *list = json_array();
	struct str one;

	while (list != NULL && str_cut(&roles, ',', &one)) {
		if (one.n > 0 &&
		    json_array_append_new(list, json_str(one)) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

json_t *
credential_identity_json(const struct identity *who)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "name", json_str(who->name),
			 "roles", json_roles(who->roles), "email",
			 json_str(who->email), "full_name",
			 json_str(who->full_name));
}

bool
credential_wants_body(const struct request_context *ctx)
{
	return ctx->service->set->auth.deliver != DELIVER_COOKIE;
}

/* Sets a member and takes over the reference; returns -1 when out of memory. */
static int
credential_put(json_t *body, const char *key, json_t *value)
{
	return json_object_set_new(body, key, value);
}

static int
put_tokens(json_t *body, const struct credentials *c)
{
	if (credential_put(body, "token_type", json_string("Bearer")) != 0 ||
	    credential_put(body, "access_token", json_str(c->access)) != 0)
		return -1;
	if (c->refresh.n == 0)
		return 0;
	return credential_put(body, "refresh_token", json_str(c->refresh));
}

json_t *
credential_json(const struct identity *who, const struct credentials *c,
		bool tokens)
{
	json_t *body =
	    json_pack("{s:o}", "user", credential_identity_json(who));

	if (body == NULL)
		return NULL;
	if ((tokens && put_tokens(body, c) != 0) ||
	    credential_put(body, "expires_in", json_integer(c->expires_in)) !=
		0) {
		json_decref(body);
		return NULL;
	}
	return body;
}
