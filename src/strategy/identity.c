/* SPDX-License-Identifier: MIT */
/* The identity of a user. */
#include "strategy/identity.h"

#include "base/arena.h"
#include "base/err.h"

bool
identity_name_is_valid(struct str name)
{
	return name.n <= IDENTITY_NAME_MAX && str_is_name(name, "._@+-");
}

bool
identity_role_is_valid(struct str role)
{
	return role.n <= IDENTITY_NAME_MAX && str_is_name(role, "._@+-:");
}

bool
identity_text_is_valid(struct str text)
{
	return text.n <= IDENTITY_TEXT_MAX && str_is_text(text);
}

static bool
roles_are_valid(struct str roles)
{
	struct str role;

	if (roles.n > IDENTITY_ROLES_MAX)
		return false;
	if (roles.n == 0)
		return true;
	while (str_cut(&roles, ',', &role))
		if (!identity_role_is_valid(role))
			return false;
	return true;
}

int
identity_check(const struct identity *who, struct err *err)
{
	if (!identity_name_is_valid(who->name))
		return err_set(err, ERR_INPUT,
			       "user name: must be 1 to 64 of"
			       " [A-Za-z0-9._@+-]");
	if (!roles_are_valid(who->roles))
		return err_set(err, ERR_INPUT,
			       "roles: must be names of [A-Za-z0-9._@+:-],"
			       " at most %d bytes together",
			       IDENTITY_ROLES_MAX);
	if (!identity_text_is_valid(who->email))
		return err_set(err, ERR_INPUT,
			       "e-mail: must be UTF-8 without control"
			       " characters,"
			       " at most %d bytes",
			       IDENTITY_TEXT_MAX);
	if (!identity_text_is_valid(who->full_name))
		return err_set(err, ERR_INPUT,
			       "full name: must be UTF-8 without control"
			       " characters, at most %d bytes",
			       IDENTITY_TEXT_MAX);
	return 0;
}

bool
identity_has_role(const struct identity *who, struct str role)
{
	struct str rest = who->roles, one;

	while (str_cut(&rest, ',', &one)) {
		if (one.n > 0 && str_eq(one, role))
			return true;
	}
	return false;
}

bool
identity_equal(const struct identity *a, const struct identity *b)
{
	return str_eq(a->name, b->name) && str_eq(a->roles, b->roles) &&
	       str_eq(a->email, b->email) && str_eq(a->full_name, b->full_name);
}

int
identity_copy(struct arena *a, const struct identity *from, struct identity *to)
{
	struct identity copy;

	if (arena_copy(a, from->name, &copy.name) != 0 ||
	    arena_copy(a, from->roles, &copy.roles) != 0 ||
	    arena_copy(a, from->email, &copy.email) != 0 ||
	    arena_copy(a, from->full_name, &copy.full_name) != 0)
		return -1;
	*to = copy;
	return 0;
}
