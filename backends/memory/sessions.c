/* SPDX-License-Identifier: MIT */
/* A list of sessions with a hash table by id. */
#include "backends/memory/sessions.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64
#define NTEXTS	      6

/* Lists the texts of a session, always in the same order. */
static void
texts_of(struct session *s, struct str *texts[NTEXTS])
{
	texts[0] = &s->who.name;
	texts[1] = &s->who.roles;
	texts[2] = &s->who.email;
	texts[3] = &s->who.full_name;
	texts[4] = &s->address;
	texts[5] = &s->user_agent;
}

/* Uses the last bytes of the id, because they are random; the first are a
 * time. */
static struct memory_entry **
memory_sessions_bucket(const struct memory_sessions *t,
		       const struct session_id *id)
{
	size_t at;

	memcpy(&at, id->b + sizeof(id->b) - sizeof(at), sizeof(at));
	return &t->by_id[at % t->nbuckets];
}

static void
hang(struct memory_sessions *t, struct memory_entry *e)
{
	struct memory_entry **at = memory_sessions_bucket(t, &e->s.id);

	e->by_id = *at;
	*at = e;
}

static int
resize(struct memory_sessions *t, size_t nbuckets, struct err *err)
{
	struct memory_entry **by_id = calloc(nbuckets, sizeof(*by_id));

	if (by_id == NULL)
		return err_nomem(err);
	free(t->by_id);
	t->by_id = by_id;
	t->nbuckets = nbuckets;
	for (struct memory_entry *e = t->first; e != NULL; e = e->next)
		hang(t, e);
	return 0;
}

int
memory_sessions_init(struct memory_sessions *t, struct err *err)
{
	*t = (struct memory_sessions){ .first = NULL };
	return resize(t, FIRST_BUCKETS, err);
}

void
memory_sessions_destroy(struct memory_sessions *t)
{
	while (t->first != NULL)
		memory_sessions_remove(t, t->first);
	free(t->by_id);
}

struct memory_entry *
memory_sessions_id(const struct memory_sessions *t, const struct session_id *id)
{
	struct memory_entry *e = *memory_sessions_bucket(t, id);

	while (e != NULL && memcmp(&e->s.id, id, sizeof(*id)) != 0)
		e = e->by_id;
	return e;
}

/* Replaces the content by a deep copy of `s`; on an error nothing changes. */
static int
set_entry(struct memory_entry *e, const struct session *s, struct err *err)
{
	struct session copy = *s;
	struct str *texts[NTEXTS];
	size_t n = 1;
	char *text, *p;

	texts_of(&copy, texts);
	for (size_t i = 0; i < NTEXTS; i++)
		n += texts[i]->n;
	text = malloc(n);
	if (text == NULL)
		return err_nomem(err);
	p = text;
	for (size_t i = 0; i < NTEXTS; i++) {
		if (texts[i]->n > 0)
			memcpy(p, texts[i]->p, texts[i]->n);
		texts[i]->p = p;
		p += texts[i]->n;
	}
	free(e->text);
	e->text = text;
	e->s = copy;
	return 0;
}

int
memory_sessions_add(struct memory_sessions *t, const struct session *s,
		    struct err *err)
{
	struct memory_entry *e;

	if (memory_sessions_id(t, &s->id) != NULL)
		return err_set(err, ERR_INTERNAL,
			       "session: there is one with the same id");
	if (t->n >= 2 * t->nbuckets && resize(t, 4 * t->nbuckets, err) != 0)
		return -1;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return err_nomem(err);
	if (set_entry(e, s, err) != 0) {
		free(e);
		return -1;
	}
	e->next = t->first;
	if (e->next != NULL)
		e->next->prev = e;
	t->first = e;
	t->n++;
	hang(t, e);
	return 0;
}

static void
unhang(struct memory_sessions *t, const struct memory_entry *e)
{
	struct memory_entry **at = memory_sessions_bucket(t, &e->s.id);

	while (*at != e)
		at = &(*at)->by_id;
	*at = e->by_id;
}

void
memory_sessions_remove(struct memory_sessions *t, struct memory_entry *e)
{
	unhang(t, e);
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		t->first = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	t->n--;
	free(e->text);
	free(e);
}

int
memory_entry_get(const struct memory_entry *e, struct arena *a,
		 struct session *out, struct err *err)
{
	struct session copy = e->s;
	struct str *texts[NTEXTS];

	texts_of(&copy, texts);
	for (size_t i = 0; i < NTEXTS; i++)
		if (arena_copy(a, *texts[i], texts[i]) != 0)
			return err_nomem(err);
	*out = copy;
	return 0;
}

bool
memory_is_alive(const struct session *s, int64_t now_ms)
{
	return now_ms < s->idle_expires_ms && now_ms < s->expires_ms;
}

