/* SPDX-License-Identifier: MIT */
/*
 * The base line of the benchmarks: the service's own loop with a handler that
 * only answers 204. The cost of the service beyond this is authentication.
 *
 *     null_responder ADDRESS THREADS
 */
#include "base/base.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/option.h"
#include "server/fcgi.h"
#include "server/listen.h"
#include "server/loop.h"

#define SOCKET_MODE 0666
#define TICK_NS	    100000000
#define GRACE_MS    100
#define DRAIN_MS    2000

static bool
responder_try(void *ctx, struct arena *a, const struct message *in,
	      struct buf *out)
{
	(void)ctx;
	(void)a;
	(void)in;
	buf_add(out, STR("Status: 204\r\n\r\n"));
	return true;
}

/* It is never called, as nothing is left to it. */
static bool
responder_handle(void *ctx, unsigned worker, struct arena *a,
		 const struct message *in, struct buf *out)
{
	(void)ctx;
	(void)worker;
	(void)a;
	(void)in;
	(void)out;
	return false;
}

static void
tick_until_signal(struct loop *l, const sigset_t *stop)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };

	while (sigtimedwait(stop, NULL, &tick) < 0)
		loop_tick(l);
}

static int
responder_serve(const struct words *addresses, int64_t threads, struct err *err)
{
	const struct env env = env_real(NULL);
	const struct loop_config config = {
		.threads = (unsigned)threads,
		.frame = { .params = 65536, .pairs = 512, .body = 16384 },
		.request_ms = 5000,
		.write_ms = 5000,
		.idle_ms = 300000,
		.try = responder_try,
		.handle = responder_handle,
	};
	struct listeners listeners;
	struct loop *l;
	sigset_t stop;
	int rc;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (fcgi_init() < 0)
		return err_set(err, ERR_INTERNAL, "libfcgi cannot start");
	if (listen_open(addresses, SOCKET_MODE, &listeners, err) < 0)
		return -1;
	rc = loop_start(&config, &listeners, &env, &l, err);
	if (rc == 0) {
		tick_until_signal(l, &stop);
		loop_stop(l, GRACE_MS, DRAIN_MS);
	}
	listen_close(&listeners);
	return rc;
}

int
main(int argc, char **argv)
{
	struct str address = str_from(argc == 3 ? argv[1] : NULL);
	struct words addresses = { .v = &address, .n = 1 };
	struct err err;
	int64_t threads = 0;

	if (argc != 3 || !str_to_uint(str_from(argv[2]), 256, &threads) ||
	    threads == 0) {
		(void)fprintf(stderr, "usage: null_responder ADDRESS "
				      "THREADS\n");
		return 2;
	}
	if (responder_serve(&addresses, threads, &err) < 0) {
		(void)fprintf(stderr, "null_responder: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
