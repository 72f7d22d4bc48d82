/* SPDX-License-Identifier: MIT */
/* The registry: arrays made from the lists in backends and src/local.mk. */
#include "strategy/registry.h"

#include <string.h>

#define MISSING "its library was missing when this program was built"

#define STORE(name)   extern const struct session_store_ops store_##name;
#define USERS(name)   extern const struct user_source_ops users_##name;
#define FACTORS(name) extern const struct factor_store_ops factors_##name;
#define MODE(name)    extern const struct auth_mode_ops mode_##name;
#define NO_STORE(ours)                                                         \
	static const struct session_store_ops store_##ours = {                 \
		.base.driver = { .name = #ours, .summary = MISSING },          \
	};
#define NO_USERS(ours)                                                         \
	static const struct user_source_ops users_##ours = {                   \
		.base.driver = { .name = #ours, .summary = MISSING },          \
	};
#define NO_FACTORS(ours)                                                       \
	static const struct factor_store_ops factors_##ours = {                \
		.base.driver = { .name = #ours, .summary = MISSING },          \
	};
#include "backends/backends.inc"
#undef STORE
#undef USERS
#undef FACTORS
#undef MODE
#undef NO_STORE
#undef NO_USERS
#undef NO_FACTORS

/* A row of one kind expands to an element of the array of that kind, and to
 * nothing in the other arrays. */
#define STORE(name)    &store_##name,
#define NO_STORE(name) &store_##name,
#define USERS(name)
#define NO_USERS(name)
#define FACTORS(name)
#define NO_FACTORS(name)
#define MODE(name)
const struct session_store_ops *const registry_stores[] = {
#include "backends/backends.inc"
};
#undef STORE
#undef NO_STORE
#undef USERS
#undef NO_USERS

#define STORE(name)
#define NO_STORE(name)
#define USERS(name)    &users_##name,
#define NO_USERS(name) &users_##name,
const struct user_source_ops *const registry_users[] = {
#include "backends/backends.inc"
};
#undef USERS
#undef NO_USERS
#undef FACTORS
#undef NO_FACTORS

#define USERS(name)
#define NO_USERS(name)
#define FACTORS(name)	 &factors_##name,
#define NO_FACTORS(name) &factors_##name,
const struct factor_store_ops *const registry_factors[] = {
#include "backends/backends.inc"
};
#undef FACTORS
#undef NO_FACTORS
#undef MODE

#define FACTORS(name)
#define NO_FACTORS(name)
#define MODE(name) &mode_##name,
const struct auth_mode_ops *const registry_modes[] = {
#include "backends/backends.inc"
};

const size_t registry_nstores = ARRAY_LEN(registry_stores);
const size_t registry_nusers = ARRAY_LEN(registry_users);
const size_t registry_nfactors = ARRAY_LEN(registry_factors);
const size_t registry_nmodes = ARRAY_LEN(registry_modes);

const struct session_store_ops *
registry_store(const char *name)
{
	for (size_t i = 0; i < registry_nstores; i++) {
		if (strcmp(registry_stores[i]->base.driver.name, name) == 0)
			return registry_stores[i];
	}
	return NULL;
}

const struct user_source_ops *
registry_user_source(const char *name)
{
	for (size_t i = 0; i < registry_nusers; i++) {
		if (strcmp(registry_users[i]->base.driver.name, name) == 0)
			return registry_users[i];
	}
	return NULL;
}

const struct factor_store_ops *
registry_factor_store(const char *name)
{
	for (size_t i = 0; i < registry_nfactors; i++) {
		if (strcmp(registry_factors[i]->base.driver.name, name) == 0)
			return registry_factors[i];
	}
	return NULL;
}

const struct auth_mode_ops *
registry_mode(const char *name)
{
	for (size_t i = 0; i < registry_nmodes; i++) {
		if (strcmp(registry_modes[i]->driver.name, name) == 0)
			return registry_modes[i];
	}
	return NULL;
}

static const struct session_store_ops *
effective_store(const struct settings *set)
{
	const struct auth_mode_ops *mode =
	    registry_mode(set->mode.driver->name);

	if (mode->needs_store != NULL && !mode->needs_store(set->mode.conf))
		return registry_store("memory");
	return registry_store(set->store.driver->name);
}

struct backend_choice
registry_store_choice(const struct settings *set)
{
	return (struct backend_choice){
		.section = "store",
		.ops = &effective_store(set)->base,
		.conf = set->store.conf,
	};
}

struct backend_choice
registry_users_choice(const struct settings *set)
{
	/* The driver exists: settings_load() took it from the registry. */
	return (struct backend_choice){
		.section = "users",
		.ops = &registry_user_source(set->users.driver->name)->base,
		.conf = set->users.conf,
	};
}

struct backend_choice
registry_factors_choice(const struct settings *set)
{
	const struct factor_store_ops *ops =
	    registry_factor_store(set->factors.driver->name);

	return (struct backend_choice){
		.section = "factors",
		.ops = ops != NULL ? &ops->base : NULL,
		.conf = set->factors.conf,
	};
}

static enum settings_reach
registry_reach_of(const struct driver *d)
{
	if ((d->caps & BACKEND_SHARED) == 0)
		return SETTINGS_PROCESS;
	return (d->caps & BACKEND_EMBEDDED) != 0 ? SETTINGS_HOST :
						   SETTINGS_HOSTS;
}

static struct settings_driver
settings_of(const struct driver *d)
{
	return (struct settings_driver){
		.name = d->name,
		.summary = d->summary,
		.options = d->options,
		.size = d->conf_size,
		.check = d->check,
		.compiled = d->conf_size > 0,
		.reach = registry_reach_of(d),
	};
}

/* The words of [factors] driver that are no backends. */
static const struct settings_driver words[] = {
	{ .name = SETTINGS_AUTO,
	  .summary = "where the users are, else where the store is",
	  .size = 1,
	  .compiled = true },
	{ .name = SETTINGS_NONE,
	  .summary = "no factor store; what needs one is not offered",
	  .size = 1,
	  .compiled = true },
};

static size_t
add_factor_drivers(struct settings_driver *v)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		v[n++] = words[i];
	for (size_t i = 0; i < registry_nfactors; i++)
		v[n++] = settings_of(&registry_factors[i]->base.driver);
	return n;
}

static void
add_mode_drivers(struct settings_driver *v)
{
	for (size_t i = 0; i < registry_nmodes; i++) {
		v[i] = settings_of(&registry_modes[i]->driver);
		v[i].needs_store = registry_modes[i]->needs_store;
	}
}

int
registry_drivers(struct arena *a, struct settings_drivers *out)
{
	struct settings_driver *v;
	size_t n = 0;

	v = arena_array(a,
			registry_nstores + registry_nusers + ARRAY_LEN(words) +
			    registry_nfactors + registry_nmodes,
			sizeof(*v));
	if (v == NULL)
		return -1;
	out->stores = v;
	for (size_t i = 0; i < registry_nstores; i++)
		v[n++] = settings_of(&registry_stores[i]->base.driver);
	out->users = v + n;
	for (size_t i = 0; i < registry_nusers; i++)
		v[n++] = settings_of(&registry_users[i]->base.driver);
	out->factors = v + n;
	out->nfactors = add_factor_drivers(v + n);
	n += out->nfactors;
	out->modes = v + n;
	add_mode_drivers(v + n);
	out->nstores = registry_nstores;
	out->nusers = registry_nusers;
	out->nmodes = registry_nmodes;
	return 0;
}
