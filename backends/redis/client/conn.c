/* SPDX-License-Identifier: MIT */
/* Opens and closes, connects and disconnects, and checks the server. */
#include "backends/redis/client/conn.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/redis/client/cluster.h"
#include "backends/redis/client/wire_error.h"
#include "backends/redis/client/conn_internal.h"
#include "backends/redis/client/tls.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"

#define CONF_BYTES (1 << 20)
#define RUN_BYTES  (64 << 20)

/* Returns the whole text of a script; p is NULL: out of memory. */
static struct str
script_text(struct arena *a, const struct redis_script *scripts, size_t i)
{
	const struct redis_script *s = &scripts[i];
	struct buf text;

	if (s->after == 0)
		return str_from(s->text);
	buf_init(&text, a, CONF_BYTES);
	for (size_t k = 0; k < s->after; k++)
		buf_add_cstr(&text, scripts[k].text);
	buf_add_cstr(&text, s->text);
	if (buf_failed(&text))
		return (struct str){ .p = NULL };
	return (struct str){ .p = text.p, .n = text.n };
}

/* Computes the SHA-1 of each script, by which servers know it. */
static int
know_scripts(struct redis_server *s, const struct redis_script *scripts,
	     size_t n, struct err *err)
{
	uint8_t sha[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	s->scripts = arena_array(s->arena, n, sizeof(*s->scripts));
	if (s->scripts == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		struct redis_known_script *k = &s->scripts[i];

		k->text = script_text(s->arena, scripts, i);
		if (k->text.p == NULL)
			return err_nomem(err);
		if (EVP_Digest(k->text.p, k->text.n, sha, &len, EVP_sha1(),
			       NULL) != 1 ||
		    HEX_LEN(len) != sizeof(k->sha))
			return err_set(err, ERR_INTERNAL,
				       "libcrypto has no SHA-1");
		hex_encode(sha, len, k->sha);
	}
	s->nscripts = n;
	return 0;
}

static int
redis_conn_set_up(struct redis_server *s, const struct redis_script *scripts,
		  size_t nscripts, const struct redis_conf *conf,
		  struct err *err)
{
	s->arena = arena_new(CONF_BYTES);
	s->connect_ms = conf->connect_timeout * 1000;
	s->timeout_ms = conf->timeout * 1000;
	if (s->arena == NULL ||
	    arena_copy(s->arena, conf->prefix, &s->prefix) != 0)
		return err_nomem(err);
	if (redis_target_parse(conf, s->arena, &s->target, err) != 0 ||
	    know_scripts(s, scripts, nscripts, err) != 0)
		return -1;
	if (!s->target.tls)
		return 0;
	if (redis_tls_new(conf->ca_file, conf->cert_file, conf->key_file,
			  &s->tls, err) != 0)
		return -1;
	s->target.login.tls = s->tls;
	return 0;
}

int
redis_open(const struct redis_script *scripts, size_t nscripts,
	   const struct redis_conf *conf, const struct env *env, void **server,
	   struct err *err)
{
	struct redis_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(err);
	s->env = env;
	atomic_init(&s->sentinel, 0);
	if (redis_conn_set_up(s, scripts, nscripts, conf, err) != 0) {
		redis_close(s);
		return -1;
	}
	*server = s;
	return 0;
}

void
redis_close(void *server)
{
	struct redis_server *s = server;

	SSL_CTX_free(s->tls);
	arena_free(s->arena);
	free(s);
}

/* Asks the server itself, because a sentinel may name a former master. */
static int
check_master(struct redis_wire *w, int64_t deadline_ms, struct err *err)
{
	const struct str argv[] = { STR("ROLE") };
	redisReply *reply;
	bool master;

	if (redis_wire_call(w, argv, ARRAY_LEN(argv), deadline_ms, &reply,
			    err) != 0)
		return -1;
	master = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
		 str_eq(redis_reply_str(reply->element[0]), STR("master"));
	freeReplyObject(reply);
	if (master)
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE,
		      "must be a master, as the sentinels say");
	return redis_wire_add_peer(redis_wire_address(w), err);
}

/* Fails if the server is part of a cluster, which would refuse most keys later.
 * Passes if the ACL forbids INFO. */
static int
check_alone(struct redis_wire *w, int64_t deadline_ms, struct err *err)
{
	const struct str argv[] = { STR("INFO"), STR("cluster") };
	static const char yes[] = "cluster_enabled:1";
	redisReply *reply;
	struct str text;
	int result = 0;

	if (redis_wire_queue(w, argv, ARRAY_LEN(argv), err) != 0 ||
	    redis_wire_read(w, deadline_ms, &reply, err) != 0)
		return -1;
	text = redis_reply_str(reply);
	if (reply->type == REDIS_REPLY_ERROR &&
	    !str_starts(text, STR("NOPERM")))
		result = redis_reply_fail(reply, err);
	else if (reply->type == REDIS_REPLY_STRING &&
		 memmem(text.p, text.n, yes, strlen(yes)) != NULL)
		result = err_set(err, ERR_CONFIG,
				 "the server is part of a cluster: set"
				 " cluster = yes");
	freeReplyObject(reply);
	return result == 0 ? 0 :
			     redis_wire_add_peer(redis_wire_address(w), err);
}

