/* SPDX-License-Identifier: MIT */
/*
 * The section [mail]: its options (conf/sections.h), their checks, and rules
 * over several of them (conf/checks.h).
 */
#ifndef CONF_MAIL_H
#define CONF_MAIL_H

#include "conf/option.h"

struct err;
struct mail_settings;
struct settings;

extern const struct option mail_options[];

/* If the section has any key, it must have `from`, and either smtp or
 * command. */
int mail_has_sender(const struct settings *s, struct err *err) MUST_USE;
int mail_has_one_way(const struct settings *s, struct err *err) MUST_USE;

/* Keys that apply to smtp only must not be set beside command; a user name
 * needs a password, and the other way round; smtps:// needs TLS. */
int mail_keys_suit_way(const struct settings *s, struct err *err) MUST_USE;

/* A warning: there is no factor store, where the mail waits. */
int mail_has_outbox(const struct settings *s, struct err *err) MUST_USE;

/* A warning: mail goes through a network without TLS. */
int mail_is_encrypted(const struct settings *s, struct err *err) MUST_USE;

/* Returns true when mail can be sent. */
bool mail_is_configured(const struct mail_settings *set);

/* Returns the key that says how mail is sent, `smtp` or `command`. */
const char *mail_way(const struct mail_settings *set);

#endif
