/* SPDX-License-Identifier: MIT */
/* Acts that need a fresh proof of identity. */
#include "auth/fresh.h"

#include "strategy/clock.h"
#include "auth/answer.h"
#include "auth/login.h"

#define QUOTE(n)      #n
#define SECONDS_OF(n) QUOTE(n)
#define FRESH_CODE    "insufficient_user_authentication"

bool
fresh_is(const struct request_context *ctx, const struct principal *who)
{
	return who->auth_ms > 0 &&
	       in_grace(who->auth_ms, FRESH_SECONDS * INT64_C(1000),
			ctx->call.now_ms);
}

void
fresh_demand(struct request_context *ctx, struct str rd)
{
	if (answer_is_for_form(ctx)) {
		answer_redirect(ctx, 303, login_again(ctx, STR("step=1"), rd));
		return;
	}
	answer_error(
	    ctx, 401, FRESH_CODE,
	    "Sign in again: this needs a sign-in of the last ten minutes.");
	http_response_header(
	    ctx->out, "WWW-Authenticate",
	    STR("Bearer error=\"" FRESH_CODE
		"\", max_age=\"" SECONDS_OF(FRESH_SECONDS) "\""));
}
