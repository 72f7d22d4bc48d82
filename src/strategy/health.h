/* SPDX-License-Identifier: MIT */
/* In what state is a store or a user source?  Looks, and changes nothing. */
#ifndef STRATEGY_HEALTH_H
#define STRATEGY_HEALTH_H

#include "strategy/backend.h"

struct conn;

enum health {
	HEALTH_OK,
	HEALTH_DAEMON, /* in the daemon's memory: not ours to see */
	HEALTH_NEW, /* the file does not exist yet, but can */
	HEALTH_OLDER, /* the schema; it will be migrated when opened */
	HEALTH_MIGRATE, /* the schema, and somebody must migrate it */
	HEALTH_NEWER, /* the schema */
	HEALTH_UNREACHABLE, /* see err */
};

struct health_report {
	enum health health;
	struct schema_state schema; /* of those that have been read */
	bool has_schema;
	char
	    advice[BACKEND_ADVICE_MAX]; /* of one that is HEALTH_OK, or empty */
	struct err err; /* of one that is not good */
};

/* Connects when there is something to connect to; `file` is the one of an
 * embedded backend, else NULL. */
void health_look(struct conn *c, const char *file, struct health_report *out);

/* Nothing to do for anybody. */
bool health_is_good(enum health health);

/* In words. */
const char *health_text(enum health health);

/* HEALTH_OK, _OLDER, _MIGRATE or _NEWER. */
enum health health_of_schema(const struct backend_ops *ops,
			     const struct schema_state *schema);

/* ERR_CONFIG with what to do about a schema that is HEALTH_MIGRATE or _NEWER;
 * returns -1. */
int health_refuse(enum health health, const struct schema_state *schema,
		  struct err *err);

#endif
