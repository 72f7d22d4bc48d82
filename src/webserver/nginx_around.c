/* SPDX-License-Identifier: MIT */
/* Checks what nginx does before it asks the service, and with the answer. */
#include "webserver/nginx.h"

static bool
is_named(const struct web_node *error_page, struct str code)
{
	for (size_t i = 1; i < error_page->n; i++) {
		if (str_eq(error_page->words[i], code))
			return true;
	}
	return false;
}

/* Returns the error_page in force for a code, of which nginx takes the first;
 * NULL when there is none. */
static const struct web_node *
error_page(const struct nginx_scope *s, struct str code)
{
	const struct nginx_scope *owner = nginx_owner(s, "error_page");
	const struct web_node *node = NULL;

	while (owner != NULL &&
	       (node = web_child(owner->node, "error_page", node)) != NULL) {
		if (is_named(node, code))
			return node;
	}
	return NULL;
}

/* `return` is executed before the check: everybody gets its answer, and a
 * location that it leads to must have a check of its own. */
static void
find_return(const struct nginx_place *p)
{
	const struct web_node *node = web_child(p->scope->node, "return", NULL);
	const struct web_node *page;
	struct str code, to;

	if (node == NULL || p->opened)
		return;
	code = web_word(node, 1);
	page = error_page(p->scope, code);
	to = page == NULL ? STR("") : web_word(page, page->n - 1);
	if (to.n > 0 && (to.p[0] == '@' || to.p[0] == '/')) {
		if (!nginx_leads_to_check(p->server, to))
			web_find(p->server->out, node, p->name, "return",
				 "it answers before the check, and error_page "
				 "leads everybody on to %.*s, which is not "
				 "guarded; write include "
				 "fcgiauth/fcgiauth-guard.conf; in the server",
				 STR_ARG(to));
		return;
	}
	if (str_starts(code, STR("2")) && node->n > 2)
		web_find(p->server->out, node, p->name, "return",
			 "it answers before the check, and so to everybody; "
			 "if this is intended, write include "
			 "fcgiauth/fcgiauth-public.conf; beside it");
}

static struct str
fixed_part(struct str address)
{
	for (size_t i = 0; i < address.n; i++) {
		if (address.p[i] == '$' || address.p[i] == '?')
			return (struct str){ .p = address.p, .n = i };
	}
	return address;
}

/* True when the request goes on in a location of this server. */
static bool
around_goes_on(const struct web_node *rewrite)
{
	struct str flag = web_word(rewrite, 3);

	return str_starts(web_word(rewrite, 2), STR("/")) &&
	       !str_eq(flag, STR("break")) && !str_eq(flag, STR("redirect")) &&
	       !str_eq(flag, STR("permanent"));
}

/* A rewrite sends the request to another location before this one has asked for
 * the check. */
static void
find_rewrite(const struct nginx_place *p)
{
	const struct web_node *node = NULL;

	if (!p->guarded)
		return;
	while ((node = web_child(p->scope->node, "rewrite", node)) != NULL) {
		struct str to = fixed_part(web_word(node, 2));

		if (!around_goes_on(node) ||
		    nginx_leads_to_check(p->server, to))
			continue;
		web_find(p->server->out, node, p->name, "rewrite",
			 "it goes on to %.*s before the check, and no check "
			 "is asked there; write include "
			 "fcgiauth/fcgiauth-guard.conf; in the server",
			 STR_ARG(web_word(node, 2)));
	}
}

/* Clients cannot reach a location that is `internal`, but a rewrite in the
 * server leads them there. */
void
nginx_check_rewrites(const struct nginx_server *server,
		     const struct web_node *block)
{
	const struct web_node *node = NULL, *to;

	while ((node = web_child(block, "rewrite", node)) != NULL) {
		struct str path = fixed_part(web_word(node, 2));

		to = nginx_location(server->scope->node, path);
		if (!around_goes_on(node) ||
		    nginx_leads_to_check(server, path) || to == NULL ||
		    web_child(to, "internal", NULL) == NULL)
			continue;
		web_find(server->out, node, STR("server"), "rewrite",
			 "it leads everybody on to %.*s, which is internal, "
			 "but not guarded; write include "
			 "fcgiauth/fcgiauth-guard.conf; in the server",
			 STR_ARG(web_word(node, 2)));
	}
	node = NULL;
	while (web_is(block, "server") &&
	       (node = web_child(block, "if", node)) != NULL)
		nginx_check_rewrites(server, node);
}

/* Checks that refused visitors are led to the login page, and nowhere else. */
static void
find_error_page(const struct nginx_place *p)
{
	const struct web_node *page = error_page(p->scope, STR("401"));
	const struct nginx_scope *owner = nginx_owner(p->scope, "error_page");
	struct str to = page == NULL ? STR("") : web_word(page, page->n - 1);

	/* After a return, the error_page 401 is that of the location it leads
	 * to. */
	if (!p->guarded || str_eq(to, STR("@fcgiauth_challenge")) ||
	    web_child(p->scope->node, "return", NULL) != NULL)
		return;
	if (page == NULL)
		web_find(p->server->out,
			 owner == NULL ?
			     p->scope->node :
			     web_child(owner->node, "error_page", NULL),
			 p->name, "error-page",
			 "a visitor gets a bare 401, as nginx ignores the "
			 "error_page of the level above; write error_page 401 "
			 "403 = @fcgiauth_challenge; beside the other");
	else
		web_find(p->server->out, page, p->name, "error-page",
			 "visitors who are refused are led to %.*s in place "
			 "of the login page%s; remove 401 from it",
			 STR_ARG(to),
			 nginx_leads_to_check(p->server, to) ?
			     "" :
			     ", and no check is asked there");
}

static const struct web_node *
own_requirement(const struct web_node *location)
{
	const struct web_node *set = NULL;

	while ((set = web_child(location, "set", set)) != NULL) {
		if (str_eq(web_word(set, 1), STR("$fcgiauth_require")))
			return set;
	}
	return NULL;
}

/* Reports a requirement that is not inherited. */
static void
find_requirement(const struct nginx_place *p)
{
	const struct nginx_scope *up = p->scope->up;

	if (!p->guarded || !web_is(p->scope->node, "location") ||
	    own_requirement(p->scope->node) != NULL || up == NULL ||
	    !web_is(up->node, "location") || own_requirement(up->node) == NULL)
		return;
	web_find(p->server->out, p->scope->node, p->name, "require-lost",
		 "the $fcgiauth_require of the location around it has no "
		 "effect here; write the set once more, or a [rule] in "
		 "fcgiauth.ini");
}

static void
find_basic(const struct nginx_place *p)
{
	const struct web_node *basic = nginx_effective(p->scope, "auth_basic");

	if (p->guarded && basic != NULL &&
	    !str_eq(web_word(basic, 1), STR("off")))
		web_find(p->server->out, basic, p->name, "auth-basic",
			 "the browser asks for a password in addition to the "
			 "login page; remove auth_basic");
}

void
nginx_check_around(const struct nginx_place *p)
{
	find_return(p);
	find_rewrite(p);
	if (web_is(p->scope->node, "if"))
		return;
	find_error_page(p);
	find_requirement(p);
	find_basic(p);
}
