/* SPDX-License-Identifier: MIT */
/* The whole service as a function. */
#include "tests/support/flow.h"

#include "auth/cache.h"
#include "auth/own.h"

#include <check.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "strategy/registry.h"
#include "auth/hash_slots.h"
#include "auth/status.h"
#include "auth/last_seen.h"
#include "base/buf.h"
#include "conf/problems.h"
#include "crypto/digest.h"
#include "tests/support/call.h"

#define ARENA_LIMIT (8 * 1024 * 1024)

static const char smallest[] = "[store]\ndriver = memory\n";

static void
add_user(struct flow *f, const char *name, const char *roles, bool disabled)
{
	struct user *u = &f->users_table.v[f->users_table.n++];
	char hash[crypto_pwhash_STRBYTES];

	*u = (struct user){ .disabled = disabled };
	u->who.name = str_from(name);
	u->who.roles = str_from(roles);
	u->who.email = str_from(flow_text(f, "%s@example.com", name));
	u->who.full_name = STR("Some \303\234ser");
	/* All users share one hash with the lowest cost: a higher cost would
	 * only make the tests slower. */
	if (f->users_table.n > 1) {
		u->hash = f->users_table.v[0].hash;
		return;
	}
	ck_assert_int_eq(crypto_pwhash_str(hash, FLOW_PASSWORD,
					   sizeof(FLOW_PASSWORD) - 1,
					   crypto_pwhash_OPSLIMIT_MIN,
					   crypto_pwhash_MEMLIMIT_MIN),
			 0);
	u->hash = str_from(flow_text(f, "%s", hash));
}

static void
load_settings(struct flow *f, const char *ini)
{
	/* A flow has users_fake. The default driver has no options here, so
	 * that a build without SQLite can be tested as well. */
	static const struct option no_options[] = { OPTION_END };
	static const struct settings_driver no_users = { .name = "sqlite",
							 .options = no_options,
							 .compiled = true };
	struct settings_drivers drivers;
	struct problems problems;

	problems_init(&problems, f->arena);
	ck_assert_int_eq(registry_drivers(f->arena, &drivers), 0);
	drivers.users = &no_users;
	drivers.nusers = 1;
	if (settings_parse(str_from(ini), "test.ini", &drivers, f->arena,
			   &f->settings, &problems) != 0)
		ck_abort_msg("%s", problems.first->text);
}

static void
open_users(struct flow *f, unsigned caps)
{
	struct err err;

	f->users_ops = users_fake;
	f->users_ops.base.driver.caps = caps;
	if (users_open(&f->users_ops, &f->users_table, &f->fake.env, &f->users,
		       &err) != 0)
		ck_abort_msg("%s", err.msg);
	users_conn_bind(f->conns.users, f->users);
}

void
flow_init(struct flow *f, const char *ini)
{
	struct problems problems;
	struct err err;

	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(crypto_init(), 0);
	fake_env_init(&f->fake);
	f->arena = arena_new(ARENA_LIMIT);
	f->request = arena_new(ARENA_LIMIT);
	load_settings(f, ini != NULL ? ini : smallest);
	f->shared.env = &f->fake.env;
	f->shared.hash_slots = hash_slots_new(2, 2, 2000, 1);
	f->shared.last_seen = last_seen_new();
	f->shared.probe = probe_new();
	f->shared.log_limits = &f->log_limits;
	f->shared.metrics = metrics_new(env_wall_ms(&f->fake.env));
	add_user(f, "alice", "admin,dev", false);
	add_user(f, "bob", "", false);
	add_user(f, "carol", "admin", true);
	store_faulty_init(&f->faulty, registry_store("memory"),
			  f->settings.store.conf);
	if (store_open(&f->faulty.ops, &f->faulty, &f->fake.env, &f->store,
		       &err) != 0)
		ck_abort_msg("%s", err.msg);
	problems_init(&problems, f->arena);
	if (service_open(&f->settings, &f->shared, f->arena, &f->service,
			 &problems) != 0)
		ck_abort_msg("%s", problems.first->text);
	f->conns.store = store_conn_new(&f->fake.env);
	f->conns.users = users_conn_new(&f->fake.env);
	store_conn_bind(f->conns.store, f->store);
	open_users(f, 0);
	flow_open_factors(f);
}

void
flow_rehash(struct flow *f)
{
	backend_unref(f->users);
	open_users(f, USERS_REHASH);
}

void
flow_log(struct flow *f, enum log_level level)
{
	f->log = (struct log){ .fd = memfd_create("log", 0),
			       .level = level,
			       .wall_ms = f->fake.env.clock.wall_ms,
			       .ctx = f->fake.env.clock.ctx };
	ck_assert_int_ge(f->log.fd, 0);
	f->fake.env.log = &f->log;
}

const char *
flow_logged(struct flow *f)
{
	const off_t n = lseek(f->log.fd, 0, SEEK_END);
	char *text = arena_alloc(f->arena, (size_t)n + 1);

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(pread(f->log.fd, text, (size_t)n, 0), n);
	ck_assert_int_eq(ftruncate(f->log.fd, 0), 0);
	ck_assert_int_eq(lseek(f->log.fd, 0, SEEK_SET), 0);
	return text;
}

