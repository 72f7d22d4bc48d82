/* SPDX-License-Identifier: MIT */
/* Makes and verifies password hashes, and checks new passwords. */
#include "crypto/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/password_kind.h"
#include "crypto/password_legacy.h"
#include "crypto/password_nfc.h"
#include "crypto/password_pbkdf2.h"
#include "crypto/password_prehash.h"

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "PHC string");
_Static_assert(PASSWORD_PRINT_BYTES == crypto_pwhash_SALTBYTES, "a salt");

/* The current cost. */
#define MEMORY_KIB 19456
#define PASSES	   2
#define KEY_BYTES  32

/* The highest cost that a stored hash may have. */
#define MEMORY_KIB_MAX (1024 * 1024)
#define PASSES_MAX     10
#define WORK_KIB_MAX   (4 * 1024 * 1024) /* memory times passes */
#define LANES_MAX      16

/* A hash of the current cost. Its password was 64 random bytes, which were not
 * kept. */
#define DUMMY                                                                  \
	"$argon2id$v=19$m=19456,t=2,p=1$HzpLYs6sYykDGM/rwZ9znQ"                \
	"$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8"

#define BCRYPT_READS 72 /* bytes of a password */

/* with the NUL; longer than our own, because of longer salts */
#define STORED_MAX 512

struct phc {
	bool id; /* argon2id; else argon2i */
	int64_t memory_kib, passes, lanes;
	struct str salt;
};

static bool
is_acceptable(struct str password)
{
	return password.n <= PASSWORD_MAX_BYTES &&
	       str_find(password, '\0') == password.n;
}

/* Parses `m=N` with the given letter and bounds. */
static bool
password_parse_cost(struct str s, struct str name, int64_t min, int64_t max,
		    int64_t *out)
{
	return str_starts(s, name) &&
	       str_to_uint(str_skip(s, name.n), max, out) && *out >= min;
}

/* Parses Base64 in the standard alphabet without padding, as PHC requires. */
static bool
is_base64(struct str s, size_t min, size_t max)
{
	unsigned char bytes[STORED_MAX];
	size_t n;

	return sodium_base642bin(bytes, sizeof(bytes), s.p, s.n, NULL, &n, NULL,
				 sodium_base64_VARIANT_ORIGINAL_NO_PADDING) ==
		   0 &&
	       n >= min && n <= max;
}

/*
 * Parses a PHC string strictly, so that every string it accepts is computed:
 * libsodium would refuse a malformed string at once, and the short time would
 * reveal that.
 */
static bool
parse_phc(struct str hash, struct phc *out)
{
	const struct str prefixes[] = { STR("$argon2id$v=19$"),
					STR("$argon2i$v=19$") };
	struct str rest, costs, m, t, p, salt, key;
	struct phc phc = { .id = str_starts(hash, prefixes[0]) };

	if (hash.n >= STORED_MAX || (!phc.id && !str_starts(hash, prefixes[1])))
		return false;
	rest = str_skip(hash, prefixes[phc.id ? 0 : 1].n);
	if (!str_cut(&rest, '$', &costs) || !str_cut(&rest, '$', &salt) ||
	    !str_cut(&rest, '$', &key) || rest.p != NULL)
		return false;
	if (!str_cut(&costs, ',', &m) || !str_cut(&costs, ',', &t) ||
	    !str_cut(&costs, ',', &p) || costs.p != NULL)
		return false;
	if (!password_parse_cost(p, STR("p="), 1, LANES_MAX, &phc.lanes) ||
	    !password_parse_cost(t, STR("t="), 1, PASSES_MAX, &phc.passes) ||
	    !password_parse_cost(m, STR("m="), 8 * phc.lanes, MEMORY_KIB_MAX,
				 &phc.memory_kib) ||
	    phc.memory_kib * phc.passes > WORK_KIB_MAX)
		return false;
	if (!is_base64(salt, 8, 64) || !is_base64(key, 16, 64))
		return false;
	phc.salt = salt;
	*out = phc;
	return true;
}

void
password_print(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES])
{
	uint8_t digest[DIGEST_BYTES];
	struct str bare;

	(void)password_kind(hash, &bare);
	digest_sha256(bare, digest);
	memcpy(out, digest, PASSWORD_PRINT_BYTES);
}

bool
password_replaced(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES])
{
	uint8_t salt[PASSWORD_PRINT_BYTES];
	struct str bare;
	struct phc phc;
	size_t n;

	(void)password_kind(hash, &bare);
	if (!parse_phc(bare, &phc) || !phc.id ||
	    sodium_base642bin(salt, sizeof(salt), phc.salt.p, phc.salt.n, NULL,
			      &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    n != sizeof(salt))
		return false;
	memcpy(out, salt, sizeof(salt));
	return true;
}

static int
refuse_password(struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "a password must have at most %d bytes and no NUL",
		       PASSWORD_MAX_BYTES);
}

int
password_hash(struct str password, char out[PASSWORD_HASH_MAX], struct err *err)
{
	char hash[PASSWORD_HASH_MAX] = { 0 }, buf[PASSWORD_MAX_BYTES];
	int rc;

	if (!is_acceptable(password))
		return refuse_password(err);
	password = password_nfc(password, buf);
	rc = crypto_pwhash_str_alg(hash, password.n > 0 ? password.p : "",
				   password.n, PASSES, MEMORY_KIB * 1024U,
				   crypto_pwhash_ALG_ARGON2ID13);
	secret_wipe(buf, sizeof(buf));
	if (rc != 0)
		return err_nomem(err);
	memcpy(out, hash, sizeof(hash));
	return 0;
}

