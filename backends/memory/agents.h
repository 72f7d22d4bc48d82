/* SPDX-License-Identifier: MIT */
/* User agents, which are long, and the same in many sessions. */
#ifndef BACKENDS_MEMORY_AGENTS_H
#define BACKENDS_MEMORY_AGENTS_H

#include "base/str.h"

#define MEMORY_AGENTS 256

/* A text that several sessions may have. */
struct memory_agent {
	uint32_t holders;
	char text[]; /* with a NUL at its end */
};

/* The ones that were taken last, by the hash of the text. One that makes room
 * for another stays with its holders. */
struct memory_agents {
	struct memory_agent *recent[MEMORY_AGENTS]; /* or NULL */
};

void memory_agents_destroy(struct memory_agents *t);

/* Returns the agent with this text, which has no NUL, for one more holder.
 * NULL: out of memory. */
struct memory_agent *memory_agents_take(struct memory_agents *t,
					struct str text) MUST_USE;
void memory_agent_release(struct memory_agent *agent); /* NULL is allowed */

#endif
