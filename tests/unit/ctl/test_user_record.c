/* SPDX-License-Identifier: MIT */
/* Files of users: what is read, and what each bad line is refused for. */
#include "ctl/user_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tests/support/run.h"

#define BCRYPT "$2y$05$bKPXUKC.urpLvy5rYp00feWks/Zq643biN6RHo01D203Lc3h5CJ1S"
#define HEADER "name,full_name,email,roles,disabled,password\n"

/* What is read from a text, one line for each record or refusal. */
static const struct {
	const char *text, *is;
} files[] = {
	/* htpasswd */
	{ "alice:" BCRYPT "\n", "1 name=alice hash=" BCRYPT "\n" },
	{ "\n# a comment\n  alice:" BCRYPT ":more\r\nbob:" BCRYPT,
	  "3 name=alice hash=" BCRYPT "\n4 name=bob hash=" BCRYPT "\n" },
	{ "\357\273\277a:" BCRYPT, "1 name=a hash=" BCRYPT "\n" },
	{ "a:" BCRYPT "\nno colon\n:x\nb c:x\nd:\ne:secret\nf:{SHA}x\n",
	  "1 name=a hash=" BCRYPT "\n"
	  "2: there is no colon\n"
	  "3: name: must be 1 to 64\n"
	  "4: name: must be 1 to 64\n"
	  "5 name=d\n"
	  "6: hash: unknown\n"
	  "7: hash: digest\n" },
	/* CSV */
	{ HEADER
	  "alice,\"Ann \"\"A\"\", x\",a@x,\"admin, staff\",no,secret\r\n",
	  "2 name=alice password=secret email=a@x full_name=Ann \"A\", x "
	  "roles=admin,staff disabled=0\n" },
	{ "name\nalice\n", "2 name=alice\n" },
	{ " name , email\n\"a\",\n", "2 name=a email=\n" },
	{ "name,hash,disabled\na,,TRUE\nb,,maybe\nc,,\n",
	  "2 name=a disabled=1\n3: disabled: must\n4 name=c disabled=0\n" },
	{ "name,email\na\nb,c,d\nc,\"x\nd,\"x\"y\ne,x\"y\n#f,g\n\nh,i",
	  "2: 1 cells\n3: 3 cells\n4: a quote is not closed\n"
	  "5: a comma must\n6: a quote in\n7: name: must\n"
	  "9 name=h email=i\n" },
	{ "name,roles\na,x y\nb,x x\nc,\"x,,y\"\nd,\"x;y\"\n",
	  "2 name=a roles=x,y\n3: roles: one\n4 name=c roles=x,y\n"
	  "5: roles: each\n" },
	{ "email\na\n", "1! the header of CSV has no column name\n" },
	{ "name,name\n", "1! the header of CSV has name twice\n" },
	{ "name,phone\n", "1! the header of CSV: unknown field phone\n" },
	{ "name;email\n", "1! the header of CSV: unknown field; there\n" },
	{ "name,\"\n", "1! the header of CSV: a quote\n" },
	{ "alice\n", "1! the header of CSV: unknown field alice\n" },
	/* JSON lines */
	{ "{\"name\":\"alice\",\"hash\":\"" BCRYPT "\",\"email\":\"a@x\","
	  "\"full_name\":\"\\u00c4\",\"roles\":[\"a\",\"b\"],"
	  "\"disabled\":true}\n",
	  "1 name=alice hash=" BCRYPT " email=a@x full_name=\xc3\x84 "
	  "roles=a,b disabled=1\n" },
	{ "{\"name\":\"a\",\"email\":null,\"hash\":\"\",\"roles\":[]}\n",
	  "1 name=a roles=\n" },
	{ "{}\n[]\n{\"name\":\"a\"\n{\"name\":1}\n{\"name\":\"\\u0000\"}\n"
	  "{\"name\":\"a\",\"name\":\"b\"}\n{\"name\":\"a\"} x\n"
	  "{\"name\":\"a\",\"roles\":\"x\"}\n{\"name\":\"a\",\"roles\":[1]}\n"
	  "{\"name\":\"a\",\"disabled\":1}\n{\"name\":\"a\",\"x\":1}\n"
	  "{\"name\":\"a\",\"full_name\":\"\\u0001\"}\n"
	  "{\"name\":\"a\",\"password\":\"p\",\"hash\":\"" BCRYPT "\"}\n",
	  "1: there is no name\n2: must be one JSON\n3: must be one JSON\n"
	  "4: name: must be a string\n5: must be one JSON\n"
	  "6: must be one JSON\n7: must be one JSON\n"
	  "8: roles: must be an array\n9: roles: must be an array\n"
	  "10: disabled: must be\n11: unknown field x\n"
	  "12: full_name: must be\n13: must not have both\n" },
	{ "{\"name\":\"a\xff\"}\n", "1: must be one JSON\n" },
	{ "", "" },
	{ "\n \r\n#\n", "" },
};

