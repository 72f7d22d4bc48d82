# SPDX-License-Identifier: MIT

# Each program prints TAP, a line a case.
LOG_DRIVER = env CK_TAP_LOG_FILE_NAME=- CK_VERBOSITY=silent \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)
TEST_EXTENSIONS = .sh

noinst_LIBRARIES += libtests.a
libtests_a_SOURCES = \
	tests/support/fake_env.c tests/support/fake_env.h \
	tests/support/flow.c tests/support/flow.h \
	tests/support/run.h \
	tests/support/store_faulty.c tests/support/store_faulty.h \
	tests/support/users_fake.c tests/support/users_fake.h
libtests_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TEST_LIBS = libtests.a $(COMMON_LIBS) $(CHECK_LIBS)

# Modules, and the service as a function.
UNIT_TESTS = \
	tests/unit/test_base \
	tests/unit/test_login \
	tests/unit/test_logout \
	tests/unit/test_torture \
	tests/unit/test_verify

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
LDADD = $(TEST_LIBS)
