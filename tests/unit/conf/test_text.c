/* SPDX-License-Identifier: MIT */
/* Dump, manual page and lists of names. */
#include "conf/settings.h"

#include <string.h>

#include "base/buf.h"
#include "tests/unit/conf/drivers.h"

START_TEST(dump_is_read_back)
{
	static const char *const sources[] = { "", full };
	struct parsed one, two;
	struct buf first, second;
	const struct net_conf *net;

	parse(&one, str_from(sources[_i]));
	ck_assert_msg(one.rc == 0, "%s", first_problem(&one));
	buf_init(&first, one.arena, 65536);
	settings_dump(&one.settings, &first);
	ck_assert(!buf_failed(&first));

	parse(&two, buf_str(&first));
	ck_assert_msg(two.rc == 0, "%s", first_problem(&two));
	buf_init(&second, two.arena, 65536);
	settings_dump(&two.settings, &second);
	ck_assert(str_eq(buf_str(&first), buf_str(&second)));
	ck_assert(option_equal(one.settings.mode.driver->options,
			       one.settings.mode.conf, two.settings.mode.conf));
	if (_i == 1) {
		net = two.settings.store.conf;
		ck_assert(str_eq(net->url, STR("tcp: \"q\" ; #\\")));
		ck_assert(str_eq(net->password, STR("***")));
		ck_assert(str_eq(two.settings.server.peer_secret, STR("***")));
	}
	arena_free(one.arena);
	arena_free(two.arena);
}
END_TEST

static bool
contains(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

START_TEST(dump_shows_the_defaults)
{
	struct parsed p;
	struct buf out;

	parse(&p, STR(""));
	buf_init(&out, p.arena, 65536);
	settings_dump(&p.settings, &out);
	ck_assert(str_starts(buf_str(&out),
			     STR("[server]\n"
				 "listen = unix:/run/fcgiauth/fcgiauth.sock\n"
				 "socket_mode = 0660\n"
				 "peer_secret =\n"
				 "hosts =\n")));
	ck_assert(contains(buf_str(&out), "\n\n[session]\nidle_timeout = 30m\n"
					  "max_per_user = 0\n\n[cookie]\n"));
	ck_assert(contains(buf_str(&out), "\nbody = 16k\nhash_slots = auto\n"));
	arena_free(p.arena);
}
END_TEST

START_TEST(all_options_are_named)
{
	static const char *const some[] = {
		"server.listen\n",	  "\nserver.peer_secret\n",
		"\nauth.mode\n",	  "\nserver.peer_secret_file\n",
		"\nstore.driver\n",	  "\nstore.sqlite.path\n",
		"\nstore.net.password\n", "\nstore.net.password_file\n",
		"\nusers.sqlite.path\n",  "\nsession.idle_timeout\n",
		"\nlimits.hash_slots\n",  "\nrule.host\n",
		"\nrule.path_regex\n",	  "\nrule.require\n",
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct buf out;

	buf_init(&out, a, 65536);
	settings_names(&drivers, &out);
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		ck_assert_msg(contains(buf_str(&out), some[i]),
			      "the text lacks %s", some[i]);
	arena_free(a);
}
END_TEST

START_TEST(manual_describes_the_options)
{
	static const char *const some[] = {
		".Ss [server]\\&\n",
		".It Ic threads Ns = Ns Ar number\n",
		"Range: 1 to 256.\nDefault:\n.Ql \"8\" .\n"
		"A change needs a restart.\n",
		".It Ic peer_secret_file Ns = Ns Ar file\n",
		"One of sqlite, net, absent.\nDefault:\n.Ql \"sqlite\" .\n",
		".Pp\nWith\n.Ic driver Ns = Ns net :\nA server.\n"
		".Bl -tag -width Ds\n.It Ic url Ns = Ns Ar text\n",
		"It must be set.\n",
		".Ss [session]\\&\nA session.\n",
		"A session unused for so long ends.\nA second sentence.\n"
		"Range: 1m to 2d.\nDefault:\n.Ql \"30m\" .\n",
		"Range: 1 to 64 or auto.\n",
		".Ss [rule NAME]\\&\n",
		".It Ic require Ns = Ns Ar words\n",
		"\\e read as /", /* mdoc prints "\e" as a backslash */
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct buf out;

	buf_init(&out, a, 65536);
	settings_manual(&drivers, &out);
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		ck_assert_msg(contains(buf_str(&out), some[i]),
			      "the text lacks %s", some[i]);
	arena_free(a);
}
END_TEST

START_TEST(changes_that_need_a_restart_are_named)
{
	struct parsed one, two;
	struct buf out;

	parse(&one, STR("[store]\ndriver = net\nurl = x\n"));
	parse(&two, STR("[rule a]\nrequire = user\n"
			"[server]\nthreads = 9\nlog_level = debug\n"
			"listen = unix:/b\n"
			"[store]\ndriver = net\nurl = y\ntimeout = 6s\n"));
	ck_assert_int_eq(one.rc, 0);
	ck_assert_int_eq(two.rc, 0);
	buf_init(&out, one.arena, 4096);
	settings_restart_needed(&one.settings, &one.settings, &out);
	ck_assert_uint_eq(out.n, 0);
	settings_restart_needed(&one.settings, &two.settings, &out);
	ck_assert_msg(str_eq(buf_str(&out), STR("server.listen server.threads "
						"store.timeout")),
		      "the options are %.*s", STR_ARG(buf_str(&out)));
	arena_free(one.arena);
	arena_free(two.arena);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conf_text");

	tcase_add_loop_test(t, dump_is_read_back, 0, 2);
	tcase_add_test(t, dump_shows_the_defaults);
	tcase_add_test(t, all_options_are_named);
	tcase_add_test(t, manual_describes_the_options);
	tcase_add_test(t, changes_that_need_a_restart_are_named);
	return run_case(t);
}
