# SPDX-License-Identifier: MIT
# nginx with every kind of upstream. Where a location has no directives of its
# own, fcgiauth-guard.conf closes it. A client that sends identity headers is
# refused with the guard and without it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Gateway;
use FCGIAuth::Site;
use FCGIAuth::Test;
use MIME::Base64 qw(encode_base64);
use Test::More;

my @names = qw(Remote-User Remote-Groups Remote-Email Remote-Name);
my @spellings = map { my $n = $_; ($n, lc $n, uc $n, $n =~ s/-/_/r,
    uc($n) =~ s/-/_/r, lcfirst $n) } @names;

# The upstream of each protocol of nginx. DIR is the folder of the site.
my %pass = (
	proxy => 'proxy_pass http://app;',
	fastcgi => 'fastcgi_pass unix:DIR/fcgi.sock;',
	uwsgi => 'uwsgi_pass unix:DIR/uwsgi.sock;',
	scgi => 'scgi_pass unix:DIR/scgi.sock;',
	grpc => 'grpc_pass grpc://unix:DIR/h2.sock;',
);
# Directives that such a location often has.
my %own = (
	proxy => 'proxy_set_header X-Own 1;',
	fastcgi => 'include /etc/nginx/fastcgi_params;',
	uwsgi => 'include /etc/nginx/uwsgi_params;',
	scgi => 'include /etc/nginx/scgi_params;',
	grpc => 'grpc_set_header X-Own 1;',
);
my %protect = (map({ $_ => 'fcgiauth-protect' } keys %pass),
    fastcgi => 'fcgiauth-protect-fastcgi');

sub start_gateways {
	my ($n) = @_;
	my $dir = $n->dir;

	FCGIAuth::Gateway::start_uwsgi("$dir/uwsgi.sock");
	FCGIAuth::Gateway::start_scgi("$dir/scgi.sock");
	FCGIAuth::Gateway::start_http2($dir, "unix:$dir/h2.sock");
	return;
}

# Starts a second web server in front of the same daemon.
my ($d, $first) = start_site();

sub site {
	my ($server, %arg) = @_;
	my $n = new_web($d, http => 'underscores_in_headers on;', %arg);

	$n->{server} = $server =~ s/\bDIR\b/$n->dir/ger;
	start_gateways($n);
	return $n->apps;
}

sub clients {
	my ($n) = @_;
	my ($visitor, $alice, $bob) = map { $n->client } 1 .. 3;

	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	return ($visitor, $alice, $bob);
}

sub words { return $_[0]->body =~ tr/_/-/r }

# ---- the files of one location -----------------------------------------------

subtest 'every protocol, location by location' => sub {
	my $server = '';

	for my $p (sort keys %pass) {
		my $stock = $p eq 'fastcgi' ? '' : $own{$p};
		$server .= <<"EOT";
	location /$p/ {
		include fcgiauth/$protect{$p}.conf;
		$stock
		$pass{$p}
	}
	location /$p-public/ {
		include fcgiauth/fcgiauth-public.conf;
		$own{$p}
		$pass{$p}
	}
	location /$p-bare/ {
		$own{$p}
		$pass{$p}
	}
EOT
	}
	my $n = site($server);
	$n->start;
	my ($visitor, $alice, $bob) = clients($n);
	for my $p (sort keys %pass) {
		is($visitor->page("/$p/x")->status, 302,
		    "$p: a visitor is redirected");
		my $a = $alice->page("/$p/x");
		is($a->status, 200, "$p: alice is let in");
		like(words($a), qr/^Remote-User: alice$/mi,
		    "$p: the application gets the name");
		like(words($a), qr/^Remote-Groups: admin,staff$/mi,
		    "$p: the application gets the groups");
		like(words($a), qr/^Remote-Name: Alice Liddell$/mi,
		    "$p: the application gets the full name");
		for my $at ($p, "$p-public", "$p-bare") {
			my $seen = 0;
			for my $name (@spellings) {
				$a = $bob->page("/$at/x", $name => 'evil');
				$seen++ if $a->status != 400 ||
				    $a->body =~ /evil|THE APP/;
			}
			is($seen, 0, "/$at/: every forged header is refused");
		}
		$a = $visitor->page("/$p-public/x");
		is($a->status, 200,
		    "$p: a visitor is let in at a public location");
		unlike(words($a), qr/^(?:HTTP-)?Remote-User: ./mi,
		    "$p: the application gets no identity of a visitor");
	}
	# The snippets of a location remove forged headers even if the server
	# does not refuse them.
	my $text = slurp($n->dir . '/fcgiauth/fcgiauth-server.conf');
	$n->stop;
	no warnings 'redefine';
	local *FCGIAuth::Nginx::snippets = sub {};
	$text =~ s/^if \(\$fcgiauth_forged\).*?^\}//ms or die;
	$text =~ s/(AUTH_ACTION\tverify;)/$1 fastcgi_pass_request_headers off;/
	    or die;
	spit($n->dir . '/fcgiauth/fcgiauth-server.conf', $text);
	$n->start;
	my @all = map { $_ => 'evil' } @spellings;
	for my $p (sort keys %pass) {
		like($bob->page("/$p-bare/x", @all)->body, qr/evil/,
		    "$p: a location without a snippet passes forged headers");
		for my $at ($p, "$p-public") {
			my $a = $bob->page("/$at/x", @all);
			is($a->status, 200, "/$at/: bob is let in");
			unlike($a->body, qr/evil/,
			    "/$at/: the application gets no forged header");
		}
		like(words($bob->page("/$p/x", @all)),
		    qr/^Remote-User: bob$/mi,
		    "$p: the application gets the name of bob");
	}
	$n->stop;
};

