# SPDX-License-Identifier: MIT
# fcgiauthctl status asks the daemon for its state, and the store for who is
# signed in. The answer of the daemon needs the peer secret, if there is one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP qw(decode_json);
use Test::More;

# Nobody else can change a store in the memory of the daemon.
my $PROVEN = store_is('memory') ? 'local' : 'proven';

sub daemon {
	my (%conf) = @_;
	my $d = FCGIAuth::Daemon->new(conf => \%conf);
	$d->add_user('alice');
	$d->start;
	return $d;
}

sub state {
	my ($d) = @_;
	my ($code, $out, $err) = $d->ctl(qw(status --json));
	is($code, 0, 'status succeeds') or diag($err);
	return eval { decode_json($out) } || {};
}

sub feed_of { return state($_[0])->{cache}{feed} // '' }

sub check {
	my ($d, $cookie) = @_;
	return $d->check(HTTP_COOKIE => $cookie)->{status};
}

subtest 'hits and misses' => sub {
	my $d = daemon();
	ok(wait_for(10, sub { feed_of($d) eq $PROVEN }),
	    "the feed is $PROVEN");
	my $cookie = logged_in($d, 'alice');
	my $before = state($d)->{cache};
	is($before->{entries}, 0, 'no credential is in memory');
	is(check($d, $cookie), 204, "check $_ passes") for 1 .. 5;
	my $now = state($d)->{cache};
	is($now->{entries}, 1, 'one credential is in memory');
	is($now->{hits} - $before->{hits}, 4, 'four checks ask no store');
	my ($code, $text) = $d->ctl('status');
	is($code, 0, 'the text is printed');
	like($text, qr/^feed +\w/m, 'the text has the feed');
	like($text, qr/^cache +1 of at most 100000 credentials/m,
	    'the text has the cache');
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 200,
	    '/auth/ready answers 200');
	like($d->ask(REQUEST_URI => '/auth/ready')->{body},
	    qr/"feed":"$PROVEN"/, '/auth/ready names the state of the feed');
	$d->stop_ok;
};

subtest 'one screen' => sub {
	my $d = daemon(limits => { login_attempts => 2 });
	my $memory = store_is('memory');
	my $started = time;
	my $cookie = logged_in($d, 'alice');
	logged_in($d, 'alice');
	login($d, 'alice', 'wrong');
	check($d, $_) for $cookie, $cookie, "$cookie-not";

	my $is = state($d);
	is($is->{address}, $d->address, 'the state names the instance');
	cmp_ok(abs($is->{started} - $started), '<', 60, 'and when it started');
	is_deeply($is->{down}, [], 'nothing is down');
	is_deeply($is->{signed_in}, $memory ? undef :
	    { sessions => 2, users => 1 }, 'who is signed in');
	is($is->{bans}, $memory ? undef : 0, 'bans in force');
	for my $span (qw(recent total)) {
		my $n = $is->{$span};
		is_deeply($n->{logins}, { success => 2, failure => 1,
		    banned => 0, busy => 0, unavailable => 0 },
		    "$span: sign-ins");
		is($n->{checks}{allowed}, 2, "$span: checks allowed");
		is($n->{checks}{401}, 1, "$span: checks refused");
		is($n->{refreshes}{renewed}, 0, "$span: refreshes");
	}
	cmp_ok($is->{server}{workers}, '>', 0, 'the workers are counted');

	my ($code, $text) = $d->ctl('status');
	my $address = $d->address;
	like($text, qr/\Afcgiauthd \S+ at \Q$address\E since \d{4}-[^\n]+Z\n\n/,
	    'the head names the instance, its version and its start');
	like($text, $memory ? qr/^signed in +unknown: they are in the memory/m :
	    qr/^signed in +users: 1, sessions: 2$/m, 'who is signed in');
	like($text, qr/^sign-ins that failed +1 +1$/m,
	    'recent and all failures');
	cmp_ok(scalar(() = $text =~ /\n/g), '<=', 24, 'it is one screen');
	my @long = grep { length > 80 } split /\n/, $text =~ s/.*\n//r;
	is_deeply(\@long, [], 'no line but the head is wide');

	login($d, 'bob', 'wrong') for 1 .. 2;
	is(state($d)->{bans}, $memory ? undef : 1, 'a ban is counted');
	$d->stop_ok;
};

