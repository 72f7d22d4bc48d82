/* SPDX-License-Identifier: MIT */
/* Sockets, with deadlines. */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_SOCKET_H
#define BACKENDS_REDIS_CLIENT_WIRE_SOCKET_H

#include "backends/redis/client/wire.h"

#include <sys/types.h>

/* Sets *fd to a connected socket. */
int redis_socket_connect(const struct redis_address *at, const struct env *env,
			 int64_t deadline_ms, int *fd,
			 struct err *err) MUST_USE;

/* Waits until one of the events occurs. */
int redis_socket_wait(int fd, short events, const struct env *env,
		      int64_t deadline_ms, struct err *err) MUST_USE;

/* Makes redis_socket_read_on() wait for at most `ms`. */
int redis_socket_block(int fd, int64_t ms, struct err *err) MUST_USE;

/*
 * Return the number of bytes, 0 if the caller must wait for *events, or -1
 * after a failure or if the peer has closed the connection. tls.h has the same
 * for TLS. redis_socket_read_on() first waits for a time of its own.
 */
ssize_t redis_socket_read(int fd, void *buf, size_t n, short *events,
			  struct err *err) MUST_USE;
ssize_t redis_socket_read_on(int fd, void *buf, size_t n, short *events,
			     struct err *err) MUST_USE;
ssize_t redis_socket_write(int fd, const void *buf, size_t n, short *events,
			   struct err *err) MUST_USE;

#endif
