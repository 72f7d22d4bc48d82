/* SPDX-License-Identifier: MIT */
/* Notices by mail. */
#include "auth/notice.h"

#include "auth/mail_text.h"
#include "auth/page_frame.h"
#include "base/log.h"
#include "conf/mail.h"

#define NOTICE_LIFE_MS (INT64_C(86400) * 1000)

/* Queues a notice; does nothing if there is no address to send it to. */
static int
queue_notice(struct request_context *ctx, const struct identity *who,
	     struct mail_text *text, struct err *err)
{
	if (!mail_is_configured(&ctx->service->set->mail) ||
	    ctx->call.factors == NULL)
		return 0;
	text->user = who->name;
	text->expires_ms = ctx->call.now_ms + NOTICE_LIFE_MS;
	if (mail_text_address(ctx, who, &text->to, err) != 0)
		return -1;
	return text->to.n > 0 ? mail_text_queue(ctx, text, err) : 0;
}

void
notice_password_changed(struct request_context *ctx, const struct identity *who)
{
	static const char *const paragraphs[] = { TEXT("mail.changed.happened"),
						  TEXT("mail.changed.act"),
						  NULL };
	struct mail_text text = {
		.language = page_language(ctx, 200),
		.kind = "password_changed",
		.subject = TEXT("mail.changed.subject"),
		.paragraphs = paragraphs,
	};
	struct err err;

	if (queue_notice(ctx, who, &text, &err) != 0)
		LOG(ctx->call.env->log, LOG_WARNING, "notice_not_queued",
		    F_STR("user", who->name), F_CSTR("reason", err.msg),
		    F_STR("request", ctx->in->request_id));
}
