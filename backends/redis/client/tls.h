/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and later to Redis, by libssl: the server's certificate must lead to
 * a trusted authority and bear the name, or the address, that was asked for.
 */
#ifndef BACKENDS_REDIS_CLIENT_TLS_H
#define BACKENDS_REDIS_CLIENT_TLS_H

#include "backends/redis/client/conn.h"

#include <openssl/ssl.h>
#include <sys/types.h>

/*
 * What the connections of a server share; ends with SSL_CTX_free().  NULL for
 * ca_file: the system's; for the others: no client certificate.
 */
int redis_tls_new(const char *ca_file, const char *cert_file,
		  const char *key_file, SSL_CTX **out,
		  struct err *err) MUST_USE;

/*
 * On a connected, non-blocking socket; ends with SSL_free(), which leaves `fd`
 * open.  libssl writes with write(2): the program ignores SIGPIPE.
 */
int redis_tls_session(SSL_CTX *ctx, int fd, const char *host, SSL **out,
		      struct err *err) MUST_USE;

/* 1: done; 0: wait for *events, then again; -1. */
int redis_tls_handshake(SSL *ssl, short *events, struct err *err) MUST_USE;
ssize_t redis_tls_read(SSL *ssl, void *buf, size_t n, short *events,
		       struct err *err) MUST_USE;
ssize_t redis_tls_write(SSL *ssl, const void *buf, size_t n, short *events,
			struct err *err) MUST_USE;

#endif
