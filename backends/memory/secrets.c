/* SPDX-License-Identifier: MIT */
/* A list of secrets. */
#include "backends/memory/secrets.h"

#include <stdlib.h>
#include <string.h>

void
memory_secrets_destroy(struct memory_secrets *t)
{
	while (t->first != NULL) {
		struct memory_secret *s = t->first;

		t->first = s->next;
		explicit_bzero(s->value, sizeof(s->value));
		free(s);
	}
}

int
memory_secrets_keep(struct memory_secrets *t, const char *name,
		    uint8_t value[32], struct err *err)
{
	size_t n = strlen(name) + 1;
	struct memory_secret *s = t->first;

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->next;
	if (s == NULL) {
		s = malloc(sizeof(*s) + n);
		if (s == NULL)
			return err_nomem(err);
		memcpy(s->name, name, n);
		memcpy(s->value, value, sizeof(s->value));
		s->next = t->first;
		t->first = s;
	}
	memcpy(value, s->value, sizeof(s->value));
	return 0;
}
