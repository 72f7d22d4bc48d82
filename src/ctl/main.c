/* SPDX-License-Identifier: MIT */
/* fcgiauthctl: the administrator's tool. One table lists its commands. */
#include "ctl/ctl.h"

#include "base/secret.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX ((size_t)1024 * 1024 * 1024)

#define IDENTITY "[--role R]... [--email E] [--name N]"

#define JSON FLAG_BIT(FLAG_JSON)
#define ROLE FLAG_BIT(FLAG_ROLE)
#define TEXT (FLAG_BIT(FLAG_EMAIL) | FLAG_BIT(FLAG_NAME))
#define PASS FLAG_BIT(FLAG_PASSWORD_STDIN)
#define USER FLAG_BIT(FLAG_USER)
#define ALG  FLAG_BIT(FLAG_ALG)
#define NOW  FLAG_BIT(FLAG_NOW)
#define MUST FLAG_BIT(FLAG_MUST_CHANGE)
#define LINK (FLAG_BIT(FLAG_TTL) | FLAG_BIT(FLAG_URL))

/* group, verb, usage, help, flags, min, max, run, check */
/* clang-format off */
static const struct ctl_command commands[] = {
	{ "user", "add", "NAME " IDENTITY " [--must-change] [--password-stdin]",
	  "add a user; asks for the password",
	  ROLE | TEXT | MUST | PASS, 1, 1, user_add, NULL },
	{ "user", "list", "[--json]",
	  "list the users",
	  JSON, 0, 0, user_list, NULL },
	{ "user", "show", "NAME [--json]",
	  "show one user",
	  JSON, 1, 1, user_show, NULL },
	{ "user", "passwd", "NAME [--must-change] [--password-stdin]",
	  "set a new password and end the sessions",
	  MUST | PASS, 1, 1, user_passwd, NULL },
	{ "user", "set",
	  "NAME [--no-roles] " IDENTITY " [--must-change | --no-must-change]",
	  "replace the given attributes, also in live sessions",
	  ROLE | FLAG_BIT(FLAG_NO_ROLES) | TEXT | MUST |
	  FLAG_BIT(FLAG_NO_MUST_CHANGE), 1, 1, user_set, user_set_check },
	{ "user", "disable", "NAME",
	  "refuse sign-ins and end the sessions",
	  0, 1, 1, user_disable, NULL },
	{ "user", "enable", "NAME",
	  "allow sign-ins again",
	  0, 1, 1, user_enable, NULL },
	{ "user", "delete", "NAME",
	  "delete a user and end the sessions",
	  0, 1, 1, user_delete, NULL },
	{ "user", "import", "FILE [--dry-run]",
	  "add and change users from a file; - reads stdin",
	  FLAG_BIT(FLAG_DRY_RUN), 1, 1, user_import, NULL },
	{ "user", "export", "",
	  "print the users with their password hashes, for import",
	  0, 0, 0, user_export, NULL },
	{ "session", "list", "[--user NAME | --count] [--json]",
	  "list the live sessions, or count them",
	  USER | FLAG_BIT(FLAG_HOW_MANY) | JSON, 0, 0, session_list,
	  session_list_check },
	{ "session", "revoke", "(ID | --user NAME | --all)",
	  "end sessions",
	  USER | FLAG_BIT(FLAG_ALL), 0, 1, session_revoke,
	  session_revoke_check },
	{ "ban", "list", "[--json]",
	  "list the bans in force",
	  JSON, 0, 0, ban_list, NULL },
	{ "ban", "lift", "(--user NAME | --ip ADDR)",
	  "lift a ban",
	  USER | FLAG_BIT(FLAG_IP), 0, 0, ban_lift, ban_lift_check },
	{ "key", "list", "[--json]",
	  "list the keys that sign and check tokens",
	  JSON, 0, 0, key_list, NULL },
	{ "key", "generate", "[--alg A]",
	  "create a pending key, which is published and does not sign",
	  ALG, 0, 0, key_generate, NULL },
	{ "key", "import", "FILE [--alg A]",
	  "add a pending key from a PEM or JWK file",
	  ALG, 1, 1, key_import, NULL },
	{ "key", "rotate", "[--now]",
	  "make the next key active and the active key retiring",
	  NOW, 0, 0, key_rotate, NULL },
	{ "key", "retire", "KID [--now]",
	  "remove a key that does not sign",
	  NOW, 1, 1, key_retire, NULL },
	{ "token", "issue", "--user NAME [--ttl D]",
	  "print an access token for a user",
	  USER | FLAG_BIT(FLAG_TTL), 0, 0, token_issue, token_issue_check },
	{ "token", "inspect",
	  "[--key FILE [--alg A]] [--signature-only] [--json] (TOKEN | -)",
	  "print whether a token is valid, or why not; - reads stdin",
	  FLAG_BIT(FLAG_KEY) | ALG | FLAG_BIT(FLAG_SIGNATURE_ONLY) | JSON, 1,
	  1, token_inspect, token_inspect_check },
	{ "rule", "test", "METHOD URL [--user NAME] [--ip ADDR] [--json]",
	  "print the verdict of the rules on a request, and why",
	  USER | FLAG_BIT(FLAG_IP) | JSON, 2, 2, rule_test, NULL },
	{ "link", "reset", "NAME [--ttl D] [--url ORIGIN]",
	  "print a link with which a user sets a new password",
	  LINK, 1, 1, link_reset, NULL },
	{ "link", "invite", "[NAME] [--role R]... [--ttl D] [--url ORIGIN]",
	  "print a link with which a person becomes a user",
	  LINK | ROLE, 0, 1, link_invite, NULL },
	{ "mail", "test", "ADDRESS",
	  "send a test message at once",
	  0, 1, 1, mail_test, mail_test_check },
	{ "webserver", "check", "[FILE] [--json]",
	  "print what the web server leaves open; - reads stdin",
	  JSON, 0, 1, webserver_check, NULL },
	{ "store", "migrate", "",
	  "migrate the schemas to this version",
	  0, 0, 0, schema_migrate, NULL },
	{ "store", "status", "[--json]",
	  "print the schemas, and whether they can be used",
	  JSON, 0, 0, schema_status, NULL },
	{ "status", "", "[--watch [SECONDS]] [--json]",
	  "print how many are signed in, what was counted, and what is down",
	  FLAG_BIT(FLAG_WATCH) | JSON, 0, 1, status_show, status_check },
	{ "config", "check", "",
	  "check the configuration and what it refers to",
	  0, 0, 0, config_check, NULL },
	{ "config", "show", "[--json]",
	  "print the settings in effect, with secrets masked",
	  JSON, 0, 0, config_show, NULL },
};
/* clang-format on */

