/* SPDX-License-Identifier: MIT */
/* Gives a user a new password. */
#include "auth/new_password.h"

#include "strategy/password_mark.h"
#include "strategy/registry.h"
#include "auth/audit.h"
#include "auth/hash_slots.h"
#include "auth/notice.h"
#include "auth/throttle.h"
#include "base/log.h"
#include "os/background.h"
#include "os/file.h"

#define BUSY_SECONDS   2
#define BLOCKLIST_ROOM ((size_t)1024 * 1024)

bool
new_password_is_possible(const struct request_context *ctx)
{
	return users_can(ctx->call.users, USERS_REHASH);
}

struct password_policy
new_password_policy(const struct request_context *ctx,
		    const struct identity *who)
{
	return (struct password_policy){
		.min_length = ctx->service->set->password.min_length,
		.user = who->name,
		.email = who->email,
	};
}

/* Checks the password with the blocklist, which is in memory only meanwhile. */
static int
check_listed(const struct request_context *ctx, struct password_policy policy,
	     struct str password, struct password_verdict *out, struct err *err)
{
	const char *file = ctx->service->set->password.blocklist;
	struct arena *a;
	int rc;

	if (file == NULL || file[0] == '\0') {
		*out = password_check(password, &policy);
		return 0;
	}
	a = arena_new(PASSWORD_BLOCKLIST_MAX + BLOCKLIST_ROOM);
	if (a == NULL)
		return err_nomem(err);
	rc = file_read(file, PASSWORD_BLOCKLIST_MAX, a, &policy.blocklist, NULL,
		       err);
	if (rc == 0)
		*out = password_check(password, &policy);
	else
		err_context(err, "password.blocklist: %s", file);
	arena_free(a);
	return rc;
}

struct hashing {
	struct str password;
	struct str old; /* a hash that must be of another password; or empty */
	bool same;
	char *hash;
	struct err *err;
	int rc;
};

static void
hashing_run(void *arg)
{
	struct hashing *h = arg;

	h->same = h->old.n > 0 &&
		  password_verify(h->password, h->old) == PASSWORD_RIGHT;
	h->rc = h->same ? 0 : password_hash(h->password, h->hash, h->err);
}

/* The caller must have a hash slot. */
static int
check_and_hash_in_slot(struct request_context *ctx,
		       const struct new_password *n,
		       struct new_password_result *out, struct err *err)
{
	struct hashing h = { .password = n->password,
			     .old = n->must_differ ? n->user->hash : STR(""),
			     .hash = out->hash,
			     .err = err };

	if (check_listed(ctx, new_password_policy(ctx, &n->user->who),
			 n->password, &out->verdict, err) != 0)
		return -1;
	if (out->verdict.fault != PASSWORD_FINE)
		return 0;
	if (ctx->service->shared->hash_in_background)
		background_run(ctx->call.env, hashing_run, &h);
	else
		hashing_run(&h);
	out->answer = h.same ? NEW_PASSWORD_SAME : NEW_PASSWORD_HASHED;
	return h.rc;
}

/* Takes a slot, or sets the answer that there is none. */
static int
new_password_slot(struct request_context *ctx, const struct new_password *n,
		  struct hash_place *place, struct new_password_result *out,
		  bool *taken, struct err *err)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	enum hash_answer answer = HASH_TAKEN;
	struct throttle throttle;
	struct hash_claim claim;

	if (n->had_slot) {
		hash_slots_add(slots, place);
	} else {
		if (throttle_begin(ctx, n->user->who.name, &throttle, err) != 0)
			return -1;
		claim = throttle_claim(ctx, &throttle);
		answer = hash_slots_take(slots, place, &claim,
					 env_mono_ms(ctx->call.env));
	}
	*taken = answer == HASH_TAKEN;
	if (!*taken) {
		ctx->queued = answer == HASH_QUEUED;
		out->answer =
		    ctx->queued ? NEW_PASSWORD_QUEUED : NEW_PASSWORD_BUSY;
		out->retry_after = BUSY_SECONDS;
	}
	return 0;
}

int
new_password_hash(struct request_context *ctx, const struct new_password *n,
		  struct new_password_result *out, struct err *err)
{
	const struct password_policy policy =
	    new_password_policy(ctx, &n->user->who);
	struct new_password_result result = {
		.verdict = password_check(n->password, &policy)
	};
	struct hash_place here = { .wake = NULL };
	struct hash_place *place =
	    ctx->place != NULL && !n->had_slot ? ctx->place : &here;
	bool taken = false;
	int rc = 0;

	if (!new_password_is_possible(ctx)) {
		const char *driver = ctx->service->set->users.driver->name;

		result.answer = NEW_PASSWORD_ELSEWHERE;
		result.elsewhere = registry_user_source(driver)->elsewhere;
	} else if (result.verdict.fault == PASSWORD_FINE) {
		if (new_password_slot(ctx, n, place, &result, &taken, err) != 0)
			return -1;
		if (taken) {
			rc = check_and_hash_in_slot(ctx, n, &result, err);
			hash_slots_give(ctx->service->shared->hash_slots,
					place);
		}
	}
	if (rc == 0)
		*out = result;
	return rc;
}

