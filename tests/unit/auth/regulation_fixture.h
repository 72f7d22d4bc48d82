/* SPDX-License-Identifier: MIT */
/* The setup of the tests of regulation: users, addresses, attempts and bans. */
#ifndef UNIT_AUTH_REGULATION_FIXTURE_H
#define UNIT_AUTH_REGULATION_FIXTURE_H

#include "tests/support/run.h"
#include "tests/support/call.h"

#include "auth/ban_key.h"
#include "base/buf.h"
#include "tests/support/flow.h"

#define USER_MAX    3
#define ADDRESS_MAX 6
#define BAN_S	    300

static const char ini[] = "[store]\ndriver = memory\n"
			  "[limits]\nlogin_attempts = 3\n"
			  "login_attempts_address = 6\n"
			  "trusted = 10.0.0.0/8 2001:db8:7::/48\n";

/* A hash of FLOW_PASSWORD that takes no time. */
#define BCRYPT "$2y$04$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"

static struct flow f;

static void
quick_hashes(void)
{
	for (size_t i = 0; i < f.users_table.n; i++)
		f.users_table.v[i].hash = STR(BCRYPT);
}

static inline void
setup(void)
{
	flow_init(&f, ini);
	quick_hashes();
}

static void
teardown(void)
{
	flow_free(&f);
}

static struct flow_answer
login(const char *user, const char *password, const char *address)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/login",
				       "CONTENT_TYPE=application/json",
				       flow_text(&f, "REMOTE_ADDR=%s", address),
				       NULL };

	return flow_ask(&f, false, params,
			flow_text(&f,
				  "{\"username\":\"%s\",\"password\":\"%s\"}",
				  user, password));
}

static inline unsigned
right(const char *user, const char *address)
{
	return login(user, FLOW_PASSWORD, address).status;
}

static inline unsigned
wrong(const char *user, const char *address)
{
	return login(user, "wrong", address).status;
}

#define address(...) flow_text(&f, __VA_ARGS__)

/* The reasons of the current bans, the longest ban first. */
static inline const char *
reasons(void)
{
	struct arena *a = arena_new((size_t)1 << 20);
	struct ban_list bans;
	struct err err;
	struct buf b;
	const char *text;

	buf_init(&b, a, 1024);
	ck_assert_int_eq(store_bans(f.conns.store, CALL_AT(a, f.fake.wall_ms),
				    BAN_S * 1000, 100, &bans, &err),
			 0);
	for (size_t i = 0; i < bans.n; i++) {
		enum ban_kind kind;
		struct str value;

		ck_assert(ban_key_read(bans.v[i].key, &kind, &value));
		buf_printf(&b, "%s%s %.*s", i > 0 ? ", " : "",
			   ban_kind_names[kind].reason, STR_ARG(value));
	}
	text = flow_text(&f, "%.*s", STR_ARG(buf_str(&b)));
	arena_free(a);
	return text;
}

#endif
