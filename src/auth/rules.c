/* SPDX-License-Identifier: MIT */
/* Access rules. */
#include "auth/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>

#include "auth/require.h"
#include "auth/rules_index.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/network.h"
#include "conf/problems.h"
#include "http/path.h"

/*
 * Limits of one match: a few milliseconds and a megabyte. Paths of ordinary
 * length and reasonable expressions stay far below.
 */
#define MATCH_STEPS 100000
#define MATCH_DEPTH 10000
#define MATCH_KIB   1024

#define REQUIRE_MAX (64 * 1024)

struct rule {
	const struct rule_settings *set;
	pcre2_code *regex; /* NULL: none */
	const struct network *networks; /* array of set->network.n */
	struct str require;
	enum rule_verdict verdict;
};

struct rules {
	struct rule *v;
	size_t n;
	struct rules_index *index;
	const struct words *locations;
	pcre2_match_context *limits;
	bool has_regex, has_path, has_network;
};

struct compiler {
	const struct settings *set;
	struct arena *arena;
	struct problems *problems;
	struct rules *rules;
};

static struct place
rules_place_of(const struct compiler *c, const struct rule_settings *rule,
	       const char *key, unsigned line)
{
	return (struct place){ .file = c->set->file,
			       .line = line,
			       .section = STR("rule"),
			       .name = rule->name,
			       .key = str_from(key) };
}

static void
rules_no_memory(const struct compiler *c)
{
	const struct place at = { .file = c->set->file };

	problems_add(c->problems, &at, "out of memory");
}

static void
free_code(void *code)
{
	pcre2_code_free(code);
}

static void
free_limits(void *limits)
{
	pcre2_match_context_free(limits);
}

static void
make_limits(const struct compiler *c)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);

	if (limits == NULL || arena_defer(c->arena, free_limits, limits) != 0) {
		free_limits(limits); /* NULL is allowed */
		rules_no_memory(c);
		return;
	}
	/* These calls cannot fail. */
	(void)pcre2_set_match_limit(limits, MATCH_STEPS);
	(void)pcre2_set_depth_limit(limits, MATCH_DEPTH);
	(void)pcre2_set_heap_limit(limits, MATCH_KIB);
	c->rules->limits = limits;
}

static void
compile_regex(const struct compiler *c, struct rule *rule)
{
	const struct str text = rule->set->path_regex;
	const struct place at =
	    rules_place_of(c, rule->set, "path_regex", rule->set->regex_line);
	PCRE2_UCHAR message[128];
	PCRE2_SIZE offset;
	pcre2_code *code;
	int error;

	/* No just-in-time compiler: the service is not permitted to create
	 * executable memory. */
	code = pcre2_compile((PCRE2_SPTR)text.p, text.n,
			     PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED |
				 PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL |
				 PCRE2_NEVER_BACKSLASH_C,
			     &error, &offset, NULL);
	if (code == NULL) {
		(void)pcre2_get_error_message(error, message, sizeof(message));
		problems_add(c->problems, &at, "%s, at offset %zu",
			     (const char *)message, (size_t)offset);
		return;
	}
	if (arena_defer(c->arena, free_code, code) != 0) {
		pcre2_code_free(code);
		rules_no_memory(c);
		return;
	}
	rule->regex = code;
	c->rules->has_regex = true;
}

static void
compile_networks(const struct compiler *c, struct rule *rule)
{
	const struct words *words = &rule->set->network;
	struct network *v = arena_array(c->arena, words->n, sizeof(*v));

	if (v == NULL) {
		rules_no_memory(c);
		return;
	}
	for (size_t i = 0; i < words->n; i++) {
		bool ok = network_parse(words->v[i], &v[i]);

		assert(ok); /* checked by conf/checks.c */
	}
	rule->networks = v;
	c->rules->has_network |= words->n > 0;
}

static enum rule_verdict
verdict_of(struct str require)
{
	if (require_is_public(require))
		return RULE_PUBLIC;
	return require_is_deny(require) ? RULE_DENY : RULE_ASK;
}

