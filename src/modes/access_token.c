/* SPDX-License-Identifier: MIT */
/* Access tokens: what the modes jwt and refresh have in common. */
#include "modes/access_token.h"

#include <string.h>

#include "strategy/denial.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/digest.h"

int
access_open(const struct jwt_conf *conf, bool make, bool denials,
	    const struct env *env, struct arena *a, struct access *out,
	    struct err *err)
{
	out->denials = denials;
	out->policy = jwt_conf_policy(conf);
	if (!make)
		return jwt_conf_look(conf, env, a, &out->keys, err);
	return jwt_conf_load(conf, jwt_conf_alg(conf), env, a, &out->keys, err);
}

/* *verdict: the token says so; the store was not asked. */
static int
read_token(const struct access *access, const struct jwt_policy *policy,
	   struct call *c, struct str token, enum verdict *verdict,
	   struct grant *out, struct err *err)
{
	const struct jwt_expected expected = { .keys = &access->keys,
					       .policy = policy,
					       .now = c->now_ms / 1000 };
	struct grant grant = { .expires_ms = 0 };
	struct jwt_checked is;

	if (jwt_verify(&expected, token, c->arena, &is, err) != 0)
		return -1;
	if (is.verdict != JWT_VALID) {
		LOG(c->env->log, LOG_DEBUG, "token_refused",
		    F_CSTR("why", is.why));
	} else if (hex_decode(is.claims.sid, grant.session.b,
			      sizeof(grant.session.b))) {
		grant.who = (struct identity){ .name = is.claims.sub,
					       .roles = is.claims.roles,
					       .email = is.claims.email,
					       .full_name = is.claims.name };
		grant.expires_ms = is.claims.exp * 1000;
		grant.ends_ms = is.claims.exp * 1000;
	}
	*verdict = grant.who.name.n > 0 ? VERDICT_ALLOW : VERDICT_DENY;
	*out = grant;
	return 0;
}

int
access_authenticate(const struct access *access, struct call *c,
		    struct str token, enum verdict *verdict, struct grant *out,
		    struct err *err)
{
	enum verdict is;
	struct grant grant;
	bool denied = false;

	if (read_token(access, &access->policy, c, token, &is, &grant, err) !=
		0 ||
	    (is == VERDICT_ALLOW && access->denials &&
	     denial_covers(c->store, c->arena, grant.who.name, &grant.session,
			   c->now_ms, &denied, err) != 0))
		return -1;
	*verdict = denied ? VERDICT_DENY : is;
	*out = denied ? (struct grant){ .expires_ms = 0 } : grant;
	return 0;
}

int
access_identify(const struct access *access, struct call *c, struct str token,
		enum verdict *ours, struct grant *out, struct err *err)
{
	struct jwt_policy policy = access->policy;

	policy.any_time = true;
	return read_token(access, &policy, c, token, ours, out, err);
}

int
access_issue(const struct access *access, struct call *c,
	     const struct identity *who, const struct session_id *session,
	     struct str *token, struct err *err)
{
	return access_token_make(&access->keys, &access->policy, who, session,
				 c->now_ms / 1000, access->policy.ttl, c->env,
				 c->arena, token, err);
}

int
access_secret(const struct access *access, const char *label, uint8_t out[32],
	      struct err *err)
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
