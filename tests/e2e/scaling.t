# SPDX-License-Identifier: MIT
# Three daemons, one store, one nginx that asks any of them: what one has done,
# all know at once, and each of them may be killed.
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

# On one store; the first users are alice, bob and carol.
sub daemons {
	my ($store, %conf) = @_;
	my $first = FCGIAuth::Daemon->new(store => $store, conf => \%conf);
	my @more = map { FCGIAuth::Daemon->new(store => $first->store,
		conf => \%conf) } 2 .. $N;

	$first->add_user($_, roles => ['staff']) for qw(alice bob carol);
	$_->start for $first, @more;
	return ($first, @more);
}

# All of them behind one nginx, which tries one that was away every second.
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

# The cookie of a login; those who find all hash slots taken come back.
sub cookie {
	my ($d, $name) = @_;
	my $a;

	wait_for(20, sub { $a = login($d, $name); $a->{status} != 503 });
	my ($cookie) = ($a->{raw} // '') =~ /(fcgiauth=[^;]+)/;
	return $cookie // "fcgiauth=none$a->{status}";
}

# What each says to a cookie.
sub verdicts {
	my ($cookie, @d) = @_;
	return join ' ', map { $_->check(HTTP_COOKIE => $cookie)->{status} } @d;
}

my ($ALLOWED, $REFUSED) = map { join ' ', ($_) x $N } 204, 401;

# The ids of a user's sessions, as one of them lists them.
sub sessions {
	my ($d, $name) = @_;
	my ($code, $out) = $d->ctl(qw(session list --json --user), $name);
	return map { $_->{id} } @{ JSON::PP->new->decode($out)->{sessions} };
}

sub known_everywhere {
	my ($n, @d) = @_;

	for my $i (0 .. $#d) {
		my $cookie = cookie($d[$i], 'alice');
		is(verdicts($cookie, @d), $ALLOWED, "signed in at $i");
		is(post($d[$i - 1], '/auth/logout', '{}',
			HTTP_COOKIE => $cookie)->{status}, 204,
		    '  and out at another');
		is(verdicts($cookie, @d), $REFUSED, '  and all know it');
	}
	for (1 .. 2 * $N) {
		my $c = $n->client;
		is(sign_in($c, 'bob')->status, 303,
		    'the page of one, the form to another');
		my %seen = map { $c->get('/x')->status => 1 } 1 .. 2 * $N;
		is_deeply([ keys %seen ], [200], '  and checks at all');
	}
	return;
}

sub lists {
	my ($n, @d) = @_;
	my @cookies = map { cookie($_, 'carol') } @d;
	my @ids = sessions($d[0], 'carol');
	my @out = map { ($_->ctl(qw(session list)))[1] } @d;

	is(scalar @ids, $N, 'a session of each');
	is_deeply([ @out[1, 2] ], [ @out[0, 0] ], 'listed alike from any');
	is(($d[1]->ctl(qw(session revoke), $ids[0]))[0], 0, 'one is ended');
	my @verdicts = map { verdicts($_, @d) } @cookies;
	is(scalar(grep { $_ eq $REFUSED } @verdicts), 1,
	    'and over everywhere');
	is(scalar(grep { $_ eq $ALLOWED } @verdicts), $N - 1,
	    'and no other');
	is(($d[2]->ctl(qw(user disable carol)))[0], 0, 'disabled from one');
	is(verdicts($_, @d), $REFUSED, 'out everywhere') for @cookies;
	is(login($_, 'carol')->{status}, 401, 'and not in again') for @d;
	$d[1]->ctl(qw(user enable carol));
	return;
}

# Each counts the failures of all.
sub bans {
	my ($n, @d) = @_;
	my @at = map { $d[$_ % $N] } 0 .. 4;

	is(login($_, 'bob', 'wrong', REMOTE_ADDR => '192.0.2.9')->{status},
	    401, 'a wrong password') for @at;
	is(login($_, 'nobody', 'wrong', REMOTE_ADDR => '192.0.2.9')->{status},
	    401, 'a name that is none') for @at;
	for my $d (@d) {
		is(login($d, 'bob', undef, REMOTE_ADDR => '198.51.100.' .
			int rand 250)->{status}, 429, 'the user is banned');
		is(login($d, 'alice', undef,
			REMOTE_ADDR => '192.0.2.9')->{status}, 429,
		    'and the address');
	}
	is(($d[1]->ctl(qw(ban lift --user bob)))[0], 0, 'lifted from one');
	is(($d[2]->ctl(qw(ban lift --ip 192.0.2.9)))[0], 0, 'or another');
	# From where nobody was killed while signing in: that still counts there.
	is(login($_, 'bob', undef, REMOTE_ADDR => '203.0.113.9')->{status},
	    200, 'holds for all') for @d;
	return;
}

# The limit holds among all of them, too.
sub limit {
	my ($n, @d) = @_;

	$d[0]->ctl(qw(session revoke --user carol));
	my @children = map { my $d = $_;
		map { child_code(sub { cookie($d, 'carol') }) } 1 .. 4 } @d;
	my @cookies = map { $_->() } @children;
	my @alive = grep { verdicts($_, @d) eq $ALLOWED } @cookies;
	is(scalar(grep { !/none/ } @cookies), 4 * $N, 'all were let in');
	is(scalar @alive, 5, 'those that are left are as many as may be');
	is(scalar(sessions($d[0], 'carol')), 5, 'and as many are listed');
	return;
}

# What clients see until a file appears: "N" requests, and what was wrong.
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
	$a = $c->get('/x', Cookie => $cookie);
	return $a->status == 401 ? '' : 'after ' . $a->status;
}

