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
	struct memory_agent **place =
	    &t->recent[str_hash(text) % MEMORY_AGENTS];
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
