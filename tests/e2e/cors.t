# SPDX-License-Identifier: MIT
# Scripts of other origins, through nginx: which of them may read our answers,
# by the headers and in a browser.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use JSON::PP ();
use Test::More;

my ($app_port, $other_port) = (free_port(), free_port());
my $app = "http://localhost:$app_port";
my $pages = join '', map { <<"EOT" } $app_port, $other_port;
	server {
		listen 127.0.0.1:$_;
		default_type text/html;
		location / { return 200 '<title>a page</title>'; }
	}
EOT
my ($d, $n) = start_site(http => $pages, conf => {
	auth => { deliver => 'both' },
	cors => { origins => "$app https://app.example.com" },
	limits => { login_attempts => 2 },
});
my @preflight = ('Access-Control-Request-Method' => 'POST',
    'Access-Control-Request-Headers' => 'content-type,authorization');

sub allowed {
	my ($a, $what, $origin) = @_;
	is($a->header('access-control-allow-origin'), $origin || $app,
	    "$what: the origin is allowed");
	is($a->header('access-control-allow-credentials'), 'true',
	    "$what: credentials are allowed");
	is($a->header('vary'), 'Origin', "$what: the answer has Vary: Origin");
	return;
}

sub silent {
	my ($a, $what) = @_;
	my @names = grep { /^access-control-/i } map { $_->[0] }
	    @{ $a->{headers} };
	is("@names", '', "$what: the answer has no CORS header");
	return;
}

subtest 'the headers of answers' => sub {
	my $c = $n->client;
	my $a = $c->xhr('/auth/me', Origin => $app);
	is($a->status, 401, 'a visitor gets 401');
	allowed($a, '401');
	allowed($c->xhr('/auth/health', Origin => 'https://app.example.com'),
	    'another listed origin', 'https://app.example.com');
	for my $origin ('https://evil.example', 'null', "$app/", "${app}0",
	    'http://localhost', "http://127.0.0.1:$app_port",
	    "https://localhost:$app_port", '*', "$app https://evil.example",
	    'https://app.example.com.evil.example', uc $app) {
		$a = $c->xhr('/auth/me', Origin => $origin);
		silent($a, $origin);
		is($a->header('vary'), 'Origin',
		    "$origin: the answer has Vary: Origin");
		$a = $c->request(OPTIONS => '/auth/login', headers => [
			Origin => $origin, @preflight ]);
		is($a->status, 405, "$origin: a preflight is refused");
		silent($a, "$origin, preflight");
	}
	silent($c->xhr('/auth/me'), 'no origin');
	$a = $c->xhr('/x', Origin => $app);
	is($a->status, 401, 'a protected path answers 401');
	silent($a, 'a protected path');
};

subtest 'preflight requests' => sub {
	my $c = $n->client;
	my %methods = ('/auth/login' => 'GET, HEAD, POST',
	    '/auth/me' => 'GET, HEAD', '/auth/logout' => 'GET, HEAD, POST');
	for my $path (sort keys %methods) {
		my $a = $c->request(OPTIONS => $path, headers => [
			Origin => $app, @preflight ]);
		is($a->status, 204, "$path: a preflight is answered 204");
		is($a->body, '', "$path: the answer has no body");
		allowed($a, $path);
		is($a->header('access-control-allow-methods'), $methods{$path},
		    "$path: the answer lists the methods");
		like($a->header('access-control-allow-headers'),
		    qr/^(?=.*\bauthorization\b)(?=.*\bcontent-type\b)/i,
		    "$path: the answer lists the headers");
		like($a->header('access-control-max-age'), qr/^[1-9]\d*$/,
		    "$path: the answer says how long it is valid");
		is($a->header('set-cookie'), undef,
		    "$path: the answer sets no cookie");
	}
	my $a = $c->request(OPTIONS => '/auth/login', headers => [
		Origin => $app, @preflight,
		'Access-Control-Request-Headers' => 'X-Evil' ]);
	unlike($a->header('access-control-allow-headers') // '', qr/evil/i,
	    'a header that is not listed is not allowed');
	is($c->request(OPTIONS => '/auth/login', headers => [
		Origin => $app ])->status, 405,
	    'OPTIONS alone is no preflight');
};

