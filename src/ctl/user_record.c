/* SPDX-License-Identifier: MIT */
/* Records of users in files: htpasswd, CSV, JSON lines. */
#include "ctl/user_record.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "strategy/users.h"

static const char *const field_names[USER_FIELDS] = {
	[USER_FIELD_NAME] = "name",	      [USER_FIELD_HASH] = "hash",
	[USER_FIELD_PASSWORD] = "password",   [USER_FIELD_EMAIL] = "email",
	[USER_FIELD_FULL_NAME] = "full_name", [USER_FIELD_ROLES] = "roles",
	[USER_FIELD_DISABLED] = "disabled",
};

/* Returns USER_FIELDS if there is no such field. */
static enum user_field
field_of(struct str name)
{
	unsigned i = 0;

	while (i < USER_FIELDS && !str_eq(str_from(field_names[i]), name))
		i++;
	return (enum user_field)i;
}

/* Reports a field that is not known; shows its name if that is a name. */
static int
unknown_field(struct str name, enum err_code code, struct err *err)
{
	const bool shown = name.n <= 32 && str_is_name(name, "_-");

	return err_set(err, code,
		       "unknown field%s%.*s; there are name, hash, password, "
		       "email, full_name, roles and disabled",
		       shown ? " " : "", shown ? (int)name.n : 0, name.p);
}

/* Appends a role to the roles that are separated by commas. */
static int
record_add_role(struct buf *roles, struct str role, struct err *err)
{
	struct str others = buf_str(roles), other;

	if (!identity_role_is_valid(role))
		return err_set(err, ERR_INPUT,
			       "roles: each must be 1 to %d of A-Z a-z 0-9 . _ "
			       "@ + - :",
			       IDENTITY_NAME_MAX);
	while (others.n > 0 && str_cut(&others, ',', &other))
		if (str_eq(other, role))
			return err_set(err, ERR_INPUT,
				       "roles: one is there twice");
	if (roles->n > 0)
		buf_add_char(roles, ',');
	buf_add(roles, role);
	if (buf_failed(roles))
		return err_set(err, ERR_INPUT,
			       "roles: must have at most %d bytes in all",
			       IDENTITY_ROLES_MAX);
	return 0;
}

static void
give(struct user_record *out, enum user_field field, struct str value)
{
	out->text[field] = value;
	/* Nobody has an empty password. */
	out->given[field] = value.n > 0 || (field != USER_FIELD_HASH &&
					    field != USER_FIELD_PASSWORD);
}

/* Takes a cell of CSV. */
static int
take_cell(struct user_record *out, enum user_field field, struct str cell,
	  struct arena *a, struct err *err)
{
	static const char *const yes[] = { "true", "yes", "1" };
	static const char *const no[] = { "false", "no", "0", "" };
	struct str part, role;
	struct buf roles;

	if (field == USER_FIELD_DISABLED) {
		for (size_t i = 0; i < ARRAY_LEN(yes); i++)
			if (str_eq_nocase(cell, str_from(yes[i])))
				out->disabled = true;
		for (size_t i = 0; i < ARRAY_LEN(no); i++)
			if (str_eq_nocase(cell, str_from(no[i])))
				cell = STR("");
		if (cell.n > 0 && !out->disabled)
			return err_set(err, ERR_INPUT,
				       "disabled: must be true or false");
	} else if (field == USER_FIELD_ROLES) {
		buf_init(&roles, a, IDENTITY_ROLES_MAX);
		while (str_cut(&cell, ',', &part))
			while (str_word(&part, &role))
				if (record_add_role(&roles, role, err) != 0)
					return -1;
		cell = buf_str(&roles);
	}
	give(out, field, cell);
	return 0;
}

/* Takes one cell from the line. The cells are those of RFC 4180, but have no
 * line breaks. *more says whether a comma followed. */
static int
csv_cut(struct str *rest, struct arena *a, struct str *cell, bool *more,
	struct err *err)
{
	const bool quoted = rest->n > 0 && rest->p[0] == '"';
	struct buf text;

	buf_init(&text, a, USER_RECORD_LINE_MAX);
	for (*rest = str_skip(*rest, quoted ? 1 : 0); rest->n > 0;
	     *rest = str_skip(*rest, 1)) {
		if (!quoted && rest->p[0] == ',')
			break;
		if (rest->p[0] == '"') {
			if (!quoted)
				return err_set(err, ERR_INPUT,
					       "a quote in a cell that does "
					       "not begin with one");
			*rest = str_skip(*rest, 1);
			if (rest->n == 0 || rest->p[0] != '"')
				goto closed;
		}
		buf_add_char(&text, rest->p[0]);
	}
	if (quoted)
		return err_set(err, ERR_INPUT, "a quote is not closed");
closed:
	*more = rest->n > 0;
	if (*more && rest->p[0] != ',')
		return err_set(
		    err, ERR_INPUT,
		    "a comma must follow the quote that ends a cell");
	*rest = str_skip(*rest, 1);
	if (buf_failed(&text))
		return err_nomem(err);
	*cell = buf_str(&text);
	return 0;
}

