/* SPDX-License-Identifier: MIT */
/*
 * Upgrade: another program takes over without an interruption. It is started
 * with our listening sockets and reports that it serves; then this process
 * drains. The two hold the ends of a socket pair: the successor writes a byte
 * when it is ready, and sees the end of the stream when the predecessor has let
 * go. Used by the main thread only.
 */
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include "base/base.h"

#include <sys/types.h>

struct err;
struct listeners;
struct notifier;

/* The program to start: our own command, found by the name that it was started
 * by, because another file may have that name by now. */
struct program {
	char path[4096]; /* absolute; empty: it could not be found out */
	char *const *argv;
};

void program_init(struct program *p, char *const *argv);

struct upgrade {
	pid_t successor; /* its process id; 0: none */
	bool given_up; /* it was told to end, and is still to be reaped */
	int to_successor; /* -1: there is none, or it has taken over */
	int to_predecessor; /* -1: there is none, or it has let go */
};

enum upgrade_state {
	UPGRADE_NONE, /* no upgrade is under way */
	UPGRADE_WAITING, /* the successor has not reported yet */
	UPGRADE_FAILED, /* reported once; *err has the reason */
	UPGRADE_READY /* the successor serves; stays until upgrade_let_go() */
};

/* Takes the end of the pair to a predecessor out of the environment. */
void upgrade_init(struct upgrade *u);

/* Starts the successor. Fails if one is being started, or if the predecessor of
 * this process still runs. */
int upgrade_begin(struct upgrade *u, const struct program *program,
		  const struct listeners *listeners,
		  const struct notifier *notifier, struct err *err) MUST_USE;

/* Returns the state of the upgrade without waiting. */
enum upgrade_state upgrade_poll(struct upgrade *u, struct err *err) MUST_USE;

/* Tells the successor to end, the second time by SIGKILL; upgrade_poll()
 * reports when it has ended. The pair stays open until then: if the successor
 * saw it closed, it would take over, and remove our sockets at its end. */
void upgrade_give_up(struct upgrade *u);

/* Tells the successor that the predecessor has let go and that it owns
 * everything now. */
void upgrade_let_go(struct upgrade *u);

/* Called by the successor: reports that it serves. */
int upgrade_tell_ready(const struct upgrade *u, struct err *err) MUST_USE;

/* Called by the successor: returns true once, when the predecessor has let
 * go. */
bool upgrade_has_taken_over(struct upgrade *u) MUST_USE;

#endif
