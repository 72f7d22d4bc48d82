/* SPDX-License-Identifier: MIT */
/* fcgiauthctl ban. */
#include "ctl/sessions.h"

#include "auth/ban_key.h"
#include "base/network.h"
#include "ctl/output.h"

#include <stdio.h>

#define BANS_MAX 10000

/* The parts of a ban that are shown. A ban that another version made is shown
 * as its plain key. */
struct shown {
	struct str value;
	const struct ban_kind_name *name;
};

static struct shown
show(struct str key)
{
	static const struct ban_kind_name other = { "", "", "", "" };
	enum ban_kind kind;
	struct shown s;

	if (ban_key_read(key, &kind, &s.value))
		s.name = &ban_kind_names[kind];
	else
		s = (struct shown){ .value = key, .name = &other };
	return s;
}

static enum ctl_exit
ban_list_json(struct ctl *c, const struct ban_list *bans)
{
	json_t *array = json_array();

	for (size_t i = 0; i < bans->n; i++) {
		const struct shown s = show(bans->v[i].key);
		json_t *ban =
		    json_pack("{s:s, s:o, s:s, s:I}", "kind", s.name->kind,
			      "value", output_json_text(c->arena, s.value),
			      "reason", s.name->reason, "until",
			      (json_int_t)bans->v[i].until_ms / 1000);

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
ban_list_text(struct ctl *c, const struct ban_list *bans)
{
	static const char *const heads[] = { "KIND", "VALUE", "REASON",
					     "UNTIL" };
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < bans->n; i++) {
		const struct shown s = show(bans->v[i].key);

		table_add(
		    &table,
		    (const struct str[]){
			str_from(s.name->kind), s.value, str_from(s.name->text),
			output_time(c->arena, bans->v[i].until_ms / 1000) });
	}
	return table_print(&table) == 0 ? CTL_DONE :
					  ctl_refuse("out of memory");
}

static int
find_bans(struct ctl *c, struct ban_list *bans, struct err *err)
{
	return store_bans(c->store_conn, ctl_call(c),
			  c->settings.limits.login_ban * 1000, BANS_MAX, bans,
			  err);
}

enum ctl_exit
ban_list(struct ctl *c)
{
	enum ctl_exit status = sessions_open(c, "bans");
	struct ban_list bans;
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (find_bans(c, &bans, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (bans.n == BANS_MAX)
		ctl_warn("warning: only the %d longest bans are shown",
			 BANS_MAX);
	return ctl_given(c, FLAG_JSON) ? ban_list_json(c, &bans) :
					 ban_list_text(c, &bans);
}

/* All keys under which failures of a user or an address are counted. */
struct keys {
	struct str v[1 + NETWORKS_MAX];
	size_t n;
};

static int
user_keys(struct ctl *c, struct str user, struct keys *keys, struct err *err)
{
	struct known_networks known;

	if (store_networks(c->store_conn, ctl_call(c), user, &known, err) !=
		0 ||
	    ban_key_user(c->arena, user, &keys->v[0], err) != 0)
		return -1;
	for (size_t i = 0; i < known.n; i++)
		if (ban_key_known(c->arena, user, &known.v[i], &keys->v[1 + i],
				  err) != 0)
			return -1;
	keys->n = 1 + known.n;
	return 0;
}

static int
find_keys(struct ctl *c, struct str user, struct keys *keys, struct err *err)
{
	if (user.p != NULL)
		return user_keys(c, user, keys, err);
	return ban_key_address(c->arena, ctl_value(c, FLAG_IP), keys->v,
			       &keys->n, err);
}

/* Resets the counters even of keys that are not banned: the next failure is the
 * first. */
static int
lift(struct ctl *c, const struct keys *keys, bool *banned, struct err *err)
{
	*banned = false;
	for (size_t i = 0; i < keys->n; i++) {
		bool was;

		if (store_reset_attempts(c->store_conn, ctl_call(c), keys->v[i],
					 &was, err) != 0)
			return -1;
		*banned = *banned || was;
	}
	return 0;
}

/* Lifts bans that `ban list` shows. Known networks are recorded under the name
 * as it was typed, and only for some time; bans have the name in lower case. */
static int
lift_known(struct ctl *c, struct str user, bool *banned, struct err *err)
{
	struct ban_list bans;

	if (find_bans(c, &bans, err) != 0)
		return -1;
	for (size_t i = 0; i < bans.n; i++) {
		const struct str key = bans.v[i].key;
		enum ban_kind kind;
		struct str name;
		bool was;

		if (!ban_key_read(key, &kind, &name) || kind != BAN_KNOWN ||
		    !str_eq_nocase(name, user))
			continue;
		if (store_reset_attempts(c->store_conn, ctl_call(c), key, &was,
					 err) != 0)
			return -1;
		*banned = *banned || was;
	}
	return 0;
}

static enum ctl_exit
check_address(const struct ctl *c)
{
	struct address any;

	if (!ctl_given(c, FLAG_IP) ||
	    address_parse(ctl_value(c, FLAG_IP), &any))
		return CTL_DONE;
	return ctl_refuse("not an IP address: %s", c->args->value[FLAG_IP]);
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
	const enum flag flag = ctl_given(c, FLAG_USER) ? FLAG_USER : FLAG_IP;
	const char *who = c->args->value[flag];
	enum ctl_exit status = check_address(c);
	struct keys keys;
	struct str user;
	struct err err;
	bool banned;

	if (status == CTL_DONE)
		status = sessions_user(c, &user);
	if (status == CTL_DONE)
		status = sessions_open(c, "bans");
	if (status != CTL_DONE)
		return status;
	if (find_keys(c, user, &keys, &err) != 0 ||
	    lift(c, &keys, &banned, &err) != 0 ||
	    (user.p != NULL && lift_known(c, user, &banned, &err) != 0))
		return ctl_refuse("%s", err.msg);
	if (!banned)
		return ctl_refuse("%s is not banned", who);
	ctl_audit(c, "ban_lifted",
		  &F_CSTR(flag == FLAG_USER ? "user" : "address", who), 1);
	(void)printf("%s: ban lifted\n", who);
	return CTL_DONE;
}
