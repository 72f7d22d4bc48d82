/* SPDX-License-Identifier: MIT */
/* The options for Redis, and rules that involve several of them. */
#include "backends/redis/client/target.h"

#include <string.h>

#include "base/arena.h"

#define PORT_SENTINEL 26379
#define PREFIX_MAX    64
#define DEFAULT_URL   "redis://127.0.0.1:6379/0"

/* A prefix has no braces, because they would be the hash tag of every key. */
static int
check_prefix(const void *field, struct err *err)
{
	const struct str *s = field;

	for (size_t i = 0; i < s->n; i++)
		if (s->p[i] <= ' ' || s->p[i] > '~' || s->p[i] == '{' ||
		    s->p[i] == '}')
			return err_set(err, ERR_CONFIG,
				       "must be printable ASCII without blanks"
				       " and braces");
	return 0;
}

const struct option redis_options[] = {
	OPTION(SECRET, struct redis_conf, url,
	       .help =
		   "The server: redis://HOST:PORT/DB, rediss://HOST:PORT/DB"
		   " for TLS, or unix:///PATH?db=DB. If the server requires"
		   " authentication, USER:PASSWORD@ stands before the host or"
		   " the path, where any byte may be written as %XX. For a"
		   " cluster, several hosts separated by commas may be given"
		   " as first addresses. With sentinels the URL has no host:"
		   " redis:///DB. Empty means " DEFAULT_URL ". Redis 6.0 or"
		   " newer is required. The sessions are as durable as Redis"
		   " is configured to keep them. Without appendonly, a restart"
		   " signs everybody out, or restores a snapshot in which"
		   " sessions that were revoked since are valid again. With"
		   " appendfsync everysec, a crash may lose the sign-ins and"
		   " sign-outs of the last second; with always it loses none."
		   " A failover loses the writes that had not reached the"
		   " replica: see min-replicas-to-write. maxmemory-policy must"
		   " be noeviction: with a volatile policy Redis deletes"
		   " sessions when its memory is full, and with an allkeys"
		   " policy also the revocations of tokens. --check and every"
		   " start warn of a server, or of any master of a cluster,"
		   " that has a maxmemory and another policy."),
	OPTION(STR, struct redis_conf, username,
	       .help = "The Redis user (ACL) of the service, if url does not"
		       " name one. The user needs these rights, where PREFIX"
		       " is the option prefix: ~PREFIX* +ping +info +set +get"
		       " +getrange +setrange +exists +del +eval +evalsha +scan"
		       " +zadd +zrem +zscore +zcard +zcount +zrevrangebylex"
		       " +zrangebyscore +zrevrangebyscore +zremrangebyscore."
		       " It also needs +select for a database other than 0,"
		       " +role with sentinels, and +cluster|slots +asking in a"
		       " cluster. The change feed, without which nothing is"
		       " answered from the cache, also needs +client|id"
		       " +client|tracking +subscribe, the channel"
		       " &__redis__:invalidate, and +cluster|info in a"
		       " cluster. Without +pttl a session whose key was given"
		       " a shorter life by EXPIRE may be accepted until Redis"
		       " deletes the key, and a session is read in two round"
		       " trips instead of one."),
	OPTION(SECRET, struct redis_conf, password,
	       .help = "The password of this user, or of requirepass."),
	OPTION(STR, struct redis_conf, prefix, .def = "fcgiauth:", .min = 1,
	       .max = PREFIX_MAX, .check = check_prefix,
	       .flags = OPTION_REQUIRED,
	       .help = "The beginning of every key. With different prefixes,"
		       " several services can share a server; no prefix may be"
		       " the beginning of another one."),
	OPTION(WORDS, struct redis_conf, sentinels,
	       .help = "Addresses of the sentinels, as host:port. The service"
		       " asks them which server is the master."),
	OPTION(STR, struct redis_conf, sentinel_name,
	       .help = "The name of the master in the configuration of the"
		       " sentinels (sentinel monitor NAME)."),
	OPTION(STR, struct redis_conf, sentinel_username,
	       .help = "The user (ACL) at the sentinels."),
	OPTION(SECRET, struct redis_conf, sentinel_password,
	       .help = "The password at the sentinels. The password of the"
		       " servers is not sent to them."),
	OPTION(BOOL, struct redis_conf, cluster, .def = "no",
	       .help = "Whether the servers are a Redis Cluster."),
	OPTION(PATH, struct redis_conf, ca_file,
	       .help = "The certificates of the authorities that may issue the"
		       " certificate of a rediss:// server, as PEM. Empty"
		       " means those of the system."),
	OPTION(PATH, struct redis_conf, cert_file,
	       .help = "The certificate of the service, with its chain, as PEM,"
		       " for a server that requires one."),
	OPTION(PATH, struct redis_conf, key_file,
	       .help = "The private key of cert_file, as PEM without a"
		       " passphrase."),
	OPTION(SECONDS, struct redis_conf, connect_timeout, .def = "2s",
	       .min = 1, .max = 60,
	       .help = "The longest wait until a connection is ready. The"
		       " answer of the sentinels may take as long again."),
	OPTION(SECONDS, struct redis_conf, timeout, .def = "2s", .min = 1,
	       .max = 60,
	       .help = "The longest wait for the answers to the commands that"
		       " one request sends to the store together."),
	OPTION_END
};

