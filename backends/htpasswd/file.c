/* SPDX-License-Identifier: MIT */
/* Parses the password file and the group file into a table. */
#include "backends/htpasswd/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "strategy/user_source.h"
#include "base/buf.h"

#define LINES_MAX 100000
#define LINE_MAX  1024 /* bytes of the line of a user */
#define HASH_MAX  512
#define REST_MS	  1000

/* One pass over the lines that are neither empty nor comments. */
struct lines {
	const struct htpasswd_text *text;
	struct str rest;
	size_t number; /* of the current line */
};

static int
wrong(const struct lines *l, struct err *err, const char *what)
{
	return err_set(err, ERR_CONFIG, "%s:%zu: %s", l->text->file, l->number,
		       what);
}

static bool
htpasswd_file_next_line(struct lines *l, struct str *out)
{
	struct str line;

	while (str_cut(&l->rest, '\n', &line)) {
		l->number++;
		if (str_ends(line, STR("\r")))
			line.n--;
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		*out = line;
		return true;
	}
	return false;
}

/* Checks the rules for every line of both files. */
static int
check_line(const struct lines *l, struct str line, struct err *err)
{
	if (l->number > LINES_MAX)
		return wrong(l, err, "more than 100000 lines");
	if (str_find(line, '\0') < line.n)
		return wrong(l, err, "there is a NUL byte");
	if (str_find(line, ':') == line.n)
		return wrong(l, err, "there is no colon");
	if (str_find(line, ':') == 0)
		return wrong(l, err, "there is no name before the colon");
	return 0;
}

static size_t
count_lines(struct str bytes)
{
	size_t n = 1;

	for (size_t i = 0; i < bytes.n; i++)
		n += bytes.p[i] == '\n' ? 1 : 0;
	return n < LINES_MAX ? n : LINES_MAX;
}

static void
htpasswd_file_note(struct htpasswd_lines *lines, const struct lines *l)
{
	if (lines->count < HTPASSWD_LINES_MAX)
		lines->v[lines->count] = l->number;
	lines->count++;
}

static struct lines
htpasswd_file_begin(const struct htpasswd_text *text)
{
	return (struct lines){ .text = text,
			       .rest = str_skip_bom(text->bytes) };
}

/* A user, and its position in the file. */
struct draft {
	struct htpasswd_user user;
	size_t line;
};

struct htpasswd_reader {
	struct arena *arena;
	struct htpasswd *out;
	struct draft *v;
	size_t n;
	struct buf *roles; /* one for each user of `out` */
};

static int
compare_drafts(const void *a, const void *b)
{
	const struct draft *x = a, *y = b;
	int order = str_order(x->user.name, y->user.name);

	if (order != 0)
		return order;
	return x->line < y->line ? -1 : 1;
}

/* Records a hash that no password can match, by its kind and by the reason; a
 * kind has at most two reasons. */
static void
htpasswd_file_check_hash(struct htpasswd *h, const struct lines *l,
			 struct str hash)
{
	const char *why, *kind = user_hash_kind(hash, &why);
	struct htpasswd_refused *one = h->refused;

	if (why == NULL)
		return;
	while (one < h->refused + h->nrefused &&
	       (strcmp(one->kind, kind) != 0 || strcmp(one->why, why) != 0))
		one++;
	if (one == h->refused + h->nrefused) {
		if (h->nrefused == HTPASSWD_KINDS_MAX)
			return;
		*one = (struct htpasswd_refused){ .kind = kind, .why = why };
		h->nrefused++;
	}
	htpasswd_file_note(&one->lines, l);
}

static int
htpasswd_file_read_user(struct htpasswd_reader *r, const struct lines *l,
			struct str line, struct err *err)
{
	struct draft d = { .line = l->number };

	if (line.n > LINE_MAX)
		return wrong(l, err, "the line has more than 1024 bytes");
	(void)str_cut(&line, ':', &d.user.name); /* has a colon: checked */
	(void)str_cut(&line, ':', &d.user.hash);
	if (d.user.hash.n > HASH_MAX)
		return wrong(l, err, "the hash has more than 512 bytes");
	if (!identity_name_is_valid(d.user.name)) {
		htpasswd_file_note(&r->out->notes[HTPASSWD_NAMES], l);
		return 0;
	}
	htpasswd_file_check_hash(r->out, l, d.user.hash);
	d.user.line = l->number;
	r->v[r->n++] = d;
	return 0;
}

/* Refuses a name that is there twice; the users are sorted, so equal names are
 * neighbours. */
static int
check_names(const struct htpasswd_reader *r, const char *file, struct err *err)
{
	for (size_t i = 1; i < r->n; i++) {
		const struct draft *d = &r->v[i];

		if (str_eq(d->user.name, d[-1].user.name))
			return err_set(err, ERR_CONFIG,
				       "%s:%zu: user %.*s is already in line "
				       "%zu",
				       file, d->line, STR_ARG(d->user.name),
				       d[-1].line);
	}
	return 0;
}

static int
read_users(struct htpasswd_reader *r, const struct htpasswd_text *text,
	   struct err *err)
{
	struct lines l = htpasswd_file_begin(text);
	struct htpasswd_user *v;
	struct str line;

