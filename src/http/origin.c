/* SPDX-License-Identifier: MIT */
/* Parses, prints and compares origins. */
#include "http/origin.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/host.h"

static struct str
default_port(bool https)
{
	return https ? STR("443") : STR("80");
}

bool
origin_parse(struct str text, struct origin *out)
{
	struct origin o = { .https = str_starts(text, STR("https://")) };

	if (!o.https && !str_starts(text, STR("http://")))
		return false;
	if (!host_split(str_skip(text, o.https ? 8 : 7), &o.host, &o.port))
		return false;
	if (str_ends(o.host, STR(".")))
		o.host.n--;
	if (o.port.n == 0)
		o.port = default_port(o.https);
	*out = o;
	return true;
}

bool
origin_equal(const struct origin *a, const struct origin *b)
{
	return a->https == b->https && str_eq(a->host, b->host) &&
	       str_eq(a->port, b->port);
}

void
origin_print(const struct origin *o, struct buf *out)
{
	buf_add(out, o->https ? STR("https://") : STR("http://"));
	buf_add(out, o->host);
	if (!str_eq(o->port, default_port(o->https))) {
		buf_add_char(out, ':');
		buf_add(out, o->port);
	}
}

/* Parses a word of server.hosts. Of a bare name, only the host is known. */
static struct str
word_host(struct str word)
{
	struct origin o;

	return origin_parse(word, &o) ? o.host : word;
}

/* Appends the origins of that host at `next`. */
static void
collect_origins(const struct words *hosts, struct site *site,
		struct origin **next)
{
	site->origins = *next;
	for (size_t i = 0; i < hosts->n; i++) {
		struct origin o;

		if (!origin_parse(hosts->v[i], &o) ||
		    !str_eq(o.host, site->host))
			continue;
		*(*next)++ = o;
		site->norigins++;
	}
}

int
sites_read(const struct words *hosts, struct arena *a, struct sites *out,
	   struct err *err)
{
	struct site *v = arena_array(a, hosts->n, sizeof(*v));
	struct origin *next = arena_array(a, hosts->n, sizeof(*next));
	struct sites sites = { .v = v };

	if (v == NULL || next == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < hosts->n; i++) {
		struct str host = word_host(hosts->v[i]);

		if (sites_find(&sites, host) != NULL)
			continue;
		v[sites.n] = (struct site){ .host = host };
		collect_origins(hosts, &v[sites.n++], &next);
	}
	*out = sites;
	return 0;
}

const struct site *
sites_find(const struct sites *sites, struct str host)
{
	for (size_t i = 0; i < sites->n; i++) {
		if (str_eq(sites->v[i].host, host))
			return &sites->v[i];
	}
	return NULL;
}

bool
site_has_origin(const struct site *site, const struct origin *o)
{
	for (size_t i = 0; i < site->norigins; i++) {
		if (origin_equal(&site->origins[i], o))
			return true;
	}
	return false;
}
