/* SPDX-License-Identifier: MIT */
/*
 * The contract of api/user_source.h, asked of every source that can be
 * written: a new one is a line in kinds[].
 */
#ifndef TESTS_USERS_RIG_H
#define TESTS_USERS_RIG_H

#include "api/users.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

/* One opened source, fresh and empty, with one link. */
struct rig {
	const char *name;
	const struct user_source_ops *ops;
	struct fake_env fake;
	int64_t now;
	char folder[64], path[96];
	struct users *users;
	struct users_link *l;
	struct arena *a;
	struct err err;
};

int rig_count(void);
struct rig *rig_open(int kind);
void rig_close(struct rig *r);

/* A restart, in two halves. */
void rig_stop(struct rig *r);
void rig_start(struct rig *r);

struct users_link *rig_link(struct rig *r);

#endif
