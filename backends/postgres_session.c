/* SPDX-License-Identifier: MIT */
/* Sessions out of rows of the Postgres store. */
#include "backends/postgres_store.h"

#ifdef HAVE_POSTGRES

#include <string.h>

#define COLUMN_MARK 14

static int
get_numbers(const PGresult *r, int row, struct session *s, struct err *err)
{
	int64_t remember = 0, generation = 0;
	const struct {
		int column;
		int64_t *to;
	} numbers[] = {
		{ 6, &s->created_ms },	    { 7, &s->last_seen_ms },
		{ 8, &s->idle_expires_ms }, { 9, &s->expires_ms },
		{ 10, &remember },	    { 13, &generation },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (postgres_get_int(r, row, numbers[i].column, numbers[i].to,
				     err) != 0)
			return -1;
	if (generation < 0 || generation > UINT32_MAX)
		return err_set(err, ERR_BUSY,
			       "damaged row: no such generation");
	s->remember = remember != 0;
	s->generation = (uint32_t)generation;
	return 0;
}

/* NULL: it is not known. */
static int
get_mark(const PGresult *r, int row, struct password_mark *out,
	 struct err *err)
{
	struct password_mark mark = { .b = { 0 } };

	if (PQgetisnull(r, row, COLUMN_MARK) == 0 &&
	    postgres_get_bytes(r, row, COLUMN_MARK, mark.b, sizeof(mark.b),
			       err) != 0)
		return -1;
	*out = mark;
	return 0;
}

int
postgres_get_session(const PGresult *r, int row, struct session *out,
		     struct err *err)
{
	struct session s = { .remember = false };
	const struct {
		int column;
		struct str *to;
	} text[] = {
		{ 2, &s.who.name },  { 3, &s.who.roles },
		{ 4, &s.who.email }, { 5, &s.who.full_name },
		{ 11, &s.address },  { 12, &s.user_agent },
	};

	if (postgres_get_bytes(r, row, 0, s.id.b, sizeof(s.id.b), err) != 0 ||
	    postgres_get_bytes(r, row, 1, s.token.b, sizeof(s.token.b), err) !=
		0 ||
	    get_numbers(r, row, &s, err) != 0 ||
	    get_mark(r, row, &s.mark, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		if (postgres_get_text(r, row, text[i].column, NULL, text[i].to,
				      err) != 0)
			return -1;
	*out = s;
	return 0;
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
	else if (n > POSTGRES_TEXTS_MAX)
		return err_set(err, ERR_BUSY, "damaged row: too long");
	if (room == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memcpy(room, texts[i]->p, texts[i]->n);
		texts[i]->p = room;
		room += texts[i]->n;
	}
	return 0;
}

#endif
