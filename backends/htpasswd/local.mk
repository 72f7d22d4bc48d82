# SPDX-License-Identifier: MIT

EXTRA_DIST += backends/htpasswd/README.md

BACKENDS += users:htpasswd
libfcgiauth_a_SOURCES += \
	backends/htpasswd/copy.c backends/htpasswd/copy.h \
	backends/htpasswd/file.c backends/htpasswd/file.h \
	backends/htpasswd/notes.c \
	backends/htpasswd/users.c
