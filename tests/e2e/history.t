# SPDX-License-Identifier: MIT
# Several daemons with one store answer checks from memory, while sessions end
# by every means and the change feeds fail in every way. What they answered is
# compared with what was promised: no check that began later than twice the
# heartbeat after an acknowledged end passes, a daemon that ended a session
# refuses it at once, and no live session is refused.
#
# FCGIAUTH_HISTORY=SECONDS sets how long each part runs at least, FCGIAUTH_SEED
# the seed of the random numbers.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Disturbances;
use FCGIAuth::History qw(now);
use FCGIAuth::Redis;
use FCGIAuth::Store;
use FCGIAuth::Test;
use FCGIAuth::Token qw(unb64);
use FCGIAuth::Traffic;
use JSON::PP qw(decode_json);
use List::Util qw(sum);
use Test::More;
use Time::HiRes qw(sleep);

my $HEARTBEAT = 0.1;
my $SECONDS = $ENV{FCGIAUTH_HISTORY} || 3;
my $LEAST = 30;	# sign-ins
my $SEED = $ENV{FCGIAUTH_SEED} || $$;

alarm 300 * slow() + 20 * $SECONDS;
plan(skip_all => 'a store in memory has no other daemons')
    if store_is('memory');
plan(skip_all => 'no sqlite3 here') if !in_path('sqlite3');
diag("FCGIAUTH_SEED=$SEED");

# Returns the part `cache` of the state of a daemon.
sub cache_of {
	my ($d) = @_;
	my ($code, $out) = $d->ctl(qw(status --json));
	return (eval { decode_json($out) } || {})->{cache} || {};
}

