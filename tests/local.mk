# SPDX-License-Identifier: MIT

# Each program prints TAP, a line a case.
LOG_DRIVER = env CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent \
	srcdir=$(srcdir) $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = env srcdir=$(srcdir) \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)

check_LIBRARIES = libtests.a
libtests_a_SOURCES = \
	tests/support/factors_faulty.c tests/support/factors_faulty.h \
	tests/support/fake_env.c tests/support/fake_env.h \
	tests/support/fcgi_bad.c \
	tests/support/fcgi_client.c tests/support/fcgi_client.h \
	tests/support/flow.c tests/support/flow_cache.c tests/support/flow.h \
	tests/support/flow_factors.c \
	tests/support/fuzz.h \
	tests/support/call.h \
	tests/support/logins.h \
	tests/support/tmpdir.h \
	tests/support/process.c tests/support/process.h \
	tests/support/run.c tests/support/run.h \
	tests/support/set_option.h \
	tests/support/store_faulty.c tests/support/store_faulty.h \
	tests/support/test_server.c tests/support/test_server.h \
	tests/support/tokens.c tests/support/tokens.h \
	tests/support/users_fake.c tests/support/users_fake.h
libtests_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TEST_LIBS = libtests.a $(SERVER_LIBS) $(CHECK_LIBS)
LDADD = $(TEST_LIBS)

# Modules, and the service as a function.
UNIT_TESTS = \
	tests/unit/auth/test_access \
	tests/unit/auth/test_audit \
	tests/unit/auth/test_cache \
	tests/unit/auth/test_cached_checks \
	tests/unit/auth/test_clock \
	tests/unit/auth/test_conflict \
	tests/unit/auth/test_cors \
	tests/unit/auth/test_csrf \
	tests/unit/auth/test_forms \
	tests/unit/auth/test_hash_slots \
	tests/unit/auth/test_metrics \
	tests/unit/auth/test_hash_slots_try \
	tests/unit/auth/test_login_trips \
	tests/unit/auth/test_login \
	tests/unit/auth/test_login_floor \
	tests/unit/auth/test_login_ticket \
	tests/unit/auth/test_login_wait \
	tests/unit/auth/test_logout \
	tests/unit/auth/test_marks \
	tests/unit/auth/test_must_change \
	tests/unit/auth/test_new_password \
	tests/unit/auth/test_one_time_link \
	tests/unit/auth/test_origin_refusals \
	tests/unit/auth/test_origins \
	tests/unit/auth/test_pages \
	tests/unit/auth/test_outputs \
	tests/unit/auth/test_peer \
	tests/unit/auth/test_recheck \
	tests/unit/auth/test_refusals \
	tests/unit/auth/test_regulation \
	tests/unit/auth/test_regulation_limits \
	tests/unit/auth/test_renewal \
	tests/unit/auth/test_repeat \
	tests/unit/auth/test_reset_mail \
	tests/unit/auth/test_reset_request \
	tests/unit/auth/test_routes \
	tests/unit/auth/test_rule_mistakes \
	tests/unit/auth/test_rule_paths \
	tests/unit/auth/test_rule_readings \
	tests/unit/auth/test_rules \
	tests/unit/auth/test_sessions \
	tests/unit/auth/test_sign_out \
	tests/unit/auth/test_sign_out_page \
	tests/unit/auth/test_subsets \
	tests/unit/auth/test_torture \
	tests/unit/auth/test_try \
	tests/unit/auth/test_last_seen \
	tests/unit/auth/test_untouched \
	tests/unit/auth/test_verify \
	tests/unit/base/test_base \
	tests/unit/base/test_enc \
	tests/unit/base/test_mailbox \
	tests/unit/conf/test_backend_options \
	tests/unit/conf/test_conf \
	tests/unit/conf/test_factors \
	tests/unit/conf/test_files \
	tests/unit/conf/test_hosts \
	tests/unit/conf/test_ini \
	tests/unit/conf/test_mistakes \
	tests/unit/conf/test_text \
	tests/unit/crypto/test_crypto \
	tests/unit/crypto/test_jwk \
	tests/unit/crypto/test_jwk_given \
	tests/unit/crypto/test_jwk_refused \
	tests/unit/crypto/test_jwk_rsa \
	tests/unit/crypto/test_jws \
	tests/unit/crypto/test_jws_oracles \
	tests/unit/crypto/test_jwt \
	tests/unit/crypto/test_jwt_claims \
	tests/unit/crypto/test_keyring \
	tests/unit/crypto/test_keyring_refused \
	tests/unit/crypto/test_password_kinds \
	tests/unit/crypto/test_password_legacy \
	tests/unit/crypto/test_password_nfc \
	tests/unit/crypto/test_password_policy \
	tests/unit/ctl/test_user_record \
	tests/unit/http/test_cookie \
	tests/unit/http/test_device \
	tests/unit/http/test_form \
	tests/unit/http/test_headers \
	tests/unit/http/test_origin \
	tests/unit/http/test_path \
	tests/unit/http/test_readings \
	tests/unit/http/test_redirect \
	tests/unit/http/test_request \
	tests/unit/http/test_html \
	tests/unit/http/test_response \
	tests/unit/mail/test_command \
	tests/unit/mail/test_message \
	tests/unit/modes/test_each_mode \
	tests/unit/modes/test_modes \
	tests/unit/modes/test_prolong \
	tests/unit/modes/test_refresh \
	tests/unit/modes/test_refresh_torture \
	tests/unit/modes/test_revocation \
	tests/unit/os/test_background \
	tests/unit/pages/test_accent \
	tests/unit/pages/test_language \
	tests/unit/pages/test_logo \
	tests/unit/pages/test_own \
	tests/unit/pages/test_template \
	tests/unit/pages/test_texts \
	tests/unit/server/test_frame \
	tests/unit/server/test_listen \
	tests/unit/server/test_listen_passed \
	tests/unit/server/test_loop \
	tests/unit/server/test_loop_drain \
	tests/unit/server/test_loop_load \
	tests/unit/server/test_notify \
	tests/unit/server/test_parking \
	tests/unit/server/test_pool \
	tests/unit/server/test_pool_waits \
	tests/unit/server/test_upgrade \
	tests/unit/strategy/test_session_id
