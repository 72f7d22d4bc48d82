/* SPDX-License-Identifier: MIT */
/*
 * What a token may say: one policy for all algorithms (RFC 7519, RFC 8725, RFC
 * 9068).  Everything is decided here, above the signature oracles of
 * crypto/jws.h, in this order: length, alphabet, parts, header, key, signature,
 * claims.  Nothing of a payload is looked at before its signature is good.
 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "crypto/keyring.h"

#define JWT_MAX_BYTES JWS_MAX_BYTES
#define JWT_CLIENT_ID "fcgiauth" /* in all that we issue */

#define JWT_LEEWAY_MAX 120

/* Who we are and whom we believe. */
struct jwt_policy {
	struct str issuer, audience; /* exact; the audience must be among aud */
	int64_t ttl;	/* seconds; a longer exp - iat is refused */
	int64_t leeway; /* seconds, at most JWT_LEEWAY_MAX */
	/* Times and length of life do not matter: for ending what a token
	 * stands for, however old it is. */
	bool any_time;
};

/* Claims of an access token (RFC 9068 section 2.2, and ours). */
struct jwt_claims {
	struct str sub;	      /* user name */
	struct str client_id; /* jwt_issue() does not look at it */
	struct str jti, sid;  /* hexadecimal */
	struct str roles;     /* "a,b"; in JSON an array of strings */
	struct str email, name;
	int64_t iat, exp; /* seconds */
};

enum jwt_verdict {
	JWT_REFUSED = 0,
	JWT_VALID,
};

/* What a token is held against. */
struct jwt_expected {
	const struct keyring *keys;
	const struct jwt_policy *policy;
	int64_t now; /* seconds */
};

/*
 * `why`, a constant in a few words ("expired", "unknown kid"), is for the log
 * and for `token inspect`, never for a client; NULL with JWT_VALID.
 */
struct jwt_checked {
	enum jwt_verdict verdict;
	const char *why;
	struct jwt_claims claims; /* zero with JWT_REFUSED */
};

/* A token whose signature was checked, and nothing that it claims. */
struct jwt_signed {
	enum jwt_verdict verdict;
	const char *why; /* as above */
	/* References that belong to the caller; NULL when refused. */
	json_t *header;
	json_t *claims; /* NULL, too, when nobody has parsed the payload */
	struct str payload; /* in the arena; empty when refused */
};

/*
 * Refuses, each with its own reason: longer than JWT_MAX_BYTES; bytes outside
 * A-Za-z0-9-_. ; not three parts, an empty part; base64url that is not
 * canonical; header or payload that is not a JSON object in UTF-8, or has
 * duplicate members at any level; alg missing, unknown, of other case, or
 * another than the key's; crit, b64, zip, enc, cty, jwk, jku, x5u, x5c in the
 * header; typ other than "JWT" (HS*) or "at+jwt" (the others), exactly; kid
 * that is not a string, unknown, or missing while several keys have the alg; a
 * bad signature; iss, aud, exp, iat, sub, jti, sid, client_id missing or of
 * the wrong type; times that are not integers from 0 to 2^53; now >= exp +
 * leeway; iat or nbf > now + leeway; exp <= iat; exp - iat > ttl; sub that is
 * no valid user name; roles, email, name of a wrong type or content.
 *
 * -1 only when it could not be told.
 */
int jwt_verify(const struct jwt_expected *expected, struct str token,
	       struct arena *a, struct jwt_checked *out, struct err *err)
    MUST_USE;

/* The first half of it: form, header, key and signature; the payload is
 * parsed, but its claims are not evaluated. */
int jwt_verify_signature(const struct keyring *keys, struct str token,
			 struct arena *a, struct jwt_signed *out,
			 struct err *err) MUST_USE;

/* For one key given by hand: form, header and signature of any JWS, whatever
 * its typ and kid say and its payload is, which is not parsed. */
int jwt_verify_bytes(const struct jwk *key, struct str token, struct arena *a,
		     struct jwt_signed *out, struct err *err) MUST_USE;

/* Signs with the ring's signer; ERR_CONFIG when there is none.  iss and aud
 * come from the policy, iat and exp from the claims; ERR_LIMIT when nobody
 * would take a token that long. */
int jwt_issue(const struct keyring *keys, const struct jwt_policy *policy,
	      const struct jwt_claims *claims, struct arena *a,
	      struct str *token, struct err *err) MUST_USE;

#endif
