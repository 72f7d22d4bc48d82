/* SPDX-License-Identifier: MIT */
/* Checks whether lighttpd asks the service wherever it should, as far as the
 * conditions and the order of server.modules tell. */
#include "base/str.h"
#include "webserver/webserver.h"

#define AUTHORIZER "\"mode\"=>\"authorizer\""

struct lighttpd_site {
	struct web_findings *out;
	const struct web_node *global; /* the block config { } */
	/* the last include of the check for all requests */
	const struct web_node *guard;
	/* the guard comes earlier in the file than the current node */
	bool after;
};

static struct str
value(const struct web_node *block, const char *name)
{
	const struct web_node *node = web_child(block, name, NULL);

	return node == NULL ? STR("") : web_word(node, 1);
}

static bool
asks(const struct web_node *block)
{
	return web_has(value(block, "fastcgi.server"), AUTHORIZER);
}

static bool
is_always(const struct web_node *condition)
{
	static const char *const all[] = {
		"=^\"\"",  "=^\"/\"",  "=~\"\"",
		"=~\"^\"", "=~\"^/\"", "=~\"^\\/\""
	};
	struct str name = web_word(condition, 0);

	if (!str_starts(name, STR("$HTTP[\"url\"]")))
		return false;
	name = str_skip(name, sizeof("$HTTP[\"url\"]") - 1);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (str_eq(name, str_from(all[i])))
			return true;
	}
	return false;
}

static const struct web_node *
find_guard(const struct web_node *block, const struct web_node *guard)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (n->block && is_always(n) && asks(n))
			guard = n;
	}
	return guard;
}

/* True for the pages of the service, for which no check is asked. */
static bool
lighttpd_is_of_the_service(const struct web_node *fastcgi)
{
	struct str servers = web_word(fastcgi, 1);

	return !web_has(servers, AUTHORIZER) &&
	       (web_is_ours(fastcgi) || web_has(servers, "fcgiauth_socket") ||
		web_has(servers, "/fcgiauth.sock"));
}

static bool
has_application(const struct web_node *block)
{
	static const char *const kinds[] = { "proxy.server", "scgi.server",
					     "ajp13.server", "cgi.assign",
					     "wstunnel.server" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct str servers = value(block, kinds[i]);

		if (servers.n > 0 && !str_eq(servers, STR("()")))
			return true;
	}
	return false;
}

/* An assignment in a condition replaces the one outside of it. */
static void
find_assignments(const struct lighttpd_site *s, const struct web_node *n)
{
	const struct web_node *fastcgi = web_child(n, "fastcgi.server", NULL);
	const struct web_node *headers =
	    web_child(n, "setenv.set-request-header", NULL);
	struct str outside = value(s->global, "fastcgi.server");

	if (headers != NULL && (s->after || s->guard == NULL) &&
	    !web_has(web_word(headers, 1), "\"Remote-User\""))
		web_find(s->out, headers, web_word(n, 0), "forged-header",
			 "a client's own Remote-User reaches the application; "
			 "write += in place of = in this condition");
	if (fastcgi == NULL || !s->after || asks(n) ||
	    str_eq(web_word(fastcgi, 1), STR("()")) ||
	    str_eq(web_word(fastcgi, 1), outside) ||
	    lighttpd_is_of_the_service(fastcgi))
		return;
	web_find(s->out, fastcgi, web_word(n, 0), "unguarded",
		 "it is open to everybody; write include "
		 "\"fcgiauth/fcgiauth-protect.conf\" and += in this condition; "
		 "if this is intended, include "
		 "\"fcgiauth/fcgiauth-public.conf\"");
}

static void
find_application(const struct lighttpd_site *s, const struct web_node *n)
{
	const struct web_node *fastcgi = web_child(n, "fastcgi.server", NULL);
	bool served =
	    has_application(n) ||
	    (fastcgi != NULL && !lighttpd_is_of_the_service(fastcgi) &&
	     !str_eq(web_word(fastcgi, 1), STR("()")));

	if (s->guard != NULL || asks(n) || !served)
		return;
	web_find(s->out, n, web_word(n, 0), "unguarded",
		 "it is open to everybody; write include "
		 "\"fcgiauth/fcgiauth-guard.conf\" after all conditions, or "
		 "include \"fcgiauth/fcgiauth-protect.conf\" in this one");
}

