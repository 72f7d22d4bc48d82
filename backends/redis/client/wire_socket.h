/* SPDX-License-Identifier: MIT */
/* A socket that never blocks, connected before a deadline. */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_SOCKET_H
#define BACKENDS_REDIS_CLIENT_WIRE_SOCKET_H

#include "backends/redis/client/wire.h"

#include <sys/types.h>

/* *fd is connected. */
int redis_socket_connect(const struct redis_address *at, const struct env *env,
			 int64_t deadline_ms, int *fd,
			 struct err *err) MUST_USE;

/* Until one of the events is there. */
int redis_socket_wait(int fd, short events, const struct env *env,
		      int64_t deadline_ms, struct err *err) MUST_USE;

/*
 * Bytes moved; 0: wait for *events first; -1: failed, or closed by the peer.
 * redis_wire_tls.h has the same for TLS.
 */
ssize_t redis_socket_read(int fd, void *buf, size_t n, short *events,
			  struct err *err) MUST_USE;
ssize_t redis_socket_write(int fd, const void *buf, size_t n, short *events,
			   struct err *err) MUST_USE;

#endif
