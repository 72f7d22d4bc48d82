/* SPDX-License-Identifier: MIT */
/* Stands for mail/smtp.c in a program that was built without libcurl. */
#include "base/err.h"
#include "base/str.h"
#include "mail/ways.h"

int
smtp_prepare(const struct mail_settings *set, struct err *err)
{
	(void)set;
	return err_set(err, ERR_CONFIG,
		       "not compiled in: libcurl was missing when this program "
		       "was built; use command");
}

void
smtp_send(const struct transport *t, const struct letter *letter,
	  struct arena *a, struct mail_answer *out)
{
	(void)t, (void)letter, (void)a;
	answer_set(out, MAIL_LATER, STR("SMTP is not compiled in"));
}
