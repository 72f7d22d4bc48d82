/* SPDX-License-Identifier: MIT */
/* Mail that waits in the memory factor store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_OUTBOX_H
#define BACKENDS_MEMORY_OUTBOX_H

#include "strategy/factor_store.h"

struct memory_mail {
	struct memory_mail *next;
	struct mail is; /* the texts point to `texts` */
	char texts[];
};

/* All zero means empty. */
struct memory_outbox {
	struct memory_mail *first;
};

void memory_outbox_destroy(struct memory_outbox *t);

/* These implement the operations mail_add, _claim, _done and _retry,
 * remove_user and sweep. */
int memory_outbox_add(struct memory_outbox *t, const struct mail *mail,
		      int64_t now_ms, struct err *err) MUST_USE;
int memory_outbox_claim(struct memory_outbox *t, const struct call *c,
			size_t limit, int64_t lease_ms, struct mail_list *out,
			struct err *err) MUST_USE;
void memory_outbox_done(struct memory_outbox *t,
			const uint8_t id[MAIL_ID_BYTES]);
void memory_outbox_retry(struct memory_outbox *t, const struct mail_retry *r);
size_t memory_outbox_remove(struct memory_outbox *t, struct str user);
size_t memory_outbox_sweep(struct memory_outbox *t, int64_t now_ms,
			   size_t limit);

#endif
