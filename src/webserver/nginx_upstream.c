/* SPDX-License-Identifier: MIT */
/* Checks what an application behind nginx could be told by its client, and what
 * a cache could tell to other users. */
#include "base/arena.h"
#include "webserver/nginx.h"

/* The kinds of upstreams; each has directives of its own. */
struct protocol {
	const char *pass, *param;
	const char *cache, *key, *no_cache, *bypass;
	bool cgi; /* it gets HTTP_REMOTE_USER instead of Remote-User */
};

#define PROTOCOL(name, param_, cgi_)                                           \
	{                                                                      \
		.pass = name "_pass", .param = name param_,                    \
		.cache = name "_cache", .key = name "_cache_key",              \
		.no_cache = name "_no_cache", .bypass = name "_cache_bypass",  \
		.cgi = (cgi_)                                                  \
	}

static const struct protocol protocols[] = {
	PROTOCOL("proxy", "_set_header", false),
	PROTOCOL("fastcgi", "_param", true),
	PROTOCOL("uwsgi", "_param", true),
	PROTOCOL("scgi", "_param", true),
	PROTOCOL("grpc", "_set_header", false),
};

static const struct fact {
	struct str header, spelled, param;
} facts[] = {
#define FACT(h, s, p)                                                          \
	{                                                                      \
		{ h, sizeof(h) - 1 }, { s, sizeof(s) - 1 },                    \
		{                                                              \
			p, sizeof(p) - 1                                       \
		}                                                              \
	}
	FACT("Remote-User", "Remote_User", "HTTP_REMOTE_USER"),
	FACT("Remote-Groups", "Remote_Groups", "HTTP_REMOTE_GROUPS"),
	FACT("Remote-Email", "Remote_Email", "HTTP_REMOTE_EMAIL"),
	FACT("Remote-Name", "Remote_Name", "HTTP_REMOTE_NAME"),
};

/* Returns the line of the list in force in `s` that sets `name`; NULL when
 * there is none. */
static const struct web_node *
setting(const struct nginx_scope *s, const char *directive, struct str name)
{
	const struct nginx_scope *owner = nginx_owner(s, directive);
	const struct web_node *node = NULL;

	while (owner != NULL &&
	       (node = web_child(owner->node, directive, node)) != NULL) {
		if (str_eq_nocase(web_word(node, 1), name))
			return node;
	}
	return NULL;
}

static bool
underscores_pass(const struct nginx_scope *s)
{
	return str_eq(nginx_value(s, "underscores_in_headers"), STR("on"));
}

/* Returns the first fact that the client could set itself; NULL when there is
 * none. */
static const char *
open_fact(const struct nginx_place *p, const struct protocol *k)
{
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const struct fact *f = &facts[i];
		struct str name = k->cgi ? f->param : f->header;

		if (setting(p->scope, k->param, name) == NULL)
			return name.p;
		if (!k->cgi && underscores_pass(p->scope) &&
		    setting(p->scope, k->param, f->spelled) == NULL)
			return f->spelled.p;
	}
	return NULL;
}

static void
find_lost(const struct nginx_place *p, const struct protocol *k,
	  const struct web_node *pass)
{
	const char *name = open_fact(p, k);
	const char *file = p->opened || !p->guarded ? "public" :
			   str_eq(web_word(pass, 0), STR("fastcgi_pass")) ?
						      "protect-fastcgi" :
						      "protect";

	if (name == NULL ||
	    str_eq(nginx_value(p->scope, "proxy_pass_request_headers"),
		   STR("off")))
		return;
	if (!p->server->refuses)
		web_find(p->server->out, pass, p->name, "forged-header",
			 "a client's own %s reaches the application, as nginx "
			 "ignores the %s lines of the level above; write "
			 "include fcgiauth/fcgiauth-%s.conf; in this location",
			 name, k->param, file);
	else
		web_find(p->server->out, pass, p->name, "no-identity",
			 "the application is not told who the user is, as "
			 "nginx ignores the %s lines of the level above; write "
			 "include fcgiauth/fcgiauth-%s.conf; in this location",
			 k->param, file);
}

