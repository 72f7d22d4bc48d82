/* SPDX-License-Identifier: MIT */
/* TLS: which servers are accepted, and which are refused. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/watcher.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The keys and certificates of a case, which openssl(1) makes. */
struct papers {
	char folder[64], program[256], log[80];
};

static void
certify(const struct papers *p, const char *name, const char *ca,
	const char *names)
{
	char cert[96], key[96], ca_cert[96], ca_key[96], subject[64], alt[128];
	const char *argv[] = { p->program, "req", "-x509", "-newkey", "ec",
			       "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
			       "-days", "2", "-subj", subject, "-keyout", key,
			       "-out", cert,
			       /* options of a certificate that an authority
			        * signs: */
			       "-CA", ca_cert, "-CAkey", ca_key, "-addext", alt,
			       "-addext", "basicConstraints=critical,CA:FALSE",
			       NULL };
	const struct process_spec spec = { .argv = argv,
					   .folder = p->folder,
					   .log = p->log };

	(void)snprintf(cert, sizeof(cert), "%s/%s.pem", p->folder, name);
	(void)snprintf(key, sizeof(key), "%s/%s.key", p->folder, name);
	(void)snprintf(subject, sizeof(subject), "/CN=test %s", name);
	if (ca == NULL) {
		argv[16] = NULL;
	} else {
		(void)snprintf(ca_cert, sizeof(ca_cert), "%s/%s.pem", p->folder,
			       ca);
		(void)snprintf(ca_key, sizeof(ca_key), "%s/%s.key", p->folder,
			       ca);
		(void)snprintf(alt, sizeof(alt), "subjectAltName=%s", names);
	}
	ck_assert_msg(process_run(&spec) == 0, "openssl req for %s", name);
}

/* Returns false if the case must be skipped. */
static bool
papers_make(struct papers *p)
{
	*p = (struct papers){ .folder = "" };
	if (!process_find("openssl", p->program, sizeof(p->program))) {
		(void)printf("# SKIP TLS to Redis: no openssl(1)\n");
		return false;
	}
	process_folder(p->folder, sizeof(p->folder));
	(void)snprintf(p->log, sizeof(p->log), "%s/log", p->folder);
	certify(p, "ca", NULL, NULL);
	certify(p, "foreign", NULL, NULL);
	certify(p, "here", "ca", "DNS:localhost,IP:127.0.0.1");
	certify(p, "other", "ca", "DNS:other.example,IP:192.0.2.1");
	certify(p, "client", "ca", "DNS:client");
	return true;
}

/* Returns the port, or 0 if this server is built without TLS. */
static int
tls_start(struct test_redis *s, const struct papers *p, const char *name,
	  const char *clients)
{
	const int port = process_free_port();
	char lines[768];
	redisReply *reply;
	bool knows;

	test_redis_start(s, 0, NULL);
	reply = test_redis_ask(s, "CONFIG GET tls-port");
	knows = reply->elements == 2;
	freeReplyObject(reply);
	test_redis_end(s);
	if (!knows) {
		(void)printf("# SKIP TLS to Redis: redis-server has none\n");
		return 0;
	}
	(void)snprintf(lines, sizeof(lines),
		       "tls-port %d\ntls-cert-file %s/%s.pem\n"
		       "tls-key-file %s/%s.key\ntls-ca-cert-file %s/ca.pem\n"
		       "tls-auth-clients %s\n",
		       port, p->folder, name, p->folder, name, p->folder,
		       clients);
	test_redis_start(s, 0, lines);
	return port;
}

/* The scheme and host of the URL, the trusted authority and the client
 * certificate; "": none. */
struct side {
	const char *scheme, *host, *ca, *client;
};

/* File names and a URL, which are valid during the case. */
struct choice {
	char url[96], ca[96], cert[96], key[96];
};

