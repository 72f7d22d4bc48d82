/* SPDX-License-Identifier: MIT */
/* Key directories, file names and secrets that are refused. */
#include "tests/unit/crypto/keyring_fixture.h"

/* The change to the one file of a valid folder, and the refusal that it
 * causes. */
enum harm {
	READABLE,
	WRITABLE,
	DIR_OPEN,
	DIR_GROUP,
	EMPTIED,
	LONG,
	GARBAGE,
	OTHER_KEY,
	STRANGER,
	BAD_STATE,
	BAD_ALG,
	BAD_SINCE,
	BAD_KID,
	TWO_NAMES,
	LINKED,
	FIFO,
	FOLDER,
	PUBLIC,
	DIR_LINK,
	DIR_FILE
};

static const struct {
	enum harm harm;
	const char *hint;
} harms[] = {
	{ READABLE, "chmod 600" },
	{ WRITABLE, "chmod 600" },
	{ DIR_OPEN, "chmod 700" },
	{ DIR_GROUP, "chmod 700" },
	{ EMPTIED, "empty, or has more than" },
	{ LONG, "empty, or has more than" },
	{ GARBAGE, "no PEM block" },
	{ OTHER_KEY, "must be named after its key" },
	{ STRANGER, "README is not the name of a key file" },
	{ BAD_STATE, "is not the name of a key file" },
	{ BAD_ALG, "cannot be used for ES384" },
	{ BAD_SINCE, "is not the name of a key file" },
	{ BAD_KID, "must be named after its key" },
	{ TWO_NAMES, "has two files" },
	{ LINKED, "symbolic links" },
	{ FIFO, "not a regular file" },
	{ FOLDER, "not a regular file" },
	{ PUBLIC, "a public key cannot be active" },
	{ DIR_LINK, "Not a directory" },
	{ DIR_FILE, "Not a directory" },
};

#define KID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PUBKEY                                                                 \
	"-----BEGIN PUBLIC KEY-----\n"                                         \
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"       \
	"-----END PUBLIC KEY-----\n"
#define PUBKEY_KID "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

static void
rename_to(const char *from, const struct keyring_name *name)
{
	char file[KEYRING_NAME_MAX], path[PATH_BYTES];

	keyring_name_write(name, file);
	path_of(file, path);
	ck_assert_int_eq(rename(from, path), 0);
}

/* `file` is the path of the key file, and `name` the parts of its name. */
static void
rename_badly(enum harm harm, const char *file, struct keyring_name name)
{
	char path[PATH_BYTES];

	if (harm == BAD_ALG)
		name.alg = JWS_ES384;
	if (harm == BAD_KID)
		memcpy(name.kid, KID, sizeof(KID));
	if (harm == BAD_ALG || harm == BAD_KID) {
		rename_to(file, &name);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/%s.ES256.%s.%s.pem", keys,
		       name.kid, harm == BAD_STATE ? "Active" : "active",
		       harm == BAD_SINCE ? "01" : "1");
	ck_assert_int_eq(rename(file, path), 0);
}

static void
replace(enum harm harm, const char *file)
{
	char other[PATH_BYTES];

	path_of(".other", other);
	ck_assert_int_eq(rename(file, other), 0);
	if (harm == LINKED)
		ck_assert_int_eq(symlink(other, file), 0);
	else if (harm == FIFO)
		ck_assert_int_eq(mkfifo(file, 0600), 0);
	else
		ck_assert_int_eq(mkdir(file, 0700), 0);
}

static void
change_mode(enum harm harm, const char *file)
{
	static const struct {
		bool of_folder;
		mode_t mode;
	} modes[] = {
		[READABLE] = { false, 0640 },
		[WRITABLE] = { false, 0602 },
		[DIR_OPEN] = { true, 0755 },
		[DIR_GROUP] = { true, 0710 },
	};

	ck_assert_int_eq(chmod(modes[harm].of_folder ? keys : file,
			       modes[harm].mode),
			 0);
}

