# SPDX-License-Identifier: MIT
# What holds for every web server. FCGIAUTH_WEB names it (nginx, nginx-fastcgi,
# apache, lighttpd). Its shipped snippets are around real applications, and this
# file is the same for all.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::App;
use FCGIAuth::Client;
use FCGIAuth::FastCGI qw(fcgi_listen fcgi_serve);
use FCGIAuth::Lighttpd;
use FCGIAuth::Site;
use FCGIAuth::Test;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);

my $web = web_name();
# The other kind of application. lighttpd needs a module to pass the identity to
# it.
my %main = (apache => 'http', nginx => 'http');
my $other = $main{$web} ? 'fastcgi' : 'http';
my $tells_other = $web ne 'lighttpd' || FCGIAuth::Lighttpd::has_magnet();

my ($d, $n) = start_site(locations => [
	@FCGIAuth::Site::PLAN,
	{ path => '/admin/', require => 'role:admin' },
	{ path => '/other/', app => $other },
	{ path => '/other/open/', app => $other, open => 1 },
	{ path => '/files/', app => 'files' },
]);
mkdir $n->dir . '/www/files';
spit($n->dir . '/www/files/secret.html', 'THE APPLICATION, as a file');

# ---- a web server in front of another service -------------------------------

# A connection to this service gets no answer.
my $silent_dir = tempdir();
chmod 0711, "$silent_dir";

# Returns a listening socket and its address in the form of this web server.
sub listen_somewhere {
	my ($path) = @_;

	if ($web eq 'apache') {
		my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    Listen => 64) or die $!;
		return ($s, '127.0.0.1:' . $s->sockport);
	}
	my $s = fcgi_listen($path);
	chmod 0777, $path;
	return ($s, "unix:$path");
}

sub web_before {
	my ($address) = @_;
	my $fake = bless { tcp => $address, brings => { AUTH_SECRET => 'x' } },
	    'FCGIAuth::Daemon';
	my $m = new_web($fake, locations => [ { path => '/' },
		{ path => '/files/', app => 'files' } ]);

	$m->apps->start;
	mkdir $m->dir . '/www/files';
	spit($m->dir . '/www/files/secret.html', 'THE APPLICATION');
	return $m;
}

my ($silent, $silent_address) = listen_somewhere("$silent_dir/s");
my $waiting = web_before($silent_address);
# Apache waits for 30 seconds. The other tests run meanwhile.
my @hanging = map {
	my $path = $_;
	child_code(sub {
		my $a = $waiting->client(timeout => 60)->page($path);
		return join ' ', $a->status, $a->body =~ /THE APPLICATION/ ?
		    'open' : 'closed';
	});
} qw(/x /files/secret.html);

# ---- visitors and users -----------------------------------------------------

my $alice = $n->client;
my $bob = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
is(sign_in($bob, 'bob')->status, 303, 'bob signs in');

my @protected = qw(/x /admin/x /other/x /files/secret.html);

# A language that no browser prefers by itself.
my $pages = tempdir();
chmod 0755, "$pages";
mkdir "$pages/texts" or die "mkdir: $!";
spit("$pages/texts/xx.txt", <<'EOT');
language.name = Xenish
language.direction = rtl
login.title = Xog xin
forbidden.title = Xo xaccess
not_found.title = Xo xage
EOT
$d->configure(pages => { directory => "$pages" });
$d->reload;
ok(wait_for(10, sub { $n->client->page('/auth/login')->body =~ /Xenish/ }),
    'the pages have a further language after a reload');

subtest 'the language of the browser' => sub {
	my @prefers = ('Accept-Language' => 'xx-XX, en;q=0.5');
	my $c = $n->client;

	like($c->page('/auth/login', @prefers)->body,
	    qr{<html lang="xx" dir="rtl">.*<h1>Xog xin</h1>}s,
	    'the login page is in the language that the browser prefers');
	like($c->page('/auth/none', @prefers)->body, qr{<h1>Xo xage</h1>},
	    'so is the page that says that nothing is there');
	my $a = $bob->page('/admin/x', @prefers);
	is($a->status, 403, 'a user without access is refused');
	like($a->body, qr{<h1>Xo xaccess</h1>}, 'so is that page');
	like($c->page('/auth/login?lang=xx')->body, qr{<h1>Xog xin</h1>},
	    'the address chooses a language');
	like($c->page('/auth/login')->body, qr{<h1>Xog xin</h1>},
	    'and a cookie keeps it');
	like($n->client->page('/auth/login')->body, qr{<html lang="en"},
	    'other browsers get English');
};

subtest 'the files of the pages' => sub {
	my $c = $n->client;
	my $body = $c->page('/auth/login')->body;

	for my $name (qw(style.css page.js icon.svg)) {
		my ($link) = $body =~ m{"(/auth/\Q$name\E\?v=[0-9a-f]+)"};
		ok(defined $link, "the login page links to $name") or next;
		my $a = $c->get($link);
		is($a->status, 200, "$name is served");
		like($a->header('cache-control'), qr/\bimmutable\b/,
		    "$name is kept by the browser");
		cmp_ok(length $a->body, '>', 100, "$name has its content");
	}
};

