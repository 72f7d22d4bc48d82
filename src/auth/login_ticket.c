/* SPDX-License-Identifier: MIT */
/* Tickets of sign-ins that are not complete. */
#include "auth/login_ticket.h"

#include <string.h>

#include "strategy/one_time.h"
#include "auth/pre_session.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/digest.h"

#define TICKET_MS     (INT64_C(300) * 1000)
#define BINDING_CHARS BASE64URL_LEN(DIGEST_BYTES)
#define DATA_MAX      (2 + ONE_TIME_PRINT_CHARS + 1 + BINDING_CHARS)

/* The words of the data of a ticket: "1" or "0" for `remember`, the print of
 * the hash of the password, and the hash of the pre-session cookie. */
struct ticket_words {
	struct str remember, print;
	struct str binding; /* empty if there was no cookie */
};

static struct str
binding_of(const struct request_context *ctx, char text[BINDING_CHARS])
{
	const struct str cookie = pre_session_value(ctx);
	uint8_t digest[DIGEST_BYTES];

	if (cookie.n == 0)
		return STR("");
	digest_sha256(cookie, digest);
	base64url_encode(digest, sizeof(digest), text);
	return (struct str){ .p = text, .n = BINDING_CHARS };
}

int
login_ticket_make(struct request_context *ctx, const struct user *user,
		  bool remember, struct str *text, struct err *err)
{
	struct one_time secret = { .kind = ONE_TIME_TICKET,
				   .user = user->who.name,
				   .expires_ms = ctx->call.now_ms + TICKET_MS };
	char print[ONE_TIME_PRINT_CHARS], binding[BINDING_CHARS];
	char *made = arena_alloc(ctx->call.arena, ONE_TIME_CHARS);
	struct buf data;

	buf_init(&data, ctx->call.arena, DATA_MAX);
	buf_add(&data, remember ? STR("1 ") : STR("0 "));
	buf_add(&data, one_time_print(user->hash, print));
	buf_add_char(&data, ' ');
	buf_add(&data, binding_of(ctx, binding));
	if (made == NULL || buf_failed(&data))
		return err_nomem(err);
	secret.data = buf_str(&data);
	/* Not alone: somebody may sign in in two tabs. */
	if (one_time_make(ctx->call.factors, &ctx->call, &secret, false, made,
			  err) != 0)
		return -1;
	*text = (struct str){ .p = made, .n = ONE_TIME_CHARS };
	return 0;
}

static bool
read_words(struct str data, struct ticket_words *out)
{
	*out = (struct ticket_words){ .binding = STR("") };
	if (!str_word(&data, &out->remember) || !str_word(&data, &out->print))
		return false;
	(void)str_word(&data, &out->binding);
	return true;
}

/* Returns whether a ticket belongs to the browser of the request, and its user
 * may still use it. */
static bool
ticket_is_valid(const struct request_context *ctx,
		const struct ticket_words *words, const struct user_answer *is)
{
	char binding[BINDING_CHARS];

	return (words->binding.n == 0 ||
		secret_equal(words->binding, binding_of(ctx, binding))) &&
	       is->found && !is->user.disabled &&
	       one_time_print_fits(words->print, is->user.hash);
}

int
login_ticket_find(struct request_context *ctx, struct str text,
		  struct login_ticket *out, bool *valid, struct err *err)
{
	struct one_time_answer ticket;
	struct one_time_hash hash;
	struct ticket_words words;
	struct user_answer is;

	*out = (struct login_ticket){ .remember = false };
	*valid = false;
	if (ctx->call.factors == NULL || !one_time_read(text, &hash))
		return 0;
	if (factors_one_time_peek(ctx->call.factors, &ctx->call, &hash,
				  ONE_TIME_TICKET, &ticket, err) != 0)
		return -1;
	if (!ticket.found || !read_words(ticket.secret.data, &words))
		return 0;
	if (users_find(ctx->call.users, &ctx->call, ticket.secret.user, &is,
		       err) != 0)
		return -1;
	if (!ticket_is_valid(ctx, &words, &is))
		return 0;
	*out = (struct login_ticket){ .secret = ticket.secret,
				      .user = is.user,
				      .remember =
					  str_eq(words.remember, STR("1")) };
	*valid = true;
	return 0;
}

int
login_ticket_take(struct request_context *ctx,
		  const struct login_ticket *ticket, bool *taken,
		  struct err *err)
{
	struct one_time_answer is;

	if (factors_one_time_take(ctx->call.factors, &ctx->call,
				  &ticket->secret.hash, ONE_TIME_TICKET, &is,
				  err) != 0)
		return -1;
	*taken = is.found;
	return 0;
}

void
login_ticket_put_back(struct request_context *ctx,
		      const struct login_ticket *ticket)
{
	struct err err;

	if (factors_one_time_put(ctx->call.factors, &ctx->call, &ticket->secret,
				 false, &err) != 0)
		LOG(ctx->call.env->log, LOG_WARNING, "ticket_lost",
		    F_CSTR("reason", err.msg));
}
