/* SPDX-License-Identifier: MIT */
/* fcgiauthctl status: what the daemon says of itself, and who is signed in and
 * banned according to the store. */
#include "ctl/ctl.h"
#include "ctl/daemon_client.h"
#include "ctl/output.h"
#include "ctl/sessions.h"
#include "base/arena.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX     256 /* a message of struct err, with its prefix */
#define ROUND_MAX    ((size_t)16 * 1024 * 1024)
#define WATCH_S	     2
#define WATCH_MAX_S  3600
#define BANS_MAX     10000
#define CLEAR_SCREEN "\033[H\033[2J"

static void PRINTF(3, 4)
    add(struct table *table, const char *name, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_add(table,
		  (const struct str[]){ str_from(name), str_from(text) });
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "?";
}

static long long
number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Returns what the state of the feed means. */
static const char *
feed_text(const char *feed)
{
	static const struct {
		const char *word, *text;
	} states[] = {
		{ "off", "off: checks need no change feed" },
		{ "none", "none: the store has no change feed as it is set "
			  "up; the log has the reason" },
		{ "local", "local: only the daemon can change the store" },
		{ "proven", "proven: checks are answered from memory" },
		{ "lost", "lost: every check asks the store" },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (str_eq(str_from(feed), str_from(states[i].word)))
			return states[i].text;
	}
	return feed;
}

static bool
status_is_down(const json_t *status, const char *section)
{
	const json_t *down = json_object_get(status, "down");

	for (size_t i = 0; i < json_array_size(down); i++) {
		const char *name = json_string_value(json_array_get(down, i));

		if (name != NULL && str_eq(str_from(name), str_from(section)))
			return true;
	}
	return false;
}

static void
add_backend(struct table *table, const json_t *status, const char *section)
{
	add(table, section, "%s%s", text_of(status, section),
	    status_is_down(status, section) ?
		": does not answer; the log has the reason" :
		"");
}

/* What the store says, or why it cannot be asked. */
struct standing {
	bool known;
	struct session_counts sessions;
	size_t bans;
	char why[TEXT_MAX];
};

/* Opens the store; can be repeated after it has failed. */
static int
status_open_store(struct ctl *c, struct err *err)
{
	if (c->store_conn != NULL || ctl_open(c, CTL_STORE, err) == 0)
		return 0;
	store_conn_free(c->store_conn);
	c->store_conn = NULL;
	return -1;
}

static void
ask_store(struct ctl *c, struct standing *out)
{
	const int64_t ban_ms = c->settings.limits.login_ban * 1000;
	struct ban_list bans;
	struct err err;

	*out = (struct standing){ .known = false };
	if (!ctl_reachable(c, CTL_STORE)) {
		(void)snprintf(out->why, sizeof(out->why),
			       "unknown: they are in the memory of the daemon");
	} else if (status_open_store(c, &err) != 0 ||
		   store_count_sessions(c->store_conn, ctl_call(c),
					&out->sessions, &err) != 0 ||
		   store_bans(c->store_conn, ctl_call(c), ban_ms, BANS_MAX,
			      &bans, &err) != 0) {
		(void)snprintf(out->why, sizeof(out->why), "unknown: %s",
			       err.msg);
	} else {
		out->known = true;
		out->bans = bans.n;
	}
}

static void
add_standing(const struct ctl *c, struct table *table,
	     const struct standing *is)
{
	if (!is->known) {
		add(table, "signed in", "%s", is->why);
		return;
	}
	if (!sessions_are_stored(c))
		add(table, "signed in", "unknown: mode %s does not record it",
		    ctl_mode(c)->driver.name);
	else
		add(table, "signed in", "users: %lld, sessions: %lld",
		    (long long)is->sessions.users,
		    (long long)is->sessions.sessions);
	add(table, "bans", "%zu in force%s", is->bans,
	    is->bans == BANS_MAX ? " or more" : "");
}

static void
add_load(struct table *table, const json_t *status, int64_t now)
{
	const json_t *hashes = json_object_get(status, "hashes");
	const json_t *server = json_object_get(status, "server");
	const long long workers = number_of(server, "workers");
	const double lived_ms =
	    1000.0 * (double)(now - number_of(status, "started"));

	add(table, "passwords", "%lld are being hashed, %lld wait",
	    number_of(hashes, "running"), number_of(hashes, "waiting"));
	add(table, "workers", "%lld, busy for %.1f %%; %lld connections",
	    workers,
	    workers > 0 && lived_ms > 0 ?
		100.0 * (double)number_of(server, "busy_ms") /
		    ((double)workers * lived_ms) :
		0.0,
	    number_of(server, "connections"));
}

static int
print_state(struct ctl *c, const json_t *status, const struct standing *is)
{
	const json_t *cache = json_object_get(status, "cache");
	const long long hits = number_of(cache, "hits"),
			all = hits + number_of(cache, "misses");
	struct table table;

	table_init(&table, c->arena, NULL, 2);
	add(&table, "mode", "%s", text_of(status, "mode"));
	add_standing(c, &table, is);
	add_backend(&table, status, "store");
	add_backend(&table, status, "users");
	add_backend(&table, status, "factors");
	add(&table, "feed", "%s", feed_text(text_of(cache, "feed")));
	add(&table, "cache",
	    "%lld of at most %lld credentials; hits: %.1f %% of %lld checks",
	    number_of(cache, "entries"), number_of(cache, "size"),
	    all > 0 ? 100.0 * (double)hits / (double)all : 0.0, all);
	add_load(&table, status, env_wall(&c->env));
	return table_print(&table);
}

