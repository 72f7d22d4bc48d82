/* SPDX-License-Identifier: MIT */
/* The rules for a stored session, whichever program has stored it. */
#include "strategy/session_check.h"

#include "base/enc.h"

#define CLIENT_MAX 256 /* address, user agent */

static bool
is_of_client(struct str text)
{
	return text.n <= CLIENT_MAX && str_find(text, '\0') == text.n;
}

/* Returns the name of the first invalid field; NULL: all are valid. */
static const char *
find_damage(const struct session *s)
{
	struct err ignored; /* the field says enough */

	if (s->created_ms < 0)
		return "created_ms";
	if (s->last_seen_ms < 0)
		return "last_seen_ms";
	if (s->idle_expires_ms < 0)
		return "idle_expires_ms";
	if (s->expires_ms < 0)
		return "expires_ms";
	if (s->auth_ms < 0)
		return "auth_ms";
	if (identity_check(&s->who, &ignored) != 0)
		return "identity";
	if (!is_of_client(s->address))
		return "address";
	if (!is_of_client(s->user_agent))
		return "user_agent";
	return NULL;
}

void
session_check(struct session *s)
{
	const struct str none = { .p = "", .n = 0 };

	if (s->damage == NULL)
		s->damage = find_damage(s);
	if (s->damage == NULL)
		return;
	s->who = (struct identity){ none, none, none, none };
	s->address = none;
	s->user_agent = none;
}

int
session_refuse_damaged(const struct session *s, struct err *err)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];

	if (s->damage == NULL)
		return 0;
	hex_encode(s->id.b, sizeof(s->id.b), id);
	return err_set(err, ERR_BUSY, "session %.*s is damaged: %s",
		       (int)sizeof(id), id, s->damage);
}
