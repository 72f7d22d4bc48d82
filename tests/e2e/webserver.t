# SPDX-License-Identifier: MIT
# What fcgiauthctl webserver check finds in a configuration. The web server then
# shows that each finding is a real fault.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::FastCGI ();
use FCGIAuth::Gateway;
use FCGIAuth::Site;
use FCGIAuth::Test;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

my ($d, $first) = start_site();
my %cookie;
for my $who (qw(alice bob)) {
	my $c = $first->client;
	is(sign_in($c, $who)->status, 303, "$who signs in");
	$cookie{$who} = $c->jar;
}
$first->stop;

sub check {
	my (@words) = @_;
	my ($code, $out, $err) = capture(bin('fcgiauthctl'), 'webserver',
	    'check', @words);

	return ($code, $out, $err);
}

# Returns the codes of the findings in a file.
sub codes_of {
	my ($file) = @_;
	my ($code, $out, $err) = check($file, '--json');
	my $list = eval { JSON::PP::decode_json($out)->{findings} };

	ok($list, 'the answer is JSON') or diag("$out$err"), return 'none';
	is($code, @$list ? 1 : 0,
	    'the exit status tells whether there are findings');
	my $wrong = grep { !$_->{file} || !$_->{line} || !$_->{place} ||
		$_->{text} !~ /write|remove|leave|guard this/ } @$list;
	is($wrong, 0, 'each finding has its place and a cure');
	return join ' ', map { $_->{code} } @$list;
}

# Returns the codes of the findings in the configuration of an nginx.
sub codes {
	my ($n) = @_;
	my $dir = $n->dir;
	my (undef, $dump) = capture('nginx', '-T', '-q', '-p', $dir, '-e',
	    "$dir/web.log", '-c', "$dir/nginx.conf");

	spit("$dir/dump", $dump);
	my $codes = codes_of("$dir/dump");
	is(codes_of("$dir/nginx.conf"), $codes,
	    'the files give the same findings as nginx -T');
	return $codes;
}

sub as { my ($n, $who) = @_;
	my $c = $n->client;
	$c->{jar} = { %{ $cookie{$who} } } if $who;
	return $c }
sub open_to_all { my ($n, $path) = @_;
	return as($n)->page($path)->body =~ /THE APPLICATION/ }
sub becomes_root { my ($n, $path, @more) = @_;
	return as($n, 'bob')->get($path, 'Remote-User' => 'root', @more)->body
	    =~ /root/ }

my $server = 'include fcgiauth/fcgiauth-guard.conf;';
my $protect = 'include fcgiauth/fcgiauth-protect.conf;';
my $own = 'proxy_set_header X-Own 1;';
my $app = 'proxy_pass http://app;';
my $all = "location / { $protect $app }";

# These configurations have no finding.
my %good = (
	'the guard' => "$server location / { $app }",
	'nothing but the guard' => $server,
	'location by location' => $all,
	'all that there is' => <<"EOT",
	$server
	location / { $app }
	location /own/ { $protect $own $app }
	location /open/ {
		include fcgiauth/fcgiauth-public.conf;
		$own
		$app
	}
	location = /healthy {
		include fcgiauth/fcgiauth-public.conf;
		return 200 "yes";
	}
	location /moved/ { return 301 /elsewhere/; }
	location /gone/ { return 410; }
	location /closed/ { auth_request off; deny all; }
	location /try/ { try_files \$uri \@app; }
	location /teapot/ { error_page 418 = \@app; return 418; }
	location /rewritten/ { rewrite ^ /else last; }
	rewrite ^/former/ /open/ last;
	rewrite ^/left/ /elsewhere/ redirect;
	location \@app { $protect $own $app }
	location /wsgi/ {
		$protect
		include /etc/nginx/uwsgi_params;
		uwsgi_pass unix:/tmp/none;
	}
	location ~ \\.php\$ {
		include fcgiauth/fcgiauth-protect-fastcgi.conf;
		fastcgi_param SCRIPT_FILENAME /x;
		fastcgi_pass unix:/tmp/none;
	}
	location /cached/ {
		proxy_cache one;
		proxy_cache_key "\$uri \$fcgiauth_user";
		proxy_no_cache 0;
		proxy_cache_bypass 0;
		$app
	}
	location /role/ {
		set \$fcgiauth_require role:admin;
		$app
		location /role/inner/ {
			set \$fcgiauth_require role:admin;
			$app
		}
	}
	# location /comment/ { $own $app }
	location "/quoted }{;" { $app }
EOT
);
my $zone = sub { "proxy_cache_path $_[0]/cache keys_zone=one:1m;\n" };

