/* SPDX-License-Identifier: MIT */
/* fcgiauthctl link: links that an administrator hands over. */
#include "ctl/user.h"

#include "strategy/one_time.h"
#include "base/buf.h"
#include "conf/hosts.h"
#include "http/origin.h"

#include <stdio.h>

#define ORIGIN_MAX 512
#define TTL_MAX	   (INT64_C(30) * 86400)

struct link_life {
	int64_t ttl; /* seconds */
};

static enum ctl_exit
link_take_ttl(const struct ctl *c, const char *usual, int64_t *out)
{
	const struct option option =
	    OPTION(SECONDS, struct link_life, ttl, .min = 60, .max = TTL_MAX,
		   .help = "");
	struct link_life life;
	struct err err;

	if (option_set(&option, &life,
		       ctl_given(c, FLAG_TTL) ? ctl_value(c, FLAG_TTL) :
						str_from(usual),
		       c->arena, &err) != 0)
		return ctl_refuse("--ttl: %s", err.msg);
	*out = life.ttl;
	return CTL_DONE;
}

/* Adds the origin of the links: what --url says, or that of the
 * configuration. */
static enum ctl_exit
add_origin(const struct ctl *c, struct buf *out)
{
	const struct str given = ctl_value(c, FLAG_URL);
	struct origin origin;

	if (ctl_given(c, FLAG_URL)) {
		if (!origin_parse(given, &origin))
			return ctl_refuse("--url must be an origin, such as "
					  "https://www.example.com");
		buf_add(out, given);
	} else if (hosts_know_origin(&c->settings)) {
		hosts_add_origin(&c->settings, out);
	} else {
		return ctl_refuse("the link needs an address of this service: "
				  "set server.hosts, or give it as --url "
				  "https://www.example.com");
	}
	return CTL_DONE;
}

/* Makes the secret, and prints its link. */
static enum ctl_exit
print_link(struct ctl *c, struct one_time *what, const char *ttl)
{
	const bool reset = what->kind == ONE_TIME_RESET;
	struct call *call = ctl_call(c);
	char token[ONE_TIME_CHARS];
	enum ctl_exit status;
	struct log_field facts[4];
	size_t n = 0;
	struct buf url;
	int64_t seconds = 0;
	struct err err;

	buf_init(&url, c->arena, ORIGIN_MAX);
	status = link_take_ttl(c, ttl, &seconds);
	if (status == CTL_DONE)
		status = add_origin(c, &url);
	if (status == CTL_DONE)
		status = user_open_factors(c, "a link");
	if (status != CTL_DONE)
		return status;
	what->expires_ms = call->now_ms + seconds * 1000;
	if (one_time_make(c->factors_conn, call, what, what->user.n > 0, token,
			  &err) != 0)
		return ctl_refuse("%s", err.msg);
	facts[n++] = F_CSTR("kind", reset ? "reset" : "invite");
	facts[n++] = F_INT("seconds", seconds);
	if (what->user.n > 0)
		facts[n++] = F_STR("user", what->user);
	if (!reset)
		facts[n++] = F_STR("roles", what->data);
	ctl_audit(c, "link_made", facts, n);
	(void)printf("%.*s%.*s/link/%.*s\n", STR_ARG(buf_str(&url)),
		     STR_ARG(c->settings.server.path), (int)sizeof(token),
		     token);
	return CTL_DONE;
}

enum ctl_exit
link_reset(struct ctl *c)
{
	struct one_time what = { .kind = ONE_TIME_RESET };
	char print[ONE_TIME_PRINT_CHARS];
	enum ctl_exit status;
	struct user user;

	if (c->settings.account.reset == RESET_NO)
		return ctl_refuse("[account] reset = no: there are no links "
				  "for a new password");
	status = user_open(c, USERS_REHASH);
	if (status == CTL_DONE)
		status = user_find(c, &user);
	if (status != CTL_DONE)
		return status;
	if (user.disabled)
		return ctl_refuse("%s is disabled", c->operand);
	what.user = user.who.name;
	what.data = one_time_print(user.hash, print);
	return print_link(c, &what, "30m");
}

enum ctl_exit
link_invite(struct ctl *c)
{
	struct one_time what = { .kind = ONE_TIME_INVITE };
	struct identity who = { .name = STR("") };
	enum ctl_exit status = user_take_roles(c, &who);
	struct err err;

	if (c->operand != NULL)
		who.name = str_from(c->operand);
	if (status == CTL_DONE && c->operand != NULL &&
	    !identity_name_is_valid(who.name))
		return ctl_refuse("not a user name: %s (1 to %d of A-Z a-z 0-9 "
				  ". _ @ + -)",
				  c->operand, IDENTITY_NAME_MAX);
	if (status == CTL_DONE)
		status = user_open(c, USERS_WRITES);
	if (status == CTL_DONE && c->operand != NULL &&
	    user_check_free(c, who.name, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (status != CTL_DONE)
		return status;
	what.user = who.name;
	what.data = who.roles;
	return print_link(c, &what, "7d");
}
