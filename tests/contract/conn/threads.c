/* SPDX-License-Identifier: MIT */
/* Several threads with a server that does not answer. */
#include "tests/contract/conn/threads.h"

#include "strategy/store.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS	   8
#define TIMEOUT_MS 20
#define FROZEN_MS  300

/* A store whose calls wait for their timeout while it is frozen. */
struct hanging {
	struct session_store_ops ops;
	struct backend *store;
	struct env env;
	struct log log;
	atomic_bool frozen, back, stop;
	atomic_uint pings; /* while frozen */
	atomic_int connecting, most_connecting; /* while frozen */
	atomic_uint ready, wrong, refused;
};

static void
sleep_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static int
hang(struct hanging *h, struct err *err)
{
	if (!atomic_load(&h->frozen))
		return 0;
	sleep_ms(TIMEOUT_MS);
	return err_set(err, ERR_UNAVAILABLE, "no answer in time");
}

static int
hanging_open(const void *conf, const struct env *env, void **store,
	     struct err *err)
{
	struct hanging *const *h = conf;

	(void)env;
	(void)err;
	*store = *h;
	return 0;
}

static void
hanging_close(void *store)
{
	(void)store;
}

static int
hanging_connect(void *store, void **conn, struct err *err)
{
	struct hanging *h = store;
	int now = atomic_fetch_add(&h->connecting, 1) + 1;
	int result;

	if (atomic_load(&h->frozen) && now > atomic_load(&h->most_connecting))
		atomic_store(&h->most_connecting, now);
	result = hang(h, err);
	(void)atomic_fetch_sub(&h->connecting, 1);
	if (result == 0)
		*conn = h;
	return result;
}

static void
hanging_disconnect(void *conn)
{
	(void)conn;
}

static int
hanging_ping(void *conn, struct err *err)
{
	struct hanging *h = conn;

	if (atomic_load(&h->frozen))
		(void)atomic_fetch_add(&h->pings, 1);
	return hang(h, err);
}

static void *
use(void *arg)
{
	struct hanging *h = arg;
	struct store_conn *conn = store_conn_new(&h->env);
	struct err err;

	ck_assert_ptr_nonnull(conn);
	store_conn_bind(conn, h->store);
	if (store_ping(conn, &err) != 0)
		(void)atomic_fetch_add(&h->wrong, 1);
	(void)atomic_fetch_add(&h->ready, 1);
	while (!atomic_load(&h->frozen))
		sleep_ms(1);
	while (!atomic_load(&h->stop)) {
		bool back = atomic_load(&h->back);

		if (store_ping(conn, &err) == 0) {
			atomic_store(&h->back, true);
		} else {
			(void)atomic_fetch_add(&h->refused, 1);
			if (back || err.code != ERR_UNAVAILABLE)
				(void)atomic_fetch_add(&h->wrong, 1);
		}
		sleep_ms(1);
	}
	store_conn_free(conn);
	return NULL;
}

static void
wait_until(atomic_bool *flag)
{
	for (int i = 0; i < 10000 && !atomic_load(flag); i++)
		sleep_ms(1);
	ck_assert(atomic_load(flag));
}

/* Each thread waits for the server once at most. Then only one thread at a time
 * tries. When a thread succeeds, no thread fails afterwards. */
START_TEST(one_thread_at_a_time_tries)
{
	struct hanging h = {
		.ops.base = {
			.driver.name = "hanging",
			.open = hanging_open,
			.close = hanging_close,
			.connect = hanging_connect,
			.disconnect = hanging_disconnect,
			.ping = hanging_ping,
		},
	};
	struct hanging *self = &h;
	pthread_t threads[THREADS];
	struct err err;

	h.log = (struct log){ .fd = -1, .level = LOG_ERROR };
	h.env = env_real(&h.log);
	ck_assert_int_eq(store_open(&h.ops, &self, &h.env, &h.store, &err), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use, &h), 0);
	for (int i = 0; i < 10000 && atomic_load(&h.ready) < THREADS; i++)
		sleep_ms(1);
	ck_assert_uint_eq(atomic_load(&h.ready), THREADS);
	atomic_store(&h.frozen, true);
	sleep_ms(FROZEN_MS);
	ck_assert(!atomic_load(&h.back));
	ck_assert_uint_le(atomic_load(&h.pings), THREADS);
	ck_assert_int_eq(atomic_load(&h.most_connecting), 1);
	ck_assert_uint_gt(atomic_load(&h.refused), THREADS);
	atomic_store(&h.frozen, false);
	wait_until(&h.back);
	sleep_ms(50);
	atomic_store(&h.stop, true);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(atomic_load(&h.wrong), 0);
	backend_unref(h.store);
}
END_TEST

TCase *
conn_thread_cases(void)
{
	TCase *t = new_case("threads");

	tcase_add_test(t, one_thread_at_a_time_tries);
	return t;
}
