/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: our own, and those that are handed over by the service
 * manager or a predecessor (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS,
 * descriptors from 3 on), or as standard input.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/base.h"

struct buf;
struct err;
struct words;

#define LISTEN_MAX 16

struct listener {
	int fd;		   /* non-blocking, close-on-exec */
	bool inherited;
	bool unlink;	   /* `path` is ours to unlink at the end */
	char path[108];	   /* of a unix socket that fcgiauthd bound, or empty */
	uint64_t device, inode; /* of that path, so that a successor's socket
				 * is never unlinked */
	char name[128];	   /* address, or what the service manager calls it */
};

struct listeners {
	struct listener v[LISTEN_MAX];
	size_t n;
};

/*
 * Takes the sockets that LISTEN_PID and LISTEN_FDS announce when there are
 * any, else standard input when that is a listening socket, else binds
 * `addresses`: each is `unix:/path`, `127.0.0.1:9000` or `[::1]:9000`.  A
 * unix socket is bound beside its path and renamed into place with mode
 * `mode`, unless something that is not a socket, or a live service, is there:
 * that is ERR_CONFIG and nothing is touched.
 */
int listen_open(const struct words *addresses, unsigned mode,
		struct listeners *out, struct err *err) MUST_USE;

/* Closes all; unlinks what is ours to unlink and still the same. */
void listen_close(struct listeners *l);

/* NAME=value, each with a NUL behind it: what a successor's environment needs
 * besides LISTEN_PID when `l` are its descriptors from 3 on. */
void listen_print_environment(const struct listeners *l, struct buf *out);

/* What a predecessor bound is from now on for its successor to unlink. */
void listen_hand_over(struct listeners *l);
void listen_take_over(struct listeners *l);

#endif
