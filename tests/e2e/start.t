# SPDX-License-Identifier: MIT
# The start of the service: the store may be unreachable, and signals may arrive
# early.
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

subtest 'a store that is unreachable at the start' => sub {
	my $why = FCGIAuth::Store::missing('redis');
	plan(skip_all => $why) if $why;
	my $d = FCGIAuth::Daemon->new(store => 'redis')->add_user('alice');
	my ($ready, $page);

	$d->store->away;
	$d->start;
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 503,
	    '/auth/ready answers 503 while the store is unreachable');
	is(login($d, 'alice', $PASSWORD)->{status}, 503,
	    'a sign-in gets 503 while the store is unreachable');
	$d->store->back;
	my $lies = 0;
	ok(wait_for(10, sub {
		$ready = $d->ask(REQUEST_URI => '/auth/ready')->{status};
		$page = $d->ask(REQUEST_URI => '/auth/login')->{status};
		$lies++ if $ready == 200 && $page != 200;
		return $ready == 200 && $page == 200;
	}), 'the service is ready when the store is back');
	is($lies, 0, 'the service is not called ready before its pages work');
	is(login($d, 'alice', $PASSWORD)->{status}, 200,
	    'a sign-in succeeds when the store is back');
	$d->stop_ok;
};

# The daemon stops at its first message, because the pipe of standard error is
# full. The signal therefore arrives during the start.
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
		# Only HUP, INT, TERM and USR2 are blocked: the child has passed
		# fork().
		ok(wait_for(10, sub {
			slurp("/proc/$pid/status") =~ /^SigBlk:\s*0*4803$/m;
		}), "SIG$signal arrives while it is blocked");
		kill $signal, $pid;
		close $write;
		1 while sysread $read, my $bytes, 65536;
		my $status = reap($pid, 15);
		is($status, 1 << 8, "SIG$signal does not end the start");
	}
};

done_testing;
