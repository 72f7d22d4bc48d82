/* SPDX-License-Identifier: MIT */
/* Finds the route of a request. */
#include "auth/routes.h"

#include "base/arena.h"
#include "base/buf.h"

/* The zero value does not fit. */
enum route_fit { FIT_NOT = 0, FIT_SEGMENT, FIT_EXACT };

static enum route_fit
fit(const struct route *route, struct str path, struct str *segment)
{
	const struct str pattern = str_from(route->path);
	const size_t before = str_find(pattern, '*');
	struct str after, rest, part;

	*segment = STR("");
	if (before == pattern.n)
		return str_eq(path, pattern) ? FIT_EXACT : FIT_NOT;
	after = str_skip(pattern, before + 1);
	if (!str_starts(path, (struct str){ .p = pattern.p, .n = before }))
		return FIT_NOT;
	rest = str_skip(path, before);
	part = (struct str){ .p = rest.p, .n = str_find(rest, '/') };
	if (part.n > ROUTE_SEGMENT_MAX || !str_is_name(part, "-_") ||
	    !str_eq(str_skip(rest, part.n), after))
		return FIT_NOT;
	*segment = part;
	return FIT_SEGMENT;
}

/* Returns how the routes that have this path fit it. */
static enum route_fit
best_fit(const struct route_table *table, struct str path)
{
	enum route_fit best = FIT_NOT;
	struct str segment;

	for (size_t i = 0; i < table->n; i++) {
		const enum route_fit is = fit(&table->v[i], path, &segment);

		if (is > best)
			best = is;
	}
	return best;
}

struct route_match
route_find(const struct route_table *table, enum http_method method,
	   struct str path)
{
	const enum route_fit best = best_fit(table, path);
	struct route_match match = { .known = best != FIT_NOT,
				     .segment = STR("") };
	struct str segment;

	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; match.known && i < table->n; i++) {
		if (table->v[i].method != method ||
		    fit(&table->v[i], path, &segment) != best)
			continue;
		match.route = &table->v[i];
		match.segment = segment;
		break;
	}
	return match;
}

static struct str
method_names(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
		return STR("GET, HEAD");
	case HTTP_POST:
		return STR("POST");
	case HTTP_DELETE:
		return STR("DELETE");
	default:
		return STR("");
	}
}

struct str
route_methods(const struct route_table *table, struct str path, struct arena *a)
{
	const enum route_fit best = best_fit(table, path);
	struct str segment;
	struct buf allow;

	buf_init(&allow, a, 64);
	for (size_t i = 0; best != FIT_NOT && i < table->n; i++) {
		if (fit(&table->v[i], path, &segment) != best)
			continue;
		if (allow.n > 0)
			buf_add(&allow, STR(", "));
		buf_add(&allow, method_names(table->v[i].method));
	}
	return buf_failed(&allow) ? (struct str){ .p = NULL } : buf_str(&allow);
}
