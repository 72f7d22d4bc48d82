/* SPDX-License-Identifier: MIT */
/* Users in a SQLite file. */
#include "strategy/user_source.h"
#include "backends/sqlite/file.h"

#define COLUMNS                                                                \
	"name, hash, roles, email, full_name, disabled, created, changed"

enum {
	PROBE = SQL_OWN,
	FIND,
	FIND_TYPED,
	SET_HASH,
	LIST,
	ADD,
	SET,
	EXISTS,
	REMOVE,
	NSTATEMENTS
};

static const char *const statements[NSTATEMENTS] = {
	[PROBE] = "SELECT 1 FROM main.users LIMIT 1",
	[FIND] = "SELECT " COLUMNS " FROM main.users WHERE name = ?1",
	/* The three parts are in three indexes. ?2 and ?3: USERS_FOLDS,
	 * USERS_EMAILS. */
	[FIND_TYPED] =
	    "SELECT " COLUMNS " FROM main.users WHERE name = ?1"
	    " UNION ALL SELECT * FROM (SELECT " COLUMNS " FROM main.users"
	    " WHERE ?2 <> 0 AND name = ?1 COLLATE NOCASE AND name <> ?1"
	    " LIMIT 2)"
	    " UNION ALL SELECT * FROM (SELECT " COLUMNS " FROM main.users"
	    " WHERE ?3 <> 0 AND email = ?1 COLLATE NOCASE AND email <> ''"
	    " LIMIT 2)",
	[SET_HASH] = "UPDATE main.users SET hash = ?3, changed = ?4"
		     " WHERE name = ?1 AND hash = ?2",
	[LIST] = "SELECT " COLUMNS " FROM main.users WHERE name > ?1"
		 " ORDER BY name LIMIT ?2",
	[ADD] = "INSERT INTO main.users (" COLUMNS ")"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
		" ON CONFLICT (name) DO NOTHING",
	[SET] =
	    "UPDATE main.users SET hash = ?2, roles = ?3, email = ?4,"
	    " full_name = ?5, disabled = ?6, changed = ?7"
	    " WHERE name = ?1 AND hash = ?8 AND roles = ?9"
	    " AND email = ?10 AND full_name = ?11 AND (disabled <> 0) = ?12",
	[EXISTS] = "SELECT 1 FROM main.users WHERE name = ?1",
	[REMOVE] = "DELETE FROM main.users WHERE name = ?1",
};

static const char *const steps[] = {
#include "backends/sqlite/users_schema.inc"
};

static const struct sqlite_spec spec = {
	.component = "users",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	.sql = statements,
	.nsql = ARRAY_LEN(statements),
	.probe = PROBE,
};

struct users_sqlite_conf {
	struct sqlite_conf file;
	struct users_forms forms;
};

static int
users_sqlite_open(const void *conf, const struct env *env, void **source,
		  struct err *err)
{
	const struct users_sqlite_conf *set = conf;
	void *file;

	if (sqlite_file_open(&spec, &set->file, env, &file, err) != 0)
		return -1;
	((struct sqlite_file *)file)->caps = users_forms_caps(&set->forms);
	*source = file;
	return 0;
}

#define CAPS                                                                   \
	(BACKEND_PERSISTENT | BACKEND_SHARED | BACKEND_EMBEDDED |              \
	 USERS_REHASH | USERS_WRITES | USERS_LISTS)

static unsigned
users_sqlite_caps(const void *source)
{
	const struct sqlite_file *file = source;

	return CAPS | file->caps;
}

static int
sqlite_users_get_user(sqlite3_stmt *stmt, struct arena *a, struct user *out,
		      struct err *err)
{
	struct user u = {
		.disabled = sqlite3_column_int(stmt, 5) != 0,
		.created = sqlite3_column_int64(stmt, 6),
		.changed = sqlite3_column_int64(stmt, 7),
	};
	struct str *const text[] = { &u.who.name, &u.hash, &u.who.roles,
				     &u.who.email, &u.who.full_name };

	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		if (sqlite_get_text(stmt, (int)i, a, text[i], err) != 0)
			return -1;
	*out = u;
	return 0;
}

