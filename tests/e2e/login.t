# SPDX-License-Identifier: MIT
# Signing in: the form and the JSON call, what they refuse, and how.
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

subtest 'the page' => sub {
	my $c = $n->client;
	my $a = $c->page('/auth/login?rd=%2Fx');

	is($a->status, 200, 'is there');
	like($a->header('content-type'), qr{^text/html; ?charset=utf-8$}i,
	    'is HTML that says its encoding');
	like($a->field('csrf'), qr/^[A-Za-z0-9_-]{20,}$/, 'has a CSRF token');
	is($a->field('rd'), '/x', 'keeps where to return to');
	is($a->header('cache-control'), 'no-store', 'is not stored');
	is($a->header('referrer-policy'), 'same-origin', 'keeps its URL');
	is($a->header('x-content-type-options'), 'nosniff', 'is not sniffed');
	my $csp = $a->header('content-security-policy') // '';
	like($csp, qr/default-src 'none'/, 'CSP: nothing by default');
	like($csp, qr/frame-ancestors 'none'/, 'CSP: no frames');
	like($csp, qr/form-action 'self'/, 'CSP: forms only to us');
	unlike($csp, qr/unsafe|\*/, 'CSP: no holes');
	unlike($a->body, qr/<script|\bon[a-z]+=|javascript:/i, 'no script');
	my ($cookie) = grep { /^fcgiauth_login=/ } $a->all('set-cookie');
	like($cookie, qr/;\s*HttpOnly/i, 'pre-session: HttpOnly');
	like($cookie, qr/;\s*SameSite=Lax/i, 'pre-session: SameSite');

	my $again = $c->page('/auth/login');
	is($again->status, 200, 'once more');
	my $head = $c->request(HEAD => '/auth/login');
	is($head->status . $head->body, '200', 'HEAD has no body');
};

subtest 'a person' => sub {
	my $c = $n->client;
	my $target = '/x/y?a=1&b=2&c=%26';
	my $a = $c->page($target);

	is($a->status, 302, 'a stranger is sent to the login page');
	is($a->header('location'),
	    '/auth/login?rd=%2Fx%2Fy%3Fa%3D1%26b%3D2%26c%3D%2526',
	    'with the whole URL');
	$a = $c->page($a->header('location'));
	is($a->field('rd'), $target, 'which the form keeps');
	$a = $c->post_form('/auth/login', [ username => 'alice',
		password => $PASSWORD, csrf => $a->field('csrf'),
		rd => $a->field('rd') ]);
	is($a->status, 303, 'signed in');
	is($a->header('location'), $target, 'and sent back');
	is($a->header('cache-control'), 'no-store', 'not stored');
	my ($cookie) = grep { /^fcgiauth=/ } $a->all('set-cookie');
	like($cookie, qr/^fcgiauth=[A-Za-z0-9_-]{64};/,
	    'an id and 256 bits');
	like($cookie, qr/;\s*HttpOnly/i, 'HttpOnly');
	like($cookie, qr/;\s*SameSite=Lax/i, 'SameSite');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'for all paths');
	unlike($cookie, qr/Max-Age|Expires|Domain/i,
	    'until the browser ends, for this host');
	is($c->jar->{fcgiauth_login}, undef, 'the pre-session is gone');
	$a = $c->page($a->header('location'));
	is($a->status, 200, 'the page');
	like($a->body, qr{^GET \Q$target\E HTTP}m, 'with the query string');

	$a = $c->page('/auth/login?rd=%2Fsomewhere');
	is($a->status, 303, 'who is signed in already');
	is($a->header('location'), '/somewhere', 'is sent on at once');
};

