/* SPDX-License-Identifier: MIT */
/* fcgiauthctl mail. */
#include "base/mailbox.h"
#include "conf/mail.h"
#include "ctl/ctl.h"
#include "mail/transport.h"

#include <stdio.h>

enum ctl_exit
mail_test_check(const struct ctl *c)
{
	if (mailbox_is_address(str_from(c->operand)))
		return CTL_DONE;
	return ctl_usage(c, "ADDRESS must be one e-mail address in ASCII, "
			    "such as alice@example.com");
}

static enum ctl_exit
print_outcome(const struct mail_answer *answer)
{
	const char *text = answer->text;

	switch (answer->outcome) {
	case MAIL_SENT:
		(void)printf("sent%s%s\n", text[0] != '\0' ? ": " : "", text);
		return CTL_DONE;
	case MAIL_REFUSED:
		return ctl_refuse("refused permanently: %s", text);
	case MAIL_LATER:
		break;
	}
	return ctl_refuse("not sent: %s", text);
}

enum ctl_exit
mail_test(struct ctl *c)
{
	const struct transport transport = { .set = &c->settings.mail,
					     .env = &c->env,
					     .stop_fd = -1,
					     .limit_ms = TRANSPORT_LIMIT_MS };
	struct mail_message mail = {
		.to = str_from(c->operand),
		.subject = STR("Test message of fcgiauth"),
		.text = STR("An administrator has sent this message with the "
			    "command\n\"fcgiauthctl mail test\". Mail of "
			    "fcgiauth reaches this address.\n"),
	};
	struct mail_answer answer;
	struct err err;

	/* A wrong `from` has been reported with the settings. */
	if (!mail_is_configured(transport.set) ||
	    !mailbox_parse(transport.set->from, &mail.from))
		return ctl_refuse("mail is not configured: set from, and smtp "
				  "or command, in [mail]");
	if (ctl_become_owner(c, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (transport_prepare(transport.set, &err) != 0)
		return ctl_refuse("[mail] %s: %s", mail_way(transport.set),
				  err.msg);
	if (transport_send(&transport, &mail, c->arena, &answer, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return print_outcome(&answer);
}
