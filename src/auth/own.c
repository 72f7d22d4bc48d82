/* SPDX-License-Identifier: MIT */
/* The addresses of this service as browsers see them. */
#include "auth/own.h"

#include "auth/one_time_link.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/syntax.h"
#include "http/redirect.h"

#define OWN_PAGE_MAX 1024

static bool
has_origins(const struct site *site)
{
	return site != NULL && site->norigins > 0;
}

void
own_find(struct request_context *ctx)
{
	const struct service *s = ctx->service;
	bool secure;

	ctx->site = sites_find(&s->sites, ctx->in->host);
	secure = has_origins(ctx->site) ? ctx->site->origins[0].https :
					  s->set->cookie.secure;
	ctx->jar = &s->jars[secure];
}

bool
own_is_host(const struct request_context *ctx)
{
	return ctx->service->sites.n == 0 || ctx->site != NULL;
}

bool
own_is_https(const struct request_context *ctx)
{
	return has_origins(ctx->site) ? ctx->site->origins[0].https :
					ctx->in->https;
}

bool
own_has_origin(const struct request_context *ctx, const struct origin *o)
{
	const struct http_request *in = ctx->in;

	if (has_origins(ctx->site))
		return site_has_origin(ctx->site, o);
	if (o->https != in->https)
		return false;
	/* Behind a forwarded port, the web server knows another port than the
	 * browser; then Sec-Fetch-Site tells that the page is ours. */
	if (str_eq(in->fetch_site, STR("same-origin")))
		return true;
	if (in->host_port.n > 0)
		return str_eq(o->port, in->host_port);
	return in->server_port.n == 0 || str_eq(o->port, in->server_port);
}

static const struct origin *
named_origin(const struct site *site, struct str port)
{
	for (size_t i = 0; i < site->norigins; i++) {
		if (str_eq(site->origins[i].port, port))
			return &site->origins[i];
	}
	return NULL;
}

void
own_origin(const struct request_context *ctx, struct origin *out)
{
	const struct http_request *in = ctx->in;
	const struct origin *named;

	if (has_origins(ctx->site)) {
		named = named_origin(ctx->site, in->host_port);
		if (named == NULL)
			named = named_origin(ctx->site, in->server_port);
		*out = named != NULL ? *named : ctx->site->origins[0];
		return;
	}
	*out = (struct origin){ .https = in->https,
				.host = in->host,
				.port = in->host_port };
	if (out->port.n == 0 &&
	    str_eq(in->server_port, ctx->service->login_page.port))
		out->port = in->server_port;
	if (out->port.n == 0)
		out->port = in->https ? STR("443") : STR("80");
}

bool
own_may_lead_to(const struct request_context *ctx, struct str url,
		bool absolute_only)
{
	const struct redirect_from from = {
		.host = ctx->in->host,
		.https = own_is_https(ctx),
		.sites = &ctx->service->sites,
		.allow = &ctx->service->set->redirect.allow,
		.absolute_only = absolute_only,
	};

	return redirect_is_safe(url, &from);
}

struct str
own_page(struct request_context *ctx, const char *page)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, OWN_PAGE_MAX);
	buf_add(&b, ctx->service->set->server.path);
	buf_add_cstr(&b, page);
	if (!buf_failed(&b))
		return buf_str(&b);
	ctx->out->failed = true;
	return STR("");
}

bool
own_is_link(const struct request_context *ctx)
{
	const struct str prefix = ctx->service->set->server.path;
	struct str path = ctx->in->path;

	return str_starts(path, prefix) &&
	       str_starts(str_skip(path, prefix.n), STR(LINK_PATH));
}

struct str
own_shown_path(const struct request_context *ctx)
{
	struct str path = ctx->in->path;

	if (own_is_link(ctx))
		path.n = ctx->service->set->server.path.n + STR(LINK_PATH).n;
	return path;
}

struct str
own_shown_address(const struct request_context *ctx)
{
	struct str uri = ctx->in->uri;

	if (own_is_link(ctx))
		return own_shown_path(ctx);
	uri.n = str_find(uri, '?');
	return uri;
}

int
own_login_page(struct service *s, struct arena *a, struct err *err)
{
	struct syntax_url url;
	struct str text = s->set->server.login_url;
	char *lower;

	s->login_page = (struct origin){ .https = false };
	if (!syntax_url(text, &url))
		return 0; /* no login_url */
	text.n -= url.path.n;
	lower = arena_cstr(a, text);
	if (lower == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < text.n; i++) {
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] + ('a' - 'A'));
	}
	if (!origin_parse((struct str){ .p = lower, .n = text.n },
			  &s->login_page))
		return err_set(err, ERR_CONFIG, "login_url has no origin");
	return 0;
}
