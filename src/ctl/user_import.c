/* SPDX-License-Identifier: MIT */
/*
 * fcgiauthctl user import: adds and changes users from a file. Each record
 * is a change of its own, with the end of the sessions that belongs to it.
 */
#include "ctl/user.h"
#include "ctl/user_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/password.h"
#include "crypto/password_policy.h"

/* The number of attempts when others keep changing the user. */
#define TRIES	  10
#define BUCKETS	  65536
#define LINE_ROOM ((size_t)4 * 1024 * 1024)

/* What is different in a user. */
enum {
	NEW_USER = 1 << 0,
	NEW_PASSWORD = 1 << 1,
	NEW_ROLES = 1 << 2,
	NEW_EMAIL = 1 << 3,
	NEW_FULL_NAME = 1 << 4,
	NEW_DISABLED = 1 << 5,
	NEW_ENABLED = 1 << 6,
	NEW_IDENTITY = NEW_ROLES | NEW_EMAIL | NEW_FULL_NAME,
};

/* A name that was there in an earlier line. */
struct seen {
	struct seen *next;
	struct str name;
	size_t line;
};

struct import {
	struct ctl *c;
	struct user_reader reader;
	const char *file; /* for messages */
	struct password_policy policy;
	struct arena *names; /* for `seen` */
	struct seen **seen;
	bool dry;
	size_t added, changed, unchanged, refused;
};

/* What a record does to a user. */
struct plan {
	const struct user_record *record;
	struct user old, user;
	unsigned news; /* of the enum above */
	char hash[PASSWORD_HASH_MAX]; /* of a password in clear text */
};

/* Refuses a second record of a name: a repeated import would change the user
 * each time. */
static int
note_name(struct import *i, const struct user_record *record, struct err *err)
{
	const struct str name = record->text[USER_FIELD_NAME];
	struct seen **at = &i->seen[str_hash(name) % BUCKETS], *one;

	for (one = *at; one != NULL; one = one->next)
		if (str_eq(one->name, name))
			return err_set(err, ERR_INPUT,
				       "%.*s is already in line %zu",
				       STR_ARG(name), one->line);
	one = arena_alloc(i->names, sizeof(*one));
	if (one == NULL || arena_copy(i->names, name, &one->name) != 0)
		return err_nomem(err);
	one->line = record->line;
	one->next = *at;
	*at = one;
	return 0;
}

/* Returns whether the user has the hash of the record already, or one by which
 * a sign-in has replaced it. */
static bool
same_hash(struct str stored, struct str given)
{
	uint8_t replaced[PASSWORD_PRINT_BYTES], print[PASSWORD_PRINT_BYTES];

	if (str_eq(stored, given))
		return true;
	if (!password_replaced(stored, replaced))
		return false;
	password_print(given, print);
	return memcmp(replaced, print, sizeof(print)) == 0;
}

/* Hashes the password of the record, unless it is the user's already. */
static int
plan_password(const struct import *i, struct plan *p, struct err *err)
{
	const struct str password = p->record->text[USER_FIELD_PASSWORD];
	struct password_policy policy = i->policy;
	struct password_verdict verdict;
	char buf[PASSWORD_REFUSAL_MAX];
	const char *refusal;

	if (p->hash[0] == '\0' && (p->news & NEW_USER) == 0) {
		switch (password_verify(password, p->old.hash)) {
		case PASSWORD_RIGHT:
			return 0;
		case PASSWORD_ERROR:
			return err_nomem(err);
		case PASSWORD_WRONG:
		case PASSWORD_UNUSABLE:
			break;
		}
	}
	policy.user = p->user.who.name;
	policy.email = p->user.who.email;
	verdict = password_check(password, &policy);
	refusal = password_refusal(&verdict, &policy, buf);
	if (refusal != NULL)
		return err_set(err, ERR_INPUT, "password: %s", refusal);
	if (!i->dry && p->hash[0] == '\0' &&
	    password_hash(password, p->hash, err) != 0)
		return -1;
	p->user.hash = str_from(p->hash);
	p->news |= NEW_PASSWORD;
	return 0;
}

static int
plan_hash(const struct import *i, struct plan *p, struct err *err)
{
	const struct user_record *r = p->record;

	if (r->given[USER_FIELD_PASSWORD])
		return plan_password(i, p, err);
	if (!r->given[USER_FIELD_HASH])
		return (p->news & NEW_USER) == 0 ?
			   0 :
			   err_set(err, ERR_INPUT,
				   "there is no such user yet, and a new user "
				   "needs a hash or a password");
	if ((p->news & NEW_USER) == 0 &&
	    same_hash(p->old.hash, r->text[USER_FIELD_HASH]))
		return 0;
	p->user.hash = r->text[USER_FIELD_HASH];
	p->news |= NEW_PASSWORD;
	return 0;
}

static void
plan_text(struct plan *p, enum user_field field, struct str *text, unsigned bit)
{
	if (!p->record->given[field] || str_eq(*text, p->record->text[field]))
		return;
	*text = p->record->text[field];
	p->news |= bit;
}

