/* SPDX-License-Identifier: MIT */
/* A session as the memory store keeps it: in one allocation, with its texts. */
#ifndef BACKENDS_MEMORY_ENTRY_H
#define BACKENDS_MEMORY_ENTRY_H

#include "strategy/session_store.h"

struct memory_agent;

/* What a session has if its generation is not 0. */
struct memory_rotation {
	uint32_t generation;
	/* The last rotation; the fields below are set if there was one. */
	bool rotated;
	struct token_hash parent;
	uint8_t wrapped[32];
	int64_t rotated_ms;
};

/* The texts have no NUL (store_create()). */
struct memory_entry {
	int64_t created_ms, last_seen_ms, idle_expires_ms, expires_ms;
	struct session_id id;
	struct token_hash token;
	struct password_mark mark;
	struct memory_agent *agent;
	uint32_t next; /* the next session in its chain (sessions.h) */
	bool remember : 1;
	bool has_auth : 1;
	bool has_rotation : 1;
	/* The user name and the other texts, each with a NUL at its end; then
	 * auth_ms if has_auth is set, because it differs from created_ms; then
	 * a memory_rotation if has_rotation is set. These are not aligned. */
	char data[];
};

/* Makes a deep copy of `s`, but for its user agent, which is `agent`. `r` is
 * the last rotation if its generation is not 0. NULL: out of memory. free()
 * it. */
struct memory_entry *memory_entry_new(const struct session *s,
				      const struct memory_rotation *r,
				      struct memory_agent *agent) MUST_USE;

bool memory_entry_is_alive(const struct memory_entry *e, int64_t now_ms);
bool memory_entry_is_of(const struct memory_entry *e, struct str user);

/* Returns what memory_entry_new() was given; all zero if the generation
 * is 0. */
struct memory_rotation memory_entry_rotation(const struct memory_entry *e);

/* Returns the session; its texts are those of the entry and the agent. */
struct session memory_entry_session(const struct memory_entry *e);

/* Makes a deep copy of the session in the arena. */
int memory_entry_get(const struct memory_entry *e, struct arena *a,
		     struct session *out, struct err *err) MUST_USE;

#endif
