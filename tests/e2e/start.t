# SPDX-License-Identifier: MIT
# The start of the service: a store that comes late, a signal that comes early.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();
use Test::More;

subtest 'a store that comes late' => sub {
	my $why = FCGIAuth::Store::missing('redis');
	plan(skip_all => $why) if $why;
	my $d = FCGIAuth::Daemon->new(store => 'redis')->add_user('alice');
	my ($ready, $page);

	$d->store->away;
	$d->start;
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 503,
	    'is missed at first');
	is(login($d, 'alice', $PASSWORD)->{status}, 503, '  by logins too');
	$d->store->back;
	my $lies = 0;
	ok(wait_for(10, sub {
		$ready = $d->ask(REQUEST_URI => '/auth/ready')->{status};
		$page = $d->ask(REQUEST_URI => '/auth/login')->{status};
		$lies++ if $ready == 200 && $page != 200;
		return $ready == 200 && $page == 200;
	}), 'is found, and used');
	is($lies, 0, '  and is not said to be ready before');
	is(login($d, 'alice', $PASSWORD)->{status}, 200, '  for logins too');
	$d->stop_ok;
};

# It stops at its first message, as standard error is full: there it has only
# begun.
subtest 'signals during the start' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { nonsense => 1 } });

	for my $signal (qw(HUP TERM INT)) {
		pipe my $read, my $write or die $!;
		my $flags = fcntl $write, F_GETFL, 0;
		fcntl $write, F_SETFL, $flags | O_NONBLOCK or die $!;
		1 while syswrite $write, 'x' x 4096;
		1 while syswrite $write, 'x';
		fcntl $write, F_SETFL, $flags or die $!;
		my $pid = spawn('fcgiauthd', '/dev/null', sub {
			open STDERR, '>&', $write or POSIX::_exit(126);
			exec bin('fcgiauthd'), '-c', $d->{file};
		});
		# HUP, INT, TERM and USR2, and no more: it is past what fork() does.
		ok(wait_for(10, sub {
			slurp("/proc/$pid/status") =~ /^SigBlk:\s*0*4803$/m;
		}), "SIG$signal comes before it is of use");
		kill $signal, $pid;
		close $write;
		1 while sysread $read, my $bytes, 65536;
		my $status = reap($pid, 15);
		is($status, 1 << 8, "SIG$signal waits until it is of use");
	}
};

done_testing;
