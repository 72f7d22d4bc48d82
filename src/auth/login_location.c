/* SPDX-License-Identifier: MIT */
/* The address of the login page. */
#include "auth/login.h"

#include "auth/own.h"
#include "base/buf.h"
#include "base/enc.h"
#include "http/redirect.h"

/* Adds the origin of this request, so that the login page of another host can
 * return to it. */
static void
encode_origin(const struct request_context *ctx, struct buf *out)
{
	struct origin here;
	struct buf text;

	own_origin(ctx, &here);
	buf_init(&text, ctx->call.arena, 512);
	origin_print(&here, &text);
	percent_encode(out, buf_str(&text));
	out->failed = out->failed || buf_failed(&text);
}

int
login_location(const struct request_context *ctx, struct str uri,
	       struct str *location, struct err *err)
{
	const struct server_settings *set = &ctx->service->set->server;
	struct buf b;

	uri = redirect_escape(uri, ctx->call.arena);
	buf_init(&b, ctx->call.arena, 32 * 1024);
	if (set->login_url.n > 0) {
		buf_add(&b, set->login_url);
	} else {
		buf_add(&b, set->path);
		buf_add(&b, STR("/login"));
	}
	buf_add(&b, STR("?rd="));
	if (set->login_url.n > 0)
		encode_origin(ctx, &b);
	percent_encode(&b, uri);
	if (buf_failed(&b))
		return err_nomem(err);
	*location = buf_str(&b);
	return 0;
}

struct str
login_again(struct request_context *ctx, struct str query, struct str rd)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, 32 * 1024);
	buf_add(&b, ctx->service->set->server.path);
	buf_add(&b, STR("/login"));
	if (query.n > 0 || rd.n > 0)
		buf_add_char(&b, '?');
	buf_add(&b, query);
	if (query.n > 0 && rd.n > 0)
		buf_add_char(&b, '&');
	if (rd.n > 0) {
		buf_add(&b, STR("rd="));
		percent_encode(&b, rd);
	}
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}
