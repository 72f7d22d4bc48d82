/* SPDX-License-Identifier: MIT */
/* Sends a message in the way that [mail] chooses. */
#include "mail/transport.h"

#include "base/str.h"
#include "conf/settings.h"
#include "mail/ways.h"

int
transport_prepare(const struct mail_settings *set, struct err *err)
{
	return set->smtp.n > 0 ? smtp_prepare(set, err) :
				 command_prepare(set, err);
}

int
transport_send(const struct transport *t, const struct mail_message *m,
	       struct arena *a, struct mail_answer *out, struct err *err)
{
	struct letter letter = { .from = m->from.address, .to = m->to };

	if (message_compose(m, t->env, a, &letter.message, err) != 0)
		return -1;
	if (t->set->smtp.n > 0)
		smtp_send(t, &letter, a, out);
	else
		command_send(t, &letter, a, out);
	return 0;
}

void
answer_set(struct mail_answer *out, enum mail_outcome outcome, struct str text)
{
	const struct str clipped = str_clip(text, sizeof(out->text) - 1);

	*out = (struct mail_answer){ .outcome = outcome };
	for (size_t i = 0; i < clipped.n; i++) {
		const unsigned char c = (unsigned char)clipped.p[i];

		out->text[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
}
