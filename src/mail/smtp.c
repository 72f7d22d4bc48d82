/* SPDX-License-Identifier: MIT */
/* Sends a message by SMTP. All use of libcurl is in this file. */
#include "mail/ways.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/settings.h"

#define CONNECT_MS 10000L
#define REPLY_S	   20L /* the longest wait for one reply of the server */

int
smtp_prepare(const struct mail_settings *set, struct err *err)
{
	FILE *ca;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL,
			       "libcurl cannot be initialised");
	if (set->ca_file == NULL)
		return 0;
	ca = fopen(set->ca_file, "re");
	if (ca == NULL)
		return err_set(err, ERR_CONFIG, "%s cannot be read",
			       set->ca_file);
	(void)fclose(ca);
	return 0;
}

/* One message on its way. */
struct delivery {
	const struct transport *t;
	struct str rest; /* of the message */
	/* the last line that the server sent, and the one before it */
	char reply[200], before[200];
	bool welcome; /* the first line was not a refusal */
	char problem[CURL_ERROR_SIZE]; /* as libcurl says it */
};

static size_t
give_message(char *to, size_t size, size_t n, void *arg)
{
	struct delivery *d = arg;
	const size_t k = (size_t)min64((int64_t)(size * n), (int64_t)d->rest.n);

	memcpy(to, d->rest.p, k);
	d->rest = str_skip(d->rest, k);
	return k;
}

static size_t
take_reply(char *line, size_t size, size_t n, void *arg)
{
	struct delivery *d = arg;
	struct str text = { .p = line, .n = size * n };

	while (text.n > 0 &&
	       (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (d->reply[0] == '\0')
		d->welcome = str_starts(text, STR("2"));
	if (text.n > 0) {
		memcpy(d->before, d->reply, sizeof(d->before));
		(void)snprintf(d->reply, sizeof(d->reply), "%.*s",
			       STR_ARG(text));
	}
	return size * n;
}

/* libcurl asks this also where it waits by itself, as for the reply to QUIT. */
static int
is_stopped(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e)
{
	const struct delivery *d = arg;
	struct pollfd stop = { .fd = d->t->stop_fd, .events = POLLIN };

	(void)a, (void)b, (void)c, (void)e;
	return poll(&stop, 1, 0) > 0;
}

/* The options that need no memory of ours. */
static bool
set_options(CURL *curl, struct delivery *d)
{
	const struct mail_settings *set = d->t->set;
	const long tls =
	    set->tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE;

#define SET(option, value) (curl_easy_setopt(curl, option, value) == CURLE_OK)
	return SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps") &&
	       SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOSIGNAL, 1L) &&
	       SET(CURLOPT_USE_SSL, tls) &&
	       SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       (set->ca_file == NULL || (SET(CURLOPT_CAINFO, set->ca_file) &&
					 SET(CURLOPT_CAPATH, NULL))) &&
	       SET(CURLOPT_TIMEOUT_MS, (long)d->t->limit_ms) &&
	       SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) &&
	       SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, REPLY_S) &&
	       SET(CURLOPT_FORBID_REUSE, 1L) &&
	       /* a name that cannot be resolved must not delay a stop */
	       SET(CURLOPT_QUICK_EXIT, 1L) && SET(CURLOPT_UPLOAD, 1L) &&
	       SET(CURLOPT_READFUNCTION, give_message) &&
	       SET(CURLOPT_READDATA, d) &&
	       SET(CURLOPT_HEADERFUNCTION, take_reply) &&
	       SET(CURLOPT_HEADERDATA, d) && SET(CURLOPT_NOPROGRESS, 0L) &&
	       SET(CURLOPT_XFERINFOFUNCTION, is_stopped) &&
	       SET(CURLOPT_XFERINFODATA, d) &&
	       SET(CURLOPT_ERRORBUFFER, d->problem);
}

static bool
set_addresses(CURL *curl, const struct mail_settings *set,
	      const struct letter *letter, struct arena *a,
	      struct curl_slist *to)
{
	const char *url = arena_cstr(a, set->smtp);
	const char *from = arena_cstr(a, letter->from);
	const char *username = arena_cstr(a, set->username);
	const char *password = arena_cstr(a, set->password);

