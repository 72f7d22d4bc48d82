/* SPDX-License-Identifier: MIT */
/* The payload of an access token: RFC 7519 section 4, RFC 9068 section 2.2. */
#include "crypto/jwt_claims.h"

#include <assert.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The same limits as in strategy/identity.h, which this folder must not
 * include. */
#define NAME_MAX_BYTES	64
#define TEXT_MAX_BYTES	256
#define ROLES_MAX_BYTES 1024

#define HEX_MAX_BYTES 64

/* Programs may read larger numbers differently (RFC 8259 section 6). */
#define TIME_MAX (INT64_C(1) << 53)

#define MISSING(name) "payload: must have the claim " name ", but has none"
#define NO_TIME(name) name ": must be an integer from 0 to 2^53, but is not"

static const char no_audience[] =
    "aud: must be a string or an array of strings, but is of another type";

static struct str
jwt_claims_text_of(const json_t *value)
{
	return (struct str){ .p = json_string_value(value),
			     .n = json_string_length(value) };
}

static bool
is_user(struct str s)
{
	return s.n <= NAME_MAX_BYTES && str_is_name(s, "._@+-");
}

static bool
is_role(struct str s)
{
	return s.n <= NAME_MAX_BYTES && str_is_name(s, "._@+-:");
}

static bool
is_text(struct str s)
{
	return s.n <= TEXT_MAX_BYTES && str_is_text(s);
}

static bool
is_filled_text(struct str s)
{
	return s.n > 0 && is_text(s);
}

static bool
jwt_claims_is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] < '0' || s.p[i] > '9') &&
		    (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	}
	return s.n > 0 && s.n <= HEX_MAX_BYTES;
}

static const struct {
	const char *name;
	size_t offset;
	bool (*is_valid)(struct str);
	bool optional;
	const char *missing, *bad;
} texts[] = {
	{ "sub", offsetof(struct jwt_claims, sub), is_user, false,
	  MISSING("sub"), "sub: must be a user name, but is not" },
	{ "jti", offsetof(struct jwt_claims, jti), jwt_claims_is_hex, false,
	  MISSING("jti"),
	  "jti: must be 1 to 64 hexadecimal digits in lower case, but is not" },
	{ "sid", offsetof(struct jwt_claims, sid), jwt_claims_is_hex, false,
	  MISSING("sid"),
	  "sid: must be 1 to 64 hexadecimal digits in lower case, but is not" },
	{ "client_id", offsetof(struct jwt_claims, client_id), is_filled_text,
	  false, MISSING("client_id"),
	  "client_id: must be a text of 1 to 256 bytes, but is not" },
	{ "email", offsetof(struct jwt_claims, email), is_text, true, NULL,
	  "email: must be a text of at most 256 bytes, but is not" },
	{ "name", offsetof(struct jwt_claims, name), is_text, true, NULL,
	  "name: must be a text of at most 256 bytes, but is not" },
};

static const char *
check_texts(const json_t *payload, struct jwt_claims *out)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const json_t *value = json_object_get(payload, texts[i].name);
		struct str *to = (void *)((char *)out + texts[i].offset);

		*to = (struct str){ .p = "", .n = 0 };
		if (value == NULL && texts[i].optional)
			continue;
		if (value == NULL)
			return texts[i].missing;
		if (!json_is_string(value) ||
		    !texts[i].is_valid(jwt_claims_text_of(value)))
			return texts[i].bad;
		*to = jwt_claims_text_of(value);
	}
	return NULL;
}

static const char *
check_issuer(const json_t *payload, struct str issuer)
{
	const json_t *iss = json_object_get(payload, "iss");

	if (iss == NULL)
		return MISSING("iss");
	return json_is_string(iss) && str_eq(jwt_claims_text_of(iss), issuer) ?
		   NULL :
		   "iss: must be jwt.issuer, but is another value";
}

/* RFC 7519 section 4.1.3: one string, or an array of strings. */
static const char *
check_audience(const json_t *payload, struct str audience)
{
	const json_t *aud = json_object_get(payload, "aud"), *one;
	bool found = false;
	size_t i;

	if (aud == NULL)
		return MISSING("aud");
	if (json_is_string(aud))
		found = str_eq(jwt_claims_text_of(aud), audience);
	else if (!json_is_array(aud))
		return no_audience;
	json_array_foreach (aud, i, one) {
		if (!json_is_string(one))
			return no_audience;
		found = found || str_eq(jwt_claims_text_of(one), audience);
	}
	return found ? NULL : "aud: must contain jwt.audience, but does not";
}

/* Accepts integers in range only; real numbers and strings are not converted to
 * times. */
static bool
get_time(const json_t *value, int64_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > TIME_MAX)
		return false;
	*out = n;
	return true;
}

static const char *
check_times(const json_t *payload, const struct jwt_policy *policy, int64_t now,
	    struct jwt_claims *out)
{
	const json_t *exp = json_object_get(payload, "exp");
	const json_t *iat = json_object_get(payload, "iat");
	const json_t *nbf = json_object_get(payload, "nbf");
	const json_t *auth_time = json_object_get(payload, "auth_time");
	int64_t not_before = 0;

