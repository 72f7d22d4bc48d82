/* SPDX-License-Identifier: MIT */
/* Where an HTTP/1.1 answer ends. */
#ifndef BENCH_LOAD_ANSWER_H
#define BENCH_LOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct load_answer {
	bool complete;
	bool closes; /* the server closes the connection */
	int status;
};

/* Reads the beginning of an answer. An answer without a length that is not
 * chunked has no body. */
struct load_answer load_answer_read(const char *p, size_t n);

#endif
