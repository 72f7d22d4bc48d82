/* SPDX-License-Identifier: MIT */
/* The section [account], and rules over it and other sections. */
#include "conf/account.h"

#include "base/err.h"
#include "conf/factors.h"
#include "conf/hosts.h"
#include "conf/mail.h"
#include "conf/settings.h"

static const char *const resets[] = { "no", "link", "mail", NULL };

const struct option account_options[] = {
	OPTION(ENUM, struct account_settings, reset, .def = "link",
	       .words = resets,
	       .help = "How a person who has forgotten the password gets a "
		       "new one. With link, an administrator makes a link "
		       "with fcgiauthctl link reset and hands it over. With "
		       "mail, the login page also leads to a page where "
		       "people ask for such a link themselves; it is sent to "
		       "the e-mail address of the user, and works for 30 "
		       "minutes. This needs [mail], a factor store, a user "
		       "source that can change passwords, and login_url or "
		       "hosts in [server], because the link never leads to a "
		       "host that the request names. With no, there are "
		       "none."),
	OPTION(BOOL, struct account_settings, notify_login, .def = "no",
	       .help = "Whether users are told by mail of a sign-in from a "
		       "network where they have not signed in before: an IPv4 "
		       "address, or an IPv6 /64. The service remembers the "
		       "last 10 networks of a user, each for 90 days. The "
		       "first sign-in of a user causes no mail. This needs "
		       "[mail] and a factor store."),
	OPTION_END,
};

/* Returns what is missing to send mail; NULL if nothing is. */
static const char *
missing_for_mail(const struct settings *s)
{
	if (!mail_is_configured(&s->mail))
		return "[mail], which sends it";
	if (factors_are_none(s))
		return "a factor store, [factors], where it waits";
	return NULL;
}

int
account_can_mail(const struct settings *s, struct err *err)
{
	const char *missing = missing_for_mail(s);

	if (s->account.reset != RESET_MAIL)
		return 0;
	if (missing == NULL && !hosts_know_origin(s))
		missing = "[server] login_url or hosts, to which the link "
			  "leads";
	if (missing == NULL)
		return 0;
	return err_set(err, ERR_CONFIG, "is mail, and needs %s", missing);
}

int
account_can_notify(const struct settings *s, struct err *err)
{
	const char *missing = missing_for_mail(s);

	if (!s->account.notify_login || missing == NULL)
		return 0;
	return err_set(err, ERR_CONFIG, "is yes, and needs %s", missing);
}
