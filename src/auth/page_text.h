/* SPDX-License-Identifier: MIT */
/* What the pages say, as templates of http/html.h. */
#ifndef AUTH_PAGE_TEXT_H
#define AUTH_PAGE_TEXT_H

extern const char page_style[];	     /* CSS */
extern const char page_frame[];	     /* title, style, main */
extern const char page_login_text[];
extern const char page_logout_text[];
extern const char page_forbidden_text[];
extern const char page_unsent_text[];
extern const char page_too_long_text[];
extern const char page_continue_text[];
extern const char page_message_text[];

#endif
