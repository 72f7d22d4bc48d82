/* SPDX-License-Identifier: MIT */
/* The state of a store or of a user source. */
#include "strategy/health.h"

#include <errno.h>
#include <unistd.h>

#include "os/owner.h"
#include "strategy/conn.h"

#define MIGRATE "run fcgiauthctl store migrate"
#define INSTALL "install the newer fcgiauth"

static const struct {
	const char *text;
	bool good;
	const char *is, *remedy; /* of a schema that is refused */
} words[] = {
	[HEALTH_OK] = { .text = "ok", .good = true },
	[HEALTH_DAEMON] = { .text = "in the memory of the daemon",
			    .good = true },
	[HEALTH_NEW] = { .text = "not created yet", .good = true },
	[HEALTH_OLDER] = { .text = "older: migrates when next opened",
			   .good = true },
	[HEALTH_MIGRATE] = { .text = "older: " MIGRATE,
			     .is = "older",
			     .remedy = MIGRATE },
	[HEALTH_NEWER] = { .text = "newer: " INSTALL,
			   .is = "newer",
			   .remedy = INSTALL },
	[HEALTH_UNREACHABLE] = { .text = "unreachable" },
};

bool
health_is_good(enum health health)
{
	return words[health].good;
}

const char *
health_text(enum health health)
{
	return words[health].text;
}

enum health
health_of_schema(const struct backend_ops *ops,
		 const struct schema_state *schema)
{
	if (schema->have > schema->want)
		return HEALTH_NEWER;
	if (schema->have == schema->want)
		return HEALTH_OK;
	return (ops->driver.caps & BACKEND_EMBEDDED) != 0 ? HEALTH_OLDER :
							    HEALTH_MIGRATE;
}

int
health_refuse(enum health health, const struct schema_state *schema,
	      struct err *err)
{
	return err_set(err, ERR_CONFIG,
		       "schema version %lld is %s than this program, which"
		       " knows %lld: %s",
		       (long long)schema->have, words[health].is,
		       (long long)schema->want, words[health].remedy);
}

static int
probe_schema(struct conn *c, struct health_report *out)
{
	const struct backend *b = c->backend;

	if (conn_schema(c, &out->schema, &out->err) != 0)
		return -1;
	out->has_schema = out->schema.want != 0;
	out->health = health_of_schema(b->ops, &out->schema);
	if (!health_is_good(out->health)) {
		(void)health_refuse(out->health, &out->schema, &out->err);
		(void)err_context(&out->err, "%s %s", b->section,
				  b->ops->driver.name);
	}
	/* A ping needs the tables of the right version. */
	if (out->health != HEALTH_OK)
		return 0;
	if (conn_ping(c, &out->err) != 0)
		return -1;
	conn_advise(c, out->advice);
	return 0;
}

void
health_probe(struct conn *c, const char *file, struct health_report *out)
{
	int rc;

	*out = (struct health_report){ .health = HEALTH_NEW };
	if (file != NULL && access(file, F_OK) != 0 && errno == ENOENT)
		rc = owner_check_folder(file, &out->err);
	else
		rc = probe_schema(c, out);
	if (rc != 0)
		out->health = HEALTH_UNREACHABLE;
}