subtest 'a sign-in and its failures' => sub {
	my $c = $n->client;
	my $wrong = { username => 'bob', password => 'wrong' };
	my $a = $c->post_json('/auth/login', { username => 'alice',
		password => $PASSWORD }, Origin => $app);
	is($a->status, 200, 'alice signs in');
	allowed($a, 'a sign-in');
	ok($a->json->{access_token}, 'the answer has a token');
	allowed($c->xhr('/auth/me', Origin => $app), '/auth/me');
	$a = $c->post_json('/auth/logout', {}, Origin => 'https://evil.example');
	is($a->status, 403, 'a sign-out from a foreign origin is refused');
	silent($a, 'the refused sign-out');
	is($c->xhr('/auth/me')->status, 200, 'alice is still signed in');
	$c = $n->client;
	is($c->post_json('/auth/login', $wrong, Origin => $app)->status, 401,
	    'a wrong password is refused') for 1 .. 2;
	$a = $c->post_json('/auth/login', $wrong, Origin => $app);
	is($a->status, 429, 'too many attempts get 429');
	allowed($a, '429');
	is($a->header('access-control-expose-headers'), 'Retry-After',
	    'scripts may read Retry-After');
	$d->ctl(qw(ban lift --user bob));
	$d->ctl(qw(ban lift --ip 127.0.0.1));
};

subtest 'in a browser' => sub {
	plan(skip_all => 'no Chromium here')
	    unless FCGIAuth::WebDriver::available();
	my $w = FCGIAuth::WebDriver->new->open;
	my $service = "http://localhost:$n->{port}";
	my $login = JSON::PP->new->encode({ username => 'alice',
		password => $PASSWORD });
	# Returns the status and the text that the script gets, or that the
	# browser refuses access.
	my $fetch = sub {
		my ($method, $path, $body) = @_;
		my $options = "method: '$method', credentials: 'include'";

		$options .= ", headers: {'Content-Type': 'application/json'}, "
		    . "body: '$body'" if defined $body;
		return $w->script("return fetch('$service$path', {$options})" .
		    '.then(a => a.text().then(t => a.status + " " + t))' .
		    '.catch(e => "refused: " + e)');
	};

	$w->go("http://localhost:$other_port/");
	like($fetch->(GET => '/auth/me'), qr/^refused/,
	    'a script of a foreign origin cannot read an answer');
	like($fetch->(POST => '/auth/login', $login), qr/^refused/,
	    'a script of a foreign origin cannot sign in');
	$w->go("$app/");
	like($fetch->(GET => '/auth/me'), qr/^401 .*"error"/,
	    'a script of a listed origin reads errors');
	like($fetch->(POST => '/auth/login', $login),
	    qr/^200 .*"name":"alice"/,
	    'a script of a listed origin signs in after a preflight');
	like($fetch->(GET => '/auth/me'), qr/^200 .*"name":"alice"/,
	    'a script of a listed origin uses the cookie');
	$w->go("http://localhost:$other_port/");
	like($fetch->(GET => '/auth/me'), qr/^refused/,
	    'a script of a foreign origin cannot read the identity');
	like($fetch->(POST => '/auth/logout', '{}'), qr/^refused/,
	    'a script of a foreign origin cannot sign out');
	$w->go("$app/");
	like($fetch->(GET => '/auth/me'), qr/^200 /,
	    'alice is still signed in');
	like($fetch->(POST => '/auth/logout', '{}'), qr/^204/,
	    'a script of a listed origin signs out');
	like($fetch->(GET => '/auth/me'), qr/^401 /, 'alice is signed out');
	$w->stop;
};

$d->stop_ok;
done_testing;
