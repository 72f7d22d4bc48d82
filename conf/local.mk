# SPDX-License-Identifier: MIT

# As the snippets include each other: fcgiauth/NAME.conf.
nginxconfdir = $(sysconfdir)/nginx/fcgiauth
dist_nginxconf_DATA = \
	conf/nginx/fcgiauth-params.conf \
	conf/nginx/fcgiauth-protect-fastcgi.conf \
	conf/nginx/fcgiauth-protect.conf \
	conf/nginx/fcgiauth-public.conf \
	conf/nginx/fcgiauth-server.conf \
	conf/nginx/fcgiauth-upstream.conf
