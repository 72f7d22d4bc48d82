/* SPDX-License-Identifier: MIT */
/* fcgiauthd: the command line. */
#include "server/daemon.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "strategy/registry.h"
#include "base/buf.h"
#include "base/secret.h"

/* LeakSanitizer uses ptrace(2) as our user, so keep_secrets() must not forbid
 * it in a sanitizer build. */
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif

#define DEFAULT_CONFIG SYSCONFDIR "/fcgiauth/fcgiauth.ini"
#define DUMP_LIMIT     (1024 * 1024)

struct command_line {
	char *const *argv;
	const char *config_file;
	int (*run)(const struct command_line *line);
};

static int
print(struct str text)
{
	return fwrite(text.p, 1, text.n, stdout) == text.n &&
		       fflush(stdout) == 0 ?
		   0 :
		   -1;
}

static int
server_serve(const struct command_line *line)
{
	struct daemon d;
	int rc;

	daemon_block_signals();
	if (daemon_init(&d, line->config_file, false) != 0)
		return -1;
	rc = daemon_run(&d, line->argv);
	daemon_free(&d);
	return rc;
}

static int
server_check(const struct command_line *line)
{
	struct daemon d;
	int rc;

	if (daemon_init(&d, line->config_file, true) != 0)
		return -1;
	rc = daemon_check(&d);
	daemon_free(&d);
	return rc;
}

static int
server_dump(const struct command_line *line)
{
	struct daemon d;
	struct buf out;
	int rc;

	if (daemon_init(&d, line->config_file, true) != 0)
		return -1;
	buf_init(&out, d.slot.current->arena, DUMP_LIMIT);
	settings_dump(&d.slot.current->settings, &out);
	rc = buf_failed(&out) ? -1 : print(buf_str(&out));
	daemon_free(&d);
	return rc;
}

static void
list_one(const char *kind, const struct driver *b)
{
	(void)printf("%-7s %-10s %s%s\n", kind, b->name,
		     b->conf_size > 0 ? "" : "(not compiled in) ", b->summary);
}

static int
list_backends(const struct command_line *line)
{
	(void)line;
	for (size_t i = 0; i < registry_nmodes; i++)
		list_one("mode", &registry_modes[i]->driver);
	for (size_t i = 0; i < registry_nstores; i++)
		list_one("store", &registry_stores[i]->base.driver);
	for (size_t i = 0; i < registry_nusers; i++)
		list_one("users", &registry_users[i]->base.driver);
	for (size_t i = 0; i < registry_nfactors; i++)
		list_one("factors", &registry_factors[i]->base.driver);
	return fflush(stdout) == 0 ? 0 : -1;
}

static int
version(const struct command_line *line)
{
	(void)line;
	return print(STR("fcgiauthd " PACKAGE_VERSION "\n"));
}

static int
help(const struct command_line *line)
{
	(void)line;
	return print(STR(
	    "usage: fcgiauthd [-c FILE] [--check | --dump-config]\n"
	    "       fcgiauthd --list-backends | --version | --help\n"
	    "\n"
	    "  -c FILE          configuration (" DEFAULT_CONFIG ")\n"
	    "  --check          check the configuration and what it refers to\n"
	    "  --dump-config    print the settings in effect\n"
	    "  --list-backends  print the modes and backends\n"
	    "\n"
	    "SIGHUP reloads the configuration, SIGUSR2 starts a successor,\n"
	    "SIGTERM ends the service.\n"));
}

static const struct {
	const char *word;
	int (*run)(const struct command_line *line);
} actions[] = {
	{ "--check", server_check },
	{ "--dump-config", server_dump },
	{ "--list-backends", list_backends },
	{ "--version", version },
	{ "--help", help },
};

/* Returns false when the command line cannot be understood. */
static bool
server_parse(int argc, char **argv, struct command_line *out)
{
	for (int i = 1; i < argc; i++) {
		bool known = false;

		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
			out->config_file = argv[++i];
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(actions); k++) {
			if (strcmp(argv[i], actions[k].word) == 0) {
				known = out->run == server_serve;
				out->run = actions[k].run;
			}
		}
		if (!known) {
			(void)fprintf(stderr,
				      "fcgiauthd: %s: unexpected argument; "
				      "see fcgiauthd --help\n",
				      argv[i]);
			return false;
		}
	}
	return true;
}

/* Protects passwords and keys in memory: no core file, no ptrace(2) by other
 * processes of the same user, and freed memory of libraries is wiped. */
static void
keep_secrets(void)
{
#ifndef WATCHED
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); /* cannot fail */
#endif
	json_set_alloc_funcs(malloc, secret_free);
}

int
main(int argc, char **argv)
{
	struct command_line line = { .argv = argv,
				     .config_file = DEFAULT_CONFIG,
				     .run = server_serve };

	if (!server_parse(argc, argv, &line))
		return EXIT_FAILURE;
	keep_secrets();
	return line.run(&line) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
