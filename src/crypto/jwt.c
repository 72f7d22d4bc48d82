/* SPDX-License-Identifier: MIT */
/* Checks form, header, key and signature of a token, and issues tokens. */
#include "crypto/jwt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"
#include "crypto/jwt_claims.h"

/* A parsed token; strings are decoded, and objects belong to the arena. If the
 * key is known by the header alone, the header is not decoded. */
struct token {
	struct str text;
	struct str header, payload, signature;
	json_t *header_json, *payload_json;
	const struct jwk *key;
};

/* The following functions are the steps of a check. Each returns 0, with `why`
 * set when it refuses the token, or -1 when out of memory. */
struct check {
	struct arena *arena;
	/* The keys whose headers need not be parsed; NULL: none. */
	const struct keyring *known;
	const char *why;
};

static int
decode_part(struct check *c, struct str part, struct str *out, struct err *err)
{
	size_t n = part.n / 4 * 3 + (part.n % 4 * 3) / 4;
	char *p = arena_alloc(c->arena, n + 1);

	if (p == NULL)
		return err_nomem(err);
	if (!base64url_decode(part, (uint8_t *)p, n))
		c->why = "token: each part must be canonical base64url, but "
			 "one is not";
	else
		*out = (struct str){ .p = p, .n = n };
	return 0;
}

/*
 * Finds the key whose issued tokens begin with this header, which is still
 * encoded. Such a header has the alg, the kid and the typ of the key, and
 * nothing else: to parse and check it would lead to this key.
 */
static const struct jwk *
key_by_header(const struct keyring *keys, struct str header)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct jwk *key = keys->v[i].key;

		if (str_eq(header, str_from(key->header)) &&
		    keyring_find(keys, str_from(key->kid)) == key)
			return key;
	}
	return NULL;
}

/* A text in which all parts can be decoded consists of the right characters. So
 * they are looked at only to tell why a text is refused. */
static const char *
wrong_form(struct str text, const char *otherwise)
{
	return text.n == 0 || str_is_name(text, "-_.") ?
		   otherwise :
		   "token: must consist of letters, digits, '-', '_' and '.', "
		   "but has another character";
}

static int
take_apart(struct check *c, struct str text, struct token *out, struct err *err)
{
	struct jws_parts parts;

	if (text.n > JWT_MAX_BYTES) {
		c->why = "token: must have at most 8192 bytes, but has more";
		return 0;
	}
	if (text.n == 0 || !jws_split(text, &parts)) {
		c->why = wrong_form(text, "token: must have three non-empty "
					  "parts, but has another form");
		return 0;
	}
	out->text = text;
	if (c->known != NULL)
		out->key = key_by_header(c->known, parts.header);
	if ((out->key == NULL &&
	     decode_part(c, parts.header, &out->header, err) != 0) ||
	    decode_part(c, parts.payload, &out->payload, err) != 0 ||
	    decode_part(c, parts.signature, &out->signature, err) != 0)
		return -1;
	if (c->why != NULL)
		c->why = wrong_form(text, c->why);
	return 0;
}

/* Reasons that two functions give. */
static const char other_alg[] = "alg: must be that of the key, but is another";
static const char bad_signature[] =
    "signature: must be valid for the key, but is not";

/* The reasons for refusing a part, for header and payload. */
struct part_words {
	const char *none, *duplicate, *other;
};

static const struct part_words header_words = {
	"header: must be valid JSON, but is not",
	"header: must have each member once, but has duplicates",
	"header: must be a JSON object, but is another value"
};

static const struct part_words payload_words = {
	"payload: must be valid JSON, but is not",
	"payload: must have each member once, but has duplicates",
	"payload: must be a JSON object, but is another value"
};

static void
jwt_release_json(void *json)
{
	json_decref(json);
}

/* Parses a JSON object; it lives as long as the arena. */
static int
parse_object(struct check *c, struct str text, const struct part_words *words,
	     json_t **out, struct err *err)
{
	json_error_t error = { .line = -1 };
	json_t *json =
	    json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL) {
		enum json_error_code code = json_error_code(&error);

		/* jansson reports syntax errors, but not a lack of memory. */
		if (code == json_error_unknown)
			return err_nomem(err);
		c->why = code == json_error_duplicate_key ? words->duplicate :
							    words->none;
		return 0;
	}
	if (arena_defer(c->arena, jwt_release_json, json) != 0) {
		json_decref(json);
		return err_nomem(err);
	}
	if (!json_is_object(json))
		c->why = words->other;
	else
		*out = json;
	return 0;
}

