/* SPDX-License-Identifier: MIT */
/*
 * The configuration as bytes. The dump of an accepted configuration must be
 * accepted, and its dump must be the same. Accepted rules are compiled and
 * evaluated.
 */
#include "auth/rules.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/problems.h"
#include "tests/support/fuzz.h"

#define ARENA_BYTES (256 * 1024 * 1024)
#define DUMP_BYTES  (8 * 1024 * 1024)

/* One option of each type, in addition to the sections that always exist. */
struct conf {
	bool yes;
	int64_t number, seconds, bytes, mode;
	struct str text, secret;
	const char *path;
	struct words words;
	int word;
};

static const char *const some_words[] = { "one", "two", NULL };

static const struct option options[] = {
	OPTION(BOOL, struct conf, yes, .def = "yes"),
	OPTION(INT, struct conf, number, .def = "1", .max = 1000),
	OPTION(SECONDS, struct conf, seconds, .def = "1m"),
	OPTION(BYTES, struct conf, bytes, .def = "1k"),
	OPTION(MODE, struct conf, mode, .def = "0600"),
	OPTION(STR, struct conf, text, .flags = OPTION_LOWER),
	OPTION(SECRET, struct conf, secret, .max = 4096),
	OPTION(PATH, struct conf, path, .def = NULL),
	OPTION(WORDS, struct conf, words, .def = NULL),
	OPTION(ENUM, struct conf, word, .def = "one", .words = some_words),
	OPTION_END,
};

static const struct settings_driver stores[] = {
	{ .name = "sqlite",
	  .options = options,
	  .size = sizeof(struct conf),
	  .compiled = true },
	{ .name = "memory", .size = 1, .compiled = true },
};
static const struct settings_driver factors[] = {
	{ .name = "auto", .size = 1, .compiled = true },
	{ .name = "none", .size = 1, .compiled = true },
	{ .name = "sqlite",
	  .options = options,
	  .size = sizeof(struct conf),
	  .compiled = true,
	  .reach = SETTINGS_HOST },
};
static const struct settings_driver modes[] = {
	{ .name = "session",
	  .options = options,
	  .size = sizeof(struct conf),
	  .compiled = true },
	{ .name = "jwt" },
};
static const struct settings_drivers drivers = {
	.stores = stores,
	.nstores = ARRAY_LEN(stores),
	.users = stores,
	.nusers = ARRAY_LEN(stores),
	.factors = factors,
	.nfactors = ARRAY_LEN(factors),
	.modes = modes,
	.nmodes = ARRAY_LEN(modes),
};

static void
check_places(const struct problems *problems)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		assert(str_starts(str_from(p->text), STR("fuzz.ini:")));
}

static void
try_rules(const struct settings *s, struct arena *a)
{
	const struct rule_question question = {
		.host = STR("app.example.com"),
		.method = STR("GET"),
		.address = STR("10.0.0.1"),
	};
	static const char path[] = "/admin/aaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct str v[] = { str_from(path), str_from(path + 7) };
	const struct words paths = { .v = v, .n = ARRAY_LEN(v) };
	const struct rule_outcome *out = NULL;
	struct problems problems;
	struct rules *rules;
	struct err err;

	problems_init(&problems, a);
	if (rules_compile(s, a, &rules, &problems) != 0) {
		assert(problems.count > 0);
		check_places(&problems);
		return;
	}
	if (rules_evaluate(rules, &question, &paths, a, &out, &err) != 0)
		assert(out == NULL);
	else if (out[0].rule == NULL)
		assert(out[0].verdict ==
		       (s->rules.n == 0 ? RULE_ASK : RULE_DENY));
}

/* Parses only the text of a file: no file that it names is read. */
static bool
parse(struct str text, struct arena *a, struct str *dump)
{
	struct problems problems;
	struct settings s;
	struct buf out;
	int rc;

	problems_init(&problems, a);
	rc = settings_parse(text, "fuzz.ini", &drivers, a, &s, &problems);
	assert((rc == 0) == (problems.first == NULL));
	check_places(&problems);
	if (rc != 0)
		return false;
	try_rules(&s, a);
	buf_init(&out, a, DUMP_BYTES);
	settings_dump(&s, &out);
	assert(!buf_failed(&out));
	*dump = buf_str(&out);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct str first, second;

	assert(a != NULL);
	if (parse((struct str){ .p = (const char *)data, .n = n }, a, &first)) {
		bool again = parse(first, a, &second);

		assert(again && str_eq(first, second));
	}
	arena_free(a);
	return 0;
}
