/* SPDX-License-Identifier: MIT */
/* The configuration file, and secrets in separate files. */
#include "conf/settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "conf/ini.h"
#include "tests/unit/conf/drivers.h"

struct folder {
	struct arena *arena;
	char path[64];
};

static void
folder_make(struct folder *f)
{
	f->arena = arena_new(ARENA_BYTES);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
}

static const char *
folder_file(struct folder *f, const char *name)
{
	struct buf path;

	buf_init(&path, f->arena, 4096);
	buf_printf(&path, "%s/%s", f->path, name);
	buf_add_char(&path, '\0');
	return buf_str(&path).p;
}

static const char *
folder_write(struct folder *f, const char *name, struct str text, mode_t mode)
{
	const char *path = folder_file(f, name);
	FILE *file = fopen(path, "wb");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text.p, 1, text.n, file), text.n);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

static void
folder_remove(struct folder *f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(unlink(folder_file(f, names[i])), 0);
	ck_assert_int_eq(rmdir(f->path), 0);
	arena_free(f->arena);
}

/* Loads `path`, and returns the text of its only problem, or "". */
static const char *
load(struct folder *f, const char *path, struct settings *out)
{
	struct problems *problems = arena_alloc(f->arena, sizeof(*problems));
	int rc;

	problems_init(problems, f->arena);
	rc = settings_load(path, &drivers, f->arena, out, problems);
	ck_assert_int_eq(rc, problems->count == 0 ? 0 : -1);
	ck_assert_uint_le(problems->count, 1);
	return problems->count == 0 ? "" : problems->first->text;
}

/* The text must be the path with `rest` behind it. */
static void
assert_problem(const char *text, const char *path, const char *rest)
{
	ck_assert_msg(strncmp(text, path, strlen(path)) == 0 &&
			  strcmp(text + strlen(path), rest) == 0,
		      "the problem is \"%s\"", text);
}

START_TEST(secret_is_read_from_its_file)
{
	static const char *const names[] = { "ini", "secret" };
	static const struct {
		struct str content, secret;
		const char *problem;
	} rows[] = {
		{ LIT("abc"), LIT("abc"), NULL },
		{ LIT("abc\n"), LIT("abc"), NULL },
		{ LIT("abc\r\n"), LIT("abc"), NULL },
		{ LIT("\357\273\277abc\r\n"), LIT("abc"), NULL },
		{ LIT("abc\n\n"), LIT("abc\n"), NULL },
		{ LIT(" a;#\" "), LIT(" a;#\" "), NULL },
		{ LIT("\n"), LIT(""), "the file is empty" },
		{ LIT(""), LIT(""), "the file is empty" },
		{ LIT("a\0b"), LIT(""), "the file has a NUL byte" },
	};
	struct folder f;
	struct settings s;
	struct buf ini, problem;
	const char *path, *text;

	folder_make(&f);
	buf_init(&ini, f.arena, 4096);
	buf_printf(&ini, "[server]\npeer_secret_file = %s\n",
		   folder_file(&f, "secret"));
	path = folder_write(&f, "ini", buf_str(&ini), 0644);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)folder_write(&f, "secret", rows[i].content, 0600);
		text = load(&f, path, &s);
		if (rows[i].problem == NULL) {
			ck_assert_str_eq(text, "");
			ck_assert_msg(str_eq(s.server.peer_secret,
					     rows[i].secret),
				      "row %zu", i);
			continue;
		}
		buf_init(&problem, f.arena, 4096);
		buf_printf(&problem, ":2: [server] peer_secret_file: %s",
			   rows[i].problem);
		buf_add_char(&problem, '\0');
		assert_problem(text, path, buf_str(&problem).p);
	}
	folder_remove(&f, names, ARRAY_LEN(names));
}
END_TEST

