/* SPDX-License-Identifier: MIT */
/* fcgiauthctl token inspect. */
#include "base/buf.h"
#include "ctl/output.h"
#include "ctl/keys.h"

#include <stdio.h>
#include <string.h>

/* The memory for one token: its text, decoded, parsed, escaped. */
#define TOKEN_ARENA ((size_t)1024 * 1024)

/* One byte more than the longest token, so that a longer one is recognised. */
#define LINE_MAX_BYTES (JWT_MAX_BYTES + 1)

struct inspector {
	struct ctl *c;
	struct arena *arena; /* for one token, then reset */
	struct keyring keys;
	const struct jwk *key; /* the key of --key, or NULL */
	struct jwt_policy policy;
	bool signature_only, many;
};

/* Checks the signature over any payload; claims is NULL when the payload is not
 * a JSON object. */
static int
inspect_bytes(const struct inspector *i, struct str token,
	      struct jwt_signed *out, struct err *err)
{
	if (jwt_verify_bytes(i->key, token, i->arena, out, err) != 0)
		return -1;
	if (out->verdict != JWT_VALID)
		return 0;
	out->claims = json_loadb(out->payload.p, out->payload.n,
				 JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(out->claims)) {
		json_decref(out->claims);
		out->claims = NULL;
	}
	return 0;
}

static int
inspect(const struct inspector *i, struct str token, struct jwt_signed *out,
	struct err *err)
{
	const struct jwt_expected expected = {
		.keys = &i->keys,
		.policy = &i->policy,
		.now = env_wall(&i->c->env),
	};
	struct jwt_checked checked;

	if (i->signature_only && i->key != NULL)
		return inspect_bytes(i, token, out, err);
	if (!i->signature_only) {
		if (jwt_verify(&expected, token, i->arena, &checked, err) != 0)
			return -1;
		if (checked.verdict != JWT_VALID) {
			*out = (struct jwt_signed){ .why = checked.why };
			return 0;
		}
	}
	return jwt_verify_signature(&i->keys, token, i->arena, out, err);
}

static void
inspect_add_value(struct buf *out, const json_t *value)
{
	const size_t form = JSON_ENCODE_ANY | JSON_COMPACT;
	struct str text = { .p = json_string_value(value),
			    .n = json_string_length(value) };
	char *dump;

	if (!json_is_string(value)) {
		text.n = json_dumpb(value, NULL, 0, form);
		dump = arena_alloc(out->arena, text.n);
		if (dump == NULL) {
			out->failed = true;
			return;
		}
		text.n = json_dumpb(value, dump, text.n, form);
		text.p = dump;
	}
	(void)output_escape(out, text);
}

static void
add_object(struct buf *out, const char *title, json_t *object)
{
	const char *name;
	json_t *value;

	buf_printf(out, "%s:\n", title);
	json_object_foreach (object, name, value) {
		buf_add_cstr(out, "  ");
		(void)output_escape(out, str_from(name));
		buf_add_cstr(out, ": ");
		inspect_add_value(out, value);
		buf_add_char(out, '\n');
	}
}

static enum ctl_exit
inspect_print_text(const struct inspector *i, const struct jwt_signed *is)
{
	struct buf out;

	buf_init(&out, i->arena, TOKEN_ARENA / 4);
	if (is->verdict != JWT_VALID)
		buf_printf(&out, "refused: %s\n", is->why);
	else
		buf_add_cstr(&out, "valid\n");
	if (is->verdict == JWT_VALID && !i->many) {
		add_object(&out, "header", is->header);
		if (is->claims != NULL)
			add_object(&out, "claims", is->claims);
		else
			buf_printf(&out,
				   "payload: %zu bytes, not "
				   "a JSON object\n",
				   is->payload.n);
	}
	if (buf_failed(&out))
		return ctl_refuse("out of memory");
	(void)fwrite(out.p, 1, out.n, stdout);
	return CTL_DONE;
}

