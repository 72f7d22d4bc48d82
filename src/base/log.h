/* SPDX-License-Identifier: MIT */
/*
 * One event, one line: level, event word, key=value fields; as text or as
 * JSON.  Values are escaped, so a line is a line whatever is in them.
 *
 * A log may be used by all threads: a line is one write(2), and the level is
 * the one thing that changes after it was filled in.
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
	bool journal;	/* put "<N>" in front, for systemd */
	int64_t (*wall_ms)(void *ctx); /* since the epoch */
	void *ctx;
};

struct log_field {
	const char *key; /* NULL: no field, skipped */
	struct str text; /* the value */
	int64_t number;	 /* or this, when is_number */
	bool is_number;
};

#define F_STR(k, v)	((struct log_field){ .key = (k), .text = (v) })
#define F_CSTR(k, v)	F_STR(k, str_from(v))
#define F_INT(k, v) \
	((struct log_field){ .key = (k), .number = (v), .is_number = true })

/*
 * LOG(log, LOG_INFO, "listening", F_CSTR("address", name)): `event` is a
 * constant of our own.  A NULL log is silent.
 */
#define LOG(log, level, event, ...)                                           \
	log_event(log, level, NULL, event,                                    \
		  (const struct log_field[]){ __VA_ARGS__ },                  \
		  ARRAY_LEN(((const struct log_field[]){ __VA_ARGS__ })))

/*
 * For events that peers can cause as often as they like: a number of lines in
 * each second, and how many were left out.  Begins as zero; for all threads.
 */
struct log_limit {
	_Atomic int64_t second; /* the one that `lines` counts in */
	_Atomic int64_t lines, left_out;
};

/*
 * May a line be written?  Then *left_out is how many were not, since the last
 * one that was: it belongs into this line.  Else it is 0.  now_ms is monotonic.
 */
bool log_limit_take(struct log_limit *limit, int64_t now_ms, int64_t per_second,
		    int64_t *left_out);

/*
 * `class` marks lines that belong together for a reader ("audit"); those are
 * written whatever the level.  NULL for the others.
 */
void log_event(const struct log *log, enum log_level level, const char *class,
	       const char *event, const struct log_field *fields, size_t n);

#endif