START_TEST(bad_secret_files_are_reported)
{
	static const char *const names[] = { "ini", "big", "fifo" };
	struct folder f;
	struct settings s;
	const struct {
		const char *before, *file, *problem;
	} rows[] = {
		{ "", "/nonexistent/x",
		  "cannot open it: No such file or directory" },
		{ "", "relative",
		  "must be an absolute file name, beginning with /" },
		{ "", "/tmp", "it is a directory" },
		{ "", "fifo", "it is not a regular file" },
		{ "", "big", "it is larger than 65536 bytes" },
		{ "peer_secret = x\n", "/etc/passwd",
		  "give either peer_secret or peer_secret_file, not both" },
		{ "peer_secret =\n", "/etc/passwd",
		  "give either peer_secret or peer_secret_file, not both" },
	};
	char *big;

	folder_make(&f);
	big = arena_alloc(f.arena, FILE_SECRET_MAX + 1);
	memset(big, 'x', FILE_SECRET_MAX + 1);
	(void)folder_write(&f, "big",
			   (struct str){ .p = big, .n = FILE_SECRET_MAX + 1 },
			   0600);
	ck_assert_int_eq(mkfifo(folder_file(&f, "fifo"), 0600), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ours = strcmp(rows[i].file, "big") == 0 ||
			    strcmp(rows[i].file, "fifo") == 0;
		struct buf ini, problem;
		const char *path;

		buf_init(&ini, f.arena, 4096);
		buf_printf(&ini, "[server]\n%speer_secret_file = %s\n",
			   rows[i].before,
			   ours ? folder_file(&f, rows[i].file) : rows[i].file);
		path = folder_write(&f, "ini", buf_str(&ini), 0600);
		buf_init(&problem, f.arena, 4096);
		buf_printf(&problem, ":%d: [server] peer_secret_file: %s",
			   rows[i].before[0] != '\0' ? 3 : 2, rows[i].problem);
		buf_add_char(&problem, '\0');
		assert_problem(load(&f, path, &s), path, buf_str(&problem).p);
	}
	folder_remove(&f, names, ARRAY_LEN(names));
}
END_TEST

START_TEST(secrets_in_a_readable_file_are_refused)
{
	static const char *const names[] = { "ini" };
	const struct str net = STR("[store]\ndriver = net\nurl = x\n"
				   "password = hush\n");
	struct folder f;
	struct settings s;
	const char *path;

	folder_make(&f);
	path = folder_write(&f, "ini", net, 0644);
	assert_problem(load(&f, path, &s), path,
		       ":4: [store] password: is a secret in a file that all "
		       "users may read; chmod o-r the file, or use "
		       "password_file");
	path = folder_write(&f, "ini", net, 0640);
	ck_assert_str_eq(load(&f, path, &s), "");
	path = folder_write(&f, "ini", STR("[server]\npeer_secret =\n"), 0644);
	ck_assert_str_eq(load(&f, path, &s), "");
	folder_remove(&f, names, ARRAY_LEN(names));
}
END_TEST

START_TEST(bad_configuration_files_are_reported)
{
	static const char *const names[] = { "big" };
	struct folder f;
	struct settings s;
	const char *path;
	char *big;

	folder_make(&f);
	path = folder_file(&f, "missing");
	assert_problem(load(&f, path, &s), path,
		       ": cannot open it: No such file or directory");
	assert_problem(load(&f, f.path, &s), f.path, ": it is a directory");
	assert_problem(load(&f, "/dev/null", &s), "/dev/null",
		       ": it is not a regular file");
	big = arena_alloc(f.arena, INI_MAX_BYTES + 1);
	path = folder_write(&f, "big",
			    (struct str){ .p = big, .n = INI_MAX_BYTES + 1 },
			    0600);
	assert_problem(load(&f, path, &s), path,
		       ": it is larger than 1048576 bytes");
	if (geteuid() != 0) {
		ck_assert_int_eq(chmod(path, 0), 0);
		assert_problem(load(&f, path, &s), path,
			       ": cannot open it: Permission denied");
	}
	folder_remove(&f, names, ARRAY_LEN(names));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conf_files");

	tcase_add_test(t, secret_is_read_from_its_file);
	tcase_add_test(t, bad_secret_files_are_reported);
	tcase_add_test(t, secrets_in_a_readable_file_are_refused);
	tcase_add_test(t, bad_configuration_files_are_reported);
	return run_case(t);
}
