/* SPDX-License-Identifier: MIT */
/* Logs the parts of a password file that cannot be used. */
#include "backends/htpasswd/file.h"

#include <stdio.h>

#include "base/log.h"

/* Writes line numbers as "3, 7 and 12 more". */
static const char *
write_lines(const struct htpasswd_lines *lines, char *out, size_t size)
{
	size_t n = 0, named = lines->count;

	if (named > HTPASSWD_LINES_MAX)
		named = HTPASSWD_LINES_MAX;
	for (size_t i = 0; i < named; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%zu",
				      i > 0 ? ", " : "", lines->v[i]);
	if (lines->count > named)
		(void)snprintf(out + n, size - n, " and %zu more",
			       lines->count - named);
	return out;
}

static void
log_lines(const struct log *log, const char *file,
	  const struct htpasswd_lines *lines, const char *kind, const char *why)
{
	char text[32 * (HTPASSWD_LINES_MAX + 1)];

	if (lines->count == 0)
		return;
	LOG(log, LOG_WARNING, "htpasswd_unusable", F_CSTR("file", file),
	    F_CSTR("lines", write_lines(lines, text, sizeof(text))),
	    F_CSTR("kind", kind), F_CSTR("why", why));
}

void
htpasswd_log(const struct htpasswd *h, const char *users, const char *groups,
	     const struct log *log)
{
	const struct {
		const char *file, *kind, *why;
	} says[HTPASSWD_NOTES] = {
		[HTPASSWD_NAMES] = { users, "user name",
				     "not a valid user name: must be 1 to 64 "
				     "of [A-Za-z0-9._@+-]" },
		[HTPASSWD_GROUPS] = { groups, "group",
				      "not a valid role: must be 1 to 64 of "
				      "[A-Za-z0-9._@+:-]" },
		[HTPASSWD_MEMBERS] = { groups, "member",
				       "a member of this group is not a user" },
	};

	for (size_t i = 0; i < HTPASSWD_NOTES; i++)
		log_lines(log, says[i].file, &h->notes[i], says[i].kind,
			  says[i].why);
	for (size_t i = 0; i < h->nrefused; i++)
		log_lines(log, users, &h->refused[i].lines, h->refused[i].kind,
			  h->refused[i].why);
}
