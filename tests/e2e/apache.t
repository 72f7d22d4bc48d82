# SPDX-License-Identifier: MIT
# What is peculiar to Apache httpd; the rest is in web.t.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

BEGIN { $ENV{FCGIAUTH_WEB} = 'apache' }

use FCGIAuth::Apache;
use FCGIAuth::Client;
use FCGIAuth::Gateway;
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

# What stands beside the check closes further, and opens nothing.
subtest 'other requirements' => sub {
	my $app = 'unix:' . $n->dir . '/app.sock|http://app/';
	my $in_files = "ProxyPass !\n";
	my $deny = '<RequireAll>' . "\nRequire ip 10.1.2.3\nRequire valid-user" .
	    "\n</RequireAll>\n";
	my $only = "Require ip 10.1.2.3\nRequire valid-user\n";
	my $use = "Use FcgiauthProtect\n";
	# Path, its section, what bob and what a stranger gets.
	my @rows = (
		[ 'all-before', $deny . $use, 403, 403 ],
		[ 'all-after', $use . $deny, 403, 403 ],
		[ 'all-here', $use . $deny =~ s/10.1.2.3/127.0.0.1/r, 200, 302 ],
		[ 'ip', $use . "Require ip 10.1.2.3\n", 403, 403 ],
		[ 'any', $use . "<RequireAny>\nRequire ip 127.0.0.1\n" .
		    "Require valid-user\n</RequireAny>\n", 200, 302 ],
		[ 'none', $use . "<RequireAll>\nRequire all granted\n" .
		    "<RequireNone>\nRequire ip 127.0.0.1\n</RequireNone>\n" .
		    "</RequireAll>\n", 403, 403 ],
		[ 'granted', $use . "Require all granted\n", 200, 302 ],
		[ 'implicit', $only . $use, 200, 302 ],
		[ 'satisfy', $use . "Satisfy Any\nOrder allow,deny\n" .
		    "Allow from all\n", 200, 302 ],
		[ 'basic', "AuthType Basic\nAuthName x\nAuthBasicProvider file\n" .
		    "AuthUserFile DIR/none\n$use", 200, 302 ],
		[ 'basic-after', "${use}AuthType Basic\nAuthName x\n" .
		    "AuthUserFile DIR/none\nRequire valid-user\n", 200, 302 ],
		[ 'merging', "${use}AuthMerging Or\nRequire all granted\n",
		    200, 302 ],
		[ 'if', "<If \"true\">\nRequire all granted\n</If>\n$use", 200,
		    302 ],
		[ 'role', "Use FcgiauthRequire role:admin\n" .
		    "Require all granted\n", 403, 302 ],
		[ 'role-any', "Use FcgiauthRequire role:admin\n" .
		    "Require valid-user\n", 403, 302 ],
		[ 'later', $use, 200, 302 ],
		[ 'outer/later', '', 200, 302 ],
		[ 'public', "Use FcgiauthPublic\nRequire ip 10.1.2.3\n", 200, 200 ],
	);
	my $text = "<Location /outer/>\n$use</Location>\n" .
	    join '', map { "<Location /$_->[0]/>\n$_->[1]" .
		"ProxyPass $app\n</Location>\n" } @rows;
	# The same path once more, and what somebody adds.
	$text .= "<Location /later/>\nRequire all granted\n</Location>\n" .
	    "<LocationMatch ^/outer/>\nRequire all granted\nSatisfy Any\n" .
	    "</LocationMatch>\n";
	my @htaccess = (
		[ 'granted' => "Require all granted\n", 200, 302 ],
		[ 'denied' => "Require all denied\n", 403, 403 ],
		[ 'if' => "<If \"true\">\nAuthMerging Off\n" .
		    "Require all granted\n</If>\n", 200, 302 ],
		[ 'satisfy' => "Satisfy Any\nRequire all granted\n", 200, 302 ],
		[ 'public' => "Require all granted\n", 200, 200 ],
	);
	$text .= "<Location /files/>\n$use$in_files</Location>\n" .
	    "<Location /files/public/>\nUse FcgiauthPublic\n</Location>\n";
	my $m = new_web($d, locations => [],
	    modules => [qw(access_compat auth_basic authn_file authz_host)]);
	my $dir = $m->dir;
	$m->{server} = $text =~ s/DIR/$dir/gr;
	$m->{server} .= "<Directory $dir/www>\nAllowOverride All\n</Directory>\n";
	mkdir "$dir/www/files";
	for my $row (@htaccess) {
		mkdir "$dir/www/files/$row->[0]";
		spit("$dir/www/files/$row->[0]/x", 'THE APPLICATION');
		spit("$dir/www/files/$row->[0]/.htaccess", $row->[1]);
	}
	$m->apps->start;
	my $bob = $m->client;
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	for my $row (@rows, map { [ "files/$_->[0]", @$_[ 1 .. 3 ] ] } @htaccess) {
		my ($path, undef, $his, $others) = @$row;
		is($bob->page("/$path/x")->status, $his, "$path: bob");
		my $a = $m->client->page("/$path/x");
		is($a->status, $others, 'a stranger');
		unlike($a->body, qr/THE APPLICATION/, 'sees nothing')
		    if $others != 200;
	}
	$m->stop;
};

