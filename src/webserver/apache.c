/* SPDX-License-Identifier: MIT */
/* Checks whether Apache asks the service wherever it should, as far as the
 * macros of the project, the sections around them and ProxyPass tell. */
#include "base/str.h"
#include "webserver/webserver.h"

/* What the macros say about a path; of the sections that match, the last one
 * decides. */
enum cover {
	COVER_NONE = 0,
	COVER_PUBLIC,
	COVER_GUARDED,
};

/* A <VirtualHost>, or the configuration outside of all of them. */
struct apache_site {
	struct web_findings *out;
	const struct web_node *node;
	struct str name;
};

static const struct macro {
	const char *name;
	enum cover cover;
} macros[] = {
	{ "FcgiauthProtect", COVER_GUARDED },
	{ "FcgiauthRequire", COVER_GUARDED },
	{ "FcgiauthPublic", COVER_PUBLIC },
};

static bool
is_use(const struct web_node *node, const char *macro)
{
	return web_is(node, "Use") &&
	       str_eq_nocase(web_word(node, 1), str_from(macro));
}

/* True for a section that stands for what is in it. */
static bool
is_container(const struct web_node *node)
{
	return node->block &&
	       (web_is(node, "IfModule") || web_is(node, "IfDefine") ||
		web_is(node, "IfVersion"));
}

static enum cover
cover_of_section(const struct web_node *section)
{
	enum cover cover = COVER_NONE;

	for (const struct web_node *n = section->first; n != NULL;
	     n = n->next) {
		for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
			if (is_use(n, macros[i].name))
				cover = macros[i].cover;
		}
		if (is_container(n) && cover_of_section(n) != COVER_NONE)
			cover = cover_of_section(n);
	}
	return cover;
}

/* True for a <Location> of a path, not of a regular expression. */
static bool
is_location(const struct web_node *node)
{
	return web_is(node, "Location") && node->block && node->n == 2;
}

static bool
matches(struct str prefix, struct str path)
{
	return str_starts(path, prefix) &&
	       (str_ends(prefix, STR("/")) || path.n == prefix.n ||
		path.p[prefix.n] == '/');
}

static void
find_cover(const struct web_node *block, struct str path, enum cover *cover)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		bool server = is_use(n, "FcgiauthServer");
		bool guard = is_use(n, "FcgiauthGuard");

		if (guard)
			*cover = COVER_GUARDED;
		if ((server || guard) && matches(STR("/auth/"), path))
			*cover = COVER_PUBLIC;
		if (is_container(n))
			find_cover(n, path, cover);
		else if (is_location(n) && matches(web_word(n, 1), path) &&
			 cover_of_section(n) != COVER_NONE)
			*cover = cover_of_section(n);
	}
}

static enum cover
cover_of(const struct apache_site *site, struct str path)
{
	enum cover cover = COVER_NONE;

	find_cover(site->node, path, &cover);
	return cover;
}

/* Returns the first `Use` of that macro in the block or in a section of it. */
static const struct web_node *
find_use(const struct web_node *block, const char *macro)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		const struct web_node *inner = NULL;

		if (is_use(n, macro))
			return n;
		if (!web_is(n, "VirtualHost") && !web_is(n, "Macro"))
			inner = find_use(n, macro);
		if (inner != NULL)
			return inner;
	}
	return NULL;
}

static const struct web_node *
apache_find_asking(const struct web_node *block)
{
	static const char *const asking[] = { "FcgiauthGuard",
					      "FcgiauthProtect",
					      "FcgiauthRequire" };
	const struct web_node *use = NULL;

	for (size_t i = 0; use == NULL && i < ARRAY_LEN(asking); i++)
		use = find_use(block, asking[i]);
	return use;
}

static bool
is_pass(const struct web_node *node)
{
	return (web_is(node, "ProxyPass") || web_is(node, "ProxyPassMatch")) &&
	       !str_eq(web_word(node, node->n - 1), STR("!")) &&
	       !web_is_ours(node);
}

static void
apache_find_pass(const struct apache_site *site, const struct web_node *pass,
		 struct str path)
{
	if (cover_of(site, path) == COVER_NONE)
		web_find(site->out, pass, site->name, "unguarded",
			 "%.*s is open to everybody; write Use FcgiauthGuard "
			 "first in the <VirtualHost>, or Use FcgiauthProtect "
			 "in a <Location> of it; if this is intended, Use "
			 "FcgiauthPublic",
			 STR_ARG(path));
}

static void
find_header(const struct apache_site *site, const struct web_node *node)
{
	struct str name = web_word(node, 2), value = web_word(node, 3);

	if (!web_is(node, "RequestHeader") || web_is_ours(node) ||
	    str_eq_nocase(web_word(node, 1), STR("unset")) || name.n < 7 ||
	    !str_eq_nocase((struct str){ .p = name.p, .n = 6 },
			   STR("remote")) ||
	    !web_has(value, "%"))
		return;
	web_find(site->out, node, site->name, "client-value",
		 "%.*s is set in addition to the result of the check, and "
		 "its value may come from the client; remove it",
		 STR_ARG(name));
}