	if (exp == NULL)
		return MISSING("exp");
	if (iat == NULL)
		return MISSING("iat");
	if (!get_time(exp, &out->exp))
		return NO_TIME("exp");
	if (!get_time(iat, &out->iat))
		return NO_TIME("iat");
	if (nbf != NULL && !get_time(nbf, &not_before))
		return NO_TIME("nbf");
	if (auth_time != NULL && !get_time(auth_time, &out->auth_time))
		return NO_TIME("auth_time");
	if (policy->any_time)
		return NULL;
	if (now >= out->exp + policy->leeway)
		return "exp: must be in the future, but has passed";
	if (out->iat > now + policy->leeway)
		return "iat: must not be in the future, but is";
	if (not_before > now + policy->leeway)
		return "nbf: must not be in the future, but is";
	if (out->exp <= out->iat)
		return "exp: must be later than iat, but is not";
	return out->exp - out->iat > policy->ttl ?
		   "exp: must be at most jwt.ttl later than iat, but is more" :
		   NULL;
}

static int
check_roles(const json_t *payload, struct arena *a, const char **why,
	    struct str *out, struct err *err)
{
	const json_t *roles = json_object_get(payload, "roles"), *role;
	struct buf b;
	size_t i, sum = 0;

	*out = (struct str){ .p = "", .n = 0 };
	if (roles != NULL && !json_is_array(roles)) {
		*why = "roles: must be an array, but is of another type";
		return 0;
	}
	buf_init(&b, a, ROLES_MAX_BYTES);
	json_array_foreach (roles, i, role) {
		struct str name = jwt_claims_text_of(role);

		sum += name.n + 1;
		if (name.p == NULL || !is_role(name)) {
			*why = "roles: each must be a role name, but one is "
			       "not";
			return 0;
		}
		if (sum - 1 > ROLES_MAX_BYTES) {
			*why = "roles: must have at most 1024 bytes, but "
			       "have more";
			return 0;
		}
		if (i > 0)
			buf_add_char(&b, ',');
		buf_add(&b, name);
	}
	if (buf_failed(&b))
		return err_nomem(err);
	if (b.n > 0)
		*out = buf_str(&b);
	return 0;
}

int
jwt_claims_check(const json_t *payload, const struct jwt_expected *expected,
		 struct arena *a, struct jwt_checked *out, struct err *err)
{
	const struct jwt_policy *policy = expected->policy;
	struct jwt_claims claims = { .iat = 0 };
	const char *reason = check_issuer(payload, policy->issuer);

	assert(policy->leeway >= 0 && policy->leeway <= JWT_LEEWAY_MAX);
	if (reason == NULL)
		reason = check_audience(payload, policy->audience);
	if (reason == NULL)
		reason = check_times(payload, policy, expected->now, &claims);
	if (reason == NULL)
		reason = check_texts(payload, &claims);
	if (reason == NULL &&
	    check_roles(payload, a, &reason, &claims.roles, err) != 0)
		return -1;
	*out = (struct jwt_checked){ .verdict = JWT_REFUSED, .why = reason };
	if (reason == NULL) {
		out->verdict = JWT_VALID;
		out->claims = claims;
	}
	return 0;
}

/* Returns ["a","b"] for "a,b". */
static json_t *
roles_json(struct str roles)
{
	json_t *array = json_array();
	struct str rest = roles, role;

	if (roles.n == 0)
		return array;
	while (array != NULL && str_cut(&rest, ',', &role)) {
		if (json_array_append_new(array,
					  json_stringn(role.p, role.n)) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *
text_json(struct str s)
{
	return json_stringn(s.n > 0 ? s.p : "", s.n);
}

json_t *
jwt_claims_json(const struct jwt_claims *claims,
		const struct jwt_policy *policy)
{
	/* "o" takes over the reference; a NULL makes the result NULL. */
	json_t *payload =
	    json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:o, s:o}", "iss",
		      text_json(policy->issuer), "aud",
		      text_json(policy->audience), "sub",
		      text_json(claims->sub), "client_id", JWT_CLIENT_ID, "exp",
		      (json_int_t)claims->exp, "iat", (json_int_t)claims->iat,
		      "jti", text_json(claims->jti), "sid",
		      text_json(claims->sid), "roles",
		      roles_json(claims->roles));

	if (payload == NULL)
		return NULL;
	if ((claims->email.n > 0 &&
	     json_object_set_new(payload, "email", text_json(claims->email)) !=
		 0) ||
	    (claims->name.n > 0 &&
	     json_object_set_new(payload, "name", text_json(claims->name)) !=
		 0) ||
	    (claims->auth_time > 0 &&
	     json_object_set_new(payload, "auth_time",
				 json_integer(claims->auth_time)) != 0)) {
		json_decref(payload);
		return NULL;
	}
	return payload;
}
