# SPDX-License-Identifier: MIT
# What holds whatever the web server: FCGIAUTH_WEB names it (nginx,
# nginx-fastcgi, apache, lighttpd), its shipped snippets are around real
# applications, and this file does not change.
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
# The other kind of application; lighttpd needs a module to tell it.
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

# ---- a web server before a service that is not ours ------------------------

# Whoever connects waits for ever.
my $silent_dir = tempdir();
chmod 0711, "$silent_dir";

# An address as this web server takes it.
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
# Apache waits for 30 seconds: meanwhile the rest goes on.
my @hanging = map {
	my $path = $_;
	child_code(sub {
		my $a = $waiting->client(timeout => 60)->page($path);
		return join ' ', $a->status, $a->body =~ /THE APPLICATION/ ?
		    'open' : 'closed';
	});
} qw(/x /files/secret.html);

# ---- who gets in ------------------------------------------------------------

my $alice = $n->client;
my $bob = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
is(sign_in($bob, 'bob')->status, 303, 'bob signs in');

my @protected = qw(/x /admin/x /other/x /files/secret.html);

subtest 'a stranger' => sub {
	for my $path (@protected) {
		my $c = $n->client;
		my $a = $c->page("$path?a=1&b=%20");
		is($a->status, 302, "$path: a person is asked to sign in");
		like($a->header('location'),
		    qr{^/auth/login\?rd=[^&]*%3Fa%3D1%26b%3D%2520$},
		    'with the query string');
		is($a->header('set-cookie'), undef, 'no cookie yet');
		unlike($a->body, qr/THE APPLICATION/, 'and sees nothing');
		$a = $c->xhr($path);
		is($a->status, 401, "$path: a script is refused");
		is($a->header('www-authenticate'), 'Bearer', 'with the scheme');
		is($a->header('location'), undef, 'and no Location');
		like($a->header('content-type'), qr{^application/json\b},
		    'in JSON');
		is($a->json && $a->json->{error}, 'unauthorized', 'that says it');
		is($a->header('cache-control'), 'no-store', 'not stored');
		is($c->get($path, Accept => '*/*')->status, 401,
		    "$path: so is a program");
		$a = $c->request(POST => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ], body => 'x' x 100000);
		is($a->status, 401, "$path: a post is no navigation");
		unlike($a->body, qr/THE APPLICATION/, 'nor does it get through');
		for my $method (qw(HEAD PUT DELETE OPTIONS PATCH PROPFIND)) {
			$a = $c->request($method => $path,
			    headers => [ Accept => '*/*' ]);
			like($a->status, qr/^4\d\d$/, "$path: nor $method");
			unlike($a->body, qr/THE APPLICATION/, 'that neither');
		}
		is($c->request(HEAD => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ])->status, 302,
		    "$path: HEAD is like GET");
	}
	unlike($n->client->request(TRACE => '/x', headers => [
		Cookie => 'a=secret' ])->body, qr/a=secret/, 'no TRACE');
	is($n->client->page('/open/x')->status, 200, 'the open part is open');
	is($n->client->page('/other/open/x')->status, 200, 'the other as well');
};

subtest 'a user' => sub {
	for my $path (@protected) {
		my $a = $alice->page("$path?q=1");
		is($a->status, 200, "$path: alice may");
		like($a->body, qr/^THE APPLICATION/, 'and gets it');
	}
	for my $path ('/x', $tells_other ? '/other/x' : ()) {
		my $a = $alice->page($path);
		like($a->body, qr/^Remote-User: alice$/m, "$path: user");
		like($a->body, qr/^Remote-Groups: admin,staff$/m, 'groups');
		like($a->body, qr/^Remote-Email: alice\@example\.com$/m,
		    'e-mail');
		like($a->body, qr/^Remote-Name: Alice Liddell$/m, 'full name');
	}
	my $name = "\xc3\x84lice \xe2\x80\x9cA\xe2\x80\x9d, \xe6\x84\x9b & Co;";
	my ($code) = $d->ctl('user', 'set', 'alice', '--name', $name);
	is($code, 0, 'a name of many letters');
	my $coded = $name =~ s/([^ -~]|%)/sprintf '%%%02X', ord $1/ger;
	ok(wait_for(5, sub {
		$alice->page('/x')->body =~ /^Remote-Name: \Q$coded\E$/m
	}), '  gets through in ASCII');
	is($alice->page('/x')->status, 200, '  and every request is served');
	my $a = $n->client->page('/open/x');
	unlike($a->body, qr/^Remote-User: ./m, 'nobody is nobody');
	is($bob->page('/x')->status, 200, 'bob may');
	unlike($bob->page('/x')->body, qr/^Remote-Email: ./m,
	    'what he has not is not there');
};

