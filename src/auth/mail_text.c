/* SPDX-License-Identifier: MIT */
/* Mail to a user. */
#include "auth/mail_text.h"

#include "auth/pages.h"
#include "base/buf.h"
#include "base/mailbox.h"
#include "conf/hosts.h"

struct str
mail_text_address(const struct account *account, const struct identity *who)
{
	const struct str to = account->verified_email.n > 0 ?
				  account->verified_email :
				  who->email;

	return mailbox_is_address(to) ? to : STR("");
}

/* Adds the name of the site, as mail programs expect a signature. */
static void
add_signature(const struct settings *set, struct buf *b)
{
	if (set->pages.title.n == 0 && !hosts_know_origin(set))
		return;
	buf_add(b, STR("-- \n"));
	if (set->pages.title.n > 0)
		buf_add(b, set->pages.title);
	else
		hosts_add_origin(set, b);
	buf_add_char(b, '\n');
}

int
mail_text_queue(struct request_context *ctx, const struct mail_text *text,
		struct err *err)
{
	const struct service *s = ctx->service;
	const struct html_var vars[] = {
		HTML_VALUE("user", text->user),
		HTML_VALUE("address", ctx->in->remote_addr),
		HTML_VALUE("contact", s->set->pages.contact),
	};
	const struct html_scope scope = { .vars = vars, .n = ARRAY_LEN(vars) };
	const struct page_language *lang = text->language;
	struct mail mail = { .user = text->user,
			     .to = text->to,
			     .kind = str_from(text->kind),
			     .expires_ms = text->expires_ms };
	struct buf b;

	if (lang == NULL)
		lang = pages_negotiate(s->pages, STR(""));
	buf_init(&b, ctx->call.arena, MAIL_BODY_MAX);
	pages_write_plain(s->pages, lang, str_from(text->subject), &scope, &b);
	buf_add_char(&b, '\n');
	for (size_t i = 0; text->paragraphs[i] != NULL; i++) {
		if (text->paragraphs[i][0] == '\0')
			buf_add(&b, text->link);
		else
			pages_write_plain(s->pages, lang,
					  str_from(text->paragraphs[i]), &scope,
					  &b);
		buf_add(&b, STR("\n\n"));
	}
	if (s->set->pages.contact.n > 0) {
		pages_write_plain(s->pages, lang, str_from(TEXT("mail.ask")),
				  &scope, &b);
		buf_add(&b, STR("\n\n"));
	}
	add_signature(s->set, &b);
	if (buf_failed(&b))
		return err_nomem(err);
	mail.body = buf_str(&b);
	return factors_mail_add(ctx->call.factors, &ctx->call, &mail, err);
}
