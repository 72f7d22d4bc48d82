/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: our own, and those that the service manager hands over
 * (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, descriptors from 3 on).
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/base.h"

struct err;
struct words;

#define LISTEN_MAX 16

struct listener {
	int fd;		   /* non-blocking, close-on-exec */
	bool inherited;	   /* not ours to shut down or unlink */
	char path[108];	   /* unix: to be unlinked at the end; else empty */
	uint64_t device, inode; /* of that path, so that a successor's socket
				 * is never unlinked */
};

struct listeners {
	struct listener v[LISTEN_MAX];
	size_t n;
};

/* `unix:/path`, `127.0.0.1:9000`, `[::1]:9000`: is this one?  No I/O. */
int listen_check(struct str address, struct err *err) MUST_USE;

/*
 * Takes the sockets of the service manager when there are any, else binds
 * `addresses`.  A unix socket is bound beside its path and renamed into place
 * with mode `mode`, unless something that is not a socket, or a live service,
 * is there: that is ERR_CONFIG and nothing is touched.
 */
int listen_open(const struct words *addresses, unsigned mode,
		struct listeners *out, struct err *err) MUST_USE;

/* Closes all; unlinks what we bound if it is still ours. */
void listen_close(struct listeners *l);

#endif
