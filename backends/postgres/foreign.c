/* SPDX-License-Identifier: MIT */
/* Users by statements of the administrator. */
#include "backends/postgres/foreign.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"

#define QUOTED_MAX 80 /* bytes of a value in a message */

enum column { NAME, PASSWORD_HASH, EMAIL, FULL_NAME, ROLES, DISABLED, COLUMNS };

static const struct {
	const char *name;
	bool needed;
} columns[COLUMNS] = {
	[NAME] = { "name", true },
	[PASSWORD_HASH] = { "password_hash", true },
	[EMAIL] = { "email", false },
	[FULL_NAME] = { "full_name", false },
	[ROLES] = { "roles", false },
	[DISABLED] = { "disabled", false },
};

/* The index of each column in the result; -1: it has none. */
struct places {
	int at[COLUMNS];
};

static int
place_column(struct places *p, const char *name, int at, struct err *err)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		if (strcmp(name, columns[i].name) != 0)
			continue;
		if (p->at[i] >= 0)
			return err_set(err, ERR_CONFIG,
				       "query: column %s is there twice", name);
		p->at[i] = at;
		return 0;
	}
	/* A misspelt `disabled` must not enable a disabled user. */
	return err_set(err, ERR_CONFIG,
		       "query: unknown column %.40s: must be name, "
		       "password_hash, email, full_name, roles or disabled",
		       name);
}

static int
find_places(const PGresult *r, struct places *out, struct err *err)
{
	struct places p;

	for (size_t i = 0; i < COLUMNS; i++)
		p.at[i] = -1;
	for (int i = 0; i < PQnfields(r); i++) {
		if (place_column(&p, PQfname(r, i), i, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		if (columns[i].needed && p.at[i] < 0)
			return err_set(err, ERR_CONFIG,
				       "query: there is no column %s",
				       columns[i].name);
	}
	*out = p;
	return 0;
}

static int
run_query(struct postgres_conn *pg, const char *query, const char *name,
	  PGresult **out, struct places *places, struct err *err)
{
	PGresult *r;

	if (postgres_text(pg, query, &name, 1, &r, err) != 0)
		return err_context(err, "query");
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		PQclear(r);
		return err_set(err, ERR_CONFIG,
			       "query: the statement returns no rows");
	}
	if (find_places(r, places, err) != 0) {
		PQclear(r);
		return -1;
	}
	*out = r;
	return 0;
}

int
foreign_ping(struct postgres_conn *pg, const char *query, struct err *err)
{
	struct places places;
	PGresult *r;

	/* No user has an empty name; this only checks that the query works. */
	if (run_query(pg, query, "", &r, &places, err) != 0)
		return -1;
	PQclear(r);
	return 0;
}

/* A name that no query contains. */
#define PROBE "Fcgiauth.Name-As-Typed"

/* Returns whether the plan (EXPLAIN, JSON) has this text in a column. */
static bool
plan_gives(const char *plan, int column, const char *what)
{
	json_t *json = json_loads(plan, 0, NULL);
	const char *text = json_string_value(json_array_get(
	    json_object_get(json_object_get(json_array_get(json, 0), "Plan"),
			    "Output"),
	    (size_t)column));
	bool gives = text != NULL && strstr(text, what) != NULL;

	json_decref(json); /* NULL is allowed */
	return gives;
}

/* Refuses a query whose name is $1 as typed instead of that of the table: if
 * its condition ignores case, one user would have many names. A query that
 * cannot be explained is accepted, because it has been run. */
static int
check_name(struct postgres_conn *pg, const char *query, int column,
	   struct err *err)
{
	static const char *const probe = PROBE;
	struct arena *a = arena_new((size_t)64 * 1024);
	struct err ignored;
	struct buf sql;
	bool typed = false;
	PGresult *r;

	if (a == NULL)
		return err_nomem(err);
	buf_init(&sql, a, (size_t)32 * 1024);
	buf_printf(&sql, "EXPLAIN (VERBOSE, FORMAT JSON) %s", query);
	buf_add_char(&sql, '\0');
	if (!buf_failed(&sql) &&
	    postgres_text(pg, sql.p, &probe, 1, &r, &ignored) == 0) {
		typed = PQntuples(r) == 1 &&
			plan_gives(PQgetvalue(r, 0, 0), column, "'" PROBE "'");
		PQclear(r);
	}
	arena_free(a);
	if (typed)
		return err_set(err, ERR_CONFIG,
			       "query: the column name is $1 as it was typed: "
			       "select the name that the table has");
	return 0;
}

static int
check_columns(struct postgres_conn *pg, const char *query, struct err *err)
{
	struct places places;
	PGresult *r;

	if (run_query(pg, query, "", &r, &places, err) != 0)
		return -1;
	PQclear(r);
	return check_name(pg, query, places.at[NAME], err);
}

static int
check_params(struct postgres_conn *pg, const char *key, const char *sql,
	     int need, const char *what, struct err *err)
{
	int n;

	if (postgres_count_params(pg, sql, &n, err) != 0)
		return err_context(err, "%s", key);
	if (n != need)
		return err_set(err, ERR_CONFIG,
			       "%s: has %d parameters, "
			       "but must have %s",
			       key, n, what);
	return 0;
}

int
foreign_check(struct postgres_conn *pg, const char *query,
	      const char *update_hash, struct err *err)
{
	int rc = check_params(pg, "query", query, 1, "$1, the name", err);

	if (rc == 0)
		rc = check_columns(pg, query, err);
	if (rc == 0 && update_hash != NULL)
		rc = check_params(pg, "update_hash", update_hash, 3,
				  "$1 the name, $2 the new hash, $3 the old "
				  "one",
				  err);
	/* The server refused a statement of the configuration. */
	if (rc != 0 && err->code == ERR_INTERNAL)
		err->code = ERR_CONFIG;
	return rc;
}

/* Returns a field; empty for NULL and for a missing column. */
static struct str
field(const PGresult *r, const struct places *p, enum column which)
{
	int at = p->at[which];
	struct str s;

	if (at < 0 || PQgetisnull(r, 0, at) != 0)
		return STR("");
	s = (struct str){ .p = PQgetvalue(r, 0, at),
			  .n = (size_t)PQgetlength(r, 0, at) };
	/* The trailing blanks of char(n) are padding. */
	while (PQftype(r, at) == TYPE_BPCHAR && str_ends(s, STR(" ")))
		s.n--;
	return s;
}

/* Reads a boolean; returns false if the text is not one, for example empty. */
static bool
read_flag(struct str text, bool *out)
{
	static const struct {
		struct str text;
		bool value;
	} words[] = {
		{ { "f", 1 }, false },	   { { "0", 1 }, false },
		{ { "false", 5 }, false }, { { "no", 2 }, false },
		{ { "off", 3 }, false },   { { "n", 1 }, false },
		{ { "t", 1 }, true },	   { { "1", 1 }, true },
		{ { "true", 4 }, true },   { { "yes", 3 }, true },
		{ { "on", 2 }, true },	   { { "y", 1 }, true },
	};

	text = str_trim(text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq_nocase(text, words[i].text)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

/* Reads the next word; commas or white space separate words. */
static bool
next_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(", \t\r\n", rest->p[0]) != NULL)
		*rest = str_skip(*rest, 1);
	while (n < rest->n && strchr(", \t\r\n", rest->p[n]) == NULL)
		n++;
	*word = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n);
	return n > 0;
}