static int
users_sqlite_find(void *conn, const struct call *c, struct str name,
		  struct user_answer *out, struct err *err)
{
	struct user_answer is = { .found = false };
	sqlite3_stmt *stmt = NULL;
	int result = 0;

	if (sqlite_query(conn, FIND, SQL_ARGS(SQL_TEXT(name)), &stmt, err) !=
		0 ||
	    sqlite_next(conn, stmt, &is.found, err) != 0)
		return -1;
	if (is.found) {
		result = sqlite_users_get_user(stmt, c->arena, &is.user, err);
		sqlite_finish(stmt);
	}
	if (result == 0)
		*out = is;
	return result;
}

static int
users_sqlite_set_hash(void *conn, const struct call *c,
		      const struct hash_change *h, bool *changed,
		      struct err *err)
{
	int64_t n;

	if (sqlite_change(conn, SET_HASH,
			  SQL_ARGS(SQL_TEXT(h->name), SQL_TEXT(h->old),
				   SQL_TEXT(h->hash),
				   SQL_INT(c->now_ms / 1000)),
			  &n, err) != 0)
		return -1;
	*changed = n > 0;
	return 0;
}

static int
sqlite_users_get_list(struct sqlite_conn *conn, sqlite3_stmt *stmt,
		      struct arena *a, size_t limit, struct user_list *out,
		      struct err *err)
{
	struct user_list list = { .v = arena_array(a, limit, sizeof(*list.v)) };
	bool row;

	if (list.v == NULL) {
		sqlite_finish(stmt);
		return err_nomem(err);
	}
	for (;;) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		if (sqlite_users_get_user(stmt, a, &list.v[list.n], err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		list.n++;
	}
	*out = list;
	return 0;
}

static int
users_sqlite_list(void *conn, const struct call *c, struct str after,
		  size_t limit, struct user_list *out, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite_query(conn, LIST,
			 SQL_ARGS(SQL_TEXT(after), SQL_INT((int64_t)limit)),
			 &stmt, err) != 0)
		return -1;
	return sqlite_users_get_list(conn, stmt, c->arena, limit, out, err);
}

#define TYPED_MAX 5 /* what FIND_TYPED returns */

static int
users_sqlite_find_typed(void *conn, const struct call *c, struct str text,
			struct user_list *out, struct err *err)
{
	const unsigned caps = sqlite_place_of(conn)->file->caps;
	sqlite3_stmt *stmt = NULL;

	if (sqlite_query(conn, FIND_TYPED,
			 SQL_ARGS(SQL_TEXT(text), SQL_INT(caps & USERS_FOLDS),
				  SQL_INT(caps & USERS_EMAILS)),
			 &stmt, err) != 0)
		return -1;
	return sqlite_users_get_list(conn, stmt, c->arena, TYPED_MAX, out, err);
}

static int
users_sqlite_add(void *conn, const struct call *c, const struct user *user,
		 enum user_change *answer, struct err *err)
{
	const struct identity *who = &user->who;
	int64_t n;

	if (sqlite_change(conn, ADD,
			  SQL_ARGS(SQL_TEXT(who->name), SQL_TEXT(user->hash),
				   SQL_TEXT(who->roles), SQL_TEXT(who->email),
				   SQL_TEXT(who->full_name),
				   SQL_INT(user->disabled),
				   SQL_INT(c->now_ms / 1000)),
			  &n, err) != 0)
		return -1;
	*answer = n > 0 ? USER_CHANGED : USER_EXISTS;
	return 0;
}

static int
sqlite_users_is_there(struct sqlite_conn *conn, struct str name, bool *there,
		      struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(conn, EXISTS, SQL_ARGS(SQL_TEXT(name)), &stmt, err) !=
		0 ||
	    sqlite_next(conn, stmt, &row, err) != 0)
		return -1;
	if (row)
		sqlite_finish(stmt);
	*there = row;
	return 0;
}

