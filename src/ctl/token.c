/* SPDX-License-Identifier: MIT */
/* fcgiauthctl token issue. */
#include "ctl/sessions.h"
#include "ctl/keys.h"

#include "strategy/denial.h"
#include "strategy/session_id.h"
#include "base/enc.h"
#include "modes/access_token.h"

#include <stdio.h>

struct lifetime {
	int64_t ttl;
};

/* Returns the value of --ttl, or the configured one, which is also the maximum
 * that checks accept. */
static enum ctl_exit
take_ttl(const struct ctl *c, int64_t *out)
{
	const int64_t most = keys_conf(c)->ttl;
	const struct option option = OPTION(SECONDS, struct lifetime, ttl,
					    .min = 1, .max = most, .help = "");
	struct lifetime life = { .ttl = most };
	struct err err;

	if (ctl_given(c, FLAG_TTL) &&
	    option_set(&option, &life, ctl_value(c, FLAG_TTL), c->arena,
		       &err) != 0)
		return ctl_refuse("--ttl: %s (the maximum is [jwt] ttl)",
				  err.msg);
	*out = life.ttl;
	return CTL_DONE;
}

static enum ctl_exit
token_find_user(struct ctl *c, struct str name, struct user *out)
{
	enum ctl_part part = CTL_USERS;
	struct user_answer is;
	struct err err;

	if (!ctl_reachable(c, part))
		return ctl_refuse("[users] driver = %s: the users are in the "
				  "memory of the daemon and cannot be reached",
				  ctl_driver(c, part)->name);
	if (ctl_open(c, part, &err) != 0 ||
	    users_find(c->users_conn, ctl_call(c), name, &is, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!is.found)
		return ctl_refuse("no such user: %.*s", STR_ARG(name));
	if (is.user.disabled)
		return ctl_refuse("%.*s is disabled", STR_ARG(name));
	*out = is.user;
	return CTL_DONE;
}

/* Makes a session id that earlier revocations, such as those of `user disable`,
 * do not cover. */
static int
token_make_id(struct ctl *c, struct str name, struct session_id *out,
	      struct err *err)
{
	const struct call *call;

	if (!sessions_is_deniable(c))
		return session_id_make(&c->env, env_wall_ms(&c->env), name, out,
				       err);
	if (ctl_open(c, CTL_STORE, err) != 0)
		return -1;
	call = ctl_call(c);
	return denial_session_id(call, name, keys_conf(c)->leeway, out, err);
}

static enum ctl_exit
issue(struct ctl *c, const struct keyring *keys, const struct user *user,
      int64_t ttl)
{
	const struct access_tokens access = {
		.keys = *keys, .policy = jwt_conf_policy(keys_conf(c))
	};
	char hex[HEX_LEN(SESSION_ID_BYTES)];
	struct session_id id;
	const struct access_token says = { .who = &user->who,
					   .session = &id,
					   .now = env_wall(&c->env),
					   .ttl = ttl };
	struct str token;
	struct err err;

	if (token_make_id(c, user->who.name, &id, &err) != 0 ||
	    access_token_make(&access, &says, &c->env, c->arena, &token,
			      &err) != 0)
		return ctl_refuse("%s", err.msg);
	hex_encode(id.b, sizeof(id.b), hex);
	ctl_audit(c, "token_issued",
		  (const struct log_field[]){
		      F_STR("user", user->who.name),
		      F_STR("session",
			    ((struct str){ .p = hex, .n = sizeof(hex) })),
		      F_INT("expires_in", ttl) },
		  3);
	(void)printf("%.*s\n", STR_ARG(token));
	return CTL_DONE;
}

enum ctl_exit
token_issue_check(const struct ctl *c)
{
	return ctl_given(c, FLAG_USER) ? CTL_DONE :
					 ctl_usage(c, "--user is needed");
}

/* The daemon then accepts only tokens whose session is in the store. */
static bool
needs_session(const struct ctl *c)
{
	return !sessions_is_stateless(c) &&
	       keys_conf(c)->revocation == REVOCATION_STORE;
}

enum ctl_exit
token_issue(struct ctl *c)
{
	enum ctl_exit status;
	struct keyring keys;
	struct user user;
	int64_t ttl = 0;
	struct err err;

	if (keys_in_use(c) && needs_session(c))
		return ctl_refuse("in mode refresh with [jwt] revocation = "
				  "store, a token belongs to a session: sign "
				  "in to get one");
	status = take_ttl(c, &ttl);
	if (status != CTL_DONE)
		return status;
	if (keys_load(c, &keys, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (keys.signer == NULL)
		return ctl_refuse("%s: there is no key yet; run: fcgiauthctl "
				  "key generate",
				  keys_conf(c)->keys);
	status = token_find_user(c, ctl_value(c, FLAG_USER), &user);
	return status == CTL_DONE ? issue(c, &keys, &user, ttl) : status;
}
