/* SPDX-License-Identifier: MIT */
/*
 * Measures the time of the operations of a store as it fills.
 *
 *     store_growth [-f] FILE SIZE...
 *
 * Fills the store that the configuration FILE names up to each size in turn.
 * Then it prints "filled" and the number of sessions, and waits for a line on
 * its standard input, so that the caller can measure the size of the store.
 * Then it prints a line: the size, and the microseconds of one create, find,
 * find without a result, touch, rotation, and page of a list. With -f it only
 * fills the store.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strategy/registry.h"
#include "strategy/session_id.h"
#include "tests/support/call.h"
#include "conf/problems.h"
#include "crypto/digest.h"

#define MEMORY	     (16 * 1024 * 1024)
#define FILLERS	     8
#define PER_USER     10
#define AGENTS	     100
#define SAMPLES	     2000
#define PAGE	     100
#define LIFE_MS	     (24 * 3600 * INT64_C(1000))
#define SECRET_KINDS 2 /* one for a rotation, one for the way back */

struct growth {
	struct env env;
	struct backend *store;
	int64_t began_ms; /* the time of the whole run */
	atomic_ullong next; /* the next to create */
	unsigned long long size;
	unsigned long long samples; /* the sessions that sample_create() made */
	atomic_bool failed;
};

/* Makes the token of session n from n, so that no token must be recorded. */
static struct token_hash
token(unsigned long long n, unsigned kind)
{
	struct token_hash out;
	char text[48];
	int len = snprintf(text, sizeof(text), "token %llu %u", n, kind);

	digest_sha256((struct str){ .p = text, .n = (size_t)len }, out.b);
	return out;
}

struct name {
	char text[80];
};

static struct name
user_of(unsigned long long n)
{
	struct name name;

	(void)snprintf(name.text, sizeof(name.text), "user%llu", n / PER_USER);
	return name;
}

/* Returns one of AGENTS user agents, each of 70 bytes. */
static struct name
agent_of(unsigned long long n)
{
	const unsigned version = 100 + (unsigned)(n % AGENTS);
	struct name name;

	(void)snprintf(name.text, sizeof(name.text),
		       "Mozilla/5.0 (X11; Linux x86_64; rv:%u.0)"
		       " Gecko/20100101 Firefox/%u.0",
		       version, version);
	return name;
}

static struct session_id
session_id(const struct growth *g, unsigned long long n)
{
	const struct name user = user_of(n);
	struct token_hash random = token(n, SECRET_KINDS);
	struct session_id id;
	uint64_t ms = (uint64_t)g->began_ms + n;

	memcpy(id.b, random.b, sizeof(id.b));
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = session_shard_of(str_from(user.text));
	return id;
}

static int
growth_create(const struct growth *g, struct store_conn *conn, struct arena *a,
	      unsigned long long n, struct err *err)
{
	const struct name user = user_of(n), agent = agent_of(n);
	const struct session_id id = session_id(g, n);
	struct session s = {
		.id = id,
		.token = token(n, 0),
		.who = { .name = str_from(user.text),
			 .roles = STR("staff,users"),
			 .email = STR("somebody@example.com") },
		.created_ms = session_id_time_ms(&id),
		.last_seen_ms = g->began_ms,
		.idle_expires_ms = g->began_ms + LIFE_MS,
		.expires_ms = g->began_ms + LIFE_MS,
		.address = STR("192.0.2.17"),
		.user_agent = str_from(agent.text),
	};

	memcpy(s.mark.b, s.token.b, sizeof(s.mark.b));
	return store_create(conn, CALL_AT(a, g->began_ms), &s, 0, NULL, err);
}

static struct store_conn *
growth_new_conn(const struct growth *g)
{
	struct store_conn *conn = store_conn_new(&g->env);

	if (conn != NULL)
		store_conn_bind(conn, g->store);
	return conn;
}

