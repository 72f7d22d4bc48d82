/* SPDX-License-Identifier: MIT */
/* What the factor store keeps about a user. */
#include "ctl/user.h"

#include "strategy/factors.h"
#include "auth/notice.h"

enum ctl_exit
user_open_factors(struct ctl *c, const char *what)
{
	struct err err;

	if (!ctl_exists(c, CTL_FACTORS))
		return ctl_refuse("[factors] driver = none: %s needs a factor "
				  "store",
				  what);
	if (!ctl_reachable(c, CTL_FACTORS))
		return ctl_refuse("[factors] driver = %s: the records are in "
				  "the memory of the daemon and cannot be "
				  "reached",
				  ctl_driver(c, CTL_FACTORS)->name);
	if (ctl_open(c, CTL_FACTORS, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

/* Opens the factor store unless the command has done so. */
static int
open_once(struct ctl *c, struct err *err)
{
	return c->factors_conn != NULL ? 0 : ctl_open(c, CTL_FACTORS, err);
}

static bool
is_about_account(const struct ctl *c)
{
	return ctl_given(c, FLAG_MUST_CHANGE) ||
	       ctl_given(c, FLAG_NO_MUST_CHANGE);
}

static const char *
account_flag(const struct ctl *c)
{
	return args_flag_name(ctl_given(c, FLAG_MUST_CHANGE) ?
				  FLAG_MUST_CHANGE :
				  FLAG_NO_MUST_CHANGE);
}

enum ctl_exit
user_open_account(struct ctl *c)
{
	return is_about_account(c) ? user_open_factors(c, account_flag(c)) :
				     CTL_DONE;
}

enum ctl_exit
user_set_account(struct ctl *c, struct str name, const char *done)
{
	const bool must = ctl_given(c, FLAG_MUST_CHANGE);
	const struct account_change change = { .user = name,
					       .fields = ACCOUNT_MUST_CHANGE,
					       .must_change = must };
	const struct log_field facts[] = {
		F_STR("user", name), F_CSTR("must_change", must ? "yes" : "no")
	};
	struct err err;

	if (!is_about_account(c))
		return CTL_DONE;
	if (factors_account_set(c->factors_conn, ctl_call(c), &change, &err) !=
	    0)
		return ctl_refuse("%.*s: %s, but %s failed: %s; run: "
				  "fcgiauthctl user set %.*s %s",
				  STR_ARG(name), done, account_flag(c), err.msg,
				  STR_ARG(name), account_flag(c));
	ctl_audit(c, "user_changed", facts, ARRAY_LEN(facts));
	return CTL_DONE;
}

enum ctl_exit
user_void_secrets(struct ctl *c, struct str name, const char *done,
		  const char *again)
{
	const unsigned kinds = ONE_TIME_LINKS | ONE_TIME_TICKET;
	struct err err;

	if (!ctl_reachable(c, CTL_FACTORS) ||
	    (open_once(c, &err) == 0 &&
	     factors_one_time_void(c->factors_conn, ctl_call(c), name, kinds,
				   NULL, &err) == 0))
		return CTL_DONE;
	return ctl_refuse("%.*s: %s, but links that were made before are kept: "
			  "%s; later, run: fcgiauthctl %s %.*s",
			  STR_ARG(name), done, err.msg, again, STR_ARG(name));
}

void
user_tell_change(struct ctl *c, const struct identity *who)
{
	struct err err;

	if (notice_changed_by_admin(&c->settings, ctl_call(c), who, &err) != 0)
		ctl_warn("warning: %.*s is not told by mail: %s",
			 STR_ARG(who->name), err.msg);
}

enum ctl_exit
user_forget_email(struct ctl *c, const struct identity *who)
{
	const struct account_change change = { .user = who->name,
					       .fields =
						   ACCOUNT_VERIFIED_EMAIL };
	struct account account;
	struct err err;

	if (!ctl_reachable(c, CTL_FACTORS))
		return CTL_DONE;
	if (open_once(c, &err) == 0 &&
	    factors_account(c->factors_conn, ctl_call(c), who->name, &account,
			    &err) == 0) {
		if (account.verified_email.n == 0 ||
		    str_eq(account.verified_email, who->email) ||
		    factors_account_set(c->factors_conn, ctl_call(c), &change,
					&err) == 0)
			return CTL_DONE;
	}
	return ctl_refuse("%.*s: changed, but mail may still go to an address "
			  "that the user has proven: %s; later, run the same "
			  "again",
			  STR_ARG(who->name), err.msg);
}

enum ctl_exit
user_must_change(struct ctl *c, struct str name, bool *must, bool *known)
{
	struct account account = { .must_change = false };
	struct err err;

	*known = ctl_reachable(c, CTL_FACTORS);
	if (*known && (open_once(c, &err) != 0 ||
		       factors_account(c->factors_conn, ctl_call(c), name,
				       &account, &err) != 0))
		return ctl_refuse("%s", err.msg);
	*must = account.must_change;
	return CTL_DONE;
}
