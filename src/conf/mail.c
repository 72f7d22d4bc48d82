/* SPDX-License-Identifier: MIT */
/* The section [mail]: its options, their checks, and rules over several of
 * them. */
#include "conf/mail.h"

#include "base/err.h"
#include "base/mailbox.h"
#include "conf/factors.h"
#include "conf/settings.h"
#include "conf/syntax.h"

static const struct str smtp_scheme = { .p = "smtp://", .n = 7 };
static const struct str smtps_scheme = { .p = "smtps://", .n = 8 };

static int
check_mail_from(const void *field, struct err *err)
{
	struct mailbox from;

	if (mailbox_parse(*(const struct str *)field, &from))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be an address in ASCII, such as "
		       "login@example.com, or a name and an address, such as "
		       "Login <login@example.com>");
}

/* Splits smtp://HOST:PORT; returns false for any other text. */
static bool
split_server(struct str s, struct str *host, struct str *port)
{
	size_t colon = s.n;

	if (str_starts(s, smtp_scheme))
		s = str_skip(s, smtp_scheme.n);
	else if (str_starts(s, smtps_scheme))
		s = str_skip(s, smtps_scheme.n);
	else
		return false;
	for (colon = s.n; colon > 0 && s.p[colon - 1] != ':'; colon--)
		continue;
	if (colon == 0)
		return false;
	*host = (struct str){ .p = s.p, .n = colon - 1 };
	*port = str_skip(s, colon);
	return syntax_is_port(*port) &&
	       (syntax_is_host(*host) || syntax_is_ipv6(*host));
}

static int
check_mail_smtp(const void *field, struct err *err)
{
	struct str host, port;

	if (split_server(*(const struct str *)field, &host, &port))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be smtp://HOST:PORT or smtps://HOST:PORT");
}

static int
check_mail_command(const void *field, struct err *err)
{
	const struct words *command = field;

	if (str_starts(command->v[0], STR("/")))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must begin with the absolute path of a program");
}

const struct option mail_options[] = {
	OPTION(STR, struct mail_settings, from, .min = 1, .max = 400,
	       .check = check_mail_from,
	       .help = "The sender of all mail, as an address in ASCII or as "
		       "a name and an address: Login <login@example.com>. "
		       "The relay must accept the address, and the domain "
		       "should permit the relay (SPF, DKIM). Empty means "
		       "that no mail is sent."),
	OPTION(STR, struct mail_settings, smtp, .min = 1, .max = 300,
	       .check = check_mail_smtp,
	       .help = "The SMTP server that takes the mail, as "
		       "smtp://HOST:PORT or smtps://HOST:PORT. With smtp, "
		       "which usually has port 587, TLS begins with STARTTLS; "
		       "with smtps, usually port 465, it begins at once. The "
		       "program must have been built with libcurl."),
	OPTION(WORDS, struct mail_settings, command, .min = 1, .max = 32,
	       .check = check_mail_command,
	       .help = "Instead of smtp: a program that reads the message, "
		       "with its arguments, such as /usr/sbin/sendmail -t "
		       "-i. It finds the recipient in the header To. It is "
		       "run without a shell: blanks separate the arguments, "
		       "and quotes have no meaning. It has an environment of "
		       "its own, and is killed after 30 seconds. Exit status "
		       "0 means that the message was taken, 65 or 67 that it "
		       "never will be; after any other status the service "
		       "tries again. The program runs with the rights of the "
		       "service: under the supplied systemd unit it gains no "
		       "others by setuid or setgid, as Postfix and dma need, "
		       "so use smtp with them."),
	OPTION(STR, struct mail_settings, username, .min = 1, .max = 256,
	       .help = "With smtp: the name to sign in with. Empty means "
		       "that the service does not sign in to the server."),
	OPTION(SECRET, struct mail_settings, password, .min = 1, .max = 1024,
	       .help = "With smtp: the password for username."),
	OPTION(BOOL, struct mail_settings, tls, .def = "yes",
	       .help = "With smtp://: whether TLS is required. With no, the "
		       "mail and the password are sent in plain text, which "
		       "is for a relay on the same machine only."),
	OPTION(PATH, struct mail_settings, ca_file,
	       .help = "With smtp: a PEM file of the certificate authorities "
		       "that may vouch for the server, instead of those of "
		       "the system."),
	OPTION_END,
};

static bool
is_used(const struct mail_settings *set)
{
	return set->from.n > 0 || set->smtp.n > 0 || set->command.n > 0 ||
	       set->username.n > 0 || set->password.n > 0 || !set->tls ||
	       set->ca_file != NULL;
}

bool
mail_is_configured(const struct mail_settings *set)
{
	return set->from.n > 0;
}

const char *
mail_way(const struct mail_settings *set)
{
	return set->smtp.n > 0 ? "smtp" : "command";
}

int
mail_has_sender(const struct settings *s, struct err *err)
{
	if (s->mail.from.n > 0 || !is_used(&s->mail))
		return 0;
	return err_set(err, ERR_CONFIG, "must be set");
}

int
mail_has_one_way(const struct settings *s, struct err *err)
{
	const bool smtp = s->mail.smtp.n > 0, command = s->mail.command.n > 0;

	if (!is_used(&s->mail) || smtp != command)
		return 0;
	if (smtp)
		return err_set(err, ERR_CONFIG,
			       "give either smtp or command, not both");
	return err_set(err, ERR_CONFIG, "smtp or command must be set");
}

int
mail_keys_suit_way(const struct settings *s, struct err *err)
{
	const struct mail_settings *set = &s->mail;

	if (set->smtp.n == 0) {
		if (set->username.n == 0 && set->password.n == 0 && set->tls &&
		    set->ca_file == NULL)
			return 0;
		return err_set(err, ERR_CONFIG,
			       "username, password, tls and ca_file are for "
			       "smtp and have no effect on a command");
	}
	if ((set->username.n == 0) != (set->password.n == 0))
		return err_set(err, ERR_CONFIG,
			       "username and password must be given "
			       "together");
	if (!set->tls && str_starts(set->smtp, smtps_scheme))
		return err_set(err, ERR_CONFIG,
			       "smtps:// always uses TLS, but tls is no");
	return 0;
}

int
mail_has_outbox(const struct settings *s, struct err *err)
{
	if (!mail_is_configured(&s->mail) || !factors_are_none(s))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is set, but [factors] is none: mail waits in the "
		       "factor store, so only fcgiauthctl mail test sends any");
}

int
mail_is_encrypted(const struct settings *s, struct err *err)
{
	struct str host, port;

	if (s->mail.tls || !split_server(s->mail.smtp, &host, &port) ||
	    syntax_is_loopback(host))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is no, and the server is on another machine: anybody "
		       "on the network can read the links and the password");
}
