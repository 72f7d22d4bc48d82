# SPDX-License-Identifier: MIT
# What only Apache httpd does. web.t tests the rest.
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

subtest 'the peer secret' => sub {
	for my $path (qw(/fcgi/x /fcgi/open/x)) {
		my $a = $alice->page($path);
		is($a->status, 200, "$path: alice is let in");
		unlike($a->body, qr/\Q$secret\E/,
		    "$path: the application does not get the secret");
	}
	like($alice->page('/fcgi/x')->body, qr/^REMOTE_USER: alice$/m,
	    'the application gets the identity');
	my $m = new_web($d, secret => 'wrong', locations => $n->{locations});
	$m->apps->start;
	my $c = $m->client;
	$c->jar->{fcgiauth} = token_of($alice);
	is($c->page('/x')->status, 403,
	    'with a wrong secret a page is refused');
	is($c->page('/auth/login')->status, 403,
	    'with a wrong secret the login page is refused');
	$m->stop;
	is($d->ask(REQUEST_URI => '/x', authorizer => 1, AUTH_SECRET => 'x')
	    ->{status}, 403, 'another program with a wrong secret is refused');
};

# Apache requires a user even where a rule says public.
subtest 'a public rule' => sub {
	my $a = $n->client->page('/public/x');

	is($a->status, 500, 'a visitor is refused');
	unlike($a->body, qr/THE APPLICATION/,
	    'a visitor sees nothing of the application');
	is($alice->page('/public/x')->status, 200, 'alice is let in');
};

subtest 'files in a protected location' => sub {
	mkdir $www;
	spit("$www/index.html", 'THE APPLICATION, the index');
	spit("$www/.htaccess", "AuthType None\nRequire all granted\n");
	my $a = $n->client->page('/files/');
	is($a->status, 302, 'a visitor is redirected from the index');
	is($a->header('location'), '/auth/login?rd=%2Ffiles%2F',
	    'the redirect has the address of the folder');
	is($n->client->page('/files/index.html')->status, 302,
	    '.htaccess cannot open a file');
	like($alice->page('/files/')->body, qr/the index/,
	    'alice sees the index');
	is($n->client->page('/files')->status, 302,
	    'a visitor is redirected from a folder without a slash');
};

# Internal redirects of Apache during a request.
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
		is($a->status, 302, "$path: a visitor is redirected");
		$a = $who->page($path);
		is($a->status, 200, "$path: alice is let in");
		like($a->body, qr/^REMOTE_USER: alice$/m,
		    "$path: the application gets the name");
		like($a->body, qr/^AUTH_GROUPS: admin,staff$/m,
		    "$path: the application gets the groups");
		like($a->body, qr/^HTTP_REMOTE_USER: alice$/m,
		    "$path: the application gets the name as a header");
		unlike($a->body, qr/\Q$secret\E/,
		    "$path: the application does not get the secret");
		is($bob->page($path)->status, $path =~ /admin/ ? 403 : 200,
		    "$path: bob is let in without a role only");
	}
	is($m->client->page('/satisfy/x.html')->status, 302,
	    'Satisfy Any does not open a file');
	is($m->client->page('/open/satisfy/x.html')->status, 200,
	    'a public file is shown');
	$d->stop_ok;
	my $a = $who->page('/php/index.php');
	is($a->status, 500, 'a page is refused without the service');
	like($a->body, qr/^REDIRECT_STATUS: 500$/m,
	    'the ErrorDocument is shown');
	unlike($a->body, qr/\Q$secret\E/,
	    'the ErrorDocument does not get the secret');
	$d->start;
	$m->stop;
};

