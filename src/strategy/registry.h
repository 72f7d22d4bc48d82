/* SPDX-License-Identifier: MIT */
/* The registry of all stores, user sources, factor stores and modes that this
 * program was built with, from backends/local.mk. */
#ifndef STRATEGY_REGISTRY_H
#define STRATEGY_REGISTRY_H

#include "strategy/auth_mode.h"
#include "strategy/factor_store.h"
#include "conf/settings.h"

extern const struct session_store_ops *const registry_stores[];
extern const struct user_source_ops *const registry_users[];
extern const struct factor_store_ops *const registry_factors[];
extern const struct auth_mode_ops *const registry_modes[];
extern const size_t registry_nstores, registry_nusers;
extern const size_t registry_nfactors, registry_nmodes;

/* Return NULL if there is none of that name. */
const struct session_store_ops *registry_store(const char *name);
const struct user_source_ops *registry_user_source(const char *name);
const struct factor_store_ops *registry_factor_store(const char *name);
const struct auth_mode_ops *registry_mode(const char *name);

/* Return the store and the user source that these settings choose. The store
 * is that of [store] driver, or the memory of the process if the mode keeps
 * nothing in a store (auth_mode.h, needs_store). */
struct backend_choice registry_store_choice(const struct settings *set);
struct backend_choice registry_users_choice(const struct settings *set);
/* The same for the factor store. The ops are NULL if there is none. */
struct backend_choice registry_factors_choice(const struct settings *set);

/* Collects the option tables of all drivers, for conf/settings.h. -1: out of
 * memory. */
struct arena;
int registry_drivers(struct arena *a, struct settings_drivers *out) MUST_USE;

#endif
