/* SPDX-License-Identifier: MIT */
/*
 * Parses redis://[user[:password]@]host[:port][,host[:port]...][/db], the same
 * with rediss:// for TLS, and unix://[user[:password]@]/path[?db=N]. No
 * message quotes a part of the URL that may be the password.
 */
#include "backends/redis/client/target.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"

#define PORT_REDIS 6379
#define TEXT_MAX   4096 /* bytes of a user name or password */
#define PATH_MAX_  107 /* bytes of the path of a socket */

static int
copy_host(struct str host, struct redis_address *out, struct err *err)
{
	if (host.n == 0 || host.n >= sizeof(out->host))
		return err_set(err, ERR_CONFIG,
			       "a host must have 1 to %zu bytes",
			       sizeof(out->host) - 1);
	memcpy(out->host, host.p, host.n);
	out->host[host.n] = '\0';
	return 0;
}

/* Cuts the host off the beginning of *s. */
static bool
cut_host(struct str *s, struct str *host)
{
	bool brackets = s->n > 0 && s->p[0] == '[';
	size_t end = str_find(*s, brackets ? ']' : ':');

	if (brackets && end == s->n)
		return false;
	*host = (struct str){ .p = s->p, .n = end };
	*s = str_skip(*s, end);
	if (!brackets)
		return str_is_name(*host, ".-_");
	*host = str_skip(*host, 1);
	*s = str_skip(*s, 1);
	return str_is_name(*host, ":.%");
}

int
redis_address_parse(struct str s, uint16_t port, struct redis_address *out,
		    struct err *err)
{
	struct redis_address at = { .port = port };
	struct str host;
	int64_t n = port;

	if (!cut_host(&s, &host) ||
	    (s.n > 0 &&
	     (s.p[0] != ':' || !str_to_uint(str_skip(s, 1), UINT16_MAX, &n) ||
	      n == 0)))
		return err_set(err, ERR_CONFIG,
			       "must be host, host:port or [IPv6]:port");
	at.port = (uint16_t)n;
	if (copy_host(host, &at, err) != 0)
		return -1;
	*out = at;
	return 0;
}

static int
url_decode(struct str s, struct arena *a, struct str *out, struct err *err)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	if (!percent_decode(&b, s, false))
		return err_set(err, ERR_CONFIG,
			       "url: behind %% must be two hexadecimal"
			       " digits");
	if (buf_failed(&b))
		return err_set(err, ERR_CONFIG,
			       "url: name or password: must have at most %d"
			       " bytes",
			       TEXT_MAX);
	*out = buf_str(&b);
	return 0;
}

/* Cuts `user:password@` off the beginning of *s. It ends at the last @,
 * because users write a raw @ in a password, although it must be %40. */
static int
take_login(struct str *s, struct arena *a, struct redis_login *out,
	   struct err *err)
{
	size_t at = s->n;
	struct str login, user;

	for (size_t i = 0; i < s->n; i++)
		if (s->p[i] == '@')
			at = i;
	if (at == s->n)
		return 0;
	login = (struct str){ .p = s->p, .n = at };
	*s = str_skip(*s, at + 1);
	(void)str_cut(&login, ':', &user); /* `login` is not NULL */
	if (url_decode(user, a, &out->username, err) != 0)
		return -1;
	return login.p == NULL ? 0 : url_decode(login, a, &out->password, err);
}

static int
parse_db(struct str s, int64_t *db, struct err *err)
{
	if (!str_to_uint(s, REDIS_DB_MAX, db))
		return err_set(err, ERR_CONFIG,
			       "url: the database must be a number");
	return 0;
}

static int
parse_hosts(struct str s, struct arena *a, struct redis_addresses *out,
	    struct err *err)
{
	size_t n = 1;
	struct str one;

	if (s.n == 0)
		return 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',';
	out->v = arena_array(a, n, sizeof(*out->v));
	if (out->v == NULL)
		return err_nomem(err);
	while (str_cut(&s, ',', &one)) {
		if (redis_address_parse(one, PORT_REDIS, &out->v[out->n],
					err) != 0)
			return err_context(err, "url");
		out->n++;
	}
	return 0;
}

static int
parse_tcp(struct str s, struct arena *a, struct redis_target *out,
	  struct err *err)
{
	struct str db;
	size_t slash;

	if (take_login(&s, a, &out->login, err) != 0)
		return -1;
	slash = str_find(s, '/');
	db = str_skip(s, slash + 1);
	s.n = slash;
	if (db.n > 0 && parse_db(db, &out->login.db, err) != 0)
		return -1;
	return parse_hosts(s, a, &out->servers, err);
}

static int
url_parse_unix(struct str s, struct arena *a, struct redis_target *out,
	       struct err *err)
{
	struct str path, db;
	size_t mark;

	/* The @ may also belong to the path. */
	if (!str_starts(s, STR("/")) &&
	    take_login(&s, a, &out->login, err) != 0)
		return -1;
	mark = str_find(s, '?');
	db = str_skip(s, mark);
	s.n = mark;
	if (db.n > 0 && (!str_starts(db, STR("?db=")) ||
			 parse_db(str_skip(db, 4), &out->login.db, err) != 0))
		return err_set(err, ERR_CONFIG,
			       "url: behind the path must be ?db=NUMBER or"
			       " nothing");
	if (url_decode(s, a, &path, err) != 0)
		return -1;
	if (path.n < 2 || path.p[0] != '/' || path.n > PATH_MAX_ ||
	    memchr(path.p, '\0', path.n) != NULL)
		return err_set(err, ERR_CONFIG,
			       "url: must be unix:///PATH, of at most %d"
			       " bytes",
			       PATH_MAX_);
	out->servers.v = arena_array(a, 1, sizeof(*out->servers.v));
	if (out->servers.v == NULL)
		return err_nomem(err);
	out->servers.n = 1;
	return copy_host(path, &out->servers.v[0], err);
}

int
redis_url_parse(struct str url, struct arena *a, struct redis_target *out,
		struct err *err)
{
	static const struct {
		const char *scheme;
		bool tls;
		int (*parse)(struct str s, struct arena *a,
			     struct redis_target *out, struct err *err);
	} rows[] = {
		{ "redis://", false, parse_tcp },
		{ "rediss://", true, parse_tcp },
		{ "unix://", false, url_parse_unix },
	};

	if (str_has_control(url))
		return err_set(err, ERR_CONFIG,
			       "url: must not have control characters");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_starts(url, str_from(rows[i].scheme)))
			continue;
		out->tls = rows[i].tls;
		return rows[i].parse(str_skip(url, strlen(rows[i].scheme)), a,
				     out, err);
	}
	return err_set(err, ERR_CONFIG,
		       "url: must be redis://HOST, rediss://HOST or"
		       " unix:///PATH");
}