/* The flags that every command takes. */
static const unsigned common =
    FLAG_BIT(FLAG_CONFIG) | FLAG_BIT(FLAG_HELP) | FLAG_BIT(FLAG_VERSION);

/* Prints the commands that begin with the given words; returns their number. */
static size_t
print_commands(FILE *out, const struct args *args)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct ctl_command *k = &commands[i];

		if ((args->nwords > 0 &&
		     strcmp(args->words[0], k->group) != 0) ||
		    (args->nwords > 1 && k->verb[0] != '\0' &&
		     strcmp(args->words[1], k->verb) != 0))
			continue;
		if (n++ == 0)
			(void)fputs("usage: fcgiauthctl [-c FILE] COMMAND\n",
				    out);
		(void)fprintf(out, "  %s%s%s%s%s\n      %s\n", k->group,
			      k->verb[0] == '\0' ? "" : " ", k->verb,
			      k->usage[0] == '\0' ? "" : " ", k->usage,
			      k->help);
	}
	return n;
}

/* The words of a command: its group, and its verb if it has one. */
static size_t
command_words(const struct ctl_command *k)
{
	return k->verb[0] == '\0' ? 1 : 2;
}

static bool
names_command(const struct args *args, const struct ctl_command *k)
{
	return args->nwords >= command_words(k) &&
	       strcmp(args->words[0], k->group) == 0 &&
	       (k->verb[0] == '\0' || strcmp(args->words[1], k->verb) == 0);
}

