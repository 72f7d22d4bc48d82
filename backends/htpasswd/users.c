/* SPDX-License-Identifier: MIT */
/*
 * Users in a password file, which htpasswd(1) or an editor changes while the
 * service runs. Every look-up of a user checks whether the file has changed,
 * and reads it again if it has changed and was then not written to for a
 * second: htpasswd empties the file and writes all of it, and a file that is
 * written in part may look complete.
 */
#include "strategy/user_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backends/htpasswd/copy.h"
#include "os/file.h"

#define TABLE_BYTES ((size_t)128 * 1024 * 1024)

enum { USERS, GROUPS, FILES };

struct htpasswd_conf {
	const char *file, *groups;
	struct users_forms forms; /* the e-mail addresses are not known */
};

/* The table of one state of both files. */
struct htpasswd_table {
	struct arena *arena;
	struct htpasswd users;
	unsigned refs; /* guarded by the lock of the source */
};

struct htpasswd_source {
	const struct env *env;
	char *path[FILES]; /* groups may be NULL */
	unsigned forms; /* users_forms_caps() */
	/* Guards the fields below. It is also held while the files are read:
	 * they are local and small, and the threads that wait need the
	 * result. */
	pthread_mutex_t lock;
	struct htpasswd_table *table;
	struct htpasswd_stamp read[FILES]; /* the state of the table */
	struct htpasswd_stamp refused[FILES]; /* an invalid state, logged */
	bool rested; /* the files had rested when they were read */
};

static int
read_stamps(const struct htpasswd_source *s, struct htpasswd_stamp out[FILES],
	    struct err *err)
{
	memset(out, 0, FILES * sizeof(*out));
	for (size_t i = 0; i < FILES; i++) {
		if (s->path[i] != NULL &&
		    htpasswd_stat(s->path[i], &out[i], err) != 0)
			return -1;
	}
	return 0;
}

static bool
htpasswd_users_same(const struct htpasswd_stamp a[FILES],
		    const struct htpasswd_stamp b[FILES])
{
	return htpasswd_same(&a[USERS], &b[USERS]) &&
	       htpasswd_same(&a[GROUPS], &b[GROUPS]);
}

static bool
have_rested(const struct htpasswd_source *s,
	    const struct htpasswd_stamp stamps[FILES])
{
	int64_t now_ms = env_wall_ms(s->env);

	return htpasswd_has_rested(&stamps[USERS], now_ms) &&
	       htpasswd_has_rested(&stamps[GROUPS], now_ms);
}

static void
free_table(struct htpasswd_table *t)
{
	if (t == NULL)
		return;
	arena_free(t->arena); /* wipes */
	free(t);
}

static int
read_text(const char *path, struct arena *a, struct htpasswd_text *out,
	  struct err *err)
{
	out->file = path;
	if (file_read(path, HTPASSWD_BYTES_MAX, a, &out->bytes, NULL, err) == 0)
		return 0;
	/* The content is not at fault: it may be readable the next time. */
	if (err->code == ERR_CONFIG)
		err->code = ERR_BUSY;
	return err_context(err, "%s", path);
}

static int
fill_table(const struct htpasswd_source *s, struct htpasswd_table *t,
	   struct err *err)
{
	struct htpasswd_text users, groups;

	if (read_text(s->path[USERS], t->arena, &users, err) != 0)
		return -1;
	if (s->path[GROUPS] == NULL)
		return htpasswd_parse(&users, NULL, t->arena, &t->users, err);
	if (read_text(s->path[GROUPS], t->arena, &groups, err) != 0)
		return -1;
	return htpasswd_parse(&users, &groups, t->arena, &t->users, err);
}

static int
make_table(const struct htpasswd_source *s, struct htpasswd_table **out,
	   struct err *err)
{
	struct htpasswd_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(err);
	t->refs = 1;
	t->arena = arena_new(TABLE_BYTES);
	if (t->arena == NULL) {
		free_table(t);
		return err_nomem(err);
	}
	if (fill_table(s, t, err) != 0) {
		free_table(t);
		return -1;
	}
	*out = t;
	return 0;
}

/* Drops a reference. The caller must hold the lock, except when closing. */
static void
htpasswd_users_release(struct htpasswd_table *t)
{
	t->refs--;
	if (t->refs == 0)
		free_table(t);
}

static void
use(struct htpasswd_source *s, struct htpasswd_table *t,
    const struct htpasswd_stamp stamps[FILES])
{
	if (s->table != NULL)
		htpasswd_users_release(s->table);
	s->table = t;
	memcpy(s->read, stamps, sizeof(s->read));
	s->rested = have_rested(s, stamps);
	htpasswd_log(&t->users, s->path[USERS], s->path[GROUPS], s->env->log);
}

