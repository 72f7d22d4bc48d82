/* SPDX-License-Identifier: MIT */
/* A change feed and what it reports, for the contract suite. */
#ifndef CONTRACT_STORE_FOLLOWER_H
#define CONTRACT_STORE_FOLLOWER_H

#include "strategy/feed.h"
#include "tests/contract/store/fixture.h"

#define SEEN_MAX 8192

/* One feed, and what it has reported. */
struct follower {
	struct fixture *r;
	void *feed;
	int wake;
	struct change_sink sink;
	bool all;
	size_t n;
	struct seen {
		struct change change;
		char user[IDENTITY_NAME_MAX];
	} v[SEEN_MAX];
};

/* A feed on the store of the fixture, and another handle to the same storage,
 * like that of another process, which makes the changes. */
struct watched {
	struct fixture *r;
	struct follower *follower;
	struct backend *second;
	struct store_conn *other;
};

bool fixture_has_feed(const struct fixture *r);

/* Opens a feed on a store of the fixture. */
struct follower *follower_open(struct fixture *r, const struct backend *store);
void follower_close(struct follower *f);

/* Makes a proof, which must succeed. */
void follower_prove(struct follower *f);

/* Forgets what was reported. */
void follower_forget(struct follower *f);

/* Returns whether a change was reported that covers this session. */
bool follower_covers(const struct follower *f, const struct session *s);

/* Opens the fixture and, if the store has a feed, the rest. */
struct watched watch_store(int kind);
void unwatch_store(struct watched *w);

#endif
