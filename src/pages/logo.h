/* SPDX-License-Identifier: MIT */
/* Reads what kind of image a logo is. */
#ifndef PAGES_LOGO_H
#define PAGES_LOGO_H

#include "base/base.h"

struct logo {
	const char *type; /* media type */
	/* In pixels or other equal units, at least 1; both 0: unknown. */
	unsigned width, height;
};

/* Recognises a PNG or SVG image. Returns false for any other content. */
bool logo_recognise(struct str content, struct logo *out);

#endif
