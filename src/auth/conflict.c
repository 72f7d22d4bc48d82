/* SPDX-License-Identifier: MIT */
/* Two cookies with the same name. */
#include "auth/conflict.h"

#include "auth/credential.h"
#include "base/log.h"
#include "http/cookie.h"

/* The number of cookies with one name that are examined. */
#define MOST 8

struct ours {
	enum cookie_kind kind;
	struct str name;
};

/* Lists the cookies of this mode, and last the one of the login form; returns
 * their number. */
static size_t
list_ours(const struct exchange *e, struct ours out[3])
{
	const struct auth_mode_ops *mode = e->service->mode_ops;
	size_t n = 0;

	out[n++] = (struct ours){ (enum cookie_kind)mode->access_cookie,
				  e->jar->access };
	if (mode->refresh_cookie != mode->access_cookie)
		out[n++] =
		    (struct ours){ (enum cookie_kind)mode->refresh_cookie,
				   e->jar->refresh };
	out[n++] = (struct ours){ COOKIE_LOGIN, e->jar->login };
	return n;
}

static bool
is_twice(const struct exchange *e, struct str name)
{
	struct str value;

	return cookie_find(e->in, name, &value) == COOKIE_CONFLICT;
}

bool
conflict_of_sessions(const struct exchange *e)
{
	struct ours ours[3];
	size_t n = list_ours(e, ours) - 1;

	while (n > 0) {
		if (is_twice(e, ours[--n].name))
			return true;
	}
	return false;
}

bool
conflict_is_there(const struct exchange *e)
{
	return conflict_of_sessions(e) || is_twice(e, e->jar->login);
}

const char conflict_problem[] =
    "Your browser has two different sign-in cookies of this site, so we cannot "
    "tell who you are. We have removed what we could: please sign in. If you "
    "see this again, delete the cookies of this site in your browser.";

static void
log_cure(struct exchange *e, struct str name)
{
	int64_t left_out;

	if (!log_limit_take(&e->service->shared->log_limits->requests,
			    env_mono_ms(e->call.env), 1, &left_out))
		return;
	LOG(e->call.env->log, LOG_WARNING, "cookie_conflict",
	    F_STR("host", e->in->host), F_STR("cookie", name),
	    F_CSTR("hint", "another application sets a cookie of this name, or "
			   "cookie.domain was changed: choose another "
			   "cookie.name"),
	    F_INT("left_out", left_out));
}

static void
clear(struct exchange *e, const struct ours *ours)
{
	if (!is_twice(e, ours->name))
		return;
	cookie_forget(e->out, &e->jar->set, e->service->set->server.path,
		      ours->kind, e->in->host);
	log_cure(e, ours->name);
}

void
conflict_clear(struct exchange *e)
{
	struct ours ours[3];
	size_t n = list_ours(e, ours);

	for (size_t i = 0; i < n; i++)
		clear(e, &ours[i]);
}

void
conflict_clear_login(struct exchange *e)
{
	struct ours ours[3];
	size_t n = list_ours(e, ours);

	clear(e, &ours[n - 1]);
}

int
conflict_end(struct exchange *e, struct err *err)
{
	struct ours ours[3];
	size_t n = list_ours(e, ours);
	struct str token;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < MOST && ours[i].kind != COOKIE_LOGIN &&
				   cookie_nth(e->in, ours[i].name, k, &token);
		     k++) {
			if (credential_end(e, token, "logout", err) != 0)
				return -1;
		}
	}
	return 0;
}
