/* SPDX-License-Identifier: MIT */
/* Reads sessions from rows of the Postgres store. */
#include "backends/postgres/store_internal.h"

#include <assert.h>
#include <string.h>

#include "strategy/session_check.h"

#define COLUMN_MARK 14
#define COLUMN_AUTH 15

/* Marks a session as damaged if a column could not be read. The tables have
 * types and checks, but their owner can change them. */
static void
postgres_row_note(int result, const char *name, struct session *s)
{
	if (result != 0)
		s->damage = name;
}

static void
postgres_row_get_numbers(const PGresult *r, int row, struct session *s)
{
	int64_t remember = 0, generation = 0;
	const struct {
		int column;
		const char *name;
		int64_t *to;
	} numbers[] = {
		{ 6, "created_ms", &s->created_ms },
		{ 7, "last_seen_ms", &s->last_seen_ms },
		{ 8, "idle_expires_ms", &s->idle_expires_ms },
		{ 9, "expires_ms", &s->expires_ms },
		{ 10, "remember", &remember },
		{ 13, "generation", &generation },
	};
	struct err ignored; /* the name says enough */

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		postgres_row_note(postgres_get_int(r, row, numbers[i].column,
						   numbers[i].to, &ignored),
				  numbers[i].name, s);
	if (generation < 0 || generation > UINT32_MAX)
		s->damage = "generation";
	s->auth_ms = s->created_ms;
	if (PQgetisnull(r, row, COLUMN_AUTH) == 0)
		postgres_row_note(postgres_get_int(r, row, COLUMN_AUTH,
						   &s->auth_ms, &ignored),
				  "auth_ms", s);
	s->remember = remember != 0;
	s->generation = (uint32_t)generation;
}

void
postgres_get_session(const PGresult *r, int row, struct session *out)
{
	struct session s = { .damage = NULL };
	const struct {
		int column;
		const char *name;
		struct str *to;
	} text[] = {
		{ 2, "name", &s.who.name },
		{ 3, "roles", &s.who.roles },
		{ 4, "email", &s.who.email },
		{ 5, "full_name", &s.who.full_name },
		{ 11, "address", &s.address },
		{ 12, "user_agent", &s.user_agent },
	};
	struct err ignored;

	postgres_row_note(postgres_get_bytes(r, row, 0, s.id.b, sizeof(s.id.b),
					     &ignored),
			  "id", &s);
	postgres_row_note(postgres_get_bytes(r, row, 1, s.token.b,
					     sizeof(s.token.b), &ignored),
			  "token", &s);
	if (PQgetisnull(r, row, COLUMN_MARK) == 0)
		postgres_row_note(postgres_get_bytes(r, row, COLUMN_MARK,
						     s.mark.b, sizeof(s.mark.b),
						     &ignored),
				  "mark", &s);
	postgres_row_get_numbers(r, row, &s);
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		postgres_row_note(postgres_get_text(r, row, text[i].column,
						    NULL, text[i].to, &ignored),
				  text[i].name, &s);
	session_check(&s);
	*out = s;
}

int
postgres_keep_texts(struct session *s, char *room, struct arena *a,
		    struct err *err)
{
	struct str *const texts[] = { &s->who.name,  &s->who.roles,
				      &s->who.email, &s->who.full_name,
				      &s->address,   &s->user_agent };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		n += texts[i]->n;
	if (room == NULL)
		room = arena_alloc(a, n);
	else
		assert(n <= POSTGRES_TEXTS_MAX);
	if (room == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memcpy(room, texts[i]->p, texts[i]->n);
		texts[i]->p = room;
		room += texts[i]->n;
	}
	return 0;
}
