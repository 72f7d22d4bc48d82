/* SPDX-License-Identifier: MIT */
/* fcgiauthctl user: commands that change one user. */
#include "ctl/user.h"

#include "base/buf.h"
#include "ctl/prompt.h"

#include <stdio.h>

enum ctl_exit
user_open(struct ctl *c)
{
	const struct ctl_part *part = ctl_part(CTL_USERS);
	const struct backend *backend = ctl_backend(c, part);
	struct err err;

	if (!ctl_reachable(c, part))
		return ctl_refuse("[users] driver = %s: the users are in the "
				  "memory of the daemon, out of reach",
				  backend->name);
	if ((backend->caps & USERS_WRITES) == 0)
		return ctl_refuse("[users] driver = %s: its users are not "
				  "managed by fcgiauthctl",
				  backend->name);
	if (ctl_open(c, part, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

enum ctl_exit
user_find(struct ctl *c, struct user *out)
{
	enum user_answer answer;
	struct err err;

	if (users_find(c->users_link, c->arena, str_from(c->operand), &answer,
		       out, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (answer == USER_UNKNOWN)
		return ctl_refuse("no such user: %s", c->operand);
	return CTL_DONE;
}

/* Opens the users and takes the one that the command is about. */
static enum ctl_exit
open_and_find(struct ctl *c, struct user *out)
{
	enum ctl_exit status = user_open(c);

	return status == CTL_DONE ? user_find(c, out) : status;
}

static void
audit_user(const struct ctl *c, const char *event, struct str name)
{
	ctl_audit(c, event, &F_STR("user", name), 1);
}

/* False, with a warning, when live sessions cannot be reached from here. */
static bool
sessions_reachable(const struct ctl *c, struct str name)
{
	const struct ctl_part *part = ctl_part(CTL_STORE);

	if (ctl_reachable(c, part))
		return true;
	ctl_warn("warning: [store] driver = %s: the sessions of %.*s are in "
		 "the memory of the daemon and go on as they are until they "
		 "expire or fcgiauthd is restarted",
		 ctl_backend(c, part)->name, STR_ARG(name));
	return false;
}

/*
 * After the change of the user is committed, never before: a login in between
 * would begin a session that nobody ends.
 */
static enum ctl_exit
end_sessions(struct ctl *c, struct str name, const char *done)
{
	int64_t ended = 0;
	struct err err;

	if (!sessions_reachable(c, name)) {
		(void)printf("%.*s: %s\n", STR_ARG(name), done);
		return CTL_DONE;
	}
	if (ctl_open(c, ctl_part(CTL_STORE), &err) != 0 ||
	    store_revoke_user(c->store_link, name, NULL, &ended, &err) != 0)
		return ctl_refuse("%.*s: %s, but the sessions still live: "
				  "%s; later, run: fcgiauthctl "
				  "session revoke --user %.*s",
				  STR_ARG(name), done, err.msg, STR_ARG(name));
	if (ended > 0)
		ctl_audit(c, "sessions_revoked",
			  (const struct log_field[]){ F_STR("user", name),
						      F_INT("ended", ended) },
			  2);
	(void)printf("%.*s: %s; sessions ended: %lld\n", STR_ARG(name), done,
		     (long long)ended);
	return CTL_DONE;
}

/* What is not given stays in `who` as it is. */
static enum ctl_exit
take_roles(struct ctl *c, struct identity *who)
{
	struct buf roles;

	buf_init(&roles, c->arena, IDENTITY_ROLES_MAX);
	for (size_t i = 0; i < c->args->nroles; i++) {
		struct str role = str_from(c->args->roles[i]);

		if (!identity_role_is_valid(role))
			return ctl_refuse("not a role: %s (1 to %d of A-Z a-z "
					  "0-9 . _ @ + - :)",
					  c->args->roles[i], IDENTITY_NAME_MAX);
		if (i > 0)
			buf_add_char(&roles, ',');
		buf_add(&roles, role);
	}
	if (buf_failed(&roles))
		return ctl_refuse("more than %d bytes of roles",
				  IDENTITY_ROLES_MAX);
	if (ctl_given(c, FLAG_ROLE) || ctl_given(c, FLAG_NO_ROLES))
		who->roles = buf_str(&roles);
	return CTL_DONE;
}

static enum ctl_exit
take_text(const struct ctl *c, enum flag flag, struct str *out)
{
	struct str text = ctl_value(c, flag);

	if (!ctl_given(c, flag))
		return CTL_DONE;
	if (!identity_text_is_valid(text))
		return ctl_refuse("%s: not UTF-8 of at most %d bytes without "
				  "control characters",
				  args_flag_name(flag), IDENTITY_TEXT_MAX);
	*out = text;
	return CTL_DONE;
}

static enum ctl_exit
take_identity(struct ctl *c, struct identity *who)
{
	enum ctl_exit status = take_roles(c, who);

	if (status == CTL_DONE)
		status = take_text(c, FLAG_EMAIL, &who->email);
	if (status == CTL_DONE)
		status = take_text(c, FLAG_NAME, &who->full_name);
	return status;
}

enum ctl_exit
user_add(struct ctl *c)
{
	struct user user = { .who.name = str_from(c->operand) }, other;
	char hash[PASSWORD_HASH_MAX];
	enum user_change change;
	enum user_answer answer;
	enum ctl_exit status;
	struct err err;

	if (!identity_name_is_valid(user.who.name))
		return ctl_refuse("not a user name: %s (1 to %d of A-Z a-z 0-9 "
				  ". _ @ + -)",
				  c->operand, IDENTITY_NAME_MAX);
	status = take_identity(c, &user.who);
	if (status == CTL_DONE)
		status = user_open(c);
	if (status != CTL_DONE)
		return status;
	if (users_find(c->users_link, c->arena, user.who.name, &answer, &other,
		       &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (answer == USER_FOUND)
		return ctl_refuse("%s exists already", c->operand);
	status = prompt_new_password(c, user.who.name, hash);
	if (status != CTL_DONE)
		return status;
	user.hash = str_from(hash);
	user.created = env_wall(&c->env);
	user.changed = user.created;
	if (users_add(c->users_link, &user, user.created, &change, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (change != USER_CHANGED)
		return ctl_refuse("%s exists already", c->operand);
	audit_user(c, "user_added", user.who.name);
	(void)printf("%s: added\n", c->operand);
	return CTL_DONE;
}

static enum ctl_exit
store_user(struct ctl *c, const struct user *user, const char *event)
{
	enum user_change change;
	struct err err;

	ctl_hold_signals();
	if (users_set(c->users_link, user, env_wall(&c->env), &change, &err) !=
	    0)
		return ctl_refuse("%s", err.msg);
	if (change != USER_CHANGED)
		return ctl_refuse("no such user: %s", c->operand);
	audit_user(c, event, user->who.name);
	return CTL_DONE;
}

enum ctl_exit
user_set_check(const struct ctl *c)
{
	static const unsigned changes =
	    FLAG_BIT(FLAG_ROLE) | FLAG_BIT(FLAG_NO_ROLES) |
	    FLAG_BIT(FLAG_EMAIL) | FLAG_BIT(FLAG_NAME);

	if ((c->args->given & changes) == 0)
		return ctl_usage(c, "nothing to change");
	if (ctl_given(c, FLAG_ROLE) && ctl_given(c, FLAG_NO_ROLES))
		return ctl_usage(c, "--role and --no-roles exclude each other");
	return CTL_DONE;
}

enum ctl_exit
user_set(struct ctl *c)
{
	enum ctl_exit status;
	struct user user;
	struct err err;

	status = open_and_find(c, &user);
	if (status == CTL_DONE)
		status = take_identity(c, &user.who);
	if (status == CTL_DONE)
		status = store_user(c, &user, "user_changed");
	if (status != CTL_DONE)
		return status;
	if (sessions_reachable(c, user.who.name) &&
	    (ctl_open(c, ctl_part(CTL_STORE), &err) != 0 ||
	     store_update_user(c->store_link, &user.who, &err) != 0))
		return ctl_refuse("%s: changed, but live sessions are not: "
				  "%s; later, run the same again",
				  c->operand, err.msg);
	(void)printf("%s: changed\n", c->operand);
	return CTL_DONE;
}

/* By compare and swap: a change of anything else in between is kept. */
static enum ctl_exit
store_hash(struct ctl *c, struct str hash)
{
	ctl_hold_signals();
	for (unsigned tries = 0; tries < 5; tries++) {
		bool changed = false;
		enum ctl_exit status;
		struct user user;
		struct err err;

		status = user_find(c, &user);
		if (status != CTL_DONE)
			return status;
		if (users_set_hash(c->users_link, user.who.name, user.hash,
				   hash, env_wall(&c->env), &changed,
				   &err) != 0)
			return ctl_refuse("%s", err.msg);
		if (changed)
			return CTL_DONE;
	}
	return ctl_refuse("%s: somebody else keeps changing the password",
			  c->operand);
}

enum ctl_exit
user_passwd(struct ctl *c)
{
	char hash[PASSWORD_HASH_MAX];
	enum ctl_exit status;
	struct user user;

	status = open_and_find(c, &user);
	if (status == CTL_DONE)
		status = prompt_new_password(c, user.who.name, hash);
	if (status == CTL_DONE)
		status = store_hash(c, str_from(hash));
	if (status != CTL_DONE)
		return status;
	audit_user(c, "password_changed", user.who.name);
	return end_sessions(c, user.who.name, "has a new password");
}

enum ctl_exit
user_disable(struct ctl *c)
{
	enum ctl_exit status;
	struct user user;

	status = open_and_find(c, &user);
	if (status != CTL_DONE)
		return status;
	user.disabled = true;
	status = store_user(c, &user, "user_disabled");
	if (status != CTL_DONE)
		return status;
	return end_sessions(c, user.who.name, "disabled");
}

enum ctl_exit
user_enable(struct ctl *c)
{
	enum ctl_exit status;
	struct user user;

	status = open_and_find(c, &user);
	if (status != CTL_DONE)
		return status;
	user.disabled = false;
	status = store_user(c, &user, "user_enabled");
	if (status == CTL_DONE)
		(void)printf("%s: enabled\n", c->operand);
	return status;
}

enum ctl_exit
user_delete(struct ctl *c)
{
	struct str name = str_from(c->operand);
	enum user_change change;
	enum ctl_exit status = user_open(c);
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (!identity_name_is_valid(name))
		return ctl_refuse("no such user: %s", c->operand);
	ctl_hold_signals();
	if (users_remove(c->users_link, name, &change, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (change != USER_CHANGED)
		return ctl_refuse("no such user: %s", c->operand);
	audit_user(c, "user_deleted", name);
	return end_sessions(c, name, "deleted");
}
