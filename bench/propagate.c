/* SPDX-License-Identifier: MIT */
/*
 * Measures how soon the end of a session has reached all processes.
 *
 *     propagate PAUSE FILE SOCKET...
 *
 * For each token in FILE, one a line: all services on the unix sockets check
 * it twice, so that it is in their caches. The first service signs it out, and
 * from the acknowledgement on all services are asked again, with a pause of
 * so many microseconds, until they refuse it. Prints the percentiles of the
 * time until the last service has refused, and of the time until any one has:
 *
 *     events=500 p50_ns=... p99_ns=... max_ns=... one_p50_ns=... one_p99_ns=...
 */
#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "tests/support/fcgi_client.h"

#define SERVICES_MAX 64
#define ANSWER_MS    5000
#define GIVE_UP_NS   INT64_C(30000000000)
#define WARM_UPS     2

struct propagation {
	int fd[SERVICES_MAX];
	size_t services;
	struct timespec pause;
	uint64_t *last, *each; /* nanoseconds */
	size_t events;
};

static void
propagate_fail(const char *what, const char *found)
{
	(void)fprintf(stderr, "propagate: %s: %s\n", what, found);
	exit(EXIT_FAILURE);
}

static int64_t
mono_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
propagate_param(struct bytes *b, const char *name, const char *value)
{
	fcgi_pair(b, str_from(name), str_from(value), false);
}

/* Makes a check, or with `out` a sign-out, by this token. */
static struct bytes
make_request(const char *token, bool out)
{
	struct bytes params = { .p = NULL }, none = { .p = NULL };
	struct bytes b = { .p = NULL };
	char bearer[512];

	(void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	propagate_param(&params, "REQUEST_METHOD", out ? "POST" : "GET");
	propagate_param(&params, "REQUEST_URI", out ? "/auth/logout" : "/f");
	propagate_param(&params, "REMOTE_ADDR", "127.0.0.1");
	propagate_param(&params, "HTTP_HOST", "localhost");
	propagate_param(&params, "SERVER_PORT", "80");
	propagate_param(&params, "HTTP_AUTHORIZATION", bearer);
	if (out) {
		propagate_param(&params, "CONTENT_TYPE", "application/json");
		propagate_param(&params, "CONTENT_LENGTH", "2");
		bytes_add(&none, "{}", 2);
	} else {
		propagate_param(&params, "AUTH_ACTION", "verify");
	}
	fcgi_begin(&b, 1, FCGI_R_RESPONDER, true);
	fcgi_stream(&b, FCGI_T_PARAMS, 1, &params, 32768, 0);
	fcgi_stream(&b, FCGI_T_STDIN, 1, &none, 32768, 0);
	bytes_free(&params);
	bytes_free(&none);
	return b;
}

/* Returns the status of the answer that the service sends next. */
static int
read_status(int fd)
{
	struct fcgi_answer a;

	if (fcgi_read(fd, ANSWER_MS, &a) != FCGI_GOT_ANSWER ||
	    strncmp(a.text, "Status: ", 8) != 0)
		propagate_fail("an answer was expected", "there was none");
	return atoi(a.text + 8);
}

static int
ask_status(int fd, const struct bytes *b)
{
	if (!fcgi_send(fd, b->p, b->n))
		propagate_fail("a request", "the service has closed");
	return read_status(fd);
}

/* Asks all services once that have not refused yet. Returns how many are
 * left. */
static size_t
ask_services(struct propagation *p, const struct bytes *check, int64_t began_ns,
	     bool refused[SERVICES_MAX])
{
	size_t left = 0;

	for (size_t i = 0; i < p->services; i++) {
		if (!refused[i] && !fcgi_send(p->fd[i], check->p, check->n))
			propagate_fail("a check", "the service has closed");
	}
	for (size_t i = 0; i < p->services; i++) {
		if (refused[i])
			continue;
		refused[i] = read_status(p->fd[i]) == 401;
		left += !refused[i];
		if (refused[i])
			p->each[p->events * p->services + i] =
			    (uint64_t)(mono_ns() - began_ns);
	}
	return left;
}

static void
end_one(struct propagation *p, const char *token)
{
	struct bytes check = make_request(token, false);
	struct bytes out = make_request(token, true);
	bool refused[SERVICES_MAX] = { false };
	int64_t began_ns;

	for (size_t i = 0; i < p->services * WARM_UPS; i++) {
		if (ask_status(p->fd[i % p->services], &check) != 204)
			propagate_fail("a check before the end", "refused");
	}
	if (ask_status(p->fd[0], &out) != 204)
		propagate_fail("/auth/logout", "it did not answer 204");
	began_ns = mono_ns();
	while (ask_services(p, &check, began_ns, refused) > 0) {
		if (mono_ns() - began_ns > GIVE_UP_NS)
			propagate_fail("a check after the end", "allowed");
		(void)nanosleep(&p->pause, NULL); /* may be shorter */
	}
	p->last[p->events++] = (uint64_t)(mono_ns() - began_ns);
	bytes_free(&check);
	bytes_free(&out);
}

static int
propagate_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Returns a percentile of n > 0 sorted numbers. */
static uint64_t
part_of(const uint64_t *sorted, size_t n, size_t percent)
{
	return sorted[n * percent / 100 < n ? n * percent / 100 : n - 1];
}

static void
propagate_print(struct propagation *p)
{
	const size_t all = p->events * p->services;

	if (p->events == 0)
		propagate_fail("tokens were expected", "there were none");
	qsort(p->last, p->events, sizeof(*p->last), propagate_compare);
	qsort(p->each, all, sizeof(*p->each), propagate_compare);
	(void)printf("events=%zu p50_ns=%" PRIu64 " p99_ns=%" PRIu64
		     " max_ns=%" PRIu64 " one_p50_ns=%" PRIu64
		     " one_p99_ns=%" PRIu64 "\n",
		     p->events, part_of(p->last, p->events, 50),
		     part_of(p->last, p->events, 99),
		     part_of(p->last, p->events, 100),
		     part_of(p->each, all, 50), part_of(p->each, all, 99));
}

static void
end_all(struct propagation *p, const char *file)
{
	FILE *in = fopen(file, "r");
	char *line = NULL;
	size_t room = 0;

	if (in == NULL)
		propagate_fail(file, "it cannot be read");
	while (getline(&line, &room, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		p->last = realloc(p->last, (p->events + 1) * sizeof(*p->last));
		p->each = realloc(p->each, (p->events + 1) * p->services *
					       sizeof(*p->each));
		if (p->last == NULL || p->each == NULL)
			propagate_fail("memory", "there is no more");
		end_one(p, line);
	}
	free(line);
	(void)fclose(in);
}

int
main(int argc, char **argv)
{
	struct propagation p = { .services = 0 };

	if (argc < 4 || argc - 3 > SERVICES_MAX) {
		(void)fprintf(stderr,
			      "usage: propagate PAUSE FILE SOCKET...\n");
		return 2;
	}
	p.pause.tv_nsec = 1000 * strtol(argv[1], NULL, 10);
	p.services = (size_t)argc - 3;
	for (size_t i = 0; i < p.services; i++) {
		p.fd[i] = fcgi_connect(argv[3 + i]);
		if (p.fd[i] < 0)
			propagate_fail(argv[3 + i], "it does not answer");
	}
	end_all(&p, argv[2]);
	propagate_print(&p);
	free(p.last);
	free(p.each);
	return EXIT_SUCCESS;
}
