/* SPDX-License-Identifier: MIT */
/*
 * Users in PostgreSQL: in the table of the service, or in a table of another
 * application by statements of the administrator (see foreign.h).
 */
#include "strategy/user_source.h"
#include "backends/postgres/foreign.h"
#include "backends/postgres/users_options.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                \
	"name, hash, roles, email, full_name, disabled, created, changed"

static const char postgres_users_find[] =
    "SELECT " COLUMNS " FROM fcgiauth.users WHERE name = $1";

struct postgres_source {
	void *server;
	struct foreign_log log;
	/* query is NULL for the table of the service, and update_hash is NULL
	 * if hashes in another table are not replaced. */
	char *query, *update_hash;
	unsigned forms; /* users_forms_caps() */
};

struct postgres_users {
	struct postgres_source *source;
	struct postgres_conn *pg;
};

static const char *const steps[] = {
#include "backends/postgres/users_schema.inc"
};

static const struct postgres_spec own = {
	.component = "users",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	/* This needs the permission to write, and a writable server. */
	.probe = "UPDATE fcgiauth.users SET changed = changed WHERE FALSE",
};

static const struct postgres_spec foreign = { .component = "users" };

static int
users_postgres_check(const void *conf, struct err *err)
{
	const struct users_postgres_conf *set = conf;

	if (set->update_hash.n > 0 && set->query.n == 0)
		return err_set(err, ERR_CONFIG,
			       "update_hash: cannot be used without query");
	return postgres_check(&set->pg, err);
}

static void
users_postgres_close(void *source)
{
	struct postgres_source *s = source;

	if (s->server != NULL)
		postgres_close(s->server);
	free(s->query);
	free(s->update_hash);
	free(s);
}

static int
keep(struct str text, char **out, struct err *err)
{
	if (text.n == 0)
		return 0;
	*out = strndup(text.p, text.n);
	return *out != NULL ? 0 : err_nomem(err);
}

static int
users_postgres_open(const void *conf, const struct env *env, void **source,
		    struct err *err)
{
	const struct users_postgres_conf *set = conf;
	struct postgres_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(err);
	s->log.env = env;
	s->forms = users_forms_caps(&set->forms);
	if (keep(set->query, &s->query, err) != 0 ||
	    keep(set->update_hash, &s->update_hash, err) != 0 ||
	    postgres_open(s->query != NULL ? &foreign : &own, &set->pg, env,
			  &s->server, err) != 0) {
		users_postgres_close(s);
		return -1;
	}
	postgres_add_hot(s->server,
			 s->query != NULL ? s->query : postgres_users_find);
	*source = s;
	return 0;
}

#define CAPS_FOREIGN (BACKEND_PERSISTENT | BACKEND_SHARED)
#define CAPS_OWN     (CAPS_FOREIGN | USERS_REHASH | USERS_WRITES | USERS_LISTS)

static unsigned
users_postgres_caps(const void *source)
{
	const struct postgres_source *s = source;

	if (s->query == NULL)
		return CAPS_OWN | s->forms;
	return CAPS_FOREIGN | s->forms |
	       (s->update_hash != NULL ? USERS_REHASH : 0);
}

static void
users_postgres_disconnect(void *conn)
{
	struct postgres_users *c = conn;

	postgres_disconnect(c->pg);
	free(c);
}

static bool
users_postgres_is_lost(void *conn, bool ask)
{
	const struct postgres_users *c = conn;

	return postgres_is_lost(c->pg, ask);
}

static int
users_postgres_connect(void *source, void **conn, struct err *err)
{
	struct postgres_source *s = source;
	struct postgres_users *c = calloc(1, sizeof(*c));
	void *pg;

	if (c == NULL)
		return err_nomem(err);
	if (postgres_connect(s->server, &pg, err) != 0) {
		free(c);
		return -1;
	}
	c->source = s;
	c->pg = pg;
	if (s->query != NULL &&
	    foreign_check(c->pg, s->query, s->update_hash, err) != 0) {
		users_postgres_disconnect(c);
		return -1;
	}
	*conn = c;
	return 0;
}

static int
users_postgres_ping(void *conn, struct err *err)
{
	const struct postgres_users *c = conn;

	if (c->source->query != NULL)
		return foreign_ping(c->pg, c->source->query, err);
	return postgres_ping(c->pg, err);
}

static int
users_postgres_schema(void *conn, struct schema_state *out, struct err *err)
{
	return postgres_schema(((const struct postgres_users *)conn)->pg, out,
			       err);
}

static int
users_postgres_migrate(void *conn, struct err *err)
{
	return postgres_migrate(((const struct postgres_users *)conn)->pg, err);
}

