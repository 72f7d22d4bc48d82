/* SPDX-License-Identifier: MIT */
/* The Redis store after its server has lost the last writes. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/redis/client/cluster.h"

/* The shard of this user is on the first master of a cluster. */
#define USER	    "zoe"
#define FAILOVER_MS 30000
#define FILE_MAX_   (1 << 16)

/* Stops replication to the replica of a master, which stays reachable. */
static void
cut_off(const struct test_redis *master, const struct test_redis *replica)
{
	test_redis_do(master, "ACL SETUSER default -psync -sync");
	test_redis_do(master, "CLIENT KILL TYPE replica");
	test_redis_until(replica, "INFO replication",
			 "master_link_status:down");
}

/* Waits until a session can be looked for again. */
static void
wait_for_failover(struct fixture *r, const struct session *s)
{
	const int64_t end = process_now_ms() + FAILOVER_MS;
	struct session_answer got;

	while (store_find(r->conn, NOW(r), &s->id, &s->token, &got, &r->err) !=
	       0) {
		ck_assert_msg(r->err.code == ERR_UNAVAILABLE, "%s", r->err.msg);
		ck_assert_msg(process_now_ms() < end, "%s", r->err.msg);
		fixture_forgive(r);
		process_sleep_ms(50);
	}
}

/* A failover undoes the last operations as a whole: a session and its entry in
 * the list of the user exist both or neither. */
START_TEST(a_failover_keeps_a_session_and_its_entry_together)
{
	struct fixture r = { .name = NULL };
	struct session kept, rotated, revoked, lost, old;
	struct test_cluster c;
	const struct test_redis *master, *replica;
	struct rotation use;
	enum rotate_answer answer;
	bool ended;
	int64_t n;

	test_cluster_start(&c, 3, 1, NULL);
	master = &c.nodes[0];
	replica = &c.nodes[3];
	fixture_at(&r, c.nodes[1].url, true);
	ck_assert_uint_lt(
	    redis_slot(str_from(fixture_index(USER, "pages").text)),
	    REDIS_SLOTS / 3);
	kept = fixture_create(&r, USER, r.now);
	rotated = old = fixture_create(&r, USER, r.now + 1);
	revoked = fixture_create(&r, USER, r.now + 2);
	test_redis_until(replica, "INFO keyspace", "db0:keys=7");
	cut_off(master, replica);

	lost = fixture_session(&r, USER, r.now + 3);
	OK(&r, store_create(r.conn, NOW(&r), &lost, 3, &n, &r.err));
	SAME(&r, n, 1); /* ends `kept` */
	use = fixture_rotation(&r, &rotated);
	OK(&r, fixture_rotate(&r, &rotated, &use, r.now + 5, &answer));
	SAME(&r, answer, ROTATE_DONE);
	OK(&r, store_revoke(r.conn, NOW(&r), &revoked.id, &ended, &r.err));
	SAME(&r, fixture_live(&r, USER, r.now), 2);
	test_redis_stop(&c.nodes[0], SIGKILL);
	wait_for_failover(&r, &kept);

	HOLDS(&r, !fixture_is_alive(&r, &lost, r.now));
	HOLDS(&r, fixture_is_alive(&r, &kept, r.now));
	HOLDS(&r, fixture_is_alive(&r, &revoked, r.now));
	HOLDS(&r, fixture_is_alive(&r, &old, r.now));
	SAME(&r, fixture_live(&r, USER, r.now), 3);
	SAME(&r, fixture_live(&r, NULL, r.now), 3);
	/* The token of the lost rotation ends nothing. */
	use = fixture_rotation(&r, &rotated);
	OK(&r, fixture_rotate(&r, &rotated, &use, r.now + 9, &answer));
	SAME(&r, answer, ROTATE_FUTURE);
	OK(&r, store_revoke_user(r.conn, NOW(&r), STR(USER), NULL, &n, &r.err));
	SAME(&r, n, 3);
	HOLDS(&r, !fixture_is_alive(&r, &kept, r.now));
	HOLDS(&r, !fixture_is_alive(&r, &revoked, r.now));
	HOLDS(&r, !fixture_is_alive(&r, &old, r.now));
	SAME(&r, fixture_live(&r, NULL, r.now), 0);
	fixture_leave(&r);
	test_cluster_end(&c);
}
END_TEST

/* The file to which a server appends each write. */
struct aof {
	char path[160];
	char bytes[FILE_MAX_];
	size_t n;
};

static void
aof_read(struct aof *aof, const struct test_redis *server)
{
	FILE *f;

	(void)snprintf(aof->path, sizeof(aof->path),
		       "%s/appendonlydir/appendonly.aof.1.incr.aof",
		       server->folder);
	if (access(aof->path, F_OK) != 0) /* Redis 6 */
		(void)snprintf(aof->path, sizeof(aof->path),
			       "%s/appendonly.aof", server->folder);
	f = fopen(aof->path, "rb");
	ck_assert_msg(f != NULL, "%s", aof->path);
	aof->n = fread(aof->bytes, 1, sizeof(aof->bytes), f);
	ck_assert_uint_lt(aof->n, sizeof(aof->bytes));
	ck_assert_int_eq(fclose(f), 0);
}

/* Starts the server with the first n bytes of the file. */
static void
start_with(struct test_redis *server, const struct aof *aof, size_t n)
{
	FILE *f;

	test_redis_stop(server, SIGKILL);
	f = fopen(aof->path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(aof->bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	test_redis_again(server);
}

/* The server crashes anywhere in the replacement of a session by another one:
 * exactly one of them is alive and in the list. */
START_TEST(a_crash_keeps_a_session_and_its_entry_together)
{
	static struct aof before, after;
	struct fixture r = { .name = NULL };
	struct session first, second;
	int64_t n, seconds = 0, rounds = 0;

	test_redis_start(&r.server, 0, "appendonly yes\nappendfsync always\n");
	fixture_at(&r, r.server.url, false);
	first = fixture_create(&r, USER, r.now);
	aof_read(&before, &r.server);
	second = fixture_session(&r, USER, r.now + 1);
	OK(&r, store_create(r.conn, NOW(&r), &second, 1, &n, &r.err));
	SAME(&r, n, 1);
	aof_read(&after, &r.server);
	ck_assert_uint_gt(after.n, before.n);

	for (size_t at = before.n;; at += 61, rounds++) {
		bool is_second;

		if (at > after.n)
			at = after.n;
		start_with(&r.server, &after, at);
		is_second = fixture_is_alive(&r, &second, r.now);
		seconds += is_second;
		HOLDS(&r, fixture_is_alive(&r, &first, r.now) != is_second);
		SAME(&r, fixture_live(&r, USER, r.now), 1);
		SAME(&r, fixture_live(&r, NULL, r.now), 1);
		OK(&r, store_revoke_user(r.conn, NOW(&r), STR(USER), NULL, &n,
					 &r.err));
		SAME(&r, n, 1);
		SAME(&r, fixture_redis(&r, "DBSIZE"), 0);
		if (at == after.n)
			break;
	}
	SAME(&r, seconds, 1);
	HOLDS(&r, rounds > 9);
	fixture_leave(&r);
	test_redis_end(&r.server);
}
END_TEST

TCase *
redis_failover_cases(void)
{
	TCase *t = new_case("failover");

	tcase_add_test(t, a_failover_keeps_a_session_and_its_entry_together);
	tcase_add_test(t, a_crash_keeps_a_session_and_its_entry_together);
	return t;
}
