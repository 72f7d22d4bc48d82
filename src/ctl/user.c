/* SPDX-License-Identifier: MIT */
/* fcgiauthctl user: commands that change one user. */
#include "ctl/user.h"

#include "strategy/factors.h"
#include "strategy/registry.h"
#include "base/buf.h"
#include "ctl/sessions.h"
#include "ctl/prompt.h"

#include <stdio.h>

/* The number of attempts when others keep changing the user. */
#define TRIES 10

/* Reports that the users of this source are changed or listed elsewhere. */
static enum ctl_exit
refuse_unable(const struct ctl *c, unsigned needs)
{
	const char *driver = c->settings.users.driver->name;
	const char *elsewhere = registry_user_source(driver)->elsewhere;

	return ctl_refuse("[users] driver = %s: fcgiauthctl cannot %s its "
			  "users; %s",
			  driver, needs == USERS_LISTS ? "list" : "change",
			  elsewhere != NULL ? elsewhere :
					      "do it where they are kept");
}

enum ctl_exit
user_open(struct ctl *c, unsigned needs)
{
	enum ctl_part part = CTL_USERS;
	const struct driver *backend = ctl_driver(c, part);
	struct err err;

	if (!ctl_reachable(c, part))
		return ctl_refuse("[users] driver = %s: the users are in the "
				  "memory of the daemon and cannot be reached",
				  backend->name);
	if ((backend->caps & needs) != needs)
		return refuse_unable(c, needs);
	if (ctl_open(c, part, &err) != 0)
		return ctl_refuse("%s", err.msg);
	/* The options may take an ability away that the driver has. */
	if ((c->users_conn->base.backend->caps & needs) != needs)
		return refuse_unable(c, needs);
	return CTL_DONE;
}

enum ctl_exit
user_find(struct ctl *c, struct user *out)
{
	struct user_answer is;
	struct err err;

	if (users_find(c->users_conn, ctl_call(c), str_from(c->operand), &is,
		       &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!is.found)
		return ctl_refuse("no such user: %s", c->operand);
	*out = is.user;
	return CTL_DONE;
}

/* Opens the users and finds the one that the command is about. */
static enum ctl_exit
open_and_find(struct ctl *c, unsigned needs, struct user *out)
{
	enum ctl_exit status = user_open(c, needs);

	return status == CTL_DONE ? user_find(c, out) : status;
}

void
user_audit(const struct ctl *c, const char *event, struct str name)
{
	ctl_audit(c, event, &F_STR("user", name), 1);
}

enum ctl_exit
user_end_sessions(struct ctl *c, struct str name, const char *done)
{
	int64_t ended = 0;
	struct err err;

	if (!sessions_can_end(c, name)) {
		(void)printf("%.*s: %s\n", STR_ARG(name), done);
		return CTL_DONE;
	}
	if ((c->store_conn == NULL && ctl_open(c, CTL_STORE, &err) != 0) ||
	    sessions_end_user(c, name, &ended, &err) != 0)
		return ctl_refuse("%.*s: %s, but the sessions go on: "
				  "%s; later, run: fcgiauthctl "
				  "session revoke --user %.*s",
				  STR_ARG(name), done, err.msg, STR_ARG(name));
	if (ended != 0)
		sessions_audit_ended(c, name, ended);
	if (ended == SESSIONS_UNCOUNTED)
		(void)printf("%.*s: %s; tokens issued so far are refused\n",
			     STR_ARG(name), done);
	else
		(void)printf("%.*s: %s; sessions ended: %lld\n", STR_ARG(name),
			     done, (long long)ended);
	return CTL_DONE;
}

enum ctl_exit
user_take_roles(struct ctl *c, struct identity *who)
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
		return ctl_refuse("the roles have more than %d bytes in all",
				  IDENTITY_ROLES_MAX);
	if (ctl_given(c, FLAG_ROLE) || ctl_given(c, FLAG_NO_ROLES))
		who->roles = buf_str(&roles);
	return CTL_DONE;
}