static int
postgres_users_get_user(const PGresult *r, int row, struct arena *a,
			struct user *out, struct err *err)
{
	struct user u = { .disabled = true };
	struct str *const text[] = { &u.who.name, &u.hash, &u.who.roles,
				     &u.who.email, &u.who.full_name };
	int64_t disabled;

	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		if (postgres_get_text(r, row, (int)i, a, text[i], err) != 0)
			return -1;
	}
	if (postgres_get_int(r, row, 5, &disabled, err) != 0 ||
	    postgres_get_int(r, row, 6, &u.created, err) != 0 ||
	    postgres_get_int(r, row, 7, &u.changed, err) != 0)
		return -1;
	u.disabled = disabled != 0;
	*out = u;
	return 0;
}

static int
find_own(struct postgres_conn *pg, const struct call *c, struct str name,
	 struct user_answer *out, struct err *err)
{
	struct user_answer is = { .found = false };
	PGresult *r;
	int rc = 0;

	if (postgres_query(pg, postgres_users_find, PG_ARGS(PG_TEXT(name)), &r,
			   err) != 0)
		return -1;
	is.found = PQntuples(r) > 0;
	if (is.found)
		rc = postgres_users_get_user(r, 0, c->arena, &is.user, err);
	PQclear(r);
	if (rc == 0)
		*out = is;
	return rc;
}

static int
users_postgres_find(void *conn, const struct call *c, struct str name,
		    struct user_answer *out, struct err *err)
{
	const struct postgres_users *k = conn;
	const struct foreign f = { .pg = k->pg,
				   .query = k->source->query,
				   .forms = k->source->forms != 0,
				   .log = &k->source->log };

	if (f.query == NULL)
		return find_own(k->pg, c, name, out, err);
	return foreign_find(&f, c, name, out, err);
}

static int
users_postgres_set_hash(void *conn, const struct call *c,
			const struct hash_change *h, bool *changed,
			struct err *err)
{
	const struct postgres_users *k = conn;
	const struct foreign f = { .pg = k->pg,
				   .update_hash = k->source->update_hash };
	int64_t n;

	if (k->source->query != NULL)
		return foreign_set_hash(&f, c, h, changed, err);
	if (postgres_change(k->pg,
			    "UPDATE fcgiauth.users SET hash = $3, changed = $4"
			    " WHERE name = $1 AND hash = $2",
			    PG_ARGS(PG_TEXT(h->name), PG_TEXT(h->old),
				    PG_TEXT(h->hash), PG_INT(c->now_ms / 1000)),
			    &n, err) != 0)
		return -1;
	*changed = n > 0;
	return 0;
}

static int
postgres_users_get_list(const PGresult *r, struct arena *a,
			struct user_list *out, struct err *err)
{
	int n = PQntuples(r);
	struct user_list list = { .n = (size_t)n };

	list.v = arena_array(a, list.n + 1, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (int i = 0; i < n; i++) {
		if (postgres_users_get_user(r, i, a, &list.v[i], err) != 0)
			return -1;
	}
	*out = list;
	return 0;
}

static int
users_postgres_list(void *conn, const struct call *c, struct str after,
		    size_t limit, struct user_list *out, struct err *err)
{
	PGresult *r;
	int rc;

	if (postgres_query(((const struct postgres_users *)conn)->pg,
			   "SELECT " COLUMNS " FROM fcgiauth.users"
			   " WHERE name > $1 ORDER BY name LIMIT $2",
			   PG_ARGS(PG_TEXT(after), PG_INT((int64_t)limit)), &r,
			   err) != 0)
		return -1;
	rc = postgres_users_get_list(r, c->arena, out, err);
	PQclear(r);
	return rc;
}

/* $2 and $3: USERS_FOLDS, USERS_EMAILS. */
static const char postgres_users_find_typed[] =
    "SELECT " COLUMNS " FROM fcgiauth.users WHERE name = $1"
    " UNION ALL (SELECT " COLUMNS " FROM fcgiauth.users WHERE $2 <> 0"
    " AND lower(name) = lower($1::text COLLATE \"C\") AND name <> $1"
    " LIMIT 2)"
    " UNION ALL (SELECT " COLUMNS " FROM fcgiauth.users WHERE $3 <> 0"
    " AND lower(email COLLATE \"C\") = lower($1::text COLLATE \"C\")"
    " AND email <> '' LIMIT 2)";

static int
users_postgres_find_typed(void *conn, const struct call *c, struct str text,
			  struct user_list *out, struct err *err)
{
	const struct postgres_users *k = conn;
	const unsigned forms = k->source->forms;
	const struct foreign f = { .pg = k->pg,
				   .query = k->source->query,
				   .forms = true,
				   .log = &k->source->log };
	PGresult *r;
	int rc;