sub feed_is_proven {
	my ($d) = @_;
	return wait_for(15, sub { (cache_of($d)->{feed} // '') eq 'proven' });
}

# Returns the traffic of three daemons.
sub new_traffic {
	my ($kind, $mode, $heartbeat) = @_;
	my $keys = tempdir();
	my $store = FCGIAuth::Disturbances->new(kind => $kind, mode => $mode,
	    heartbeat => $heartbeat,
	    conf => { FCGIAuth::Traffic::conf($mode, $keys) });
	my $traffic = FCGIAuth::Traffic->new(mode => $mode, store => $store,
	    daemons => [ $store->daemons ], keys => $keys);

	ok(feed_is_proven($_), 'the feed is proven') for $store->daemons;
	return $traffic;
}

sub run_history {
	my ($kind, $mode) = @_;
	my $traffic = new_traffic($kind, $mode, $HEARTBEAT);
	my $store = $traffic->{store};
	my @daemons = $store->daemons;

	$traffic->start(seed => $SEED, operators => 3, checkers => 2);
	ok($store->prepare, 'the store is prepared');
	my $until = now() + $SECONDS;
	my @all = $store->all($traffic);
	my ($done, @todo) = (0);

	srand $SEED;
	# On a slow machine it takes longer until enough has happened.
	while (now() < $until || $done < @all || $traffic->known < $LEAST) {
		@todo = sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @all
		    unless @todo;
		my (undef, $what) = @{ shift @todo };
		note($what->{name});
		$store->happen($traffic, $what);
		$done++;
		sleep 0.1 + rand 0.3;
	}
	is(join("\n", $traffic->stop), '', 'no process of the traffic failed');

	my @wrong = $traffic->history->wrong(bound => 2 * $HEARTBEAT,
	    roles => $mode ne 'jwt');
	is(@wrong, 0, 'every answer is as promised');
	if (@wrong) {
		diag($_) for @wrong > 10 ? @wrong[0 .. 9] : @wrong;
		diag($_) for $traffic->history->about($wrong[0] =~ /^(\S+)/);
	}
	my %n = %{ $traffic->history->{counts} };
	diag(join ', ', "$kind $mode", map { "$_: $n{$_}" } sort keys %n);
	my $hits = sum(map { cache_of($_)->{hits} // 0 } @daemons);
	cmp_ok($hits, '>', 0, "checks are answered from memory: $hits");
	$_->stop_ok for @daemons;
	return;
}

# What must be found in a history, and what not. Session 1 of alice is ended by
# daemon 0 from 10 to 11, and the bound is 0.2 s.
sub found {
	my (@more) = @_;
	my @lines = ("login\t1\talice\t1\t2\t0", "login\t2\talice\t1\t2\t3",
	    "end\tsession:1\t0\t10\t11\t1\tsign-out",
	    "role\talice\t1\t2.1\t2.2\t1", "away\t1\t20\t30\t-",
	    map { join "\t", @$_ } @more);
	return scalar FCGIAuth::History->new->wrong(bound => 0.2,
	    lines => \@lines, roles => 1);
}

subtest 'what is found in a history' => sub {
	my $check = sub { [ 'check', @_ ] };
	my @good = (['a live session is allowed', 1, 0, 3, 4, 204, 1],
	    ['a session that may have ended is refused', 1, 0, 3, 10.1, 401, 0],
	    ['it is allowed', 1, 0, 10.9, 12, 204, 1],
	    ['another daemon allows it up to the bound', 1, 1, 11.1, 12, 204,
		1],
	    ['an ended session is refused', 1, 0, 12, 13, 401, 0],
	    ['there is no answer', 1, 0, 3, 4, 0, 0],
	    ['the role may not have arrived', 1, 0, 2.3, 2.4, 204, 0],
	    ['a session expires', 2, 0, 6, 7, 401, 0],
	    ['a daemon is away', 1, 1, 21, 22, 503, 0]);
	my @bad = (['a live session is refused', 1, 0, 3, 4, 401, 0],
	    ['an ended session is allowed where it was ended', 1, 0, 11.1, 12,
		204, 1],
	    ['it is allowed after the bound', 1, 1, 11.3, 12, 204, 1],
	    ['an expired session is allowed', 2, 1, 5.1, 5.2, 204, 1],
	    ['the role is too old', 1, 0, 3, 4, 204, 0],
	    ['there was never such a role', 1, 0, 3, 4, 204, 2],
	    ['the store is there', 1, 0, 21, 22, 503, 0],
	    ['another status', 1, 0, 3, 4, 500, 0]);

	is(found($check->(@$_[1 .. 6])), 0, "nothing: $_->[0]") for @good;
	is(found($check->(@$_[1 .. 6])), 1, "found: $_->[0]") for @bad;
	is(found([ 'end', 'user:alice', '-', 3, 4, 0, 'x' ],
	    $check->(1, 1, 5, 6, 401, 0), $check->(1, 1, 5, 6, 204, 1)), 0,
	    'nothing: an end without an answer may have happened or not');
	is(found([ 'end', 'all', '-', 3, 4, 1, 'x' ],
	    $check->(1, 1, 5, 6, 204, 1)), 1,
	    'found: allowed after the end of all sessions');
	is(found([ 'end', 'all', '-', 1.5, 4, 1, 'x' ],
	    $check->(1, 1, 5, 6, 204, 1), $check->(1, 1, 5, 6, 401, 1)), 0,
	    'nothing: all sessions ended during the sign-in');
	is(found([ 'end', 'user:bob', '-', 3, 4, 1, 'x' ],
	    $check->(1, 1, 5, 6, 204, 1)), 0,
	    'nothing: the sessions of another user ended');
	for ([ 0, 'nothing: allowed while the store moves', 4 ],
	    [ 1, 'found: allowed after the store has moved', 5 ]) {
		my ($n, $what, $at) = @$_;
		is(found([ 'end', 'all', '-', 3, 3.1, 1, 'x' ],
		    [ 'moved', 3, 4 ], $check->(1, 1, $at, 6, 204, 1)), $n,
		    $what);
	}
};

# Between two proofs, the feed itself reports what has changed.
sub run_delivery {
	my ($kind) = @_;
	my $traffic = new_traffic($kind, 'session', 60);
	my ($one, $two) = $traffic->{store}->daemons;
	my $status = sub { $two->check(HTTP_COOKIE => $_[0])->{status} };

	$one->add_user('alice');
	for my $case ([ 'sign-out elsewhere', sub { $one->ask(
	    REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	    HTTP_COOKIE => $_[0]) } ],
	    [ 'session revoke', sub { $two->ctl(qw(session revoke), $_[1]) } ],
	    [ 'user set', sub { $two->ctl(qw(user set alice --role x)) } ],
	    [ 'user disable', sub { $two->ctl(qw(user disable alice)) } ],
	    [ 'a deletion by hand', sub {
		$traffic->{store}->delete_session($_[1]) } ]) {
		my ($what, $end) = @$case;
		$one->ctl(qw(user enable alice));
		my $cookie = logged_in($one, 'alice');
		my $id = unpack 'H32', unb64($cookie =~ s/^fcgiauth=//r);
		my $hits = cache_of($two)->{hits};
		# The feed of Redis reports new sessions, too.
		ok(wait_for(10, sub { $status->($cookie) == 204 &&
		    cache_of($two)->{hits} > $hits }),
		    "$what: checks before are answered from memory");
		$end->($cookie, $id);
		ok(wait_for(30, sub { $what eq 'user set' ?
		    $two->check(HTTP_COOKIE => $cookie)->{raw} =~
		    /^Remote-Groups: x/m : $status->($cookie) == 401 }),
		    "$what: the change arrives");
	}
	is(cache_of($two)->{feed}, 'proven', 'the feed is proven at the end');
	unlike($two->log_text, qr/ feed_lost /, 'it was not lost meanwhile');
	$_->stop_ok for $traffic->{store}->daemons;
	return;
}

# The secrets of a store are lost with its sessions. The next ones are those of
# all daemons, also of one that knows the old ones and has no feed.
sub run_emptied {
	my ($kind) = @_;
	my $keys = tempdir();
	my $store = FCGIAuth::Disturbances->new(kind => $kind,
	    mode => 'refresh', heartbeat => 60, conf => {
		FCGIAuth::Traffic::conf('refresh', $keys) });
	my ($one, $two) = $store->daemons;
	my $traffic = FCGIAuth::Traffic->new(mode => 'refresh',
	    store => $store, daemons => [ $one, $two ], keys => $keys);

	$one->stop;
	$one->configure(server => { threads => 1 }, cache => { size => 0 },
	    users => { recheck => '1s' });
	$one->start->add_user('alice');
	ok($traffic->begin_session(0, 'alice'), 'the first one knows secrets');
	ok($store->empty, 'the store is emptied');
	my $s = $traffic->begin_session(1, 'alice');
	my ($status, $a) = $traffic->ask_refresh(0, $s->{refresh});
	is($status, 200, 'a refresh token of the second one is accepted');
	sleep 1.1;	# the user is looked up again
	($status) = $traffic->ask_refresh(0,
	    decode_json($a->{body})->{refresh_token});
	is($status, 200, 'the password is that of the sign-in');
	$_->stop_ok for $store->daemons;
	return;
}

# The parts: a kind of store, and the modes.
my @modes = qw(session refresh jwt);
my @parts = ([ store_kind(), @modes ]);
push @parts, [ 'cluster', 'refresh' ] if store_is('redis');
push @parts, [ 'sentinel', 'session' ]
    if store_is('redis') && FCGIAuth::Redis::has_sentinel();

for my $part (@parts) {
	my ($kind, @these) = @$part;
	subtest "$kind, what the feed reports" => sub { run_delivery($kind) };
	subtest "$kind, an emptied store" => sub { run_emptied($kind) };
	for my $mode ($ENV{FCGIAUTH_HISTORY} ? @modes : @these) {
		subtest "$kind, mode $mode" => sub {
			run_history($kind, $mode) };
	}
}

done_testing;
