/* SPDX-License-Identifier: MIT */
/* Checks that the user of a session is unchanged since the sign-in. */
#include "auth/recheck.h"

#include <string.h>

#include "strategy/password_mark.h"
#include "auth/audit.h"
#include "auth/touches.h"

#define LOOK_TRIES 10

/* Returns the number of the span that time_ms is in.  The end of an id is
 * random, so that not all sessions look up their users at the same time. */
static int64_t
span_of(const struct session_id *id, int64_t length_ms, int64_t time_ms)
{
	uint32_t shift;

	memcpy(&shift, id->b + sizeof(id->b) - sizeof(shift), sizeof(shift));
	return (time_ms + shift % length_ms) / length_ms;
}

bool
recheck_is_due(const struct exchange *e, const struct grant *grant)
{
	const int64_t length_ms = e->service->set->any_users.recheck * 1000;
	const struct session_id *id = &grant->session;
	int64_t now;

	if (length_ms == 0)
		return false;
	now = span_of(id, length_ms, e->call.now_ms);
	if (!seen_ahead(grant->last_seen_ms, e->call.now_ms) &&
	    span_of(id, length_ms, grant->last_seen_ms) >= now)
		return false;
	/* The look-up may have been done, but not yet written to the store. */
	return span_of(id, length_ms,
		       touches_last_seen(e->service->shared->touches, id)) <
	       now;
}

static int
end_sessions(struct exchange *e, struct str name, const char *why,
	     struct err *err)
{
	int64_t ended;

	if (store_revoke_user(e->call.store, &e->call, name, NULL, &ended,
			      err) != 0)
		return -1;
	if (ended > 0)
		audit(e, "sessions_revoked", name, NULL, why);
	return 0;
}

static int
update_sessions(struct exchange *e, const struct identity *who,
		const struct session_id *session, struct err *err)
{
	if (store_update_user(e->call.store, &e->call, who, err) != 0)
		return -1;
	audit(e, "sessions_updated", who->name, session, "user_changed");
	return 0;
}

static int
end_session(struct exchange *e, const struct grant *grant, struct err *err)
{
	bool ended;

	if (store_revoke(e->call.store, &e->call, &grant->session, &ended,
			 err) != 0)
		return -1;
	if (ended)
		audit(e, "session_revoked", grant->who.name, &grant->session,
		      "password_changed");
	return 0;
}

/* Ends this session only: other sessions of the user may belong to the new
 * password, and each is checked by itself. */
static int
check_password(struct exchange *e, const struct grant *grant, struct str hash,
	       bool *still, struct err *err)
{
	struct remark m = { .user = grant->who.name, .from = grant->mark };
	bool fits;

	if (password_mark_fits(&e->call, &grant->mark, hash, &fits, &m.to,
			       err) != 0)
		return -1;
	if ((fits ? store_remark(e->call.store, &e->call, &m, err) :
		    end_session(e, grant, err)) != 0)
		return -1;
	*still = fits;
	return 0;
}

/* Looks up the user once.  *same: the sessions of the user have the identity
 * that was read. */
static int
look_up(struct exchange *e, struct grant *grant, bool *still, bool *same,
	struct err *err)
{
	const struct str name = grant->who.name;
	struct user_answer now;
	const struct identity *who = &now.user.who;
	bool equal, fits = false;

	if (users_find(e->call.users, &e->call, name, &now, err) != 0)
		return -1;
	equal = identity_equal(who, &grant->who);
	if (!now.found || now.user.disabled) {
		if (end_sessions(e, name,
				 now.found ? "user_disabled" : "user_gone",
				 err) != 0)
			return -1;
	} else if (check_password(e, grant, now.user.hash, &fits, err) != 0 ||
		   (fits && !equal &&
		    update_sessions(e, who, &grant->session, err) != 0)) {
		return -1;
	}
	if (fits)
		grant->who = *who;
	*still = fits;
	*same = equal;
	return 0;
}

/* Repeats the look-up until the stored user equals the identity written to the
 * sessions: an administrator writes the user first and the sessions afterwards,
 * so our write may have overwritten theirs. */
int
recheck_user(struct exchange *e, struct grant *grant, bool *still,
	     struct err *err)
{
	struct grant now = *grant;

	for (unsigned tries = 0; tries < LOOK_TRIES; tries++) {
		bool is, same;

		if (look_up(e, &now, &is, &same, err) != 0)
			return -1;
		if (!is || same) {
			*grant = now;
			*still = is;
			return 0;
		}
	}
	return err_set(err, ERR_UNAVAILABLE, "the user keeps changing");
}
