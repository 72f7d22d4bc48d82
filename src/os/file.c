/* SPDX-License-Identifier: MIT */
/* Reads a small regular file whole. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

static int
file_error(struct err *err, const char *what)
{
	char text[128];

	return err_set(err, ERR_CONFIG, "%s: %s", what,
		       strerror_r(errno, text, sizeof(text)));
}

/* Reads until the end of the file, which may differ from the size that fstat()
 * returned. */
static int
file_read_all(int fd, char *p, size_t room, size_t *n, struct err *err)
{
	*n = 0;
	while (*n < room) {
		ssize_t got = read(fd, p + *n, room - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_error(err, "cannot read it");
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return 0;
}

static int
read_fd(int fd, size_t max, struct arena *a, struct str *out,
	bool *world_readable, struct err *err)
{
	struct stat st;
	size_t n;
	char *p;

	if (fstat(fd, &st) != 0)
		return file_error(err, "cannot stat it");
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG, "it is a directory");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "it is not a regular file");
	if (st.st_size > (off_t)max)
		return err_set(err, ERR_CONFIG, "it is larger than %zu bytes",
			       max);
	/* One byte more than its size, to detect a file that grew. */
	p = arena_alloc(a, (size_t)st.st_size + 1);
	if (p == NULL)
		return err_nomem(err);
	if (file_read_all(fd, p, (size_t)st.st_size + 1, &n, err) != 0)
		return -1;
	if (n > (size_t)st.st_size)
		return err_set(err, ERR_CONFIG, "it changed while it was read");
	*out = (struct str){ .p = p, .n = n };
	if (world_readable != NULL)
		*world_readable = (st.st_mode & S_IROTH) != 0;
	return 0;
}

int
file_read(const char *path, size_t max, struct arena *a, struct str *out,
	  bool *world_readable, struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return file_error(err, "cannot open it");
	rc = read_fd(fd, max, a, out, world_readable, err);
	(void)close(fd); /* read-only: no data can be lost */
	return rc;
}

int
file_read_secret(struct str path, struct arena *a, struct str *out,
		 struct err *err)
{
	char *name = arena_cstr(a, path);
	struct str s;

	if (name == NULL)
		return err_nomem(err);
	if (name[0] != '/') {
		return err_set(err, ERR_CONFIG,
			       "must be an absolute file name, beginning "
			       "with /");
	}
	if (file_read(name, FILE_SECRET_MAX, a, &s, NULL, err) != 0)
		return -1;
	s = str_skip_bom(s);
	if (str_ends(s, STR("\n")))
		s.n -= str_ends(s, STR("\r\n")) ? 2 : 1;
	if (s.n == 0)
		return err_set(err, ERR_CONFIG, "the file is empty");
	if (str_find(s, '\0') < s.n)
		return err_set(err, ERR_CONFIG, "the file has a NUL byte");
	*out = s;
	return 0;
}
