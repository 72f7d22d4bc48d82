/* SPDX-License-Identifier: MIT */
/* Recognises the common browsers and systems, so that people know their devices
 * in a list. A client can send what it likes: decide nothing by it. */
#ifndef HTTP_DEVICE_H
#define HTTP_DEVICE_H

#include "base/base.h"

/* Proper names, such as "Firefox" and "Windows"; empty if unknown. */
struct device {
	struct str browser, system;
};

/* Reads a User-Agent header of any length and content. */
struct device device_read(struct str user_agent);

#endif
