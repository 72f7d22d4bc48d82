/* SPDX-License-Identifier: MIT */
/* After a sign-in whose password was right: reads the user again and, later,
 * replaces a weaker hash. */
#include "auth/authenticate.h"

#include <string.h>

#include "strategy/password_mark.h"
#include "auth/hash_slots.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/password.h"

/* Returns whether password_rehash() has replaced our hash by the one that is
 * stored now. */
static bool
has_replaced(struct str now, struct str ours)
{
	uint8_t print[PASSWORD_PRINT_BYTES], replaced[PASSWORD_PRINT_BYTES];

	password_print(ours, print);
	return password_replaced(now, replaced) &&
	       memcmp(print, replaced, sizeof(print)) == 0;
}

static int
confirm_try_again(struct request_context *ctx, struct str password,
		  struct str hash, bool *right, struct err *err)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	struct hash_place here = { .wake = NULL };
	enum password_answer answer;

	/* The session exists already, so it is too late to queue. */
	hash_slots_add(slots, &here);
	answer = password_verify(password, hash);
	hash_slots_give(slots, &here);
	if (answer == PASSWORD_ERROR)
		return err_set(err, ERR_INTERNAL, "no memory to hash");
	*right = answer == PASSWORD_RIGHT;
	return 0;
}

static int
remark(struct request_context *ctx, struct str name, struct str from,
       struct str to, struct err *err)
{
	struct remark m = { .user = name };

	if (password_mark_make(&ctx->call, from, &m.from, err) != 0 ||
	    password_mark_make(&ctx->call, to, &m.to, err) != 0)
		return -1;
	return store_remark(ctx->call.store, &ctx->call, &m, err);
}

/* Sets *same to whether both hashes are of this password. */
static int
compare_hashes(struct request_context *ctx, const struct user *user,
	       struct str password, struct str now, bool *same, struct err *err)
{
	bool equal = secret_equal(now, user->hash);
	bool ours = !equal && has_replaced(now, user->hash), right = ours;

	if (!equal && !ours &&
	    confirm_try_again(ctx, password, now, &right, err) != 0)
		return -1;
	if (right && remark(ctx, user->who.name, user->hash, now, err) != 0)
		return -1;
	*same = equal || right;
	return 0;
}

int
authenticate_confirm(struct request_context *ctx, struct user *user,
		     struct str password, bool *still, struct err *err)
{
	struct user was = *user; /* what the sessions have */

	for (unsigned tries = 0; tries < USERS_LOOK_TRIES; tries++) {
		struct user_answer now;
		bool is, same;

		if (users_find(ctx->call.users, &ctx->call, user->who.name,
			       &now, err) != 0)
			return -1;
		is = now.found && !now.user.disabled;
		if (is && compare_hashes(ctx, &was, password, now.user.hash,
					 &is, err) != 0)
			return -1;
		same = !is || identity_equal(&now.user.who, &was.who);
		if (!same && store_update_user(ctx->call.store, &ctx->call,
					       &now.user.who, err) != 0)
			return -1;
		if (is)
			was = now.user;
		if (same) {
			*still = is;
			*user = was;
			return 0;
		}
	}
	return users_keep_changing(err);
}

static int
replace_hash(struct request_context *ctx, const struct user *user,
	     struct str password, struct err *err)
{
	const struct str name = user->who.name;
	struct hash_change change = { .name = name, .old = user->hash };
	char hash[PASSWORD_HASH_MAX];
	bool changed;

	if (password_rehash(password, user->hash, hash, err) != 0)
		return -1;
	change.hash = str_from(hash);
	if (users_set_hash(ctx->call.users, &ctx->call, &change, &changed,
			   err) != 0)
		return -1;
	return changed ? remark(ctx, name, user->hash, str_from(hash), err) : 0;
}

void
authenticate_rehash(struct request_context *ctx, const struct user *user,
		    struct str password)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	const struct hash_claim claim = { .account_max = 1 };
	struct hash_place here = { .wake = NULL };
	struct err err;

	if (!users_can(ctx->call.users, USERS_REHASH) ||
	    !password_is_outdated(user->hash) ||
	    !password_fits_scheme(password, user->hash) ||
	    hash_slots_take(slots, &here, &claim, 0) != HASH_TAKEN)
		return;
	if (replace_hash(ctx, user, password, &err) != 0) {
		LOG(ctx->call.env->log, LOG_WARNING, "rehash_failed",
		    F_CSTR("reason", err.msg));
	}
	hash_slots_give(slots, &here);
}
