/* SPDX-License-Identifier: MIT */
/* Verifies PBKDF2 hashes with libcrypto. */
#include "crypto/password_pbkdf2.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/secret.h"
#include "base/str.h"

#define ITERATIONS_MIN 1000
#define BLOCKS_MAX     3000000
#define SALT_MAX       256
#define KEY_MIN	       16
#define KEY_MAX	       128
#define GITEA_OLD_SALT 10 /* bytes; old salts were not hexadecimal */

enum pbkdf2_form { AS_IT_IS, HEX, BASE64 };

struct derived {
	bool sha512;
	int64_t iterations;
	uint8_t salt[SALT_MAX], key[KEY_MAX];
	size_t nsalt, nkey;
};

static const struct spelling {
	struct str prefix;
	bool sha512;
	enum pbkdf2_form salt, key;
	bool length; /* the length follows the iterations */
} spellings[] = {
	{ { "pbkdf2_sha256$", 14 }, false, AS_IT_IS, BASE64, false },
	{ { "pbkdf2_sha512$", 14 }, true, AS_IT_IS, BASE64, false },
	{ { "$pbkdf2-sha256$", 15 }, false, BASE64, BASE64, false },
	{ { "$pbkdf2-sha512$", 15 }, true, BASE64, BASE64, false },
	{ { "{PBKDF2-SHA256}", 15 }, false, BASE64, BASE64, false },
	{ { "{PBKDF2-SHA512}", 15 }, true, BASE64, BASE64, false },
	{ { "pbkdf2:sha256:", 14 }, false, AS_IT_IS, HEX, false },
	{ { "pbkdf2:sha512:", 14 }, true, AS_IT_IS, HEX, false },
	{ { "pbkdf2$", 7 }, false, HEX, HEX, true },
};

/* Decodes Base64 with or without padding; passlib writes '.' for '+'. */
static bool
decode_base64(struct str s, uint8_t *out, size_t max, size_t *n)
{
	char text[2 * SALT_MAX];

	while (str_ends(s, STR("=")))
		s.n--;
	if (s.n > sizeof(text))
		return false;
	for (size_t i = 0; i < s.n; i++)
		text[i] = s.p[i] == '.' ? '+' : s.p[i];
	return sodium_base642bin(out, max, text, s.n, NULL, n, NULL,
				 sodium_base64_VARIANT_ORIGINAL_NO_PADDING) ==
	       0;
}

static bool
pbkdf2_decode(struct str s, enum pbkdf2_form form, uint8_t *out, size_t max,
	      size_t *n)
{
	switch (form) {
	case AS_IT_IS:
		if (s.n > max)
			return false;
		memcpy(out, s.p, s.n);
		*n = s.n;
		return true;
	case HEX:
		*n = s.n / 2;
		return s.n <= 2 * max && hex_decode(s, out, s.n / 2);
	case BASE64:
		break;
	}
	return decode_base64(s, out, max, n);
}

/*
 * Parses `N`, `i=N` or `i=N,l=LENGTH`; *length is unchanged without the last.
 */
static bool
pbkdf2_parse_cost(struct str s, int64_t *iterations, int64_t *length)
{
	struct str first = s, rest = s;

	if (str_starts(s, STR("i="))) {
		rest = str_skip(rest, 2);
		if (!str_cut(&rest, ',', &first))
			return false;
		if (rest.p != NULL &&
		    (!str_starts(rest, STR("l=")) ||
		     !str_to_uint(str_skip(rest, 2), KEY_MAX, length)))
			return false;
	}
	return first.n > 0 && first.p[0] != '0' &&
	       str_to_uint(first, BLOCKS_MAX, iterations);
}

static size_t
digest_size(const struct derived *d)
{
	return d->sha512 ? 64 : 32;
}

static bool
is_borne(const struct derived *d)
{
	const size_t size = digest_size(d);
	const int64_t blocks = (int64_t)((d->nkey + size - 1) / size);

	return d->iterations >= ITERATIONS_MIN && d->nkey >= KEY_MIN &&
	       d->nsalt > 0 &&
	       d->iterations * blocks <= BLOCKS_MAX / (d->sha512 ? 2 : 1);
}

static bool
parse_parts(const struct spelling *how, struct str rest, struct derived *d)
{
	enum pbkdf2_form salt_form = how->salt, key_form = how->key;
	struct str cost, size, salt, key;
	int64_t length = -1;

	if (!str_cut(&rest, '$', &cost) ||
	    !pbkdf2_parse_cost(cost, &d->iterations, &length) ||
	    (how->length && (!str_cut(&rest, '$', &size) ||
			     !str_to_uint(size, KEY_MAX, &length))) ||
	    !str_cut(&rest, '$', &salt) || !str_cut(&rest, '$', &key) ||
	    rest.p != NULL)
		return false;
	if (how->length && salt.n == GITEA_OLD_SALT)
		salt_form = AS_IT_IS;
	/* Discourse: a text of that length is hexadecimal, because it cannot be
	 * Base64. */
	if (!how->length && length > 0 && key.n == 2 * (size_t)length) {
		salt_form = AS_IT_IS;
		key_form = HEX;
	}
	return pbkdf2_decode(salt, salt_form, d->salt, sizeof(d->salt),
			     &d->nsalt) &&
	       pbkdf2_decode(key, key_form, d->key, sizeof(d->key), &d->nkey) &&
	       d->nkey == (length < 0 ? digest_size(d) : (size_t)length);
}

static bool
pbkdf2_parse(struct str hash, struct derived *d)
{
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		const struct spelling *how = &spellings[i];
		const struct str head = { .p = hash.p, .n = how->prefix.n };

		if (hash.n < head.n || !str_eq_nocase(head, how->prefix))
			continue;
		d->sha512 = how->sha512;
		return parse_parts(how, str_skip(hash, head.n), d) &&
		       is_borne(d);
	}
	return false;
}

bool
password_pbkdf2_is_usable(struct str hash)
{
	struct derived d;

	return pbkdf2_parse(hash, &d);
}

enum password_answer
password_pbkdf2_verify(struct str password, struct str hash)
{
	uint8_t made[KEY_MAX];
	struct derived d;
	bool same;

	if (!pbkdf2_parse(hash, &d))
		return PASSWORD_UNUSABLE;
	if (PKCS5_PBKDF2_HMAC(password.n > 0 ? password.p : "", (int)password.n,
			      d.salt, (int)d.nsalt, (int)d.iterations,
			      d.sha512 ? EVP_sha512() : EVP_sha256(),
			      (int)d.nkey, made) != 1)
		return PASSWORD_ERROR;
	same = sodium_memcmp(made, d.key, d.nkey) == 0;
	secret_wipe(made, sizeof(made));
	return same ? PASSWORD_RIGHT : PASSWORD_WRONG;
}
