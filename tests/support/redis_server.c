/* SPDX-License-Identifier: MIT */
/* Starts Redis servers and sends commands to them. */
#include "tests/support/redis_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY_MS 20000

bool
test_redis_here(void)
{
	char path[256];

	return process_find("redis-server", path, sizeof(path));
}

static redisContext *
connect_to(const struct test_redis *r)
{
	const struct timeval limit = { .tv_sec = 5 };
	redisContext *c = redisConnectUnixWithTimeout(r->socket, limit);

	if (c == NULL || c->err != 0 || redisSetTimeout(c, limit) != REDIS_OK) {
		if (c != NULL)
			redisFree(c);
		return NULL;
	}
	if (r->password != NULL)
		freeReplyObject(redisCommand(c, "AUTH %s", r->password));
	return c;
}

static redisReply *
try_command(const struct test_redis *r, const char *command)
{
	redisContext *c = connect_to(r);
	redisReply *reply;

	if (c == NULL)
		return NULL;
		/* The commands are constants of tests; hiredis splits them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	reply = redisCommand(c, command);
#pragma GCC diagnostic pop
	redisFree(c);
	return reply;
}

redisReply *
test_redis_ask(const struct test_redis *r, const char *command)
{
	redisReply *reply = try_command(r, command);

	MUST(reply != NULL, "%s: the server does not answer", command);
	return reply;
}

void
test_redis_do(const struct test_redis *r, const char *command)
{
	redisReply *reply = test_redis_ask(r, command);

	MUST(reply->type != REDIS_REPLY_ERROR, "%s fails: %s", command,
	     reply->str);
	freeReplyObject(reply);
}

struct expectation {
	const struct test_redis *r;
	const char *command, *text;
};

static bool
is_met(void *ctx)
{
	const struct expectation *e = ctx;
	redisReply *reply = try_command(e->r, e->command);
	bool met = reply != NULL && reply->str != NULL &&
		   strstr(reply->str, e->text) != NULL;

	if (reply != NULL)
		freeReplyObject(reply);
	return met;
}

void
test_redis_until(const struct test_redis *r, const char *command,
		 const char *text)
{
	struct expectation e = { .r = r, .command = command, .text = text };
	int64_t end = process_now_ms() + READY_MS;

	while (!is_met(&e)) {
		MUST(process_now_ms() < end,
		     "the answer to %s does not contain %s", command, text);
		process_sleep_ms(20);
	}
}

static bool
answers(void *ctx)
{
	redisReply *reply = try_command(ctx, "PING");
	bool ready = reply != NULL && (reply->type != REDIS_REPLY_ERROR ||
				       strncmp(reply->str, "LOADING", 7) != 0);

	if (reply != NULL)
		freeReplyObject(reply);
	return ready;
}

void
test_redis_again(struct test_redis *r)
{
	const char *argv[] = { r->program, r->conf, NULL };
	const struct process_spec spec = { .argv = argv,
					   .folder = r->folder,
					   .log = r->log };

	(void)unlink(r->socket); /* left by a killed server */
	process_start(&r->process, &spec);
	MUST(process_wait(&r->process, answers, r, READY_MS),
	     "%s does not answer", r->program);
}

static void
write_conf(const struct test_redis *r, unsigned flags, const char *lines)
{
	FILE *f = fopen(r->conf, "w");

	MUST(f != NULL, "cannot write %s", r->conf);
	(void)fprintf(f,
		      "daemonize no\nloglevel notice\nbind 127.0.0.1\n"
		      "port %d\nunixsocket %s\nunixsocketperm 777\ndir %s\n",
		      r->port, r->socket, r->folder);
	if ((flags & TEST_REDIS_SENTINEL) == 0)
		(void)fprintf(f, "save \"\"\nappendonly no\n"
				 "repl-diskless-sync-delay 0\n"
				 "enable-debug-command yes\n");
	if ((flags & TEST_REDIS_CLUSTER) != 0)
		(void)fprintf(f,
			      "cluster-enabled yes\ncluster-port %d\n"
			      "cluster-config-file nodes.conf\n"
			      "cluster-node-timeout 1000\n",
			      r->bus);
	(void)fprintf(f, "%s\n", lines == NULL ? "" : lines);
	MUST(fclose(f) == 0, "cannot write %s", r->conf);
}