static int
csv_header(struct user_reader *r, struct str line, struct arena *a,
	   struct err *err)
{
	bool seen[USER_FIELDS] = { false }, more = true;
	enum user_field field;
	struct str cell;

	for (r->ncolumns = 0; more; r->ncolumns++) {
		if (csv_cut(&line, a, &cell, &more, err) != 0) {
			err->code = ERR_CONFIG;
			return err_context(err, "the header of CSV");
		}
		field = field_of(str_trim(cell));
		if (field == USER_FIELDS) {
			(void)unknown_field(str_trim(cell), ERR_CONFIG, err);
			return err_context(err, "the header of CSV");
		}
		if (seen[field])
			return err_set(err, ERR_CONFIG,
				       "the header of CSV has %s twice",
				       field_names[field]);
		seen[field] = true;
		r->columns[r->ncolumns] = field;
	}
	if (!seen[USER_FIELD_NAME])
		return err_set(err, ERR_CONFIG,
			       "the header of CSV has no column name");
	return 0;
}

static int
parse_csv(const struct user_reader *r, struct str line, struct arena *a,
	  struct user_record *out, struct err *err)
{
	bool more = true;
	struct str cell;
	size_t n;

	for (n = 0; more; n++) {
		if (csv_cut(&line, a, &cell, &more, err) != 0)
			return -1;
		if (n < r->ncolumns &&
		    take_cell(out, r->columns[n], cell, a, err) != 0)
			return -1;
	}
	if (n != r->ncolumns)
		return err_set(err, ERR_INPUT,
			       "%zu cells, but the header has %zu", n,
			       r->ncolumns);
	return 0;
}

/* A third part and those behind it are no part of the hash, as in Apache. */
static int
parse_htpasswd(struct str line, struct user_record *out, struct err *err)
{
	struct str name, hash;

	if (str_find(line, ':') == line.n)
		return err_set(err, ERR_INPUT, "there is no colon");
	line = str_trim(line);
	(void)str_cut(&line, ':', &name);
	(void)str_cut(&line, ':', &hash);
	give(out, USER_FIELD_NAME, name);
	give(out, USER_FIELD_HASH, hash);
	return 0;
}

static int
record_take_roles(const json_t *value, struct arena *a, struct user_record *out,
		  struct err *err)
{
	const json_t *role;
	struct buf roles;
	size_t i;

	buf_init(&roles, a, IDENTITY_ROLES_MAX);
	if (!json_is_array(value))
		return err_set(err, ERR_INPUT,
			       "roles: must be an array of strings");
	json_array_foreach (value, i, role) {
		const struct str text = { .p = json_string_value(role),
					  .n = json_string_length(role) };

		if (text.p == NULL)
			return err_set(err, ERR_INPUT,
				       "roles: must be an array of strings");
		if (record_add_role(&roles, text, err) != 0)
			return -1;
	}
	give(out, USER_FIELD_ROLES, buf_str(&roles));
	return 0;
}

/* Takes a member of JSON. null is as if it were absent. */
static int
take_member(const char *name, const json_t *value, struct arena *a,
	    struct user_record *out, struct err *err)
{
	const enum user_field field = field_of(str_from(name));
	struct str text = { .p = json_string_value(value),
			    .n = json_string_length(value) };

	if (field == USER_FIELDS)
		return unknown_field(str_from(name), ERR_INPUT, err);
	if (json_is_null(value))
		return 0;
	if (field == USER_FIELD_ROLES)
		return record_take_roles(value, a, out, err);
	if (field == USER_FIELD_DISABLED) {
		if (!json_is_boolean(value))
			return err_set(err, ERR_INPUT,
				       "disabled: must be true or false");
		out->disabled = json_is_true(value);
		give(out, field, STR(""));
		return 0;
	}
	if (text.p == NULL)
		return err_set(err, ERR_INPUT, "%s: must be a string", name);
	if (arena_copy(a, text, &text) != 0)
		return err_nomem(err);
	give(out, field, text);
	return 0;
}

static int
record_parse_json(struct str line, struct arena *a, struct user_record *out,
		  struct err *err)
{
	json_error_t wrong;
	json_t *value,
	    *root = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &wrong);
	const char *name;
	int rc = 0;

	/* The message of the parser quotes the line. */
	if (!json_is_object(root)) {
		const bool is_json = root != NULL;

		json_decref(root);
		if (is_json)
			return err_set(err, ERR_INPUT,
				       "must be one JSON object");
		return err_set(err, ERR_INPUT,
			       "must be one JSON object without duplicate "
			       "members (column %d)",
			       wrong.column);
	}
	json_object_foreach (root, name, value) {
		if (rc == 0)
			rc = take_member(name, value, a, out, err);
	}
	json_decref(root);
	return rc;
}