static int
users_sqlite_set(void *conn, const struct call *c, const struct user *old,
		 const struct user *user, enum user_change *answer,
		 struct err *err)
{
	const struct identity *was = &old->who, *who = &user->who;
	bool there = true;
	int64_t n;

	if (sqlite_change(
		conn, SET,
		SQL_ARGS(SQL_TEXT(who->name), SQL_TEXT(user->hash),
			 SQL_TEXT(who->roles), SQL_TEXT(who->email),
			 SQL_TEXT(who->full_name), SQL_INT(user->disabled),
			 SQL_INT(c->now_ms / 1000), SQL_TEXT(old->hash),
			 SQL_TEXT(was->roles), SQL_TEXT(was->email),
			 SQL_TEXT(was->full_name), SQL_INT(old->disabled)),
		&n, err) != 0)
		return -1;
	/* This tells whether the user is missing or was changed; it may be
	 * asked afterwards, because nothing was written. */
	if (n == 0 && sqlite_users_is_there(conn, who->name, &there, err) != 0)
		return -1;
	if (n > 0)
		*answer = USER_CHANGED;
	else
		*answer = there ? USER_STALE : USER_MISSING;
	return 0;
}

static int
users_sqlite_remove(void *conn, const struct call *c, struct str name,
		    enum user_change *answer, struct err *err)
{
	int64_t n;

	(void)c;
	if (sqlite_change(conn, REMOVE, SQL_ARGS(SQL_TEXT(name)), &n, err) != 0)
		return -1;
	*answer = n > 0 ? USER_CHANGED : USER_MISSING;
	return 0;
}

static const struct option options[] = {
	OPTION_AS("path", PATH, struct users_sqlite_conf, file.path,
		  .def = SQLITE_DEFAULT_PATH, .flags = OPTION_REQUIRED,
		  .help =
		      "The database file, on a local file system. If it is"
		      " missing, it is created with mode 0600. It may be the"
		      " file of the store. Every change is on the disk before"
		      " it is acknowledged."),
	USERS_OPTION_CASE(
	    struct users_sqlite_conf,
	    "With fold, a person may type their name in any case at a sign-in: "
	    "Alice for alice. If the names of several users differ in case "
	    "only, each of them must type the exact one. For letters other "
	    "than a to z, case always matters. Sessions, rules, logs and "
	    "headers have the name as it is stored, and failed sign-ins count "
	    "under this name. fcgiauthctl user add then refuses a name that "
	    "differs from another one in case only."),
	USERS_OPTION_EMAIL(
	    struct users_sqlite_conf,
	    "With yes, a person may type their e-mail address instead of their "
	    "name at a sign-in, in any case. If several users have the "
	    "address, none of them can sign in with it; fcgiauthctl user "
	    "refuses an address that another user has. As with case, "
	    "sessions, rules, logs and headers have the name as it is stored. "
	    "A name and an address of one user share one counter of failed "
	    "sign-ins, so an attacker who guesses can learn that the two "
	    "belong together."),
	OPTION_END
};

const struct user_source_ops users_sqlite = {
	.base = {
		.driver = {
			.name = "sqlite",
			.summary = "users in a SQLite file",
			.caps = CAPS | USERS_FOLDS | USERS_EMAILS,
			.options = options,
			.conf_size = sizeof(struct users_sqlite_conf),
		},
		.open = users_sqlite_open,
		.caps = users_sqlite_caps,
		SQLITE_LIFE,
	},
	.find = users_sqlite_find,
	.find_typed = users_sqlite_find_typed,
	.set_hash = users_sqlite_set_hash,
	.list = users_sqlite_list,
	.add = users_sqlite_add,
	.set = users_sqlite_set,
	.remove = users_sqlite_remove,
};
