/* SPDX-License-Identifier: MIT */
/* Verifies bcrypt of a digest of the password. */
#include "crypto/password_prehash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/password_legacy.h"

#define WORDPRESS    STR("$wp")
#define DJANGO	     STR("bcrypt_sha256$")
#define SHA384_BYTES 48
#define TEXT_MAX     80 /* of either digest */

static bool
is_wordpress(struct str hash)
{
	return str_starts(hash, WORDPRESS);
}

static struct str
bcrypt_of(struct str hash)
{
	return str_skip(hash, is_wordpress(hash) ? WORDPRESS.n : DJANGO.n);
}

bool
password_prehash_is_usable(struct str hash)
{
	return (is_wordpress(hash) || str_starts(hash, DJANGO)) &&
	       str_starts(bcrypt_of(hash), STR("$2")) &&
	       password_legacy_is_usable(bcrypt_of(hash));
}

/* Does what trim() of PHP does. */
static struct str
trim(struct str s)
{
	while (s.n > 0 && strchr(" \t\n\r\v", s.p[0]) != NULL)
		s = str_skip(s, 1);
	while (s.n > 0 && strchr(" \t\n\r\v", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

static bool
digest_wordpress(struct str password, char text[TEXT_MAX])
{
	static const char key[] = "wp-sha384";
	unsigned char digest[SHA384_BYTES];
	const struct str s = trim(password);
	bool done = HMAC(EVP_sha384(), key, sizeof(key) - 1,
			 (const unsigned char *)(s.n > 0 ? s.p : ""), s.n,
			 digest, NULL) != NULL;

	if (done)
		(void)sodium_bin2base64(text, TEXT_MAX, digest, sizeof(digest),
					sodium_base64_VARIANT_ORIGINAL);
	secret_wipe(digest, sizeof(digest));
	return done;
}

static void
digest_django(struct str password, char text[TEXT_MAX])
{
	uint8_t digest[DIGEST_BYTES];

	digest_sha256(password, digest);
	hex_encode(digest, sizeof(digest), text);
	secret_wipe(digest, sizeof(digest));
}

enum password_answer
password_prehash_verify(struct str password, struct str hash)
{
	char text[TEXT_MAX] = "";
	enum password_answer answer;

	if (!is_wordpress(hash))
		digest_django(password, text);
	else if (!digest_wordpress(password, text))
		return PASSWORD_ERROR;
	answer = password_legacy_verify(str_from(text), bcrypt_of(hash));
	secret_wipe(text, sizeof(text));
	return answer;
}
