/* SPDX-License-Identifier: MIT */
/* One event, one line, one write. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES	4096

/* A line under construction; what does not fit is cut, the end is kept. */
struct line {
	char p[LINE_MAX_BYTES];
	size_t n;
};

static void
add(struct line *l, struct str s)
{
	size_t room = sizeof(l->p) - 16 - l->n; /* 16: quotes, brace, newline */

	if (s.n > room)
		s.n = room;
	if (s.n > 0)
		memcpy(l->p + l->n, s.p, s.n);
	l->n += s.n;
}

static void
end(struct line *l, const char *s)
{
	size_t n = strlen(s);

	memcpy(l->p + l->n, s, n);
	l->n += n;
}

/* Quotes, backslashes and control bytes become JSON escapes; bytes that are
 * not UTF-8 become U+FFFD, so that a JSON reader never stops. */
static void
add_escaped(struct line *l, struct str s)
{
	bool utf8 = str_is_utf8(s);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char escape[8];

		if (c == '"' || c == '\\') {
			char two[2] = { '\\', (char)c };

			add(l, (struct str){ .p = two, .n = 2 });
		} else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
			(void)snprintf(escape, sizeof(escape), "\\u%04x",
				       c >= 0x80 ? 0xfffdU : c);
			add(l, str_from(escape));
		} else {
			add(l, (struct str){ .p = (const char *)&s.p[i],
					     .n = 1 });
		}
	}
}

static void
add_number(struct line *l, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	add(l, str_from(digits));
}

static void
add_value(struct line *l, const struct log_field *f, bool json)
{
	if (f->is_number) {
		add_number(l, f->number);
	} else if (!json && str_is_name(f->text, "-._:/@+,%~")) {
		add(l, f->text);
	} else {
		add(l, STR("\""));
		add_escaped(l, f->text);
		end(l, "\"");
	}
}

static void
add_pair(struct line *l, const struct log_field *f, bool json)
{
	/* Never begin a field that cannot be ended. */
	if (sizeof(l->p) - l->n < 96)
		return;
	add(l, json ? STR(",\"") : STR(" "));
	add(l, str_from(f->key));
	add(l, json ? STR("\":") : STR("="));
	add_value(l, f, json);
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
	add(l, str_from(text));
	add(l, str_from(fraction));
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

		add(&l, (struct str){ .p = prefix, .n = sizeof(prefix) });
	}
	add(&l, json ? STR("{\"time\":\"") : STR(""));
	if (json || !log->journal)
		add_time(&l, log);
	add(&l, json ? STR("\",\"level\":\"") : STR(" "));
	add(&l, str_from(names[level]));
	if (class != NULL) {
		add(&l, json ? STR("\",\"class\":\"") : STR(" "));
		add(&l, str_from(class));
	}
	add(&l, json ? STR("\",\"event\":\"") : STR(" "));
	add(&l, str_from(event));
	if (json)
		add(&l, STR("\""));
	for (size_t i = 0; i < n; i++) {
		if (fields[i].key != NULL)
			add_pair(&l, &fields[i], json);
	}
	end(&l, json ? "}\n" : "\n");
	/* A log that cannot be written must not stop the service. */
	if (write(log->fd, l.p, l.n) < 0)
		return;
}
