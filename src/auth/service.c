/* SPDX-License-Identifier: MIT */
/* The service under one configuration. */
#include "auth/service.h"

#include "strategy/registry.h"
#include "auth/csrf.h"
#include "auth/own.h"
#include "auth/pages.h"
#include "auth/links.h"
#include "auth/rules.h"
#include "conf/problems.h"
#include "http/cookie.h"

struct opened_mode {
	const struct auth_mode_ops *ops;
	void *mode;
};

static void
close_mode(void *arg)
{
	struct opened_mode *m = arg;

	m->ops->close(m->mode);
}

static int
open_mode(struct service *s, struct arena *a, struct err *err)
{
	const struct settings_choice *choice = &s->set->mode;
	struct opened_mode *opened = arena_alloc(a, sizeof(*opened));
	struct mode_conf conf = { .own = choice->conf,
				  .make = !s->shared->check_only };

	if (opened == NULL)
		return err_nomem(err);
	s->mode_ops = registry_mode(choice->driver->name);
	while (registry_modes[s->mode_number] != s->mode_ops)
		s->mode_number++;
	for (size_t i = 0; i < MODE_ALSO_MAX; i++)
		if (s->mode_ops->also[i] != NULL)
			conf.also[i] =
			    settings_mode_conf(s->set, s->mode_ops->also[i]);
	if (s->mode_ops->open(&conf, s->shared->env, a, &s->mode, err) != 0)
		return -1;
	*opened = (struct opened_mode){ .ops = s->mode_ops, .mode = s->mode };
	if (arena_defer(a, close_mode, opened) != 0) {
		close_mode(opened);
		return err_nomem(err);
	}
	return 0;
}

static int
open_csrf(struct service *s, struct arena *a, struct err *err)
{
	s->csrf = csrf_key_new();
	if (s->csrf == NULL)
		return err_nomem(err);
	if (arena_defer(a, csrf_key_free, s->csrf) != 0) {
		csrf_key_free(s->csrf);
		return err_nomem(err);
	}
	return 0;
}

static int
fill_jar(struct service *s, bool secure, struct arena *a, struct err *err)
{
	const struct auth_mode_ops *mode = s->mode_ops;
	struct cookie_jar *jar = &s->jars[secure];

	jar->set = s->set->cookie;
	jar->set.secure = secure;
	jar->access =
	    cookie_name(&jar->set, (enum cookie_kind)mode->access_cookie, a);
	jar->refresh =
	    cookie_name(&jar->set, (enum cookie_kind)mode->refresh_cookie, a);
	jar->login = cookie_name(&jar->set, COOKIE_LOGIN, a);
	jar->repeat = cookie_name(&jar->set, COOKIE_REPEAT, a);
	jar->language = cookie_name(&jar->set, COOKIE_LANGUAGE, a);
	if (jar->access.p == NULL || jar->refresh.p == NULL ||
	    jar->login.p == NULL || jar->repeat.p == NULL ||
	    jar->language.p == NULL)
		return err_nomem(err);
	return 0;
}

/* Determines the addresses of this service, and the names of its cookies. */
static int
open_sites(struct service *s, struct arena *a, struct err *err)
{
	if (sites_read(&s->set->server.hosts, a, &s->sites, err) != 0 ||
	    own_login_page(s, a, err) != 0)
		return -1;
	return fill_jar(s, false, a, err) == 0 ? fill_jar(s, true, a, err) : -1;
}

/* Builds the names of parameters as web servers derive them from headers (RFC
 * 3875 section 4.1.18). */
static int
name_params(struct service *s, struct arena *a, struct err *err)
{
	const struct headers_settings *set = &s->set->headers;
	const struct str names[] = { set->user, set->roles, set->email,
				     set->name };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf b;

		buf_init(&b, a, 128);
		buf_add(&b, STR("HTTP_"));
		for (size_t k = 0; k < names[i].n; k++) {
			char c = names[i].p[k];

			if (c >= 'a' && c <= 'z')
				c = (char)(c - 'a' + 'A');
			buf_add_char(&b, c == '-' ? '_' : c);
		}
		if (buf_failed(&b))
			return err_nomem(err);
		s->identity_params[i] = buf_str(&b);
	}
	return 0;
}

static int
name_generation(struct service *s, struct err *err)
{
	if (env_random(s->shared->env, &s->generation, sizeof(s->generation)) !=
	    0)
		return err_norandom(err);
	return 0;
}

int
service_open(const struct settings *set, const struct service_shared *shared,
	     struct arena *a, struct service **out, struct problems *problems)
{
	struct service *s = arena_alloc(a, sizeof(*s));
	const struct place at = { .file = set->file };
	struct err err;

	if (s == NULL) {
		problems_add(problems, &at, "out of memory");
		return -1;
	}
	s->set = set;
	s->shared = shared;
	if (rules_compile(set, a, &s->rules, problems) != 0 ||
	    links_check(set, a, problems) != 0)
		return -1;
	if (name_generation(s, &err) != 0 || open_mode(s, a, &err) != 0 ||
	    open_csrf(s, a, &err) != 0 || open_sites(s, a, &err) != 0 ||
	    name_params(s, a, &err) != 0 ||
	    page_csp(set, &s->sites, a, &s->csp, &err) != 0) {
		problems_add(problems, &at, "%s", err.msg);
		return -1;
	}
	if (pages_open(set, a, &s->pages, problems) != 0)
		return -1;
	*out = s;
	return 0;
}

bool
service_asks_store(const struct service *s)
{
	return s->mode_ops->asks_store == NULL ||
	       s->mode_ops->asks_store(s->mode);
}

bool
service_keeps_sessions(const struct service *s)
{
	return s->mode_ops->end_user == NULL || service_asks_store(s);
}
