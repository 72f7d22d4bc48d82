# SPDX-License-Identifier: MIT

# These are installed into one folder, so their links are bare names.
dist_doc_DATA += NEWS.md SECURITY.md COPYING doc/guides/accounts.md \
	doc/guides/api-clients.md doc/guides/apache.md \
	doc/guides/applications.md doc/guides/backup.md \
	doc/guides/behind-a-balancer.md doc/guides/changing.md \
	doc/guides/installing.md doc/guides/lighttpd.md \
	doc/guides/links.md doc/guides/mail.md doc/guides/moving.md \
	doc/guides/nginx.md doc/guides/pages.md \
	doc/guides/performance.md doc/guides/programs.md \
	doc/guides/protocol.md doc/guides/scaling.md \
	doc/guides/several-hosts.md doc/guides/webservers.md \
	doc/guides/monitoring.md \
	doc/guides/why-refused.md
# These link to the source, so they are not installed.
EXTRA_DIST += README.md HACKING.md CONTRIBUTING.md doc/asvs.md \
	doc/pictures
EXTRA_DIST += doc/internals/README.md doc/internals/cache.md \
	doc/internals/cache.svg doc/internals/check.md \
	doc/internals/check.svg doc/internals/process.md \
	doc/internals/process.svg doc/internals/refresh.md \
	doc/internals/refresh.svg doc/internals/releasing.md

noinst_PROGRAMS += doc/man/options
doc_man_options_SOURCES = doc/man/options.c
doc_man_options_LDADD = $(COMMON_LIBS)

dist_man8_MANS = doc/man/fcgiauthd.8 doc/man/fcgiauthctl.8
man5_MANS = doc/man/fcgiauth.ini.5
EXTRA_DIST += doc/man/fcgiauth.ini.5.in
CLEANFILES += doc/man/fcgiauth.ini.5 doc/man/options.names

# The part about the options is made from the option tables.
doc/man/fcgiauth.ini.5: $(srcdir)/doc/man/fcgiauth.ini.5.in \
		doc/man/options$(EXEEXT)
	$(AM_V_GEN)doc/man/options$(EXEEXT) manual >doc/man/options.mdoc && \
	sed -e '/^@OPTIONS@/{' -e 'r doc/man/options.mdoc' -e 'd' -e '}' \
		$(srcdir)/doc/man/fcgiauth.ini.5.in >$@.tmp && \
	rm -f doc/man/options.mdoc && mv $@.tmp $@

doc/man/options.names: doc/man/options$(EXEEXT)
	$(AM_V_GEN)doc/man/options$(EXEEXT) names >$@.tmp && mv $@.tmp $@
