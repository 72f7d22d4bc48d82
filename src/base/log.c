/* SPDX-License-Identifier: MIT */
/* Formats each event as one line and writes it with one write(2). */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

/* A line under construction. Values that do not fit are truncated; there is
 * always room for the end of the line. */
struct line {
	char p[LINE_MAX_BYTES];
	size_t n;
};

static size_t
room(const struct line *l)
{
	return sizeof(l->p) - 16 - l->n; /* 16: quotes, brace, newline */
}

static void
log_add(struct line *l, struct str s)
{
	if (s.n > room(l))
		s.n = room(l);
	if (s.n > 0)
		memcpy(l->p + l->n, s.p, s.n);
	l->n += s.n;
}

static void
log_end(struct line *l, const char *s)
{
	size_t n = strlen(s);

	memcpy(l->p + l->n, s, n);
	l->n += n;
}

/*
 * Returns the length of the first character of s, in bytes, if it needs no
 * escape, else 0. Characters that would end the value or mislead a reader of
 * the line need one.
 */
static size_t
plain_length(struct str s, bool utf8)
{
	if (s.p[0] == '"' || s.p[0] == '\\' ||
	    ((unsigned char)s.p[0] >= 0x80 && !utf8))
		return 0;
	return str_plain_char(s);
}

/*
 * Writes the first character of s as a JSON escape; a byte that is not UTF-8
 * becomes U+FFFD. Returns the number of bytes of s that the escape stands for.
 */
static size_t
escape_one(struct str s, bool utf8, char out[8])
{
	unsigned char c = (unsigned char)s.p[0];
	unsigned point = c;
	size_t n = 1;

	if (c == '"' || c == '\\') {
		(void)snprintf(out, 8, "\\%c", c);
		return 1;
	}
	if (c >= 0x80 && !utf8) {
		point = 0xfffd;
	} else if (c >= 0xe0) {
		point = (c & 0x0fU) << 12 |
			((unsigned char)s.p[1] & 0x3fU) << 6 |
			((unsigned char)s.p[2] & 0x3fU);
		n = 3;
	} else if (c >= 0x80) {
		point = (c & 0x1fU) << 6 | ((unsigned char)s.p[1] & 0x3fU);
		n = 2;
	}
	(void)snprintf(out, 8, "\\u%04x", point & 0xffffU);
	return n;
}

/* Appends as many whole characters and escapes as fit. */
static void
log_add_escaped(struct line *l, struct str s)
{
	bool utf8 = str_is_utf8(s);

	while (s.n > 0) {
		size_t n = plain_length(s, utf8);
		struct str shown = { .p = s.p, .n = n };
		char escape[8];

		if (n == 0) {
			n = escape_one(s, utf8, escape);
			shown = str_from(escape);
		}
		if (shown.n > room(l))
			return;
		log_add(l, shown);
		s = str_skip(s, n);
	}
}

static void
log_add_number(struct line *l, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	log_add(l, str_from(digits));
}

static void
log_add_value(struct line *l, const struct log_field *f, bool json)
{
	if (f->is_number) {
		log_add_number(l, f->number);
	} else if (!json && str_is_name(f->text, "-._:/@+,%~")) {
		log_add(l, f->text);
	} else {
		log_add(l, STR("\""));
		log_add_escaped(l, f->text);
		log_end(l, "\"");
	}
}

static void
add_pair(struct line *l, const struct log_field *f, bool json)
{
	/* A field that could not be ended must not be begun. */
	if (sizeof(l->p) - l->n < 96)
		return;
	log_add(l, json ? STR(",\"") : STR(" "));
	log_add(l, str_from(f->key));
	log_add(l, json ? STR("\":") : STR("="));
	log_add_value(l, f, json);
}

static void
add_time(struct line *l, const struct log *log)
{
	int64_t now_ms = log->wall_ms(log->ctx);
	time_t wall = (time_t)(now_ms / 1000);
	char text[32], fraction[8];
	struct tm tm;

	if (gmtime_r(&wall, &tm) == NULL)
		return;
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(fraction, sizeof(fraction), ".%03uZ",
		       (unsigned)(now_ms % 1000) % 1000U);
	log_add(l, str_from(text));
	log_add(l, str_from(fraction));
}

void
log_event(const struct log *log, enum log_level level, const char *class,
	  const char *event, const struct log_field *fields, size_t n)
{
	static const char *const names[] = { "error", "warning", "info",
					     "debug" };
	static const char priorities[] = "3467"; /* syslog's, sd-daemon(3) */
	bool json;
	struct line l = { .n = 0 };

	if (log == NULL || ((int)level > log->level && class == NULL))
		return;
	json = log->format == LOG_JSON;
	if (log->journal) {
		char prefix[3] = { '<', priorities[level], '>' };

		log_add(&l, (struct str){ .p = prefix, .n = sizeof(prefix) });
	}
	log_add(&l, json ? STR("{\"time\":\"") : STR(""));
	if (json || !log->journal)
		add_time(&l, log);
	log_add(&l, json ? STR("\",\"level\":\"") : STR(" "));
	log_add(&l, str_from(names[level]));
	if (class != NULL) {
		log_add(&l, json ? STR("\",\"class\":\"") : STR(" "));
		log_add(&l, str_from(class));
	}
	log_add(&l, json ? STR("\",\"event\":\"") : STR(" "));
	log_add(&l, str_from(event));
	if (json)
		log_add(&l, STR("\""));
	for (size_t i = 0; i < n; i++) {
		if (fields[i].key != NULL)
			add_pair(&l, &fields[i], json);
	}
	log_end(&l, json ? "}\n" : "\n");
	/* A failing write must not stop the service. */
	if (write(log->fd, l.p, l.n) < 0)
		return;
}

bool
log_limit_take(struct log_limit *limit, int64_t now_ms, int64_t per_second,
	       int64_t *left_out)
{
	int64_t now = now_ms / 1000 + 1; /* + 1: zero means "not used yet" */
	int64_t seen = atomic_load(&limit->second);

	if (seen != now &&
	    atomic_compare_exchange_strong(&limit->second, &seen, now))
		atomic_store(&limit->lines, 0);
	if (atomic_fetch_add(&limit->lines, 1) >= per_second) {
		atomic_fetch_add(&limit->left_out, 1);
		*left_out = 0;
		return false;
	}
	*left_out = atomic_exchange(&limit->left_out, 0);
	return true;
}
