/* SPDX-License-Identifier: MIT */
/* Renders the pages with the values of a request. */
#include "auth/pages.h"

#include "auth/login.h"
#include "base/buf.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "http/html.h"
#include "pages/template.h"

#define CSP_MAX 8192

/* Adds a hash in Base64 with padding, as CSP requires it (CSP 3, section
 * 2.3.1). */
static void
add_style_hash(struct buf *out)
{
	uint8_t hash[DIGEST_BYTES];
	char text[DIGEST_BASE64_BYTES];

	digest_sha256(template_style(), hash);
	digest_base64(hash, text);
	buf_add(out, str_from(text));
}

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
	buf_add(&b, STR("default-src 'none'; style-src 'sha256-"));
	add_style_hash(&b);
	buf_add(&b, STR("'; img-src data:; base-uri 'none'; "
			"frame-ancestors 'none'; form-action 'self'"));
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

static void
write_page(struct request_context *ctx, unsigned status, enum page page,
	   const struct html_var *vars, size_t n)
{
	template_write(&ctx->out->body, page, vars, n);
	ctx->out->status = status;
	http_response_header(ctx->out, "Content-Type",
			     STR("text/html; charset=utf-8"));
	http_response_header(ctx->out, "Content-Security-Policy",
			     ctx->service->csp);
	http_response_header(ctx->out, "Referrer-Policy", STR("same-origin"));
	http_response_header(ctx->out, "X-Frame-Options", STR("DENY"));
}

/* Returns a value that shows or hides a part of a template. */
static struct str
on(bool shown)
{
	return shown ? STR("1") : STR("");
}

void
page_login(struct request_context *ctx, unsigned status,
	   const struct login_page *page)
{
	const struct html_var vars[] = {
		{ "csrf", page->csrf },
		{ "rd", page->rd },
		{ "username", page->username },
		{ "problem", str_from(page->problem) },
		{ "offer_remember", on(page->offer_remember) },
		{ "remember", on(page->remember) },
		{ "ask_name", on(page->username.n == 0) },
		{ "ask_password", on(page->username.n > 0) },
	};

	write_page(ctx, status, PAGE_LOGIN, vars, ARRAY_LEN(vars));
}

void
page_logout(struct request_context *ctx, struct str csrf, struct str name)
{
	const struct html_var vars[] = {
		{ "path", ctx->service->set->server.path },
		{ "csrf", csrf },
		{ "name", name },
	};

	write_page(ctx, 200, PAGE_LOGOUT, vars, ARRAY_LEN(vars));
}

void
page_signed_out(struct request_context *ctx)
{
	const struct html_var vars[] = {
		{ "path", ctx->service->set->server.path },
	};

	write_page(ctx, 200, PAGE_SIGNED_OUT, vars, ARRAY_LEN(vars));
}

void
page_forbidden(struct request_context *ctx, const struct identity *who,
	       bool elsewhere)
{
	const struct html_var vars[] = {
		{ "path", ctx->service->set->server.path },
		{ "name", who->name },
		{ "account", on(!elsewhere) },
		{ "elsewhere", on(elsewhere) },
	};

	write_page(ctx, 403, PAGE_FORBIDDEN, vars, ARRAY_LEN(vars));
}

/* Returns the address of the login page, to be opened in another tab. */
static struct str
login_url(struct request_context *ctx)
{
	struct str url = STR("");
	struct err err;

	if (login_location(ctx, STR("/"), &url, &err) != 0)
		ctx->out->failed = true;
	return url;
}

void
page_unsent(struct request_context *ctx)
{
	/* Browsers do not send our cookies with a form of another site. */
	bool foreign = str_eq(ctx->in->fetch_site, STR("cross-site"));
	const struct html_var vars[] = {
		{ "login_url", login_url(ctx) },
		{ "foreign", on(foreign) },
	};

	write_page(ctx, 401, PAGE_UNSENT, vars, ARRAY_LEN(vars));
}

void
page_too_long(struct request_context *ctx)
{
	const struct html_var vars[] = { { "login_url", login_url(ctx) } };

	write_page(ctx, 401, PAGE_TOO_LONG, vars, ARRAY_LEN(vars));
}

void
page_continue(struct request_context *ctx, struct str uri)
{
	const struct html_var vars[] = { { "uri", uri } };
	struct buf b;

	write_page(ctx, 200, PAGE_CONTINUE, vars, ARRAY_LEN(vars));
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

/* Headings of refusals, and whether to offer to sign in. */
static const struct message_kind {
	unsigned status;
	const char *title;
	bool login;
} message_kinds[] = {
	{ 400, "This address does not work", true },
	{ 401, "Sign in", true },
	{ 403, "No access", true },
	{ 404, "Page not found", true },
	{ 405, "This does not work here", false },
	{ 413, "Too large", false },
	{ 415, "This does not work here", false },
	{ 0, "Not available at the moment", false },
};

static const struct message_kind *
message_kind(unsigned status)
{
	const struct message_kind *k = message_kinds;

	while (k->status != 0 && k->status != status)
		k++;
	return k;
}

void
page_message(struct request_context *ctx, unsigned status, const char *text)
{
	const struct message_kind *kind = message_kind(status);
	const struct html_var vars[] = {
		{ "title", str_from(kind->title) },
		{ "text", str_from(text) },
		{ "login", on(kind->login) },
		{ "path", ctx->service->set->server.path },
	};

	write_page(ctx, status, PAGE_MESSAGE, vars, ARRAY_LEN(vars));
}
