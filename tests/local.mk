# SPDX-License-Identifier: MIT

# Each program prints TAP, a line a case.
LOG_DRIVER = env CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent \
	CK_DEFAULT_TIMEOUT=120 \
	srcdir=$(srcdir) $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = env srcdir=$(srcdir) \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)

check_LIBRARIES = libtests.a
libtests_a_SOURCES = \
	tests/support/fake_env.c tests/support/fake_env.h \
	tests/support/fcgi_bad.c \
	tests/support/fcgi_client.c tests/support/fcgi_client.h \
	tests/support/flow.c tests/support/flow.h \
	tests/support/fuzz.h \
	tests/support/place.h \
	tests/support/postgres_server.c tests/support/postgres_server.h \
	tests/support/process.c tests/support/process.h \
	tests/support/redis_server.c tests/support/redis_server.h \
	tests/support/run.h \
	tests/support/service.c tests/support/service.h \
	tests/support/store_faulty.c tests/support/store_faulty.h \
	tests/support/tokens.c tests/support/tokens.h \
	tests/support/users_fake.c tests/support/users_fake.h
libtests_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TEST_LIBS = libtests.a $(SERVER_LIBS) $(CHECK_LIBS)
LDADD = $(TEST_LIBS)

# Modules, and the service as a function.
UNIT_TESTS = \
	tests/unit/test_access \
	tests/unit/test_backend_options \
	tests/unit/test_audit \
	tests/unit/test_base \
	tests/unit/test_conf \
	tests/unit/test_conf_files \
	tests/unit/test_conf_hosts \
	tests/unit/test_conf_mistakes \
	tests/unit/test_conf_text \
	tests/unit/test_conflict \
	tests/unit/test_cors \
	tests/unit/test_crypto \
	tests/unit/test_enc \
	tests/unit/test_forms \
	tests/unit/test_frame \
	tests/unit/test_http_cookie \
	tests/unit/test_http_form \
	tests/unit/test_http_headers \
	tests/unit/test_http_origin \
	tests/unit/test_http_path \
	tests/unit/test_http_redirect \
	tests/unit/test_http_request \
	tests/unit/test_http_response \
	tests/unit/test_ini \
	tests/unit/test_jwk \
	tests/unit/test_jwk_given \
	tests/unit/test_jwk_refused \
	tests/unit/test_jws \
	tests/unit/test_jws_oracles \
	tests/unit/test_jwt \
	tests/unit/test_jwt_claims \
	tests/unit/test_keyring \
	tests/unit/test_keyring_refused \
	tests/unit/test_listen \
	tests/unit/test_listen_passed \
	tests/unit/test_login \
	tests/unit/test_login_wait \
	tests/unit/test_logout \
	tests/unit/test_loop \
	tests/unit/test_loop_drain \
	tests/unit/test_loop_load \
	tests/unit/test_notify \
	tests/unit/test_peer \
	tests/unit/test_outputs \
	tests/unit/test_readings \
	tests/unit/test_rule_mistakes \
	tests/unit/test_rule_paths \
	tests/unit/test_rule_readings \
	tests/unit/test_rules \
	tests/unit/test_origin_refusals \
	tests/unit/test_origins \
	tests/unit/test_parking \
	tests/unit/test_htpasswd_file \
	tests/unit/test_login_floor \
	tests/unit/test_password_kinds \
	tests/unit/test_password_legacy \
	tests/unit/test_marks \
	tests/unit/test_modes \
	tests/unit/test_prolong \
	tests/unit/test_recheck \
	tests/unit/test_refusals \
	tests/unit/test_refresh \
	tests/unit/test_hash_slots \
	tests/unit/test_regulation \
	tests/unit/test_regulation_limits \
	tests/unit/test_refresh_torture \
	tests/unit/test_renewal \
	tests/unit/test_repeat \
	tests/unit/test_clock \
	tests/unit/test_csrf \
	tests/unit/test_each_mode \
	tests/unit/test_touches \
	tests/unit/test_untouched \
	tests/unit/test_revocation \
	tests/unit/test_sign_out \
	tests/unit/test_sign_out_page \
	tests/unit/test_subsets \
	tests/unit/test_torture \
	tests/unit/test_upgrade \
	tests/unit/test_verify
