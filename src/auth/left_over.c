/* SPDX-License-Identifier: MIT */
/* Cookies of another mode. */
#include "auth/left_over.h"

#include "strategy/registry.h"
#include "auth/audit.h"
#include "http/cookie.h"

static const enum cookie_kind kinds[] = { COOKIE_SESSION, COOKIE_ACCESS,
					  COOKIE_REFRESH };

/* Finds a cookie of this kind, unless the mode in use has cookies of this
 * kind. */
static enum cookie_answer
left_over_find(struct request_context *ctx, enum cookie_kind kind,
	       struct str *value)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;

	*value = STR("");
	if ((int)kind == mode->access_cookie ||
	    (int)kind == mode->refresh_cookie)
		return COOKIE_ABSENT;
	return cookie_find(ctx->in,
			   cookie_name(&ctx->jar->set, kind, ctx->call.arena),
			   value);
}

bool
left_over_is_here(struct request_context *ctx)
{
	struct str value;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (left_over_find(ctx, kinds[i], &value) != COOKIE_ABSENT)
			return true;
	}
	return false;
}

/* Ends the session that the refresh cookie of this mode identifies. */
static int
end_of_mode(struct request_context *ctx, const struct auth_mode_ops *mode,
	    struct err *err)
{
	struct named_session named;
	bool ended;
	struct str token;

	if (mode->session_of == NULL ||
	    left_over_find(ctx, (enum cookie_kind)mode->refresh_cookie,
			   &token) != COOKIE_FOUND)
		return 0;
	if (mode->session_of(NULL, &ctx->call, token, &named, err) != 0)
		return -1;
	if (!named.ours)
		return 0;
	if (store_revoke(ctx->call.store, &ctx->call, &named.id, &ended, err) !=
	    0)
		return -1;
	if (ended)
		audit(ctx, "logout", STR(""), &named.id,
		      "session of another mode");
	return 0;
}

int
left_over_end(struct request_context *ctx, struct err *err)
{
	for (size_t i = 0; i < registry_nmodes; i++) {
		if (end_of_mode(ctx, registry_modes[i], err) != 0)
			return -1;
	}
	return 0;
}

void
left_over_clear(struct request_context *ctx)
{
	struct str value;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (left_over_find(ctx, kinds[i], &value) != COOKIE_ABSENT)
			cookie_set(ctx->out, &ctx->jar->set,
				   ctx->service->set->server.path, kinds[i],
				   STR(""), 0);
	}
}