	if (f.query != NULL)
		return foreign_find_typed(&f, c, text, out, err);
	if (postgres_query(k->pg, postgres_users_find_typed,
			   PG_ARGS(PG_TEXT(text), PG_INT(forms & USERS_FOLDS),
				   PG_INT(forms & USERS_EMAILS)),
			   &r, err) != 0)
		return -1;
	rc = postgres_users_get_list(r, c->arena, out, err);
	PQclear(r);
	return rc;
}

static int
users_postgres_add(void *conn, const struct call *c, const struct user *user,
		   enum user_change *answer, struct err *err)
{
	const struct identity *who = &user->who;
	int64_t n;

	if (postgres_change(((const struct postgres_users *)conn)->pg,
			    "INSERT INTO fcgiauth.users (" COLUMNS ")"
			    " VALUES ($1, $2, $3, $4, $5, $6 <> 0, $7, $7)"
			    " ON CONFLICT (name) DO NOTHING",
			    PG_ARGS(PG_TEXT(who->name), PG_TEXT(user->hash),
				    PG_TEXT(who->roles), PG_TEXT(who->email),
				    PG_TEXT(who->full_name),
				    PG_INT(user->disabled),
				    PG_INT(c->now_ms / 1000)),
			    &n, err) != 0)
		return -1;
	*answer = n > 0 ? USER_CHANGED : USER_EXISTS;
	return 0;
}

static int
postgres_users_is_there(struct postgres_conn *pg, struct str name, bool *there,
			struct err *err)
{
	PGresult *r;

	if (postgres_query(pg, "SELECT 1 FROM fcgiauth.users WHERE name = $1",
			   PG_ARGS(PG_TEXT(name)), &r, err) != 0)
		return -1;
	*there = PQntuples(r) > 0;
	PQclear(r);
	return 0;
}

static int
users_postgres_set(void *conn, const struct call *c, const struct user *old,
		   const struct user *user, enum user_change *answer,
		   struct err *err)
{
	const struct identity *was = &old->who, *who = &user->who;
	struct postgres_conn *pg = ((const struct postgres_users *)conn)->pg;
	bool there = true;
	int64_t n;

	if (postgres_change(
		pg,
		"UPDATE fcgiauth.users SET hash = $2, roles = $3, email = $4,"
		" full_name = $5, disabled = $6 <> 0, changed = $7"
		" WHERE name = $1 AND hash = $8 AND roles = $9"
		" AND email = $10 AND full_name = $11"
		" AND disabled = ($12 <> 0)",
		PG_ARGS(PG_TEXT(who->name), PG_TEXT(user->hash),
			PG_TEXT(who->roles), PG_TEXT(who->email),
			PG_TEXT(who->full_name), PG_INT(user->disabled),
			PG_INT(c->now_ms / 1000), PG_TEXT(old->hash),
			PG_TEXT(was->roles), PG_TEXT(was->email),
			PG_TEXT(was->full_name), PG_INT(old->disabled)),
		&n, err) != 0)
		return -1;
	/* This tells whether the user is missing or was changed; it may be
	 * asked afterwards, because nothing was written. */
	if (n == 0 && postgres_users_is_there(pg, who->name, &there, err) != 0)
		return -1;
	if (n > 0)
		*answer = USER_CHANGED;
	else
		*answer = there ? USER_STALE : USER_MISSING;
	return 0;
}

static int
users_postgres_remove(void *conn, const struct call *c, struct str name,
		      enum user_change *answer, struct err *err)
{
	int64_t n;

	(void)c;
	if (postgres_change(((const struct postgres_users *)conn)->pg,
			    "DELETE FROM fcgiauth.users WHERE name = $1",
			    PG_ARGS(PG_TEXT(name)), &n, err) != 0)
		return -1;
	*answer = n > 0 ? USER_CHANGED : USER_MISSING;
	return 0;
}

const struct user_source_ops users_postgres = {
	.base = {
		.driver = {
			.name = "postgres",
			.summary = "users in PostgreSQL, in its own or in an"
				   " existing table",
			.caps = CAPS_OWN | USERS_FOLDS | USERS_EMAILS,
			.options = postgres_users_options,
			.conf_size = sizeof(struct users_postgres_conf),
			.check = users_postgres_check,
		},
		.open = users_postgres_open,
		.close = users_postgres_close,
		.caps = users_postgres_caps,
		.connect = users_postgres_connect,
		.disconnect = users_postgres_disconnect,
		.is_lost = users_postgres_is_lost,
		.ping = users_postgres_ping,
		.schema = users_postgres_schema,
		.migrate = users_postgres_migrate,
	},
	.elsewhere = "change the table that query in [users] reads",
	.find = users_postgres_find,
	.find_typed = users_postgres_find_typed,
	.set_hash = users_postgres_set_hash,
	.list = users_postgres_list,
	.add = users_postgres_add,
	.set = users_postgres_set,
	.remove = users_postgres_remove,
};
