# SPDX-License-Identifier: MIT
# The connections that nginx keeps to the service. A few of them are enough for
# all requests. One that was closed may cost a request an error, but nginx never
# sends a request twice that uses up a refresh token, a link or a ticket: with
# `grace = 0` the second use of a token ends the session.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Apache;
use FCGIAuth::Daemon;
use FCGIAuth::Lighttpd;
use FCGIAuth::Manager;
use FCGIAuth::Nginx;
use FCGIAuth::Proxy;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep);

plan(skip_all => 'no nginx here') unless in_path('nginx');

my $dir = tempdir();
chmod 0755, "$dir";
spit("$dir/page", "a page\n");

# ---- the daemon, reached directly and through a proxy ------------------------

my $port = free_port();
my $d = FCGIAuth::Daemon->new(conf => {
	auth => { mode => 'refresh', deliver => 'cookie' },
	refresh => { grace => 0 },
	jwt => { algorithm => 'ES256', keys => "$dir/keys",
		issuer => 'https://auth.example.com', audience => 'example' },
});
$d->configure(server => { listen => $d->address . " 127.0.0.1:$port" });
$d->add_user('alice');

my $m = FCGIAuth::Manager->new;
my $main;	# the process id of the daemon

sub start_daemon {
	$main = $m->start($d);
	$m->wait_heard(qr/^READY=1/) or die $d->log_text;
	return;
}

my $proxy = FCGIAuth::Proxy->new(to => $d->{socket}, at => "$dir/proxy.sock");
chmod 0777, "$dir/proxy.sock";

sub new_nginx {
	my ($service, %arg) = @_;
	my $text = delete $arg{text} // '';

	return FCGIAuth::Nginx->new(workers => 1, service => $service, %arg,
	    server => <<"EOT")->start;
	$text
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		root $dir;
	}
	location /open/ {
		include fcgiauth/fcgiauth-public.conf;
		alias $dir/;
	}
EOT
}

sub suspend_daemon {
	local $d->{pid} = $main;
	return $d->freeze || die 'the daemon does not stop';
}

# Returns how often a refresh token was used a second time.
sub reuses {
	return scalar grep { /audit refresh_reuse/ } split /\n/, $d->log_text;
}

# ---- the requests ------------------------------------------------------------

my @SCRIPT = @FCGIAuth::Client::XHR;
my @PERSON = @FCGIAuth::Client::NAVIGATE;

# A program that sends a new password.
my @BY_PROGRAM = (headers => [ 'Content-Type' => 'application/json' ], body =>
	'{"ticket":"x","current":"x","new":"a quite different phrase"}');

# Each request has the arguments of FCGIAuth::Client::request() and the expected
# status. `once`: it must not be sent twice, as it may use up a refresh token or
# something else that works once.
my %requests = (
	'a refresh' => { once => 1, status => 200,
		args => [ POST => '/auth/refresh', headers => \@SCRIPT ] },
	'a refresh by the login page' => { once => 1, status => 303,
		args => [ GET => '/auth/login?rd=/page',
			headers => \@PERSON ] },
	'a refresh by the sign-out page' => { once => 1, status => 303,
		args => [ GET => '/auth/logout', headers => \@PERSON ] },
	'a refresh for a form' => { once => 1, status => 307,
		form => 1, args => [ POST => '/auth/repeat?rd=/page',
			headers => \@PERSON ] },
	'a refresh for a large form' => { once => 1, status => 307,
		form => 1, args => [ POST => '/auth/repeat?rd=/page',
			headers => \@PERSON, body => 'a=' . 'x' x 20000 ] },
	'a password by a link' => { once => 1, visitor => 1, status => 404,
		args => [ POST => '/auth/link/' . 'A' x 43, @BY_PROGRAM ] },
	'a password at the sign-in' => { once => 1, visitor => 1, status => 401,
		args => [ POST => '/auth/login/password', @BY_PROGRAM ] },
	'a change of the password' => { once => 1, visitor => 1, status => 401,
		args => [ POST => '/auth/password', @BY_PROGRAM ] },
	'a sign-in' => { status => 200, args => [ POST => '/auth/login',
		headers => [ 'Content-Type' => 'application/json' ],
		body => qq({"username":"alice","password":"$PASSWORD"}) ] },
	'a refused page' => { status => 302, visitor => 1,
		args => [ GET => '/page', headers => \@PERSON ] },
	'a refused form' => { status => 307, visitor => 1,
		args => [ POST => '/page', headers => \@PERSON,
			body => 'a=1' ] },
	'a refused form that is large' => { status => 307, visitor => 1,
		args => [ POST => '/page', headers => \@PERSON,
			body => 'a=' . 'x' x 20000 ] },
	'a refused script' => { status => 401, visitor => 1,
		args => [ GET => '/page', headers => \@SCRIPT ] },
	'the login page' => { status => 200, visitor => 1,
		args => [ GET => '/auth/login', headers => \@PERSON ] },
	'a check' => { status => 200, args => [ GET => '/page' ] },
);