noinst_HEADERS = \
	tests/unit/crypto/jws_fixture.h tests/unit/crypto/keyring_fixture.h \
	tests/unit/crypto/keys_fixture.h \
	tests/unit/auth/cached_fixture.h tests/unit/auth/flow_fixture.h \
	tests/unit/auth/origin_fixture.h tests/unit/http/readings_fixture.h \
	tests/unit/auth/reset_fixture.h \
	tests/unit/modes/refresh_fixture.h tests/unit/auth/rules_fixture.h \
	tests/unit/auth/regulation_fixture.h tests/unit/conf/drivers.h \
	tests/unit/auth/must_change_fixture.h tests/unit/pages/pages_fixture.h \
	tests/unit/http/message.h tests/unit/crypto/vectors/jwt_refused.h \
	tests/unit/crypto/vectors/jwt_reasons.h \
	tests/unit/crypto/vectors/rfc_jws.h \
	tests/unit/crypto/vectors/test_keys.h

# The promises of src/strategy, asked of every backend.
CONTRACT_TESTS = \
	tests/contract/conn/test_conn \
	tests/contract/factors/test_factors_memory \
	tests/contract/htpasswd/test_htpasswd \
	tests/contract/htpasswd/test_htpasswd_file \
	tests/contract/htpasswd/test_htpasswd_typed \
	tests/contract/store/test_store_memory
tests_contract_conn_test_conn_SOURCES = \
	tests/contract/conn/test_conn.c tests/contract/conn/ends.c \
	tests/contract/conn/ends.h tests/contract/conn/idle.c \
	tests/contract/conn/idle.h tests/contract/conn/log.c \
	tests/contract/conn/log.h tests/contract/conn/secrets.c \
	tests/contract/conn/secrets.h tests/contract/conn/threads.c \
	tests/contract/conn/threads.h

