/* SPDX-License-Identifier: MIT */
/* A service that sends links for a new password by mail, for each test. */
#ifndef UNIT_AUTH_RESET_FIXTURE_H
#define UNIT_AUTH_RESET_FIXTURE_H

#include "tests/support/run.h"

#include "auth/reset_mail.h"
#include "tests/support/flow.h"

#define FORM	"application/x-www-form-urlencoded"
#define JSON	"application/json"
#define PRE	"__Host-fcgiauth_login"
#define MINUTES INT64_C(60000)

#define RESET_INI                                                              \
	"[store]\ndriver = memory\n[factors]\ndriver = memory\n"               \
	"[server]\nhosts = www.example.com\n"                                  \
	"[mail]\nfrom = login@example.com\ncommand = /bin/true\n"              \
	"[account]\nreset = mail\n"

static struct flow f;

static inline void
setup(void)
{
	flow_init(&f, RESET_INI);
	flow_rehash(&f);
	flow_log(&f, LOG_INFO);
	f.users_table.v[1].who.email = STR(""); /* bob */
}

static inline void
teardown(void)
{
	flow_free(&f);
}

static inline int64_t
now_ms(void)
{
	return env_wall_ms(&f.fake.env);
}

/* Asks for a mail by JSON, from an address. */
static inline struct flow_answer
ask_from(const char *address, const char *name)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/reset",
				       "CONTENT_TYPE=" JSON,
				       flow_text(&f, "REMOTE_ADDR=%s", address),
				       NULL };

	return flow_ask(&f, false, params,
			flow_text(&f, "{\"username\":\"%s\"}", name));
}

/* Returns the mail that is due next; *mail is zero if there is none. Claims it
 * for a minute. */
static inline bool
claim(struct mail *mail)
{
	struct mail_list due;
	struct err err;

	*mail = (struct mail){ .tries = 0 };
	if (factors_mail_claim(f.conns.factors, flow_call(&f, now_ms()), 1,
			       MINUTES, &due, &err) != 0)
		ck_abort_msg("%s", err.msg);
	if (due.n > 0)
		*mail = due.v[0];
	return due.n > 0;
}

static inline void
drop(const struct mail *mail)
{
	struct err err;

	ck_assert_int_eq(factors_mail_done(f.conns.factors,
					   flow_call(&f, now_ms()), mail->id,
					   &err),
			 0);
}

static inline int
handle(const struct mail *asked, struct err *err)
{
	return reset_mail_handle(f.service, &f.conns, f.arena, asked, err);
}

/* Takes one request from the outbox and handles it, as the postman does. */
static inline void
handle_next(void)
{
	struct mail asked;
	struct err err;

	ck_assert(claim(&asked));
	ck_assert(str_eq(asked.kind, STR(RESET_ASKED)));
	if (handle(&asked, &err) != 0)
		ck_abort_msg("%s", err.msg);
	drop(&asked);
}

/* Asks for a mail, and handles the request. */
static inline void
ask_and_handle(const char *name)
{
	ck_assert_uint_eq(ask_from("192.0.2.7", name).status, 202);
	handle_next();
}

#endif
