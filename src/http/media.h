/* SPDX-License-Identifier: MIT */
/* Media types: what a body is, and what an answer should be. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

#include "base/base.h"

/* Content-Type of the body, or what Accept prefers. */
enum http_media {
	MEDIA_NONE = 0,
	MEDIA_FORM,
	MEDIA_JSON,
	MEDIA_OTHER,
};

/* Of a Content-Type; p NULL or empty: MEDIA_NONE.  A charset other than UTF-8
 * is MEDIA_OTHER. */
enum http_media media_of(struct str content_type);

/* `accept` names this very type, with a weight above 0: a wildcard does not ask
 * for it (RFC 9110 section 12.5.1). */
bool media_accepted(struct str accept, struct str type);

#endif
