/* SPDX-License-Identifier: MIT */
/* Name and password against the user source. */
#include "auth/authenticate.h"

#include "auth/audit.h"
#include "auth/hash_slots.h"
#include "auth/login_floor.h"
#include "auth/metrics.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "crypto/password.h"
#include "os/background.h"

#define BUSY_SECONDS 2

/* "unusable_hash: md5-crypt: too weak: ..." */
static const char *
why_unusable(const struct request_context *ctx, const struct user *user)
{
	const char *why, *kind = user_hash_kind(user->hash, &why), *text;
	struct buf b;

	buf_init(&b, ctx->call.arena, 512);
	buf_add(&b, STR("unusable_hash: "));
	buf_add(&b, str_from(kind));
	buf_add(&b, STR(": "));
	buf_add(&b, str_from(why));
	text = arena_cstr(ctx->call.arena, buf_str(&b));
	return buf_failed(&b) || text == NULL ? "unusable_hash" : text;
}

static const char *
why_disabled(const struct request_context *ctx, const struct user *user)
{
	const char *refused = arena_cstr(ctx->call.arena, user->refused);

	return user->refused.n == 0 || refused == NULL ? "disabled" : refused;
}

/* The verification of a password. */
struct verification {
	struct str password, hash;
	enum password_answer answer;
	int64_t cpu_ms;
};

static void
verification_run(void *arg)
{
	struct verification *v = arg;
	const int64_t from_ms = login_floor_cpu_ms();

	v->answer = password_verify(v->password, v->hash);
	v->cpu_ms = login_floor_cpu_ms() - from_ms;
}

/* Verifies in the background if possible, so that sign-ins do not delay checks.
 * A refused sign-in takes as long as the most expensive verification would. */
static enum password_answer
verify(const struct request_context *ctx, struct str password, struct str hash)
{
	const struct service_shared *shared = ctx->service->shared;
	struct verification v = { .password = password, .hash = hash };
	const int64_t from_ms = env_mono_ms(ctx->call.env);
	int64_t now_ms;

	if (shared->hash_in_background)
		background_run(ctx->call.env, verification_run, &v);
	else
		verification_run(&v);
	now_ms = env_mono_ms(ctx->call.env);
	if (shared->login_floor != NULL)
		login_floor_note(shared->login_floor, v.cpu_ms,
				 now_ms - from_ms, now_ms);
	return v.answer;
}

/* A sign-in in progress. */
struct candidate {
	struct str password;
	struct user_answer is;
	struct throttle throttle;
};

/* *why stays NULL when the password is right and the user may sign in. */
static int
check_candidate(const struct request_context *ctx, const struct candidate *c,
		const char **why, struct err *err)
{
	const struct user *user = &c->is.user;
	/* A user who does not exist, or whose hash cannot be used, takes as
	 * much time as the others: a typical hash is verified instead. */
	const bool usable = password_is_usable(user->hash);
	const enum password_answer answer =
	    verify(ctx, c->password,
		   usable ? user->hash : users_typical_hash(ctx->call.users));

	if (answer == PASSWORD_ERROR)
		return err_set(err, ERR_INTERNAL, "no memory to hash");
	if (!c->is.found)
		*why = c->is.ambiguous ? "ambiguous_name" : "unknown_user";
	else if (!usable)
		*why = why_unusable(ctx, user);
	else if (answer != PASSWORD_RIGHT)
		*why = "wrong_password";
	else if (user->disabled)
		*why = why_disabled(ctx, user);
	return 0;
}

static void
refuse_banned(struct request_context *ctx, struct str name, int64_t seconds,
	      struct login_result *out)
{
	audit_bounded(ctx, &ctx->service->shared->log_limits->banned,
		      "login_failure", name, "banned");
	metrics_add(ctx->service->shared->metrics, ctx->call.arena,
		    METRIC_LOGIN_BANNED, 1);
	out->retry_after = seconds;
	out->answer = LOGIN_BANNED;
}

/* Counts the attempt and then tries the password. The caller must have a hash
 * slot. */
static int
authenticate_try_password(struct request_context *ctx, struct candidate *c,
			  struct login_result *out, struct err *err)
{
	enum throttle_answer counted;
	const char *why = NULL;
	int64_t seconds;

