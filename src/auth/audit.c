/* SPDX-License-Identifier: MIT */
/* The audit log. */
#include "auth/audit.h"

#include "auth/metrics.h"
#include "base/enc.h"
#include "base/log.h"

/* A claimed name that is not valid is replaced: it may be a password typed into
 * the wrong field, and a text that cannot be a name is of no use. */
static struct str
claimed(struct str user)
{
	return identity_name_is_valid(user) ? user : STR("(invalid)");
}

static void
count_event(const struct request_context *ctx, const char *event, int64_t n)
{
	metrics_add_event(ctx->service->shared->metrics, ctx->call.arena, event,
			  (uint64_t)n);
}

static void
audit_write_line(const struct request_context *ctx, const char *event,
		 struct str user, const struct log_field *facts, size_t nfacts)
{
	struct log_field fields[7];
	size_t n = 0;

	if (user.n > 0)
		fields[n++] = F_STR("user", claimed(user));
	for (size_t i = 0; i < nfacts; i++)
		fields[n++] = facts[i];
	fields[n++] = F_STR("address", ctx->in->remote_addr);
	if (ctx->in->request_id.n > 0)
		fields[n++] = F_STR("request", ctx->in->request_id);
	/* Last and of bounded length: the client chooses how long it is. */
	fields[n++] = F_STR("user_agent",
			    str_clip(ctx->in->user_agent, IDENTITY_TEXT_MAX));
	log_event(ctx->call.env->log, LOG_INFO, "audit", event, fields, n);
}

void
audit(const struct request_context *ctx, const char *event, struct str user,
      const struct session_id *session, const char *why)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];
	struct log_field facts[2];
	size_t n = 0;

	if (session != NULL) {
		hex_encode(session->b, sizeof(session->b), id);
		facts[n++] = F_STR("session",
				   ((struct str){ .p = id, .n = sizeof(id) }));
	}
	if (why != NULL)
		facts[n++] = F_CSTR("why", why);
	count_event(ctx, event, 1);
	audit_write_line(ctx, event, user, facts, n);
}

void
audit_added(const struct request_context *ctx, const struct identity *who,
	    const char *why)
{
	const struct log_field facts[] = { F_STR("roles", who->roles),
					   F_CSTR("why", why) };

	count_event(ctx, "user_added", 1);
	audit_write_line(ctx, "user_added", who->name, facts, ARRAY_LEN(facts));
}

void
audit_ended(const struct request_context *ctx, const char *event,
	    struct str user, int64_t ended, const char *why)
{
	const struct log_field facts[] = {
		F_INT("ended", ended),
		F_CSTR("why", why != NULL ? why : ""),
	};

	/* A client may ask for it as often as it likes. */
	if (ended == 0)
		return;
	count_event(ctx, event, ended);
	audit_write_line(ctx, event, user, facts, why != NULL ? 2 : 1);
}

void
audit_bounded(const struct request_context *ctx, struct log_limit *limit,
	      const char *event, struct str user, const char *why)
{
	int64_t left_out;

	if (log_limit_take(limit, env_mono_ms(ctx->call.env), 1, &left_out))
		audit_write_line(ctx, event, user,
				 (const struct log_field[]){
				     F_CSTR("why", why),
				     F_INT("suppressed", left_out) },
				 left_out > 0 ? 2 : 1);
}
