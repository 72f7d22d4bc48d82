/* SPDX-License-Identifier: MIT */
/*
 * Checks that a request that changes state was made by the user. Its Origin
 * must be ours. Its media type must be JSON, which a foreign page cannot send
 * without a preflight, or that of a form. The token of a form must belong to
 * the cookie that came with it. (OWASP CSRF Prevention Cheat Sheet: signed
 * double submit cookie.)
 */
#ifndef AUTH_CSRF_H
#define AUTH_CSRF_H

#include "auth/request_context.h"

#define CSRF_TOKEN_CHARS 43

/* The key of the tokens; all instances that share a store share it. */
struct csrf_key;

/* Creates the key; it is read from the store on first use. NULL: out of
 * memory. */
struct csrf_key *csrf_key_new(void) MUST_USE;
void csrf_key_free(void *key);

/*
 * An Origin is ours if it is: one that server.hosts names for this host; or,
 * where it names none, one with the scheme, host and port of this request (the
 * port of HTTP_HOST or SERVER_PORT; any port when the browser sends
 * Sec-Fetch-Site: same-origin); the origin of server.login_url; or one of
 * cors.origins. Another host of server.hosts is a foreign origin, and so is
 * `null`.
 *
 * csrf_page_is_ours() returns true when the browser confirms, by Sec-Fetch-Site
 * or by an Origin, that one of our pages sent the request.
 */
bool csrf_page_is_ours(const struct request_context *ctx);

/* Returns true when Sec-Fetch-Site says that another site caused the request;
 * also one whose host is below the same domain. */
bool csrf_is_from_elsewhere(const struct request_context *ctx);

/*
 * Refusals are 403 `csrf`: a page for a person, JSON for a program, and a line
 * in the log, at most five in a second, that says how to resolve the cause.
 *
 * csrf_refuse_origin() refuses a request that has an Origin which is not ours,
 * or none although Sec-Fetch-Site says that another site sent it, and returns
 * whether it did; browsers send an Origin with every POST.
 * csrf_refuse_form() refuses a form whose token is wrong. csrf_login_problem()
 * logs the same for the login form, which is shown again, and returns the
 * key of the text to show with it; `has_cookie`: the pre-session cookie was
 * sent.
 */
bool csrf_refuse_origin(struct request_context *ctx) MUST_USE;
void csrf_refuse_form(struct request_context *ctx);
const char *csrf_login_problem(struct request_context *ctx,
			       bool has_cookie) MUST_USE;

/*
 * Computes the token for a form of the client that has the cookie value
 * `binding`.
 */
int csrf_token(struct request_context *ctx, struct str binding,
	       struct str *token, struct err *err) MUST_USE;

/* Returns what the forms for a user are bound to: the id of the session, which
 * does not change when its tokens are rotated. */
static inline struct str
csrf_binding(const struct principal *who)
{
	return (struct str){ .p = (const char *)who->session.b,
			     .n = sizeof(who->session.b) };
}

/* Sets *ok to whether `token` is the token for `binding`. */
int csrf_verify(struct request_context *ctx, struct str binding,
		struct str token, bool *ok, struct err *err) MUST_USE;

#endif
