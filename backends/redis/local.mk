# SPDX-License-Identifier: MIT

EXTRA_DIST += backends/redis/README.md

# The scripts that follow none, the first, and both of REDIS_LUA_COMMON.
REDIS_LUA = \
	$(srcdir)/backends/redis/lua/attempt.lua \
	$(srcdir)/backends/redis/lua/deny.lua \
	$(srcdir)/backends/redis/lua/drop.lua \
	$(srcdir)/backends/redis/lua/due.lua \
	$(srcdir)/backends/redis/lua/end.lua \
	$(srcdir)/backends/redis/lua/give_back.lua \
	$(srcdir)/backends/redis/lua/learn.lua \
	$(srcdir)/backends/redis/lua/newest.lua
REDIS_LUA_READERS = \
	$(srcdir)/backends/redis/lua/find.lua \
	$(srcdir)/backends/redis/lua/flush.lua \
	$(srcdir)/backends/redis/lua/identity.lua \
	$(srcdir)/backends/redis/lua/list.lua \
	$(srcdir)/backends/redis/lua/mark.lua \
	$(srcdir)/backends/redis/lua/read.lua \
	$(srcdir)/backends/redis/lua/reap.lua
REDIS_LUA_WRITERS = \
	$(srcdir)/backends/redis/lua/create.lua \
	$(srcdir)/backends/redis/lua/live.lua \
	$(srcdir)/backends/redis/lua/revoke.lua \
	$(srcdir)/backends/redis/lua/revoke_user.lua \
	$(srcdir)/backends/redis/lua/rotate.lua \
	$(srcdir)/backends/redis/lua/sweep.lua \
	$(srcdir)/backends/redis/lua/touch.lua \
	$(srcdir)/backends/redis/lua/trim.lua
REDIS_LUA_COMMON = \
	$(srcdir)/backends/redis/lua/common.lua \
	$(srcdir)/backends/redis/lua/indices.lua
EXTRA_DIST += $(REDIS_LUA) $(REDIS_LUA_READERS) $(REDIS_LUA_WRITERS) \
	$(REDIS_LUA_COMMON)

if HAVE_REDIS
BACKENDS += store:redis
libfcgiauth_a_SOURCES += \
	backends/redis/attempts.c \
	backends/redis/batch.c backends/redis/batch.h \
	backends/redis/denials.c backends/redis/feed.c \
	backends/redis/lists.c backends/redis/live.c \
	backends/redis/logins.c \
	backends/redis/ping.c \
	backends/redis/records.c backends/redis/records.h \
	backends/redis/rotate.c \
	backends/redis/store.c \
	backends/redis/store_internal.h \
	backends/redis/sweep.c \
	backends/redis/user_sessions.c \
	backends/redis/client/cluster.c backends/redis/client/cluster.h \
	backends/redis/client/conn.c backends/redis/client/conn.h \
	backends/redis/client/conn_internal.h \
	backends/redis/client/run.c \
	backends/redis/client/scan.c \
	backends/redis/client/sentinel.c \
	backends/redis/client/target.c backends/redis/client/target.h \
	backends/redis/client/tls.c backends/redis/client/tls.h \
	backends/redis/client/url.c \
	backends/redis/client/watch.c backends/redis/client/watch.h \
	backends/redis/client/watch_internal.h \
	backends/redis/client/watch_sentinel.c \
	backends/redis/client/watch_server.c \
	backends/redis/client/wire.c backends/redis/client/wire.h \
	backends/redis/client/wire_error.c backends/redis/client/wire_error.h \
	backends/redis/client/wire_socket.c backends/redis/client/wire_socket.h

backends/redis/scripts.inc: $(REDIS_LUA) $(REDIS_LUA_READERS) \
		$(REDIS_LUA_WRITERS) $(REDIS_LUA_COMMON) \
		$(srcdir)/backends/redis/local.mk $(EMBED_AWK)
	$(EMBED) -v comment='--.*' -v prefix=LUA_ \
		-v second=0 $(REDIS_LUA_COMMON) $(REDIS_LUA) >$@.tmp && \
		$(AWK) -f $(EMBED_AWK) -v comment='--.*' -v prefix=LUA_ \
		-v second=1 $(REDIS_LUA_READERS) >>$@.tmp && \
		$(AWK) -f $(EMBED_AWK) -v comment='--.*' -v prefix=LUA_ \
		-v second=2 $(REDIS_LUA_WRITERS) >>$@.tmp && mv $@.tmp $@
backends/redis/store.$(OBJEXT): backends/redis/scripts.inc
BUILT_SOURCES += backends/redis/scripts.inc
CLEANFILES += backends/redis/scripts.inc
else
BACKENDS += no-store:redis
endif
