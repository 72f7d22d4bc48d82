# SPDX-License-Identifier: MIT
# What a session is worth, for how long, and how it ends.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Site;
use FCGIAuth::Test;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;
use Time::HiRes qw(sleep time);

# A login by JSON straight to a daemon: (token, answer).
sub raw_login {
	my ($d, $name, %arg) = @_;
	my $more = $arg{remember} ? ',"remember":true' : '';
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', %{ $arg{params} || {} },
	    body => qq({"username":"$name","password":"$PASSWORD"$more}));
	my ($cookie) = grep { /fcgiauth=/ } header_values($a, 'Set-Cookie');
	my ($token) = ($cookie // '') =~ /fcgiauth=([^;]*)/;
	return ($token, $a, $cookie);
}

# A token with the id of one and the secret of another.
sub mixed {
	my ($id, $secret) = map { decode_base64url($_) } @_;
	return encode_base64url(substr($id, 0, 16) . substr($secret, 16));
}

sub alive {
	my ($d, $token) = @_;
	my $a = $d->check(HTTP_COOKIE => "fcgiauth=$token");
	return $a && $a->{status};
}

my ($d, $n) = start_site(conf => { auth => { deliver => 'both' } });

subtest 'me' => sub {
	my $c = $n->client;
	my $a = $c->xhr('/auth/me');

	is($a->status, 401, 'nobody');
	ok($a->json->{error}, 'in JSON');
	sign_in($c, 'alice');
	$a = $c->xhr('/auth/me');
	is($a->status, 200, 'somebody');
	is($a->header('cache-control'), 'no-store', 'not stored');
	my $j = $a->json;
	is($j->{name}, 'alice', 'name');
	is_deeply([ sort @{ $j->{roles} } ], [qw(admin staff)], 'roles');
	is($j->{email}, 'alice@example.com', 'e-mail');
	is($j->{full_name}, 'Alice Liddell', 'full name');
	like($j->{session}, qr/^[0-9a-f]{32}$/, 'the id of the session');
	isnt($j->{session}, token_of($c), 'which is not the token');
	ok($j->{expires_in} > 1700 && $j->{expires_in} <= 1800, 'how long');
	sign_in($c = $n->client, 'bob');
	is($c->xhr('/auth/me')->json->{name}, 'bob', 'another is another');
};