subtest 'wrong' => sub {
	is(($d->ctl('user', 'disable', 'bob'))[0], 0, 'bob is disabled');
	my %page = map {
		my ($name, $password) = @$_;
		my $a = sign_in($n->client, $name, password => $password);
		is($a->status, 401, "$name: 401");
		is(scalar(grep { /^fcgiauth=./ } $a->all('set-cookie')), 0,
		    "$name: no session");
		my $body = without_tokens($a);
		$body =~ s/\Q$name\E//g;
		($name => $body);
	} [ 'alice', 'wrong password' ], [ 'nobody-here', $PASSWORD ],
	    [ 'bob', $PASSWORD ];
	like($page{alice}, qr/role="alert"/, 'the page says that it is wrong');
	is($page{'nobody-here'}, $page{alice}, 'unknown: the same page');
	is($page{bob}, $page{alice}, 'disabled: the same page');

	my @json = map {
		my $a = json_sign_in($n->client, $_->[0], password => $_->[1]);
		is($a->status, 401, "$_->[0]: 401");
		is($a->json->{error}, 'invalid_credentials', 'its code');
		$a->body;
	} [ 'alice', 'wrong password' ], [ 'nobody-here', $PASSWORD ],
	    [ 'bob', $PASSWORD ];
	is($json[1], $json[0], 'unknown: the same answer');
	is($json[2], $json[0], 'disabled: the same answer');
	is(($d->ctl('user', 'enable', 'bob'))[0], 0, 'bob is enabled');
	is(sign_in($n->client, 'bob')->status, 303, 'and may sign in');

	is(sign_in($n->client, 'Alice')->status, 401, 'names have case');
	is(sign_in($n->client, 'al ice')->status, 401, 'and no blanks');
	is(sign_in($n->client, ' alice ')->status, 303, '  but around them');
	is(sign_in($n->client, "alice' OR '1'='1")->status, 401, 'SQL');
	is(sign_in($n->client, 'alice', password => '')->status, 401,
	    'an empty password');
	like(sign_in($n->client, 'alice', password => 'x' x 3000)->status,
	    qr/^40[01]$/, 'a very long password');
	my $a = sign_in($n->client, '"><script>alert(1)</script>');
	is($a->status, 401, 'HTML as a name');
	unlike($a->body, qr/<script/, 'is not HTML on the page');
};

subtest 'JSON' => sub {
	my $c = $n->client;
	my $a = json_sign_in($c, 'alice');

	is($a->status, 200, 'signed in');
	my $j = $a->json;
	is($j->{user}{name}, 'alice', 'name');
	is_deeply([ sort @{ $j->{user}{roles} } ], [qw(admin staff)], 'roles');
	is($j->{user}{email}, 'alice@example.com', 'e-mail');
	ok(!exists $j->{access_token}, 'deliver = cookie: no token in the body');
	ok(token_of($c), 'but a cookie');
	is($a->header('cache-control'), 'no-store', 'not stored');
	is($c->xhr('/x')->status, 200, 'which works');
};

subtest 'deliver' => sub {
	for my $deliver (qw(body both)) {
		my $e = FCGIAuth::Daemon->new(conf =>
		    { auth => { deliver => $deliver } });
		$e->add_user('alice')->start;
		my $body = '{"username":"alice","password":"' . $PASSWORD . '"}';
		my $a = $e->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', body => $body,
		    CONTENT_TYPE => 'application/json');
		is($a->{status}, 200, "$deliver: signed in");
		my $j = JSON::PP->new->decode($a->{body});
		is($j->{token_type}, 'Bearer', "$deliver: a Bearer token");
		like($j->{access_token}, qr/^[A-Za-z0-9_-]{64}$/,
		    "$deliver: opaque");
		ok($j->{expires_in} > 1700 && $j->{expires_in} <= 1800,
		    "$deliver: expires_in is the nearer limit");
		my @cookies = grep { /^fcgiauth=/ }
		    FCGIAuth::FastCGI::header_values($a, 'Set-Cookie');
		is(scalar @cookies, $deliver eq 'both' ? 1 : 0,
		    "$deliver: cookies");
		is($e->check(HTTP_AUTHORIZATION =>
			"Bearer $j->{access_token}")->{status}, 204,
		    "$deliver: the token works");
		$e->stop_ok;
	}
};

subtest 'where to' => sub {
	my @bad = ('//evil.example', '/\\evil.example', '\\evil.example',
	    'https://evil.example/', 'http://evil.example/', 'javascript:x',
	    "/\t/evil.example", '/%09/evil.example', '/%0a/evil.example',
	    '/./\\evil.example', '/./../../\\evil.example',
	    'https://localhost@evil.example/', 'https:evil.example',
	    "/x\r\nSet-Cookie: a=b", 'https://127.0.0.1.evil.example/', 'x');

	# It refuses such addresses itself.
	@bad = grep { !/[\t\r\n]/ } @bad if web_name() eq 'lighttpd';
	for my $rd (@bad) {
		my $c = $n->client;
		my $a = sign_in($c, 'alice', rd => $rd);
		my $name = $rd =~ s/[\r\n\t]/ /gr;

		is($a->status, 303, "$name: signed in");
		is($a->header('location'), '/', "$name: but not sent there");
		is($c->jar->{a}, undef, "$name: no other header");
		$a = $c->page('/auth/login?rd=' .
		    FCGIAuth::Client::escape($rd));
		is($a->header('location'), '/', "$name: nor when signed in");
	}
	my $long = '/' . 'a' x 7000;
	is(sign_in($n->client, 'alice', rd => $long)->header('location'), $long,
	    'a long one is no reason');
	like($n->client->page('/auth/login?rd=/a&rd=/b')->status, qr/^400$/,
	    'two of them: refused');
};

