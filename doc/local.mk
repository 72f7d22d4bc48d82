# SPDX-License-Identifier: MIT

noinst_PROGRAMS += doc/options
doc_options_SOURCES = doc/options.c
doc_options_LDADD = $(COMMON_LIBS)

dist_man8_MANS = doc/fcgiauthd.8 doc/fcgiauthctl.8
man5_MANS = doc/fcgiauth.ini.5
EXTRA_DIST += doc/fcgiauth.ini.5.in
# For developers: they lead to the source, so they are not installed.
EXTRA_DIST += doc/internals/README.md doc/internals/check.md \
	doc/internals/check.svg doc/internals/process.md \
	doc/internals/process.svg doc/internals/refresh.md \
	doc/internals/refresh.svg doc/internals/releasing.md
CLEANFILES += doc/fcgiauth.ini.5 doc/options.names

# The option part comes out of the option tables.
doc/fcgiauth.ini.5: $(srcdir)/doc/fcgiauth.ini.5.in doc/options$(EXEEXT)
	$(AM_V_GEN)doc/options$(EXEEXT) manual >doc/options.mdoc && \
	sed -e '/^@OPTIONS@/{' -e 'r doc/options.mdoc' -e 'd' -e '}' \
		$(srcdir)/doc/fcgiauth.ini.5.in >$@.tmp && \
	rm -f doc/options.mdoc && mv $@.tmp $@

doc/options.names: doc/options$(EXEEXT)
	$(AM_V_GEN)doc/options$(EXEEXT) names >$@.tmp && mv $@.tmp $@
