/* SPDX-License-Identifier: MIT */
/* Checks of the origin of a request, and the messages about a refusal. */
#include "auth/csrf.h"

#include "auth/answer.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "base/buf.h"
#include "base/log.h"

#define TEXT_MAX       1024
#define CURE_MAX       1024
#define LINES_A_SECOND 5
/* Bytes of an Origin in the log: a host name, and some more. */
#define SHOWN_MAX      300

enum fault {
	FAULT_NONE = 0,
	/* Our host, with a scheme or port that is not configured. */
	FAULT_UNNAMED,
	FAULT_PLAIN, /* our host over plain http, although it has https */
	/* Our page according to the browser, but with another host. */
	FAULT_RENAMED,
	FAULT_FOREIGN,
	/* `null`, not an origin, or none although another site sent it */
	FAULT_HIDDEN,
};

bool
csrf_is_from_elsewhere(const struct request_context *ctx)
{
	return str_eq(ctx->in->fetch_site, STR("cross-site")) ||
	       str_eq(ctx->in->fetch_site, STR("same-site"));
}

/* Compares the Origin of a request with ours. *o is set unless the result is
 * FAULT_NONE or FAULT_HIDDEN. */
static enum fault
origin_fault(const struct request_context *ctx, struct origin *o)
{
	const struct http_request *in = ctx->in;
	const struct service *s = ctx->service;

	if (in->origin.p == NULL)
		return csrf_is_from_elsewhere(ctx) ? FAULT_HIDDEN : FAULT_NONE;
	if (words_have(&s->set->cors.origins, in->origin))
		return FAULT_NONE;
	if (!origin_parse(in->origin, o))
		return FAULT_HIDDEN;
	if (origin_equal(o, &s->login_page))
		return FAULT_NONE;
	if (str_eq(o->host, in->host)) {
		if (own_has_origin(ctx, o))
			return FAULT_NONE;
		return !o->https && own_is_https(ctx) ? FAULT_PLAIN :
							FAULT_UNNAMED;
	}
	return str_eq(in->fetch_site, STR("same-origin")) ? FAULT_RENAMED :
							    FAULT_FOREIGN;
}

bool
csrf_page_is_ours(const struct request_context *ctx)
{
	struct origin o;

	if (str_eq(ctx->in->fetch_site, STR("same-origin")))
		return true;
	return ctx->in->origin.p != NULL && origin_fault(ctx, &o) == FAULT_NONE;
}

/* Returns the line for server.hosts that makes `o` one of our origins: the
 * present value, without the entries of this host that contradict it. */
static struct str
hosts_line(struct request_context *ctx, const struct origin *o)
{
	const struct words *hosts = &ctx->service->set->server.hosts;
	struct buf b;

	buf_init(&b, ctx->call.arena, CURE_MAX);
	buf_add_cstr(&b, "server.hosts =");
	for (size_t i = 0; i < hosts->n; i++) {
		struct origin other;

		if (str_eq(hosts->v[i], o->host) ||
		    (origin_parse(hosts->v[i], &other) &&
		     str_eq(other.host, o->host) && other.https != o->https))
			continue;
		buf_add_char(&b, ' ');
		buf_add(&b, hosts->v[i]);
	}
	if (buf_failed(&b)) {
		buf_init(&b, ctx->call.arena, CURE_MAX);
		buf_add_cstr(&b, "add to server.hosts:");
	}
	buf_add_char(&b, ' ');
	origin_print(o, &b);
	return buf_failed(&b) ? STR("") : buf_str(&b);
}

static void
log_refusal(struct request_context *ctx, const char *reason, struct str cure)
{
	const struct http_request *in = ctx->in;
	int64_t left_out;

	if (!log_limit_take(&ctx->service->shared->log_limits->csrf,
			    env_mono_ms(ctx->call.env), LINES_A_SECOND,
			    &left_out))
		return;
	LOG(ctx->call.env->log, LOG_WARNING, "csrf_refused",
	    F_CSTR("reason", reason), F_STR("host", in->host),
	    F_STR("path", own_shown_path(ctx)),
	    F_STR("origin", str_clip(in->origin, SHOWN_MAX)),
	    F_STR("address", in->remote_addr), F_STR("request", in->request_id),
	    F_STR("cure", cure), F_INT("left_out", left_out));
}

/* The messages for each fault: for a program, before and after the origin; the
 * page for a person; for the log; and how to resolve it, NULL when that is a
 * line for server.hosts. */
