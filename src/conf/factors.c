/* SPDX-License-Identifier: MIT */
/* What [factors] driver = auto stands for, and the warnings about [factors]. */
#include "conf/factors.h"

#include "base/arena.h"
#include "base/err.h"
#include "conf/sections.h"

static bool
driver_is(const struct settings_driver *d, const char *name)
{
	return str_eq(str_from(d->name), str_from(name));
}

static const struct settings_driver *
factor_store(const struct settings_drivers *all, const char *name)
{
	for (size_t i = 0; i < all->nfactors; i++)
		if (driver_is(&all->factors[i], name))
			return &all->factors[i];
	return NULL;
}

/* Returns whether the tables belong to another program. */
static bool
tables_are_foreign(const struct settings_choice *c)
{
	for (const struct option *o = c->driver->options;
	     o != NULL && o->name != NULL; o++)
		if ((o->flags & OPTION_FOREIGN) != 0 &&
		    !option_is_empty(o, c->conf))
			return true;
	return false;
}

/* Returns the factor store that keeps its data where this store or user source
 * has its own; NULL if there is none. */
static const struct settings_driver *
store_beside(const struct loader *l, const struct settings_choice *c)
{
	const struct settings_driver *d =
	    factor_store(l->drivers, c->driver->name);

	if (d == NULL || !d->compiled || d->reach == SETTINGS_PROCESS ||
	    tables_are_foreign(c))
		return NULL;
	return d;
}

static bool
mode_needs_store(const struct settings *s)
{
	const struct settings_choice *mode = &s->mode;

	return mode->driver->needs_store == NULL ||
	       mode->driver->needs_store(mode->conf);
}

/* Chooses the driver, with the values of those of its keys that `from` has;
 * NULL: with no keys. */
static void
choose_factors(const struct loader *l, const struct settings_driver *d,
	       const struct settings_choice *from)
{
	void *conf = d != NULL ? arena_alloc(l->arena, d->size) : NULL;
	struct err err;

	if (conf == NULL) {
		fill_no_memory(l);
		return;
	}
	if (from != NULL) {
		if (option_defaults(d->options, conf, l->arena, &err) != 0) {
			fill_no_memory(l);
			return;
		}
		option_copy(d->options, conf, from->driver->options,
			    from->conf);
	}
	l->out->factors = (struct settings_choice){ .driver = d, .conf = conf };
}

void
factors_resolve(const struct loader *l)
{
	const struct settings *s = l->out;
	const struct settings_driver *d;

	if (s->factors.driver == NULL || s->users.conf == NULL ||
	    s->store.conf == NULL || s->mode.conf == NULL ||
	    !driver_is(s->factors.driver, SETTINGS_AUTO))
		return;
	d = store_beside(l, &s->users);
	if (d != NULL) {
		choose_factors(l, d, &s->users);
		return;
	}
	d = mode_needs_store(s) ? store_beside(l, &s->store) : NULL;
	if (d != NULL)
		choose_factors(l, d, &s->store);
	else
		choose_factors(l, factor_store(l->drivers, SETTINGS_NONE),
			       NULL);
}

bool
factors_are_none(const struct settings *s)
{
	return driver_is(s->factors.driver, SETTINGS_NONE);
}

int
factors_last(const struct settings *s, struct err *err)
{
	if (factors_are_none(s) || s->factors.driver->reach != SETTINGS_PROCESS)
		return 0;
	return err_set(
	    err, ERR_CONFIG,
	    "is %s: a restart loses the links, and forgets which users must "
	    "change their password",
	    s->factors.driver->name);
}

int
factors_reach_hosts(const struct settings *s, struct err *err)
{
	if (s->factors.driver->reach != SETTINGS_HOST || !mode_needs_store(s) ||
	    s->store.driver->reach != SETTINGS_HOSTS)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is %s, a file of this host, but [store] is %s, which "
		       "several hosts can share: a link made by one host would "
		       "be unknown to the others",
		       s->factors.driver->name, s->store.driver->name);
}
