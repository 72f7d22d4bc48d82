/* SPDX-License-Identifier: MIT */
/* fcgiauthctl webserver. */
#include "webserver/webserver.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The configuration that is checked, and its name in messages. */
struct subject {
	struct str name, text;
};

static int
read_descriptor(int fd, struct arena *a, struct str *out, struct err *err)
{
	char bytes[65536];
	struct buf b;
	ssize_t n;

	buf_init(&b, a, WEB_MAX_BYTES);
	while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && errno != EINTR)
			return err_set(err, ERR_INPUT, "%s", strerror(errno));
		if (n > 0)
			buf_add(&b, (struct str){ .p = bytes, .n = (size_t)n });
	}
	if (buf_failed(&b))
		return err_set(err, ERR_LIMIT,
			       "the text has more than %zu bytes",
			       WEB_MAX_BYTES);
	*out = buf_str(&b);
	return 0;
}

static int
read_file(const char *path, struct arena *a, struct str *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status;

	if (fd == -1)
		return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	status = read_descriptor(fd, a, out, err);
	(void)close(fd);
	return status == 0 ? 0 : err_context(err, "%s", path);
}

static void
webserver_exec(const char *const *command, int out)
{
	char *argv[8] = { NULL };
	char path[64];

	for (size_t i = 0; command[i] != NULL && i < 7; i++)
		argv[i] = (char *)(uintptr_t)command[i];
	if (dup2(out, STDOUT_FILENO) == -1)
		_exit(127);
	(void)execvp(argv[0], argv);
	/* This folder may not be in PATH. */
	(void)snprintf(path, sizeof(path), "/usr/sbin/%s", command[0]);
	(void)execv(path, argv);
	_exit(127);
}

/* Returns what a program prints; the program itself prints its errors. */
static int
read_program(const char *const *command, struct arena *a, struct str *out,
	     struct err *err)
{
	int ends[2], status = 0, result;
	pid_t pid;

	if (pipe(ends) != 0)
		return err_set(err, ERR_INTERNAL, "%s", strerror(errno));
	pid = fork();
	if (pid == 0)
		webserver_exec(command, ends[1]);
	(void)close(ends[1]);
	result = pid == -1 ? err_set(err, ERR_INTERNAL, "%s", strerror(errno)) :
			     read_descriptor(ends[0], a, out, err);
	(void)close(ends[0]);
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (result == 0 && status != 0)
		return err_set(err, ERR_INPUT,
			       WIFEXITED(status) && WEXITSTATUS(status) == 127 ?
				   "%s was not found: name a file" :
				   "%s failed",
			       command[0]);
	return result;
}

static bool
has_line(struct str text, const char *start)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		if (str_starts(str_trim(line), str_from(start)))
			return true;
	}
	return false;
}

typedef int parser(const struct web_source *source, struct arena *a,
		   struct web_node *out, struct err *err);

/* Each kind of configuration is recognised by a line that only it has; any
 * other text is taken for nginx. */
static const struct webserver_kind {
	const char *lines[6];
	parser *parse;
	void (*check)(const struct web_node *root, struct web_findings *out);
} kinds[] = {
	{ { "# configuration file " }, nginx_parse, nginx_check },
	{ { "config {", "server.modules", "server.document-root" },
	  lighttpd_parse,
	  lighttpd_check },
	{ { "<VirtualHost", "<Location", "<Directory", "ServerRoot",
	    "Use Fcgiauth" },
	  apache_parse,
	  apache_check },
	{ { "" }, nginx_parse, nginx_check },
};

static const struct webserver_kind *
find_kind(struct str text)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (const char *const *line = kinds[i].lines; *line != NULL;
		     line++) {
			if (has_line(text, *line))
				return &kinds[i];
		}
	}
	return &kinds[ARRAY_LEN(kinds) - 1];
}

static int
read_subject(const struct ctl *c, struct subject *out, struct err *err)
{
	static const char *const nginx[] = { "nginx", "-T", "-q", NULL };
	struct subject s = { .name = str_from(c->operand) };

	if (c->operand == NULL) {
		s.name = STR("nginx -T");
		if (read_program(nginx, c->arena, &s.text, err) != 0)
			return -1;
	} else if (strcmp(c->operand, "-") == 0) {
		s.name = STR("stdin");
		if (read_descriptor(STDIN_FILENO, c->arena, &s.text, err) != 0)
			return err_context(err, "stdin");
	} else if (read_file(c->operand, c->arena, &s.text, err) != 0) {
		return -1;
	}
	*out = s;
	return 0;
}

static int
ctl_webserver_check(const struct ctl *c, struct web_findings *out,
		    struct err *err)
{
	const struct webserver_kind *kind;
	struct web_source source;
	struct subject subject;
	struct web_node *root = arena_alloc(c->arena, sizeof(*root));

	if (root == NULL)
		return err_nomem(err);
	if (read_subject(c, &subject, err) != 0)
		return -1;
	if (str_trim(subject.text).n == 0)
		return err_set(err, ERR_INPUT, "%.*s is empty",
			       STR_ARG(subject.name));
	kind = find_kind(subject.text);
	if (nginx_split(subject.text, subject.name, c->arena, &source, err) !=
		0 ||
	    kind->parse(&source, c->arena, root, err) != 0)
		return -1;
	kind->check(root, out);
	return out->failed ? err_nomem(err) : 0;
}

static int
webserver_print_text(struct ctl *c, const struct web_findings *findings)
{
	for (const struct web_finding *f = findings->first; f != NULL;
	     f = f->next) {
		struct buf b;

		buf_init(&b, c->arena, 16384);
		(void)output_escape(&b, f->at->file);
		buf_printf(&b, ":%u: ", f->at->line);
		(void)output_escape(&b, f->place);
		buf_add_cstr(&b, ": ");
		(void)output_escape(&b, f->text);
		if (buf_failed(&b))
			return -1;
		(void)printf("%.*s [%s]\n", STR_ARG(buf_str(&b)), f->code);
	}
	return 0;
}

static int
webserver_print_json(struct ctl *c, const struct web_findings *findings)
{
	json_t *list = json_array();
	bool failed = list == NULL;

	for (const struct web_finding *f = findings->first; f != NULL;
	     f = f->next) {
		if (json_array_append_new(
			list, json_pack("{s:o, s:i, s:o, s:s, s:o}", "file",
					output_json_text(c->arena, f->at->file),
					"line", (int)f->at->line, "place",
					output_json_text(c->arena, f->place),
					"code", f->code, "text",
					output_json_text(c->arena, f->text))) !=
		    0)
			failed = true;
	}
	if (!failed)
		return output_json(json_pack("{s:o}", "findings", list));
	json_decref(list);
	return -1;
}

enum ctl_exit
webserver_check(struct ctl *c)
{
	struct web_findings findings;
	struct err err;
	int printed;

	web_findings_init(&findings, c->arena);
	if (ctl_webserver_check(c, &findings, &err) != 0) {
		ctl_warn("%s", err.msg);
		return CTL_USAGE;
	}
	printed = ctl_given(c, FLAG_JSON) ? webserver_print_json(c, &findings) :
					    webserver_print_text(c, &findings);
	if (printed != 0) {
		ctl_warn("out of memory");
		return CTL_USAGE;
	}
	return findings.first == NULL ? CTL_DONE : CTL_REFUSED;
}