static const struct {
	const char *before, *after, *place, *reason, *cure;
} faults[] = {
	[FAULT_UNNAMED] = {
		"This site is not set up for the address in your browser, ",
		". Its administrator must name that address in the setting "
		"server.hosts. Until then nobody can sign in or out here.",
		TEXT("unnamed"),
		"the origin of the request is not named in server.hosts",
		NULL,
	},
	[FAULT_PLAIN] = {
		"This request came from a page over plain http, ",
		". Open this site by https and try again.",
		TEXT("plain"),
		"a page of this host sent the request over plain http",
		"let the web server redirect http to https",
	},
	[FAULT_RENAMED] = {
		"A server in front of this site changes the site's name, ",
		", to another one. Its administrator must configure that "
		"server to pass on the Host header unchanged.",
		TEXT("renamed"),
		"a server on the way changed the Host header",
		"pass the Host header on unchanged",
	},
	[FAULT_FOREIGN] = {
		"This request was sent by a page of another site, ",
		", and was refused. Open the page here and try again.",
		TEXT("foreign"),
		"a page of another site sent the request",
		"none; if that site may act for users, add it to cors.origins",
	},
	[FAULT_HIDDEN] = {
		"Your browser does not say which page this request came from, "
		"so it was refused. Open the page here and try again.",
		"",
		TEXT("hidden"),
		"the browser does not say which page sent the request",
		"the web server must not add Referrer-Policy: no-referrer; "
		"sandboxed frames and some extensions have the same effect",
	},
};

/* Builds the text for a program; NULL when out of memory. */
static const char *
csrf_text(struct request_context *ctx, enum fault fault, const struct origin *o)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, TEXT_MAX);
	buf_add_cstr(&b, faults[fault].before);
	if (fault != FAULT_HIDDEN)
		origin_print(o, &b);
	buf_add_cstr(&b, faults[fault].after);
	buf_add_char(&b, '\0');
	return buf_failed(&b) ? NULL : buf_str(&b).p;
}

static struct str
csrf_print_origin(struct request_context *ctx, enum fault fault,
		  const struct origin *o)
{
	struct buf b;

	buf_init(&b, ctx->call.arena, TEXT_MAX);
	if (fault != FAULT_HIDDEN)
		origin_print(o, &b);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

bool
csrf_refuse_origin(struct request_context *ctx)
{
	struct origin o;
	enum fault fault = origin_fault(ctx, &o);
	const char *text;
	struct str cure;

	if (fault == FAULT_NONE)
		return false;
	cure = str_from(faults[fault].cure);
	if (fault == FAULT_UNNAMED)
		cure = hosts_line(ctx, &o);
	log_refusal(ctx, faults[fault].reason, cure);
	text = csrf_text(ctx, fault, &o);
	if (text == NULL)
		ctx->out->failed = true;
	else
		answer_refusal_page(ctx, "csrf", text,
				    &(struct page_refusal){
					.status = 403,
					.place = faults[fault].place,
					.origin = csrf_print_origin(ctx, fault,
								    &o) });
	return true;
}

/*
 * Browsers ignore a Secure cookie that is set over plain http, except on
 * loopback: without this message, the person would be told again and again that
 * the form is too old.
 */
const char *
csrf_login_problem(struct request_context *ctx, bool has_cookie)
{
	struct origin o;

	if (!has_cookie && ctx->jar->set.secure && !own_is_https(ctx)) {
		if (ctx->in->origin.p == NULL ||
		    !origin_parse(ctx->in->origin, &o))
			own_origin(ctx, &o);
		log_refusal(ctx,
			    "the browser ignores Secure cookies over plain "
			    "http",
			    hosts_line(ctx, &o));
		return TEXT("login.plain_http");
	}
	log_refusal(ctx,
		    has_cookie ? "the form does not belong to the cookie" :
				 "the browser did not send our cookie",
		    STR("none if this is rare: the page was open for long"));
	return TEXT("login.stale");
}

void
csrf_refuse_form(struct request_context *ctx)
{
	log_refusal(ctx, "the form does not belong to this session",
		    STR("none if this is rare: the page was open for long"));
	answer_refusal_page(ctx, "csrf",
			    "Cross-site request refused. Open the page again, "
			    "and send the form from there.",
			    &(struct page_refusal){ .status = 403,
						    .place = TEXT("stale") });
}
