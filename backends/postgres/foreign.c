/* SPDX-License-Identifier: MIT */
/* Users by statements of the administrator. */
#include "backends/postgres/foreign.h"
#include "backends/postgres/foreign_row.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"

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
	struct places p = { .row = 0 };

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

/* The question that the rows must answer. */
struct asked {
	const struct foreign *f;
	struct str name;
	struct arena *arena;
};

static int
refuse_rows(const PGresult *r, const struct asked *asked, struct err *err)
{
	/* ERR_BUSY, because only the answer is wrong and not the connection. */
	return err_set(err, ERR_BUSY,
		       "query: must return one row, but there are %d rows for"
		       " the user %.*s",
		       PQntuples(r), STR_ARG(asked->name));
}

/*
 * Finds the row that has exactly the name: sessions, bans and rules depend on
 * it, and a column that ignores case would give a user several. *n is the
 * number of such rows.
 */
static struct places
find_row(const PGresult *r, const struct places *p, const struct asked *asked,
	 int *n)
{
	struct places row = *p, found = *p;

	*n = 0;
	for (row.row = 0; row.row < PQntuples(r); row.row++) {
		struct str given = foreign_field(r, &row, NAME);

		if (str_eq(given, asked->name)) {
			found = row;
			++*n;
		} else if (!asked->f->forms) {
			warn(asked->f->log, "user_name_differs",
			     F_STR("asked", asked->name),
			     F_STR("given",
				   str_clip(given, IDENTITY_TEXT_MAX)));
		}
	}
	return found;
}

static int
read_answer(const PGresult *r, const struct places *p,
	    const struct asked *asked, struct user_answer *out, struct err *err)
{
	struct user_answer is = { .found = false };
	struct places row;
	int n;

	if (PQntuples(r) > 1 && !asked->f->forms)
		return refuse_rows(r, asked, err);
	row = find_row(r, p, asked, &n);
	if (n > 1)
		return refuse_rows(r, asked, err);
	is.found = n > 0;
	if (is.found && answer_found(r, &row, asked->f->log, asked->arena,
				     &is.user, err) != 0)
		return -1;
	*out = is;
	return 0;
}

/* Runs the query; the value is the name that is asked for. */
static int
foreign_ask(const struct asked *asked, PGresult **r, struct places *places,
	    struct err *err)
{
	const char *value = arena_cstr(asked->arena, asked->name);

	if (value == NULL)
		return err_nomem(err);
	return run_query(asked->f->pg, asked->f->query, value, r, places, err);
}

int
foreign_find(const struct foreign *f, const struct call *c, struct str name,
	     struct user_answer *out, struct err *err)
{
	const struct asked asked = { .f = f, .name = name, .arena = c->arena };
	struct places places;
	PGresult *r;
	int rc;

	if (foreign_ask(&asked, &r, &places, err) != 0)
		return -1;
	rc = read_answer(r, &places, &asked, out, err);
	PQclear(r);
	return rc;
}

#define TYPED_MAX 20 /* rows for what a person typed */

static int
read_typed(const PGresult *r, const struct places *p, const struct asked *asked,
	   struct user_list *out, struct err *err)
{
	struct user_list list = { .n = 0 };
	struct places row = *p;

	if (PQntuples(r) > TYPED_MAX)
		return refuse_rows(r, asked, err);
	list.v = arena_array(asked->arena, TYPED_MAX, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (row.row = 0; row.row < PQntuples(r); row.row++) {
		/* Nobody can be found by such a name later. */
		if (!identity_name_is_valid(foreign_field(r, &row, NAME)))
			continue;
		if (answer_found(r, &row, asked->f->log, asked->arena,
				 &list.v[list.n++], err) != 0)
			return -1;
	}
	*out = list;
	return 0;
}

int
foreign_find_typed(const struct foreign *f, const struct call *c,
		   struct str text, struct user_list *out, struct err *err)
{
	const struct asked asked = { .f = f, .name = text, .arena = c->arena };
	struct places places;
	PGresult *r;
	int rc;

	if (foreign_ask(&asked, &r, &places, err) != 0)
		return -1;
	rc = read_typed(r, &places, &asked, out, err);
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
