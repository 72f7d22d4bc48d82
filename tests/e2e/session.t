# SPDX-License-Identifier: MIT
# Sessions: what a check says, which credentials are accepted, and how a session
# ends.
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

# Signs in by JSON at a daemon. Returns (token, answer, cookie).
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

# Returns a token with the id of one and the secret of another.
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

subtest '/auth/me' => sub {
	my $c = $n->client;
	my $a = $c->xhr('/auth/me');

	is($a->status, 401, 'a visitor gets 401');
	ok($a->json->{error}, 'the refusal is JSON');
	sign_in($c, 'alice');
	$a = $c->xhr('/auth/me');
	is($a->status, 200, 'a user gets 200');
	is($a->header('cache-control'), 'no-store', 'the answer is not cached');
	my $j = $a->json;
	is($j->{name}, 'alice', 'the answer has the name');
	is_deeply([ sort @{ $j->{roles} } ], [qw(admin staff)],
	    'the answer has the roles');
	is($j->{email}, 'alice@example.com',
	    'the answer has the e-mail address');
	is($j->{full_name}, 'Alice Liddell', 'the answer has the full name');
	like($j->{session}, qr/^[0-9a-f]{32}$/,
	    'the answer has the id of the session');
	isnt($j->{session}, token_of($c), 'the id is not the token');
	ok($j->{expires_in} > 1700 && $j->{expires_in} <= 1800,
	    'the answer says how long the session is valid');
	sign_in($c = $n->client, 'bob');
	is($c->xhr('/auth/me')->json->{name}, 'bob',
	    'another user gets their own name');
};