static int
connect_one(struct redis_conn *conn, int64_t deadline_ms,
	    struct redis_wire **out, struct err *err)
{
	struct redis_server *s = conn->server;
	bool asks = s->target.sentinels.n > 0;
	struct redis_address at;

	if (!asks)
		at = s->target.servers.v[0];
	else if (redis_sentinel_ask(s, redis_share(s->env, deadline_ms, 2), &at,
				    err) != 0)
		return -1;
	if (redis_wire_open(&at, &s->target.login, s->env, deadline_ms, out,
			    err) != 0)
		return -1;
	if ((asks && check_master(*out, deadline_ms, err) != 0) ||
	    check_alone(*out, deadline_ms, err) != 0) {
		redis_wire_close(*out);
		return -1;
	}
	return 0;
}

int
redis_conn_reconnect(struct redis_conn *conn, int64_t deadline_ms,
		     struct err *err)
{
	struct redis_wire *w;

	redis_wire_close(conn->wire);
	conn->wire = NULL;
	if (connect_one(conn, deadline_ms, &w, err) != 0)
		return -1;
	conn->wire = w;
	return 0;
}

void
redis_conn_drop_stale(struct redis_conn *conn)
{
	if (conn->cluster != NULL)
		redis_cluster_drop_stale(conn->cluster);
	if (conn->wire != NULL && redis_wire_is_stale(conn->wire)) {
		redis_wire_close(conn->wire);
		conn->wire = NULL;
	}
}

static int
redis_conn_begin(struct redis_conn *conn, struct err *err)
{
	const struct redis_server *s = conn->server;
	int64_t deadline_ms = env_mono_ms(s->env) + s->connect_ms;

	conn->arena = arena_new(RUN_BYTES);
	if (conn->arena == NULL)
		return err_nomem(err);
	if (!s->target.cluster)
		return redis_conn_reconnect(conn, deadline_ms, err);
	conn->cluster = redis_cluster_new(s);
	if (conn->cluster == NULL)
		return err_nomem(err);
	return redis_cluster_refresh(conn->cluster, NULL, deadline_ms, err);
}

int
redis_connect(void *server, void **conn, struct err *err)
{
	struct redis_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(err);
	c->server = server;
	c->masters = atomic_load(&c->server->masters);
	if (redis_conn_begin(c, err) != 0) {
		redis_disconnect(c);
		return -1;
	}
	*conn = c;
	return 0;
}

void
redis_disconnect(void *conn)
{
	struct redis_conn *c = conn;

	for (size_t i = 0; i < c->nreplies; i++)
		freeReplyObject(c->replies[i]);
	redis_wire_close(c->wire);
	redis_cluster_free(c->cluster);
	arena_free(c->arena);
	free(c);
}

int
redis_ping(void *conn, struct err *err)
{
	const struct str argv[] = { STR("PING") };
	struct redis_conn *c = conn;
	const struct redis_server *s = c->server;
	int64_t deadline_ms = env_mono_ms(s->env) + s->timeout_ms;
	redisReply *reply;

	if (c->broken)
		return err_set(err, ERR_UNAVAILABLE, "the connection is lost");
	if (c->cluster != NULL)
		return redis_cluster_refresh(c->cluster, NULL, deadline_ms,
					     err);
	redis_conn_drop_stale(c);
	if (c->wire == NULL && redis_conn_reconnect(c, deadline_ms, err) != 0)
		return -1;
	if (redis_wire_call(c->wire, argv, ARRAY_LEN(argv), deadline_ms, &reply,
			    err) != 0) {
		c->broken = true; /* the reply may still arrive */
		return -1;
	}
	freeReplyObject(reply);
	return 0;
}

bool
redis_is_lost(void *conn, bool ask)
{
	struct redis_conn *c = conn;
	const struct redis_server *s = c->server;
	struct err ignored; /* the result says enough */

	if (c->masters != atomic_load(&s->masters))
		return true;
	if (c->broken || !ask)
		return c->broken; /* redis_run() finds stale ones */
	if (c->cluster == NULL)
		return redis_ping(c, &ignored) != 0;
	redis_cluster_drop_dead(c->cluster,
				env_mono_ms(s->env) + s->timeout_ms);
	return false;
}

struct str
redis_prefix_of(const void *server)
{
	return ((const struct redis_server *)server)->prefix;
}

struct str
redis_prefix(const struct redis_conn *conn)
{
	return conn->server->prefix;
}
