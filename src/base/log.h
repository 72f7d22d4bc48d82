/* SPDX-License-Identifier: MIT */
/*
 * The log writes one line for each event: level, event name and key=value
 * fields, as text or as JSON. Values are escaped, so that no value can break a
 * line.
 *
 * All threads may use a log: a line is one write(2), and only the level changes
 * after initialisation.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"
#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

enum log_format { LOG_TEXT, LOG_JSON };

struct log {
	int fd;
	_Atomic int level; /* enum log_level; events above it are dropped */
	enum log_format format;
	bool journal; /* put "<N>" in front, for systemd */
	int64_t (*wall_ms)(void *ctx); /* since the epoch */
	void *ctx;
};

struct log_field {
	const char *key; /* NULL: the field is skipped */
	struct str text; /* the value */
	int64_t number; /* the value if is_number is set */
	bool is_number;
};

#define F_STR(k, v)  ((struct log_field){ .key = (k), .text = (v) })
#define F_CSTR(k, v) F_STR(k, str_from(v))
#define F_INT(k, v)                                                            \
	((struct log_field){ .key = (k), .number = (v), .is_number = true })

/*
 * Writes an event, as in LOG(log, LOG_INFO, "listening", F_CSTR("address",
 * name)). `event` must be a string constant. A NULL log writes nothing.
 */
#define LOG(log, level, event, ...)                                            \
	log_event(log, level, NULL, event,                                     \
		  (const struct log_field[]){ __VA_ARGS__ },                   \
		  ARRAY_LEN(((const struct log_field[]){ __VA_ARGS__ })))

/*
 * Limits the lines per second of an event that peers can cause at any rate, and
 * counts the lines left out. It starts as zeros; all threads may use it.
 */
struct log_limit {
	_Atomic int64_t second; /* the second that `lines` counts */
	_Atomic int64_t lines, left_out;
};

/*
 * Returns true when a line may be written. *left_out is then the number of
 * lines left out since the last one written, which this line must report. If
 * it returns false, *left_out is 0. now_ms is monotonic.
 */
bool log_limit_take(struct log_limit *limit, int64_t now_ms, int64_t per_second,
		    int64_t *left_out);

/*
 * Writes an event. `class` marks lines that belong together ("audit"); they
 * are written whatever the level is. It is NULL for all other lines.
 */
void log_event(const struct log *log, enum log_level level, const char *class,
	       const char *event, const struct log_field *fields, size_t n);

#endif
