/* SPDX-License-Identifier: MIT */
/* A Redis store on a server of its own. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/redis/client/conn.h"
#include "base/enc.h"
#include "strategy/session_id.h"

static struct backend *
open_conf(struct fixture *r, const struct redis_conf *conf)
{
	struct backend *s;

	OK(r, store_open(&store_redis, conf, &r->fake.env, &s, &r->err));
	return s;
}

static struct backend *
open_store(struct fixture *r, const char *prefix, const char *username,
	   const char *password)
{
	const struct redis_conf conf = {
		.url = str_from(r->server.url),
		.prefix = str_from(prefix),
		.username = str_from(username),
		.password = str_from(password),
		.connect_timeout = 20,
		.timeout = 20,
	};

	return open_conf(r, &conf);
}

void
fixture_at(struct fixture *r, const char *url, bool cluster)
{
	const struct redis_conf conf = {
		.url = str_from(url),
		.prefix = STR("fcgiauth:"),
		.cluster = cluster,
		.connect_timeout = 20,
		.timeout = 20,
	};

	r->name = "redis";
	fake_env_init(&r->fake);
	r->now = env_wall_ms(&r->fake.env);
	r->a = arena_new(16 << 20);
	r->conn = store_conn_new(&r->fake.env);
	ck_assert(r->a != NULL && r->conn != NULL);
	r->store = open_conf(r, &conf);
	store_conn_bind(r->conn, r->store);
}

void
fixture_leave(struct fixture *r)
{
	store_conn_free(r->conn);
	backend_unref(r->store);
	arena_free(r->a);
}

struct fixture *
fixture_open(void)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	test_redis_start(&r->server, 0, NULL);
	fixture_at(r, r->server.url, false);
	return r;
}

void
fixture_close(struct fixture *r)
{
	fixture_leave(r);
	test_redis_end(&r->server);
	free(r);
}

struct store_conn *
fixture_conn(struct fixture *r, const char *prefix, const char *username,
	     const char *password)
{
	struct backend *s = open_store(r, prefix, username, password);
	struct store_conn *conn = store_conn_new(&r->fake.env);

	ck_assert_ptr_nonnull(conn);
	store_conn_bind(conn, s);
	backend_unref(s); /* the connection holds a reference */
	return conn;
}

void
fixture_conn_end(struct store_conn *conn)
{
	store_conn_free(conn);
}

void
fixture_forgive(struct fixture *r)
{
	fake_env_advance_ms(&r->fake, 2000);
}

long long
fixture_redis(struct fixture *r, const char *format, ...)
{
	redisContext *c = redisConnectUnix(r->server.socket);
	redisReply *reply;
	long long answer = -1;
	va_list ap;

	ck_assert(c != NULL && c->err == 0);
	va_start(ap, format);
	reply = redisvCommand(c, format, ap);
	va_end(ap);
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", format,
		      reply->str);
	if (reply->type == REDIS_REPLY_INTEGER)
		answer = reply->integer;
	else if (reply->type == REDIS_REPLY_ARRAY)
		answer = (long long)reply->elements;
	else if (reply->type != REDIS_REPLY_NIL)
		answer = (long long)reply->len;
	freeReplyObject(reply);
	redisFree(c);
	return answer;
}

struct session
fixture_session(struct fixture *r, const char *user, int64_t created)
{
	struct session s = {
		.who = { .name = str_from(user),
			 .roles = STR("staff,admin"),
			 .email = STR("someone@example.com"),
			 .full_name = STR("Some One") },
		.created_ms = created,
		.last_seen_ms = created,
		.idle_expires_ms = created + 3600,
		.expires_ms = created + 36000,
		.address = STR("192.0.2.1"),
		.user_agent = STR("Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"
				  " Gecko/20100101 Firefox/128.0"),
	};

	OK(r,
	   session_id_make(&r->fake.env, created, s.who.name, &s.id, &r->err));
	HOLDS(r, env_random(&r->fake.env, &s.token, sizeof(s.token)) == 0);
	return s;
}

struct session
fixture_create(struct fixture *r, const char *user, int64_t created)
{
	struct session s = fixture_session(r, user, created);

	OK(r, store_create(r->conn, AT(r, created), &s, 0, NULL, &r->err));
	return s;
}

bool
fixture_is_alive(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got;

	OK(r,
	   store_find(r->conn, AT(r, now), &s->id, &s->token, &got, &r->err));
	return got.found;
}

int64_t
fixture_live(struct fixture *r, const char *user, int64_t now)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct str who = { .p = NULL };
	struct session_list list;
	int64_t n = 0;

	if (user != NULL)
		who = str_from(user);
	do {
		OK(r, store_list(r->conn, AT(r, now), LISTED(who, 50), &cursor,
				 &list, &r->err));
		n += (int64_t)list.n;
	} while (cursor.more);
	return n;
}

int64_t
fixture_sweep(struct fixture *r, int64_t now)
{
	int64_t all = 0, n;

	do {
		OK(r, store_sweep(r->conn, AT(r, now), 100, &n, &r->err));
		all += n;
	} while (n > 0);
	return all;
}

struct rotation
fixture_rotation(struct fixture *r, const struct session *s)
{
	struct rotation use = {
		.presented = s->token,
		.generation = s->generation,
		.idle_ms = 3600,
		.grace_ms = 10,
	};

	HOLDS(r, env_random(&r->fake.env, &use.next, sizeof(use.next)) == 0);
	return use;
}

int
fixture_rotate(struct fixture *r, struct session *s, const struct rotation *use,
	       int64_t now, enum rotate_answer *answer)
{
	struct rotation how = *use;
	struct rotated is;

	how.id = s->id;
	if (store_rotate(r->conn, AT(r, now), &how, &is, &r->err) != 0)
		return -1;
	*answer = is.answer;
	*s = is.session;
	return 0;
}

/* Returns the index of ends of a user. */
static struct fixture_key
index_of_ends(const char *user)
{
	uint8_t sha[EVP_MAX_MD_SIZE];
	struct fixture_key key;

	ck_assert(EVP_Digest(user, strlen(user), sha, NULL, EVP_sha1(), NULL) ==
		  1);
	(void)snprintf(key.text, sizeof(key.text), "fcgiauth:{%02x}e:%02x",
		       session_shard_of(str_from(user)), sha[0] % 64);
	return key;
}

struct fixture_key
fixture_index(const char *user, const char *kind)
{
	struct fixture_key key;

	if (strcmp(kind, "ends") == 0)
		return index_of_ends(user);

	(void)snprintf(key.text, sizeof(key.text), "fcgiauth:{%02x}%s",
		       session_shard_of(str_from(user)), kind);
	return key;
}

struct fixture_key
fixture_page(const char *user)
{
	return fixture_index(user, "p:00000000000000000000000000000000");
}

struct fixture_key
fixture_key(const struct session *s)
{
	struct fixture_key key;
	char id[HEX_LEN(SESSION_ID_BYTES)];

	hex_encode(s->id.b, sizeof(s->id.b), id);
	(void)snprintf(key.text, sizeof(key.text), "fcgiauth:{%02x}s:%.*s",
		       session_id_shard(&s->id), (int)sizeof(id), id);
	return key;
}
