/* SPDX-License-Identifier: MIT */
/* A temporary folder for a unix socket, and listening on the socket. */
#ifndef TESTS_TMPDIR_H
#define TESTS_TMPDIR_H

#include "base/base.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/option.h"
#include "server/listen.h"

struct tmpdir {
	char folder[64], path[80], address[100];
};

static inline void
tmpdir_init(struct tmpdir *p)
{
	*p = (struct tmpdir){ .folder = "/tmp/fcgiauth-test-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof(p->path), "%s/s", p->folder);
	(void)snprintf(p->address, sizeof(p->address), "unix:%s", p->path);
}

/* Removes the folder; fails when a file is left in it. */
static inline void
tmpdir_end(const struct tmpdir *p)
{
	ck_assert_int_eq(rmdir(p->folder), 0);
}

static inline int
open_one(const char *address, unsigned mode, struct listeners *out,
	 struct err *err)
{
	struct str s = str_from(address);

	return listen_open(&(struct words){ .v = &s, .n = 1 }, mode, out, err);
}

#endif
