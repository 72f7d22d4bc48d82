/* SPDX-License-Identifier: MIT */
/* What was ended before its time. */
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
denial_covers(struct store_link *store, struct arena *a, struct str user,
	      const struct session_id *session, int64_t now_ms, bool *denied,
	      struct err *err)
{
	char sid[DENIAL_SESSION_KEY];
	const struct str keys[] = {
		STR("all"),
		denial_session_key(session, sid),
		denial_user_key(user, a),
	};

	if (keys[2].p == NULL)
		return err_nomem(err);
	return store_denied(store, keys, ARRAY_LEN(keys),
			    session_id_time_ms(session), now_ms, denied, err);
}

int
denial_session_id(struct store_link *store, const struct env *env,
		  struct arena *a, struct str user, int64_t leeway,
		  int64_t now_ms, struct session_id *out, struct err *err)
{
	struct session_id id;
	bool denied;

	if (session_id_make(env, now_ms, &id, err) != 0 ||
	    denial_covers(store, a, user, &id, now_ms, &denied, err) != 0 ||
	    (denied &&
	     session_id_make(env, now_ms + leeway * 1000, &id, err) != 0))
		return -1;
	*out = id;
	return 0;
}