for my $name (sort keys %good) {
	subtest "no finding: $name" => sub {
		my $n = new_web($d, server => $good{$name});
		$n->{http} .= $zone->($n->dir);
		$n->configure;
		is(codes($n), '', 'the check finds nothing');
	};
}

# Name, codes, configuration, a function that shows the fault, and functions
# that change the site.
my @bad = (
	[ 'a location that is not guarded', 'unguarded',
	    "$all location /x/ { $app }", sub { open_to_all($_[0], '/x/') } ],
	[ 'files outside of all locations', 'unguarded',
	    "location /x/ { $protect $app }", sub {
		spit($_[0]->dir . '/www/f', 'THE APPLICATION');
		return open_to_all($_[0], '/f') } ],
	[ 'files beside a protected first page', 'unguarded',
	    "location = / { $protect $app }", sub {
		spit($_[0]->dir . '/www/f', 'THE APPLICATION');
		return open_to_all($_[0], '/f') } ],
	[ 'a named location after try_files', 'named-unguarded',
	    "location / { $protect try_files \$uri \@app; }" .
	    "location \@app { $app }", sub {
		as($_[0], 'bob')->page('/x')->body =~ /APPLICATION/ } ],
	[ 'a named location after return', 'return named-unguarded',
	    "location / { $protect error_page 418 = \@app; return 418; }" .
	    "location \@app { $app }", sub { open_to_all($_[0], '/x') } ],
	[ 'an error_page for 401', 'error-page named-unguarded',
	    "location / { error_page 401 = \@app; $protect $app }" .
	    "location \@app { $app }", sub { open_to_all($_[0], '/x') } ],
	[ 'an error_page that replaces those of the guard', 'error-page',
	    "$server location / { error_page 404 /none; $app }", sub {
		my $a = as($_[0])->page('/x');
		return $a->status == 401 && !$a->header('location') } ],
	[ 'a return with a text', 'return',
	    "$server location / { return 200 'THE APPLICATION'; }",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a return in the server', 'return',
	    "$server return 200 'THE APPLICATION';",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a return in an if', 'return',
	    "$server location / { if (\$arg_x) { return 200 " .
	    "'THE APPLICATION'; } $app }",
	    sub { open_to_all($_[0], '/x?x=1') } ],
	[ 'a rewrite to an open location', 'rewrite',
	    "$all location /x/ { $protect rewrite ^ /y/ last; }" .
	    "location /y/ { internal; $app }",
	    sub { open_to_all($_[0], '/x/') } ],
	[ 'a rewrite in the server to an open location', 'rewrite',
	    "$all rewrite ^/x/ /y/ last; location /y/ { internal; $app }",
	    sub { open_to_all($_[0], '/x/') } ],
	[ 'a rewrite in an if of the server', 'rewrite',
	    "$all if (\$arg_x) { rewrite ^ /y/?; } " .
	    "location /y/ { internal; $app }",
	    sub { open_to_all($_[0], '/x?x=1') } ],
	[ 'auth_request off', 'auth-request-off',
	    "$server location / { auth_request off; $app }",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'satisfy any', 'satisfy-any',
	    "$server location / { satisfy any; allow 127.0.0.1; $app }",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a cache without the user', 'cache',
	    "$server location / { proxy_cache one; proxy_cache_valid 1m; " .
	    "proxy_no_cache \$arg_x; proxy_cache_bypass \$arg_x; $app }", sub {
		as($_[0], 'alice')->page('/x');
		return as($_[0], 'bob')->page('/x')->body =~ /alice/ } ],
	[ 'a requirement that is not inherited', 'require-lost',
	    "$server location / { set \$fcgiauth_require role:admin; $app" .
	    " location /in/ { $app } }", sub {
		as($_[0], 'bob')->page('/x')->status == 403 &&
		    as($_[0], 'bob')->page('/in/x')->status == 200 } ],
	[ 'a requirement in the server', 'require-lost',
	    "$server set \$fcgiauth_require user; location / { " .
	    "set \$fcgiauth_require role:admin; $app }", sub {
		as($_[0], 'bob')->page('/x')->status == 200 } ],
	[ 'a location with its own proxy_set_header', 'no-identity',
	    "$server location / { $own $app }", sub {
		as($_[0], 'bob')->page('/x')->body !~ /^Remote-User/m } ],
	[ 'a location with its own parameters', 'no-identity',
	    "$server location / { include /etc/nginx/uwsgi_params; " .
	    'uwsgi_pass unix:DIR/uwsgi.sock; }', sub {
		as($_[0], 'bob')->page('/x')->body !~ /^REMOTE_USER/m } ],
	[ 'the stock parameters of FastCGI', 'no-identity basic-name',
	    'location / { include fcgiauth/fcgiauth-check.conf; ' .
	    'include /etc/nginx/fastcgi_params; ' .
	    'fastcgi_pass unix:DIR/fcgi.sock; }', sub {
		as($_[0], 'bob')->get('/x', Authorization => 'Basic ' .
		    encode_base64('root:x', ''))->body =~
		    /^REMOTE_USER: root$/m } ],
	[ 'an identity that the client sets', 'client-value',
	    "$server location / { $protect proxy_set_header X-Own 1; " .
	    "proxy_set_header Remote-User \$arg_user; $app }", sub {
		as($_[0], 'bob')->get('/x?user=root')->body =~
		    /^Remote-User: root$/m } ],
	[ 'a Connection header that the client sets', 'connection',
	    "$server location / { $protect " .
	    "proxy_set_header Connection \$http_connection; $app }", sub {
		as($_[0], 'bob')->get('/x', Connection =>
		    'close, Remote-User')->body =~
		    /^Connection: close, Remote-User/m } ],
	[ 'invalid headers', 'invalid-headers',
	    "$server ignore_invalid_headers off; location / { $app }", sub {
		becomes_root($_[0], '/x?', 'Remote.User' => 'root') ||
		as($_[0], 'bob')->get('/x', 'Remote.User' => 'root')->body
		    =~ /root/ } ],
	[ 'an auth_basic beside the guard', 'auth-basic',
	    "$server auth_basic x; auth_basic_user_file DIR/none; " .
	    "location / { $app }", sub {
		as($_[0], 'alice')->page('/x')->status != 200 } ],
	[ 'an older fcgiauth-server.conf', 'no-refusal forged-header',
	    "$server location / { $own $app }",
	    sub { becomes_root($_[0], '/x') }, sub {
		my ($n) = @_;
		my $path = $n->dir . '/fcgiauth/fcgiauth-server.conf';
		my $text = slurp($path);
		$text =~ s/^if \(\$fcgiauth_forged\).*?^\}//ms or die;
		$text =~ s/(AUTH_ACTION\tverify;)
		    /$1 fastcgi_pass_request_headers off;/x or die;
		spit($path, $text) } ],
	[ 'another server for the same application', 'other-way',
	    $all, sub {
		my $c = FCGIAuth::Client->new(port => $_[0]{other});
		return $c->get('/x', 'Remote-User' => 'root')->body =~ /root/ },
	    sub {}, sub {
		my ($n) = @_;
		$n->{other} = free_port();
		$n->{http} .= "server { listen 127.0.0.1:$n->{other}; " .
		    "location / { $app } }\n" } ],
	[ 'another server, with another form of proxy_pass', 'other-way',
	    "location / { $protect proxy_pass http://app/; }", sub {
		my $c = FCGIAuth::Client->new(port => $_[0]{other});
		return $c->get('/x', 'Remote-User' => 'root')->body =~ /root/ },
	    sub {}, sub {
		my ($n) = @_;
		$n->{other} = free_port();
		$n->{http} .= "server { listen 127.0.0.1:$n->{other}; " .
		    "location / { $app } }\n" } ],
);

