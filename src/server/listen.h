/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: those that this process binds, and those that it gets from
 * the service manager or a predecessor (sd_listen_fds(3): LISTEN_PID,
 * LISTEN_FDS, descriptors from 3 on) or as standard input.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/base.h"

struct buf;
struct err;
struct words;

#define LISTEN_MAX 16

struct listener {
	int fd; /* non-blocking, close-on-exec */
	bool inherited;
	bool unlink; /* this process must unlink `path` at the end */
	char path[108]; /* of a unix socket that fcgiauthd bound, or empty */
	/* of that path, so that the socket of a successor is never unlinked */
	uint64_t device, inode;
	/* the address, or the name that the service manager gave */
	char name[128];
};

struct listeners {
	struct listener v[LISTEN_MAX];
	size_t n;
};

/*
 * Takes the sockets that LISTEN_PID and LISTEN_FDS announce if there are any,
 * otherwise standard input if it is a listening socket; otherwise binds
 * `addresses`, each of which is `unix:/path`, `127.0.0.1:9000` or `[::1]:9000`.
 * A unix socket is bound beside its path and renamed into place with mode
 * `mode`. If the path is not a socket, or a service listens on it, the result
 * is ERR_CONFIG and the path is left as it is.
 */
int listen_open(const struct words *addresses, unsigned mode,
		struct listeners *out, struct err *err) MUST_USE;

/* Closes all sockets, and unlinks the paths that are to be unlinked and still
 * lead to these sockets. */
void listen_close(struct listeners *l);

/* Prints what a successor needs in its environment besides LISTEN_PID, if the
 * sockets of `l` are its descriptors from 3 on: NAME=value, each followed by a
 * NUL. */
void listen_print_environment(const struct listeners *l, struct buf *out);

/* Passes the duty to unlink paths from a predecessor to its successor: called
 * by the predecessor, and by the successor. */
void listen_hand_over(struct listeners *l);
void listen_take_over(struct listeners *l);

#endif
