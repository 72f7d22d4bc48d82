# SPDX-License-Identifier: MIT

# THE list: one line a backend.  Its prefix says what it is: store_, users_,
# mode_; the file defines one symbol of its own name.
BACKENDS = \
	backends/store_memory.c \
	backends/store_sqlite.c \
	backends/store_postgres.c \
	backends/store_redis.c \
	backends/users_sqlite.c \
	backends/users_htpasswd.c \
	backends/users_postgres.c \
	backends/mode_session.c \
	backends/mode_jwt.c \
	backends/mode_refresh.c

# What several backends share.
libfcgiauth_a_SOURCES += $(BACKENDS) \
	backends/htpasswd_file.c backends/htpasswd_file.h \
	backends/htpasswd_notes.c \
	backends/memory_attempts.c backends/memory_attempts.h \
	backends/memory_denials.c backends/memory_denials.h \
	backends/memory_networks.c backends/memory_networks.h \
	backends/memory_rotation.c \
	backends/memory_secrets.c backends/memory_secrets.h \
	backends/memory_sessions.c backends/memory_sessions.h \
	backends/mode_access.c backends/mode_access.h \
	backends/mode_refresh_token.c backends/mode_refresh_token.h \
	backends/postgres_attempts.c \
	backends/postgres_conninfo.c \
	backends/postgres_foreign.c backends/postgres_foreign.h \
	backends/postgres_keys.c \
	backends/postgres_link.c backends/postgres_link.h \
	backends/postgres_parts.h \
	backends/postgres_query.c \
	backends/postgres_row.c \
	backends/postgres_schema.c \
	backends/postgres_session.c \
	backends/postgres_store.c backends/postgres_store.h \
	backends/redis_link.c backends/redis_link.h \
	backends/redis_link_cluster.c backends/redis_link_cluster.h \
	backends/redis_link_run.c \
	backends/redis_link_scan.c \
	backends/redis_link_sentinel.c backends/redis_link_parts.h \
	backends/redis_store_attempts.c \
	backends/redis_store_batch.c backends/redis_store_batch.h \
	backends/redis_store_keys.c \
	backends/redis_store_lists.c \
	backends/redis_store_ping.c backends/redis_store_record.c backends/redis_store.h \
	backends/redis_store_rotate.c \
	backends/redis_store_sweep.c \
	backends/redis_target.c backends/redis_target.h \
	backends/redis_url.c \
	backends/redis_wire.c backends/redis_wire.h \
	backends/redis_wire_error.c backends/redis_wire_error.h \
	backends/redis_wire_socket.c backends/redis_wire_socket.h \
	backends/redis_wire_tls.c backends/redis_wire_tls.h \
	backends/sqlite_attempts.c \
	backends/sqlite_file.c backends/sqlite_file.h \
	backends/sqlite_keys.c \
	backends/sqlite_link.c backends/sqlite_link.h \
	backends/sqlite_mark.c backends/sqlite_session.c \
	backends/sqlite_schema.c \
	backends/sqlite_store.c backends/sqlite_store.h

# Migrations, oldest first, become string literals.
SQLITE_STORE_SQL = $(srcdir)/backends/sql/sqlite_store_1.sql \
	$(srcdir)/backends/sql/sqlite_store_2.sql \
	$(srcdir)/backends/sql/sqlite_store_3.sql \
	$(srcdir)/backends/sql/sqlite_store_4.sql
SQLITE_USERS_SQL = $(srcdir)/backends/sql/sqlite_users_1.sql
POSTGRES_STORE_SQL = $(srcdir)/backends/sql/postgres_store_1.sql \
	$(srcdir)/backends/sql/postgres_store_2.sql \
	$(srcdir)/backends/sql/postgres_store_3.sql
POSTGRES_USERS_SQL = $(srcdir)/backends/sql/postgres_users_1.sql
EMBED = $(srcdir)/backends/embed.awk
EXTRA_DIST += $(EMBED) $(SQLITE_STORE_SQL) $(SQLITE_USERS_SQL) \
	$(POSTGRES_STORE_SQL) $(POSTGRES_USERS_SQL)

backends/sqlite_store.inc: $(SQLITE_STORE_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(SQLITE_STORE_SQL) >$@.tmp && mv $@.tmp $@
backends/sqlite_users.inc: $(SQLITE_USERS_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(SQLITE_USERS_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres_store.inc: $(POSTGRES_STORE_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(POSTGRES_STORE_SQL) >$@.tmp && mv $@.tmp $@
backends/postgres_users.inc: $(POSTGRES_USERS_SQL) $(EMBED)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED) $(POSTGRES_USERS_SQL) >$@.tmp && mv $@.tmp $@
backends/store_sqlite.$(OBJEXT): backends/sqlite_store.inc
backends/store_postgres.$(OBJEXT): backends/postgres_store.inc
backends/users_sqlite.$(OBJEXT): backends/sqlite_users.inc
backends/users_postgres.$(OBJEXT): backends/postgres_users.inc
BUILT_SOURCES += backends/sqlite_store.inc backends/sqlite_users.inc \
	backends/postgres_store.inc backends/postgres_users.inc
CLEANFILES += backends/sqlite_store.inc backends/sqlite_users.inc \
	backends/postgres_store.inc backends/postgres_users.inc

# Scripts of the Redis store.
REDIS_STORE_LUA = $(srcdir)/backends/lua/attempt.lua \
	$(srcdir)/backends/lua/deny.lua $(srcdir)/backends/lua/drop.lua \
	$(srcdir)/backends/lua/end.lua $(srcdir)/backends/lua/find.lua \
	$(srcdir)/backends/lua/give_back.lua \
	$(srcdir)/backends/lua/learn.lua \
	$(srcdir)/backends/lua/mark.lua $(srcdir)/backends/lua/read.lua \
	$(srcdir)/backends/lua/reap.lua $(srcdir)/backends/lua/room.lua \
	$(srcdir)/backends/lua/rotate.lua $(srcdir)/backends/lua/touch.lua \
	$(srcdir)/backends/lua/who.lua
EMBED_LUA = $(srcdir)/backends/embed_lua.awk
EXTRA_DIST += $(EMBED_LUA) $(REDIS_STORE_LUA)

backends/redis_store.inc: $(REDIS_STORE_LUA) $(EMBED_LUA)
	$(AM_V_GEN)mkdir -p backends && \
	$(AWK) -f $(EMBED_LUA) $(REDIS_STORE_LUA) >$@.tmp && mv $@.tmp $@
backends/redis_store_record.$(OBJEXT): backends/redis_store.inc
BUILT_SOURCES += backends/redis_store.inc
CLEANFILES += backends/redis_store.inc

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
