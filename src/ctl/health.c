/* SPDX-License-Identifier: MIT */
/* In what state are users and store? */
#include "ctl/health.h"

#include "os/owner.h"

#include <errno.h>
#include <unistd.h>

static const struct {
	const char *text;
	bool good;
} words[] = {
	[HEALTH_OK] = { .text = "ok", .good = true },
	[HEALTH_DAEMON] = { .text = "in the memory of the daemon",
			    .good = true },
	[HEALTH_NEW] = { .text = "not created yet", .good = true },
	[HEALTH_OLDER] = { .text = "older, migrates when next opened",
			   .good = true },
	[HEALTH_MIGRATE] = { .text = "older, run: fcgiauthctl store migrate" },
	[HEALTH_NEWER] = { .text = "made by a newer fcgiauth" },
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

static int
look_at_schema(struct ctl *c, const struct ctl_part *part,
	       struct health_report *out)
{
	const struct schema_state *schema = &out->schema;

	if (part->schema(c, &out->schema, &out->err) != 0)
		return -1;
	out->has_schema = schema->want != 0;
	if (schema->have > schema->want)
		out->health = HEALTH_NEWER;
	else if (schema->have == schema->want)
		out->health = HEALTH_OK;
	else if ((ctl_backend(c, part)->caps & part->embedded) != 0)
		out->health = HEALTH_OLDER;
	else
		out->health = HEALTH_MIGRATE;
	/* Without its tables it cannot answer. */
	if (out->health != HEALTH_OK)
		return 0;
	if (part->ping(c, &out->err) != 0)
		return -1;
	if (part->advise != NULL)
		part->advise(c, out->advice);
	return 0;
}

static int
look(struct ctl *c, const struct ctl_part *part, struct health_report *out)
{
	const char *file = ctl_part_path(c, part);

	if (file != NULL && access(file, F_OK) != 0 && errno == ENOENT) {
		out->health = HEALTH_NEW;
		if (ctl_become_owner(c, &out->err) != 0)
			return -1;
		return owner_check_folder(file, &out->err);
	}
	if (ctl_connect(c, part, &out->err) != 0)
		return -1;
	return look_at_schema(c, part, out);
}

void
health_look(struct ctl *c, const struct ctl_part *part,
	    struct health_report *out)
{
	*out = (struct health_report){ .health = HEALTH_DAEMON };
	if (ctl_reachable(c, part) && look(c, part, out) != 0)
		out->health = HEALTH_UNREACHABLE;
}
