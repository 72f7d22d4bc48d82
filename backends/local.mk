# SPDX-License-Identifier: MIT

# THE list: one line a backend. The local.mk of its folder adds KIND:NAME to
# BACKENDS for each strategy that it implements: store:foo is the symbol
# store_foo, users:foo is users_foo, factors:foo is factors_foo. Where its
# library is missing nothing of the folder is compiled, and no-store:foo keeps
# the name known.
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
		store:*) echo "STORE($${backend#store:})";; \
		users:*) echo "USERS($${backend#users:})";; \
		factors:*) echo "FACTORS($${backend#factors:})";; \
		no-store:*) echo "NO_STORE($${backend#no-store:})";; \
		no-users:*) echo "NO_USERS($${backend#no-users:})";; \
		no-factors:*) echo "NO_FACTORS($${backend#no-factors:})";; \
		esac; \
	done >$@.tmp && for mode in $(MODES); do \
		echo "MODE($$mode)"; \
	done >>$@.tmp && mv $@.tmp $@
src/strategy/registry.$(OBJEXT): backends/backends.inc
BUILT_SOURCES += backends/backends.inc
CLEANFILES += backends/backends.inc
