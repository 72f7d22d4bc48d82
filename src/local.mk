# SPDX-License-Identifier: MIT

noinst_LIBRARIES += libfcgiauth.a libserver.a
sbin_PROGRAMS += fcgiauthd
bin_PROGRAMS += fcgiauthctl

# The modes, in the order of the manual: mode_session, ...
MODES = session jwt refresh

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = src/ctl/completion/fcgiauthctl

# What the daemon, fcgiauthctl and the tests share; backends/local.mk adds the
# backends. Files of different folders may have the same name, so the archive is
# made by appending: replacing (`ar r`) goes by the name alone.
libfcgiauth_a_AR = $(AR) cq
libfcgiauth_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/base.h \
	src/base/buf.c src/base/buf.h \
	src/base/enc.c src/base/enc.h \
	src/base/env.c src/base/env.h \
	src/base/err.c src/base/err.h \
	src/base/histogram.c src/base/histogram.h \
	src/base/log.c src/base/log.h \
	src/base/mailbox.c src/base/mailbox.h \
	src/base/network.c src/base/network.h \
	src/base/secret.c src/base/secret.h \
	src/base/str.c src/base/str.h \
	src/os/background.c src/os/background.h \
	src/os/file.c src/os/file.h \
	src/os/owner.c src/os/owner.h \
	src/conf/account.c src/conf/account.h \
	src/conf/checks.c src/conf/checks.h \
	src/conf/factors.c src/conf/factors.h \
	src/conf/hosts.c src/conf/hosts.h \
	src/conf/ini.c src/conf/ini.h \
	src/conf/loader.c src/conf/loader.h \
	src/conf/mail.c src/conf/mail.h \
	src/conf/manual.c \
	src/conf/option.c src/conf/option.h \
	src/conf/option_value.c src/conf/option_value.h \
	src/conf/pages.c src/conf/pages.h \
	src/conf/problems.c src/conf/problems.h \
	src/conf/sections.c src/conf/sections.h src/conf/selectors.c \
	src/conf/sections_running.c src/conf/sections_running.h \
	src/conf/settings.c src/conf/settings.h \
	src/conf/suggest.c src/conf/suggest.h \
	src/conf/syntax.c src/conf/syntax.h \
	src/crypto/common_passwords.c src/crypto/common_passwords.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/jwk.c src/crypto/jwk.h \
	src/crypto/jwk_check.c \
	src/crypto/jwk_json.c \
	src/crypto/jwk_parts.h \
	src/crypto/jwk_pem.c \
	src/crypto/jwk_roca.c \
	src/crypto/jwk_rsa.c \
	src/crypto/jws.c src/crypto/jws.h \
	src/crypto/jws_evp.c \
	src/crypto/jws_libjwt.c \
	src/crypto/jws_oracle.h \
	src/crypto/jwt.c src/crypto/jwt.h \
	src/crypto/jwt_claims.c src/crypto/jwt_claims.h \
	src/crypto/keyring.c src/crypto/keyring.h \
	src/crypto/keyring_dir.c src/crypto/keyring_dir.h \
	src/crypto/password.c src/crypto/password.h \
	src/crypto/password_kind.c src/crypto/password_kind.h \
	src/crypto/password_legacy.c src/crypto/password_legacy.h \
	src/crypto/password_nfc.c src/crypto/password_nfc.h \
	src/crypto/password_pbkdf2.c src/crypto/password_pbkdf2.h \
	src/crypto/password_policy.c src/crypto/password_policy.h \
	src/crypto/password_prehash.c src/crypto/password_prehash.h \
	src/http/cookie.c src/http/cookie.h \
	src/http/device.c src/http/device.h \
	src/http/form.c src/http/form.h \
	src/http/host.c src/http/host.h \
	src/http/html.c src/http/html.h \
	src/http/media.c src/http/media.h \
	src/http/message.h \
	src/http/origin.c src/http/origin.h \
	src/http/path.c src/http/path.h \
	src/http/readings.c src/http/readings.h \
	src/http/redirect.c src/http/redirect.h \
	src/http/request.c src/http/request.h \
	src/http/response.c src/http/response.h \
	src/mail/command.c \
	src/mail/message.c src/mail/message.h \
	src/mail/transport.c src/mail/transport.h \
	src/mail/ways.h \
	src/strategy/auth_mode.h \
	src/strategy/backend.h \
	src/strategy/breaker.c src/strategy/breaker.h \
	src/strategy/call.h \
	src/strategy/change.c src/strategy/change.h \
	src/strategy/clock.h \
	src/strategy/conn.c src/strategy/conn.h \
	src/strategy/denial.c src/strategy/denial.h \
	src/strategy/factor_store.h \
	src/strategy/factors.c src/strategy/factors.h \
	src/strategy/feed.h \
	src/strategy/health.c src/strategy/health.h \
	src/strategy/identity.c src/strategy/identity.h \
	src/strategy/login_keys.h \
	src/strategy/one_time.c src/strategy/one_time.h \
	src/strategy/password_mark.c src/strategy/password_mark.h \
	src/strategy/registry.c src/strategy/registry.h \
	src/strategy/session_check.c src/strategy/session_check.h \
	src/strategy/session_id.c src/strategy/session_id.h \
	src/strategy/session_store.h \
	src/strategy/store.c src/strategy/store.h \
	src/strategy/user_source.h \
	src/strategy/users.c src/strategy/users.h \
	src/modes/access_token.c src/modes/access_token.h \
	src/modes/jwt.c \
	src/modes/jwt_settings.c src/modes/jwt_settings.h \
	src/modes/refresh.c \
	src/modes/refresh_token.c src/modes/refresh_token.h \
	src/modes/refresh_user.c src/modes/refresh_user.h \
	src/modes/session.c src/modes/session_settings.h \
	src/auth/access.c src/auth/access.h \
	src/auth/account.c src/auth/account.h \
	src/auth/account_page.c \
	src/auth/answer.c src/auth/answer.h \
	src/auth/audit.c src/auth/audit.h \
	src/auth/authenticate.c src/auth/authenticate.h \
	src/auth/authenticate_confirm.c \
	src/auth/ban_key.c src/auth/ban_key.h \
	src/auth/cache.c src/auth/cache.h \
	src/auth/cache_shard.c src/auth/cache_shard.h \
	src/auth/conflict.c src/auth/conflict.h \
	src/auth/cors.c src/auth/cors.h \
	src/auth/credential.c src/auth/credential.h \
	src/auth/csrf.c src/auth/csrf.h \
	src/auth/csrf_refusal.c \
	src/auth/dispatch.c \
	src/auth/fresh.c src/auth/fresh.h \
	src/auth/hash_slots.c src/auth/hash_slots.h \
	src/auth/last_seen.c src/auth/last_seen.h \
	src/auth/left_over.c src/auth/left_over.h \
	src/auth/links.c src/auth/links.h \
	src/auth/login.c src/auth/login.h \
	src/auth/login_floor.c src/auth/login_floor.h \
	src/auth/login_form.c src/auth/login_form.h \
	src/auth/login_location.c \
	src/auth/login_ticket.c src/auth/login_ticket.h \
	src/auth/logout.c \
	src/auth/mail_text.c src/auth/mail_text.h \
	src/auth/metrics.c src/auth/metrics.h \
	src/auth/metrics_page.c src/auth/metrics_page.h \
	src/auth/must_change.c src/auth/must_change.h \
	src/auth/new_password.c src/auth/new_password.h \
	src/auth/new_password_page.c src/auth/new_password_page.h \
	src/auth/notice.c src/auth/notice.h \
	src/auth/one_time_link.c src/auth/one_time_link.h \
	src/auth/own.c src/auth/own.h \
	src/auth/page_frame.c src/auth/page_frame.h \
	src/auth/page_refusal.c \
	src/auth/pages.c src/auth/pages.h \
	src/auth/pre_session.c src/auth/pre_session.h \
	src/auth/recheck.c src/auth/recheck.h \
	src/auth/refresh.c src/auth/refresh.h \
	src/auth/refusals.c src/auth/refusals.h \
	src/auth/repeat.c src/auth/repeat.h \
	src/auth/request_context.h \
	src/auth/require.c src/auth/require.h \
	src/auth/reset_mail.c src/auth/reset_mail.h \
	src/auth/reset_request.c src/auth/reset_request.h \
	src/auth/routes.c src/auth/routes.h \
	src/auth/rules.c src/auth/rules.h \
	src/auth/rules_hidden.c \
	src/auth/rules_index.c src/auth/rules_index.h \
	src/auth/service.c src/auth/service.h \
	src/auth/sessions.c src/auth/sessions.h \
	src/auth/sign_in.c src/auth/sign_in.h \
	src/auth/signed_in.c src/auth/signed_in.h \
	src/auth/status.c src/auth/status.h \
	src/auth/throttle.c src/auth/throttle.h \
	src/auth/verify.c src/auth/verify.h

