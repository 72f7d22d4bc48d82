/* SPDX-License-Identifier: MIT */
/* The user of a request, and the form that they sent. */
#include "auth/signed_in.h"

#include "auth/answer.h"
#include "auth/credential.h"
#include "auth/csrf.h"

bool
signed_in_find(struct request_context *ctx, struct principal *out)
{
	struct auth_result is;
	struct str token;
	struct err err;

	if (credential_authenticate(ctx, &is, &token, &err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (is.verdict == VERDICT_ALLOW) {
		*out = is.principal;
		return true;
	}
	if (answer_is_for_form(ctx))
		answer_refusal(ctx, 401, "unauthorized", "Sign in first.");
	else
		answer_sign_in_first(ctx);
	return false;
}

bool
signed_in_form(struct request_context *ctx, const struct principal *who,
	       struct form *out)
{
	struct err err;
	bool ok = true;

	if (form_parse(ctx->in, ctx->call.arena, out, &err) != 0) {
		answer_unread(ctx, &err, "The form is malformed.");
		return false;
	}
	if (ctx->in->media == MEDIA_FORM &&
	    csrf_verify(ctx, csrf_binding(who), form_get(out, "csrf"), &ok,
			&err) != 0) {
		answer_unavailable(ctx, &err);
		return false;
	}
	if (!ok)
		csrf_refuse_form(ctx);
	return ok;
}
