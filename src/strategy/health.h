/* SPDX-License-Identifier: MIT */
/* Reports the state of a store or of a user source, and changes nothing. */
#ifndef STRATEGY_HEALTH_H
#define STRATEGY_HEALTH_H

#include "strategy/backend.h"

struct conn;

enum health {
	HEALTH_OK,
	HEALTH_DAEMON, /* in the memory of the daemon, where we cannot see it */
	HEALTH_NEW, /* the file does not exist yet, but can be created */
	HEALTH_OLDER, /* the schema is older; it is migrated when opened */
	HEALTH_MIGRATE, /* the schema is older; the administrator migrates it */
	HEALTH_NEWER, /* the schema is newer than the program */
	HEALTH_UNREACHABLE, /* see err */
};

struct health_report {
	enum health health;
	struct schema_state schema; /* zero if it was not read */
	bool has_schema;
	char advice[BACKEND_ADVICE_MAX]; /* empty unless HEALTH_OK */
	struct err err; /* set unless health_is_good() */
};

/* Fills *out. Connects unless `file` does not exist; `file` is the file of an
 * embedded backend, else NULL. */
void health_probe(struct conn *c, const char *file, struct health_report *out);

/* Returns whether the state needs no action of an administrator. */
bool health_is_good(enum health health);

/* Returns the state as a text for people. */
const char *health_text(enum health health);

/* Returns HEALTH_OK, _OLDER, _MIGRATE or _NEWER. */
enum health health_of_schema(const struct backend_ops *ops,
			     const struct schema_state *schema);

/* Fills *err with ERR_CONFIG and with what to do about a schema that is
 * HEALTH_MIGRATE or _NEWER; returns -1. */
int health_refuse(enum health health, const struct schema_state *schema,
		  struct err *err);

#endif