/* Logs that this state of the files is invalid; the table before it stays. */
static void
htpasswd_users_refuse(struct htpasswd_source *s,
		      const struct htpasswd_stamp stamps[FILES],
		      const struct err *err)
{
	memcpy(s->refused, stamps, sizeof(s->refused));
	LOG(s->env->log, LOG_ERROR, "htpasswd_refused",
	    F_CSTR("reason", err->msg), F_CSTR("kept", "the previous users"));
}

/*
 * Checks that the file is complete. An empty file is being written, or could
 * not be written: it does not mean that there are no users. And if the last
 * line ended with a newline before, it must do so again.
 */
static int
check_whole(const struct htpasswd_source *s, const struct htpasswd_table *t,
	    struct err *err)
{
	if (t->users.n == 0)
		return err_set(err, ERR_BUSY, "%s: there is no user in it",
			       s->path[USERS]);
	if (t->users.cut && s->table != NULL && !s->table->users.cut)
		return err_set(
		    err, ERR_CONFIG,
		    "%s: the last line has no newline: it may be cut off",
		    s->path[USERS]);
	return 0;
}

/* Loads a consistent state of both files; NULL if they changed meanwhile. */
static int
htpasswd_users_load(const struct htpasswd_source *s,
		    const struct htpasswd_stamp stamps[FILES],
		    struct htpasswd_table **out, struct err *err)
{
	struct htpasswd_stamp after[FILES];
	struct htpasswd_table *t = NULL;

	if (make_table(s, &t, err) != 0)
		return -1;
	if (read_stamps(s, after, err) != 0 || check_whole(s, t, err) != 0) {
		free_table(t);
		return -1;
	}
	if (!htpasswd_users_same(stamps, after)) {
		free_table(t);
		t = NULL;
	}
	*out = t;
	return 0;
}

/* Brings the table up to date. -1: the users are not known. */
static int
refresh(struct htpasswd_source *s, struct err *err)
{
	struct htpasswd_stamp stamps[FILES];
	struct htpasswd_table *t = NULL;
	struct err why;

	if (read_stamps(s, stamps, err) != 0)
		return -1;
	if ((s->rested && htpasswd_users_same(stamps, s->read)) ||
	    htpasswd_users_same(stamps, s->refused) || !have_rested(s, stamps))
		return 0;
	if (htpasswd_users_load(s, stamps, &t, &why) != 0) {
		if (why.code == ERR_CONFIG) {
			htpasswd_users_refuse(s, stamps, &why);
			return 0;
		}
		*err = why;
		return -1;
	}
	if (t == NULL)
		return 0; /* it was written to again */
	LOG(s->env->log, LOG_INFO, "htpasswd_read",
	    F_CSTR("file", s->path[USERS]),
	    F_INT("users", (int64_t)t->users.n));
	use(s, t, stamps);
	return 0;
}

