/* SPDX-License-Identifier: MIT */
/* Notices by mail. */
#include "auth/notice.h"

#include "auth/mail_text.h"
#include "auth/page_frame.h"
#include "base/log.h"
#include "conf/mail.h"
#include "conf/problems.h"

#define NOTICE_LIFE_MS (INT64_C(86400) * 1000)

/* What causes a notice, and what it says. */
struct cause {
	const char *kind, *subject, *const *paragraphs;
	bool new_network;
};

/* Sets *wanted to whether the user is told of a sign-in. Of the first one they
 * are not: its network is the only one then. */
static int
wants_login(struct request_context *ctx, const struct account *account,
	    struct str user, bool *wanted, struct err *err)
{
	struct known_networks known = { .n = 0 };
	bool yes = account->notify == NOTIFY_YES;

	if (account->notify == NOTIFY_DEFAULT)
		yes = ctx->service->set->account.notify_login;
	if (yes &&
	    store_networks(ctx->call.store, &ctx->call, user, &known, err) != 0)
		return -1;
	*wanted = known.n > 1;
	return 0;
}

/* Does nothing if there is no address to send the notice to, or if the user
 * does not want it. */
static int
queue_notice(struct request_context *ctx, const struct identity *who,
	     const struct cause *cause, const struct page_language *language,
	     struct err *err)
{
	struct mail_text text = {
		.user = who->name,
		.language = language,
		.kind = cause->kind,
		.subject = cause->subject,
		.paragraphs = cause->paragraphs,
		.expires_ms = ctx->call.now_ms + NOTICE_LIFE_MS,
	};
	struct account account;
	bool wanted = true;

	if (!mail_is_configured(&ctx->service->set->mail) ||
	    ctx->call.factors == NULL)
		return 0;
	if (factors_account(ctx->call.factors, &ctx->call, who->name, &account,
			    err) != 0 ||
	    (cause->new_network &&
	     wants_login(ctx, &account, who->name, &wanted, err) != 0))
		return -1;
	text.to = mail_text_address(&account, who);
	if (!wanted || text.to.n == 0)
		return 0;
	return mail_text_queue(ctx, &text, err);
}

static void
notify(struct request_context *ctx, const struct identity *who,
       const struct cause *cause)
{
	struct err err;

	if (queue_notice(ctx, who, cause, page_language(ctx, 200), &err) != 0)
		LOG(ctx->call.env->log, LOG_WARNING, "notice_not_queued",
		    F_STR("user", who->name), F_CSTR("reason", err.msg),
		    F_STR("request", ctx->in->request_id));
}

void
notice_password_changed(struct request_context *ctx, const struct identity *who)
{
	static const char *const paragraphs[] = { TEXT("mail.changed.happened"),
						  TEXT("mail.changed.act"),
						  NULL };
	static const struct cause cause = { .kind = "password_changed",
					    .subject =
						TEXT("mail.changed.subject"),
					    .paragraphs = paragraphs };

	notify(ctx, who, &cause);
}

void
notice_new_network(struct request_context *ctx, const struct identity *who)
{
	static const char *const paragraphs[] = { TEXT("mail.login.happened"),
						  TEXT("mail.login.act"),
						  NULL };
	static const struct cause cause = { .kind = "new_network",
					    .subject =
						TEXT("mail.login.subject"),
					    .paragraphs = paragraphs,
					    .new_network = true };

	notify(ctx, who, &cause);
}

int
notice_changed_by_admin(const struct settings *set, const struct call *c,
			const struct identity *who, struct err *err)
{
	static const char *const paragraphs[] = { TEXT("mail.changed.by_admin"),
						  NULL };
	static const struct cause cause = { .kind = "password_changed",
					    .subject =
						TEXT("mail.changed.subject"),
					    .paragraphs = paragraphs };
	struct http_request in = { .action = ACTION_ENDPOINT };
	struct service service = { .set = set };
	struct request_context ctx = { .call = *c,
				       .service = &service,
				       .in = &in };
	struct problems problems;

	problems_init(&problems, c->arena);
	if (pages_open(set, c->arena, &service.pages, &problems) != 0)
		return err_set(err, ERR_CONFIG, "%s", problems.first->text);
	return queue_notice(&ctx, who, &cause, pages_fixed(service.pages), err);
}