# The suites of all stores, of all user sources that can be written, and of all
# factor stores.
STORE_CASES = \
	tests/contract/store/test_store.c tests/contract/store/crowd.c \
	tests/contract/store/denials.c tests/contract/store/feed.c \
	tests/contract/store/feed_wait.c tests/contract/store/find.c \
	tests/contract/store/follower.c tests/contract/store/follower.h \
	tests/contract/store/grace.c \
	tests/contract/store/lists.c tests/contract/store/logins.c \
	tests/contract/store/marks.c tests/contract/store/model.c \
	tests/contract/store/outputs.c tests/contract/store/processes.c \
	tests/contract/store/races.c tests/contract/store/refused.c \
	tests/contract/store/regulation.c tests/contract/store/rotation.c \
	tests/contract/store/sessions.c tests/contract/store/threads.c \
	tests/contract/store/fixture.c tests/contract/store/fixture.h \
	tests/contract/store/rotate.h
USERS_CASES = \
	tests/contract/users/test_users.c tests/contract/users/refused.c \
	tests/contract/users/typed.c \
	tests/contract/users/fixture.c tests/contract/users/fixture.h
FACTORS_CASES = \
	tests/contract/factors/test_factors.c \
	tests/contract/factors/accounts.c tests/contract/factors/one_time.c \
	tests/contract/factors/outbox.c tests/contract/factors/races.c \
	tests/contract/factors/refused.c \
	tests/contract/factors/fixture.c tests/contract/factors/fixture.h
tests_contract_factors_test_factors_memory_SOURCES = \
	$(FACTORS_CASES) tests/contract/factors/kind_memory.c
tests_contract_store_test_store_memory_SOURCES = \
	$(STORE_CASES) tests/contract/store/kinds_memory.c

if HAVE_SQLITE
CONTRACT_TESTS += \
	tests/contract/factors/test_factors_sqlite \
	tests/contract/sqlite/test_sqlite \
	tests/contract/store/test_store_sqlite \
	tests/contract/users/test_users
tests_contract_factors_test_factors_sqlite_SOURCES = \
	$(FACTORS_CASES) tests/contract/factors/kind_sqlite.c
tests_contract_sqlite_test_sqlite_SOURCES = \
	tests/contract/sqlite/test_sqlite.c tests/contract/sqlite/damage.c \
	tests/contract/sqlite/faults.c tests/contract/sqlite/feed.c \
	tests/contract/sqlite/feed_wait.c \
	tests/contract/sqlite/replaced.c tests/contract/sqlite/versions.c \
	tests/contract/sqlite/fixture.c tests/contract/sqlite/fixture.h \
	tests/contract/alice.h tests/contract/expect.h
tests_contract_store_test_store_sqlite_SOURCES = \
	$(STORE_CASES) tests/contract/store/kinds_sqlite.c
tests_contract_users_test_users_SOURCES = \
	$(USERS_CASES) tests/contract/users/kind_sqlite.c
endif
if HAVE_POSTGRES
CONTRACT_TESTS += \
	tests/contract/factors/test_factors_postgres \
	tests/contract/postgres/test_postgres \
	tests/contract/postgres/test_users_foreign \
	tests/contract/store/test_store_postgres \
	tests/contract/users/test_users_postgres
libtests_a_SOURCES += \
	tests/support/postgres_server.c tests/support/postgres_server.h
tests_contract_factors_test_factors_postgres_SOURCES = \
	$(FACTORS_CASES) tests/contract/factors/kind_postgres.c
tests_contract_postgres_test_postgres_SOURCES = \
	tests/contract/postgres/test_postgres.c \
	tests/contract/postgres/conflicts.c tests/contract/postgres/damage.c \
	tests/contract/postgres/elsewhere.c \
	tests/contract/postgres/faults.c tests/contract/postgres/feed.c \
	tests/contract/postgres/idle.c tests/contract/postgres/names.c \
	tests/contract/postgres/waits.c tests/contract/postgres/conns.c \
	tests/contract/postgres/login_locks.c \
	tests/contract/postgres/schemas.c tests/contract/postgres/fixture.c \
	tests/contract/postgres/fixture.h
