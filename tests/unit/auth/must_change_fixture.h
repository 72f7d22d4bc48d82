/* SPDX-License-Identifier: MIT */
/* A service in which alice must change their password, and a browser with its
 * login page. */
#ifndef UNIT_AUTH_MUST_CHANGE_FIXTURE_H
#define UNIT_AUTH_MUST_CHANGE_FIXTURE_H

#include "tests/unit/auth/flow_fixture.h"

#define NEW	"a quite different phrase"
#define POST_TO "/auth/login/password"
#define AGAIN	"/auth/login?again=1"
#define FOREIGN "HTTP_ORIGIN=https://evil.example"
#define OTHER_PRE                                                              \
	"HTTP_COOKIE=" PRE "=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* The login page of a browser: its cookie as a parameter, and its token. */
static const char *pre, *csrf;

static inline void
open_flow(void)
{
	struct flow_answer page;

	flow_init(&f, NULL);
	flow_rehash(&f);
	flow_must_change(&f, true);
	page = flow_get(&f, "/auth/login", NULL, NULL);
	csrf = flow_csrf(&f, &page);
	pre = flow_text(&f, "HTTP_COOKIE=" PRE "=%s",
			flow_cookie(&f, &page, PRE));
}

/* Signs alice in by the login page, with more fields. */
static inline struct flow_answer
send_login(const char *more)
{
	return flow_post(&f, "/auth/login", FORM,
			 flow_text(&f,
				   "username=alice&password=correct+horse+"
				   "battery&csrf=%s%s",
				   csrf, more),
			 pre);
}

/* Returns the ticket of a page or of an answer in JSON. */
static inline const char *
ticket_in(const struct flow_answer *a, const char *before)
{
	struct str rest = a->body, ticket;

	while (rest.n > 0 && !str_starts(rest, str_from(before)))
		rest = str_skip(rest, 1);
	ck_assert_msg(rest.n > 0, "there is no ticket in: %.*s",
		      STR_ARG(a->body));
	rest = str_skip(rest, str_from(before).n);
	ck_assert(str_cut(&rest, '"', &ticket));
	return flow_text(&f, "%.*s", STR_ARG(ticket));
}

static inline const char *
ticket_of_form(const char *more)
{
	const struct flow_answer a = send_login(more);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	return ticket_in(&a, "name=\"ticket\" value=\"");
}

static inline const char *
ticket_of_program(const char *param)
{
	const struct flow_answer a =
	    flow_sign_in(&f, "alice", FLOW_PASSWORD, param);

	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "\"error\":\"password_change_required\""));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	return ticket_in(&a, "\"ticket\":\"");
}

static inline const char *
fields(const char *ticket, const char *new, const char *again)
{
	return flow_text(&f, "ticket=%s&new=%s&again=%s&csrf=%s", ticket, new,
			 again, csrf);
}

static inline struct flow_answer
send_new(const char *ticket, const char *new)
{
	return flow_post(&f, POST_TO, FORM, fields(ticket, new, new), pre);
}

static inline struct flow_answer
program_sends(const char *ticket, const char *new, const char *param)
{
	return flow_post(&f, POST_TO, JSON,
			 flow_text(&f, "{\"ticket\":\"%s\",\"new\":\"%s\"}",
				   ticket, new),
			 param);
}

static inline unsigned
seen(const struct flow_answer *a)
{
	const char *token = flow_cookie(&f, a, COOKIE);

	return token == NULL ?
		   0 :
		   flow_verify(&f, "/",
			       flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s",
					 token),
			       NULL)
		       .status;
}

static inline unsigned
sign_in_status(const char *password)
{
	return flow_sign_in(&f, "alice", password, NULL).status;
}

static inline bool
begins_again(const struct flow_answer *a)
{
	return a->status == 303 &&
	       str_eq(flow_header(a, "Location"), STR(AGAIN)) &&
	       flow_header(a, "Set-Cookie").p == NULL;
}

#endif
