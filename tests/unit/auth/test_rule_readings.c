/* SPDX-License-Identifier: MIT */
/*
 * Generated rules, locations and paths: a user is allowed if and only if every
 * reading of the path allows them. The readings, and the results of the rules
 * for them, are computed a second time, on C strings and without the code under
 * test. FCGIAUTH_SEED=N selects another sequence.
 */
#include "auth/access.h"

#include <stdio.h>
#include <string.h>

#include "http/path.h"
#include "tests/unit/conf/drivers.h"
#include "tests/unit/http/readings_fixture.h"

#define ROUNDS 200
#define PATHS  60

struct generator {
	uint64_t state;
};

/* A random number below n; SplitMix64 is good enough. */
static unsigned
random_below(struct generator *d, size_t n)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % n);
}

#define PICK(d, of) of[random_below(d, ARRAY_LEN(of))]

/* The requirements, and the visitors that meet them. */
static const struct {
	const char *words;
	bool nobody, bob, alice;
} requires[] = {
	{ "public", true, true, true },
	{ "user", false, true, true },
	{ "role:admin", false, false, true },
	{ "user:bob", false, true, false },
	{ "role:admin user:bob", false, true, true },
	{ "deny", false, false, false },
};

static const struct {
	const char *key, *value;
	/* whether `text` is the end of the path; otherwise it is the
	 * beginning */
	bool ends;
	const char *text;
} conditions[] = {
	{ "path", "/admin", false, "/admin" },
	{ "path", "/admin/", false, "/admin/" },
	{ "path", "/public", false, "/public" },
	{ "path", "/public/", false, "/public/" },
	{ "path", "/public/admin", false, "/public/admin" },
	{ "path", "/a/b", false, "/a/b" },
	{ "path", "/a b/\xc3\xa9", false, "/a b/\xc3\xa9" },
	{ "path", "/", false, "/" },
	{ "path_regex", ".*\\.css", true, ".css" },
	{ "path_regex", ".*/admin", true, "/admin" },
};

struct made_rule {
	size_t condition, require;
};

struct made {
	struct made_rule rules[5];
	size_t nrules;
	size_t location; /* index of requires[], or beyond its end */
};

static bool
fits(size_t condition, const char *path)
{
	const char *text = conditions[condition].text;
	size_t n = strlen(text), all = strlen(path);

	if (conditions[condition].ends)
		return all >= n && strcmp(path + all - n, text) == 0;
	return strncmp(path, text, n) == 0 &&
	       (path[n] == '\0' || path[n] == '/' || text[n - 1] == '/');
}

enum visitor { NOBODY, BOB, ALICE, VISITORS };

static bool
has(enum visitor who, size_t require)
{
	return who == NOBODY ? requires[require].nobody :
	       who == BOB    ? requires[require].bob :
			       requires[require].alice;
}

static bool
may(const struct made *m, enum visitor who, const char *path)
{
	if (m->location < ARRAY_LEN(requires) && !has(who, m->location))
		return false;
	for (size_t i = 0; i < m->nrules; i++) {
		if (fits(m->rules[i].condition, path))
			return has(who, m->rules[i].require);
	}
	return m->nrules == 0 && who != NOBODY;
}

static void
make_rules(struct generator *d, struct made *m, char *ini, size_t room)
{
	size_t n = 0;

	m->nrules = random_below(d, ARRAY_LEN(m->rules) + 1);
	ini[0] = '\0';
	for (size_t i = 0; i < m->nrules; i++) {
		size_t c = random_below(d, ARRAY_LEN(conditions));
		size_t r = random_below(d, ARRAY_LEN(requires));

		m->rules[i] = (struct made_rule){ c, r };
		n += (size_t)snprintf(ini + n, room - n,
				      "[rule r%zu]\n%s = %s\nrequire = %s\n", i,
				      conditions[c].key, conditions[c].value,
				      requires[r].words);
	}
}

static void
make_path(struct generator *d, char *out)
{
	static const char *const segments[] = {
		"admin",
		"public",
		"a",
		"b",
		"x.css",
		"%61dmin",
		"a%64min",
		"%2561",
		"public%2fadmin",
		"a%2Fb",
		"public%252Fadmin",
		"admin;x",
		"a;b=c",
		"x%3b.css",
		"a%253Bb",
		"a%5Cb",
		"a\\b",
		"public%255cadmin",
		"100%25",
		"@s%2fp",
		"a%20b",
		"a%2520b",
		"%C3%A9",
		"\xc3\xa9",
		"%25C3%25A9",
		"",
		"",
		".",
		"..",
		";x",
	};
	static const char *const bad[] = { "%2e%2e",   "..;",	     "%252e",
					   ".%5c",     "..%2Fadmin", ".%3bx",
					   "..\\admin" };
	size_t n = 1 + random_below(d, 5);

	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		/* Most segments have one reading, so that some paths are
		 * plain. */
		unsigned kind = random_below(d, 20);

		strcat(out, "/");
		if (kind < 10)
			strcat(out, segments[random_below(d, 5)]);
		else if (kind < 19)
			strcat(out, PICK(d, segments));
		else
			strcat(out, PICK(d, bad));
	}
	if (random_below(d, 4) == 0)
		strcat(out, "/");
}

