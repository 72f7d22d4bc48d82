# SPDX-License-Identifier: MIT

fcgiauthconfdir = $(sysconfdir)/fcgiauth
nginxconfdir = $(sysconfdir)/nginx/fcgiauth
apacheconfdir = $(sysconfdir)/apache2/fcgiauth
lighttpdconfdir = $(sysconfdir)/lighttpd/fcgiauth
FCGIAUTH_CONF = conf/fcgiauth.ini
NGINX_CONF = \
	conf/nginx/fcgiauth-challenge.conf \
	conf/nginx/fcgiauth-check.conf \
	conf/nginx/fcgiauth-guard.conf \
	conf/nginx/fcgiauth-identity.conf \
	conf/nginx/fcgiauth-metrics.conf \
	conf/nginx/fcgiauth-params.conf \
	conf/nginx/fcgiauth-protect.conf \
	conf/nginx/fcgiauth-protect-fastcgi.conf \
	conf/nginx/fcgiauth-public.conf \
	conf/nginx/fcgiauth-server.conf \
	conf/nginx/fcgiauth-upstream.conf
APACHE_CONF = conf/apache/fcgiauth.conf
LIGHTTPD_CONF = \
	conf/lighttpd/fcgiauth.conf \
	conf/lighttpd/fcgiauth-guard.conf \
	conf/lighttpd/fcgiauth-headers.lua \
	conf/lighttpd/fcgiauth-metrics.conf \
	conf/lighttpd/fcgiauth-protect.conf \
	conf/lighttpd/fcgiauth-public.conf \
	conf/lighttpd/fcgiauth-server.conf
ALL_CONF = $(FCGIAUTH_CONF) $(NGINX_CONF) $(APACHE_CONF) $(LIGHTTPD_CONF)
EXTRA_DIST += $(ALL_CONF)
dist_pkgdata_DATA = conf/postgres/roles.sql conf/grafana/fcgiauth.json \
	conf/prometheus/fcgiauth.rules.yml

# The administrator's own files stay as they are: what is there is not
# overwritten, and only what is still ours is removed.
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(fcgiauthconfdir)" \
		"$(DESTDIR)$(nginxconfdir)" "$(DESTDIR)$(apacheconfdir)" \
		"$(DESTDIR)$(lighttpdconfdir)"
	@for f in $(ALL_CONF); do \
		case $$f in \
		conf/nginx/*) to="$(DESTDIR)$(nginxconfdir)" ;; \
		conf/apache/*) to="$(DESTDIR)$(apacheconfdir)" ;; \
		conf/lighttpd/*) to="$(DESTDIR)$(lighttpdconfdir)" ;; \
		*) to="$(DESTDIR)$(fcgiauthconfdir)" ;; \
		esac; \
		to=$$to/`basename $$f`; \
		if test -e "$$to"; then echo "kept: $$to"; \
		else $(INSTALL_DATA) "$(srcdir)/$$f" "$$to" || exit 1; fi; \
	done

uninstall-local:
	@for f in $(ALL_CONF); do \
		case $$f in \
		conf/nginx/*) to="$(DESTDIR)$(nginxconfdir)" ;; \
		conf/apache/*) to="$(DESTDIR)$(apacheconfdir)" ;; \
		conf/lighttpd/*) to="$(DESTDIR)$(lighttpdconfdir)" ;; \
		*) to="$(DESTDIR)$(fcgiauthconfdir)" ;; \
		esac; \
		to=$$to/`basename $$f`; \
		if cmp -s "$(srcdir)/$$f" "$$to"; then rm -f "$$to"; \
		elif test -e "$$to"; then echo "kept: $$to"; fi; \
	done

dist_doc_DATA += conf/fcgiauth-minimal.ini \
	conf/fcgiauth-session.ini conf/fcgiauth-jwt.ini \
	conf/fcgiauth-refresh.ini conf/fcgiauth-postgres.ini \
	conf/fcgiauth-redis.ini

systemdsystemunit_DATA = systemd/fcgiauth.service systemd/fcgiauth.socket
sysusers_DATA = systemd/sysusers.d/fcgiauth.conf
tmpfiles_DATA = systemd/tmpfiles.d/fcgiauth.conf
EXTRA_DIST += systemd/fcgiauth.service.in systemd/fcgiauth.socket \
	$(sysusers_DATA) $(tmpfiles_DATA)
CLEANFILES += systemd/fcgiauth.service

systemd/fcgiauth.service: $(srcdir)/systemd/fcgiauth.service.in Makefile
	$(AM_V_GEN)mkdir -p systemd && sed \
		-e 's|@sbindir[@]|$(sbindir)|' \
		-e 's|@sysconfdir[@]|$(sysconfdir)|' \
		$(srcdir)/systemd/fcgiauth.service.in >$@.tmp && mv $@.tmp $@
