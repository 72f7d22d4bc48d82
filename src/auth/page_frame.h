/* SPDX-License-Identifier: MIT */
/* What all pages show: the frame around them. */
#ifndef AUTH_PAGE_FRAME_H
#define AUTH_PAGE_FRAME_H

#include "auth/pages.h"

/* Returns the host of the request; empty when it cannot be shown. */
struct str page_host(const struct request_context *ctx);

/* Finds the language of the answer. One that the person chooses by the address
 * is kept in a cookie; an answer about a failure sets no cookie. */
const struct page_language *page_language(struct request_context *ctx,
					  unsigned status);

#endif
