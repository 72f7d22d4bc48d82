/* SPDX-License-Identifier: MIT */
/* fcgiauthctl config. */
#include "auth/reset_mail.h"
#include "base/buf.h"
#include "os/owner.h"
#include "conf/ini.h"
#include "conf/mail.h"
#include "conf/problems.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/keys.h"
#include "mail/transport.h"

#include <stdio.h>

#define DUMP_MAX (1024 * 1024)

static void
add_health(struct ctl *c, enum ctl_part part, struct problems *out)
{
	const struct place place = {
		.file = c->settings.file,
		.section = str_from(ctl_choice(c, part).section),
	};
	struct health_report report;

	if (!ctl_exists(c, part))
		return;
	ctl_probe(c, part, &report);
	if (!health_is_good(report.health))
		problems_add(out, &place, "%s", report.err.msg);
	if (report.advice[0] != '\0')
		problems_warn(out, &place, "%s", report.advice);
}

static void
add_keys(const struct ctl *c, struct problems *out)
{
	const struct place place = {
		.file = c->settings.file,
		.section = STR("jwt"),
	};
	struct keyring keys;
	struct err err;

	if (keys_in_use(c) &&
	    (keys_load(c, &keys, &err) != 0 ||
	     (jwt_conf_is_missing(keys_conf(c)) &&
	      owner_check_folder(keys_conf(c)->keys, &err) != 0)))
		problems_add(out, &place, "%s", err.msg);
}

static void
add_mail(const struct ctl *c, struct problems *out)
{
	const struct mail_settings *set = &c->settings.mail;
	const struct place place = {
		.file = c->settings.file,
		.section = STR("mail"),
		.key = str_from(mail_way(set)),
	};
	struct err err;

	if (mail_is_configured(set) && transport_prepare(set, &err) != 0)
		problems_add(out, &place, "%s", err.msg);
}

static void
add_reset(struct ctl *c, struct problems *out)
{
	const struct place place = {
		.file = c->settings.file,
		.section = STR("account"),
		.key = STR("reset"),
	};
	const struct backend_choice users = ctl_choice(c, CTL_USERS);
	struct backend *source;
	struct err err;

	/* A source that cannot be opened is another problem. */
	if (backend_open(&users, &c->env, &source, &err) != 0)
		return;
	if (reset_mail_check(&c->settings, source, &err) != 0)
		problems_add(out, &place, "%s", err.msg);
	backend_unref(source);
}

enum ctl_exit
config_check(struct ctl *c)
{
	const struct place place = {
		.file = c->settings.file,
		.section = STR("password"),
		.key = STR("blocklist"),
	};
	struct problems problems;
	struct str blocklist;
	struct err err;

	problems_init(&problems, c->arena);
	add_health(c, CTL_STORE, &problems);
	add_health(c, CTL_USERS, &problems);
	add_health(c, CTL_FACTORS, &problems);
	add_keys(c, &problems);
	add_mail(c, &problems);
	add_reset(c, &problems);
	if (ctl_blocklist(c, &blocklist, &err) != 0)
		problems_add(&problems, &place, "%s", err.msg);
	ctl_problems(problems.first);
	ctl_problems(c->warnings);
	ctl_problems(problems.first_warning);
	if (problems.count > 0)
		return CTL_REFUSED;
	(void)printf("%s: ok\n", c->settings.file);
	return CTL_DONE;
}

/* Returns "rule admin" for [rule admin]; NULL when out of memory. */
static char *
config_header_text(struct ctl *c, const struct ini_entry *e)
{
	struct buf text;

	buf_init(&text, c->arena, DUMP_MAX);
	buf_add(&text, e->section);
	buf_add_cstr(&text, e->name.n > 0 ? " " : "");
	buf_add(&text, e->name);
	return buf_failed(&text) ? NULL : arena_cstr(c->arena, buf_str(&text));
}

/* Prints the settings as JSON: `section.key` of the file becomes object.key;
 * values stay text. */
static enum ctl_exit
config_show_json(struct ctl *c, struct str text)
{
	json_t *root = json_object();
	struct problems problems;
	bool failed = root == NULL;
	struct ini ini;

	problems_init(&problems, c->arena);
	if (ini_parse(text, c->settings.file, c->arena, &ini, &problems) != 0 ||
	    problems.count > 0)
		failed = true;
	for (size_t i = 0; !failed && i < ini.nentries; i++) {
		const struct ini_entry *e = &ini.entries[i];
		char *section = config_header_text(c, e);
		char *key = arena_cstr(c->arena, e->key);
		json_t *object = json_object_get(root, section);

		if (object == NULL) {
			object = json_object();
			(void)json_object_set_new(root, section, object);
		}
		failed = json_object_set_new(object, key,
					     output_json_text(c->arena,
							      e->value)) != 0;
	}
	if (failed) {
		json_decref(root);
		return ctl_refuse("the settings cannot be shown as JSON");
	}
	return output_json(root) == 0 ? CTL_DONE : ctl_refuse("out of memory");
}

enum ctl_exit
config_show(struct ctl *c)
{
	struct buf text;

	buf_init(&text, c->arena, DUMP_MAX);
	settings_dump(&c->settings, &text);
	if (buf_failed(&text))
		return ctl_refuse("out of memory");
	if (ctl_given(c, FLAG_JSON))
		return config_show_json(c, buf_str(&text));
	(void)fwrite(text.p, 1, text.n, stdout);
	return CTL_DONE;
}