/* Removes the braces of an array of text, {a,b}. A quoted element is not a
 * valid role, except the word "NULL"; without quotes it is the value NULL. */
static struct str
foreign_unwrap(struct str text, bool *array)
{
	*array = text.n >= 2 && text.p[0] == '{' && text.p[text.n - 1] == '}';
	if (*array)
		text = (struct str){ .p = text.p + 1, .n = text.n - 2 };
	return text;
}

/* Sets *why, which quotes an invalid role. */
static int
refuse_role(struct arena *a, struct str role, const char **why, struct err *err)
{
	struct buf b;

	buf_init(&b, a, 2 * QUOTED_MAX);
	buf_add(&b, STR("'"));
	buf_add(&b, str_clip(role, QUOTED_MAX));
	buf_add(&b, STR("' in roles is not a valid role"));
	*why = arena_cstr(a, buf_str(&b));
	return buf_failed(&b) || *why == NULL ? err_nomem(err) : 0;
}

static int
foreign_add_role(struct arena *a, struct buf *roles, struct str role,
		 const char **why, struct err *err)
{
	const struct identity so_far = { .roles = buf_str(roles) };

	if (!identity_role_is_valid(role))
		return refuse_role(a, role, why, err);
	if (identity_has_role(&so_far, role))
		return 0;
	if (roles->n + 1 + role.n > IDENTITY_ROLES_MAX) {
		*why = "roles has more than 1024 bytes";
		return 0;
	}
	if (roles->n > 0)
		buf_add_char(roles, ',');
	buf_add(roles, role);
	return buf_failed(roles) ? err_nomem(err) : 0;
}

static int
read_roles(struct str text, struct arena *a, struct str *out, const char **why,
	   struct err *err)
{
	bool array;
	struct str rest = foreign_unwrap(str_trim(text), &array), role;
	struct buf roles;

	buf_init(&roles, a, IDENTITY_ROLES_MAX);
	while (*why == NULL && next_word(&rest, &role)) {
		if (array && str_eq(role, STR("NULL")))
			continue;
		if (array && str_eq(role, STR("\"NULL\"")))
			role = STR("NULL");
		if (foreign_add_role(a, &roles, role, why, err) != 0)
			return -1;
	}
	*out = buf_str(&roles);
	return 0;
}

/* Reads the column disabled. NULL refuses the user: a join without a match
 * gives it, as does NOT of NULL. Without the column no user is disabled. */
static void
read_disabled(const PGresult *r, const struct places *p, bool *disabled,
	      const char **why)
{
	const int at = p->at[DISABLED];

	if (at < 0)
		*disabled = false;
	else if (PQgetisnull(r, 0, at) != 0)
		*why = "disabled is NULL";
	else if (!read_flag(field(r, p, DISABLED), disabled))
		*why = "disabled is neither true nor false";
}

