/* SPDX-License-Identifier: MIT */
/* Hashes made by other programs: htpasswd, openssl passwd, mkpasswd. */
#include "crypto/password_legacy.h"
#include "crypto/digest.h"
#include "tests/support/run.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define PASSWORD "correct horse battery"

static const struct {
	const char *password, *hash;
} made[] = {
	{ PASSWORD, "$apr1$i/6dWk4H$3QLL/bd8WsdWKFWnQ.mEE0" },
	{ PASSWORD, "$apr1$xy$PjKJCnDiLd7CpeyOSsga81" },
	{ "", "$apr1$12345678$sHuPAw7VA9xjRbJz7zKV7/" },
	{ "\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac",
	  "$apr1$12345678$8WEFvuLvyGplateOJW8CP/" },
	{ PASSWORD, "$5$MXnwUPastMs8KUL4$QUPR3HmjcH.oRqUNEotRR.HyXq52tGsLrqWc"
		    ".3eMpuB" },
	{ PASSWORD, "$5$abcdefghijklmnop$QTTClpSKvDT.Anmnj5buShmxEtAPEWeOhb6."
		    "aCGoW71" },
	{ PASSWORD, "$5$rounds=10000$Hp6Wywh42LDTka5N$1PABsNs2jB7G2aU1lGMI3cL"
		    "qVf4nrFQ8RDzKDLZQOe0" },
	{ PASSWORD, "$6$yL2SbVsBskUCrf6Z$wamtnPHqgpNzw9SJIX.EIs/vTE7vumNOqtNt"
		    "qUc8UjnCkWCRbXI/SOynUlpX33zfznulWCTQj5aSb8qhCRWfx." },
	{ PASSWORD, "$6$rounds=1000$ZxC.b96AGafZhxMz$B3NOk0KlNy6pkDKVKu4kYYwN"
		    "3hc2DX5hI5LL9AA5zDzqW29l/VRudKyKu06.M.cSCfa4AVE1HuBBhcea"
		    "L9hgb/" },
	{ PASSWORD,
	  "$2y$04$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S" },
	{ PASSWORD,
	  "$2a$05$3X389vT/OA.QE1AFXHzrhezpFQybh6tL4viUcFGCM0Iu0iKC6d9yK" },
	{ PASSWORD, "$y$j9T$6RYbiAYaP9NgTo19OnGDy/$/Gr8YXfphPEZ52Mxj5QhRkc2Jh"
		    "556K21vJM92qD3CmB" },
};

/* Changes the first character of the hash itself, whose bits all count. */
static void
spoil(char *hash)
{
	char *at = strrchr(hash, '$') + 1;

	if (strncmp(hash, "$2", 2) == 0)
		at += 22; /* The salt of bcrypt has no separator behind it. */
	*at = *at == 'x' ? 'y' : 'x';
}

START_TEST(hashes_of_other_programs_verify)
{
	struct str password = str_from(made[_i].password);
	struct str hash = str_from(made[_i].hash);
	char bad[256] = "";

	ck_assert_msg(password_is_usable(hash), "row %d", _i);
	ck_assert_msg(password_is_outdated(hash), "row %d", _i);
	ck_assert_msg(password_verify(password, hash) == PASSWORD_RIGHT,
		      "row %d", _i);
	ck_assert_msg(password_verify(STR(PASSWORD "!"), hash) ==
			  PASSWORD_WRONG,
		      "row %d", _i);
	ck_assert_msg(password_verify(STR("Correct horse battery"), hash) ==
			  PASSWORD_WRONG,
		      "row %d", _i);
	ck_assert_msg(password_verify(STR(PASSWORD "\0x"), hash) ==
			  PASSWORD_WRONG,
		      "row %d", _i);
	(void)snprintf(bad, sizeof(bad), "%s", made[_i].hash);
	spoil(bad);
	ck_assert_msg(password_is_usable(str_from(bad)), "row %d: %s", _i, bad);
	ck_assert_msg(password_verify(password, str_from(bad)) ==
			  PASSWORD_WRONG,
		      "row %d: %s", _i, bad);
	/* A hash that is cut off is refused. */
	for (size_t n = 0; n < hash.n; n++)
		ck_assert_msg(!password_is_usable((struct str){ .p = hash.p,
								.n = n }),
			      "row %d: the first %zu bytes are accepted", _i,
			      n);
}
END_TEST

