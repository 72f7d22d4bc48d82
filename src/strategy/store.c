/* SPDX-License-Identifier: MIT */
/*
 * The store as its callers see it: the checks of arguments, which backends need
 * not repeat, and the connection of each operation.
 */
#include "strategy/store.h"

#include <assert.h>
#include <string.h>

#include "strategy/change.h"
#include "strategy/feed.h"
#include "strategy/session_check.h"
#include "base/enc.h"
#include "base/secret.h"

#define TEXT_MAX 256 /* address, user agent, key */
#define PAGE_MAX 1000 /* a page of a list never has more entries */

static const struct session_store_ops *
store_ops(const struct store_conn *conn)
{
	/* store_open() was given the first member of this struct. */
	return (const struct session_store_ops *)conn->base.backend->ops;
}

/* These are explained in strategy/conn.h. */
#define CALL(s, ...)   CONN_CALL(&(s)->base, false, store_ops(s), __VA_ARGS__)
#define REPEAT(s, ...) CONN_CALL(&(s)->base, true, store_ops(s), __VA_ARGS__)

void
store_forget_secrets(struct store_conn *conn)
{
	secret_wipe(conn->secrets, sizeof(conn->secrets));
}

void
store_emptied(struct backend *store)
{
	(void)atomic_fetch_add(&store->emptied, 1);
}

/* Forgets the secrets if they may be those of another store. */
static void
check_secrets(struct store_conn *conn)
{
	const unsigned emptied = conn->base.backend == NULL ?
				     0 :
				     atomic_load(&conn->base.backend->emptied);

	if (!conn_is_current(&conn->base) ||
	    conn->told != conn->base.connects || conn->emptied != emptied)
		store_forget_secrets(conn);
	conn->emptied = emptied;
}

int
store_secret(struct store_conn *conn, const struct call *c, const char *name,
	     uint8_t value[32], struct err *err)
{
	struct known_secret *free_one = NULL;

	check_secrets(conn);
	for (size_t i = 0; i < STORE_SECRETS_MAX; i++) {
		struct known_secret *s = &conn->secrets[i];

		if (s->name != NULL && strcmp(s->name, name) == 0) {
			memcpy(value, s->value, sizeof(s->value));
			return 0;
		}
		if (s->name == NULL && free_one == NULL)
			free_one = s;
	}
	if (REPEAT(conn, secret, c, name, value, err) != 0)
		return -1;
	conn->told = conn->base.connects;
	if (free_one != NULL) {
		free_one->name = name;
		memcpy(free_one->value, value, sizeof(free_one->value));
	}
	return 0;
}

static int
check_text(const char *what, struct str text, struct err *err)
{
	if (text.n > TEXT_MAX || str_find(text, '\0') != text.n)
		return err_set(err, ERR_INPUT,
			       "%s: must have at most %d bytes, and no NUL",
			       what, TEXT_MAX);
	return 0;
}

/* Tells what an operation has changed. It is also called after a failure: the
 * operation may have been executed, and only its answer was lost. */
static void
store_tell(const struct store_conn *conn, const struct change *change)
{
	if (conn->base.backend != NULL)
		change_tell(conn->base.backend->changes, change);
}

static void
tell_session(const struct store_conn *conn, const struct session_id *id)
{
	store_tell(conn,
		   &(struct change){ .kind = CHANGE_SESSION, .session = *id });
}

static void
tell_user(const struct store_conn *conn, struct str user)
{
	store_tell(conn, &(struct change){ .kind = CHANGE_USER, .user = user });
}

/* An answer from another server than that of the feed must not be believed
 * later: what has changed since before the question is unknown. */
static void
tell_if_elsewhere(const struct store_conn *conn)
{
	const struct feed_ops *feed = store_ops(conn)->feed;

	if (feed != NULL && feed->is_elsewhere != NULL &&
	    feed->is_elsewhere(conn->base.handle))
		store_tell(conn, &(struct change){ .kind = CHANGE_ALL });
}

int
store_create(struct store_conn *conn, const struct call *c,
	     const struct session *session, int64_t max_per_user,
	     int64_t *evicted, struct err *err)
{
	struct session new = *session;
	int64_t ended = 0;
	int rc;

	if (identity_check(&session->who, err) != 0 ||
	    check_text("address", session->address, err) != 0 ||
	    check_text("user agent", session->user_agent, err) != 0)
		return -1;
	if (new.auth_ms == 0)
		new.auth_ms = new.created_ms;
	rc = CALL(conn, create, c, &new, max_per_user, &ended, err);
	if (max_per_user > 0 && (rc != 0 || ended > 0))
		tell_user(conn, session->who.name);
	if (rc == 0 && evicted != NULL)
		*evicted = ended;
	return rc;
}

