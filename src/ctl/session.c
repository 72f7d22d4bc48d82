/* SPDX-License-Identifier: MIT */
/* fcgiauthctl session. */
#include "ctl/sessions.h"

#include "base/enc.h"
#include "ctl/output.h"

#include <stdio.h>

#define PAGE 500

static struct str
session_id_text(struct arena *a, const struct session_id *id)
{
	char hex[HEX_LEN(SESSION_ID_BYTES)];
	struct str out = STR("?");

	hex_encode(id->b, sizeof(id->b), hex);
	if (arena_copy(a, (struct str){ .p = hex, .n = sizeof(hex) }, &out) !=
	    0)
		/* adding the row will fail for the same reason */
		return STR("?");
	return out;
}

static int
session_add_json(struct arena *a, json_t *array, const struct session *s)
{
	return json_array_append_new(
	    array,
	    json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "id",
		      output_json_text(a, session_id_text(a, &s->id)), "user",
		      output_json_text(a, s->who.name), "created",
		      (json_int_t)s->created_ms / 1000, "last_seen",
		      (json_int_t)s->last_seen_ms / 1000, "expires",
		      (json_int_t)(s->idle_expires_ms < s->expires_ms ?
				       s->idle_expires_ms :
				       s->expires_ms) /
			  1000,
		      "address", output_json_text(a, s->address), "user_agent",
		      output_json_text(a, s->user_agent)));
}

static int
session_add_row(struct arena *a, struct table *table, const struct session *s)
{
	table_add(table, (const struct str[]){
			     session_id_text(a, &s->id),
			     s->who.name,
			     output_time(a, s->created_ms / 1000),
			     output_time(a, s->last_seen_ms / 1000),
			     s->address,
			     s->user_agent,
			 });
	return table->failed ? -1 : 0;
}

/* Adds every live session to the array, or to the table if there is no
 * array. */
static enum ctl_exit
session_collect(struct ctl *c, struct str user, json_t *array,
		struct table *table)
{
	const struct session_query q = { .user = user, .limit = PAGE };
	const struct call call = *ctl_call(c); /* all pages of one moment */
	struct session_cursor cursor = { .more = true };
	struct session_list page;
	struct err err;

	while (cursor.more) {
		if (store_list(c->store_conn, &call, &q, &cursor, &page,
			       &err) != 0)
			return ctl_refuse("%s", err.msg);
		for (size_t i = 0; i < page.n; i++) {
			int added =
			    array != NULL ?
				session_add_json(c->arena, array, &page.v[i]) :
				session_add_row(c->arena, table, &page.v[i]);

			if (added != 0)
				return ctl_refuse("out of memory");
		}
	}
	return CTL_DONE;
}

static enum ctl_exit
session_list_json(struct ctl *c, struct str user)
{
	json_t *array = json_array();
	enum ctl_exit status;

	if (array == NULL)
		return ctl_refuse("out of memory");
	status = session_collect(c, user, array, NULL);
	if (status != CTL_DONE) {
		json_decref(array);
		return status;
	}
	return output_json(json_pack("{s:o}", "sessions", array)) == 0 ?
		   CTL_DONE :
		   ctl_refuse("out of memory");
}

static enum ctl_exit
session_list_text(struct ctl *c, struct str user)
{
	static const char *const heads[] = { "ID",	"USER",
					     "CREATED", "LAST SEEN",
					     "ADDRESS", "USER AGENT" };
	enum ctl_exit status;
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	status = session_collect(c, user, NULL, &table);
	if (status != CTL_DONE)
		return status;
	return table_print(&table) == 0 ? CTL_DONE :
					  ctl_refuse("out of memory");
}

