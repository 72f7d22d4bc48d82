/* SPDX-License-Identifier: MIT */
/* A configuration read, checked, opened and frozen. */
#include "server/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "strategy/registry.h"
#include "conf/problems.h"
#include "server/check.h"

#define ARENA_LIMIT	(16 * 1024 * 1024)

static bool
choice_equal(const struct settings_choice *a, const struct settings_choice *b)
{
	/* Drivers lie in the arena of their snapshot: compare what they are. */
	return a->driver->options == b->driver->options &&
	    option_equal(a->driver->options, a->conf, b->conf);
}

static int
open_store(struct snapshot *s, struct snapshot *before, const struct env *env,
	   struct err *err)
{
	const struct settings_choice *choice = &s->settings.store;
	const struct session_store_ops *ops =
	    registry_effective_store(&s->settings);

	if (before != NULL && ops == store_ops(before->store) &&
	    choice_equal(choice, &before->settings.store)) {
		s->store = store_ref(before->store);
		return 0;
	}
	return store_open(ops, choice->conf, env, &s->store, err);
}

static int
open_users(struct snapshot *s, struct snapshot *before, const struct env *env,
	   struct err *err)
{
	const struct settings_choice *choice = &s->settings.users;

	if (before != NULL && choice_equal(choice, &before->settings.users)) {
		s->users = users_ref(before->users);
		return 0;
	}
	return users_open(registry_user_source(choice->driver->name),
			  choice->conf, env, &s->users, err);
}

static void
add_problem(struct problems *problems, const char *file, const struct err *err)
{
	problems_add(problems, &(struct place){ .file = file }, "%s", err->msg);
}

static int
load(struct snapshot *s, const char *file, struct snapshot *before,
     const struct service_shared *shared, struct problems *problems)
{
	struct settings_drivers drivers;
	struct err err;

	if (registry_drivers(s->arena, &drivers) != 0) {
		(void)err_nomem(&err); /* fills err */
		add_problem(problems, file, &err);
		return -1;
	}
	if (settings_load(file, &drivers, s->arena, &s->settings, problems) !=
	    0)
		return -1;
	if (shared->look_only && check_become_owner(&s->settings, &err) != 0) {
		add_problem(problems, file, &err);
		return -1;
	}
	if (service_open(&s->settings, shared, s->arena, &s->service,
			 problems) != 0)
		return -1;
	if (open_store(s, before, shared->env, &err) != 0 ||
	    open_users(s, before, shared->env, &err) != 0) {
		add_problem(problems, file, &err);
		return -1;
	}
	return 0;
}

struct snapshot *
snapshot_load(const char *file, struct snapshot *before,
	      const struct service_shared *shared, struct problems *problems)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->arena = arena_new(ARENA_LIMIT);
	if (s == NULL || s->arena == NULL) {
		problems_add(problems, &(struct place){ .file = file },
			     "out of memory");
		free(s);
		return NULL;
	}
	s->references = 1;
	if (load(s, file, before, shared, problems) != 0) {
		snapshot_discard(s);
		return NULL;
	}
	return s;
}

void
snapshot_discard(struct snapshot *s)
{
	store_unref(s->store);
	users_unref(s->users);
	arena_free(s->arena);
	free(s);
}

void
snapshot_slot_init(struct snapshot_slot *slot)
{
	(void)pthread_mutex_init(&slot->lock, NULL); /* cannot fail */
	slot->current = NULL;
}

struct snapshot *
snapshot_acquire(struct snapshot_slot *slot)
{
	struct snapshot *s;

	(void)pthread_mutex_lock(&slot->lock);
	s = slot->current;
	s->references++;
	(void)pthread_mutex_unlock(&slot->lock);
	return s;
}

void
snapshot_release(struct snapshot_slot *slot, struct snapshot *s)
{
	bool last;

	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&slot->lock);
	assert(s->references > 0);
	s->references--;
	last = s->references == 0;
	(void)pthread_mutex_unlock(&slot->lock);
	if (last)
		snapshot_discard(s);
}

void
snapshot_publish(struct snapshot_slot *slot, struct snapshot *next)
{
	struct snapshot *before;

	(void)pthread_mutex_lock(&slot->lock);
	before = slot->current;
	slot->current = next;
	(void)pthread_mutex_unlock(&slot->lock);
	snapshot_release(slot, before);
}
