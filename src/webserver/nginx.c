/* SPDX-License-Identifier: MIT */
/* Checks whether nginx asks the service wherever it should. */
#include "webserver/nginx.h"

#include "base/arena.h"
#include "base/buf.h"

#define ADVICE_GUARD                                                           \
	"write include fcgiauth/fcgiauth-guard.conf; in the server, or "       \
	"include fcgiauth/fcgiauth-protect.conf; here; if this is intended, "  \
	"include fcgiauth/fcgiauth-public.conf;"

const struct nginx_scope *
nginx_owner(const struct nginx_scope *s, const char *name)
{
	while (s != NULL && web_child(s->node, name, NULL) == NULL)
		s = s->up;
	return s;
}

const struct web_node *
nginx_effective(const struct nginx_scope *s, const char *name)
{
	const struct nginx_scope *owner = nginx_owner(s, name);

	return owner == NULL ? NULL : web_child(owner->node, name, NULL);
}

struct str
nginx_value(const struct nginx_scope *s, const char *name)
{
	const struct web_node *node = nginx_effective(s, name);

	return node == NULL ? STR("") : web_word(node, 1);
}

static bool
is_guarded(const struct nginx_scope *s, struct str check)
{
	return str_eq(nginx_value(s, "auth_request"), check) &&
	       !str_eq(nginx_value(s, "satisfy"), STR("any"));
}

/* True for a location of the service itself: its pages, the check, the
 * challenge. */
static bool
nginx_is_of_the_service(const struct web_node *location)
{
	const struct web_node *param = NULL;

	while ((param = web_child(location, "fastcgi_param", param)) != NULL) {
		if (str_eq(web_word(param, 1), STR("AUTH_ACTION")))
			return true;
	}
	param = web_child(location, "fastcgi_pass", NULL);
	return param != NULL && str_eq(web_word(param, 1), STR("fcgiauth"));
}

/* True for `= /x`, `^~ /x` and `/x`; the last word is the path. */
static bool
is_prefix(const struct web_node *location, struct str address)
{
	struct str kind = web_word(location, 1);
	struct str path = web_word(location, location->n - 1);

	if (location->n == 3 && str_eq(kind, STR("=")))
		return str_eq(path, address);
	if (location->n == 3 && !str_eq(kind, STR("^~")))
		return false;
	return str_starts(address, STR("@")) || str_starts(path, STR("@")) ?
		   str_eq(path, address) :
		   str_starts(address, path);
}

const struct web_node *
nginx_location(const struct web_node *server, struct str address)
{
	const struct web_node *best = NULL, *node = NULL;

	while ((node = web_child(server, "location", node)) != NULL) {
		if (is_prefix(node, address) &&
		    (best == NULL || web_word(node, node->n - 1).n >
					 web_word(best, best->n - 1).n))
			best = node;
	}
	return best;
}

bool
nginx_leads_to_check(const struct nginx_server *server, struct str address)
{
	const struct web_node *node =
	    nginx_location(server->scope->node, address);
	struct nginx_scope s = { .up = server->scope, .node = node };

	if (node == NULL)
		return is_guarded(server->scope, server->check);
	return nginx_is_of_the_service(node) || is_guarded(&s, server->check);
}

/* True when nobody gets in, or the location only leads to another one. */
static bool
is_harmless(const struct nginx_scope *s)
{
	const struct web_node *end = web_child(s->node, "return", NULL);
	const struct web_node *deny = nginx_effective(s, "deny");
	const struct web_node *file = nginx_effective(s, "auth_request");

	if (end != NULL)
		return true; /* nginx_check_around() checks this */
	if (file != NULL && str_eq(web_word(file, 1), STR("off")) &&
	    web_is_ours(file))
		return true;
	return deny != NULL && str_eq(web_word(deny, 1), STR("all")) &&
	       nginx_owner(s, "allow") == NULL &&
	       !str_eq(nginx_value(s, "satisfy"), STR("any"));
}

static void
find_unguarded(const struct nginx_place *p)
{
	const struct web_node *node = p->scope->node;
	const struct web_node *off = nginx_effective(p->scope, "auth_request");

	if (p->guarded || is_harmless(p->scope))
		return;
	if (str_eq(nginx_value(p->scope, "satisfy"), STR("any")) &&
	    off != NULL && !str_eq(web_word(off, 1), STR("off")))
		web_find(p->server->out, nginx_effective(p->scope, "satisfy"),
			 p->name, "satisfy-any",
			 "satisfy any lets in clients that pass allow or "
			 "another check, without this check; remove it");
	else if (off != NULL && str_eq(web_word(off, 1), STR("off")))
		web_find(p->server->out, off, p->name, "auth-request-off",
			 "auth_request off opens it to everybody; remove it, "
			 "or if this is intended, write include "
			 "fcgiauth/fcgiauth-public.conf; in its place");
	else if (str_starts(web_word(node, 1), STR("@")))
		web_find(p->server->out, node, p->name, "named-unguarded",
			 "it is open to clients that try_files, error_page or "
			 "X-Accel-Redirect leads here, as a named location is "
			 "not inside another one; " ADVICE_GUARD);
	else if (web_child(node, "internal", NULL) == NULL)
		web_find(p->server->out, node, p->name, "unguarded",
			 "it is open to everybody; " ADVICE_GUARD);
}

