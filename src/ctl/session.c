/* SPDX-License-Identifier: MIT */
/* fcgiauthctl session. */
#include "ctl/live.h"

#include "base/enc.h"
#include "ctl/output.h"

#include <stdio.h>

#define PAGE 500

enum ctl_exit
live_open(struct ctl *c, const char *what)
{
	const struct ctl_part *part = ctl_part(CTL_STORE);
	struct err err;

	if (!ctl_reachable(c, part))
		return ctl_refuse("[store] driver = %s: the %s are in the "
				  "memory of the daemon, out of reach",
				  ctl_backend(c, part)->name, what);
	if (ctl_open(c, part, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

enum ctl_exit
live_user(const struct ctl *c, struct str *out)
{
	struct str user = ctl_value(c, FLAG_USER);

	if (ctl_given(c, FLAG_USER) && !identity_name_is_valid(user))
		return ctl_refuse("not a user name: %.*s", STR_ARG(user));
	*out = ctl_given(c, FLAG_USER) ? user :
					 (struct str){ .p = NULL, .n = 0 };
	return CTL_DONE;
}

static struct str
id_text(struct arena *a, const struct session_id *id)
{
	char hex[HEX_LEN(SESSION_ID_BYTES)];
	struct str out = STR("?");

	hex_encode(id->b, sizeof(id->b), hex);
	if (arena_copy(a, (struct str){ .p = hex, .n = sizeof(hex) }, &out) !=
	    0)
		return STR("?"); /* the row will fail for the same reason */
	return out;
}

static int
add_json(struct arena *a, json_t *array, const struct session *s)
{
	return json_array_append_new(
	    array, json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "id",
			     output_json_text(a, id_text(a, &s->id)), "user",
			     output_json_text(a, s->who.name), "created",
			     (json_int_t)s->created_ms / 1000, "last_seen",
			     (json_int_t)s->last_seen_ms / 1000, "expires",
			     (json_int_t)(s->idle_expires_ms < s->expires_ms ?
					      s->idle_expires_ms :
					      s->expires_ms) / 1000,
			     "address", output_json_text(a, s->address),
			     "user_agent", output_json_text(a, s->user_agent)));
}

static int
add_row(struct arena *a, struct table *table, const struct session *s)
{
	table_add(table, (const struct str[]){
			     id_text(a, &s->id),
			     s->who.name,
			     output_time(a, s->created_ms / 1000),
			     output_time(a, s->last_seen_ms / 1000),
			     s->address,
			     s->user_agent,
			 });
	return table->failed ? -1 : 0;
}

/* Every live session into the array, or without one into the table. */
static enum ctl_exit
collect(struct ctl *c, struct str user, json_t *array, struct table *table)
{
	struct session_cursor cursor = { .more = true };
	int64_t now_ms = env_wall_ms(&c->env);
	struct session_list page;
	struct err err;

	while (cursor.more) {
		if (store_list(c->store_link, c->arena, user, now_ms, PAGE,
			       &cursor, &page, &err) != 0)
			return ctl_refuse("%s", err.msg);
		for (size_t i = 0; i < page.n; i++) {
			int added = array != NULL ?
			    add_json(c->arena, array, &page.v[i]) :
			    add_row(c->arena, table, &page.v[i]);

			if (added != 0)
				return ctl_refuse("out of memory");
		}
	}
	return CTL_DONE;
}

static enum ctl_exit
list_json(struct ctl *c, struct str user)
{
	json_t *array = json_array();
	enum ctl_exit status;

	if (array == NULL)
		return ctl_refuse("out of memory");
	status = collect(c, user, array, NULL);
	if (status != CTL_DONE) {
		json_decref(array);
		return status;
	}
	return output_json(json_pack("{s:o}", "sessions", array)) == 0 ?
		  CTL_DONE :
		  ctl_refuse("out of memory");
}

static enum ctl_exit
list_text(struct ctl *c, struct str user)
{
	static const char *const heads[] = { "ID",	  "USER",    "CREATED",
					     "LAST SEEN", "ADDRESS",
					     "USER AGENT" };
	enum ctl_exit status;
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	status = collect(c, user, NULL, &table);
	if (status != CTL_DONE)
		return status;
	return table_print(&table) == 0 ? CTL_DONE :
					  ctl_refuse("out of memory");
}

enum ctl_exit
session_list(struct ctl *c)
{
	enum ctl_exit status;
	struct str user;

	status = live_user(c, &user);
	if (status == CTL_DONE)
		status = live_open(c, "sessions");
	if (status != CTL_DONE)
		return status;
	return ctl_given(c, FLAG_JSON) ? list_json(c, user) :
					 list_text(c, user);
}

static enum ctl_exit
revoke_one(struct ctl *c)
{
	struct str text = str_from(c->operand);
	struct session_id id;
	enum ctl_exit status;
	bool ended = false;
	struct err err;

	if (!hex_decode(text, id.b, sizeof(id.b)))
		return ctl_refuse("not a session id: %s (32 of 0-9 a-f, as in "
				  "`session list`)",
				  c->operand);
	status = live_open(c, "sessions");
	if (status != CTL_DONE)
		return status;
	if (store_revoke(c->store_link, &id, &ended, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!ended)
		return ctl_refuse("no such session: %s", c->operand);
	ctl_audit(c, "session_revoked", &F_STR("session", text), 1);
	(void)printf("sessions ended: 1\n");
	return CTL_DONE;
}

/* Of one user, or with user.p NULL of all. */
static enum ctl_exit
revoke_many(struct ctl *c, struct str user)
{
	enum ctl_exit status = live_open(c, "sessions");
	int64_t ended = 0;
	struct err err;
	int revoked;

	if (status != CTL_DONE)
		return status;
	revoked = user.p == NULL ?
	    store_revoke_all(c->store_link, &ended, &err) :
	    store_revoke_user(c->store_link, user, NULL, &ended, &err);
	if (revoked != 0)
		return ctl_refuse("%s", err.msg);
	ctl_audit(c, "sessions_revoked",
		  (const struct log_field[]){
		      F_STR("user", user.p == NULL ? STR("(all)") : user),
		      F_INT("ended", ended) },
		  2);
	(void)printf("sessions ended: %lld\n", (long long)ended);
	return CTL_DONE;
}

enum ctl_exit
session_revoke_check(const struct ctl *c)
{
	int ways = (c->operand != NULL) + ctl_given(c, FLAG_USER) +
	    ctl_given(c, FLAG_ALL);

	return ways == 1 ? CTL_DONE :
			   ctl_usage(c, "one of these is needed");
}

enum ctl_exit
session_revoke(struct ctl *c)
{
	enum ctl_exit status;
	struct str user;

	if (c->operand != NULL)
		return revoke_one(c);
	status = live_user(c, &user);
	return status == CTL_DONE ? revoke_many(c, user) : status;
}