subtest 'a visitor' => sub {
	for my $path (@protected) {
		my $c = $n->client;
		my $a = $c->page("$path?a=1&b=%20");
		is($a->status, 302,
		    "$path: a person is redirected to the login page");
		like($a->header('location'),
		    qr{^/auth/login\?rd=[^&]*%3Fa%3D1%26b%3D%2520$},
		    "$path: the return URL has the query");
		is($a->header('set-cookie'), undef,
		    "$path: the redirect sets no cookie");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: the person sees nothing of the application");
		$a = $c->xhr($path);
		is($a->status, 401, "$path: a script gets 401");
		is($a->header('www-authenticate'), 'Bearer',
		    "$path: the answer to a script names the scheme Bearer");
		is($a->header('location'), undef,
		    "$path: the answer to a script has no Location");
		like($a->header('content-type'), qr{^application/json\b},
		    "$path: the answer to a script is JSON");
		is($a->json && $a->json->{error}, 'unauthorized',
		    "$path: the error is unauthorized");
		is($a->header('cache-control'), 'no-store',
		    "$path: the answer is not cached");
		is($c->get($path, Accept => '*/*')->status, 401,
		    "$path: a program gets 401");
		$a = $c->request(POST => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ], body => 'x' x 100000);
		is($a->status, 401, "$path: a POST is not redirected");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: a POST does not reach the application");
		for my $method (qw(HEAD PUT DELETE OPTIONS PATCH PROPFIND)) {
			$a = $c->request($method => $path,
			    headers => [ Accept => '*/*' ]);
			like($a->status, qr/^4\d\d$/,
			    "$path: $method is refused");
			unlike($a->body, qr/THE APPLICATION/,
			    "$path: $method does not reach the application");
		}
		is($c->request(HEAD => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ])->status, 302,
		    "$path: HEAD is redirected like GET");
	}
	unlike($n->client->request(TRACE => '/x', headers => [
		Cookie => 'a=secret' ])->body, qr/a=secret/,
		    'TRACE does not return the cookie');
	is($n->client->page('/open/x')->status, 200, 'a public page is shown');
	is($n->client->page('/other/open/x')->status, 200,
	    'a public page of the other application is shown');
};

subtest 'a user' => sub {
	for my $path (@protected) {
		my $a = $alice->page("$path?q=1");
		is($a->status, 200, "$path: alice is let in");
		like($a->body, qr/^THE APPLICATION/,
		    "$path: alice gets the page");
	}
	for my $path ('/x', $tells_other ? '/other/x' : ()) {
		my $a = $alice->page($path);
		like($a->body, qr/^Remote-User: alice$/m,
		    "$path: the application gets the name");
		like($a->body, qr/^Remote-Groups: admin,staff$/m,
		    "$path: the application gets the groups");
		like($a->body, qr/^Remote-Email: alice\@example\.com$/m,
		    "$path: the application gets the e-mail address");
		like($a->body, qr/^Remote-Name: Alice Liddell$/m,
		    "$path: the application gets the full name");
	}
	my $name = "\xc3\x84lice \xe2\x80\x9cA\xe2\x80\x9d, \xe6\x84\x9b & Co;";
	my ($code) = $d->ctl('user', 'set', 'alice', '--name', $name);
	is($code, 0, 'user set accepts a name in UTF-8');
	my $coded = $name =~ s/([^ -~]|%)/sprintf '%%%02X', ord $1/ger;
	ok(wait_for(5, sub {
		$alice->page('/x')->body =~ /^Remote-Name: \Q$coded\E$/m
	}), 'the application gets the name in ASCII');
	is($alice->page('/x')->status, 200,
	    'a request with this name is served');
	my $a = $n->client->page('/open/x');
	unlike($a->body, qr/^Remote-User: ./m,
	    'a public page gets no identity of a visitor');
	is($bob->page('/x')->status, 200, 'bob is let in');
	unlike($bob->page('/x')->body, qr/^Remote-Email: ./m,
	    'an empty e-mail address is not passed on');
};

subtest 'a location that requires a role' => sub {
	my $a = $bob->page('/admin/x');
	is($a->status, 403, 'bob gets 403');
	like($a->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'bob gets a page');
	like($a->body, qr/bob/, 'the page names bob');
	like($a->body, qr{/auth/logout}, 'the page links to the logout page');
	like($a->body, qr{</html>\s*$}, 'the page is complete');
	is($a->header('cache-control'), 'no-store', 'the page is not cached');
	unlike($a->body, qr/THE APPLICATION/,
	    'the page has nothing of the application');
	$a = $bob->xhr('/admin/x');
	is($a->status, 403, 'a script of bob gets 403');
	like($a->header('content-type'), qr{^application/json\b},
	    'the answer to the script is JSON');
	is($a->json && $a->json->{error}, 'forbidden',
	    'the error is forbidden');
	is($alice->page('/admin/x')->status, 200, 'alice is let in');
};

