/* SPDX-License-Identifier: MIT */
/* The frame of the pages, and the files that they load. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

/* The section [pages]: values are escaped, and the contact is a link. */
START_TEST(page_has_the_texts_of_the_site)
{
	static const struct {
		const char *contact, *shown;
	} rows[] = {
		{ "it@example.com", "<a href=\"mailto:it@example.com\">"
				    "it@example.com</a>" },
		{ "https://x.example/?a=1&b", "<a href=\"https://x.example/?a=1"
					      "&amp;b\">https://x.example/?a=1"
					      "&amp;b</a>" },
		{ "javascript:alert(1)", "<bdi>javascript:alert(1)</bdi>" },
		{ "<b>Room 7", "<bdi>&lt;b&gt;Room 7</bdi>" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow own;
		struct flow_answer a;

		flow_init(&own,
			  flow_text(&f,
				    "[store]\ndriver = memory\n[pages]\n"
				    "title = Lab & Co\nnotice = For <all>\n"
				    "contact = %s\n",
				    rows[i].contact));
		a = flow_get(&own, "/auth/login", NULL, NULL);
		ck_assert(flow_holds(a.body, " · Lab &amp; Co</title>"));
		ck_assert(flow_holds(a.body, "For &lt;all&gt;"));
		ck_assert_msg(flow_holds(a.body, rows[i].shown), "row %zu", i);
		a = flow_get(&own, "/auth/none", "HTTP_ACCEPT=text/html", NULL);
		ck_assert_uint_eq(a.status, 404);
		ck_assert(flow_holds(a.body, rows[i].shown));
		flow_free(&own);
	}
}
END_TEST

/* The address chooses a language, and a cookie keeps it. Other values are
 * ignored. */
START_TEST(language_is_kept_in_a_cookie)
{
	static const char name[] = "__Host-fcgiauth_lang";
	struct flow_answer a = flow_get(&f, "/auth/login?lang=en", NULL, NULL);

	ck_assert_str_eq(flow_cookie(&f, &a, name), "en");
	ck_assert(flow_holds(a.body, "<html lang=\"en\" dir=\"ltr\">"));
	a = flow_get(&f, "/auth/login?lang=xx", NULL, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_null(flow_cookie(&f, &a, name));
	a = flow_get(&f, "/auth/login?lang=en&lang=en", NULL, NULL);
	ck_assert_ptr_null(flow_cookie(&f, &a, name));
	a = flow_get(&f, "/auth/login",
		     "HTTP_ACCEPT_LANGUAGE=\x01xx;q=,,en;q=0.5", NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "<html lang=\"en\""));
}
END_TEST

/* The link of each language repeats the address to return to: a long one must
 * not make the page too large. */
START_TEST(long_return_address_leaves_the_languages_out)
{
	char target[7100] = "/auth/login?rd=/a";
	struct flow_answer a = flow_get(&f, target, NULL, NULL);

	ck_assert(flow_holds(a.body, "hreflang=\"de\""));
	(void)memset(target + strlen(target), 'a',
		     sizeof(target) - strlen(target) - 1);
	a = flow_get(&f, target, NULL, NULL);
	ck_assert(flow_holds(a.body, "<html lang=\"en\" dir=\"ltr\">"));
	ck_assert(!flow_holds(a.body, "hreflang"));
}
END_TEST

/* Browsers keep a file only under the address with its version. */
START_TEST(files_of_the_pages_are_served)
{
	static const struct {
		const char *path, *type;
	} rows[] = { { "/auth/style.css", "text/css" },
		     { "/auth/page.js", "text/javascript" },
		     { "/auth/icon.svg", "image/svg+xml" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a = flow_get(&f, "/auth/login", NULL, NULL);
		const char *link = flow_text(&f, "%s?v=", rows[i].path);
		const char *at = memmem(a.body.p, a.body.n, link, strlen(link));
		const char *linked;

		ck_assert_ptr_nonnull(at);
		linked = flow_text(&f, "%.*s", (int)strcspn(at, "\""), at);
		a = flow_get(&f, rows[i].path, NULL, NULL);
		ck_assert_uint_eq(a.status, 200);
		ck_assert(str_starts(flow_header(&a, "Content-Type"),
				     str_from(rows[i].type)));
		ck_assert(str_eq(flow_header(&a, "Cache-Control"),
				 STR("no-cache")));
		a = flow_get(&f, linked, NULL, NULL);
		ck_assert_uint_eq(a.status, 200);
		ck_assert(flow_holds(flow_header(&a, "Cache-Control"),
				     "immutable"));
		ck_assert(a.body.n > 100);
	}
}
END_TEST

/* A logo that is opened by itself must not run anything. */
START_TEST(logo_is_shown_and_served)
{
	const char *srcdir = getenv("srcdir");
	char *path = realpath(flow_text(&f, "%s/src/pages/icon.svg",
					srcdir != NULL ? srcdir : "."),
			      NULL);
	struct flow_answer a = flow_get(&f, "/auth/logo", NULL, NULL);
	struct flow own;

	ck_assert_uint_eq(a.status, 404);
	ck_assert_ptr_nonnull(path);
	a = flow_get(&f, "/auth/login", NULL, NULL);
	ck_assert(!flow_holds(a.body, "<img"));
	flow_init(&own,
		  flow_text(&f,
			    "[store]\ndriver = memory\n[pages]\nlogo = %s\n",
			    path));
	a = flow_get(&own, "/auth/login", NULL, NULL);
	ck_assert(flow_holds(a.body, "<img src=\"/auth/logo?v="));
	ck_assert(flow_holds(a.body, "alt=\"\"\n  width=\""));
	a = flow_get(&own, "/auth/logo", NULL, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(str_eq(flow_header(&a, "Content-Type"),
			 STR("image/svg+xml")));
	ck_assert(str_eq(flow_header(&a, "Content-Security-Policy"),
			 STR("default-src 'none'; style-src 'unsafe-inline'; "
			     "sandbox")));
	ck_assert(str_eq(flow_header(&a, "X-Content-Type-Options"),
			 STR("nosniff")));
	ck_assert(flow_holds(a.body, "<svg"));
	flow_free(&own);
	free(path);
}
END_TEST

/* Returns the page for a person whose check the store could not answer. */
static struct flow_answer
challenge_while_away(const char *cookie, const char *uri)
{
	const char *const params[] = { "AUTH_ACTION=challenge",
				       "HTTP_SEC_FETCH_MODE=navigate",
				       flow_text(&f, "REQUEST_URI=%s", uri),
				       cookie, NULL };

	store_faulty_fail(&f.faulty, 1, true);
	return flow_ask(&f, false, params, NULL);
}

/* "Try again" never leads to another host. */
START_TEST(trying_again_stays_on_this_host)
{
	static const struct {
		const char *uri, *link; /* NULL: there is none */
	} rows[] = {
		{ "/some/page?a=1", " href=\"/some/page?a=1\"" },
		{ "//evil.example/x?y", NULL },
		{ "/\\evil.example/x", NULL },
		{ "/%5cevil.example/x", NULL },
	};
	const char *cookie = flow_login(&f, "alice");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    challenge_while_away(cookie, rows[i].uri);

		ck_assert_uint_eq(a.status, 503);
		ck_assert_msg(flow_holds(a.body, "class=\"button\"") ==
				  (rows[i].link != NULL),
			      "row %zu: %.*s", i, STR_ARG(a.body));
		ck_assert(rows[i].link == NULL ||
			  flow_holds(a.body, rows[i].link));
		ck_assert(!flow_holds(a.body, "href=\"//"));
	}
}
END_TEST

/* The secret of a link is in the address of its page. */
START_TEST(secret_of_a_link_is_in_no_referer)
{
	struct flow_answer a =
	    flow_get(&f, "/auth/link/x", "HTTP_ACCEPT=text/html", NULL);

	ck_assert(str_eq(flow_header(&a, "Referrer-Policy"),
			 STR("strict-origin")));
	a = flow_get(&f, "/auth/none", "HTTP_ACCEPT=text/html", NULL);
	ck_assert(str_eq(flow_header(&a, "Referrer-Policy"),
			 STR("same-origin")));
}
END_TEST

/* Only our own pages lead to a login page that says what has happened. */
START_TEST(link_of_another_site_says_nothing)
{
	static const struct {
		const char *uri, *said;
	} rows[] = { { "/auth/login?new=password", "Your password is set" },
		     { "/auth/login?again=1", "Please sign in again" } };
	static const struct {
		const char *header;
		bool ours;
	} froms[] = { { "HTTP_SEC_FETCH_SITE=same-origin", true },
		      { "HTTP_ORIGIN=https://www.example.com", true },
		      { "HTTP_SEC_FETCH_SITE=cross-site", false },
		      { "HTTP_SEC_FETCH_SITE=same-site", false },
		      { "HTTP_SEC_FETCH_SITE=none", false },
		      { NULL, false } };

	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(froms); i++) {
		const size_t row = i / ARRAY_LEN(froms);
		const size_t from = i % ARRAY_LEN(froms);
		struct flow_answer a =
		    flow_get(&f, rows[row].uri, froms[from].header, NULL);

		ck_assert_uint_eq(a.status, 200);
		ck_assert_msg(flow_holds(a.body, rows[row].said) ==
				  froms[from].ours,
			      "row %zu, %zu: %.*s", row, from, STR_ARG(a.body));
	}
}
END_TEST

/* Another language shows the same form. */
START_TEST(language_keeps_the_step)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a =
	    flow_get(&f, "/auth/login?step=1&rd=/a", cookie, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body,
			     "href=\"?step=1&amp;rd=%2Fa&amp;lang=de\""));
	a = flow_get(&f, "/auth/login?rd=/a", NULL, NULL);
	ck_assert(flow_holds(a.body, "href=\"?rd=%2Fa&amp;lang=de\""));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("pages");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, page_has_the_texts_of_the_site);
	tcase_add_test(t, language_is_kept_in_a_cookie);
	tcase_add_test(t, long_return_address_leaves_the_languages_out);
	tcase_add_test(t, files_of_the_pages_are_served);
	tcase_add_test(t, logo_is_shown_and_served);
	tcase_add_test(t, trying_again_stays_on_this_host);
	tcase_add_test(t, secret_of_a_link_is_in_no_referer);
	tcase_add_test(t, link_of_another_site_says_nothing);
	tcase_add_test(t, language_keeps_the_step);
	return run_case(t);
}