static enum ctl_exit
find_command(struct ctl *c)
{
	const struct args *args = c->args;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (names_command(args, &commands[i])) {
			c->command = &commands[i];
			return CTL_DONE;
		}
	}
	if (args->nwords < 2 && print_commands(stderr, args) > 0)
		return CTL_USAGE;
	return ctl_usage(c, "unknown command: %s%s%s", args->words[0],
			 args->nwords > 1 ? " " : "",
			 args->nwords > 1 ? args->words[1] : "");
}

static bool
role_twice(const struct args *args)
{
	for (size_t i = 0; i < args->nroles; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(args->roles[i], args->roles[k]) == 0)
				return true;
		}
	}
	return false;
}

/* Checks that the command takes the flags and words that are given. */
static enum ctl_exit
check_command(struct ctl *c)
{
	unsigned alien = c->args->given & ~(c->command->flags | common);
	size_t words = c->args->nwords - command_words(c->command);

	for (unsigned flag = 0; flag < FLAG_COUNT; flag++) {
		if ((alien & FLAG_BIT(flag)) != 0)
			return ctl_usage(c, "%s is not for this command",
					 args_flag_name(flag));
	}
	if (words < c->command->min)
		return ctl_usage(c, "missing argument");
	/* The argument is not quoted: it may be a password. */
	if (words > c->command->max)
		return ctl_usage(c, "too many arguments");
	if (role_twice(c->args))
		return ctl_usage(c, "a role is given twice");
	c->operand =
	    words > 0 ? c->args->words[command_words(c->command)] : NULL;
	return c->command->check == NULL ? CTL_DONE : c->command->check(c);
}

/* Checking a signature with a given key needs no configuration; neither do the
 * files of a web server. */
static bool
needs_settings(const struct ctl *c)
{
	if (c->command->run == webserver_check)
		return false;
	return !ctl_given(c, FLAG_SIGNATURE_ONLY) || !ctl_given(c, FLAG_KEY);
}

static enum ctl_exit
ctl_run(struct ctl *c)
{
	enum ctl_exit status;

	if (ctl_given(c, FLAG_VERSION)) {
		(void)printf("fcgiauthctl %s\n", PACKAGE_VERSION);
		return CTL_DONE;
	}
	if (ctl_given(c, FLAG_HELP) && print_commands(stdout, c->args) > 0)
		return CTL_DONE;
	status = find_command(c);
	if (status == CTL_DONE)
		status = check_command(c);
	if (status == CTL_DONE && needs_settings(c))
		status = ctl_load_settings(c);
	return status == CTL_DONE ? c->command->run(c) : status;
}

/* Uses the login uid, which su and sudo keep; if there is none, the name of the
 * uid. */
static struct ctl_caller
find_caller(void)
{
	struct ctl_caller caller = { .uid = getuid() };
	const struct passwd *user;

	if (getlogin_r(caller.login, sizeof(caller.login)) == 0)
		return caller;
	user = getpwuid(caller.uid);
	(void)snprintf(caller.login, sizeof(caller.login), "%s",
		       user == NULL ? "" : user->pw_name);
	return caller;
}

int
main(int argc, char **argv)
{
	struct ctl c = {
		.arena = arena_new(ARENA_MAX),
		.log = { .fd = STDERR_FILENO,
			 .level = LOG_WARNING,
			 .format = LOG_TEXT },
	};
	enum ctl_exit status;
	struct args args;
	struct err err;

	json_set_alloc_funcs(malloc, secret_free);
	(void)setlocale(LC_CTYPE, ""); /* in the C locale more is escaped */
	(void)umask(077);
	/* A reader of the output that goes away must not end a change
	 * halfway. */
	(void)signal(SIGPIPE, SIG_IGN);
	c.env = env_real(&c.log);
	c.log.wall_ms = c.env.clock.wall_ms;
	c.caller = find_caller();
	if (c.arena == NULL || crypto_init() != 0)
		return (int)ctl_refuse("cannot start: out of memory or no "
				       "random numbers");
	c.args = &args;
	if (args_parse(c.arena, argc, argv, &args, &err) == 0)
		status = ctl_run(&c);
	else
		status = ctl_usage(&c, "%s", err.msg);
	ctl_close(&c);
	arena_free(c.arena);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return (int)ctl_refuse("cannot write the output");
	return (int)status;
}
