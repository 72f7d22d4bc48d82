/* SPDX-License-Identifier: MIT */
/* The command line as flags and words. */
#include "ctl/args.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <string.h>

#include "crypto/jwk.h"

static const struct spec {
	const char *name, *brief;
	bool value, repeats;
} specs[FLAG_COUNT] = {
	[FLAG_CONFIG] = { .name = "--config", .brief = "-c", .value = true },
	[FLAG_HELP] = { .name = "--help", .brief = "-h" },
	[FLAG_VERSION] = { .name = "--version", .brief = "-V" },
	[FLAG_JSON] = { .name = "--json" },
	[FLAG_ROLE] = { .name = "--role", .value = true, .repeats = true },
	[FLAG_NO_ROLES] = { .name = "--no-roles" },
	[FLAG_EMAIL] = { .name = "--email", .value = true },
	[FLAG_NAME] = { .name = "--name", .value = true },
	[FLAG_USER] = { .name = "--user", .value = true },
	[FLAG_IP] = { .name = "--ip", .value = true },
	[FLAG_ALL] = { .name = "--all" },
	[FLAG_HOW_MANY] = { .name = "--count" },
	[FLAG_PASSWORD_STDIN] = { .name = "--password-stdin" },
	[FLAG_ALG] = { .name = "--alg", .value = true },
	[FLAG_KEY] = { .name = "--key", .value = true },
	[FLAG_NOW] = { .name = "--now" },
	[FLAG_SIGNATURE_ONLY] = { .name = "--signature-only" },
	[FLAG_TTL] = { .name = "--ttl", .value = true },
	[FLAG_WATCH] = { .name = "--watch" },
	[FLAG_DRY_RUN] = { .name = "--dry-run" },
	[FLAG_URL] = { .name = "--url", .value = true },
	[FLAG_MUST_CHANGE] = { .name = "--must-change" },
	[FLAG_NO_MUST_CHANGE] = { .name = "--no-must-change" },
};

const char *
args_flag_name(enum flag flag)
{
	return specs[flag].name;
}

/* Returns FLAG_COUNT when there is no flag of that name. */
static size_t
find_flag(struct str name)
{
	size_t i = 0;

	while (i < FLAG_COUNT && !str_eq(str_from(specs[i].name), name) &&
	       !(specs[i].brief != NULL &&
		 str_eq(str_from(specs[i].brief), name)))
		i++;
	return i;
}

/* Takes the flag argv[*at]; moves *at on if its value is the next argument. */
static int
take_flag(struct args *args, int argc, char **argv, int *at, struct err *err)
{
	struct str rest = str_from(argv[*at]);
	const char *equals = strchr(argv[*at], '=');
	const struct spec *spec;
	const char *value = NULL;
	struct str name;
	size_t flag;

	(void)str_cut(&rest, '=', &name); /* cannot fail: rest is not empty */
	flag = find_flag(name);
	if (flag == FLAG_COUNT)
		return err_set(err, ERR_INPUT, "unknown option %.*s",
			       STR_ARG(name));
	spec = &specs[flag];
	if ((args->given & FLAG_BIT(flag)) != 0 && !spec->repeats)
		return err_set(err, ERR_INPUT, "%s is given twice", spec->name);
	if (!spec->value && equals != NULL)
		return err_set(err, ERR_INPUT, "%s takes no value", spec->name);
	if (spec->value && equals != NULL)
		value = equals + 1;
	else if (spec->value && *at + 1 < argc)
		value = argv[++*at];
	if (spec->value && value == NULL)
		return err_set(err, ERR_INPUT, "%s needs a value", spec->name);
	if (flag == FLAG_ROLE)
		args->roles[args->nroles++] = value;
	args->value[flag] = value;
	args->given |= FLAG_BIT(flag);
	return 0;
}

/* Key ids may begin with a dash. No option is as long as a key id. */
static bool
is_kid(const char *word)
{
	return strlen(word) == JWK_KID_CHARS &&
	       str_is_name(str_from(word), "-_");
}

int
args_parse(struct arena *a, int argc, char **argv, struct args *out,
	   struct err *err)
{
	size_t room = (size_t)argc + 1;
	struct args args = {
		.words = arena_array(a, room, sizeof(*args.words)),
		.roles = arena_array(a, room, sizeof(*args.roles)),
	};
	bool flags = true;

	if (args.words == NULL || args.roles == NULL)
		return err_nomem(err);
	for (int i = 1; i < argc; i++) {
		if (flags && strcmp(argv[i], "--") == 0) {
			flags = false;
		} else if (flags && argv[i][0] == '-' && argv[i][1] != '\0' &&
			   !is_kid(argv[i])) {
			if (take_flag(&args, argc, argv, &i, err) != 0)
				return -1;
		} else {
			args.words[args.nwords++] = argv[i];
		}
	}
	*out = args;
	return 0;
}
