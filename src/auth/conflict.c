/* SPDX-License-Identifier: MIT */
/* Two cookies with the same name. */
#include "auth/conflict.h"

#include "auth/credential.h"
#include "base/log.h"
#include "http/cookie.h"

/* The number of cookies with one name that are examined. */
#define MOST 8

struct ours {
	enum cookie_kind kind;
	struct str name;
};

/* Lists the cookies of this mode, and last the one of the login form; returns
 * their number. */
static size_t
list_ours(const struct request_context *ctx, struct ours out[3])
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;
	size_t n = 0;

	out[n++] = (struct ours){ (enum cookie_kind)mode->access_cookie,
				  ctx->jar->access };
	if (mode->refresh_cookie != mode->access_cookie)
		out[n++] =
		    (struct ours){ (enum cookie_kind)mode->refresh_cookie,
				   ctx->jar->refresh };
	out[n++] = (struct ours){ COOKIE_LOGIN, ctx->jar->login };
	return n;
}

static bool
is_twice(const struct request_context *ctx, struct str name)
{
	struct str value;

	return cookie_find(ctx->in, name, &value) == COOKIE_CONFLICT;
}

bool
conflict_of_sessions(const struct request_context *ctx)
{
	struct ours ours[3];
	size_t n = list_ours(ctx, ours) - 1;

	while (n > 0) {
		if (is_twice(ctx, ours[--n].name))
			return true;
	}
	return false;
}

bool
conflict_is_there(const struct request_context *ctx)
{
	return conflict_of_sessions(ctx) || is_twice(ctx, ctx->jar->login);
}

static void
log_cure(struct request_context *ctx, struct str name)
{
	int64_t left_out;

	if (!log_limit_take(&ctx->service->shared->log_limits->requests,
			    env_mono_ms(ctx->call.env), 1, &left_out))
		return;
	LOG(ctx->call.env->log, LOG_WARNING, "cookie_conflict",
	    F_STR("host", ctx->in->host), F_STR("cookie", name),
	    F_STR("request", ctx->in->request_id),
	    F_CSTR("hint", "another application sets a cookie of this name, or "
			   "cookie.domain was changed: choose another "
			   "cookie.name"),
	    F_INT("left_out", left_out));
}

static void
clear(struct request_context *ctx, const struct ours *ours)
{
	if (!is_twice(ctx, ours->name))
		return;
	cookie_forget(ctx->out, &ctx->jar->set, ctx->service->set->server.path,
		      ours->kind, ctx->in->host);
	log_cure(ctx, ours->name);
}

void
conflict_clear(struct request_context *ctx)
{
	struct ours ours[3];
	size_t n = list_ours(ctx, ours);

	for (size_t i = 0; i < n; i++)
		clear(ctx, &ours[i]);
}

void
conflict_clear_login(struct request_context *ctx)
{
	struct ours ours[3];
	size_t n = list_ours(ctx, ours);

	clear(ctx, &ours[n - 1]);
}

int
conflict_end(struct request_context *ctx, struct err *err)
{
	struct ours ours[3];
	size_t n = list_ours(ctx, ours);
	struct str token;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < MOST && ours[i].kind != COOKIE_LOGIN &&
				   cookie_nth(ctx->in, ours[i].name, k, &token);
		     k++) {
			if (credential_end(ctx, token, "logout", err) != 0)
				return -1;
		}
	}
	return 0;
}
