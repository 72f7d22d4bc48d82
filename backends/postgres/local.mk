# SPDX-License-Identifier: MIT

EXTRA_DIST += backends/postgres/README.md

# Migrations of the store, oldest first.
POSTGRES_STORE_SQL = \
	$(srcdir)/backends/postgres/sql/store_1.sql \
	$(srcdir)/backends/postgres/sql/store_2.sql \
	$(srcdir)/backends/postgres/sql/store_3.sql \
	$(srcdir)/backends/postgres/sql/store_4.sql \
	$(srcdir)/backends/postgres/sql/store_5.sql
EXTRA_DIST += $(POSTGRES_STORE_SQL)

# Parts of the store that a server may refuse (extras.c, in its order).
POSTGRES_EXTRAS_SQL = \
	$(srcdir)/backends/postgres/sql/feed.sql \
	$(srcdir)/backends/postgres/sql/indexes.sql
EXTRA_DIST += $(POSTGRES_EXTRAS_SQL)

# Migrations of the users, oldest first.
POSTGRES_USERS_SQL = \
	$(srcdir)/backends/postgres/sql/users_1.sql \
	$(srcdir)/backends/postgres/sql/users_2.sql
EXTRA_DIST += $(POSTGRES_USERS_SQL)

# Migrations of the records of accounts, oldest first.
POSTGRES_FACTORS_SQL = \
	$(srcdir)/backends/postgres/sql/factors_1.sql
EXTRA_DIST += $(POSTGRES_FACTORS_SQL)

if HAVE_POSTGRES
BACKENDS += store:postgres users:postgres factors:postgres
libfcgiauth_a_SOURCES += \
	backends/postgres/attempts.c \
	backends/postgres/conn.c backends/postgres/conn.h \
	backends/postgres/conn_internal.h \
	backends/postgres/conninfo.c \
	backends/postgres/denials.c \
	backends/postgres/extras.c \
	backends/postgres/factors.c \
	backends/postgres/feed.c \
	backends/postgres/feed_conn.c backends/postgres/feed_lock.c \
	backends/postgres/foreign.c backends/postgres/foreign.h \
	backends/postgres/foreign_row.c backends/postgres/foreign_row.h \
	backends/postgres/live.c \
	backends/postgres/prepared.c \
	backends/postgres/query.c \
	backends/postgres/row.c \
	backends/postgres/schema.c \
	backends/postgres/session_row.c \
	backends/postgres/store.c \
	backends/postgres/store_internal.h \
	backends/postgres/store_sql.c backends/postgres/store_sql.h \
	backends/postgres/users.c \
	backends/postgres/users_options.c backends/postgres/users_options.h

backends/postgres/store_schema.inc: $(POSTGRES_STORE_SQL) \
		$(srcdir)/backends/postgres/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(POSTGRES_STORE_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres/store.$(OBJEXT): backends/postgres/store_schema.inc
BUILT_SOURCES += backends/postgres/store_schema.inc
CLEANFILES += backends/postgres/store_schema.inc

backends/postgres/store_extras.inc: $(POSTGRES_EXTRAS_SQL) \
		$(srcdir)/backends/postgres/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(POSTGRES_EXTRAS_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres/extras.$(OBJEXT): backends/postgres/store_extras.inc
BUILT_SOURCES += backends/postgres/store_extras.inc
CLEANFILES += backends/postgres/store_extras.inc

backends/postgres/users_schema.inc: $(POSTGRES_USERS_SQL) \
		$(srcdir)/backends/postgres/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(POSTGRES_USERS_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres/users.$(OBJEXT): backends/postgres/users_schema.inc
BUILT_SOURCES += backends/postgres/users_schema.inc
CLEANFILES += backends/postgres/users_schema.inc

backends/postgres/factors_schema.inc: $(POSTGRES_FACTORS_SQL) \
		$(srcdir)/backends/postgres/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' $(POSTGRES_FACTORS_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres/factors.$(OBJEXT): backends/postgres/factors_schema.inc
BUILT_SOURCES += backends/postgres/factors_schema.inc
CLEANFILES += backends/postgres/factors_schema.inc
else
BACKENDS += no-store:postgres no-users:postgres no-factors:postgres
endif
