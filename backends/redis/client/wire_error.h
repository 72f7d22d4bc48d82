/* SPDX-License-Identifier: MIT */
/* What an error reply means to us. */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_ERROR_H
#define BACKENDS_REDIS_CLIENT_WIRE_ERROR_H

#include "backends/redis/client/conn.h"

enum redis_answer {
	REDIS_REFUSED, /* an error that stays one */
	REDIS_DONE,
	REDIS_NOSCRIPT, /* again, by EVAL */
	REDIS_MOVED, /* again there, and from now on */
	REDIS_ASK, /* again there, this once */
	REDIS_LATER, /* again in a moment */
};

enum redis_answer redis_reply_answer(const redisReply *reply);

/* Error replies as *err, with what to do about it; -1. */
int redis_reply_fail(const redisReply *reply, struct err *err);

/* Of AUTH: nothing of its text but the code, for it may repeat a password. */
int redis_reply_login(const redisReply *reply, struct err *err) MUST_USE;

struct str redis_reply_str(const redisReply *reply);

#endif
