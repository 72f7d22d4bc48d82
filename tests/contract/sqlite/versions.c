/* SPDX-License-Identifier: MIT */
/* A file of each earlier version is upgraded and keeps its contents. */
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include "backends/sqlite/conn.h"
#include "base/enc.h"
#include "crypto/digest.h"

int
fixture_migrate_to(struct fixture *r, const char *component,
		   const char *const *steps, size_t nsteps,
		   struct schema_state *state)
{
	const struct sqlite_spec spec = { .component = component,
					  .steps = steps,
					  .nsteps = nsteps };
	const struct sqlite_conf conf = { .path = r->path };
	void *file, *conn;
	int result;

	OK(r, sqlite_file_open(&spec, &conf, &r->fake.env, &file, &r->err));
	OK(r, sqlite_connect(file, &conn, &r->err));
	result = sqlite_migrate(conn, &r->err);
	if (result == 0)
		OK(r, sqlite_schema(conn, state, &r->err));
	sqlite_disconnect(conn);
	sqlite_file_close(file);
	return result;
}

static const char *const store_steps[] = {
#include "backends/sqlite/store_schema.inc"
};

static const char *const users_steps[] = {
#include "backends/sqlite/users_schema.inc"
};

#define SESSION_COLUMNS                                                        \
	"INSERT INTO sessions (id, token, name, roles, email, full_name,"      \
	" created_ms, last_seen_ms, idle_expires_ms, expires_ms, remember,"    \
	" address, user_agent) "

/* Rows for every table. The first row is the session of alice. */
static const char first[] = SESSION_COLUMNS
    "VALUES (zeroblob(16), zeroblob(32), 'alice', 'staff', 'a@example.com',"
    " 'A', 1767225500000, 1767225600000, 1767225700000, 1767225800000, 1,"
    " '192.0.2.1', 'Agent/1.0'),"
    " (randomblob(16), randomblob(32), 'bob', '', '', '',"
    "  0, 0, 1767225700000, 1767225800000, 0, '', '');"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 3000) " SESSION_COLUMNS "SELECT randomblob(16), randomblob(32),"
    " 'many', '', '', '', i, i, 1767225700000, 1767225800000, 0, '', ''"
    " FROM n;"
    "INSERT INTO attempts VALUES ('user:bob', 4, 1, 1767225700000);"
    "INSERT INTO secrets VALUES ('csrf', zeroblob(32))";

static const char second[] =
    "UPDATE sessions SET generation = 3, parent = randomblob(32),"
    " wrapped = randomblob(32), rotated_ms = 1767225600000"
    " WHERE name = 'alice';"
    "INSERT INTO denials VALUES ('sid:x', 1767225600000, 1767225700000)";

static const char third[] =
    "UPDATE sessions SET mark = x'0102030405060708090a0b0c0d0e0f10'"
    " WHERE name = 'alice'";

static const char fourth[] =
    "INSERT INTO known_networks VALUES ('alice', zeroblob(16), 1767225700000)";

/* The fifth version only changes the primary key of the sessions. */
static const char fifth[] = "SELECT 1";

static const char sixth[] =
    "INSERT INTO changes (kind, what) VALUES (1, zeroblob(16))";

/* The seventh version only changes indexes. */
static const char seventh[] = "SELECT 1";

static const char eighth[] = "UPDATE sessions SET auth_ms = 1767225600000"
			     " WHERE name = 'alice'";

/* What each version added to a file. */
static const struct {
	const char *sql;
	uint32_t generation; /* of alice */
	bool denies, marked;
} store_versions[] = {
	{ first, 0, false, false }, { second, 3, true, false },
	{ third, 3, true, true },   { fourth, 3, true, true },
	{ fifth, 3, true, true },   { sixth, 3, true, true },
	{ seventh, 3, true, true }, { eighth, 3, true, true },
};

static void
expect_denied(struct fixture *r, struct str key, bool expected)
{
	bool denied;

	OK(r, store_denied(r->conn, NOW(r), ASKED(&key, 1, r->now), &denied,
			   &r->err));
	ck_assert_msg(denied == expected, "the token is denied: %d", denied);
}

static void
expect_all(struct fixture *r, uint32_t generation, bool denies, bool marked)
{
	struct session s = { .created_ms = 0 };
	struct session_answer got;
	struct rotation use = { .next = { { 7 } },
				.idle_ms = 1000,
				.generation = generation };
	struct rotated rotated;
	uint8_t secret[32] = { 9 };
	int64_t n;

	OK(r, store_find(r->conn, NOW(r), &s.id, &s.token, &got, &r->err));
	ck_assert(got.found && got.session.remember);
	SAME(r, password_mark_is_known(&got.session.mark), marked);
	SAME(r, got.session.generation, generation);
	ck_assert(str_eq(got.session.who.name, STR("alice")));
	ck_assert(str_eq(got.session.who.email, STR("a@example.com")));
	ck_assert(str_eq(got.session.user_agent, STR("Agent/1.0")));
	SAME(r, got.session.expires_ms, INT64_C(1767225800000));
	OK(r, ask_ban(r->conn, NOW(r), STR("user:bob"), 300000, &n, &r->err));
	SAME(r, n, INT64_C(1767225700000));
	OK(r, store_secret(r->conn, NOW(r), "csrf", secret, &r->err));
	SAME(r, secret[0], 0);
	expect_denied(r, STR("sid:x"), denies);
	/* New operations work for old sessions. */
	OK(r, store_rotate(r->conn, NOW(r), &use, &rotated, &r->err));
	SAME(r, rotated.answer, ROTATE_DONE);
	SAME(r, rotated.session.generation, generation + 1);
	OK(r, store_deny(r->conn, NOW(r),
			 DENIAL(STR("sid:a"), r->now, r->now + 1), &r->err));
	expect_denied(r, STR("sid:a"), true);
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	SAME(r, n, 3002);
}