void
flow_free(struct flow *f)
{
	if (f->fake.env.log != NULL)
		(void)close(f->log.fd);
	store_conn_free(f->conns.store);
	users_conn_free(f->conns.users);
	factors_conn_free(f->conns.factors);
	backend_unref(f->store);
	backend_unref(f->users);
	backend_unref(f->factors);
	arena_free(f->request);
	arena_free(f->arena);
	hash_slots_free(f->shared.hash_slots);
	last_seen_free(f->shared.last_seen);
	metrics_free(f->shared.metrics);
	probe_free(f->shared.probe);
	cache_free(f->shared.cache);
}

const char *
flow_text(struct flow *f, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	char *copy;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy = arena_cstr(f->arena, str_from(text));
	ck_assert_ptr_nonnull(copy);
	return copy;
}

static struct str
line(struct str *rest)
{
	struct str one;

	ck_assert_msg(str_cut(rest, '\n', &one),
		      "the header of the answer has no end");
	ck_assert_msg(str_ends(one, STR("\r")),
		      "a line of the header does not end with CRLF");
	one.n--;
	return one;
}

/* Parses the answer like a web server. */
static struct flow_answer
parse_answer(struct str raw)
{
	struct flow_answer a = { .raw = raw };
	struct str rest = raw, one = line(&rest), number;
	int64_t status = 0;

	ck_assert_msg(str_starts(one, STR("Status: ")),
		      "the first line of the answer is not Status");
	one = str_skip(one, 8);
	ck_assert(str_word(&one, &number) && str_to_uint(number, 599, &status));
	a.status = (unsigned)status;
	for (one = line(&rest); one.n > 0; one = line(&rest)) {
		size_t colon = str_find(one, ':');

		ck_assert_msg(colon < one.n && a.nheaders < FLOW_HEADERS,
			      "a header of the answer is malformed");
		a.header[a.nheaders].name =
		    (struct str){ .p = one.p, .n = colon };
		a.header[a.nheaders++].value =
		    str_trim(str_skip(one, colon + 1));
	}
	a.body = rest;
	return a;
}

static bool
is_given(const struct param *params, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(params[i].name, str_from(name)))
			return true;
	}
	return false;
}

#define PARAMS_MAX 64

/* Fills in the given parameters, and those that every web server sends. */
static size_t
fill_params(const char *const *given, struct param all[PARAMS_MAX])
{
	static const char *const facts[][2] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/" },
		{ "HTTP_HOST", "www.example.com" },
		{ "REMOTE_ADDR", "192.0.2.7" },
		{ "HTTPS", "on" },
		{ "REQUEST_ID", "test-request" },
		{ "HTTP_USER_AGENT", "test \"agent\"" },
	};
	size_t n = 0;

	for (; *given != NULL; given++) {
		struct str value = str_from(*given), name;

		ck_assert(n < PARAMS_MAX && str_cut(&value, '=', &name));
		all[n++] = (struct param){ .name = name, .value = value };
	}
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		if (is_given(all, n, facts[i][0]))
			continue;
		ck_assert_uint_lt(n, PARAMS_MAX);
		all[n++] = (struct param){ .name = str_from(facts[i][0]),
					   .value = str_from(facts[i][1]) };
	}
	return n;
}

static void
begin_request(struct flow *f, struct buf *out)
{
	arena_free(f->request);
	f->request = arena_new(ARENA_LIMIT);
	buf_init(out, f->request, 128 * 1024);
}

struct flow_answer
flow_ask(struct flow *f, bool authorizer, const char *const *params,
	 const char *body)
{
	struct param all[PARAMS_MAX];
	struct message in = { .params = all,
			      .authorizer = authorizer,
			      .place = f->place };
	struct buf out;

	in.nparams = fill_params(params, all);
	in.body = str_from(body);
	begin_request(f, &out);
	if (f->fail_after > 0)
		arena_fail_after(f->request, f->fail_after - 1);
	f->fail_after = 0;
	f->queued =
	    service_answer(f->service, &f->conns, f->request, &in, &out);
	f->arena_failed = arena_has_failed(f->request);
	/* An empty answer closes the connection; no web server treats that as
	 * allowed. */
	if (buf_failed(&out) || out.n == 0)
		return (struct flow_answer){ .status = 0 };
	return parse_answer(buf_str(&out));
}

struct flow_answer
flow_try(struct flow *f, bool authorizer, const char *const *params)
{
	struct param all[PARAMS_MAX];
	struct message in = { .params = all, .authorizer = authorizer };
	struct buf out;

	in.nparams = fill_params(params, all);
	begin_request(f, &out);
	if (!service_try(f->service, f->request, &in, &out))
		return (struct flow_answer){ .status = 0 };
	return parse_answer(buf_str(&out));
}

struct call *
flow_call(struct flow *f, int64_t now_ms)
{
	f->call =
	    (struct call){ .arena = f->arena,
			   .env = &f->fake.env,
			   .now_ms = now_ms,
			   .store = f->conns.store,
			   .users = f->conns.users,
			   .factors = factors_conn_bound(f->conns.factors) };
	return &f->call;
}