static void
put_in(const char *name, const char *text)
{
	char path[PATH_BYTES];

	path_of(name, path);
	write_file(path, text, 0600);
}

/* Replaces the folder by another kind of file. */
static void
replace_folder(enum harm harm)
{
	(void)each(drop);
	ck_assert_int_eq(rmdir(keys), 0);
	if (harm == DIR_LINK)
		ck_assert_int_eq(symlink(folder, keys), 0);
	else
		write_file(keys, "x", 0600);
}

static void
other_key(const char *file, struct keyring_name name)
{
	char text[KEYRING_NAME_MAX];

	ck_assert_int_eq(unlink(file), 0);
	name.alg = JWS_EDDSA;
	keyring_name_write(&name, text);
	put_in(text, "-----BEGIN PRIVATE KEY-----\n"
		     "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVp"
		     "ezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n");
}

static void
second_name(const char *file, struct keyring_name name)
{
	char text[KEYRING_NAME_MAX];

	name.state = KEY_RETIRING;
	rename_to(file, &name);
	name.state = KEY_ACTIVE;
	keyring_name_write(&name, text);
	put_in(text, "x");
}

static void
do_harm(enum harm harm, const char *file, struct keyring_name name)
{
	switch (harm) {
	case READABLE:
	case WRITABLE:
	case DIR_OPEN:
	case DIR_GROUP:
		change_mode(harm, file);
		break;
	case EMPTIED:
	case LONG:
		ck_assert_int_eq(truncate(file,
					  harm == LONG ? JWK_FILE_MAX + 1 : 0),
				 0);
		break;
	case GARBAGE:
		write_file(file, "garbage", 0600);
		break;
	case OTHER_KEY:
		other_key(file, name);
		break;
	case STRANGER:
		put_in("README", "x");
		break;
	case BAD_STATE:
	case BAD_ALG:
	case BAD_SINCE:
	case BAD_KID:
		rename_badly(harm, file, name);
		break;
	case TWO_NAMES:
		second_name(file, name);
		break;
	case LINKED:
	case FIFO:
	case FOLDER:
		replace(harm, file);
		break;
	case PUBLIC:
		ck_assert_int_eq(unlink(file), 0);
		put_in(PUBKEY_KID ".EdDSA.active.1.pem", PUBKEY);
		break;
	case DIR_LINK:
	case DIR_FILE:
		replace_folder(harm);
		break;
	}
}

START_TEST(bad_folders_and_files_are_refused)
{
	struct jwk *key = tokens_key(JWS_ES256);
	struct keyring_name name = { .alg = JWS_ES256,
				     .state = KEY_ACTIVE,
				     .since = FAKE_NOW };
	char file[KEYRING_NAME_MAX], path[PATH_BYTES];

	add(JWS_ES256, KEY_ACTIVE);
	(void)load(JWS_NONE);
	memcpy(name.kid, key->kid, sizeof(name.kid));
	keyring_name_write(&name, file);
	path_of(file, path);
	do_harm(harms[_i].harm, path, name);
	assert_refused(harms[_i].hint);
	jwk_free(key);
}
END_TEST

START_TEST(owner_of_the_folder_is_checked)
{
	if (geteuid() != 0)
		return; /* only root can give a file to another user */
	add(JWS_ES256, KEY_ACTIVE);
	ck_assert_int_eq(chown(keys, 65534, 65534), 0);
	assert_refused("belongs to uid 65534");
}
END_TEST

/* The files are counted before any of them is read. */
START_TEST(number_of_keys_is_bounded)
{
	add(JWS_ES256, KEY_ACTIVE);
	for (int i = 1; i <= KEYRING_MAX; i++) {
		struct keyring_name name = { .alg = JWS_ES256,
					     .state = KEY_RETIRING,
					     .since = i };
		char file[KEYRING_NAME_MAX];

		memcpy(name.kid, KID, sizeof(KID));
		name.kid[0] = (char)('A' + i % 26);
		name.kid[1] = (char)('A' + i / 26);
		keyring_name_write(&name, file);
		put_in(file, "x");
		if (i == KEYRING_MAX - 1)
			assert_refused("no PEM block");
	}
	assert_refused("more than 64");
}
END_TEST

