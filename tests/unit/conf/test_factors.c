/* SPDX-License-Identifier: MIT */
/* [factors]: what driver = auto stands for, and the warnings. */
#include "strategy/registry.h"
#include "base/arena.h"
#include "conf/problems.h"
#include "tests/support/run.h"

#include <check.h>
#include <string.h>

#define HTPASSWD "[users]\ndriver = htpasswd\nfile = /etc/htpasswd\n"
#define REDIS	 "[store]\ndriver = redis\nurl = redis://127.0.0.1/0\n"
#define POSTGRES "driver = postgres\nconninfo = host=db dbname=auth\n"
#define QUERY                                                                  \
	"[users]\n" POSTGRES                                                   \
	"query = SELECT name, hash AS password_hash FROM "                     \
	"x WHERE name = $1\n"
#define JWT  "[auth]\nmode = jwt\n"
#define FILE "/var/lib/fcgiauth/fcgiauth.db"

#define LOCAL                                                                  \
	"[factors] driver: is sqlite, a file of this host, but [store] is "
#define LOST "[factors] driver: is memory: a restart loses the links"

static const struct {
	const char *ini;
	const char *driver, *path; /* path: NULL if it has no file */
	const char *warning; /* NULL: none */
} factors_rows[] = {
	/* auto: where the users are */
	{ "", "sqlite", FILE, NULL },
	{ "[users]\npath = /a\n[store]\npath = /b\n", "sqlite", "/a", NULL },
	{ "[users]\n" POSTGRES "[store]\n" POSTGRES, "postgres", NULL, NULL },
	{ "[users]\n" POSTGRES REDIS, "postgres", NULL, NULL },
	{ "[users]\npath = /a\n" JWT, "sqlite", "/a", NULL },
	/* auto: else where the store is */
	{ HTPASSWD "[store]\npath = /b\n", "sqlite", "/b", NULL },
	{ HTPASSWD "[store]\n" POSTGRES, "postgres", NULL, NULL },
	{ QUERY "[store]\npath = /b\n", "sqlite", "/b", NULL },
	{ HTPASSWD JWT "[jwt]\nrevocation = store\n", "sqlite", FILE, NULL },
	/* auto: else there is none */
	{ HTPASSWD REDIS, "none", NULL, NULL },
	{ QUERY REDIS, "none", NULL, NULL },
	{ HTPASSWD "[store]\ndriver = memory\n", "none", NULL, NULL },
	{ HTPASSWD JWT, "none", NULL, NULL },
	/* a file of one host beside a store that hosts share */
	{ REDIS, "sqlite", FILE, LOCAL "redis" },
	{ "[store]\n" POSTGRES, "sqlite", FILE, LOCAL "postgres" },
	{ "[store]\n" POSTGRES "[users]\n" POSTGRES
	  "[factors]\ndriver = sqlite\npath = /f\n",
	  "sqlite", "/f", LOCAL "postgres" },
	{ "[store]\n" POSTGRES JWT, "sqlite", FILE, NULL },
	/* a word */
	{ "[factors]\ndriver = sqlite\npath = /f\n", "sqlite", "/f", NULL },
	{ "[factors]\ndriver = none\n", "none", NULL, NULL },
	{ REDIS "[factors]\ndriver = none\n", "none", NULL, NULL },
	{ "[factors]\ndriver = memory\n", "memory", NULL, LOST },
};

static bool
all_compiled(const char *ini)
{
	static const char *const names[] = { "redis", "postgres" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strstr(ini, names[i]) != NULL &&
		    registry_store(names[i])->base.driver.conf_size == 0)
			return false;
	}
	return registry_store("sqlite")->base.driver.conf_size > 0;
}

START_TEST(driver_is_chosen)
{
	const char *ini = factors_rows[_i].ini,
		   *want = factors_rows[_i].warning;
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct settings_drivers drivers;
	struct backend_choice choice;
	struct problems problems;
	struct settings set;
	const char *path = NULL, *text;

	if (!all_compiled(ini)) {
		arena_free(a);
		return;
	}
	ck_assert_ptr_nonnull(a);
	problems_init(&problems, a);
	ck_assert_int_eq(registry_drivers(a, &drivers), 0);
	ck_assert_msg(settings_parse(str_from(ini), "t.ini", &drivers, a, &set,
				     &problems) == 0,
		      "%s: %s", ini, problems.first->text);
	ck_assert_msg(strcmp(set.factors.driver->name,
			     factors_rows[_i].driver) == 0,
		      "%s: is %s", ini, set.factors.driver->name);
	choice = registry_factors_choice(&set);
	if (choice.ops != NULL)
		path = backend_path(&choice);
	ck_assert_pstr_eq(path, factors_rows[_i].path);
	text = problems.first_warning != NULL ? problems.first_warning->text :
						NULL;
	ck_assert_msg((text == NULL) == (want == NULL), "%s: %s", ini,
		      text != NULL ? text : "no warning");
	if (want != NULL)
		ck_assert_msg(strstr(text, want) != NULL, "%s: %s", ini, text);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("factors");

	tcase_add_loop_test(t, driver_is_chosen, 0, ARRAY_LEN(factors_rows));
	return run_case(t);
}