if HAVE_CURL
libfcgiauth_a_SOURCES += src/mail/smtp.c
else
libfcgiauth_a_SOURCES += src/mail/no_smtp.c
endif

COMMON_PASSWORDS = $(srcdir)/src/crypto/common_passwords.txt
src/crypto/common_passwords.inc: $(COMMON_PASSWORDS) $(EMBED_AWK)
	$(EMBED) -v comment='^# .*' -v each=line $(COMMON_PASSWORDS) \
		>$@.tmp && mv $@.tmp $@
src/crypto/common_passwords.$(OBJEXT): src/crypto/common_passwords.inc
EXTRA_DIST += $(COMMON_PASSWORDS)
BUILT_SOURCES += src/crypto/common_passwords.inc
CLEANFILES += src/crypto/common_passwords.inc

# All that knows processes and FastCGI.
libserver_a_SOURCES = \
	src/server/check.c src/server/check.h \
	src/server/connection.c src/server/connection.h \
	src/server/connection_wait.c \
	src/server/daemon.c src/server/daemon.h \
	src/server/daemon_run.c \
	src/server/fcgi.c src/server/fcgi.h \
	src/server/feed.c src/server/feed.h \
	src/server/frame.c src/server/frame.h \
	src/server/janitor.c src/server/janitor.h \
	src/server/listen.c src/server/listen.h \
	src/server/loop.c src/server/loop.h \
	src/server/loop_expiry.c \
	src/server/loop_parking.c \
	src/server/loop_pool.c \
	src/server/loop_thread.c \
	src/server/notify.c src/server/notify.h \
	src/server/postman.c src/server/postman.h \
	src/server/snapshot.c src/server/snapshot.h \
	src/server/upgrade.c src/server/upgrade.h
