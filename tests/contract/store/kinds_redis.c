/* SPDX-License-Identifier: MIT */
/* The Redis store of the contract suite, on one server and on a cluster. */
#include "tests/contract/store/fixture.h"
#include "tests/support/redis_server.h"
#include "tests/support/set_option.h"

#include <stdio.h>
#include <string.h>

#include "backends/redis/client/conn.h"

extern const struct session_store_ops store_redis;

enum { MASTERS = 3 };

static struct {
	struct test_redis alone;
	struct test_cluster cluster;
	char seeds[128];
} server;

static void
configure(void *conf, const char *at)
{
	const struct str url = str_from(at), prefix = STR("fcgiauth:");
	const int64_t seconds = 20; /* sanitizers are slow */

	SET_OPTION(redis_options, conf, "url", url);
	SET_OPTION(redis_options, conf, "prefix", prefix);
	SET_OPTION(redis_options, conf, "connect_timeout", seconds);
	SET_OPTION(redis_options, conf, "timeout", seconds);
}

static void
configure_alone(const struct session_store_ops *ops, void *conf,
		const char *path)
{
	(void)ops;
	(void)path;
	configure(conf, server.alone.url);
}

static void
configure_cluster(const struct session_store_ops *ops, void *conf,
		  const char *path)
{
	const bool yes = true;

	(void)ops;
	(void)path;
	configure(conf, server.seeds);
	SET_OPTION(redis_options, conf, "cluster", yes);
}

static void
fresh_alone(void)
{
	test_redis_do(&server.alone, "FLUSHALL");
}

static void
fresh_cluster(void)
{
	for (size_t i = 0; i < MASTERS; i++)
		test_redis_do(&server.cluster.nodes[i], "FLUSHALL");
}

/* The rights also change for existing connections. */
static const char *
rights(bool refuses)
{
	return refuses ? "ACL SETUSER default -@all +acl" :
			 "ACL SETUSER default +@all";
}

static void
refuse_alone(const char *path, bool refuses)
{
	(void)path;
	test_redis_do(&server.alone, rights(refuses));
}

static void
refuse_cluster(const char *path, bool refuses)
{
	(void)path;
	for (size_t i = 0; i < MASTERS; i++)
		test_redis_do(&server.cluster.nodes[i], rights(refuses));
}

const struct store_kind store_kinds[] = {
	{ .ops = &store_redis,
	  .configure = configure_alone,
	  .fresh = fresh_alone,
	  .refuse = refuse_alone,
	  .has_feed = true,
	  .feed_sees_writes = true },
	{ .ops = &store_redis,
	  .name = "redis cluster",
	  .configure = configure_cluster,
	  .fresh = fresh_cluster,
	  .refuse = refuse_cluster,
	  .has_feed = true,
	  .feed_sees_writes = true },
};
const size_t store_nkinds = ARRAY_LEN(store_kinds);

int
kinds_start(void)
{
	if (!test_redis_here())
		return 1;
	test_redis_start(&server.alone, 0, NULL);
	test_cluster_start(&server.cluster, MASTERS, 0, NULL);
	(void)snprintf(server.seeds, sizeof(server.seeds),
		       "redis://127.0.0.1:%d,127.0.0.1:%d",
		       server.cluster.nodes[0].port,
		       server.cluster.nodes[1].port);
	return 0;
}

void
kinds_stop(void)
{
	test_cluster_end(&server.cluster);
	test_redis_end(&server.alone);
}
