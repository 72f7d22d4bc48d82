/* SPDX-License-Identifier: MIT */
/*
 * One request, parsed once and checked.  Facts come only from parameters that
 * the web server sets; nothing reads X-Forwarded-* or X-Original-*.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/media.h"
#include "http/message.h"

struct arena;
struct err;

enum http_action {
	ACTION_ENDPOINT = 0, /* one of our own pages or calls */
	ACTION_VERIFY,	     /* AUTH_ACTION=verify, or role AUTHORIZER */
	ACTION_CHALLENGE,    /* AUTH_ACTION=challenge */
	ACTION_UNKNOWN,	     /* AUTH_ACTION has another value: 403 */
};

enum http_method {
	HTTP_OTHER = 0, /* a method that no endpoint of ours has */
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
	struct str uri;	  /* REQUEST_URI: path and query as the client sent it */
	/* Of uri: at an endpoint decoded by path_normalise(), so that it has
	 * one reading; else as path_split() leaves it, with all it has. */
	struct str path;
	struct str query; /* of uri, raw, without the '?' */
	struct str host;  /* lower case, without port and trailing dot */
	struct str host_port;	/* port that came with HTTP_HOST; or empty */
	struct str server_port; /* SERVER_PORT; may be empty */
	bool https;
	struct str remote_addr;
	struct str require;	  /* AUTH_REQUIRE; may be empty */
	struct str secret;	  /* AUTH_SECRET; may be empty */
	struct str authorization; /* header; p is NULL when absent */
	bool authorization_twice; /* more than one: no credential at all */
	struct str cookies[8];	  /* Cookie header fields */
	size_t ncookies;
	struct str origin; /* header; p is NULL when absent */
	/* Access-Control-Request-Method; p is NULL when absent. */
	struct str preflight_method;
	struct str fetch_site, fetch_mode;
	struct str user_agent;
	struct str request_id; /* the web server's, for logs; may be empty */
	enum http_media media; /* of the body */
	bool accepts_html, accepts_json;
	bool xhr; /* X-Requested-With is present */
	struct str body;
	bool body_too_large;
};

/*
 * ERR_INPUT when a fact that we use is missing, given twice or malformed: 403
 * to a check, 400 at an endpoint.  Even then out->action and out->authorizer
 * are right as far as could be told, so that the caller knows which of the two
 * it is, and so is what http_request_is_navigation() and _wants_json() look at;
 * a message whose AUTH_ACTION cannot be told is ACTION_UNKNOWN.  Host, uri,
 * method_name and remote_addr are then what was sent, unchecked, for a log.
 * *out borrows from *in and `a`.
 */
int http_request_parse(const struct message *in, struct arena *a,
		       struct http_request *out, struct err *err) MUST_USE;

/* By a browser that shows the answer to a person, whatever the method: link,
 * address or form.  Such a request has `Sec-Fetch-Mode: navigate`; without that
 * header, it accepts text/html and has no X-Requested-With. */
bool http_request_is_navigation(const struct http_request *r);

/* The caller wants JSON rather than HTML. */
bool http_request_wants_json(const struct http_request *r);

/*
 * The value of one query field of r->query, decoded; *out has p NULL when it
 * is absent.  ERR_INPUT when it is there twice or malformed.
 */
int http_request_query(const struct http_request *r, struct str name,
		       struct arena *a, struct str *out, struct err *err)
    MUST_USE;

#endif
