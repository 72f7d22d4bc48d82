/* SPDX-License-Identifier: MIT */
/* The frame of the pages, and the files that they load. */
#include "auth/page_frame.h"

#include "auth/answer.h"
#include "auth/own.h"
#include "base/arena.h"
#include "base/mailbox.h"
#include "base/str.h"
#include "http/cookie.h"

#define HOST_MAX       255
#define LANGUAGE_DAYS  365
#define ROW_WIDTH      3
#define KEEP_MAX       (16 * 1024)
#define REQUEST_DIGITS 12

struct str
page_host(const struct request_context *ctx)
{
	struct str host = str_clip(ctx->in->host, HOST_MAX);

	/* The host of a malformed request is not checked. */
	return str_is_text(host) ? host : STR("");
}

/* Returns true when the address of this request is one of our own, which the
 * person can open again in another language. */
static bool
may_choose(const struct request_context *ctx)
{
	return ctx->in->action == ACTION_ENDPOINT &&
	       (ctx->in->method == HTTP_GET || ctx->in->method == HTTP_HEAD);
}

/* Returns the language that the address asks for; NULL: none. */
static const struct page_language *
language_of_query(const struct request_context *ctx)
{
	struct str tag;
	struct err err;

	if (!may_choose(ctx) ||
	    http_request_query(ctx->in, STR("lang"), ctx->call.arena, &tag,
			       &err) != 0 ||
	    tag.p == NULL)
		return NULL;
	return pages_language_of(ctx->service->pages, tag);
}

const struct page_language *
page_language(struct request_context *ctx, unsigned status)
{
	const struct pages *pages = ctx->service->pages;
	const struct settings *set = ctx->service->set;
	const struct page_language *lang = pages_fixed(pages);
	struct str tag;

	if (lang != NULL)
		return lang;
	lang = language_of_query(ctx);
	if (lang != NULL && status < 500)
		cookie_set(ctx->out, &ctx->jar->set, set->server.path,
			   COOKIE_LANGUAGE, str_from(lang->tag),
			   INT64_C(86400) * LANGUAGE_DAYS);
	if (lang == NULL &&
	    cookie_find(ctx->in, ctx->jar->language, &tag) == COOKIE_FOUND)
		lang = pages_language_of(pages, tag);
	if (lang == NULL)
		lang = pages_negotiate(pages, ctx->in->accept_language);
	return lang;
}

/* Makes the list of languages. It is empty when there is no choice. */
static struct html_list
languages_of(struct request_context *ctx, const struct page_language *now)
{
	size_t n;
	const struct page_language *all =
	    pages_languages(ctx->service->pages, &n);
	struct html_var *rows =
	    arena_array(ctx->call.arena, n, ROW_WIDTH * sizeof(*rows));

	if (rows == NULL) {
		ctx->out->failed = true;
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct html_var *row = &rows[i * ROW_WIDTH];

		row[0] = HTML_VALUE("tag", str_from(all[i].tag));
		row[1] = HTML_VALUE("name", all[i].name);
		row[2] = HTML_FLAG("current", &all[i] == now);
	}
	return (struct html_list){ .vars = rows,
				   .width = ROW_WIDTH,
				   .rows = n };
}

/* Returns whom to ask: as a link if it is an e-mail address or a URL. */
static struct html_var
contact_of(struct request_context *ctx)
{
	struct html_var var =
	    HTML_VALUE("contact", ctx->service->set->pages.contact);
	bool url = str_starts(var.value, STR("https://"));
	struct buf b;

	if (!url && !mailbox_is_address(var.value))
		return var;
	buf_init(&b, ctx->call.arena, 4096);
	buf_add_cstr(&b, url ? "<a href=\"" : "<a href=\"mailto:");
	html_escape(&b, var.value);
	buf_add_cstr(&b, "\">");
	html_escape(&b, var.value);
	buf_add_cstr(&b, "</a>");
	if (buf_failed(&b))
		ctx->out->failed = true;
	var.markup = buf_str(&b);
	return var;
}

static struct str
version_of(const struct request_context *ctx, enum page_file file)
{
	return pages_file(ctx->service->pages, file)->version;
}

static const struct page_logo *
logo_of(const struct request_context *ctx)
{
	static const struct page_logo none = { .width = { .p = "" } };
	const struct page_logo *logo = pages_logo(ctx->service->pages);

	return logo != NULL ? logo : &none;
}

/* Returns true if the page can be opened again in another language. The link of
 * each language repeats what the page keeps, so a long address to return to
 * leaves no room for the list. */
