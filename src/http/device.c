/* SPDX-License-Identifier: MIT */
/* Browsers and systems by their User-Agent header. */
#include "http/device.h"

#include <string.h>

#include "base/str.h"

/* A name, and a word of the header by which it is known. The first row that
 * matches counts: most browsers also claim to be others. */
struct sign {
	const char *word, *name;
};

static const struct sign browsers[] = {
	{ "Edg/", "Edge" },
	{ "EdgA/", "Edge" },
	{ "EdgiOS/", "Edge" },
	{ "OPR/", "Opera" },
	{ "Vivaldi/", "Vivaldi" },
	{ "SamsungBrowser/", "Samsung Internet" },
	{ "Firefox/", "Firefox" },
	{ "FxiOS/", "Firefox" },
	{ "CriOS/", "Chrome" },
	{ "Chromium/", "Chromium" },
	{ "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },
	{ "curl/", "curl" },
	{ "Wget/", "Wget" },
	{ "python-requests/", "Python" },
	{ "Python-urllib/", "Python" },
	{ "git/", "git" },
};

static const struct sign systems[] = {
	{ "iPhone", "iPhone" },	  { "iPad", "iPad" },
	{ "Android", "Android" }, { "CrOS", "ChromeOS" },
	{ "Windows", "Windows" }, { "Macintosh", "macOS" },
	{ "FreeBSD", "FreeBSD" }, { "OpenBSD", "OpenBSD" },
	{ "Linux", "Linux" },
};

static struct str
find_sign(const struct sign *v, size_t n, struct str header)
{
	for (size_t i = 0; header.n > 0 && i < n; i++) {
		if (memmem(header.p, header.n, v[i].word, strlen(v[i].word)) !=
		    NULL)
			return str_from(v[i].name);
	}
	return STR("");
}

struct device
device_read(struct str user_agent)
{
	return (struct device){
		.browser = find_sign(browsers, ARRAY_LEN(browsers), user_agent),
		.system = find_sign(systems, ARRAY_LEN(systems), user_agent),
	};
}
