# SPDX-License-Identifier: MIT
# A sign-in by the form and by JSON: what it does, and what it refuses.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my ($d, $n) = start_site();

sub without_tokens {
	my ($answer) = @_;
	my $body = $answer->body;
	$body =~ s/(name="csrf" value=")[^"]*/$1/;
	return $body;
}

subtest 'the login page' => sub {
	my $c = $n->client;
	my $a = $c->page('/auth/login?rd=%2Fx');

	is($a->status, 200, 'the page is answered 200');
	like($a->header('content-type'), qr{^text/html; ?charset=utf-8$}i,
	    'the page is HTML in UTF-8');
	like($a->field('csrf'), qr/^[A-Za-z0-9_-]{20,}$/,
	    'the page has a CSRF token');
	is($a->field('rd'), '/x', 'the form keeps the return URL');
	is($a->header('cache-control'), 'no-store', 'the page is not cached');
	is($a->header('referrer-policy'), 'same-origin',
	    'the URL of the page is not sent to other sites');
	is($a->header('x-content-type-options'), 'nosniff',
	    'the browser must not guess the content type');
	my $csp = $a->header('content-security-policy') // '';
	like($csp, qr/default-src 'none'/,
	    'the policy allows nothing by default');
	like($csp, qr/frame-ancestors 'none'/, 'the policy allows no frames');
	like($csp, qr/form-action 'self'/,
	    'the policy allows forms to this site only');
	unlike($csp, qr/unsafe|\*/,
	    'the policy has no unsafe source and no wildcard');
	unlike($a->body,
	    qr{<script(?! src="/auth/page\.js)|\bon[a-z]+=|javascript:}i,
	    'the page has no script but that file');
	my ($cookie) = grep { /^fcgiauth_login=/ } $a->all('set-cookie');
	like($cookie, qr/;\s*HttpOnly/i, 'the cookie of the form has HttpOnly');
	like($cookie, qr/;\s*SameSite=Lax/i,
	    'the cookie of the form has SameSite=Lax');

	my $again = $c->page('/auth/login');
	is($again->status, 200, 'the page is answered 200 a second time');
	my $head = $c->request(HEAD => '/auth/login');
	is($head->status . $head->body, '200',
	    'the answer to HEAD has no body');
};

subtest 'a sign-in by the form' => sub {
	my $c = $n->client;
	my $target = '/x/y?a=1&b=2&c=%26';
	my $a = $c->page($target);

	is($a->status, 302, 'a visitor is redirected to the login page');
	is($a->header('location'),
	    '/auth/login?rd=%2Fx%2Fy%3Fa%3D1%26b%3D2%26c%3D%2526',
	    'the redirect has the whole URL');
	$a = $c->page($a->header('location'));
	is($a->field('rd'), $target, 'the form keeps the URL');
	$a = $c->post_form('/auth/login', [ username => 'alice',
		password => $PASSWORD, csrf => $a->field('csrf'),
		rd => $a->field('rd') ]);
	is($a->status, 303, 'the form signs in');
	is($a->header('location'), $target,
	    'the browser is redirected to the URL');
	is($a->header('cache-control'), 'no-store',
	    'the redirect is not cached');
	my ($cookie) = grep { /^fcgiauth=/ } $a->all('set-cookie');
	like($cookie, qr/^fcgiauth=[A-Za-z0-9_-]{64};/,
	    'the cookie has an id and a secret of 256 bits');
	like($cookie, qr/;\s*HttpOnly/i, 'the cookie has HttpOnly');
	like($cookie, qr/;\s*SameSite=Lax/i, 'the cookie has SameSite=Lax');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'the cookie is for all paths');
	unlike($cookie, qr/Max-Age|Expires|Domain/i,
	    'the cookie is for this host and this run of the browser');
	is($c->jar->{fcgiauth_login}, undef,
	    'the cookie of the form is removed');
	$a = $c->page($a->header('location'));
	is($a->status, 200, 'the page is shown');
	like($a->body, qr{^GET \Q$target\E HTTP}m,
	    'the application gets the query string');

	$a = $c->page('/auth/login?rd=%2Fsomewhere');
	is($a->status, 303,
	    'a signed-in user is redirected from the login page');
	is($a->header('location'), '/somewhere',
	    'the redirect leads to the return URL');
};

subtest 'wrong names and passwords' => sub {
	is(($d->ctl('user', 'disable', 'bob'))[0], 0, 'bob is disabled');
	my %page = map {
		my ($name, $password) = @$_;
		my $a = sign_in($n->client, $name, password => $password);
		is($a->status, 401, "$name is refused");
		is(scalar(grep { /^fcgiauth=./ } $a->all('set-cookie')), 0,
		    "$name gets no session");
		my $body = without_tokens($a);
		$body =~ s/\Q$name\E//g;
		($name => $body);
	} [ 'alice', 'wrong password' ], [ 'nobody-here', $PASSWORD ],
	    [ 'bob', $PASSWORD ];
	like($page{alice}, qr/role="alert"/,
	    'the page says that the sign-in failed');
	is($page{'nobody-here'}, $page{alice},
	    'an unknown user gets the same page');
	is($page{bob}, $page{alice}, 'a disabled user gets the same page');

	my @json = map {
		my $a = json_sign_in($n->client, $_->[0], password => $_->[1]);
		is($a->status, 401, "$_->[0] is refused by JSON");
		is($a->json->{error}, 'invalid_credentials',
		    'the error is invalid_credentials');
		$a->body;
	} [ 'alice', 'wrong password' ], [ 'nobody-here', $PASSWORD ],
	    [ 'bob', $PASSWORD ];
	is($json[1], $json[0], 'an unknown user gets the same answer');
	is($json[2], $json[0], 'a disabled user gets the same answer');
	is(($d->ctl('user', 'enable', 'bob'))[0], 0, 'bob is enabled');
	is(sign_in($n->client, 'bob')->status, 303,
	    'bob can sign in when enabled again');

	is(sign_in($n->client, 'Alice')->status, 401,
	    'the case of a name matters');
	is(sign_in($n->client, 'al ice')->status, 401,
	    'a name with a blank is refused');
	is(sign_in($n->client, ' alice ')->status, 303,
	    'blanks around a name are ignored');
	is(sign_in($n->client, "alice' OR '1'='1")->status, 401,
	    'SQL in a name is refused');
	is(sign_in($n->client, 'alice', password => '')->status, 401,
	    'an empty password is refused');
	like(sign_in($n->client, 'alice', password => 'x' x 3000)->status,
	    qr/^40[01]$/, 'a very long password is refused');
	my $a = sign_in($n->client, '"><script>alert(1)</script>');
	is($a->status, 401, 'HTML in a name is refused');
	unlike($a->body, qr/<script>/, 'the page escapes the name');
};

subtest 'a sign-in by JSON' => sub {
	my $c = $n->client;
	my $a = json_sign_in($c, 'alice');

	is($a->status, 200, 'the sign-in succeeds');
	my $j = $a->json;
	is($j->{user}{name}, 'alice', 'the answer has the name');
	is_deeply([ sort @{ $j->{user}{roles} } ], [qw(admin staff)],
	    'the answer has the roles');
	is($j->{user}{email}, 'alice@example.com',
	    'the answer has the e-mail address');
	ok(!exists $j->{access_token},
	    'with deliver = cookie the body has no token');
	ok(token_of($c), 'with deliver = cookie the answer sets a cookie');
	is($a->header('cache-control'), 'no-store', 'the answer is not cached');
	is($c->xhr('/x')->status, 200, 'the cookie is accepted');
};

subtest 'the option deliver' => sub {
	for my $deliver (qw(body both)) {
		my $e = FCGIAuth::Daemon->new(conf =>
		    { auth => { deliver => $deliver } });
		$e->add_user('alice')->start;
		my $body = '{"username":"alice","password":"' . $PASSWORD . '"}';
		my $a = $e->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', body => $body,
		    CONTENT_TYPE => 'application/json');
		is($a->{status}, 200, "$deliver: the sign-in succeeds");
		my $j = JSON::PP->new->decode($a->{body});
		is($j->{token_type}, 'Bearer',
		    "$deliver: the token has the type Bearer");
		like($j->{access_token}, qr/^[A-Za-z0-9_-]{64}$/,
		    "$deliver: the token is opaque");
		ok($j->{expires_in} > 1700 && $j->{expires_in} <= 1800,
		    "$deliver: expires_in is the idle timeout");
		my @cookies = grep { /^fcgiauth=/ }
		    FCGIAuth::FastCGI::header_values($a, 'Set-Cookie');
		is(scalar @cookies, $deliver eq 'both' ? 1 : 0,
		    "$deliver: only deliver = both sets a cookie");
		is($e->check(HTTP_AUTHORIZATION =>
			"Bearer $j->{access_token}")->{status}, 204,
		    "$deliver: a check accepts the token");
		$e->stop_ok;
	}
};

