/* SPDX-License-Identifier: MIT */
/* Whether a new name or e-mail address means another user at a sign-in. */
#include "ctl/user.h"

int
user_check_free(struct ctl *c, struct str name, struct err *err)
{
	struct user_answer other;

	if (users_find_typed(c->users_conn, ctl_call(c), name, &other, err) !=
	    0)
		return -1;
	if (other.found && str_eq(other.user.who.name, name))
		return err_set(err, ERR_INPUT, "%.*s already exists",
			       STR_ARG(name));
	if (other.found)
		return err_set(err, ERR_INPUT,
			       "%.*s means the user %.*s at a sign-in "
			       "([users] case, email)",
			       STR_ARG(name), STR_ARG(other.user.who.name));
	if (other.ambiguous)
		return err_set(err, ERR_INPUT,
			       "%.*s means several users at a sign-in "
			       "([users] case, email)",
			       STR_ARG(name));
	return 0;
}

int
user_check_email(struct ctl *c, const struct identity *who, struct err *err)
{
	struct user_answer other;

	if (who->email.n == 0 || !users_can(c->users_conn, USERS_EMAILS))
		return 0;
	if (users_find_typed(c->users_conn, ctl_call(c), who->email, &other,
			     err) != 0)
		return -1;
	if (other.ambiguous)
		return err_set(err, ERR_INPUT,
			       "the e-mail address means several users at a "
			       "sign-in ([users] case, email)");
	if (other.found && !str_eq(other.user.who.name, who->name))
		return err_set(err, ERR_INPUT,
			       "the e-mail address means the user %.*s at a "
			       "sign-in ([users] case, email)",
			       STR_ARG(other.user.who.name));
	return 0;
}