static struct str
place_name(const struct web_node *node, struct arena *a)
{
	struct str words = web_words(node, a);
	struct buf b;

	if (!web_is(node, "location"))
		return web_is(node, "server") ? STR("server") : STR("if");
	buf_init(&b, a, 2048);
	buf_printf(&b, "location %.*s", STR_ARG(words));
	return buf_failed(&b) ? STR("location") : buf_str(&b);
}

static void check_place(const struct nginx_server *server,
			const struct nginx_scope *s, struct str outer);

/* Checks the blocks inside of a location or server. */
static void
nginx_check_inside(const struct nginx_server *server,
		   const struct nginx_scope *s, struct str name)
{
	for (const struct web_node *node = s->node->first; node != NULL;
	     node = node->next) {
		const struct nginx_scope inner = { .up = s, .node = node };

		if (web_is(node, "location") ||
		    (web_is(node, "if") && !web_is(s->node, "server")))
			check_place(server, &inner, name);
	}
}

static void
check_place(const struct nginx_server *server, const struct nginx_scope *s,
	    struct str outer)
{
	const struct web_node *auth = nginx_effective(s, "auth_request");
	struct nginx_place p = {
		.server = server,
		.scope = s,
		.name = web_is(s->node, "if") ?
			    outer :
			    place_name(s->node, server->out->arena),
		.guarded = is_guarded(s, server->check),
		.opened = auth != NULL && web_is_ours(auth) &&
			  str_eq(web_word(auth, 1), STR("off")),
	};

	if (nginx_is_of_the_service(s->node))
		return;
	nginx_check_around(&p);
	if (!web_is(s->node, "if"))
		find_unguarded(&p);
	nginx_check_upstream(&p);
	nginx_check_inside(server, s, p.name);
}

/* Returns the address of the location that sends the check to the service. */
static struct str
find_check(const struct web_node *server)
{
	const struct web_node *node = NULL, *param;

	while ((node = web_child(server, "location", node)) != NULL) {
		param = NULL;
		while ((param = web_child(node, "fastcgi_param", param)) !=
		       NULL) {
			if (str_eq(web_word(param, 1), STR("AUTH_ACTION")) &&
			    str_eq(web_word(param, 2), STR("verify")))
				return web_word(node, node->n - 1);
		}
	}
	return STR("");
}

static bool
refuses(const struct web_node *server, const char *variable)
{
	const struct web_node *node = NULL;

	while ((node = web_child(server, "if", node)) != NULL) {
		if (web_has(web_word(node, 1), variable) &&
		    web_child(node, "return", NULL) != NULL)
			return true;
	}
	return false;
}

/* Returns any auth_request in the block or in a block of it. */
static const struct web_node *
nginx_find_asking(const struct web_node *block)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		const struct web_node *inner;

		if (web_is(n, "auth_request") &&
		    !str_eq(web_word(n, 1), STR("off")))
			return n;
		inner = nginx_find_asking(n);
		if (inner != NULL)
			return inner;
	}
	return NULL;
}

static void
find_of_server(const struct nginx_server *s)
{
	const struct web_node *node = s->scope->node, *set = NULL;

	if (!s->refuses)
		web_find(
		    s->out, node, STR("server"), "no-refusal",
		    "a client that sends Remote-User is not refused; write "
		    "include fcgiauth/fcgiauth-server.conf;");
	if (str_eq(nginx_value(s->scope, "ignore_invalid_headers"), STR("off")))
		web_find(s->out,
			 nginx_effective(s->scope, "ignore_invalid_headers"),
			 STR("server"), "invalid-headers",
			 "a client's Remote.User and similar headers reach "
			 "the application, and some applications take them "
			 "for Remote-User; leave ignore_invalid_headers on");
	while ((set = web_child(node, "set", set)) != NULL) {
		if (str_eq(web_word(set, 1), STR("$fcgiauth_require")))
			web_find(s->out, set, STR("server"), "require-lost",
				 "nginx runs a set in server again for the "
				 "check, which replaces the requirement of "
				 "the location; write a [rule] in "
				 "fcgiauth.ini");
	}
}

