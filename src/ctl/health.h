/* SPDX-License-Identifier: MIT */
/* In what state are users and store?  Looks, and changes nothing. */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H

#include "ctl/ctl.h"

enum health {
	HEALTH_OK,
	HEALTH_DAEMON,	    /* in the daemon's memory: not ours to see */
	HEALTH_NEW,	    /* the file does not exist yet, but can */
	HEALTH_OLDER,	    /* the schema; it will be migrated when opened */
	HEALTH_MIGRATE,	    /* the schema, and somebody must migrate it */
	HEALTH_NEWER,	    /* the schema */
	HEALTH_UNREACHABLE, /* see err */
};

struct health_report {
	enum health health;
	struct schema_state schema; /* of those that have been read */
	bool has_schema;
	char
	    advice[BACKEND_ADVICE_MAX]; /* of one that is HEALTH_OK, or empty */
	struct err err;
};

/* Connects when there is something to connect to. */
void health_look(struct ctl *c, const struct ctl_part *part,
		 struct health_report *out);


/* Nothing to do for anybody. */
bool health_is_good(enum health health);

/* In words. */
const char *health_text(enum health health);

#endif