void
flow_exchange(struct flow *f, const char *const *params,
	      struct flow_exchange *x)
{
	struct param all[PARAMS_MAX];
	struct message in = { .params = all };
	struct err err;

	in.nparams = fill_params(params, all);
	arena_free(f->request);
	f->request = arena_new(ARENA_LIMIT);
	http_response_init(&x->out, f->request);
	ck_assert_int_eq(http_request_parse(&in, f->request, &x->in, &err), 0);
	x->e = (struct request_context){
		.call = { .arena = f->request,
			  .env = &f->fake.env,
			  .now_ms = env_wall_ms(&f->fake.env),
			  .store = f->conns.store,
			  .users = f->conns.users,
			  .factors = factors_conn_bound(f->conns.factors) },
		.service = f->service,
		.in = &x->in,
		.out = &x->out,
	};
	own_find(&x->e);
}

struct flow_answer
flow_get(struct flow *f, const char *uri, const char *one, const char *two)
{
	const char *const params[] = { flow_text(f, "REQUEST_URI=%s", uri), one,
				       one != NULL ? two : NULL, NULL };

	return flow_ask(f, false, params, NULL);
}

struct flow_answer
flow_post(struct flow *f, const char *uri, const char *type, const char *body,
	  const char *cookie)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       flow_text(f, "REQUEST_URI=%s", uri),
				       flow_text(f, "CONTENT_TYPE=%s", type),
				       cookie, NULL };

	return flow_ask(f, false, params, body);
}

struct flow_answer
flow_verify(struct flow *f, const char *uri, const char *credential,
	    const char *extra)
{
	const char *const params[] = {
		"AUTH_ACTION=verify", flow_text(f, "REQUEST_URI=%s", uri),
		credential != NULL ? credential : "HTTP_X_NOTHING=",
		extra != NULL ? extra : "HTTP_X_NOTHING=", NULL
	};

	return flow_ask(f, false, params, NULL);
}

struct str
flow_header(const struct flow_answer *a, const char *name)
{
	for (size_t i = 0; i < a->nheaders; i++) {
		if (str_eq_nocase(a->header[i].name, str_from(name)))
			return a->header[i].value;
	}
	return (struct str){ .p = NULL };
}

const char *
flow_cookie(struct flow *f, const struct flow_answer *a, const char *name)
{
	for (size_t i = 0; i < a->nheaders; i++) {
		struct str rest = a->header[i].value, value, key;

		if (!str_eq(a->header[i].name, STR("Set-Cookie")))
			continue;
		if (str_cut(&rest, ';', &value) && str_cut(&value, '=', &key) &&
		    str_eq(key, str_from(name)))
			return flow_text(f, "%.*s", STR_ARG(value));
	}
	return NULL;
}

struct flow_answer
flow_sign_in(struct flow *f, const char *user, const char *password,
	     const char *param)
{
	return flow_post(f, "/auth/login", "application/json",
			 flow_text(f,
				   "{\"username\":\"%s\",\"password\":\"%s\"}",
				   user, password),
			 param);
}

const char *
flow_login(struct flow *f, const char *user)
{
	struct flow_answer a = flow_sign_in(f, user, FLOW_PASSWORD, NULL);
	const char *token = flow_cookie(f, &a, "__Host-fcgiauth");

	ck_assert_msg(a.status == 200, "the sign-in of %s has the status %u",
		      user, a.status);
	ck_assert_ptr_nonnull(token);
	return flow_text(f, "HTTP_COOKIE=__Host-fcgiauth=%s", token);
}

struct session_list
flow_sessions(struct flow *f, const char *user)
{
	const struct session_query query = {
		.user = { .p = user, .n = str_from(user).n }, .limit = 10
	};
	struct session_cursor start = { .created_ms = 0 };
	struct session_list list;
	struct err err;

	ck_assert_int_eq(store_list(f->conns.store,
				    CALL_AT(f->arena,
					    env_wall_ms(&f->fake.env)),
				    &query, &start, &list, &err),
			 0);
	return list;
}

void
flow_write_touches(struct flow *f)
{
	struct touch out[LAST_SEEN_MAX];
	size_t n = last_seen_take(f->shared.last_seen, out);
	struct err err;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(store_touch(f->conns.store,
					     CALL_AT(NULL, out[i].last_seen_ms),
					     &out[i], &err),
				 0);
}

bool
flow_holds(struct str s, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= s.n; i++) {
		if (memcmp(s.p + i, text, n) == 0)
			return true;
	}
	return false;
}

const char *
flow_csrf(struct flow *f, const struct flow_answer *page)
{
	static const char before[] = "name=\"csrf\" value=\"";
	struct str rest = page->body, token;

	while (rest.n > 0 && !str_starts(rest, STR("name=\"csrf\" value=\"")))
		rest = str_skip(rest, 1);
	ck_assert_msg(rest.n > 0, "the page has no csrf token");
	rest = str_skip(rest, sizeof(before) - 1);
	ck_assert(str_cut(&rest, '"', &token));
	return flow_text(f, "%.*s", STR_ARG(token));
}