# In turn, without a word, while others are asking.
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
	my $stranger = $n->client;
	push @children, [ 'strangers', until_told($stop, sub {
		my $a = $stranger->post_json('/x', {});
		return $a->status == 401 ? '' : $a->status;
	}) ];
	for my $i (0 .. $#d) {
		sleep 0.3;
		$d[$i]->kill_hard;
		sleep 0.7;
		my $before = length $d[$i]->log_text;
		$d[$i]->start;
		ok(wait_for(10, sub { substr($d[$i]->log_text, $before) =~
			/audit login user=bob/ }),
		    "$i was killed, and is asked again");
	}
	spit($stop, '');
	for my $child (@children) {
		my ($what, $result) = @$child;
		my ($done, @wrong) = split ' ', $result->(), 2;
		cmp_ok($done, '>', 10, "$what: $done");
		is("@wrong", '', '  none of them noticed');
	}
	is(verdicts($_, @d), $ALLOWED, 'no session was lost') for @cookies;
	return;
}

# One that says nothing is slow for whoever meets it, and no more.
sub hangs {
	my ($n, @d) = @_;
	my $cookie = cookie($d[1], 'alice');

	ok($d[0]->freeze, 'one hangs');
	my %seen = map { $n->client->get('/x', Cookie => $cookie)->status => 1 }
	    1 .. 2 * $N;
	is_deeply([ keys %seen ], [200], 'another one is asked');
	$d[0]->thaw;
	return;
}

sub session_mode {
	my ($store) = @_;
	my @d = daemons($store, session => { max_per_user => 5 },
	    limits => { login_attempts => 5, login_attempts_address => 10 });
	my $n = nginx_before(@d);

	subtest 'known everywhere' => sub { known_everywhere($n, @d) };
	subtest 'lists' => sub { lists($n, @d) };
	subtest 'limit' => sub { limit($n, @d) };
	subtest 'kill -9' => sub { kills($n, @d) };
	subtest 'SIGSTOP' => sub { hangs($n, @d) };
	subtest 'bans' => sub { bans($n, @d) };
	$n->stop;
	$_->stop_ok for @d;
	return;
}

# The refresh token of an answer.
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
		is(scalar @got, 4 * ($N + 1), 'answers of all at once');
		is(join(' ', keys %seen), $got[0],
		    '  are the same successor');
		isnt($got[0], $token, '  a new one');
		$token = $got[0];
	}
	my $access;
	for my $round (1 .. 4 * $N) {
		my $a = refresh($d[$round % $N], $token);
		is($a->{status}, 200, 'the next one takes it');
		$token = token($a);
		($access) = $a->{body} =~ /"access_token":"([^"]*)"/;
	}
	is($_->check(HTTP_AUTHORIZATION => "Bearer $access")->{status}, 204,
	    'who issued an access token does not matter') for @d;

	my $mine = token(login($d[1], 'bob'));
	my $next = token(refresh($d[2], $mine));
	$next = token(refresh($d[0], $next));
	is(refresh($d[1], $mine)->{status}, 400, 'an old one is seen through');
	is(refresh($_, $next)->{status}, 400, 'and has ended them all')
	    for @d;
	my $alarms = () = join('', map { $_->log_text } @d) =~
	    /audit refresh_reuse /g;
	is($alarms, 1, 'with one alarm');
	is(refresh($_, $token)->{status}, 200, 'alice is not touched')
	    for $d[0];
	$n->stop;
	$_->stop_ok for @d;
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
}

done_testing;