/* A damaged session is an error of its own user only: the breaker is not told,
 * and other users are not affected. */
static int
refuse_damaged(const struct store_conn *conn, const struct session *s,
	       struct err *err)
{
	if (session_refuse_damaged(s, err) == 0)
		return 0;
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "store %s", store_ops(conn)->base.driver.name);
}

int
store_find(struct store_conn *conn, const struct call *c,
	   const struct session_id *id, const struct token_hash *token,
	   struct session_answer *out, struct err *err)
{
	struct session_answer is = { .found = false };

	if (REPEAT(conn, find, c, id, token, &is, err) != 0)
		return -1;
	tell_if_elsewhere(conn);
	if (refuse_damaged(conn, &is.session, err) != 0)
		return -1;
	*out = is;
	return 0;
}

int
store_touch(struct store_conn *conn, const struct call *c,
	    const struct touch *t, struct err *err)
{
	return REPEAT(conn, touch, c, t, err);
}

/* A rotation that is executed twice returns the same successor within the grace
 * period; without a grace period the second execution would end the session. */
static int
store_rotate_by_driver(struct store_conn *conn, const struct call *c,
		       const struct rotation *r, struct rotated *out,
		       struct err *err)
{
	if (r->grace_ms > 0)
		return REPEAT(conn, rotate, c, r, out, err);
	return CALL(conn, rotate, c, r, out, err);
}

int
store_rotate(struct store_conn *conn, const struct call *c,
	     const struct rotation *r, struct rotated *out, struct err *err)
{
	struct rotated is = { .answer = ROTATE_GONE };
	int result = store_rotate_by_driver(conn, c, r, &is, err);

	if (result != 0 || is.answer == ROTATE_REUSED)
		tell_session(conn, &r->id);
	if (result == 0)
		result = refuse_damaged(conn, &is.session, err);
	if (result == 0)
		*out = is;
	secret_wipe(is.wrapped, sizeof(is.wrapped));
	return result;
}

static int
check_key(struct str key, struct err *err)
{
	if (key.n == 0)
		return err_set(err, ERR_INPUT, "key: must not be empty");
	return check_text("key", key, err);
}

int
store_deny(struct store_conn *conn, const struct call *c,
	   const struct denial *d, struct err *err)
{
	struct change change;
	int rc;

	if (check_key(d->key, err) != 0)
		return -1;
	rc = REPEAT(conn, deny, c, d, err);
	change = change_of_denial(d->key);
	store_tell(conn, &change);
	return rc;
}

int
store_denied(struct store_conn *conn, const struct call *c,
	     const struct denial_question *q, bool *denied, struct err *err)
{
	assert(q->n <= DENIED_KEYS_MAX);
	for (size_t i = 0; i < q->n; i++)
		if (check_key(q->keys[i], err) != 0)
			return -1;
	if (REPEAT(conn, denied, c, q, denied, err) != 0)
		return -1;
	tell_if_elsewhere(conn);
	return 0;
}

int
store_revoke(struct store_conn *conn, const struct call *c,
	     const struct session_id *id, bool *ended, struct err *err)
{
	const int rc = CALL(conn, revoke, c, id, ended, err);

	tell_session(conn, id);
	return rc;
}

int
store_revoke_user(struct store_conn *conn, const struct call *c,
		  struct str user, const struct session_id *except,
		  int64_t *ended, struct err *err)
{
	const int rc = CALL(conn, revoke_user, c, user, except, ended, err);

	tell_user(conn, user);
	return rc;
}

int
store_revoke_all(struct store_conn *conn, const struct call *c, int64_t *ended,
		 struct err *err)
{
	const int rc = CALL(conn, revoke_all, c, ended, err);

	store_tell(conn, &(struct change){ .kind = CHANGE_ALL });
	return rc;
}

int
store_update_user(struct store_conn *conn, const struct call *c,
		  const struct identity *who, struct err *err)
{
	int rc;

	if (identity_check(who, err) != 0)
		return -1;
	rc = REPEAT(conn, update_user, c, who, err);
	tell_user(conn, who->name);
	return rc;
}

int
store_remark(struct store_conn *conn, const struct call *c,
	     const struct remark *m, struct err *err)
{
	int rc;

	if (!password_mark_is_known(&m->from) ||
	    !password_mark_is_known(&m->to) ||
	    memcmp(&m->from, &m->to, sizeof(m->from)) == 0)
		return 0;
	rc = CALL(conn, remark, c, m, err);
	tell_user(conn, m->user);
	return rc;
}

