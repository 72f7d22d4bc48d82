/* SPDX-License-Identifier: MIT */
/*
 * Another program takes over without a break: it is started with our
 * listening sockets, says that it serves, we drain.  The two hold the ends of
 * a socket pair: the successor writes a byte when it is ready, and sees the
 * end of the stream when we have let go.  For the main thread.
 */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include "base/base.h"

#include <sys/types.h>

struct err;
struct listeners;
struct notifier;

/* What to start: our own command, by the name it was started by, because
 * another file may have that name by now. */
struct program {
	char path[4096]; /* absolute, or empty: could not be found out */
	char *const *argv;
};

void program_init(struct program *p, char *const *argv);

struct upgrade {
	pid_t successor; /* 0: none */
	bool given_up; /* told to end, and to be reaped */
	int to_successor; /* -1: there is none, or all is its own now */
	int to_predecessor; /* -1: there is none, or none any more */
};

enum upgrade_state {
	UPGRADE_NONE,	 /* nothing is under way */
	UPGRADE_WAITING, /* no word from the successor yet */
	UPGRADE_FAILED,	 /* reported once; *err says why */
	UPGRADE_READY	 /* until we let go */
};

/* Takes the predecessor's end out of the environment. */
void upgrade_init(struct upgrade *u);

/* Starts the successor, unless one is at it or we are not alone yet. */
int upgrade_begin(struct upgrade *u, const struct program *program,
		  const struct listeners *listeners,
		  const struct notifier *notifier, struct err *err) MUST_USE;

/* How it stands; does not wait. */
enum upgrade_state upgrade_look(struct upgrade *u,
				struct err *err) MUST_USE;

/* Tells the successor to end, the second time with SIGKILL; upgrade_look()
 * says when it has.  It must not see us let go meanwhile: it would take over,
 * and remove our sockets at its end. */
void upgrade_give_up(struct upgrade *u);

/* Lets the successor know that all is its own now. */
void upgrade_let_go(struct upgrade *u);

/* The successor: we serve. */
int upgrade_tell_ready(const struct upgrade *u, struct err *err) MUST_USE;

/* The successor: true once, when the predecessor has let go. */
bool upgrade_has_taken_over(struct upgrade *u) MUST_USE;

#endif