# Returns a client that is signed in, unless the request is that of a visitor,
# and has a connection to the web server.
sub client_for {
	my ($web, $r) = @_;
	my $c = $web->client;

	if ($r->{visitor}) {
		$c->get('/auth/health');
	} else {
		my $a = json_sign_in($c, 'alice');
		$a->status == 200 or die 'no sign-in: ' . $a->status . $a->body;
	}
	return $c;
}

sub arguments {
	my ($c, $r) = @_;
	my ($method, $target, %arg) = @{ $r->{args} };

	# A browser refreshes when it has no access token, and only if it did
	# not do so just now, which the other cookies mark.
	delete @{ $c->jar }{qw(fcgiauth_access fcgiauth_login fcgiauth_repeat)}
	    if $r->{once};
	$arg{headers} = [ @{ $arg{headers} || [] },
		$r->{form} ? (Origin => $c->origin) : () ];
	return ($method, $target, %arg);
}

sub request {
	my ($c, $r) = @_;
	return $c->request(arguments($c, $r))->status;
}

# ---- how many connections are needed -----------------------------------------

sub counted {
	my ($code) = @_;
	my @before = map { $proxy->tell($_) } qw(connects requests);

	$code->();
	return map { $proxy->tell($_) - shift @before } qw(connects requests);
}

sub few_connections {
	my ($text) = @_;
	my $workers = 2;
	my $n = new_nginx("unix:$dir/proxy.sock", workers => $workers,
	    text => $text);

	for my $name (sort keys %requests) {
		my $r = $requests{$name};
		my $c = client_for($n, $r);
		my %status;
		my ($connects, $requests) = counted(sub {
			$status{ request($c, $r) }++ for 1 .. 20;
		});
		is_deeply(\%status, { $r->{status} => 20 },
		    "$name: all 20 requests are answered");
		cmp_ok($requests, '>=', 20, "$name: the service is asked");
		cmp_ok($connects, '<=', $workers,
		    "$name: $requests requests to the service need at most " .
		    'one new connection in each worker');
	}

	# More at a time than the 16 idle connections of a worker that the
	# snippets of before allow.
	my ($at_once, $rounds) = (60, 10);
	my @clients = map { $n->client } 1 .. $at_once;
	my %status;
	my ($connects, $requests) = counted(sub {
		for (1 .. $rounds) {
			$_->begin(GET => '/page', headers => \@PERSON)
			    for @clients;
			$status{ $_->finish->status }++ for @clients;
		}
	});
	is_deeply(\%status, { 302 => $at_once * $rounds },
	    "$at_once visitors at once are answered");
	is($requests, 2 * $at_once * $rounds, 'the service is asked twice each');
	cmp_ok($connects, '<=', $workers * $at_once,
	    "$requests requests to the service, $at_once at a time, " .
	    'need no more connections than requests at a time in a worker');
	$n->stop;
	return;
}

start_daemon();
subtest 'few connections are needed' => sub { few_connections('') };
subtest 'an inherited fastcgi_buffering off changes nothing' =>
    sub { few_connections('fastcgi_buffering off;') };

# ---- connections that were closed --------------------------------------------

my %nginx = (
	'a unix socket' => new_nginx($d->address),
	'TCP' => new_nginx("127.0.0.1:$port"),
	'a proxy' => new_nginx("unix:$dir/proxy.sock"),
);

# Waits until nginx, which has one worker, has processed all earlier events.
sub settle {
	my ($n) = @_;
	$n->client->get('/open/page')->status == 200 or die 'nginx is gone';
	return;
}

sub upgrade {
	my $before = $main;

	kill 'USR2', $main;
	($main) = ($m->wait_heard(qr/^MAINPID=\d+\|READY=1\|/, 40) // '') =~
	    /(\d+)/ or die $d->log_text;
	$m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before)
	    or die $d->log_text;
	return;
}

my %ways = (
	'restarted' => sub { $m->stop($main); start_daemon() },
	'killed' => sub {
		kill 'KILL', $main;
		$m->gone($main);
		start_daemon();
	},
	'upgraded' => \&upgrade,
);

# Every connection that the proxy serves is closed, as an idle one is.
my $by_proxy = sub { $proxy->tell('refuse'); $proxy->tell('pass') };

