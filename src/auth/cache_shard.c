/* SPDX-License-Identifier: MIT */
/* The entries of the cache: a hash table with chains, and the removal of those
 * that were not used lately (CLOCK). */
#include "auth/cache_shard.h"

#include <stdlib.h>
#include <string.h>

int
cache_shard_init(struct cache_shard *s, size_t size)
{
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail */
	s->size = (uint32_t)size;
	/* Entries that are not used yet are not touched. */
	s->entries = calloc(size, sizeof(*s->entries));
	s->heads = calloc(size, sizeof(*s->heads));
	return s->entries != NULL && s->heads != NULL ? 0 : -1;
}

void
cache_shard_destroy(struct cache_shard *s)
{
	if (s->size == 0)
		return;
	for (uint32_t i = 0; s->entries != NULL && i < s->used; i++)
		free(s->entries[i].text);
	free(s->entries);
	free(s->heads);
	(void)pthread_mutex_destroy(&s->lock);
}

void
cache_shard_lock(struct cache_shard *s)
{
	(void)pthread_mutex_lock(&s->lock);
}

void
cache_shard_unlock(struct cache_shard *s)
{
	(void)pthread_mutex_unlock(&s->lock);
}

static uint32_t *
head_of(const struct cache_shard *s, const struct cache_key *key)
{
	uint64_t hash;

	/* The first byte chooses the shard. */
	memcpy(&hash, key->b + 8, sizeof(hash));
	return &s->heads[hash % s->size];
}

struct cache_entry *
cache_shard_find(struct cache_shard *s, const struct cache_key *key)
{
	uint32_t at = *head_of(s, key);

	while (at != 0) {
		struct cache_entry *e = &s->entries[at - 1];

		if (memcmp(&e->key, key, sizeof(*key)) == 0)
			return e;
		at = e->next;
	}
	return NULL;
}

static void
leave_chain(struct cache_shard *s, const struct cache_entry *e)
{
	const uint32_t number = (uint32_t)(e - s->entries) + 1;
	uint32_t *link = head_of(s, &e->key);

	while (*link != number)
		link = &s->entries[*link - 1].next;
	*link = e->next;
}

static void
join_chain(struct cache_shard *s, struct cache_entry *e)
{
	uint32_t *head = head_of(s, &e->key);

	e->next = *head;
	*head = (uint32_t)(e - s->entries) + 1;
}

/* Returns an entry that is in no chain. */
static struct cache_entry *
take_entry(struct cache_shard *s)
{
	struct cache_entry *e;

	if (s->used < s->size)
		return &s->entries[s->used++];
	for (;;) {
		e = &s->entries[s->hand];
		s->hand = (s->hand + 1) % s->size;
		if (!e->used_lately)
			break;
		e->used_lately = false;
	}
	leave_chain(s, e);
	return e;
}

/* Copies the texts behind each other; NULL: out of memory, or a text is too
 * long for its length in the entry. */
static char *
copy_texts(const struct str texts[CACHE_TEXTS])
{
	size_t n = 0;
	char *copy, *to;

	for (int i = 0; i < CACHE_TEXTS; i++) {
		if (texts[i].n > UINT16_MAX)
			return NULL;
		n += texts[i].n;
	}
	copy = to = malloc(n > 0 ? n : 1);
	for (int i = 0; copy != NULL && i < CACHE_TEXTS; i++) {
		if (texts[i].n > 0)
			memcpy(to, texts[i].p, texts[i].n);
		to += texts[i].n;
	}
	return copy;
}

void
cache_shard_put(struct cache_shard *s, const struct cache_entry *head,
		const struct principal *p)
{
	const struct str texts[CACHE_TEXTS] = { p->who.name, p->who.roles,
						p->who.email,
						p->who.full_name };
	struct cache_entry *e, made = *head;

	made.text = copy_texts(texts);
	if (made.text == NULL)
		return;
	for (int i = 0; i < CACHE_TEXTS; i++)
		made.length[i] = (uint16_t)texts[i].n;
	made.expires_ms = p->expires_ms;
	made.ends_ms = p->ends_ms;
	made.auth_ms = p->auth_ms;
	made.last_seen_ms = p->last_seen_ms;
	made.touch_every_ms = (uint32_t)p->touch_every_ms;
	made.session = p->session;
	made.mark = p->mark;
	made.remember = p->remember;
	e = cache_shard_find(s, &head->key);
	if (e != NULL)
		leave_chain(s, e);
	else
		e = take_entry(s);
	free(e->text);
	*e = made;
	join_chain(s, e);
}

struct str
cache_entry_user(const struct cache_entry *e)
{
	return (struct str){ .p = e->text, .n = e->length[0] };
}

static size_t
text_bytes(const struct cache_entry *e)
{
	size_t n = 0;

	for (int i = 0; i < CACHE_TEXTS; i++)
		n += e->length[i];
	return n;
}

/* Returns the next of the texts. */
static struct str
next_text(struct str *rest, uint16_t length)
{
	const struct str text = { .p = rest->p, .n = length };

	*rest = str_skip(*rest, length);
	return text;
}

int
cache_entry_read(struct cache_entry *e, struct arena *a, struct principal *out)
{
	const size_t n = text_bytes(e);
	struct str rest = { .n = n };
	char *copy = arena_alloc(a, n);

	if (copy == NULL)
		return -1;
	memcpy(copy, e->text, n);
	rest.p = copy;
	*out = (struct principal){
		.session = e->session,
		.expires_ms = e->expires_ms,
		.ends_ms = e->ends_ms,
		.auth_ms = e->auth_ms,
		.remember = e->remember,
		.last_seen_ms = e->last_seen_ms,
		.touch_every_ms = e->touch_every_ms,
		.mark = e->mark,
	};
	out->who.name = next_text(&rest, e->length[0]);
	out->who.roles = next_text(&rest, e->length[1]);
	out->who.email = next_text(&rest, e->length[2]);
	out->who.full_name = next_text(&rest, e->length[3]);
	e->used_lately = true;
	return 0;
}
