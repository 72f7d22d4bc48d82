/* SPDX-License-Identifier: MIT */
/* Asks the sentinels which server is the master. */
#include "backends/redis/client/wire_error.h"
#include "backends/redis/client/conn_internal.h"

#include <string.h>

int64_t
redis_share(const struct env *env, int64_t deadline_ms, size_t n)
{
	int64_t now_ms = env_mono_ms(env);

	return now_ms + (deadline_ms - now_ms) / (int64_t)n;
}

/* Reads an array of host and port, or nil if the name is unknown. */
static int
understand(const struct redis_server *s, const redisReply *reply,
	   struct redis_address *out, struct err *err)
{
	struct redis_address at = { .port = 0 };
	struct str host;
	int64_t port;

	if (reply->type == REDIS_REPLY_NIL)
		return err_set(err, ERR_UNAVAILABLE,
			       "has no master of the name %.*s",
			       STR_ARG(s->target.sentinel_name));
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return err_set(err, ERR_UNAVAILABLE,
			       "reply: must be a host and a port");
	host = redis_reply_str(reply->element[0]);
	if (host.n == 0 || host.n >= sizeof(at.host) ||
	    !str_to_uint(redis_reply_str(reply->element[1]), UINT16_MAX,
			 &port) ||
	    port == 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "reply: host or port is not valid");
	memcpy(at.host, host.p, host.n);
	at.port = (uint16_t)port;
	*out = at;
	return 0;
}

int
redis_sentinel_open(const struct redis_server *s,
		    const struct redis_address *sentinel, int64_t deadline_ms,
		    struct redis_wire **out, struct err *err)
{
	struct redis_login login = s->target.sentinel_login;

	login.tls = s->tls;
	return redis_wire_open(sentinel, &login, s->env, deadline_ms, out, err);
}

int
redis_sentinel_query(const struct redis_server *s, struct redis_wire *w,
		     int64_t deadline_ms, struct redis_address *out,
		     struct err *err)
{
	const struct str argv[] = { STR("SENTINEL"),
				    STR("get-master-addr-by-name"),
				    s->target.sentinel_name };
	redisReply *reply;
	int result;

	if (redis_wire_call(w, argv, ARRAY_LEN(argv), deadline_ms, &reply,
			    err) != 0)
		return -1;
	result = understand(s, reply, out, err);
	freeReplyObject(reply);
	return result == 0 ? 0 :
			     redis_wire_add_peer(redis_wire_address(w), err);
}

static int
ask_one(const struct redis_server *s, const struct redis_address *sentinel,
	int64_t deadline_ms, struct redis_address *out, struct err *err)
{
	struct redis_wire *w;
	int result;

	if (redis_sentinel_open(s, sentinel, deadline_ms, &w, err) != 0)
		return -1;
	result = redis_sentinel_query(s, w, deadline_ms, out, err);
	redis_wire_close(w);
	return result;
}

int
redis_sentinel_ask(struct redis_server *s, int64_t deadline_ms,
		   struct redis_address *out, struct err *err)
{
	const struct redis_addresses *list = &s->target.sentinels;
	size_t first = atomic_load(&s->sentinel);

	for (size_t i = 0; i < list->n; i++) {
		size_t which = (first + i) % list->n;

		if (ask_one(s, &list->v[which],
			    redis_share(s->env, deadline_ms, list->n - i), out,
			    err) == 0) {
			atomic_store(&s->sentinel, which);
			return 0;
		}
	}
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "sentinel");
}
