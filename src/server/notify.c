/* SPDX-License-Identifier: MIT */
/* Datagrams to the service manager. */
#include "server/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define PATIENCE 2 /* seconds */

static int64_t
watchdog_ms(void)
{
	struct str usec = str_from(getenv("WATCHDOG_USEC"));
	struct str pid = str_from(getenv("WATCHDOG_PID"));
	int64_t us, who;

	if (!str_to_uint(usec, INT64_MAX, &us))
		return 0;
	/* Without WATCHDOG_PID, the variable is meant for any process that
	 * reads it. */
	if (pid.n > 0 &&
	    (!str_to_uint(pid, INT32_MAX, &who) || who != getpid()))
		return 0;
	return us / 1000;
}

/* Sending waits while the service manager is busy, but only for a limited time,
 * so that one that hangs does not block the service. */
static int
open_socket(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
				 sizeof(patience)); /* cannot fail */
	return fd;
}

void
notify_init(struct notifier *n)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
					     "WATCHDOG_PID" };
	struct str name = str_from(getenv("NOTIFY_SOCKET"));

	*n = (struct notifier){ .fd = -1, .watchdog_ms = watchdog_ms() };
	if (name.n > 1 && name.n < sizeof(n->socket) &&
	    (name.p[0] == '/' || name.p[0] == '@')) {
		memcpy(n->socket, name.p, name.n);
		/* Opened now: later there may be no descriptor left. */
		n->fd = open_socket();
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]); /* fails only on a bad name */
}

void
notify_close(struct notifier *n)
{
	if (n->fd >= 0)
		(void)close(n->fd); /* nothing is buffered */
	n->fd = -1;
}

static socklen_t
fill_address(const char *name, struct sockaddr_un *un)
{
	size_t n = strlen(name);

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(un->sun_path, name, n);
	/* An abstract name begins with a NUL and does not end with one. */
	if (name[0] == '@')
		un->sun_path[0] = '\0';
	else
		n++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

int
notify_send(const struct notifier *n, const char *lines, struct err *err)
{
	struct sockaddr_un un;
	socklen_t size;

	if (n->fd < 0)
		return 0;
	size = fill_address(n->socket, &un);
	if (sendto(n->fd, lines, strlen(lines), MSG_NOSIGNAL,
		   (const struct sockaddr *)&un, size) < 0)
		return err_set(err,
			       errno == EAGAIN ? ERR_BUSY : ERR_UNAVAILABLE,
			       "NOTIFY_SOCKET %s: %s", n->socket,
			       strerror(errno));
	return 0;
}

void
notify_print_environment(const struct notifier *n, struct buf *out)
{
	if (n->fd >= 0)
		buf_printf(out, "NOTIFY_SOCKET=%s%c", n->socket, '\0');
	if (n->watchdog_ms > 0)
		buf_printf(out, "WATCHDOG_USEC=%lld000%c",
			   (long long)n->watchdog_ms, '\0');
}
