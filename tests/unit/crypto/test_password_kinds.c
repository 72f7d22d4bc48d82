/* SPDX-License-Identifier: MIT */
/* Schemes of password hashes: their names, and whether they are accepted. */
#include "crypto/password_kind.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "tests/support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define P      "correct horse battery"
#define BCRYPT "$2y$04$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"
#define ARGON                                                                  \
	"$argon2id$v=19$m=19456,t=2,p=1$HzpLYs6sYykDGM/rwZ9znQ"                \
	"$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8"
#define CRYPT6                                                                 \
	"$6$rounds=1000$ZxC.b96AGafZhxMz$B3NOk0KlNy6pkDKVKu4kYYwN3hc2DX5hI5LL" \
	"9AA5zDzqW29l/VRudKyKu06.M.cSCfa4AVE1HuBBhceaL9hgb/"
#define CRYPT5                                                                 \
	"$5$rounds=10000$Hp6Wywh42LDTka5N$1PABsNs2jB7G2aU1lGMI3cLqVf4nrFQ8R"   \
	"DzKDLZQOe0"
#define SALT_HEX "030405060708090a0b0c0d0e0f101112"
#define KEY_HEX                                                                \
	"e62ca0c5320b138011ddc42e69762410bf26be4eac9cdbd4650a2549647b04c8"

/* Hashes that the named programs made, or that were made in their way. */
static const struct {
	const char *kind, *password, *hash;
} accepted[] = {
	{ "bcrypt", P, "{BLF-CRYPT}" BCRYPT }, /* Dovecot */
	{ "bcrypt", P, "{CRYPT}" BCRYPT },
	{ "bcrypt", P, "{crypt}" BCRYPT },
	{ "bcrypt", P, "{bcrypt}" BCRYPT }, /* Spring */
	{ "bcrypt", P, "1|" BCRYPT }, /* Nextcloud */
	{ "bcrypt", P, "bcrypt$" BCRYPT }, /* Django */
	{ "sha512-crypt", P, "{SHA512-CRYPT}" CRYPT6 },
	{ "sha512-crypt", P, "{CRYPT}" CRYPT6 },
	{ "sha256-crypt", P, "{SHA256-CRYPT}" CRYPT5 },
	/* The hash is from a test of Django. */
	{ "pbkdf2-sha256", "l\xc3\xa8tmein",
	  "pbkdf2_sha256$10000$seasalt$"
	  "CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY=" },
	{ "pbkdf2-sha512", P,
	  "$pbkdf2-sha512$25000$AwQFBgcICQoLDA0ODxAREg$jTSGKygQ0QxuqVwcu79xE/l"
	  "AhX0CpQ4CPB5gMxeUyO/mWy9rvu4vuTNKHZqhc1FPTdprsUTfDDXzi7lrhz6i/g" },
	{ "pbkdf2-sha512", P,
	  "{PBKDF2-SHA512}10000$AwQFBgcICQoLDA0ODxAREg$xYJ1Z4qaxaqq2IVJLGlX/Ym"
	  "pRtxSkAwp8bPOjsFRCm7n36Ocd3gCsTm/Kdn2HBPwPGQ/im3ASESbWNMyOBlnWQ" },
	{ "pbkdf2-sha256", P,
	  "$pbkdf2-sha256$i=10000$AwQFBgcICQoLDA0ODxAREg"
	  "$b7+8nx3Ta0SVAv8g0VwlWG8vUtBUsZmQFv4wLqQfsyI" },
	{ "pbkdf2-sha256", P, /* passlib's alphabet */
	  "$pbkdf2-sha256$10000$AwQFBgcICQoLDA0ODxAREg"
	  "$b7.8nx3Ta0SVAv8g0VwlWG8vUtBUsZmQFv4wLqQfsyI" },
	{ "pbkdf2-sha256", P, /* Discourse */
	  "$pbkdf2-sha256$i=10000,l=32$" SALT_HEX "$" KEY_HEX },
	{ "pbkdf2-sha256", P, /* Gitea */
	  "pbkdf2$10000$50$" SALT_HEX "$6fbfbc9f1dd36b449502ff20d15c25586f2f52"
	  "d054b1999016fe302ea41fb322e1cebbf24429eae00aabf4974fb8052715ac" },
	{ "pbkdf2-sha256", P, /* Gitea before 2022 */
	  "pbkdf2$10000$50$oldsalt10b$8029469e3686ada5d4a446d42419410cdaa8a633"
	  "7637102f2e4d7a25598224e26b99f7eb664b0bec83121336e79165c7ec99" },
	{ "pbkdf2-sha256", P, /* Werkzeug 2.2 */
	  "pbkdf2:sha256:2000$gmI3zmNubmkA$c8d4bca94d8347cb54906bc42e9d65b4eb1"
	  "4cd6822a09252bbf9683f8f3f83c1" },
	{ "pbkdf2-sha512", P,
	  "pbkdf2:sha512:2000$Lwl2zVDLquEI$2058b517a545798497b95fb125f9bfa0a29"
	  "a75ea7ee0c4a161d2a1886a156a273a728332d567639f654fe599e1121db0498f7f"
	  "6c216088d5bc4c96c68a525ff8" },
	{ "wordpress-bcrypt", "hashpwn", /* published with a mode of hashcat */
	  "$wp$2y$10$607XKVrBjPEqujeOXNwbYuOJ.gPMd2TelMMknmeV70Kap1E81Ovo6" },
	{ "wordpress-bcrypt", P,
	  "$wp$2y$04$bKPXUKC.urpLvy5rYp00feNs4Bgg1jOIdqBCDNYfF/O7mjTdmx/e6" },
	{ "bcrypt-sha256", P,
	  "bcrypt_sha256$$2b$04$bKPXUKC.urpLvy5rYp00feUqiwQy5Z0WxaRMNcAvbYgjcL"
	  "FZXqyx2" },
};

