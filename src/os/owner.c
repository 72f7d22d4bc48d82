/* SPDX-License-Identifier: MIT */
/* Changes the process from root to the owner of the database. */
#include "os/owner.h"

#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct owner {
	uid_t uid;
	gid_t gid;
};

static int
owner_folder_of(const char *file, char folder[PATH_MAX], struct err *err)
{
	const char *slash = strrchr(file, '/');
	int n;

	if (slash == NULL)
		return err_set(err, ERR_CONFIG,
			       "%s: must be an absolute file name", file);
	n = snprintf(folder, PATH_MAX, "%.*s/", (int)(slash - file), file);
	if (n < 0 || n >= PATH_MAX)
		return err_set(err, ERR_CONFIG, "%s: name too long", file);
	return 0;
}

static int
folder_stat(const char *file, struct stat *out, struct err *err)
{
	char folder[PATH_MAX];

	if (owner_folder_of(file, folder, err) != 0)
		return -1;
	if (stat(folder, out) != 0)
		return err_set(err, ERR_CONFIG, "%s: %s", folder,
			       strerror(errno));
	return 0;
}

/*
 * The owner of the directory, or of a symbolic link in it, decides which file
 * the name leads to. If that is neither root nor the owner of the file, it is
 * refused: they could make root use a file of another user.
 */
static int
find_owner(const char *file, struct owner *out, struct err *err)
{
	struct stat folder, name, target;

	if (folder_stat(file, &folder, err) != 0)
		return -1;
	if (lstat(file, &name) != 0 && errno == ENOENT) {
		if (folder.st_uid == 0 && folder.st_gid != 0 &&
		    (folder.st_mode & S_IWGRP) != 0)
			return err_set(err, ERR_CONFIG,
				       "%s: its directory is shared by root "
				       "and gid %lu, so that the owner of the "
				       "new file is not clear (chown)",
				       file, (unsigned long)folder.st_gid);
		*out = (struct owner){ folder.st_uid, folder.st_gid };
		return 0;
	}
	if (lstat(file, &name) != 0 || stat(file, &target) != 0)
		return err_set(err, ERR_CONFIG, "%s: %s", file,
			       strerror(errno));
	if ((folder.st_uid != 0 && folder.st_uid != target.st_uid) ||
	    (name.st_uid != 0 && name.st_uid != target.st_uid))
		return err_set(err, ERR_CONFIG,
			       "%s belongs to uid %lu, but its directory or "
			       "link belongs to uid %lu: give them one owner "
			       "(chown)",
			       file, (unsigned long)target.st_uid,
			       (unsigned long)(folder.st_uid != 0 ?
						   folder.st_uid :
						   name.st_uid));
	*out = (struct owner){ target.st_uid, target.st_gid };
	return 0;
}

/*
 * systemd keeps the files of a DynamicUser below /var/lib/private, which only
 * root may search: outside the service, the owner cannot reach its own
 * database. In that case, and only then, the capability to search directories
 * is kept. It also allows reading, but not writing.
 */
static int
leave_rights(const char *file, struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 0 },
	};
	struct stat st;

	if (lstat(file, &st) != 0 && errno == EACCES) {
		rights[0].permitted = 1U << CAP_DAC_READ_SEARCH;
		rights[0].effective = rights[0].permitted;
	}
	if (syscall(SYS_capset, &head, rights) != 0)
		return err_set(err, ERR_INTERNAL,
			       "cannot keep the capability to reach %s: %s",
			       file, strerror(errno));
	return 0;
}

/* After setuid() with PR_SET_KEEPCAPS the capabilities are permitted, but not
 * effective. */
static int
owner_change_ids(const struct owner *owner, const char *file, struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) != 0 ||
	    setgroups(0, NULL) != 0 || setgid(owner->gid) != 0 ||
	    setuid(owner->uid) != 0)
		return err_set(err, ERR_INTERNAL,
			       "cannot become uid %lu, gid %lu: %s",
			       (unsigned long)owner->uid,
			       (unsigned long)owner->gid, strerror(errno));
	if (leave_rights(file, err) != 0)
		return -1;
	if (getuid() != owner->uid || geteuid() != owner->uid ||
	    getgid() != owner->gid || getegid() != owner->gid || setuid(0) == 0)
		return err_set(err, ERR_INTERNAL,
			       "failed to drop privileges to uid %lu",
			       (unsigned long)owner->uid);
	return 0;
}

int
owner_become(const char *const *files, size_t n, struct err *err)
{
	struct owner owner = { .uid = 0 }, next;
	const char *first = NULL;

	if (geteuid() != 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (files[i] == NULL)
			continue;
		if (find_owner(files[i], &next, err) != 0)
			return -1;
		if (first != NULL && next.uid != owner.uid)
			return err_set(err, ERR_CONFIG,
				       "%s and %s have different owners "
				       "(chown)",
				       first, files[i]);
		if (first == NULL) {
			first = files[i];
			owner = next;
		}
	}
	return owner.uid == 0 ? 0 : owner_change_ids(&owner, first, err);
}

int
owner_check_folder(const char *file, struct err *err)
{
	char folder[PATH_MAX];

	if (owner_folder_of(file, folder, err) != 0)
		return -1;
	/* access(2) would ignore the capability that owner_become() keeps. */
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		return err_set(err, ERR_CONFIG, "%s: %s", folder,
			       strerror(errno));
	return 0;
}
