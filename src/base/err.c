/* SPDX-License-Identifier: MIT */
/* Filling struct err. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap); /* may be cut */
	va_end(ap);
	return -1;
}

int
err_context(struct err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	size_t n;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap); /* may be cut */
	va_end(ap);
	n = strlen(err->msg);
	/* A message that does not fit is truncated: only people read it. */
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", inner);
	return -1;
}

int
err_nomem(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "out of memory");
}

int
err_norandom(struct err *err)
{
	return err_set(err, ERR_INTERNAL,
		       "the source of random numbers failed");
}