static enum ctl_exit
inspect_print_json(const struct jwt_signed *is)
{
	json_t *root;

	if (is->verdict != JWT_VALID)
		root = json_pack("{s:b, s:s}", "valid", 0, "why", is->why);
	else if (is->claims != NULL)
		root = json_pack("{s:b, s:O, s:O}", "valid", 1, "header",
				 is->header, "claims", is->claims);
	else
		root = json_pack("{s:b, s:O, s:n, s:I}", "valid", 1, "header",
				 is->header, "claims", "payload_bytes",
				 (json_int_t)is->payload.n);
	return output_json_line(root) == 0 ? CTL_DONE :
					     ctl_refuse("out of memory");
}

static enum ctl_exit
inspect_one(const struct inspector *i, struct str token)
{
	struct jwt_signed is = { .verdict = JWT_REFUSED };
	enum ctl_exit status;
	struct err err;

	if (inspect(i, token, &is, &err) != 0)
		status = ctl_refuse("%s", err.msg);
	else if (ctl_given(i->c, FLAG_JSON))
		status = inspect_print_json(&is);
	else
		status = inspect_print_text(i, &is);
	json_decref(is.header);
	json_decref(is.claims);
	return status == CTL_DONE && is.verdict == JWT_VALID ? CTL_DONE :
							       CTL_REFUSED;
}

/* Reads the next line and keeps at most `max` bytes of it; false at the end. */
static bool
inspect_read_line(FILE *in, char *line, size_t max, size_t *n)
{
	int c = getc(in);

	if (c == EOF)
		return false;
	for (*n = 0; c != EOF && c != '\n'; c = getc(in)) {
		if (*n < max)
			line[(*n)++] = (char)c;
	}
	return true;
}

static enum ctl_exit
inspect_lines(const struct inspector *i)
{
	char *line = arena_alloc(i->c->arena, LINE_MAX_BYTES);
	enum ctl_exit status = CTL_DONE;
	size_t n, lines = 0;

	if (line == NULL)
		return ctl_refuse("out of memory");
	for (; inspect_read_line(stdin, line, LINE_MAX_BYTES, &n); lines++) {
		if (inspect_one(i, (struct str){ .p = line, .n = n }) !=
		    CTL_DONE)
			status = CTL_REFUSED;
		arena_reset(i->arena);
	}
	if (ferror(stdin) != 0)
		return ctl_refuse("cannot read standard input");
	if (lines == 0)
		return ctl_refuse("there is no token on standard input");
	return status;
}

static enum ctl_exit
take_keys(struct inspector *i)
{
	struct ctl *c = i->c;
	struct jwk *key = NULL;
	enum ctl_exit status;
	struct err err;

	if (!ctl_given(c, FLAG_KEY))
		return keys_load(c, &i->keys, &err) == 0 ?
			   CTL_DONE :
			   ctl_refuse("%s", err.msg);
	status = keys_read_key(c, c->args->value[FLAG_KEY], &key, NULL);
	if (status != CTL_DONE)
		return status;
	i->key = key;
	i->keys =
	    (struct keyring){ .v = { { .key = key, .state = KEY_RETIRING } },
			      .n = 1,
			      .any_kid = true };
	return CTL_DONE;
}

enum ctl_exit
token_inspect_check(const struct ctl *c)
{
	if (ctl_given(c, FLAG_ALG) && !ctl_given(c, FLAG_KEY))
		return ctl_usage(c, "--alg needs --key");
	return CTL_DONE;
}

enum ctl_exit
token_inspect(struct ctl *c)
{
	struct inspector i = {
		.c = c,
		.arena = arena_new(TOKEN_ARENA),
		.signature_only = ctl_given(c, FLAG_SIGNATURE_ONLY),
		.many = strcmp(c->operand, "-") == 0,
	};
	enum ctl_exit status;

	if (i.arena == NULL)
		return ctl_refuse("out of memory");
	status = take_keys(&i);
	/* Only the policy needs the settings, which may be absent otherwise. */
	if (status == CTL_DONE && !i.signature_only)
		i.policy = jwt_conf_policy(keys_conf(c));
	if (status == CTL_DONE)
		status = i.many ? inspect_lines(&i) :
				  inspect_one(&i, str_from(c->operand));
	arena_free(i.arena);
	return status;
}
