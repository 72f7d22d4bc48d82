/* SPDX-License-Identifier: MIT */
/* Mail with a link for a new password. */
#include "auth/reset_mail.h"

#include "strategy/one_time.h"
#include "auth/audit.h"
#include "auth/ban_key.h"
#include "auth/mail_text.h"
#include "auth/one_time_link.h"
#include "auth/pages.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/hosts.h"

#define ASKED_MAX 2048
#define LINK_MAX  4096

/* The lines of a record, in this order. */
enum asked_line {
	ASKED_LANGUAGE,
	ASKED_ADDRESS,
	ASKED_REQUEST_ID,
	ASKED_TYPED,
	ASKED_AGENT,
	ASKED_LINES
};

int
reset_mail_check(const struct settings *set, const struct backend *users,
		 struct err *err)
{
	if (set->account.reset != RESET_MAIL ||
	    (users->caps & USERS_REHASH) != 0)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is mail, but the service cannot change the passwords "
		       "of [users] driver = %s as it is configured",
		       set->users.driver->name);
}

/* Adds a line. A text that is not plain is left out: it cannot be a name. */
static void
add_line(struct buf *b, struct str text)
{
	text = str_clip(text, IDENTITY_TEXT_MAX);
	if (str_is_text(text))
		buf_add(b, text);
	buf_add_char(b, '\n');
}

int
reset_mail_ask(struct request_context *ctx, struct str typed,
	       const char *language, struct err *err)
{
	/* The address is none: such a record is not sent. */
	struct mail asked = { .to = STR("-"),
			      .kind = STR(RESET_ASKED),
			      .expires_ms = ctx->call.now_ms + RESET_LINK_MS };
	struct buf b;

	buf_init(&b, ctx->call.arena, ASKED_MAX);
	add_line(&b, str_from(language));
	add_line(&b, ctx->in->remote_addr);
	add_line(&b, ctx->in->request_id);
	/* Any other text may be a password. */
	add_line(&b, users_may_type(ctx->call.users, typed) ? typed : STR(""));
	add_line(&b, ctx->in->user_agent);
	if (buf_failed(&b))
		return err_nomem(err);
	asked.body = buf_str(&b);
	return factors_mail_add(ctx->call.factors, &ctx->call, &asked, err);
}

static int
read_asked(struct str body, struct str lines[ASKED_LINES], struct err *err)
{
	for (size_t i = 0; i < ASKED_LINES; i++) {
		if (!str_cut(&body, '\n', &lines[i]))
			return err_set(err, ERR_INPUT,
				       "the request is incomplete");
	}
	return 0;
}

/* Counts a mail under its user. *count.counted is false if there were too
 * many. */
static int
count_account(struct request_context *ctx, struct str user,
	      struct login_keys *k, struct login_count *count, struct err *err)
{
	struct str key;

	*k = (struct login_keys){ .n = 1, .window_ms = RESET_WINDOW_MS };
	k->v[0].max = RESET_ACCOUNT_MAX;
	if (ban_key_user(ctx->call.arena, user, &key, err) != 0 ||
	    ban_key_mail(ctx->call.arena, key, &k->v[0].key, err) != 0)
		return -1;
	return store_count(ctx->call.store, &ctx->call, k, count, err);
}

/* Makes the link, for this password of the user. A newer one voids an older
 * one. */
static int
make_link(struct request_context *ctx, const struct user *user, struct str *out,
	  struct err *err)
{
	const struct settings *set = ctx->service->set;
	char token[ONE_TIME_CHARS], print[ONE_TIME_PRINT_CHARS];
	const struct one_time what = { .kind = ONE_TIME_FORGOTTEN,
				       .user = user->who.name,
				       .data =
					   one_time_print(user->hash, print),
				       .expires_ms =
					   ctx->call.now_ms + RESET_LINK_MS };
	struct buf b;

