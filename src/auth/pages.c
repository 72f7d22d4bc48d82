/* SPDX-License-Identifier: MIT */
/* Renders the pages with the values of a request. */
#include "auth/pages.h"

#include "auth/login.h"
#include "auth/page_frame.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/str.h"

#define CSP_MAX 8192

/* Adds the hosts that a form may lead to, besides this one. CSP does not
 * support IPv6 addresses as hosts. */
static void
add_own_origins(const struct sites *sites, struct buf *out)
{
	for (size_t i = 0; i < sites->n; i++) {
		const struct site *site = &sites->v[i];

		for (size_t k = 0; k < site->norigins; k++) {
			if (str_starts(site->host, STR("[")))
				continue;
			buf_add_char(out, ' ');
			origin_print(&site->origins[k], out);
		}
	}
}

int
page_csp(const struct settings *set, const struct sites *sites, struct arena *a,
	 struct str *out, struct err *err)
{
	struct buf b;

	buf_init(&b, a, CSP_MAX);
	buf_add(&b, STR("default-src 'none'; style-src 'self'; "
			"script-src 'self'; img-src 'self' data:; "
			"base-uri 'none'; frame-ancestors 'none'; "
			"form-action 'self'"));
	/* Browsers apply form-action to the redirect after a POST, too. */
	add_own_origins(sites, &b);
	for (size_t i = 0; i < set->redirect.allow.n; i++) {
		struct str host = set->redirect.allow.v[i];

		buf_add(&b, STR(" https://"));
		if (str_starts(host, STR(".")))
			buf_add_char(&b, '*');
		buf_add(&b, host);
	}
	if (buf_failed(&b)) {
		return err_set(err, ERR_CONFIG,
			       "server.hosts and redirect.allow are too long "
			       "for the Content-Security-Policy header");
	}
	*out = buf_str(&b);
	return 0;
}

/* Returns the host that `rd` leads to, without its path, which may hold private
 * words. */
static struct str
place_of(const struct request_context *ctx, struct str rd)
{
	struct str scheme;

	if (rd.n == 0)
		return STR("");
	if (str_starts(rd, STR("/")))
		return page_host(ctx);
	if (!str_cut(&rd, '/', &scheme) || !str_cut(&rd, '/', &scheme) ||
	    !str_cut(&rd, '/', &scheme))
		return STR("");
	return scheme;
}

/* Returns a query: `begin`, and then, if there is an address to return to, that
 * address and `end`. */
static struct str
target_query(struct request_context *ctx, const char *begin, struct str rd,
	     const char *end)
{
	struct buf b;

	if (rd.n == 0)
		return str_from(begin);
	buf_init(&b, ctx->call.arena, 32 * 1024);
	buf_add_cstr(&b, begin);
	buf_add(&b, STR("rd="));
	percent_encode(&b, rd);
	buf_add_cstr(&b, end);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

void
page_login(struct request_context *ctx, unsigned status,
	   const struct login_page *page)
{
	const struct html_var vars[] = {
		HTML_VALUE("csrf", page->csrf),
		HTML_VALUE("rd", page->rd),
		HTML_VALUE("username", page->username),
		HTML_VALUE("place", place_of(ctx, page->rd)),
		HTML_VALUE("notice", ctx->service->set->pages.notice),
		HTML_VALUE("problem", str_from(page->problem)),
		HTML_VALUE("done", str_from(page->done)),
		HTML_FLAG("invalid", page->invalid),
		HTML_FLAG("offer_remember",
			  page->offer_remember && !page->step),
		HTML_FLAG("remember", page->remember),
		HTML_FLAG("step", page->step),
		HTML_FLAG("ask_name", page->username.n == 0),
		HTML_FLAG("ask_password", page->username.n > 0),
		HTML_FLAG("forgot",
			  ctx->service->set->account.reset == RESET_MAIL &&
			      !page->step),
		HTML_VALUE("query", target_query(ctx, "", page->rd, "")),
		/* What the links to other languages keep. */
		HTML_VALUE("keep",
			   target_query(ctx, page->step ? "step=1&" : "",
					page->rd, "&")),
	};

	page_write(ctx, status, PAGE_LOGIN, vars, ARRAY_LEN(vars));
}

void
page_forgot(struct request_context *ctx, unsigned status,
	    const struct forgot_page *page)
{
	const struct html_var vars[] = {
		HTML_VALUE("csrf", page->csrf),
		HTML_VALUE("rd", page->rd),
		HTML_VALUE("heading", page->sent ?
					  str_from(TEXT("forgot.sent")) :
					  str_from(TEXT("forgot.title"))),
		HTML_VALUE("problem", str_from(page->problem)),
		HTML_FLAG("by_email", page->by_email),
		HTML_FLAG("sent", page->sent),
		HTML_VALUE("query", target_query(ctx, "", page->rd, "")),
		HTML_VALUE("keep",
			   target_query(ctx, page->sent ? "sent=1&" : "",
					page->rd, "&")),
	};

	page_write(ctx, status, PAGE_FORGOT, vars, ARRAY_LEN(vars));
}

void
page_logout(struct request_context *ctx, struct str csrf, struct str name)
{
	const struct html_var vars[] = {
		HTML_VALUE("csrf", csrf),
		HTML_VALUE("user", name),
	};

	page_write(ctx, 200, PAGE_LOGOUT, vars, ARRAY_LEN(vars));
}

void
page_signed_out(struct request_context *ctx)
{
	page_write(ctx, 200, PAGE_SIGNED_OUT, NULL, 0);
}

/* Returns the address of the login page, to be opened in another tab. */
static struct str
login_url(struct request_context *ctx, struct str rd)
{
	struct str url = STR("");
	struct err err;

	if (login_location(ctx, rd, &url, &err) != 0)
		ctx->out->failed = true;
	return url;
}

void
page_unsent(struct request_context *ctx)
{
	/* Browsers do not send our cookies with a form of another site. */
	bool foreign = str_eq(ctx->in->fetch_site, STR("cross-site"));
	const struct html_var vars[] = {
		HTML_VALUE("login", login_url(ctx, STR("/"))),
		HTML_VALUE("place", page_host(ctx)),
		HTML_FLAG("foreign", foreign),
	};

	page_write(ctx, 401, PAGE_UNSENT, vars, ARRAY_LEN(vars));
}

void
page_too_long(struct request_context *ctx)
{
	const struct html_var vars[] = {
		HTML_VALUE("login", login_url(ctx, STR("/"))),
	};

	page_write(ctx, 401, PAGE_TOO_LONG, vars, ARRAY_LEN(vars));
}

void
page_continue(struct request_context *ctx, struct str uri)
{
	const struct html_var vars[] = { HTML_VALUE("uri", uri) };
	struct buf b;

	page_write(ctx, 200, PAGE_CONTINUE, vars, ARRAY_LEN(vars));
	/* The page that opened this window loses its handle on it (HTML,
	 * "cross-origin opener policy"), so it cannot abort the next
	 * request. */
	http_response_header(ctx->out, "Cross-Origin-Opener-Policy",
			     STR("same-origin"));
	buf_init(&b, ctx->call.arena, 16 * 1024);
	buf_add(&b, STR("0; url="));
	buf_add(&b, uri);
	if (buf_failed(&b))
		ctx->out->failed = true;
	http_response_header(ctx->out, "Refresh", buf_str(&b));
}
