/* SPDX-License-Identifier: MIT */
/* A configuration that is read, checked, opened and immutable. */
#include "server/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "strategy/registry.h"
#include "auth/metrics.h"
#include "auth/reset_mail.h"
#include "conf/mail.h"
#include "conf/problems.h"
#include "mail/transport.h"
#include "server/check.h"

#define ARENA_LIMIT (16 * 1024 * 1024)

/* Keeps the backend if its section has not changed, otherwise opens a new one.
 * There is none if choice->ops is NULL. */
static int
keep_or_open(const struct backend_choice *choice,
	     const struct backend_choice *was, struct backend *before,
	     const struct env *env, struct backend **out, struct err *err)
{
	if (choice->ops == NULL) {
		*out = NULL;
		return 0;
	}
	if (choice->ops != was->ops ||
	    !option_equal(choice->ops->driver.options, choice->conf, was->conf))
		return backend_open(choice, env, out, err);
	*out = backend_ref(before);
	return 0;
}

static int
open_backends(struct snapshot *s, const struct snapshot *before,
	      const struct service_shared *shared, struct err *err)
{
	static struct backend_choice (*const choices[])(
	    const struct settings *set) = {
		registry_store_choice,
		registry_users_choice,
		registry_factors_choice,
	};
	struct backend **const opened[] = { &s->store, &s->users, &s->factors };
	struct backend *const kept[] = {
		before != NULL ? before->store : NULL,
		before != NULL ? before->users : NULL,
		before != NULL ? before->factors : NULL,
	};

	struct metrics *m = shared->metrics;
	struct histogram *const durations[] = {
		m != NULL ? &m->store : NULL,
		m != NULL ? &m->users : NULL,
		m != NULL ? &m->factors : NULL,
	};

	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		struct backend_choice choice = choices[i](&s->settings),
				      was = { .ops = NULL };

		if (before != NULL)
			was = choices[i](&before->settings);
		if (opened[i] == &s->store)
			choice.changes = shared->changes;
		choice.durations = durations[i];
		if (keep_or_open(&choice, &was, kept[i], shared->env, opened[i],
				 err) != 0)
			return -1;
	}
	return 0;
}

static void
add_problem(struct problems *problems, const char *file, const struct err *err)
{
	problems_add(problems, &(struct place){ .file = file }, "%s", err->msg);
}

static int
prepare_mail(const struct settings *set, const char *file,
	     struct problems *problems)
{
	const struct place at = { .file = file,
				  .section = STR("mail"),
				  .key = str_from(mail_way(&set->mail)) };
	struct err err;

	if (!mail_is_configured(&set->mail) ||
	    transport_prepare(&set->mail, &err) == 0)
		return 0;
	problems_add(problems, &at, "%s", err.msg);
	return -1;
}

static int
snapshot_check_reset(const struct snapshot *s, const char *file,
		     struct problems *problems)
{
	const struct place at = { .file = file,
				  .section = STR("account"),
				  .key = STR("reset") };
	struct err err;

	if (reset_mail_check(&s->settings, s->users, &err) == 0)
		return 0;
	problems_add(problems, &at, "%s", err.msg);
	return -1;
}

static int
snapshot_fill(struct snapshot *s, const char *file, struct snapshot *before,
	      const struct service_shared *shared, struct problems *problems)
{
	struct settings_drivers drivers;
	struct err err;

	if (registry_drivers(s->arena, &drivers) != 0) {
		(void)err_nomem(&err); /* sets err */
		add_problem(problems, file, &err);
		return -1;
	}
	if (settings_load(file, &drivers, s->arena, &s->settings, problems) !=
	    0)
		return -1;
	if (shared->check_only && check_become_owner(&s->settings, &err) != 0) {
		add_problem(problems, file, &err);
		return -1;
	}
	if (prepare_mail(&s->settings, file, problems) != 0)
		return -1;
	if (service_open(&s->settings, shared, s->arena, &s->service,
			 problems) != 0)
		return -1;
	if (open_backends(s, before, shared, &err) != 0) {
		add_problem(problems, file, &err);
		return -1;
	}
	return snapshot_check_reset(s, file, problems);
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
	if (snapshot_fill(s, file, before, shared, problems) != 0) {
		snapshot_discard(s);
		return NULL;
	}
	return s;
}

void
snapshot_discard(struct snapshot *s)
{
	backend_unref(s->store);
	backend_unref(s->users);
	backend_unref(s->factors);
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