subtest 'a role' => sub {
	my $a = $bob->page('/admin/x');
	is($a->status, 403, 'bob may not');
	like($a->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'he gets a page');
	like($a->body, qr/bob/, 'that says who he is');
	like($a->body, qr{/auth/logout}, 'and how to sign out');
	like($a->body, qr{</html>\s*$}, 'to its end');
	is($a->header('cache-control'), 'no-store', 'not stored');
	unlike($a->body, qr/THE APPLICATION/, 'and nothing of the application');
	$a = $bob->xhr('/admin/x');
	is($a->status, 403, 'nor his script');
	like($a->header('content-type'), qr{^application/json\b}, 'in JSON');
	is($a->json && $a->json->{error}, 'forbidden', 'that says it');
	is($alice->page('/admin/x')->status, 200, 'alice may');
};

subtest 'by Bearer' => sub {
	my ($token) = token_of($alice);
	my @bearer = (Authorization => "Bearer $token");

	for my $path (@protected) {
		is($n->client->get($path, @bearer)->status, 200, $path);
	}
	is($n->client->get('/auth/me', @bearer)->json->{name}, 'alice', 'me');
	is($n->client->get('/admin/x', Authorization => 'Bearer ' .
		token_of($bob))->status, 403, 'but bob');
	for my $wrong ('Bearer x', "Bearer $token.", 'Bearer', 'Bearer ',
	    "Bearer $token, Bearer $token") {
		is($n->client->get('/x', Authorization => $wrong)->status, 401,
		    'a wrong one');
	}
	is($alice->get('/x', Authorization => 'Bearer x')->status, 401,
	    'also beside the cookie');
	is($alice->get('/x', Authorization => 'Basic YTpi')->status, 200,
	    'Basic is not ours');
	is($n->client->get('/x', Authorization => 'Basic YWxpY2U6eA==')
	    ->status, 401, 'and nobody is who it says');
	like($n->client->get('/x', @bearer, @bearer)->status, qr/^40[01]$/,
	    'two headers');
};

# ---- the trip to the login page and back ----------------------------------

my @queries = ('', '?', '?a=1&b=2', '?b=%26c%3D1', '?q=%2Fx%2f', '?q=a+b',
    '?a;b=1', '?q=%C3%A9', '?q=%25', '?&&', '?a[]=1&a[]=2', "?q='%22",
    '?rd=https://evil.example/', '?q=' . 'x' x 1500, '?q=%3Cb%3E', '?a=b?c=d',
    '?q=~!*()@:,$', '?csrf=x&username=y');

subtest 'the way back' => sub {
	for my $path ('/a/b', '/a%20b/%C3%A9') {
		for my $query (@queries) {
			my $c = $n->client;
			my $target = "$path$query";
			my $name = substr $target, 0, 40;
			my $a = $c->page($target);
			is($a->status, 302, "$name: is asked to sign in");
			is($a->header('location'), '/auth/login?rd=' .
			    FCGIAuth::Client::escape($target), 'for there');
			my $form = $c->page($a->header('location'));
			is($form->field('rd'), $target, 'the form knows it');
			$a = $c->post_form('/auth/login', [
				username => 'alice', password => $PASSWORD,
				csrf => $form->field('csrf'), rd => $target ]);
			is($a->status, 303, 'signs in');
			is($a->header('location'), $target, 'is sent there');
			$a = $c->page($target);
			my ($got) = $a->body =~ m{^GET (\S+) HTTP}m;
			$got =~ s/.*?(?=\?|$)// if defined $got;
			is($got, $query, 'the application gets the query')
			    if $query ne '?';
		}
	}
};

