/* SPDX-License-Identifier: MIT */
/* Checks that the user of a session is unchanged since the sign-in. */
#include "auth/recheck.h"

#include <string.h>

#include "strategy/clock.h"
#include "strategy/password_mark.h"
#include "auth/audit.h"
#include "auth/last_seen.h"

/* Returns the number of the span that time_ms is in. The end of an id is
 * random, so that not all sessions look up their users at the same time. */
static int64_t
span_of(const struct session_id *id, int64_t length_ms, int64_t time_ms)
{
	uint32_t shift;

	memcpy(&shift, id->b + sizeof(id->b) - sizeof(shift), sizeof(shift));
	return (time_ms + shift % length_ms) / length_ms;
}

bool
recheck_is_due(const struct request_context *ctx,
	       const struct principal *principal)
{
	const int64_t length_ms = ctx->service->set->any_users.recheck * 1000;
	const struct session_id *id = &principal->session;
	int64_t now;

	if (length_ms == 0)
		return false;
	now = span_of(id, length_ms, ctx->call.now_ms);
	if (!seen_ahead(principal->last_seen_ms, ctx->call.now_ms) &&
	    span_of(id, length_ms, principal->last_seen_ms) >= now)
		return false;
	/* The look-up may have been done, but not yet written to the store. */
	return span_of(id, length_ms,
		       last_seen_find(ctx->service->shared->last_seen, id)) <
	       now;
}

static int
recheck_end_sessions(struct request_context *ctx, struct str name,
		     const char *why, struct err *err)
{
	int64_t ended;

	if (store_revoke_user(ctx->call.store, &ctx->call, name, NULL, &ended,
			      err) != 0)
		return -1;
	audit_ended(ctx, "sessions_revoked", name, ended, why);
	return 0;
}

static int
recheck_update_sessions(struct request_context *ctx, const struct identity *who,
			const struct session_id *session, struct err *err)
{
	if (store_update_user(ctx->call.store, &ctx->call, who, err) != 0)
		return -1;
	audit(ctx, "sessions_updated", who->name, session, "user_changed");
	return 0;
}

static int
end_session(struct request_context *ctx, const struct principal *principal,
	    struct err *err)
{
	bool ended;

	if (store_revoke(ctx->call.store, &ctx->call, &principal->session,
			 &ended, err) != 0)
		return -1;
	if (ended)
		audit(ctx, "session_revoked", principal->who.name,
		      &principal->session, "password_changed");
	return 0;
}

/* Ends this session only: other sessions of the user may belong to the new
 * password, and each is checked by itself. */
static int
check_password(struct request_context *ctx, const struct principal *principal,
	       struct str hash, bool *still, struct err *err)
{
	struct remark m = { .user = principal->who.name,
			    .from = principal->mark };
	bool fits;

	if (password_mark_fits(&ctx->call, &principal->mark, hash, &fits, &m.to,
			       err) != 0)
		return -1;
	if ((fits ? store_remark(ctx->call.store, &ctx->call, &m, err) :
		    end_session(ctx, principal, err)) != 0)
		return -1;
	*still = fits;
	return 0;
}

/* Looks up the user once. *same: the sessions of the user have the identity
 * that was read. */
static int
look_up(struct request_context *ctx, struct principal *principal, bool *still,
	bool *same, struct err *err)
{
	const struct str name = principal->who.name;
	struct user_answer now;
	const struct identity *who = &now.user.who;
	bool equal, fits = false;

	if (users_find(ctx->call.users, &ctx->call, name, &now, err) != 0)
		return -1;
	equal = identity_equal(who, &principal->who);
	if (!now.found || now.user.disabled) {
		if (recheck_end_sessions(ctx, name,
					 now.found ? "user_disabled" :
						     "user_gone",
					 err) != 0)
			return -1;
	} else if (check_password(ctx, principal, now.user.hash, &fits, err) !=
		       0 ||
		   (fits && !equal &&
		    recheck_update_sessions(ctx, who, &principal->session,
					    err) != 0)) {
		return -1;
	}
	if (fits)
		principal->who = *who;
	*still = fits;
	*same = equal;
	return 0;
}

/* Repeats the look-up until the stored user equals the identity written to the
 * sessions: an administrator writes the user first and the sessions afterwards,
 * so our write may have overwritten theirs. */
int
recheck_user(struct request_context *ctx, struct principal *principal,
	     bool *still, struct err *err)
{
	struct principal now = *principal;

	for (unsigned tries = 0; tries < USERS_LOOK_TRIES; tries++) {
		bool is, same;

		if (look_up(ctx, &now, &is, &same, err) != 0)
			return -1;
		if (!is || same) {
			*principal = now;
			*still = is;
			return 0;
		}
	}
	return users_keep_changing(err);
}
