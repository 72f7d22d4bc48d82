# SPDX-License-Identifier: MIT

BACKENDS += users:htpasswd
libfcgiauth_a_SOURCES += \
	backends/htpasswd/file.c backends/htpasswd/file.h \
	backends/htpasswd/notes.c \
	backends/htpasswd/users.c