#define HASH53 "bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"
#define HASH43 "QTTClpSKvDT.Anmnj5buShmxEtAPEWeOhb6.aCGoW71"
#define HASH22 "PjKJCnDiLd7CpeyOSsga81"

static const char *const refused[] = {
	"{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
	"{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
	"{PLAIN}" PASSWORD,
	PASSWORD,
	"4YsTU2tsmmUYI", /* DES */
	"_J9..CCCCXBrJUJV154M", /* BSDi */
	"$1$s4q3060d$XclWzUwxGIQbSuaZfyfAn1", /* MD5 crypt */
	"$2x$04$" HASH53,
	"$2$04$" HASH53,
	"$2y$03$" HASH53,
	"$2y$16$" HASH53, /* takes 4 s or more */
	"$2y$31$" HASH53,
	"$2y$4$" HASH53,
	"$2y$004$" HASH53,
	"$2y$+4$" HASH53,
	"$2y$04$" HASH53 "a",
	"$2y$04$" HASH53 "\n",
	"$5$rounds=999$salt$" HASH43,
	"$5$rounds=1000001$salt$" HASH43,
	"$5$rounds=999999999$salt$" HASH43,
	"$5$rounds=05000$salt$" HASH43,
	"$5$rounds=$salt$" HASH43,
	"$5$rounds=-5000$salt$" HASH43,
	"$5$$" HASH43,
	"$5$abcdefghijklmnopq$" HASH43,
	"$5$sa:lt$" HASH43,
	"$5$salt$" HASH43 "$",
	"$5$salt$" HASH43 "x",
	"$6$salt$" HASH43,
	"$5$salt",
	"$7$salt$" HASH43,
	"$y$jFT$6RYbiAYaP9NgTo19OnGDy/$" HASH43,
	"$y$j9T$$" HASH43,
	"$apr1$$" HASH22,
	"$apr1$123456789$" HASH22,
	"$apr1$sa!t$" HASH22,
	"$apr1$salt$" HASH22 "x",
	"$apr1$salt",
	"*0",
	"*1",
	"!$2y$04$" HASH53,
	"$",
	"",
};

START_TEST(bad_hashes_are_refused)
{
	struct str hash = str_from(refused[_i]);

	ck_assert_msg(!password_is_usable(hash), "row %d: %s", _i, refused[_i]);
	ck_assert_msg(password_verify(STR(PASSWORD), hash) == PASSWORD_UNUSABLE,
		      "row %d: %s", _i, refused[_i]);
	/* The stored hash itself is never the password. */
	ck_assert_msg(password_verify(hash, hash) == PASSWORD_UNUSABLE,
		      "row %d: %s", _i, refused[_i]);
}
END_TEST

static int64_t
cost_us(struct str password, struct str hash)
{
	struct timespec from, to;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from), 0);
	ck_assert_int_ne(password_verify(password, hash), PASSWORD_RIGHT);
	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to), 0);
	return ((int64_t)to.tv_sec - from.tv_sec) * 1000000 +
	       (to.tv_nsec - from.tv_nsec) / 1000;
}

/* crypt(3) does not accept passwords as long as the longest of ours, so no such
 * password can match. The answer must take as long as a hash, so that its time
 * does not tell this. */
START_TEST(too_long_password_costs_a_hash)
{
	const struct str costly = STR("$2y$10$abcdefghijklmnopqrstuu"
				      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	char bytes[PASSWORD_MAX_BYTES];
	struct str password = { .p = bytes, .n = sizeof(bytes) };
	int64_t one = cost_us(STR("a password"), costly);

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		ck_assert_msg(password_verify(password,
					      str_from(made[i].hash)) ==
				  PASSWORD_WRONG,
			      "row %zu", i);
	ck_assert_int_gt(cost_us(password, costly), one / 4);
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
	TCase *t = new_case("password_legacy");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, hashes_of_other_programs_verify, 0,
			    ARRAY_LEN(made));
	tcase_add_loop_test(t, bad_hashes_are_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(t, too_long_password_costs_a_hash);
	return run_case(t);
}