	return url != NULL && from != NULL && username != NULL &&
	       password != NULL && to != NULL && SET(CURLOPT_URL, url) &&
	       SET(CURLOPT_MAIL_FROM, from) && SET(CURLOPT_MAIL_RCPT, to) &&
	       (set->username.n == 0 || (SET(CURLOPT_USERNAME, username) &&
					 SET(CURLOPT_PASSWORD, password)));
#undef SET
}

/* Runs the transfer to its end, a stop or the time limit. */
static CURLcode
transfer(CURLM *multi, const struct delivery *d)
{
	const int64_t until_ms = env_mono_ms(d->t->env) + d->t->limit_ms;
	struct curl_waitfd stop = { .fd = d->t->stop_fd,
				    .events = CURL_WAIT_POLLIN };
	const unsigned extra = d->t->stop_fd >= 0 ? 1 : 0;
	int running = 1, left;
	const CURLMsg *end;

	for (;;) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (running == 0)
			break;
		if (stop.revents != 0)
			return CURLE_ABORTED_BY_CALLBACK;
		/* usually CURLOPT_TIMEOUT_MS has ended it by then */
		if (env_mono_ms(d->t->env) > until_ms + 1000)
			return CURLE_OPERATION_TIMEDOUT;
		if (curl_multi_poll(multi, &stop, extra, 1000, NULL) !=
		    CURLM_OK)
			return CURLE_FAILED_INIT;
	}
	end = curl_multi_info_read(multi, &left);
	return end != NULL ? end->data.result : CURLE_FAILED_INIT;
}

/*
 * A server refuses a message permanently by a reply of 500 to 599 to a command
 * of the transaction. A refusal to talk or to let us sign in is a mistake of
 * the configuration, which the administrator can correct while the mail waits.
 */
static bool
is_final(const struct delivery *d, CURLcode rc, long code)
{
	static const long access[] = { 530, 534, 535, 538 };

	for (size_t i = 0; i < ARRAY_LEN(access); i++) {
		if (code == access[i])
			return false;
	}
	return d->welcome && code >= 500 && code < 600 &&
	       (rc == CURLE_SEND_ERROR || rc == CURLE_WEIRD_SERVER_REPLY);
}

/* Returns the reply with that code: the last one may be to QUIT, which libcurl
 * does not report. */
static const char *
reply_text(const struct delivery *d, long code)
{
	char prefix[24];

	(void)snprintf(prefix, sizeof(prefix), "%ld", code);
	return str_starts(str_from(d->reply), str_from(prefix)) ? d->reply :
								  d->before;
}

static void
smtp_answer(const struct delivery *d, CURL *curl, CURLcode rc,
	    struct mail_answer *out)
{
	const char *text =
	    d->problem[0] != '\0' ? d->problem : curl_easy_strerror(rc);
	long code = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	if (rc == CURLE_OK || code >= 400)
		text = reply_text(d, code);
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		text = "stopped";
	answer_set(out,
		   rc == CURLE_OK	 ? MAIL_SENT :
		   is_final(d, rc, code) ? MAIL_REFUSED :
					   MAIL_LATER,
		   str_from(text));
}

void
smtp_send(const struct transport *t, const struct letter *letter,
	  struct arena *a, struct mail_answer *out)
{
	struct delivery d = { .t = t, .rest = letter->message };
	CURL *curl = curl_easy_init();
	CURLM *multi = curl_multi_init();
	const char *address = arena_cstr(a, letter->to);
	struct curl_slist *to =
	    address != NULL ? curl_slist_append(NULL, address) : NULL;

	if (curl == NULL || multi == NULL || !set_options(curl, &d) ||
	    !set_addresses(curl, t->set, letter, a, to) ||
	    curl_multi_add_handle(multi, curl) != CURLM_OK) {
		answer_set(out, MAIL_LATER, STR("libcurl is out of memory"));
	} else {
		smtp_answer(&d, curl, transfer(multi, &d), out);
		(void)curl_multi_remove_handle(multi, curl);
	}
	curl_easy_cleanup(curl);
	(void)curl_multi_cleanup(multi);
	curl_slist_free_all(to);
}
