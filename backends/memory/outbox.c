/* SPDX-License-Identifier: MIT */
/* A list of mails. */
#include "backends/memory/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "strategy/clock.h"

static void
remove_mail(struct memory_mail **at)
{
	struct memory_mail *m = *at;

	*at = m->next;
	free(m);
}

void
memory_outbox_destroy(struct memory_outbox *t)
{
	while (t->first != NULL)
		remove_mail(&t->first);
}

static struct memory_mail **
mail_place_of(struct memory_outbox *t, const uint8_t id[MAIL_ID_BYTES])
{
	struct memory_mail **at = &t->first;

	while (*at != NULL && memcmp((*at)->is.id, id, MAIL_ID_BYTES) != 0)
		at = &(*at)->next;
	return at;
}

static struct str
mail_keep_text(struct str text, char **room)
{
	const struct str kept = { .p = *room, .n = text.n };

	if (text.n > 0)
		memcpy(*room, text.p, text.n);
	*room += text.n;
	return kept;
}

int
memory_outbox_add(struct memory_outbox *t, const struct mail *mail,
		  int64_t now_ms, struct err *err)
{
	struct memory_mail *m =
	    calloc(1, sizeof(*m) + mail->user.n + mail->to.n + mail->kind.n +
			  mail->body.n);
	char *room;

	if (m == NULL)
		return err_nomem(err);
	room = m->texts;
	m->is = *mail;
	m->is.created_ms = m->is.next_ms = now_ms;
	m->is.tries = 0;
	m->is.user = mail_keep_text(mail->user, &room);
	m->is.to = mail_keep_text(mail->to, &room);
	m->is.kind = mail_keep_text(mail->kind, &room);
	m->is.body = mail_keep_text(mail->body, &room);
	m->next = t->first;
	t->first = m;
	return 0;
}

static bool
mail_is_due(const struct mail *m, int64_t now_ms)
{
	return m->next_ms <= now_ms && now_ms < m->expires_ms;
}

static int
by_next(const void *a, const void *b)
{
	const struct memory_mail *const *x = a, *const *y = b;

	return ((*x)->is.next_ms > (*y)->is.next_ms) -
	       ((*x)->is.next_ms < (*y)->is.next_ms);
}

/* Returns the due mails in their order; NULL: out of memory. */
static struct memory_mail **
due_mails(struct memory_outbox *t, const struct call *c, size_t *n)
{
	struct memory_mail **v;
	size_t due = 0;

	for (const struct memory_mail *m = t->first; m != NULL; m = m->next)
		due += mail_is_due(&m->is, c->now_ms);
	v = arena_array(c->arena, due + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	*n = 0;
	for (struct memory_mail *m = t->first; m != NULL; m = m->next)
		if (mail_is_due(&m->is, c->now_ms))
			v[(*n)++] = m;
	qsort(v, *n, sizeof(*v), by_next);
	return v;
}

static int
copy_mail(const struct mail *from, struct arena *a, struct mail *to)
{
	*to = *from;
	if (arena_copy(a, from->user, &to->user) != 0 ||
	    arena_copy(a, from->to, &to->to) != 0 ||
	    arena_copy(a, from->kind, &to->kind) != 0 ||
	    arena_copy(a, from->body, &to->body) != 0)
		return -1;
	return 0;
}

int
memory_outbox_claim(struct memory_outbox *t, const struct call *c, size_t limit,
		    int64_t lease_ms, struct mail_list *out, struct err *err)
{
	struct mail_list list = { .n = 0 };
	struct memory_mail **due = due_mails(t, c, &list.n);

	if (due == NULL)
		return err_nomem(err);
	list.n = list.n < limit ? list.n : limit;
	list.v = arena_array(c->arena, list.n + 1, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < list.n; i++)
		if (copy_mail(&due[i]->is, c->arena, &list.v[i]) != 0)
			return err_nomem(err);
	/* From here on nothing fails. */
	for (size_t i = 0; i < list.n; i++) {
		list.v[i].tries = ++due[i]->is.tries;
		list.v[i].next_ms = due[i]->is.next_ms =
		    later_ms(c->now_ms, lease_ms);
	}
	*out = list;
	return 0;
}

void
memory_outbox_done(struct memory_outbox *t, const uint8_t id[MAIL_ID_BYTES])
{
	struct memory_mail **at = mail_place_of(t, id);

	if (*at != NULL)
		remove_mail(at);
}

void
memory_outbox_retry(struct memory_outbox *t, const struct mail_retry *r)
{
	struct memory_mail *m = *mail_place_of(t, r->id);

	if (m != NULL && m->is.tries == r->tries)
		m->is.next_ms = r->next_ms;
}

/* Removes at most `limit` mails: those of a user, or those that have expired if
 * user.p is NULL. */
static size_t
remove_mails(struct memory_outbox *t, struct str user, int64_t now_ms,
	     size_t limit)
{
	struct memory_mail **at = &t->first;
	size_t n = 0;

	while (*at != NULL && n < limit) {
		const struct mail *m = &(*at)->is;

		if (user.p != NULL ? !str_eq(m->user, user) :
				     now_ms < m->expires_ms) {
			at = &(*at)->next;
			continue;
		}
		remove_mail(at);
		n++;
	}
	return n;
}

size_t
memory_outbox_remove(struct memory_outbox *t, struct str user)
{
	return remove_mails(t, user, 0, SIZE_MAX);
}

size_t
memory_outbox_sweep(struct memory_outbox *t, int64_t now_ms, size_t limit)
{
	return remove_mails(t, (struct str){ .p = NULL, .n = 0 }, now_ms,
			    limit);
}
