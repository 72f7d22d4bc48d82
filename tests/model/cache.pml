/* SPDX-License-Identifier: MIT */
/*
 * A model of the cache and the change feed (src/auth/cache.c, src/server/feed.c)
 * for the model checker spin. README.md says what is in it and what is not. The
 * names are those of the code. Each step of a process is one atomic access of
 * the code to what threads share.
 */

#define HEARTBEAT 1
#define BOUND	  (2 * HEARTBEAT) /* the promise to be checked */
#ifdef OTHER_ENDS
#define TIME_MAX 3
#else
#define TIME_MAX 2
#endif
#define NEVER	  255

mtype = { DOUBT, FEED };

#ifdef TRUST_IGNORED
#define is_believed(mono) (true)
#else
#define is_believed(mono) (state == FEED && (mono) < until)
#endif
#ifdef STAMP_WRONG
#define is_newer(moment, stamp) ((moment) + 1 >= (stamp))
#else
#define is_newer(moment, stamp) ((moment) >= (stamp))
#endif

/* The store, and the connection of the feed to it. */
bool live = true; /* the session */
bool listening = false; /* the store sends changes to this process */
bool broken = false;
byte pending = 0; /* changes that are sent and not yet received */

/* The time of all. */
byte now = 0;

/* When another process was told that the session has ended, or NEVER. */
byte other_ended = NEVER;
bool own_ended = false; /* this process has answered that it has ended */

/* struct cache */
byte last = 0;
byte floor = 0;
byte stamp = 0; /* of the session */
mtype state = DOUBT;
byte until = 0;
bool present = false; /* there is an entry of the session */
byte entry_moment = 0;

/* Ends the session in the store, which sends a message to who listens. */
inline commit_end()
{
	atomic {
		live = false;
		if
		:: listening -> pending++
		:: else
		fi
	}
}

/* cache_change() with CHANGE_SESSION. */
inline change_session(n)
{
	atomic { last++; n = last };
	atomic {
		if
		:: stamp < n -> stamp = n
		:: else
		fi;
		n = 0 /* spin then finds fewer states */
	}
}

/* The same for a message of the feed, in one step. */
inline receive_change()
{
	atomic {
		pending > 0 ->
		pending--;
		last++;
		stamp = last
	}
}

/* cache_change() with CHANGE_ALL, in one step. */
inline change_all()
{
	atomic { last++; floor = last }
}

/* cache_set_trust() with CACHE_DOUBT. */
inline doubt()
{
	if
	:: state != DOUBT ->
		atomic { state = DOUBT; until = 0 };
		change_all()
	:: else
	fi
}

/* cache_set_trust() with CACHE_FEED. */
inline believe(end)
{
	if
	:: state != FEED ->
#ifndef NO_RAISE_AFTER_OPEN
		change_all()
#endif
	:: else
	fi;
	atomic { until = end; state = FEED }
}

active proctype clock()
{
	do
	:: now < TIME_MAX -> now++
	:: now == TIME_MAX -> break
	od
}

/* The network, or an administrator, ends the connection at some time or, if
 * this is the last step of all, never. */
#ifdef OTHER_ENDS
active proctype network()
{
	atomic {
		broken = true;
		listening = false;
		pending = 0
	}
}
#endif

#ifdef OTHER_ENDS
/* Another process ends the session, and is told so. */
active proctype other()
{
	commit_end();
	other_ended = now
}
#else

/* A request that ends the session here (strategy/store.c). */
active proctype own()
{
	byte n;

	commit_end();
#ifdef ANSWER_FIRST
	own_ended = true;
#endif
	change_session(n);
	own_ended = true
}
#endif

/* The thread of the feed (server/feed.c). */
active proctype feed()
{
	byte began, proven_until = 0;

open:
	atomic { broken = false; listening = true };
	proven_until = 0;
prove:
	began = now;
	do
	:: receive_change()
#ifdef PROOF_OVERTAKES
	:: pending > 0 && !broken -> break
#endif
	:: pending == 0 && !broken -> break
	:: broken -> goto lost
	od;
	if
	:: now >= proven_until -> doubt()
	:: else
	fi;
#ifdef UNTIL_FROM_END
	began = now;
#endif
	proven_until = began + 2 * HEARTBEAT;
	believe(proven_until);
	began = 0;
	/* receive_changes() */
	do
	:: receive_change()
	:: broken -> goto lost
	:: goto prove
	:: now == TIME_MAX -> goto end
	od;
lost:
	doubt();
	if
	:: goto open
	:: now == TIME_MAX
	fi;
end:
	skip
}

/*
 * A thread that answers checks of the session (auth/credential.c). It looks into
 * the cache in one step, and adds to it in one step: a change between two reads
 * of the same function could as well come before or after both.
 */
proctype checker(byte most)
{
	byte checks = 0, moment, began;
	bool own_before, pass;

	do
	:: checks < most ->
		atomic {
			checks++;
			moment = 0;
			began = now;
			own_before = own_ended
		};
		atomic { /* cache_find(), then cache_moment() */
			pass = is_believed(began) && present &&
			    entry_moment >= floor &&
			    is_newer(entry_moment, stamp);
			moment = last
		};
		if
		:: pass -> goto answer
		:: else
		fi;
		atomic { /* authenticate_again() */
			pass = live;
			/* Only the store refuses a session. */
			assert(pass || !live)
		};
#ifdef MOMENT_LATE
		moment = last;
#endif
		atomic { /* cache_add() */
			if
			:: pass && is_believed(began) ->
				present = true;
#ifdef ADDED_AS_NEW
				entry_moment = last
#else
				entry_moment = moment
#endif
			:: else
			fi
		};
answer:
		atomic {
			/* An end is final for each check that begins later. */
			assert(!(pass && own_before));
			assert(!(pass && other_ended != NEVER &&
			    began > other_ended + BOUND));
			pass = false;
			own_before = false;
			moment = 0;
			began = 0
		}
	:: checks == most -> break
	od
}

init
{
	atomic {
		run checker(2)
	}
}
