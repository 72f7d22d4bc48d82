/* SPDX-License-Identifier: MIT */
/* Digests with known answers; password hashes. */
#include "crypto/digest.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/password.h"
#include "tests/support/run.h"

/* STR() for initialisers of static tables. */
#define LIT(text)                                                              \
	{                                                                      \
		.p = text, .n = sizeof(text) - 1                               \
	}

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	ck_assert_int_eq(crypto_init(), 0);
}

static void
assert_digest(const uint8_t digest[DIGEST_BYTES], const char *hex, int row)
{
	char text[HEX_LEN(DIGEST_BYTES) + 1] = { 0 };

	hex_encode(digest, DIGEST_BYTES, text);
	ck_assert_msg(strcmp(text, hex) == 0, "row %d: %s", row, text);
}

/* FIPS 180-4, and Python's hashlib. */
static const struct {
	struct str message;
	const char *hex;
} sha256[] = {
	{ LIT(""), "e3b0c44298fc1c149afbf4c8996fb924"
		   "27ae41e4649b934ca495991b7852b855" },
	{ LIT("abc"), "ba7816bf8f01cfea414140de5dae2223"
		      "b00361a396177a9cb410ff61f20015ad" },
	{ LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
	{ LIT("a\0b"), "59b271ae1bbcb1d31d41929817f4b16f"
		       "b439eb4f31520b5ad1d5ce98920a7138" },
	{ { .p = NULL, .n = 0 },
	  "e3b0c44298fc1c149afbf4c8996fb924"
	  "27ae41e4649b934ca495991b7852b855" },
};

START_TEST(sha256_gives_known_answers)
{
	uint8_t digest[DIGEST_BYTES];

	digest_sha256(sha256[_i].message, digest);
	assert_digest(digest, sha256[_i].hex, _i);
}
END_TEST

/* hmac.new(key, label + b"\0" + message, "sha256") of Python. */
static const struct {
	uint8_t first, step; /* key bytes: first, first + step, ... */
	const char *label;
	struct str message;
	const char *hex;
} hmac[] = {
	{ 0x0b, 0, "label", LIT("Hi There"),
	  "238da7aa3f5260026877b044b304650a"
	  "9715afdd35d9407e5b715aa00a4dcdc3" },
	{ 0x00, 1, "", LIT(""),
	  "e711546e3faad4c7c4aa756bc26cad6a"
	  "bea8241984a0f6b0839c70ca61c4ef88" },
	{ 0x00, 1, "csrf", LIT("a\0b"),
	  "57e9e216c0056ef617bb95850611c95c"
	  "f428bd02d13abe88d3e04dd1894f3e76" },
	{ 0xff, 0, "a", LIT("bc"),
	  "16a65a9e5a7256b85c28df33c3b48246"
	  "e6a2dd93a14636a8886ed7315b54ee27" },
	{ 0xff, 0, "ab", LIT("c"),
	  "53fcd1027ca5c38dae324766f8b29733"
	  "a369aa90bc12b0dbb4c218403eeb9b2d" },
};

START_TEST(hmac_gives_known_answers)
{
	uint8_t key[DIGEST_BYTES], digest[DIGEST_BYTES];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(hmac[_i].first + i * hmac[_i].step);
	digest_hmac(key, hmac[_i].label, hmac[_i].message, digest);
	assert_digest(digest, hmac[_i].hex, _i);
}
END_TEST

/* Hashes of the password "password", from the tests of the reference
 * implementation. */
#define HASH_ID                                                                \
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"                             \
	"$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
#define HASH_I                                                                 \
	"$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ"                            \
	"$RdescudvJCsgt3ub+b+dWRWJTmaaJObG"

#define SALT_KEY "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

static const struct {
	struct str password, hash;
	enum password_answer answer;
} verified[] = {
	{ LIT("password"), LIT(HASH_ID), PASSWORD_RIGHT },
	{ LIT("Password"), LIT(HASH_ID), PASSWORD_WRONG },
	{ LIT("passwor"), LIT(HASH_ID), PASSWORD_WRONG },
	{ LIT(""), LIT(HASH_ID), PASSWORD_WRONG },
	{ { .p = NULL, .n = 0 }, LIT(HASH_ID), PASSWORD_WRONG },
	{ LIT("password\0"), LIT(HASH_ID), PASSWORD_WRONG },
	{ LIT("password\0x"), LIT(HASH_ID), PASSWORD_WRONG },
	{ LIT("password"), LIT(HASH_I), PASSWORD_RIGHT },
	{ LIT("passwort"), LIT(HASH_I), PASSWORD_WRONG },
	{ LIT("password"), LIT(HASH_ID "\0"), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT(HASH_ID "\n"), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT(HASH_ID "$"), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT(" " HASH_ID), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT(""), PASSWORD_UNUSABLE },
	{ LIT("password"), { .p = NULL, .n = 0 }, PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("password"), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("!"), PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$"), PASSWORD_UNUSABLE },
	{ LIT("password"),
	  LIT("$2x$05$abcdefghijklmnopqrstuuAFvK3lgBBSAHrBPF9XWkTt3RD6Gk2XK"),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2d$v=19$m=256,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=16$m=256,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$m=256,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	/* Hashes that are refused because they are too expensive. */
	{ LIT("password"), LIT("$argon2id$v=19$m=1048577,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=1048576,t=5,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=11,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=17" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"),
	  LIT("$argon2id$v=19$m=99999999999999999999,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	/* libsodium refuses these without running them. */
	{ LIT("password"), LIT("$argon2id$v=19$m=7,t=2,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=31,t=2,p=4" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=0,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=0" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$t=2,m=256,p=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=1,x=1" SALT_KEY),
	  PASSWORD_UNUSABLE },
	{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"),
	  PASSWORD_UNUSABLE },
	{ LIT("password"),
	  LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbH=$nf65EOgLrQMR/uIPnA4rE"
	      "sF5h7TKyQwu9U1bMCHGi/4"),
	  PASSWORD_UNUSABLE },
	{ LIT("password"),
	  LIT("$argon2id$v=19$m=256,t=2,p=1$c29t$nf65EOgLrQMR/uIPnA4rEsF5h7TK"
	      "yQwu9U1bMCHGi/4"),
	  PASSWORD_UNUSABLE },
};

START_TEST(password_verify_answers)
{
	enum password_answer answer =
	    password_verify(verified[_i].password, verified[_i].hash);

	ck_assert_msg(answer == verified[_i].answer, "row %d: the answer is %d",
		      _i, (int)answer);
}
END_TEST

START_TEST(password_is_hashed_and_verified)
{
	const struct str password = STR("correct horse battery");
	char one[PASSWORD_HASH_MAX], two[PASSWORD_HASH_MAX];
	struct err err;

	ck_assert_int_eq(password_hash(password, one, &err), 0);
	ck_assert_int_eq(password_hash(password, two, &err), 0);
	ck_assert_str_ne(one, two); /* the salts differ */
	ck_assert_msg(strncmp(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0,
		      "the hash is %s", one);
	ck_assert(!password_is_outdated(str_from(one)));
	ck_assert_int_eq(password_verify(password, str_from(one)),
			 PASSWORD_RIGHT);
	ck_assert_int_eq(password_verify(STR("correct horse batter"),
					 str_from(one)),
			 PASSWORD_WRONG);
}
END_TEST

START_TEST(length_of_passwords_is_bounded)
{
	char bytes[PASSWORD_MAX_BYTES + 1], hash[PASSWORD_HASH_MAX] = "kept";
	struct str password = { .p = bytes, .n = sizeof(bytes) };
	struct err err;

	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(password_hash(password, hash, &err), -1);
	ck_assert_int_eq(err.code, ERR_INPUT);
	ck_assert_str_eq(hash, "kept");
	ck_assert_int_eq(password_hash(STR("a\0b"), hash, &err), -1);
	ck_assert_int_eq(err.code, ERR_INPUT);

	password.n = PASSWORD_MAX_BYTES;
	ck_assert_int_eq(password_hash(password, hash, &err), 0);
	ck_assert_int_eq(password_verify(password, str_from(hash)),
			 PASSWORD_RIGHT);
	password.n = PASSWORD_MAX_BYTES - 1; /* every byte counts */
	ck_assert_int_eq(password_verify(password, str_from(hash)),
			 PASSWORD_WRONG);
	password.n = PASSWORD_MAX_BYTES + 1;
	ck_assert_int_eq(password_verify(password, str_from(hash)),
			 PASSWORD_WRONG);
}
END_TEST

static int64_t
cpu_us(void)
{
	struct rusage u;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
	return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* The lowest of three measurements, because other processes use the machine. */
static int64_t
cost_of(struct str password, struct str hash)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 3; i++) {
		int64_t start = cpu_us(), cost;

		ck_assert_int_ne(password_verify(password, hash),
				 PASSWORD_RIGHT);
		cost = cpu_us() - start;
		best = cost < best ? cost : best;
	}
	return best;
}

START_TEST(each_answer_costs_one_hash)
{
	char bytes[PASSWORD_MAX_BYTES + 1], hash[PASSWORD_HASH_MAX];
	struct err err;
	int64_t one;

	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(password_hash(STR("something else"), hash, &err), 0);
	one = cost_of(STR("a password"), str_from(hash));

	const struct {
		struct str password, hash;
	} rows[] = {
		{ STR("a password"), STR("") },
		{ STR("a password"), STR("!") },
		{ STR("a password"),
		  STR("$argon2id$v=19$m=4194304,t=2,p=1" SALT_KEY) },
		{ STR("a password"), STR("$argon2id$v=19$m=19456,t=2,p=1"
					 "$c29tZXNhbHQ$n") },
		{ STR("a\0b"), str_from(hash) },
		{ { .p = bytes, .n = sizeof(bytes) }, str_from(hash) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t cost = cost_of(rows[i].password, rows[i].hash);

		ck_assert_msg(cost > one / 3 && cost < one * 3,
			      "row %zu: takes %lld us instead of %lld", i,
			      (long long)cost, (long long)one);
	}
}
END_TEST

static const struct {
	const char *hash;
	bool outdated;
} dated[] = {
	{ "$argon2id$v=19$m=19456,t=2,p=1" SALT_KEY, false },
	{ "$argon2i$v=19$m=19456,t=2,p=1" SALT_KEY, true },
	{ "$argon2id$v=19$m=19455,t=2,p=1" SALT_KEY, true },
	{ "$argon2id$v=19$m=19456,t=1,p=1" SALT_KEY, true },
	{ "$argon2id$v=19$m=19456,t=2,p=2" SALT_KEY, false },
	{ "$argon2id$v=19$m=65536,t=3,p=4" SALT_KEY, false },
	{ "$2y$05$abcdefghijklmnopqrstuu", true },
	{ "", true },
};

START_TEST(outdated_hashes_are_recognised)
{
	ck_assert_msg(password_is_outdated(str_from(dated[_i].hash)) ==
			  dated[_i].outdated,
		      "row %d", _i);
}
END_TEST

START_TEST(scheme_must_fit_the_password)
{
	char letters[73];
	const struct str most = { .p = letters, .n = 72 };
	const struct str more = { .p = letters, .n = 73 };
	const struct str bcrypt = STR("$2y$05$abcdefghijklmnopqrstuu");

	memset(letters, 'a', sizeof(letters));
	ck_assert(password_fits_scheme(most, bcrypt));
	ck_assert(!password_fits_scheme(more, bcrypt));
	ck_assert(password_fits_scheme(more, STR("$6$salt$hash")));
	ck_assert(password_fits_scheme(more, STR("$argon2id$v=19$m=256,t=1")));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("crypto");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, sha256_gives_known_answers, 0,
			    ARRAY_LEN(sha256));
	tcase_add_loop_test(t, hmac_gives_known_answers, 0, ARRAY_LEN(hmac));
	tcase_add_loop_test(t, password_verify_answers, 0, ARRAY_LEN(verified));
	tcase_add_test(t, password_is_hashed_and_verified);
	tcase_add_test(t, length_of_passwords_is_bounded);
	tcase_add_test(t, each_answer_costs_one_hash);
	tcase_add_test(t, scheme_must_fit_the_password);
	tcase_add_loop_test(t, outdated_hashes_are_recognised, 0,
			    ARRAY_LEN(dated));
	return run_case(t);
}
