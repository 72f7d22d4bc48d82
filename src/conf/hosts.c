/* SPDX-License-Identifier: MIT */
/* What the hosts of [server] mean for the other sections. */
#include "conf/hosts.h"

#include "base/err.h"
#include "conf/settings.h"

int
hosts_rules_have_hosts(const struct settings *s, struct err *err)
{
	for (size_t i = 0; i < s->rules.n && s->server.hosts.n == 0; i++) {
		if (s->rules.v[i].host.n == 0)
			continue;
		return err_set(err, ERR_CONFIG,
			       "is empty, but [rule %.*s] has a host: who "
			       "sends another Host that the web server takes "
			       "for this site passes that rule by; name the "
			       "hosts here",
			       STR_ARG(str_clip(s->rules.v[i].name, 64)));
	}
	return 0;
}
