/* SPDX-License-Identifier: MIT */
/*
 * The store as its callers see it: arguments that no backend should have to
 * doubt, and the connection around each operation.
 */
#include "strategy/store.h"

#include <assert.h>
#include <string.h>

#include "strategy/session_check.h"
#include "base/enc.h"
#include "base/secret.h"

#define TEXT_MAX 256 /* address, user agent, key */
#define PAGE_MAX 1000 /* more than this a listing never gives at once */

static const struct session_store_ops *
ops_of(const struct store_link *l)
{
	/* store_open() took its first member. */
	return (const struct session_store_ops *)l->conn.backend->ops;
}

/* Every operation is one of these: what must not be done twice, and what
 * changes nothing, or the same when it is done again. */
#define CALL(l, ...)   CONN_CALL(&(l)->conn, false, ops_of(l), __VA_ARGS__)
#define REPEAT(l, ...) CONN_CALL(&(l)->conn, true, ops_of(l), __VA_ARGS__)

int
store_secret(struct store_link *l, const char *name, uint8_t value[32],
	     struct err *err)
{
	struct known_secret *free_one = NULL;

	if (!conn_is_good(&l->conn) || l->told != l->conn.connects)
		secret_wipe(l->secrets, sizeof(l->secrets));
	for (size_t i = 0; i < STORE_SECRETS_MAX; i++) {
		struct known_secret *s = &l->secrets[i];

		if (s->name != NULL && strcmp(s->name, name) == 0) {
			memcpy(value, s->value, sizeof(s->value));
			return 0;
		}
		if (s->name == NULL && free_one == NULL)
			free_one = s;
	}
	if (REPEAT(l, secret, name, value, err) != 0)
		return -1;
	l->told = l->conn.connects;
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
			       "%s: over %d bytes, or a NUL in it", what,
			       TEXT_MAX);
	return 0;
}

int
store_create(struct store_link *l, const struct session *session,
	     int64_t max_per_user, int64_t now_ms, int64_t *evicted,
	     struct err *err)
{
	int64_t ignored;

	if (identity_check(&session->who, err) != 0 ||
	    check_text("address", session->address, err) != 0 ||
	    check_text("user agent", session->user_agent, err) != 0)
		return -1;
	return CALL(l, create, session, max_per_user, now_ms,
		    evicted != NULL ? evicted : &ignored, err);
}

/* The error of one session is its owner's: nobody else hears of it. */
static int
refuse_damaged(const struct store_link *l, const struct session *s,
	       struct err *err)
{
	if (session_refuse_damaged(s, err) == 0)
		return 0;
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "store %s", ops_of(l)->base.driver.name);
}

int
store_find(struct store_link *l, struct arena *a, const struct session_id *id,
	   const struct token_hash *token, int64_t now_ms, bool *found,
	   struct session *out, struct err *err)
{
	struct session s = { .damage = NULL };
	bool is = false;

	if (REPEAT(l, find, a, id, token, now_ms, &is, &s, err) != 0 ||
	    (is && refuse_damaged(l, &s, err) != 0))
		return -1;
	*found = is;
	*out = is ? s : (struct session){ .damage = NULL };
	return 0;
}

int
store_touch(struct store_link *l, const struct session_id *id,
	    int64_t last_seen_ms, int64_t idle_expires_ms, struct err *err)
{
	return REPEAT(l, touch, id, last_seen_ms, idle_expires_ms, err);
}

/* Done twice a rotation answers the successor by grace; without grace it would
 * end the session. */
static int
rotate(struct store_link *l, struct arena *a, const struct session_id *id,
       const struct rotation *r, int64_t now_ms, enum rotate_answer *answer,
       struct session *out, uint8_t wrapped[32], struct err *err)
{
	if (r->grace_ms > 0 && r->grace_max > 0)
		return REPEAT(l, rotate, a, id, r, now_ms, answer, out, wrapped,
			      err);
	return CALL(l, rotate, a, id, r, now_ms, answer, out, wrapped, err);
}

int
store_rotate(struct store_link *l, struct arena *a, const struct session_id *id,
	     const struct rotation *rotation, int64_t now_ms,
	     enum rotate_answer *answer, struct session *out,
	     uint8_t wrapped[32], struct err *err)
{
	struct session s = { .damage = NULL };
	enum rotate_answer is = ROTATE_GONE;
	uint8_t secret[32] = { 0 };
	int result = rotate(l, a, id, rotation, now_ms, &is, &s, secret, err);

	if (result == 0)
		result = refuse_damaged(l, &s, err);
	if (result == 0) {
		*answer = is;
		*out = s;
		memcpy(wrapped, secret, sizeof(secret));
	}
	secret_wipe(secret, sizeof(secret));
	return result;
}

static int
check_key(struct str key, struct err *err)
{
	if (key.n == 0)
		return err_set(err, ERR_INPUT, "key: empty");
	return check_text("key", key, err);
}

int
store_deny(struct store_link *l, struct str key, int64_t issued_ms,
	   int64_t until_ms, struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return REPEAT(l, deny, key, issued_ms, until_ms, err);
}

