/* SPDX-License-Identifier: MIT */
/* Checks the user of a session that is refreshed. */
#include "modes/refresh_user.h"

#include "strategy/password_mark.h"
#include "strategy/store.h"
#include "strategy/users.h"

/* Looks up the user of a session, and ends the session if the user was disabled
 * or removed, or has got another password, meanwhile. */
static int
refresh_find_user(struct call *c, const struct session *s,
		  struct user_answer *out, bool *still, struct err *err)
{
	struct remark m = { .user = s->who.name, .from = s->mark };
	struct user_answer user;
	bool is, was_live;

	if (users_find(c->users, c, s->who.name, &user, err) != 0)
		return -1;
	is = user.found && !user.user.disabled;
	if (is && password_mark_fits(c, &s->mark, user.user.hash, &is, &m.to,
				     err) != 0)
		return -1;
	if ((is ? store_remark(c->store, c, &m, err) :
		  store_revoke(c->store, c, &s->id, &was_live, err)) != 0)
		return -1;
	*out = user;
	*still = is;
	return 0;
}

/* Repeats the look-up until the identity that it finds is the one that was
 * written: an administrator writes the user first and the sessions afterwards,
 * so our write may have overwritten theirs. */
int
refresh_check_user(struct call *c, const struct session *s,
		   struct identity *who, bool *still, struct err *err)
{
	struct identity written = s->who;

	for (unsigned tries = 0; tries < USERS_LOOK_TRIES; tries++) {
		struct user_answer now;
		bool is;

		if (refresh_find_user(c, s, &now, &is, err) != 0)
			return -1;
		if (!is || identity_equal(&now.user.who, &written)) {
			*still = is;
			*who =
			    is ? written : (struct identity){ .name = STR("") };
			return 0;
		}
		written = now.user.who;
		if (store_update_user(c->store, c, &written, err) != 0)
			return -1;
	}
	return users_keep_changing(err);
}