# ---- the guard ------------------------------------------------------------------

subtest 'a guarded server without snippets in its locations' => sub {
	my $server = "include fcgiauth/fcgiauth-guard.conf;\n";

	for my $p (sort keys %pass) {
		$server .= "location /$p/ { $pass{$p} }\n" .
		    "location /$p-own/ { $own{$p} $pass{$p} }\n";
	}
	# Without own parameters, uwsgi and SCGI send those of the server.
	$server .= "$own{uwsgi} $own{scgi}\n";
	$server .= 'fastcgi_param REQUEST_METHOD $request_method; ' .
	    'fastcgi_param REQUEST_URI $request_uri; ' .
	    'fastcgi_param SERVER_PROTOCOL $server_protocol;';
	my $n = site($server);
	$n->start;
	my ($visitor, $alice, $bob) = clients($n);
	for my $p (sort keys %pass) {
		# nginx before 1.23 sees only the first of the two.
		for my $at ($p, "$p-own") {
			my $a = $bob->get("/$at/x", 'Remote-User' => '',
			    'Remote-User' => 'evil');
			like($a->status, qr/^40[03]$/,
			    "/$at/: a second Remote-User is refused");
			unlike($a->body, qr/evil/,
			    "/$at/: the answer has no forged name");
		}
		for my $at ($p, "$p-own") {
			is($visitor->page("/$at/x")->status, 302,
			    "/$at/: a visitor is redirected");
			is($alice->page("/$at/x")->status, 200,
			    "/$at/: alice is let in");
		}
		like(words($alice->page("/$p/x")), qr/^Remote-User: alice$/mi,
		    "$p: the application gets the name");
		unlike(words($alice->page("/$p-own/x")),
		    qr/^(?:HTTP-)?Remote-User: ./mi,
		    "$p: a location with its own parameters passes no name");
		my $seen = grep {
			$bob->page("/$p-own/x", $_ => 'evil')->status != 400
		} @spellings;
		is($seen, 0, "$p: every forged header is refused");
	}
	my $a = $bob->page('/proxy/x', 'Remote-User' => '0');
	is($a->status, 400, 'a forged name "0" is refused');
	$a = $bob->page('/proxy-own/x', 'Remote-User' => 'a',
	    'Remote-User' => 'b');
	is($a->status, 400, 'two forged names are refused');
	for my $name ('evil', '0') {
		my $basic = encode_base64("$name:x", q());
		$a = $bob->page('/fastcgi-own/x',
		    Authorization => "Basic $basic");
		is($a->status, 400, 'a name by HTTP Basic is refused');
	}
	unlike($bob->page('/fastcgi-own/x', Authorization => 'Basic Ong=')
	    ->body, qr/^REMOTE_USER: ./m,
	    'an empty name by HTTP Basic is not passed on');
	$n->stop;
};