	/* A ban may have begun while this sign-in waited for its slot. */
	if (throttle_count(ctx, &c->throttle, &counted, &seconds, err) != 0)
		return -1;
	if (counted == THROTTLE_BANNED) {
		refuse_banned(ctx, c->throttle.user, seconds, out);
		return 0;
	}
	if (counted == THROTTLE_FULL) {
		out->answer = LOGIN_BUSY;
		return 0;
	}
	if (check_candidate(ctx, c, &why, err) != 0) {
		throttle_undo(ctx, &c->throttle);
		return -1;
	}
	if (why != NULL) {
		audit(ctx, "login_failure", c->throttle.user, NULL, why);
		out->answer = LOGIN_WRONG;
		return throttle_failure(ctx, &c->throttle, err);
	}
	out->user = c->is.user;
	out->new_network =
	    c->throttle.has_network && !c->throttle.count.standing.known;
	out->answer = LOGIN_RIGHT;
	return throttle_success(ctx, &c->throttle, err);
}

/* Finds the user, and makes the keys of the attempt: with the name that the
 * user source has, if it has this user. */
static int
find_candidate(struct request_context *ctx, struct str name,
	       struct candidate *c, struct err *err)
{
	if (users_find_typed(ctx->call.users, &ctx->call, name, &c->is, err) !=
	    0)
		return -1;
	if (c->is.found)
		name = c->is.user.who.name;
	return throttle_begin(ctx, name, &c->throttle, err);
}

/* Sets the result of a sign-in that has no slot: it waits in the queue, or it
 * is refused. */
static void
set_queued(struct request_context *ctx, enum hash_answer answer,
	   struct login_result *out)
{
	ctx->queued = answer == HASH_QUEUED;
	out->answer = ctx->queued ? LOGIN_QUEUED : LOGIN_BUSY;
	out->retry_after = BUSY_SECONDS;
}

/* Tries the password of a sign-in that has a slot, and gives the slot back. */
static int
in_slot(struct request_context *ctx, struct hash_place *place,
	struct candidate *c, struct login_result *out, struct err *err)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	struct login_floor *floor = ctx->service->shared->login_floor;
	const int64_t from_ms = env_mono_ms(ctx->call.env);
	const int rc = authenticate_try_password(ctx, c, out, err);

	if (rc == 0 && out->answer == LOGIN_BUSY) {
		const struct hash_claim claim =
		    throttle_claim(ctx, &c->throttle);

		set_queued(ctx, hash_slots_later(slots, place, &claim, from_ms),
			   out);
		return 0;
	}
	if (rc == 0 && out->answer == LOGIN_WRONG && floor != NULL)
		login_floor_wait(floor, ctx->call.env, from_ms);
	hash_slots_give(slots, place);
	return rc;
}

/* Takes a slot or a place in the queue for a sign-in that found no free slot.
 * The store is asked first: a banned sign-in is refused and does not wait, and
 * one from a known network waits under the account of that network. */
static int
wait_for_slot(struct request_context *ctx, struct hash_place *place,
	      struct candidate *c, struct login_result *out, struct err *err)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	enum hash_answer taken;
	struct hash_claim claim;
	int64_t seconds;

	if (throttle_wait(ctx, &c->throttle, &seconds, err) != 0)
		return -1;
	if (seconds > 0) {
		refuse_banned(ctx, c->throttle.user, seconds, out);
		return 0;
	}
	claim = throttle_claim(ctx, &c->throttle);
	taken =
	    hash_slots_take(slots, place, &claim, env_mono_ms(ctx->call.env));
	if (taken == HASH_TAKEN)
		return in_slot(ctx, place, c, out, err);
	set_queued(ctx, taken, out);
	return 0;
}

/* If a slot is free, no separate question about bans is necessary: the count of
 * the attempt, in in_slot(), reports them too. */
static int
attempt(struct request_context *ctx, struct str name, struct str password,
	struct login_result *out, struct err *err)
{
	struct hash_slots *slots = ctx->service->shared->hash_slots;
	struct hash_place here = { .wake = NULL };
	struct hash_place *place = ctx->place != NULL ? ctx->place : &here;
	struct candidate c = { .password = password };
	struct hash_claim claim;

	if (find_candidate(ctx, name, &c, err) != 0)
		return -1;
	claim = throttle_claim(ctx, &c.throttle);
	if (hash_slots_try(slots, place, &claim, env_mono_ms(ctx->call.env)))
		return in_slot(ctx, place, &c, out, err);
	return wait_for_slot(ctx, place, &c, out, err);
}

int
authenticate_password(struct request_context *ctx, struct str name,
		      struct str password, struct login_result *out,
		      struct err *err)
{
	struct metrics *m = ctx->service->shared->metrics;
	struct login_result result = { .answer = LOGIN_WRONG };

	if (attempt(ctx, name, password, &result, err) != 0) {
		metrics_add(m, ctx->call.arena, METRIC_LOGIN_UNAVAILABLE, 1);
		return -1;
	}
	if (result.answer == LOGIN_BUSY)
		metrics_add(m, ctx->call.arena, METRIC_LOGIN_BUSY, 1);
	*out = result;
	return 0;
}