static void
choose(struct fixture *r, struct choice *c, const struct papers *p,
       struct side side, int port)
{
	(void)snprintf(c->url, sizeof(c->url), "%s://%s:%d", side.scheme,
		       side.host, port);
	(void)snprintf(c->ca, sizeof(c->ca), "%s/%s.pem", p->folder, side.ca);
	(void)snprintf(c->cert, sizeof(c->cert), "%s/%s.pem", p->folder,
		       side.client);
	(void)snprintf(c->key, sizeof(c->key), "%s/%s.key", p->folder,
		       side.client);
	fixture_init(r, c->url);
	r->conf.connect_timeout = 1;
	r->conf.ca_file = side.ca[0] == '\0' ? NULL : c->ca;
	r->conf.cert_file = side.client[0] == '\0' ? NULL : c->cert;
	r->conf.key_file = side.client[0] == '\0' ? NULL : c->key;
}

/* The authority is the right one, and there is no client certificate. */
static const struct side by_number = { "rediss", "127.0.0.1", "ca", "" };
static const struct side by_name = { "rediss", "localhost", "ca", "" };
static const struct side unencrypted = { "redis", "127.0.0.1", "", "" };

START_TEST(who_is_believed)
{
	static const struct {
		const char *server, *clients, *host, *ca, *client;
		const char *message; /* NULL: accepted */
	} rows[] = {
		{ "here", "no", "localhost", "ca", "", NULL },
		{ "here", "no", "127.0.0.1", "ca", "", NULL },
		{ "here", "no", "127.0.0.1", "ca", "client", NULL },
		{ "other", "no", "localhost", "ca", "", "mismatch" },
		{ "other", "no", "127.0.0.1", "ca", "", "mismatch" },
		{ "here", "no", "localhost", "foreign", "", "certificate: " },
		{ "here", "no", "localhost", "", "", "certificate: " },
		{ "here", "yes", "localhost", "ca", "client", NULL },
		{ "here", "yes", "localhost", "ca", "", "" },
		{ "here", "yes", "localhost", "ca", "foreign", "" },
	};
	struct papers p;

	if (!papers_make(&p))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct test_redis s;
		struct choice c;
		struct fixture r;
		int port = tls_start(&s, &p, rows[i].server, rows[i].clients);
		int result;

		if (port == 0)
			break;
		choose(&r, &c, &p,
		       (struct side){ "rediss", rows[i].host, rows[i].ca,
				      rows[i].client },
		       port);
		result = fixture_connect(&r);
		if (rows[i].message == NULL)
			ck_assert_msg(result == 0 &&
					  fixture_set(&r, "k", "v") == 0,
				      "row %zu: %s", i, r.err.msg);
		else
			ck_assert_msg(result == -1 &&
					  r.err.code == ERR_UNAVAILABLE &&
					  strstr(r.err.msg, rows[i].message) !=
					      NULL,
				      "row %zu: %s", i,
				      result == 0 ? "accepted" : r.err.msg);
		fixture_end(&r);
		test_redis_end(&s);
	}
	process_remove(p.folder);
}
END_TEST

/* One side uses TLS and the other does not. */
START_TEST(no_tls_there)
{
	static const struct redis_line plain = { .bytes = "-ERR no\r\n" };
	struct redis_fake silent, talks;
	struct test_redis s;
	struct papers p;
	struct choice c;
	struct fixture r;
	int port;

	if (!papers_make(&p))
		return;
	test_redis_start(&s, TEST_REDIS_TCP, NULL);
	redis_fake_start(&silent, NULL, 0);
	redis_fake_start(&talks, &plain, 1);
	choose(&r, &c, &p, by_number, s.port);
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "");
	fixture_end(&r);
	choose(&r, &c, &p, by_number, talks.port);
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "TLS: ");
	fixture_end(&r);
	choose(&r, &c, &p, by_number, silent.port);
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "in time");
	fixture_end(&r);
	redis_fake_end(&silent);
	redis_fake_end(&talks);
	test_redis_end(&s);
	port = tls_start(&s, &p, "here", "no");
	if (port != 0) {
		choose(&r, &c, &p, unencrypted, port);
		FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "");
		fixture_end(&r);
		test_redis_end(&s);
	}
	process_remove(p.folder);
}
END_TEST

#define STEPS 200

/* A reply is not waited for until it is late. */
static void
hear_at_once(struct fixture *r)
{
	const int64_t began = process_now_ms();

	OK(r, fixture_set(r, "k", "v"));
	HOLDS(r, process_now_ms() - began < 500 * r->conf.timeout);
}

/* Large commands have short replies: Redis 7.0 closes a TLS connection if its
 * replies have to wait ("bad length" in its log). */
