/* SPDX-License-Identifier: MIT */
/* Composes a message (RFC 5322) of the service to one person. */
#include "mail/message.h"

#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"

#define EOL	    "\r\n"
#define TEXT_LINE   998 /* bytes without CR LF (RFC 5322, 2.1.1) */
#define BODY_CHUNK  57 /* bytes in a line of 76 characters of base64 */
#define WORD_CHUNK  39 /* bytes in an encoded word (RFC 2047) */
#define ID_BYTES    16
#define MESSAGE_MAX (2 * MAIL_TEXT_MAX)

static bool
message_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	}
	return true;
}

/* Appends base64 with padding (RFC 4648 section 4). */
static void
add_base64(struct buf *b, struct str s)
{
	const size_t n = BASE64URL_LEN(s.n);
	char *p = buf_extend(b, n);

	if (p == NULL)
		return;
	base64url_encode((const uint8_t *)s.p, s.n, p);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '-')
			p[i] = '+';
		else if (p[i] == '_')
			p[i] = '/';
	}
	for (size_t i = n; i % 4 != 0; i++)
		buf_add_char(b, '=');
}

/* Appends a text that is not ASCII as encoded words, each in a line. */
static void
add_encoded_words(struct buf *b, struct str s)
{
	while (s.n > 0) {
		struct str chunk = str_clip(s, WORD_CHUNK);

		buf_add_cstr(b, "=?UTF-8?B?");
		add_base64(b, chunk);
		s = str_skip(s, chunk.n);
		buf_add_cstr(b, s.n > 0 ? "?=" EOL " " : "?=");
	}
}

static void
add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, s.p[i]);
	}
	buf_add_char(b, '"');
}

static void
add_from(struct buf *b, const struct mailbox *from)
{
	buf_add_cstr(b, "From: ");
	if (from->name.n == 0) {
		buf_add(b, from->address);
	} else {
		if (message_is_ascii(from->name))
			add_quoted(b, from->name);
		else
			add_encoded_words(b, from->name);
		buf_printf(b, EOL " <%.*s>", STR_ARG(from->address));
	}
	buf_add_cstr(b, EOL);
}

static void
add_subject(struct buf *b, struct str subject)
{
	buf_add_cstr(b, "Subject: ");
	if (message_is_ascii(subject))
		buf_add(b, subject);
	else
		add_encoded_words(b, subject);
	buf_add_cstr(b, EOL);
}

/* strftime() would use the names of the locale. */
static void
add_date(struct buf *b, int64_t wall)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed",
					"Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr",
					  "May", "Jun", "Jul", "Aug",
					  "Sep", "Oct", "Nov", "Dec" };
	const time_t t = (time_t)wall;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL) {
		b->failed = true;
		return;
	}
	buf_printf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000" EOL,
		   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int
add_message_id(struct buf *b, struct str from, const struct env *env,
	       struct err *err)
{
	const struct str domain = str_skip(from, str_find(from, '@') + 1);
	uint8_t id[ID_BYTES];
	char hex[HEX_LEN(ID_BYTES)];

	if (env_random(env, id, sizeof(id)) != 0)
		return err_norandom(err);
	hex_encode(id, sizeof(id), hex);
	buf_printf(b, "Message-ID: <%.*s@%.*s>" EOL, (int)sizeof(hex), hex,
		   STR_ARG(domain));
	return 0;
}

/* Returns true when the text can be sent without an encoding. */
static bool
message_is_plain(struct str text)
{
	struct str line;

	if (!message_is_ascii(text))
		return false;
	while (str_cut(&text, '\n', &line)) {
		if (line.n > TEXT_LINE)
			return false;
	}
	return true;
}

/* Appends the text with CR LF at the ends of its lines. */
static void
add_lines(struct buf *b, struct str text)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		buf_add(b, line);
		if (text.p != NULL || line.n > 0)
			buf_add_cstr(b, EOL);
	}
}

static void
add_body(struct buf *b, struct arena *a, struct str text)
{
	struct buf lines;
	struct str rest;

	buf_add_cstr(b, "MIME-Version: 1.0" EOL
			"Content-Type: text/plain; charset=UTF-8" EOL
			"Content-Transfer-Encoding: ");
	if (message_is_plain(text)) {
		buf_add_cstr(b, "7bit" EOL EOL);
		add_lines(b, text);
		return;
	}
	buf_add_cstr(b, "base64" EOL EOL);
	buf_init(&lines, a, MESSAGE_MAX);
	add_lines(&lines, text);
	if (buf_failed(&lines))
		b->failed = true;
	for (rest = buf_str(&lines); rest.n > 0;
	     rest = str_skip(rest, BODY_CHUNK)) {
		struct str chunk = rest;

		chunk.n = (size_t)min64((int64_t)rest.n, BODY_CHUNK);
		add_base64(b, chunk);
		buf_add_cstr(b, EOL);
	}
}

/* Returns true for plain characters and newlines. */
static bool
is_body(struct str text)
{
	struct str line;

	if (text.n > MAIL_TEXT_MAX)
		return false;
	while (str_cut(&text, '\n', &line)) {
		if (!str_is_text(line))
			return false;
	}
	return true;
}

static int
message_check(const struct mail_message *m, struct err *err)
{
	if (!mailbox_is_address(m->from.address) || !str_is_text(m->from.name))
		return err_set(err, ERR_INPUT, "the sender is no address");
	if (!mailbox_is_address(m->to))
		return err_set(err, ERR_INPUT,
			       "the recipient is no address to which mail can "
			       "be sent");
	if (m->subject.n > MAIL_SUBJECT_MAX || !str_is_text(m->subject))
		return err_set(err, ERR_INPUT,
			       "the subject is not one line of plain text");
	if (!is_body(m->text))
		return err_set(err, ERR_INPUT, "the text is not plain text");
	return 0;
}

int
message_compose(const struct mail_message *m, const struct env *env,
		struct arena *a, struct str *out, struct err *err)
{
	struct buf b;

	if (message_check(m, err) != 0)
		return -1;
	buf_init(&b, a, MESSAGE_MAX);
	add_from(&b, &m->from);
	buf_printf(&b, "To: %.*s" EOL, STR_ARG(m->to));
	add_subject(&b, m->subject);
	add_date(&b, env_wall(env));
	if (add_message_id(&b, m->from.address, env, err) != 0)
		return -1;
	buf_add_cstr(&b, "Auto-Submitted: auto-generated" EOL);
	add_body(&b, a, m->text);
	if (buf_failed(&b))
		return err_nomem(err);
	*out = buf_str(&b);
	return 0;
}
