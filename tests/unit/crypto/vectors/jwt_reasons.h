/* SPDX-License-Identifier: MIT */
/* The reasons of crypto/jwt.h for refusing a token. */
#ifndef TESTS_UNIT_CRYPTO_VECTORS_JWT_REASONS_H
#define TESTS_UNIT_CRYPTO_VECTORS_JWT_REASONS_H

#define TOO_LONG "token: must have at most 8192 bytes, but has more"
#define OTHER_CHARACTER                                                        \
	"token: must consist of letters, digits, '-', '_' and '.', but has "   \
	"another character"
#define OTHER_PARTS                                                            \
	"token: must have three non-empty parts, but has another form"
#define OTHER_BASE64                                                           \
	"token: each part must be canonical base64url, but one is not"

#define HEADER_NO_JSON	 "header: must be valid JSON, but is not"
#define HEADER_NO_OBJECT "header: must be a JSON object, but is another value"
#define HEADER_DUPLICATE                                                       \
	"header: must have each member once, but has duplicates"
#define HEADER_LACKS(name) "header: must have the member " name ", but has none"
#define HEADER_HAS(name)   "header: must not have " name ", but has it"

#define ALG_TYPE    "alg: must be a string, but is of another type"
#define ALG_UNKNOWN "alg: must be a supported algorithm, but is another"
#define ALG_NO_KEY  "alg: must be that of a known key, but no key has it"
#define ALG_OTHER   "alg: must be that of the key, but is another"
#define TYP_TYPE    "typ: must be a string, but is missing or of another type"
#define TYP_OTHER   "typ: must be at+jwt for this alg, but is another"
#define TYP_HS	    "typ: must be JWT for this alg, but is another"
#define KID_TYPE    "kid: must be a string, but is of another type"
#define KID_UNKNOWN "kid: must be that of a known key, but no key has it"
#define KID_MISSING                                                            \
	"header: must have the member kid, because several keys have this "    \
	"alg, but has none"
#define BAD_SIGNATURE "signature: must be valid for the key, but is not"

#define PAYLOAD_NO_JSON	  "payload: must be valid JSON, but is not"
#define PAYLOAD_NO_OBJECT "payload: must be a JSON object, but is another value"
#define PAYLOAD_DUPLICATE                                                      \
	"payload: must have each member once, but has duplicates"
#define LACKS(name) "payload: must have the claim " name ", but has none"
#define ISS_OTHER   "iss: must be jwt.issuer, but is another value"
#define AUD_TYPE                                                               \
	"aud: must be a string or an array of strings, but is of another type"
#define AUD_OTHER     "aud: must contain jwt.audience, but does not"
#define NO_TIME(name) name ": must be an integer from 0 to 2^53, but is not"
#define EXP_PASSED    "exp: must be in the future, but has passed"
#define EXP_ORDER     "exp: must be later than iat, but is not"
#define EXP_TTL	      "exp: must be at most jwt.ttl later than iat, but is more"
#define IAT_FUTURE    "iat: must not be in the future, but is"
#define NBF_FUTURE    "nbf: must not be in the future, but is"
#define NO_USER	      "sub: must be a user name, but is not"
#define NO_HEX(name)                                                           \
	name ": must be 1 to 64 hexadecimal digits in lower case, but is not"
#define CLIENT_OTHER  "client_id: must be a text of 1 to 256 bytes, but is not"
#define NO_TEXT(name) name ": must be a text of at most 256 bytes, but is not"
#define ROLES_TYPE    "roles: must be an array, but is of another type"
#define NO_ROLE	      "roles: each must be a role name, but one is not"
#define ROLES_MANY    "roles: must have at most 1024 bytes, but have more"

#endif
