/* SPDX-License-Identifier: MIT */
/*
 * One policy for the content of tokens of all algorithms (RFC 7519, RFC 8725,
 * RFC 9068). It is applied above the signature oracles of crypto/jws.h, in
 * this order: length, alphabet, parts, header, key, signature, claims. The
 * payload is not used before its signature is verified.
 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "crypto/keyring.h"

#define JWT_MAX_BYTES JWS_MAX_BYTES
#define JWT_CLIENT_ID "fcgiauth" /* client_id of every issued token */

#define JWT_LEEWAY_MAX 120

/* The expected issuer and audience, and the limits of times. */
struct jwt_policy {
	/* compared exactly; aud must contain the audience */
	struct str issuer, audience;
	int64_t ttl; /* seconds; a longer exp - iat is refused */
	int64_t leeway; /* seconds, at most JWT_LEEWAY_MAX */
	/* Times and the lifetime are not checked: used for ending a session by
	 * a token of any age. */
	bool any_time;
};

/* Claims of an access token (RFC 9068 section 2.2, and further ones). */
struct jwt_claims {
	struct str sub; /* user name */
	struct str client_id; /* jwt_issue() ignores it */
	struct str jti, sid; /* hexadecimal */
	struct str roles; /* "a,b"; an array of strings in JSON */
	struct str email, name;
	int64_t iat, exp; /* seconds */
	/* Seconds: when the user last proved who they are (OpenID Connect Core
	 * section 2); 0: not stated. */
	int64_t auth_time;
};

enum jwt_verdict {
	JWT_REFUSED = 0,
	JWT_VALID,
};

/* The values that a token is checked against. */
struct jwt_expected {
	const struct keyring *keys;
	const struct jwt_policy *policy;
	int64_t now; /* seconds */
};

/*
 * The result of a check. `why` is a constant sentence ("exp: must be in the
 * future, but has passed") for the log and for `token inspect`, never for a
 * client; it is NULL with JWT_VALID.
 */
struct jwt_checked {
	enum jwt_verdict verdict;
	const char *why;
	struct jwt_claims claims; /* zero with JWT_REFUSED */
};

/* The result of a check of the signature alone; no claim is checked. */
struct jwt_signed {
	enum jwt_verdict verdict;
	const char *why; /* as in struct jwt_checked */
	/* References that the caller must release; NULL when refused. */
	json_t *header;
	json_t *claims; /* also NULL when the payload was not parsed */
	struct str payload; /* in the arena; empty when refused */
};

/*
 * Checks a token. It is refused, with a separate reason for each condition, if
 * it has: more than JWT_MAX_BYTES; bytes outside A-Za-z0-9-_. ; not three
 * parts, or an empty part; base64url that is not canonical; a header or payload
 * that is not a JSON object in UTF-8, or has duplicate members at any level;
 * alg missing, unknown, in another case, or not that of the key; crit, b64,
 * zip, enc, cty, jwk, jku, x5u or x5c in the header; typ other than exactly
 * "JWT" (HS*) or "at+jwt" (the others); kid that is not a string, unknown, or
 * missing while several keys have the alg; a bad signature; iss, aud, exp, iat,
 * sub, jti, sid or client_id missing or of the wrong type; times that are not
 * integers from 0 to 2^53; now >= exp + leeway; iat or nbf > now + leeway; exp
 * <= iat; exp - iat > ttl; sub that is not a valid user name; auth_time, roles,
 * email or name of a wrong type or content.
 *
 * Returns -1 only when the answer is not known.
 */
int jwt_verify(const struct jwt_expected *expected, struct str token,
	       struct arena *a, struct jwt_checked *out,
	       struct err *err) MUST_USE;

/* Does the first part of jwt_verify(): form, header, key and signature. The
 * payload is parsed, but its claims are not checked. */
int jwt_verify_signature(const struct keyring *keys, struct str token,
			 struct arena *a, struct jwt_signed *out,
			 struct err *err) MUST_USE;

/* Verifies any JWS with one given key: form, header and signature. Its typ and
 * kid may have any value; its payload may be anything and is not parsed. */
int jwt_verify_bytes(const struct jwk *key, struct str token, struct arena *a,
		     struct jwt_signed *out, struct err *err) MUST_USE;

/*
 * Issues a token, signed with the active key; ERR_CONFIG when there is none.
 * iss and aud come from the policy, iat and exp from the claims. A token that
 * would be refused for its length is ERR_LIMIT.
 */
int jwt_issue(const struct keyring *keys, const struct jwt_policy *policy,
	      const struct jwt_claims *claims, struct arena *a,
	      struct str *token, struct err *err) MUST_USE;

#endif