static const struct {
	const char *text, *group, *name;
} counted[] = {
	{ "sign-ins", "logins", "success" },
	{ "sign-ins that failed", "logins", "failure" },
	{ "sign-ins refused by a ban", "logins", "banned" },
	{ "refreshes", "refreshes", "renewed" },
	{ "refreshes refused", "refreshes", "refused" },
	{ "refresh tokens reused", "refreshes", "reused" },
	{ "checks allowed", "checks", "allowed" },
	{ "checks of visitors not signed in", "checks", "401" },
	{ "checks refused", "checks", "403" },
	{ "checks answered 503", "checks", "503" },
};

static int
print_counts(struct ctl *c, const json_t *status)
{
	static const char *const heads[] = { "COUNTED", "5 MINUTES", "TOTAL" };
	static const char *const columns[] = { "recent", "total" };
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		struct str cells[ARRAY_LEN(heads)] = {
			str_from(counted[i].text)
		};
		char text[ARRAY_LEN(columns)][24];

		for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
			const json_t *group =
			    json_object_get(json_object_get(status, columns[k]),
					    counted[i].group);

			(void)snprintf(text[k], sizeof(text[k]), "%lld",
				       number_of(group, counted[i].name));
			cells[1 + k] = str_from(text[k]);
		}
		table_add(&table, cells);
	}
	return table_print(&table);
}

static int
print_status(struct ctl *c, const json_t *status, const struct standing *is)
{
	const struct str since =
	    output_time(c->arena, number_of(status, "started"));
	struct buf address;

	buf_init(&address, c->arena, 4096);
	/* the number of columns is not needed */
	(void)output_escape(&address, c->settings.server.listen.v[0]);
	if (buf_failed(&address))
		return -1;
	(void)printf("fcgiauthd %s at %.*s since %.*s\n\n",
		     text_of(status, "version"), STR_ARG(buf_str(&address)),
		     STR_ARG(since));
	if (print_state(c, status, is) != 0)
		return -1;
	(void)putchar('\n');
	return print_counts(c, status);
}

/* Returns -1 when out of memory. */
static int
print_status_json(struct ctl *c, json_t *status, const struct standing *is)
{
	const bool counts = is->known && sessions_are_stored(c);
	json_t *sessions =
	    counts ? json_pack("{s:I, s:I}", "sessions",
			       (json_int_t)is->sessions.sessions, "users",
			       (json_int_t)is->sessions.users) :
		     json_null();
	json_t *bans =
	    is->known ? json_integer((json_int_t)is->bans) : json_null();
	json_t *address =
	    output_json_text(c->arena, c->settings.server.listen.v[0]);

	/* Each call takes over the reference, also when it fails. */
	if ((json_object_set_new(status, "address", address) |
	     json_object_set_new(status, "signed_in", sessions) |
	     json_object_set_new(status, "bans", bans)) != 0)
		return -1;
	return ctl_given(c, FLAG_WATCH) ?
		   output_json_line(json_incref(status)) :
		   output_json(json_incref(status));
}

/* Asks the daemon first: the store is asked as the owner of its file, who may
 * have fewer rights. */
static enum ctl_exit
status_once(struct ctl *c, bool clear)
{
	struct standing is;
	json_t *status;
	struct str body;
	struct err err;
	int printed;

	if (clear)
		(void)fputs(CLEAR_SCREEN, stdout);
	if (daemon_ask(&c->settings.server, "status", c->arena, &body, &err) !=
	    0)
		return ctl_refuse("%s", err.msg);
	status = json_loadb(body.p, body.n, 0, NULL);
	if (status == NULL)
		return ctl_refuse("the answer of the daemon is not JSON");
	ask_store(c, &is);
	printed = ctl_given(c, FLAG_JSON) ? print_status_json(c, status, &is) :
					    print_status(c, status, &is);
	json_decref(status);
	return printed == 0 ? CTL_DONE : ctl_refuse("out of memory");
}

static bool
watch_seconds(const struct ctl *c, int64_t *out)
{
	*out = WATCH_S;
	return c->operand == NULL ||
	       (str_to_uint(str_from(c->operand), WATCH_MAX_S, out) &&
		*out > 0);
}

enum ctl_exit
status_check(const struct ctl *c)
{
	int64_t seconds;

	if (c->operand != NULL && !ctl_given(c, FLAG_WATCH))
		return ctl_usage(c, "too many arguments");
	if (!watch_seconds(c, &seconds))
		return ctl_usage(c, "not a number of seconds from 1 to %d",
				 WATCH_MAX_S);
	return CTL_DONE;
}

/* Prints the state again and again, also while the daemon is away. Returns when
 * nobody reads it any more. */
static enum ctl_exit
status_watch(struct ctl *c, struct arena *round)
{
	const bool clear = isatty(STDOUT_FILENO) == 1;
	struct arena *own = c->arena;
	enum ctl_exit status = CTL_DONE;
	int64_t seconds;

	(void)watch_seconds(c, &seconds); /* status_check() has checked it */
	for (;;) {
		c->arena = round;
		status = status_once(c, clear);
		c->arena = own;
		arena_reset(round);
		if (!clear && !ctl_given(c, FLAG_JSON))
			(void)putchar('\n');
		if (fflush(stdout) != 0)
			return status;
		env_sleep_ms(&c->env, seconds * 1000);
	}
}

enum ctl_exit
status_show(struct ctl *c)
{
	struct arena *round;
	enum ctl_exit status;

	if (!ctl_given(c, FLAG_WATCH))
		return status_once(c, false);
	round = arena_new(ROUND_MAX);
	if (round == NULL)
		return ctl_refuse("out of memory");
	status = status_watch(c, round);
	arena_free(round);
	return status;
}