for my $row (@bad) {
	my ($name, $codes, $text, $is_so, $change, $before) = @$row;

	subtest $name => sub {
		my $n = new_web($d);
		$n->{server} = $text =~ s/DIR/$n->dir/ger;
		$n->{server} .= ' root ' . $n->dir . '/www;';
		$n->{http} .= $zone->($n->dir);
		$before->($n) if $before;
		FCGIAuth::Gateway::start_uwsgi($n->dir . '/uwsgi.sock')
		    if $text =~ /uwsgi.sock/;
		$n->configure;
		no warnings 'redefine';
		local *FCGIAuth::Nginx::snippets = sub {};
		$change->($n) if $change;
		is(codes($n), $codes, 'the check finds the fault');
		$n->apps->start;
		ok($is_so->($n), 'the web server has the fault');
		$n->stop;
	};
}

# ---- Apache and lighttpd ---------------------------------------------------------

sub other_site {
	my ($web, $server, %arg) = @_;
	local $ENV{FCGIAUTH_WEB} = $web;
	my $e = $d;
	my $n = new_web($e, locations => [], %arg);
	my $dir = $n->dir;

	$n->{server} = $server =~ s/DIR/$dir/gr;
	return $n;
}

# The daemon serves the same users with a peer secret and by TCP.
my $secret = 'only4us' x 4;
my $tcp = '127.0.0.1:' . free_port();
$d->stop_ok;
$d->{tcp} = $tcp;
$d->{brings} = { AUTH_SECRET => $secret };
$d->configure(server => { listen => $d->address . " $tcp",
	peer_secret => $secret })->start;