subtest 'a check' => sub {
	my ($token) = raw_login($d, 'alice');
	my $a = $d->check(HTTP_COOKIE => "fcgiauth=$token");

	is($a->{status}, 204, 'a valid session is allowed');
	is($a->{headers}[0][0], 'Status', 'Status is the first header');
	is($a->{body}, '', 'the body is empty');
	is_deeply([ header_values($a, 'Remote-User') ], ['alice'],
	    'the answer names the user');
	like((header_values($a, 'Remote-Groups'))[0],
	    qr/^(?:admin,staff|staff,admin)$/, 'the answer has the groups');
	is_deeply([ header_values($a, 'Remote-Email') ],
	    ['alice@example.com'], 'the answer has the e-mail address');
	is_deeply([ header_values($a, 'Remote-Name') ], ['Alice Liddell'],
	    'the answer has the full name');
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    'a check sets no cookie');

	$a = $d->check;
	is($a->{status}, 401, 'a visitor gets 401');
	is($a->{headers}[0][0], 'Status',
	    'Status is the first header of a refusal');
	is(scalar(header_values($a, 'WWW-Authenticate')), 0,
	    'the refusal has no WWW-Authenticate');
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    'the refusal sets no cookie');

	$a = $d->ask(authorizer => 1, HTTP_COOKIE => "fcgiauth=$token");
	is($a->{status}, 200, 'an authorizer gets 200');
	is_deeply([ header_values($a, 'Variable-REMOTE_USER') ], ['alice'],
	    'an authorizer gets the user as a variable');
	is(scalar(header_values($a, 'Remote-User')), 0,
	    'an authorizer gets no Remote-User header');
	is($d->ask(authorizer => 1)->{status}, 401,
	    'an authorizer gets 401 for a visitor');

	is($d->ask(AUTH_ACTION => 'something',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403,
	    'an unknown action gets 403');
	is($d->check(AUTH_REQUIRE => 'role:admin',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 204,
		    'a role of the user is allowed');
	is($d->check(AUTH_REQUIRE => 'role:nosuch',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403,
	    'a role that alice does not have gets 403');
	is($d->check(AUTH_REQUIRE => 'rubbish',
		HTTP_COOKIE => "fcgiauth=$token")->{status}, 403,
		    'an invalid requirement gets 403');
	is($d->check(AUTH_REQUIRE => 'public')->{status}, 401,
	    'the requirement public allows no visitor');
	for my $missing (qw(REQUEST_METHOD REQUEST_URI REMOTE_ADDR HTTP_HOST)) {
		is($d->check(HTTP_COOKIE => "fcgiauth=$token",
			$missing => undef)->{status}, 403,
		    "a check without $missing gets 403");
	}
	for my $uri ('/%zz', '/%00', '/x/%2e%2e/y', '', 'x',
	    'http://localhost/', "/\xff", '/%ff', "/a\x01", '/%252e%252e/',
	    '/a/..;/b', '/a\\..\\b') {
		isnt($d->check(REQUEST_URI => $uri)->{status}, 204,
		    'a visitor is not allowed at an invalid path');
		is($d->check(REQUEST_URI => $uri, HTTP_COOKIE =>
			"fcgiauth=$token")->{status}, 403,
		    'alice gets 403 at an invalid path') if $uri ne '';
	}
	# Without rules, the readings of a path do not differ.
	for my $uri ('/a%5cb', '/../x', '//x', '/%2f', '/@a%2fb', '/100%25.txt',
	    '/a;b', "/\xc3\xbc") {
		is($d->check(REQUEST_URI => $uri)->{status}, 401,
		    "a visitor gets 401 at $uri");
		is($d->check(REQUEST_URI => $uri, HTTP_COOKIE =>
			"fcgiauth=$token")->{status}, 204,
			    "alice is allowed at $uri");
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

	is($who->(HTTP_AUTHORIZATION => "Bearer $one"), 'alice',
	    'a Bearer token is accepted');
	is($who->(HTTP_AUTHORIZATION => "bearer $one"), 'alice',
	    'the case of the scheme does not matter');
	is($who->(HTTP_AUTHORIZATION => "Bearer $one",
		HTTP_COOKIE => "fcgiauth=$two"), 'alice',
		    'Bearer takes precedence over a cookie');
	is($who->(HTTP_AUTHORIZATION => 'Bearer rubbish',
		HTTP_COOKIE => "fcgiauth=$two"), 401,
		    'a wrong Bearer token takes precedence over a cookie');
	is($who->(HTTP_AUTHORIZATION => 'Basic YTpi',
		HTTP_COOKIE => "fcgiauth=$two"), 'bob',
	    'other schemes are ignored');
	is($who->(HTTP_COOKIE => "fcgiauth=$one; fcgiauth=$two"), 401,
	    'two different cookies are refused');
	is($who->(HTTP_COOKIE => "fcgiauth=$one; fcgiauth=$one"), 'alice',
	    'two equal cookies are accepted');
	is($who->(HTTP_COOKIE => "a=b; fcgiauth=$one; c=d"), 'alice',
	    'the cookie is found among others');
	my $twice = FCGIAuth::FastCGI::fcgi_request($d->address, params => [
		AUTH_ACTION => 'verify', REQUEST_METHOD => 'GET',
		REQUEST_URI => '/', REMOTE_ADDR => '127.0.0.1',
		HTTP_HOST => 'localhost', %{ $d->{brings} || {} },
		HTTP_AUTHORIZATION => "Bearer $one",
		HTTP_AUTHORIZATION => "Bearer $one" ]);
	is($twice->{status}, 401, 'two Authorization headers are refused');
	for my $cookie ('=', ';;', '; ; =;', 'fcgiauth', 'fcgiauth=',
	    'fcgiauth="' . $one . '"', "FCGIAUTH=$one", "fcgiauth=$one.",
	    "fcgiauth= $one x", 'fcgiauth=' . 'A' x 64, 'fcgiauth=9999999',
	    'fcgiauth=' . 'x' x 20000, "fcgiauth=\xff\xfe", "xfcgiauth=$one",
	    "fcgiauth=" . substr($one, 0, 63), "fcgiauth=${one}A",
	    'fcgiauth=' . mixed($one, $other), 'fcgiauth=' . mixed($two, $one),
	    "__Host-fcgiauth=$one") {
		my $a = $d->check(HTTP_COOKIE => $cookie);
		like($a ? $a->{status} : 'closed', qr/^(?:40[13]|closed)$/,
		    'this cookie is refused: ' .
		    substr $cookie =~ s/[^ -~]/?/gr, 0, 30);
	}
	is($d->check(HTTP_COOKIE => "fcgiauth=$one")->{status}, 204,
	    'a valid cookie is accepted after the refusals');
};

subtest 'a sign-out' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	my $token = token_of($c);
	my $page = $c->page('/auth/logout');
	is($page->status, 200, 'GET of the logout page succeeds');
	is(alive($d, $token), 204,
	    'GET of the logout page does not end the session');
	is($c->post_form('/auth/logout', [])->status, 403,
	    'a form without the CSRF token is refused');
	is($c->post_form('/auth/logout', [ csrf => 'x' ])->status, 403,
	    'a form with a wrong CSRF token is refused');
	is($c->request(POST => '/auth/logout', headers => [
		Origin => 'https://evil.example',
		'Content-Type' => 'application/json' ], body => '{}')->status,
	    403, 'a request from a foreign page is refused');
	is(alive($d, $token), 204,
	    'the session is valid after the refused requests');
	my $a = $c->post_form('/auth/logout', [ csrf => $page->field('csrf') ]);
	is($a->status, 303, 'the form of the page is accepted');
	is(alive($d, $token), 401, 'the form ends the session at once');
	my ($cookie) = grep { /^fcgiauth=/ } $a->all('set-cookie');
	like($cookie, qr/^fcgiauth=;/, 'the cookie gets an empty value');
	like($cookie, qr/;\s*Max-Age=0/i, 'the cookie gets Max-Age=0');
	like($cookie, qr{;\s*Path=/(?:;|$)}i,
	    'the cookie is cleared with its Path');
	is($c->page($a->header('location'))->status, 200,
	    'the redirect leads to a page');
	is($c->page('/')->status, 302, 'the browser is a visitor again');
	is($c->post_form('/auth/logout', [])->status, 303,
	    'a repeated sign-out succeeds');
	is($c->page('/auth/logout')->status, 200,
	    'the logout page can be opened without a session');

	json_sign_in($c, 'alice');
	$token = token_of($c);
	$a = $c->post_json('/auth/logout', {});
	is($a->status, 204, 'a sign-out by a script succeeds');
	is(alive($d, $token), 401, 'the sign-out by a script ends the session');
	is($c->post_json('/auth/logout', {})->status, 204,
	    'a repeated sign-out by a script succeeds');
	my ($bearer) = raw_login($d, 'alice');
	is($n->client->request(POST => '/auth/logout', headers => [
		Authorization => "Bearer $bearer" ])->status, 204,
	    'a sign-out by Bearer succeeds');
	is(alive($d, $bearer), 401, 'the sign-out by Bearer ends the session');
};

subtest 'each sign-in creates a new session' => sub {
	my $c = $n->client;

	$c->jar->{fcgiauth} = 'A' x 64;
	json_sign_in($c, 'alice');
	my $first = token_of($c);
	isnt($first, 'A' x 64,
	    'a sign-in does not adopt the cookie of the client');
	json_sign_in($c, 'alice');
	my $second = token_of($c);
	isnt($second, $first, 'a second sign-in gets another token');
	is(alive($d, $first), 401, 'the second sign-in ends the first session');
	is(alive($d, $second), 204, 'the second session is valid');
	json_sign_in($c, 'bob');
	is(alive($d, $second), 401,
	    'the sign-in of another user ends the session of the browser');
	my ($other) = raw_login($d, 'bob');
	is(alive($d, token_of($c)), 204,
	    'a sign-in in another client ends no session');
};

subtest 'administrators end sessions' => sub {
	my %end = (disable => [qw(user disable carol)],
	    passwd => [ \"another long password\n",
		qw(user passwd carol --password-stdin) ],
	    delete => [qw(user delete carol)]);

	for my $how (sort keys %end) {
		$d->add_user('carol');
		my ($token) = raw_login($d, 'carol');
		is(alive($d, $token), 204, "$how: the session is valid before");
		is(($d->ctl(@{ $end{$how} }))[0], 0,
		    "$how: the command succeeds");
		# The change feed tells the daemon.
		ok(wait_for(10, sub { alive($d, $token) == 401 }),
		    "$how: the session is refused after");
		$d->ctl(qw(user delete carol));
	}
};

subtest 'restarts of the daemon' => sub {
	my ($token) = raw_login($d, 'alice');

	is($d->stop, 0, 'the daemon ends with status 0');
	$d->start;
	is(alive($d, $token), 204, 'a session survives a restart');
	$d->kill_hard;
	$d->start;
	is(alive($d, $token), 204, 'a session survives a crash');
	is($n->client->page('/', Cookie => "fcgiauth=$token")->status, 200,
	    'the web server reaches the daemon after a crash');
};

my $log = $d->log_text;
my ($secret) = raw_login($d, 'alice');
unlike($d->log_text, qr/\Q$secret\E/, 'the log has no token');
unlike($d->log_text, qr/\Q$PASSWORD\E/, 'the log has no password');
like($log, qr/audit.*logout/, 'a sign-out is audited');
$d->stop_ok;

subtest 'the timeouts and the limit of sessions' => sub {
	my $s = slow();
	my $e = FCGIAuth::Daemon->new(conf => { session => {
		idle_timeout => 3 * $s . 's', absolute_timeout => 8 * $s . 's',
		remember => 6 * $s . 's', max_per_user => 2 } });
	$e->add_user($_) for qw(alice bob carol dave);
	$e->start;

	my ($used) = raw_login($e, 'alice');
	my $began = time;
	my ($idle) = raw_login($e, 'bob');
	my ($long, $a, $cookie) = raw_login($e, 'carol', remember => 1);
	my $age = 6 * $s;
	like($cookie, qr/;\s*Max-Age=$age\b/i,
	    'a remembered session has a cookie with Max-Age');
	my $until = sub {
		my ($seconds) = @_;
		while (time - $began < $s * $seconds) {
			alive($e, $used);
			sleep 0.2;
		}
	};
	$until->(4.5);
	is(alive($e, $idle), 401, 'an idle session has ended');
	is(alive($e, $used), 204,
	    'a used session is valid after the idle timeout');
	is(alive($e, $long), 204,
	    'a remembered session is valid after the idle timeout');
	$until->(7);
	is(alive($e, $long), 401,
	    'a remembered session ends after its own time');
	is(alive($e, $used), 204, 'a used session stays valid');
	ok(wait_for(3, sub { alive($e, $used) == 401 }),
	    'a used session ends at the absolute timeout');

	my @tokens = map { (raw_login($e, 'dave'))[0] } 1 .. 3;
	is(join(' ', map { alive($e, $_) } @tokens), '401 204 204',
	    'max_per_user ends the oldest session');
	$e->stop_ok;
};

subtest 'the cookie with https' => sub {
	my $e = FCGIAuth::Daemon->new(conf => { cookie => { secure => 'yes' } });
	$e->add_user('alice')->start;
	my ($token, $a, $cookie) = raw_login($e, 'alice',
	    params => { HTTPS => 'on', SERVER_PORT => 443 });
	like($cookie, qr/^__Host-fcgiauth=/,
	    'the cookie has the prefix __Host-');
	like($cookie, qr/;\s*Secure/i, 'the cookie has Secure');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'the cookie is for all paths');
	unlike($cookie, qr/Domain/i, 'the cookie has no Domain');
	is($e->check(HTTP_COOKIE => "__Host-fcgiauth=$token")->{status}, 204,
	    'the cookie is accepted');
	is($e->check(HTTP_COOKIE => "__host-fcgiauth=$token")->{status}, 401,
	    'the case of the name matters');
	is($e->check(HTTP_COOKIE => "fcgiauth=$token")->{status}, 401,
	    'the prefix of the name is required');
	$e->stop_ok;
};

done_testing;