subtest 'the check' => sub {
	my ($token) = raw_login($d, 'alice');
	my $a = $d->check(HTTP_COOKIE => "fcgiauth=$token");

	is($a->{status}, 204, 'allowed');
	is($a->{headers}[0][0], 'Status', 'Status is the first header');
	is($a->{body}, '', 'an empty body');
	is_deeply([ header_values($a, 'Remote-User') ], ['alice'], 'user');
	like((header_values($a, 'Remote-Groups'))[0],
	    qr/^(?:admin,staff|staff,admin)$/, 'groups');
	is_deeply([ header_values($a, 'Remote-Email') ],
	    ['alice@example.com'], 'e-mail');
	is_deeply([ header_values($a, 'Remote-Name') ], ['Alice Liddell'],
	    'full name');
	is(scalar(header_values($a, 'Set-Cookie')), 0, 'never a cookie');

	$a = $d->check;
	is($a->{status}, 401, 'nobody');
	is($a->{headers}[0][0], 'Status', 'Status first');
	is(scalar(header_values($a, 'WWW-Authenticate')), 0,
	    'without WWW-Authenticate');
	is(scalar(header_values($a, 'Set-Cookie')), 0, 'without a cookie');

	$a = $d->ask(authorizer => 1, HTTP_COOKIE => "fcgiauth=$token");
	is($a->{status}, 200, 'an authorizer gets 200');
	is_deeply([ header_values($a, 'Variable-REMOTE_USER') ], ['alice'],
	    'as Variable-');
	is(scalar(header_values($a, 'Remote-User')), 0, 'and not otherwise');
	is($d->ask(authorizer => 1)->{status}, 401, 'or 401');

	is($d->ask(AUTH_ACTION => 'something',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403,
	    'an unknown action');
	is($d->check(AUTH_REQUIRE => 'role:admin',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 204, 'a role');
	is($d->check(AUTH_REQUIRE => 'role:nosuch',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403,
	    'one that alice has not');
	is($d->check(AUTH_REQUIRE => 'rubbish',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403, 'rubbish');
	is($d->check(AUTH_REQUIRE => 'public')->{status}, 401,
	    'public grants nothing');
	for my $missing (qw(REQUEST_METHOD REQUEST_URI REMOTE_ADDR HTTP_HOST)) {
		is($d->check(HTTP_COOKIE => "fcgiauth=$token",
			$missing => undef)->{status}, 403,
		    "without $missing");
	}
	for my $uri ('/%zz', '/%00', '/x/%2e%2e/y', '', 'x',
	    'http://localhost/', "/\xff", '/%ff', "/a\x01", '/%252e%252e/',
	    '/a/..;/b', '/a\\..\\b') {
		isnt($d->check(REQUEST_URI => $uri)->{status}, 204,
		    'nobody at a strange address');
		is($d->check(REQUEST_URI => $uri, HTTP_COOKIE =>
			"fcgiauth=$token")->{status}, 403,
		    'nor alice') if $uri ne '';
	}
	# Without rules nothing tells their readings apart.
	for my $uri ('/a%5cb', '/../x', '//x', '/%2f', '/@a%2fb', '/100%25.txt',
	    '/a;b', "/\xc3\xbc") {
		is($d->check(REQUEST_URI => $uri)->{status}, 401,
		    "nobody at $uri");
		is($d->check(REQUEST_URI => $uri, HTTP_COOKIE =>
			"fcgiauth=$token")->{status}, 204, 'but alice');
	}
};

subtest 'credentials' => sub {
	my ($one) = raw_login($d, 'alice');
	my ($two) = raw_login($d, 'bob');
	my ($other) = raw_login($d, 'alice');
	my $who = sub {
		my $a = $d->check(@_);
		return ($a->{status} == 204 ?
		    (header_values($a, 'Remote-User'))[0] : $a->{status});
	};

	is($who->(HTTP_AUTHORIZATION => "Bearer $one"), 'alice', 'Bearer');
	is($who->(HTTP_AUTHORIZATION => "bearer $one"), 'alice',
	    'the scheme has no case');
	is($who->(HTTP_AUTHORIZATION => "Bearer $one",
		HTTP_COOKIE => "fcgiauth=$two"), 'alice', 'goes before a cookie');
	is($who->(HTTP_AUTHORIZATION => 'Bearer rubbish',
		HTTP_COOKIE => "fcgiauth=$two"), 401, 'also when it is wrong');
	is($who->(HTTP_AUTHORIZATION => 'Basic YTpi',
		HTTP_COOKIE => "fcgiauth=$two"), 'bob',
	    'other schemes are ignored');
	is($who->(HTTP_COOKIE => "fcgiauth=$one; fcgiauth=$two"), 401,
	    'two different cookies');
	is($who->(HTTP_COOKIE => "fcgiauth=$one; fcgiauth=$one"), 'alice',
	    'twice the same');
	is($who->(HTTP_COOKIE => "a=b; fcgiauth=$one; c=d"), 'alice',
	    'among others');
	my $twice = FCGIAuth::FastCGI::fcgi_request($d->address, params => [
		AUTH_ACTION => 'verify', REQUEST_METHOD => 'GET',
		REQUEST_URI => '/', REMOTE_ADDR => '127.0.0.1',
		HTTP_HOST => 'localhost', %{ $d->{brings} || {} },
		HTTP_AUTHORIZATION => "Bearer $one",
		HTTP_AUTHORIZATION => "Bearer $one" ]);
	is($twice->{status}, 401, 'two Authorization headers');
	for my $cookie ('=', ';;', '; ; =;', 'fcgiauth', 'fcgiauth=',
	    'fcgiauth="' . $one . '"', "FCGIAUTH=$one", "fcgiauth=$one.",
	    "fcgiauth= $one x", 'fcgiauth=' . 'A' x 64, 'fcgiauth=9999999',
	    'fcgiauth=' . 'x' x 20000, "fcgiauth=\xff\xfe", "xfcgiauth=$one",
	    "fcgiauth=" . substr($one, 0, 63), "fcgiauth=${one}A",
	    'fcgiauth=' . mixed($one, $other), 'fcgiauth=' . mixed($two, $one),
	    "__Host-fcgiauth=$one") {
		my $a = $d->check(HTTP_COOKIE => $cookie);
		like($a ? $a->{status} : 'closed', qr/^(?:40[13]|closed)$/,
		    'nobody: ' . substr $cookie =~ s/[^ -~]/?/gr, 0, 30);
	}
	is($d->check(HTTP_COOKIE => "fcgiauth=$one")->{status}, 204,
	    'and the service is well');
};

subtest 'logging out' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	my $token = token_of($c);
	my $page = $c->page('/auth/logout');
	is($page->status, 200, 'a page to ask');
	is(alive($d, $token), 204, 'which ends nothing');
	is($c->post_form('/auth/logout', [])->status, 403,
	    'nor does a form without its token');
	is($c->post_form('/auth/logout', [ csrf => 'x' ])->status, 403,
	    'or with a wrong one');
	is($c->request(POST => '/auth/logout', headers => [
		Origin => 'https://evil.example',
		'Content-Type' => 'application/json' ], body => '{}')->status,
	    403, 'nor a foreign page');
	is(alive($d, $token), 204, 'still alive');
	my $a = $c->post_form('/auth/logout', [ csrf => $page->field('csrf') ]);
	is($a->status, 303, 'the button');
	is(alive($d, $token), 401, 'ends it at once');
	my ($cookie) = grep { /^fcgiauth=/ } $a->all('set-cookie');
	like($cookie, qr/^fcgiauth=;/, 'the cookie is emptied');
	like($cookie, qr/;\s*Max-Age=0/i, 'and thrown away');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'where it was set');
	is($c->page($a->header('location'))->status, 200,
	    'and a page follows');
	is($c->page('/')->status, 302, 'a stranger again');
	is($c->post_form('/auth/logout', [])->status, 303, 'once more');
	is($c->page('/auth/logout')->status, 200, 'the page, too');

	json_sign_in($c, 'alice');
	$token = token_of($c);
	$a = $c->post_json('/auth/logout', {});
	is($a->status, 204, 'a script');
	is(alive($d, $token), 401, 'ends its own, too');
	is($c->post_json('/auth/logout', {})->status, 204, 'once more');
	my ($bearer) = raw_login($d, 'alice');
	is($n->client->request(POST => '/auth/logout', headers => [
		Authorization => "Bearer $bearer" ])->status, 204,
	    'a program, by Bearer');
	is(alive($d, $bearer), 401, 'ends its own, too');
};

subtest 'a new one at each login' => sub {
	my $c = $n->client;

	$c->jar->{fcgiauth} = 'A' x 64;
	json_sign_in($c, 'alice');
	my $first = token_of($c);
	isnt($first, 'A' x 64, 'one that we did not issue is not adopted');
	json_sign_in($c, 'alice');
	my $second = token_of($c);
	isnt($second, $first, 'another');
	is(alive($d, $first), 401, 'the old one is dead');
	is(alive($d, $second), 204, 'the new one is not');
	json_sign_in($c, 'bob');
	is(alive($d, $second), 401, 'also when somebody else signs in');
	my ($other) = raw_login($d, 'bob');
	is(alive($d, token_of($c)), 204, 'another client is another session');
};

subtest 'the administrator' => sub {
	my %end = (disable => [qw(user disable carol)],
	    passwd => [ \"another long password\n",
		qw(user passwd carol --password-stdin) ],
	    delete => [qw(user delete carol)]);

	for my $how (sort keys %end) {
		$d->add_user('carol');
		my ($token) = raw_login($d, 'carol');
		is(alive($d, $token), 204, "$how: before");
		is(($d->ctl(@{ $end{$how} }))[0], 0, "$how: done");
		is(alive($d, $token), 401, "$how: after");
		$d->ctl(qw(user delete carol));
	}
};

subtest 'restarts' => sub {
	my ($token) = raw_login($d, 'alice');

	is($d->stop, 0, 'stopped');
	$d->start;
	is(alive($d, $token), 204, 'a session survives');
	$d->kill_hard;
	$d->start;
	is(alive($d, $token), 204, 'and a crash');
	is($n->client->page('/', Cookie => "fcgiauth=$token")->status, 200,
	    'nginx finds it again');
};

my $log = $d->log_text;
my ($secret) = raw_login($d, 'alice');
unlike($d->log_text, qr/\Q$secret\E/, 'no token in the log');
unlike($d->log_text, qr/\Q$PASSWORD\E/, 'no password in the log');
like($log, qr/audit.*logout/, 'a logout is audited');
$d->stop_ok;

subtest 'limits' => sub {
	my $e = FCGIAuth::Daemon->new(conf => { session => {
		idle_timeout => '3s', absolute_timeout => '8s',
		remember => '6s', max_per_user => 2 } });
	$e->add_user($_) for qw(alice bob carol dave);
	$e->start;

	my ($used) = raw_login($e, 'alice');
	my $began = time;
	my ($idle) = raw_login($e, 'bob');
	my ($long, $a, $cookie) = raw_login($e, 'carol', remember => 1);
	like($cookie, qr/;\s*Max-Age=6\b/i, 'remember: Max-Age');
	my $until = sub {
		my ($seconds) = @_;
		while (time - $began < $seconds) {
			alive($e, $used);
			sleep 0.2;
		}
	};
	$until->(4.5);
	is(alive($e, $idle), 401, 'an idle one has ended');
	is(alive($e, $used), 204, 'one in use has not');
	is(alive($e, $long), 204, 'nor one to be remembered');
	$until->(7);
	is(alive($e, $long), 401, 'until its own time');
	is(alive($e, $used), 204, 'one in use lives on');
	ok(wait_for(3, sub { alive($e, $used) == 401 }),
	    'until the absolute timeout');

	my @tokens = map { (raw_login($e, 'dave'))[0] } 1 .. 3;
	is(join(' ', map { alive($e, $_) } @tokens), '401 204 204',
	    'max_per_user: the oldest is ended');
	$e->stop_ok;
};

subtest 'cookies by https' => sub {
	my $e = FCGIAuth::Daemon->new(conf => { cookie => { secure => 'yes' } });
	$e->add_user('alice')->start;
	my ($token, $a, $cookie) = raw_login($e, 'alice',
	    params => { HTTPS => 'on', SERVER_PORT => 443 });
	like($cookie, qr/^__Host-fcgiauth=/, 'the prefix');
	like($cookie, qr/;\s*Secure/i, 'Secure');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'Path');
	unlike($cookie, qr/Domain/i, 'no Domain');
	is($e->check(HTTP_COOKIE => "__Host-fcgiauth=$token")->{status}, 204,
	    'works');
	is($e->check(HTTP_COOKIE => "__host-fcgiauth=$token")->{status}, 401,
	    'the name has case');
	is($e->check(HTTP_COOKIE => "fcgiauth=$token")->{status}, 401,
	    'and its prefix');
	$e->stop_ok;
};

done_testing;
