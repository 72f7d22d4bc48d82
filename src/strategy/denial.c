/* SPDX-License-Identifier: MIT */
/* Revocation of stateless tokens. */
#include "strategy/denial.h"

#include <string.h>

#include "strategy/session_id.h"
#include "base/buf.h"

struct str
denial_session_key(const struct session_id *id, char out[DENIAL_SESSION_KEY])
{
	memcpy(out, "sid:", 4);
	hex_encode(id->b, sizeof(id->b), out + 4);
	return (struct str){ .p = out, .n = DENIAL_SESSION_KEY };
}

struct str
denial_user_key(struct str user, struct arena *a)
{
	struct buf key;

	if (user.p == NULL)
		return STR("all");
	buf_init(&key, a, sizeof("user:") + IDENTITY_NAME_MAX);
	buf_add(&key, STR("user:"));
	buf_add(&key, user);
	return buf_failed(&key) ? (struct str){ .p = NULL } : buf_str(&key);
}

int
denial_covers(const struct call *c, struct str user,
	      const struct session_id *session, bool *denied, struct err *err)
{
	char sid[DENIAL_SESSION_KEY];
	const struct str keys[] = {
		STR("all"),
		denial_session_key(session, sid),
		denial_user_key(user, c->arena),
	};
	const struct denial_question q = {
		.keys = keys,
		.n = ARRAY_LEN(keys),
		.issued_ms = session_id_time_ms(session),
	};

	if (keys[2].p == NULL)
		return err_nomem(err);
	return store_denied(c->store, c, &q, denied, err);
}

int
denial_session_id(const struct call *c, struct str user, int64_t leeway,
		  struct session_id *out, struct err *err)
{
	struct session_id id;
	bool denied;

	if (session_id_make(c->env, c->now_ms, user, &id, err) != 0 ||
	    denial_covers(c, user, &id, &denied, err) != 0 ||
	    (denied && session_id_make(c->env, c->now_ms + leeway * 1000, user,
				       &id, err) != 0))
		return -1;
	*out = id;
	return 0;
}