static const char *const names[USER_FIELDS] = {
	[USER_FIELD_NAME] = "name",	      [USER_FIELD_HASH] = "hash",
	[USER_FIELD_PASSWORD] = "password",   [USER_FIELD_EMAIL] = "email",
	[USER_FIELD_FULL_NAME] = "full_name", [USER_FIELD_ROLES] = "roles",
};

static void
expect_record(const struct user_record *record, const char **is, int row)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b;

	ck_assert_ptr_nonnull(a);
	buf_init(&b, a, 65536);
	buf_printf(&b, "%zu", record->line);
	for (unsigned f = 0; f < USER_FIELD_DISABLED; f++)
		if (record->given[f])
			buf_printf(&b, " %s=%.*s", names[f],
				   STR_ARG(record->text[f]));
	if (record->given[USER_FIELD_DISABLED])
		buf_printf(&b, " disabled=%d", record->disabled);
	buf_add_char(&b, '\n');
	ck_assert(!buf_failed(&b));
	ck_assert_msg(str_starts(str_from(*is), buf_str(&b)),
		      "file %d: is %.*s but not %s", row, STR_ARG(buf_str(&b)),
		      *is);
	*is += b.n;
	arena_free(a);
}

/* The expected line is the beginning of the message. */
static void
expect_error(const struct user_reader *r, const struct err *err,
	     const char **is, int row)
{
	const size_t n = strcspn(*is, "\n");
	char text[256];
	int len = snprintf(text, sizeof(text), "%zu%s %s", r->line,
			   err->code == ERR_INPUT ? ":" : "!", err->msg);

	ck_assert_int_gt(len, 0);
	ck_assert_msg(strncmp(text, *is, n) == 0, "file %d: is %s but not %s",
		      row, text, *is);
	ck_assert_ptr_null(strstr(text, "column -1"));
	*is += n + 1;
}

static void
expect_file(FILE *in, const char *is, int row)
{
	struct user_reader *r = calloc(1, sizeof(*r));
	struct arena *a = arena_new(1 << 20);
	struct user_record record = { .line = 1 };
	struct err err = { .code = ERR_NONE };

	ck_assert(r != NULL && a != NULL && in != NULL);
	r->in = in;
	while (record.line > 0 &&
	       (err.code == ERR_NONE || err.code == ERR_INPUT)) {
		if (user_record_next(r, a, &record, &err) != 0)
			expect_error(r, &err, &is, row);
		else if (record.line > 0)
			expect_record(&record, &is, row);
	}
	ck_assert_msg(*is == '\0', "file %d: %s is not there", row, is);
	arena_free(a);
	free(r);
	ck_assert_int_eq(fclose(in), 0);
}

START_TEST(each_line_is_read_or_refused)
{
	const char *text = files[_i].text;

	expect_file(text[0] == '\0' ?
			fopen("/dev/null", "r") :
			fmemopen((void *)(uintptr_t)text, strlen(text), "r"),
		    files[_i].is, _i);
}
END_TEST

/* A line of the greatest length is read, and one that is longer is refused
 * without its rest. */
START_TEST(lines_have_a_limit)
{
	static char text[3 * USER_RECORD_LINE_MAX];
	const size_t n = strlen("a:" BCRYPT ":");
	FILE *in;

	memset(text, 'x', sizeof(text));
	memcpy(text, "a:" BCRYPT ":", n);
	text[USER_RECORD_LINE_MAX] = '\n';
	memcpy(text + USER_RECORD_LINE_MAX + 1, "b:" BCRYPT ":", n);
	memcpy(text + sizeof(text) - 1, "\n", 1);
	in = fmemopen(text, sizeof(text), "r");
	expect_file(in, "1 name=a hash=" BCRYPT "\n2: must have at most\n", -1);
}
END_TEST

START_TEST(a_nul_is_refused)
{
	static char text[] = "a:" BCRYPT "\nb\0:" BCRYPT "\n";

	expect_file(fmemopen(text, sizeof(text) - 1, "r"),
		    "1 name=a hash=" BCRYPT "\n2: must not have a NUL\n", -1);
}
END_TEST

START_TEST(a_folder_cannot_be_read)
{
	expect_file(fopen("/", "r"), "0! cannot be read\n", -1);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("user_record");

	tcase_add_loop_test(t, each_line_is_read_or_refused, 0,
			    ARRAY_LEN(files));
	tcase_add_test(t, lines_have_a_limit);
	tcase_add_test(t, a_nul_is_refused);
	tcase_add_test(t, a_folder_cannot_be_read);
	return run_case(t);
}
