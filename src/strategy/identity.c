/* SPDX-License-Identifier: MIT */
/* Who somebody is. */
#include "strategy/identity.h"

#include "base/arena.h"

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
identity_copy(struct arena *a, const struct identity *from,
	      struct identity *to)
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
