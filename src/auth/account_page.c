/* SPDX-License-Identifier: MIT */
/* What the account page shows. */
#include "auth/account.h"

#include <string.h>
#include <time.h>

#include "auth/csrf.h"
#include "auth/links.h"
#include "auth/new_password.h"
#include "auth/pages.h"
#include "auth/sessions.h"
#include "base/buf.h"
#include "base/enc.h"
#include "http/device.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS	  (60 * MINUTE_MS)
#define DAY_MS	  (24 * HOUR_MS)

#define DATE_SIZE 32

enum { ROLE_WIDTH = 2, APP_WIDTH = 3, SESSION_WIDTH = 7, PROBLEM_WIDTH = 2 };

/* Allocates the rows of a list. When out of memory, the list is empty and the
 * response has failed. */
static struct html_var *
account_rows(struct request_context *ctx, size_t n, size_t width,
	     struct html_list *out)
{
	struct html_var *v =
	    arena_array(ctx->call.arena, n, width * sizeof(*v));

	if (v == NULL)
		ctx->out->failed = true;
	*out = (struct html_list){ .vars = v,
				   .width = width,
				   .rows = v != NULL ? n : 0 };
	return v;
}

/* Returns a copy in the arena; empty when out of memory. */
static struct str
account_copy(struct request_context *ctx, struct str text)
{
	struct str out = STR("");

	if (arena_copy(ctx->call.arena, text, &out) != 0)
		ctx->out->failed = true;
	return out;
}

static size_t
count_roles(struct str roles)
{
	struct str role;
	size_t n = 0;

	while (str_cut(&roles, ',', &role))
		n++;
	return n;
}

static struct html_list
list_roles(struct request_context *ctx, const struct identity *who)
{
	struct str rest = who->roles, role;
	struct html_list list;
	struct html_var *v =
	    account_rows(ctx, count_roles(rest), ROLE_WIDTH, &list);

	for (size_t i = 0; i < list.rows && str_cut(&rest, ',', &role); i++) {
		v[ROLE_WIDTH * i] = HTML_VALUE("role", role);
		v[ROLE_WIDTH * i + 1] = HTML_FLAG("comma", i + 1 < list.rows);
	}
	return list;
}

static int
list_apps(struct request_context *ctx, const struct identity *who,
	  struct html_list *out, struct err *err)
{
	struct links_shown shown;
	struct html_var *v;

	if (links_find(ctx, who, &shown, err) != 0)
		return -1;
	v = account_rows(ctx, shown.n, APP_WIDTH, out);
	for (size_t i = 0; i < out->rows; i++, v += APP_WIDTH) {
		const struct link_settings *link = shown.v[i];

		v[0] = HTML_VALUE("url", link->url);
		v[1] = HTML_VALUE("app", links_title(link));
		v[2] = HTML_VALUE("app_host", links_host(link));
	}
	return 0;
}

/* Returns "Firefox, Windows", or an empty string if the device is unknown. */
static struct str
device_name(struct request_context *ctx, struct str user_agent)
{
	const struct device d = device_read(user_agent);
	struct buf b;

	if (d.browser.n == 0 || d.system.n == 0)
		return d.browser.n > 0 ? d.browser : d.system;
	buf_init(&b, ctx->call.arena, 64);
	buf_add(&b, d.browser);
	buf_add(&b, STR(", "));
	buf_add(&b, d.system);
	if (buf_failed(&b))
		ctx->out->failed = true;
	return buf_str(&b);
}

/* Returns the key of the text about a time that is `ms` ago, and its number. */
static const char *
seen_text(int64_t ms, int64_t *n)
{
	static const struct {
		int64_t unit_ms;
		const char *key;
	} units[] = {
		{ DAY_MS, TEXT("seen.days") },
		{ HOUR_MS, TEXT("seen.hours") },
		{ MINUTE_MS, TEXT("seen.minutes") },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		*n = ms / units[i].unit_ms;
		if (*n > 0)
			return units[i].key;
	}
	*n = 0;
	return TEXT("seen.now");
}