subtest 'Bearer tokens' => sub {
	my ($token) = token_of($alice);
	my @bearer = (Authorization => "Bearer $token");

	for my $path (@protected) {
		is($n->client->get($path, @bearer)->status, 200,
		    "$path: a Bearer token is accepted");
	}
	is($n->client->get('/auth/me', @bearer)->json->{name}, 'alice',
	    '/auth/me accepts a Bearer token');
	is($n->client->get('/admin/x', Authorization => 'Bearer ' .
		token_of($bob))->status, 403,
		    'bob gets 403 where a role is required');
	for my $wrong ('Bearer x', "Bearer $token.", 'Bearer', 'Bearer ',
	    "Bearer $token, Bearer $token") {
		is($n->client->get('/x', Authorization => $wrong)->status, 401,
		    'a wrong Bearer token is refused');
	}
	is($alice->get('/x', Authorization => 'Bearer x')->status, 401,
	    'a wrong Bearer token is refused despite a valid cookie');
	is($alice->get('/x', Authorization => 'Basic YTpi')->status, 200,
	    'HTTP Basic beside a cookie is ignored');
	is($n->client->get('/x', Authorization => 'Basic YWxpY2U6eA==')
	    ->status, 401, 'HTTP Basic without a cookie is refused');
	like($n->client->get('/x', @bearer, @bearer)->status, qr/^40[01]$/,
	    'two Authorization headers are refused');
};

# ---- the login page and return URLs ------------------------------------------

my @queries = ('', '?', '?a=1&b=2', '?b=%26c%3D1', '?q=%2Fx%2f', '?q=a+b',
    '?a;b=1', '?q=%C3%A9', '?q=%25', '?&&', '?a[]=1&a[]=2', "?q='%22",
    '?rd=https://evil.example/', '?q=' . 'x' x 1500, '?q=%3Cb%3E', '?a=b?c=d',
    '?q=~!*()@:,$', '?csrf=x&username=y');

subtest 'return URLs' => sub {
	for my $path ('/a/b', '/a%20b/%C3%A9') {
		for my $query (@queries) {
			my $c = $n->client;
			my $target = "$path$query";
			my $name = substr $target, 0, 40;
			my $a = $c->page($target);
			is($a->status, 302, "$name: a visitor is redirected");
			is($a->header('location'), '/auth/login?rd=' .
			    FCGIAuth::Client::escape($target),
			    "$name: the redirect has the return URL");
			my $form = $c->page($a->header('location'));
			is($form->field('rd'), $target,
			    "$name: the form keeps the return URL");
			$a = $c->post_form('/auth/login', [
				username => 'alice', password => $PASSWORD,
				csrf => $form->field('csrf'), rd => $target ]);
			is($a->status, 303, "$name: the form signs in");
			is($a->header('location'), $target,
			    "$name: the browser is redirected to the URL");
			$a = $c->page($target);
			my ($got) = $a->body =~ m{^GET (\S+) HTTP}m;
			$got =~ s/.*?(?=\?|$)// if defined $got;
			is($got, $query,
			    "$name: the application gets the query")
			    if $query ne '?';
		}
	}
};

