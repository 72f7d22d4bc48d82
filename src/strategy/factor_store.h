/* SPDX-License-Identifier: MIT */
/*
 * The interface of factor stores, for implementers; callers include
 * strategy/factors.h. A factor store keeps what belongs to the account of a
 * user besides the user source, whatever the user source is: its state, the
 * one-time secrets of links and of sign-ins that are not complete, and the mail
 * that waits to be sent. These records are durable: without them a user would
 * have less protection than they asked for, so a store that cannot answer
 * never means that there are none.
 *
 * Lifetime, threads, memory, failure, outputs, atomicity and time are as in
 * strategy/session_store.h; an operation that is executed in part does not
 * exist here. A text that an operation is given is valid UTF-8 without NUL and
 * not longer than the limits below: strategy/factors.c checks it.
 *
 * A user is only a name here, and need not exist in the user source.
 */
#ifndef STRATEGY_FACTOR_STORE_H
#define STRATEGY_FACTOR_STORE_H

#include "strategy/backend.h"
#include "strategy/call.h"
#include "strategy/identity.h"

#define ACCOUNT_HANDLE_BYTES 32
#define ONE_TIME_HASH_BYTES  32
#define ONE_TIME_DATA_MAX    8192
#define MAIL_ID_BYTES	     16
#define MAIL_ADDRESS_MAX     254
#define MAIL_KIND_MAX	     32
#define MAIL_BODY_MAX	     16384

/* Whether a user wants a notice of each sign-in from a new place. */
enum account_notify {
	NOTIFY_DEFAULT = 0, /* they have not chosen: the configuration does */
	NOTIFY_YES,
	NOTIFY_NO,
};

/* What is kept about a user; all zero if nothing is. */
struct account {
	/* Random, and different for each user: identifies the user to others
	 * without the name, and never changes. It is made by the first
	 * account_set(). */
	uint8_t handle[ACCOUNT_HANDLE_BYTES];
	bool must_change; /* a sign-in leads to the form for a new password */
	/* The e-mail address that the user has proven to receive mail at. It
	 * says nothing about the address in the user source, which others may
	 * change, unless both are equal. */
	struct str verified_email;
	enum account_notify notify;
	int64_t since_ms; /* of the first account_set() */
};

enum account_field {
	ACCOUNT_MUST_CHANGE = 1 << 0,
	ACCOUNT_VERIFIED_EMAIL = 1 << 1,
	ACCOUNT_NOTIFY = 1 << 2,
};

/* Sets some fields of the account of a user, and leaves the others. */
struct account_change {
	struct str user;
	unsigned fields; /* bits of enum account_field */
	bool must_change;
	struct str verified_email; /* at most IDENTITY_TEXT_MAX bytes */
	enum account_notify notify;
	/* The handle if there is no record yet; strategy/factors.c makes it. */
	uint8_t handle[ACCOUNT_HANDLE_BYTES];
};

/*
 * The kinds of one-time secrets. The kind is part of the key: a secret of one
 * kind is never found as another kind. The numbers are stored, and are bits so
 * that they can be combined to a set.
 */
enum one_time_kind {
	ONE_TIME_TICKET = 1 << 0, /* a sign-in that is not complete */
	ONE_TIME_RESET = 1 << 1, /* sets a new password */
	ONE_TIME_INVITE = 1 << 2, /* makes the user */
	ONE_TIME_EMAIL = 1 << 3, /* proves an e-mail address */
	/* Sets a new password. Anybody can ask for one, so it does not void
	 * the links for a new password that an administrator made. */
	ONE_TIME_FORGOTTEN = 1 << 4,
};
#define ONE_TIME_LINKS                                                         \
	(ONE_TIME_RESET | ONE_TIME_INVITE | ONE_TIME_EMAIL | ONE_TIME_FORGOTTEN)

/* SHA-256 of the secret, which a factor store never sees. */
struct one_time_hash {
	uint8_t b[ONE_TIME_HASH_BYTES];
};

