# SPDX-License-Identifier: MIT
# Scripts of other origins, through nginx: who may read our answers, by the
# headers and as a browser understands them.
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
	    "$what: allowed for that origin");
	is($a->header('access-control-allow-credentials'), 'true',
	    '  with credentials');
	is($a->header('vary'), 'Origin', '  and caches are told');
	return;
}

sub silent {
	my ($a, $what) = @_;
	my @names = grep { /^access-control-/i } map { $_->[0] }
	    @{ $a->{headers} };
	is("@names", '', "$what: not a word");
	return;
}

subtest 'headers' => sub {
	my $c = $n->client;
	my $a = $c->xhr('/auth/me', Origin => $app);
	is($a->status, 401, 'nobody');
	allowed($a, '401');
	allowed($c->xhr('/auth/health', Origin => 'https://app.example.com'),
	    'another listed one', 'https://app.example.com');
	for my $origin ('https://evil.example', 'null', "$app/", "${app}0",
	    'http://localhost', "http://127.0.0.1:$app_port",
	    "https://localhost:$app_port", '*', "$app https://evil.example",
	    'https://app.example.com.evil.example', uc $app) {
		$a = $c->xhr('/auth/me', Origin => $origin);
		silent($a, $origin);
		is($a->header('vary'), 'Origin', '  caches are told anyway');
		$a = $c->request(OPTIONS => '/auth/login', headers => [
			Origin => $origin, @preflight ]);
		is($a->status, 405, '  and no preflight');
		silent($a, "$origin, preflight");
	}
	silent($c->xhr('/auth/me'), 'no origin');
	$a = $c->xhr('/x', Origin => $app);
	is($a->status, 401, 'what is protected');
	silent($a, 'is no endpoint');
};

subtest 'preflight' => sub {
	my $c = $n->client;
	my %methods = ('/auth/login' => 'GET, HEAD, POST',
	    '/auth/me' => 'GET, HEAD', '/auth/logout' => 'GET, HEAD, POST');
	for my $path (sort keys %methods) {
		my $a = $c->request(OPTIONS => $path, headers => [
			Origin => $app, @preflight ]);
		is($a->status, 204, $path);
		is($a->body, '', '  no body');
		allowed($a, $path);
		is($a->header('access-control-allow-methods'), $methods{$path},
		    '  methods of the path');
		like($a->header('access-control-allow-headers'),
		    qr/^(?=.*\bauthorization\b)(?=.*\bcontent-type\b)/i,
		    '  headers');
		like($a->header('access-control-max-age'), qr/^[1-9]\d*$/,
		    '  and for how long');
		is($a->header('set-cookie'), undef, '  no cookie');
	}
	my $a = $c->request(OPTIONS => '/auth/login', headers => [
		Origin => $app, @preflight,
		'Access-Control-Request-Headers' => 'X-Evil' ]);
	unlike($a->header('access-control-allow-headers') // '', qr/evil/i,
	    'no header that is not listed');
	is($c->request(OPTIONS => '/auth/login', headers => [
		Origin => $app ])->status, 405,
	    'OPTIONS alone is no preflight');
};

subtest 'a login, and its failures' => sub {
	my $c = $n->client;
	my $wrong = { username => 'bob', password => 'wrong' };
	my $a = $c->post_json('/auth/login', { username => 'alice',
		password => $PASSWORD }, Origin => $app);
	is($a->status, 200, 'signs in');
	allowed($a, 'login');
	ok($a->json->{access_token}, 'and gets a token');
	allowed($c->xhr('/auth/me', Origin => $app), 'me');
	$a = $c->post_json('/auth/logout', {}, Origin => 'https://evil.example');
	is($a->status, 403, 'a stranger cannot sign her out');
	silent($a, 'nor read that');
	is($c->xhr('/auth/me')->status, 200, 'she is still signed in');
	$c = $n->client;
	is($c->post_json('/auth/login', $wrong, Origin => $app)->status, 401,
	    'wrong password') for 1 .. 2;
	$a = $c->post_json('/auth/login', $wrong, Origin => $app);
	is($a->status, 429, 'too often');
	allowed($a, '429');
	is($a->header('access-control-expose-headers'), 'Retry-After',
	    'with the time to wait');
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
	# What the script sees: a status and a text, or that it may not.
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
	like($fetch->(GET => '/auth/me'), qr/^refused/, 'a stranger reads nothing');
	like($fetch->(POST => '/auth/login', $login), qr/^refused/,
	    'nor signs anybody in');
	$w->go("$app/");
	like($fetch->(GET => '/auth/me'), qr/^401 .*"error"/,
	    'a listed origin reads errors');
	like($fetch->(POST => '/auth/login', $login),
	    qr/^200 .*"name":"alice"/, 'signs in, after a preflight');
	like($fetch->(GET => '/auth/me'), qr/^200 .*"name":"alice"/,
	    'by cookie');
	$w->go("http://localhost:$other_port/");
	like($fetch->(GET => '/auth/me'), qr/^refused/,
	    'the stranger does not see her');
	like($fetch->(POST => '/auth/logout', '{}'), qr/^refused/,
	    'nor can it sign her out');
	$w->go("$app/");
	like($fetch->(GET => '/auth/me'), qr/^200 /, 'she is still signed in');
	like($fetch->(POST => '/auth/logout', '{}'), qr/^204/, 'and signs out');
	like($fetch->(GET => '/auth/me'), qr/^401 /, 'and is');
	$w->stop;
};

$d->stop_ok;
done_testing;
