# SPDX-License-Identifier: MIT
# Three daemons use one store behind one nginx. What one daemon does, all know
# at once, and each of them may be killed.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $N = 3;

# Starts the daemons on one store, with the users alice, bob and carol.
sub daemons {
	my ($store, %conf) = @_;
	my $first = FCGIAuth::Daemon->new(store => $store, conf => \%conf);
	my @more = map { FCGIAuth::Daemon->new(store => $first->store,
		conf => \%conf) } 2 .. $N;

	$first->add_user($_, roles => ['staff']) for qw(alice bob carol);
	$_->start for $first, @more;
	return ($first, @more);
}

# Starts an nginx that distributes requests to the daemons. After a failure it
# tries a daemon again after one second.
sub nginx_before {
	my (@d) = @_;
	my $n = new_web($d[0], workers => 2, service =>
	    join('; server ', map { $_->address . ' fail_timeout=1s' } @d));

	$n->apps->start;
	return $n;
}

sub post {
	my ($d, $uri, $data, %param) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => $uri,
	    CONTENT_TYPE => 'application/json', timeout => 60, %param,
	    body => ref $data ? JSON::PP->new->encode($data) : $data);
}

sub login {
	my ($d, $name, $password, @more) = @_;
	return post($d, '/auth/login', { username => $name,
		password => $password // $PASSWORD }, @more);
}

# Signs in and returns the cookie. A 503 because of busy hash slots is repeated.
sub cookie {
	my ($d, $name) = @_;
	my $a;

	wait_for(20, sub { $a = login($d, $name); $a->{status} != 503 });
	my ($cookie) = ($a->{raw} // '') =~ /(fcgiauth=[^;]+)/;
	return $cookie // "fcgiauth=none$a->{status}";
}

# Returns the status that each daemon gives to a check of a cookie.
sub verdicts {
	my ($cookie, @d) = @_;
	return join ' ', map { $_->check(HTTP_COOKIE => $cookie)->{status} } @d;
}

my ($ALLOWED, $REFUSED) = map { join ' ', ($_) x $N } 204, 401;

sub all_refuse_soon {
	my ($cookie, @d) = @_;
	return wait_for(10, sub { verdicts($cookie, @d) eq $REFUSED });
}

# Returns the ids of the sessions of a user.
sub sessions {
	my ($d, $name) = @_;
	my ($code, $out) = $d->ctl(qw(session list --json --user), $name);
	return map { $_->{id} } @{ JSON::PP->new->decode($out)->{sessions} };
}

sub known_everywhere {
	my ($n, @d) = @_;

	for my $i (0 .. $#d) {
		my $cookie = cookie($d[$i], 'alice');
		is(verdicts($cookie, @d), $ALLOWED,
		    "all daemons accept a session from daemon $i");
		is(post($d[$i - 1], '/auth/logout', '{}',
			HTTP_COOKIE => $cookie)->{status}, 204,
		    "another daemon ends the session from daemon $i");
		is($d[$i - 1]->check(HTTP_COOKIE => $cookie)->{status}, 401,
		    'that daemon refuses it at once');
		ok(all_refuse_soon($cookie, @d),
		    'all daemons refuse the ended session');
	}
	for (1 .. 2 * $N) {
		my $c = $n->client;
		is(sign_in($c, 'bob')->status, 303,
		    'a form from one daemon is accepted by another');
		my %seen = map { $c->get('/x')->status => 1 } 1 .. 2 * $N;
		is_deeply([ keys %seen ], [200],
		    'all daemons accept the session');
	}
	return;
}

sub lists {
	my ($n, @d) = @_;
	my @cookies = map { cookie($_, 'carol') } @d;
	my @ids = sessions($d[0], 'carol');
	my @out = map { ($_->ctl(qw(session list)))[1] } @d;

	is(scalar @ids, $N, 'the list has the sessions from all daemons');
	is_deeply([ @out[1, 2] ], [ @out[0, 0] ],
	    'all daemons give the same list');
	is(($d[1]->ctl(qw(session revoke), $ids[0]))[0], 0,
	    'session revoke succeeds');
	my @verdicts;
	ok(wait_for(10, sub {
		@verdicts = map { verdicts($_, @d) } @cookies;
		return 1 == grep { $_ eq $REFUSED } @verdicts;
	}), 'one session is refused by all daemons');
	is(scalar(grep { $_ eq $ALLOWED } @verdicts), $N - 1,
	    'all daemons accept the other sessions');
	is(($d[2]->ctl(qw(user disable carol)))[0], 0, 'user disable succeeds');
	ok(all_refuse_soon($_, @d),
	    'all daemons refuse a session of the disabled user') for @cookies;
	is(login($_, 'carol')->{status}, 401,
	    'each daemon refuses a sign-in of the disabled user') for @d;
	$d[1]->ctl(qw(user enable carol));
	return;
}

# The daemons count failed sign-ins together.
sub bans {
	my ($n, @d) = @_;
	my @at = map { $d[$_ % $N] } 0 .. 4;

	is(login($_, 'bob', 'wrong', REMOTE_ADDR => '192.0.2.9')->{status},
	    401, 'a wrong password is refused') for @at;
	is(login($_, 'nobody', 'wrong', REMOTE_ADDR => '192.0.2.9')->{status},
	    401, 'an unknown name is refused') for @at;
	for my $d (@d) {
		is(login($d, 'bob', undef, REMOTE_ADDR => '198.51.100.' .
			int rand 250)->{status}, 429,
			    'each daemon bans the user');
		is(login($d, 'alice', undef,
			REMOTE_ADDR => '192.0.2.9')->{status}, 429,
		    'each daemon bans the address');
	}
	is(($d[1]->ctl(qw(ban lift --user bob)))[0], 0,
	    'ban lift succeeds for the user');
	is(($d[2]->ctl(qw(ban lift --ip 192.0.2.9)))[0], 0,
	    'ban lift succeeds for the address');
	# This address has no sign-in that a killed daemon left half done.
	is(login($_, 'bob', undef, REMOTE_ADDR => '203.0.113.9')->{status},
	    200, 'each daemon knows that the ban is lifted') for @d;
	return;
}

# The limit on sessions holds for all daemons together.
sub limit {
	my ($n, @d) = @_;

	$d[0]->ctl(qw(session revoke --user carol));
	my @children = map { my $d = $_;
		map { child_code(sub { cookie($d, 'carol') }) } 1 .. 4 } @d;
	my @cookies = map { $_->() } @children;
	my @alive = grep { verdicts($_, @d) eq $ALLOWED } @cookies;
	is(scalar(grep { !/none/ } @cookies), 4 * $N, 'all sign-ins succeed');
	is(scalar @alive, 5, 'five sessions stay valid');
	is(scalar(sessions($d[0], 'carol')), 5, 'the list has five sessions');
	return;
}

# Repeats a step until a file exists. Returns the number of steps, and what was
# wrong.
sub until_told {
	my ($stop, $step) = @_;
	return child_code(sub {
		my ($n, %wrong) = (0);
		until (-e $stop) {
			my $what = $step->();
			$n++;
			$wrong{$what}++ if $what ne '';
		}
		return join ' ', $n, map { "$_:$wrong{$_}" } sort keys %wrong;
	});
}

sub visit {
	my ($n) = @_;
	my $c = $n->client;
	my $a;

	wait_for(20, sub { $a = json_sign_in($c, 'bob');
		$a->status != 503 });
	return 'login ' . $a->status if $a->status != 200;
	my $cookie = 'fcgiauth=' . token_of($c);
	$a = $c->get('/x');
	return 'check ' . $a->status if $a->status != 200;
	$a = $c->post_json('/auth/logout', {});
	return 'logout ' . $a->status if $a->status != 204;
	# Another daemon may answer, which the change feed tells.
	wait_for(10, sub { $a = $c->get('/x', Cookie => $cookie);
		$a->status == 401 });
	return $a->status == 401 ? '' : 'after ' . $a->status;
}

# Waits until each of the daemons has served another sign-in of bob.
sub serve_bob {
	my (@d) = @_;
	my @before = map { length $_->log_text } @d;

	return wait_for(20, sub {
		return @d == grep { substr($d[$_]->log_text, $before[$_]) =~
			/audit login user=bob/ } 0 .. $#d;
	});
}

# Kills and restarts each daemon in turn while clients send requests.
sub kills {
	my ($n, @d) = @_;
	my @cookies = map { cookie($_, 'alice') } @d;
	my $dir = tempdir();
	my $stop = "$dir/stop";
	my @children;

	for my $cookie (@cookies) {
		my $c = $n->client;
		push @children, [ 'checks', until_told($stop, sub {
			my $a = $c->get('/x', Cookie => $cookie);
			return $a->status == 200 && $a->body =~
			    /^Remote-User: alice$/m ? '' : $a->status;
		}) ];
	}
	push @children, [ 'logins and logouts', until_told($stop,
		sub { visit($n) }) ];
	my $visitor = $n->client;
	push @children, [ 'visitors', until_told($stop, sub {
		my $a = $visitor->post_json('/x', {});
		return $a->status == 401 ? '' : $a->status;
	}) ];
	for my $i (0 .. $#d) {
		ok(serve_bob(@d), "the daemons serve requests before kill $i");
		$d[$i]->kill_hard;
		ok(serve_bob(@d[grep { $_ != $i } 0 .. $#d]),
		    "the other daemons serve requests after kill $i");
		$d[$i]->start;
		ok(serve_bob($d[$i]),
		    "daemon $i serves again after it was killed");
	}
	spit($stop, '');
	for my $child (@children) {
		my ($what, $result) = @$child;
		my ($done, @wrong) = split ' ', $result->(), 2;
		cmp_ok($done, '>', 10, "$what: $done requests were sent");
		is("@wrong", '', "$what: no request failed");
	}
	is(verdicts($_, @d), $ALLOWED,
	    'all sessions are still valid') for @cookies;
	return;
}

# A suspended daemon delays requests, but they succeed.
sub hangs {
	my ($n, @d) = @_;
	my $cookie = cookie($d[1], 'alice');

	ok($d[0]->freeze, 'a daemon is suspended');
	my %seen = map { $n->client->get('/x', Cookie => $cookie)->status => 1 }
	    1 .. 2 * $N;
	is_deeply([ keys %seen ], [200], 'nginx asks another daemon');
	$d[0]->thaw;
	return;
}

sub session_mode {
	my ($store) = @_;
	my @d = daemons($store, session => { max_per_user => 5 },
	    limits => { login_attempts => 5, login_attempts_address => 10 });
	my $n = nginx_before(@d);

	subtest 'all daemons know a session' =>
	    sub { known_everywhere($n, @d) };
	subtest 'all daemons list all sessions' => sub { lists($n, @d) };
	subtest 'the limit on sessions holds for all daemons' =>
	    sub { limit($n, @d) };
	subtest 'daemons are killed under load' => sub { kills($n, @d) };
	subtest 'a daemon is suspended' => sub { hangs($n, @d) };
	subtest 'bans hold for all daemons' => sub { bans($n, @d) };
	$n->stop;
	$_->stop_ok for @d;
	return;
}

# Returns the refresh token of an answer.
sub token {
	my ($a) = @_;
	my $j = eval { JSON::PP->new->decode($a->{body} // $a->body) };
	return $j->{refresh_token} // 'none';
}

sub refresh {
	my ($d, $token) = @_;
	return post($d, '/auth/refresh', { grant_type => 'refresh_token',
		refresh_token => $token });
}

sub refresh_mode {
	my ($store) = @_;
	my $dir = tempdir();
	my @d = daemons($store,
	    auth => { mode => 'refresh', deliver => 'body' },
	    jwt => { algorithm => 'ES256', keys => "$dir/keys" },
	    refresh => { grace => '60s' });
	my $n = nginx_before(@d);
	my $token = token(login($d[0], 'alice'));

	for my $round (1 .. 5) {
		my @children = map { my $d = $_; map { child_code(sub {
			token(refresh($d, $token)) }) } 1 .. 4 } @d;
		push @children, map { child_code(sub {
			token($n->client->post_json('/auth/refresh', {
				grant_type => 'refresh_token',
				refresh_token => $token })) }) } 1 .. 4;
		my @got = map { $_->() } @children;
		my %seen = map { $_ => 1 } @got;
		is(scalar @got, 4 * ($N + 1),
		    'all simultaneous requests are answered');
		is(join(' ', keys %seen), $got[0],
		    'all answers have the same successor');
		isnt($got[0], $token, 'the successor is a new token');
		$token = $got[0];
	}
	my $access;
	for my $round (1 .. 4 * $N) {
		my $a = refresh($d[$round % $N], $token);
		is($a->{status}, 200, 'a daemon accepts the token of another');
		$token = token($a);
		($access) = $a->{body} =~ /"access_token":"([^"]*)"/;
	}
	is($_->check(HTTP_AUTHORIZATION => "Bearer $access")->{status}, 204,
	    'each daemon accepts the access token') for @d;

	my $mine = token(login($d[1], 'bob'));
	my $next = token(refresh($d[2], $mine));
	$next = token(refresh($d[0], $next));
	is(refresh($d[1], $mine)->{status}, 400,
	    'the reuse of an old token is refused');
	is(refresh($_, $next)->{status}, 400,
	    'the reuse ends the session for all daemons')
	    for @d;
	my $alarms = () = join('', map { $_->log_text } @d) =~
	    /audit refresh_reuse /g;
	is($alarms, 1, 'the reuse is logged once');
	is(refresh($_, $token)->{status}, 200,
	    'the session of another user is not affected')
	    for $d[0];
	$n->stop;
	$_->stop_ok for @d;
	return;
}

# nginx asks another daemon when one is down, also for a refresh, although it
# sends none twice: the daemon that is down has received nothing.
sub one_is_down {
	my ($store) = @_;
	my $dir = tempdir();
	my @d = daemons($store,
	    auth => { mode => 'refresh', deliver => 'cookie' },
	    jwt => { algorithm => 'ES256', keys => "$dir/keys" },
	    refresh => { grace => 0 });
	my $n = nginx_before(@d);
	my (%login_page, %script);

	is(json_sign_in(my $c = $n->client, 'alice')->status, 200,
	    'alice signs in');
	$d[0]->kill_hard;
	# Within this time nginx tries the daemon several times.
	for (1 .. 40) {
		delete @{ $c->jar }{qw(fcgiauth_access fcgiauth_login)};
		my $a = $c->page('/auth/login?rd=/x');
		$login_page{ $a->status }++;
		$a = $c->request(POST => '/auth/refresh',
		    headers => \@FCGIAuth::Client::XHR);
		$script{ $a->status }++;
		sleep 0.1;
	}
	is_deeply(\%login_page, { 303 => 40 },
	    'the login page refreshes each time');
	is_deeply(\%script, { 200 => 40 }, 'a script refreshes each time');
	cmp_ok(scalar(() = $n->log_text =~ /connect\(\) to \S+ failed/g),
	    '>=', 2, 'nginx has tried the daemon that is down');
	$n->stop;
	$_->stop_ok for @d[ 1 .. $#d ];
	return;
}

for my $store (qw(postgres redis)) {
	my $why = FCGIAuth::Store::missing($store);
	subtest "$store: sessions" => sub {
		plan(skip_all => $why) if $why;
		session_mode($store);
	};
	subtest "$store: refresh" => sub {
		plan(skip_all => $why) if $why;
		refresh_mode($store);
	};
	subtest "$store: refresh while a daemon is down" => sub {
		plan(skip_all => $why) if $why;
		one_is_down($store);
	};
}

done_testing;
