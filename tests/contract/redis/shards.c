/* SPDX-License-Identifier: MIT */
/* The shards of users: forged ids, and a cluster that has moved only some keys
 * of a slot. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <stdlib.h>

#include "backends/redis/client/cluster.h"
#include "strategy/session_id.h"

#define MASTERS 3
#define BUSY	"moving its slot"

/* The shard of a session follows from its user. With an id of another shard,
 * revoke_user() would not find it. */
START_TEST(ids_that_are_made_up)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now), made;
	bool ended = true;

	for (size_t i = 0; i < sizeof(s.id.b); i++) {
		struct session other = s;

		other.id.b[i] ^= 1;
		HOLDS(r, !fixture_is_alive(r, &other, r->now));
		OK(r,
		   store_revoke(r->conn, NOW(r), &other.id, &ended, &r->err));
		HOLDS(r, !ended);
	}
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	made = fixture_session(r, "alice", r->now);
	made.id.b[6] ^= 1;
	FAILS(r, store_create(r->conn, NOW(r), &made, 0, NULL, &r->err),
	      ERR_INTERNAL, "another user");
	HOLDS(r, !fixture_is_alive(r, &made, r->now));
	SAME(r, fixture_live(r, NULL, r->now), 1);
	fixture_close(r);
}
END_TEST

struct moving {
	struct fixture r; /* its own server is not used */
	struct test_cluster c;
	unsigned slot;
	size_t from, to;
	struct session s[3]; /* of alice */
};

/* Sets the state of the slot at one server. */
static void
tell(struct moving *m, size_t node, const char *what, size_t other)
{
	char id[41], text[128];

	test_cluster_id(&m->c.nodes[other], id);
	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u %s %s", m->slot,
		       what, id);
	test_redis_do(&m->c.nodes[node], text);
}

/* Ends the migration on the first server. */
static void
tell_stable(struct moving *m)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u STABLE",
		       m->slot);
	test_redis_do(&m->c.nodes[m->from], text);
}

static void
move(struct moving *m, const char *key)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "MIGRATE 127.0.0.1 %d %s 0 5000",
		       m->c.nodes[m->to].port, key);
	test_redis_do(&m->c.nodes[m->from], text);
}

static void
move_rest(struct moving *m)
{
	char text[64];
	redisReply *keys;

	(void)snprintf(text, sizeof(text), "CLUSTER GETKEYSINSLOT %u 100",
		       m->slot);
	keys = test_redis_ask(&m->c.nodes[m->from], text);
	ck_assert_int_eq(keys->type, REDIS_REPLY_ARRAY);
	for (size_t i = 0; i < keys->elements; i++)
		move(m, keys->element[i]->str);
	freeReplyObject(keys);
	for (size_t i = 0; i < MASTERS; i++)
		tell(m, (m->to + i) % MASTERS, "NODE", m->to);
}

static void
open_moving(struct moving *m)
{
	struct fixture *r = &m->r;
	const struct fixture_key key = fixture_index("alice", "u:alice");

	*m = (struct moving){ .slot = 0 };
	test_cluster_start(&m->c, MASTERS, 0, NULL);
	fixture_at(r, m->c.nodes[0].url, true);
	m->slot = redis_slot(str_from(key.text));
	m->from = m->slot / (16384 / MASTERS + 1);
	m->to = (m->from + 1) % MASTERS;
	for (size_t i = 0; i < ARRAY_LEN(m->s); i++)
		m->s[i] = fixture_create(r, "alice", r->now + 1 + (int64_t)i);
	tell(m, m->to, "IMPORTING", m->from);
	tell(m, m->from, "MIGRATING", m->to);
}

static void
close_moving(struct moving *m)
{
	fixture_leave(&m->r);
	test_cluster_end(&m->c);
}

/* Moves the first session; that and the index of the user; or that index
 * alone. */
static void
move_some(struct moving *m, int which)
{
	static const char *const kinds[] = { "u:alice", "pages", "ends" };

	if (which != 2)
		move(m, fixture_key(&m->s[0]).text);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (which == 1 || (which == 2 && i == 0))
			move(m, fixture_index("alice", kinds[i]).text);
	if (which == 1)
		move(m, fixture_page("alice").text);
}

/* Operations on one session succeed. Operations on all sessions of a user are
 * refused and change nothing. */