void
test_redis_start(struct test_redis *r, unsigned flags, const char *lines)
{
	const char *name = (flags & TEST_REDIS_SENTINEL) != 0 ?
			       "redis-sentinel" :
			       "redis-server";

	*r = (struct test_redis){ .port = 0 };
	MUST(process_find(name, r->program, sizeof(r->program)),
	     "there is no program %s", name);
	process_folder(r->folder, sizeof(r->folder));
	(void)snprintf(r->socket, sizeof(r->socket), "%s/s", r->folder);
	(void)snprintf(r->conf, sizeof(r->conf), "%s/conf", r->folder);
	(void)snprintf(r->log, sizeof(r->log), "%s/log", r->folder);
	(void)snprintf(r->url, sizeof(r->url), "unix://%s", r->socket);
	if (flags != 0) {
		r->port = process_free_port();
		(void)snprintf(r->url, sizeof(r->url), "redis://127.0.0.1:%d",
			       r->port);
	}
	if ((flags & TEST_REDIS_CLUSTER) != 0)
		r->bus = process_free_port();
	write_conf(r, flags, lines);
	test_redis_again(r);
}

void
test_redis_stop(struct test_redis *r, int signal)
{
	process_stop(&r->process, signal);
}

void
test_redis_end(struct test_redis *r)
{
	test_redis_stop(r, SIGKILL);
	process_remove(r->folder);
}

void
test_redis_replica(struct test_redis *r, const struct test_redis *master,
		   const char *lines)
{
	char all[512];

	(void)snprintf(all, sizeof(all), "replicaof 127.0.0.1 %d\n%s",
		       master->port, lines == NULL ? "" : lines);
	test_redis_start(r, TEST_REDIS_TCP, all);
	test_redis_until(r, "INFO replication", "master_link_status:up");
}

void
test_redis_sentinel(struct test_redis *r, const struct test_redis *master,
		    const char *lines)
{
	char all[768];

	(void)snprintf(all, sizeof(all),
		       "sentinel monitor mymaster 127.0.0.1 %d 1\n"
		       "sentinel down-after-milliseconds mymaster 500\n"
		       "sentinel failover-timeout mymaster 3000\n%s",
		       master->port, lines == NULL ? "" : lines);
	test_redis_start(r, TEST_REDIS_SENTINEL, all);
}

void
test_cluster_id(const struct test_redis *r, char id[41])
{
	redisReply *reply = test_redis_ask(r, "CLUSTER MYID");

	MUST(reply->type == REDIS_REPLY_STRING && reply->len == 40,
	     "the server is no node of a cluster");
	memcpy(id, reply->str, 41);
	freeReplyObject(reply);
}

static void
join(const struct test_cluster *c)
{
	char text[96];

	for (size_t i = 0; i < c->masters; i++) {
		(void)snprintf(text, sizeof(text),
			       "CLUSTER ADDSLOTSRANGE %zu %zu",
			       i * 16384 / c->masters,
			       (i + 1) * 16384 / c->masters - 1);
		test_redis_do(&c->nodes[i], text);
		(void)snprintf(text, sizeof(text),
			       "CLUSTER SET-CONFIG-EPOCH %zu", i + 1);
		test_redis_do(&c->nodes[i], text);
	}
	for (size_t i = 1; i < c->n; i++) {
		(void)snprintf(text, sizeof(text),
			       "CLUSTER MEET 127.0.0.1 %d %d", c->nodes[i].port,
			       c->nodes[i].bus);
		test_redis_do(&c->nodes[0], text);
	}
	(void)snprintf(text, sizeof(text), "cluster_known_nodes:%zu", c->n);
	for (size_t i = 0; i < c->n; i++)
		test_redis_until(&c->nodes[i], "CLUSTER INFO", text);
}

void
test_cluster_start(struct test_cluster *c, size_t masters, size_t replicas,
		   const char *lines)
{
	char text[96], id[41];

	*c = (struct test_cluster){ .masters = masters,
				    .n = masters + replicas };
	MUST(c->n <= TEST_CLUSTER_MAX, "a cluster of %zu nodes is too large",
	     c->n);
	for (size_t i = 0; i < c->n; i++)
		test_redis_start(&c->nodes[i], TEST_REDIS_CLUSTER, lines);
	join(c);
	for (size_t i = masters; i < c->n; i++) {
		test_cluster_id(&c->nodes[i - masters], id);
		(void)snprintf(text, sizeof(text), "CLUSTER REPLICATE %s", id);
		test_redis_do(&c->nodes[i], text);
		test_redis_until(&c->nodes[i], "INFO replication",
				 "master_link_status:up");
	}
	for (size_t i = 0; i < c->n; i++)
		test_redis_until(&c->nodes[i], "CLUSTER INFO",
				 "cluster_state:ok");
}

void
test_cluster_end(struct test_cluster *c)
{
	for (size_t i = 0; i < c->n; i++)
		test_redis_end(&c->nodes[i]);
}