/* Returns whether the session comes before the cursor in a list, which is
 * sorted from new to old. */
static bool
is_newer(const struct session *s, const struct session_cursor *than)
{
	if (s->created_ms != than->created_ms)
		return s->created_ms > than->created_ms;
	return memcmp(&s->id, &than->id, sizeof(s->id)) > 0;
}

static struct session_cursor
cursor_at(const struct session *s)
{
	return (struct session_cursor){ .created_ms = s->created_ms,
					.id = s->id };
}

int64_t
memory_sessions_make_room(struct memory_sessions *t, struct str user,
			  int64_t keep, int64_t now_ms,
			  const struct memory_entry *except)
{
	int64_t live = keep + 1, evicted = 0;

	while (live > keep) {
		struct memory_entry *oldest = NULL;

		live = 0;
		for (struct memory_entry *e = t->first; e != NULL;
		     e = e->next) {
			struct session_cursor at = cursor_at(&e->s);

			if (e == except || !memory_is_alive(&e->s, now_ms) ||
			    !str_eq(e->s.who.name, user))
				continue;
			live++;
			if (oldest == NULL || is_newer(&oldest->s, &at))
				oldest = e;
		}
		if (live > keep) {
			memory_sessions_remove(t, oldest);
			evicted++;
		}
	}
	return evicted;
}

/* Inserts e into the sorted page of *n entries, of which at most `max` are
 * kept. */
static void
page_put(const struct memory_entry **page, size_t *n, size_t max,
	 const struct memory_entry *e)
{
	size_t at = *n;
	struct session_cursor c;

	while (at > 0) {
		c = cursor_at(&page[at - 1]->s);
		if (!is_newer(&e->s, &c))
			break;
		at--;
	}
	if (at == max)
		return;
	if (*n < max)
		(*n)++;
	memmove(&page[at + 1], &page[at],
		(*n - 1 - at) * sizeof(struct memory_entry *));
	page[at] = e;
}

/* Writes the newest live sessions after the cursor, up to one more than the
 * limit, to page[], sorted; *n is their number. */
static void
find_page(const struct memory_sessions *t, const struct session_query *q,
	  int64_t now_ms, const struct session_cursor *from,
	  const struct memory_entry **page, size_t *n)
{
	static const struct session_id none;
	bool begin = from->created_ms == 0 &&
		     memcmp(&from->id, &none, sizeof(none)) == 0;
	struct session last = { .created_ms = from->created_ms,
				.id = from->id };

	*n = 0;
	for (const struct memory_entry *e = t->first; e != NULL; e = e->next) {
		struct session_cursor at = cursor_at(&e->s);

		if (memory_is_alive(&e->s, now_ms) &&
		    (q->user.p == NULL || str_eq(e->s.who.name, q->user)) &&
		    (begin || is_newer(&last, &at)))
			page_put(page, n, q->limit + 1, e);
	}
}

int
memory_sessions_list(const struct memory_sessions *t, const struct call *c,
		     const struct session_query *q,
		     struct session_cursor *cursor, struct session_list *out,
		     struct err *err)
{
	/* One entry more than the page, to know whether there is another. */
	const struct memory_entry **page =
	    arena_array(c->arena, q->limit + 1,
			sizeof(const struct memory_entry *));
	struct session *v = arena_array(c->arena, q->limit, sizeof(*v));
	size_t n;
	bool more;

	if (page == NULL || v == NULL)
		return err_nomem(err);
	find_page(t, q, c->now_ms, cursor, page, &n);
	more = n > q->limit;
	if (more)
		n = q->limit;
	for (size_t i = 0; i < n; i++)
		if (memory_entry_get(page[i], c->arena, &v[i], err) != 0)
			return -1;
	if (n > 0)
		*cursor =
		    (struct session_cursor){ .created_ms = v[n - 1].created_ms,
					     .id = v[n - 1].id };
	cursor->more = more;
	*out = (struct session_list){ .v = v, .n = n };
	return 0;
}

/* If memory runs out, some sessions have the new identity and others do not.
 * The next call with the same identity completes the change. */
int
memory_sessions_update_user(const struct memory_sessions *t,
			    const struct identity *who, struct err *err)
{
	for (struct memory_entry *e = t->first; e != NULL; e = e->next) {
		struct session s = e->s;

		if (!str_eq(s.who.name, who->name))
			continue;
		s.who = *who;
		if (set_entry(e, &s, err) != 0)
			return -1;
	}
	return 0;
}

void
memory_sessions_remark(const struct memory_sessions *t, const struct remark *r)
{
	for (struct memory_entry *e = t->first; e != NULL; e = e->next)
		if (str_eq(e->s.who.name, r->user) &&
		    memcmp(&e->s.mark, &r->from, sizeof(r->from)) == 0)
			e->s.mark = r->to;
}
