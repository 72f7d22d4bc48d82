/* SPDX-License-Identifier: MIT */
/* How long the change feed of a SQLite file waits. */
#include "strategy/feed.h"
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"
#include "tests/support/process.h"

#define LONG_MS 60000

extern const struct session_store_ops store_sqlite;

static void
ignore_any(void *ctx, const struct change *change)
{
	(void)ctx;
	(void)change;
}

/* The clock of a machine so busy that each short sleep lasts long. */
static int64_t
busy_clock_ms(void *ctx)
{
	struct fake_env *fake = ctx;

	fake_env_advance_ms(fake, LONG_MS / 4);
	return atomic_load(&fake->mono_ms);
}

/* Otherwise the next proof would be late. */
START_TEST(a_wait_on_a_busy_machine_ends_in_time)
{
	const struct change_sink sink = { .changed = ignore_any };
	const struct feed_conf conf = { .sink = &sink,
					.timeout_ms = 5000,
					.wake = -1 };
	struct fixture *r = fixture_open();
	int64_t began;
	void *feed;

	fixture_migrate(r);
	(void)fixture_create(r);
	OK(r, store_sqlite.feed->open(r->store->opened, &conf, &feed, &r->err));
	/* After a write the feed looks often. */
	fixture_sql(r->path,
		    "UPDATE sessions SET last_seen_ms = 1 + last_seen_ms");
	OK(r, store_sqlite.feed->wait(feed, 1, &r->err));
	r->fake.env.clock.mono_ms = busy_clock_ms;
	began = process_now_ms();
	OK(r, store_sqlite.feed->wait(feed, LONG_MS, &r->err));
	HOLDS(r, process_now_ms() - began < LONG_MS / 4);
	store_sqlite.feed->close(feed);
	fixture_close(r);
}
END_TEST

TCase *
sqlite_feed_wait_cases(void)
{
	TCase *t = new_case("feed_wait");

	tcase_add_test(t, a_wait_on_a_busy_machine_ends_in_time);
	return t;
}
