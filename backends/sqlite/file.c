/* SPDX-License-Identifier: MIT */
/* The file of a database, whether it is still in its place, and the limit for
 * the sleeps of SQLite. */
#include "backends/sqlite/file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * If a reader cannot get its lock, SQLite tries 100 times with longer and
 * longer sleeps, which are 10 s in total, and does not call the busy handler.
 * With this limit they are 1.5 s.
 */
#define SLEEP_MAX_US 20000

/* How long a connection that only reads may use a file that was replaced. */
#define CHECK_FILE_MS 1000

static int
sleep_briefly(sqlite3_vfs *vfs, int us)
{
	const int briefly = us < SLEEP_MAX_US ? us : SLEEP_MAX_US;
	const struct timespec t = { .tv_nsec = briefly * 1000L };

	(void)vfs;
	(void)nanosleep(&t, NULL); /* a signal may end it early */
	return briefly;
}

/* Registers a copy of the VFS of SQLite with another sleep function, under a
 * name that is unique to this struct. */
static int
make_vfs(struct sqlite_file *f)
{
	const sqlite3_vfs *own = sqlite3_vfs_find(NULL);

	if (own == NULL)
		return -1;
	f->vfs = *own;
	f->vfs.pNext = NULL;
	f->vfs.zName = f->name;
	f->vfs.xSleep = sleep_briefly;
	(void)snprintf(f->name, sizeof(f->name), "fcgiauth-%p", (void *)f);
	return sqlite3_vfs_register(&f->vfs, 0) == SQLITE_OK ? 0 : -1;
}

int
sqlite_file_open(const struct sqlite_spec *spec, const struct sqlite_conf *conf,
		 const struct env *env, void **file, struct err *err)
{
	struct sqlite_file *f;

	assert(spec->nsql <= SQLITE_STATEMENTS_MAX);
	/* Nothing reads these statistics, and each allocation would take a
	 * lock for them. Only the first call in the process has an effect: it
	 * fails once SQLite is in use. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_threadsafe() == 0)
		return err_set(err, ERR_CONFIG,
			       "this SQLite was built without threads");
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return err_nomem(err);
	f->spec = spec;
	f->env = env;
	f->path = strdup(conf->path);
	if (f->path == NULL) {
		free(f);
		return err_nomem(err);
	}
	atomic_init(&f->seen, false);
	atomic_init(&f->alarms, 0);
	if (make_vfs(f) != 0) {
		sqlite_file_close(f);
		return err_nomem(err);
	}
	*file = f;
	return 0;
}

void
sqlite_file_close(void *file)
{
	struct sqlite_file *f = file;

	(void)sqlite3_vfs_unregister(&f->vfs); /* always SQLITE_OK */
	free(f->path);
	free(f);
}

/*
 * Creates the file with mknod(2), which opens no descriptor: closing a
 * descriptor of this file would release the locks that SQLite holds on it
 * elsewhere in this process.
 */
static int
make_file(const struct sqlite_file *f, struct err *err)
{
	if (atomic_load(&f->seen))
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: the file is gone; put it back, or restart"
			       " the service to begin with a new one",
			       f->path);
	if (mknod(f->path, S_IFREG | S_IRUSR | S_IWUSR, 0) == 0 ||
	    errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: cannot be created: its folder does not"
			       " exist",
			       f->path);
	return err_set(err, ERR_UNAVAILABLE, "%s: cannot be created: %s",
		       f->path, strerror(errno));
}

int
sqlite_file_find(const struct sqlite_file *f, struct err *err)
{
	struct stat st;

	if (stat(f->path, &st) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		return err_set(err, ERR_UNAVAILABLE, "%s: not a regular file",
			       f->path);
	}
	if (errno == ENOENT)
		return make_file(f, err);
	return err_set(err, ERR_UNAVAILABLE, "%s: %s", f->path,
		       strerror(errno));
}

int
sqlite_file_identify(const char *name, struct sqlite_file_id *out,
		     struct err *err)
{
	struct stat st;

	if (stat(name, &st) != 0)
		return err_set(err, ERR_UNAVAILABLE, "%s: %s", name,
			       strerror(errno));
	*out = (struct sqlite_file_id){ .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

int
sqlite_file_compare(const char *name, const struct sqlite_file_id *id,
		    struct err *err)
{
	struct sqlite_file_id now = { .ino = 0 };

	if (sqlite_file_identify(name, &now, err) != 0)
		return -1;
	if (now.dev != id->dev || now.ino != id->ino)
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: the file was replaced", name);
	return 0;
}

void
sqlite_place_begin(struct sqlite_place *p, struct sqlite_file *file)
{
	*p = (struct sqlite_place){ .file = file,
				    .alarms = atomic_load(&file->alarms),
				    .checked_ms = INT64_MIN / 2 };
}

/* SQLite has resolved the links. If the path without links still leads to the
 * file that it has open, that file can be found by this path. */
int
sqlite_place_find(struct sqlite_place *p, sqlite3 *db, struct err *err)
{
	int moved = 1;

	if (sqlite_file_identify(sqlite3_db_filename(db, "main"), &p->id,
				 err) != 0)
		return -1;
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved != 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "%s: the file was replaced", p->file->path);
	return 0;
}

int
sqlite_place_check(struct sqlite_place *p, struct err *err)
{
	const int64_t now_ms = env_mono_ms(p->file->env);

	if (sqlite_file_compare(p->file->path, &p->id, err) != 0) {
		(void)sqlite_place_alarm(p); /* once is enough */
		return -1;
	}
	p->checked_ms = now_ms;
	return 0;
}

bool
sqlite_place_is_fresh(const struct sqlite_place *p)
{
	return !sqlite_place_is_alarmed(p) &&
	       env_mono_ms(p->file->env) - p->checked_ms < CHECK_FILE_MS;
}

bool
sqlite_place_is_alarmed(const struct sqlite_place *p)
{
	return atomic_load(&p->file->alarms) != p->alarms;
}

bool
sqlite_place_alarm(struct sqlite_place *p)
{
	unsigned before = p->alarms;

	return atomic_compare_exchange_strong(&p->file->alarms, &before,
					      before + 1);
}
