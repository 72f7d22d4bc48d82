/* SPDX-License-Identifier: MIT */
/* The sessions of the memory store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_SESSIONS_H
#define BACKENDS_MEMORY_SESSIONS_H

#include "strategy/session_store.h"

/* One session; all of them are in one list, the last one added first. */
struct memory_entry {
	struct session s; /* its texts are in `text` */
	char *text;
	struct memory_entry *next, *prev;
	struct memory_entry *by_id; /* next in the bucket */
	/* The last rotation; the fields below are set if there was one. */
	bool rotated;
	struct token_hash parent;
	uint8_t wrapped[32];
	int64_t rotated_ms;
};

struct memory_sessions {
	struct memory_entry *first;
	struct memory_entry **by_id;
	size_t nbuckets, n;
};

int memory_sessions_init(struct memory_sessions *t, struct err *err) MUST_USE;
void memory_sessions_destroy(struct memory_sessions *t);

/* Finds a session by its id; returns NULL if there is none. */
struct memory_entry *memory_sessions_id(const struct memory_sessions *t,
					const struct session_id *id);

/* Adds a deep copy of `s`; ERR_INTERNAL if there is one with the same id. */
int memory_sessions_add(struct memory_sessions *t, const struct session *s,
			struct err *err) MUST_USE;
void memory_sessions_remove(struct memory_sessions *t, struct memory_entry *e);

/* Implements the operation `rotate` (rotation.c). */
int memory_sessions_rotate(struct memory_sessions *t, const struct call *c,
			   const struct rotation *r, struct rotated *out,
			   struct err *err) MUST_USE;

/* Ends the oldest live sessions of a user until `keep` are left; `except` is
 * neither ended nor counted. Returns how many it has ended. */
int64_t memory_sessions_make_room(struct memory_sessions *t, struct str user,
				  int64_t keep, int64_t now,
				  const struct memory_entry *except);

/* Implements the operation `list`. */
int memory_sessions_list(const struct memory_sessions *t, const struct call *c,
			 const struct session_query *q,
			 struct session_cursor *cursor,
			 struct session_list *out, struct err *err) MUST_USE;

/* These implement the operations of the same names. */
int memory_sessions_update_user(const struct memory_sessions *t,
				const struct identity *who,
				struct err *err) MUST_USE;
void memory_sessions_remark(const struct memory_sessions *t,
			    const struct remark *r);

bool memory_is_alive(const struct session *s, int64_t now);

/* Makes a deep copy of the session in the arena. */
int memory_entry_get(const struct memory_entry *e, struct arena *a,
		     struct session *out, struct err *err) MUST_USE;

#endif