subtest 'a login' => sub {
	my $c = $n->client;
	my $form = $c->page('/auth/login?rd=/x');
	is($form->status, 200, 'the page');
	like($form->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'is HTML');
	like($form->header('content-security-policy'), qr/default-src 'none'/,
	    'with its policy');
	is(join(' ', keys %{ $c->jar }), 'fcgiauth_login', 'a cookie before');
	my $a = $c->post_form('/auth/login', [ username => 'alice',
		password => 'wrong', csrf => $form->field('csrf') ]);
	is($a->status, 401, 'a wrong password');
	like($a->header('content-type'), qr{^text/html; *charset=utf-8}i,
	    'the page again');
	ok($a->field('csrf'), 'as a whole');
	$a = $c->post_form('/auth/login', [ username => 'alice',
		password => $PASSWORD, rd => '/x', csrf => $a->field('csrf') ]);
	is($a->status, 303, 'the right one');
	my @cookies = $a->all('set-cookie');
	is(scalar(grep { /^fcgiauth(?:_login)?=/ } @cookies), 2,
	    'both cookies reach the browser');
	like($_, qr/; *HttpOnly/i, 'as they are') for @cookies;
	is($c->page('/x')->status, 200, 'and open the door');
	is($c->post_form('/auth/login', [ username => 'bob',
		password => $PASSWORD, csrf => 'wrong' ])->status, 403,
	    'a form of somebody else');
	is($c->post_form('/auth/login', [ username => 'alice',
		password => 'any', csrf => 'old' ])->status, 303,
	    'a form of another tab goes on');
	$a = $c->xhr('/auth/me');
	is($a->json->{name}, 'alice', 'me');
	like($a->header('content-type'), qr{^application/json\b}, 'in JSON');
	$a = json_sign_in($n->client, 'alice');
	is($a->status, 200, 'a program');
	is($n->client->xhr('/auth/me')->status, 401, 'nobody');
	is($n->client->xhr('/auth/none')->status, 404, 'nothing there');
	is($n->client->xhr('/auth/verify')->status, 404, 'nor there');
	$a = $n->client->request(DELETE => '/auth/login');
	is($a->status, 405, 'a wrong method');
	like($a->header('allow') // '', qr/POST/, 'with Allow');
	$a = $n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json' ], body => 'x' x 40000);
	is($a->status, 413, 'too large');
	like($n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json' ], body => 'x' x 400000)
	    ->status, qr/^413$|^0$/, 'far too large');
	is($c->request(POST => '/auth/logout', headers => [
		Accept => 'application/json' ])->status, 204, 'signs out');
	is($c->jar->{fcgiauth} // '', '', 'the cookie is gone');
	is($c->xhr('/x')->status, 401, 'and the door is shut');
};

# ---- what a client says of itself -------------------------------------------

subtest 'forged identity' => sub {
	my @between = ('-', '_', split //, q(.!#$%&'*+^`|~));
	my @forged = map { my $sign = $_; map {
		($_ =~ s/-/$sign/r => 'evil') } qw(Remote-User Remote-Groups
	    REMOTE-EMAIL remote-name)
	} @between;

	push @forged, 'rEMOTE-uSER' => 'evil', 'remote_User' => 'evil';

	# nginx refuses such a request; the others take the headers away.
	my $refused = $web =~ /^nginx/ ? 400 : undef;
	for my $path (@protected) {
		is($n->client->page($path, @forged)->status, $refused // 302,
		    "$path: no way in");
	}
	for my $path (qw(/x /other/x /admin/x)) {
		my $a = $alice->page($path, @forged);
		is($a->status, $refused // 200, "$path: alice");
		unlike($a->body, qr/evil/, 'the application sees none of it');
		like($a->body, qr/alice/, 'but alice')
		    if !$refused && ($path ne '/other/x' || $tells_other);
		$a = $bob->page($path, @forged);
		unlike($a->body, qr/evil/, 'nor where the value is empty');
	}
	for my $path (qw(/open/x /other/open/x)) {
		my $a = $n->client->page($path, @forged);
		is($a->status, $refused // 200, "$path: open");
		unlike($a->body, qr/evil/, 'the application sees none of it');
	}
	for my $i (0 .. @forged / 2 - 1) {
		my @one = @forged[ 2 * $i, 2 * $i + 1 ];
		for my $path (qw(/open/x /other/open/x)) {
			unlike($n->client->get($path, @one)->body, qr/evil/,
			    "$path: $one[0] alone");
		}
	}
	my $a = $alice->get('/x', 'Remote-User' => 'evil',
	    'Remote-User' => 'evil', 'remote_user' => 'evil');
	unlike($a->body, qr/evil/, 'several');
	is($a->status, $refused, 'are refused') if $refused;
	is(() = $a->body =~ /^Remote-User: /mgi, 1, 'there is one')
	    unless $refused;
	like($alice->get('/x', 'X-Remote-User' => 'theirs')->body, qr/theirs/,
	    'another name is not touched');
	for my $hop (qw(Remote-User REMOTE_USER Cookie Authorization)) {
		$a = $alice->get('/x', Connection => "close, $hop");
		like($a->body, qr/^Remote-User: alice$/m,
		    "Connection: $hop takes nothing away")
		    if $a->status == 200;
		like($a->status, qr/^(?:200|400|401)$/, '  or is refused');
	}
	for my $path (qw(/x /other/x)) {
		$a = $alice->page($path, Proxy => 'http://evil.example/');
		unlike($a->body, qr/^HTTP_PROXY: ./m, "$path: no httpoxy");
	}
	for my $path (qw(/x /other/x)) {
		$a = $alice->get($path, Authorization => 'Basic ZXZpbDp4');
		unlike($a->body, qr/evil/, "$path: nor a name from Basic");
	}
};

subtest 'forged facts' => sub {
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
			    "$path: a stranger: @$trick");
			unlike($a->body, qr/THE APPLICATION/, 'sees nothing');
			unlike($a->header('location') // '', qr/evil|open/,
			    'nor a wrong Location');
			next if $trick->[0] eq 'Cookie' || $path =~ /files/;
			like($bob->get($path, @$trick)->status,
			    qr/^40[03]$/, "bob: @$trick");
		}
	}
	for my $host ('evil.example', 'LOCALHOST', 'localhost.:1') {
		my $a = $n->client->page('/x', Host => $host);
		is($a->status, 302, "Host: $host");
		is($a->header('location'), '/auth/login?rd=%2Fx',
		    'is in no URL');
	}
	for my $host ('', 'a b', 'evil/x', 'x@y', "\xff") {
		my $a = $n->client->page('/x', Host => $host);
		like($a->status, qr/^(?:0|302|4\d\d)$/, 'a Host that is none');
	}
};

subtest 'the host of the request line' => sub {
	my ($e, $m) = start_site(conf => {
		server => { hosts => 'localhost 127.0.0.1' } });
	my $c = $m->client;

	sign_in($c, 'alice');
	is($c->get('/x', Host => 'localhost')->status, 200, 'ours');
	is($c->get('/x', Host => 'LOCALHOST.:80')->status, 200,
	    'in other letters');
	for my $path (qw(/x /auth/me)) {
		like($c->get($path, Host => 'other.example')->status,
		    qr/^4\d\d$/, "$path: another");
		like($c->get("http://other.example$path", Host => 'localhost')
		    ->status, qr/^4\d\d$/, 'the request line counts');
	}
	$e->stop_ok;
	$m->stop;
};

# ---- the application's own business --------------------------------------

subtest 'the application is left alone' => sub {
	my $big = join '', map { md5_hex($_) } 1 .. 160 * 1024;	# 5 MiB

	for my $at ('', '/other') {
		for my $method (qw(POST PUT)) {
			my $a = $alice->request($method => "$at/digest",
			    body => $big);
			is($a->status, 200, "$at: $method of 5 MiB");
			is($a->body, "$method " . length($big) . ' ' .
			    md5_hex($big) . "\n", 'arrives unharmed');
			is($a->header('x-own'), 'yes', 'so does the answer');
		}
		is($alice->request(POST => "$at/digest", body => '')->body,
		    'POST 0 ' . md5_hex('') . "\n", 'an empty one');
		is($alice->request(PATCH => "$at/digest", body => "\0\r\n\xff")
		    ->body, 'PATCH 4 ' . md5_hex("\0\r\n\xff") . "\n",
		    'any bytes');
		is($alice->request(POST => "$at/digest", body => 'a=b',
			headers => [ Expect => '100-continue' ])->body,
		    'POST 3 ' . md5_hex('a=b') . "\n", 'Expect');
		my $a = $alice->get("$at/stream");
		is($a->status, 200, "$at: a stream");
		is(md5_hex($a->body), md5_hex($FCGIAuth::App::CHUNK x
			$FCGIAuth::App::CHUNKS), 'arrives whole');
		$a = $alice->request(HEAD => "$at/own");
		is($a->status, 200, 'HEAD');
		is($a->body, '', 'without a body');
		$a = $alice->get("$at/own");
		is($a->header('content-type'), 'text/x-own', 'its type');
		is($a->header('cache-control'), 'max-age=77', 'its caching');
		is($a->header('x-content-type-options'), undef,
		    'nothing of the service');
		is($a->header('set-cookie'), 'own=1; Path=/', 'its cookies');
		$a = $alice->get("$at/forbidden");
		is($a->status, 403, 'its own refusal');
		is($a->body, "of the application\n", 'in its words');
		is($a->header('content-type'), 'text/x-own', 'and its type');
		$a = $alice->get("$at/x");
		is($a->header('set-cookie'), undef, 'a check sets no cookie');
	}
	is($alice->get('/files/none')->status, 404, 'what is not there');
	is($alice->get('/files/secret.html', Range => 'bytes=0-2')->status,
	    206, 'a part of a file');
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
	is($wrong, 0, 'each request is one of its own');
	is($c->{connections}, 1, 'on one connection');
	# No identity of the one before.
	$c->get('/x');
	my $a = $c->get('/open/x', Cookie => 'a=b');
	unlike($a->body, qr/alice/, 'nor is anything left of the one before');
};

# ---- rules by path ----------------------------------------------------------

# Target, then whether bob (no admin) and alice may be let in.  Nobody is let
# in anywhere.
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
		# What open/ takes it for is the application's business, but
		# what is in it has to say that it is there.
		my $open = qr{^GET /open(?:/|%2f)}m;
		my $a = $m->client->get($target);
		my $in = $a->body =~ /THE APPLICATION/ && $a->body !~ $open;
		ok(!$in, "$name: nobody");
		for my $i (0 .. 1) {
			my ($who, $cookie) = @{ $who[$i] };
			$a = $m->client->get($target, Cookie => $cookie);
			$in = $a->body =~ /THE APPLICATION/ &&
			    $a->body !~ $open;
			ok(!$in || $may[$i], "$name: $who");
		}
	}
	is($m->client->get('/user/x', Cookie => $who[0][1])->status, 200,
	    'the rules let in, too');
	is($m->client->get('/user/%61//x;y', Cookie => $who[0][1])->status, 200,
	    'where all readings are let in');
	$e->stop_ok;
	$m->stop;
};

