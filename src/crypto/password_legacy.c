/* SPDX-License-Identifier: MIT */
/*
 * Verifies hashes of other programs with crypt(3) and, for $apr1$, libcrypto.
 */
#include "crypto/password_legacy.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/str.h"

#define BCRYPT_COST_MAX 15
#define SHA_ROUNDS_MIN	1000
#define SHA_ROUNDS_MAX	1000000
#define HASH_MAX	256 /* longer than any of these */
#define PHRASE_MAX	511 /* bytes that crypt(3) takes */

#define APR1_MAGIC  STR("$apr1$")
#define APR1_ROUNDS 1000
#define APR1_CHARS  22
#define MD5_BYTES   16

static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz";

static bool
is_crypt64(struct str s, size_t min, size_t max)
{
	return s.n >= min && s.n <= max && str_is_name(s, "./");
}

/* Checks the part after `$2y$`: `NN$` and 53 characters. */
static bool
is_bcrypt(struct str rest)
{
	struct str cost;
	int64_t n;

	return str_cut(&rest, '$', &cost) && cost.n == 2 &&
	       str_to_uint(cost, BCRYPT_COST_MAX, &n) && n >= 4 &&
	       is_crypt64(rest, 53, 53);
}

/* Checks `[rounds=N$]SALT$HASH`. */
static bool
is_sha_crypt(struct str rest, size_t length)
{
	struct str part;
	int64_t n;

	if (str_starts(rest, STR("rounds="))) {
		rest = str_skip(rest, sizeof("rounds=") - 1);
		if (!str_cut(&rest, '$', &part) ||
		    !str_to_uint(part, SHA_ROUNDS_MAX, &n) ||
		    n < SHA_ROUNDS_MIN || part.p[0] == '0')
			return false;
	}
	return str_cut(&rest, '$', &part) && is_crypt64(part, 1, 16) &&
	       is_crypt64(rest, length, length);
}

static bool
is_sha256_crypt(struct str rest)
{
	return is_sha_crypt(rest, 43);
}

static bool
is_sha512_crypt(struct str rest)
{
	return is_sha_crypt(rest, 86);
}

/* Checks `SALT$HASH`. Only the usual parameters are accepted, because the cost
 * of others is not known. */
static bool
is_yescrypt(struct str rest)
{
	struct str salt;

	return str_cut(&rest, '$', &salt) && is_crypt64(salt, 1, 86) &&
	       is_crypt64(rest, 43, 43);
}

static bool
is_apr1(struct str rest)
{
	struct str salt;

	return str_cut(&rest, '$', &salt) && is_crypt64(salt, 1, 8) &&
	       is_crypt64(rest, APR1_CHARS, APR1_CHARS);
}

static const struct {
	struct str prefix;
	bool (*is_usable)(struct str rest);
	/* clang-format off */
} kinds[] = {
	{ { "$2a$", 4 }, is_bcrypt },
	{ { "$2b$", 4 }, is_bcrypt },
	{ { "$2y$", 4 }, is_bcrypt },
	{ { "$5$", 3 }, is_sha256_crypt },
	{ { "$6$", 3 }, is_sha512_crypt },
	{ { "$y$j9T$", 7 }, is_yescrypt },
	{ { "$apr1$", 6 }, is_apr1 },
};
/* clang-format on */

bool
password_legacy_is_usable(struct str hash)
{
	if (hash.n >= HASH_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_starts(hash, kinds[i].prefix))
			return kinds[i].is_usable(str_skip(hash,
							   kinds[i].prefix.n));
	}
	return false;
}

/* Computes a digest of several pieces; callers check `ok` once at the end. */
struct md5 {
	EVP_MD_CTX *ctx;
	bool ok;
};

static void
md5_begin(struct md5 *m)
{
	m->ok = m->ok && EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL) == 1;
}

static void
md5_add(struct md5 *m, struct str s)
{
	m->ok = m->ok && EVP_DigestUpdate(m->ctx, s.p, s.n) == 1;
}

static void
md5_end(struct md5 *m, unsigned char out[MD5_BYTES])
{
	m->ok = m->ok && EVP_DigestFinal_ex(m->ctx, out, NULL) == 1;
}