subtest 'sign-ins and other endpoints' => sub {
	my $c = $n->client;
	my $form = $c->page('/auth/login?rd=/x');
	is($form->status, 200, 'the login page is shown');
	like($form->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'the login page is HTML');
	like($form->header('content-security-policy'), qr/default-src 'none'/,
	    'the login page has a content security policy');
	is(join(' ', keys %{ $c->jar }), 'fcgiauth_login',
	    'the login page sets the cookie of the form');
	my $a = $c->post_form('/auth/login', [ username => 'alice',
		password => 'wrong', csrf => $form->field('csrf') ]);
	is($a->status, 401, 'a wrong password is refused');
	like($a->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'the refusal is an HTML page');
	ok($a->field('csrf'), 'the refusal has the form');
	$a = $c->post_form('/auth/login', [ username => 'alice',
		password => $PASSWORD, rd => '/x', csrf => $a->field('csrf') ]);
	is($a->status, 303, 'the correct password is accepted');
	my @cookies = $a->all('set-cookie');
	is(scalar(grep { /^fcgiauth(?:_login)?=/ } @cookies), 2,
	    'the answer sets both cookies');
	like($_, qr/; *HttpOnly/i, 'the cookie has HttpOnly') for @cookies;
	is($c->page('/x')->status, 200, 'the session is accepted');
	is($c->post_form('/auth/login', [ username => 'bob',
		password => $PASSWORD, csrf => 'wrong' ])->status, 403,
	    'a form of another user with a wrong CSRF token is refused');
	is($c->post_form('/auth/login', [ username => 'alice',
		password => 'any', csrf => 'old' ])->status, 303,
	    'an old form of the same user is redirected');
	$a = $c->xhr('/auth/me');
	is($a->json->{name}, 'alice', '/auth/me has the name');
	like($a->header('content-type'), qr{^application/json\b},
	    '/auth/me answers JSON');
	$a = json_sign_in($n->client, 'alice');
	is($a->status, 200, 'a sign-in by JSON succeeds');
	is($n->client->xhr('/auth/me')->status, 401,
	    '/auth/me refuses a visitor');
	is($n->client->xhr('/auth/none')->status, 404,
	    '/auth/none does not exist');
	is($n->client->xhr('/auth/verify')->status, 404,
	    '/auth/verify is not public');
	$a = $n->client->request(DELETE => '/auth/login');
	is($a->status, 405, 'a wrong method is refused');
	like($a->header('allow') // '', qr/POST/, 'the answer has Allow');
	$a = $n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json' ], body => 'x' x 40000);
	is($a->status, 413, 'a body that is too large is refused');
	like($n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json' ], body => 'x' x 400000)
	    ->status, qr/^413$|^0$/, 'a body that is far too large is refused');
	is($c->request(POST => '/auth/logout', headers => [
		Accept => 'application/json' ])->status, 204,
		    'a sign-out succeeds');
	is($c->jar->{fcgiauth} // '', '', 'the sign-out clears the cookie');
	is($c->xhr('/x')->status, 401,
	    'the session is refused after the sign-out');
};

# ---- forged headers ----------------------------------------------------------

subtest 'forged identity headers' => sub {
	my @between = ('-', '_', split //, q(.!#$%&'*+^`|~));
	my @forged = map { my $sign = $_; map {
		($_ =~ s/-/$sign/r => 'evil') } qw(Remote-User Remote-Groups
	    REMOTE-EMAIL remote-name)
	} @between;

	push @forged, 'rEMOTE-uSER' => 'evil', 'remote_User' => 'evil';

	# nginx refuses such a request. The other web servers remove the
	# headers.
	my $refused = $web =~ /^nginx/ ? 400 : undef;
	for my $path (@protected) {
		is($n->client->page($path, @forged)->status, $refused // 302,
		    "$path: a visitor is not let in");
	}
	for my $path (qw(/x /other/x /admin/x)) {
		my $a = $alice->page($path, @forged);
		is($a->status, $refused // 200,
		    "$path: alice gets the expected status");
		unlike($a->body, qr/evil/,
		    "$path: the application gets no forged header");
		like($a->body, qr/alice/,
		    "$path: the application gets the name alice")
		    if !$refused && ($path ne '/other/x' || $tells_other);
		$a = $bob->page($path, @forged);
		unlike($a->body, qr/evil/,
		    "$path: a forged header does not replace an empty value");
	}
	for my $path (qw(/open/x /other/open/x)) {
		my $a = $n->client->page($path, @forged);
		is($a->status, $refused // 200,
		    "$path: a public page gets the expected status");
		unlike($a->body, qr/evil/,
		    "$path: a public page gets no forged header");
	}
	for my $i (0 .. @forged / 2 - 1) {
		my @one = @forged[ 2 * $i, 2 * $i + 1 ];
		for my $path (qw(/open/x /other/open/x)) {
			unlike($n->client->get($path, @one)->body, qr/evil/,
			    "$path: $one[0] alone is not passed on");
		}
	}
	my $a = $alice->get('/x', 'Remote-User' => 'evil',
	    'Remote-User' => 'evil', 'remote_user' => 'evil');
	unlike($a->body, qr/evil/, 'several forged headers are not passed on');
	is($a->status, $refused, 'several forged headers are refused')
	    if $refused;
	is(() = $a->body =~ /^Remote-User: /mgi, 1,
	    'the application gets one Remote-User')
	    unless $refused;
	like($alice->get('/x', 'X-Remote-User' => 'theirs')->body, qr/theirs/,
	    'a header with another name is passed on');
	for my $hop (qw(Remote-User REMOTE_USER Cookie Authorization)) {
		$a = $alice->get('/x', Connection => "close, $hop");
		like($a->body, qr/^Remote-User: alice$/m,
		    "Connection: $hop does not remove the identity")
		    if $a->status == 200;
		like($a->status, qr/^(?:200|400|401)$/,
		    "Connection: $hop gets an expected status");
	}
	for my $path (qw(/x /other/x)) {
		$a = $alice->page($path, Proxy => 'http://evil.example/');
		unlike($a->body, qr/^HTTP_PROXY: ./m,
		    "$path: HTTP_PROXY is not set by a client");
	}
	for my $path (qw(/x /other/x)) {
		$a = $alice->get($path, Authorization => 'Basic ZXZpbDp4');
		unlike($a->body, qr/evil/,
		    "$path: a name from HTTP Basic is not passed on");
	}
};

subtest 'other forged headers' => sub {
	my @tricks = (
		[ 'Auth-Action' => 'challenge' ], [ AUTH_ACTION => 'x' ],
		[ 'Auth-Require' => 'public' ], [ AUTH_REQUIRE => 'public' ],
		[ 'Auth-User' => 'alice' ], [ AUTH_USER => 'alice' ],
		[ 'Auth-Secret' => 'x' ], [ AUTH_SECRET => 'x' ],
		[ 'Variable-REMOTE_USER' => 'alice' ],
		[ 'Variable-AUTH_USER' => 'alice' ], [ 'Status' => '200' ],
		[ 'Fcgi-Role' => 'RESPONDER' ], [ FCGI_ROLE => 'RESPONDER' ],
		[ 'X-Forwarded-Uri' => '/open/x' ],
		[ 'X-Original-Uri' => '/open/x' ],
		[ 'X-Original-Method' => 'OPTIONS' ],
		[ 'X-Forwarded-Method' => 'OPTIONS' ],
		[ 'X-Http-Method-Override' => 'OPTIONS' ],
		[ 'X-Rewrite-Url' => '/open/x' ],
		[ 'X-Forwarded-For' => 'a' ], [ 'X_Forwarded_For' => '::1' ],
		[ 'X-Forwarded-Proto' => 'https' ], [ Https => 'on' ],
		[ 'X-Forwarded-Host' => 'evil.example' ],
		[ 'Request-Uri' => '/open/x' ], [ REQUEST_URI => '/open/x' ],
		[ 'Remote-Addr' => '10.0.0.1' ], [ REMOTE_ADDR => 'x' ],
		[ 'X-Accel-Redirect' => '/open/x' ],
		[ 'X-Sendfile' => '/etc/passwd' ],
		[ 'X-Lighttpd-Send-File' => '/etc/passwd' ],
		[ Cookie => '=' ], [ Cookie => ';;' ],
		[ Cookie => 'fcgiauth=9999999' ],
		[ 'Content-Type' => '' ], [ 'Content-Length' => '0' ],
		[ 'User-Agent' => 'GoogleHC/1.0' ],
		[ Expect => '100-continue' ], [ Upgrade => 'websocket' ],
		[ Range => 'bytes=0-1' ], [ 'If-None-Match' => '*' ],
		[ 'If-Modified-Since' => 'Tue, 01 Jan 2030 00:00:00 GMT' ],
	);

	for my $path (qw(/admin/x /files/secret.html)) {
		for my $trick (@tricks) {
			my $a = $n->client->get($path, @$trick);
			like($a->status, qr/^4\d\d$|^302$/,
			    "$path: a visitor is refused with @$trick");
			unlike($a->body, qr/THE APPLICATION/,
			    "$path: the visitor does not see the application");
			unlike($a->header('location') // '', qr/evil|open/,
			    "$path: the Location is not changed");
			next if $trick->[0] eq 'Cookie' || $path =~ /files/;
			like($bob->get($path, @$trick)->status,
			    qr/^40[03]$/, "$path: bob is refused with @$trick");
		}
	}
	for my $host ('evil.example', 'LOCALHOST', 'localhost.:1') {
		my $a = $n->client->page('/x', Host => $host);
		is($a->status, 302, "a visitor with Host $host is redirected");
		is($a->header('location'), '/auth/login?rd=%2Fx',
		    "Host $host is not in the Location");
	}
	for my $host ('', 'a b', 'evil/x', 'x@y', "\xff") {
		my $a = $n->client->page('/x', Host => $host);
		like($a->status, qr/^(?:0|302|4\d\d)$/,
		    'a visitor with an invalid Host is not let in');
	}
};

subtest 'the host of the request line' => sub {
	my ($e, $m) = start_site(conf => {
		server => { hosts => 'localhost 127.0.0.1' } });
	my $c = $m->client;

	sign_in($c, 'alice');
	is($c->get('/x', Host => 'localhost')->status, 200,
	    'a configured host is accepted');
	is($c->get('/x', Host => 'LOCALHOST.:80')->status, 200,
	    'another spelling of the host is accepted');
	for my $path (qw(/x /auth/me)) {
		like($c->get($path, Host => 'other.example')->status,
		    qr/^4\d\d$/, "$path: another host is refused");
		like($c->get("http://other.example$path", Host => 'localhost')
		    ->status, qr/^4\d\d$/,
		    "$path: another host in the request line is refused");
	}
	$e->stop_ok;
	$m->stop;
};

# ---- traffic of the application -------------------------------------------

subtest 'requests and answers of the application are unchanged' => sub {
	my $big = join '', map { md5_hex($_) } 1 .. 160 * 1024;	# 5 MiB

	for my $at ('', '/other') {
		for my $method (qw(POST PUT)) {
			my $a = $alice->request($method => "$at/digest",
			    body => $big);
			is($a->status, 200, "$at: $method of 5 MiB succeeds");
			is($a->body, "$method " . length($big) . ' ' .
			    md5_hex($big) . "\n",
			    "$at: the body of $method is unchanged");
			is($a->header('x-own'), 'yes',
			    "$at: the answer to $method keeps its header");
		}
		is($alice->request(POST => "$at/digest", body => '')->body,
		    'POST 0 ' . md5_hex('') . "\n",
		    "$at: an empty body is unchanged");
		is($alice->request(PATCH => "$at/digest", body => "\0\r\n\xff")
		    ->body, 'PATCH 4 ' . md5_hex("\0\r\n\xff") . "\n",
		    "$at: any bytes are unchanged");
		is($alice->request(POST => "$at/digest", body => 'a=b',
			headers => [ Expect => '100-continue' ])->body,
		    'POST 3 ' . md5_hex('a=b') . "\n",
		    "$at: a body after Expect is unchanged");
		my $a = $alice->get("$at/stream");
		is($a->status, 200, "$at: a stream succeeds");
		is(md5_hex($a->body), md5_hex($FCGIAuth::App::CHUNK x
			$FCGIAuth::App::CHUNKS), "$at: the stream is complete");
		$a = $alice->request(HEAD => "$at/own");
		is($a->status, 200, "$at: HEAD succeeds");
		is($a->body, '', "$at: the answer to HEAD has no body");
		$a = $alice->get("$at/own");
		is($a->header('content-type'), 'text/x-own',
		    "$at: the answer keeps its type");
		is($a->header('cache-control'), 'max-age=77',
		    "$at: the answer keeps its Cache-Control");
		is($a->header('x-content-type-options'), undef,
		    "$at: the answer gets no header of the service");
		is($a->header('set-cookie'), 'own=1; Path=/',
		    "$at: the answer keeps its cookies");
		$a = $alice->get("$at/forbidden");
		is($a->status, 403, "$at: a 403 of the application is kept");
		is($a->body, "of the application\n",
		    "$at: the 403 keeps its body");
		is($a->header('content-type'), 'text/x-own',
		    "$at: the 403 keeps its type");
		$a = $alice->get("$at/x");
		is($a->header('set-cookie'), undef,
		    "$at: a check sets no cookie");
	}
	is($alice->get('/files/none')->status, 404,
	    'a missing file is answered 404');
	is($alice->get('/files/secret.html', Range => 'bytes=0-2')->status,
	    206, 'a range of a file is served');
};

subtest 'a connection that is kept' => sub {
	my $c = $n->client;
	my $wrong = 0;

	$c->jar->{fcgiauth} = token_of($alice);
	for my $i (1 .. 150) {
		my $a = $i % 3 == 0 ? $c->get('/x', Cookie => 'a=b')
		    : $i % 3 == 1 ? $c->get('/x')
		    : $c->get('/admin/x', Cookie => 'fcgiauth=' .
			token_of($bob));
		$wrong++ if $a->status != (401, 200, 403)[ $i % 3 ];
		$wrong++ if $i % 3 == 1 &&
		    $a->body !~ /^Remote-User: alice$/m;
	}
	is($wrong, 0, 'each request is evaluated by itself');
	is($c->{connections}, 1, 'all requests use one connection');
	# The identity of the previous request must not remain.
	$c->get('/x');
	my $a = $c->get('/open/x', Cookie => 'a=b');
	unlike($a->body, qr/alice/,
	    'a public page does not get the previous identity');
};

# ---- rules by path ----------------------------------------------------------

# The target, and whether bob (without the role) and alice may be let in. A
# visitor is not let in anywhere.
my @paths = (
	[ '/user/x', 1, 1 ], [ '/admin', 0, 1 ], [ '/admin/x', 0, 1 ],
	[ '/admin/closed', 0, 0 ], [ '/admin/closed/x', 0, 0 ],
	[ '/unmapped', 0, 0 ], [ '/', 0, 0 ], [ '/administrator', 0, 0 ],
	[ '/Admin', 0, 0 ], [ '/%61dmin', 0, 1 ],
	[ '/%61%64%6d%69%6E/closed', 0, 0 ], [ '/x/../admin', 0, 1 ],
	[ '//admin', 0, 1 ], [ '///admin/closed', 0, 0 ],
	[ '/user//admin', 1, 1 ], [ '/user/../admin', 0, 1 ],
	[ '/user/../admin/closed', 0, 0 ], [ '/user/%2e%2e/admin', 0, 1 ],
	[ '/user/%2e%2e/admin/closed', 0, 0 ], [ '/user/.%2E/admin', 0, 1 ],
	[ '/user/%2e%2e%2fadmin', 0, 1 ], [ '/user/..%2Fadmin', 0, 1 ],
	[ '/user/..%5cadmin', 0, 1 ], [ '/user/..\\admin', 0, 1 ],
	[ '/user%2f..%2fadmin', 0, 1 ], [ '/admin%2fclosed', 0, 0 ],
	[ '/admin/%2fclosed', 0, 0 ], [ '/admin//closed', 0, 0 ],
	[ '/admin/./closed', 0, 0 ], [ '/admin/x/../closed', 0, 0 ],
	[ '/admin;x=1', 0, 0 ], [ '/admin/..;/closed', 0, 0 ],
	[ '/user/..;/admin', 0, 1 ], [ '/admin%00', 0, 0 ],
	[ '/admin%5c', 0, 0 ], [ '/user/%252e%252e/admin', 1, 1 ],
	[ '/%c0%afadmin', 0, 0 ], [ '/user/..%c0%afadmin', 1, 1 ],
	[ '/admin/closed?next=/user', 0, 0 ], [ '/admin?/user/x', 0, 1 ],
	[ '/admin/closed#/user', 0, 0 ], [ '/admin/closed%23/user', 0, 1 ],
	[ '/admin/closed%3f/user', 0, 1 ], [ '/admin/closed%20', 0, 1 ],
	[ '/admin/closed.', 0, 1 ], [ "/admin/closed\xff", 0, 1 ],
	[ '/%zz', 0, 0 ], [ '/user/%', 0, 0 ], [ 'admin', 0, 0 ],
	[ '*', 0, 0 ], [ '/auth/../admin/closed', 0, 0 ],
	[ '/auth/%2e%2e/admin/closed', 0, 0 ],
	[ '/auth/..%2fadmin/closed', 0, 0 ], [ '//auth/../admin', 0, 1 ],
	[ '/open/../admin/closed', 0, 0 ], [ '/open/..%2fadmin', 0, 1 ],
	[ '/open/%2e%2e/admin', 0, 1 ], [ '/open/..%5cadmin', 0, 1 ],
	[ '/OPEN/x', 0, 0 ], [ '/open%2fx', 0, 0 ], [ '/open', 0, 0 ],
);

subtest 'rules by path' => sub {
	my ($e, $m) = start_site(conf => {
		'rule 10-closed' => { path => '/admin/closed',
			require => 'deny' },
		'rule 20-admin' => { path => '/admin',
			require => 'role:admin' },
		'rule 30-user' => { path => '/user', require => 'user' },
	});
	my @who = map {
		my $c = $m->client;
		json_sign_in($c, $_);
		[ $_, "fcgiauth=$c->{jar}{fcgiauth}" ];
	} qw(bob alice);

	for my $row (@paths) {
		my ($target, @may) = @$row;
		my $name = $target =~ s/[^ -~]/?/gr;
		# An application in open/ may read the path in its own way, but
		# its answer must show that it is in open/.
		my $open = qr{^GET /open(?:/|%2f)}m;
		my $a = $m->client->get($target);
		my $in = $a->body =~ /THE APPLICATION/ && $a->body !~ $open;
		ok(!$in, "$name: a visitor is not let in");
		for my $i (0 .. 1) {
			my ($who, $cookie) = @{ $who[$i] };
			$a = $m->client->get($target, Cookie => $cookie);
			$in = $a->body =~ /THE APPLICATION/ &&
			    $a->body !~ $open;
			ok(!$in || $may[$i],
			    "$name: $who is not let in against the rules");
		}
	}
	is($m->client->get('/user/x', Cookie => $who[0][1])->status, 200,
	    'a rule lets bob in');
	is($m->client->get('/user/%61//x;y', Cookie => $who[0][1])->status, 200,
	    'bob is let in where all readings are let in');
	$e->stop_ok;
	$m->stop;
};

# ---- modes
# ----------------------------------------------------------------------

my $ttl = 2 * (slow() > 1 ? 2 : 1);

sub in_mode {
	my ($mode) = @_;
	my $keys = tempdir();
	my ($e, $m) = start_site(conf => {
		auth => { mode => $mode, deliver => 'both' },
		jwt => { algorithm => 'ES256', keys => "$keys/keys",
			issuer => 'https://auth.example.com',
			audience => 'example', ttl => "${ttl}s",
			leeway => '0s' } });
	return ($e, $m, $keys);
}

subtest 'jwt mode' => sub {
	my ($e, $m, $keys) = in_mode('jwt');
	my $c = $m->client;

	is(sign_in($c, 'alice')->status, 303, 'alice signs in');
	like($c->page('/x')->body, qr/^Remote-User: alice$/m,
	    'the application gets the name alice');
	my $j = json_sign_in($m->client, 'bob')->json;
	like($m->client->get('/x', Authorization =>
		"Bearer $j->{access_token}")->body, qr/^Remote-User: bob$/m,
	    'a Bearer token of bob is accepted');
	my $a = $m->client->get('/auth/jwks.json');
	is($a->json->{keys}[0]{kty}, 'EC', 'the public keys are served');
	like($a->header('content-type'), qr{^application/jwk-set\+json},
	    'the key set has its content type');
	ok(wait_for($ttl + 3, sub { $c->page('/x')->status == 302 }),
	    'a person is redirected after the end of the token');
	$e->stop_ok;
	$m->stop;
};

subtest 'refresh mode' => sub {
	my ($e, $m, $keys) = in_mode('refresh');
	my $c = $m->client;
	my $target = '/some/page?a=1&b=%26+x%2F%C3%A9';

	my $a = sign_in($c, 'alice', rd => $target);
	is($a->status, 303, 'alice signs in');
	is(scalar(grep { /^fcgiauth_(?:access|refresh)=/ }
		$a->all('set-cookie')), 2, 'the answer sets both cookies');
	like($c->page('/x')->body, qr/^Remote-User: alice$/m,
	    'the application gets the name alice');
	my %before = %{ $c->jar };
	sleep $ttl + 1.1;
	is($c->xhr('/x')->status, 401,
	    'a script gets 401 after the end of the access token');
	$a = $c->page($target);
	is($a->status, 302,
	    'a browser is redirected after the end of the access token');
	like($a->header('location'), qr{^/auth/login\?rd=},
	    'the redirect leads to the login page');
	$a = $c->page($a->header('location'));
	is($a->status, 303, 'the login page redirects at once');
	is($a->header('location'), $target,
	    'the redirect leads back to the page');
	isnt($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'the refresh token was replaced');
	is($c->page($target)->status, 200,
	    'the page is shown with the new tokens');
	my $r = json_sign_in($m->client, 'bob')->json;
	$a = $m->client->request(POST => '/auth/refresh', headers => [
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $r->{refresh_token}));
	is($a->status, 200, 'a program can refresh');
	is($m->client->get('/x', Authorization => 'Bearer ' .
		$a->json->{access_token})->status, 200,
		    'the new token of the program is accepted');
	$e->stop_ok;
	$m->stop;
};

# ---- failures of the service ------------------------------------------------

sub closed {
	my ($what, $status) = @_;

	for my $path (@protected) {
		my $a = $alice->page($path);
		like($a->status, $status, "$what: $path is closed");
		unlike($a->body, qr/THE APPLICATION/,
		    "$what: the answer has nothing of the application");
	}
	return;
}

sub open_again {
	return ok(wait_for(15, sub { $alice->page('/x')->status == 200 }),
	    'the page is open again afterwards');
}

subtest 'reloads and a restart' => sub {
	$d->reload;
	is($alice->page('/x')->status, 200,
	    "request $_ during a reload succeeds")
	    for 1 .. 20;
	is($d->stop, 0, 'the daemon ends with status 0');
	$d->start;
	open_again();
	is($n->client->xhr('/x')->status, 401,
	    'a visitor is refused after the restart');
};

subtest 'a suspended service' => sub {
	ok($d->freeze, 'the service is suspended');
	for my $path (@protected) {
		my $c = $n->client(timeout => 1.5);
		$c->jar->{fcgiauth} = token_of($alice);
		my $a = $c->page($path);
		like($a->status, qr/^(?:0|50\d)$/,
		    "$path: the answer is an error or missing");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: the answer has nothing of the application");
	}
	is($n->client->page('/open/x')->status, 200,
	    'a public page is shown while the service is suspended');
	$d->thaw;
	open_again();
};

subtest 'a stopped service' => sub {
	$d->stop_ok;
	closed('stopped', qr/^50\d$/);
	is($n->client->page('/open/x')->status, 200,
	    'a public page is shown while the service is stopped');
	like($n->client->page('/auth/login')->status, qr/^50[0-4]$/,
	    'the login page is answered with an error');
	$d->start;
	open_again();
};

# Answers that a web server treats as a yes. The service never sends them.
my %lenient = (
	nginx => [ 'no Status' ],
	'nginx-fastcgi' => [ 'no Status' ],
	lighttpd => [ 'no Status', 'the end only', 'empty output',
	    'a bare Location', 'a strange status', 'headers without end',
	    'not even headers' ],
	apache => [],
);
my $end = FCGIAuth::FastCGI::record(3, 1, pack 'NCx3', 0, 0);
my $out = sub { FCGIAuth::FastCGI::record(6, 1, $_[0]) };
my %rubbish = (
	'no FastCGI' => \"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	'zeros' => \("\0" x 64),
	'noise' => \join('', map { chr(($_ * 167 + 13) % 256) } 1 .. 4000),
	'nothing' => \'',
	'the end only' => \$end,
	'empty output' => '',
	'not even headers' => 'hello',
	'no Status' => "Content-Type: text/plain\r\n\r\nhello",
	'a redirect' => "Status: 302 Found\r\nLocation: /open/x\r\n\r\n",
	'a bare Location' => "Location: /open/x\r\n\r\n",
	'an error' => "Status: 503 Service Unavailable\r\n\r\n",
	'a teapot' => "Status: 418 Teapot\r\n\r\n",
	'a strange status' => "Status: abc\r\n\r\n",
	'cut in the headers' => \$out->("Status: 200 O"),
	'cut in a record' => \substr($out->("Status: 200\r\n\r\n"), 0, 15),
	'headers without end' => \($out->('Remote-User: alice') . $end),
	'too long' => 'X: ' . 'x' x 100000 . "\r\n\r\n",
);

subtest 'invalid answers of a service' => sub {
	my %lenient_here = map { $_ => 1 } @{ $lenient{$web} };
	my $dir = tempdir();
	chmod 0711, "$dir";
	my ($listener, $address) = listen_somewhere("$dir/s");
	spawn('fake', '/dev/null', sub {
		fcgi_serve($listener, sub {
			my $what = slurp("$dir/mode");
			spit("$dir/seen", $what);
			return $rubbish{$what};
		});
	});
	close $listener;
	my $m = web_before($address);

	for my $what (sort keys %rubbish) {
		spit("$dir/mode", $what);
		my $c = $m->client;
		my $a;
		# lighttpd waits before it asks again after a failure.
		ok(wait_for(8, sub {
			$a = $c->page('/x');
			return slurp("$dir/seen") eq $what;
		}), "$what: the web server gets this answer");
		if ($lenient_here{$what}) {
			pass(
			    "$what: $web treats it as a yes, and the service " .
			    "never sends it");
			next;
		}
		isnt($a->status, 200, "$what: the page is closed");
		unlike($a->body, qr/THE APPLICATION/,
		    "$what: the answer has nothing of the application");
		$a = $c->page('/files/secret.html');
		unlike($a->body, qr/THE APPLICATION/,
		    "$what: the file is closed");
	}
	$m->stop;
};

subtest 'a service that never answers' => sub {
	for my $answer (@hanging) {
		my ($status, $door) = split ' ', $answer->();
		is($door, 'closed',
		    'a service without an answer lets nobody in');
		like($status, qr/^50[0-4]$/,
		    'a service without an answer causes an error');
	}
	$waiting->stop;
};

$d->stop_ok;
$n->stop;
done_testing;
