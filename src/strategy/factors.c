/* SPDX-License-Identifier: MIT */
/* The factor store as its callers see it, in the manner of strategy/store.c. */
#include "strategy/factors.h"

#include <assert.h>

#define PAGE_MAX 1000 /* a claim never returns more mails */

static const struct factor_store_ops *
factors_ops(const struct factors_conn *conn)
{
	/* factors_open() was given the first member of this struct. */
	return (const struct factor_store_ops *)conn->base.backend->ops;
}

/* These are explained in strategy/conn.h. */
#define CALL(s, ...)   CONN_CALL(&(s)->base, false, factors_ops(s), __VA_ARGS__)
#define REPEAT(s, ...) CONN_CALL(&(s)->base, true, factors_ops(s), __VA_ARGS__)

static int
check_user(struct str user, struct err *err)
{
	if (identity_name_is_valid(user))
		return 0;
	return err_set(err, ERR_INPUT, "user: must be a valid name");
}

/* A text of an optional user. */
static int
check_subject(struct str user, struct err *err)
{
	return user.n == 0 ? 0 : check_user(user, err);
}

static int
factors_check_text(const char *what, struct str text, size_t max,
		   struct err *err)
{
	if (text.n > max || !str_is_utf8(text) || str_find(text, '\0') < text.n)
		return err_set(err, ERR_INPUT,
			       "%s: must be a text of at most %zu bytes", what,
			       max);
	return 0;
}

static bool
is_one_kind(enum one_time_kind kind)
{
	return kind == ONE_TIME_TICKET || kind == ONE_TIME_RESET ||
	       kind == ONE_TIME_INVITE || kind == ONE_TIME_EMAIL ||
	       kind == ONE_TIME_FORGOTTEN;
}

int
factors_account(struct factors_conn *conn, const struct call *c,
		struct str user, struct account *out, struct err *err)
{
	if (!identity_name_is_valid(user)) {
		*out = (struct account){ .since_ms = 0 };
		return 0;
	}
	return REPEAT(conn, account, c, user, out, err);
}

int
factors_account_set(struct factors_conn *conn, const struct call *c,
		    const struct account_change *change, struct err *err)
{
	struct account_change full = { .user = change->user,
				       .fields = change->fields };

	if (check_user(change->user, err) != 0 ||
	    factors_check_text("verified_email", change->verified_email,
			       IDENTITY_TEXT_MAX, err) != 0)
		return -1;
	if (env_random(conn->base.env, full.handle, sizeof(full.handle)) != 0)
		return err_norandom(err);
	if ((change->fields & ACCOUNT_MUST_CHANGE) != 0)
		full.must_change = change->must_change;
	if ((change->fields & ACCOUNT_VERIFIED_EMAIL) != 0)
		full.verified_email = change->verified_email;
	if ((change->fields & ACCOUNT_NOTIFY) != 0)
		full.notify = change->notify;
	return REPEAT(conn, account_set, c, &full, err);
}

int
factors_one_time_put(struct factors_conn *conn, const struct call *c,
		     const struct one_time *secret, bool alone, struct err *err)
{
	assert(is_one_kind(secret->kind));
	assert(!alone || secret->user.n > 0);
	if (check_subject(secret->user, err) != 0 ||
	    factors_check_text("data", secret->data, ONE_TIME_DATA_MAX, err) !=
		0)
		return -1;
	return CALL(conn, one_time_put, c, secret, alone, err);
}

int
factors_one_time_peek(struct factors_conn *conn, const struct call *c,
		      const struct one_time_hash *hash, enum one_time_kind kind,
		      struct one_time_answer *out, struct err *err)
{
	assert(is_one_kind(kind));
	return REPEAT(conn, one_time_peek, c, hash, kind, out, err);
}

int
factors_one_time_take(struct factors_conn *conn, const struct call *c,
		      const struct one_time_hash *hash, enum one_time_kind kind,
		      struct one_time_answer *out, struct err *err)
{
	assert(is_one_kind(kind));
	return CALL(conn, one_time_take, c, hash, kind, out, err);
}

int
factors_one_time_void(struct factors_conn *conn, const struct call *c,
		      struct str user, unsigned kinds, int64_t *voided,
		      struct err *err)
{
	int64_t n = 0;

	/* A secret of no user is not voided. */
	if (identity_name_is_valid(user) &&
	    CALL(conn, one_time_void, c, user, kinds, &n, err) != 0)
		return -1;
	if (voided != NULL)
		*voided = n;
	return 0;
}

static int
factors_check_mail(const struct mail *mail, struct err *err)
{
	if (check_subject(mail->user, err) != 0)
		return -1;
	if (mail->to.n == 0 || mail->kind.n == 0)
		return err_set(err, ERR_INPUT,
			       "mail: must have an address and a kind");
	if (factors_check_text("to", mail->to, MAIL_ADDRESS_MAX, err) != 0 ||
	    factors_check_text("kind", mail->kind, MAIL_KIND_MAX, err) != 0)
		return -1;
	return factors_check_text("body", mail->body, MAIL_BODY_MAX, err);
}

int
factors_mail_add(struct factors_conn *conn, const struct call *c,
		 const struct mail *mail, struct err *err)
{
	struct mail full = { .user = mail->user,
			     .to = mail->to,
			     .kind = mail->kind,
			     .body = mail->body,
			     .expires_ms = mail->expires_ms };

	if (factors_check_mail(mail, err) != 0)
		return -1;
	if (env_random(conn->base.env, full.id, sizeof(full.id)) != 0)
		return err_norandom(err);
	return CALL(conn, mail_add, c, &full, err);
}

int
factors_mail_claim(struct factors_conn *conn, const struct call *c,
		   size_t limit, int64_t lease_ms, struct mail_list *out,
		   struct err *err)
{
	return CALL(conn, mail_claim, c, limit < PAGE_MAX ? limit : PAGE_MAX,
		    lease_ms, out, err);
}

int
factors_mail_done(struct factors_conn *conn, const struct call *c,
		  const uint8_t id[MAIL_ID_BYTES], struct err *err)
{
	return REPEAT(conn, mail_done, c, id, err);
}

int
factors_mail_retry(struct factors_conn *conn, const struct call *c,
		   const struct mail_retry *retry, struct err *err)
{
	return REPEAT(conn, mail_retry, c, retry, err);
}

int
factors_remove_user(struct factors_conn *conn, const struct call *c,
		    struct str user, int64_t *removed, struct err *err)
{
	if (!identity_name_is_valid(user)) {
		*removed = 0;
		return 0;
	}
	return CALL(conn, remove_user, c, user, removed, err);
}

int
factors_sweep(struct factors_conn *conn, const struct call *c, size_t limit,
	      int64_t *removed, struct err *err)
{
	return REPEAT(conn, sweep, c, limit, removed, err);
}
