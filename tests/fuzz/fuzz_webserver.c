/* SPDX-License-Identifier: MIT */
/*
 * The configuration of a web server as bytes, for each of the three readers. A
 * configuration that can be read is checked, and each finding has a place and a
 * text. No other file is read.
 */
#include "webserver/webserver.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/fuzz.h"

#define ARENA_BYTES (256 * 1024 * 1024)

typedef int parser(const struct web_source *source, struct arena *a,
		   struct web_node *out, struct err *err);

static const struct reader {
	parser *parse;
	void (*check)(const struct web_node *root, struct web_findings *out);
} readers[] = {
	{ nginx_parse, nginx_check },
	{ apache_parse, apache_check },
	{ lighttpd_parse, lighttpd_check },
};

static void
read_and_check(const struct reader *reader, struct str text)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct web_findings findings;
	struct web_source source;
	struct web_node root;
	struct err err;
	int rc;

	assert(a != NULL);
	rc = nginx_split(text, STR("fuzz.conf"), a, &source, &err);
	assert(rc == 0 && source.nfiles > 0);
	source.disk = false;
	if (reader->parse(&source, a, &root, &err) == 0) {
		web_findings_init(&findings, a);
		reader->check(&root, &findings);
		assert(!findings.failed);
		for (const struct web_finding *f = findings.first; f != NULL;
		     f = f->next)
			assert(f->at != NULL && f->at->line > 0 &&
			       f->place.n > 0 && f->text.n > 0);
	}
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		read_and_check(&readers[i],
			       (struct str){ .p = (const char *)data, .n = n });
	return 0;
}