static void
compile_require(const struct compiler *c, struct rule *rule)
{
	const struct words *words = &rule->set->require;
	const struct place at =
	    rules_place_of(c, rule->set, "require", rule->set->require_line);
	struct buf text;

	buf_init(&text, c->arena, REQUIRE_MAX + 1);
	for (size_t i = 0; i < words->n; i++) {
		buf_add_cstr(&text, i > 0 ? " " : "");
		buf_add(&text, words->v[i]);
	}
	rule->require = buf_str(&text);
	rule->verdict = verdict_of(rule->require);
	if (buf_failed(&text))
		rules_no_memory(c);
	else if (!require_is_valid(rule->require))
		problems_add(c->problems, &at,
			     "must be a list of public, user, user:NAME and "
			     "role:NAME, or deny alone");
}

#define PATH_WANTED                                                            \
	"must be an absolute, decoded path (no %%, \\, #, ;, control "         \
	"characters, or empty, \".\" or \"..\" segments)"

static void
check_locations(const struct compiler *c)
{
	const struct words *all = &c->set->server.locations;
	const struct place at = { .file = c->set->file,
				  .line = c->set->rules.locations_line,
				  .section = STR("server"),
				  .key = STR("locations") };

	for (size_t i = 0; i < all->n; i++) {
		if (!path_is_decoded(all->v[i]))
			problems_add(c->problems, &at, PATH_WANTED);
	}
}

/* Rejects a path that no request can have: something else was intended. */
static void
rules_check_path(const struct compiler *c, const struct rule_settings *rule)
{
	const struct place at =
	    rules_place_of(c, rule, "path", rule->path_line);

	if (rule->path.n == 0)
		return;
	if (str_find(rule->path, '?') < rule->path.n ||
	    str_find(rule->path, '*') < rule->path.n)
		problems_add(c->problems, &at,
			     "must not have a wildcard or a query string: it "
			     "matches all paths below it; use path_regex for "
			     "patterns");
	else if (!path_is_decoded(rule->path))
		problems_add(c->problems, &at, PATH_WANTED);
}

int
rules_compile(const struct settings *set, struct arena *a, struct rules **out,
	      struct problems *problems)
{
	const size_t before = problems->count;
	struct rules *rules = arena_alloc(a, sizeof(*rules));
	const struct compiler c = {
		.set = set, .arena = a, .problems = problems, .rules = rules
	};

	if (rules != NULL) {
		rules->v = arena_array(a, set->rules.n, sizeof(*rules->v));
		rules->index = rules_index_new(&set->rules, a);
	}
	if (rules == NULL || rules->v == NULL || rules->index == NULL) {
		rules_no_memory(&c);
		return -1;
	}
	make_limits(&c);
	rules->locations = &set->server.locations;
	rules->has_path = rules->locations->n > 0;
	check_locations(&c);
	for (size_t i = 0; i < set->rules.n; i++) {
		struct rule *rule = &rules->v[rules->n++];

		rule->set = &set->rules.v[i];
		rules_check_path(&c, rule->set);
		rules->has_path |=
		    rule->set->path.n > 0 || rule->set->path_regex.n > 0;
		if (rule->set->path_regex.n > 0)
			compile_regex(&c, rule);
		compile_networks(&c, rule);
		compile_require(&c, rule);
	}
	if (problems->count > before)
		return -1;
	rules_warn_hidden(set, problems);
	*out = rules;
	return 0;
}

static bool
host_matches(const struct rule_settings *set, struct str host)
{
	return set->host.n == 0 || words_have(&set->host, host);
}

static bool
method_matches(const struct rule_settings *set, struct str method)
{
	if (set->method.n == 0 || words_have(&set->method, method))
		return true;
	return str_eq(method, STR("HEAD")) &&
	       words_have(&set->method, STR("GET"));
}

/* The evaluation of one request: the state that its paths share. */
struct evaluation {
	const struct rules *rules;
	const struct rule_question *q;
	/* NULL: invalid, or no rule has networks */
	const struct address *address;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

static int
path_matches(const struct evaluation *h, const struct rule *rule,
	     struct str path, bool *matches, struct err *err)
{
	int rc;

	if (rule->regex == NULL) {
		*matches =
		    rule->set->path.n == 0 || path_below(path, rule->set->path);
		return 0;
	}
	rc = pcre2_match(rule->regex, (PCRE2_SPTR)path.p, path.n, 0, 0, h->data,
			 h->limits);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		return err_set(err, ERR_LIMIT,
			       "rule %.*s: path_regex: match failed with "
			       "PCRE2 error %d",
			       STR_ARG(rule->set->name), rc);
	}
	*matches = rc >= 0;
	return 0;
}

