/* SPDX-License-Identifier: MIT */
/* What the files of the memory store share that execute operations. */
#ifndef BACKENDS_MEMORY_STORE_INTERNAL_H
#define BACKENDS_MEMORY_STORE_INTERNAL_H

#include "backends/memory/attempts.h"
#include "backends/memory/denials.h"
#include "backends/memory/networks.h"
#include "backends/memory/secrets.h"
#include "backends/memory/sessions.h"

#include <pthread.h>

/* The store, and also every connection to it. */
struct memory {
	pthread_mutex_t lock;
	struct memory_sessions sessions;
	struct memory_attempts attempts;
	struct memory_denials denials;
	struct memory_networks networks;
	struct memory_secrets secrets;
};

/* Every operation holds the lock from its beginning to its end. */
struct memory *memory_lock(void *conn);
void memory_unlock(struct memory *m);

/* The operations of regulation (regulation.c). */
int store_memory_standing(void *conn, const struct call *c,
			  const struct login_keys *k,
			  struct login_standing *out, struct err *err) MUST_USE;
int store_memory_count(void *conn, const struct call *c,
		       const struct login_keys *k, struct login_count *out,
		       struct err *err) MUST_USE;
int store_memory_succeed(void *conn, const struct call *c,
			 const struct login_success *s,
			 struct err *err) MUST_USE;
int store_memory_attempt(void *conn, const struct call *c, struct str key,
			 const struct attempt_policy *policy,
			 struct attempt *out, struct err *err) MUST_USE;
int store_memory_give_back(void *conn, const struct call *c, struct str key,
			   int64_t ends_ms, struct err *err) MUST_USE;
int store_memory_reset_attempts(void *conn, const struct call *c,
				struct str key, bool *was_banned,
				struct err *err) MUST_USE;
int store_memory_bans(void *conn, const struct call *c, int64_t ban_ms,
		      size_t limit, struct ban_list *out,
		      struct err *err) MUST_USE;
int store_memory_networks(void *conn, const struct call *c, struct str user,
			  struct known_networks *out, struct err *err) MUST_USE;
int store_memory_unlearn(void *conn, const struct call *c, struct str user,
			 struct err *err) MUST_USE;

#endif
