# SPDX-License-Identifier: MIT

EXTRA_DIST += backends/memory/README.md

BACKENDS += store:memory factors:memory
libfcgiauth_a_SOURCES += \
	backends/memory/accounts.c backends/memory/accounts.h \
	backends/memory/agents.c backends/memory/agents.h \
	backends/memory/attempts.c backends/memory/attempts.h \
	backends/memory/denials.c backends/memory/denials.h \
	backends/memory/entry.c backends/memory/entry.h \
	backends/memory/factors.c \
	backends/memory/live.c \
	backends/memory/logins.c backends/memory/logins.h \
	backends/memory/networks.c backends/memory/networks.h \
	backends/memory/one_time.c backends/memory/one_time.h \
	backends/memory/outbox.c backends/memory/outbox.h \
	backends/memory/regulation.c \
	backends/memory/rotation.c \
	backends/memory/secrets.c backends/memory/secrets.h \
	backends/memory/sessions.c backends/memory/sessions.h \
	backends/memory/store.c backends/memory/store_internal.h