subtest 'return URLs' => sub {
	my @bad = ('//evil.example', '/\\evil.example', '\\evil.example',
	    'https://evil.example/', 'http://evil.example/', 'javascript:x',
	    "/\t/evil.example", '/%09/evil.example', '/%0a/evil.example',
	    '/./\\evil.example', '/./../../\\evil.example',
	    'https://localhost@evil.example/', 'https:evil.example',
	    "/x\r\nSet-Cookie: a=b", 'https://127.0.0.1.evil.example/', 'x');

	# lighttpd itself refuses such addresses.
	@bad = grep { !/[\t\r\n]/ } @bad if web_name() eq 'lighttpd';
	for my $rd (@bad) {
		my $c = $n->client;
		my $a = sign_in($c, 'alice', rd => $rd);
		my $name = $rd =~ s/[\r\n\t]/ /gr;

		is($a->status, 303, "$name: the sign-in succeeds");
		is($a->header('location'), '/auth/account',
		    "$name: the redirect leads to /");
		is($c->jar->{a}, undef,
		    "$name: the answer has no injected header");
		$a = $c->page('/auth/login?rd=' .
		    FCGIAuth::Client::escape($rd));
		is($a->header('location'), '/auth/account',
		    "$name: the login page redirects to /");
	}
	my $long = '/' . 'a' x 7000;
	is(sign_in($n->client, 'alice', rd => $long)->header('location'), $long,
	    'a long return URL is accepted');
	like($n->client->page('/auth/login?rd=/a&rd=/b')->status, qr/^400$/,
	    'two return URLs are refused');
};