# Further requirements beside the check can close a location, but not open it.
subtest 'other requirements' => sub {
	my $app = 'unix:' . $n->dir . '/app.sock|http://app/';
	my $in_files = "ProxyPass !\n";
	my $deny = '<RequireAll>' . "\nRequire ip 10.1.2.3\nRequire valid-user" .
	    "\n</RequireAll>\n";
	my $only = "Require ip 10.1.2.3\nRequire valid-user\n";
	my $use = "Use FcgiauthProtect\n";
	# The path, its section, and the statuses for bob and for a visitor.
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
	# Further sections for the same paths.
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
		my ($path, undef, $for_bob, $for_visitor) = @$row;
		is($bob->page("/$path/x")->status, $for_bob,
		    "$path: bob gets $for_bob");
		my $a = $m->client->page("/$path/x");
		is($a->status, $for_visitor,
		    "$path: a visitor gets $for_visitor");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: a visitor sees nothing of the application")
		    if $for_visitor != 200;
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
	my ($visitor, $alice, $bob) = map { $m->client } 1 .. 3;
	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	my @forged = map { my $sign = $_;
		map { ($_ =~ s/-/$sign/r => 'evil', uc($_) => 'evil') }
		    qw(Remote-User Remote-Groups Remote-Email Remote-Name)
	} '-', '_', '.';
	for my $p (sort keys %pass) {
		is($visitor->page("/$p/x")->status, 302,
		    "$p: a visitor is redirected");
		my $a = $alice->page("/$p/x", @forged);
		is($a->status, 200, "$p: alice is let in");
		like($a->body, qr/^(?:Remote.User: )?alice$/mi,
		    "$p: the application gets the name");
		like($a->body, qr/admin,staff$/m,
		    "$p: the application gets the groups");
		unlike($a->body, qr/evil/,
		    "$p: the application gets no forged header");
		$a = $visitor->page("/open/$p/x", @forged);
		is($a->status, 200,
		    "$p: a visitor is let in at a public location");
		unlike($a->body, qr/evil|alice/,
		    "$p: a public location passes no identity");
		unlike($a->body, qr/\Q$secret\E/,
		    "$p: the application does not get the secret");
	}
	is($visitor->page('/none')->status, 302,
	    'a visitor is redirected from a missing path');
	is($visitor->page('/http/forgotten/x')->status, 302,
	    'Require all granted does not open a location');
	is($visitor->page('/http/lan/x')->status, 200,
	    'a location is public for a network');
	is($visitor->page('/http/other-lan/x')->status, 302,
	    'it is closed for another network');
	is($visitor->upgrade('/live/x')->status, 401,
	    'a web socket of a visitor is refused');
	is($alice->upgrade('/live/x')->status, 101,
	    'a web socket of alice is accepted');
	is($alice->page('/live/x')->status, 200,
	    'HTTP on the same path is served');
	is($visitor->page('/http/admin/x')->status, 302,
	    'a visitor is redirected where a role is required');
	is($bob->page('/http/admin/x')->status, 403,
	    'bob, who does not have the role, gets 403');
	is($alice->page('/http/admin/x')->status, 200,
	    'alice, who has the role, is let in');
	my @own = (Authorization => 'Bearer of-the-application');
	is($alice->get('/http/x', @own)->status, 401,
	    'a Bearer token of the application is refused');
	for my $p (qw(http fcgi)) {
		my $a = $alice->get("/$p/own/x", @own);
		is($a->status, 200,
		    "$p: with FcgiauthOwnAuthorization the cookie counts");
		like($a->body, qr/^(?:HTTP_)?Authorization: \Q$own[1]\E$/mi,
		    "$p: the application gets its Bearer token");
		like($a->body, qr/^Remote-User: alice$/m,
		    "$p: the application gets the name");
		is($visitor->get("/$p/own/x", @own)->status, 401,
		    "$p: a visitor with such a token is refused");
	}
	$m->stop;
};

subtest 'the order of sections' => sub {
	$n->{server} = "Use FcgiauthServer\n<Location />\n" .
	    "Use FcgiauthProtect\n</Location>\n";
	$n->{locations} = [ { path => '/', app => 'http' } ];
	$n->stop;
	$n->start;
	is($n->client->page('/x')->status, 302,
	    'a visitor is redirected when the order is wrong');
	is($alice->page('/x')->status, 200,
	    'alice is let in when the order is wrong');
	delete $n->{server};
};

subtest 'a request body of unknown length' => sub {
	my $a = $n->client->request(POST => '/auth/login', headers => [
		'Content-Type' => 'application/json',
		'Transfer-Encoding' => 'chunked' ],
	    body => join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
		qq({"username":"alice",), qq("password":"$PASSWORD"}), '');
	is($a->status, 200, 'a sign-in with a chunked body succeeds');
	is($a->json->{user}{name}, 'alice', 'the answer names the user');
};

subtest 'the longest address that Apache accepts' => sub {
	for my $length (1000, 4000, 7000, 8100) {
		my $a = $n->client->page('/x?' . '/' x $length);
		# Each slash takes three bytes in the address of the login page.
		is($a->status, 3 * $length < 7900 ? 302 : 401,
		    "an address of $length slashes is redirected if it fits");
	}
	is($n->client->page('/x?' . 'a' x 9000)->status, 414,
	    'a longer address is refused');
};

$d->stop_ok;
done_testing;
