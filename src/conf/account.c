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
	OPTION_END,
};

int
account_can_mail(const struct settings *s, struct err *err)
{
	const char *missing = NULL;

	if (s->account.reset != RESET_MAIL)
		return 0;
	if (!mail_is_configured(&s->mail))
		missing = "[mail], which sends the links";
	else if (factors_are_none(s))
		missing = "a factor store, [factors], where the mail waits";
	else if (!hosts_know_origin(s))
		missing = "[server] login_url or hosts, to which the links "
			  "lead";
	if (missing == NULL)
		return 0;
	return err_set(err, ERR_CONFIG, "is mail, and needs %s", missing);
}