/* A date in UTC, as 2026-11-30. */
static struct str
date_of(struct request_context *ctx, int64_t ms)
{
	const time_t wall = (time_t)(ms / 1000);
	char text[DATE_SIZE];
	struct tm tm;

	if (gmtime_r(&wall, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
		return STR("?");
	return account_copy(ctx, str_from(text));
}

static struct str
id_text(struct request_context *ctx, const struct session_id *id)
{
	char hex[HEX_LEN(SESSION_ID_BYTES)];

	hex_encode(id->b, sizeof(id->b), hex);
	return account_copy(ctx, (struct str){ .p = hex, .n = sizeof(hex) });
}

static void
add_session(struct request_context *ctx, const struct principal *who,
	    const struct session *s, struct html_var row[SESSION_WIDTH])
{
	const bool own = sessions_is_own(who, &s->id);
	int64_t n;
	const char *seen =
	    seen_text(own ? 0 : ctx->call.now_ms - s->last_seen_ms, &n);

	row[0] = HTML_VALUE("id", id_text(ctx, &s->id));
	row[1] = HTML_VALUE("device", device_name(ctx, s->user_agent));
	row[2] = HTML_VALUE("address", s->address);
	row[3] = HTML_VALUE("seen", str_from(seen));
	row[4] = HTML_VALUE("n", page_number(ctx, n));
	row[5] = HTML_VALUE("date", date_of(ctx, s->created_ms));
	row[6] = HTML_FLAG("own", own);
}

/* Sets *more to whether there are older sessions than those of the list. */
static int
list_sessions(struct request_context *ctx, const struct principal *who,
	      struct html_list *out, bool *more, struct err *err)
{
	struct session_list list = { .n = 0 };
	struct html_var *v;

	*more = false;
	if (sessions_are_kept(ctx) &&
	    sessions_list(ctx, who, NULL, &list, more, err) != 0)
		return -1;
	v = account_rows(ctx, list.n, SESSION_WIDTH, out);
	for (size_t i = 0; i < out->rows; i++)
		add_session(ctx, who, &list.v[i], v + SESSION_WIDTH * i);
	return 0;
}

static struct html_list
list_problem(struct request_context *ctx, const struct account_notice *notice)
{
	struct html_list list;
	struct html_var *v = account_rows(ctx, notice->reason != NULL ? 1 : 0,
					  PROBLEM_WIDTH, &list);

	if (list.rows > 0) {
		v[0] = HTML_VALUE("reason", str_from(notice->reason));
		v[1] = HTML_VALUE("n", page_number(ctx, notice->n));
	}
	return list;
}

/* The lists of the page. */
struct account_lists {
	struct html_list roles, apps, sessions, problems;
	bool more; /* there are older sessions */
};

static void
write_account(struct request_context *ctx, unsigned status,
	      const struct principal *who, const struct account_notice *notice,
	      const struct account_lists *lists, struct str csrf)
{
	const struct password_policy policy =
	    new_password_policy(ctx, &who->who);
	const struct html_var vars[] = {
		HTML_VALUE("csrf", csrf),
		HTML_VALUE("user", who->who.name),
		HTML_VALUE("full_name", who->who.full_name),
		HTML_VALUE("email", who->who.email),
		HTML_FLAG("has_roles", lists->roles.rows > 0),
		HTML_LIST("roles", &lists->roles),
		HTML_FLAG("has_apps", lists->apps.rows > 0),
		HTML_LIST("apps", &lists->apps),
		HTML_FLAG("has_sessions", lists->sessions.rows > 0),
		HTML_LIST("sessions", &lists->sessions),
		HTML_FLAG("others", lists->sessions.rows > 1),
		HTML_FLAG("more", lists->more),
		HTML_FLAG("may_change", new_password_is_possible(ctx)),
		HTML_VALUE("consequence",
			   str_from(sessions_are_kept(ctx) ?
					TEXT("account.ends_others") :
					TEXT("account.ends_none"))),
		HTML_VALUE("n", page_number(ctx, policy.min_length)),
		HTML_FLAG("wrong", notice->wrong),
		HTML_FLAG("refused", notice->refused),
		HTML_LIST("problems", &lists->problems),
		HTML_FLAG("problem", notice->reason != NULL),
		HTML_VALUE("done",
			   str_from(notice->done ? TEXT("account.changed") :
						   NULL)),
	};

	page_write(ctx, status, PAGE_ACCOUNT, vars, ARRAY_LEN(vars));
}

int
account_page(struct request_context *ctx, const struct principal *who,
	     unsigned status, const struct account_notice *notice,
	     struct err *err)
{
	struct account_lists lists = {
		.roles = list_roles(ctx, &who->who),
		.problems = list_problem(ctx, notice),
	};
	struct str csrf;

	if (list_apps(ctx, &who->who, &lists.apps, err) != 0 ||
	    list_sessions(ctx, who, &lists.sessions, &lists.more, err) != 0 ||
	    csrf_token(ctx, csrf_binding(who), &csrf, err) != 0)
		return -1;
	write_account(ctx, status, who, notice, &lists, csrf);
	return 0;
}
