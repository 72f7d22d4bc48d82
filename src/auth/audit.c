/* SPDX-License-Identifier: MIT */
/* The audit log. */
#include "auth/audit.h"

#include "base/enc.h"
#include "base/log.h"

/* What a client claims is cut: it may be a password typed into the wrong box,
 * and is of no use beyond what a name can have. */
static struct str
claimed(struct str user)
{
	return identity_name_is_valid(user) ? user : STR("(invalid)");
}

void
audit(const struct exchange *e, const char *event, struct str user,
      const struct session_id *session, const char *why)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];
	struct log_field fields[6];
	size_t n = 0;

	fields[n++] = F_STR("user", claimed(user));
	if (session != NULL) {
		hex_encode(session->b, sizeof(session->b), id);
		fields[n++] = F_STR("session",
				    ((struct str){ .p = id, .n = sizeof(id) }));
	}
	fields[n++] = F_STR("address", e->in->remote_addr);
	fields[n++] = F_STR("user_agent", e->in->user_agent);
	if (why != NULL)
		fields[n++] = F_CSTR("why", why);
	log_event(e->call.env->log, LOG_INFO, "audit", event, fields, n);
}
