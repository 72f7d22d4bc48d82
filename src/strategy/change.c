/* SPDX-License-Identifier: MIT */
/* Which change a denial is. */
#include "strategy/change.h"

#include "base/enc.h"

struct change
change_of_denial(struct str key)
{
	struct change change = { .kind = CHANGE_ALL };

	if (str_starts(key, STR("sid:"))) {
		if (hex_decode(str_skip(key, 4), change.session.b,
			       sizeof(change.session.b)))
			change.kind = CHANGE_SESSION;
	} else if (str_starts(key, STR("user:"))) {
		change.user = str_skip(key, 5);
		change.kind = CHANGE_USER;
	}
	return change;
}
