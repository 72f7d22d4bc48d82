/* SPDX-License-Identifier: MIT */
/* The applications that the account page offers. */
#include "auth/links.h"

#include "auth/access.h"
#include "auth/require.h"
#include "base/err.h"
#include "conf/problems.h"
#include "conf/syntax.h"
#include "http/path.h"

int
links_check(const struct settings *set, struct problems *problems)
{
	int rc = 0;

	for (size_t i = 0; i < set->links.n; i++) {
		const struct link_settings *link = &set->links.v[i];
		const struct place at = {
			.file = set->file,
			.line = link->require_line,
			.section = STR("link"),
			.name = link->name,
			.key = STR("require"),
		};

		if (link->require.n == 0 || require_is_valid(link->require))
			continue;
		problems_add(problems, &at,
			     "must be words as in a rule: user, user:NAME or "
			     "role:NAME");
		rc = -1;
	}
	return rc;
}

struct str
links_title(const struct link_settings *link)
{
	return link->title.n > 0 ? link->title : link->name;
}

/* Returns the URL without its query and fragment. */
static struct str
without_query(struct str url)
{
	url.n = str_find(url, '#');
	url.n = str_find(url, '?');
	return url;
}

struct str
links_host(const struct link_settings *link)
{
	struct syntax_url url;

	if (!syntax_url(without_query(link->url), &url))
		return STR("");
	return url.host;
}

/* The host and path of a link as the check of a request would see them. Returns
 * false for a link to a host that is not ours. */
static bool
links_find_own(const struct request_context *ctx,
	       const struct link_settings *link, struct access_question *out)
{
	const struct str whole = without_query(link->url);
	struct str host = ctx->in->host, path = whole;
	struct syntax_url url;

	if (syntax_url(whole, &url)) {
		host = url.host;
		path = url.path.n > 0 ? url.path : STR("/");
		if (!str_eq_nocase(host, ctx->in->host) &&
		    sites_find(&ctx->service->sites, host) == NULL)
			return false;
	}
	*out = (struct access_question){
		.rule = { .host = host,
			  .method = STR("GET"),
			  .address = ctx->in->remote_addr },
		.path = path,
	};
	return true;
}

static int
link_is_shown(struct request_context *ctx, const struct identity *who,
	      const struct link_settings *link, bool *shown, struct err *err)
{
	struct access_question question;
	struct access_terms terms;
	enum access_doubt doubt;

	*shown = link->require.n == 0 || require_is_met(link->require, who);
	if (!*shown || !links_find_own(ctx, link, &question))
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
