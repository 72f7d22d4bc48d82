# SPDX-License-Identifier: MIT
# PgBouncer in transaction mode between the service and PostgreSQL. A connection
# belongs to no client, and each statement may use another connection to the
# server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::PgBouncer;
use FCGIAuth::Postgres;
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);

my $POOL = 2;	# fewer than the workers
my $why = FCGIAuth::Store::missing('postgres') //
    (FCGIAuth::PgBouncer::available() ? undef : 'no pgbouncer here');
plan(skip_all => $why) if $why;

my $server = FCGIAuth::Postgres->new;
$server->psql(slurp(top() . '/conf/postgres/roles.sql'));
my $bouncer = FCGIAuth::PgBouncer->new(server => $server,
    users => [qw(fcgiauth fcgiauth_owner)],
    conf => { default_pool_size => $POOL });
my $keys = tempdir();

sub keys_for {
	my ($user, $by) = @_;
	my %keys = (driver => 'postgres', path => undef,
	    conninfo => ($by // $bouncer)->conninfo('fcgiauth', $user));
	return (store => { %keys }, users => { %keys });
}

sub daemon {
	my ($user) = @_;
	return FCGIAuth::Daemon->new(store => 'sqlite', conf => {
		auth => { mode => 'refresh', deliver => 'both' },
		jwt => { algorithm => 'ES256', keys => "$keys/keys" },
		refresh => { grace => '60s' },
		server => { threads => 8 }, keys_for($user) });
}

sub post {
	my ($d, $uri, $data) = @_;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => $uri,
	    CONTENT_TYPE => 'application/json', timeout => 60,
	    body => JSON::PP->new->encode($data));
	return ($a->{status}, eval { JSON::PP->new->decode($a->{body}) } || {});
}

sub login {
	my ($d, $name) = @_;
	my ($status, $j);

	wait_for(20, sub { ($status, $j) = post($d, '/auth/login',
		{ username => $name, password => $PASSWORD });
		$status != 503 });
	return $j->{refresh_token};
}

sub refresh {
	my ($d, $token) = @_;
	my ($status, $j) = post($d, '/auth/refresh', {
		grant_type => 'refresh_token', refresh_token => $token });
	return ($j->{refresh_token} // "none$status", $j->{user}{name} // '');
}

my ($code, $out, $errors) = daemon('fcgiauth_owner')->ctl(qw(store migrate));
is($code, 0, 'store migrate succeeds through PgBouncer') or diag "$out$errors";
my @d = map { daemon('fcgiauth') } 1, 2;
$d[0]->add_user("user$_") for 1 .. 6;
$_->start for @d;

subtest 'each user gets their own identity' => sub {
	my @children = map { my $i = $_; child_code(sub {
		my $token = login($d[$i % 2], "user$i");
		my $wrong = 0;
		for my $round (1 .. 40) {
			($token, my $name) = refresh($d[$round % 2], $token);
			$wrong++ if $name ne "user$i";
		}
		return "wrong $wrong";
	}) } 1 .. 6;
	my $most = 0;

	for (1 .. 20) {
		my $n = $server->psql('SELECT count(*) FROM pg_stat_activity ' .
		    "WHERE usename = 'fcgiauth'");
		$most = $n if $n > $most;
		sleep 0.05;
	}
	is($_->(), 'wrong 0',
	    '40 refreshes by two daemons return the same user')
	    for @children;
	cmp_ok($most, '>', 0, 'PostgreSQL was used');
	cmp_ok($most, '<=', $POOL, "PgBouncer uses at most $POOL connections");
};

subtest 'simultaneous refreshes' => sub {
	my $token = login($d[0], 'user1');
	for my $round (1 .. 5) {
		my @children = map { my $d = $_; map { child_code(sub {
			(refresh($d, $token))[0] }) } 1 .. 8 } @d;
		my %seen = map { $_->() => 1 } @children;
		is(scalar keys %seen, 1,
		    '16 simultaneous refreshes return one successor');
		($token) = keys %seen;
		unlike($token, qr/none/, 'the successor is a token');
	}
};

subtest 'PgBouncer and PostgreSQL restart' => sub {
	my $token = login($d[0], 'user2');

	$bouncer->stop;
	is((refresh($_, $token))[0], 'none503',
	    'a refresh gets 503 without PgBouncer')
	    for @d;
	$bouncer->start;
	for my $d (@d) {
		my $next;
		ok(wait_for(10, sub { ($next) = refresh($d, $token);
			$next !~ /none503/ }),
			    'a refresh is answered when PgBouncer is back');
		unlike($next, qr/none/,
		    'the token is accepted when PgBouncer is back');
		$token = $next;
	}
	$server->restart;
	for my $d (@d) {
		my $next;
		ok(wait_for(10, sub { ($next) = refresh($d, $token);
			$next !~ /none503/ }),
			    'a refresh is answered after a restart of ' .
			    'PostgreSQL');
		unlike($next, qr/none/,
		    'the token is accepted after a restart of PostgreSQL');
		$token = $next;
	}
};

$_->stop_ok for @d;

# Each daemon has one worker, so that each request uses a connection that was
# closed.
subtest 'PgBouncer closes idle connections' => sub {
	my $quick = FCGIAuth::PgBouncer->new(server => $server,
	    users => ['fcgiauth'], conf => { client_idle_timeout => 1,
		admin_users => 'postgres' });
	my @one = map { FCGIAuth::Daemon->new(store => 'sqlite', conf => {
		server => { threads => 1 }, keys_for('fcgiauth', $quick) })
	    ->start } 1 .. 10;
	my $clients = sub {
		my ($status, $out) = $server->attempt('psql', '-XAt', '-d',
		    $quick->conninfo('pgbouncer'), '-c', 'SHOW CLIENTS');
		return $status == 0 ? scalar(() = $out =~ /\|fcgiauth\|/g) : -1;
	};
	my ($lost, %failed, $cookie) = (0);
	my %ask = (login => sub {
		my $a = $_[0]->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login',
		    CONTENT_TYPE => 'application/json', body =>
			qq({"username":"user3","password":"$PASSWORD"}));
		($cookie) = $a->{raw} =~ /Set-Cookie: (fcgiauth=[^;]+)/;
		return $a->{status} == 200;
	}, check => sub {
		return $_[0]->check(HTTP_COOKIE => $cookie)->{status} == 204;
	});

	ok($ask{login}->($_), 'a first sign-in succeeds') for @one;
	for my $what (('login') x 5, ('check') x 20) {
		$lost++ if $clients->() > 0 && wait_for(10, sub {
			$clients->() == 0 });
		$failed{$what} += grep { !$ask{$what}->($_) } @one;
	}
	is($lost, 25, 'PgBouncer has closed all connections 25 times');
	is($failed{login}, 0, 'none of 50 sign-ins failed');
	is($failed{check}, 0, 'none of 200 checks failed');
	$_->stop_ok for @one;
	$quick->stop;
};
# LISTEN succeeds through PgBouncer, and nothing arrives.
subtest 'the change feed needs a direct connection' => sub {
	my $make = sub {
		my (%cache) = @_;
		return FCGIAuth::Daemon->new(store => 'sqlite', conf => {
			cache => { heartbeat => '2s', %cache },
			keys_for('fcgiauth') })->start;
	};
	my $feed_of = sub {
		my ($code, $out) = $_[0]->ctl('status', '--json');
		return $code == 0 && JSON::PP->new->decode($out)->{cache}{feed};
	};
	my $pooled = $make->();
	my $direct = $make->(feed_conninfo =>
		$server->conninfo('fcgiauth', 'fcgiauth'));
	my $aged = $make->(max_age => '5s');

	ok(wait_for(20, sub { $pooled->log_text =~ /feed_missing/ }),
	    'without one there is no feed');
	like($pooled->log_text, qr/pooler.*\[cache\] feed_conninfo/,
	    'the log names the option');
	like($pooled->log_text, qr/feed_missing.*every check asks the store/,
	    'the log says what follows');
	is($feed_of->($pooled), 'none', 'the status says so');
	ok(wait_for(20, sub { $feed_of->($direct) eq 'proven' }),
	    'with one the feed is proven');
	ok(wait_for(20, sub {
		$aged->log_text =~ /feed_missing.*at most cache\.max_age/ }),
	    'with max_age the log says how long a session may be accepted');
	$_->stop_ok for $pooled, $direct, $aged;
};
done_testing;