subtest 'a store that is away' => sub {
	plan(skip_all => 'it is in the daemon') if store_is('memory', 'sqlite');
	my $d = daemon();
	my $cookie = logged_in($d, 'alice');
	$d->store->away;
	is(check($d, $cookie), 503, 'a check is not answered');
	my ($code, $out) = $d->ctl(qw(status --json));
	is($code, 0, 'status succeeds');
	my $is = decode_json($out);
	ok((grep { $_ eq 'store' } @{ $is->{down} }), 'the store is down')
	    or diag($out);
	is($is->{signed_in}, undef, 'who is signed in is not known');
	($code, $out) = $d->ctl('status');
	like($out, qr/^store +\w+: does not answer/m, 'the text says so');
	like($out, qr/^signed in +unknown: /m, 'and gives the reason');
	$d->store->back;
	$d->stop;
};

subtest '--watch' => sub {
	my $d = daemon();
	my $file = $d->dir . '/watch';
	my @watch = (bin('fcgiauthctl'), '-c', $d->{file}, 'status',
	    '--watch', 1);
	my $pid = spawn('watch', $file, @watch, '--json');

	my $lines = sub { return scalar(() = slurp($file) =~ /^\{.*\}$/mg) };
	ok(wait_for(30, sub { $lines->() >= 2 }), 'it prints again and again')
	    or diag(slurp($file));
	unlike(slurp($file), qr/\033/, 'a file gets no control sequences');
	$d->stop_ok;
	my $until = $lines->();
	ok(wait_for(30, sub { slurp($file) =~ /cannot connect/ }),
	    'it goes on while the daemon is away');
	$d->start;
	ok(wait_for(30, sub { $lines->() > $until }),
	    'and prints the state of the next one');
	kill 'INT', $pid;
	isnt(reap($pid, 10), undef, 'a signal ends it');

	for my $wrong ([ 5 ], [ '--watch', 0 ], [ '--watch', 'x' ],
		[ '--watch', 3601 ], [ '--watch', 1, 1 ]) {
		my ($code) = $d->ctl('status', @$wrong);
		is($code, 2, "status @$wrong is wrong usage");
	}
	$d->stop_ok;
};

subtest 'a service without a cache, or without the need of a feed' => sub {
	my $d = daemon(cache => { size => 0 });
	is(feed_of($d), 'off', 'cache.size = 0: no feed');
	my $cookie = logged_in($d, 'alice');
	is(check($d, $cookie), 204, 'a check passes') for 1 .. 2;
	is(state($d)->{cache}{hits}, 0, 'there are no hits');
	$d->stop_ok;

	$d = daemon(auth => { mode => 'jwt' },
	    jwt => { keys => tempdir() . '/keys' });
	is(feed_of($d), 'off', 'mode jwt without revocation needs no feed');
	my ($access) = login($d, 'alice', $FCGIAuth::Daemon::PASSWORD)->{raw}
	    =~ /Set-Cookie: (fcgiauth_access=[^;]+)/;
	is(check($d, $access), 204, 'a check passes') for 1 .. 2;
	is(state($d)->{cache}{hits}, 1, 'the second one is a hit');
	$d->stop_ok;
};

subtest 'the peer secret' => sub {
	my $d = daemon(server => { peer_secret => 'x' x 32 });
	my ($code, $out) = $d->ctl(qw(status --json));
	is($code, 0, 'status sends the secret');
	is($d->ask(AUTH_ACTION => 'status')->{status}, 403,
	    'without the secret, the daemon refuses');
	spit("$d->{file}.other", slurp($d->{file}) =~ s/x{32}/'y' x 32/er);
	chmod 0600, "$d->{file}.other";
	($code, $out, my $err) = capture(bin('fcgiauthctl'), '-c',
	    "$d->{file}.other", 'status');
	is($code, 1, 'status fails with another secret');
	like($err, qr/must answer 200, but answers 403; its server.peer_secret/,
	    'the message names the secret');
	$d->stop_ok;
	($code, $out, $err) = $d->ctl('status');
	is($code, 1, 'status fails when no daemon runs');
	like($err, qr/cannot connect to the daemon at unix:.*server\.listen/,
	    'the message names the address');
};

subtest 'nothing else answers with the state' => sub {
	my $d = daemon();
	is($d->ask(REQUEST_URI => '/auth/status')->{status}, 404,
	    'the state is not an endpoint');
	is($d->ask(AUTH_ACTION => 'state')->{status}, 403,
	    'another action is refused');
	$d->stop_ok;
};

done_testing;
