/* SPDX-License-Identifier: MIT */
/* The sessions, with a hash table by id. */
#include "backends/memory/sessions.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

/* Uses the last bytes of the id, because they are random; the first are a
 * time. */
static uint32_t *
session_head(const struct memory_sessions *t, const struct session_id *id)
{
	size_t at;

	memcpy(&at, id->b + sizeof(id->b) - sizeof(at), sizeof(at));
	return &t->heads[at & (t->size - 1)];
}

static void
hang(struct memory_sessions *t, size_t number)
{
	struct memory_entry *e = t->all[number - 1];
	uint32_t *head = session_head(t, &e->id);

	e->next = *head;
	*head = (uint32_t)number;
}

/* Returns the place that has the number of the session with this id, or 0 if
 * there is none. */
static uint32_t *
link_to(const struct memory_sessions *t, const struct session_id *id)
{
	uint32_t *at = session_head(t, id);

	while (*at != 0) {
		struct memory_entry *e = t->all[*at - 1];

		if (memcmp(&e->id, id, sizeof(*id)) == 0)
			break;
		at = &e->next;
	}
	return at;
}

static int
resize(struct memory_sessions *t, size_t size, struct err *err)
{
	struct memory_entry **all = NULL;
	uint32_t *heads = NULL;

	if (size <= UINT32_MAX)
		all = realloc(t->all, size * sizeof(*all));
	if (all == NULL)
		return err_nomem(err);
	t->all = all;
	heads = calloc(size, sizeof(*heads));
	if (heads == NULL)
		return err_nomem(err);
	free(t->heads);
	t->heads = heads;
	t->size = size;
	for (size_t number = 1; number <= t->n; number++)
		hang(t, number);
	return 0;
}

int
memory_sessions_init(struct memory_sessions *t, struct err *err)
{
	*t = (struct memory_sessions){ .n = 0 };
	if (resize(t, FIRST_SIZE, err) != 0) {
		free(t->all);
		return -1;
	}
	return 0;
}

static void
entry_free(struct memory_entry *e)
{
	memory_agent_release(e->agent);
	free(e);
}

void
memory_sessions_destroy(struct memory_sessions *t)
{
	for (size_t i = 0; i < t->n; i++)
		entry_free(t->all[i]);
	memory_agents_destroy(&t->agents);
	free(t->all);
	free(t->heads);
}

struct memory_entry *
memory_sessions_id(const struct memory_sessions *t, const struct session_id *id)
{
	const uint32_t number = *link_to(t, id);

	return number != 0 ? t->all[number - 1] : NULL;
}

int
memory_sessions_add(struct memory_sessions *t, const struct session *s,
		    struct err *err)
{
	struct memory_agent *agent;
	struct memory_entry *e;

	if (memory_sessions_id(t, &s->id) != NULL)
		return err_set(err, ERR_INTERNAL,
			       "session: there is one with the same id");
	if (t->n == t->size && resize(t, 2 * t->size, err) != 0)
		return -1;
	agent = memory_agents_take(&t->agents, s->user_agent);
	e = agent != NULL ? memory_entry_new(s, NULL, agent) : NULL;
	if (e == NULL) {
		memory_agent_release(agent);
		return err_nomem(err);
	}
	t->all[t->n++] = e;
	hang(t, t->n);
	return 0;
}

int
memory_sessions_replace(struct memory_sessions *t, struct memory_entry *e,
			const struct session *s,
			const struct memory_rotation *r, struct err *err)
{
	struct memory_entry *copy = memory_entry_new(s, r, e->agent);

	if (copy == NULL)
		return err_nomem(err);
	copy->next = e->next;
	t->all[*link_to(t, &e->id) - 1] = copy;
	free(e);
	return 0;
}

void
memory_sessions_remove(struct memory_sessions *t, struct memory_entry *e)
{
	uint32_t *at = link_to(t, &e->id);
	const uint32_t number = *at;
	struct memory_entry *last = t->all[t->n - 1];

	*at = e->next;
	if (last != e) {
		*link_to(t, &last->id) = number;
		t->all[number - 1] = last;
	}
	t->n--;
	entry_free(e);
}

/* Returns a value below 0 if the session comes before the position in a list,
 * which is sorted from new to old; 0 if it is there, and else above 0. */
static int
compare(const struct memory_entry *e, int64_t created_ms,
	const struct session_id *id)
{
	if (e->created_ms != created_ms)
		return e->created_ms > created_ms ? -1 : 1;
	return memcmp(id, &e->id, sizeof(*id));
}

static bool
is_newer(const struct memory_entry *e, const struct memory_entry *than)
{
	return compare(e, than->created_ms, &than->id) < 0;
}

static bool
is_same_id(const struct session_id *a, const struct session_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int64_t
memory_sessions_make_room(struct memory_sessions *t, struct str user,
			  int64_t keep, int64_t now_ms,
			  const struct session_id *except)
{
	int64_t live = keep + 1, evicted = 0;

	while (live > keep) {
		struct memory_entry *oldest = NULL;

		live = 0;
		for (size_t i = 0; i < t->n; i++) {
			struct memory_entry *e = t->all[i];

			if (!memory_entry_is_alive(e, now_ms) ||
			    !memory_entry_is_of(e, user) ||
			    is_same_id(&e->id, except))
				continue;
			live++;
			if (oldest == NULL || is_newer(oldest, e))
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

	while (at > 0 && is_newer(e, page[at - 1]))
		at--;
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
	bool begin = from->created_ms == 0 && is_same_id(&from->id, &none);

	*n = 0;
	/* The last ones are mostly the newest, which are at their place in the
	 * page at once. */
	for (size_t i = t->n; i-- > 0;) {
		const struct memory_entry *e = t->all[i];

		if (memory_entry_is_alive(e, now_ms) &&
		    (q->user.p == NULL || memory_entry_is_of(e, q->user)) &&
		    (begin || compare(e, from->created_ms, &from->id) > 0))
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
memory_sessions_update_user(struct memory_sessions *t,
			    const struct identity *who, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct memory_entry *e = t->all[i];
		struct memory_rotation last;
		struct session s;

		if (!memory_entry_is_of(e, who->name))
			continue;
		last = memory_entry_rotation(e);
		s = memory_entry_session(e);
		s.who = *who;
		if (memory_sessions_replace(t, e, &s, &last, err) != 0)
			return -1;
	}
	return 0;
}

void
memory_sessions_remark(const struct memory_sessions *t, const struct remark *r)
{
	for (size_t i = 0; i < t->n; i++) {
		struct memory_entry *e = t->all[i];

		if (memory_entry_is_of(e, r->user) &&
		    memcmp(&e->mark, &r->from, sizeof(r->from)) == 0)
			e->mark = r->to;
	}
}
