/* SPDX-License-Identifier: MIT */
/* fcgiauthctl user list, user show, user export. */
#include "base/buf.h"
#include "ctl/output.h"
#include "ctl/user.h"

#include <stdio.h>

#define PAGE 500

/* Returns the kind of a hash, never the hash: "argon2id", or "md5-crypt,
 * refused (line 3)". */
static struct str
hash_state(struct arena *a, const struct user *user)
{
	const char *why, *kind = user_hash_kind(user->hash, &why);
	char line[32] = "";
	struct buf b;

	if (why != NULL && user->line > 0)
		(void)snprintf(line, sizeof(line), " (line %zu)", user->line);
	buf_init(&b, a, 128);
	buf_add(&b, str_from(kind));
	buf_add(&b, why != NULL ? STR(", refused") : STR(""));
	buf_add(&b, str_from(line));
	return buf_failed(&b) ? STR("?") : buf_str(&b);
}

static struct str
hash_reason(const struct user *user)
{
	const char *why;

	(void)user_hash_kind(user->hash, &why);
	return str_from(why);
}

static struct str
user_state(const struct user *user)
{
	return user->disabled ? STR("disabled") : STR("enabled");
}

static json_t *
user_json(struct arena *a, const struct user *user)
{
	const char *why, *kind = user_hash_kind(user->hash, &why);

	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:s, s:b, s:s*, "
			 "s:I}",
			 "name", output_json_text(a, user->who.name), "roles",
			 output_json_roles(a, user->who.roles), "email",
			 output_json_text(a, user->who.email), "full_name",
			 output_json_text(a, user->who.full_name), "disabled",
			 (int)user->disabled, "created",
			 (json_int_t)user->created, "changed",
			 (json_int_t)user->changed, "password", kind,
			 "password_usable", why == NULL, "password_refused",
			 why, "line", (json_int_t)user->line);
}

/* Calls `fn` for every user, in the order of their names. */
static enum ctl_exit
each_user(struct ctl *c, int (*fn)(void *ctx, const struct user *user),
	  void *ctx)
{
	struct user_list page = { .n = PAGE };
	struct str after = STR("");
	struct err err;

	while (page.n == PAGE) {
		if (users_list(c->users_conn, ctl_call(c), after, PAGE, &page,
			       &err) != 0)
			return ctl_refuse("%s", err.msg);
		for (size_t i = 0; i < page.n; i++) {
			if (fn(ctx, &page.v[i]) != 0)
				return ctl_refuse("out of memory");
		}
		if (page.n > 0)
			after = page.v[page.n - 1].who.name;
	}
	return CTL_DONE;
}

struct json_users {
	struct arena *arena;
	json_t *array;
};

static int
user_add_json(void *ctx, const struct user *user)
{
	struct json_users *users = ctx;

	return json_array_append_new(users->array,
				     user_json(users->arena, user));
}

static int
user_add_row(void *ctx, const struct user *user)
{
	struct table *table = ctx;

	table_add(table, (const struct str[]){ user->who.name, user_state(user),
					       hash_state(table->arena, user),
					       user->who.roles, user->who.email,
					       user->who.full_name });
	return table->failed ? -1 : 0;
}

enum ctl_exit
user_list(struct ctl *c)
{
	static const char *const heads[] = { "NAME",  "STATE", "PASSWORD",
					     "ROLES", "EMAIL", "FULL NAME" };
	struct json_users users = { .arena = c->arena, .array = json_array() };
	enum ctl_exit status = user_open(c, USERS_LISTS);
	bool json = ctl_given(c, FLAG_JSON);
	struct table table;
	int printed;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	if (status == CTL_DONE)
		status = json ? each_user(c, user_add_json, &users) :
				each_user(c, user_add_row, &table);
	if (status != CTL_DONE) {
		json_decref(users.array);
		return status;
	}
	if (json) {
		printed = output_json(json_pack("{s:o}", "users", users.array));
	} else {
		json_decref(users.array);
		printed = table_print(&table);
	}
	return printed == 0 ? CTL_DONE : ctl_refuse("out of memory");
}

/* A user, and what the factor store has about them. */
struct shown_user {
	struct user user;
	bool must_change, known; /* the former is known */
};

static enum ctl_exit
user_show_json(struct ctl *c, const struct shown_user *shown)
{
	json_t *json = user_json(c->arena, &shown->user);

	if (shown->known && json != NULL &&
	    json_object_set_new(json, "must_change",
				json_boolean(shown->must_change)) != 0) {
		json_decref(json);
		json = NULL;
	}
	return output_json(json) == 0 ? CTL_DONE : ctl_refuse("out of memory");
}

static enum ctl_exit
show_text(struct ctl *c, const struct shown_user *shown)
{
	const struct user *user = &shown->user;
	const struct str must_change =
	    shown->must_change ? STR("yes") : STR("no");
	const struct str rows[][2] = {
		{ STR("name"), user->who.name },
		{ STR("state"), user_state(user) },
		{ STR("roles"), user->who.roles },
		{ STR("email"), user->who.email },
		{ STR("full name"), user->who.full_name },
		{ STR("password"), hash_state(c->arena, user) },
		{ STR("reason"), hash_reason(user) },
		{ STR("must change"), shown->known ? must_change : STR("") },
		{ STR("created"), output_time(c->arena, user->created) },
		{ STR("changed"), output_time(c->arena, user->changed) },
	};
	struct table table;

	table_init(&table, c->arena, NULL, 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const bool optional = str_eq(rows[i][0], STR("reason")) ||
				      str_eq(rows[i][0], STR("must change"));

		if (!optional || rows[i][1].n > 0)
			table_add(&table, rows[i]);
	}
	return table_print(&table) == 0 ? CTL_DONE :
					  ctl_refuse("out of memory");
}

enum ctl_exit
user_show(struct ctl *c)
{
	enum ctl_exit status = user_open(c, 0);
	struct shown_user shown;

	if (status == CTL_DONE)
		status = user_find(c, &shown.user);
	if (status == CTL_DONE)
		status = user_must_change(c, shown.user.who.name,
					  &shown.must_change, &shown.known);
	if (status != CTL_DONE)
		return status;
	return ctl_given(c, FLAG_JSON) ? user_show_json(c, &shown) :
					 show_text(c, &shown);
}

/* Prints a record that `user import` reads. */
static int
export_user(void *ctx, const struct user *user)
{
	struct arena *a = ctx;

	return output_json_line(
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "name",
		      output_json_text(a, user->who.name), "hash",
		      output_json_text(a, user->hash), "roles",
		      output_json_roles(a, user->who.roles), "email",
		      output_json_text(a, user->who.email), "full_name",
		      output_json_text(a, user->who.full_name), "disabled",
		      (int)user->disabled));
}

enum ctl_exit
user_export(struct ctl *c)
{
	enum ctl_exit status = user_open(c, USERS_LISTS);

	if (status == CTL_DONE)
		status = each_user(c, export_user, c->arena);
	return status;
}