START_TEST(half_of_a_slot)
{
	const struct identity renamed = { .name = STR("alice"),
					  .roles = STR("none") };
	const struct remark change = { .user = STR("alice"),
				       .from = { .b = { 1 } },
				       .to = { .b = { 2 } } };
	struct moving m;
	struct fixture *r = &m.r;
	struct session_answer got;
	struct session more;
	struct rotation use;
	enum rotate_answer answer;
	int64_t n;

	open_moving(&m);
	move_some(&m, _i);
	use = fixture_rotation(r, &m.s[0]);
	OK(r, fixture_rotate(r, &m.s[0], &use, r->now + 5, &answer));
	SAME(r, answer, ROTATE_DONE);
	for (size_t i = 0; i < ARRAY_LEN(m.s); i++) {
		HOLDS(r, fixture_is_alive(r, &m.s[i], r->now));
		OK(r, store_touch(r->conn, NOW(r),
				  TOUCH(m.s[i].id, r->now + 9, r->now + 3700),
				  &r->err));
	}
	SAME(r, fixture_live(r, NULL, r->now), 3);
	more = fixture_session(r, "alice", r->now);
	FAILS(r, store_create(r->conn, NOW(r), &more, 1, NULL, &r->err),
	      ERR_UNAVAILABLE, BUSY);
	FAILS(r,
	      store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n,
				&r->err),
	      ERR_UNAVAILABLE, BUSY);
	FAILS(r, store_update_user(r->conn, NOW(r), &renamed, &r->err),
	      ERR_UNAVAILABLE, BUSY);
	FAILS(r, store_remark(r->conn, NOW(r), &change, &r->err),
	      ERR_UNAVAILABLE, BUSY);
	FAILS(r, store_sweep(r->conn, AT(r, r->now + 99999), 99, &n, &r->err),
	      ERR_UNAVAILABLE, BUSY);
	/* Users of other slots are not affected. */
	(void)fixture_create(r, "bob", r->now);
	SAME(r, fixture_live(r, "bob", r->now), 1);
	move_rest(&m);
	SAME(r, fixture_live(r, "alice", r->now), 3);
	OK(r, store_find(r->conn, NOW(r), &m.s[2].id, &m.s[2].token, &got,
			 &r->err));
	HOLDS(r, got.found && identity_equal(&got.session.who, &m.s[2].who));
	OK(r, store_create(r->conn, NOW(r), &more, 3, &n, &r->err));
	SAME(r, n, 1);
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &more.id, &n,
				&r->err));
	SAME(r, n, 2);
	SAME(r, fixture_live(r, NULL, r->now), 2);
	close_moving(&m);
}
END_TEST

static int
revoke(struct fixture *r, const struct session *s)
{
	bool ended = false;
	int result = store_revoke(r->conn, NOW(r), &s->id, &ended, &r->err);

	SAME(r, ended, result == 0);
	return result;
}

/* Presents a token that the session never had. */
static int
reuse(struct fixture *r, const struct session *s)
{
	struct rotation use = fixture_rotation(r, s);
	enum rotate_answer answer = ROTATE_GONE;
	struct session copy = *s;
	int result;

	use.presented.b[0] ^= 1;
	result = fixture_rotate(r, &copy, &use, r->now, &answer);
	SAME(r, answer, result == 0 ? ROTATE_REUSED : ROTATE_GONE);
	return result;
}

/* One session can be ended whichever of its keys has been moved. */
START_TEST(ended_in_half_of_a_slot)
{
	struct moving m;
	struct fixture *r = &m.r;

	open_moving(&m);
	move_some(&m, _i % 3);
	for (size_t i = 0; i < ARRAY_LEN(m.s); i++) {
		OK(r, _i < 3 ? revoke(r, &m.s[i]) : reuse(r, &m.s[i]));
		HOLDS(r, !fixture_is_alive(r, &m.s[i], r->now));
	}
	move_rest(&m);
	SAME(r, fixture_live(r, "alice", r->now), 0);
	SAME(r, fixture_live(r, NULL, r->now), 0);
	(void)fixture_sweep(r, r->now + 99999);
	for (size_t i = 0; i < MASTERS; i++) {
		redisReply *n = test_redis_ask(&m.c.nodes[i], "DBSIZE");

		SAME(r, n->integer, 0);
		freeReplyObject(n);
	}
	close_moving(&m);
}
END_TEST

static void
expect_seen(struct fixture *r, const struct session *s, int64_t seen_ms)
{
	struct session_answer is;

	OK(r, store_find(r->conn, NOW(r), &s->id, &s->token, &is, &r->err));
	HOLDS(r, is.found);
	SAME(r, is.session.last_seen_ms, seen_ms);
	SAME(r, is.session.idle_expires_ms, seen_ms + 3600000);
}

/* The record of a session and its time of last use are on two servers. No key
 * is then created that is on the other server, too. */
START_TEST(seen_in_half_of_a_slot)
{
	const int64_t hour = 3600000;
	struct moving m;
	struct fixture *r = &m.r;
	struct session s;

	open_moving(&m);
	tell_stable(&m);
	s = fixture_session(r, "alice", r->now);
	s.idle_expires_ms = r->now + hour;
	s.expires_ms = r->now + 9 * hour;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 60000, r->now + 60000 + hour),
			  &r->err));
	tell(&m, m.from, "MIGRATING", m.to);
	move(&m, _i == 0 ? fixture_key(&s).text :
			   fixture_index("alice", "seen").text);
	if (_i == 0)
		expect_seen(r, &s, r->now + 60000);
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 120000, r->now + 120000 + hour),
			  &r->err));
	expect_seen(r, &s, r->now + 120000);
	move_rest(&m);
	expect_seen(r, &s, r->now + 120000);
	SAME(r, fixture_live(r, "alice", r->now), 4);
	close_moving(&m);
}
END_TEST

TCase *
redis_shard_cases(void)
{
	TCase *t = new_case("shards");

	tcase_add_test(t, ids_that_are_made_up);
	tcase_add_loop_test(t, half_of_a_slot, 0, 3);
	tcase_add_loop_test(t, ended_in_half_of_a_slot, 0, 6);
	tcase_add_loop_test(t, seen_in_half_of_a_slot, 0, 2);
	return t;
}