static int
renew_mark(struct request_context *ctx, const struct user *user,
	   const char *hash, struct err *err)
{
	struct remark m = { .user = user->who.name };

	if (password_mark_make(&ctx->call, user->hash, &m.from, err) != 0 ||
	    password_mark_make(&ctx->call, str_from(hash), &m.to, err) != 0)
		return -1;
	return store_remark(ctx->call.store, &ctx->call, &m, err);
}

/* Ends all sessions of a user, and their tokens if the mode can. */
static int
new_password_end_all(struct request_context *ctx, struct str name,
		     int64_t *ended, struct err *err)
{
	const struct service *s = ctx->service;

	if (s->mode_ops->end_user != NULL &&
	    (s->mode_ops->needs_store == NULL ||
	     s->mode_ops->needs_store(s->set->mode.conf)) &&
	    s->mode_ops->end_user(s->set->mode.conf, &ctx->call, name, err) !=
		0)
		return -1;
	return store_revoke_user(ctx->call.store, &ctx->call, name, NULL, ended,
				 err);
}

/* Ends the sessions after the hash was written, never before: a sign-in with
 * the old password in between would begin a session that is not ended. */
static int
new_password_end_sessions(struct request_context *ctx,
			  const struct new_password *n, int64_t *ended,
			  struct err *err)
{
	const struct auth_mode_ops *mode = ctx->service->mode_ops;
	const struct str name = n->user->who.name;

	if (n->keep == NULL || !service_keeps_sessions(ctx->service))
		return new_password_end_all(ctx, name, ended, err);
	if (mode->end_others != NULL)
		return mode->end_others(&ctx->call, name, n->keep, ended, err);
	return store_revoke_user(ctx->call.store, &ctx->call, name, n->keep,
				 ended, err);
}

/* Removes what was given out for the old password. */
static int
clear_account(struct request_context *ctx, struct str name, struct err *err)
{
	const struct account_change change = { .user = name,
					       .fields = ACCOUNT_MUST_CHANGE };
	struct factors_conn *factors = ctx->call.factors;
	struct account account;

	if (factors == NULL)
		return 0;
	if (factors_one_time_void(factors, &ctx->call, name,
				  ONE_TIME_LINKS | ONE_TIME_TICKET, NULL,
				  err) != 0 ||
	    factors_account(factors, &ctx->call, name, &account, err) != 0)
		return -1;
	return account.must_change ?
		   factors_account_set(factors, &ctx->call, &change, err) :
		   0;
}

/* Gives the user the old hash back, unless others changed it again. */
static void
take_back(struct request_context *ctx, const struct new_password *n,
	  const char *hash)
{
	const struct hash_change change = { .name = n->user->who.name,
					    .old = str_from(hash),
					    .hash = n->user->hash };
	bool changed;
	struct err err;

	if (users_set_hash(ctx->call.users, &ctx->call, &change, &changed,
			   &err) != 0) {
		LOG(ctx->call.env->log, LOG_ERROR, "password_not_taken_back",
		    F_STR("user", n->user->who.name),
		    F_CSTR("reason", err.msg));
	}
}

/* Does what follows from a new password that stands. */
static void
new_password_follow(struct request_context *ctx, const struct new_password *n,
		    const char *hash)
{
	const struct str name = n->user->who.name;
	const struct env *env = ctx->call.env;
	struct err err;

	if (n->keep != NULL && renew_mark(ctx, n->user, hash, &err) != 0)
		LOG(env->log, LOG_WARNING, "session_not_kept",
		    F_STR("user", name), F_CSTR("reason", err.msg));
	if (clear_account(ctx, name, &err) != 0)
		LOG(env->log, LOG_WARNING, "account_not_cleared",
		    F_STR("user", name), F_CSTR("reason", err.msg));
	notice_password_changed(ctx, &n->user->who);
}

int
new_password_set(struct request_context *ctx, const struct new_password *n,
		 struct new_password_result *out, struct err *err)
{
	const struct hash_change change = { .name = n->user->who.name,
					    .old = n->user->hash,
					    .hash = str_from(out->hash) };
	int64_t ended;
	bool changed;

	if (users_set_hash(ctx->call.users, &ctx->call, &change, &changed,
			   err) != 0)
		return -1;
	if (!changed) {
		out->answer = NEW_PASSWORD_STALE;
		return 0;
	}
	if (new_password_end_sessions(ctx, n, &ended, err) != 0) {
		take_back(ctx, n, out->hash);
		return -1;
	}
	audit_ended(ctx, "sessions_ended", n->user->who.name, ended,
		    "password_changed");
	audit(ctx, "password_changed", n->user->who.name, n->keep, n->why);
	new_password_follow(ctx, n, out->hash);
	out->answer = NEW_PASSWORD_DONE;
	return 0;
}

int
new_password_give(struct request_context *ctx, const struct new_password *n,
		  struct new_password_result *out, struct err *err)
{
	struct new_password_result result;

	if (new_password_hash(ctx, n, &result, err) != 0 ||
	    (result.answer == NEW_PASSWORD_HASHED &&
	     new_password_set(ctx, n, &result, err) != 0))
		return -1;
	*out = result;
	return 0;
}