noinst_HEADERS = tests/unit/jws_rig.h tests/unit/keyring_rig.h \
	tests/unit/origin_rig.h tests/unit/readings_rig.h \
	tests/unit/refresh_rig.h tests/unit/rules_rig.h \
	tests/unit/regulation_rig.h \
	tests/unit/conf_drivers.h tests/unit/http_message.h \
	tests/unit/vectors/jwt_refused.h tests/unit/vectors/rfc_jws.h \
	tests/unit/vectors/test_keys.h

# The promises of src/api, asked of every backend.
CONTRACT_TESTS = \
	tests/contract/test_htpasswd \
	tests/contract/test_link \
	tests/contract/test_redis \
	tests/contract/test_redis_link \
	tests/contract/test_postgres \
	tests/contract/test_sqlite \
	tests/contract/test_store \
	tests/contract/test_store_postgres \
	tests/contract/test_store_redis \
	tests/contract/test_users \
	tests/contract/test_users_foreign \
	tests/contract/test_users_postgres
tests_contract_test_link_SOURCES = tests/contract/test_link.c \
	tests/contract/link_ends.c tests/contract/link_ends.h \
	tests/contract/link_idle.c tests/contract/link_idle.h \
	tests/contract/link_log.c tests/contract/link_log.h \
	tests/contract/link_threads.c tests/contract/link_threads.h
tests_contract_test_redis_SOURCES = tests/contract/test_redis.c \
	tests/contract/redis_cut.c tests/contract/redis_damage.c \
	tests/contract/redis_store_rig.c tests/contract/redis_store_rig.h
tests_contract_test_redis_link_SOURCES = tests/contract/test_redis_link.c \
	tests/contract/redis_fake.c tests/contract/redis_fake.h \
	tests/contract/redis_faults.c tests/contract/redis_ha.c \
	tests/contract/redis_options.c tests/contract/redis_slots.c \
	tests/contract/redis_encrypted.c \
	tests/contract/redis_rig.c tests/contract/redis_rig.h
tests_contract_test_postgres_SOURCES = tests/contract/test_postgres.c \
	tests/contract/postgres_conflicts.c tests/contract/postgres_damage.c \
	tests/contract/postgres_faults.c \
	tests/contract/postgres_idle.c tests/contract/postgres_waits.c \
	tests/contract/postgres_links.c tests/contract/postgres_schemas.c \
	tests/contract/postgres_rig.c tests/contract/postgres_rig.h
tests_contract_test_sqlite_SOURCES = tests/contract/test_sqlite.c \
	tests/contract/sqlite_damage.c \
	tests/contract/sqlite_faults.c tests/contract/sqlite_versions.c \
	tests/contract/sqlite_rig.c tests/contract/sqlite_rig.h \
	tests/contract/expect.h
STORE_CASES = tests/contract/test_store.c \
	tests/contract/store_crowd.c tests/contract/store_denials.c \
	tests/contract/store_grace.c \
	tests/contract/store_lists.c tests/contract/store_marks.c \
	tests/contract/store_outputs.c \
	tests/contract/store_processes.c \
	tests/contract/store_races.c tests/contract/store_refused.c \
	tests/contract/store_regulation.c tests/contract/store_rotation.c \
	tests/contract/store_sessions.c \
	tests/contract/store_threads.c \
	tests/contract/store_rig.c tests/contract/store_rig.h \
	tests/contract/store_turn.h
tests_contract_test_store_SOURCES = $(STORE_CASES) \
	tests/contract/kinds_embedded.c
tests_contract_test_store_postgres_SOURCES = $(STORE_CASES) \
	tests/contract/kinds_postgres.c
tests_contract_test_store_redis_SOURCES = $(STORE_CASES) \
	tests/contract/kinds_redis.c
