/* SPDX-License-Identifier: MIT */
/* The circuit breaker of a backend. */
#include "strategy/breaker.h"

#define WAIT_FIRST_MS 50
#define WAIT_MAX_MS   500

void
breaker_init(struct breaker *b)
{
	*b = (struct breaker){ .doubtful = false };
	atomic_init(&b->epoch, 0);
	(void)pthread_mutex_init(&b->lock, NULL); /* cannot fail */
}

void
breaker_destroy(struct breaker *b)
{
	(void)pthread_mutex_destroy(&b->lock); /* cannot fail: not locked */
}

bool
breaker_is_good(struct breaker *b)
{
	bool doubtful;

	(void)pthread_mutex_lock(&b->lock);
	doubtful = b->doubtful;
	(void)pthread_mutex_unlock(&b->lock);
	return !doubtful;
}

bool
breaker_trusts(const struct breaker *b, const struct breaker_seat *seat)
{
	return seat->epoch == atomic_load(&b->epoch);
}

int
breaker_enter(struct breaker *b, struct breaker_seat *seat, int64_t now_ms,
	      struct err *err)
{
	bool may;

	(void)pthread_mutex_lock(&b->lock);
	may = !b->doubtful || (!b->probing && now_ms >= b->retry_at_ms);
	seat->probing = may && b->doubtful;
	if (seat->probing)
		b->probing = true;
	if (may)
		seat->epoch = atomic_load(&b->epoch);
	else
		*err = b->why;
	(void)pthread_mutex_unlock(&b->lock);
	if (may)
		return 0;
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "waiting before the next connection attempt");
}

/* Returns for how many milliseconds no connection is tried after this failure;
 * -1: the failure changes nothing. */
static int64_t
next_wait(const struct breaker *b, const struct breaker_seat *seat,
	  const struct breaker_failure *f)
{
	if (!seat->probing && b->doubtful)
		return -1;
	/* One connection may have been cut while the others still work. */
	if (!seat->probing && f->connected && f->took_ms < BREAKER_SLOW_MS)
		return 0;
	if (b->wait_ms == 0)
		return WAIT_FIRST_MS;
	return b->wait_ms * 2 < WAIT_MAX_MS ? b->wait_ms * 2 : WAIT_MAX_MS;
}

static bool
breaker_note(struct breaker *b, struct breaker_seat *seat,
	     const struct breaker_failure *f)
{
	bool current = breaker_trusts(b, seat);
	bool was_good = !b->doubtful;
	int64_t wait_ms = next_wait(b, seat, f);

	if (f->connected && !current && !seat->probing)
		return false; /* the connection was already distrusted */
	if (f->connected && current)
		atomic_store(&b->epoch, seat->epoch + 1);
	if (wait_ms < 0)
		return false;
	b->wait_ms = wait_ms;
	b->retry_at_ms = f->now_ms + wait_ms;
	b->why = *f->why;
	if (was_good)
		b->since_ms = f->now_ms;
	b->doubtful = true;
	if (seat->probing)
		b->probing = false;
	seat->probing = false;
	return was_good;
}

bool
breaker_fail(struct breaker *b, struct breaker_seat *seat,
	     const struct breaker_failure *failure)
{
	bool lost;

	(void)pthread_mutex_lock(&b->lock);
	lost = breaker_note(b, seat, failure);
	(void)pthread_mutex_unlock(&b->lock);
	return lost;
}

bool
breaker_succeed(struct breaker *b, struct breaker_seat *seat, int64_t now_ms,
		int64_t *doubt_ms)
{
	bool back = seat->probing;

	if (!back && breaker_trusts(b, seat))
		return false;
	(void)pthread_mutex_lock(&b->lock);
	seat->epoch = atomic_load(&b->epoch);
	*doubt_ms = now_ms - b->since_ms;
	if (back) {
		b->doubtful = false;
		b->probing = false;
		b->wait_ms = 0;
	}
	(void)pthread_mutex_unlock(&b->lock);
	seat->probing = false;
	return back;
}

void
breaker_distrust(struct breaker *b, const struct breaker_seat *seat)
{
	(void)pthread_mutex_lock(&b->lock);
	if (breaker_trusts(b, seat))
		atomic_store(&b->epoch, seat->epoch + 1);
	(void)pthread_mutex_unlock(&b->lock);
}
