/* SPDX-License-Identifier: MIT */
/* Interprets replies. */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_ERROR_H
#define BACKENDS_REDIS_CLIENT_WIRE_ERROR_H

#include "backends/redis/client/conn.h"

enum redis_answer {
	REDIS_REFUSED, /* a final error */
	REDIS_DONE,
	REDIS_NOSCRIPT, /* send it again, by EVAL */
	REDIS_MOVED, /* send it, and all for the slot, elsewhere */
	REDIS_ASK, /* send it, this once, elsewhere */
	REDIS_LATER, /* send it again after a pause */
};

enum redis_answer redis_reply_answer(const redisReply *reply);

/* Returns whether the server refused a write because it has lost replicas. */
bool redis_reply_lacks_replicas(const redisReply *reply);

/* Sets *err to the error reply, with advice, and returns -1. */
int redis_reply_fail(const redisReply *reply, struct err *err);

/* Fails if the reply to AUTH is not OK. The message has nothing of the text of
 * the reply, which may repeat a password. */
int redis_reply_login(const redisReply *reply, struct err *err) MUST_USE;

struct str redis_reply_str(const redisReply *reply);

/* Returns the value of the line "name:value" of INFO, or an empty text. `name`
 * includes the colon. */
struct str redis_info_value(struct str info, struct str name);

#endif
