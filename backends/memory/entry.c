/* SPDX-License-Identifier: MIT */
/* The entries of the memory store. */
#include "backends/memory/entry.h"

#include "backends/memory/agents.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NTEXTS 5

/* Lists the texts of an entry, always in the same order. */
static void
texts_of(struct session *s, struct str *texts[NTEXTS])
{
	texts[0] = &s->who.name;
	texts[1] = &s->who.roles;
	texts[2] = &s->who.email;
	texts[3] = &s->who.full_name;
	texts[4] = &s->address;
}

/* Returns the position after the copy. */
static char *
entry_put(char *to, const void *from, size_t n)
{
	if (n > 0)
		memcpy(to, from, n);
	return to + n;
}

struct memory_entry *
memory_entry_new(const struct session *s, const struct memory_rotation *r,
		 struct memory_agent *agent)
{
	const bool has_rotation = s->generation != 0;
	const bool has_auth = s->auth_ms != s->created_ms;
	struct memory_rotation last = { .generation = s->generation };
	size_t size = offsetof(struct memory_entry, data);
	struct session copy = *s;
	struct str *texts[NTEXTS];
	struct memory_entry *e;
	char *to;

	if (r != NULL) {
		last = *r;
		last.generation = s->generation;
	}
	texts_of(&copy, texts);
	for (size_t i = 0; i < NTEXTS; i++)
		size += texts[i]->n + 1;
	size += has_auth ? sizeof(s->auth_ms) : 0;
	size += has_rotation ? sizeof(last) : 0;
	e = malloc(size > sizeof(*e) ? size : sizeof(*e));
	if (e == NULL)
		return NULL;
	*e = (struct memory_entry){
		.created_ms = s->created_ms,
		.last_seen_ms = s->last_seen_ms,
		.idle_expires_ms = s->idle_expires_ms,
		.expires_ms = s->expires_ms,
		.id = s->id,
		.token = s->token,
		.mark = s->mark,
		.agent = agent,
		.remember = s->remember,
		.has_auth = has_auth,
		.has_rotation = has_rotation,
	};
	to = e->data;
	for (size_t i = 0; i < NTEXTS; i++) {
		to = entry_put(to, texts[i]->p, texts[i]->n);
		*to++ = '\0';
	}
	if (has_auth)
		to = entry_put(to, &s->auth_ms, sizeof(s->auth_ms));
	if (has_rotation)
		(void)entry_put(to, &last, sizeof(last));
	return e;
}

bool
memory_entry_is_alive(const struct memory_entry *e, int64_t now_ms)
{
	return now_ms < e->idle_expires_ms && now_ms < e->expires_ms;
}

bool
memory_entry_is_of(const struct memory_entry *e, struct str user)
{
	return str_eq(str_from(e->data), user);
}

struct memory_rotation
memory_entry_rotation(const struct memory_entry *e)
{
	struct memory_rotation last = { .generation = 0 };
	const char *at = e->data;

	if (e->has_rotation) {
		for (size_t i = 0; i < NTEXTS; i++)
			at += strlen(at) + 1;
		at += e->has_auth ? sizeof(int64_t) : 0;
		memcpy(&last, at, sizeof(last));
	}
	return last;
}

struct session
memory_entry_session(const struct memory_entry *e)
{
	struct session s = {
		.id = e->id,
		.token = e->token,
		.created_ms = e->created_ms,
		.last_seen_ms = e->last_seen_ms,
		.idle_expires_ms = e->idle_expires_ms,
		.expires_ms = e->expires_ms,
		.auth_ms = e->created_ms,
		.remember = e->remember,
		.generation = memory_entry_rotation(e).generation,
		.mark = e->mark,
		.user_agent = str_from(e->agent->text),
	};
	struct str *texts[NTEXTS];
	const char *at = e->data;

	texts_of(&s, texts);
	for (size_t i = 0; i < NTEXTS; i++) {
		*texts[i] = str_from(at);
		at += texts[i]->n + 1;
	}
	if (e->has_auth)
		memcpy(&s.auth_ms, at, sizeof(s.auth_ms));
	return s;
}

int
memory_entry_get(const struct memory_entry *e, struct arena *a,
		 struct session *out, struct err *err)
{
	struct session copy = memory_entry_session(e);
	struct str *texts[NTEXTS];

	texts_of(&copy, texts);
	for (size_t i = 0; i < NTEXTS; i++)
		if (arena_copy(a, *texts[i], texts[i]) != 0)
			return err_nomem(err);
	if (arena_copy(a, copy.user_agent, &copy.user_agent) != 0)
		return err_nomem(err);
	*out = copy;
	return 0;
}
