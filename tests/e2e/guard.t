# SPDX-License-Identifier: MIT
# nginx: every kind of upstream, and what is forgotten: with fcgiauth-guard.conf
# it costs access; a client that says who it is gets nowhere, with it or without.
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

# The upstream of each protocol that nginx has, below the folder of a site.
my %pass = (
	proxy => 'proxy_pass http://app;',
	fastcgi => 'fastcgi_pass unix:DIR/fcgi.sock;',
	uwsgi => 'uwsgi_pass unix:DIR/uwsgi.sock;',
	scgi => 'scgi_pass unix:DIR/scgi.sock;',
	grpc => 'grpc_pass grpc://unix:DIR/h2.sock;',
);
# What such a location has in the wild.
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

# A second web server before the same daemon.
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
	my ($stranger, $alice, $bob) = map { $n->client } 1 .. 3;

	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	return ($stranger, $alice, $bob);
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
	my ($stranger, $alice, $bob) = clients($n);
	for my $p (sort keys %pass) {
		is($stranger->page("/$p/x")->status, 302, "$p: a stranger");
		my $a = $alice->page("/$p/x");
		is($a->status, 200, "$p: alice");
		like(words($a), qr/^Remote-User: alice$/mi, 'by name');
		like(words($a), qr/^Remote-Groups: admin,staff$/mi, 'groups');
		like(words($a), qr/^Remote-Name: Alice Liddell$/mi, 'name');
		for my $at ($p, "$p-public", "$p-bare") {
			my $seen = 0;
			for my $name (@spellings) {
				$a = $bob->page("/$at/x", $name => 'evil');
				$seen++ if $a->status != 400 ||
				    $a->body =~ /evil|THE APP/;
			}
			is($seen, 0, "/$at/: no name by bob himself");
		}
		$a = $stranger->page("/$p-public/x");
		is($a->status, 200, "$p: public");
		unlike(words($a), qr/^(?:HTTP-)?Remote-User: ./mi, 'nobody');
	}
	# Behind one that lets them through, the files keep them out.
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
		    "$p: seen where nothing is said");
		for my $at ($p, "$p-public") {
			my $a = $bob->page("/$at/x", @all);
			is($a->status, 200, "/$at/: bob");
			unlike($a->body, qr/evil/, 'nothing of his own');
		}
		like(words($bob->page("/$p/x", @all)),
		    qr/^Remote-User: bob$/mi, 'but his name');
	}
	$n->stop;
};

# ---- the guard ------------------------------------------------------------------

subtest 'a guarded server that says nothing more' => sub {
	my $server = "include fcgiauth/fcgiauth-guard.conf;\n";

	for my $p (sort keys %pass) {
		$server .= "location /$p/ { $pass{$p} }\n" .
		    "location /$p-own/ { $own{$p} $pass{$p} }\n";
	}
	# Without any, uwsgi and SCGI send what the server has.
	$server .= "$own{uwsgi} $own{scgi}\n";
	$server .= 'fastcgi_param REQUEST_METHOD $request_method; ' .
	    'fastcgi_param REQUEST_URI $request_uri; ' .
	    'fastcgi_param SERVER_PROTOCOL $server_protocol;';
	my $n = site($server);
	$n->start;
	my ($stranger, $alice, $bob) = clients($n);
	for my $p (sort keys %pass) {
		# nginx before 1.23 sees the first of the two alone.
		for my $at ($p, "$p-own") {
			my $a = $bob->get("/$at/x", 'Remote-User' => '',
			    'Remote-User' => 'evil');
			like($a->status, qr/^40[03]$/, "/$at/: a second name");
			unlike($a->body, qr/evil/, '  gets nowhere');
		}
		for my $at ($p, "$p-own") {
			is($stranger->page("/$at/x")->status, 302,
			    "/$at/: a stranger");
			is($alice->page("/$at/x")->status, 200, 'alice');
		}
		like(words($alice->page("/$p/x")), qr/^Remote-User: alice$/mi,
		    "$p: by name, without a word in the location");
		unlike(words($alice->page("/$p-own/x")),
		    qr/^(?:HTTP-)?Remote-User: ./mi,
		    'and nobody where it has lines of its own');
		my $seen = grep {
			$bob->page("/$p-own/x", $_ => 'evil')->status != 400
		} @spellings;
		is($seen, 0, 'but nobody else');
	}
	my $a = $bob->page('/proxy/x', 'Remote-User' => '0');
	is($a->status, 400, 'a name that nginx takes for false');
	$a = $bob->page('/proxy-own/x', 'Remote-User' => 'a',
	    'Remote-User' => 'b');
	is($a->status, 400, 'two');
	for my $name ('evil', '0') {
		my $basic = encode_base64("$name:x", q());
		$a = $bob->page('/fastcgi-own/x',
		    Authorization => "Basic $basic");
		is($a->status, 400, 'nor a name by HTTP Basic');
	}
	unlike($bob->page('/fastcgi-own/x', Authorization => 'Basic Ong=')
	    ->body, qr/^REMOTE_USER: ./m, 'an empty one is none');
	$n->stop;
};

