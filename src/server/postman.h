/* SPDX-License-Identifier: MIT */
/*
 * A background thread that sends the mail in the outbox of the factor store, if
 * the settings have [mail], and handles the requests for a new password that
 * wait there, too (auth/reset_mail.h).
 *
 * The body of such a mail is its subject, a newline, and its text. The subject
 * is a text of the service, never one of a user. A mail that is not taken is
 * tried again after 1 minute, 2, 4 and so on, with at most 6 hours between two
 * attempts, and given up when it expires, after a day at the latest. The claim
 * of a mail lasts longer than sending it can take, so that only one of several
 * instances sends it.
 */
#ifndef SERVER_POSTMAN_H
#define SERVER_POSTMAN_H

#include "server/snapshot.h"

struct postman;

int postman_start(struct snapshot_slot *slot,
		  const struct service_shared *shared, struct postman **out,
		  struct err *err) MUST_USE;

/* Stops a mail that is being sent, which stays in the outbox, ends the thread
 * and frees the postman. NULL is allowed. */
void postman_stop(struct postman *p);

#endif