static const char *
name_of(const char *hash)
{
	struct str bare;

	return password_kind(str_from(hash), &bare)->name;
}

START_TEST(accepted_hashes_verify)
{
	struct str hash = str_from(accepted[_i].hash);
	struct str password = str_from(accepted[_i].password);
	char other[64];

	ck_assert_str_eq(name_of(accepted[_i].hash), accepted[_i].kind);
	ck_assert_msg(password_is_refused(hash) == NULL, "row %d", _i);
	ck_assert_msg(password_verify(password, hash) == PASSWORD_RIGHT,
		      "row %d", _i);
	ck_assert_msg(password_is_outdated(hash), "row %d", _i);
	(void)snprintf(other, sizeof(other), "%s!", accepted[_i].password);
	ck_assert_msg(password_verify(str_from(other), hash) == PASSWORD_WRONG,
		      "row %d", _i);
	ck_assert_msg(password_verify(STR(""), hash) == PASSWORD_WRONG,
		      "row %d", _i);
	/* A hash that is cut off is refused, unless only padding is missing. */
	for (size_t n = 0; n + 1 < hash.n; n++)
		ck_assert_msg(!password_is_usable((struct str){ .p = hash.p,
								.n = n }),
			      "row %d: the first %zu bytes are accepted", _i,
			      n);
}
END_TEST

static const char *const wraps[] = {
	"{ARGON2ID}", "{ARGON2}", "{argon2}", "{argon2@SpringSecurity_v5_8}",
	"3|",	      "argon2"
};

/* A hash with a prefix is verified like a hash without it. */
START_TEST(prefixes_are_skipped)
{
	char hash[256], own[PASSWORD_HASH_MAX];
	struct err err;

	ck_assert_int_eq(password_hash(STR(P), own, &err), 0);
	(void)snprintf(hash, sizeof(hash), "%s%s", wraps[_i], own);
	ck_assert_str_eq(name_of(hash), "argon2id");
	ck_assert_int_eq(password_verify(STR(P), str_from(hash)),
			 PASSWORD_RIGHT);
	ck_assert(!password_is_outdated(str_from(hash)));
}
END_TEST

