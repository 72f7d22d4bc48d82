/* SPDX-License-Identifier: MIT */
/* The service of one configuration. */
#include "auth/service.h"


#include "api/registry.h"
#include "auth/csrf.h"
#include "auth/pages.h"
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
	const void *also;

	if (opened == NULL)
		return err_nomem(err);
	s->mode_ops = registry_mode(choice->driver->name);
	also = s->mode_ops->also != NULL ?
	    settings_mode_conf(s->set, s->mode_ops->also) :
	    NULL;
	if (s->mode_ops->open(choice->conf, also, !s->shared->look_only,
			      s->shared->env, a, &s->mode, err) != 0)
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
name_cookies(struct service *s, struct arena *a, struct err *err)
{
	s->access_cookie = cookie_name(
	    &s->set->cookie, (enum cookie_kind)s->mode_ops->access_cookie, a);
	s->refresh_cookie = cookie_name(
	    &s->set->cookie, (enum cookie_kind)s->mode_ops->refresh_cookie, a);
	s->login_cookie = cookie_name(&s->set->cookie, COOKIE_LOGIN, a);
	s->repeat_cookie = cookie_name(&s->set->cookie, COOKIE_REPEAT, a);
	if (s->access_cookie.p == NULL || s->refresh_cookie.p == NULL ||
	    s->login_cookie.p == NULL || s->repeat_cookie.p == NULL)
		return err_nomem(err);
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
	if (rules_compile(set, a, &s->rules, problems) != 0)
		return -1;
	if (open_mode(s, a, &err) != 0 || open_csrf(s, a, &err) != 0 ||
	    name_cookies(s, a, &err) != 0 ||
	    page_csp(set, a, &s->csp, &err) != 0) {
		problems_add(problems, &at, "%s", err.msg);
		return -1;
	}
	*out = s;
	return 0;
}
