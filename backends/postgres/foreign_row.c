/* SPDX-License-Identifier: MIT */
/* Reads the user in a row of a statement of the administrator. */
#include "backends/postgres/foreign_row.h"

#include <string.h>

#include "backends/postgres/conn.h"
#include "base/buf.h"

#define QUOTED_MAX 80 /* bytes of a value in a message */

struct str
foreign_field(const PGresult *r, const struct places *p, enum column which)
{
	int at = p->at[which];
	struct str s;

	if (at < 0 || PQgetisnull(r, p->row, at) != 0)
		return STR("");
	s = (struct str){ .p = PQgetvalue(r, p->row, at),
			  .n = (size_t)PQgetlength(r, p->row, at) };
	/* The trailing blanks of char(n) are padding. */
	while (PQftype(r, at) == TYPE_BPCHAR && str_ends(s, STR(" ")))
		s.n--;
	return s;
}

/* Reads a boolean; returns false if the text is not one, for example empty. */
static bool
read_flag(struct str text, bool *out)
{
	static const struct {
		struct str text;
		bool value;
	} words[] = {
		{ { "f", 1 }, false },	   { { "0", 1 }, false },
		{ { "false", 5 }, false }, { { "no", 2 }, false },
		{ { "off", 3 }, false },   { { "n", 1 }, false },
		{ { "t", 1 }, true },	   { { "1", 1 }, true },
		{ { "true", 4 }, true },   { { "yes", 3 }, true },
		{ { "on", 2 }, true },	   { { "y", 1 }, true },
	};

	text = str_trim(text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq_nocase(text, words[i].text)) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

/* Reads the next word; commas or white space separate words. */
static bool
next_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(", \t\r\n", rest->p[0]) != NULL)
		*rest = str_skip(*rest, 1);
	while (n < rest->n && strchr(", \t\r\n", rest->p[n]) == NULL)
		n++;
	*word = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n);
	return n > 0;
}

/* Removes the braces of an array of text, {a,b}. A quoted element is not a
 * valid role, except the word "NULL"; without quotes it is the value NULL. */
static struct str
foreign_unwrap(struct str text, bool *array)
{
	*array = text.n >= 2 && text.p[0] == '{' && text.p[text.n - 1] == '}';
	if (*array)
		text = (struct str){ .p = text.p + 1, .n = text.n - 2 };
	return text;
}

/* Sets *why, which quotes an invalid role. */
static int
refuse_role(struct arena *a, struct str role, const char **why, struct err *err)
{
	struct buf b;

	buf_init(&b, a, 2 * QUOTED_MAX);
	buf_add(&b, STR("'"));
	buf_add(&b, str_clip(role, QUOTED_MAX));
	buf_add(&b, STR("' in roles is not a valid role"));
	*why = arena_cstr(a, buf_str(&b));
	return buf_failed(&b) || *why == NULL ? err_nomem(err) : 0;
}

static int
foreign_add_role(struct arena *a, struct buf *roles, struct str role,
		 const char **why, struct err *err)
{
	const struct identity so_far = { .roles = buf_str(roles) };

	if (!identity_role_is_valid(role))
		return refuse_role(a, role, why, err);
	if (identity_has_role(&so_far, role))
		return 0;
	if (roles->n + 1 + role.n > IDENTITY_ROLES_MAX) {
		*why = "roles has more than 1024 bytes";
		return 0;
	}
	if (roles->n > 0)
		buf_add_char(roles, ',');
	buf_add(roles, role);
	return buf_failed(roles) ? err_nomem(err) : 0;
}

static int
read_roles(struct str text, struct arena *a, struct str *out, const char **why,
	   struct err *err)
{
	bool array;
	struct str rest = foreign_unwrap(str_trim(text), &array), role;
	struct buf roles;

	buf_init(&roles, a, IDENTITY_ROLES_MAX);
	while (*why == NULL && next_word(&rest, &role)) {
		if (array && str_eq(role, STR("NULL")))
			continue;
		if (array && str_eq(role, STR("\"NULL\"")))
			role = STR("NULL");
		if (foreign_add_role(a, &roles, role, why, err) != 0)
			return -1;
	}
	*out = buf_str(&roles);
	return 0;
}

/* Reads the column disabled. NULL refuses the user: a join without a match
 * gives it, as does NOT of NULL. Without the column no user is disabled. */
static void
read_disabled(const PGresult *r, const struct places *p, bool *disabled,
	      const char **why)
{
	const int at = p->at[DISABLED];

	if (at < 0)
		*disabled = false;
	else if (PQgetisnull(r, p->row, at) != 0)
		*why = "disabled is NULL";
	else if (!read_flag(foreign_field(r, p, DISABLED), disabled))
		*why = "disabled is neither true nor false";
}

int
foreign_read_user(const PGresult *r, const struct places *p, struct arena *a,
		  struct user *out, const char **why, struct err *err)
{
	struct user u = { .disabled = true };

	read_disabled(r, p, &u.disabled, why);
	if (!identity_text_is_valid(foreign_field(r, p, EMAIL)))
		*why = "email is too long or has control characters";
	if (!identity_text_is_valid(foreign_field(r, p, FULL_NAME)))
		*why = "full_name is too long or has control characters";
	if (read_roles(foreign_field(r, p, ROLES), a, &u.who.roles, why, err) !=
	    0)
		return -1;
	if (arena_copy(a, foreign_field(r, p, NAME), &u.who.name) != 0 ||
	    arena_copy(a, foreign_field(r, p, PASSWORD_HASH), &u.hash) != 0)
		return err_nomem(err);
	/* The texts of a refused user may be of any size. */
	if (*why == NULL &&
	    (arena_copy(a, foreign_field(r, p, EMAIL), &u.who.email) != 0 ||
	     arena_copy(a, foreign_field(r, p, FULL_NAME), &u.who.full_name) !=
		 0))
		return err_nomem(err);
	*out = u;
	return 0;
}
