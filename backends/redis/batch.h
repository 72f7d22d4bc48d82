/* SPDX-License-Identifier: MIT */
/*
 * Steps of the Redis store that go out together.  Errors are sticky: add
 * without looking, ask redis_batch_run() once.
 */
#ifndef BACKENDS_REDIS_BATCH_H
#define BACKENDS_REDIS_BATCH_H

#include "backends/redis/client/conn.h"

struct redis_batch {
	struct redis_conn *conn;
	struct arena *a; /* of all that it is given and makes */
	struct redis_step *steps;
	redisReply **replies;
	size_t n, max;
	bool failed; /* out of memory */
};

/* At most `max` steps. */
struct redis_batch redis_batch(struct redis_conn *conn, struct arena *a,
			       size_t max);

/* The two arguments `args, nargs`. */
#define REDIS_ARGS(...)                                                        \
	(const struct str[]){ __VA_ARGS__ },                                   \
	    sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str)

/* The index of the step's reply.  Copies args[], borrows their bytes until
 * the run. */
size_t redis_add(struct redis_batch *b, const char *command, struct str key,
		 const struct str *args, size_t nargs);
size_t redis_add_script(struct redis_batch *b, size_t script, struct str key,
			const struct str *args, size_t nargs);
/* The first nkeys of args are keys, too, of the same slot. */
size_t redis_add_script_keys(struct redis_batch *b, size_t script,
			     struct str key, size_t nkeys,
			     const struct str *args, size_t nargs);

/* Then it is empty again, for other steps. */
int redis_batch_run(struct redis_batch *b, struct err *err) MUST_USE;

/*
 * These return a reply as the type that it must have, or redis_damaged().  The
 * bytes stay valid until the next run of any batch on the connection.
 */
int redis_get_text(const struct redis_batch *b, size_t i, struct str *out,
		   struct err *err) MUST_USE; /* p NULL: there is none */
int redis_get_number(const struct redis_batch *b, size_t i, int64_t *out,
		     struct err *err) MUST_USE;
/* An array of nothing but texts, copied. */
int redis_get_texts(const struct redis_batch *b, size_t i,
		    const struct str **out, size_t *n,
		    struct err *err) MUST_USE;
bool redis_is_array(const struct redis_batch *b, size_t i);

/* ERR_BUSY: what is stored cannot be; the connection is good. */
int redis_damaged(const char *what, struct err *err);

/* Texts for the steps, in the arena. */
struct str redis_join(struct redis_batch *b, const struct str *parts, size_t n);
struct str redis_number(struct redis_batch *b, int64_t n);
/* The prefix, KIND and NAME: "u:", "alice". */
struct str redis_key(struct redis_batch *b, const char *kind, struct str name);

/* Memory apart from that of the call: of one page after another, or of what
 * must not fail for want of it half way.  NULL as arena_new(). */
struct arena *redis_scratch(void) MUST_USE;

#endif
