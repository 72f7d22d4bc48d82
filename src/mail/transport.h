/* SPDX-License-Identifier: MIT */
/*
 * Sends a message in one of two ways, which [mail] chooses: a command that
 * reads it, or SMTP. Nothing is kept between two messages.
 */
#ifndef MAIL_TRANSPORT_H
#define MAIL_TRANSPORT_H

#include "mail/message.h"

struct mail_settings;

enum mail_outcome {
	/* The message was not taken, or this cannot be told; a later attempt
	 * may succeed. */
	MAIL_LATER = 0,
	MAIL_REFUSED, /* every later attempt would be refused, too */
	MAIL_SENT,
};

struct mail_answer {
	enum mail_outcome outcome;
	/* What the server or the command said, or what failed; for the log.
	 * Empty when there is nothing to say. */
	char text[200];
};

struct transport {
	const struct mail_settings *set; /* mail_is_configured() */
	const struct env *env;
	/* Sending ends soon after this descriptor becomes readable, with
	 * MAIL_LATER; -1: it is not to be stopped. */
	int stop_fd;
	int64_t limit_ms; /* the longest time for one message */
};

#define TRANSPORT_LIMIT_MS 30000

/* Called by the main thread before another thread sends, and again when the
 * settings have changed: fails when the way of the settings cannot be used,
 * because its program is missing or it was not compiled in. */
int transport_prepare(const struct mail_settings *set,
		      struct err *err) MUST_USE;

/*
 * Composes and sends one message. Must be called by one thread at a time, with
 * SIGPIPE ignored. -1 means that the message could not be composed: with
 * ERR_INPUT it never can be.
 */
int transport_send(const struct transport *t, const struct mail_message *m,
		   struct arena *a, struct mail_answer *out,
		   struct err *err) MUST_USE;

#endif