my $http = 'ProxyPass "/" "unix:DIR/app.sock|http://app/"' . "\n";
my $after = sub { my ($path, $text) = @_;
	return "<Location \"$path\">\n$text\n</Location>\n" };
my @apache = (
	[ 'a guarded site', '', "Use FcgiauthGuard\n$http" .
	    $after->('/assets/', 'Use FcgiauthPublic') .
	    $after->('/admin/', 'Use FcgiauthRequire role:admin') ],
	[ 'a site with a protected part', 'unguarded unguarded', $after->('/x/',
		"Use FcgiauthProtect\nProxyPass unix:DIR/app.sock|http://app/x/") .
	    "ProxyPass /y/ unix:DIR/app.sock|http://app/y/\n",
	    sub { open_to_all($_[0], '/y/x') } ],
	[ 'an If that opens a location', 'if-opens',
	    "Use FcgiauthGuard\n$http" . $after->('/x/', "<If \"true\">\nRequire all granted\n</If>"),
	    sub { open_to_all($_[0], '/x/') } ],
	[ 'an identity that the client sets', 'client-value',
	    "Use FcgiauthGuard\n$http" . $after->('/x/', "Use FcgiauthPublic\n" .
		'SetEnvIf X-User (.+) XUSER=$1' . "\n" .
		'RequestHeader set Remote-User "%{XUSER}e" env=XUSER'), sub {
		as($_[0])->get('/x/', 'X-User' => 'root')->body =~
		    /^Remote-User: root$/m } ],
	[ 'a cache before the check', 'cache', "Use FcgiauthGuard\n$http" .
	    "CacheEnable disk /\nCacheRoot DIR/cache\n" .
	    "CacheIgnoreHeaders Set-Cookie\n", sub {
		as($_[0], 'alice')->page('/own');
		return as($_[0])->page('/own')->body =~ /of the app/ } ],
);

for my $row (@apache) {
	my ($name, $codes, $text, $is_so) = @$row;

	subtest "Apache: $name" => sub {
		plan(skip_all => 'no Apache here') unless in_path('apache2');
		my $n = other_site('apache', $text,
		    modules => [qw(cache cache_disk)]);
		mkdir $n->dir . '/cache';
		chmod 0777, $n->dir . '/cache';
		$n->configure;
		is(codes_of($n->dir . '/httpd.conf'), $codes,
		    'the check finds the fault');
		return unless $is_so;
		$n->apps->start;
		ok($is_so->($n), 'the web server has the fault');
		$n->stop;
	};
}

subtest 'Apache: findings without a running server' => sub {
	my $dir = tempdir();
	my %file = (
		order => "<VirtualHost *>\nUse FcgiauthServer\n" .
		    $after->('/', 'Use FcgiauthProtect') . "</VirtualHost>\n",
		'no-check' => "<VirtualHost *>\n" .
		    $after->('/', 'Use FcgiauthProtect') . "</VirtualHost>\n",
		secret => "Define FCGIAUTH_SECRET change.me\n" .
		    "<VirtualHost *>\nUse FcgiauthGuard\n</VirtualHost>\n",
		'auth-basic' => "<VirtualHost *>\nUse FcgiauthGuard\n" .
		    $after->('/x/', 'AuthType Basic') . "</VirtualHost>\n",
		'other-way' => "<VirtualHost *:443>\nUse FcgiauthGuard\n" .
		    "ProxyPass / http://a/\n</VirtualHost>\n<VirtualHost *:80>\n" .
		    "ProxyPass / http://a/\n</VirtualHost>\n",
		unused => "<VirtualHost *>\nProxyPass / http://a/\n" .
		    "</VirtualHost>\n",
	);
	for my $code (sort keys %file) {
		spit("$dir/conf", $file{$code});
		is(codes_of("$dir/conf"), $code, "the check finds $code");
	}
};

my $guard = "include \"fcgiauth/fcgiauth-guard.conf\"\n";
my $proxy = 'proxy.server = ( "" => (( "socket" => "DIR/app.sock" )) )' . "\n";
my $when = sub { my ($path, $text) = @_;
	return "\$HTTP[\"url\"] =~ \"^$path\" {\n$text\n}\n" };