sub each_way {
	my ($code) = @_;

	for my $kind ('a unix socket', 'TCP') {
		$code->("$kind, $_", $nginx{$kind}, $ways{$_})
		    for sort keys %ways;
	}
	$code->('closed while idle', $nginx{'a proxy'}, $by_proxy);
	return;
}

subtest 'nginx knows that its connections were closed' => sub {
	each_way(sub {
		my ($how, $n, $break) = @_;
		for my $name (sort keys %requests) {
			my $r = $requests{$name};
			next unless $r->{once} || $name =~ /sign-in|form/;
			my $c = client_for($n, $r);
			$break->();
			settle($n);
			is(request($c, $r), $r->{status}, "$how: $name succeeds");
		}
	});
	is(reuses(), 0, 'no reuse is logged');
};

# Returns how many requests met a connection that was closed.
sub broken {
	my ($n) = @_;
	return scalar(() = $n->log_text =~ /\[error\]\ .*(?:Broken\ pipe|
	    prematurely\ closed|reset\ by\ peer)/gx);
}

# nginx gets the request before it can know that its connections were closed.
subtest 'nginx does not know yet that its connections were closed' => sub {
	each_way(sub {
		my ($how, $n, $break) = @_;
		for my $name (sort keys %requests) {
			my $r = $requests{$name};
			my $c = client_for($n, $r);
			my $met = broken($n);
			$n->freeze or die 'nginx does not stop';
			$c->begin(arguments($c, $r));
			$break->();
			$n->thaw;
			my $status = $c->finish->status;
			cmp_ok(broken($n), '>', $met,
			    "$how: $name meets a closed connection");
			if (!$r->{once}) {
				is($status, $r->{status},
				    "$how: $name succeeds");
				next;
			}
			like($status, qr/^(?:502|$r->{status})$/,
			    "$how: $name succeeds or fails with 502");
			is(request($c, $r), $r->{status},
			    "$how: $name succeeds afterwards");
		}
	});
	is(reuses(), 0, 'no reuse is logged');
};

# Returns how many connections of the service are open.
sub open_connections {
	my $folder = $d->dir . '/';

	# The end of a connection at the service has state 03.
	return scalar grep { / 03 +\d+ \Q$folder\E/ }
	    split /\n/, slurp('/proc/net/unix');
}

subtest '64 connections are closed' => sub {
	my $n = $nginx{'a unix socket'};
	my @clients = map { $n->client } 1 .. 64;

	$_->get('/open/page') for @clients;
	for my $name ('a refresh', 'a sign-in') {
		my $r = $requests{$name};
		my $c = client_for($n, $r);
		suspend_daemon();
		$_->begin(GET => '/auth/health') for @clients;
		settle($n);	# nginx has sent the requests
		kill 'CONT', $main;
		$_->finish for @clients;
		cmp_ok(open_connections(), '>=', 64,
		    'nginx keeps 64 connections');
		$n->freeze or die 'nginx does not stop';
		$c->begin(arguments($c, $r));
		$ways{restarted}->();
		$n->thaw;
		my $status = $c->finish->status;
		is($status, $r->{once} ? 502 : 200, "$name: the answer");
		is(request($c, $r), 200, "$name succeeds afterwards");
	}
	is(reuses(), 0, 'no reuse is logged');
};

# ---- requests whose answer is lost -------------------------------------------