# ---- the whole of a site, and every kind of ProxyPass ---------------------------

subtest 'a guarded site' => sub {
	my $port = free_port();
	my $m = new_web($d, locations => [],
	    modules => [qw(proxy_ajp proxy_http2 proxy_scgi proxy_uwsgi)]);
	my $dir = $m->dir;
	my %pass = (
		http => "unix:$dir/app.sock|http://app/",
		fcgi => "unix:$dir/fcgi.sock|fcgi://app/",
		scgi => "unix:$dir/scgi.sock|scgi://app/",
		uwsgi => "unix:$dir/uwsgi.sock|uwsgi://app/",
		ajp => "unix:$dir/ajp.sock|ajp://app/",
		h2c => "h2c://127.0.0.1:$port/",
	);

	FCGIAuth::Gateway::start_uwsgi("$dir/uwsgi.sock");
	FCGIAuth::Gateway::start_scgi("$dir/scgi.sock");
	FCGIAuth::Gateway::start_ajp("$dir/ajp.sock");
	FCGIAuth::Gateway::start_http2($dir, "127.0.0.1:$port");
	$m->{server} = "Use FcgiauthGuard\n" . join '', map { <<"EOT"
ProxyPass "/$_/" "$pass{$_}"
ProxyPass "/open/$_/" "$pass{$_}"
EOT
	} sort keys %pass;
	$m->{server} .= <<'EOT';
<Location "/open/">
	Use FcgiauthPublic
</Location>
<Location "/http/admin/">
	Use FcgiauthRequire role:admin
</Location>
<Location "/http/own/">
	Use FcgiauthOwnAuthorization
</Location>
<Location "/fcgi/own/">
	Use FcgiauthOwnAuthorization
</Location>
<Location "/http/forgotten/">
	Require all granted
</Location>
<Location "/http/lan/">
	<If "-R '127.0.0.1'">
		Use FcgiauthPublic
	</If>
</Location>
<Location "/http/other-lan/">
	<If "-R '10.1.2.3'">
		Use FcgiauthPublic
	</If>
</Location>
ProxyPass "/live/" "http://127.0.0.1:PORT/live/" upgrade=websocket
EOT
	my $live = FCGIAuth::Gateway::start_websocket();
	$m->{server} =~ s/PORT/$live/;
	$m->apps->start;
	my ($stranger, $alice, $bob) = map { $m->client } 1 .. 3;
	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	my @forged = map { my $sign = $_;
		map { ($_ =~ s/-/$sign/r => 'evil', uc($_) => 'evil') }
		    qw(Remote-User Remote-Groups Remote-Email Remote-Name)
	} '-', '_', '.';
	for my $p (sort keys %pass) {
		is($stranger->page("/$p/x")->status, 302, "$p: a stranger");
		my $a = $alice->page("/$p/x", @forged);
		is($a->status, 200, 'alice');
		like($a->body, qr/^(?:Remote.User: )?alice$/mi, 'by name');
		like($a->body, qr/admin,staff$/m, 'groups');
		unlike($a->body, qr/evil/, 'nothing forged');
		$a = $stranger->page("/open/$p/x", @forged);
		is($a->status, 200, "$p: public");
		unlike($a->body, qr/evil|alice/, 'nothing forged');
		unlike($a->body, qr/\Q$secret\E/, 'nor the secret');
	}
	is($stranger->page('/none')->status, 302, 'what is not there');
	is($stranger->page('/http/forgotten/x')->status, 302, 'nor another');
	is($stranger->page('/http/lan/x')->status, 200, 'a network is public');
	is($stranger->page('/http/other-lan/x')->status, 302, 'another is not');
	is($stranger->upgrade('/live/x')->status, 401, 'a web socket: nobody');
	is($alice->upgrade('/live/x')->status, 101, 'alice');
	is($alice->page('/live/x')->status, 200, 'and HTTP on the same path');
	is($stranger->page('/http/admin/x')->status, 302, 'a role: a stranger');
	is($bob->page('/http/admin/x')->status, 403, 'bob');
	is($alice->page('/http/admin/x')->status, 200, 'alice');
	my @own = (Authorization => 'Bearer of-the-application');
	is($alice->get('/http/x', @own)->status, 401, 'a Bearer token is ours');
	for my $p (qw(http fcgi)) {
		my $a = $alice->get("/$p/own/x", @own);
		is($a->status, 200, "$p: but where it is not, the cookie counts");
		like($a->body, qr/^(?:HTTP_)?Authorization: \Q$own[1]\E$/mi,
		    'and the application gets its token');
		like($a->body, qr/^Remote-User: alice$/m, 'and the name');
		is($stranger->get("/$p/own/x", @own)->status, 401,
		    'not a stranger');
	}
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
		# Each is three bytes in the address of the login page.
		is($a->status, 3 * $length < 7900 ? 302 : 401,
		    "$length: asked to sign in");
	}
	is($n->client->page('/x?' . 'a' x 9000)->status, 414, 'a longer one');
};

$d->stop_ok;
done_testing;
