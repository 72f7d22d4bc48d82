/* SPDX-License-Identifier: MIT */
/*
 * TLS 1.2 and later to Redis, with libssl. The certificate of the server must
 * be issued by a trusted authority for the name or the address in the settings.
 */
#ifndef BACKENDS_REDIS_CLIENT_TLS_H
#define BACKENDS_REDIS_CLIENT_TLS_H

#include "backends/redis/client/conn.h"

#include <openssl/ssl.h>
#include <sys/types.h>

/*
 * Makes the context that the connections to a server share; the caller must
 * free it with SSL_CTX_free(). If ca_file is NULL, the authorities of the
 * system are trusted. If the others are NULL, there is no client certificate.
 */
int redis_tls_new(const char *ca_file, const char *cert_file,
		  const char *key_file, SSL_CTX **out,
		  struct err *err) MUST_USE;

/*
 * Begins TLS on a connected, non-blocking socket. The caller must free *out
 * with SSL_free(), which leaves `fd` open. libssl writes with write(2), so the
 * program must ignore SIGPIPE.
 */
int redis_tls_session(SSL_CTX *ctx, int fd, const char *host, SSL **out,
		      struct err *err) MUST_USE;

/* Returns 1 when done, 0 to be called again after *events, or -1. Reading and
 * writing return the number of bytes, 0 or -1. */
int redis_tls_handshake(SSL *ssl, short *events, struct err *err) MUST_USE;
ssize_t redis_tls_read(SSL *ssl, void *buf, size_t n, short *events,
		       struct err *err) MUST_USE;
ssize_t redis_tls_write(SSL *ssl, const void *buf, size_t n, short *events,
			struct err *err) MUST_USE;

#endif
