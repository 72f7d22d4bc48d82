# SPDX-License-Identifier: MIT

noinst_PROGRAMS += bench/null_responder
bench_null_responder_SOURCES = bench/null_responder.c
bench_null_responder_LDADD = $(SERVER_LIBS)
EXTRA_DIST += bench/run