START_TEST(file_names_are_refused)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		KID,
		KID ".ES256",
		KID ".ES256.active",
		KID ".ES256.active.1",
		KID ".ES256.active.1.secret",
		KID ".HS256.active.1.pem",
		KID ".none.active.1.pem",
		KID ".ES256.active.-1.pem",
		KID ".ES256.active.+1.pem",
		KID ".ES256.active.01.pem",
		KID ".ES256.active..pem",
		KID ".ES256.active.99999999999999999999.pem",
		KID ".ES256.active.1.pem.bak",
		KID ".ES256.active.1.PEM",
		KID ".ES256.gone.1.pem",
		"A" KID ".ES256.active.1.pem",
		"short.ES256.active.1.pem",
	};
	static const char *const good[] = {
		KID ".ES256.active.0.pem",
		KID ".EdDSA.pending.1.pem",
		KID ".HS512.retiring.9223372036854775807.secret",
	};
	struct keyring_name name;
	char again[KEYRING_NAME_MAX];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!keyring_name_parse(str_from(bad[i]), &name),
			      "the name \"%s\" is accepted", bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(keyring_name_parse(str_from(good[i]), &name),
			      "the name \"%s\" is refused", good[i]);
		keyring_name_write(&name, again);
		ck_assert_str_eq(again, good[i]);
	}
}
END_TEST

static const struct {
	const char *text;
	mode_t mode;
	enum jws_alg alg;
	const char *hint;
} secrets[] = {
	{ "0123456789abcdef0123456789abcde\n", 0600, JWS_NONE, NULL },
	{ "0123456789abcdef0123456789abcde\n", 0400, JWS_HS256, NULL },
	{ "0123456789abcdef0123456789abcde\n", 0440, JWS_HS256, NULL },
	{ "0123456789abcdef0123456789abcde\n", 0460, JWS_HS256, "chmod" },
	{ "0123456789abcdef0123456789abcde\n", 0644, JWS_HS256, "chmod" },
	{ "0123456789abcdef0123456789abcde\n", 0602, JWS_HS256, "chmod" },
	{ "0123456789abcdef0123456789abcde\n", 0600, JWS_HS384, "48 to" },
	{ "0123456789abcdef0123456789abcde\n", 0600, JWS_RS256, "key pair" },
	{ "0123456789abcdef0123456789abcde", 0600, JWS_HS256, "32 to" },
	{ "", 0600, JWS_HS256, "empty" },
	{ PUBKEY, 0600, JWS_HS256, "looks like" },
};

START_TEST(secret_files_are_checked)
{
	struct keyring r = { .n = 77 };
	struct err err = { .msg = "" };
	int rc;

	write_file(keys, secrets[_i].text, secrets[_i].mode);
	rc = keyring_load_secret(keys, secrets[_i].alg, arena, &r, &err);
	ck_assert_msg((rc == 0) == (secrets[_i].hint == NULL), "row %d: %s", _i,
		      err.msg);
	if (rc != 0) {
		ck_assert_msg(strstr(err.msg, secrets[_i].hint) != NULL, "%s",
			      err.msg);
		ck_assert_uint_eq(r.n, 77);
		return;
	}
	ck_assert_uint_eq(r.n, 1);
	ck_assert_ptr_eq(r.signer, r.v[0].key);
	ck_assert(str_eq(r.signer->secret, str_from(secrets[_i].text)));
	ck_assert_int_eq(r.signer->alg, JWS_HS256);
	ck_assert_ptr_null(r.v[0].file);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("keyring_refused");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, bad_folders_and_files_are_refused, 0,
			    ARRAY_LEN(harms));
	tcase_add_test(t, owner_of_the_folder_is_checked);
	tcase_add_test(t, number_of_keys_is_bounded);
	tcase_add_test(t, file_names_are_refused);
	tcase_add_loop_test(t, secret_files_are_checked, 0, ARRAY_LEN(secrets));
	return run_case(t);
}
