/* SPDX-License-Identifier: MIT */
/*
 * Steps of the Redis store that are sent together. Errors are sticky: only
 * redis_batch_run() returns them.
 */
#ifndef BACKENDS_REDIS_BATCH_H
#define BACKENDS_REDIS_BATCH_H

#include "backends/redis/client/conn.h"

struct redis_batch {
	struct redis_conn *conn;
	struct arena *a; /* of the copied arguments and of the texts */
	struct redis_step *steps;
	redisReply **replies;
	size_t n, max;
	bool failed; /* out of memory */
};

/* Returns an empty batch for at most `max` steps. */
struct redis_batch redis_batch(struct redis_conn *conn, struct arena *a,
			       size_t max);

/* Expands to the two arguments `args, nargs`. */
#define REDIS_ARGS(...)                                                        \
	(const struct str[]){ __VA_ARGS__ },                                   \
	    sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str)

/* Returns the index of the step and of its reply. Copies args[], but not their
 * bytes, which must stay valid until the run. */
size_t redis_add(struct redis_batch *b, const char *command, struct str key,
		 const struct str *args, size_t nargs);
size_t redis_add_script(struct redis_batch *b, size_t script, struct str key,
			const struct str *args, size_t nargs);
/* The first nkeys of args are keys too, of the same slot as `key`. */
size_t redis_add_script_keys(struct redis_batch *b, size_t script,
			     struct str key, size_t nkeys,
			     const struct str *args, size_t nargs);

/* Runs the steps. The batch is empty then and can be used again. */
int redis_batch_run(struct redis_batch *b, struct err *err) MUST_USE;

/*
 * These read a reply, which must have their type, else they fail with
 * redis_damaged(). The bytes stay valid until the next run of any batch on the
 * connection.
 */
int redis_get_text(const struct redis_batch *b, size_t i, struct str *out,
		   struct err *err) MUST_USE; /* p is NULL if it is nil */
int redis_get_number(const struct redis_batch *b, size_t i, int64_t *out,
		     struct err *err) MUST_USE;
/* Reads an array of texts, and copies them. */
int redis_get_texts(const struct redis_batch *b, size_t i,
		    const struct str **out, size_t *n,
		    struct err *err) MUST_USE;
bool redis_is_array(const struct redis_batch *b, size_t i);

/* Fails with ERR_BUSY, because a record is damaged and the connection works. */
int redis_damaged(const char *what, struct err *err);

/* These return texts in the arena, for steps. */
struct str redis_join(struct redis_batch *b, const struct str *parts, size_t n);
struct str redis_number(struct redis_batch *b, int64_t n);
/* Returns the prefix, `kind` and `name`: "n:", "alice". */
struct str redis_key(struct redis_batch *b, const char *kind, struct str name);

/* Returns an arena besides that of the call, for pages that are read one after
 * the other, or for work that must not run out of memory halfway. Returns NULL
 * like arena_new(). */
struct arena *redis_scratch(void) MUST_USE;

#endif