struct one_time {
	struct one_time_hash hash;
	enum one_time_kind kind;
	struct str user; /* empty: of no user */
	struct str data; /* at most ONE_TIME_DATA_MAX bytes; only the caller
			  * knows what it means */
	int64_t created_ms, expires_ms; /* valid while now_ms < expires_ms */
};

/* All zero if there is no valid one. */
struct one_time_answer {
	bool found;
	struct one_time secret;
};

/* A mail that waits to be sent. */
struct mail {
	uint8_t id[MAIL_ID_BYTES];
	struct str user; /* whom it is about; empty: nobody */
	struct str to; /* at most MAIL_ADDRESS_MAX bytes */
	struct str kind; /* 1 to MAIL_KIND_MAX bytes; only the caller knows
			  * what it means */
	struct str body; /* at most MAIL_BODY_MAX bytes */
	int64_t created_ms;
	int64_t next_ms; /* it is due from then on */
	int64_t expires_ms; /* from then on it is not sent any more */
	int64_t tries; /* how often it was claimed, with this time */
};

struct mail_list {
	struct mail *v;
	size_t n;
};

/* Postpones a mail that was claimed. */
struct mail_retry {
	uint8_t id[MAIL_ID_BYTES];
	int64_t tries; /* as it was claimed */
	int64_t next_ms;
};

struct factor_store_ops {
	struct backend_ops base;

	int (*account)(void *conn, const struct call *c, struct str user,
		       struct account *out, struct err *err);

	/* Changes the fields that it names; those of a new record that it does
	 * not name are zero. */
	int (*account_set)(void *conn, const struct call *c,
			   const struct account_change *change,
			   struct err *err);

	/*
	 * Adds a one-time secret, which is new; created_ms is now_ms of the
	 * call. With `alone` it voids all other secrets of the same user and
	 * kind that were added with `alone`: of parallel calls, one remains.
	 */
	int (*one_time_put)(void *conn, const struct call *c,
			    const struct one_time *secret, bool alone,
			    struct err *err);

	/*
	 * Finds the valid secret with this hash and kind. A secret whose
	 * created_ms was seen_ahead() (strategy/clock.h) is not valid. Changes
	 * nothing.
	 */
	int (*one_time_peek)(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err);

	/* The same, and the secret is not valid any more. Of all calls, in all
	 * processes, at most one finds it. */
	int (*one_time_take)(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err);

	/* Voids all secrets of a user of these kinds, a set of bits; *voided is
	 * their number, of which some may have expired. */
	int (*one_time_void)(void *conn, const struct call *c, struct str user,
			     unsigned kinds, int64_t *voided, struct err *err);

	/* Adds a mail, whose id is new, with created_ms = next_ms = now_ms of
	 * the call, and no tries. */
	int (*mail_add)(void *conn, const struct call *c,
			const struct mail *mail, struct err *err);

	/*
	 * Returns at most `limit` mails that are due and have not expired,
	 * those that are due for the longest time first. In the same step each
	 * one is counted and postponed by lease_ms: until then no other
	 * instance gets it. A mail that is damaged does not keep the others
	 * from being returned.
	 */
	int (*mail_claim)(void *conn, const struct call *c, size_t limit,
			  int64_t lease_ms, struct mail_list *out,
			  struct err *err);

	/* Removes a mail that was sent or given up. */
	int (*mail_done)(void *conn, const struct call *c,
			 const uint8_t id[MAIL_ID_BYTES], struct err *err);

	/* Sets when a mail is due again, unless it was claimed again since. */
	int (*mail_retry)(void *conn, const struct call *c,
			  const struct mail_retry *retry, struct err *err);

	/* Removes all records of a user; *removed is their number. */
	int (*remove_user)(void *conn, const struct call *c, struct str user,
			   int64_t *removed, struct err *err);

	/* Removes at most `limit` one-time secrets and mails that have expired,
	 * and mails that are damaged; *removed is their number. */
	int (*sweep)(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err);
};

#endif
