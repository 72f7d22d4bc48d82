/* SPDX-License-Identifier: MIT */
/*
 * The HMAC oracle: libjwt 1.x. The library takes the algorithm from the token,
 * verifies nothing when it has no key or no memory for one, and copies the
 * token to the stack: this is why sizes are checked before each call, and the
 * result after it.
 */
#include "crypto/jws_oracle.h"

#include <assert.h>
#include <errno.h>
#include <jwt.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

static jwt_alg_t
libjwt_alg(enum jws_alg alg)
{
	if (alg == JWS_HS256)
		return JWT_ALG_HS256;
	if (alg == JWS_HS384)
		return JWT_ALG_HS384;
	assert(alg == JWS_HS512);
	return JWT_ALG_HS512;
}

static int
secret_size(const struct jwk *key)
{
	assert(key->secret.n > 0 && key->secret.n <= JWK_SECRET_MAX);
	return (int)key->secret.n;
}

static void
free_text(char *text)
{
#ifdef HAVE_JWT_FREE_STR
	jwt_free_str(text);
#else
	free(text);
#endif
}

static int
encode(jwt_t *jwt, const struct jwk *key, const char *payload, char **out,
       struct err *err)
{
	int rc = jwt_add_grants_json(jwt, payload);

	if (rc == 0)
		rc = jwt_add_header(jwt, "kid", key->kid);
	if (rc == 0)
		rc = jwt_set_alg(jwt, libjwt_alg(key->alg),
				 (const unsigned char *)key->secret.p,
				 secret_size(key));
	if (rc != 0)
		return err_set(err, ERR_INTERNAL, "libjwt: error %d", rc);
	*out = jwt_encode_str(jwt);
	if (*out == NULL)
		return err_set(err, ERR_INTERNAL, "libjwt: error %d", errno);
	return 0;
}

int
jws_libjwt_sign(const struct jwk *key, struct str payload, struct arena *a,
		struct str *token, struct err *err)
{
	const char *copy = arena_cstr(a, payload);
	char *text = NULL;
	jwt_t *jwt = NULL;
	int rc;

	if (copy == NULL || jwt_new(&jwt) != 0)
		return err_nomem(err);
	rc = encode(jwt, key, copy, &text, err);
	jwt_free(jwt);
	if (rc != 0)
		return -1;
	rc = arena_copy(a, str_from(text), token);
	secret_wipe(text, str_from(text).n);
	free_text(text);
	return rc == 0 ? 0 : err_nomem(err);
}

int
jws_libjwt_verify(const struct jwk *key, struct str token, struct arena *a,
		  enum jws_answer *answer, struct err *err)
{
	struct jws_parts parts;
	jwt_t *jwt = NULL;
	jwt_alg_t alg;
	char *copy;
	int rc;

	/* The base64 decoder of libjwt writes past its buffer for an empty
	 * part. */
	if (token.n > JWS_MAX_BYTES || str_find(token, '\0') < token.n ||
	    !jws_split(token, &parts)) {
		*answer = JWS_BAD;
		return 0;
	}
	copy = arena_cstr(a, token);
	if (copy == NULL)
		return err_nomem(err);
	rc = jwt_decode(&jwt, copy, (const unsigned char *)key->secret.p,
			secret_size(key));
	secret_wipe(copy, token.n);
	if (rc == ENOMEM)
		return err_nomem(err);
	if (rc != 0) {
		*answer = JWS_BAD;
		return 0;
	}
	alg = jwt_get_alg(jwt);
	jwt_free(jwt);
	/*
	 * libjwt 1.10 returns 0 and an empty token when it cannot copy the key.
	 */
	if (alg == JWT_ALG_NONE)
		return err_nomem(err);
	*answer = alg == libjwt_alg(key->alg) ? JWS_GOOD : JWS_BAD;
	return 0;
}
