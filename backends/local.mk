# SPDX-License-Identifier: MIT

# THE list: one line a backend.  The local.mk of its folder adds KIND:NAME to
# BACKENDS for each strategy that it implements: store:foo is the symbol
# store_foo, users:foo is users_foo.
BACKENDS =

include backends/memory/local.mk
include backends/sqlite/local.mk
include backends/postgres/local.mk
include backends/redis/local.mk
include backends/htpasswd/local.mk

# The registry (src/strategy/registry.c) includes what make writes out of the
# list.
backends/backends.inc: Makefile
	$(AM_V_GEN)$(MKDIR_P) backends && for backend in $(BACKENDS); do \
		case $$backend in \
		store:*) echo "STORE(store_$${backend#store:})";; \
		users:*) echo "USERS(users_$${backend#users:})";; \
		esac; \
	done >$@.tmp && for mode in $(MODES); do \
		echo "MODE(mode_$$mode)"; \
	done >>$@.tmp && mv $@.tmp $@
src/strategy/registry.$(OBJEXT): backends/backends.inc
BUILT_SOURCES += backends/backends.inc
CLEANFILES += backends/backends.inc