/* Each version needs a row in the table above. */
START_TEST(store_versions_are_migrated)
{
	ck_assert_uint_eq(ARRAY_LEN(store_versions), ARRAY_LEN(store_steps));
	for (size_t v = 1; v <= ARRAY_LEN(store_steps); v++) {
		struct fixture *r = fixture_open();
		struct schema_state state;

		fixture_stop(r);
		OK(r, fixture_migrate_to(r, "store", store_steps, v, &state));
		SAME(r, state.have, (int64_t)v);
		for (size_t i = 0; i < v; i++)
			fixture_sql(r->path, store_versions[i].sql);
		fixture_start(r);
		OK(r, store_schema(r->conn, &state, &r->err));
		SAME(r, state.have, (int64_t)v);
		OK(r, store_check_schema(r->conn, &r->err)); /* migrates */
		OK(r, store_schema(r->conn, &state, &r->err));
		SAME(r, state.have, state.want);
		SAME(r, state.want, (int64_t)ARRAY_LEN(store_steps));
		expect_all(r, store_versions[v - 1].generation,
			   store_versions[v - 1].denies,
			   store_versions[v - 1].marked);
		fixture_close(r);
	}
}
END_TEST

static const char *const users_versions[] = {
	"INSERT INTO users VALUES ('alice', '$x$', 'admin,staff',"
	" 'a@example.com', 'Alice', 0, 5, 6), ('bob', '$y$', '', '', '', 1,"
	" 7, 8)",
	"SELECT 1", /* The second version only adds indexes. */
};

START_TEST(users_versions_are_migrated)
{
	ck_assert_uint_eq(ARRAY_LEN(users_versions), ARRAY_LEN(users_steps));
	for (size_t v = 1; v <= ARRAY_LEN(users_steps); v++) {
		struct fixture *r = fixture_open();
		struct schema_state state;
		struct user_answer is;

		fixture_stop(r);
		OK(r, fixture_migrate_to(r, "users", users_steps, v, &state));
		for (size_t i = 0; i < v; i++)
			fixture_sql(r->path, users_versions[i]);
		fixture_start(r);
		OK(r, users_check_schema(r->users_conn, &r->err));
		OK(r, users_schema(r->users_conn, &state, &r->err));
		SAME(r, state.have, state.want);
		OK(r, users_find(r->users_conn, CALL_AT(r->a, 0), STR("alice"),
				 &is, &r->err));
		ck_assert(is.found && !is.user.disabled);
		ck_assert(str_eq(is.user.hash, STR("$x$")));
		ck_assert(str_eq(is.user.who.roles, STR("admin,staff")));
		ck_assert(str_eq(is.user.who.full_name, STR("Alice")));
		SAME(r, is.user.created, 5);
		OK(r, users_find(r->users_conn, CALL_AT(r->a, 0), STR("bob"),
				 &is, &r->err));
		ck_assert(is.found && is.user.disabled);
		fixture_close(r);
	}
}
END_TEST

/* Published steps must not change, because files were created with them. Add
 * the digest of a new step when it is published. */
START_TEST(published_steps_are_unchanged)
{
	const struct {
		const char *step;
		const char *sha256;
	} rows[] = {
		{ store_steps[0], "afbf2401a333acd349eb4cd89e641bfb"
				  "21ac535508904f1b6a183bac7ba5618e" },
		{ store_steps[1], "05ba28d61bfc373086007cd2ee7366f0"
				  "38c1f0966a156f81ab17b83175bf7d14" },
		{ users_steps[0], "5b4fbf6ff78150bbc288c48963b46f78"
				  "0549ef2830c03e3471c27680eae135ef" },
	};

	ck_assert_int_eq(crypto_init(), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t digest[DIGEST_BYTES];
		char hex[HEX_LEN(DIGEST_BYTES) + 1] = "";

		digest_sha256(str_from(rows[i].step), digest);
		hex_encode(digest, sizeof(digest), hex);
		ck_assert_msg(strcmp(hex, rows[i].sha256) == 0,
			      "row %zu was changed: %s", i, hex);
	}
}
END_TEST

TCase *
sqlite_version_cases(void)
{
	TCase *t = new_case("versions");

	tcase_add_test(t, store_versions_are_migrated);
	tcase_add_test(t, users_versions_are_migrated);
	tcase_add_test(t, published_steps_are_unchanged);
	return t;
}
