/* SPDX-License-Identifier: MIT */
/* Session ids. */
#include "strategy/session_id.h"

#include "base/str.h"

enum { TIME_BYTES = 6, AT_SHARD = TIME_BYTES };

int
session_id_make(const struct env *env, int64_t now_ms, struct str user,
		struct session_id *out, struct err *err)
{
	struct session_id id;

	if (env_random(env, id.b, sizeof(id.b)) != 0)
		return err_norandom(err);
	for (size_t i = TIME_BYTES; i > 0; i--) {
		id.b[i - 1] = (uint8_t)now_ms;
		now_ms >>= 8;
	}
	id.b[AT_SHARD] = session_shard_of(user);
	*out = id;
	return 0;
}

int64_t
session_id_time_ms(const struct session_id *id)
{
	int64_t ms = 0;

	for (size_t i = 0; i < TIME_BYTES; i++)
		ms = ms << 8 | id->b[i];
	return ms;
}

uint8_t
session_id_shard(const struct session_id *id)
{
	return id->b[AT_SHARD];
}

uint8_t
session_shard_of(struct str user)
{
	const uint32_t hash = str_hash(user);

	return (uint8_t)(hash ^ hash >> 8);
}
