/* SPDX-License-Identifier: MIT */
/* For tests of the service's own addresses: requests with their parameters, and
 * a log that can be read. */
#ifndef UNIT_AUTH_ORIGIN_FIXTURE_H
#define UNIT_AUTH_ORIGIN_FIXTURE_H

#include "tests/support/flow.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/run.h"

#define FORM   "application/x-www-form-urlencoded"
#define MEMORY "[store]\ndriver = memory\n"

static struct flow f;

/* Starts the service with a log that can be read. */
static inline void
init(const char *ini)
{
	flow_init(&f, ini);
	flow_log(&f, LOG_WARNING);
}

static inline void
done(void)
{
	flow_free(&f);
}

/* The log since the last call; one second passes. */
static inline const char *
logged(void)
{
	const char *text = flow_logged(&f);

	fake_env_advance(&f.fake, 1);
	return text;
}

/* A sign-in with these parameters; NULL: the parameter is missing. */
struct post {
	const char *host, *https, *port, *origin, *site;
};

static inline struct flow_answer
post_json(const struct post *p)
{
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/login",
		"CONTENT_TYPE=application/json",
		flow_text(&f, "HTTP_HOST=%s", p->host),
		flow_text(&f, "HTTPS=%s", p->https != NULL ? p->https : ""),
		flow_text(&f, "SERVER_PORT=%s", p->port != NULL ? p->port : ""),
		flow_text(&f, "%sORIGIN=%s", p->origin != NULL ? "HTTP_" : "X_",
			  p->origin != NULL ? p->origin : ""),
		flow_text(&f, "%s=%s",
			  p->site != NULL ? "HTTP_SEC_FETCH_SITE" : "X_SITE",
			  p->site != NULL ? p->site : ""),
		NULL,
	};

	return flow_ask(&f, false, params,
			"{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD
			"\"}");
}

#define NAMED                                                                  \
	"[server]\nhosts = https://a.example https://a.example:8443 "          \
	"http://nas.lan:8080 bare.example https://[2001:db8::1]:8443 "         \
	"https://c.example:9443\n" MEMORY

#endif
