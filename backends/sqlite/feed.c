/* SPDX-License-Identifier: MIT */
/*
 * The change feed of the SQLite store: triggers append each change to a table
 * (sql/store_6.sql), and a connection that only reads follows it.
 *
 * The proof is `PRAGMA data_version`: SQLite changes it when another connection
 * has committed. Nothing else may have happened to the file: the path must lead
 * to the files that this connection has open, the schema must be the same or
 * have the same triggers, and the last row that was read must still be there.
 *
 * inotify tells that another process writes to the WAL, which is a little
 * before the commit can be seen: a commit that must be on the disk waits for
 * it. So the table is read repeatedly for some time after each write.
 */
#include "strategy/feed.h"
#include "backends/sqlite/file.h"
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A feed that is further behind reports CHANGE_ALL. */
#define ROWS_MAX 10000

/* For a second after a write the table is read repeatedly, each time after a
 * quarter of the time since the write, but within these limits. So a commit
 * that waits for the disk is seen a quarter of that wait later. */
#define READ_LEAST_US 500
#define READ_MOST_US  25000
#define QUIET_US      1000000

/* The time between two reads without inotify. */
#define READ_BLIND_US 10000

#define TAG_BYTES 8

enum { FILE_MAIN, FILE_WAL, FILE_SHM, FILES };

/* A row of the table of changes. */
struct change_row {
	int64_t seq; /* 0: the table was empty */
	uint8_t tag[TAG_BYTES];
};

struct sqlite_feed {
	struct sqlite_file *file;
	struct sqlite_conn *conn;
	const struct change_sink *sink;
	int wake;
	int inotify; /* -1: not available */
	char *names[FILES];
	struct sqlite_file_id ids[FILES];
	int64_t data_version, schema_version;
	struct change_row last; /* the last row that was read */
	int64_t quiet_us; /* the time without a write */
};

static int
feed_fail(struct err *err)
{
	/* The caller opens another feed, whatever the reason. */
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "change feed");
}

static int
feed_number(struct sqlite_feed *f, size_t which, int64_t *out, struct err *err)
{
	struct sqlite_numbers r;

	if (sqlite_numbers(f->conn, which, NULL, 0, &r, err) != 0)
		return -1;
	if (!r.row)
		return err_set(err, ERR_UNAVAILABLE, "%s: no number was read",
			       f->file->path);
	*out = r.v[0];
	return 0;
}

/* Each failure makes the connections of the workers be opened again. */
static int
check_files(const struct sqlite_feed *f, struct err *err)
{
	struct sqlite_place *place = sqlite_place_of(f->conn);

	if (sqlite_place_check(place, err) != 0)
		return -1;
	for (int i = 0; i < FILES; i++) {
		if (sqlite_file_compare(f->names[i], &f->ids[i], err) != 0) {
			(void)sqlite_place_alarm(place); /* once is enough */
			return -1;
		}
	}
	if (sqlite_place_is_alarmed(place))
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: another connection has found that the file"
			       " was replaced",
			       f->file->path);
	return 0;
}

static int
check_triggers(struct sqlite_feed *f, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(f->conn, STORE_SQL_FEED_MISSING, NULL, 0, &stmt,
			 err) != 0 ||
	    sqlite_next(f->conn, stmt, &row, err) != 0)
		return -1;
	if (!row)
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE,
		      "%s: the trigger %s is missing, which reports changes",
		      f->file->path,
		      (const char *)sqlite3_column_text(stmt, 0));
	sqlite_finish(stmt);
	return -1;
}

/* Reads the current row. A tag that another program has damaged is zero. */
static struct change_row
get_change_row(sqlite3_stmt *stmt)
{
	struct change_row row = { .seq = sqlite3_column_int64(stmt, 0) };
	struct err ignored;

	if (sqlite_get_blob(stmt, 1, row.tag, TAG_BYTES, &ignored) != 0)
		memset(row.tag, 0, TAG_BYTES);
	return row;
}

/* Moves to the newest row: what is reported begins after it. */
static int
go_to_newest(struct sqlite_feed *f, struct err *err)
{
	struct change_row newest = { .seq = 0 };
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(f->conn, STORE_SQL_FEED_NEWEST, NULL, 0, &stmt, err) !=
		0 ||
	    sqlite_next(f->conn, stmt, &row, err) != 0)
		return -1;
	if (row) {
		newest = get_change_row(stmt);
		sqlite_finish(stmt);
	}
	f->last = newest;
	return 0;
}

