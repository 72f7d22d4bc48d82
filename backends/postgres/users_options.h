/* SPDX-License-Identifier: MIT */
/* The options of users in PostgreSQL. */
#ifndef BACKENDS_POSTGRES_USERS_OPTIONS_H
#define BACKENDS_POSTGRES_USERS_OPTIONS_H

#include "strategy/user_source.h"
#include "backends/postgres/conn.h"

struct users_postgres_conf {
	struct postgres_conf pg; /* must be first, for postgres_check() */
	struct str query, update_hash;
	struct users_forms forms;
};

extern const struct option postgres_users_options[];

#endif
