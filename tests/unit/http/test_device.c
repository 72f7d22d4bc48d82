/* SPDX-License-Identifier: MIT */
/* Browsers and systems by their User-Agent header. */
#include "http/device.h"

#include "base/str.h"
#include "tests/support/run.h"

#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "

static const struct {
	const char *header, *browser, *system;
} headers[] = {
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 "
	  "Firefox/142.0",
	  "Firefox", "Linux" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT
	  "Chrome/139.0.0.0 Safari/537.36",
	  "Chrome", "Windows" },
	{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT
	  "Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
	  "Edge", "Windows" },
	{ "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	  "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
	  "Safari/605.1.15",
	  "Safari", "macOS" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) "
	  "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
	  "Mobile/15E148 Safari/604.1",
	  "Safari", "iPhone" },
	{ "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) "
	  "AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/139.0 "
	  "Mobile/15E148 Safari/604.1",
	  "Chrome", "iPad" },
	{ "Mozilla/5.0 (Linux; Android 15; SM-S931B) " WEBKIT
	  "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
	  "Samsung Internet", "Android" },
	{ "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " WEBKIT
	  "Chrome/139.0.0.0 Safari/537.36 OPR/122.0",
	  "Opera", "ChromeOS" },
	{ "curl/8.14.1", "curl", "" },
	{ "git/2.39.5", "git", "" },
	{ "Something (Linux)", "", "Linux" },
	{ "firefox", "", "" },
	{ "", "", "" },
};

START_TEST(devices_are_recognised)
{
	const struct device d = device_read(str_from(headers[_i].header));

	ck_assert_msg(str_eq(d.browser, str_from(headers[_i].browser)),
		      "row %d: %.*s", _i, STR_ARG(d.browser));
	ck_assert_msg(str_eq(d.system, str_from(headers[_i].system)),
		      "row %d: %.*s", _i, STR_ARG(d.system));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("device");

	tcase_add_loop_test(t, devices_are_recognised, 0, ARRAY_LEN(headers));
	return run_case(t);
}