# What opens an application whose own location alone is protected, and what the
# guard makes of the same.
subtest 'what is forgotten' => sub {
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
	my ($stranger, undef, $bob) = clients($alone);
	my ($outside, $alice, $inside) = clients($guard);
	my @at = qw(/x /teapot/x /login-page/x /rewritten/x /outer/inner/x);

	for my $path (@at) {
		my $a = $inside->page($path);
		is($a->status, $path =~ /login/ ? 404 : 200, "$path: bob");
		unlike($a->body, qr/^Remote-User/m, 'is nobody there');
		for my $who ([ $alone, $bob ], [ $guard, $inside ]) {
			my $wrong = grep {
				$who->[1]->page($path, $_ => 'root')->status
				    != 400
			} @spellings;
			is($wrong, 0, 'and does not become root');
		}
		$a = $outside->page($path);
		like($a->status, qr/^(?:302|401)$/, "$path: a stranger, guarded");
		unlike($a->body, qr/THE APPLICATION/, 'sees nothing');
	}
	is(join(' ', grep { $stranger->page($_)->status == 200 } @at),
	    '/teapot/x /login-page/x /rewritten/x',
	    'without the guard a stranger is let in here');
	is($outside->page('/elsewhere/x')->status, 404, 'internal is internal');
	$_->stop for $alone, $guard;
};

subtest 'what is said otherwise' => sub {
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
	my ($stranger, $alice, $bob) = clients($n);
	is($stranger->page('/open/x')->status, 200, 'public');
	is($alice->page('/open/x')->body =~ /alice/, '', 'to nobody');
	is($stranger->page('/open/closed/x')->status, 302, 'closed in it');
	is($stranger->page('/admin/x')->status, 302, 'a role: not a stranger');
	is($bob->page('/admin/x')->status, 403, 'nor bob, after try_files');
	is($alice->page('/admin/x')->status, 200, 'but alice');
	is($stranger->upgrade('/live/x')->status, 401, 'a web socket: nobody');
	is($alice->upgrade('/live/x')->status, 101, 'alice');
	is($alice->page('/live/x')->status, 200, 'and HTTP on the same path');
	is($stranger->page('/said/x')->body, 'said to everybody',
	    'return comes before');
	is($stranger->page('/later/x')->status, 302, 'internal: a stranger');
	is($alice->page('/later/x')->status, 200, 'alice');
	is($stranger->page('/teapot/x')->status, 302,
	    'error_page goes on to the login page');
	is($alice->page('/teapot/x')->status, 200, 'and to the application');

	my @own = (Authorization => 'Bearer of-the-application');
	is($alice->get('/x', @own)->status, 401, 'a Bearer token is ours');
	my $a = $alice->get('/own/x', @own);
	is($a->status, 200, 'but where it is not, the cookie counts');
	like($a->body, qr/^Authorization: Bearer of-the-application$/m,
	    'and the application gets its token');
	like($a->body, qr/^Remote-User: alice$/m, 'and the name');
	is($stranger->get('/own/x', @own)->status, 401, 'not a stranger');
	$n->stop;
};

subtest 'an answer for one is not kept for others' => sub {
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
	my ($stranger, $alice, $bob) = clients($n);
	for my $p (sort keys %cache) {
		like($alice->page("/$p/x")->body, qr/alice/, "$p: alice");
		unlike($bob->page("/$p/x")->body, qr/alice/, 'her page is hers');
		like($bob->page("/$p/x")->body, qr/bob/, 'and bob has his');
		$alice->page("/$p-same/x");
		like($bob->page("/$p-same/x")->body, qr/alice/,
		    'where that is said, it is kept');
		is($stranger->page("/$p-same/x")->status, 302,
		    'for those who are signed in');
		is($stranger->page("/$p-open/x")->status, 200, 'public');
	}
	$n->stop;
};

# An `any` of former times is an error, and no opening.
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
		    "$where: does not begin");
	}
};

$d->stop_ok;
done_testing;
