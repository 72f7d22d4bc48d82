/* SPDX-License-Identifier: MIT */
/* Parses and checks the parameters of a request. */
#include "http/request.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/form.h"
#include "http/host.h"
#include "http/media.h"
#include "http/path.h"

#define URI_MAX_BYTES  8192
#define REQUEST_ID_MIN 8
#define REQUEST_ID_MAX 64

/* The parameters that are read, the shortest names first. */
enum known_id {
	K_HTTPS,
	K_HOST,
	K_REQUEST_ID,
	K_ACTION,
	K_SECRET,
	K_URI,
	K_ADDR,
	K_PORT,
	K_COOKIE,
	K_ORIGIN,
	K_ACCEPT,
	K_REQUIRE,
	K_METRICS,
	K_TYPE,
	K_METHOD,
	K_LENGTH,
	K_AGENT,
	K_AUTHORIZATION,
	K_SITE,
	K_MODE,
	K_LANGUAGE,
	K_XHR,
	K_PREFLIGHT,
	KNOWN_COUNT
};

/* The effect of a duplicate parameter. */
enum again {
	AGAIN_REFUSED = 0, /* refused: one of them is not from the web server */
	AGAIN_FIRST, /* the first is used: nothing depends on it */
	AGAIN_NONE, /* none is used */
	AGAIN_KEPT, /* the user of the value decides */
};

#define NAME(s) .name = { .p = (s), .n = sizeof(s) - 1 }

