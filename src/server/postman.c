/* SPDX-License-Identifier: MIT */
/* Sending of the mail in the outbox. */
#include "server/postman.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/reset_mail.h"
#include "base/log.h"
#include "conf/mail.h"
#include "mail/transport.h"

#define TICK_MS	   2000 /* how often the outbox is asked */
#define BATCH	   20 /* mails for which a reload may have to wait */
#define LEASE_MS   (5 * INT64_C(60000))
#define FIRST_MS   INT64_C(60000)
#define LAST_MS	   (6 * INT64_C(3600000))
#define GIVE_UP_MS (24 * INT64_C(3600000))
#define ARENA_MAX  ((size_t)4 << 20)

struct postman {
	struct snapshot_slot *slot;
	const struct service_shared *shared;
	/* The thread alone uses these three. */
	struct service_conns conns;
	struct arena *arena; /* of one mail */
	bool failed; /* the outbox cannot be asked, and this was logged */
	int stop_fd; /* becomes readable when the thread must end */
	pthread_t thread;
};

/* Waits; true when the thread must end. */
static bool
postman_wait(const struct postman *p, int ms)
{
	struct pollfd stop = { .fd = p->stop_fd, .events = POLLIN };

	return poll(&stop, 1, ms) > 0;
}

static void
log_mail(const struct postman *p, enum log_level level, const char *event,
	 const struct mail *mail, const char *said)
{
	log_event(p->shared->env->log, level, NULL, event,
		  (const struct log_field[]){
		      F_STR("kind", mail->kind),
		      F_STR("user", mail->user),
		      F_INT("tries", mail->tries),
		      F_CSTR("answer", said),
		  },
		  4);
}

static int64_t
back_off_ms(int64_t tries)
{
	int64_t ms = FIRST_MS;

	while (--tries > 0 && ms < LAST_MS)
		ms *= 2;
	return min64(ms, LAST_MS);
}

static void
finish(struct postman *p, const struct call *c, const struct mail *mail)
{
	struct err err;

	/* It is claimed again when the lease ends. */
	if (factors_mail_done(p->conns.factors, c, mail->id, &err) != 0)
		log_mail(p, LOG_WARNING, "mail_not_removed", mail, err.msg);
}

/* Postpones a mail that nobody took, or gives it up. */
static void
postpone(struct postman *p, const struct call *c, const struct mail *mail,
	 const char *said)
{
	const int64_t now_ms = env_wall_ms(p->shared->env);
	const int64_t end_ms =
	    min64(mail->expires_ms, mail->created_ms + GIVE_UP_MS);
	/* After a stop nothing is wrong with the mail. */
	const bool stopped = postman_wait(p, 0);
	struct mail_retry retry = {
		.tries = mail->tries,
		.next_ms = now_ms + (stopped ? 0 : back_off_ms(mail->tries)),
	};
	struct err err;

	if (retry.next_ms >= end_ms) {
		log_mail(p, LOG_ERROR, "mail_dropped", mail, said);
		finish(p, c, mail);
		return;
	}
	log_mail(p, LOG_WARNING, "mail_delayed", mail, said);
	memcpy(retry.id, mail->id, sizeof(retry.id));
	/* It is claimed again when the lease ends. */
	if (factors_mail_retry(p->conns.factors, c, &retry, &err) != 0)
		log_mail(p, LOG_WARNING, "mail_not_postponed", mail, err.msg);
}

static int
postman_send(const struct postman *p, const struct mail_settings *set,
	     const struct mail *mail, struct mail_answer *out, struct err *err)
{
	const struct transport transport = { .set = set,
					     .env = p->shared->env,
					     .stop_fd = p->stop_fd,
					     .limit_ms = TRANSPORT_LIMIT_MS };
	struct mail_message message = { .to = mail->to, .text = mail->body };

	if (!str_cut(&message.text, '\n', &message.subject))
		return err_set(err, ERR_INPUT, "the mail has no text");
	if (!mailbox_parse(set->from, &message.from))
		return err_set(err, ERR_INPUT, "the sender is no address");
	return transport_send(&transport, &message, p->arena, out, err);
}

/* A request for a new password is not sent: it is replaced by a mail if there
 * is a user to send one to. */
