# SPDX-License-Identifier: MIT

noinst_PROGRAMS += bench/null_responder bench/issue_credentials \
	bench/store_growth
bench_null_responder_SOURCES = bench/null_responder.c
bench_null_responder_LDADD = $(SERVER_LIBS)
bench_issue_credentials_SOURCES = bench/issue_credentials.c
bench_issue_credentials_LDADD = $(COMMON_LIBS)
bench_store_growth_SOURCES = bench/store_growth.c
bench_store_growth_LDADD = $(COMMON_LIBS)
EXTRA_DIST += bench/run bench/growth bench/lib bench/peers
