/* SPDX-License-Identifier: MIT */
/* Passwords from the terminal without echo, or from stdin. */
#include "ctl/prompt.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct password {
	/* one byte more than allowed, and a newline */
	char text[PASSWORD_MAX_BYTES + 2];
	size_t n;
};

/* A terminal without echo, and the descriptor from which signals are read. */
struct terminal {
	int fd, signals;
	struct termios before;
	sigset_t mask_before;
};

static struct str
password_str(const struct password *p)
{
	return (struct str){ .p = p->text, .n = p->n };
}

/*
 * Reads the bytes that are there. Returns true when the line has ended: by a
 * newline, the end of the input, a full buffer or an error. After an error the
 * line is empty.
 */
static bool
read_some(int fd, struct password *p)
{
	ssize_t got = read(fd, p->text + p->n, sizeof(p->text) - p->n);
	char *newline;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (got < 0)
		p->n = 0;
	if (got <= 0)
		return true;
	p->n += (size_t)got;
	newline = memchr(p->text, '\n', p->n);
	if (newline != NULL)
		p->n = (size_t)(newline - p->text);
	return newline != NULL || p->n == sizeof(p->text);
}

static void
say_to(int fd, const char *text)
{
	/* A prompt that cannot be written needs no handling: the user cannot
	 * answer it. */
	if (write(fd, text, strlen(text)) < 0)
		return;
}

/*
 * Signals go to a descriptor while the echo is off, so that none ends the
 * program meanwhile; a stop (^Z) waits until the echo is back.
 */
static int
terminal_open(struct terminal *t, struct err *err)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct termios quiet;
	sigset_t set;

	t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0) {
		if (t->fd >= 0)
			(void)close(t->fd);
		return err_set(err, ERR_INPUT,
			       "there is no terminal to ask for the password");
	}
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		(void)sigaddset(&set, ending[i]);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0) {
		(void)close(t->fd);
		return err_set(err, ERR_INTERNAL, "signalfd: %s",
			       strerror(errno));
	}
	(void)sigaddset(&set, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &set, &t->mask_before);
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	/* FLUSH: drops what was typed before, as the screen has shown it. */
	if (tcsetattr(t->fd, TCSAFLUSH, &quiet) != 0) {
		(void)sigprocmask(SIG_SETMASK, &t->mask_before, NULL);
		(void)close(t->signals);
		(void)close(t->fd);
		return err_set(err, ERR_INTERNAL,
			       "the echo of the terminal cannot be turned off");
	}
	return 0;
}

/* FLUSH: the rest of a line that is too long must not reach the shell. */
static void
terminal_close(struct terminal *t, int signal)
{
	(void)tcsetattr(t->fd, TCSAFLUSH, &t->before);
	(void)close(t->signals);
	(void)close(t->fd);
	if (signal != 0)
		(void)raise(signal); /* handled when the old mask is back */
	(void)sigprocmask(SIG_SETMASK, &t->mask_before, NULL);
}

/* Returns the number of the signal that came instead of a line, or 0. */
static int
prompt_ask(const struct terminal *t, const char *prompt, struct password *out)
{
	struct pollfd fds[] = {
		{ .fd = t->signals, .events = POLLIN },
		{ .fd = t->fd, .events = POLLIN },
	};
	struct signalfd_siginfo info = { .ssi_signo = SIGTERM };
	bool done = false;

	say_to(t->fd, prompt);
	while (!done && fds[0].revents == 0) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents == 0 && fds[1].revents != 0)
			done = read_some(t->fd, out);
	}
	say_to(t->fd, "\n");
	if (done)
		return 0;
	if (read(t->signals, &info, sizeof(info)) < 0)
		info.ssi_signo = SIGTERM;
	return (int)info.ssi_signo;
}

static enum ctl_exit
from_terminal(const struct ctl *c, struct password *out)
{
	struct password again = { .n = 0 };
	bool equal, twice;
	struct terminal t;
	struct err err;
	int signal;

	if (terminal_open(&t, &err) != 0)
		return ctl_usage(c, "%s, and --password-stdin is not given",
				 err.msg);
	signal = prompt_ask(&t, "New password: ", out);
	/* A password that is empty or too long is refused without a second
	 * prompt. */
	twice = out->n > 0 && out->n <= PASSWORD_MAX_BYTES;
	if (signal == 0 && twice)
		signal = prompt_ask(&t, "New password again: ", &again);
	equal = secret_equal(password_str(out), password_str(&again));
	secret_wipe(&again, sizeof(again));
	if (signal != 0)
		secret_wipe(out, sizeof(*out));
	terminal_close(&t, signal);
	if (signal != 0)
		return ctl_refuse("interrupted; nothing was changed");
	if (twice && !equal)
		return ctl_refuse("the two passwords differ; nothing was "
				  "changed");
	return CTL_DONE;
}

static void
from_stdin(struct password *out)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct str line;

	/* Another program may have left stdin non-blocking. */
	while (!read_some(STDIN_FILENO, out))
		(void)poll(&in, 1, -1);
	/* Files of Windows may begin with a BOM and end lines with CR; nobody
	 * types these. */
	line = str_skip_bom(password_str(out));
	if (str_ends(line, STR("\r")))
		line.n--;
	memmove(out->text, line.p, line.n);
	out->n = line.n;
}

static enum ctl_exit
check_and_hash(const struct password_policy *policy, struct str password,
	       char hash[PASSWORD_HASH_MAX])
{
	const struct password_verdict verdict =
	    password_check(password, policy);
	char buf[PASSWORD_REFUSAL_MAX];
	const char *refusal = password.n == 0 ?
				  "The password is empty." :
				  password_refusal(&verdict, policy, buf);
	struct err err;

	if (refusal != NULL)
		return ctl_refuse("refused: %s", refusal);
	if (password_hash(password, hash, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

enum ctl_exit
prompt_new_password(struct ctl *c, const struct identity *who,
		    char hash[PASSWORD_HASH_MAX])
{
	struct password_policy policy = {
		.min_length = c->settings.password.min_length,
		.user = who->name,
		.email = who->email,
	};
	struct password password = { .n = 0 };
	enum ctl_exit status = CTL_DONE;
	struct err err;

	if (ctl_blocklist(c, &policy.blocklist, &err) != 0)
		return ctl_refuse("password.blocklist: %s", err.msg);
	if (ctl_given(c, FLAG_PASSWORD_STDIN))
		from_stdin(&password);
	else
		status = from_terminal(c, &password);
	if (status == CTL_DONE)
		status = check_and_hash(&policy, password_str(&password), hash);
	secret_wipe(&password, sizeof(password));
	return status;
}
