/* SPDX-License-Identifier: MIT */
/* Shared secrets in the memory store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_SECRETS_H
#define BACKENDS_MEMORY_SECRETS_H

#include "strategy/session_store.h"

struct memory_secret {
	struct memory_secret *next;
	uint8_t value[32];
	char name[];
};

struct memory_secrets {
	struct memory_secret *first;
};

void memory_secrets_destroy(struct memory_secrets *t);

/* Implements the operation `secret`. */
int memory_secrets_keep(struct memory_secrets *t, const char *name,
			uint8_t value[32], struct err *err) MUST_USE;

#endif