# Sends a request while the proxy drops an answer: the first one, or the one
# with this number. Returns the status, and the number of requests that reached
# the service.
sub lose_answer {
	my ($c, $r, $by, $number) = @_;
	my $before = $by->tell('requests');

	$by->tell('lose', $number // 1);
	my $status = request($c, $r);
	return ($status, $by->tell('requests') - $before);
}

subtest 'the service is killed before it reads the request' => sub {
	my $n = $nginx{'a unix socket'};

	for my $name (grep { $requests{$_}{once} } sort keys %requests) {
		my $r = $requests{$name};
		my $c = client_for($n, $r);
		suspend_daemon();
		$c->begin(arguments($c, $r));
		settle($n);
		$ways{killed}->();
		is($c->finish->status, 502, "$name fails");
		is(request($c, $r), $r->{status}, "$name succeeds afterwards");
	}
	is(reuses(), 0, 'no reuse is logged');
};

subtest 'the connection is closed in place of the answer' => sub {
	my $n = $nginx{'a proxy'};

	for my $name (grep { $requests{$_}{once} } sort keys %requests) {
		my $r = $requests{$name};
		my $c = client_for($n, $r);
		my ($status, $count) = lose_answer($c, $r, $proxy);
		is($status, 502, "$name fails");
		is($count, 1, "$name reaches the service once");
		is(reuses(), 0, "$name: no reuse is logged");
	}
	# The strict setting means this: only the client knows that it had no
	# answer, and the service cannot know who sends the token again.
	my $r = $requests{'a refresh'};
	my $c = client_for($n, $r);
	lose_answer($c, $r, $proxy);
	is(reuses(), 0, 'the session is alive');
	is(request($c, $r), 400, 'a client that repeats the request is refused');
	is(reuses(), 1, 'the reuse by the client is logged');

	# Others are repeated. Of a refused form, the check is the first
	# request to the service.
	my %repeated = ('a sign-in' => [ 1, 2 ], 'a refused form' => [ 2, 3 ],
	    'a refused form that is large' => [ 2, 3 ]);
	for my $name (sort keys %repeated) {
		my ($lost, $all) = @{ $repeated{$name} };
		my $r = $requests{$name};
		my ($status, $count) =
		    lose_answer(client_for($n, $r), $r, $proxy, $lost);
		is($status, $r->{status}, "$name succeeds");
		is($count, $all, "$name is repeated by nginx");
	}
};

subtest 'the service is suspended for longer than nginx waits' => sub {
	my $n = $nginx{'a unix socket'};
	my $r = $requests{'a refresh for a form'};
	my $c = client_for($n, $r);
	my $before = reuses();

	suspend_daemon();
	is(request($c, $r), 504, 'the request fails');
	kill 'CONT', $main;
	is(json_sign_in($n->client, 'alice')->status, 200,
	    'the service goes on');
	is(reuses(), $before, 'no reuse is logged');
};

# ---- the other web servers, which keep no connection -------------------------

sub sends_once {
	my ($class, $by, $service) = @_;

	plan(skip_all => 'this web server is not here') unless $class->program;
	my $before = reuses();
	my $web = $class->new(service => $service, secret => 'only4us' x 4,
	    locations => [ { path => '/', app => 'files' } ])->start;
	for my $name (grep { $requests{$_}{once} } sort keys %requests) {
		my $r = $requests{$name};
		my ($status, $n) = lose_answer(client_for($web, $r), $r, $by);
		like($status, qr/^50[0-9]$/, "$name fails");
		is($n, 1, "$name reaches the service once");
	}
	is(reuses(), $before, 'no reuse is logged');
	$web->stop;
	return;
}

my $tcp_proxy = FCGIAuth::Proxy->new(to => "127.0.0.1:$port");
subtest 'Apache sends no request twice' => sub {
	sends_once('FCGIAuth::Apache', $tcp_proxy,
	    '127.0.0.1:' . $tcp_proxy->port);
};
subtest 'lighttpd sends no request twice' => sub {
	sends_once('FCGIAuth::Lighttpd', $proxy, "unix:$dir/proxy.sock");
};

# ---- a service that is killed again and again --------------------------------

# Returns the last status.
sub refresh_until_it_fails {
	my ($c, $round) = @_;
	my $status = 200;

	$c->close;	# the parent has this connection as well
	$status = request($c, $requests{'a refresh'})
	    until $status != 200 || -e "$dir/over$round";
	return $status;
}

# A service manager holds the socket, so that a request that nginx sends again
# waits in it for the next process.
subtest 'the service is killed at any moment' => sub {
	my $before = reuses();
	my %status;

	$m->stop($main);
	$m = FCGIAuth::Manager->new->listen_on(web => "unix:$dir/held.sock");
	chmod 0777, "$dir/held.sock";
	start_daemon();
	my $n = new_nginx("unix:$dir/held.sock");
	for my $round (1 .. 8) {
		my @clients = map { client_for($n, {}) } 1 .. 4;
		my @running = map { my $c = $_;
			child_code(sub { refresh_until_it_fails($c, $round) })
		} @clients;
		for (1 .. 2) {
			sleep 0.03 + rand 0.05;
			$ways{killed}->();
		}
		spit("$dir/over$round", '');
		$status{ $_->() }++ for @running;
	}
	note(join ' ', map { "$_: $status{$_}" } sort keys %status);
	is_deeply([ grep { !/^(?:200|502)$/ } keys %status ], [],
	    'a refresh succeeds or fails with 502');
	cmp_ok($status{502} // 0, '>', 0, 'some refreshes fail');
	is(reuses(), $before, 'no reuse is logged');
	$n->stop;
};

is($m->stop($main), 0, 'the daemon ends with status 0');
is_deeply([ $d->log_text =~
	/^.*(?:Sanitizer|runtime error:|[Aa]ssert).*$/mg ], [],
    'the log has no report of a sanitizer and no failed assertion');
done_testing;