static int
postman_handle(struct postman *p, const struct snapshot *s,
	       const struct mail *mail, struct mail_answer *out,
	       struct err *err)
{
	if (!str_eq(mail->kind, STR(RESET_ASKED)))
		return postman_send(p, &s->settings.mail, mail, out, err);
	out->outcome = MAIL_SENT;
	return reset_mail_handle(s->service, &p->conns, p->arena, mail, err);
}

static void
handle_mail(struct postman *p, const struct snapshot *s, const struct call *c,
	    const struct mail *mail)
{
	struct mail_answer answer = { .outcome = MAIL_LATER };
	struct err err;

	if (postman_handle(p, s, mail, &answer, &err) != 0) {
		/* ERR_INPUT: it can never be composed. */
		answer.outcome =
		    err.code == ERR_INPUT ? MAIL_REFUSED : MAIL_LATER;
		memcpy(answer.text, err.msg, sizeof(answer.text));
	}
	switch (answer.outcome) {
	case MAIL_SENT:
		if (!str_eq(mail->kind, STR(RESET_ASKED)))
			log_mail(p, LOG_INFO, "mail_sent", mail, answer.text);
		finish(p, c, mail);
		break;
	case MAIL_REFUSED:
		log_mail(p, LOG_ERROR, "mail_refused", mail, answer.text);
		finish(p, c, mail);
		break;
	case MAIL_LATER:
		postpone(p, c, mail, answer.text);
		break;
	}
}

/* Claims one mail and handles it; false when there is none. */
static bool
postman_handle_next(struct postman *p, const struct snapshot *s)
{
	const bool failed_before = p->failed;
	struct mail_list due;
	struct err err;
	struct call c;

	arena_reset(p->arena);
	c = (struct call){ .arena = p->arena,
			   .env = p->shared->env,
			   .now_ms = env_wall_ms(p->shared->env) };
	p->failed = factors_mail_claim(p->conns.factors, &c, 1, LEASE_MS, &due,
				       &err) != 0;
	if (p->failed && !failed_before)
		LOG(p->shared->env->log, LOG_WARNING, "outbox_failed",
		    F_CSTR("reason", err.msg));
	if (p->failed || due.n == 0)
		return false;
	handle_mail(p, s, &c, &due.v[0]);
	return true;
}

/* Sends what is due; true when there may be more. */
static bool
send_due(struct postman *p)
{
	struct snapshot *s = snapshot_acquire(p->slot);
	int n = 0;

	factors_conn_bind(p->conns.factors, s->factors);
	users_conn_bind(p->conns.users, s->users);
	store_conn_bind(p->conns.store, s->store);
	if (s->factors != NULL && mail_is_configured(&s->settings.mail)) {
		while (n < BATCH && !postman_wait(p, 0) &&
		       postman_handle_next(p, s))
			n++;
	}
	snapshot_release(p->slot, s);
	return n == BATCH;
}

static void *
postman_run(void *arg)
{
	struct postman *p = arg;
	bool more = false;

	while (!postman_wait(p, more ? 0 : TICK_MS))
		more = send_due(p);
	return NULL;
}

static void
free_postman(struct postman *p)
{
	if (p->stop_fd >= 0)
		(void)close(p->stop_fd);
	store_conn_free(p->conns.store);
	users_conn_free(p->conns.users);
	factors_conn_free(p->conns.factors);
	arena_free(p->arena);
	free(p);
}

int
postman_start(struct snapshot_slot *slot, const struct service_shared *shared,
	      struct postman **out, struct err *err)
{
	struct postman *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(err);
	p->slot = slot;
	p->shared = shared;
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	p->conns.store = store_conn_new(shared->env);
	p->conns.users = users_conn_new(shared->env);
	p->conns.factors = factors_conn_new(shared->env);
	p->arena = arena_new(ARENA_MAX);
	if (p->stop_fd < 0 || p->conns.store == NULL ||
	    p->conns.users == NULL || p->conns.factors == NULL ||
	    p->arena == NULL ||
	    pthread_create(&p->thread, NULL, postman_run, p) != 0) {
		free_postman(p);
		return err_nomem(err);
	}
	*out = p;
	return 0;
}

void
postman_stop(struct postman *p)
{
	if (p == NULL)
		return;
	(void)eventfd_write(p->stop_fd, 1); /* cannot fail: written once */
	(void)pthread_join(p->thread, NULL); /* cannot fail: joined once */
	free_postman(p);
}