USERS_CASES = tests/contract/test_users.c \
	tests/contract/users_refused.c \
	tests/contract/users_rig.c tests/contract/users_rig.h
tests_contract_test_users_foreign_SOURCES = \
	tests/contract/test_users_foreign.c tests/contract/foreign_shapes.c \
	tests/contract/foreign_shapes.h
tests_contract_test_users_SOURCES = $(USERS_CASES) \
	tests/contract/users_kind_sqlite.c
tests_contract_test_users_postgres_SOURCES = $(USERS_CASES) \
	tests/contract/users_kind_postgres.c

# Fuzz targets.  In `make check` they replay their corpus; configured with
# CC=clang and --enable-fuzz, `make fuzz` links them with libFuzzer.
AM_CPPFLAGS += $(FUZZ_CPPFLAGS)
FUZZ_TARGETS = \
	tests/fuzz/fuzz_cookie \
	tests/fuzz/fuzz_form \
	tests/fuzz/fuzz_frame \
	tests/fuzz/fuzz_ini \
	tests/fuzz/fuzz_jwk \
	tests/fuzz/fuzz_jwt \
	tests/fuzz/fuzz_params \
	tests/fuzz/fuzz_path \
	tests/fuzz/fuzz_rd \
	tests/fuzz/fuzz_webserver
tests_fuzz_fuzz_cookie_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_form_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwk_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwt_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_params_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_path_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_rd_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_webserver_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_webserver_SOURCES = tests/fuzz/fuzz_webserver.c \
	$(WEBSERVER_SOURCES)
fuzz: $(FUZZ_TARGETS)
.PHONY: fuzz

# Tools of the end-to-end tests.
TOOLS = tests/hammer tests/seed
tests_hammer_SOURCES = tests/support/hammer.c
tests_seed_SOURCES = tests/support/seed.c

# Layers, style, options against manual and example, manual pages.
SOURCE_CHECKS = tests/tools/source.sh
tests/tools/source.log: doc/options.names doc/fcgiauth.ini.5
EXTRA_DIST += $(SOURCE_CHECKS) tests/tools/check-layers.sh \
	tests/tools/check-options.sh tests/tools/check-style.sh \
	tests/tools/demo-check.pl tests/tools/e2e.pl tests/t tests/fuzz/corpus \
	tests/tools/hardened.sh tests/tools/mutate.pl \
	tests/interop

# Not of sanitizer builds.
if HARDENED
SOURCE_CHECKS += tests/tools/hardened.sh
tests/tools/hardened.log: fcgiauthd fcgiauthctl
endif

# Who reads what nobody has set: AddressSanitizer does not see that.  Of the
# programs those that are cheap, which is all but the long tables of numbers,
# races and processes.  The longest are first, so that none is left alone.
MEMCHECK_TESTS = \
	tests/contract/test_users \
	tests/unit/test_revocation \
	tests/contract/test_sqlite \
	tests/unit/test_access \
	tests/unit/test_backend_options \
	tests/unit/test_base \
	tests/unit/test_conf \
	tests/unit/test_conflict \
	tests/unit/test_cors \
	tests/unit/test_forms \
	tests/unit/test_http_form \
	tests/unit/test_ini \
	tests/unit/test_login \
	tests/unit/test_logout \
	tests/unit/test_outputs \
	tests/unit/test_refresh \
	tests/unit/test_renewal \
	tests/unit/test_verify
MEMCHECK = valgrind -q --error-exitcode=9
memcheck:
	$(MAKE) check TESTS="$(MEMCHECK_TESTS)" LOG_COMPILER="$(MEMCHECK)"
.PHONY: memcheck

check_PROGRAMS += $(UNIT_TESTS) $(CONTRACT_TESTS) $(FUZZ_TARGETS) $(TOOLS)
TESTS += $(UNIT_TESTS) $(CONTRACT_TESTS) $(FUZZ_TARGETS) $(SOURCE_CHECKS)