subtest 'requests from other sites' => sub {
	my $c = $n->client;
	my $csrf = $c->page('/auth/login')->field('csrf');
	my @alice = (username => 'alice', password => $PASSWORD);

	is($c->post_form('/auth/login', [@alice])->status, 403,
	    'a form without a CSRF token is refused');
	is($c->post_form('/auth/login', [ @alice, csrf => 'x' ])->status, 403,
	    'a wrong CSRF token is refused');
	is($n->client->post_form('/auth/login', [ @alice, csrf => $csrf ])
	    ->status, 403, 'the CSRF token of another browser is refused');
	for my $origin ('https://evil.example', 'null', 'http://localhost.evil',
	    'https://127.0.0.1') {
		my $a = $c->request(POST => '/auth/login', headers => [
			'Content-Type' => 'application/x-www-form-urlencoded',
			Origin => $origin ], body => FCGIAuth::Client::form(
			@alice, csrf => $csrf));
		is($a->status, 403, "a form with Origin $origin is refused");
		$a = $n->client->post_json('/auth/login', { @alice },
		    Origin => $origin);
		is($a->status, 403, "JSON with Origin $origin is refused");
		is($a->json->{error}, 'csrf', 'the error is csrf');
	}
	is($n->client->post_json('/auth/login', { @alice },
		Origin => $c->origin)->status, 200,
		    'JSON with our Origin is accepted');
	my $a = $c->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => FCGIAuth::Client::form(@alice, csrf => $csrf));
	is($a->status, 303,
	    'a form with its CSRF token and no Origin is accepted');
};

