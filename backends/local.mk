# SPDX-License-Identifier: MIT

# THE list: one line a backend.  Its prefix says what it is: store_, users_,
# mode_; the file defines one symbol of its own name.
BACKENDS = \
	backends/store_memory.c \
	backends/store_sqlite.c \
	backends/users_sqlite.c \
	backends/mode_session.c \
	backends/mode_jwt.c \
	backends/mode_refresh.c

# What several backends share.
libfcgiauth_a_SOURCES += $(BACKENDS) \
	backends/mode_access.c backends/mode_access.h \
	backends/mode_refresh_token.c backends/mode_refresh_token.h \
	backends/memory_attempts.c backends/memory_attempts.h \
	backends/memory_denials.c backends/memory_denials.h \
	backends/memory_rotation.c \
	backends/memory_sessions.c backends/memory_sessions.h \
	backends/sqlite_keys.c \
	backends/sqlite_file.c backends/sqlite_file.h \
	backends/sqlite_link.c backends/sqlite_link.h \
	backends/sqlite_schema.c \
	backends/sqlite_store.c backends/sqlite_store.h

# Migrations, oldest first, become string literals.
SQLITE_STORE_SQL = $(srcdir)/backends/sql/sqlite_store_1.sql \
	$(srcdir)/backends/sql/sqlite_store_2.sql
SQLITE_USERS_SQL = $(srcdir)/backends/sql/sqlite_users_1.sql
EMBED = $(srcdir)/backends/embed.awk
EXTRA_DIST += $(EMBED) $(SQLITE_STORE_SQL) $(SQLITE_USERS_SQL)

backends/sqlite_store.inc: $(SQLITE_STORE_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(SQLITE_STORE_SQL) >$@.tmp && mv $@.tmp $@
backends/sqlite_users.inc: $(SQLITE_USERS_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(SQLITE_USERS_SQL) >$@.tmp && mv $@.tmp $@
backends/store_sqlite.$(OBJEXT): backends/sqlite_store.inc
backends/users_sqlite.$(OBJEXT): backends/sqlite_users.inc
BUILT_SOURCES += backends/sqlite_store.inc backends/sqlite_users.inc
CLEANFILES += backends/sqlite_store.inc backends/sqlite_users.inc

# The registry (src/api/registry.c) includes what make writes out of the list.
backends/backends.inc: backends/local.mk Makefile
	$(AM_V_GEN)mkdir -p backends && for f in $(BACKENDS); do \
		n=`basename $$f .c`; \
		case $$n in \
		store_*) echo "STORE($$n)";; \
		users_*) echo "USERS($$n)";; \
		mode_*) echo "MODE($$n)";; \
		esac; \
	done >$@.tmp && mv $@.tmp $@
src/api/registry.$(OBJEXT): backends/backends.inc
BUILT_SOURCES += backends/backends.inc
CLEANFILES += backends/backends.inc
