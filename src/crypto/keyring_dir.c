/* SPDX-License-Identifier: MIT */
/* Checks, reads and writes the files of a key directory. */
#include "crypto/keyring_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/enc.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"

/* The longest wait for the lock: making an RSA key takes a second. */
#define LOCK_TRIES   1000
#define LOCK_WAIT_NS (10 * 1000 * 1000)

static const char *const states[] = { [KEY_PENDING] = "pending",
				      [KEY_ACTIVE] = "active",
				      [KEY_RETIRING] = "retiring" };

const char *
key_state_name(enum key_state state)
{
	return states[state];
}

static bool
state_from_name(struct str name, enum key_state *out)
{
	for (enum key_state s = KEY_PENDING; s <= KEY_RETIRING; s++) {
		if (str_eq(name, str_from(states[s]))) {
			*out = s;
			return true;
		}
	}
	return false;
}

void
keyring_name_write(const struct keyring_name *name, char out[KEYRING_NAME_MAX])
{
	(void)snprintf(out, KEYRING_NAME_MAX, "%s.%s.%s.%" PRId64 ".%s",
		       name->kid, jws_alg_name(name->alg), states[name->state],
		       name->since,
		       jws_alg_is_hmac(name->alg) ? "secret" : "pem");
}

bool
keyring_name_parse(struct str text, struct keyring_name *out)
{
	struct str rest = text, kid, alg, state, since;
	struct keyring_name name = { .kid = "" };
	char again[KEYRING_NAME_MAX];

	if (!str_cut(&rest, '.', &kid) || !str_cut(&rest, '.', &alg) ||
	    !str_cut(&rest, '.', &state) || !str_cut(&rest, '.', &since))
		return false;
	name.alg = jws_alg_from_name(alg);
	if (kid.n != JWK_KID_CHARS || name.alg == JWS_NONE ||
	    !state_from_name(state, &name.state) ||
	    !str_to_uint(since, INT64_MAX, &name.since))
		return false;
	memcpy(name.kid, kid.p, kid.n);
	keyring_name_write(&name, again);
	if (!str_eq(text, str_from(again)))
		return false;
	*out = name;
	return true;
}

static int
check_owner(const struct stat *st, const char *what, struct err *err)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return err_set(err, ERR_CONFIG,
			       "%s belongs to uid %lu, not to uid %lu: chown "
			       "it, or run as its owner",
			       what, (unsigned long)st->st_uid,
			       (unsigned long)geteuid());
	return 0;
}

int
keyring_dir_open(const char *directory, bool make, struct err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int dir = open(directory, flags);

	if (dir < 0 && errno == ENOENT && make &&
	    (mkdir(directory, 0700) == 0 || errno == EEXIST))
		dir = open(directory, flags);
	if (dir < 0)
		return err_set(err, ERR_CONFIG, "%s", strerror(errno));
	if (fstat(dir, &st) != 0) {
		(void)err_set(err, ERR_INTERNAL, "%s", strerror(errno));
	} else if (check_owner(&st, "the directory", err) == 0) {
		if ((st.st_mode & 077) == 0)
			return dir;
		(void)err_set(err, ERR_CONFIG,
			      "other users may access the directory: chmod "
			      "700 it");
	}
	(void)close(dir);
	return -1;
}

static void
wait_a_little(void)
{
	const struct timespec ts = { .tv_nsec = LOCK_WAIT_NS };

	(void)nanosleep(&ts, NULL); /* an interrupted sleep does no harm */
}

int
keyring_dir_lock(int dir, enum keyring_lock kind, int *lock, struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const int how = kind == KEYRING_WRITE ? LOCK_EX : LOCK_SH;
	int fd = openat(dir, ".lock", flags | O_CREAT, 0600);

	if (fd < 0)
		fd = openat(dir, ".lock", flags);
	if (fd < 0 && kind == KEYRING_READ) {
		*lock = -1;
		return 0;
	}
	if (fd < 0)
		return err_set(err, ERR_CONFIG, ".lock: %s", strerror(errno));
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, how | LOCK_NB) == 0) {
			*lock = fd;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		wait_a_little();
	}
	(void)err_set(err, ERR_UNAVAILABLE, "cannot lock .lock: %s",
		      strerror(errno));
	(void)close(fd);
	return -1;
}

static int
keyring_dir_add_name(const char *file, struct keyring_names *to,
		     struct err *err)
{
	struct keyring_name name;

	if (file[0] == '.')
		return 0;
	if (to->n == ARRAY_LEN(to->v))
		return err_set(err, ERR_CONFIG, "more than %zu keys", to->n);
	if (!keyring_name_parse(str_from(file), &name))
		return err_set(err, ERR_CONFIG,
			       "%.80s is not the name of a key file: move it "
			       "elsewhere",
			       str_has_control(str_from(file)) ? "?" : file);
	for (size_t i = 0; i < to->n; i++) {
		if (strcmp(to->v[i].kid, name.kid) == 0)
			return err_set(err, ERR_CONFIG,
				       "key %s has two files: remove one",
				       name.kid);
	}
	to->v[to->n++] = name;
	return 0;
}

