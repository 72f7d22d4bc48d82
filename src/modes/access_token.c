/* SPDX-License-Identifier: MIT */
/* Access tokens, which the modes jwt and refresh have in common. */
#include "modes/access_token.h"

#include <string.h>

#include "strategy/denial.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/digest.h"

int
access_open(const struct jwt_conf *conf, bool make, const struct env *env,
	    struct arena *a, struct access_tokens *out, struct err *err)
{
	out->denials = false;
	out->policy = jwt_conf_policy(conf);
	if (!make)
		return jwt_conf_try(conf, env, a, &out->keys, err);
	return jwt_conf_load(conf, jwt_conf_alg(conf), env, a, &out->keys, err);
}

/* Verifies a token by this policy and reads its claims, without the store. */
static int
access_read(const struct access_tokens *access, const struct jwt_policy *policy,
	    struct call *c, struct str token, struct auth_result *out,
	    struct err *err)
{
	const struct jwt_expected expected = { .keys = &access->keys,
					       .policy = policy,
					       .now = c->now_ms / 1000 };
	struct auth_result result = { .verdict = VERDICT_DENY };
	struct principal *principal = &result.principal;
	struct jwt_checked is;

	if (jwt_verify(&expected, token, c->arena, &is, err) != 0)
		return -1;
	if (is.verdict != JWT_VALID) {
		LOG(c->env->log, LOG_DEBUG, "token_refused",
		    F_CSTR("why", is.why));
	} else if (hex_decode(is.claims.sid, principal->session.b,
			      sizeof(principal->session.b))) {
		principal->who =
		    (struct identity){ .name = is.claims.sub,
				       .roles = is.claims.roles,
				       .email = is.claims.email,
				       .full_name = is.claims.name };
		principal->expires_ms = is.claims.exp * 1000;
		principal->ends_ms = is.claims.exp * 1000;
		principal->auth_ms = is.claims.auth_time * 1000;
	}
	if (principal->who.name.n > 0)
		result.verdict = VERDICT_ALLOW;
	*out = result;
	return 0;
}

int
access_authenticate(const struct access_tokens *access, struct call *c,
		    struct str token, struct auth_result *out, struct err *err)
{
	struct auth_result is;
	bool denied = false;

	if (access_read(access, &access->policy, c, token, &is, err) != 0 ||
	    (is.verdict == VERDICT_ALLOW && access->denials &&
	     denial_covers(c, is.principal.who.name, &is.principal.session,
			   &denied, err) != 0))
		return -1;
	*out = denied ? (struct auth_result){ .verdict = VERDICT_DENY } : is;
	return 0;
}

int
access_identify(const struct access_tokens *access, struct call *c,
		struct str token, struct auth_result *out, struct err *err)
{
	struct jwt_policy policy = access->policy;

	policy.any_time = true;
	return access_read(access, &policy, c, token, out, err);
}

int
access_token_make(const struct access_tokens *access,
		  const struct access_token *says, const struct env *env,
		  struct arena *a, struct str *token, struct err *err)
{
	char sid[HEX_LEN(SESSION_ID_BYTES)], jti[HEX_LEN(SESSION_ID_BYTES)];
	uint8_t id[SESSION_ID_BYTES];
	struct jwt_claims claims = {
		.sub = says->who->name,
		.client_id = STR(JWT_CLIENT_ID),
		.jti = { .p = jti, .n = sizeof(jti) },
		.sid = { .p = sid, .n = sizeof(sid) },
		.roles = says->who->roles,
		.email = says->who->email,
		.name = says->who->full_name,
		.iat = says->now,
		.exp = says->now + says->ttl,
		.auth_time = says->auth_time,
	};

	if (env_random(env, id, sizeof(id)) != 0)
		return err_norandom(err);
	hex_encode(id, sizeof(id), jti);
	hex_encode(says->session->b, sizeof(says->session->b), sid);
	return jwt_issue(&access->keys, &access->policy, &claims, a, token,
			 err);
}

int
access_issue(const struct access_tokens *access, struct call *c,
	     const struct session *s, struct str *token, struct err *err)
{
	const struct access_token says = { .who = &s->who,
					   .session = &s->id,
					   .now = c->now_ms / 1000,
					   .ttl = access->policy.ttl,
					   .auth_time = s->auth_ms / 1000 };

	return access_token_make(access, &says, c->env, c->arena, token, err);
}

int
access_secret(const struct access_tokens *access, const char *label,
	      uint8_t out[32], struct err *err)
{
	struct arena *a = arena_new(JWK_FILE_MAX);
	uint8_t key[DIGEST_BYTES];
	struct str bytes;
	int rc = -1;

	if (a == NULL)
		return err_nomem(err);
	if (access->keys.signer == NULL) {
		rc = err_set(err, ERR_CONFIG, "there is no key to sign with");
	} else if (jwk_private_bytes(access->keys.signer, a, &bytes, err) ==
		   0) {
		digest_sha256(bytes, key);
		digest_hmac(key, "derived", str_from(label), out);
		secret_wipe(key, sizeof(key));
		rc = 0;
	}
	arena_free(a); /* wipes */
	return rc;
}
