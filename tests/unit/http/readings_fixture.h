/* SPDX-License-Identifier: MIT */
/* The readings that servers and applications have of a path, computed in
 * another way than in http/readings.c: on C strings, step by step, in every
 * order. */
#ifndef UNIT_HTTP_READINGS_FIXTURE_H
#define UNIT_HTTP_READINGS_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "tests/support/run.h"

#define TEXT 1024 /* bytes of a path */
#define MOST 4096 /* readings of a path */

/* The steps of a server; steps[] gives each a letter. */
static void
decoded(const char *s, char *out)
{
	while (*s != '\0') {
		unsigned byte;
		int used = 0;

		if (sscanf(s, "%%%2x%n", &byte, &used) == 1 && used == 3) {
			*out++ = (char)byte;
			s += 3;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

static void
cut(const char *s, char *out)
{
	while (*s != '\0') {
		if (*s == ';')
			s += strcspn(s, "/");
		else
			*out++ = *s++;
	}
	*out = '\0';
}

static void
turned(const char *s, char *out)
{
	do {
		*out++ = *s == '\\' ? '/' : *s;
	} while (*s++ != '\0');
}

static void
merged(const char *s, char *out)
{
	do {
		if (s[0] != '/' || s[1] != '/')
			*out++ = *s;
	} while (*s++ != '\0');
}

/* Removes the host of "//host/path", as a parser of URLs does. */
static void
unhosted(const char *s, char *out)
{
	if (s[0] == '/' && s[1] == '/') {
		s += strspn(s, "/");
		s += strcspn(s, "/");
		if (*s == '\0')
			s = "/";
	}
	strcpy(out, s);
}

/* Resolves the dot segments from left to right until none is left, as the first
 * part of RFC 3986 section 5.2.4 describes. */
static void
resolved(const char *s, char *out)
{
	char *at, *before;

	(void)snprintf(out, TEXT, "%s%s", s, "");
	for (;;) {
		size_t n = strlen(out);

		if (n >= 2 && strcmp(out + n - 2, "/.") == 0)
			out[n - 1] = '\0';
		else if (n >= 3 && strcmp(out + n - 3, "/..") == 0)
			(void)strcat(out, "/");
		at = strstr(out, "/./");
		before = strstr(out, "/../");
		if (at != NULL && (before == NULL || at < before)) {
			memmove(at, at + 2, strlen(at + 2) + 1);
		} else if (before != NULL) {
			char *to = before;

			while (to > out && *--to != '/')
				;
			memmove(to, before + 3, strlen(before + 3) + 1);
		} else {
			return;
		}
	}
}

static const struct {
	char letter;
	void (*run)(const char *s, char *out);
} steps[] = { { 'd', decoded }, { 'c', cut },	   { 'b', turned },
	      { 'm', merged },	{ 'r', resolved }, { 'h', unhosted } };

/* Decodes the escapes that mean nothing but their byte, and writes the others
 * in upper case. */
static void
as_sent(const char *s, char *out)
{
	while (*s != '\0') {
		unsigned byte = 0;

		if (*s != '%') {
			*out++ = *s++;
			continue;
		}
		(void)sscanf(s + 1, "%2x", &byte);
		if (byte == ' ' || byte > 0x7f)
			*out++ = (char)byte;
		else
			out += sprintf(out, "%%%02X", byte);
		s += 3;
	}
	*out = '\0';
}

struct exploration {
	char text[MOST][TEXT];
	int decodings[MOST];
	size_t n;
};

static void
explore(struct exploration *w, const char *s, int decodings,
	const char *letters)
{
	char next[TEXT];

	for (size_t i = 0; i < w->n; i++) {
		if (w->decodings[i] == decodings && strcmp(w->text[i], s) == 0)
			return;
	}
	ck_assert_uint_lt(w->n, MOST);
	strcpy(w->text[w->n], s);
	w->decodings[w->n++] = decodings;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		bool decodes = steps[i].letter == 'd';

		if (strchr(letters, steps[i].letter) == NULL ||
		    (decodes && decodings == 2))
			continue;
		steps[i].run(s, next);
		explore(w, next, decodings + (decodes ? 1 : 0), letters);
	}
}

static size_t
count_dots(const char *s)
{
	char copy[TEXT], *rest = copy, *one;
	size_t n = 0;

	strcpy(copy, s);
	while ((one = strsep(&rest, "/")) != NULL)
		n += strcmp(one, ".") == 0 || strcmp(one, "..") == 0 ? 1 : 0;
	return n;
}

static bool
hides_dots(struct exploration *w, const char *s)
{
	w->n = 0;
	explore(w, s, 0, "dcb");
	for (size_t i = 0; i < w->n; i++) {
		if (count_dots(w->text[i]) > count_dots(s))
			return true;
	}
	return false;
}

/* Servers, proxies and applications in a row, each with the letters of its
 * steps. */
static const char *const servers[] = {
	"", /* Express, Go's http.ServeMux by RawPath */
	"d",
	"dr",
	"dmr", /* nginx, Apache, lighttpd */
	"m",
	"r",
	"mr",
	"rd",
	"cd",
	"cdr",
	"cdmr",
	"rcd", /* servlet containers */
	/* behind a proxy that decodes and escapes */
	"dc",
	"dcr",
	"dmrc",
	"bmr",
	"dbmr",
	"dbr",
	"bdr", /* Windows */
	"dmrd",
	"dmrdmr",
	"dd",
	"ddmr", /* decoded twice */
	"dmrdcbmr",
	"cdcdr",
	"ddbcmr",
	"h",
	"bh",
	"bhr",
	"hd", /* by new URL() or parse_url() */
	"dh",
	"dmrdhr",
};

static void
serve(const char *server, const char *s, char *out)
{
	char before[TEXT];

	strcpy(out, s);
	for (; *server != '\0'; server++) {
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			if (steps[i].letter != *server)
				continue;
			strcpy(before, out);
			steps[i].run(before, out);
		}
	}
}

#endif
