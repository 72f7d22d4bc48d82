# SPDX-License-Identifier: MIT
# Who asks too much, or says nothing, does not keep others out.
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

# Right passwords, so that no ban helps, from eight networks and from one
# account at a time; it goes on until the others are done.
subtest 'a flood of logins' => sub {
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
	ok(wait_for(60, sub { $theirs->() >= 24 }), 'it has begun');
	my $before = $theirs->();
	my @got = map { login($d, 'alice', $PASSWORD,
		REMOTE_ADDR => '192.0.2.7')->{status} } 1 .. 10;
	my $meanwhile = $theirs->() - $before;
	my @checks = map { $d->check(HTTP_COOKIE => $cookie,
		timeout => 30)->{status} } 1 .. 50;
	POSIX::close(POSIX::creat($enough, 0600));
	cmp_ok((grep { $_ == 200 } @got), '>=', 9,
	    "gives others their turn (@got)");
	# All 24 for each of hers when they are served as they come.
	cmp_ok($meanwhile, '<', 80, '  before most of it');
	is((grep { $_ == 204 } @checks), 50, 'and checks do not wait at all');
	cmp_ok($_->(), '>', 0, 'and is answered') for @flood;
	$d->stop_ok;
};

subtest 'peers that say nothing' => sub {
	plan(skip_all => 'no prlimit here') unless in_path('prlimit');
	my $d = FCGIAuth::Daemon->new;
	local $ENV{FCGIAUTH_WRAP} = 'prlimit --nofile=64:64';
	$d->start;
	my @silent = map { IO::Socket::UNIX->new(Peer => $d->{socket}) }
	    1 .. 100;
	# Less than the time after which a silent one is closed anyway.
	my $answer = $d->ask(REQUEST_URI => '/auth/health', timeout => 8);
	is($answer && $answer->{status}, 200, 'do not keep others out');
	@silent = ();
	$d->stop_ok;
};

# Nobody can write to the database, as when another process does: the lock of
# SQLite's WAL format, 2.3.
subtest 'probes while the store is busy' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 8 } })
	    ->add_user('alice')->start;
	my $cookie = logged_in($d, 'alice');

	open my $shm, '+<', $d->dir . '/fcgiauth.db-shm' or die $!;
	my $lock = pack 's s x![q] q q i x![q]', F_WRLCK, SEEK_SET, 120, 1, 0;
	ok(wait_for(10, sub { fcntl $shm, F_SETLK, $lock }),
	    'the store is locked');
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
		is($answer->{status}, 204, 'a check is answered');
	}
	my @answered = map { $_->() } @probes;
	cmp_ok($_, '>', 0, 'the probes too') for @answered;
	# One of them asks the store, for which it waits: the others do not.
	cmp_ok(sum(@answered), '>', 2 * count($d->log_text, ' not_ready '),
	    '  few of which hold a worker');
	close $shm;
	$d->stop_ok;
};

subtest 'a peer without the secret' => sub {
	my $secret = 'x' x 32;
	my $d = FCGIAuth::Daemon->new(conf => { server =>
	    { peer_secret => $secret } })->start;

	is($d->ask(REQUEST_URI => $_)->{status}, 403, "403 for $_")
	    for '/%2f', '/auth/login', '/auth/health', '/x';
	$d->ask(REQUEST_URI => '/x') for 1 .. 200;
	cmp_ok(count($d->log_text, 'peer_refused'), '<', 20,
	    'does not fill the log');
	$d->stop_ok;
};

done_testing;
