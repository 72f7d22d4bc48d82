/* SPDX-License-Identifier: MIT */
/* Denials of keys in the Postgres store. */
#include "backends/postgres/store_internal.h"
#include "backends/postgres/store_sql.h"

int
store_postgres_deny(void *conn, const struct call *c, const struct denial *d,
		    struct err *err)
{
	int64_t n;

	(void)c;
	return postgres_change(conn, postgres_store_sql[STORE_SQL_DENY],
			       PG_ARGS(PG_TEXT(d->key), PG_INT(d->issued_ms),
				       PG_INT(d->until_ms)),
			       &n, err);
}

/* The statement has DENIED_KEYS_MAX keys. Unused ones are empty: no row has an
 * empty key. */
int
store_postgres_denied(void *conn, const struct call *c,
		      const struct denial_question *q, bool *denied,
		      struct err *err)
{
	struct postgres_arg args[3 + DENIED_KEYS_MAX] = { PG_INT(q->issued_ms),
							  PG_INT(c->now_ms) };
	const int64_t key = postgres_feed_key(conn);
	struct postgres_numbers r;

	for (size_t i = 0; i < DENIED_KEYS_MAX; i++)
		args[2 + i] = PG_TEXT(i < q->n ? q->keys[i] : STR(""));
	if (key == 0) {
		if (postgres_numbers(conn, postgres_store_sql[STORE_SQL_DENIED],
				     args, 2 + DENIED_KEYS_MAX, &r, err) != 0)
			return -1;
		*denied = r.row;
		return 0;
	}
	args[2 + DENIED_KEYS_MAX] = PG_INT(key);
	if (postgres_numbers(conn, postgres_store_sql[STORE_SQL_DENIED_HERE],
			     args, ARRAY_LEN(args), &r, err) != 0)
		return -1;
	if (!r.row || r.v[1] == 0)
		postgres_feed_missed(conn, key);
	*denied = !r.row || r.v[0] != 0;
	return 0;
}