static const struct known {
	struct str name;
	enum again again;
} known[KNOWN_COUNT] = {
	[K_HTTPS] = { NAME("HTTPS") },
	[K_HOST] = { NAME("HTTP_HOST") },
	[K_REQUEST_ID] = { NAME("REQUEST_ID"), .again = AGAIN_NONE },
	[K_ACTION] = { NAME("AUTH_ACTION") },
	[K_SECRET] = { NAME("AUTH_SECRET") },
	[K_URI] = { NAME("REQUEST_URI") },
	[K_ADDR] = { NAME("REMOTE_ADDR") },
	[K_PORT] = { NAME("SERVER_PORT") },
	[K_COOKIE] = { NAME("HTTP_COOKIE"), .again = AGAIN_KEPT },
	[K_ORIGIN] = { NAME("HTTP_ORIGIN") },
	[K_ACCEPT] = { NAME("HTTP_ACCEPT"), .again = AGAIN_FIRST },
	[K_REQUIRE] = { NAME("AUTH_REQUIRE") },
	[K_METRICS] = { NAME("AUTH_METRICS"), .again = AGAIN_NONE },
	[K_TYPE] = { NAME("CONTENT_TYPE") },
	[K_METHOD] = { NAME("REQUEST_METHOD") },
	[K_LENGTH] = { NAME("CONTENT_LENGTH") },
	[K_AGENT] = { NAME("HTTP_USER_AGENT"), .again = AGAIN_FIRST },
	[K_AUTHORIZATION] = { NAME("HTTP_AUTHORIZATION"), .again = AGAIN_KEPT },
	[K_SITE] = { NAME("HTTP_SEC_FETCH_SITE"), .again = AGAIN_NONE },
	[K_MODE] = { NAME("HTTP_SEC_FETCH_MODE"), .again = AGAIN_NONE },
	[K_LANGUAGE] = { NAME("HTTP_ACCEPT_LANGUAGE"), .again = AGAIN_NONE },
	[K_XHR] = { NAME("HTTP_X_REQUESTED_WITH"), .again = AGAIN_FIRST },
	[K_PREFLIGHT] = { NAME("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
			  .again = AGAIN_NONE },
};

/* The first name of each length that a name has. */
static const uint8_t first_of_length[] = {
	[5] = K_HTTPS,	   [9] = K_HOST,	   [10] = K_REQUEST_ID,
	[11] = K_ACTION,   [12] = K_REQUIRE,	   [14] = K_METHOD,
	[15] = K_AGENT,	   [18] = K_AUTHORIZATION, [19] = K_SITE,
	[20] = K_LANGUAGE, [21] = K_XHR,	   [34] = K_PREFLIGHT,
};

static const enum known_id required[] = { K_METHOD, K_URI, K_ADDR, K_HOST };

struct values {
	/* the first value of each name; p is NULL without one */
	struct str v[KNOWN_COUNT];
	unsigned count[KNOWN_COUNT];
};

/* The third byte from the end is compared first: it tells the eight names of 11
 * bytes apart. */
static enum known_id
find_known(struct str name)
{
	size_t id;

	if (name.n >= ARRAY_LEN(first_of_length))
		return KNOWN_COUNT;
	id = first_of_length[name.n];
	for (; id < KNOWN_COUNT && known[id].name.n == name.n; id++) {
		if (known[id].name.p[name.n - 3] == name.p[name.n - 3] &&
		    str_eq(known[id].name, name))
			return (enum known_id)id;
	}
	return KNOWN_COUNT;
}

/* A value that was refused is NULL here. */
static enum http_action
tell_action(const struct values *values, bool authorizer)
{
	const struct str value = values->v[K_ACTION];

	if (values->count[K_ACTION] == 0)
		return authorizer ? ACTION_VERIFY : ACTION_ENDPOINT;
	if (values->count[K_ACTION] > 1)
		return ACTION_UNKNOWN;
	if (str_eq(value, STR("verify")))
		return ACTION_VERIFY;
	if (str_eq(value, STR("challenge")) && !authorizer)
		return ACTION_CHALLENGE;
	return ACTION_UNKNOWN;
}

/* Tabs are allowed in all headers, but are only seen in user agents. Most
 * cookies belong to other programs and may have any bytes. A malformed
 * preference of languages is no preference. */
static bool
has_bad_byte(struct str s, enum known_id id)
{
	struct str part;

	if (id == K_COOKIE || id == K_LANGUAGE)
		return false;
	if (id != K_AGENT)
		return str_has_control(s);
	while (str_cut(&s, '\t', &part)) {
		if (str_has_control(part))
			return true;
	}
	return false;
}

static int
collect_one(struct values *values, enum known_id id, struct str value,
	    struct http_request *r, struct err *err)
{
	const struct known *k = &known[id];
	unsigned before = values->count[id]++;

	if (value.p == NULL)
		value = STR(""); /* present but empty; NULL means absent */
	if (before > 0 && k->again == AGAIN_NONE)
		values->v[id] = (struct str){ .p = NULL };
	if (has_bad_byte(value, id))
		return err_set(err, ERR_INPUT, "%s has a control byte",
			       k->name.p);
	if (before > 0 && k->again == AGAIN_REFUSED)
		return err_set(err, ERR_INPUT, "%s is duplicate", k->name.p);
	if (before == 0)
		values->v[id] = value;
	if (id != K_COOKIE)
		return 0;
	if (r->ncookies == ARRAY_LEN(r->cookies))
		return err_set(err, ERR_INPUT, "more than %zu %s",
			       ARRAY_LEN(r->cookies), k->name.p);
	r->cookies[r->ncookies++] = value;
	return 0;
}

static int
request_collect(const struct message *in, struct values *values,
		struct http_request *r, struct err *err)
{
	int rc = 0;

	/* All parameters are read even after an error: the later ones tell how
	 * to answer. */
	for (size_t i = 0; i < in->nparams; i++) {
		enum known_id id = find_known(in->params[i].name);

		if (id != KNOWN_COUNT &&
		    collect_one(values, id, in->params[i].value, r, err) != 0)
			rc = -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		if (values->count[required[i]] == 0)
			return err_set(err, ERR_INPUT, "%s is missing",
				       known[required[i]].name.p);
	}
	return rc;
}

static int
malformed(enum known_id id, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s is malformed", known[id].name.p);
}

static struct str
or_empty(struct str s)
{
	return s.p != NULL ? s : STR("");
}

static int
take_method(const struct values *values, struct http_request *r,
	    struct err *err)
{
	static const struct {
		struct str name;
		enum http_method method;
	} methods[] = {
		{ NAME("GET"), HTTP_GET },
		{ NAME("HEAD"), HTTP_HEAD },
		{ NAME("POST"), HTTP_POST },
		{ NAME("PUT"), HTTP_PUT },
		{ NAME("DELETE"), HTTP_DELETE },
		{ NAME("OPTIONS"), HTTP_OPTIONS },
		{ NAME("PATCH"), HTTP_PATCH },
	};

	r->method_name = values->v[K_METHOD];
	if (!str_is_name(r->method_name, "!#$%&'*+-.^_`|~"))
		return malformed(K_METHOD, err);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(r->method_name, methods[i].name))
			r->method = methods[i].method;
	}
	return 0;
}