# ---- the three modes --------------------------------------------------------

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
	like($c->page('/x')->body, qr/^Remote-User: alice$/m, 'and is alice');
	my $j = json_sign_in($m->client, 'bob')->json;
	like($m->client->get('/x', Authorization =>
		"Bearer $j->{access_token}")->body, qr/^Remote-User: bob$/m,
	    'bob by Bearer');
	my $a = $m->client->get('/auth/jwks.json');
	is($a->json->{keys}[0]{kty}, 'EC', 'the keys');
	like($a->header('content-type'), qr{^application/jwk-set\+json},
	    'by their type');
	ok(wait_for($ttl + 3, sub { $c->page('/x')->status == 302 }),
	    'until the token ends');
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
		$a->all('set-cookie')), 2, 'and gets both cookies');
	like($c->page('/x')->body, qr/^Remote-User: alice$/m, 'and is alice');
	my %before = %{ $c->jar };
	sleep $ttl + 1.1;
	is($c->xhr('/x')->status, 401, 'the access token ends');
	$a = $c->page($target);
	is($a->status, 302, 'a browser is sent off');
	like($a->header('location'), qr{^/auth/login\?rd=}, 'to sign in');
	$a = $c->page($a->header('location'));
	is($a->status, 303, 'but comes back at once');
	is($a->header('location'), $target, 'to the same address');
	isnt($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'with new tokens');
	is($c->page($target)->status, 200, 'which are good');
	my $r = json_sign_in($m->client, 'bob')->json;
	$a = $m->client->request(POST => '/auth/refresh', headers => [
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $r->{refresh_token}));
	is($a->status, 200, 'a program refreshes');
	is($m->client->get('/x', Authorization => 'Bearer ' .
		$a->json->{access_token})->status, 200, 'and gets in');
	$e->stop_ok;
	$m->stop;
};

