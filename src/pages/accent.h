/* SPDX-License-Identifier: MIT */
/* Derives the colours of links and buttons from a colour of the site, so that
 * they can be read on the grounds of style.css. */
#ifndef PAGES_ACCENT_H
#define PAGES_ACCENT_H

#include "base/base.h"

struct buf;

struct accent_color {
	int v[3]; /* red, green, blue: 0 to 255 */
};

/* Reads "#rgb" or "#rrggbb"; the # may be missing. Returns false for any other
 * text. */
bool accent_read(struct str text, struct accent_color *out);

struct accent {
	struct accent_color light, dark; /* in the two themes */
};

/*
 * Derives the colours: in the light theme, steps of 1/64 towards black until
 * the contrast is 5:1 on the card and on the page; in the dark theme, steps
 * towards white until it is 7:1. These are ratios of WCAG 2.2.
 */
struct accent accent_derive(struct accent_color brand);

/* Returns the contrast of two colours: 1 to 21. */
double accent_contrast(struct accent_color a, struct accent_color b);

/* Adds the rules that follow the style sheet. `text` must be one that
 * accent_read() takes. */
void accent_write(struct str text, struct buf *out);

#endif
