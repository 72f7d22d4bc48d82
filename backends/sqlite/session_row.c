/* SPDX-License-Identifier: MIT */
/* Reads sessions from rows of the SQLite store. A column of a SQLite table may
 * hold a value of any type, whatever the schema says. */
#include "strategy/session_check.h"
#include "backends/sqlite/store_internal.h"

#define COLUMN_MARK 14
#define COLUMN_AUTH 15

/* Reads an integer. A value of another type marks the session as damaged:
 * another program has written it. */
static int64_t
get_int(sqlite3_stmt *stmt, int column, const char *name, struct session *s)
{
	if (sqlite3_column_type(stmt, column) == SQLITE_INTEGER)
		return sqlite3_column_int64(stmt, column);
	s->damage = name;
	return 0;
}

static void
sqlite_row_get_bytes(sqlite3_stmt *stmt, int column, void *out, size_t n,
		     const char *name, struct session *s)
{
	struct err ignored;

	if (sqlite3_column_type(stmt, column) != SQLITE_BLOB ||
	    sqlite_get_blob(stmt, column, out, n, &ignored) != 0)
		s->damage = name;
}

static void
sqlite_row_get_numbers(sqlite3_stmt *stmt, struct session *s)
{
	int64_t generation = get_int(stmt, 13, "generation", s);
	int64_t remember = get_int(stmt, 10, "remember", s);

	if (generation < 0 || generation > UINT32_MAX)
		s->damage = "generation";
	if (remember != 0 && remember != 1)
		s->damage = "remember";
	s->generation = (uint32_t)generation;
	s->remember = remember != 0;
	s->created_ms = get_int(stmt, 6, "created_ms", s);
	s->last_seen_ms = get_int(stmt, 7, "last_seen_ms", s);
	s->idle_expires_ms = get_int(stmt, 8, "idle_expires_ms", s);
	s->expires_ms = get_int(stmt, 9, "expires_ms", s);
	s->auth_ms = s->created_ms;
	if (sqlite3_column_type(stmt, COLUMN_AUTH) != SQLITE_NULL)
		s->auth_ms = get_int(stmt, COLUMN_AUTH, "auth_ms", s);
}

/* Copies the texts of the row, unless the session is damaged. */
static int
sqlite_row_get_texts(sqlite3_stmt *stmt, struct arena *a, struct session *s,
		     struct err *err)
{
	const struct {
		int column;
		struct str *to;
	} text[] = {
		{ 2, &s->who.name },  { 3, &s->who.roles },
		{ 4, &s->who.email }, { 5, &s->who.full_name },
		{ 11, &s->address },  { 12, &s->user_agent },
	};

	for (size_t i = 0; i < ARRAY_LEN(text) && s->damage == NULL; i++) {
		int column = text[i].column;

		if (sqlite3_column_type(stmt, column) != SQLITE_TEXT)
			s->damage = "type of a text";
		else if (sqlite3_column_bytes(stmt, column) > SESSION_TEXT_MAX)
			s->damage = "length of a text";
		else if (sqlite_get_text(stmt, column, a, text[i].to, err) != 0)
			return -1;
	}
	return 0;
}

int
sqlite_get_session(sqlite3_stmt *stmt, struct arena *a, struct session *out,
		   struct err *err)
{
	struct session s = { .damage = NULL };

	sqlite_row_get_bytes(stmt, 0, s.id.b, sizeof(s.id.b), "id", &s);
	sqlite_row_get_bytes(stmt, 1, s.token.b, sizeof(s.token.b), "token",
			     &s);
	sqlite_row_get_numbers(stmt, &s);
	if (sqlite3_column_type(stmt, COLUMN_MARK) != SQLITE_NULL)
		sqlite_row_get_bytes(stmt, COLUMN_MARK, s.mark.b,
				     sizeof(s.mark.b), "mark", &s);
	if (sqlite_row_get_texts(stmt, a, &s, err) != 0)
		return -1;
	session_check(&s);
	*out = s;
	return 0;
}
