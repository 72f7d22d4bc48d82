/* SPDX-License-Identifier: MIT */
/*
 * The keys under which failed sign-ins are counted. An administrator lists and
 * lifts bans by them:
 *
 *	user:NAME		a user, in networks where they have not
 *				signed in before
 *	known:NAME:HASH		a user, in one network where they have
 *	addr:ADDRESS		an IPv4 address; of IPv6 the /64, first address
 *	net:ADDRESS		of IPv6 the /48, first address
 *
 * NAME is in lower case. A user source may ignore case: then a user has one
 * key however the name was typed. If it does not, the ban does not disclose
 * the case of the stored name.
 */
#ifndef AUTH_BAN_KEY_H
#define AUTH_BAN_KEY_H

#include "strategy/session_store.h"

struct arena;

enum ban_kind { BAN_USER, BAN_KNOWN, BAN_ADDRESS, BAN_NETWORK, BAN_KINDS };

extern const struct ban_kind_name {
	const char *prefix;
	const char *kind; /* of what: user, address, network */
	const char *reason; /* a word, for the audit log and JSON */
	const char *text; /* for a person */
} ban_kind_names[BAN_KINDS];

/* A text that cannot be a name is `!`, whatever was sent; if it may be an
 * e-mail address, it is `@` and a digest of it. */
int ban_key_user(struct arena *a, struct str user, struct str *key,
		 struct err *err) MUST_USE;
int ban_key_known(struct arena *a, struct str user,
		  const struct known_network *network, struct str *key,
		  struct err *err) MUST_USE;

/*
 * The keys under which requests for a new password by mail are counted. They
 * are counted without bans (store_count()), so no list of bans shows them.
 *
 *	mail-user:NAME		mails to a user
 *	mail-addr:ADDRESS	an address, as in addr:ADDRESS
 *	mail-net:ADDRESS	as in net:ADDRESS
 *
 * `what` is the key without `mail-`.
 */
int ban_key_mail(struct arena *a, struct str what, struct str *key,
		 struct err *err) MUST_USE;

#define BAN_ADDRESS_KEYS 2

/* Both of an IPv6 address, of another the first: *n; the second is empty then.
 * What is no address counts as it is written. */
int ban_key_address(struct arena *a, struct str address,
		    struct str keys[BAN_ADDRESS_KEYS], size_t *n,
		    struct err *err) MUST_USE;

/* False: it is no key of these. *value is the name or address in it. */
bool ban_key_read(struct str key, enum ban_kind *kind,
		  struct str *value) MUST_USE;

#endif
