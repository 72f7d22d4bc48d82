# SPDX-License-Identifier: MIT

fcgiauthconfdir = $(sysconfdir)/fcgiauth
dist_fcgiauthconf_DATA = conf/fcgiauth.ini

nginxconfdir = $(sysconfdir)/nginx/fcgiauth
dist_nginxconf_DATA = \
	conf/nginx/fcgiauth-params.conf \
	conf/nginx/fcgiauth-protect.conf \
	conf/nginx/fcgiauth-protect-fastcgi.conf \
	conf/nginx/fcgiauth-public.conf \
	conf/nginx/fcgiauth-server.conf \
	conf/nginx/fcgiauth-upstream.conf

dist_doc_DATA = README.md HACKING.md NEWS.md SECURITY.md COPYING \
	conf/fcgiauth-minimal.ini \
	conf/fcgiauth-session.ini conf/fcgiauth-jwt.ini \
	conf/fcgiauth-refresh.ini

systemdsystemunit_DATA = systemd/fcgiauth.service systemd/fcgiauth.socket
EXTRA_DIST += systemd/fcgiauth.service.in systemd/fcgiauth.socket
CLEANFILES += systemd/fcgiauth.service

systemd/fcgiauth.service: $(srcdir)/systemd/fcgiauth.service.in Makefile
	$(AM_V_GEN)mkdir -p systemd && sed \
		-e 's|@sbindir[@]|$(sbindir)|' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/systemd/fcgiauth.service.in >$@.tmp && mv $@.tmp $@