# These directives open an application if only its own location is protected.
# The guard keeps it closed.
subtest 'locations that are reached in other ways' => sub {
	my $server = <<'EOT';
	root DIR/www;
	location / {
		PROTECT
		try_files $uri @app;
	}
	location /teapot/ {
		PROTECT
		error_page 418 = @app;
		return 418;
	}
	location /login-page/ {
		error_page 401 = @app;
		PROTECT
	}
	location /rewritten/ {
		PROTECT
		rewrite ^ /elsewhere/x last;
	}
	location /elsewhere/ {
		internal;
		proxy_set_header X-Own 1;
		proxy_pass http://app;
	}
	location /outer/ {
		PROTECT
		location /outer/inner/ {
			proxy_set_header X-Own 1;
			proxy_pass http://app;
		}
	}
	location @app {
		proxy_set_header X-Own 1;
		proxy_pass http://app;
	}
EOT
	my $alone = site($server =~
	    s/PROTECT/include fcgiauth\/fcgiauth-protect.conf;/gr);
	my $guard = site('include fcgiauth/fcgiauth-guard.conf;' .
	    $server =~ s/PROTECT//gr);
	$_->start for $alone, $guard;
	my ($visitor, undef, $bob) = clients($alone);
	my ($outside, $alice, $inside) = clients($guard);
	my @at = qw(/x /teapot/x /login-page/x /rewritten/x /outer/inner/x);

	for my $path (@at) {
		my $a = $inside->page($path);
		is($a->status, $path =~ /login/ ? 404 : 200,
		    "$path: the guard lets bob in");
		unlike($a->body, qr/^Remote-User/m,
		    "$path: the application gets no identity");
		for my $who ([ $alone, $bob ], [ $guard, $inside ]) {
			my $wrong = grep {
				$who->[1]->page($path, $_ => 'root')->status
				    != 400
			} @spellings;
			is($wrong, 0, "$path: every forged header is refused");
		}
		$a = $outside->page($path);
		like($a->status, qr/^(?:302|401)$/,
		    "$path: the guard refuses a visitor");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: a visitor sees nothing of the application");
	}
	is(join(' ', grep { $visitor->page($_)->status == 200 } @at),
	    '/teapot/x /login-page/x /rewritten/x',
	    'without the guard a visitor is let in at these paths');
	is($outside->page('/elsewhere/x')->status, 404,
	    'an internal location is not reached from outside');
	$_->stop for $alone, $guard;
};

subtest 'locations with directives beside the guard' => sub {
	my $live = FCGIAuth::Gateway::start_websocket();
	my $n = site(<<'EOT' =~ s/LIVE/$live/r);
	include fcgiauth/fcgiauth-guard.conf;
	root DIR/www;
	location / { proxy_pass http://app; }
	location /open/ {
		include fcgiauth/fcgiauth-public.conf;
		proxy_set_header X-Own 1;
		proxy_pass http://app;
		location /open/closed/ {
			include fcgiauth/fcgiauth-protect.conf;
			proxy_pass http://app;
		}
	}
	location /admin/ {
		set $fcgiauth_require "role:admin";
		try_files $uri @app;
	}
	location @app { proxy_pass http://app; }
	location /live/ {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_http_version 1.1;
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection $app_connection;
		proxy_pass http://127.0.0.1:LIVE;
	}
	location /said/ { return 200 "said to everybody"; }
	location /own/ {
		set $fcgiauth_authorization "";
		proxy_pass http://app;
	}
	location /teapot/ {
		error_page 418 = @app;
		return 418;
	}
	location /later/ { rewrite ^ /hidden/x last; }
	location /hidden/ { internal; proxy_pass http://app; }
EOT
	$n->{http} .= 'map $http_upgrade $app_connection { default upgrade; ' .
	    '"" ""; }';
	$n->start;
	my ($visitor, $alice, $bob) = clients($n);
	is($visitor->page('/open/x')->status, 200,
	    'a visitor is let in at a public location');
	is($alice->page('/open/x')->body =~ /alice/, '',
	    'a public location passes no identity');
	is($visitor->page('/open/closed/x')->status, 302,
	    'a protected location inside a public one is closed');
	is($visitor->page('/admin/x')->status, 302,
	    'a visitor is redirected where a role is required');
	is($bob->page('/admin/x')->status, 403,
	    'bob, who does not have the role, gets 403 before try_files');
	is($alice->page('/admin/x')->status, 200,
	    'alice, who has the role, is let in');
	is($visitor->upgrade('/live/x')->status, 401,
	    'a web socket of a visitor is refused');
	is($alice->upgrade('/live/x')->status, 101,
	    'a web socket of alice is accepted');
	is($alice->page('/live/x')->status, 200,
	    'HTTP on the same path is served');
	is($visitor->page('/said/x')->body, 'said to everybody',
	    'return answers before the check');
	is($visitor->page('/later/x')->status, 302,
	    'a visitor is redirected from an internal location');
	is($alice->page('/later/x')->status, 200,
	    'alice is let in at an internal location');
	is($visitor->page('/teapot/x')->status, 302,
	    'a visitor is redirected when error_page leads to the application');
	is($alice->page('/teapot/x')->status, 200,
	    'alice is let in when error_page leads to the application');

	my @own = (Authorization => 'Bearer of-the-application');
	is($alice->get('/x', @own)->status, 401,
	    'a Bearer token of the application is refused');
	my $a = $alice->get('/own/x', @own);
	is($a->status, 200,
	    'an own Authorization of the application is not ours');
	like($a->body, qr/^Authorization: Bearer of-the-application$/m,
	    'the application gets its Bearer token');
	like($a->body, qr/^Remote-User: alice$/m,
	    'the application gets the name');
	is($visitor->get('/own/x', @own)->status, 401,
	    'a visitor with a Bearer token of the application is refused');
	$n->stop;
};

subtest 'a cached answer is not given to another user' => sub {
	my %cache = (proxy => 'http', fastcgi => 'fcgi', uwsgi => 'uwsgi',
	    scgi => 'scgi');
	my ($http, $server) = ('', "include fcgiauth/fcgiauth-guard.conf;\n");

	for my $p (sort keys %cache) {
		$http .= "${p}_cache_path DIR/cache-$p keys_zone=$p:1m;\n";
		my $how = "${p}_cache $p; ${p}_cache_valid 200 1m; " .
		    "${p}_cache_key \$uri; ${p}_ignore_headers Set-Cookie;";
		my $tell = $p =~ /proxy/ ? ''
		    : "include fcgiauth/$protect{$p}.conf;";
		$tell .= $own{$p} if $p =~ /uwsgi|scgi/;
		$server .= <<"EOT";
	location /$p/ { $how $tell $pass{$p} }
	location /$p-same/ {
		$how $tell $pass{$p}
		${p}_no_cache 0;
		${p}_cache_bypass 0;
	}
	location /$p-open/ {
		include fcgiauth/fcgiauth-public.conf;
		$how $own{$p} $pass{$p}
	}
EOT
	}
	my $n = site($server);
	$n->{http} .= $http =~ s/\bDIR\b/$n->dir/ger;
	$n->start;
	my ($visitor, $alice, $bob) = clients($n);
	for my $p (sort keys %cache) {
		like($alice->page("/$p/x")->body, qr/alice/,
		    "$p: alice gets a page with the name alice");
		unlike($bob->page("/$p/x")->body, qr/alice/,
		    "$p: bob does not get the page of alice");
		like($bob->page("/$p/x")->body, qr/bob/,
		    "$p: bob gets a page with the name bob");
		$alice->page("/$p-same/x");
		like($bob->page("/$p-same/x")->body, qr/alice/,
		    "$p: a location that configures it shares its cache");
		is($visitor->page("/$p-same/x")->status, 302,
		    "$p: the shared cache is closed to a visitor");
		is($visitor->page("/$p-open/x")->status, 200,
		    "$p: a visitor is let in at a public location");
	}
	$n->stop;
};

# A `satisfy any` beside the snippets is an error and opens nothing.
subtest 'satisfy any' => sub {
	my $any = "satisfy any;\nallow 127.0.0.1;\ndeny all;\n";
	my %server = (
		guard => "include fcgiauth/fcgiauth-guard.conf;\n$any",
		location => "location / {\ninclude fcgiauth/" .
		    "fcgiauth-protect.conf;\n$any}\n",
	);
	for my $where (sort keys %server) {
		my $n = new_web($d, server => $server{$where});
		$n->configure;
		my (undef, $out) = capture('nginx', '-t', '-p', $n->dir, '-e',
		    $n->dir . '/web.log', '-c', $n->dir . '/nginx.conf');
		$out = slurp($n->dir . '/web.log') . ($out // '');
		like($out, qr/"satisfy" directive is duplicate/,
		    "$where: nginx does not start with satisfy any");
	}
};

$d->stop_ok;
done_testing;