# ---- the service is gone, or gone mad -------------------------------------

sub closed {
	my ($what, $status) = @_;

	for my $path (@protected) {
		my $a = $alice->page($path);
		like($a->status, $status, "$what: $path is closed");
		unlike($a->body, qr/THE APPLICATION/, "$what: nothing of it");
	}
	return;
}

sub open_again {
	return ok(wait_for(15, sub { $alice->page('/x')->status == 200 }),
	    'and open again afterwards');
}

subtest 'a restart' => sub {
	$d->reload;
	is($alice->page('/x')->status, 200, "reload: $_") for 1 .. 20;
	is($d->stop, 0, 'stops');
	$d->start;
	open_again();
	is($n->client->xhr('/x')->status, 401, 'for those who may');
};

subtest 'hanging' => sub {
	ok($d->freeze, 'the service hangs');
	for my $path (@protected) {
		my $c = $n->client(timeout => 1.5);
		$c->jar->{fcgiauth} = token_of($alice);
		my $a = $c->page($path);
		like($a->status, qr/^(?:0|50\d)$/, "$path: nothing, or no");
		unlike($a->body, qr/THE APPLICATION/, 'nothing of it');
	}
	is($n->client->page('/open/x')->status, 200, 'what is open stays so');
	$d->thaw;
	open_again();
};

