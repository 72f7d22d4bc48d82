/* SPDX-License-Identifier: MIT */
/* Media types of request bodies and responses. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

#include "base/base.h"

/* The type of a body, or the type that Accept prefers. */
enum http_media {
	MEDIA_NONE = 0,
	MEDIA_FORM,
	MEDIA_JSON,
	MEDIA_OTHER,
};

/* Parses a Content-Type. A NULL p or an empty value gives MEDIA_NONE; a
 * charset other than UTF-8 gives MEDIA_OTHER. */
enum http_media media_of(struct str content_type);

/* Returns true when `accept` names exactly this type, with a weight above 0; a
 * wildcard does not count (RFC 9110 section 12.5.1). */
bool media_accepted(struct str accept, struct str type);

#endif
