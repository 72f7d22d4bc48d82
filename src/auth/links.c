/* SPDX-License-Identifier: MIT */
/* The applications that the account page offers. */
#include "auth/links.h"

#include "auth/access.h"
#include "auth/require.h"
#include "base/err.h"
#include "conf/problems.h"
#include "conf/syntax.h"
#include "http/path.h"

/* Returns the URL without its query and fragment. */
static struct str
without_query(struct str url)
{
	url.n = str_find(url, '#');
	url.n = str_find(url, '?');
	return url;
}

/* Returns the path of a URL. */
static struct str
links_path(struct str whole)
{
	struct syntax_url url;

	whole = without_query(whole);
	if (!syntax_url(whole, &url))
		return whole;
	return url.path.n > 0 ? url.path : STR("/");
}

static int
links_check_one(const struct settings *set, const struct link_settings *link,
		struct arena *a, struct problems *problems)
{
	struct place at = { .file = set->file,
			    .line = link->require_line,
			    .section = STR("link"),
			    .name = link->name,
			    .key = STR("require") };
	struct str path, query;
	struct err err;

	if (link->require.n > 0 && !require_is_valid(link->require)) {
		problems_add(problems, &at,
			     "must be words as in a rule: user, user:NAME or "
			     "role:NAME");
		return -1;
	}
	at.key = STR("url");
	at.line = link->url_line;
	if (path_split(links_path(link->url), a, &path, &query, &err) != 0) {
		problems_add(problems, &at, "%s", err.msg);
		return -1;
	}
	return 0;
}

int
links_check(const struct settings *set, struct arena *a,
	    struct problems *problems)
{
	int rc = 0;

	for (size_t i = 0; i < set->links.n; i++) {
		if (links_check_one(set, &set->links.v[i], a, problems) != 0)
			rc = -1;
	}
	return rc;
}

struct str
links_title(const struct link_settings *link)
{
	return link->title.n > 0 ? link->title : link->name;
}

struct str
links_host(const struct link_settings *link)
{
	struct syntax_url url;

	if (!syntax_url(without_query(link->url), &url))
		return STR("");
	return url.host;
}

/* Returns the host that a link leads to as rules write it, if it is one of
 * ours; empty otherwise. */
static struct str
links_own_host(const struct request_context *ctx, struct str host)
{
	const struct site *site;

	if (str_eq(host, ctx->in->host))
		return ctx->in->host;
	site = sites_find(&ctx->service->sites, host);
	return site != NULL ? site->host : STR("");
}

/* Makes the question that the check of a request for this link would ask.
 * question->path is empty if the link leads to a host that is not ours. */
static int
links_ask(const struct request_context *ctx, const struct link_settings *link,
	  struct access_question *question, struct err *err)
{
	struct str query, host = links_host(link);

	*question = (struct access_question){ .path = STR("") };
	host = host.n > 0 ? links_own_host(ctx, host) : ctx->in->host;
	if (host.n == 0)
		return 0;
	question->rule = (struct rule_question){
		.host = host,
		.method = STR("GET"),
		.address = ctx->in->remote_addr,
	};
	return path_split(links_path(link->url), ctx->call.arena,
			  &question->path, &query, err);
}

static int
link_is_shown(struct request_context *ctx, const struct identity *who,
	      const struct link_settings *link, bool *shown, struct err *err)
{
	struct access_question question;
	struct access_terms terms;
	enum access_doubt doubt;

	*shown = link->require.n == 0 || require_is_met(link->require, who);
	if (!*shown)
		return 0;
	if (links_ask(ctx, link, &question, err) != 0)
		return -1;
	if (question.path.n == 0)
		return 0;
	if (access_find(ctx->service->rules, &question, ctx->call.arena, &terms,
			err) != 0)
		return -1;
	*shown = access_evaluate(&terms, who, &doubt) == ACCESS_YES;
	return 0;
}

int
links_find(struct request_context *ctx, const struct identity *who,
	   struct links_shown *out, struct err *err)
{
	const struct links_settings *all = &ctx->service->set->links;
	const struct link_settings **v =
	    arena_array(ctx->call.arena, all->n, sizeof(const void *));
	size_t n = 0;

	if (v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < all->n; i++) {
		bool shown;

		if (link_is_shown(ctx, who, &all->v[i], &shown, err) != 0)
			return -1;
		if (shown)
			v[n++] = &all->v[i];
	}
	*out = (struct links_shown){ .v = v, .n = n };
	return 0;
}
