/* SPDX-License-Identifier: MIT */
/* A list of users and their networks. */
#include "backends/memory/networks.h"

#include <stdlib.h>
#include <string.h>

void
memory_networks_destroy(struct memory_networks *t)
{
	while (t->first != NULL) {
		struct memory_user_networks *u = t->first;

		t->first = u->next;
		free(u);
	}
}

/* Returns the pointer to the user, or the NULL pointer at the end of the
 * list. */
static struct memory_user_networks **
networks_place_of(struct memory_user_networks **at, struct str user)
{
	while (*at != NULL &&
	       !str_eq((struct str){ .p = (*at)->name, .n = (*at)->name_n },
		       user))
		at = &(*at)->next;
	return at;
}

static struct memory_user_networks *
networks_find_or_add(struct memory_networks *t, struct str user)
{
	struct memory_user_networks *u = *networks_place_of(&t->first, user);

	if (u != NULL)
		return u;
	u = calloc(1, sizeof(*u) + user.n);
	if (u == NULL)
		return NULL;
	u->name_n = user.n;
	memcpy(u->name, user.p, user.n);
	u->next = t->first;
	t->first = u;
	return u;
}

/* Returns the entry that the network already has, else a free entry, else the
 * entry that ends first. */
static struct known_network *
room_for(struct memory_user_networks *u, const struct known_network *network)
{
	struct known_network *first = &u->v[0];

	for (size_t i = 0; i < u->n; i++) {
		if (memcmp(u->v[i].b, network->b, sizeof(network->b)) == 0)
			return &u->v[i];
		if (u->v[i].until_ms < first->until_ms)
			first = &u->v[i];
	}
	return u->n < NETWORKS_MAX ? &u->v[u->n++] : first;
}

int
memory_networks_learn(struct memory_networks *t, struct str user,
		      const struct known_network *network, struct err *err)
{
	struct memory_user_networks *u = networks_find_or_add(t, user);

	if (u == NULL)
		return err_nomem(err);
	*room_for(u, network) = *network;
	return 0;
}

void
memory_networks_get(const struct memory_networks *t, struct str user,
		    int64_t now_ms, struct known_networks *out)
{
	struct memory_user_networks *first = t->first;
	const struct memory_user_networks *u = *networks_place_of(&first, user);

	*out = (struct known_networks){ .n = 0 };
	for (size_t i = 0; u != NULL && i < u->n; i++)
		if (now_ms < u->v[i].until_ms)
			out->v[out->n++] = u->v[i];
}

int64_t
memory_networks_until(const struct memory_networks *t, struct str user,
		      const uint8_t network[NETWORK_HASH_BYTES])
{
	struct memory_user_networks *first = t->first;
	const struct memory_user_networks *u = *networks_place_of(&first, user);

	for (size_t i = 0; u != NULL && i < u->n; i++)
		if (memcmp(u->v[i].b, network, sizeof(u->v[i].b)) == 0)
			return u->v[i].until_ms;
	return 0;
}

static void
take_off(struct memory_user_networks **at)
{
	struct memory_user_networks *u = *at;

	*at = u->next;
	free(u);
}

void
memory_networks_unlearn(struct memory_networks *t, struct str user)
{
	struct memory_user_networks **at = networks_place_of(&t->first, user);

	if (*at != NULL)
		take_off(at);
}

static size_t
sweep_user(struct memory_user_networks *u, int64_t now_ms, size_t limit)
{
	const size_t before = u->n;
	size_t n = 0;

	for (size_t i = 0; i < before; i++)
		if (now_ms < u->v[i].until_ms || i - n == limit)
			u->v[n++] = u->v[i];
	u->n = n;
	return before - n;
}

size_t
memory_networks_sweep(struct memory_networks *t, int64_t now_ms, size_t limit)
{
	struct memory_user_networks **at = &t->first;
	size_t removed = 0;

	while (*at != NULL && removed < limit) {
		removed += sweep_user(*at, now_ms, limit - removed);
		if ((*at)->n == 0)
			take_off(at);
		else
			at = &(*at)->next;
	}
	return removed;
}