	r->v = arena_array(r->arena, count_lines(text->bytes), sizeof(*r->v));
	if (r->v == NULL)
		return err_nomem(err);
	while (htpasswd_file_next_line(&l, &line)) {
		if (check_line(&l, line, err) != 0 ||
		    htpasswd_file_read_user(r, &l, line, err) != 0)
			return -1;
	}
	if (r->n > 0)
		qsort(r->v, r->n, sizeof(*r->v), compare_drafts);
	if (check_names(r, text->file, err) != 0)
		return -1;
	v = arena_array(r->arena, r->n + 1, sizeof(*v));
	if (v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->n; i++)
		v[i] = r->v[i].user;
	r->out->v = v;
	r->out->n = r->n;
	return 0;
}

static int
htpasswd_file_add_role(struct htpasswd_reader *r, const struct lines *l,
		       const struct htpasswd_user *u, struct str role,
		       struct err *err)
{
	struct buf *roles = &r->roles[u - r->out->v];
	const struct identity so_far = { .roles = buf_str(roles) };

	if (identity_has_role(&so_far, role))
		return 0;
	if (roles->n + 1 + role.n > IDENTITY_ROLES_MAX)
		return err_set(err, ERR_CONFIG,
			       "%s:%zu: the groups of %.*s have more than %d "
			       "bytes",
			       l->text->file, l->number, STR_ARG(u->name),
			       IDENTITY_ROLES_MAX);
	if (roles->n > 0)
		buf_add_char(roles, ',');
	buf_add(roles, role);
	return buf_failed(roles) ? err_nomem(err) : 0;
}

/* Reads the next member of a group; a user name cannot contain a comma. */
static bool
next_member(struct str *rest, struct str *name)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(", \t", rest->p[0]) != NULL)
		*rest = str_skip(*rest, 1);
	while (n < rest->n && strchr(", \t", rest->p[n]) == NULL)
		n++;
	*name = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n);
	return n > 0;
}

static int
read_group(struct htpasswd_reader *r, const struct lines *l, struct str line,
	   struct err *err)
{
	struct str group, name;
	bool unknown = false;

	(void)str_cut(&line, ':', &group); /* has a colon: checked */
	group = str_trim(group);
	if (!identity_role_is_valid(group)) {
		htpasswd_file_note(&r->out->notes[HTPASSWD_GROUPS], l);
		return 0;
	}
	while (next_member(&line, &name)) {
		const struct htpasswd_user *u = htpasswd_find(r->out, name);

		if (u == NULL)
			unknown = true;
		else if (htpasswd_file_add_role(r, l, u, group, err) != 0)
			return -1;
	}
	if (unknown)
		htpasswd_file_note(&r->out->notes[HTPASSWD_MEMBERS], l);
	return 0;
}

static int
read_groups(struct htpasswd_reader *r, const struct htpasswd_text *text,
	    struct err *err)
{
	struct lines l = htpasswd_file_begin(text);
	struct str line;

	r->roles = arena_array(r->arena, r->out->n + 1, sizeof(*r->roles));
	if (r->roles == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->out->n; i++)
		buf_init(&r->roles[i], r->arena, IDENTITY_ROLES_MAX);
	while (htpasswd_file_next_line(&l, &line)) {
		if (check_line(&l, line, err) != 0 ||
		    read_group(r, &l, line, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < r->out->n; i++)
		r->out->v[i].roles = buf_str(&r->roles[i]);
	return 0;
}

int
htpasswd_parse(const struct htpasswd_text *users,
	       const struct htpasswd_text *groups, struct arena *a,
	       struct htpasswd *out, struct err *err)
{
	struct htpasswd made = { .n = 0 };
	struct htpasswd_reader r = { .arena = a, .out = &made };

	made.refused =
	    arena_array(a, HTPASSWD_KINDS_MAX, sizeof(*made.refused));
	if (made.refused == NULL)
		return err_nomem(err);
	if (read_users(&r, users, err) != 0 ||
	    (groups != NULL && read_groups(&r, groups, err) != 0))
		return -1;
	made.cut = !str_ends(users->bytes, STR("\n"));
	*out = made;
	return 0;
}

size_t
htpasswd_position(const struct htpasswd *h, struct str name)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_order(h->v[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct htpasswd_user *
htpasswd_find(const struct htpasswd *h, struct str name)
{
	size_t at = htpasswd_position(h, name);

	return at < h->n && str_eq(h->v[at].name, name) ? &h->v[at] : NULL;
}

int
htpasswd_stat(const char *path, struct htpasswd_stamp *out, struct err *err)
{
	struct stat st;
	char text[128];

	if (stat(path, &st) != 0)
		return err_set(err, ERR_BUSY, "%s: %s", path,
			       strerror_r(errno, text, sizeof(text)));
	*out = (struct htpasswd_stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.modified = st.st_mtim,
		.changed = st.st_ctim,
	};
	return 0;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool
htpasswd_same(const struct htpasswd_stamp *a, const struct htpasswd_stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && same_time(a->modified, b->modified) &&
	       same_time(a->changed, b->changed);
}

bool
htpasswd_has_rested(const struct htpasswd_stamp *s, int64_t now_ms)
{
	int64_t changed_ms =
	    (int64_t)s->changed.tv_sec * 1000 + s->changed.tv_nsec / 1000000;

	return changed_ms > now_ms || now_ms - changed_ms >= REST_MS;
}