static bool
offers_languages(const struct request_context *ctx, const struct html_var *vars,
		 size_t n, size_t languages)
{
	while (n > 0 && strcmp(vars[n - 1].name, "keep") != 0)
		n--;
	if (n == 0)
		return may_choose(ctx);
	return vars[n - 1].value.n * languages <= KEEP_MAX;
}

static void
add_page_headers(struct request_context *ctx, unsigned status)
{
	ctx->out->status = status;
	http_response_header(ctx->out, "Content-Type",
			     STR("text/html; charset=utf-8"));
	http_response_header(ctx->out, "Content-Security-Policy",
			     ctx->service->csp);
	/* The secret of a link must not get into logs by the Referer of the
	 * files that its page loads. With "no-referrer", browsers would send
	 * its form without our Origin. */
	http_response_header(ctx->out, "Referrer-Policy",
			     own_is_link(ctx) ? STR("strict-origin") :
						STR("same-origin"));
	http_response_header(ctx->out, "X-Frame-Options", STR("DENY"));
}

void
page_write(struct request_context *ctx, unsigned status, enum page page,
	   const struct html_var *vars, size_t n)
{
	const struct pages_settings *own = &ctx->service->set->pages;
	const struct page_language *lang = page_language(ctx, status);
	const struct html_list languages = languages_of(ctx, lang);
	const struct page_logo *logo = logo_of(ctx);
	const struct html_var frame[] = {
		HTML_VALUE("path", ctx->service->set->server.path),
		HTML_VALUE("host", page_host(ctx)),
		HTML_VALUE("site",
			   own->title.n > 0 ? own->title : page_host(ctx)),
		contact_of(ctx),
		HTML_VALUE("lang", str_from(lang->tag)),
		HTML_VALUE("dir",
			   lang->right_to_left ? STR("rtl") : STR("ltr")),
		HTML_VALUE("language", lang->name),
		HTML_LIST("languages", &languages),
		HTML_FLAG("choose",
			  languages.rows > 1 &&
			      pages_fixed(ctx->service->pages) == NULL &&
			      offers_languages(ctx, vars, n, languages.rows)),
		HTML_VALUE("style", version_of(ctx, FILE_STYLE)),
		HTML_VALUE("script", version_of(ctx, FILE_PAGE)),
		HTML_VALUE("icon", version_of(ctx, FILE_ICON)),
		HTML_VALUE("logo", logo->file.version),
		HTML_VALUE("logo_width", logo->width),
		HTML_VALUE("logo_height", logo->height),
		HTML_VALUE("request",
			   str_clip(ctx->in->request_id, REQUEST_DIGITS)),
	};
	const struct html_scope outer = { .vars = frame,
					  .n = ARRAY_LEN(frame) };
	const struct html_scope scope = { .vars = vars,
					  .n = n,
					  .outer = &outer };

	pages_write(ctx->service->pages, page, lang, &scope, &ctx->out->body);
	add_page_headers(ctx, status);
}

struct str
page_number(struct request_context *ctx, int64_t n)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, 24);
	buf_printf(&b, "%lld", (long long)n);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

/* A browser keeps a file under the address with its version for ever; any other
 * address may be of another version of the service. */
static void
answer_file(struct request_context *ctx, const struct page_content *file)
{
	struct str version;
	struct err err;
	bool exact = http_request_query(ctx->in, STR("v"), ctx->call.arena,
					&version, &err) == 0 &&
		     str_eq(version, file->version);

	ctx->out->status = 200;
	buf_add(&ctx->out->body, file->text);
	http_response_header(ctx->out, "Content-Type", str_from(file->type));
	http_response_header(ctx->out, "Cache-Control",
			     exact ?
				 STR("public, max-age=31536000, immutable") :
				 STR("no-cache"));
	/* An image that is opened by itself must not run anything, either. */
	http_response_header(ctx->out, "Content-Security-Policy",
			     STR("default-src 'none'; "
				 "style-src 'unsafe-inline'; sandbox"));
}

void
page_style_get(struct request_context *ctx)
{
	answer_file(ctx, pages_file(ctx->service->pages, FILE_STYLE));
}

void
page_script_get(struct request_context *ctx)
{
	answer_file(ctx, pages_file(ctx->service->pages, FILE_PAGE));
}

void
page_icon_get(struct request_context *ctx)
{
	answer_file(ctx, pages_file(ctx->service->pages, FILE_ICON));
}

void
page_logo_get(struct request_context *ctx)
{
	const struct page_logo *logo = pages_logo(ctx->service->pages);

	if (logo != NULL)
		answer_file(ctx, &logo->file);
	else
		answer_refusal(ctx, 404, "not_found", "Not found.");
}