static enum ctl_exit
session_count(struct ctl *c)
{
	struct session_counts n;
	struct err err;

	if (store_count_sessions(c->store_conn, ctl_call(c), &n, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (ctl_given(c, FLAG_JSON))
		return output_json(json_pack("{s:I, s:I}", "sessions",
					     (json_int_t)n.sessions, "users",
					     (json_int_t)n.users)) == 0 ?
			   CTL_DONE :
			   ctl_refuse("out of memory");
	(void)printf("sessions: %lld\nusers: %lld\n", (long long)n.sessions,
		     (long long)n.users);
	return CTL_DONE;
}

enum ctl_exit
session_list_check(const struct ctl *c)
{
	return ctl_given(c, FLAG_USER) && ctl_given(c, FLAG_HOW_MANY) ?
		   ctl_usage(c, "--count counts the sessions of all users") :
		   CTL_DONE;
}

enum ctl_exit
session_list(struct ctl *c)
{
	enum ctl_exit status;
	struct str user;

	status = sessions_user(c, &user);
	if (status == CTL_DONE && !sessions_are_stored(c))
		return ctl_refuse("[auth] mode = %s: tokens are not recorded, "
				  "so there is nothing to list",
				  ctl_mode(c)->driver.name);
	if (status == CTL_DONE)
		status = sessions_open(c, "sessions");
	if (status != CTL_DONE)
		return status;
	if (ctl_given(c, FLAG_HOW_MANY))
		return session_count(c);
	return ctl_given(c, FLAG_JSON) ? session_list_json(c, user) :
					 session_list_text(c, user);
}

/* Opens the store for revocation. */
static enum ctl_exit
open_sessions(struct ctl *c)
{
	if (sessions_is_stateless(c) && !ctl_reachable(c, CTL_STORE))
		return ctl_refuse("[auth] mode = %s, with no store that can "
				  "be reached: tokens work until they expire, "
				  "for up to %lld s; to end all of them, run: "
				  "fcgiauthctl key rotate, and key retire "
				  "--now",
				  ctl_mode(c)->driver.name,
				  (long long)sessions_token_life(c));
	return sessions_open(c, "sessions");
}

/* Any id is accepted: not all tokens have a session in the store. */
static enum ctl_exit
deny_one(struct ctl *c, const struct session_id *id)
{
	struct err err;

	if (ctl_mode(c)->end_session(c->settings.mode.conf, ctl_call(c), id,
				     &err) != 0)
		return ctl_refuse("%s", err.msg);
	ctl_audit(c, "session_revoked", &F_CSTR("session", c->operand), 1);
	(void)printf("%s: its tokens are refused from now on\n", c->operand);
	return CTL_DONE;
}

static enum ctl_exit
revoke_one(struct ctl *c)
{
	struct str text = str_from(c->operand);
	struct log_field fields[2];
	struct session_answer is;
	struct session_id id;
	enum ctl_exit status;
	bool ended = false;
	size_t n = 0;
	struct err err;

	if (!hex_decode(text, id.b, sizeof(id.b)))
		return ctl_refuse("not a session id: %s (32 of 0-9 a-f, as in "
				  "`session list`)",
				  c->operand);
	status = open_sessions(c);
	if (status != CTL_DONE)
		return status;
	if (sessions_is_stateless(c))
		return deny_one(c, &id);
	if (store_find(c->store_conn, ctl_call(c), &id, NULL, &is, &err) != 0 ||
	    store_revoke(c->store_conn, ctl_call(c), &id, &ended, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!ended)
		return ctl_refuse("no such session: %s", c->operand);
	fields[n++] = F_STR("session", text);
	if (is.found)
		fields[n++] = F_STR("user", is.session.who.name);
	ctl_audit(c, "session_revoked", fields, n);
	(void)printf("sessions ended: 1\n");
	return CTL_DONE;
}

/* Ends the sessions of one user, or of all users if user.p is NULL. */
static enum ctl_exit
revoke_many(struct ctl *c, struct str user)
{
	enum ctl_exit status = open_sessions(c);
	int64_t ended = 0;
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (sessions_end_user(c, user, &ended, &err) != 0)
		return ctl_refuse("%s", err.msg);
	sessions_audit_ended(c, user.p == NULL ? STR("(all)") : user, ended);
	if (ended == SESSIONS_UNCOUNTED)
		(void)printf("%.*s: tokens issued so far are refused from now "
			     "on\n",
			     STR_ARG(user.p != NULL ? user : STR("(all)")));
	else
		(void)printf("sessions ended: %lld\n", (long long)ended);
	return CTL_DONE;
}

enum ctl_exit
session_revoke_check(const struct ctl *c)
{
	int ways = (c->operand != NULL) + ctl_given(c, FLAG_USER) +
		   ctl_given(c, FLAG_ALL);

	return ways == 1 ? CTL_DONE : ctl_usage(c, "one of these is needed");
}

enum ctl_exit
session_revoke(struct ctl *c)
{
	enum ctl_exit status;
	struct str user;

	if (c->operand != NULL)
		return revoke_one(c);
	status = sessions_user(c, &user);
	return status == CTL_DONE ? revoke_many(c, user) : status;
}