/* Each of these would change what is signed, or choose a key (RFC 7515 section
 * 4.1, RFC 7797); tokens of this service have none of them. */
static const struct {
	const char *name, *why;
} forbidden[] = {
	{ "crit", "header: must not have crit, but has it" },
	{ "b64", "header: must not have b64, but has it" },
	{ "zip", "header: must not have zip, but has it" },
	{ "enc", "header: must not have enc, but has it" },
	{ "cty", "header: must not have cty, but has it" },
	{ "jwk", "header: must not have jwk, but has it" },
	{ "jku", "header: must not have jku, but has it" },
	{ "x5u", "header: must not have x5u, but has it" },
	{ "x5c", "header: must not have x5c, but has it" },
};

static const char *
check_header(const json_t *header, enum jws_alg *alg)
{
	const json_t *name = json_object_get(header, "alg");

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
		if (json_object_get(header, forbidden[i].name) != NULL)
			return forbidden[i].why;
	}
	if (name == NULL)
		return "header: must have the member alg, but has none";
	if (!json_is_string(name))
		return "alg: must be a string, but is of another type";
	*alg = jws_alg_from_name(str_from(json_string_value(name)));
	return *alg == JWS_NONE ?
		   "alg: must be a supported algorithm, but is another" :
		   NULL;
}

static const char *
check_typ(const json_t *header, enum jws_alg alg)
{
	const char *typ = json_string_value(json_object_get(header, "typ"));

	if (typ == NULL)
		return "typ: must be a string, but is missing or of another "
		       "type";
	if (strcmp(typ, jws_typ(alg)) == 0)
		return NULL;
	return jws_alg_is_hmac(alg) ?
		   "typ: must be JWT for this alg, but is another" :
		   "typ: must be at+jwt for this alg, but is another";
}

/* Finds the only key of this algorithm. */
static const char *
only_key(const struct keyring *keys, enum jws_alg alg, const struct jwk **out)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n; i++) {
		if (keys->v[i].key->alg != alg)
			continue;
		*out = keys->v[i].key;
		n++;
	}
	if (n == 0)
		return "alg: must be that of a known key, but no key has it";
	return n == 1 ? NULL :
			"header: must have the member kid, because several "
			"keys have this alg, but has none";
}

static const char *
choose_key(const struct keyring *keys, const json_t *header, enum jws_alg alg,
	   const struct jwk **out)
{
	const json_t *kid = json_object_get(header, "kid");

	if (kid != NULL && !json_is_string(kid))
		return "kid: must be a string, but is of another type";
	if (kid == NULL || keys->any_kid)
		return only_key(keys, alg, out);
	*out = keyring_find(keys, (struct str){ json_string_value(kid),
						json_string_length(kid) });
	if (*out == NULL)
		return "kid: must be that of a known key, but no key has it";
	return (*out)->alg == alg ? NULL : other_alg;
}

/* Fills *out from a token whose header, and payload if required, was parsed. */
static void
jwt_conclude(const struct check *c, const struct token *t,
	     struct jwt_signed *out)
{
	*out = (struct jwt_signed){ .verdict = JWT_REFUSED, .why = c->why };
	if (c->why != NULL)
		return;
	out->verdict = JWT_VALID;
	out->header = json_incref(t->header_json);
	out->claims = json_incref(t->payload_json);
	out->payload = t->payload;
}

/* Parses and checks the header of a token, and finds its key. */
static int
jwt_read_header(struct check *c, const struct keyring *keys, struct token *t,
		struct err *err)
{
	enum jws_alg alg = JWS_NONE;

	if (parse_object(c, t->header, &header_words, &t->header_json, err) !=
	    0)
		return -1;
	if (c->why == NULL)
		c->why = check_header(t->header_json, &alg);
	if (c->why == NULL)
		c->why = check_typ(t->header_json, alg);
	if (c->why == NULL)
		c->why = choose_key(keys, t->header_json, alg, &t->key);
	return 0;
}