libserver_a_CFLAGS = $(AM_CFLAGS) $(FCGI_CFLAGS)

COMMON_LIBS = libfcgiauth.a $(SODIUM_LIBS) $(UTF8PROC_LIBS) $(XCRYPT_LIBS) $(PCRE2_LIBS) $(JWT_LIBS) $(CRYPTO_LIBS) \
	$(JANSSON_LIBS) $(SQLITE_LIBS) $(POSTGRES_LIBS) $(REDIS_LIBS) $(CURL_LIBS)
SERVER_LIBS = libserver.a $(FCGI_STATIC) $(COMMON_LIBS)

fcgiauthd_SOURCES = src/server/main.c
fcgiauthd_LDADD = $(SERVER_LIBS)

# What is asked of a configuration; the tests have it, too.
WEBSERVER_SOURCES = \
	src/webserver/apache.c \
	src/webserver/apache_parse.c \
	src/webserver/lighttpd.c \
	src/webserver/lighttpd_parse.c \
	src/webserver/nginx.c src/webserver/nginx.h \
	src/webserver/nginx_around.c \
	src/webserver/nginx_parse.c \
	src/webserver/nginx_upstream.c \
	src/webserver/tree.c

fcgiauthctl_SOURCES = \
	src/ctl/args.c src/ctl/args.h \
	src/ctl/ban.c \
	src/ctl/config.c \
	src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/inspect.c \
	src/ctl/key.c \
	src/ctl/daemon_client.c src/ctl/daemon_client.h \
	src/ctl/keys.c src/ctl/keys.h \
	src/ctl/link.c \
	src/ctl/mail.c \
	src/ctl/main.c \
	src/ctl/output.c src/ctl/output.h \
	src/ctl/prompt.c src/ctl/prompt.h \
	src/ctl/rule.c \
	src/ctl/schema.c \
	src/ctl/session.c \
	src/ctl/sessions.c src/ctl/sessions.h \
	src/ctl/status.c \
	src/ctl/token.c \
	src/ctl/user.c src/ctl/user.h \
	src/ctl/user_check.c \
	src/ctl/user_import.c \
	src/ctl/user_record.c src/ctl/user_record.h \
	src/ctl/user_account.c \
	src/ctl/user_show.c \
	src/ctl/webserver.c src/webserver/webserver.h $(WEBSERVER_SOURCES)
fcgiauthctl_LDADD = $(COMMON_LIBS)
