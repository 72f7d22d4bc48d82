/* SPDX-License-Identifier: MIT */
/* Error replies of Redis, told apart by their first word. */
#include "backends/redis/client/wire_error.h"

#define TEXT_MAX 90 /* of an error reply; leaves room for the advice */

#define NOT_PERMITTED "The user executing the script can't"

struct str
redis_reply_str(const redisReply *reply)
{
	return (struct str){ .p = reply->str == NULL ? "" : reply->str,
			     .n = reply->str == NULL ? 0 : reply->len };
}

struct str
redis_info_value(struct str info, struct str name)
{
	struct str line;

	while (str_cut(&info, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.n--;
		if (str_starts(line, name))
			return str_skip(line, name.n);
	}
	return STR("");
}

static bool
wire_error_find(struct str s, struct str what, struct str *from)
{
	for (; s.n >= what.n; s = str_skip(s, 1)) {
		if (str_starts(s, what)) {
			*from = s;
			return true;
		}
	}
	return false;
}

/* Returns the text of the error. Redis 6 puts the error of a command in a
 * script behind a text of its own:
 * "ERR Error running script (call to f_...): @user_script:1: -OOM ...".
 * Redis 6 and 7.0 leave out NOPERM there. */
static struct str
wire_error_text_of(const redisReply *reply)
{
	struct str s = redis_reply_str(reply), inner;

	if (wire_error_find(s, STR(NOT_PERMITTED), &inner))
		return inner;
	if (str_starts(s, STR("ERR Error running script")) &&
	    wire_error_find(s, STR(": -"), &inner))
		return str_skip(inner, 3);
	return s;
}

/* Returns whether a step failed because its slot is being moved and some of its
 * keys are elsewhere. A script gets the last of these texts, in which the
 * versions differ in the words around it. */
static bool
is_moving(const redisReply *reply)
{
	struct str text = redis_reply_str(reply), at;

	return str_starts(text, STR("TRYAGAIN")) ||
	       str_starts(text, STR("ASK ")) ||
	       wire_error_find(text, STR("attempted to access a non local key"),
			       &at);
}

enum redis_answer
redis_reply_answer(const redisReply *reply)
{
	static const struct {
		const char *word;
		enum redis_answer answer;
		/* clang-format off */
	} rows[] = {
		{ "NOSCRIPT ", REDIS_NOSCRIPT },
		{ "MOVED ", REDIS_MOVED },
		{ "ASK ", REDIS_ASK },
		{ "CLUSTERDOWN ", REDIS_LATER },
	};
	/* clang-format on */

	if (reply->type != REDIS_REPLY_ERROR)
		return REDIS_DONE;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_starts(redis_reply_str(reply), str_from(rows[i].word)))
			return rows[i].answer;
	return is_moving(reply) ? REDIS_LATER : REDIS_REFUSED;
}

static const struct wire_refusal {
	const char *start;
	enum err_code code;
	const char *advice;
} refusals[] = {
	{ "LOADING", ERR_UNAVAILABLE, "" },
	{ "READONLY", ERR_UNAVAILABLE,
	  "; the server is a replica: name the master, or use sentinels" },
	{ "MASTERDOWN", ERR_UNAVAILABLE, "" },
	{ "CLUSTERDOWN", ERR_UNAVAILABLE, "" },
	{ "OOM", ERR_BUSY, "; raise maxmemory of the server" },
	{ "MISCONF", ERR_BUSY,
	  "; the server's own log says why it cannot save" },
	{ "NOREPLICAS", ERR_BUSY, "; min-replicas-to-write is not met" },
	{ "WRONGTYPE", ERR_BUSY, "; another program has written the key" },
	{ "BUSY", ERR_UNAVAILABLE, "" },
	{ "UNKILLABLE", ERR_UNAVAILABLE, "" },
	{ "NOAUTH", ERR_UNAVAILABLE, "; set a password for the server" },
	{ "WRONGPASS", ERR_UNAVAILABLE, "" },
	{ "NOPERM", ERR_UNAVAILABLE, "; see the ACL of this user" },
	{ NOT_PERMITTED, ERR_UNAVAILABLE, "; see the ACL of this user" },
	{ "DENIED", ERR_UNAVAILABLE, "; the server wants a password" },
	{ "ERR max number of clients", ERR_UNAVAILABLE,
	  "; raise maxclients of the server" },
	{ "MOVED", ERR_CONFIG,
	  "; the server is part of a cluster: set cluster = yes" },
	{ "ERR This instance has cluster support disabled", ERR_CONFIG,
	  "; leave cluster out" },
	{ "ERR DB index is out of range", ERR_CONFIG,
	  "; choose a smaller one in url" },
	{ "ERR SELECT is not allowed in cluster mode", ERR_CONFIG,
	  "; set cluster = yes, and no database in url" },
	{ "", ERR_INTERNAL, "" },
};

bool
redis_reply_lacks_replicas(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR &&
	       str_starts(wire_error_text_of(reply), STR("NOREPLICAS"));
}

int
redis_reply_fail(const redisReply *reply, struct err *err)
{
	struct str text = wire_error_text_of(reply), args;
	const struct wire_refusal *r = refusals;

	if (is_moving(reply))
		return err_set(err, ERR_BUSY,
			       "%.*s; the cluster is moving its slot",
			       STR_ARG(str_clip(text, TEXT_MAX)));
	/* Cuts off the data in "ERR unknown command `X`, with args beginning
	 * with:". */
	if (wire_error_find(text, STR(", with args"), &args))
		text.n -= args.n;
	while (!str_starts(text, str_from(r->start)))
		r++;
	text = str_clip(text, TEXT_MAX);
	return err_set(err, r->code, "%.*s%s", STR_ARG(text), r->advice);
}

int
redis_reply_login(const redisReply *reply, struct err *err)
{
	struct str text = redis_reply_str(reply);

	if (reply->type == REDIS_REPLY_STATUS)
		return 0;
	if (reply->type != REDIS_REPLY_ERROR)
		return err_set(
		    err, ERR_UNAVAILABLE,
		    "Redis protocol error: unexpected reply to AUTH");
	if (str_starts(text, STR("LOADING")) ||
	    str_starts(text, STR("ERR max number of clients")))
		return redis_reply_fail(reply, err);
	if (str_starts(text, STR("ERR AUTH <password> called without")))
		return err_set(err, ERR_UNAVAILABLE,
			       "password: is set, but the server has none");
	return err_set(err, ERR_UNAVAILABLE,
		       "the server refuses the user name and password");
}