int
keyring_dir_list(int dir, struct keyring_names *out, struct err *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	struct keyring_names names = { .n = 0 };
	const struct dirent *entry;
	int rc = 0;

	if (d == NULL) {
		(void)err_set(err, ERR_INTERNAL, "%s", strerror(errno));
		if (copy >= 0)
			(void)close(copy);
		return -1;
	}
	do {
		errno = 0;
		entry = readdir(d);
		if (entry == NULL && errno != 0)
			rc = err_set(err, ERR_INTERNAL, "%s", strerror(errno));
		if (entry != NULL)
			rc = keyring_dir_add_name(entry->d_name, &names, err);
	} while (entry != NULL && rc == 0);
	(void)closedir(d);
	if (rc == 0)
		*out = names;
	return rc;
}

/*
 * The file of a secret may come from systemd, whose access control list appears
 * as permissions of the group. The file of a key must not be accessible to
 * others.
 */
static int
keyring_dir_check_file(const struct stat *st, enum keyring_rules rules,
		       struct err *err)
{
	const mode_t forbidden = rules == KEYRING_KEY_FILE ? 077 : 027;
	const size_t max =
	    rules == KEYRING_KEY_FILE ? JWK_FILE_MAX : JWK_SECRET_MAX;

	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_CONFIG, "it is not a regular file");
	if (check_owner(st, "the file", err) != 0)
		return -1;
	if ((st->st_mode & forbidden) != 0)
		return err_set(err, ERR_CONFIG,
			       "other users may access this file: chmod 600 "
			       "it");
	if (st->st_size <= 0 || (uintmax_t)st->st_size > max)
		return err_set(err, ERR_CONFIG,
			       "it is empty, or has more "
			       "than %zu bytes",
			       max);
	return 0;
}

static int
keyring_dir_read_all(int fd, size_t n, struct arena *a, struct str *out,
		     struct err *err)
{
	char *p = arena_alloc(a, n + 1);
	size_t have = 0;

	if (p == NULL)
		return err_nomem(err);
	while (have < n) {
		ssize_t got = read(fd, p + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, ERR_CONFIG, "cannot read: %s",
				       got < 0 ? strerror(errno) :
						 "it changed while it was "
						 "read");
		have += (size_t)got;
	}
	*out = (struct str){ .p = p, .n = n };
	return 0;
}

int
keyring_read(int dir, const char *file, enum keyring_rules rules,
	     struct arena *a, struct str *out, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
			  (rules == KEYRING_KEY_FILE ? O_NOFOLLOW : 0);
	int fd = openat(dir, file, flags);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_set(err, ERR_CONFIG, "%s", strerror(errno));
	if (fstat(fd, &st) != 0)
		rc = err_set(err, ERR_INTERNAL, "%s", strerror(errno));
	else
		rc = keyring_dir_check_file(&st, rules, err);
	if (rc == 0)
		rc = keyring_dir_read_all(fd, (size_t)st.st_size, a, out, err);
	(void)close(fd);
	return rc;
}

static int
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t put = write(fd, s.p, s.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		s = str_skip(s, (size_t)put);
	}
	/* The umask may have removed permissions of the owner. */
	return fchmod(fd, 0600) == 0 && fsync(fd) == 0 ? 0 : -1;
}

int
keyring_dir_write(int dir, const char *file, struct str content,
		  const struct env *env, struct err *err)
{
	uint8_t random[8];
	char temp[] = ".new-0123456789abcdef";
	int fd, rc, reason;

	if (env_random(env, random, sizeof(random)) != 0)
		return err_norandom(err);
	hex_encode(random, sizeof(random), temp + sizeof(".new-") - 1);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_CONFIG, "cannot create a file: %s",
			       strerror(errno));
	rc = write_all(fd, content);
	reason = errno;
	if (close(fd) != 0 && rc == 0) {
		rc = -1;
		reason = errno;
	}
	/* Unlike rename(2), link(2) never replaces an existing file. */
	if (rc == 0 && linkat(dir, temp, dir, file, 0) != 0) {
		rc = -1;
		reason = errno;
	}
	if (unlinkat(dir, temp, 0) != 0 && rc == 0) {
		rc = -1;
		reason = errno;
	}
	if (rc != 0)
		return err_set(err, ERR_CONFIG, "cannot write %s: %s", file,
			       strerror(reason));
	return keyring_dir_sync(dir, err);
}

int
keyring_dir_sync(int dir, struct err *err)
{
	if (fsync(dir) != 0)
		return err_set(err, ERR_INTERNAL, "fsync: %s", strerror(errno));
	return 0;
}