static void
users_htpasswd_close(void *source)
{
	struct htpasswd_source *s = source;

	free_table(s->table);
	for (size_t i = 0; i < FILES; i++)
		free(s->path[i]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Reads the files for the first time: a mistake in them keeps the service from
 * starting. */
static int
read_first(struct htpasswd_source *s, struct err *err)
{
	struct htpasswd_stamp stamps[FILES];
	struct htpasswd_table *t = NULL;

	if (read_stamps(s, stamps, err) != 0 ||
	    htpasswd_users_load(s, stamps, &t, err) != 0) {
		if (err->code == ERR_BUSY)
			err->code = ERR_CONFIG;
		return -1;
	}
	if (t == NULL)
		return err_set(err, ERR_CONFIG, "%s: changed while it was read",
			       s->path[USERS]);
	use(s, t, stamps);
	return 0;
}

static int
users_htpasswd_open(const void *conf, const struct env *env, void **source,
		    struct err *err)
{
	const struct htpasswd_conf *set = conf;
	const char *const path[FILES] = { set->file, set->groups };
	struct htpasswd_source *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s == NULL)
		return err_nomem(err);
	s->env = env;
	s->forms = users_forms_caps(&set->forms);
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail */
	for (size_t i = 0; i < FILES && rc == 0; i++) {
		if (path[i] == NULL)
			continue;
		s->path[i] = strdup(path[i]);
		if (s->path[i] == NULL)
			rc = err_nomem(err);
	}
	if (rc == 0)
		rc = read_first(s, err);
	if (rc != 0)
		users_htpasswd_close(s);
	else
		*source = s;
	return rc;
}

static int
users_htpasswd_connect(void *source, void **conn, struct err *err)
{
	(void)err; /* there is nothing to connect to */
	*conn = source;
	return 0;
}

static void
users_htpasswd_disconnect(void *conn)
{
	(void)conn;
}

/* Takes a reference to the current table; htpasswd_users_give() releases it. */
static int
htpasswd_users_take(struct htpasswd_source *s, struct htpasswd_table **out,
		    struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&s->lock);
	rc = refresh(s, err);
	if (rc == 0) {
		s->table->refs++;
		*out = s->table;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
htpasswd_users_give(struct htpasswd_source *s, struct htpasswd_table *t)
{
	(void)pthread_mutex_lock(&s->lock);
	htpasswd_users_release(t);
	(void)pthread_mutex_unlock(&s->lock);
}

static int
users_htpasswd_ping(void *conn, struct err *err)
{
	struct htpasswd_table *t = NULL;

	if (htpasswd_users_take(conn, &t, err) != 0)
		return -1;
	htpasswd_users_give(conn, t);
	return 0;
}

static int
users_htpasswd_find(void *conn, const struct call *c, struct str name,
		    struct user_answer *out, struct err *err)
{
	struct user_answer is = { .found = false };
	const struct htpasswd_user *u;
	struct htpasswd_table *t = NULL;
	int rc = 0;

	if (htpasswd_users_take(conn, &t, err) != 0)
		return -1;
	u = htpasswd_find(&t->users, name);
	is.found = u != NULL;
	if (u != NULL)
		rc = htpasswd_copy_user(u, c->arena, &is.user, err);
	if (rc == 0)
		*out = is;
	htpasswd_users_give(conn, t);
	return rc;
}

static int
users_htpasswd_find_typed(void *conn, const struct call *c, struct str text,
			  struct user_list *out, struct err *err)
{
	struct htpasswd_table *t = NULL;
	int rc;

	if (htpasswd_users_take(conn, &t, err) != 0)
		return -1;
	rc = htpasswd_copy_typed(&t->users, c->arena, text, out, err);
	htpasswd_users_give(conn, t);
	return rc;
}

static int
users_htpasswd_list(void *conn, const struct call *c, struct str after,
		    size_t limit, struct user_list *out, struct err *err)
{
	struct htpasswd_table *t = NULL;
	int rc;

	if (htpasswd_users_take(conn, &t, err) != 0)
		return -1;
	rc = htpasswd_copy_list(&t->users, c->arena, after, limit, out, err);
	htpasswd_users_give(conn, t);
	return rc;
}

#define CAPS (BACKEND_PERSISTENT | BACKEND_SHARED | USERS_LISTS)

static unsigned
users_htpasswd_caps(const void *source)
{
	const struct htpasswd_source *s = source;

	return CAPS | s->forms;
}

static const struct option options[] = {
	OPTION(PATH, struct htpasswd_conf, file, .flags = OPTION_REQUIRED,
	       .help = "The password file, as htpasswd(1) writes it: NAME:HASH "
		       "in each line. Use htpasswd -B or -5; the MD5 of "
		       "htpasswd without an option works but is weak, and "
		       "weaker hashes are refused: the log names the kinds "
		       "and the lines, and the guide moving.md has the table. "
		       "A change takes effect a second later, without a "
		       "reload. If the file has a mistake, the service does "
		       "not start, or keeps the previous users and logs the "
		       "reason; while it is missing, unreadable or without a "
		       "user, requests that need a user are answered 503."),
	OPTION(PATH, struct htpasswd_conf, groups,
	       .help = "A file of groups, GROUP: NAME NAME in each line, like "
		       "Apache's AuthGroupFile; the names may be separated by "
		       "commas. Groups become roles. The log names lines with "
		       "a member that is not a user. The file is read again "
		       "like the password file. Neither file may have more "
		       "than 100,000 lines: use postgres for more."),
	USERS_OPTION_CASE(
	    struct htpasswd_conf,
	    "Whether a person may type their name in any case at a sign-in; "
	    "see the same option of sqlite. Apache compares the names of such "
	    "a file exactly."),
	OPTION_END
};

const struct user_source_ops users_htpasswd = {
	.base = {
		.driver = {
			.name = "htpasswd",
			.summary = "users in a password file",
			.caps = CAPS | USERS_FOLDS,
			.options = options,
			.conf_size = sizeof(struct htpasswd_conf),
		},
		.open = users_htpasswd_open,
		.close = users_htpasswd_close,
		.caps = users_htpasswd_caps,
		.connect = users_htpasswd_connect,
		.disconnect = users_htpasswd_disconnect,
		.ping = users_htpasswd_ping,
	},
	.elsewhere = "change the file with htpasswd(1)",
	.find = users_htpasswd_find,
	.find_typed = users_htpasswd_find_typed,
	.list = users_htpasswd_list,
};
