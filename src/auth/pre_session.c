/* SPDX-License-Identifier: MIT */
/* The pre-session cookie, and the tokens of the forms that are bound to it. */
#include "auth/pre_session.h"

#include "auth/csrf.h"
#include "auth/login.h"
#include "base/enc.h"
#include "http/cookie.h"

#define PRE_SESSION_BYTES 32
#define PRE_SESSION_CHARS BASE64URL_LEN(PRE_SESSION_BYTES)

struct str
pre_session_value(const struct request_context *ctx)
{
	uint8_t bytes[PRE_SESSION_BYTES];
	struct str value;

	if (cookie_find(ctx->in, ctx->jar->login, &value) != COOKIE_FOUND ||
	    !base64url_decode(value, bytes, sizeof(bytes)))
		return STR("");
	return value;
}

static void
set_pre_session(struct request_context *ctx, struct str value, int64_t max_age)
{
	const struct settings *set = ctx->service->set;

	cookie_set(ctx->out, &ctx->jar->set, set->server.path, COOKIE_LOGIN,
		   value, max_age);
}

/* Uses the pre-session cookie that the browser has, so that users can sign in
 * in several tabs; sets a new one if there is none. */
static int
keep_pre_session(struct request_context *ctx, struct str *value,
		 struct err *err)
{
	uint8_t bytes[PRE_SESSION_BYTES];
	char *text;

	*value = pre_session_value(ctx);
	if (value->n > 0)
		return 0;
	text = arena_alloc(ctx->call.arena, PRE_SESSION_CHARS);
	if (text == NULL)
		return err_nomem(err);
	if (env_random(ctx->call.env, bytes, sizeof(bytes)) != 0)
		return err_norandom(err);
	base64url_encode(bytes, sizeof(bytes), text);
	*value = (struct str){ .p = text, .n = PRE_SESSION_CHARS };
	set_pre_session(ctx, *value, -1);
	return 0;
}

int
login_csrf(struct request_context *ctx, struct str *csrf, struct err *err)
{
	struct str binding;

	if (keep_pre_session(ctx, &binding, err) != 0)
		return -1;
	return csrf_token(ctx, binding, csrf, err);
}

int
login_csrf_verify(struct request_context *ctx, struct str csrf, bool *ok,
		  struct err *err)
{
	return csrf_verify(ctx, pre_session_value(ctx), csrf, ok, err);
}

const char *
login_csrf_problem(struct request_context *ctx)
{
	return csrf_login_problem(ctx, pre_session_value(ctx).n > 0);
}

void
pre_session_end(struct request_context *ctx)
{
	if (pre_session_value(ctx).n > 0)
		set_pre_session(ctx, STR(""), 0);
}