static void
tell_row(const struct sqlite_feed *f, sqlite3_stmt *stmt)
{
	struct change change = { .kind = CHANGE_ALL };
	const int64_t kind = sqlite3_column_int64(stmt, 2);
	struct err ignored;

	if (kind == 1 && sqlite_get_blob(stmt, 3, change.session.b,
					 SESSION_ID_BYTES, &ignored) == 0) {
		change.kind = CHANGE_SESSION;
	} else if (kind == 2 && sqlite3_column_type(stmt, 3) == SQLITE_TEXT) {
		const void *key = sqlite3_column_text(stmt, 3);
		const size_t n = (size_t)sqlite3_column_bytes(stmt, 3);

		if (key != NULL)
			change =
			    change_of_denial((struct str){ .p = key, .n = n });
	}
	change_tell(f->sink, &change);
}

/* Reports the rows after the last one. *gap says that they cannot be read one
 * by one. */
static int
tell_rows(struct sqlite_feed *f, bool *any, bool *gap, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int n = 0;

	if (sqlite_query(f->conn, STORE_SQL_FEED_ROWS,
			 SQL_ARGS(SQL_INT(f->last.seq), SQL_INT(ROWS_MAX)),
			 &stmt, err) != 0)
		return -1;
	for (;; n++) {
		struct change_row at;
		bool row;

		if (sqlite_next(f->conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		at = get_change_row(stmt);
		if (n > 0)
			tell_row(f, stmt);
		else if (at.seq != f->last.seq ||
			 memcmp(at.tag, f->last.tag, TAG_BYTES) != 0) {
			sqlite_finish(stmt);
			*gap = true;
			return 0;
		}
		f->last = at;
	}
	/* The last row is missing, or more rows may follow. */
	*gap = n >= ROWS_MAX || (n == 0 && f->last.seq != 0);
	*any = n > 1;
	return 0;
}

/* Everything that was committed until now is covered by CHANGE_ALL. */
static int
tell_all(struct sqlite_feed *f, struct err *err)
{
	if (go_to_newest(f, err) != 0)
		return -1;
	change_tell(f->sink, &(struct change){ .kind = CHANGE_ALL });
	return 0;
}

/* Reports what was committed since the last call; *any says whether something
 * was reported. The versions are read first: what is committed later changes
 * them again. */
static int
read_changes(struct sqlite_feed *f, bool *any, struct err *err)
{
	int64_t data, schema;
	bool gap = true;

	*any = false;
	if (feed_number(f, STORE_SQL_FEED_DATA_VERSION, &data, err) != 0)
		return -1;
	if (data == f->data_version)
		return 0;
	if (feed_number(f, STORE_SQL_FEED_SCHEMA_VERSION, &schema, err) != 0)
		return -1;
	if (schema != f->schema_version) {
		if (check_triggers(f, err) != 0)
			return -1;
	} else if (tell_rows(f, any, &gap, err) != 0) {
		return -1;
	}
	if (gap) {
		if (tell_all(f, err) != 0)
			return -1;
		*any = true;
	}
	f->data_version = data;
	f->schema_version = schema;
	return 0;
}

/* Without inotify, as when the limit of the user is reached, the table is
 * read more often. */
static void
watch_files(struct sqlite_feed *f)
{
	static const uint32_t moves = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

	f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (int i = 0; i < FILES && f->inotify >= 0; i++) {
		if (inotify_add_watch(f->inotify, f->names[i],
				      i == FILE_WAL ? moves | IN_MODIFY :
						      moves) >= 0)
			continue;
		(void)close(f->inotify); /* it was only read */
		f->inotify = -1;
	}
}

/* Reads the events. *wrote says that there was a write; *moved, that something
 * else has happened to the files. */
static void
read_events(const struct sqlite_feed *f, bool *wrote, bool *moved)
{
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t n;

	*wrote = *moved = false;
	while (f->inotify >= 0 &&
	       (n = read(f->inotify, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const void *)p;

			if ((e->mask & (IN_MODIFY | IN_Q_OVERFLOW)) != 0)
				*wrote = true;
			if ((e->mask & IN_MODIFY) == 0)
				*moved = true;
			p += sizeof(*e) + e->len;
		}
	}
}

static bool
is_readable(const struct pollfd *p)
{
	return (p->revents & POLLIN) != 0;
}

static int64_t
next_read_us(const struct sqlite_feed *f)
{
	const int64_t us = f->quiet_us / 4;

	if (f->inotify < 0)
		return READ_BLIND_US;
	if (us > READ_MOST_US)
		return READ_MOST_US;
	return us > READ_LEAST_US ? us : READ_LEAST_US;
}

/* Waits until the next read is due, or for an event if none is planned. Returns
 * that time, at most left_us, even if an event has ended the wait. */
static int64_t
wait_for_event(const struct sqlite_feed *f, int64_t left_us, bool *woken)
{
	const bool quiet = f->inotify >= 0 && f->quiet_us >= QUIET_US;
	const int64_t read_us = next_read_us(f);
	const int64_t us = quiet || read_us > left_us ? left_us : read_us;
	const struct timespec t = { .tv_sec = us / 1000000,
				    .tv_nsec = us % 1000000 * 1000 };
	struct pollfd fds[] = {
		{ .fd = f->wake, .events = POLLIN },
		/* While reads are planned, writes need not wake. */
		{ .fd = quiet ? f->inotify : -1, .events = POLLIN },
	};

	/* A signal may end it early. */
	*woken =
	    ppoll(fds, ARRAY_LEN(fds), &t, NULL) > 0 && is_readable(&fds[0]);
	return us;
}

static int
feed_sqlite_wait(void *feed, int64_t ms, struct err *err)
{
	struct sqlite_feed *f = feed;
	const struct env *env = f->file->env;
	/* On a busy machine each wait lasts longer than it should. */
	const int64_t until_ms = env_mono_ms(env) + ms;
	int64_t left_us = ms * 1000;
	bool any = false, woken = false;

	while (left_us > 0 && !any && !woken && env_mono_ms(env) < until_ms) {
		int64_t us = wait_for_event(f, left_us, &woken);
		bool wrote, moved;

		left_us -= us;
		read_events(f, &wrote, &moved);
		f->quiet_us = wrote ? 0 : f->quiet_us + us;
		if ((moved && check_files(f, err) != 0) ||
		    read_changes(f, &any, err) != 0)
			return feed_fail(err);
	}
	return 0;
}

static int
feed_sqlite_prove(void *feed, struct err *err)
{
	struct sqlite_feed *f = feed;
	bool any;

	if (check_files(f, err) != 0 || read_changes(f, &any, err) != 0)
		return feed_fail(err);
	return 0;
}

static void
feed_sqlite_close(void *feed)
{
	struct sqlite_feed *f = feed;

	if (f->inotify >= 0)
		(void)close(f->inotify); /* it was only read */
	for (int i = 0; i < FILES; i++)
		free(f->names[i]);
	if (f->conn != NULL)
		sqlite_disconnect(f->conn);
	free(f);
}

static int
name_files(struct sqlite_feed *f, struct err *err)
{
	/* SQLite makes the other files where the path leads to. */
	const char *db = sqlite_real_path(f->conn);
	static const char *const ends[FILES] = { "", "-wal", "-shm" };

	for (int i = 0; i < FILES; i++) {
		const char *begin = i == FILE_MAIN ? f->file->path : db;
		const size_t n = strlen(begin) + strlen(ends[i]) + 1;

		f->names[i] = malloc(n);
		if (f->names[i] == NULL)
			return err_nomem(err);
		(void)snprintf(f->names[i], n, "%s%s", begin, ends[i]);
	}
	return 0;
}

/* A connection from before may have opened another file. */
static int
renew_others(const struct sqlite_feed *f, struct err *err)
{
	struct sqlite_place *place = sqlite_place_of(f->conn);

	if (!sqlite_place_alarm(place))
		return check_files(f, err); /* says that there was an alarm */
	place->alarms++;
	return 0;
}

/* The files exist once the connection has read something. They are the files
 * of this connection if the path still leads to them afterwards. */
static int
begin_feed(struct sqlite_feed *f, struct err *err)
{
	if (feed_number(f, STORE_SQL_FEED_DATA_VERSION, &f->data_version,
			err) != 0 ||
	    feed_number(f, STORE_SQL_FEED_SCHEMA_VERSION, &f->schema_version,
			err) != 0 ||
	    name_files(f, err) != 0)
		return -1;
	for (int i = 0; i < FILES; i++)
		if (sqlite_file_identify(f->names[i], &f->ids[i], err) != 0)
			return -1;
	watch_files(f);
	if (check_files(f, err) != 0 || check_triggers(f, err) != 0 ||
	    go_to_newest(f, err) != 0)
		return -1;
	return renew_others(f, err);
}

static int
connect_feed(struct sqlite_feed *f, int64_t timeout_ms, struct err *err)
{
	void *conn;

	if (sqlite_connect(f->file, &conn, err) != 0)
		return -1;
	f->conn = conn;
	sqlite_limit_waits(f->conn, timeout_ms);
	return sqlite_script(f->conn, "PRAGMA query_only = ON", err);
}

static int
feed_sqlite_open(void *backend, const struct feed_conf *conf, void **feed,
		 struct err *err)
{
	struct sqlite_feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(err);
	f->file = backend;
	f->sink = conf->sink;
	f->wake = conf->wake;
	f->inotify = -1;
	f->quiet_us = QUIET_US;
	if (connect_feed(f, conf->timeout_ms, err) != 0 ||
	    begin_feed(f, err) != 0) {
		feed_sqlite_close(f);
		return feed_fail(err);
	}
	*feed = f;
	return 0;
}

const struct feed_ops sqlite_feed_ops = {
	.open = feed_sqlite_open,
	.close = feed_sqlite_close,
	.wait = feed_sqlite_wait,
	.prove = feed_sqlite_prove,
};