START_TEST(much_and_again)
{
	static char big[50000];
	static struct redis_step steps[STEPS];
	static redisReply *replies[STEPS];
	const struct str value = { .p = big, .n = sizeof(big) };
	struct test_redis s;
	struct papers p;
	struct choice c;
	struct fixture r;
	int port;

	if (!papers_make(&p))
		return;
	port = tls_start(&s, &p, "here", "no");
	if (port != 0) {
		choose(&r, &c, &p, by_name, port);
		r.conf.timeout = 20;
		OK(&r, fixture_connect(&r));
		hear_at_once(&r);
		for (size_t i = 0; i < STEPS; i++)
			steps[i] = (struct redis_step){
				.script = SCRIPT_SET,
				.key = STR("t:k"),
				.args = &value,
				.nargs = 1,
			};
		for (int i = 0; i < 2; i++) {
			OK(&r,
			   redis_run(r.conn, steps, STEPS, replies, &r.err));
			for (size_t k = 0; k < STEPS; k++)
				ck_assert_int_eq(replies[k]->type,
						 REDIS_REPLY_STATUS);
			OK(&r, fixture_get(&r, "k"));
			ck_assert_uint_eq(r.reply->len, sizeof(big));
			/* The connection is closed while idle, and replaced
			 * without an error. */
			test_redis_do(&s, "CLIENT KILL TYPE normal SKIPME yes");
		}
		OK(&r, fixture_set(&r, "k", "v"));
		test_redis_stop(&s, SIGKILL);
		FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "");
		fixture_end(&r);
		test_redis_end(&s);
	}
	process_remove(p.folder);
}
END_TEST

START_TEST(files_are_wrong)
{
	struct papers p;
	struct choice c;
	struct fixture r;

	if (!papers_make(&p))
		return;
	choose(&r, &c, &p, (struct side){ "rediss", "h", "none", "" }, 1);
	FAILS(&r, fixture_open(&r), ERR_CONFIG, "ca_file: ");
	choose(&r, &c, &p, (struct side){ "rediss", "h", "ca", "none" }, 1);
	FAILS(&r, fixture_open(&r), ERR_CONFIG, "cert_file: ");
	choose(&r, &c, &p, (struct side){ "rediss", "h", "ca", "client" }, 1);
	(void)snprintf(c.key, sizeof(c.key), "%s/here.key", p.folder);
	FAILS(&r, fixture_open(&r), ERR_CONFIG, "key_file: ");
	(void)snprintf(c.key, sizeof(c.key), "%s/none.key", p.folder);
	FAILS(&r, fixture_open(&r), ERR_CONFIG, "key_file: ");
	process_remove(p.folder);
}
END_TEST

/* The test ignores SIGPIPE as the programs do, because libssl does not suppress
 * it. */
static void
ignore_sigpipe(void)
{
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

/* One message has many records, some of which libssl keeps. */
START_TEST(a_watch_is_encrypted)
{
	struct watcher w = { .all = false };
	struct papers papers;
	struct test_redis s;
	struct choice c;
	struct fixture r;
	int port;

	if (!papers_make(&papers))
		return;
	port = tls_start(&s, &papers, "here", "no");
	if (port != 0) {
		choose(&r, &c, &papers, by_number, port);
		OK(&r, watcher_open(&w, &r));
		watcher_begin(&w);
		test_redis_do(&s, "EVAL for\ni=1,9999\ndo\nredis.call("
				  "'SET','t:k'..i,'')end 0");
		while (w.keys < 9999)
			OK(&r, redis_watch_wait(w.watch, 60000, &r.err));
		watcher_begin(&w);
		watcher_close(&w);
		fixture_end(&r);
		test_redis_end(&s);
	}
	process_remove(papers.folder);
}
END_TEST

TCase *
redis_tls_cases(void)
{
	TCase *t = new_case("tls");

	tcase_add_checked_fixture(t, ignore_sigpipe, NULL);
	tcase_add_test(t, who_is_believed);
	tcase_add_test(t, no_tls_there);
	tcase_add_test(t, much_and_again);
	tcase_add_test(t, files_are_wrong);
	tcase_add_test(t, a_watch_is_encrypted);
	return t;
}
