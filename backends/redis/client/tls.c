/* SPDX-License-Identifier: MIT */
/*
 * TLS to Redis. hiredis_ssl is not used, because hiredis 0.14 does not have
 * it and later versions do not check the host name.
 */
#include "backends/redis/client/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

/* Sets *err to the last error of the library. */
static int
tls_fail(enum err_code code, const char *what, struct err *err)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(err, code, "%s: %s", what,
		       why == NULL ? "refused" : why);
}

/* Refuses a key with a passphrase, because the service cannot ask for one. */
static int
no_passphrase(char *buf, int n, int writing, void *p)
{
	(void)buf;
	(void)n;
	(void)writing;
	(void)p;
	return -1;
}

static int
tls_set_up(SSL_CTX *ctx, const char *ca_file, const char *cert_file,
	   const char *key_file, struct err *err)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					SSL_MODE_RELEASE_BUFFERS);
	/* A reply has a length, so a truncated one is recognized without this
	 * check. */
	(void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return tls_fail(ERR_CONFIG, "TLS 1.2", err);
	if (ca_file == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
		return tls_fail(ERR_CONFIG, "the system's authorities", err);
	if (ca_file != NULL && SSL_CTX_load_verify_file(ctx, ca_file) != 1)
		return tls_fail(ERR_CONFIG, "ca_file", err);
	if (cert_file == NULL)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1)
		return tls_fail(ERR_CONFIG, "cert_file", err);
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return tls_fail(ERR_CONFIG, "key_file", err);
	return 0;
}

int
redis_tls_new(const char *ca_file, const char *cert_file, const char *key_file,
	      SSL_CTX **out, struct err *err)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		return err_nomem(err);
	if (tls_set_up(ctx, ca_file, cert_file, key_file, err) != 0) {
		SSL_CTX_free(ctx);
		return -1;
	}
	*out = ctx;
	return 0;
}

static bool
tls_is_address(const char *host)
{
	uint8_t b[16];

	return inet_pton(AF_INET, host, b) == 1 ||
	       inet_pton(AF_INET6, host, b) == 1;
}

/* Sets the name or address of the certificate. Only a name may be sent as SNI
 * (RFC 6066 section 3). */
static bool
expect_host(SSL *ssl, const char *host)
{
	if (tls_is_address(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
						     host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)host) == 1;
}

int
redis_tls_session(SSL_CTX *ctx, int fd, const char *host, SSL **out,
		  struct err *err)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL)
		return err_nomem(err);
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return err_nomem(err);
	}
	SSL_set_connect_state(ssl);
	if (!expect_host(ssl, host)) {
		SSL_free(ssl);
		return tls_fail(ERR_UNAVAILABLE, "TLS: the host's name", err);
	}
	*out = ssl;
	return 0;
}

/* Returns 0 with the *events to wait for, or -1. */
static int
tls_result(SSL *ssl, int result, short *events, struct err *err)
{
	long verified = SSL_get_verify_result(ssl);

	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		return 0;
	case SSL_ERROR_SSL:
		if (verified != X509_V_OK)
			return err_set(err, ERR_UNAVAILABLE,
				       "TLS: certificate: %s",
				       X509_verify_cert_error_string(verified));
		return tls_fail(ERR_UNAVAILABLE, "TLS", err);
	default:
		return err_set(err, ERR_UNAVAILABLE,
			       "TLS: the server has closed the connection");
	}
}

int
redis_tls_handshake(SSL *ssl, short *events, struct err *err)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(ssl);
	return result == 1 ? 1 : tls_result(ssl, result, events, err);
}

ssize_t
redis_tls_read(SSL *ssl, void *buf, size_t n, short *events, struct err *err)
{
	size_t got = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(ssl, buf, n, &got);
	return result == 1 ? (ssize_t)got :
			     tls_result(ssl, result, events, err);
}

ssize_t
redis_tls_write(SSL *ssl, const void *buf, size_t n, short *events,
		struct err *err)
{
	size_t put = 0;
	int result;

	ERR_clear_error();
	result = SSL_write_ex(ssl, buf, n, &put);
	return result == 1 ? (ssize_t)put :
			     tls_result(ssl, result, events, err);
}
