/* SPDX-License-Identifier: MIT */
/* The pages of refusals: what happened, what to do, and what to quote. */
#include <string.h>

#include "auth/login.h"
#include "auth/own.h"
#include "auth/page_frame.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/redirect.h"

#define KEY_MAX	    64
#define ADDRESS_MAX 512

enum button { BUTTON_NONE, BUTTON_AGAIN, BUTTON_LOGIN, BUTTON_START };

/* The next step after each refusal. */
static const struct {
	const char *place;
	enum button button;
} places[] = {
	{ TEXT("away"), BUTTON_AGAIN },
	{ TEXT("ban"), BUTTON_LOGIN },
	{ TEXT("busy"), BUTTON_LOGIN },
	{ TEXT("elsewhere"), BUTTON_NONE },
	{ TEXT("forbidden"), BUTTON_NONE },
	{ TEXT("first"), BUTTON_LOGIN },
	{ TEXT("foreign"), BUTTON_NONE },
	{ TEXT("hidden"), BUTTON_NONE },
	{ TEXT("host"), BUTTON_NONE },
	{ TEXT("large"), BUTTON_NONE },
	{ TEXT("link_gone"), BUTTON_LOGIN },
	{ TEXT("malformed"), BUTTON_START },
	{ TEXT("media"), BUTTON_START },
	{ TEXT("method"), BUTTON_START },
	{ TEXT("must_elsewhere"), BUTTON_NONE },
	{ TEXT("not_found"), BUTTON_START },
	{ TEXT("odd"), BUTTON_START },
	{ TEXT("often"), BUTTON_LOGIN },
	{ TEXT("plain"), BUTTON_NONE },
	{ TEXT("refused"), BUTTON_START },
	{ TEXT("renamed"), BUTTON_NONE },
	{ TEXT("roles"), BUTTON_NONE },
	{ TEXT("stale"), BUTTON_START },
	{ TEXT("two"), BUTTON_LOGIN },
	{ TEXT("unnamed"), BUTTON_NONE },
};

/* The places of refusals that name none. */
static const struct {
	unsigned status;
	const char *place;
} by_status[] = {
	{ 400, TEXT("malformed") }, { 401, TEXT("first") },
	{ 403, TEXT("refused") },   { 404, TEXT("not_found") },
	{ 405, TEXT("method") },    { 413, TEXT("large") },
	{ 415, TEXT("media") },	    { 500, TEXT("away") },
	{ 503, TEXT("away") },
};

static const char *
place_by_status(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(by_status); i++) {
		if (by_status[i].status == status)
			return by_status[i].place;
	}
	return TEXT("refused");
}

static enum button
button_of(const char *place)
{
	size_t i = 0;

	while (i < ARRAY_LEN(places) && strcmp(places[i].place, place) != 0)
		i++;
	return i < ARRAY_LEN(places) ? places[i].button : BUTTON_NONE;
}

/* Returns PLACE.name. */
static struct str
text_key(struct request_context *ctx, const char *place, const char *name)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, KEY_MAX);
	buf_add_cstr(&b, place);
	buf_add_char(&b, '.');
	buf_add_cstr(&b, name);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

/* Returns the address of this request without its query, which may hold
 * private words; empty when it cannot be shown. */
static struct str
shown_address(struct request_context *ctx)
{
	struct str path = str_clip(own_shown_address(ctx), ADDRESS_MAX);
	struct buf b;

	if (!str_starts(path, STR("/")) || !str_is_text(path))
		return STR("");
	buf_init(&b, ctx->call.arena, 2 * ADDRESS_MAX);
	buf_add(&b, page_host(ctx));
	buf_add(&b, path);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

/* Returns the address of this request, for a link; empty when it cannot be
 * opened again. */
static struct str
same_address(struct request_context *ctx)
{
	struct str uri = ctx->in->uri;

	if ((ctx->in->method != HTTP_GET && ctx->in->method != HTTP_HEAD) ||
	    !str_starts(uri, STR("/")))
		return STR("");
	uri = redirect_escape(uri, ctx->call.arena);
	/* A browser takes the text after "//" for a host. */
	return own_may_lead_to(ctx, uri, false) ? uri : STR("");
}

void
page_refuse(struct request_context *ctx, const struct page_refusal *r)
{
	const char *place =
	    r->place != NULL ? r->place : place_by_status(r->status);
	enum button button = button_of(place);
	struct str happened = text_key(ctx, place, "happened");
	struct str address = shown_address(ctx);
	struct str again = button == BUTTON_AGAIN ? same_address(ctx) : STR("");
	bool quote =
	    r->user.n > 0 || address.n > 0 || ctx->in->request_id.n > 0;
	const struct html_var vars[] = {
		HTML_VALUE("heading", text_key(ctx, place, "title")),
		HTML_VALUE("lead",
			   r->lead != NULL ? str_from(r->lead) : happened),
		HTML_VALUE("text", r->lead != NULL ? happened : STR("")),
		HTML_VALUE("advice", text_key(ctx, place, "do")),
		HTML_VALUE("n", r->n),
		HTML_VALUE("origin", r->origin),
		HTML_VALUE("user", r->user),
		HTML_FLAG("quote", quote),
		HTML_VALUE("address", address),
		HTML_FLAG("buttons", button == BUTTON_LOGIN ||
					 button == BUTTON_START ||
					 again.n > 0 || r->user.n > 0),
		HTML_VALUE("again", again),
		HTML_VALUE("login", button == BUTTON_LOGIN ?
					login_again(ctx, STR(""), r->rd) :
					STR("")),
		HTML_FLAG("start", button == BUTTON_START),
		HTML_FLAG("other", r->user.n > 0),
	};

	page_write(ctx, r->status, PAGE_REFUSAL, vars, ARRAY_LEN(vars));
}

void
page_forbidden(struct request_context *ctx, const struct identity *who,
	       bool elsewhere)
{
	page_refuse(ctx, &(struct page_refusal){
			     .status = 403,
			     .place = elsewhere ? TEXT("elsewhere") :
						  TEXT("forbidden"),
			     .user = who->name });
}

/* Rounds up, to the largest unit that is precise enough. */
void
page_banned(struct request_context *ctx, int64_t seconds, struct str rd)
{
	static const struct {
		int64_t seconds;
		const char *lead;
	} units[] = { { 86400, TEXT("ban.left_days") },
		      { 3600, TEXT("ban.left_hours") },
		      { 60, TEXT("ban.left_minutes") } };
	size_t i = 0;
	int64_t n;

	while (i + 1 < ARRAY_LEN(units) && seconds < 2 * units[i].seconds &&
	       seconds != units[i].seconds)
		i++;
	n = (seconds + units[i].seconds - 1) / units[i].seconds;
	page_refuse(ctx, &(struct page_refusal){ .status = 429,
						 .place = TEXT("ban"),
						 .lead = units[i].lead,
						 .n = page_number(ctx, n),
						 .rd = rd });
}

void
page_busy(struct request_context *ctx, struct str rd)
{
	page_refuse(ctx, &(struct page_refusal){
			     .status = 503, .place = TEXT("busy"), .rd = rd });
}
