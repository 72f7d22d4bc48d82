/* SPDX-License-Identifier: MIT */
/* fcgiauthctl status: the state of the daemon. */
#include "ctl/ctl.h"
#include "ctl/daemon_client.h"
#include "ctl/output.h"

#include <stdarg.h>
#include <stdio.h>

static void PRINTF(3, 4)
    add(struct table *table, const char *name, const char *fmt, ...)
{
	char text[256];
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

static int
print_status(struct ctl *c, const json_t *status)
{
	const json_t *cache = json_object_get(status, "cache");
	const json_t *hashes = json_object_get(status, "hashes");
	const long long hits = number_of(cache, "hits"),
			all = hits + number_of(cache, "misses");
	struct table table;

	table_init(&table, c->arena, NULL, 2);
	add(&table, "version", "%s", text_of(status, "version"));
	add(&table, "mode", "%s", text_of(status, "mode"));
	add(&table, "store", "%s", text_of(status, "store"));
	add(&table, "users", "%s", text_of(status, "users"));
	add(&table, "factors", "%s", text_of(status, "factors"));
	add(&table, "feed", "%s", feed_text(text_of(cache, "feed")));
	add(&table, "cache", "%lld of at most %lld credentials",
	    number_of(cache, "entries"), number_of(cache, "size"));
	add(&table, "hits", "%lld of %lld checks (%.1f %%)", hits, all,
	    all > 0 ? 100.0 * (double)hits / (double)all : 0.0);
	add(&table, "changes", "%lld reported", number_of(cache, "changes"));
	add(&table, "passwords", "%lld are being hashed, %lld wait",
	    number_of(hashes, "running"), number_of(hashes, "waiting"));
	return table_print(&table);
}

enum ctl_exit
status_show(struct ctl *c)
{
	json_t *status;
	struct str body;
	struct err err;
	int printed;

	if (daemon_ask(&c->settings.server, "status", c->arena, &body, &err) !=
	    0)
		return ctl_refuse("%s", err.msg);
	status = json_loadb(body.p, body.n, 0, NULL);
	if (status == NULL)
		return ctl_refuse("the answer of the daemon is not JSON");
	printed = ctl_given(c, FLAG_JSON) ? output_json(json_incref(status)) :
					    print_status(c, status);
	json_decref(status);
	return printed == 0 ? CTL_DONE : ctl_refuse("out of memory");
}
