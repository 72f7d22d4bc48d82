# SPDX-License-Identifier: MIT

noinst_PROGRAMS += bench/null_responder bench/issue_credentials \
	bench/store_growth bench/load bench/propagate bench/count_cost
bench_null_responder_SOURCES = bench/null_responder.c
bench_null_responder_LDADD = $(SERVER_LIBS)
bench_issue_credentials_SOURCES = bench/issue_credentials.c
bench_issue_credentials_LDADD = $(COMMON_LIBS)
bench_store_growth_SOURCES = bench/store_growth.c
bench_store_growth_LDADD = $(COMMON_LIBS)
bench_load_SOURCES = bench/load.c bench/load_answer.c bench/load_answer.h
bench_load_LDADD =
bench_count_cost_SOURCES = bench/count_cost.c
bench_count_cost_LDADD = $(COMMON_LIBS)
bench_propagate_SOURCES = bench/propagate.c tests/support/fcgi_client.c \
	tests/support/fcgi_client.h
bench_propagate_LDADD = $(COMMON_LIBS)
EXTRA_DIST += bench/run bench/growth bench/compare bench/lib bench/peers