struct tally {
	size_t let_in, refused, ambiguous, hidden, bounded;
};

struct question {
	const struct made *made;
	const char *uri, *path, *ini;
	bool hidden;
};

/* Compares the result of the service with all readings, and with that of each
 * server. */
static void
compare(const struct question *q, struct exploration *w, enum visitor who,
	const struct access_terms *t, struct tally *tally)
{
	static const struct identity identities[] = {
		[BOB] = { .name = LIT("bob") },
		[ALICE] = { .name = LIT("alice"), .roles = LIT("admin") },
	};
	enum access_doubt doubt;
	enum access access =
	    access_evaluate(t, who == NOBODY ? NULL : &identities[who], &doubt);
	bool in = access == ACCESS_YES;
	char read[TEXT];
	size_t yes = 0;

	for (size_t i = 0; i < w->n; i++)
		yes += may(q->made, who, w->text[i]) ? 1 : 0;
	ck_assert_msg(in == (!q->hidden && yes == w->n),
		      "%s: allowed is %d, but %zu of %zu readings allow "
		      "visitor %d, location %zu\n%s",
		      q->uri, in, yes, w->n, who, q->made->location, q->ini);
	for (size_t i = 0; in && i < ARRAY_LEN(servers); i++) {
		serve(servers[i], q->path, read);
		ck_assert_msg(may(q->made, who, read),
			      "%s is allowed, but not by server %s\n%s", q->uri,
			      servers[i], q->ini);
	}
	/* A user whom no reading allows gets a clear refusal. */
	if (who != NOBODY && yes == 0 && !q->hidden)
		ck_assert_int_eq(doubt, ACCESS_CLEAR);
	ck_assert_int_eq(doubt == ACCESS_HIDDEN_DOTS, q->hidden);
	tally->let_in += in ? 1 : 0;
	tally->refused += !in && doubt == ACCESS_CLEAR ? 1 : 0;
	tally->ambiguous += doubt == ACCESS_AMBIGUOUS ? 1 : 0;
	tally->hidden += doubt == ACCESS_HIDDEN_DOTS ? 1 : 0;
}

static void
try_path(struct question *q, const struct rules *rules, struct exploration *w,
	 struct tally *tally)
{
	struct access_question asked = { .rule = { .host = STR("a"),
						   .method = STR("GET"),
						   .address = STR("::1") } };
	struct arena *a = arena_new(ARENA_BYTES);
	struct access_terms terms;
	struct str path, query;
	struct err err;
	char sent[TEXT];

	if (q->made->location < ARRAY_LEN(requires))
		asked.also = str_from(requires[q->made->location].words);
	as_sent(q->uri, sent);
	q->path = sent;
	ck_assert_int_eq(path_split(str_from(q->uri), a, &path, &query, &err),
			 0);
	ck_assert_msg(str_eq(path, str_from(sent)),
		      "%s is split into another path", q->uri);
	asked.path = path;
	ck_assert_msg(access_find(rules, &asked, a, &terms, &err) == 0,
		      "%s: %s", q->uri, err.msg);
	q->hidden = hides_dots(w, sent);
	w->n = 0;
	if (!q->hidden)
		explore(w, sent, 0, "dcbmrh");
	if (terms.doubt == ACCESS_AMBIGUOUS)
		tally->bounded++;
	for (int who = 0; terms.doubt != ACCESS_AMBIGUOUS && who < VISITORS;
	     who++)
		compare(q, w, (enum visitor)who, &terms, tally);
	arena_free(a);
}

START_TEST(allowed_user_is_allowed_by_every_reading)
{
	const char *seed = getenv("FCGIAUTH_SEED");
	struct generator d = { seed != NULL ? strtoull(seed, NULL, 10) : 1 };
	static struct exploration w;
	struct tally tally = { 0 };

	for (size_t round = 0; round < ROUNDS; round++) {
		char ini[2048], uri[TEXT];
		struct rules *rules;
		struct parsed parsed;
		struct made made;

		make_rules(&d, &made, ini, sizeof(ini));
		parse(&parsed, str_from(ini));
		ck_assert_int_eq(parsed.rc, 0);
		ck_assert_int_eq(rules_compile(&parsed.settings, parsed.arena,
					       &rules, &parsed.problems),
				 0);
		for (size_t i = 0; i < PATHS; i++) {
			struct question q = { .made = &made,
					      .uri = uri,
					      .ini = ini };

			made.location =
			    random_below(&d, 2 * ARRAY_LEN(requires));
			make_path(&d, uri);
			try_path(&q, rules, &w, &tally);
		}
		arena_free(parsed.arena);
	}
	/* The generated paths have covered all results. */
	ck_assert_uint_gt(tally.let_in, ROUNDS * PATHS / 20);
	ck_assert_uint_gt(tally.refused, ROUNDS * PATHS / 20);
	ck_assert_uint_gt(tally.ambiguous, ROUNDS * PATHS / 100);
	ck_assert_uint_gt(tally.hidden, ROUNDS * PATHS / 100);
	ck_assert_uint_lt(tally.bounded, ROUNDS * PATHS / 100);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("rule_readings");

	tcase_add_test(t, allowed_user_is_allowed_by_every_reading);
	return run_case(t);
}