/* An <If> is applied after the check, and may allow what the check refused. */
static void
find_if(const struct apache_site *site, const struct web_node *node)
{
	const struct web_node *require = web_child(node, "Require", NULL);

	if (!web_is(node, "If") || web_is_ours(node) || require == NULL ||
	    web_child(node, "AuthMerging", NULL) != NULL)
		return;
	web_find(site->out, require, site->name, "if-opens",
		 "a Require in an <If> replaces the check; write "
		 "AuthMerging And beside it, or if this is intended, Use "
		 "FcgiauthPublic");
}

static void
find_leftovers(const struct apache_site *site, const struct web_node *node)
{
	if (web_is(node, "AuthType") && !web_is_ours(node) &&
	    !str_eq_nocase(web_word(node, 1), STR("None")) &&
	    !str_eq(web_word(node, 1), STR("fcgiauth")))
		web_find(site->out, node, site->name, "auth-basic",
			 "two ways to sign in conflict; remove "
			 "AuthType %.*s and the directives that belong to it "
			 "where the check is asked",
			 STR_ARG(web_word(node, 1)));
	if (web_is(node, "CacheEnable") &&
	    web_child(site->node, "CacheQuickHandler", NULL) == NULL)
		web_find(site->out, node, site->name, "cache",
			 "answers in the cache are sent before the check; "
			 "write CacheQuickHandler off in the <VirtualHost>, "
			 "and keep answers for one user out of the cache");
}

static void
apache_check_inside(const struct apache_site *site,
		    const struct web_node *block)
{
	const struct web_node *section = is_location(block) ? block : NULL;

	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (web_is(n, "VirtualHost") || web_is(n, "Macro"))
			continue;
		if (is_pass(n) && section != NULL)
			apache_find_pass(site, n, web_word(section, 1));
		else if (is_pass(n) && n->n > 2 && web_is(n, "ProxyPass"))
			apache_find_pass(site, n, web_word(n, 1));
		find_header(site, n);
		find_if(site, n);
		find_leftovers(site, n);
		apache_check_inside(site, n);
	}
}

static void
check_site(const struct apache_site *site)
{
	const struct web_node *asking = apache_find_asking(site->node);

	apache_check_inside(site, site->node);
	if (cover_of(site, STR("/")) == COVER_NONE)
		web_find(site->out, site->node, site->name, "unguarded",
			 "paths that no <Location> names are open to "
			 "everybody; write Use FcgiauthGuard first in the "
			 "<VirtualHost>, or if this is intended, "
			 "<Location \"/\"> with Use FcgiauthPublic before the "
			 "others");
	if (find_use(site->node, "FcgiauthServer") == NULL &&
	    find_use(site->node, "FcgiauthGuard") == NULL)
		web_find(site->out, asking, site->name, "no-check",
			 "there is no login page; write Use FcgiauthServer "
			 "last in the <VirtualHost>");
	else if (cover_of(site, STR("/auth/login")) != COVER_PUBLIC)
		web_find(site->out, asking, site->name, "order",
			 "the login page itself requires a sign-in; write Use "
			 "FcgiauthServer after all sections that guard");
}

/* Reports other sites that lead to the same application without the check. */
static void
apache_find_other_way(const struct apache_site *other,
		      const struct web_node *block, struct str target)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (web_is(n, "VirtualHost") || web_is(n, "Macro"))
			continue;
		apache_find_other_way(other, n, target);
		if (is_pass(n) && str_eq(web_word(n, n->n - 1), target))
			web_find(other->out, n, other->name, "other-way",
				 "%.*s is guarded in another place, but open "
				 "here; guard this as well, or remove it",
				 STR_ARG(target));
	}
}

static void
apache_check_others(const struct web_node *root, const struct web_node *block,
		    const struct apache_site *other)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (is_pass(n))
			apache_find_other_way(other, other->node,
					      web_word(n, n->n - 1));
		if (n != other->node && !web_is(n, "Macro"))
			apache_check_others(root, n, other);
	}
}

static size_t
check_sites(const struct web_node *root, const struct web_node *block,
	    struct web_findings *out)
{
	size_t asking = 0;

	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		const struct apache_site site = {
			.out = out, .node = n, .name = STR("<VirtualHost>")
		};

		if (is_container(n))
			asking += check_sites(root, n, out);
		if (!web_is(n, "VirtualHost"))
			continue;
		if (apache_find_asking(n) == NULL) {
			apache_check_others(root, root, &site);
			continue;
		}
		asking++;
		check_site(&site);
	}
	return asking;
}

static void
find_secret(const struct web_node *root, struct web_findings *out)
{
	const struct web_node *define = NULL;

	while ((define = web_child(root, "Define", define)) != NULL) {
		if (str_eq(web_word(define, 1), STR("FCGIAUTH_SECRET")) &&
		    str_eq(web_word(define, 2), STR("change.me")))
			web_find(out, define, STR("Define"), "secret",
				 "this secret is public, so others can ask "
				 "the service in place of Apache; write the "
				 "value of peer_secret here");
	}
}

void
apache_check(const struct web_node *root, struct web_findings *out)
{
	const struct apache_site whole = { .out = out,
					   .node = root,
					   .name = STR("server") };
	size_t asking = check_sites(root, root, out);

	if (apache_find_asking(root) != NULL) {
		asking++;
		check_site(&whole);
	}
	find_secret(root, out);
	if (asking == 0)
		web_find(out, root, STR("Apache"), "unused",
			 "no site asks fcgiauth; write Use FcgiauthGuard "
			 "first in the <VirtualHost>");
}
