/* SPDX-License-Identifier: MIT */
/* The registry: arrays made from the lists in backends and src/local.mk. */
#include "strategy/registry.h"

#include <string.h>

#define MISSING "its library was missing when this program was built"

#define STORE(name) extern const struct session_store_ops store_##name;
#define USERS(name) extern const struct user_source_ops users_##name;
#define MODE(name)  extern const struct auth_mode_ops mode_##name;
#define NO_STORE(ours)                                                         \
	static const struct session_store_ops store_##ours = {                 \
		.base.driver = { .name = #ours, .summary = MISSING },          \
	};
#define NO_USERS(ours)                                                         \
	static const struct user_source_ops users_##ours = {                   \
		.base.driver = { .name = #ours, .summary = MISSING },          \
	};
#include "backends/backends.inc"
#undef STORE
#undef USERS
#undef MODE
#undef NO_STORE
#undef NO_USERS

/* A row of one kind expands to an element of the array of that kind, and to
 * nothing in the other arrays. */
#define STORE(name)    &store_##name,
#define NO_STORE(name) &store_##name,
#define USERS(name)
#define NO_USERS(name)
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
#undef MODE

#define USERS(name)
#define NO_USERS(name)
#define MODE(name) &mode_##name,
const struct auth_mode_ops *const registry_modes[] = {
#include "backends/backends.inc"
};

const size_t registry_nstores = ARRAY_LEN(registry_stores);
const size_t registry_nusers = ARRAY_LEN(registry_users);
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
	};
}

int
registry_drivers(struct arena *a, struct settings_drivers *out)
{
	struct settings_driver *v;
	size_t n = 0;

	v = arena_array(a, registry_nstores + registry_nusers + registry_nmodes,
			sizeof(*v));
	if (v == NULL)
		return -1;
	out->stores = v;
	for (size_t i = 0; i < registry_nstores; i++)
		v[n++] = settings_of(&registry_stores[i]->base.driver);
	out->users = v + n;
	for (size_t i = 0; i < registry_nusers; i++)
		v[n++] = settings_of(&registry_users[i]->base.driver);
	out->modes = v + n;
	for (size_t i = 0; i < registry_nmodes; i++)
		v[n++] = settings_of(&registry_modes[i]->driver);
	out->nstores = registry_nstores;
	out->nusers = registry_nusers;
	out->nmodes = registry_nmodes;
	return 0;
}
