# SPDX-License-Identifier: MIT
# Clients that send too many requests, or none, do not keep others out.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use IO::Socket::UNIX;
use List::Util qw(sum);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

# The flood uses correct passwords, so that no ban stops it. It comes from eight
# networks and four accounts, and lasts until the other requests are done.
subtest 'a flood of sign-ins' => sub {
	my @accounts = map { "mallory$_" } 1 .. 4;
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 4 },
	    limits => { hash_slots => 1 } })->add_user('alice');
	$d->add_user($_) for @accounts;
	$d->start;
	my $cookie = logged_in($d, 'alice');
	my $enough = $d->dir . '/enough';
	my @flood = map {
		my $i = $_;
		child_code(sub {
			my $n = 0;
			until (-e $enough) {
				login($d, $accounts[$i % 4], $PASSWORD,
				    REMOTE_ADDR => '2001:db8:' . $i % 8 .
				    ":$n\::1");
				$n++;
			}
			return $n;
		})
	} 1 .. 24;
	my $theirs = sub { count($d->log_text, 'audit login .*mallory') };
	ok(wait_for(60, sub { $theirs->() >= 24 }), 'the flood has begun');
	my $before = $theirs->();
	my @got = map { login($d, 'alice', $PASSWORD,
		REMOTE_ADDR => '192.0.2.7')->{status} } 1 .. 10;
	my $meanwhile = $theirs->() - $before;
	my @checks = map { $d->check(HTTP_COOKIE => $cookie,
		timeout => 30)->{status} } 1 .. 50;
	POSIX::close(POSIX::creat($enough, 0600));
	cmp_ok((grep { $_ == 200 } @got), '>=', 9,
	    "alice can sign in during the flood (@got)");
	# In order of arrival, all 24 would be served before each sign-in of
	# alice.
	cmp_ok($meanwhile, '<', 80,
	    'the sign-ins of alice wait for only a part of the flood');
	is((grep { $_ == 204 } @checks), 50,
	    'all checks are answered during the flood');
	cmp_ok($_->(), '>', 0,
	    'each client of the flood is answered') for @flood;
	$d->stop_ok;
};

subtest 'peers that send nothing' => sub {
	plan(skip_all => 'no prlimit here') unless in_path('prlimit');
	my $d = FCGIAuth::Daemon->new;
	local $ENV{FCGIAUTH_WRAP} = 'prlimit --nofile=64:64';
	$d->start;
	my @silent = map { IO::Socket::UNIX->new(Peer => $d->{socket}) }
	    1 .. 100;
	# This limit is shorter than the time after which the service closes a
	# silent connection.
	my $answer = $d->ask(REQUEST_URI => '/auth/health', timeout => 8);
	is($answer && $answer->{status}, 200,
	    'a request is answered while 100 peers are silent');
	@silent = ();
	$d->stop_ok;
};

# The test holds the write lock of the database (section 2.3 of SQLite's WAL
# format), like another process that writes.
subtest 'probes while the store is busy' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 8 } })
	    ->add_user('alice')->start;
	my $cookie = logged_in($d, 'alice');

	open my $shm, '+<', $d->dir . '/fcgiauth.db-shm' or die $!;
	my $lock = pack 's s x![q] q q i x![q]', F_WRLCK, SEEK_SET, 120, 1, 0;
	ok(wait_for(10, sub { fcntl $shm, F_SETLK, $lock }),
	    'the test holds the write lock');
	my $end = time + 5;
	my @probes = map {
		child_code(sub {
			my $n = 0;
			while (time < $end) {
				$d->ask(REQUEST_URI => '/auth/ready',
				    timeout => 30);
				$n++;
			}
			return $n;
		})
	} 1 .. 16;
	sleep 0.5;
	for (1 .. 5) {
		my $answer = $d->check(HTTP_COOKIE => $cookie,
		    timeout => 30);
		is($answer->{status}, 204,
		    'a check is answered during the probes');
	}
	my @answered = map { $_->() } @probes;
	cmp_ok($_, '>', 0, 'the probes are answered') for @answered;
	# One of the probes asks the store and waits for it. The others do not
	# wait.
	cmp_ok(sum(@answered), '>', 2 * count($d->log_text, ' not_ready '),
	    'less than half of the probes wait for the store');
	close $shm;
	$d->stop_ok;
};

subtest 'a peer without the secret' => sub {
	my $secret = 'x' x 32;
	my $d = FCGIAuth::Daemon->new(conf => { server =>
	    { peer_secret => $secret } })->start;

	is($d->ask(REQUEST_URI => $_)->{status}, 403,
	    "a peer without the secret gets 403 for $_")
	    for '/%2f', '/auth/login', '/auth/health', '/x';
	$d->ask(REQUEST_URI => '/x') for 1 .. 200;
	cmp_ok(count($d->log_text, 'peer_refused'), '<', 20,
	    'the log has few lines about the refused peer');
	$d->stop_ok;
};

done_testing;