int
store_denied(struct store_link *l, const struct str *keys, size_t n,
	     int64_t issued_ms, int64_t now_ms, bool *denied, struct err *err)
{
	assert(n <= DENIED_KEYS_MAX);
	for (size_t i = 0; i < n; i++)
		if (check_key(keys[i], err) != 0)
			return -1;
	return REPEAT(l, denied, keys, n, issued_ms, now_ms, denied, err);
}

int
store_revoke(struct store_link *l, const struct session_id *id, bool *ended,
	     struct err *err)
{
	return CALL(l, revoke, id, ended, err);
}

int
store_revoke_user(struct store_link *l, struct str user,
		  const struct session_id *except, int64_t *ended,
		  struct err *err)
{
	return CALL(l, revoke_user, user, except, ended, err);
}

int
store_revoke_all(struct store_link *l, int64_t *ended, struct err *err)
{
	return CALL(l, revoke_all, ended, err);
}

int
store_update_user(struct store_link *l, const struct identity *who,
		  struct err *err)
{
	if (identity_check(who, err) != 0)
		return -1;
	return REPEAT(l, update_user, who, err);
}

int
store_remark(struct store_link *l, struct str user,
	     const struct password_mark *from, const struct password_mark *to,
	     struct err *err)
{
	if (!password_mark_is_known(from) || !password_mark_is_known(to) ||
	    memcmp(from, to, sizeof(*from)) == 0)
		return 0;
	return CALL(l, remark, user, from, to, err);
}

static size_t
page_limit(size_t limit)
{
	return limit < PAGE_MAX ? limit : PAGE_MAX;
}

#define NAMED_MAX 10 /* damaged sessions, by one list */

static void
name_damaged(const struct store_link *l, const struct session *s)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];

	hex_encode(s->id.b, sizeof(s->id.b), id);
	LOG(l->conn.env->log, LOG_WARNING, "session_damaged",
	    F_CSTR("driver", ops_of(l)->base.driver.name),
	    F_STR("session", ((struct str){ .p = id, .n = sizeof(id) })),
	    F_CSTR("field", s->damage));
}

/* Takes those out that nobody could use. */
static void
leave_damaged(const struct store_link *l, struct session_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].damage == NULL)
			list->v[n++] = list->v[i];
		else if (i - n < NAMED_MAX)
			name_damaged(l, &list->v[i]);
	}
	list->n = n;
}

int
store_list(struct store_link *l, struct arena *a, struct str user,
	   int64_t now_ms, size_t limit, struct session_cursor *cursor,
	   struct session_list *out, struct err *err)
{
	if (REPEAT(l, list, a, user, now_ms, page_limit(limit), cursor, out,
		   err) != 0)
		return -1;
	leave_damaged(l, out);
	return 0;
}

int
store_attempt(struct store_link *l, struct str key,
	      const struct attempt_policy *policy, int64_t now_ms,
	      struct attempt *out, struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(l, attempt, key, policy, now_ms, out, err);
}

int
store_give_back(struct store_link *l, struct str key, int64_t ends_ms,
		struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(l, give_back, key, ends_ms, err);
}

int
store_banned(struct store_link *l, struct str key, int64_t ban_ms,
	     int64_t now_ms, int64_t *banned_until_ms, struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return REPEAT(l, banned, key, ban_ms, now_ms, banned_until_ms, err);
}

int
store_forgive(struct store_link *l, struct str key, bool *was_banned,
	      struct err *err)
{
	if (check_key(key, err) != 0)
		return -1;
	return CALL(l, forgive, key, was_banned, err);
}

int
store_bans(struct store_link *l, struct arena *a, int64_t ban_ms,
	   int64_t now_ms, size_t limit, struct ban **out, size_t *n,
	   struct err *err)
{
	return REPEAT(l, bans, a, ban_ms, now_ms, page_limit(limit), out, n,
		      err);
}

int
store_learn(struct store_link *l, struct str user,
	    const struct known_network *network, int64_t now_ms,
	    struct err *err)
{
	if (check_key(user, err) != 0)
		return -1;
	return REPEAT(l, learn, user, network, now_ms, err);
}

int
store_networks(struct store_link *l, struct str user, int64_t now_ms,
	       struct known_network out[NETWORKS_MAX], size_t *n,
	       struct err *err)
{
	if (check_key(user, err) != 0)
		return -1;
	return REPEAT(l, networks, user, now_ms, out, n, err);
}

int
store_unlearn(struct store_link *l, struct str user, struct err *err)
{
	if (check_key(user, err) != 0)
		return -1;
	return REPEAT(l, unlearn, user, err);
}

int
store_sweep(struct store_link *l, int64_t now_ms, size_t limit,
	    int64_t *removed, struct err *err)
{
	if (l->conn.backend != NULL && ops_of(l)->sweep == NULL) {
		*removed = 0;
		return 0;
	}
	return REPEAT(l, sweep, now_ms, limit, removed, err);
}