/* The whole password counts if the scheme makes a digest of it first. */
START_TEST(schemes_tell_how_much_they_read)
{
	char text[101] = "";
	const struct str longer = { .p = text, .n = 100 };

	memset(text, 'x', 100);
	ck_assert(!password_fits_scheme(longer, STR(BCRYPT)));
	ck_assert(!password_fits_scheme(longer, STR("{BLF-CRYPT}" BCRYPT)));
	ck_assert(password_fits_scheme(longer, STR("$wp" BCRYPT)));
	ck_assert(password_fits_scheme(longer, STR("bcrypt_sha256$" BCRYPT)));
	/* WordPress removes blanks around the password. */
	ck_assert_int_eq(password_verify(STR(" " P "\n"),
					 str_from(accepted[20].hash)),
			 PASSWORD_RIGHT);
}
END_TEST

#define KEY_B64 "b7+8nx3Ta0SVAv8g0VwlWG8vUtBUsZmQFv4wLqQfsyI"

static const struct {
	const char *kind, *hash;
} refused[] = {
	{ "argon2d", "$argon2d$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g" },
	{ "md5-crypt", "$1$s4q3060d$XclWzUwxGIQbSuaZfyfAn1" },
	{ "md5-crypt", "{MD5-CRYPT}$1$s4q3060d$XclWzUwxGIQbSuaZfyfAn1" },
	{ "md5-crypt", "{CRYPT}$1$s4q3060d$XclWzUwxGIQbSuaZfyfAn1" },
	{ "phpass", "$P$B4buMmHVQA9JB9.t9LrYOvCwS9Tt5N1" },
	{ "phpass", "$H$9zJYm7qmqdR9uZXPmlPJjXqHJyqyCu1" },
	{ "drupal-sha512", "$S$DSjXzEkOVqLbSZIeuyLlLJ2IeZAbuJ1kG7VwSu" },
	{ "doubled-dollars", "$$2y$$05$$abcdefghijklmnopqrstuu" },
	{ "bcrypt-old", "$2x$04$bKPXUKC.urpLvy5rYp00fe" },
	{ "digest", "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=" },
	{ "digest", "{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=" },
	{ "digest", "{ssha512}xxxx" },
	{ "digest", "{MD5}xxxx" },
	{ "digest", "{NT}8846F7EAEE8FB117AD06BDD830B7586C" },
	{ "digest", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99" },
	{ "digest", "5f4dcc3b5aa765d61d8327deb882cf99" },
	{ "digest", KEY_HEX },
	{ "pbkdf2-sha1", "pbkdf2_sha1$1000$seasalt$xxxx" },
	{ "pbkdf2-sha1", "{PBKDF2}1000$xxxx$xxxx" },
	{ "scrypt", "scrypt:32768:8:1$salt$00" },
	{ "scrypt", "scrypt$16384$salt$8$1$xxxx" },
	{ "scrypt", "$7$CU..../....xxxx$xxxx" },
	{ "des-crypt", "4YsTU2tsmmUYI" },
	{ "des-crypt", "{CRYPT}4YsTU2tsmmUYI" },
	{ "plain", "{PLAIN}" P },
	{ "plain", "{noop}" P },
	{ "scram", "SCRAM-SHA-256$4096:salt$stored:server" },
	{ "none", "" },
	{ "none", "!" },
	{ "none", "*" },
	{ "none", "x" },
	{ "none", "!YcJh0LOkzq" }, /* Django */
	{ "unknown", P },
	{ "unknown", "$" },
	{ "unknown", "{" },
	{ "unknown", "{CRYPT" },
	{ "unknown", "$nosuch$xxxx" },
	/* Hashes of accepted schemes that are too expensive or damaged. */
	{ "bcrypt", "$2y$31$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5"
		    "CJ1S" },
	{ "wordpress-bcrypt", "$wp$2y$31$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RH"
			      "o01D203Lc3h5CJ1S" },
	{ "wordpress-bcrypt", "$wp$2x$04$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RH"
			      "o01D203Lc3h5CJ1S" },
	{ "argon2id", "$argon2id$v=19$m=4194304,t=2,p=1$HzpLYs6sYykDGM/rwZ9znQ"
		      "$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8" },
	{ "argon2id", "3|$argon2id$v=19$m=19456,t=99,p=1$HzpLYs6sYykDGM/rwZ9znQ"
		      "$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8" },
	{ "pbkdf2-sha256", "pbkdf2_sha256$999$seasalt$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$3000001$seasalt$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$99999999999999999999$s$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$-1000$seasalt$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$01000$seasalt$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$1000$$" KEY_B64 },
	{ "pbkdf2-sha256", "pbkdf2_sha256$1000$seasalt$" },
	{ "pbkdf2-sha256", "pbkdf2_sha256$1000$seasalt$AAAA" },
	{ "pbkdf2-sha256", "pbkdf2_sha256$1000$seasalt$" KEY_B64 "$" },
	{ "pbkdf2-sha256", "pbkdf2_sha256$1000$seasalt$!" KEY_B64 },
	{ "pbkdf2-sha256", "$pbkdf2-sha256$i=1000,l=31$c2FsdA$" KEY_B64 },
	{ "pbkdf2-sha256", "$pbkdf2-sha256$i=1000,x=32$c2FsdA$" KEY_B64 },
	{ "pbkdf2-sha256",
	  "pbkdf2$1000001$96$" SALT_HEX "$" KEY_HEX KEY_HEX KEY_HEX },
	{ "pbkdf2-sha256", "pbkdf2$1000$64$" SALT_HEX "$" KEY_HEX },
	{ "pbkdf2-sha256", "pbkdf2$1000$0$" SALT_HEX "$" },
	{ "pbkdf2-sha512", "$pbkdf2-sha512$1500001$c2FsdA$" KEY_B64 KEY_B64 },
};

START_TEST(refused_hashes_never_verify)
{
	struct str hash = str_from(refused[_i].hash);

	ck_assert_str_eq(name_of(refused[_i].hash), refused[_i].kind);
	ck_assert_msg(!password_is_usable(hash), "row %d", _i);
	ck_assert_ptr_nonnull(password_is_refused(hash));
	ck_assert_msg(password_verify(STR(P), hash) == PASSWORD_UNUSABLE,
		      "row %d", _i);
	ck_assert_msg(password_verify(hash, hash) == PASSWORD_UNUSABLE,
		      "row %d", _i);
}
END_TEST

static bool
holds(const char *text, const struct password_kind *k)
{
	char row[1024];

	(void)snprintf(row, sizeof(row), "| %s | %s | %s | %s |\n", k->name,
		       k->pattern, k->verdict, k->why);
	if (strstr(text, row) == NULL)
		(void)fprintf(stderr, "%s", row);
	return strstr(text, row) != NULL;
}

START_TEST(manual_lists_all_schemes)
{
	static char text[100000];
	const char *folder = getenv("srcdir");
	char path[512];
	size_t n;
	const struct password_kind *kinds = password_kinds(&n);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/doc/guides/moving.md",
		       folder != NULL ? folder : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	ck_assert_int_eq(fclose(f), 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(kinds[i].name != NULL, "scheme %zu has no name",
			      i);
		ck_assert_int_eq(kinds[i].method == PASSWORD_BY_NONE,
				 strcmp(kinds[i].verdict, "refused") == 0);
		ck_assert_msg(holds(text, &kinds[i]),
			      "%s: must have the row of %s", path,
			      kinds[i].name);
	}
}
END_TEST

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
}

int
main(void)
{
	TCase *t = new_case("password_kinds");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, accepted_hashes_verify, 0, ARRAY_LEN(accepted));
	tcase_add_loop_test(t, prefixes_are_skipped, 0, ARRAY_LEN(wraps));
	tcase_add_test(t, schemes_tell_how_much_they_read);
	tcase_add_loop_test(t, refused_hashes_never_verify, 0,
			    ARRAY_LEN(refused));
	tcase_add_test(t, manual_lists_all_schemes);
	return run_case(t);
}
