# SPDX-License-Identifier: MIT
# fcgiauthctl webserver check: what it says of a configuration, and what the web
# server does with the same: each fault is there when it says so.
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

# The codes of what is found in the configuration of a web server.
sub codes {
	my ($n) = @_;
	my $dir = $n->dir;
	my (undef, $dump) = capture('nginx', '-T', '-q', '-p', $dir, '-e',
	    "$dir/web.log", '-c', "$dir/nginx.conf");

	spit("$dir/dump", $dump);
	my ($code, $out, $err) = check("$dir/dump", '--json');
	my $list = eval { JSON::PP::decode_json($out)->{findings} };
	ok($list, 'an answer') or diag("$out$err"), return 'none';
	is($code, @$list ? 1 : 0, 'and the exit status');
	my $wrong = grep { !$_->{file} || !$_->{line} || !$_->{place} ||
		$_->{text} !~ /;|take|leave|guard this/ } @$list;
	is($wrong, 0, 'each with its place, and what to write');
	return join ' ', map { $_->{code} } @$list;
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

# Nothing is found in these.
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
	subtest "nothing in: $name" => sub {
		my $n = new_web($d, server => $good{$name});
		$n->{http} .= $zone->($n->dir);
		$n->configure;
		is(codes($n), '', 'nothing is found');
	};
}

# Name, the codes, the configuration, and what shows that it is so.
my @bad = (
	[ 'a location that is not guarded', 'unguarded',
	    "$all location /x/ { $app }", sub { open_to_all($_[0], '/x/') } ],
	[ 'files that no location names', 'unguarded',
	    "location /x/ { $protect $app }", sub {
		spit($_[0]->dir . '/www/f', 'THE APPLICATION');
		return open_to_all($_[0], '/f') } ],
	[ 'a named location after try_files', 'named-unguarded',
	    "location / { $protect try_files \$uri \@app; }" .
	    "location \@app { $app }", sub {
		as($_[0], 'bob')->page('/x')->body =~ /APPLICATION/ } ],
	[ 'a named location after return', 'return named-unguarded',
	    "location / { $protect error_page 418 = \@app; return 418; }" .
	    "location \@app { $app }", sub { open_to_all($_[0], '/x') } ],
	[ 'an error_page of former times', 'error-page named-unguarded',
	    "location / { error_page 401 = \@app; $protect $app }" .
	    "location \@app { $app }", sub { open_to_all($_[0], '/x') } ],
	[ 'an error_page that forgets', 'error-page',
	    "$server location / { error_page 404 /none; $app }", sub {
		my $a = as($_[0])->page('/x');
		return $a->status == 401 && !$a->header('location') } ],
	[ 'a return with a text', 'return',
	    "$server location / { return 200 'THE APPLICATION'; }",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a return of the server', 'return',
	    "$server return 200 'THE APPLICATION';",
	    sub { open_to_all($_[0], '/x') } ],
	[ 'a return in an if', 'return',
	    "$server location / { if (\$arg_x) { return 200 " .
	    "'THE APPLICATION'; } $app }",
	    sub { open_to_all($_[0], '/x?x=1') } ],
	[ 'a rewrite to what is open', 'rewrite',
	    "$all location /x/ { $protect rewrite ^ /y/ last; }" .
	    "location /y/ { internal; $app }",
	    sub { open_to_all($_[0], '/x/') } ],
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
	[ 'a requirement of the server', 'require-lost',
	    "$server set \$fcgiauth_require user; location / { " .
	    "set \$fcgiauth_require role:admin; $app }", sub {
		as($_[0], 'bob')->page('/x')->status == 200 } ],
	[ 'header lines of its own', 'no-identity',
	    "$server location / { $own $app }", sub {
		as($_[0], 'bob')->page('/x')->body !~ /^Remote-User/m &&
		    (nginx_version() >= 1.023 || becomes_root($_[0], '/x',
			'Remote-User' => '') || as($_[0], 'bob')->get('/x',
			'Remote-User' => '', 'Remote-User' => 'root')->body
			=~ /root/) } ],
	[ 'parameters of its own', 'no-identity',
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
	[ 'an identity of the client', 'client-value',
	    "$server location / { $protect proxy_set_header X-Own 1; " .
	    "proxy_set_header Remote-User \$arg_user; $app }", sub {
		as($_[0], 'bob')->get('/x?user=root')->body =~
		    /^Remote-User: root$/m } ],
	[ 'Connection of the client', 'connection',
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
	[ 'auth_basic of former times', 'auth-basic',
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
);

sub nginx_version {
	my (undef, undef, $said) = capture('nginx', '-v');
	my ($major, $minor) = $said =~ m{nginx/(\d+)\.(\d+)};
	return $major + $minor / 1000;
}

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
		is(codes($n), $codes, 'is found');
		$n->apps->start;
		ok($is_so->($n), 'and is so');
		$n->stop;
	};
}

$d->stop_ok;
done_testing;
