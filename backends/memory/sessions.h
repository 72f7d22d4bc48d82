/* SPDX-License-Identifier: MIT */
/* The sessions of the memory store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_SESSIONS_H
#define BACKENDS_MEMORY_SESSIONS_H

#include "backends/memory/agents.h"
#include "backends/memory/entry.h"

/* All sessions, in no particular order, and a hash table by id, which names
 * them by their numbers 1 to n, so 0 is none. */
struct memory_sessions {
	struct memory_entry **all;
	uint32_t *heads; /* the first sessions of the chains */
	size_t n;
	size_t size; /* of both arrays, a power of 2 */
	struct memory_agents agents;
};

int memory_sessions_init(struct memory_sessions *t, struct err *err) MUST_USE;
void memory_sessions_destroy(struct memory_sessions *t);

/* Finds a session by its id; returns NULL if there is none. */
struct memory_entry *memory_sessions_id(const struct memory_sessions *t,
					const struct session_id *id);

/* Adds a deep copy of `s`; ERR_INTERNAL if there is one with the same id. */
int memory_sessions_add(struct memory_sessions *t, const struct session *s,
			struct err *err) MUST_USE;

/* Puts an entry with deep copies of `s`, which has the same id and user agent,
 * and of its last rotation in place of e. On an error nothing changes. */
int memory_sessions_replace(struct memory_sessions *t, struct memory_entry *e,
			    const struct session *s,
			    const struct memory_rotation *r,
			    struct err *err) MUST_USE;

/* Removes e. The last session moves to its place in `all`. */
void memory_sessions_remove(struct memory_sessions *t, struct memory_entry *e);

/* Implements the operation `rotate` (rotation.c). */
int memory_sessions_rotate(struct memory_sessions *t, const struct call *c,
			   const struct rotation *r, struct rotated *out,
			   struct err *err) MUST_USE;

/* Ends the oldest live sessions of a user until `keep` are left; `except` is
 * neither ended nor counted. Returns how many it has ended. */
int64_t memory_sessions_make_room(struct memory_sessions *t, struct str user,
				  int64_t keep, int64_t now_ms,
				  const struct session_id *except);

/* Implements the operation `list`. */
int memory_sessions_list(const struct memory_sessions *t, const struct call *c,
			 const struct session_query *q,
			 struct session_cursor *cursor,
			 struct session_list *out, struct err *err) MUST_USE;

/* Implements the operation `count_sessions` (live.c). */
int memory_sessions_count(const struct memory_sessions *t, int64_t now_ms,
			  struct session_counts *out, struct err *err) MUST_USE;

/* These implement the operations of the same names. */
int memory_sessions_update_user(struct memory_sessions *t,
				const struct identity *who,
				struct err *err) MUST_USE;
void memory_sessions_remark(const struct memory_sessions *t,
			    const struct remark *r);

#endif
