# SPDX-License-Identifier: MIT
# fcgiauthctl status asks the daemon for its state: the cache and the change
# feed above all. The answer needs the peer secret, if there is one.
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