static enum ctl_exit
user_take_text(const struct ctl *c, enum flag flag, struct str *out)
{
	struct str text = ctl_value(c, flag);

	if (!ctl_given(c, flag))
		return CTL_DONE;
	if (!identity_text_is_valid(text))
		return ctl_refuse("%s must be UTF-8 text of at most %d bytes "
				  "without control characters",
				  args_flag_name(flag), IDENTITY_TEXT_MAX);
	*out = text;
	return CTL_DONE;
}

static enum ctl_exit
take_identity(struct ctl *c, struct identity *who)
{
	enum ctl_exit status = user_take_roles(c, who);

	if (status == CTL_DONE)
		status = user_take_text(c, FLAG_EMAIL, &who->email);
	if (status == CTL_DONE)
		status = user_take_text(c, FLAG_NAME, &who->full_name);
	return status;
}

enum ctl_exit
user_add(struct ctl *c)
{
	struct user user = { .who.name = str_from(c->operand) };
	char hash[PASSWORD_HASH_MAX];
	enum user_change change;
	enum ctl_exit status;
	struct err err;

	if (!identity_name_is_valid(user.who.name))
		return ctl_refuse("not a user name: %s (1 to %d of A-Z a-z 0-9 "
				  ". _ @ + -)",
				  c->operand, IDENTITY_NAME_MAX);
	status = take_identity(c, &user.who);
	if (status == CTL_DONE)
		status = user_open(c, USERS_WRITES);
	if (status == CTL_DONE)
		status = user_open_account(c);
	if (status != CTL_DONE)
		return status;
	if (user_check_free(c, user.who.name, &err) != 0 ||
	    user_check_email(c, &user.who, &err) != 0)
		return ctl_refuse("%s", err.msg);
	status = prompt_new_password(c, &user.who, hash);
	if (status != CTL_DONE)
		return status;
	user.hash = str_from(hash);
	if (users_add(c->users_conn, ctl_call(c), &user, &change, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (change != USER_CHANGED)
		return ctl_refuse("%s already exists", c->operand);
	user_audit(c, "user_added", user.who.name);
	status = user_set_account(c, user.who.name, "added");
	if (status == CTL_DONE)
		(void)printf("%s: added\n", c->operand);
	return status;
}

/*
 * Applies a change to the user as stored at this moment. If the source reports
 * that another change came in between, applies it to the new state.
 */
static enum ctl_exit
change_user(struct ctl *c,
	    enum ctl_exit (*apply)(struct ctl *c, struct user *user),
	    const char *event, struct user *out)
{
	enum user_change change = USER_STALE;

	ctl_hold_signals();
	for (unsigned tries = 0; tries < TRIES && change == USER_STALE;
	     tries++) {
		enum ctl_exit status;
		struct user old;
		struct err err;

		status = user_find(c, &old);
		if (status != CTL_DONE)
			return status;
		*out = old;
		status = apply(c, out);
		if (status != CTL_DONE)
			return status;
		if (users_set(c->users_conn, ctl_call(c), &old, out, &change,
			      &err) != 0)
			return ctl_refuse("%s", err.msg);
	}
	if (change == USER_STALE)
		return ctl_refuse("%s: others keep changing this user",
				  c->operand);
	if (change != USER_CHANGED)
		return ctl_refuse("no such user: %s", c->operand);
	user_audit(c, event, out->who.name);
	return CTL_DONE;
}

/* The flags that change the user in the user source. */
#define IDENTITY_FLAGS                                                         \
	(FLAG_BIT(FLAG_ROLE) | FLAG_BIT(FLAG_NO_ROLES) |                       \
	 FLAG_BIT(FLAG_EMAIL) | FLAG_BIT(FLAG_NAME))

enum ctl_exit
user_set_check(const struct ctl *c)
{
	if ((c->args->given & (IDENTITY_FLAGS | FLAG_BIT(FLAG_MUST_CHANGE) |
			       FLAG_BIT(FLAG_NO_MUST_CHANGE))) == 0)
		return ctl_usage(c, "nothing to change");
	if (ctl_given(c, FLAG_ROLE) && ctl_given(c, FLAG_NO_ROLES))
		return ctl_usage(c, "--role and --no-roles exclude each other");
	if (ctl_given(c, FLAG_MUST_CHANGE) && ctl_given(c, FLAG_NO_MUST_CHANGE))
		return ctl_usage(c, "--must-change and --no-must-change "
				    "exclude each other");
	return CTL_DONE;
}

static enum ctl_exit
apply_identity(struct ctl *c, struct user *user)
{
	const struct str email = user->who.email;
	enum ctl_exit status = take_identity(c, &user->who);
	struct err err;

	/* An address that others share already may stay. */
	if (status == CTL_DONE && !str_eq(email, user->who.email) &&
	    user_check_email(c, &user->who, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return status;
}

/*
 * Repeats until the sessions have the user as stored: of several processes that
 * do this at the same time, the last one sees the final state of the user.
 */
static int
user_update_sessions(struct ctl *c, const struct identity *who, struct err *err)
{
	struct identity written = *who;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		struct user_answer now;

		if (store_update_user(c->store_conn, ctl_call(c), &written,
				      err) != 0 ||
		    users_find(c->users_conn, ctl_call(c), written.name, &now,
			       err) != 0)
			return -1;
		/* The process that deletes a user ends the sessions. */
		if (!now.found || identity_equal(&now.user.who, &written))
			return 0;
		written = now.user.who;
	}
	return err_set(err, ERR_UNAVAILABLE, "others keep changing this user");
}

enum ctl_exit
user_follow(struct ctl *c, const struct identity *who, const char *done)
{
	struct err err;

	if (sessions_is_stateless(c))
		ctl_warn("warning: [auth] mode = %s: tokens of %.*s stay "
			 "unchanged until they expire, for up to %lld s",
			 ctl_mode(c)->driver.name, STR_ARG(who->name),
			 (long long)sessions_token_life(c));
	else if (sessions_can_end(c, who->name) &&
		 ((c->store_conn == NULL &&
		   ctl_open(c, CTL_STORE, &err) != 0) ||
		  user_update_sessions(c, who, &err) != 0))
		return ctl_refuse("%.*s: %s, but its live sessions are not: "
				  "%s; later, run the same again",
				  STR_ARG(who->name), done, err.msg);
	(void)printf("%.*s: %s\n", STR_ARG(who->name), done);
	return CTL_DONE;
}

/* Only who can set passwords here can be asked for a new one. */
static unsigned
user_set_needs(const struct ctl *c)
{
	return ((c->args->given & IDENTITY_FLAGS) != 0 ? USERS_WRITES : 0U) |
	       (ctl_given(c, FLAG_MUST_CHANGE) ? USERS_REHASH : 0U);
}

enum ctl_exit
user_set(struct ctl *c)
{
	const bool identity = (c->args->given & IDENTITY_FLAGS) != 0;
	enum ctl_exit status = user_open(c, user_set_needs(c));
	struct user user;

	if (status == CTL_DONE)
		status = user_open_account(c);
	if (status == CTL_DONE)
		status = identity ? change_user(c, apply_identity,
						"user_changed", &user) :
				    user_find(c, &user);
	if (status == CTL_DONE)
		status = user_set_account(c, user.who.name,
					  identity ? "changed" : "is there");
	if (status == CTL_DONE && ctl_given(c, FLAG_EMAIL))
		status = user_forget_email(c, &user.who);
	if (status != CTL_DONE)
		return status;
	if (identity)
		return user_follow(c, &user.who, "changed");
	(void)printf("%s: changed\n", c->operand);
	return CTL_DONE;
}

/* By compare and swap, so that a change of anything else in between is kept. */
static enum ctl_exit
store_hash(struct ctl *c, struct str hash)
{
	ctl_hold_signals();
	for (unsigned tries = 0; tries < TRIES; tries++) {
		struct hash_change change = { .hash = hash };
		bool changed = false;
		enum ctl_exit status;
		struct user user;
		struct err err;

		status = user_find(c, &user);
		if (status != CTL_DONE)
			return status;
		change.name = user.who.name;
		change.old = user.hash;
		if (users_set_hash(c->users_conn, ctl_call(c), &change,
				   &changed, &err) != 0)
			return ctl_refuse("%s", err.msg);
		if (changed)
			return CTL_DONE;
	}
	return ctl_refuse("%s: others keep changing the password", c->operand);
}

enum ctl_exit
user_passwd(struct ctl *c)
{
	char hash[PASSWORD_HASH_MAX];
	enum ctl_exit status;
	struct user user;

	status = open_and_find(c, USERS_REHASH, &user);
	if (status == CTL_DONE)
		status = user_open_account(c);
	if (status == CTL_DONE)
		status = prompt_new_password(c, &user.who, hash);
	if (status == CTL_DONE)
		status = store_hash(c, str_from(hash));
	if (status != CTL_DONE)
		return status;
	user_audit(c, "password_changed", user.who.name);
	/* Before the sessions end, so that none with this password is left. */
	status = user_void_secrets(c, user.who.name, "has a new password",
				   "user passwd");
	if (user_set_account(c, user.who.name, "has a new password") !=
	    CTL_DONE)
		status = CTL_REFUSED;
	user_tell_change(c, &user.who);
	if (user_end_sessions(c, user.who.name, "has a new password") !=
	    CTL_DONE)
		return CTL_REFUSED;
	return status;
}

static enum ctl_exit
apply_disable(struct ctl *c, struct user *user)
{
	(void)c;
	user->disabled = true;
	return CTL_DONE;
}

enum ctl_exit
user_disable(struct ctl *c)
{
	enum ctl_exit status = user_open(c, USERS_WRITES);
	struct user user;

	if (status == CTL_DONE)
		status = change_user(c, apply_disable, "user_disabled", &user);
	if (status != CTL_DONE)
		return status;
	status =
	    user_void_secrets(c, user.who.name, "disabled", "user disable");
	if (user_end_sessions(c, user.who.name, "disabled") != CTL_DONE)
		return CTL_REFUSED;
	return status;
}

static enum ctl_exit
apply_enable(struct ctl *c, struct user *user)
{
	(void)c;
	user->disabled = false;
	return CTL_DONE;
}

enum ctl_exit
user_enable(struct ctl *c)
{
	enum ctl_exit status = user_open(c, USERS_WRITES);
	struct user user;

	if (status == CTL_DONE)
		status = change_user(c, apply_enable, "user_enabled", &user);
	if (status == CTL_DONE)
		(void)printf("%s: enabled\n", c->operand);
	return status;
}

/* Removes what the factor store keeps of a user who is deleted: another user of
 * the same name must not get it. */
static enum ctl_exit
remove_records(struct ctl *c, struct str name)
{
	struct err err;
	int64_t n;

	if (c->factors_conn == NULL ||
	    factors_remove_user(c->factors_conn, ctl_call(c), name, &n, &err) ==
		0)
		return CTL_DONE;
	return ctl_refuse("%s: deleted, but records of the account are kept; "
			  "run this command again: %s",
			  c->operand, err.msg);
}

enum ctl_exit
user_delete(struct ctl *c)
{
	struct str name = str_from(c->operand);
	enum user_change change;
	enum ctl_exit status = user_open(c, USERS_WRITES);
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (!identity_name_is_valid(name))
		return ctl_refuse("no such user: %s", c->operand);
	if (ctl_reachable(c, CTL_FACTORS) &&
	    ctl_open(c, CTL_FACTORS, &err) != 0)
		return ctl_refuse("%s", err.msg);
	ctl_hold_signals();
	if (users_remove(c->users_conn, ctl_call(c), name, &change, &err) != 0)
		return ctl_refuse("%s", err.msg);
	status = remove_records(c, name);
	if (change != USER_CHANGED)
		return status == CTL_DONE ?
			   ctl_refuse("no such user: %s", c->operand) :
			   status;
	user_audit(c, "user_deleted", name);
	if (user_end_sessions(c, name, "deleted") != CTL_DONE)
		status = CTL_REFUSED;
	if (status == CTL_DONE && ctl_reachable(c, CTL_STORE) &&
	    store_unlearn(c->store_conn, ctl_call(c), name, &err) != 0)
		return ctl_refuse("%s: deleted, but networks where the user "
				  "signed in are kept: %s",
				  c->operand, err.msg);
	return status;
}