	if (one_time_make(ctx->call.factors, &ctx->call, &what, true, token,
			  err) != 0)
		return -1;
	buf_init(&b, ctx->call.arena, LINK_MAX);
	hosts_add_origin(set, &b);
	buf_add(&b, set->server.path);
	buf_add(&b, STR(LINK_PATH));
	buf_add(&b, (struct str){ .p = token, .n = sizeof(token) });
	if (buf_failed(&b))
		return err_nomem(err);
	*out = buf_str(&b);
	return 0;
}

static int
queue_link(struct request_context *ctx, const struct user *user,
	   struct mail_text *text, struct err *err)
{
	static const char *const paragraphs[] = { TEXT("mail.reset.asked"),
						  TEXT("mail.reset.open"),
						  MAIL_TEXT_LINK,
						  TEXT("mail.reset.valid"),
						  TEXT("mail.reset.ignore"),
						  NULL };

	text->kind = "reset";
	text->subject = TEXT("mail.reset.subject");
	text->paragraphs = paragraphs;
	text->expires_ms = ctx->call.now_ms + RESET_LINK_MS;
	if (make_link(ctx, user, &text->link, err) != 0)
		return -1;
	return mail_text_queue(ctx, text, err);
}

/* Sends the link, unless the user was sent too many; *why is the outcome. */
static int
send_link(struct request_context *ctx, const struct user *user,
	  struct mail_text *text, const char **why, struct err *err)
{
	struct login_count count;
	struct login_keys k;
	struct err undo;

	if (count_account(ctx, text->user, &k, &count, err) != 0)
		return -1;
	*why = count.counted ? "sent" : "limited";
	if (!count.counted || queue_link(ctx, user, text, err) == 0)
		return 0;
	/* It is tried again; without the store it stays counted. */
	if (store_give_back(ctx->call.store, &ctx->call, k.v[0].key,
			    count.v[0].ends_ms, &undo) != 0)
		LOG(ctx->call.env->log, LOG_WARNING, "attempt_not_taken_back",
		    F_CSTR("reason", undo.msg));
	return -1;
}

static const char *
why_nobody(const struct user_answer *is)
{
	if (!is->found)
		return is->ambiguous ? "ambiguous_name" : "unknown_user";
	return is->user.disabled ? "disabled" : NULL;
}

static int
handle_asked(struct request_context *ctx, struct str typed, struct str language,
	     struct err *err)
{
	const struct pages *pages = ctx->service->pages;
	struct mail_text text = {
		.language = pages_language_of(pages, language),
	};
	struct str name = typed;
	struct account account;
	struct user_answer is;
	const char *why;

	if (users_find_typed(ctx->call.users, &ctx->call, typed, &is, err) != 0)
		return -1;
	why = why_nobody(&is);
	if (is.found)
		name = is.user.who.name;
	if (why == NULL) {
		text.user = name;
		if (factors_account(ctx->call.factors, &ctx->call, name,
				    &account, err) != 0)
			return -1;
		text.to = mail_text_address(&account, &is.user.who);
		if (text.to.n == 0)
			why = "no_address";
		else if (send_link(ctx, &is.user, &text, &why, err) != 0)
			return -1;
	}
	audit(ctx, "reset_asked", name, NULL, why);
	return 0;
}

int
reset_mail_handle(const struct service *s, const struct service_conns *conns,
		  struct arena *a, const struct mail *asked, struct err *err)
{
	struct http_request in = { .action = ACTION_ENDPOINT };
	struct request_context ctx = {
		.call = { .store = conns->store,
			  .users = conns->users,
			  .factors = factors_conn_bound(conns->factors),
			  .arena = a,
			  .env = s->shared->env,
			  .now_ms = env_wall_ms(s->shared->env) },
		.service = s,
		.in = &in,
	};
	struct str lines[ASKED_LINES];

	if (s->set->account.reset != RESET_MAIL)
		return 0;
	if (read_asked(asked->body, lines, err) != 0)
		return -1;
	in.remote_addr = lines[ASKED_ADDRESS];
	in.request_id = lines[ASKED_REQUEST_ID];
	in.user_agent = lines[ASKED_AGENT];
	return handle_asked(&ctx, lines[ASKED_TYPED], lines[ASKED_LANGUAGE],
			    err);
}
