# SPDX-License-Identifier: MIT

EXTRA_DIST += backends/sqlite/README.md

# Migrations of the store, oldest first.
SQLITE_STORE_SQL = \
	$(srcdir)/backends/sqlite/sql/store_1.sql \
	$(srcdir)/backends/sqlite/sql/store_2.sql \
	$(srcdir)/backends/sqlite/sql/store_3.sql \
	$(srcdir)/backends/sqlite/sql/store_4.sql \
	$(srcdir)/backends/sqlite/sql/store_5.sql \
	$(srcdir)/backends/sqlite/sql/store_6.sql \
	$(srcdir)/backends/sqlite/sql/store_7.sql \
	$(srcdir)/backends/sqlite/sql/store_8.sql
EXTRA_DIST += $(SQLITE_STORE_SQL)

# Migrations of the users, oldest first.
SQLITE_USERS_SQL = \
	$(srcdir)/backends/sqlite/sql/users_1.sql \
	$(srcdir)/backends/sqlite/sql/users_2.sql
EXTRA_DIST += $(SQLITE_USERS_SQL)

# Migrations of the records of accounts, oldest first.
SQLITE_FACTORS_SQL = \
	$(srcdir)/backends/sqlite/sql/factors_1.sql
EXTRA_DIST += $(SQLITE_FACTORS_SQL)

if HAVE_SQLITE
BACKENDS += store:sqlite users:sqlite factors:sqlite
libfcgiauth_a_SOURCES += \
	backends/sqlite/attempts.c \
	backends/sqlite/conn.c backends/sqlite/conn.h \
	backends/sqlite/denials.c \
	backends/sqlite/factors.c \
	backends/sqlite/factors_sql.c backends/sqlite/factors_sql.h \
	backends/sqlite/feed.c \
	backends/sqlite/file.c backends/sqlite/file.h \
	backends/sqlite/live.c \
	backends/sqlite/marks.c \
	backends/sqlite/schema.c \
	backends/sqlite/session_row.c \
	backends/sqlite/store.c \
	backends/sqlite/store_internal.h \
	backends/sqlite/store_sql.c backends/sqlite/store_sql.h \
	backends/sqlite/users.c

backends/sqlite/store_schema.inc: $(SQLITE_STORE_SQL) \
		$(srcdir)/backends/sqlite/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(SQLITE_STORE_SQL) >$@.tmp && mv $@.tmp $@
backends/sqlite/store.$(OBJEXT): backends/sqlite/store_schema.inc
BUILT_SOURCES += backends/sqlite/store_schema.inc
CLEANFILES += backends/sqlite/store_schema.inc

backends/sqlite/users_schema.inc: $(SQLITE_USERS_SQL) \
		$(srcdir)/backends/sqlite/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(SQLITE_USERS_SQL) >$@.tmp && mv $@.tmp $@
backends/sqlite/users.$(OBJEXT): backends/sqlite/users_schema.inc
BUILT_SOURCES += backends/sqlite/users_schema.inc
CLEANFILES += backends/sqlite/users_schema.inc

backends/sqlite/factors_schema.inc: $(SQLITE_FACTORS_SQL) \
		$(srcdir)/backends/sqlite/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(SQLITE_FACTORS_SQL) >$@.tmp && mv $@.tmp $@
backends/sqlite/factors.$(OBJEXT): backends/sqlite/factors_schema.inc
BUILT_SOURCES += backends/sqlite/factors_schema.inc
CLEANFILES += backends/sqlite/factors_schema.inc
else
BACKENDS += no-store:sqlite no-users:sqlite no-factors:sqlite
endif