static int
take_uri(const struct values *values, struct arena *a, struct http_request *r,
	 struct err *err)
{
	const bool ours = r->action == ACTION_ENDPOINT;

	r->uri = values->v[K_URI];
	if (r->uri.n > URI_MAX_BYTES)
		return err_set(err, ERR_INPUT, "%s is longer than %d bytes",
			       known[K_URI].name.p, URI_MAX_BYTES);
	if ((ours ? path_normalise : path_split)(r->uri, a, &r->path, &r->query,
						 err) != 0)
		return err_context(err, "%s", known[K_URI].name.p);
	return 0;
}

static int
take_host(const struct values *values, struct arena *a, struct http_request *r,
	  struct err *err)
{
	struct str host;
	char *lower;

	if (!host_split(values->v[K_HOST], &host, &r->host_port))
		return malformed(K_HOST, err);
	if (str_ends(host, STR(".")))
		host.n--;
	lower = arena_cstr(a, host);
	if (lower == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < host.n; i++) {
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] + ('a' - 'A'));
	}
	r->host = (struct str){ .p = lower, .n = host.n };
	return 0;
}

static int
take_https(const struct values *values, struct http_request *r, struct err *err)
{
	struct str value = values->v[K_HTTPS];

	r->https = str_eq_nocase(value, STR("on")) || str_eq(value, STR("1"));
	if (!r->https && value.n > 0 && !str_eq_nocase(value, STR("off")))
		return malformed(K_HTTPS, err);
	return 0;
}

static int
take_port(const struct values *values, struct http_request *r, struct err *err)
{
	int64_t number;

	r->server_port = or_empty(values->v[K_PORT]);
	if (r->server_port.n > 0 &&
	    !str_to_uint(r->server_port, UINT16_MAX, &number))
		return malformed(K_PORT, err);
	return 0;
}

/* nginx sends "unix:" for a client on a unix socket. */
static int
take_address(const struct values *values, struct http_request *r,
	     struct err *err)
{
	struct str value = values->v[K_ADDR];
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address; /* large enough for both families */

	if (value.n >= sizeof(text))
		return malformed(K_ADDR, err);
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (inet_pton(AF_INET, text, &address) != 1 &&
	    inet_pton(AF_INET6, text, &address) != 1 &&
	    strcmp(text, "unix:") != 0)
		return malformed(K_ADDR, err);
	r->remote_addr = value;
	return 0;
}

/* A check has the CONTENT_LENGTH of a body that is not sent with it. */
static int
take_body(const struct message *in, const struct values *values,
	  struct http_request *r, struct err *err)
{
	struct str value = values->v[K_LENGTH];
	int64_t length = 0;

	if (value.n > 0 && !str_to_uint(value, INT64_MAX, &length))
		return malformed(K_LENGTH, err);
	if (value.n > 0 && r->action == ACTION_ENDPOINT &&
	    !in->body_too_large && (uint64_t)length != in->body.n)
		return err_set(err, ERR_INPUT,
			       "%s is not the length of the "
			       "body",
			       known[K_LENGTH].name.p);
	r->body = in->body;
	r->body_too_large = in->body_too_large;
	return 0;
}