/* Reads a user; *why is set if they must not sign in. */
static int
foreign_read_user(const PGresult *r, const struct places *p, struct arena *a,
		  struct user *out, const char **why, struct err *err)
{
	struct user u = { .disabled = true };

	read_disabled(r, p, &u.disabled, why);
	if (!identity_text_is_valid(field(r, p, EMAIL)))
		*why = "email is too long or has control characters";
	if (!identity_text_is_valid(field(r, p, FULL_NAME)))
		*why = "full_name is too long or has control characters";
	if (read_roles(field(r, p, ROLES), a, &u.who.roles, why, err) != 0)
		return -1;
	if (arena_copy(a, field(r, p, NAME), &u.who.name) != 0 ||
	    arena_copy(a, field(r, p, PASSWORD_HASH), &u.hash) != 0)
		return err_nomem(err);
	/* The texts of a refused user may be of any size. */
	if (*why == NULL &&
	    (arena_copy(a, field(r, p, EMAIL), &u.who.email) != 0 ||
	     arena_copy(a, field(r, p, FULL_NAME), &u.who.full_name) != 0))
		return err_nomem(err);
	*out = u;
	return 0;
}

static void
warn(struct foreign_log *log, const char *event, struct log_field one,
     struct log_field other)
{
	int64_t left_out;

	if (log_limit_take(&log->limit, env_mono_ms(log->env), 1, &left_out))
		LOG(log->env->log, LOG_WARNING, event, one, other,
		    F_INT(left_out > 0 ? "left_out" : NULL, left_out));
}

static int
answer_found(const PGresult *r, const struct places *p, struct foreign_log *log,
	     struct arena *a, struct user *out, struct err *err)
{
	const char *why = NULL;
	struct user u;

	if (foreign_read_user(r, p, a, &u, &why, err) != 0)
		return -1;
	if (why != NULL) {
		warn(log, "user_refused", F_STR("user", u.who.name),
		     F_CSTR("why", why));
		u.who = (struct identity){ .name = u.who.name };
		u.disabled = true;
		u.refused = str_from(why);
	}
	*out = u;
	return 0;
}

/* Checks that the query has returned exactly the name: sessions, bans and rules
 * depend on it, and a column that ignores case would give a user several. */
static bool
is_same_name(const PGresult *r, const struct places *p, struct foreign_log *log,
	     struct str name)
{
	struct str given = field(r, p, NAME);

	if (str_eq(given, name))
		return true;
	warn(log, "user_name_differs", F_STR("asked", name),
	     F_STR("given", str_clip(given, IDENTITY_TEXT_MAX)));
	return false;
}

/* The question that a row must answer. */
struct asked {
	struct str name;
	struct foreign_log *log;
	struct arena *arena;
};

static int
read_answer(const PGresult *r, const struct places *p,
	    const struct asked *asked, struct user_answer *out, struct err *err)
{
	struct user_answer is = { .found = false };

	/* ERR_BUSY, because only the answer is wrong and not the connection. */
	if (PQntuples(r) > 1)
		return err_set(err, ERR_BUSY,
			       "query: must return one row, but there are"
			       " %d rows for the user %.*s",
			       PQntuples(r), STR_ARG(asked->name));
	is.found =
	    PQntuples(r) > 0 && is_same_name(r, p, asked->log, asked->name);
	if (is.found &&
	    answer_found(r, p, asked->log, asked->arena, &is.user, err) != 0)
		return -1;
	*out = is;
	return 0;
}

int
foreign_find(const struct foreign *f, const struct call *c, struct str name,
	     struct user_answer *out, struct err *err)
{
	const struct asked asked = { .name = name,
				     .log = f->log,
				     .arena = c->arena };
	const char *value = arena_cstr(c->arena, name);
	struct places places;
	PGresult *r;
	int rc;

	if (value == NULL)
		return err_nomem(err);
	if (run_query(f->pg, f->query, value, &r, &places, err) != 0)
		return -1;
	rc = read_answer(r, &places, &asked, out, err);
	PQclear(r);
	return rc;
}

int
foreign_set_hash(const struct foreign *f, const struct call *c,
		 const struct hash_change *h, bool *changed, struct err *err)
{
	const char *const values[] = {
		arena_cstr(c->arena, h->name),
		arena_cstr(c->arena, h->hash),
		arena_cstr(c->arena, h->old),
	};
	int64_t n = 0;
	PGresult *r;

	if (values[0] == NULL || values[1] == NULL || values[2] == NULL)
		return err_nomem(err);
	if (postgres_text(f->pg, f->update_hash, values, 3, &r, err) != 0)
		return err_context(err, "update_hash");
	/* Empty for a statement that does not count rows. */
	(void)str_to_uint(str_from(PQcmdTuples(r)), INT64_MAX, &n);
	PQclear(r);
	*changed = n > 0;
	return 0;
}