int
password_rehash(struct str password, struct str old,
		char out[PASSWORD_HASH_MAX], struct err *err)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	uint8_t salt[crypto_pwhash_SALTBYTES], key[KEY_BYTES];
	char salt64[2 * sizeof(salt)], key64[2 * sizeof(key)];
	char buf[PASSWORD_MAX_BYTES];
	int rc;

	if (!is_acceptable(password))
		return refuse_password(err);
	password = password_nfc(password, buf);
	password_print(old, salt);
	rc = crypto_pwhash(key, sizeof(key), password.n > 0 ? password.p : "",
			   password.n, salt, PASSES, MEMORY_KIB * 1024U,
			   crypto_pwhash_ALG_ARGON2ID13);
	secret_wipe(buf, sizeof(buf));
	if (rc != 0)
		return err_nomem(err);
	(void)sodium_bin2base64(salt64, sizeof(salt64), salt, sizeof(salt),
				variant);
	(void)sodium_bin2base64(key64, sizeof(key64), key, sizeof(key),
				variant);
	(void)snprintf(out, PASSWORD_HASH_MAX,
		       "$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", MEMORY_KIB, PASSES,
		       salt64, key64);
	secret_wipe(key, sizeof(key));
	return 0;
}

static bool
is_usable(const struct password_kind *kind, struct str bare)
{
	struct phc phc;

	switch (kind->method) {
	case PASSWORD_BY_NONE:
		break;
	case PASSWORD_BY_ARGON2:
		return parse_phc(bare, &phc);
	case PASSWORD_BY_CRYPT:
		return password_legacy_is_usable(bare);
	case PASSWORD_BY_PBKDF2:
		return password_pbkdf2_is_usable(bare);
	case PASSWORD_BY_PREHASH:
		return password_prehash_is_usable(bare);
	}
	return false;
}

bool
password_is_usable(struct str hash)
{
	struct str bare;
	const struct password_kind *kind = password_kind(hash, &bare);

	return is_usable(kind, bare);
}

const char *
password_is_refused(struct str hash)
{
	struct str bare;
	const struct password_kind *kind = password_kind(hash, &bare);

	if (kind->method == PASSWORD_BY_NONE)
		return kind->why;
	return is_usable(kind, bare) ? NULL :
				       "it is damaged, or its cost is outside "
				       "the limits: set a new password";
}

/* Returns true when the memory for this hash can be allocated. */
static bool
has_memory(struct str hash)
{
	struct phc phc;
	size_t n;
	void *room;

	if (!parse_phc(hash, &phc))
		return false;
	n = (size_t)phc.memory_kib * 1024;
	room = mmap(NULL, n, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return room != MAP_FAILED && munmap(room, n) == 0;
}

/*
 * Verifies a password against a hash that is usable. libsodium sets EINVAL for
 * a wrong password, but version 1.0.18 sets it also when it has no memory to
 * hash; in that case memory is still lacking directly afterwards, which
 * has_memory() detects.
 */
static enum password_answer
verify_argon2(struct str password, struct str hash)
{
	char stored[STORED_MAX] = { 0 };
	int rc, reason;

	memcpy(stored, hash.p, hash.n);
	errno = 0;
	rc = crypto_pwhash_str_verify(stored, password.p, password.n);
	reason = errno;
	secret_wipe(stored, sizeof(stored));
	if (rc == 0)
		return PASSWORD_RIGHT;
	return reason == EINVAL && has_memory(hash) ? PASSWORD_WRONG :
						      PASSWORD_ERROR;
}

static enum password_answer
verify_by(enum password_method method, struct str password, struct str bare)
{
	switch (method) {
	case PASSWORD_BY_NONE:
		break;
	case PASSWORD_BY_ARGON2:
		return verify_argon2(password, bare);
	case PASSWORD_BY_CRYPT:
		return password_legacy_verify(password, bare);
	case PASSWORD_BY_PBKDF2:
		return password_pbkdf2_verify(password, bare);
	case PASSWORD_BY_PREHASH:
		return password_prehash_verify(password, bare);
	}
	return verify_argon2(password, STR(DUMMY));
}

static enum password_answer
verify_form(struct str password, struct str hash)
{
	const bool acceptable = is_acceptable(password);
	struct str bare;
	const struct password_kind *kind = password_kind(hash, &bare);
	const bool usable = is_usable(kind, bare);
	enum password_answer answer;

	if (!acceptable || password.n == 0)
		password = STR("");
	answer =
	    verify_by(usable ? kind->method : PASSWORD_BY_NONE, password, bare);
	if (answer == PASSWORD_ERROR)
		return PASSWORD_ERROR;
	if (!acceptable)
		return PASSWORD_WRONG;
	return usable ? answer : PASSWORD_UNUSABLE;
}

enum password_answer
password_verify(struct str password, struct str hash)
{
	char buf[PASSWORD_MAX_BYTES];
	const struct str form = password_nfc(password, buf);
	enum password_answer answer = verify_form(form, hash);

	if (form.p != password.p && answer != PASSWORD_RIGHT &&
	    answer != PASSWORD_ERROR)
		answer = verify_form(password, hash);
	secret_wipe(buf, sizeof(buf));
	return answer;
}

bool
password_is_outdated(struct str hash)
{
	struct str bare;
	struct phc phc;

	(void)password_kind(hash, &bare);
	return !parse_phc(bare, &phc) || !phc.id ||
	       phc.memory_kib < MEMORY_KIB || phc.passes < PASSES;
}

bool
password_fits_scheme(struct str password, struct str hash)
{
	char buf[PASSWORD_MAX_BYTES];
	const struct str form = password_nfc(password, buf);
	struct str bare;

	(void)password_kind(hash, &bare);
	secret_wipe(buf, sizeof(buf));
	return (password.n <= BCRYPT_READS && form.n <= BCRYPT_READS) ||
	       !str_starts(bare, STR("$2"));
}