subtest 'malformed requests' => sub {
	my $c = $n->client;
	my @post = (POST => '/auth/login');
	my $post = sub {
		my ($type, $body) = @_;
		return $c->request(@post, headers => [
			defined $type ? ('Content-Type' => $type) : (),
			Accept => 'application/json' ], body => $body);
	};
	my $json = 'application/json';
	my $form = 'application/x-www-form-urlencoded';

	is($post->('text/plain', 'x')->status, 415, 'text/plain is refused');
	is($post->('multipart/form-data; boundary=x', '--x--')->status, 415,
	    'multipart/form-data is refused');
	is($post->(undef, 'username=a')->status, 415,
	    'a body without Content-Type is refused');
	is($post->('', 'username=a')->status, 415,
	    'an empty Content-Type is refused');
	is($post->($json, '{"username":"' . 'x' x 20000 . '"}')->status, 413,
	    'JSON above limits.body is refused');
	is($post->($form, 'username=' . 'x' x 20000)->status, 413,
	    'a form above limits.body is refused');
	my @bad = (
	    [ $json, '{' ], [ $json, '[]' ], [ $json, '"x"' ], [ $json, '' ],
	    [ $json, '{"username":"alice"}' ],
	    [ $json, '{"username":"alice","password":1}' ],
	    [ $json, '{"username":"alice","password":null}' ],
	    [ $json, '{"username":{"a":1},"password":"x"}' ],
	    [ $json, '{"username":"alice","username":"bob","password":"x"}' ],
	    [ $json, '{"username":"al\u0000ice","password":"x"}' ],
	    [ $json, "{\"username\":\"\xff\",\"password\":\"x\"}" ],
	    [ $form, 'username=alice' ],
	    [ $form, 'username=alice&username=bob&password=x' ],
	    [ $form, 'username=alice&password=x&password=x' ],
	    [ $form, 'username=a%00b&password=x' ],
	    [ $form, 'username=%ff&password=x' ],
	    [ $form, 'username=%zz&password=x' ],
	    [ $form, '' ],
	);
	for my $case (@bad) {
		my $a = $post->(@$case);
		(my $name = $case->[1]) =~ s/[^ -~]/?/g;
		is($a->status, 400, "this body is refused: $name");
		is(($a->json || {})->{error}, 'invalid_request',
		    'the error is invalid_request');
	}
	for my $method (qw(PUT DELETE PATCH OPTIONS)) {
		my $a = $c->request($method => '/auth/login');
		is($a->status, 405, "$method is refused");
		like($a->header('allow'), qr/^GET, HEAD, POST$/,
		    'the answer has Allow');
	}
	is($c->request(POST => '/auth/me', body => '')->status, 405,
	    'POST of /auth/me is refused');
	is($c->get('/auth/verify')->status, 404,
	    'the check is not a public endpoint');
	is($c->get('/auth/')->status, 404, '/auth/ does not exist');
	is($c->get('/auth/loginx')->status, 404, '/auth/loginx does not exist');
	is($c->get('/auth/login/')->status, 404, '/auth/login/ does not exist');
	like($c->get('/_fcgiauth/verify')->status, qr/^40[14]$/,
	    'the check location of nginx is not public');
	is($c->get('/auth/health')->status, 200, '/auth/health answers 200');
	is($c->get('/auth/ready')->status, 200, '/auth/ready answers 200');
};

subtest 'repeated guesses' => sub {
	my $e = FCGIAuth::Daemon->new(conf => { limits => {
		login_attempts => 3, login_attempts_address => 5,
		login_window => '60s', login_ban => '2s' } });
	$e->add_user('alice')->add_user('bob')->start;
	my $try = sub {
		my ($name, $password, $address) = @_;
		return $e->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', REMOTE_ADDR => $address,
		    CONTENT_TYPE => 'application/json', body =>
		    qq({"username":"$name","password":"$password"}));
	};
	my @status = map { $try->('alice', 'guess', "192.0.2.$_")->{status} }
	    1 .. 3;
	is("@status", '401 401 401', 'three guesses are answered 401');
	my $a;
	for (4 .. 5) {
		$a = $try->('alice', 'guess', "192.0.2.$_");
	}
	is($a->{status}, 429, 'further guesses are answered 429');
	my ($wait) = FCGIAuth::FastCGI::header_values($a, 'Retry-After');
	like($wait, qr/^[123]$/, 'the answer has Retry-After');
	like($a->{body}, qr/"too_many_attempts"/,
	    'the error is too_many_attempts');
	is($try->('alice', $PASSWORD, '192.0.2.9')->{status}, 429,
	    'the ban also holds for the correct password');
	is($try->('bob', $PASSWORD, '192.0.2.9')->{status}, 200,
	    'another user is not banned');
	ok(wait_for(8, sub {
		$try->('alice', $PASSWORD, '192.0.2.9')->{status} == 200 }),
	    'the user can sign in after the ban');

	$try->("nobody$_", 'guess', '192.0.2.77') for 1 .. 5;
	is($try->('bob', $PASSWORD, '192.0.2.77')->{status}, 429,
	    'an address is banned after five guesses');
	is($try->('bob', $PASSWORD, '192.0.2.78')->{status}, 200,
	    'another address is not banned');
	$e->stop_ok;
};

my $log = $d->log_text;
unlike($log, qr/\Q$PASSWORD\E/, 'the log has no password');
like($log, qr/audit.*login.*alice/, 'a sign-in is audited');
like($log, qr/audit.*login_failure.*nobody-here/,
    'a failed sign-in is audited');
$d->stop_ok;
done_testing;
