/* SPDX-License-Identifier: MIT */
/* The two ways to send a message; mail/transport.c chooses one. */
#ifndef MAIL_WAYS_H
#define MAIL_WAYS_H

#include "mail/transport.h"

struct letter {
	struct str from, to; /* addresses */
	struct str message; /* message_compose() */
};

/* The command of the settings: whether its program can be executed. */
int command_prepare(const struct mail_settings *set, struct err *err) MUST_USE;
void command_send(const struct transport *t, const struct letter *letter,
		  struct arena *a, struct mail_answer *out);

/* SMTP by libcurl, if that was found when the program was built. */
int smtp_prepare(const struct mail_settings *set, struct err *err) MUST_USE;
void smtp_send(const struct transport *t, const struct letter *letter,
	       struct arena *a, struct mail_answer *out);

/* Fills *out; the text is cut to its size and its control characters are
 * replaced. */
void answer_set(struct mail_answer *out, enum mail_outcome outcome,
		struct str text);

#endif