my $fcgi = '( "" => (( "socket" => "DIR/fcgi.sock", "check-local" => "disable" )) )';
my @lighttpd = (
	[ 'a guarded site', '', $proxy . $when->('/before/',
		"fastcgi.server = $fcgi") . $guard .
	    $when->('/assets/', 'include "fcgiauth/fcgiauth-public.conf"') .
	    $when->('/after/', 'include "fcgiauth/fcgiauth-protect.conf"' .
		"\nfastcgi.server += $fcgi") ],
	[ 'an application after the guard', 'unguarded', $guard .
	    $when->('/x/', "fastcgi.server = $fcgi"),
	    sub { open_to_all($_[0], '/x/') } ],
	[ 'a site with a protected part', 'unguarded unguarded',
	    $when->('/y/', 'include "fcgiauth/fcgiauth-protect.conf"') .
	    $when->('/x/', $proxy), sub { open_to_all($_[0], '/x/') } ],
	[ 'headers set without the guard', 'forged-header', $proxy . $guard .
	    $when->('/x/', 'include "fcgiauth/fcgiauth-public.conf"' .
		"\nsetenv.set-request-header = ( \"X-Own\" => \"1\" )"), sub {
		as($_[0])->get('/x/', 'Remote-User' => 'root')->body =~
		    /root/ } ],
	[ 'a check after the search for files', 'check-local', $proxy .
	    'fastcgi.server = ( "/" => (( "socket" => var.fcgiauth_socket, ' .
	    '"mode" => "authorizer" )) )' . "\n",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a module before mod_fastcgi', 'modules', $proxy . $guard .
	    "server.modules += ( \"mod_status\" )\n", sub {
		as($_[0])->page('/x')->status == 200 }, sub {
		s/"mod_fastcgi", "mod_proxy"/"mod_proxy", "mod_fastcgi"/ } ],
);

for my $row (@lighttpd) {
	my ($name, $codes, $text, $is_so, $change) = @$row;

	subtest "lighttpd: $name" => sub {
		plan(skip_all => 'no lighttpd here') unless in_path('lighttpd');
		$d->{brings} = {};
		my $n = other_site('lighttpd', $text, magnet => 0,
		    service => $d->address);
		my $file = $n->dir . '/lighttpd.conf';
		$n->configure;
		if ($change) {
			local $_ = slurp($file);
			ok($change->(), 'the test changes the configuration');
			spit($file, $_);
		}
		is(codes_of($file), $codes, 'the check finds the fault');
		return unless $is_so;
		$n->apps->run('lighttpd', '-D', '-f', $file);
		ok($is_so->($n), 'the web server has the fault');
		$n->stop;
	};
}

# ---- unreadable files -------------------------------------------------------

subtest 'files that are no configuration' => sub {
	my $dir = tempdir();
	my %text = ('' => '', quote => 'a "b', open => 'http { server {',
	    close => '}', words => 'a', deep => 'a {' x 100,
	    include => "http { include $dir/none; }",
	    loop => "include $dir/loop;",
	    section => "<VirtualHost *>\n", ends => "<Location />\n</Files>\n",
	    loops => "ServerRoot $dir\nInclude loops\n", config => "config {\nx");

	for my $name (sort keys %text) {
		spit("$dir/$name", $text{$name}) if $name ne '';
		my ($code, $out, $err) = check($name eq '' ? '/dev/null'
		    : "$dir/$name");
		is($code, 2, "'$name' is refused with status 2");
		is($out, '', 'the check prints no finding');
		like($err, qr/^fcgiauthctl: /, 'the check prints a message');
	}
	is((check("$dir/none"))[0], 2,
	    'a missing file is refused with status 2');
	is((check('a', 'b'))[0], 2, 'two files are refused with status 2');
	my ($code, $out) = capture(\"http { server { } }", bin('fcgiauthctl'),
	    'webserver', 'check', '-');
	is($code, 1, 'the check reads standard input');
	like($out, qr/^stdin:1: nginx: .*\[unused\]$/,
	    'each finding is a line');
	local $ENV{PATH} = $dir;
	spit("$dir/nginx", "#!/bin/sh\necho \"http { server { } } # \$*\"\n");
	chmod 0755, "$dir/nginx";
	($code, $out) = check();
	like($out, qr/^nginx -T:1: .*\[unused\]$/,
	    'without a file the check runs nginx -T');
};

$d->stop_ok;
done_testing;
