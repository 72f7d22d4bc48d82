/* SPDX-License-Identifier: MIT */
/*
 * Requests for a new password by mail. The worker that answers the request
 * puts it into the outbox; the thread that sends mail takes it from there, and
 * replaces it by the mail if there is a user to send one to. So nobody learns
 * from an answer, or from its time, whether there is such a user.
 */
#ifndef AUTH_RESET_MAIL_H
#define AUTH_RESET_MAIL_H

#include "auth/request_context.h"

/* The kind of the record of a request in the outbox; it is never sent. */
#define RESET_ASKED "reset_asked"

#define RESET_LINK_MS	  (INT64_C(30) * 60000) /* the mail says so, too */
#define RESET_WINDOW_MS	  INT64_C(3600000)
#define RESET_ACCOUNT_MAX 3 /* mails in a window */
#define RESET_ADDRESS_MAX 10 /* requests in a window */
#define RESET_WIDER	  10 /* times as many for an IPv6 /48 */

/* Checks that a link that is sent by mail could set a password: *users is the
 * opened user source of these settings. */
int reset_mail_check(const struct settings *set, const struct backend *users,
		     struct err *err) MUST_USE;

/* Puts a request into the outbox: what was typed, and the language of the mail,
 * as its tag. Does the same for every text. */
int reset_mail_ask(struct request_context *ctx, struct str typed,
		   const char *language, struct err *err) MUST_USE;

/*
 * Handles a request from the outbox, and audits its outcome: `sent`,
 * `unknown_user`, `ambiguous_name`, `disabled`, `no_address`, or `limited` when
 * the user was sent too many mails. -1 means that it must be handled later; if
 * it is ERR_INPUT, it never can be.
 */
int reset_mail_handle(const struct service *s,
		      const struct service_conns *conns, struct arena *a,
		      const struct mail *asked, struct err *err) MUST_USE;

#endif
