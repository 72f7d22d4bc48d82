/* SPDX-License-Identifier: MIT */
/* Every backend that this program was built with, from backends/local.mk. */
#ifndef STRATEGY_REGISTRY_H
#define STRATEGY_REGISTRY_H

#include "strategy/auth_mode.h"
#include "conf/settings.h"

extern const struct session_store_ops *const registry_stores[];
extern const struct user_source_ops *const registry_users[];
extern const struct auth_mode_ops *const registry_modes[];
extern const size_t registry_nstores, registry_nusers, registry_nmodes;

/* NULL when there is none of that name. */
const struct session_store_ops *registry_store(const char *name);
const struct user_source_ops *registry_user_source(const char *name);
const struct auth_mode_ops *registry_mode(const char *name);

/* What these settings choose: the store, which is [store] driver, or the memory
 * of the process when the mode keeps nothing (auth_mode.h, needs_store); and
 * the user source. */
struct backend_choice registry_store_choice(const struct settings *set);
struct backend_choice registry_users_choice(const struct settings *set);

/* The option tables of all of them, for conf/settings.h.  -1: no memory. */
struct arena;
int registry_drivers(struct arena *a, struct settings_drivers *out) MUST_USE;

#endif
