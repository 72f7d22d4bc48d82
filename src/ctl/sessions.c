/* SPDX-License-Identifier: MIT */
/* Sessions and bans in the store, and how everything that a user has is
 * ended. */
#include "ctl/sessions.h"

#include "strategy/registry.h"
#include "ctl/keys.h"

/* Returns true when the mode uses the configured store. */
static bool
store_in_use(const struct ctl *c)
{
	const struct auth_mode_ops *mode = ctl_mode(c);

	return mode->needs_store == NULL ||
	       mode->needs_store(c->settings.mode.conf);
}

enum ctl_exit
sessions_open(struct ctl *c, const char *what)
{
	enum ctl_part part = CTL_STORE;
	const bool in_use = store_in_use(c);
	struct err err;

	if (!ctl_reachable(c, part))
		return ctl_refuse("%s = %s%s: the %s are in the memory of the "
				  "daemon and cannot be reached",
				  in_use ? "[store] driver" : "[auth] mode",
				  in_use ? ctl_driver(c, part)->name :
					   ctl_mode(c)->driver.name,
				  in_use ? "" : " without a store", what);
	if (ctl_open(c, part, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

enum ctl_exit
sessions_user(const struct ctl *c, struct str *out)
{
	struct str user = ctl_value(c, FLAG_USER);

	if (ctl_given(c, FLAG_USER) && !identity_name_is_valid(user))
		return ctl_refuse("not a user name: %.*s", STR_ARG(user));
	*out =
	    ctl_given(c, FLAG_USER) ? user : (struct str){ .p = NULL, .n = 0 };
	return CTL_DONE;
}

bool
sessions_is_stateless(const struct ctl *c)
{
	return ctl_mode(c)->end_user != NULL;
}

bool
sessions_are_stored(const struct ctl *c)
{
	return !sessions_is_stateless(c) || store_in_use(c);
}

bool
sessions_is_deniable(const struct ctl *c)
{
	return sessions_is_stateless(c) && store_in_use(c) &&
	       ctl_reachable(c, CTL_STORE);
}

int64_t
sessions_token_life(const struct ctl *c)
{
	return keys_conf(c)->ttl + keys_conf(c)->leeway;
}

/* The end of a session does not revoke the access tokens that were signed for
 * it, unless each check asks for the session. */
static void
warn_of_tokens(const struct ctl *c, struct str name)
{
	if (!sessions_is_stateless(c) && keys_in_use(c) &&
	    keys_conf(c)->revocation == REVOCATION_NONE)
		ctl_warn("warning: [auth] mode = %s: access tokens that %.*s "
			 "has already work until they expire, for up to %lld s",
			 ctl_mode(c)->driver.name, STR_ARG(name),
			 (long long)sessions_token_life(c));
}

bool
sessions_can_end(const struct ctl *c, struct str name)
{
	enum ctl_part part = CTL_STORE;

	if (ctl_reachable(c, part)) {
		warn_of_tokens(c, name);
		return true;
	}
	if (!store_in_use(c))
		ctl_warn("warning: [auth] mode = %s without a store: tokens of "
			 "%.*s work until they expire, for up to %lld s",
			 ctl_mode(c)->driver.name, STR_ARG(name),
			 (long long)sessions_token_life(c));
	else
		ctl_warn("warning: [store] driver = %s: the sessions of %.*s "
			 "are in the memory of the daemon and continue "
			 "unchanged until they expire or fcgiauthd is "
			 "restarted",
			 ctl_driver(c, part)->name, STR_ARG(name));
	return false;
}

/* Ends the tokens that the user may have from other modes, as far as the store
 * can refuse them: the mode may have been changed, or be changed back. */
static int
end_in_other_modes(struct ctl *c, struct str name, struct err *err)
{
	for (size_t i = 0; i < registry_nmodes; i++) {
		const struct auth_mode_ops *mode = registry_modes[i];
		const void *conf =
		    settings_mode_conf(&c->settings, mode->driver.name);

		if (mode == ctl_mode(c) || mode->end_user == NULL ||
		    (mode->needs_store != NULL && !mode->needs_store(conf)))
			continue;
		if (mode->end_user(conf, ctl_call(c), name, err) != 0)
			return -1;
	}
	return 0;
}

int
sessions_end_user(struct ctl *c, struct str name, int64_t *ended,
		  struct err *err)
{
	const struct auth_mode_ops *mode = ctl_mode(c);
	int64_t sessions;

	if ((mode->end_user != NULL &&
	     mode->end_user(c->settings.mode.conf, ctl_call(c), name, err) !=
		 0) ||
	    end_in_other_modes(c, name, err) != 0 ||
	    (name.p == NULL ?
		 store_revoke_all(c->store_conn, ctl_call(c), &sessions, err) :
		 store_revoke_user(c->store_conn, ctl_call(c), name, NULL,
				   &sessions, err)) != 0)
		return -1;
	*ended = mode->end_user != NULL ? SESSIONS_UNCOUNTED : sessions;
	return 0;
}

void
sessions_audit_ended(const struct ctl *c, struct str name, int64_t ended)
{
	struct log_field fields[] = { F_STR("user", name),
				      F_INT("ended", ended) };

	ctl_audit(c, "sessions_revoked", fields,
		  ended == SESSIONS_UNCOUNTED ? 1 : ARRAY_LEN(fields));
}