static void *
fill_some(void *arg)
{
	struct growth *g = arg;
	struct store_conn *conn = growth_new_conn(g);
	struct arena *a = arena_new(MEMORY);
	struct err err = { .msg = "out of memory" };
	bool done = false;

	while (conn != NULL && a != NULL && !atomic_load(&g->failed)) {
		unsigned long long n = atomic_fetch_add(&g->next, 1);

		done = n >= g->size;
		if (done)
			break;
		arena_reset(a);
		if (growth_create(g, conn, a, n, &err) != 0)
			break;
	}
	if (!done && !atomic_exchange(&g->failed, true))
		(void)fprintf(stderr, "store_growth: %s\n", err.msg);
	store_conn_free(conn);
	arena_free(a);
	return NULL;
}

static bool
fill(struct growth *g)
{
	pthread_t thread[FILLERS];
	int n = 0;

	while (n < FILLERS &&
	       pthread_create(&thread[n], NULL, fill_some, g) == 0)
		n++;
	for (int i = 0; i < n; i++)
		(void)pthread_join(thread[i], NULL); /* cannot fail */
	atomic_store(&g->next, g->size);
	return n > 0 && !atomic_load(&g->failed);
}

/* Runs one operation on session number n, as sample number i. */
typedef int sample_fn(const struct growth *g, struct store_conn *conn,
		      struct arena *a, unsigned long long n, int i,
		      struct err *err);

static int
sample_create(const struct growth *g, struct store_conn *conn, struct arena *a,
	      unsigned long long n, int i, struct err *err)
{
	(void)n;
	/* A number above all that fill() will use. */
	return growth_create(g, conn, a,
			     (1ULL << 40) + g->size * SAMPLES + (unsigned)i,
			     err);
}

static int
growth_find(const struct growth *g, struct store_conn *conn, struct arena *a,
	    unsigned long long n, bool expected, struct err *err)
{
	const struct session_id id = session_id(g, n);
	const struct token_hash hash =
	    token(n, expected ? 0 : SECRET_KINDS + 1);
	struct session_answer got;

	if (store_find(conn, CALL_AT(a, g->began_ms), &id, &hash, &got, err) !=
	    0)
		return -1;
	return got.found == expected ?
		   0 :
		   err_set(err, ERR_INTERNAL, "found a wrong answer");
}

static int
sample_find(const struct growth *g, struct store_conn *conn, struct arena *a,
	    unsigned long long n, int i, struct err *err)
{
	(void)i;
	return growth_find(g, conn, a, n, true, err);
}

static int
sample_miss(const struct growth *g, struct store_conn *conn, struct arena *a,
	    unsigned long long n, int i, struct err *err)
{
	(void)i;
	return growth_find(g, conn, a, n, false, err);
}

static int
sample_touch(const struct growth *g, struct store_conn *conn, struct arena *a,
	     unsigned long long n, int i, struct err *err)
{
	const struct touch touch = {
		.id = session_id(g, n),
		.last_seen_ms = g->began_ms + i + 1,
		.idle_expires_ms = g->began_ms + LIFE_MS + i + 1,
	};

	return store_touch(conn, CALL_AT(a, g->began_ms), &touch, err);
}

/* Rotates there and back, so that the session has its first token again. */
static int
sample_rotate(const struct growth *g, struct store_conn *conn, struct arena *a,
	      unsigned long long n, int i, struct err *err)
{
	unsigned long long which = (unsigned)i / 2;
	unsigned side = (unsigned)i % 2;
	struct rotation use = {
		.id = session_id(g, which),
		.presented = token(which, side),
		.next = token(which, 1 - side),
		.generation = side,
		.idle_ms = LIFE_MS,
	};
	struct rotated is;

	(void)n;
	if (store_rotate(conn, CALL_AT(a, g->began_ms), &use, &is, err) != 0)
		return -1;
	return is.answer == ROTATE_DONE ?
		   0 :
		   err_set(err, ERR_INTERNAL, "the token did not rotate");
}

