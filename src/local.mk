# SPDX-License-Identifier: MIT

noinst_LIBRARIES += libfcgiauth.a libserver.a
sbin_PROGRAMS += fcgiauthd
bin_PROGRAMS += fcgiauthctl

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = src/ctl/completion/fcgiauthctl

# What the daemon, fcgiauthctl and the tests share; backends/local.mk adds the
# backends.
libfcgiauth_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/base.h \
	src/base/buf.c src/base/buf.h \
	src/base/enc.c src/base/enc.h \
	src/base/env.c src/base/env.h \
	src/base/err.c src/base/err.h \
	src/base/log.c src/base/log.h \
	src/base/network.c src/base/network.h \
	src/base/owner.c src/base/owner.h \
	src/base/secret.c src/base/secret.h \
	src/base/str.c src/base/str.h \
	src/conf/checks.c src/conf/checks.h \
	src/conf/hosts.c src/conf/hosts.h \
	src/conf/describe.c \
	src/conf/file.c src/conf/file.h \
	src/conf/fill.c src/conf/fill.h \
	src/conf/ini.c src/conf/ini.h \
	src/conf/nearest.c src/conf/nearest.h \
	src/conf/option.c src/conf/option.h \
	src/conf/problems.c src/conf/problems.h \
	src/conf/settings.c src/conf/settings.h \
	src/conf/syntax.c src/conf/syntax.h \
	src/conf/tables.c src/conf/tables.h \
	src/conf/value.c src/conf/value.h \
	src/crypto/common_passwords.c src/crypto/common_passwords.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/jwk.c src/crypto/jwk.h \
	src/crypto/jwk_check.c src/crypto/jwk_parts.h \
	src/crypto/jwk_json.c \
	src/crypto/jwk_pem.c \
	src/crypto/jwk_roca.c \
	src/crypto/jws.c src/crypto/jws.h \
	src/crypto/jws_evp.c src/crypto/jws_oracle.h \
	src/crypto/jws_libjwt.c \
	src/crypto/jwt.c src/crypto/jwt.h \
	src/crypto/jwt_claims.c src/crypto/jwt_claims.h \
	src/crypto/keyring.c src/crypto/keyring.h \
	src/crypto/keyring_dir.c src/crypto/keyring_dir.h \
	src/crypto/password.c src/crypto/password.h \
	src/crypto/password_kind.c src/crypto/password_kind.h \
	src/crypto/password_legacy.c src/crypto/password_legacy.h \
	src/crypto/password_pbkdf2.c src/crypto/password_pbkdf2.h \
	src/crypto/password_prehash.c src/crypto/password_prehash.h \
	src/http/cookie.c src/http/cookie.h \
	src/http/form.c src/http/form.h \
	src/http/host.c src/http/host.h \
	src/http/html.c src/http/html.h \
	src/http/media.c src/http/media.h \
	src/http/message.h \
	src/http/path.c src/http/path.h \
	src/http/origin.c src/http/origin.h \
	src/http/readings.c src/http/readings.h \
	src/http/redirect.c src/http/redirect.h \
	src/http/request.c src/http/request.h \
	src/http/response.c src/http/response.h \
	src/api/auth_mode.h \
	src/api/backend.c src/api/backend.h \
	src/api/denial.c src/api/denial.h \
	src/api/identity.c src/api/identity.h \
	src/api/jwt_settings.c src/api/jwt_settings.h \
	src/api/link.c src/api/link.h \
	src/api/registry.c src/api/registry.h \
	src/api/password_mark.c src/api/password_mark.h \
	src/api/session_check.c src/api/session_check.h \
	src/api/session_id.c src/api/session_id.h \
	src/api/session_store.h \
	src/api/store.c src/api/store.h \
	src/api/user_source.h \
	src/api/users.c src/api/users.h \
	src/auth/access.c src/auth/access.h \
	src/auth/answer.c src/auth/answer.h \
	src/auth/audit.c src/auth/audit.h \
	src/auth/authenticate.c src/auth/authenticate.h \
	src/auth/authenticate_confirm.c \
	src/auth/ban_key.c src/auth/ban_key.h \
	src/auth/credential.c src/auth/credential.h \
	src/auth/conflict.c src/auth/conflict.h \
	src/auth/cors.c src/auth/cors.h \
	src/auth/csrf.c src/auth/csrf.h src/auth/csrf_refusal.c \
	src/auth/own.c src/auth/own.h \
	src/auth/dispatch.c \
	src/auth/exchange.h \
	src/auth/hash_slots.c src/auth/hash_slots.h \
	src/auth/left_over.c src/auth/left_over.h \
	src/auth/login.c src/auth/login.h \
	src/auth/login_floor.c src/auth/login_floor.h \
	src/auth/logout.c \
	src/auth/page_text.c src/auth/page_text.h \
	src/auth/pages.c src/auth/pages.h \
	src/auth/recheck.c src/auth/recheck.h \
	src/auth/refusals.c src/auth/refusals.h \
	src/auth/refresh.c src/auth/refresh.h \
	src/auth/repeat.c src/auth/repeat.h \
	src/auth/require.c src/auth/require.h \
	src/auth/rules.c src/auth/rules_hidden.c src/auth/rules.h \
	src/auth/service.c src/auth/service.h \
	src/auth/status.c src/auth/status.h \
	src/auth/throttle.c src/auth/throttle.h \
	src/auth/touches.c src/auth/touches.h \
	src/auth/verify.c src/auth/verify.h

