/* SPDX-License-Identifier: MIT */
/*
 * A factor store in the memory of one process, for tests. One lock protects all
 * of it; only the sweep limits the memory.
 */
#include "backends/memory/accounts.h"
#include "backends/memory/one_time.h"
#include "backends/memory/outbox.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

struct memory_factors_conf {
	char none; /* no options, but a size of 0 means "not compiled in" */
};

/* The store, and also every connection to it. */
struct memory_factors {
	pthread_mutex_t lock;
	struct memory_accounts accounts;
	struct memory_one_time one_time;
	struct memory_outbox outbox;
};

static int
factors_memory_open(const void *conf, const struct env *env, void **store,
		    struct err *err)
{
	struct memory_factors *m = calloc(1, sizeof(*m));

	(void)conf; /* there are no options */
	(void)env; /* not needed */
	if (m == NULL)
		return err_nomem(err);
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		return err_nomem(err);
	}
	*store = m;
	return 0;
}

static void
factors_memory_close(void *store)
{
	struct memory_factors *m = store;

	memory_accounts_destroy(&m->accounts);
	memory_one_time_destroy(&m->one_time);
	memory_outbox_destroy(&m->outbox);
	(void)pthread_mutex_destroy(&m->lock); /* cannot fail: not locked */
	free(m);
}

static int
factors_memory_connect(void *store, void **conn, struct err *err)
{
	(void)err; /* cannot fail */
	*conn = store;
	return 0;
}

static void
factors_memory_disconnect(void *conn)
{
	(void)conn; /* it is the store itself */
}

static int
factors_memory_ping(void *conn, struct err *err)
{
	(void)conn;
	(void)err; /* cannot fail */
	return 0;
}

/* Every operation holds the lock from its beginning to its end. */
static struct memory_factors *
factors_lock(void *conn)
{
	struct memory_factors *m = conn;

	(void)pthread_mutex_lock(&m->lock); /* fails only if it is invalid */
	return m;
}

/* Returns `result`. */
static int
factors_unlock(struct memory_factors *m, int result)
{
	(void)pthread_mutex_unlock(&m->lock); /* cannot fail: we hold it */
	return result;
}

static int
factors_memory_account(void *conn, const struct call *c, struct str user,
		       struct account *out, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_accounts_get(&m->accounts, user,
						     c->arena, out, err));
}

static int
factors_memory_account_set(void *conn, const struct call *c,
			   const struct account_change *change, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_accounts_set(&m->accounts, change,
						     c->now_ms, err));
}

static int
factors_memory_one_time_put(void *conn, const struct call *c,
			    const struct one_time *secret, bool alone,
			    struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_one_time_put(&m->one_time, secret,
						     alone, c->now_ms, err));
}

static int
factors_memory_one_time_peek(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_one_time_find(&m->one_time, c, &key,
						      false, out, err));
}

static int
factors_memory_one_time_take(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_one_time_find(&m->one_time, c, &key,
						      true, out, err));
}

static int
factors_memory_one_time_void(void *conn, const struct call *c, struct str user,
			     unsigned kinds, int64_t *voided, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	*voided = (int64_t)memory_one_time_void(&m->one_time, user, kinds);
	return factors_unlock(m, 0);
}

static int
factors_memory_mail_add(void *conn, const struct call *c,
			const struct mail *mail, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_outbox_add(&m->outbox, mail, c->now_ms,
						   err));
}

static int
factors_memory_mail_claim(void *conn, const struct call *c, size_t limit,
			  int64_t lease_ms, struct mail_list *out,
			  struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	return factors_unlock(m, memory_outbox_claim(&m->outbox, c, limit,
						     lease_ms, out, err));
}

static int
factors_memory_mail_done(void *conn, const struct call *c,
			 const uint8_t id[MAIL_ID_BYTES], struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	memory_outbox_done(&m->outbox, id);
	return factors_unlock(m, 0);
}

static int
factors_memory_mail_retry(void *conn, const struct call *c,
			  const struct mail_retry *retry, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	memory_outbox_retry(&m->outbox, retry);
	return factors_unlock(m, 0);
}

static int
factors_memory_remove_user(void *conn, const struct call *c, struct str user,
			   int64_t *removed, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);
	size_t n = memory_accounts_remove(&m->accounts, user);

	(void)c;
	(void)err; /* cannot fail */
	n += memory_one_time_void(&m->one_time, user, UINT_MAX);
	n += memory_outbox_remove(&m->outbox, user);
	*removed = (int64_t)n;
	return factors_unlock(m, 0);
}

static int
factors_memory_sweep(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err)
{
	struct memory_factors *m = factors_lock(conn);
	size_t n = memory_one_time_sweep(&m->one_time, c->now_ms, limit);

	(void)err; /* cannot fail */
	n += memory_outbox_sweep(&m->outbox, c->now_ms, limit - n);
	*removed = (int64_t)n;
	return factors_unlock(m, 0);
}

static const struct option options[] = { OPTION_END };

const struct factor_store_ops factors_memory = {
	.base = {
		.driver = {
			.name = "memory",
			.summary = "in this process, lost when it ends; for"
				   " tests",
			.options = options,
			.conf_size = sizeof(struct memory_factors_conf),
		},
		.open = factors_memory_open,
		.close = factors_memory_close,
		.connect = factors_memory_connect,
		.disconnect = factors_memory_disconnect,
		.ping = factors_memory_ping,
	},
	.account = factors_memory_account,
	.account_set = factors_memory_account_set,
	.one_time_put = factors_memory_one_time_put,
	.one_time_peek = factors_memory_one_time_peek,
	.one_time_take = factors_memory_one_time_take,
	.one_time_void = factors_memory_one_time_void,
	.mail_add = factors_memory_mail_add,
	.mail_claim = factors_memory_mail_claim,
	.mail_done = factors_memory_mail_done,
	.mail_retry = factors_memory_mail_retry,
	.remove_user = factors_memory_remove_user,
	.sweep = factors_memory_sweep,
};