static void
apr1_first(struct md5 *m, struct str password, struct str salt,
	   unsigned char out[MD5_BYTES])
{
	const struct str digest = { .p = (const char *)out, .n = MD5_BYTES };
	size_t left;

	md5_begin(m);
	md5_add(m, password);
	md5_add(m, salt);
	md5_add(m, password);
	md5_end(m, out);
	md5_begin(m);
	md5_add(m, password);
	md5_add(m, APR1_MAGIC);
	md5_add(m, salt);
	for (left = password.n; left > MD5_BYTES; left -= MD5_BYTES)
		md5_add(m, digest);
	md5_add(m, (struct str){ .p = digest.p, .n = left });
	/* The original algorithm of Poul-Henning Kamp: a zero byte, or the
	 * first byte of the password. */
	for (left = password.n; left > 0; left >>= 1)
		md5_add(m, (left & 1) != 0 ?
			       STR("\0") :
			       (struct str){ .p = password.p, .n = 1 });
	md5_end(m, out);
}

static void
apr1_round(struct md5 *m, unsigned round, struct str password, struct str salt,
	   unsigned char digest[MD5_BYTES])
{
	const struct str before = { .p = (const char *)digest, .n = MD5_BYTES };

	md5_begin(m);
	md5_add(m, round % 2 != 0 ? password : before);
	if (round % 3 != 0)
		md5_add(m, salt);
	if (round % 7 != 0)
		md5_add(m, password);
	md5_add(m, round % 2 != 0 ? before : password);
	md5_end(m, digest);
}

static void
apr1_encode(const unsigned char d[MD5_BYTES], char out[APR1_CHARS])
{
	static const unsigned char order[][3] = {
		{ 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 },
		{ 3, 9, 15 }, { 4, 10, 5 },
	};
	uint32_t bits = d[11];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		uint32_t three = (uint32_t)d[order[i][0]] << 16 |
				 (uint32_t)d[order[i][1]] << 8 | d[order[i][2]];

		for (unsigned k = 0; k < 4; k++, three >>= 6)
			out[n++] = alphabet[three & 0x3f];
	}
	out[n++] = alphabet[bits & 0x3f];
	out[n] = alphabet[bits >> 6];
}

static enum password_answer
apr1_verify(struct str password, struct str hash)
{
	struct md5 m = { .ctx = EVP_MD_CTX_new() };
	struct str rest = str_skip(hash, APR1_MAGIC.n), salt;
	unsigned char digest[MD5_BYTES] = { 0 };
	char made[APR1_CHARS];
	bool same;

	m.ok = m.ctx != NULL && str_cut(&rest, '$', &salt);
	if (m.ok)
		apr1_first(&m, password, salt, digest);
	for (unsigned i = 0; m.ok && i < APR1_ROUNDS; i++)
		apr1_round(&m, i, password, salt, digest);
	EVP_MD_CTX_free(m.ctx); /* wipes its memory */
	apr1_encode(digest, made);
	same = secret_equal((struct str){ .p = made, .n = sizeof(made) }, rest);
	secret_wipe(digest, sizeof(digest));
	secret_wipe(made, sizeof(made));
	if (!m.ok)
		return PASSWORD_ERROR;
	return same ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

/* crypt(3) reports failure by a string that begins with '*'. */
static enum password_answer
legacy_compare(const char *made, int reason, struct str hash)
{
	if (made == NULL || made[0] == '*') {
		/* The library was built without this kind. */
		return reason == EINVAL ? PASSWORD_UNUSABLE : PASSWORD_ERROR;
	}
	return secret_equal(str_from(made), hash) ? PASSWORD_RIGHT :
						    PASSWORD_WRONG;
}

static enum password_answer
crypt_verify(struct str password, struct str hash)
{
	/* 32 KiB are too large for the stack; the memory is wiped when it is
	 * freed. */
	struct arena *a = arena_new(2 * sizeof(struct crypt_data));
	enum password_answer answer = PASSWORD_ERROR;
	/* A password of this length was never set; verifying it costs as much
	 * as any other. */
	const bool is_long = password.n > PHRASE_MAX;
	struct crypt_data *data;
	char *phrase, *setting;
	const char *made;

	if (a == NULL)
		return PASSWORD_ERROR;
	data = arena_alloc(a, sizeof(*data));
	phrase = arena_cstr(a, (struct str){ .p = password.p,
					     .n = is_long ? PHRASE_MAX :
							    password.n });
	setting = arena_cstr(a, hash);
	if (data != NULL && phrase != NULL && setting != NULL) {
		errno = 0;
		made = crypt_r(phrase, setting, data);
		answer = legacy_compare(made, errno, hash);
	}
	arena_free(a);
	return is_long && answer == PASSWORD_RIGHT ? PASSWORD_WRONG : answer;
}

enum password_answer
password_legacy_verify(struct str password, struct str hash)
{
	if (str_starts(hash, APR1_MAGIC))
		return apr1_verify(password, hash);
	return crypt_verify(password, hash);
}
