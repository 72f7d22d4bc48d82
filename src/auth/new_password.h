/* SPDX-License-Identifier: MIT */
/*
 * Gives a user a new password. The caller has found out who asks for it, and
 * that they may. The work has two halves, so that a caller can use up a link
 * in between: the first half checks and hashes the password and changes
 * nothing, the second half writes the hash and does what follows from it.
 */
#ifndef AUTH_NEW_PASSWORD_H
#define AUTH_NEW_PASSWORD_H

#include "auth/request_context.h"
#include "crypto/password.h"
#include "crypto/password_policy.h"

struct new_password {
	/* As it was read. If it was read before the old password was verified,
	 * the new one is set only if the old one is still the password. */
	const struct user *user;
	struct str password;
	/* The session that goes on; NULL: all sessions end. Where the mode
	 * keeps no sessions, tokens last until they expire. */
	const struct session_id *keep;
	const char *why; /* for the audit log: a constant word, or NULL */
	bool must_differ; /* the old password is refused as the new one */
	/* This request has had a hash slot already. It gets another one at
	 * once, because it would have to begin again after a wait. */
	bool had_slot;
};

enum new_password_answer {
	NEW_PASSWORD_REFUSED = 0, /* `verdict` says why */
	NEW_PASSWORD_SAME, /* it is the old one, with must_differ */
	/* The source cannot change passwords; `elsewhere` says how they are
	 * changed, as the end of a sentence in English. */
	NEW_PASSWORD_ELSEWHERE,
	NEW_PASSWORD_STALE, /* the user was changed or removed meanwhile */
	NEW_PASSWORD_BUSY, /* too many hashes at once: try later */
	NEW_PASSWORD_QUEUED, /* it waits for a slot: ctx->queued is set */
	NEW_PASSWORD_HASHED, /* the first half is done */
	NEW_PASSWORD_DONE,
};

struct new_password_result {
	enum new_password_answer answer;
	struct password_verdict verdict; /* with NEW_PASSWORD_REFUSED */
	const char *elsewhere; /* with NEW_PASSWORD_ELSEWHERE */
	int64_t retry_after; /* seconds, with NEW_PASSWORD_BUSY */
	char hash[PASSWORD_HASH_MAX]; /* from NEW_PASSWORD_HASHED on */
};

/* Returns whether the user source can be given new passwords. */
bool new_password_is_possible(const struct request_context *ctx);

/* The policy of the configuration for a password of this user, without the
 * blocklist, for texts. */
struct password_policy new_password_policy(const struct request_context *ctx,
					   const struct identity *who);

/* The first half: any answer but NEW_PASSWORD_STALE and NEW_PASSWORD_DONE. Of
 * the user, only the name and the e-mail address are used, and the hash with
 * must_differ. */
int new_password_hash(struct request_context *ctx, const struct new_password *n,
		      struct new_password_result *out,
		      struct err *err) MUST_USE;

/*
 * The second half, after NEW_PASSWORD_HASHED: NEW_PASSWORD_STALE or
 * NEW_PASSWORD_DONE. Replaces the hash of the user and ends their sessions. If
 * the sessions cannot be ended, the user gets the old hash back, and the result
 * is -1. Otherwise the change stands, and is audited.
 *
 * What follows may fail, and is then only logged: the session that goes on gets
 * the mark of the new password (without it, it ends, too), the links and
 * tickets of the user are removed (they are bound to the old hash), and the
 * user need not change the password any more (or is asked once more).
 */
int new_password_set(struct request_context *ctx, const struct new_password *n,
		     struct new_password_result *out, struct err *err) MUST_USE;

/* Both halves. */
int new_password_give(struct request_context *ctx, const struct new_password *n,
		      struct new_password_result *out,
		      struct err *err) MUST_USE;

#endif
