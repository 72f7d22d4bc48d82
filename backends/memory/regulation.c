/* SPDX-License-Identifier: MIT */
/* The operations of the memory store on attempts, bans and networks. */
#include "backends/memory/logins.h"
#include "backends/memory/store_internal.h"

int
store_memory_standing(void *conn, const struct call *c,
		      const struct login_keys *k, struct login_standing *out,
		      struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)err; /* cannot fail */
	*out = memory_login_standing(&m->attempts, &m->networks, c, k);
	memory_unlock(m);
	return 0;
}

int
store_memory_count(void *conn, const struct call *c, const struct login_keys *k,
		   struct login_count *out, struct err *err)
{
	struct memory *m = memory_lock(conn);
	struct login_count count = {
		.standing =
		    memory_login_standing(&m->attempts, &m->networks, c, k),
	};
	int result = memory_login_count(&m->attempts, c, k, &count, err);

	memory_unlock(m);
	if (result == 0)
		*out = count;
	return result;
}

int
store_memory_succeed(void *conn, const struct call *c,
		     const struct login_success *s, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_login_succeed(&m->attempts, &m->networks, s, err);

	(void)c; /* expired networks are not returned, and are swept later */
	memory_unlock(m);
	return result;
}

int
store_memory_attempt(void *conn, const struct call *c, struct str key,
		     const struct attempt_policy *policy, struct attempt *out,
		     struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result =
	    memory_attempts_count(&m->attempts, c, key, policy, out, err);

	memory_unlock(m);
	return result;
}

int
store_memory_give_back(void *conn, const struct call *c, struct str key,
		       int64_t ends_ms, struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	memory_attempts_give_back(&m->attempts, key, ends_ms);
	memory_unlock(m);
	return 0;
}

int
store_memory_reset_attempts(void *conn, const struct call *c, struct str key,
			    bool *was_banned, struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	*was_banned = memory_attempts_reset(&m->attempts, key);
	memory_unlock(m);
	return 0;
}

int
store_memory_bans(void *conn, const struct call *c, int64_t ban_ms,
		  size_t limit, struct ban_list *out, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result =
	    memory_attempts_bans(&m->attempts, c, ban_ms, limit, out, err);

	memory_unlock(m);
	return result;
}

int
store_memory_networks(void *conn, const struct call *c, struct str user,
		      struct known_networks *out, struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)err; /* cannot fail */
	memory_networks_get(&m->networks, user, c->now_ms, out);
	memory_unlock(m);
	return 0;
}

int
store_memory_unlearn(void *conn, const struct call *c, struct str user,
		     struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	memory_networks_unlearn(&m->networks, user);
	memory_unlock(m);
	return 0;
}