static int
sample_list(const struct growth *g, struct store_conn *conn, struct arena *a,
	    unsigned long long n, int i, struct err *err)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;

	(void)n;
	(void)i;
	return store_list(conn, CALL_AT(a, g->began_ms),
			  LISTED((struct str){ .p = NULL }, PAGE), &cursor,
			  &list, err);
}

static int
measure(const struct growth *g, struct store_conn *conn, sample_fn *fn,
	int samples, struct err *err)
{
	int64_t began = env_mono_ms(&g->env), took;

	for (int i = 0; i < samples; i++) {
		/* The numbers are far apart, and the same in each run. */
		unsigned long long n = (unsigned long long)i * 2654435761U;
		struct arena *a = arena_new(MEMORY);
		int rc = a == NULL ? err_nomem(err) :
				     fn(g, conn, a, n % g->size, i, err);

		arena_free(a);
		if (rc != 0)
			return -1;
	}
	took = env_mono_ms(&g->env) - began;
	(void)printf(" %9.1f", (double)took * 1000 / samples);
	return 0;
}

static int
measure_all(const struct growth *g, struct err *err)
{
	static const struct {
		sample_fn *fn;
		int samples;
	} all[] = {
		{ sample_create, SAMPLES },   { sample_find, SAMPLES * 5 },
		{ sample_miss, SAMPLES * 5 }, { sample_touch, SAMPLES },
		{ sample_rotate, SAMPLES },   { sample_list, SAMPLES / 20 },
	};
	struct store_conn *conn = growth_new_conn(g);
	int rc = conn == NULL ? err_nomem(err) : 0;

	(void)printf("%llu", g->size);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(all); i++)
		rc = measure(g, conn, all[i].fn, all[i].samples, err);
	(void)printf("\n");
	(void)fflush(stdout); /* show each line at once */
	store_conn_free(conn);
	return rc;
}

static int
open_store(struct growth *g, const char *file, struct arena *a, struct err *err)
{
	struct settings_drivers drivers;
	struct problems problems;
	struct settings set;

	if (registry_drivers(a, &drivers) != 0)
		return err_nomem(err);
	problems_init(&problems, a);
	if (settings_load(file, &drivers, a, &set, &problems) != 0)
		return err_set(err, ERR_CONFIG, "%s", problems.first->text);
	return store_open(registry_store(set.store.driver->name),
			  set.store.conf, &g->env, &g->store, err);
}

static void
wait_for_caller(const struct growth *g)
{
	(void)printf("filled %llu\n", g->size + g->samples);
	(void)fflush(stdout);
	while (getchar() != '\n' && !feof(stdin))
		;
}

static int
grow_to(struct growth *g, const char *size, bool only_fill, struct err *err)
{
	g->size = strtoull(size, NULL, 10);
	if (g->size < SAMPLES || !fill(g))
		return err_set(err, ERR_INPUT, "cannot fill to %s", size);
	if (only_fill)
		return 0;
	wait_for_caller(g);
	g->samples += SAMPLES;
	return measure_all(g, err);
}

int
main(int argc, char **argv)
{
	const bool only_fill = argc > 1 && strcmp(argv[1], "-f") == 0;
	const int first = only_fill ? 2 : 1;
	struct growth g = { .env = env_real(NULL) };
	struct arena *a = arena_new(MEMORY);
	struct err err;
	int rc;

	if (argc < first + 2 || a == NULL) {
		(void)fprintf(stderr,
			      "usage: store_growth [-f] FILE SIZE...\n");
		return 2;
	}
	g.began_ms = env_wall_ms(&g.env);
	rc = open_store(&g, argv[first], a, &err);
	for (int i = first + 1; rc == 0 && i < argc; i++)
		rc = grow_to(&g, argv[i], only_fill, &err);
	if (rc != 0)
		(void)fprintf(stderr, "store_growth: %s\n", err.msg);
	backend_unref(g.store);
	arena_free(a);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
