/* SPDX-License-Identifier: MIT */
/* The section [account]. */
#include "conf/account.h"

#include "conf/settings.h"

static const char *const resets[] = { "no", "link", NULL };

const struct option account_options[] = {
	OPTION(ENUM, struct account_settings, reset, .def = "link",
	       .words = resets,
	       .help = "How a person who has forgotten the password gets a "
		       "new one. With link, an administrator makes a link "
		       "with fcgiauthctl link reset and hands it over. With "
		       "no, there are none."),
	OPTION_END,
};
