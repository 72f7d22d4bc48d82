# SPDX-License-Identifier: MIT
# Simultaneous operations: several administrators change one user, several
# clients guess one password, and checks at the end of a session.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep);

subtest 'several administrators change one user' => sub {
	my $d = FCGIAuth::Daemon->new->add_user('alice')->start;
	my ($undone, $old, $stale, $refused) = (0, 0, 0, 0);
	my $now = $PASSWORD;
	my $set = sub {
		my $bad = 0;
		for my $i (1 .. 6) {
			my ($code, undef, $why) = $d->ctl('user', 'set',
			    'alice', '--email', "a$i\@example.com");
			$bad++ if $code != 0 && $why !~ /keeps changing/;
		}
		return $bad;
	};

	for my $i (1 .. 6) {
		my $new = "a quite different password $i";
		my @codes = at_once($set, $set, $set, sub {
			sleep 0.01;
			return ($d->ctl('user', 'disable', 'alice'))[0];
		});
		my (undef, $shown) = $d->ctl('user', 'show', 'alice');
		$undone++ unless $shown =~ /^state\s+disabled/m;
		$refused += $_ for @codes;
		$d->ctl('user', 'enable', 'alice');

		@codes = at_once($set, $set, $set, sub {
			return ($d->ctl(\"$new\n", 'user', 'passwd', 'alice',
				'--password-stdin'))[0];
		});
		$refused += $_ for @codes;
		$old++ if login($d, 'alice', $now)->{status} == 200;
		$now = $new;
		my $cookie = cookie_of(login($d, 'alice', $now));

		at_once(map {
			my $role = $_;
			sub { ($d->ctl('user', 'set', 'alice', '--role',
				    $role))[0] }
		} qw(r1 r2 r3 r4));
		my ($live) = header_values($d->check(HTTP_COOKIE => $cookie),
		    'Remote-Groups');
		(undef, $shown) = $d->ctl('user', 'show', 'alice');
		$stale++ unless $shown =~ /^roles\s+\Q$live\E$/m;
	}
	is($refused, 0, 'no change is refused');
	is($undone, 0, 'a disabled user stays disabled');
	is($old, 0, 'the old password is refused');
	is($stale, 0, 'sessions have the roles of the user');
	$d->stop_ok;
};

subtest 'simultaneous guesses of a password' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 64 },
	    limits => { login_attempts => 5, hash_slots => 32 } })
	    ->add_user('alice')->start;
	my @status = at_once(map {
		my $i = $_;
		sub { login($d, 'alice', "guess $i",
			REMOTE_ADDR => "10.0.0.$i")->{status} }
	} 1 .. 60);
	is((grep { $_ == 401 } @status), 5,
	    'only the allowed number of guesses is evaluated');
	is(count($d->log_text, ' audit ban '), 1, 'the ban is logged once');
	$d->stop_ok;
};

subtest 'the end of an idle session' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { session =>
	    { idle_timeout => '1s' } })->add_user('alice')->start;
	my $revived = 0;

	for (1 .. 6) {
		my $cookie = logged_in($d, 'alice');
		sleep 0.9;
		my $seen = join '', map {
			sleep 0.05;
			$d->check(HTTP_COOKIE => $cookie)->{status} == 204
			    ? 'y' : 'n';
		} 1 .. 12;
		$revived++ if $seen =~ /ny/;
	}
	is($revived, 0, 'a session that has ended stays ended');
	$d->stop_ok;
};

done_testing;
