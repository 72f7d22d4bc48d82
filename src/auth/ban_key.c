/* SPDX-License-Identifier: MIT */
/* The keys under which failed sign-ins are counted. */
#include "auth/ban_key.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/network.h"
#include "crypto/digest.h"

/* The longest: a name and a hash. */
#define KEY_MAX 128

#define ADDRESS_DIGEST_BYTES 16

const struct ban_kind_name ban_kind_names[BAN_KINDS] = {
	[BAN_USER] = { "user:", "user", "user", "user" },
	[BAN_KNOWN] = { "known:", "user", "known_network",
			"user at a known network" },
	[BAN_ADDRESS] = { "addr:", "address", "address", "address" },
	[BAN_NETWORK] = { "net:", "network", "network", "network /48" },
};

static void
ban_key_begin(struct buf *b, struct arena *a, enum ban_kind kind)
{
	buf_init(b, a, KEY_MAX);
	buf_add_cstr(b, ban_kind_names[kind].prefix);
}

static int
ban_key_end(const struct buf *b, struct str *key, struct err *err)
{
	if (buf_failed(b))
		return err_nomem(err);
	*key = buf_str(b);
	return 0;
}

/* Adds a text that may be the e-mail address of somebody: each such text needs
 * a key of its own, or the ban of one would tell about the others. It is kept
 * as a digest, because it may also be a password. */
static void
ban_key_add_address(struct buf *b, struct str address)
{
	char hex[HEX_LEN(ADDRESS_DIGEST_BYTES)];
	uint8_t digest[DIGEST_BYTES];

	digest_sha256(address, digest);
	hex_encode(digest, ADDRESS_DIGEST_BYTES, hex);
	buf_add_char(b, '@');
	buf_add(b, (struct str){ .p = hex, .n = sizeof(hex) });
}

static void
ban_key_add_name(struct buf *b, struct str user)
{
	char lower[IDENTITY_TEXT_MAX];
	struct str folded = { .p = lower, .n = user.n };

	if (!identity_text_is_valid(user)) {
		buf_add_char(b, '!');
		return;
	}
	for (size_t i = 0; i < user.n; i++) {
		const char c = user.p[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	if (identity_name_is_valid(user))
		buf_add(b, folded);
	else if (str_find(user, '@') < user.n)
		ban_key_add_address(b, folded);
	else
		buf_add_char(b, '!');
}

int
ban_key_user(struct arena *a, struct str user, struct str *key, struct err *err)
{
	struct buf b;

	ban_key_begin(&b, a, BAN_USER);
	ban_key_add_name(&b, user);
	return ban_key_end(&b, key, err);
}

int
ban_key_known(struct arena *a, struct str user,
	      const struct known_network *network, struct str *key,
	      struct err *err)
{
	char hash[HEX_LEN(NETWORK_HASH_BYTES)];
	struct buf b;

	hex_encode(network->b, sizeof(network->b), hash);
	ban_key_begin(&b, a, BAN_KNOWN);
	ban_key_add_name(&b, user);
	buf_add_char(&b, ':');
	buf_add(&b, (struct str){ .p = hash, .n = sizeof(hash) });
	return ban_key_end(&b, key, err);
}

int
ban_key_mail(struct arena *a, struct str what, struct str *key, struct err *err)
{
	struct buf b;

	buf_init(&b, a, KEY_MAX);
	buf_add(&b, STR("mail-"));
	buf_add(&b, what);
	return ban_key_end(&b, key, err);
}

/* The first `bytes` of it, zeros for the rest. */
static int
address_key(struct arena *a, const struct address *address, size_t bytes,
	    enum ban_kind kind, struct str *key, struct err *err)
{
	struct address cut = { .v4 = address->v4 };
	char text[INET6_ADDRSTRLEN];
	struct buf b;

	memcpy(cut.b, address->b, bytes);
	if (inet_ntop(cut.v4 ? AF_INET : AF_INET6, cut.b, text, sizeof(text)) ==
	    NULL)
		return err_set(err, ERR_INTERNAL, "inet_ntop");
	ban_key_begin(&b, a, kind);
	buf_add_cstr(&b, text);
	return ban_key_end(&b, key, err);
}

/* A household or a server has a /64 of its own, and perhaps a /48. */
int
ban_key_address(struct arena *a, struct str address,
		struct str keys[BAN_ADDRESS_KEYS], size_t *n, struct err *err)
{
	struct str own, wider = STR("");
	struct address parsed;
	struct buf b;
	bool v6 = false;
	int rc;

	if (address_parse(address, &parsed)) {
		v6 = !parsed.v4;
		rc =
		    address_key(a, &parsed, v6 ? 8 : 4, BAN_ADDRESS, &own, err);
	} else {
		ban_key_begin(&b, a, BAN_ADDRESS);
		buf_add(&b, str_clip(address, KEY_MAX / 2));
		rc = ban_key_end(&b, &own, err);
	}
	if (rc != 0 ||
	    (v6 && address_key(a, &parsed, 6, BAN_NETWORK, &wider, err) != 0))
		return -1;
	keys[0] = own;
	keys[1] = wider;
	*n = v6 ? 2 : 1;
	return 0;
}

bool
ban_key_read(struct str key, enum ban_kind *kind, struct str *value)
{
	for (size_t i = 0; i < BAN_KINDS; i++) {
		struct str prefix = str_from(ban_kind_names[i].prefix);

		if (!str_starts(key, prefix))
			continue;
		*kind = (enum ban_kind)i;
		*value = str_skip(key, prefix.n);
		if (i == BAN_KNOWN)
			value->n = str_find(*value, ':');
		return true;
	}
	return false;
}