static bool
is_identity(struct str name)
{
	static const char *const others[] = { "REMOTE_USER", "AUTH_USER",
					      "AUTH_GROUPS", "AUTH_EMAIL",
					      "AUTH_NAME" };

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		if (str_eq_nocase(name, facts[i].header) ||
		    str_eq_nocase(name, facts[i].spelled) ||
		    str_eq(name, facts[i].param))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (str_eq(name, str_from(others[i])))
			return true;
	}
	return false;
}

static bool
is_of_the_client(struct str value)
{
	return web_has(value, "$http_") || web_has(value, "$arg_") ||
	       web_has(value, "$cookie_") || web_has(value, "$remote_user");
}

/* Reports an identity that is taken from what the client sends. */
static void
find_values(const struct nginx_place *p, const struct protocol *k)
{
	const struct nginx_scope *owner = nginx_owner(p->scope, k->param);
	const struct web_node *node = NULL;

	while (owner != NULL &&
	       (node = web_child(owner->node, k->param, node)) != NULL) {
		struct str name = web_word(node, 1), value = web_word(node, 2);
		bool basic = web_has(value, "$remote_user");

		if (str_eq_nocase(name, STR("Connection")) &&
		    web_has(value, "$http_connection"))
			web_find(p->server->out, node, p->name, "connection",
				 "a client can name Remote-User in Connection, "
				 "and so have it removed; write a map of "
				 "$http_upgrade in place of $http_connection");
		if (!is_identity(name) || !is_of_the_client(value) ||
		    (basic && p->server->refuses_basic))
			continue;
		web_find(p->server->out, node, p->name,
			 basic ? "basic-name" : "client-value",
			 "%.*s is %.*s, which comes from the client and is "
			 "not checked; %s",
			 STR_ARG(name), STR_ARG(value),
			 basic ? "write include fcgiauth/fcgiauth-protect-"
				 "fastcgi.conf; in place of the stock file" :
				 "remove the line");
	}
}

/* True when the directive depends on the user, or has the value `0`, which
 * states that caching is intended. */
static bool
keeps_out(const struct nginx_scope *s, const char *directive)
{
	const struct nginx_scope *owner = nginx_owner(s, directive);
	const struct web_node *node = NULL;

	while (owner != NULL &&
	       (node = web_child(owner->node, directive, node)) != NULL) {
		for (size_t i = 1; i < node->n; i++) {
			if (web_has(node->words[i], "$fcgiauth_") ||
			    web_has(node->words[i], "$http_cookie") ||
			    str_eq(node->words[i], STR("0")))
				return true;
		}
	}
	return false;
}

static void
find_cache(const struct nginx_place *p, const struct protocol *k)
{
	const struct web_node *cache = nginx_effective(p->scope, k->cache);
	struct str key = nginx_value(p->scope, k->key);

	if (cache == NULL || !p->guarded ||
	    str_eq(web_word(cache, 1), STR("off")) ||
	    web_has(key, "$fcgiauth_") || web_has(key, "$http_cookie") ||
	    (keeps_out(p->scope, k->no_cache) &&
	     keeps_out(p->scope, k->bypass)))
		return;
	web_find(p->server->out, cache, p->name, "cache",
		 "an answer of the application to one user is cached for all "
		 "users; write %s $fcgiauth_signed_in; and %s "
		 "$fcgiauth_signed_in; or put $fcgiauth_user into %s",
		 k->no_cache, k->bypass, k->key);
}

void
nginx_check_upstream(const struct nginx_place *p)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		const struct protocol *k = &protocols[i];
		const struct web_node *pass =
		    web_child(p->scope->node, k->pass, NULL);

		if (pass == NULL)
			continue;
		find_lost(p, k, pass);
		find_values(p, k);
		find_cache(p, k);
	}
}