/* Determines what to do to the user as found at this moment. */
static int
plan_user(const struct import *i, const struct user_answer *is, struct plan *p,
	  struct err *err)
{
	const struct user_record *r = p->record;
	struct user *user = &p->user;

	p->old = is->user;
	p->news = is->found ? 0 : NEW_USER;
	*user = p->old;
	user->who.name = r->text[USER_FIELD_NAME];
	if (!is->found && user_check_free(i->c, user->who.name, err) != 0)
		return -1;
	plan_text(p, USER_FIELD_ROLES, &user->who.roles, NEW_ROLES);
	plan_text(p, USER_FIELD_EMAIL, &user->who.email, NEW_EMAIL);
	plan_text(p, USER_FIELD_FULL_NAME, &user->who.full_name, NEW_FULL_NAME);
	if (r->given[USER_FIELD_DISABLED] && r->disabled != user->disabled) {
		user->disabled = r->disabled;
		p->news |= r->disabled ? NEW_DISABLED : NEW_ENABLED;
	}
	if ((p->news & NEW_EMAIL) != 0 &&
	    user_check_email(i->c, &user->who, err) != 0)
		return -1;
	return plan_hash(i, p, err);
}

static int
import_write(const struct import *i, const struct plan *p,
	     enum user_change *change, struct err *err)
{
	struct users_conn *users = i->c->users_conn;

	return (p->news & NEW_USER) != 0 ?
		   users_add(users, ctl_call(i->c), &p->user, change, err) :
		   users_set(users, ctl_call(i->c), &p->old, &p->user, change,
			     err);
}

/* Makes the user as the record says. If the source reports that another change
 * came in between, makes a new plan. */
static int
import_user(const struct import *i, struct plan *p, struct err *err)
{
	enum user_change change = USER_STALE;

	for (unsigned n = 0; n < TRIES && change != USER_CHANGED; n++) {
		struct user_answer is;

		if (users_find(i->c->users_conn, ctl_call(i->c),
			       p->record->text[USER_FIELD_NAME], &is,
			       err) != 0 ||
		    plan_user(i, &is, p, err) != 0)
			return -1;
		if (i->dry || p->news == 0)
			return 0;
		if (import_write(i, p, &change, err) != 0)
			return -1;
	}
	return change == USER_CHANGED ? 0 : users_keep_changing(err);
}

static void
import_audit(const struct ctl *c, const struct plan *p)
{
	static const struct {
		unsigned bits;
		const char *event;
	} events[] = {
		{ NEW_PASSWORD, "password_changed" },
		{ NEW_DISABLED, "user_disabled" },
		{ NEW_ENABLED, "user_enabled" },
		{ NEW_IDENTITY, "user_changed" },
	};

	if ((p->news & NEW_USER) != 0) {
		user_audit(c, "user_added", p->user.who.name);
		return;
	}
	for (size_t k = 0; k < ARRAY_LEN(events); k++)
		if ((p->news & events[k].bits) != 0)
			user_audit(c, events[k].event, p->user.who.name);
}

/* Says what was done: "changed: e-mail, roles (line 3)". */
static const char *
import_describe(const struct import *i, const struct plan *p)
{
	static const struct {
		unsigned bit;
		const char *name;
	} parts[] = {
		{ NEW_PASSWORD, "password" },	 { NEW_ROLES, "roles" },
		{ NEW_EMAIL, "e-mail" },	 { NEW_FULL_NAME, "full name" },
		{ NEW_DISABLED, "is disabled" }, { NEW_ENABLED, "is enabled" },
	};
	const char *comma = ": ";
	struct buf text;

	buf_init(&text, i->c->arena, 256);
	buf_add_cstr(&text, i->dry ? "would be " : "");
	buf_add_cstr(&text, (p->news & NEW_USER) != 0 ? "added" : "changed");
	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		if ((p->news & NEW_USER) != 0 || (p->news & parts[k].bit) == 0)
			continue;
		buf_add_cstr(&text, comma);
		buf_add_cstr(&text, parts[k].name);
		comma = ", ";
	}
	buf_printf(&text, " (line %zu)", p->record->line);
	buf_add_char(&text, '\0');
	return buf_failed(&text) ? "done" : buf_str(&text).p;
}

/* Ends what a user has who was changed; as user_end_sessions(). */
static enum ctl_exit
import_end(struct import *i, const struct plan *p, const char *done)
{
	const struct str name = p->user.who.name;
	const char *again =
	    (p->news & NEW_DISABLED) != 0 ? "user disable" : "user passwd";
	const enum ctl_exit status = user_void_secrets(i->c, name, done, again);

	return user_end_sessions(i->c, name, done) == CTL_DONE ? status :
								 CTL_REFUSED;
}

