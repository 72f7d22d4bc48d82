/* SPDX-License-Identifier: MIT */
/* fcgiauthctl ban. */
#include "ctl/live.h"

#include "auth/throttle.h"
#include "ctl/output.h"

#include <arpa/inet.h>
#include <stdio.h>

#define BANS_MAX 10000

/* "user:bob" as kind and value. */
static struct str
split_key(struct str key, struct str *value)
{
	struct str kind = STR("");

	*value = key;
	if (!str_cut(value, ':', &kind))
		return STR("");
	return str_eq(kind, STR("addr")) ? STR("address") : kind;
}

static enum ctl_exit
list_json(struct ctl *c, const struct ban *bans, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		struct str value, kind = split_key(bans[i].key, &value);
		json_t *ban = json_pack("{s:o, s:o, s:I}", "kind",
					output_json_text(c->arena, kind),
					"value",
					output_json_text(c->arena, value),
					"until", (json_int_t)bans[i].until_ms / 1000);

		if (json_array_append_new(array, ban) != 0) {
			json_decref(array);
			return ctl_refuse("out of memory");
		}
	}
	return output_json(json_pack("{s:o}", "bans", array)) == 0 ?
		  CTL_DONE :
		  ctl_refuse("out of memory");
}

static enum ctl_exit
list_text(struct ctl *c, const struct ban *bans, size_t n)
{
	static const char *const heads[] = { "KIND", "VALUE", "UNTIL" };
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < n; i++) {
		struct str value, kind = split_key(bans[i].key, &value);

		table_add(&table, (const struct str[]){
				      kind, value,
				      output_time(c->arena, bans[i].until_ms / 1000) });
	}
	return table_print(&table) == 0 ? CTL_DONE :
					  ctl_refuse("out of memory");
}

enum ctl_exit
ban_list(struct ctl *c)
{
	enum ctl_exit status = live_open(c, "bans");
	struct ban *bans = NULL;
	struct err err;
	size_t n = 0;

	if (status != CTL_DONE)
		return status;
	if (store_bans(c->store_link, c->arena, env_wall_ms(&c->env), BANS_MAX,
		       &bans, &n, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (n == BANS_MAX)
		ctl_warn("warning: only the %d longest bans are shown",
			 BANS_MAX);
	return ctl_given(c, FLAG_JSON) ? list_json(c, bans, n) :
					 list_text(c, bans, n);
}

/* As the daemon counts. */
static enum ctl_exit
lift_key(const struct ctl *c, struct str *key)
{
	enum ctl_exit status;
	struct str user;
	struct err err;

	if (ctl_given(c, FLAG_IP)) {
		const char *text = c->args->value[FLAG_IP];
		struct in6_addr any;

		if (inet_pton(AF_INET6, text, &any) != 1 &&
		    inet_pton(AF_INET, text, &any) != 1)
			return ctl_refuse("not an IP address: %s", text);
		return throttle_address_key(c->arena, str_from(text), key,
					    &err) == 0 ?
			  CTL_DONE :
			  ctl_refuse("%s", err.msg);
	}
	status = live_user(c, &user);
	if (status == CTL_DONE &&
	    throttle_user_key(c->arena, user, key, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return status;
}

enum ctl_exit
ban_lift_check(const struct ctl *c)
{
	return ctl_given(c, FLAG_USER) != ctl_given(c, FLAG_IP) ?
		  CTL_DONE :
		  ctl_usage(c, "one of these is needed");
}

enum ctl_exit
ban_lift(struct ctl *c)
{
	bool user = ctl_given(c, FLAG_USER), banned = false;
	const char *who = c->args->value[user ? FLAG_USER : FLAG_IP];
	enum ctl_exit status;
	struct str key = STR("");
	struct err err;

	status = lift_key(c, &key);
	if (status == CTL_DONE)
		status = live_open(c, "bans");
	if (status != CTL_DONE)
		return status;
	if (store_forgive(c->store_link, key, &banned, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!banned)
		return ctl_refuse("%s is not banned", who);
	ctl_audit(c, "ban_lifted",
		  &F_CSTR(user ? "user" : "address", who), 1);
	(void)printf("%s: ban lifted\n", who);
	return CTL_DONE;
}