tests_contract_postgres_test_users_foreign_SOURCES = \
	tests/contract/postgres/test_users_foreign.c \
	tests/contract/postgres/foreign_shapes.c \
	tests/contract/postgres/foreign_shapes.h
tests_contract_store_test_store_postgres_SOURCES = \
	$(STORE_CASES) tests/contract/store/kinds_postgres.c
tests_contract_users_test_users_postgres_SOURCES = \
	$(USERS_CASES) tests/contract/users/kind_postgres.c
endif
if HAVE_REDIS
CONTRACT_TESTS += \
	tests/contract/redis/test_redis \
	tests/contract/redis/test_redis_conn \
	tests/contract/store/test_store_redis
libtests_a_SOURCES += \
	tests/support/redis_server.c tests/support/redis_server.h
tests_contract_redis_test_redis_SOURCES = \
	tests/contract/redis/test_redis.c tests/contract/redis/cut.c \
	tests/contract/redis/damage.c tests/contract/redis/failover.c \
	tests/contract/redis/earlier.c tests/contract/redis/feed.c \
	tests/contract/redis/halves.c tests/contract/redis/indices.c \
	tests/contract/redis/seen.c tests/contract/redis/shards.c \
	tests/contract/redis/store_fixture.c \
	tests/contract/redis/store_fixture.h
tests_contract_redis_test_redis_conn_SOURCES = \
	tests/contract/redis/test_redis_conn.c tests/contract/redis/fake.c \
	tests/contract/redis/fake.h tests/contract/redis/faults.c \
	tests/contract/redis/ha.c tests/contract/redis/options.c \
	tests/contract/redis/slots.c tests/contract/redis/encrypted.c \
	tests/contract/redis/watch.c tests/contract/redis/watch_ha.c \
	tests/contract/redis/watcher.c tests/contract/redis/watcher.h \
	tests/contract/redis/fixture.c tests/contract/redis/fixture.h
tests_contract_store_test_store_redis_SOURCES = \
	$(STORE_CASES) tests/contract/store/kinds_redis.c
endif

tests_unit_ctl_test_user_record_SOURCES = tests/unit/ctl/test_user_record.c \
	src/ctl/user_record.c src/ctl/user_record.h

# Fuzz targets. In `make check` they replay their corpus; configured with
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
	tests/fuzz/fuzz_user_record \
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
tests_fuzz_fuzz_user_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_user_record_SOURCES = tests/fuzz/fuzz_user_record.c \
	src/ctl/user_record.c
tests_fuzz_fuzz_webserver_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_webserver_SOURCES = tests/fuzz/fuzz_webserver.c \
	$(WEBSERVER_SOURCES)
fuzz: $(FUZZ_TARGETS)
.PHONY: fuzz

# Tools of the end-to-end tests.
TOOLS = tests/load tests/seed
tests_load_SOURCES = tests/support/load.c
tests_seed_SOURCES = tests/support/seed.c

# Layers, style, parameters, commits, options against manual and example,
# manual pages.
SOURCE_CHECKS = tests/tools/source.sh tests/tools/check-commits-test.sh \
	tests/tools/bench-test.sh
tests/tools/source.log: doc/man/options.names doc/man/fcgiauth.ini.5
EXTRA_DIST += $(SOURCE_CHECKS) tests/tools/bench-test.pl \
	tests/model/README.md tests/model/cache.pml tests/model/model.sh \
	tests/tools/check-commits.sh \
	tests/tools/commits-checked tests/tools/check-layers.sh \
	tests/tools/check-options.sh tests/tools/check-params.pl \
	tests/tools/check-format.sh tests/tools/check-style.sh \
	tests/tools/check-tarball.sh \
	tests/tools/demo-check.pl tests/tools/e2e.pl tests/e2e tests/fuzz/corpus \
	tests/tools/hardened.sh tests/tools/mutate.pl \
	tests/interop

