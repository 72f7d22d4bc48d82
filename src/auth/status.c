/* SPDX-License-Identifier: MIT */
/* Who am I; is the service alive; is it of use. */
#include "auth/status.h"

#include "auth/answer.h"
#include "auth/credential.h"
#include "base/enc.h"
#include "base/log.h"

static json_t *
me_json(const struct exchange *e, const struct grant *grant)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];
	json_t *body = credential_identity_json(&grant->who);

	hex_encode(grant->session.b, sizeof(grant->session.b), id);
	if (body == NULL ||
	    json_object_set_new(body, "session",
				json_stringn(id, sizeof(id))) != 0 ||
	    json_object_set_new(body, "expires_in",
				json_integer((grant->expires_ms -
					      e->call.now_ms) /
					     1000)) != 0) {
		json_decref(body);
		return NULL;
	}
	return body;
}

void
me_get(struct exchange *e)
{
	enum verdict verdict;
	struct grant grant;
	struct str token;
	struct err err;

	if (credential_authenticate(e, &verdict, &grant, &token, &err) != 0) {
		answer_unavailable(e, &err);
	} else if (verdict == VERDICT_ALLOW) {
		answer_json(e, 200, me_json(e, &grant));
	} else {
		answer_error(e, 401, "unauthorized", "Sign in first.");
		http_response_header(e->out, "WWW-Authenticate", STR("Bearer"));
	}
}

void
health_get(struct exchange *e)
{
	answer_json(e, 200, json_pack("{s:s}", "status", "ok"));
}

/* What is down goes into the answer by its name, why into the log. */
static void
note_down(struct exchange *e, json_t *down, const char *what,
	  const struct err *err)
{
	LOG(e->call.env->log, LOG_WARNING, "not_ready", F_CSTR("part", what),
	    F_CSTR("reason", err->msg));
	if (json_array_append_new(down, json_string(what)) != 0)
		e->out->failed = true;
}

void
ready_get(struct exchange *e)
{
	json_t *down = json_array();
	struct err err;

	if (down == NULL) {
		answer_json(e, 500, NULL);
		return;
	}
	if (store_ping(e->call.store, &err) != 0)
		note_down(e, down, "store", &err);
	if (users_ping(e->call.users, &err) != 0)
		note_down(e, down, "users", &err);
	if (json_array_size(down) == 0) {
		json_decref(down);
		answer_json(e, 200, json_pack("{s:s}", "status", "ok"));
	} else {
		answer_json(e, 503,
			    json_pack("{s:s, s:o}", "status", "unavailable",
				      "down", down));
		answer_retry_after(e, 1);
	}
}