static int
parse_sentinels(const struct words *words, struct arena *a,
		struct redis_addresses *out, struct err *err)
{
	size_t n = words->n;
	struct redis_addresses list = { .n = 0 };

	for (size_t i = 0; i < words->n; i++)
		for (size_t j = 0; j < words->v[i].n; j++)
			n += words->v[i].p[j] == ',';
	list.v = arena_array(a, n, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < words->n; i++) {
		struct str rest = words->v[i], one;

		while (str_cut(&rest, ',', &one)) {
			/* The words of "a, b" are "a," and "b". */
			if (one.n == 0 && rest.n == 0 && list.n > 0)
				continue;
			if (redis_address_parse(one, PORT_SENTINEL,
						&list.v[list.n], err) != 0)
				return err_context(err, "sentinels");
			list.n++;
		}
	}
	*out = list;
	return 0;
}

/* Takes the user name and the password from their keys or from the URL. */
static int
merge_login(const struct redis_conf *conf, struct arena *a,
	    struct redis_login *login, struct err *err)
{
	bool in_url = login->username.n > 0 || login->password.n > 0;

	if (in_url && (conf->username.n > 0 || conf->password.n > 0))
		return err_set(err, ERR_CONFIG,
			       "%s: url already has a user or password",
			       conf->password.n > 0 ? "password" : "username");
	if (!in_url && (arena_copy(a, conf->username, &login->username) != 0 ||
			arena_copy(a, conf->password, &login->password) != 0))
		return err_nomem(err);
	if (login->username.n > 0 && login->password.n == 0)
		return err_set(err, ERR_CONFIG, "username: needs a password");
	return 0;
}

static int
sentinel_login(const struct redis_conf *conf, struct arena *a,
	       struct redis_login *login, struct err *err)
{
	if (arena_copy(a, conf->sentinel_username, &login->username) != 0 ||
	    arena_copy(a, conf->sentinel_password, &login->password) != 0)
		return err_nomem(err);
	return 0;
}

/* Refuses settings that contradict each other; the message names one key. */
static int
check_rules(const struct redis_conf *c, const struct redis_target *t,
	    struct err *err)
{
	bool sentinel = c->sentinels.n > 0;
	bool own_key = c->cert_file != NULL || c->key_file != NULL;
	const struct {
		bool broken;
		const char *message;
	} rules[] = {
		{ sentinel && c->sentinel_name.n == 0,
		  "sentinel_name: must be set with sentinels" },
		{ !sentinel && c->sentinel_name.n > 0,
		  "sentinels: must be set with sentinel_name" },
		{ !sentinel && (c->sentinel_password.n > 0 ||
				c->sentinel_username.n > 0),
		  "sentinels: must be set with a login for them" },
		{ c->sentinel_username.n > 0 && c->sentinel_password.n == 0,
		  "sentinel_username: needs sentinel_password" },
		{ sentinel && c->cluster,
		  "cluster: must be no with sentinels" },
		{ sentinel && t->servers.n > 0,
		  "url: must have no host with sentinels, as in"
		  " redis:///0" },
		{ !sentinel && t->servers.n == 0, "url: must have a host" },
		{ !c->cluster && t->servers.n > 1,
		  "url: several hosts need cluster = yes" },
		{ c->cluster && t->login.db != 0,
		  "url: must have no database with cluster = yes" },
		{ c->cluster && t->servers.n > 0 && t->servers.v[0].port == 0,
		  "url: must not be unix:// with cluster = yes" },
		{ !t->tls && c->ca_file != NULL,
		  "ca_file: needs rediss:// in url" },
		{ !t->tls && own_key,
		  "cert_file, key_file: need rediss:// in url" },
		{ (c->cert_file == NULL) != (c->key_file == NULL),
		  "cert_file, key_file: set both or neither" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].broken)
			return err_set(err, ERR_CONFIG, "%s", rules[i].message);
	return 0;
}

int
redis_target_parse(const struct redis_conf *conf, struct arena *a,
		   struct redis_target *out, struct err *err)
{
	struct redis_target t = { .cluster = conf->cluster };
	struct str url = conf->url;

	if (url.n == 0)
		url =
		    conf->sentinels.n > 0 ? STR("redis://") : STR(DEFAULT_URL);
	if (redis_url_parse(url, a, &t, err) != 0 ||
	    merge_login(conf, a, &t.login, err) != 0 ||
	    sentinel_login(conf, a, &t.sentinel_login, err) != 0 ||
	    (conf->sentinels.n > 0 &&
	     parse_sentinels(&conf->sentinels, a, &t.sentinels, err) != 0) ||
	    check_rules(conf, &t, err) != 0)
		return -1;
	if (arena_copy(a, conf->sentinel_name, &t.sentinel_name) != 0)
		return err_nomem(err);
	*out = t;
	return 0;
}

int
redis_check(const void *conf, struct err *err)
{
	struct arena *a = arena_new(1 << 20);
	struct redis_target ignored;
	int result;

	if (a == NULL)
		return err_nomem(err);
	result = redis_target_parse(conf, a, &ignored, err);
	arena_free(a);
	return result;
}
