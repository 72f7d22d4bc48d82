/* SPDX-License-Identifier: MIT */
/* Signing out. */
#include "auth/login.h"

#include "auth/answer.h"
#include "auth/audit.h"
#include "auth/credential.h"
#include "auth/csrf.h"
#include "auth/pages.h"
#include "base/buf.h"
#include "http/cookie.h"
#include "http/form.h"

void
logout_get(struct exchange *e)
{
	struct str token, csrf = STR("");
	enum verdict verdict;
	struct grant grant;
	struct err err;

	if (credential_authenticate(e, &verdict, &grant, &token, &err) != 0 ||
	    (verdict == VERDICT_ALLOW &&
	     csrf_token(e, token, &csrf, &err) != 0)) {
		answer_unavailable(e, &err);
		return;
	}
	page_logout(e, csrf, grant.who.name);
}

/* A form must prove that our own page sent it; where no cookie came along
 * there is nothing that it could end. */
static int
check_form(struct exchange *e, enum credential_answer found, struct str token,
	   bool *ok, struct err *err)
{
	struct form form;

	if (form_parse(e->in, e->call.arena, &form, err) != 0)
		return -1;
	*ok = true;
	if (e->in->media != MEDIA_FORM || found != CREDENTIAL_COOKIE)
		return 0;
	return csrf_verify(e, token, form_get(&form, "csrf"), ok, err);
}

static void
signed_out_location(struct exchange *e)
{
	struct buf b;

	buf_init(&b, e->call.arena, 1024);
	buf_add(&b, e->service->set->server.path);
	buf_add(&b, STR("/logout"));
	if (buf_failed(&b))
		e->out->failed = true;
	answer_redirect(e, 303, buf_str(&b));
}

static void
end_session(struct exchange *e, struct str token)
{
	const struct service *s = e->service;
	enum verdict ended;
	struct grant grant;
	struct err err;

	if (s->mode_ops->revoke(s->mode, &e->call, token, &ended, &grant,
				&err) != 0) {
		answer_unavailable(e, &err);
		return;
	}
	if (ended == VERDICT_ALLOW)
		audit(e, "logout", grant.who.name, &grant.session, NULL);
	if (e->in->media == MEDIA_FORM && !http_request_wants_json(e->in))
		signed_out_location(e);
	else
		answer_status(e, 204);
	credential_clear_cookies(e);
}

void
logout_post(struct exchange *e)
{
	enum credential_answer found;
	struct str token = STR("");
	struct err err;
	bool ok;

	found = credential_find(e, &token);
	if (found == CREDENTIAL_REFUSED) {
		answer_refusal(e, 401, "invalid_token",
			       "More than one credential was sent.");
	} else if (check_form(e, found, token, &ok, &err) != 0) {
		if (err.code == ERR_INPUT)
			answer_refusal(e, 400, "invalid_request",
				       "The form is malformed.");
		else
			answer_unavailable(e, &err);
	} else if (!ok) {
		answer_refusal(e, 403, "csrf",
			       "This did not come from our own page.");
	} else {
		end_session(e, token);
	}
}
