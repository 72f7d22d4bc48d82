/* SPDX-License-Identifier: MIT */
/* User agents that sessions share. */
#include "backends/memory/agents.h"

#include <stdlib.h>
#include <string.h>

void
memory_agents_destroy(struct memory_agents *t)
{
	for (size_t i = 0; i < MEMORY_AGENTS; i++)
		memory_agent_release(t->recent[i]);
}

/* Returns the place of a text, by the hash FNV-1a. */
static struct memory_agent **
agent_place(struct memory_agents *t, struct str text)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < text.n; i++) {
		hash ^= (unsigned char)text.p[i];
		hash *= 16777619U;
	}
	return &t->recent[(hash ^ hash >> 16) % MEMORY_AGENTS];
}

static struct memory_agent *
agent_new(struct str text)
{
	struct memory_agent *agent = malloc(sizeof(*agent) + text.n + 1);

	if (agent == NULL)
		return NULL;
	agent->holders = 1;
	if (text.n > 0)
		memcpy(agent->text, text.p, text.n);
	agent->text[text.n] = '\0';
	return agent;
}

struct memory_agent *
memory_agents_take(struct memory_agents *t, struct str text)
{
	struct memory_agent **place = agent_place(t, text);
	struct memory_agent *agent = *place;

	if (agent == NULL || !str_eq(str_from(agent->text), text)) {
		agent = agent_new(text);
		if (agent == NULL)
			return NULL;
		memory_agent_release(*place);
		*place = agent;
	}
	agent->holders++;
	return agent;
}

void
memory_agent_release(struct memory_agent *agent)
{
	if (agent != NULL && --agent->holders == 0)
		free(agent);
}
