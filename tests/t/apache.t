# SPDX-License-Identifier: MIT
# What is peculiar to Apache httpd; the rest is in web.t.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

BEGIN { $ENV{FCGIAUTH_WEB} = 'apache' }

use FCGIAuth::Apache;
use FCGIAuth::Client;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my ($d, $n) = start_site(
    conf => {
	'rule 1-public' => { path => '/public/', require => 'public' },
	'rule 2-rest' => { path => '/', require => 'user' },
    },
    locations => [
	@FCGIAuth::Site::PLAN,
	{ path => '/fcgi/', app => 'fastcgi' },
	{ path => '/fcgi/open/', app => 'fastcgi', open => 1 },
	{ path => '/files/', app => 'files' },
    ]);
my $www = $n->dir . '/www/files';
my $secret = $n->{secret};
my $alice = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');

subtest 'the secret' => sub {
	for my $path (qw(/fcgi/x /fcgi/open/x)) {
		my $a = $alice->page($path);
		is($a->status, 200, $path);
		unlike($a->body, qr/\Q$secret\E/, 'the application is not told');
	}
	like($alice->page('/fcgi/x')->body, qr/^REMOTE_USER: alice$/m,
	    'but who it is');
	my $m = new_web($d, secret => 'wrong', locations => $n->{locations});
	$m->apps->start;
	my $c = $m->client;
	$c->jar->{fcgiauth} = token_of($alice);
	is($c->page('/x')->status, 403, 'a wrong one: closed');
	is($c->page('/auth/login')->status, 403, 'the pages too');
	$m->stop;
	is($d->ask(REQUEST_URI => '/x', authorizer => 1, AUTH_SECRET => 'x')
	    ->{status}, 403, 'nor does another program get an answer');
};

# Apache wants a user, whatever the rule says.
subtest 'a public rule' => sub {
	my $a = $n->client->page('/public/x');

	is($a->status, 500, 'is closed to nobody');
	unlike($a->body, qr/THE APPLICATION/, 'nothing of it');
	is($alice->page('/public/x')->status, 200, 'alice may');
};

subtest 'files' => sub {
	mkdir $www;
	spit("$www/index.html", 'THE APPLICATION, the index');
	spit("$www/.htaccess", "AuthType None\nRequire all granted\n");
	my $a = $n->client->page('/files/');
	is($a->status, 302, 'the index: not for a stranger');
	is($a->header('location'), '/auth/login?rd=%2Ffiles%2F',
	    'by its address');
	is($n->client->page('/files/index.html')->status, 302,
	    '.htaccess has no say');
	like($alice->page('/files/')->body, qr/the index/, 'alice may');
	is($n->client->page('/files')->status, 302,
	    'nor is there a redirect before');
};