/* Does what jwt_verify_signature() does; out->header is NULL if the key was
 * found by c->known. */
static int
verify_by_keys(struct check *c, const struct keyring *keys, struct str token,
	       struct jwt_signed *out, struct err *err)
{
	struct token t = { .text = token };
	enum jws_answer answer = JWS_BAD;

	if (take_apart(c, token, &t, err) != 0)
		return -1;
	if (c->why == NULL && t.key == NULL &&
	    jwt_read_header(c, keys, &t, err) != 0)
		return -1;
	if (c->why == NULL &&
	    jws_verify(t.key, token, c->arena, &answer, err) != 0)
		return -1;
	if (c->why == NULL && answer != JWS_GOOD)
		c->why = bad_signature;
	if (c->why == NULL && parse_object(c, t.payload, &payload_words,
					   &t.payload_json, err) != 0)
		return -1;
	jwt_conclude(c, &t, out);
	return 0;
}

int
jwt_verify_signature(const struct keyring *keys, struct str token,
		     struct arena *a, struct jwt_signed *out, struct err *err)
{
	struct check c = { .arena = a };

	return verify_by_keys(&c, keys, token, out, err);
}

int
jwt_verify_bytes(const struct jwk *key, struct str token, struct arena *a,
		 struct jwt_signed *out, struct err *err)
{
	struct check c = { .arena = a };
	struct token t = { .text = token };
	enum jws_alg alg = JWS_NONE;
	enum jws_answer answer = JWS_BAD;

	if (take_apart(&c, token, &t, err) != 0)
		return -1;
	if (c.why == NULL &&
	    parse_object(&c, t.header, &header_words, &t.header_json, err) != 0)
		return -1;
	if (c.why == NULL)
		c.why = check_header(t.header_json, &alg);
	if (c.why == NULL && alg != key->alg)
		c.why = other_alg;
	if (c.why == NULL && jws_verify_bytes(key, token, &answer, err) != 0)
		return -1;
	if (c.why == NULL && answer != JWS_GOOD)
		c.why = bad_signature;
	jwt_conclude(&c, &t, out);
	return 0;
}

int
jwt_verify(const struct jwt_expected *expected, struct str token,
	   struct arena *a, struct jwt_checked *out, struct err *err)
{
	struct check c = { .arena = a, .known = expected->keys };
	struct jwt_checked checked = { .verdict = JWT_REFUSED };
	struct jwt_signed is;
	int rc = 0;

	if (verify_by_keys(&c, expected->keys, token, &is, err) != 0)
		return -1;
	checked.why = is.why;
	if (is.verdict == JWT_VALID)
		rc = jwt_claims_check(is.claims, expected, a, &checked, err);
	/*
	 * The arena holds its own references, and the claims point into them.
	 */
	json_decref(is.header);
	json_decref(is.claims);
	if (rc != 0)
		return -1;
	*out = checked;
	return 0;
}

/* Takes over the reference. */
static int
jwt_dump(json_t *json, struct arena *a, struct str *out, struct err *err)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	int rc;

	json_decref(json);
	if (text == NULL)
		return err_set(err, ERR_INTERNAL,
			       "claims: must be valid UTF-8, but are not; or "
			       "out of memory");
	rc = arena_copy(a, str_from(text), out);
	free(text);
	return rc == 0 ? 0 : err_nomem(err);
}

int
jwt_issue(const struct keyring *keys, const struct jwt_policy *policy,
	  const struct jwt_claims *claims, struct arena *a, struct str *token,
	  struct err *err)
{
	const struct jwk *key = keys->signer;
	char text[JWS_HEADER_MAX + 1];
	struct str payload, made;

	if (key == NULL)
		return err_set(err, ERR_CONFIG,
			       "[jwt] keys: must have an active key, but has "
			       "none");
	if (jwt_dump(jwt_claims_json(claims, policy), a, &payload, err) != 0 ||
	    jws_sign(key, jws_header(key, text), payload, a, &made, err) != 0)
		return -1;
	if (made.n > JWT_MAX_BYTES)
		return err_set(err, ERR_LIMIT,
			       "token: must have at most %d bytes, but has %zu",
			       JWT_MAX_BYTES, made.n);
	*token = made;
	return 0;
}