static bool
network_matches(const struct rule *rule, const struct address *address)
{
	bool matches = rule->set->network.n == 0;

	for (size_t i = 0; !matches && i < rule->set->network.n; i++)
		matches = network_has(&rule->networks[i], address);
	return matches;
}

/* Finds the first rule that matches; networks are ignored when the address is
 * invalid. */
static int
find_rule(const struct evaluation *h, struct str path, const struct rule **out,
	  struct err *err)
{
	struct rules_walk walk;
	size_t i;

	rules_walk_begin(&walk, h->rules->index, path);
	while (rules_walk_next(&walk, &i)) {
		const struct rule *rule = &h->rules->v[i];
		bool matches = false;

		if (!host_matches(rule->set, h->q->host) ||
		    !method_matches(rule->set, h->q->method) ||
		    (h->address != NULL && !network_matches(rule, h->address)))
			continue;
		if (path_matches(h, rule, path, &matches, err) != 0)
			return -1;
		if (matches) {
			*out = rule;
			return 0;
		}
	}
	*out = NULL;
	return 0;
}

static struct rule_outcome
outcome_of(const struct evaluation *h, const struct rule *rule)
{
	struct rule_outcome out = { .verdict = RULE_DENY };

	if (rule != NULL) {
		out.rule = rule->set;
		out.require = rule->require;
		if (h->address != NULL || rule->set->network.n == 0)
			out.verdict = rule->verdict;
	} else if (h->rules->n == 0) {
		out.verdict = RULE_ASK;
		out.require = STR("user");
	} else {
		out.require = STR("deny");
	}
	return out;
}

static int
evaluate_all(const struct evaluation *h, const struct words *paths,
	     struct rule_outcome *out, struct err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		const struct rule *rule;

		if (find_rule(h, paths->v[i], &rule, err) != 0)
			return -1;
		out[i] = outcome_of(h, rule);
	}
	return 0;
}

/* Divides the limit of one match among n paths. */
static pcre2_match_context *
share_limits(const struct rules *r, size_t n)
{
	pcre2_match_context *limits = pcre2_match_context_copy(r->limits);

	if (limits != NULL)
		(void)pcre2_set_match_limit(limits,
					    (uint32_t)(MATCH_STEPS / n));
	return limits;
}

static int
evaluate_by_regex(struct evaluation *h, const struct words *paths,
		  struct rule_outcome *out, struct err *err)
{
	pcre2_match_context *shared = NULL;
	int rc = -1;

	h->data = pcre2_match_data_create(1, NULL);
	h->limits = h->rules->limits;
	if (paths->n > 1)
		h->limits = shared = share_limits(h->rules, paths->n);
	if (h->data == NULL || h->limits == NULL)
		(void)err_nomem(err);
	else
		rc = evaluate_all(h, paths, out, err);
	pcre2_match_context_free(shared); /* NULL is allowed for both */
	pcre2_match_data_free(h->data);
	return rc;
}

bool
rules_see_paths(const struct rules *r)
{
	return r->has_path;
}

struct str
rules_location(const struct rules *r, struct str path)
{
	struct str longest = STR("");

	for (size_t i = 0; i < r->locations->n; i++) {
		struct str location = r->locations->v[i];

		if (location.n > longest.n && path_below(path, location))
			longest = location;
	}
	return longest;
}

int
rules_evaluate(const struct rules *r, const struct rule_question *q,
	       const struct words *paths, struct arena *a,
	       const struct rule_outcome **out, struct err *err)
{
	struct rule_outcome *outcomes =
	    arena_array(a, paths->n, sizeof(*outcomes));
	struct address address;
	bool known = r->has_network && address_parse(q->address, &address);
	struct evaluation h = { .rules = r,
				.q = q,
				.address = known ? &address : NULL };
	int rc;

	if (outcomes == NULL)
		return err_nomem(err);
	rc = r->has_regex ? evaluate_by_regex(&h, paths, outcomes, err) :
			    evaluate_all(&h, paths, outcomes, err);
	if (rc == 0)
		*out = outcomes;
	return rc;
}