static int
check_hash(const struct user_record *out, struct err *err)
{
	const struct str hash = out->text[USER_FIELD_HASH];
	const char *why, *kind;

	if (!out->given[USER_FIELD_HASH])
		return 0;
	if (out->given[USER_FIELD_PASSWORD])
		return err_set(err, ERR_INPUT,
			       "must not have both a hash and a password");
	if (hash.n > USERS_HASH_MAX)
		return err_set(err, ERR_INPUT,
			       "hash: must have at most %d bytes",
			       USERS_HASH_MAX);
	kind = user_hash_kind(hash, &why);
	if (why != NULL)
		return err_set(err, ERR_INPUT, "hash: %s: %s", kind, why);
	return 0;
}

static int
check_record(const struct user_record *out, struct err *err)
{
	static const enum user_field texts[] = { USER_FIELD_EMAIL,
						 USER_FIELD_FULL_NAME };

	if (!out->given[USER_FIELD_NAME])
		return err_set(err, ERR_INPUT, "there is no name");
	if (!identity_name_is_valid(out->text[USER_FIELD_NAME]))
		return err_set(err, ERR_INPUT,
			       "name: must be 1 to %d of A-Z a-z 0-9 . _ @ + -",
			       IDENTITY_NAME_MAX);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!identity_text_is_valid(out->text[texts[i]]))
			return err_set(err, ERR_INPUT,
				       "%s: must be UTF-8 text of at most %d "
				       "bytes without control characters",
				       field_names[texts[i]],
				       IDENTITY_TEXT_MAX);
	return check_hash(out, err);
}

/* Reads a line without its end. Returns false at the end of the file. *n is
 * greater than the room if the line is too long, and the rest is skipped. */
static bool
record_read_line(struct user_reader *r, size_t *n)
{
	int c = getc(r->in);

	if (c == EOF)
		return false;
	for (*n = 0; c != EOF && c != '\n'; c = getc(r->in)) {
		if (*n < sizeof(r->text))
			r->text[*n] = (char)c;
		if (*n <= sizeof(r->text))
			++*n;
	}
	r->line++;
	return true;
}

static enum user_format
guess_format(struct str line)
{
	if (str_starts(line, STR("{")))
		return USER_JSON;
	return str_find(line, ':') < line.n ? USER_HTPASSWD : USER_CSV;
}

/* Returns whether the line is empty, or a comment of htpasswd. */
static bool
is_skipped(const struct user_reader *r, struct str line)
{
	return str_trim(line).n == 0 ||
	       (line.p[0] == '#' && (r->format == USER_FORMAT_UNKNOWN ||
				     r->format == USER_HTPASSWD));
}

static int
record_parse(const struct user_reader *r, struct str line, struct arena *a,
	     struct user_record *out, struct err *err)
{
	struct user_record record = { .line = r->line };
	int rc = -1;

	switch (r->format) {
	case USER_HTPASSWD:
		rc = parse_htpasswd(line, &record, err);
		break;
	case USER_CSV:
		rc = parse_csv(r, line, a, &record, err);
		break;
	case USER_JSON:
	case USER_FORMAT_UNKNOWN:
		rc = record_parse_json(line, a, &record, err);
		break;
	}
	if (rc != 0 || check_record(&record, err) != 0)
		return -1;
	*out = record;
	return 0;
}

int
user_record_next(struct user_reader *r, struct arena *a,
		 struct user_record *out, struct err *err)
{
	size_t n;

	while (record_read_line(r, &n)) {
		struct str line = { .p = r->text, .n = n };

		if (n > sizeof(r->text))
			return err_set(err, ERR_INPUT,
				       "must have at most %d bytes",
				       USER_RECORD_LINE_MAX);
		if (r->line == 1)
			line = str_skip_bom(line);
		if (str_ends(line, STR("\r")))
			line.n--;
		if (is_skipped(r, line))
			continue;
		if (str_find(line, '\0') < line.n)
			return err_set(err, ERR_INPUT, "must not have a NUL");
		if (r->format == USER_FORMAT_UNKNOWN) {
			r->format = guess_format(line);
			if (r->format == USER_CSV) {
				if (csv_header(r, line, a, err) != 0)
					return -1;
				continue;
			}
		}
		return record_parse(r, line, a, out, err);
	}
	if (ferror(r->in) != 0)
		return err_set(err, ERR_UNAVAILABLE, "cannot be read");
	*out = (struct user_record){ .line = 0 };
	return 0;
}
