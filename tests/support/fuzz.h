/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one file that includes this header and defines
 * LLVMFuzzerTestOneInput(). When it is built with -DFUZZING, the fuzzer
 * supplies main(). Otherwise main() below replays every file of a folder
 * (argv[1], or $srcdir/tests/fuzz/corpus/X for the program fuzz_X) and prints
 * TAP, one line per file.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#ifndef FUZZING

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An allocation of the exact size, so that a sanitizer detects every
 * overread. */
static bool
fuzz_replay(const char *folder, const char *name)
{
	uint8_t *data = NULL;
	long n = -1;
	bool ok = false;
	char *path;
	FILE *f;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return false;
	f = fopen(path, "rb");
	free(path);
	if (f == NULL)
		return false;
	if (fseek(f, 0, SEEK_END) == 0)
		n = ftell(f);
	if (n >= 0 && fseek(f, 0, SEEK_SET) == 0)
		data = malloc(n == 0 ? 1 : (size_t)n);
	if (data != NULL && fread(data, 1, (size_t)n, f) == (size_t)n) {
		(void)LLVMFuzzerTestOneInput(data, (size_t)n);
		ok = true;
	}
	free(data);
	(void)fclose(f);
	return ok;
}

/* Determines the corpus folder of this program; `path` has FUZZ_PATH_MAX
 * bytes. */
#define FUZZ_PATH_MAX (2 * PATH_MAX)
static const char *
fuzz_corpus(const char *program, char *path)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(program, '/');

	name = name == NULL ? program : name + 1;
	if (strncmp(name, "fuzz_", 5) != 0)
		return NULL;
	(void)snprintf(path, FUZZ_PATH_MAX, "%s/tests/fuzz/corpus/%s",
		       srcdir != NULL ? srcdir : ".", name + 5);
	return path;
}

static int
fuzz_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	char path[FUZZ_PATH_MAX];
	const char *folder = argc > 1 ? argv[1] : fuzz_corpus(argv[0], path);
	struct dirent **files = NULL;
	int i, n, failed = 0;

	n = folder == NULL ? -1 :
			     scandir(folder, &files, fuzz_visible, alphasort);
	if (n <= 0) {
		printf("Bail out! no corpus in %s\n",
		       folder == NULL ? "(no folder given)" : folder);
		free(files);
		return EXIT_FAILURE;
	}
	/* The plan is printed first, and output is not buffered, so that an
	 * abort shows up as a missing line. */
	(void)setvbuf(stdout, NULL, _IONBF, 0);
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		bool ok = fuzz_replay(folder, files[i]->d_name);

		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1,
		       files[i]->d_name);
		failed += ok ? 0 : 1;
		free(files[i]);
	}
	free(files);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* FUZZING */

#endif