/* The ID only names the request: an unusual one is ignored. */
static void
take_request_id(const struct values *values, struct http_request *r)
{
	struct str id = or_empty(values->v[K_REQUEST_ID]);

	if (id.n >= REQUEST_ID_MIN && id.n <= REQUEST_ID_MAX &&
	    str_is_name(id, "-_@"))
		r->request_id = id;
}

/* Sets the members that tell whether a person or a program sent the request. */
static void
take_asker(const struct values *values, struct http_request *r)
{
	r->fetch_mode = values->v[K_MODE];
	r->media = media_of(values->v[K_TYPE]);
	r->accepts_html = media_accepted(values->v[K_ACCEPT], STR("text/html"));
	r->accepts_json =
	    media_accepted(values->v[K_ACCEPT], STR("application/json"));
	r->xhr = values->count[K_XHR] > 0;
	r->accept_language = or_empty(values->v[K_LANGUAGE]);
}

static void
take_headers(const struct values *values, struct http_request *r)
{
	r->require = or_empty(values->v[K_REQUIRE]);
	r->shows_metrics = str_eq(or_empty(values->v[K_METRICS]), STR("yes"));
	r->secret = or_empty(values->v[K_SECRET]);
	r->authorization = values->v[K_AUTHORIZATION];
	r->authorization_twice = values->count[K_AUTHORIZATION] > 1;
	r->origin = values->v[K_ORIGIN];
	r->preflight_method = values->v[K_PREFLIGHT];
	r->fetch_site = values->v[K_SITE];
	r->user_agent = or_empty(values->v[K_AGENT]);
}

/* Returns what is known of a request that is refused. */
static struct http_request
take_rest(const struct values *values, const struct http_request *r)
{
	return (struct http_request){
		.action = r->action,
		.authorizer = r->authorizer,
		.method_name = or_empty(values->v[K_METHOD]),
		.uri = or_empty(values->v[K_URI]),
		.host = or_empty(values->v[K_HOST]),
		.remote_addr = or_empty(values->v[K_ADDR]),
		.request_id = r->request_id,
		.fetch_mode = r->fetch_mode,
		.media = r->media,
		.accepts_html = r->accepts_html,
		.accepts_json = r->accepts_json,
		.xhr = r->xhr,
		.accept_language = r->accept_language,
	};
}

int
http_request_parse(const struct message *in, struct arena *a,
		   struct http_request *out, struct err *err)
{
	struct http_request r = { .authorizer = in->authorizer };
	struct values values = { .count = { 0 } };
	int rc = request_collect(in, &values, &r, err);

	r.action = tell_action(&values, in->authorizer);
	take_asker(&values, &r);
	take_request_id(&values, &r);
	if (rc != 0 || take_method(&values, &r, err) != 0 ||
	    take_uri(&values, a, &r, err) != 0 ||
	    take_host(&values, a, &r, err) != 0 ||
	    take_https(&values, &r, err) != 0 ||
	    take_port(&values, &r, err) != 0 ||
	    take_address(&values, &r, err) != 0 ||
	    take_body(in, &values, &r, err) != 0) {
		*out = take_rest(&values, &r);
		return -1;
	}
	take_headers(&values, &r);
	*out = r;
	return 0;
}

bool
http_request_is_navigation(const struct http_request *r)
{
	if (r->fetch_mode.p != NULL)
		return str_eq(r->fetch_mode, STR("navigate"));
	return r->accepts_html && !r->xhr;
}

bool
http_request_wants_json(const struct http_request *r)
{
	return r->media == MEDIA_JSON || (r->accepts_json && !r->accepts_html);
}

int
http_request_query(const struct http_request *r, struct str name,
		   struct arena *a, struct str *out, struct err *err)
{
	struct str found = { .p = NULL };
	struct form fields;

	if (form_parse_urlencoded(r->query, a, &fields, err) != 0)
		return err_context(err, "query");
	for (size_t i = 0; i < fields.n; i++) {
		if (str_eq(fields.field[i].name, name))
			found = fields.field[i].value;
	}
	*out = found;
	return 0;
}
