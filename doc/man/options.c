/* SPDX-License-Identifier: MIT */
/*
 * Prints the option tables of the program it is linked with: `options manual`
 * the part of fcgiauth.ini(5) that is made of them, `options names` a line for
 * each, for tests/tools/check-options.sh. Runs at build time.
 */
#include "strategy/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define LIMIT (4 * 1024 * 1024)

int
main(int argc, char **argv)
{
	struct arena *a = arena_new(LIMIT);
	struct settings_drivers drivers;
	struct buf out;
	struct str text;

	if (argc != 2 || a == NULL || registry_drivers(a, &drivers) != 0)
		return EXIT_FAILURE;
	buf_init(&out, a, LIMIT / 4);
	if (strcmp(argv[1], "manual") == 0)
		settings_manual(&drivers, &out);
	else
		settings_names(&drivers, &out);
	text = buf_str(&out);
	if (buf_failed(&out) || fwrite(text.p, 1, text.n, stdout) != text.n ||
	    fflush(stdout) != 0)
		return EXIT_FAILURE;
	arena_free(a);
	return EXIT_SUCCESS;
}
