/* SPDX-License-Identifier: MIT */
/* fcgiauthctl store: the schemas of the store, the user source and the factor
 * store. */
#include "ctl/ctl.h"
#include "ctl/output.h"

#include <stdio.h>

static const enum ctl_part parts[] = { CTL_STORE, CTL_USERS, CTL_FACTORS };

static json_t *
number_or_null(bool is_number, int64_t number)
{
	return is_number ? json_integer((json_int_t)number) : json_null();
}

static json_t *
report_json(struct ctl *c, const char *driver, const struct health_report *r)
{
	bool down = r->health == HEALTH_UNREACHABLE;

	return json_pack("{s:s, s:b, s:o, s:o, s:s, s:o, s:o}", "driver",
			 driver, "good", (int)health_is_good(r->health), "have",
			 number_or_null(r->has_schema, r->schema.have), "want",
			 number_or_null(r->has_schema, r->schema.want), "state",
			 health_text(r->health), "error",
			 down ?
			     output_json_text(c->arena, str_from(r->err.msg)) :
			     json_null(),
			 "warning",
			 r->advice[0] != '\0' ?
			     output_json_text(c->arena, str_from(r->advice)) :
			     json_null());
}

static struct str
version_text(struct ctl *c, bool known, int64_t version)
{
	struct str out = STR("?");
	char text[24];

	if (!known)
		return STR("");
	(void)snprintf(text, sizeof(text), "%lld", (long long)version);
	if (arena_copy(c->arena, str_from(text), &out) != 0)
		/* adding the row will fail for the same reason */
		return STR("?");
	return out;
}

static void
report_row(struct ctl *c, struct table *table, enum ctl_part part,
	   const struct health_report *r)
{
	const struct schema_state *schema = &r->schema;

	table_add(table, (const struct str[]){
			     str_from(ctl_choice(c, part).section),
			     str_from(ctl_driver(c, part)->name),
			     version_text(c, r->has_schema, schema->have),
			     version_text(c, r->has_schema, schema->want),
			     str_from(health_text(r->health)),
			 });
}

/* Adds a row and a member for one part; returns whether its state is good. */
static bool
report_part(struct ctl *c, enum ctl_part part, struct table *table,
	    json_t *root)
{
	const char *section = ctl_choice(c, part).section;
	struct health_report report;

	ctl_probe(c, part, &report);
	report_row(c, table, part, &report);
	if (json_object_set_new(root, section,
				report_json(c, ctl_driver(c, part)->name,
					    &report)) != 0)
		table->failed = true;
	if (report.health == HEALTH_UNREACHABLE)
		ctl_warn("%s", report.err.msg);
	if (report.advice[0] != '\0')
		ctl_warn("warning: [%s] %s", section, report.advice);
	return health_is_good(report.health);
}

enum ctl_exit
schema_status(struct ctl *c)
{
	static const char *const heads[] = { "PART", "DRIVER", "HAVE", "WANT",
					     "STATE" };
	enum ctl_exit status = CTL_DONE;
	json_t *root = json_object();
	struct table table;
	int printed;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (ctl_exists(c, parts[i]) &&
		    !report_part(c, parts[i], &table, root))
			status = CTL_REFUSED;
	}
	printed = table.failed ? -1 : 0;
	if (printed == 0 && ctl_given(c, FLAG_JSON))
		printed = output_json(json_incref(root));
	else if (printed == 0)
		printed = table_print(&table);
	json_decref(root);
	return printed == 0 ? status : ctl_refuse("out of memory");
}

static enum ctl_exit
migrate_part(struct ctl *c, enum ctl_part part)
{
	const char *section = ctl_choice(c, part).section;
	const char *driver = ctl_driver(c, part)->name;
	struct schema_state before, after;
	char advice[BACKEND_ADVICE_MAX] = "";
	struct conn *conn;
	struct err err;

	if (!ctl_reachable(c, part)) {
		(void)printf("%s (%s): has no schema\n", section, driver);
		return CTL_DONE;
	}
	/* A backend refuses to migrate a schema of a newer program. */
	if (ctl_connect(c, part, &conn, &err) != 0 ||
	    conn_schema(conn, &before, &err) != 0 ||
	    conn_migrate(conn, &err) != 0 ||
	    conn_schema(conn, &after, &err) != 0)
		return ctl_refuse("%s", err.msg);
	(void)printf("%s (%s): version %lld%s\n", section, driver,
		     (long long)after.have,
		     before.have == after.have ? " already" : "");
	if (after.want > 0)
		conn_advise(conn, advice);
	if (advice[0] != '\0')
		ctl_warn("warning: [%s] %s", section, advice);
	return CTL_DONE;
}

enum ctl_exit
schema_migrate(struct ctl *c)
{
	enum ctl_exit status = CTL_DONE;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (ctl_exists(c, parts[i]) &&
		    migrate_part(c, parts[i]) != CTL_DONE)
			status = CTL_REFUSED;
	}
	return status;
}
