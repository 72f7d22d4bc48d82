/* SPDX-License-Identifier: MIT */
/* Connection strings of libpq. */
#include "backends/postgres/conn_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

void
postgres_one_line(const char *text, char *line, size_t n)
{
	struct str rest = str_from(text), part;
	size_t at = 0;

	line[0] = '\0';
	while (at < n - 1 && str_cut(&rest, '\n', &part)) {
		/* Advice is indented. */
		if (part.n == 0 || part.p[0] == '\t')
			continue;
		(void)snprintf(line + at, n - at, "%s%.*s", at > 0 ? "; " : "",
			       STR_ARG(part)); /* may be cut */
		at += strlen(line + at);
	}
	for (size_t i = 0; i < at; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
}

#define LINE_MAX_BYTES 120

/* Hides what libpq quotes because it did not expect it: that may be a part of a
 * password that has a blank or a quote. All text up to the last quote is
 * hidden, except the one character that libpq says is missing. */
static void
hide_quoted(char line[LINE_MAX_BYTES])
{
	char *first = strchr(line, '"'), *last = strrchr(line, '"');
	char rest[LINE_MAX_BYTES];

	if (first != NULL && (strncmp(first, "\"=\"", 3) == 0 ||
			      strncmp(first, "\"]\"", 3) == 0))
		first = strchr(first + 3, '"');
	if (first == NULL || last <= first)
		return;
	(void)snprintf(rest, sizeof(rest), "%s", last + 1);
	(void)snprintf(first, LINE_MAX_BYTES - (size_t)(first - line),
		       "(hidden)%s", rest); /* may be cut */
}

static bool
may_have_password(const char *text)
{
	return strstr(text, "password") != NULL || strstr(text, "://") != NULL;
}

/* Returns whether the value may be a part of the password of a URI. If the
 * password has an '@' or '/', libpq takes the text after it for the host and
 * the text before it for a port, and quotes it when it cannot be found. */
static bool
is_of_password(const PQconninfoOption *o)
{
	const char *at;

	if (o->val == NULL)
		return false;
	if (strcmp(o->keyword, "port") == 0)
		return o->val[strspn(o->val, "0123456789, ")] != '\0';
	if (strcmp(o->keyword, "host") != 0)
		return false;
	at = strchr(o->val, '@');
	/* A leading '@' means an abstract socket. */
	while (at != NULL && (at == o->val || at[-1] == ','))
		at = strchr(at + 1, '@');
	return at != NULL;
}

static int
check_parts(const PQconninfoOption *parsed, struct err *err)
{
	for (const PQconninfoOption *o = parsed; o->keyword != NULL; o++)
		if (is_of_password(o))
			return err_set(
			    err, ERR_CONFIG,
			    "conninfo: invalid %s; percent-encode @ as"
			    " %%40 and / as %%2F in the password",
			    o->keyword);
	return 0;
}

static int
conninfo_parse(const char *text, PQconninfoOption **out, struct err *err)
{
	char *why = NULL, line[LINE_MAX_BYTES];
	PQconninfoOption *parsed = PQconninfoParse(text, &why);

	if (parsed != NULL && check_parts(parsed, err) != 0) {
		postgres_conninfo_free(parsed);
		return -1;
	}
	if (parsed != NULL) {
		*out = parsed;
		return 0;
	}
	if (why == NULL)
		return err_nomem(err);
	postgres_one_line(why, line, sizeof(line));
	PQfreemem(why);
	if (may_have_password(text))
		hide_quoted(line);
	return err_set(err, ERR_CONFIG, "conninfo: refused by libpq: %s", line);
}

int
postgres_conninfo_parse(struct str text, PQconninfoOption **out,
			struct err *err)
{
	char cstr[POSTGRES_CONNINFO_MAX + 1];
	int result;

	if (text.n >= sizeof(cstr) || str_find(text, '\0') < text.n)
		return err_set(err, ERR_CONFIG,
			       "conninfo: must have at most %d bytes, and no"
			       " NUL",
			       POSTGRES_CONNINFO_MAX);
	if (text.n > 0)
		memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	result = conninfo_parse(cstr, out, err);
	secret_wipe(cstr, sizeof(cstr));
	return result;
}

void
postgres_conninfo_free(PQconninfoOption *parsed)
{
	for (PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		if (o->val != NULL)
			secret_wipe(o->val, strlen(o->val));
	PQconninfoFree(parsed);
}

void
postgres_keywords_add(struct postgres_keywords *k, const char *name,
		      const char *value)
{
	assert(k->n < POSTGRES_KEYWORDS_MAX);
	k->names[k->n] = name;
	k->values[k->n] = value;
	k->n++;
}

void
postgres_keywords_add_parsed(struct postgres_keywords *k,
			     const PQconninfoOption *parsed)
{
	for (const PQconninfoOption *o = parsed; o->keyword != NULL; o++)
		if (o->val != NULL)
			postgres_keywords_add(k, o->keyword, o->val);
}

int
postgres_check(const void *conf, struct err *err)
{
	const struct postgres_conf *c = conf;
	PQconninfoOption *parsed;

	if (postgres_conninfo_parse(c->conninfo, &parsed, err) != 0)
		return -1;
	postgres_conninfo_free(parsed);
	return 0;
}
