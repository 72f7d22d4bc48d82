/* SPDX-License-Identifier: MIT */
/*
 * Runs libfcgi between two buffers. The linker directs its calls of OS_Read,
 * OS_Write and OS_IpcClose to the __wrap_ functions below (-Wl,--wrap=...).
 */
#include "server/fcgi.h"

#include <assert.h>
#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

/* The number that libfcgi takes for a connection; it is never a descriptor. */
#define NO_SOCKET INT_MAX

struct fcgi {
	FCGX_Request request;
	const char *in; /* the bytes that are left to be read */
	size_t n;
	struct buf *out;
	char *read; /* libfcgi's own buffer, until it is freed */
	size_t nread;
};

/*
 * The wrapped functions are given a descriptor and nothing else; they find
 * their decoder here. Set only while this thread is inside a call of libfcgi.
 * This is the one mutable static of the program.
 */
static _Thread_local struct fcgi *current;

/* Not static: the linker refers to these functions by name. */
int __wrap_OS_Read(int fd, char *bytes, size_t n);
int __wrap_OS_Write(int fd, char *bytes, size_t n);
int __wrap_OS_IpcClose(int fd, int shutdown);

int
__wrap_OS_Read(int fd, char *bytes, size_t n)
{
	size_t take;

	assert(current != NULL && fd == NO_SOCKET);
	take = n < current->n ? n : current->n;
	if (take > 0)
		memcpy(bytes, current->in, take);
	/* libfcgi has one buffer, and fills it from the beginning. */
	current->read = bytes;
	if (take > current->nread)
		current->nread = take;
	current->in += take;
	current->n -= take;
	return (int)take;
}

int
__wrap_OS_Write(int fd, char *bytes, size_t n)
{
	assert(current != NULL && fd == NO_SOCKET);
	if (current->out != NULL)
		buf_add(current->out, (struct str){ .p = bytes, .n = n });
	secret_wipe(bytes, n); /* it may contain a token */
	if (current->out == NULL || buf_failed(current->out)) {
		errno = EPIPE;
		return -1;
	}
	return (int)n;
}

int
__wrap_OS_IpcClose(int fd, int shutdown)
{
	(void)fd;
	(void)shutdown;
	return 0;
}

int
fcgi_init(void)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction before[ARRAY_LEN(signals)];
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (sigaction(signals[i], NULL, &before[i]) < 0)
			return -1;
	}
	failed = FCGX_Init();
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (sigaction(signals[i], &before[i], NULL) < 0)
			return -1;
	}
	return failed != 0 ? -1 : 0;
}

struct fcgi *
fcgi_new(void)
{
	struct fcgi *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	/* There is no listening socket: where libfcgi would call accept(), it
	 * fails. */
	if (FCGX_InitRequest(&f->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		free(f);
		return NULL;
	}
	f->request.ipcFd = -1;
	return f;
}

/* Forgets pointers to memory that libfcgi has freed or is going to free. */
static void
forget(struct fcgi *f)
{
	f->read = NULL;
	f->nread = 0;
	f->request.envp = NULL;
}

/* Wipes the buffers before libfcgi frees them: passwords and cookies pass
 * through them. */
static void
wipe(struct fcgi *f)
{
	if (f->read != NULL)
		secret_wipe(f->read, f->nread);
	for (char **p = f->request.envp; p != NULL && *p != NULL; p++)
		secret_wipe(*p, strlen(*p));
	forget(f);
}

void
fcgi_abort(struct fcgi *f)
{
	wipe(f);
	FCGX_Free(&f->request, 1);
	f->request.ipcFd = -1;
	f->request.keepConnection = 0;
}

void
fcgi_free(struct fcgi *f)
{
	if (f == NULL)
		return;
	fcgi_abort(f);
	free(f);
}

static int
accept_from_memory(struct fcgi *f, const char *bytes, size_t n)
{
	int rc;

	f->in = bytes;
	f->n = n;
	f->request.ipcFd = NO_SOCKET;
	/* Without this, FCGX_Accept_r begins by closing the connection. */
	f->request.keepConnection = 1;
	current = f;
	rc = FCGX_Accept_r(&f->request);
	current = NULL;
	/* FCGX_Accept_r also returns 0 when the parameters are truncated. */
	return rc == 0 && FCGX_GetError(f->request.in) == 0 ? 0 : -1;
}

/* An AUTHORIZER has no STDIN: reading would block. */
static int
read_body(struct fcgi *f, size_t max, struct arena *a, struct str *out)
{
	char *body;
	int n;

	if (f->request.role != FCGI_RESPONDER) {
		*out = STR("");
		return 0;
	}
	body = arena_alloc(a, max);
	if (body == NULL)
		return -1;
	current = f;
	n = FCGX_GetStr(body, (int)max, f->request.in);
	current = NULL;
	if (n < 0 || FCGX_GetError(f->request.in) != 0)
		return -1;
	*out = (struct str){ .p = body, .n = (size_t)n };
	return 0;
}

static int
read_params(struct fcgi *f, struct arena *a, struct message *out)
{
	struct param *params;
	size_t n = 0;

	while (f->request.envp[n] != NULL)
		n++;
	params = arena_array(a, n, sizeof(*params));
	if (params == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct str pair = str_from(f->request.envp[i]);
		size_t name = str_find(pair, '=');

		params[i].name = (struct str){ .p = pair.p, .n = name };
		params[i].value = str_skip(pair, name + 1);
	}
	out->params = params;
	out->nparams = n;
	return 0;
}

int
fcgi_decode(struct fcgi *f, char *bytes, size_t n, struct arena *a,
	    struct message *out, struct err *err)
{
	struct message m = { .params = NULL };

	if (n > INT_MAX)
		return err_set(err, ERR_LIMIT, "the request is too long");
	if (accept_from_memory(f, bytes, n) < 0) {
		forget(f);
		fcgi_abort(f);
		return err_set(err, ERR_INTERNAL,
			       "libfcgi rejected a checked request");
	}
	if (read_params(f, a, &m) < 0 || read_body(f, n, a, &m.body) < 0) {
		fcgi_abort(f);
		return err_nomem(err);
	}
	m.authorizer = f->request.role == FCGI_AUTHORIZER;
	*out = m;
	return 0;
}

int
fcgi_answer(struct fcgi *f, struct str answer, struct buf *out, struct err *err)
{
	bool whole = false;

	/* lighttpd takes an empty answer for "allowed": none is ever sent. */
	if (answer.n == 0 || answer.n > INT_MAX) {
		fcgi_abort(f);
		return err_set(err, ERR_INTERNAL, "there is no answer to send");
	}
	f->out = out;
	/* The loop decides whether the connection is kept, by the peer's flag.
	 * Here, closing would only mean an error. */
	f->request.keepConnection = 1;
	current = f;
	if (FCGX_PutStr(answer.p, (int)answer.n, f->request.out) >= 0) {
		wipe(f);
		FCGX_Finish_r(&f->request);
		whole = f->request.ipcFd == NO_SOCKET;
	}
	current = NULL;
	f->out = NULL;
	if (!whole) {
		fcgi_abort(f);
		return err_set(err, ERR_LIMIT,
			       "libfcgi did not frame the answer");
	}
	f->request.ipcFd = -1;
	f->request.keepConnection = 0;
	return 0;
}