static size_t
page_limit(size_t limit)
{
	return limit < PAGE_MAX ? limit : PAGE_MAX;
}

#define NAMED_MAX 10 /* damaged sessions that one list logs */

static void
name_damaged(const struct store_conn *conn, const struct session *s)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];

	hex_encode(s->id.b, sizeof(s->id.b), id);
	LOG(conn->base.env->log, LOG_WARNING, "session_damaged",
	    F_CSTR("driver", store_ops(conn)->base.driver.name),
	    F_STR("session", ((struct str){ .p = id, .n = sizeof(id) })),
	    F_CSTR("field", s->damage));
}

/* Removes damaged sessions, which cannot be used, from the list. */
static void
leave_damaged(const struct store_conn *conn, struct session_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].damage == NULL)
			list->v[n++] = list->v[i];
		else if (i - n < NAMED_MAX)
			name_damaged(conn, &list->v[i]);
	}
	list->n = n;
}

int
store_list(struct store_conn *conn, const struct call *c,
	   const struct session_query *q, struct session_cursor *cursor,
	   struct session_list *out, struct err *err)
{
	const struct session_query page = { .user = q->user,
					    .limit = page_limit(q->limit) };

	if (REPEAT(conn, list, c, &page, cursor, out, err) != 0)
		return -1;
	leave_damaged(conn, out);
	return 0;
}

int
store_count_sessions(struct store_conn *conn, const struct call *c,
		     struct session_counts *out, struct err *err)
{
	return REPEAT(conn, count_sessions, c, out, err);
}

static int
check_login_keys(const struct login_keys *k, struct err *err)
{
	assert(k->n > 0 && k->n <= LOGIN_KEYS_MAX);
	for (size_t i = 0; i < k->n; i++)
		if (check_key(k->v[i].key, err) != 0)
			return -1;
	if (k->user.n == 0)
		return 0;
	if (check_key(k->known, err) != 0)
		return -1;
	return check_text("user", k->user, err);
}

int
store_standing(struct store_conn *conn, const struct call *c,
	       const struct login_keys *k, struct login_standing *out,
	       struct err *err)
{
	if (check_login_keys(k, err) != 0)
		return -1;
	return REPEAT(conn, standing, c, k, out, err);
}

int
store_count(struct store_conn *conn, const struct call *c,
	    const struct login_keys *k, struct login_count *out,
	    struct err *err)
{
	if (check_login_keys(k, err) != 0)
		return -1;
	return CALL(conn, count, c, k, out, err);
}

int
store_succeed(struct store_conn *conn, const struct call *c,
	      const struct login_success *s, struct err *err)
{
	assert(s->n < LOGIN_KEYS_MAX);
	if (check_key(s->key, err) != 0)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (check_key(s->v[i].key, err) != 0)
			return -1;
	if (s->network.until_ms != 0 && check_key(s->user, err) != 0)
		return -1;
	return CALL(conn, succeed, c, s, err);
}

int
store_attempt(struct store_conn *conn, const struct call *c, struct str key,
	      const struct attempt_policy *policy, struct attempt *out,
	      struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(conn, attempt, c, key, policy, out, err);
}

int
store_give_back(struct store_conn *conn, const struct call *c, struct str key,
		int64_t ends_ms, struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(conn, give_back, c, key, ends_ms, err);
}

int
store_reset_attempts(struct store_conn *conn, const struct call *c,
		     struct str key, bool *was_banned, struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(conn, reset_attempts, c, key, was_banned, err);
}

int
store_bans(struct store_conn *conn, const struct call *c, int64_t ban_ms,
	   size_t limit, struct ban_list *out, struct err *err)
{
	return REPEAT(conn, bans, c, ban_ms, page_limit(limit), out, err);
}

int
store_networks(struct store_conn *conn, const struct call *c, struct str user,
	       struct known_networks *out, struct err *err)
{
	if (check_key(user, err) != 0)
		return -1;
	return REPEAT(conn, networks, c, user, out, err);
}

int
store_unlearn(struct store_conn *conn, const struct call *c, struct str user,
	      struct err *err)
{
	if (check_key(user, err) != 0)
		return -1;
	return REPEAT(conn, unlearn, c, user, err);
}

int
store_sweep(struct store_conn *conn, const struct call *c, size_t limit,
	    int64_t *removed, struct err *err)
{
	if (conn->base.backend != NULL && store_ops(conn)->sweep == NULL) {
		*removed = 0;
		return 0;
	}
	return REPEAT(conn, sweep, c, limit, removed, err);
}