# Whatever is built, but for the tests and the bench.
PRODUCT_OBJECTS = $(libfcgiauth_a_OBJECTS) $(libserver_a_OBJECTS) \
	$(fcgiauthd_OBJECTS) $(fcgiauthctl_OBJECTS) $(doc_man_options_OBJECTS)
tests/tools/product.objects: Makefile $(PRODUCT_OBJECTS)
	$(AM_V_GEN)mkdir -p tests/tools && echo $(PRODUCT_OBJECTS) >$@.tmp && \
	mv $@.tmp $@
tests/tools/check-unused.log: tests/tools/product.objects
CLEANFILES += tests/tools/product.objects
EXTRA_DIST += tests/tools/check-unused.sh
# What only one backend calls is unused where that is left out.
if HAVE_SQLITE
if HAVE_POSTGRES
if HAVE_REDIS
SOURCE_CHECKS += tests/tools/check-unused.sh
endif
endif
endif

# Only for builds without sanitizers: the model does not depend on the build.
if HARDENED
SOURCE_CHECKS += tests/tools/hardened.sh tests/model/model.sh
tests/tools/hardened.log: fcgiauthd fcgiauthctl
endif

# These programs run under valgrind, which finds reads of uninitialised memory:
# AddressSanitizer does not find them. The programs with long tables of
# numbers, races and processes are left out, because they take too long. The
# slowest programs are first, so that the processes end at about the same time.
MEMCHECK_TESTS = \
	tests/unit/modes/test_revocation \
	tests/unit/auth/test_access \
	tests/unit/conf/test_backend_options \
	tests/unit/base/test_base \
	tests/unit/conf/test_conf \
	tests/unit/auth/test_conflict \
	tests/unit/auth/test_cors \
	tests/unit/auth/test_forms \
	tests/unit/http/test_form \
	tests/unit/conf/test_ini \
	tests/unit/auth/test_login \
	tests/unit/auth/test_logout \
	tests/unit/auth/test_outputs \
	tests/unit/modes/test_refresh \
	tests/unit/auth/test_renewal \
	tests/unit/auth/test_verify
MEMCHECK = valgrind -q --error-exitcode=9
memcheck:
	$(MAKE) check check_PROGRAMS="$(MEMCHECK_TESTS)" \
		TESTS="$(MEMCHECK_TESTS)" LOG_COMPILER="$(MEMCHECK)"

# ThreadSanitizer finds data races. It runs the programs that can start a
# thread: the others cannot have a race.
threadcheck: $(check_PROGRAMS)
	$(MAKE) check TESTS="`for t in $(CONTRACT_TESTS) $(UNIT_TESTS); do \
		nm -u $$t | grep -q pthread_create && echo $$t; done`"

# Tests that the tarball is complete: it has all files that git has, the programs
# are built from it, and the tests that read its files are run. The behaviour of
# the code is tested elsewhere, so the compiler need not optimise.
TARBALL_TESTS = $(FUZZ_TARGETS) tests/unit/crypto/test_password_kinds
tarball:
	XZ_OPT=-1 $(MAKE) dist
	sh $(srcdir)/tests/tools/check-tarball.sh $(distdir).tar.xz $(srcdir)
	XZ_OPT=-1 $(MAKE) distcheck check_PROGRAMS="$(TARBALL_TESTS)" \
		TESTS="$(TARBALL_TESTS) tests/tools/source.sh" \
		AM_DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0
.PHONY: memcheck threadcheck tarball

# The tests that take longest begin first.
check_PROGRAMS += $(CONTRACT_TESTS) $(UNIT_TESTS) $(FUZZ_TARGETS) $(TOOLS)
TESTS += $(CONTRACT_TESTS) $(SOURCE_CHECKS) $(UNIT_TESTS) $(FUZZ_TARGETS)
