/* SPDX-License-Identifier: MIT */
/* E-mail addresses to which mail can be sent. */
#include "base/mailbox.h"

#include "base/str.h"

#define LOCAL_MAX 64
#define LABEL_MAX 63

/* Returns true for words with single dots between them. Of the characters that
 * RFC 5322 allows, those are left out with which mail programs name routes,
 * commands and files. */
static bool
is_local_part(struct str s)
{
	struct str rest = s, word;

	/* A program must not take it for an option. */
	if (s.n > LOCAL_MAX || str_starts(s, STR("-")))
		return false;
	while (str_cut(&rest, '.', &word)) {
		if (!str_is_name(word, "#$&'*+-=?^_{}~"))
			return false;
	}
	return true;
}

static bool
is_domain(struct str s)
{
	struct str rest = s, label;

	while (str_cut(&rest, '.', &label)) {
		if (label.n > LABEL_MAX || !str_is_name(label, "-") ||
		    label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
	}
	return true;
}

bool
mailbox_is_address(struct str s)
{
	struct str domain = s, local;

	return s.n <= MAILBOX_MAX && str_cut(&domain, '@', &local) &&
	       domain.p != NULL && is_local_part(local) && is_domain(domain);
}

bool
mailbox_parse(struct str s, struct mailbox *out)
{
	struct mailbox box = { .name = STR(""), .address = s };
	size_t open = s.n;

	if (s.n > 0 && s.p[s.n - 1] == '>') {
		while (open > 0 && s.p[open - 1] != '<')
			open--;
		if (open == 0)
			return false;
		box.name = str_trim((struct str){ .p = s.p, .n = open - 1 });
		box.address = str_skip(s, open);
		box.address.n--;
	}
	if (!str_is_text(box.name) || !mailbox_is_address(box.address))
		return false;
	*out = box;
	return true;
}