static void
find_check_local(const struct lighttpd_site *s, const struct web_node *n)
{
	if (asks(n) && !web_has(value(n, "fastcgi.server"),
				"\"check-local\"=>\"disable\""))
		web_find(s->out, web_child(n, "fastcgi.server", NULL),
			 STR("fastcgi.server"), "check-local",
			 "only requests for files are checked; write "
			 "\"check-local\" => \"disable\"");
}

static void
check_conditions(struct lighttpd_site *s, const struct web_node *block)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (!n->block)
			continue;
		if (n == s->guard)
			s->after = true;
		find_assignments(s, n);
		find_application(s, n);
		find_check_local(s, n);
		check_conditions(s, n);
	}
}

/* Returns the place of a module in server.modules; past the end when it is not
 * there. */
static size_t
position(struct str modules, struct str name)
{
	size_t at = 0;

	while (at + name.n <= modules.n &&
	       !str_starts(str_skip(modules, at), name))
		at++;
	return at + name.n <= modules.n ? at : modules.n;
}

static void
find_modules(const struct lighttpd_site *s)
{
#define MODULE(name)                                                           \
	{                                                                      \
		"\"" name "\"", sizeof("\"" name "\"") - 1                     \
	}
	static const struct str answering[] = {
		MODULE("mod_proxy"),	MODULE("mod_scgi"),
		MODULE("mod_cgi"),	MODULE("mod_ajp13"),
		MODULE("mod_wstunnel"), MODULE("mod_status"),
		MODULE("mod_webdav"),	MODULE("mod_ssi"),
	};
	const struct web_node *node =
	    web_child(s->global, "server.modules", NULL);
	struct str modules = value(s->global, "server.modules");
	size_t ours = position(modules, STR("\"mod_fastcgi\""));

	for (size_t i = 0; i < ARRAY_LEN(answering); i++) {
		if (position(modules, answering[i]) < ours)
			web_find(s->out, node, STR("server.modules"), "modules",
				 "%s answers before the check; write "
				 "\"mod_fastcgi\" before it",
				 answering[i].p);
	}
}

static bool
asks_anywhere(const struct web_node *block)
{
	for (const struct web_node *n = block->first; n != NULL; n = n->next) {
		if (n->block && (asks(n) || asks_anywhere(n)))
			return true;
	}
	return asks(block);
}

void
lighttpd_check(const struct web_node *root, struct web_findings *out)
{
	struct lighttpd_site s = { .out = out, .global = root };

	if (root->first != NULL && web_is(root->first, "config"))
		s.global = root->first;
	s.guard = find_guard(s.global, asks(s.global) ? s.global : NULL);
	s.after = s.guard == s.global;
	if (!asks_anywhere(s.global)) {
		web_find(out, root, STR("lighttpd"), "unused",
			 "no condition asks fcgiauth; write include "
			 "\"fcgiauth/fcgiauth-guard.conf\" at the end, and "
			 "include \"fcgiauth/fcgiauth-server.conf\"");
		return;
	}
	if (s.guard == NULL)
		web_find(out, s.global,
			 STR("requests outside of all conditions"), "unguarded",
			 "it is open to everybody; write include "
			 "\"fcgiauth/fcgiauth-guard.conf\" after all "
			 "conditions");
	if (!web_has(value(s.global, "setenv.set-request-header"),
		     "\"Remote-User\""))
		web_find(out, s.global, STR("lighttpd"), "forged-header",
			 "a client's own Remote-User reaches the application; "
			 "write include \"fcgiauth/fcgiauth.conf\" first");
	find_modules(&s);
	find_check_local(&s, s.global);
	check_conditions(&s, s.global);
}
