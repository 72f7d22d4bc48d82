/* SPDX-License-Identifier: MIT */
/* The section [account]. */
#include "conf/account.h"

#include "base/err.h"
#include "conf/mail.h"
#include "conf/settings.h"

static const char *const resets[] = { "no", "link", "mail", NULL };

const struct option account_options[] = {
	OPTION(ENUM, struct account_settings, reset, .def = "link",
	       .words = resets,
	       .help = "How a person who has forgotten the password gets a "
		       "new one. With link, an administrator makes a link "
		       "with fcgiauthctl link reset and hands it over. With "
		       "mail, which needs the section mail, the service may "
		       "send such links as well. With no, there are none."),
	OPTION_END,
};

int
account_reset_suits_mail(const struct settings *s, struct err *err)
{
	if (s->account.reset != RESET_MAIL || mail_is_configured(&s->mail))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is mail, but the section mail has no from");
}