# All that knows processes and FastCGI.
libserver_a_SOURCES = \
	src/server/app.c src/server/app.h \
	src/server/check.c src/server/check.h \
	src/server/connection.c src/server/connection.h \
	src/server/expiry.c \
	src/server/fcgi.c src/server/fcgi.h \
	src/server/frame.c src/server/frame.h \
	src/server/janitor.c src/server/janitor.h \
	src/server/listen.c src/server/listen.h \
	src/server/loop.c src/server/loop.h \
	src/server/notify.c src/server/notify.h \
	src/server/parking.c \
	src/server/run.c \
	src/server/snapshot.c src/server/snapshot.h \
	src/server/upgrade.c src/server/upgrade.h
libserver_a_CFLAGS = $(AM_CFLAGS) $(FCGI_CFLAGS)

COMMON_LIBS = libfcgiauth.a $(SODIUM_LIBS) $(XCRYPT_LIBS) $(PCRE2_LIBS) $(JWT_LIBS) $(CRYPTO_LIBS) \
	$(JANSSON_LIBS) $(SQLITE_LIBS) $(POSTGRES_LIBS) $(REDIS_LIBS)
SERVER_LIBS = libserver.a $(FCGI_STATIC) $(COMMON_LIBS)

fcgiauthd_SOURCES = src/server/main.c
fcgiauthd_LDADD = $(SERVER_LIBS)

# What is asked of a configuration; the tests have it, too.
WEBSERVER_SOURCES = \
	src/ctl/webserver_apache.c \
	src/ctl/webserver_apache_parse.c \
	src/ctl/webserver_lighttpd.c \
	src/ctl/webserver_lighttpd_parse.c \
	src/ctl/webserver_nginx.c src/ctl/webserver_nginx.h \
	src/ctl/webserver_nginx_around.c \
	src/ctl/webserver_nginx_parse.c \
	src/ctl/webserver_nginx_upstream.c \
	src/ctl/webserver_tree.c

fcgiauthctl_SOURCES = \
	src/ctl/args.c src/ctl/args.h \
	src/ctl/ban.c \
	src/ctl/config.c \
	src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/health.c src/ctl/health.h \
	src/ctl/inspect.c \
	src/ctl/key.c \
	src/ctl/live.c src/ctl/live.h \
	src/ctl/main.c \
	src/ctl/output.c src/ctl/output.h \
	src/ctl/prompt.c src/ctl/prompt.h \
	src/ctl/ring.c src/ctl/ring.h \
	src/ctl/rule.c \
	src/ctl/schema.c \
	src/ctl/session.c \
	src/ctl/token.c \
	src/ctl/user.c src/ctl/user.h \
	src/ctl/user_show.c \
	src/ctl/webserver.c src/ctl/webserver.h $(WEBSERVER_SOURCES)
fcgiauthctl_LDADD = $(COMMON_LIBS)
