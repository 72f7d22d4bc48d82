/* SPDX-License-Identifier: MIT */
/* The section [pages]: its options (conf/sections.h) and their checks. */
#ifndef CONF_PAGES_H
#define CONF_PAGES_H

#include "conf/option.h"

struct err;

extern const struct option pages_options[];

int check_page_text(const void *field, struct err *err) MUST_USE;
int check_page_color(const void *field, struct err *err) MUST_USE;
int check_page_language(const void *field, struct err *err) MUST_USE;

#endif