/* True when there is a location for paths that no other one matches. */
static bool
has_root(const struct web_node *server)
{
	const struct web_node *node = NULL;

	while ((node = web_child(server, "location", node)) != NULL) {
		if (str_eq(web_word(node, node->n - 1), STR("/")) &&
		    !str_eq(web_word(node, 1), STR("=")))
			return true;
	}
	return false;
}

static void
check_server(const struct nginx_scope *scope, struct web_findings *out)
{
	const struct web_node *node = scope->node;
	const struct web_node *asking = nginx_find_asking(node);
	struct nginx_server s = {
		.out = out,
		.http = scope->up->node,
		.scope = scope,
		.check = find_check(node),
		.refuses = refuses(node, "$fcgiauth_forged"),
		.refuses_basic = refuses(node, "$fcgiauth_unchecked"),
	};
	struct nginx_place whole = { .server = &s,
				     .scope = scope,
				     .name = STR("server") };

	if (s.check.n == 0) {
		if (asking != NULL && web_has(web_word(asking, 1), "fcgiauth"))
			web_find(out, asking, STR("server"), "no-check",
				 "the check is asked for, but not defined: "
				 "write include fcgiauth/fcgiauth-server.conf; "
				 "in the server");
		return;
	}
	whole.guarded = is_guarded(scope, s.check);
	if (web_child(node, "return", NULL) != NULL) {
		nginx_check_around(&whole);
		return;
	}
	find_of_server(&s);
	nginx_check_rewrites(&s, node);
	if (!has_root(node)) {
		whole.name = STR("paths that no location matches");
		find_unguarded(&whole);
	}
	nginx_check_inside(&s, scope, STR("server"));
}

/* A FastCGI process may serve the files of many sites, so it does not count as
 * one application. */
static bool
is_application(const struct web_node *node)
{
	return str_ends(web_word(node, 0), STR("_pass")) &&
	       !web_is(node, "fastcgi_pass");
}

/* Returns the part of "http://127.0.0.1:3000/path" between scheme and path; of
 * "http://unix:/socket:/path" the socket. */
static struct str
program(struct str target)
{
	const struct str scheme = STR("://");
	struct str s = target;

	while (s.n > 0 && !str_starts(s, scheme))
		s = str_skip(s, 1);
	s = s.n > 0 ? str_skip(s, scheme.n) : target;
	if (str_starts(s, STR("unix:")))
		s.n = 5 + str_find(str_skip(s, 5), ':');
	else
		s.n = str_find(s, '/');
	return s;
}

static const struct web_node *
nginx_find_pass(const struct web_node *block, struct str target)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		const struct web_node *inner = nginx_find_pass(n, target);

		if (inner != NULL)
			return inner;
		if (is_application(n) &&
		    str_eq(program(web_word(n, 1)), target))
			return n;
	}
	return NULL;
}

/* Reports a server without the check that passes requests to an application of
 * `guarded`. */
static void
nginx_find_other_way(const struct web_node *other, const struct web_node *block,
		     struct web_findings *out)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		const struct web_node *pass;

		nginx_find_other_way(other, n, out);
		if (!is_application(n))
			continue;
		pass = nginx_find_pass(other, program(web_word(n, 1)));
		if (pass != NULL && find_check(other).n == 0)
			web_find(out, pass, STR("server"), "other-way",
				 "%.*s is guarded in %.*s, line %u, but open "
				 "here, where clients can send Remote-User; "
				 "guard this server as well",
				 STR_ARG(web_word(n, 1)), STR_ARG(n->file),
				 n->line);
	}
}

static void
nginx_check_others(const struct web_node *http, const struct web_node *guarded,
		   struct web_findings *out)
{
	const struct web_node *other = NULL;

	while ((other = web_child(http, "server", other)) != NULL) {
		if (other != guarded &&
		    web_child(other, "return", NULL) == NULL)
			nginx_find_other_way(other, guarded, out);
	}
}

void
nginx_check(const struct web_node *root, struct web_findings *out)
{
	const struct web_node *http = web_child(root, "http", NULL);
	const struct nginx_scope top = { .node = http != NULL ? http : root };
	const struct web_node *server = NULL;
	size_t asking = 0;

	while ((server = web_child(top.node, "server", server)) != NULL) {
		const struct nginx_scope s = { .up = &top, .node = server };

		check_server(&s, out);
		if (nginx_find_asking(server) == NULL)
			continue;
		asking++;
		nginx_check_others(top.node, server, out);
	}
	if (asking == 0)
		web_find(out, root, STR("nginx"), "unused",
			 "no server asks fcgiauth; write include "
			 "fcgiauth/fcgiauth-server.conf; and include "
			 "fcgiauth/fcgiauth-guard.conf; in it");
}
