/* SPDX-License-Identifier: MIT */
/* Connections to a test server. */
#include "tests/contract/redis/fixture.h"

#include <stdio.h>
#include <string.h>

static const struct redis_script scripts[SCRIPT_N] = {
	[SCRIPT_ECHO] = { "return {KEYS[1], ARGV[1], #ARGV[1]}", 0 },
	[SCRIPT_SET] = { "return redis.call('SET', KEYS[1], ARGV[1])", 0 },
	[SCRIPT_BOTH] = { "return redis.call('EXISTS', KEYS[1], ARGV[1])", 0 },
	[SCRIPT_BROKEN] = { "return redis.call('LPUSH', KEYS[1], ARGV[1])", 0 },
};

void
fixture_init(struct fixture *r, const char *url)
{
	*r = (struct fixture){ .name = "redis",
			       .env = env_real(NULL),
			       .conf = { .url = str_from(url),
					 .prefix = STR("t:"),
					 .connect_timeout = 2,
					 .timeout = 2 } };
}

int
fixture_open(struct fixture *r)
{
	return redis_open(scripts, SCRIPT_N, &r->conf, &r->env, &r->server,
			  &r->err);
}

int
fixture_connect(struct fixture *r)
{
	fixture_disconnect(r);
	if (r->server == NULL && fixture_open(r) != 0)
		return -1;
	return redis_connect(r->server, &r->conn, &r->err);
}

void
fixture_disconnect(struct fixture *r)
{
	if (r->conn != NULL)
		redis_disconnect(r->conn);
	r->conn = NULL;
}

void
fixture_end(struct fixture *r)
{
	fixture_disconnect(r);
	if (r->server != NULL)
		redis_close(r->server);
	r->server = NULL;
}

static int
run_step(struct fixture *r, struct redis_step step, const char *key)
{
	char text[512];
	struct str prefix = redis_prefix(r->conn);
	int n = snprintf(text, sizeof(text), "%.*s%s", STR_ARG(prefix), key);

	step.key = (struct str){ .p = text, .n = (size_t)n };
	return redis_run(r->conn, &step, 1, &r->reply, &r->err);
}

int
fixture_run(struct fixture *r, const char *command, const char *key,
	    const struct str *args, size_t n)
{
	return run_step(r,
			(struct redis_step){
			    .command = command, .args = args, .nargs = n },
			key);
}

int
fixture_script(struct fixture *r, enum fixture_script which, const char *key,
	       const struct str *args, size_t n)
{
	return run_step(r,
			(struct redis_step){
			    .script = which, .args = args, .nargs = n },
			key);
}

int
fixture_get(struct fixture *r, const char *key)
{
	return fixture_run(r, "GET", key, NULL, 0);
}

int
fixture_set(struct fixture *r, const char *key, const char *value)
{
	return fixture_run(r, "SET", key, FIXTURE_ARGS(str_from(value)));
}