subtest 'stopped' => sub {
	$d->stop_ok;
	closed('stopped', qr/^50\d$/);
	is($n->client->page('/open/x')->status, 200, 'what is open stays so');
	like($n->client->page('/auth/login')->status, qr/^50[0-4]$/,
	    'the login page is an error');
	$d->start;
	open_again();
};

# What each web server takes for a yes by itself; the service never says so.
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

subtest 'rubbish' => sub {
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
		# lighttpd does not ask again at once after a failure.
		ok(wait_for(8, sub {
			$a = $c->page('/x');
			return slurp("$dir/seen") eq $what;
		}), "$what: is what the service says");
		if ($lenient_here{$what}) {
			pass("$what: a yes to $web, never said by us");
			next;
		}
		isnt($a->status, 200, "$what: closed");
		unlike($a->body, qr/THE APPLICATION/, 'nothing of it');
		$a = $c->page('/files/secret.html');
		unlike($a->body, qr/THE APPLICATION/, 'nor a file');
	}
	$m->stop;
};

subtest 'a service that never answers' => sub {
	for my $answer (@hanging) {
		my ($status, $door) = split ' ', $answer->();
		is($door, 'closed', 'nobody is let in');
		like($status, qr/^50[0-4]$/, 'an error');
	}
	$waiting->stop;
};

$d->stop_ok;
$n->stop;
done_testing;