subtest 'whose request' => sub {
	my $c = $n->client;
	my $csrf = $c->page('/auth/login')->field('csrf');
	my @alice = (username => 'alice', password => $PASSWORD);

	is($c->post_form('/auth/login', [@alice])->status, 403,
	    'no CSRF token');
	is($c->post_form('/auth/login', [ @alice, csrf => 'x' ])->status, 403,
	    'a wrong one');
	is($n->client->post_form('/auth/login', [ @alice, csrf => $csrf ])
	    ->status, 403, 'of another browser');
	for my $origin ('https://evil.example', 'null', 'http://localhost.evil',
	    'https://127.0.0.1') {
		my $a = $c->request(POST => '/auth/login', headers => [
			'Content-Type' => 'application/x-www-form-urlencoded',
			Origin => $origin ], body => FCGIAuth::Client::form(
			@alice, csrf => $csrf));
		is($a->status, 403, "Origin $origin");
		$a = $n->client->post_json('/auth/login', { @alice },
		    Origin => $origin);
		is($a->status, 403, "Origin $origin, JSON");
		is($a->json->{error}, 'csrf', 'its code');
	}
	is($n->client->post_json('/auth/login', { @alice },
		Origin => $c->origin)->status, 200, 'our Origin, JSON');
	my $a = $c->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => FCGIAuth::Client::form(@alice, csrf => $csrf));
	is($a->status, 303, 'no Origin, but the token');
};

subtest 'bad requests' => sub {
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

	is($post->('text/plain', 'x')->status, 415, 'text/plain');
	is($post->('multipart/form-data; boundary=x', '--x--')->status, 415,
	    'multipart');
	is($post->(undef, 'username=a')->status, 415, 'no Content-Type');
	is($post->('', 'username=a')->status, 415, 'an empty one');
	is($post->($json, '{"username":"' . 'x' x 20000 . '"}')->status, 413,
	    'more than limits.body');
	is($post->($form, 'username=' . 'x' x 20000)->status, 413,
	    'the same in a form');
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
		is($a->status, 400, "400: $name");
		is(($a->json || {})->{error}, 'invalid_request', 'its code');
	}
	for my $method (qw(PUT DELETE PATCH OPTIONS)) {
		my $a = $c->request($method => '/auth/login');
		is($a->status, 405, "$method: 405");
		like($a->header('allow'), qr/^GET, HEAD, POST$/, 'Allow');
	}
	is($c->request(POST => '/auth/me', body => '')->status, 405,
	    'POST of what is only read');
	is($c->get('/auth/verify')->status, 404,
	    'the check is no public endpoint');
	is($c->get('/auth/')->status, 404, 'nothing there');
	is($c->get('/auth/loginx')->status, 404, 'nor there');
	is($c->get('/auth/login/')->status, 404, 'nor there');
	like($c->get('/_fcgiauth/verify')->status, qr/^40[14]$/,
	    'nor is the one that nginx uses');
	is($c->get('/auth/health')->status, 200, 'and all is well');
	is($c->get('/auth/ready')->status, 200, 'all of it');
};

subtest 'guessing' => sub {
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
	is("@status", '401 401 401', 'a few guesses');
	my $a;
	for (4 .. 5) {
		$a = $try->('alice', 'guess', "192.0.2.$_");
	}
	is($a->{status}, 429, 'then the name is banned');
	my ($wait) = FCGIAuth::FastCGI::header_values($a, 'Retry-After');
	like($wait, qr/^[123]$/, 'Retry-After');
	like($a->{body}, qr/"too_many_attempts"/, 'its code');
	is($try->('alice', $PASSWORD, '192.0.2.9')->{status}, 429,
	    'the right password changes nothing');
	is($try->('bob', $PASSWORD, '192.0.2.9')->{status}, 200,
	    'others are not banned');
	ok(wait_for(8, sub {
		$try->('alice', $PASSWORD, '192.0.2.9')->{status} == 200 }),
	    'the ban ends');

	$try->("nobody$_", 'guess', '192.0.2.77') for 1 .. 5;
	is($try->('bob', $PASSWORD, '192.0.2.77')->{status}, 429,
	    'an address is banned as well');
	is($try->('bob', $PASSWORD, '192.0.2.78')->{status}, 200,
	    'other addresses are not');
	$e->stop_ok;
};

my $log = $d->log_text;
unlike($log, qr/\Q$PASSWORD\E/, 'no password in the log');
like($log, qr/audit.*login.*alice/, 'the login is audited');
like($log, qr/audit.*login_failure.*nobody-here/, 'the failure, too');
$d->stop_ok;
done_testing;