/* Does what follows from the change of a user, and prints it. */
static enum ctl_exit
import_follow(struct import *i, const struct plan *p)
{
	const struct identity *who = &p->user.who;
	const char *done = import_describe(i, p);
	const unsigned news = i->dry || (p->news & NEW_USER) != 0 ? 0 : p->news;
	enum ctl_exit status = CTL_DONE;

	if (!i->dry)
		import_audit(i->c, p);
	if ((news & NEW_EMAIL) != 0)
		status = user_forget_email(i->c, who);
	if ((news & (NEW_PASSWORD | NEW_DISABLED)) != 0)
		return import_end(i, p, done) == CTL_DONE ? status :
							    CTL_REFUSED;
	if ((news & NEW_IDENTITY) != 0)
		return user_follow(i->c, who, done) == CTL_DONE ? status :
								  CTL_REFUSED;
	(void)printf("%.*s: %s\n", STR_ARG(who->name), done);
	return status;
}

static void
import_count(struct import *i, const struct plan *p)
{
	if (p->news == 0)
		i->unchanged++;
	else if ((p->news & NEW_USER) != 0)
		i->added++;
	else
		i->changed++;
}

static int
import_record(struct import *i, const struct user_record *record,
	      enum ctl_exit *status, struct err *err)
{
	struct plan p = { .record = record };
	int rc;

	if (note_name(i, record, err) != 0)
		return -1;
	ctl_hold_signals();
	rc = import_user(i, &p, err);
	if (rc == 0) {
		import_count(i, &p);
		if (p.news != 0 && import_follow(i, &p) != CTL_DONE)
			*status = CTL_REFUSED;
	}
	secret_wipe(&p.hash, sizeof(p.hash));
	/* A signal may end the program now. */
	(void)fflush(stdout);
	ctl_release_signals();
	return rc;
}

/* Reads and does one record after another, each in the memory of the last. */
static enum ctl_exit
import_records(struct import *i)
{
	enum ctl_exit status = CTL_DONE;
	struct user_record record = { .line = 1 };
	struct err err;

	while (record.line > 0) {
		arena_reset(i->c->arena);
		if (user_record_next(&i->reader, i->c->arena, &record, &err) ==
			0 &&
		    (record.line == 0 ||
		     import_record(i, &record, &status, &err) == 0))
			continue;
		if (i->reader.line == 0)
			return ctl_refuse("%s: %s", i->file, err.msg);
		status =
		    ctl_refuse("%s:%zu: %s", i->file, i->reader.line, err.msg);
		if (err.code != ERR_INPUT)
			return ctl_refuse("%s: this line and the lines after "
					  "it are not imported",
					  i->file);
		i->refused++;
	}
	return status;
}

static enum ctl_exit
import_all(struct import *i)
{
	const char *remark = "";
	enum ctl_exit status;
	struct ctl *c = i->c;

	i->names = c->arena;
	c->arena = arena_new(LINE_ROOM);
	status =
	    c->arena == NULL ? ctl_refuse("out of memory") : import_records(i);
	arena_free(c->arena);
	c->arena = i->names;
	secret_wipe(i->reader.text, sizeof(i->reader.text));
	if (i->dry)
		remark = "; this was a dry run, and nothing was changed";
	else if (i->added + i->changed == 0)
		remark = "; nothing was changed";
	(void)printf("users: %zu added, %zu changed, %zu unchanged, %zu lines "
		     "refused%s\n",
		     i->added, i->changed, i->unchanged, i->refused, remark);
	return status;
}

/* Opens what the import needs. The stores are opened before anything is
 * changed: while they are away, no sessions could be ended, and no links
 * voided. */
static enum ctl_exit
import_open(struct import *i)
{
	enum ctl_exit status = user_open(i->c, USERS_WRITES);
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (!i->dry && ctl_reachable(i->c, CTL_STORE) &&
	    ctl_open(i->c, CTL_STORE, &err) != 0)
		return ctl_refuse("%s", err.msg);
	if (!i->dry && ctl_reachable(i->c, CTL_FACTORS) &&
	    ctl_open(i->c, CTL_FACTORS, &err) != 0)
		return ctl_refuse("%s", err.msg);
	i->policy.min_length = i->c->settings.password.min_length;
	if (ctl_blocklist(i->c, &i->policy.blocklist, &err) != 0)
		return ctl_refuse("password.blocklist: %s", err.msg);
	return CTL_DONE;
}

enum ctl_exit
user_import(struct ctl *c)
{
	const bool from_stdin = strcmp(c->operand, "-") == 0;
	struct import *i = arena_alloc(c->arena, sizeof(*i));
	enum ctl_exit status;

	if (i == NULL)
		return ctl_refuse("out of memory");
	*i = (struct import){ .c = c,
			      .file = from_stdin ? "stdin" : c->operand,
			      .dry = ctl_given(c, FLAG_DRY_RUN) };
	i->seen = arena_array(c->arena, BUCKETS, sizeof(struct seen *));
	if (i->seen == NULL)
		return ctl_refuse("out of memory");
	/* The caller may read files that the owner of the data may not. */
	i->reader.in = from_stdin ? stdin : fopen(c->operand, "re");
	if (i->reader.in == NULL)
		return ctl_refuse("%s: %s", c->operand, strerror(errno));
	status = import_open(i);
	if (status == CTL_DONE)
		status = import_all(i);
	if (!from_stdin)
		(void)fclose(i->reader.in);
	return status;
}