# What Apache goes on to in the course of a request.
subtest 'indexes, rewrites and error pages' => sub {
	my $m = new_web($d, modules => [qw(access_compat rewrite)],
	    locations => [
		{ path => '/', app => 'files' },
		{ path => '/admin/', app => 'files', require => 'role:admin' },
		{ path => '/open/', app => 'files', open => 1 },
	    ]);
	my $root = $m->dir . '/www';
	my $app = 'SetHandler "proxy:unix:' . $m->dir .
	    '/fcgi.sock|fcgi://localhost/"';
	my %file = (
		'php/index.php' => '', 'all/index.x' => '',
		'admin/index.php' => '', 'open/error.php' => '',
		'open/satisfy/x.html' => 'THE APPLICATION',
		'satisfy/.htaccess' => "Satisfy Any\nAllow from all\n",
		'satisfy/x.html' => 'THE APPLICATION',
		'all/.htaccess' => "RewriteEngine On\n" .
		    "RewriteCond %{REQUEST_FILENAME} !-f\n" .
		    "RewriteRule ^2/(.*) /all/1/\$1 [L]\n" .
		    "RewriteCond %{REQUEST_FILENAME} !-f\n" .
		    "RewriteRule . /all/index.x [L]\n",
		'php/.htaccess' => "RewriteEngine On\n" .
		    "RewriteRule ^to-admin /admin/index.php [L]\n" .
		    "RewriteCond %{REQUEST_FILENAME} !-f\n" .
		    "RewriteRule . /php/index.php [L]\n",
		'admin/.htaccess' => "RewriteEngine On\n" .
		    "RewriteRule ^again /admin/index.php [L]\n",
	);

	$m->{server} = <<"EOT";
<Directory $root>
	AllowOverride AuthConfig FileInfo Limit
</Directory>
<Directory $root/all>
	$app
</Directory>
<FilesMatch "[.]php\$">
	$app
</FilesMatch>
DirectoryIndex index.php
ErrorDocument 500 /open/error.php
EOT
	for my $name (sort keys %file) {
		my @parts = split m{/}, $name;
		pop @parts;
		mkdir "$root/" . join '/', @parts[ 0 .. $_ ] for 0 .. $#parts;
		spit("$root/$name", $file{$name});
	}
	$m->apps->start;
	my ($who, $bob) = ($m->client, $m->client);
	$who->jar->{fcgiauth} = token_of($alice);
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');

	for my $path (qw(/php/index.php /php/ /php/x /all/index.x /all/x
		/all/2/x /admin/ /admin/index.php /admin/again /php/to-admin)) {
		my $a = $m->client->page($path, 'REDIRECT_AUTH_USER' => 'x',
		    'AUTH_USER' => 'x');
		is($a->status, 302, "$path: not for a stranger");
		$a = $who->page($path);
		is($a->status, 200, "$path: alice may");
		like($a->body, qr/^REMOTE_USER: alice$/m, 'her name');
		like($a->body, qr/^AUTH_GROUPS: admin,staff$/m, 'her groups');
		like($a->body, qr/^HTTP_REMOTE_USER: alice$/m, 'as a header');
		unlike($a->body, qr/\Q$secret\E/, 'not the secret');
		is($bob->page($path)->status, $path =~ /admin/ ? 403 : 200,
		    "$path: bob");
	}
	is($m->client->page('/satisfy/x.html')->status, 302,
	    'Satisfy Any does not open');
	is($m->client->page('/open/satisfy/x.html')->status, 200,
	    'what is public is');
	$d->stop_ok;
	my $a = $who->page('/php/index.php');
	is($a->status, 500, 'without the service');
	like($a->body, qr/^REDIRECT_STATUS: 500$/m, 'the page for errors');
	unlike($a->body, qr/\Q$secret\E/, 'is not told the secret');
	$d->start;
	$m->stop;
};

subtest 'the order of sections' => sub {
	$n->{server} = "Use FcgiauthServer\n<Location />\n" .
	    "Use FcgiauthProtect\n</Location>\n";
	$n->{locations} = [ { path => '/', app => 'http' } ];
	$n->stop;
	$n->start;
	is($n->client->page('/x')->status, 302, 'a wrong one is closed');
	is($alice->page('/x')->status, 200, 'and works for alice');
	delete $n->{server};
};

# Its answer to what it does not take from a service.
subtest 'a body of unknown length' => sub {
	my $a = $n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json',
		'Transfer-Encoding' => 'chunked' ],
	    body => join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
		qq({"username":"alice",), qq("password":"$PASSWORD"}), '');
	is($a->status, 200, 'a login');
	is($a->json->{user}{name}, 'alice', 'of alice');
};

subtest 'an address as long as Apache takes it' => sub {
	for my $length (1000, 4000, 7000, 8100) {
		my $a = $n->client->page('/x?' . '/' x $length);
		is($a->status, 302, "$length: asked to sign in");
	}
	is($n->client->page('/x?' . 'a' x 9000)->status, 414, 'a longer one');
};

$d->stop_ok;
done_testing;
