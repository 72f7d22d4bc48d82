/* SPDX-License-Identifier: MIT */
/*
 * One request, parsed once and checked. All facts come from parameters that
 * the web server sets; X-Forwarded-* and X-Original-* are never read.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/media.h"
#include "http/message.h"

struct arena;
struct err;

enum http_action {
	ACTION_ENDPOINT = 0, /* a page or call of the service itself */
	ACTION_VERIFY, /* AUTH_ACTION=verify, or role AUTHORIZER */
	ACTION_CHALLENGE, /* AUTH_ACTION=challenge */
	ACTION_UNKNOWN, /* AUTH_ACTION has any other value: 403 */
};

enum http_method {
	HTTP_OTHER = 0, /* a method that no endpoint has */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_PATCH,
};

struct http_request {
	enum http_action action;
	bool authorizer; /* 200 instead of 204, Variable-* instead of headers */
	enum http_method method;
	struct str method_name; /* as sent */
	struct str uri; /* REQUEST_URI: path and query as the client sent it */
	/*
	 * The path of uri. At an endpoint it is decoded by path_normalise()
	 * and has one reading; otherwise it is from path_split() and may have
	 * several.
	 */
	struct str path;
	struct str query; /* of uri, raw, without the '?' */
	struct str host; /* lower case, without port and trailing dot */
	struct str host_port; /* port that came with HTTP_HOST; or empty */
	struct str server_port; /* SERVER_PORT; may be empty */
	bool https;
	struct str remote_addr;
	struct str require; /* AUTH_REQUIRE; may be empty */
	struct str secret; /* AUTH_SECRET; may be empty */
	bool shows_metrics; /* AUTH_METRICS is "yes" */
	struct str authorization; /* header; p is NULL when absent */
	bool authorization_twice; /* there were several: none is used */
	struct str cookies[8]; /* Cookie header fields */
	size_t ncookies;
	struct str origin; /* header; p is NULL when absent */
	/* Access-Control-Request-Method; p is NULL when absent. */
	struct str preflight_method;
	struct str fetch_site, fetch_mode;
	struct str accept_language; /* any bytes; may be empty */
	struct str user_agent;
	/*
	 * The ID that the web server has given the request: 8 to 64 letters,
	 * digits and "-_@"; empty after parsing if there is none or another
	 * one. A handler then finds one of 16 hexadecimal digits here, which
	 * the service has made. Logs have it whole; its first 12 bytes, which
	 * pages show, are enough to find a request.
	 */
	struct str request_id;
	enum http_media media; /* of the body */
	bool accepts_html, accepts_json;
	bool xhr; /* X-Requested-With is present */
	struct str body;
	bool body_too_large;
};

/*
 * Parses a request. ERR_INPUT when a required fact is missing, duplicate or
 * malformed; a check is then answered 403, an endpoint 400. Even then,
 * out->action and out->authorizer are set as far as they are known, so that the
 * caller can tell a check from an endpoint; so are the members that
 * http_request_is_navigation() and _wants_json() use. A message whose
 * AUTH_ACTION cannot be determined is ACTION_UNKNOWN. On ERR_INPUT, host, uri,
 * method_name and remote_addr have the values that were sent, unchecked, for
 * the log. *out borrows from *in and `a`.
 */
int http_request_parse(const struct message *in, struct arena *a,
		       struct http_request *out, struct err *err) MUST_USE;

/*
 * Returns true when a browser will show the response to a person, whatever the
 * method is: for a link, an address or a form. Such a request has
 * `Sec-Fetch-Mode: navigate`; without that header, it accepts text/html and has
 * no X-Requested-With.
 */
bool http_request_is_navigation(const struct http_request *r);

/* Returns true when the client prefers JSON to HTML. */
bool http_request_wants_json(const struct http_request *r);

/*
 * Finds one field of r->query and decodes its value; out->p is NULL when it is
 * absent. ERR_INPUT when the field is duplicate or malformed.
 */
int http_request_query(const struct http_request *r, struct str name,
		       struct arena *a, struct str *out,
		       struct err *err) MUST_USE;

#endif
