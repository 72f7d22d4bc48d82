# SPDX-License-Identifier: MIT
# Access rules through a real nginx with the shipped snippets: attacks by path,
# host, query and header that succeeded against other services. nginx merges
# slashes, or does not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Nginx;
use FCGIAuth::Site;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;

# The configuration file has the rules in this order.
my %rules = (
	'rule 10-closed' => { path => '/admin/closed', require => 'deny' },
	'rule 20-admin' => { path => '/admin', require => 'role:admin' },
	'rule 21-late' => { path => '/admin/late', require => 'public' },
	'rule 30-public' => { path => '/public/', require => 'public' },
	'rule 31-allowed' => { path => '/allowed', require => 'public' },
	'rule 40-status' => { path_regex => '^/api/.*/status',
	    require => 'public' },
	'rule 41-bar' => { path_regex => '^/foo/.*/bar$',
	    require => 'public' },
	'rule 42-login' => { path_regex => '/rest/login|/rest/logout',
	    require => 'public' },
	'rule 50-read' => { path => '/read', method => 'GET',
	    require => 'public' },
	'rule 51-inside' => { path => '/inside', network => '10.0.0.0/8 ::1',
	    require => 'public' },
	'rule 52-here' => { path => '/here', network => '127.0.0.0/8',
	    require => 'public' },
	'rule 60-secure' => { host => 'secure.admin.example.com',
	    path => '/h', require => 'role:admin' },
	'rule 61-open' => { host => 'open.example.com www.open.example.com',
	    path => '/h', require => 'public' },
	'rule 70-user' => { path => '/user', require => 'user' },
);
my $location = <<'EOT';
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_set_header Host $host;
		proxy_pass http://app;
	}
	location /public/asks/ {
		set $fcgiauth_require "user";
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
EOT
my ($d, $merging) = start_site(conf => \%rules, server => $location,
    http => 'underscores_in_headers on;');
my $raw = FCGIAuth::Nginx->new(service => $d->address,
    http => $merging->{http}, server => "merge_slashes off;\n$location");
$raw->start;

my %cookie = ('' => undef);
for my $name (qw(bob alice)) {
	my $c = $merging->client;
	is(json_sign_in($c, $name)->status, 200, "$name signs in");
	$cookie{$name} = 'fcgiauth=' . token_of($c);
}

# Sends a request of a program, which gets a status and no page.
sub ask {
	my ($n, $who, $method, $target, @headers) = @_;

	unshift @headers, Cookie => $cookie{$who} if defined $cookie{$who};
	return $n->client->request($method, $target, headers => \@headers);
}

sub name { my ($s) = @_; return $s =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger }

# The target, and the statuses for a visitor, bob and alice. "no" is a refusal
# by nginx or by the service.
my @paths = (
	[ '/admin', 401, 403, 200 ],
	[ '/admin/', 401, 403, 200 ],
	[ '/admin/x', 401, 403, 200 ],
	[ '/admin/late', 401, 403, 200 ],
	[ '/admin/closed', 401, 403, 403 ],
	[ '/admin/closed/x', 401, 403, 403 ],
	[ '/administrator', 401, 403, 403 ],
	[ '/Admin', 401, 403, 403 ],
	[ '/', 401, 403, 403 ],
	[ '/unmapped', 401, 403, 403 ],
	[ '/public/x', 200, 200, 200 ],
	[ '/public', 401, 403, 403 ],
	[ '/public/asks/x', 401, 200, 200 ],
	[ '/user/x', 401, 200, 200 ],
	# LemonLDAP::NG: rules on the raw URI, routes on the decoded one
	[ '/%61dmin', 'no', 'no', 'no' ],
	[ '/%61%64%6d%69%6E/closed', 401, 403, 403 ],
	[ '/x/../admin', 'no', 'no', 'no' ],
	[ '//admin', 'no', 'no', 'no' ],
	[ '///admin/closed', 401, 403, 403 ],
	[ '/public//admin', 200, 200, 200 ],
	# Oathkeeper, Heimdall: dot segments
	[ '/public/../admin/secrets', 401, 403, 200 ],
	[ '/user/../admin', 401, 403, 200 ],
	[ '/user/%2e%2e/admin', 'no', 'no', 'no' ],
	[ '/user/.%2E/admin', 'no', 'no', 'no' ],
	[ '/user/%2e%2e%2fadmin', 'no', 'no', 'no' ],
	[ '/user/..%2Fadmin', 'no', 'no', 'no' ],
	[ '/public/..', 'no', 'no', 'no' ],
	[ '/public/%2e', 'no', 'no', 'no' ],
	# Heimdall: %2f and %2F
	[ '/public/a%2fb', 200, 200, 200 ],
	[ '/public/a%2Fb', 200, 200, 200 ],
	# tinyauth
	[ '/admin?foo=bar', 401, 403, 200 ],
	[ '/%2Fadmin', 'no', 'no', 'no' ],
	[ 'public', 'no', 'no', 'no' ],
	[ '/secret?next=/allowed', 401, 403, 403 ],
	[ '/secret?/public/', 401, 403, 403 ],
	[ '/allowed?next=/secret', 200, 200, 200 ],
	[ '/secret%3fnext=/allowed', 401, 403, 403 ],
	# oauth2-proxy: an expression that saw the query or a fragment
	[ '/api/private/x?path=/status', 401, 403, 403 ],
	[ '/api/private/x?/status', 401, 403, 403 ],
	[ '/api/private/x%3f/status', 200, 200, 200 ], # part of the path
	[ '/api/x/status', 200, 200, 200 ],
	[ '/api/x/status/x', 401, 403, 403 ],
	[ '/foo/secret%23/bar', 200, 200, 200 ],
	[ '/foo/secret#/bar', 'no', 'no', 'no' ],
	[ '/foo/secret/bar', 200, 200, 200 ],
	[ '/foo/secret/bar?x', 200, 200, 200 ],
	[ '/foo/secret/barX', 401, 403, 403 ],
	# Authelia: invalid paths
	[ '/%zz', 'no', 'no', 'no' ],
	[ '/public/%', 'no', 'no', 'no' ],
	[ "/public/\x80", 'no', 'no', 'no' ],
	[ "/public/\xff\xfe", 'no', 'no', 'no' ],
	[ '/public/%ff', 'no', 'no', 'no' ],
	[ '*', 'no', 'no', 'no' ],
	# AOS-CX: an alternative without an anchor at its end
	[ '/rest/login', 200, 200, 200 ],
	[ '/rest/loginX', 401, 403, 403 ],
	[ '/rest/logoutX', 401, 403, 403 ],
	[ '/x/rest/logout', 401, 403, 403 ],
	# other paths
	[ '/admin;x=1', 'no', 'no', 'no' ],
	[ '/public;/../admin', 'no', 'no', 'no' ],
	[ '/public/;x=1', 200, 200, 200 ],
	[ '/public/%3bx', 200, 200, 200 ],
	[ '/admin/..;/x', 'no', 'no', 'no' ],
	[ '/public/..;/admin', 'no', 'no', 'no' ],
	[ '/admin%00', 'no', 'no', 'no' ],
	[ '/public/%00', 'no', 'no', 'no' ],
	[ '/public/..%00/admin', 'no', 'no', 'no' ],
	[ '/admin%5c', 'no', 'no', 'no' ],
	[ '\\admin', 'no', 'no', 'no' ],
	[ '/public/\\..\\admin', 'no', 'no', 'no' ],
	[ '/public/..%5cadmin', 'no', 'no', 'no' ],
	[ '/public/%252e%252e/admin', 'no', 'no', 'no' ],
	[ '/public/%25%32%65%25%32%65/admin', 'no', 'no', 'no' ],
	[ '/public/%c0%ae%c0%ae/admin', 'no', 'no', 'no' ],
	[ '/public/..%c0%af..%c0%afadmin', 'no', 'no', 'no' ],
	[ '/./admin', 'no', 'no', 'no' ],
	[ '/admin/.', 401, 403, 200 ],
	[ '/public/%20/x', 200, 200, 200 ],
	[ '/public/x%0d%0aRemote-User:%20evil', 'no', 'no', 'no' ],
	[ '/public/%u002e%u002e/admin', 'no', 'no', 'no' ],
	# addresses of real applications
	[ '/public/@scope%2fpackage', 200, 200, 200 ],
	[ '/user/api/queues/%2F/name', 401, 200, 200 ],
	[ '/user/group%2Fproject/-/raw/100%25.txt', 401, 200, 200 ],
	[ '/admin/x;jsessionid=1?a', 401, 403, 200 ],
	[ "/user/\xc3\xbc?\xc3\xbc", 401, 200, 200 ],
	[ '/user/%C3%BC%20%5Bx%5D', 401, 200, 200 ],
	[ '/user//webdav//x', 401, 200, 200 ],
	# paths with different readings
	[ '/public%2fx', 'no', 'no', 'no' ],
	[ '/allowed;/../admin', 'no', 'no', 'no' ],
	[ '/user;x/a', 'no', 'no', 'no' ],
	[ '/%2561dmin', 'no', 'no', 'no' ],
	[ '/user%255cx', 'no', 'no', 'no' ],
	[ '/admin//late', 401, 403, 200 ],
	[ '/admin/closed;x', 'no', 403, 'no' ],
);

sub expect {
	my ($n, $who, $wanted, $what, $method, $target, @headers) = @_;
	my $a = ask($n, $who, $method, $target, @headers);
	my $label = ($who || 'a visitor') . ' at ' . name($target) . $what;

	if ($wanted eq 'no') {
		like($a->status, qr/^40[03]$/, $label);
	} else {
		is($a->status, $wanted, $label);
	}
	if ($wanted ne '200' && $a->body =~ /THE APPLICATION/) {
		fail("$label: the answer is of the application");
	}
	return $a;
}

for my $n ([ $merging, ', slashes merged' ], [ $raw, ', slashes kept' ]) {
	subtest "paths$n->[1]" => sub {
		for my $row (@paths) {
			my ($target, @wanted) = @$row;
			my @who = ('', 'bob', 'alice');

			expect($n->[0], $who[$_], $wanted[$_], $n->[1],
			    GET => $target) for 0 .. 2;
		}
	};
}

subtest 'rules with hosts' => sub {
	my @cases = (
	    # the Host header, the host of the request line, the statuses
	    [ 'secure.admin.example.com', undef, 401, 403, 200 ],
	    [ 'SECURE.Admin.Example.com', undef, 401, 403, 200 ],
	    [ 'secure.admin.example.com.', undef, 401, 403, 200 ],
	    [ 'secure.admin.example.com:443', undef, 401, 403, 200 ],
	    [ 'SECURE.admin.example.COM.:8080', undef, 401, 403, 200 ],
	    [ 'open.example.com', undef, 200, 200, 200 ],
	    [ 'Open.Example.com:1', undef, 200, 200, 200 ],
	    [ 'www.open.example.com', undef, 200, 200, 200 ],
	    [ 'x.open.example.com', undef, 401, 403, 403 ],
	    [ 'open.example.com.evil.example', undef, 401, 403, 403 ],
	    [ 'open.example.co', undef, 401, 403, 403 ],
	    [ 'localhost', undef, 401, 403, 403 ],
	    # the host of the request line takes precedence
	    [ 'open.example.com', 'secure.admin.example.com', 401, 403, 200 ],
	    [ 'secure.admin.example.com', 'open.example.com', 200, 200, 200 ],
	);
	for my $n ($merging, $raw) {
		for my $case (@cases) {
			my ($host, $line, @wanted) = @$case;
			my $target = defined $line ? "http://$line/h" : '/h';
			my @who = ('', 'bob', 'alice');

			expect($n, $who[$_], $wanted[$_], " of $host",
			    GET => $target, Host => $host) for 0 .. 2;
		}
	}
};

subtest 'headers do not change the result of rules' => sub {
	my @tricks = map { [ @$_ ] } (
	    [ 'X-Forwarded-Uri' => '/public/x' ],
	    [ 'X-Original-Uri' => '/public/x' ],
	    [ 'X-Original-URL' => '/public/x' ],
	    [ 'X-Rewrite-URL' => '/public/x' ],
	    [ 'X-Forwarded-Prefix' => '/public' ],
	    [ 'X-Forwarded-Path' => '/public/x' ],
	    [ 'X-Forwarded-Method' => 'GET' ],
	    [ 'X-Original-Method' => 'GET' ],
	    [ 'X-HTTP-Method-Override' => 'GET' ],
	    [ 'X-Forwarded-Host' => 'open.example.com' ],
	    [ 'X-Original-Host' => 'open.example.com' ],
	    [ 'Forwarded' => 'for=10.0.0.1;host=open.example.com' ],
	    [ 'X-Forwarded-For' => '10.0.0.1' ],
	    [ 'X-Forwarded-For' => 'a' ],
	    [ 'X-Real-IP' => '10.0.0.1' ], [ 'X_Real_IP' => '10.0.0.1' ],
	    [ 'X-Client-IP' => '::1' ], [ 'REMOTE_ADDR' => '10.0.0.1' ],
	    [ 'Remote-Addr' => '10.0.0.1' ], [ 'REQUEST_URI' => '/public/x' ],
	    [ 'Request-Uri' => '/public/x' ], [ 'AUTH_REQUIRE' => 'public' ],
	    [ 'Auth-Require' => 'public' ], [ 'User-Agent' => 'GoogleHC/1.0' ],
	);
	for my $trick (@tricks) {
		my $what = ", @$trick";

		expect($merging, '', 401, $what, GET => '/admin/x', @$trick);
		expect($merging, 'bob', 403, $what, GET => '/admin/x', @$trick);
		expect($merging, '', 401, $what, GET => '/inside', @$trick);
		expect($merging, '', 401, $what, POST => '/read', @$trick);
		expect($merging, '', 401, $what, GET => '/h', @$trick);
		expect($merging, '', 200, $what, GET => '/public/x', @$trick);
		expect($merging, '', 200, $what, GET => '/here', @$trick);
	}
};

subtest 'rules with methods' => sub {
	my @cases = ([ GET => 200 ], [ HEAD => 200 ], [ POST => 401 ],
	    [ PUT => 401 ], [ DELETE => 401 ], [ OPTIONS => 401 ],
	    [ PATCH => 401 ], [ PROPFIND => 401 ], [ GETX => 401 ]);
	for my $case (@cases) {
		my ($method, $wanted) = @$case;

		is(ask($merging, '', $method, '/read')->status, $wanted,
		    "a visitor gets $wanted for $method");
		is(ask($merging, 'alice', $method, '/read')->status,
		    $wanted == 200 ? 200 : 403,
		    "alice gets the result of the rule for $method");
	}
	for my $method (qw(get TRACE CONNECT), 'G"T') {
		unlike(ask($merging, '', $method, '/read')->status, qr/^2/,
		    "the method $method is refused");
	}
};

subtest 'rules with networks' => sub {
	is(ask($merging, '', GET => '/here')->status, 200,
	    'an address inside the network is allowed');
	is(ask($merging, '', GET => '/inside')->status, 401,
	    'a visitor outside of the network gets 401');
	is(ask($merging, 'alice', GET => '/inside')->status, 403,
	    'a user outside of the network gets 403');
	my @cases = (
	    [ '10.0.0.1', 204 ], [ '10.255.255.255', 204 ],
	    [ '11.0.0.0', 401 ], [ '9.255.255.255', 401 ],
	    [ '::ffff:10.0.0.1', 204 ], [ '::FFFF:0a00:0001', 204 ],
	    [ '::ffff:11.0.0.1', 401 ], [ '::10.0.0.1', 401 ],
	    [ '::1', 204 ], [ '0:0:0:0:0:0:0:1', 204 ], [ '::2', 401 ],
	    [ 'unix:', 401 ], [ 'a', 403 ], [ '', 403 ],
	    [ '10.0.0.1, 1.1.1.1', 403 ], [ '10.0.0.1:80', 403 ],
	    [ '[::1]', 403 ], [ '010.0.0.1', 403 ], [ '10.1', 403 ],
	    [ 'fe80::1%lo', 403 ],
	);
	for my $case (@cases) {
		is($d->check(REQUEST_URI => '/inside',
			REMOTE_ADDR => $case->[0])->{status}, $case->[1],
		    "the address '$case->[0]' gets $case->[1]");
	}
};

subtest 'forged identity on public pages' => sub {
	my @forged = map { my $h = $_; map { ($h =~ s/-/$_/r) } '-', '_' }
	    qw(Remote-User Remote-Groups Remote-Email Remote-Name
	    REMOTE-USER remote-user);
	my $refused = sub {
		my ($what, $a) = @_;

		is($a->status, 400, "$what: the request is refused");
		unlike($a->body, qr/THE APPLICATION|evil/,
		    "$what: the request reaches no application");
	};

	for my $path (qw(/public/x /allowed /api/x/status /read /here)) {
		for my $method (qw(GET OPTIONS POST)) {
			next if $method ne 'GET' && $path eq '/read';
			my @headers = ('Remote_User' => 'evil');

			$refused->("$method $path, @headers", ask($merging, $_,
			    $method, $path, @headers)) for '', 'alice';
			my $a = ask($merging, '', $method, $path);
			is($a->status, 200,
			    "$method $path: a visitor is let in");
			unlike($a->body, qr/^Remote[-_]User:/mi,
			    "$method $path: the application gets no name");
			$a = ask($merging, 'alice', $method, $path);
			is($a->status, 200, "$method $path: alice is let in");
			like($a->body, qr/^Remote-User: alice$/m,
			    "$method $path: the application gets alice");
		}
		my $a = ask($merging, '', GET => $path,
		    Cookie => 'fcgiauth=expired');
		is($a->status, 200,
		    "$path: a visitor with an invalid session is let in");
		unlike($a->body, qr/^Remote[-_]User:/mi,
		    "$path: an invalid session gives no name");
		$a = ask($merging, '', GET => $path,
		    Authorization => 'Bearer x', Authorization => 'Bearer y');
		unlike($a->body, qr/^Remote[-_]User:/mi,
		    "$path: two Authorization headers give no name");
	}
	$refused->($_, ask($merging, '', GET => '/public/x', $_ => 'evil'))
	    for @forged;
};

subtest 'the answers to refused requests' => sub {
	my $c = $merging->client;
	my $a = $c->page('/admin/closed?a=1');
	is($a->status, 302, 'a visitor is redirected even where a sign-in ' .
	    'will not help');
	is($a->header('location'), '/auth/login?rd=%2Fadmin%2Fclosed%3Fa%3D1',
	    'the redirect has the return URL');
	json_sign_in($c, 'bob');
	$a = $c->page('/admin/closed?a=1');
	is($a->status, 403, 'bob, who does not have the role, gets 403');
	like($a->body, qr/bob/, 'the page names bob');
	is($a->header('location'), undef, 'bob is not redirected');
	$a = $c->xhr('/admin/x');
	is($a->status, 403, 'a script of bob gets 403');
	is($a->header('www-authenticate'), undef,
	    'the answer to a script has no challenge');
	is($c->get('/user/x')->status, 200,
	    'bob is let in where no role is required');
};

# fcgiauthctl must give the same result as a check.
sub agree {
	my ($method, $host, $target, $who, $address) = @_;
	my $live = $d->check(REQUEST_METHOD => $method, HTTP_HOST => $host,
	    REQUEST_URI => $target, REMOTE_ADDR => $address,
	    HTTP_COOKIE => $cookie{$who});
	my ($code, $out, $complaint) = $d->ctl(qw(rule test), $method,
	    "https://$host$target", '--ip', $address, '--json',
	    $who ? ('--user', $who) : ());
	my $said = eval { JSON::PP->new->decode($out) };
	my $label = "$method $host$target by " . ($who || 'a visitor') .
	    " from $address";

	is($said && $said->{status}, $live->{status}, $label)
	    or diag("$out$complaint");
	is($code, ($live->{status} // 0) == 204 ? 0 : 1,
	    "$label: the exit status");
	return $said;
}

subtest 'fcgiauthctl rule test agrees' => sub {
	for my $row (@paths) {
		next unless $row->[0] =~ m{^/[\x00-\x7f]*$};
		agree('GET', 'localhost', $row->[0], 'bob', '127.0.0.1');
	}
	for my $who ('', 'bob', 'alice') {
		for my $case ([ GET => '/read', '127.0.0.1' ],
		    [ HEAD => '/read', '127.0.0.1' ],
		    [ POST => '/read', '127.0.0.1' ],
		    [ GET => '/inside', '10.2.3.4' ],
		    [ GET => '/inside', '::ffff:10.2.3.4' ],
		    [ GET => '/inside', '192.0.2.1' ],
		    [ GET => '/admin/x', '::1' ],
		    [ GET => '/admin/closed', '::1' ],
		    [ GET => '/public/x', '::1' ],
		    [ GET => '/none', '::1' ]) {
			my ($method, $target, $address) = @$case;
			agree($method, 'localhost', $target, $who, $address);
		}
		agree('GET', $_, '/h', $who, '::1') for
		    qw(secure.admin.example.com OPEN.example.com.:8443 other);
	}
	my $said = agree('GET', 'LocalHost.:80', '/admin//late?x', 'alice',
	    '::1');
	is($said->{host}, 'localhost', 'the answer has the normalized host');
	is($said->{path}, '/admin//late',
	    'the answer has the path as it was sent');
	is($said->{rule}, '20-admin', 'the answer names the rule');
	is($said->{reason}, undef, 'the answer has no reason for a refusal');
	my @lines = split /\n/, slurp($d->{file});
	is($lines[ $said->{line} - 1 ], '[rule 20-admin]',
	    'the answer has the line of the rule');
	is_deeply([ map { [ @$_{qw(path rule require status)} ] }
	    @{ $said->{readings} } ],
	    [ map { [ $_, '20-admin', 'role:admin', 204 ] }
		qw(/admin//late /admin/late) ], 'the answer has the readings');
	$said = agree('GET', 'localhost', '/user%2fx', 'bob', '::1');
	is($said->{reason}, 'ambiguous path',
	    'the answer says that the path is ambiguous');
	is($said->{rule}, undef,
	    'the answer names no rule for an ambiguous path');
	is_deeply([ map { [ @$_{qw(path rule status)} ] }
	    @{ $said->{readings} } ],
	    [ [ '/user%2Fx', undef, 403 ], [ '/user/x', '70-user', 204 ] ],
	    'the answer has the readings of an ambiguous path');
	$said = agree('GET', 'localhost', '/user/..;/x', 'bob', '::1');
	is($said->{reason}, 'hidden dot segment',
	    'the answer says that the path has a hidden dot segment');
	is_deeply($said->{readings}, [], 'such a path has no readings');
	my (undef, $text) = $d->ctl(qw(rule test GET /user%2fx --user bob));
	like($text, qr{^why +ambiguous path}m,
	    'the text output has the reason');
	like($text, qr{^reading +/user/x \(rule 70-user, line \d+: user; allowed, 204\)$}m,
	    'the text output has a line for each reading');
	my ($code, $out) = $d->ctl(qw(rule test GET /h));
	is($code, 1, 'a URL without a host is refused');
	like($out, qr/rules with a host do not match/,
	    'a warning says that rules with a host do not match');
	($code, $out) = $d->ctl(qw(rule test GET /inside));
	like($out, qr/--ip/, 'a message names --ip');
	($code) = $d->ctl(qw(rule test GET / --user nobody-here));
	is($code, 1, 'an unknown user is refused');
	($code) = $d->ctl(qw(rule test GET no/url));
	is($code, 2, 'an invalid URL is wrong usage');
	$d->ctl(qw(user disable bob));
	($code, $out) = $d->ctl(qw(rule test GET /user --user bob));
	is($code, 1, 'a disabled user is refused');
	like($out, qr/disabled/, 'the output says that the user is disabled');
	$d->ctl(qw(user enable bob));
};

subtest 'a reload of rules' => sub {
	is($d->check(REQUEST_URI => '/new')->{status}, 401,
	    'the new rule is not in force before');
	$d->configure('rule 99-new' => { path => '/new',
		require => 'public' });
	$d->reload;
	ok(wait_for(5, sub {
		$d->check(REQUEST_URI => '/new')->{status} == 204
	}), 'the new rule is in force after a reload');
	$d->configure('rule 98-bad' => { path_regex => '/(',
		require => 'public' });
	my @lines = split /\n/, slurp($d->{file});
	my ($at) = grep { $lines[ $_ - 1 ] eq 'path_regex = /(' } 1 .. @lines;
	$d->reload;
	ok(wait_for(5, sub { $d->log_text =~
	    /:$at: \[rule 98-bad\] path_regex: missing closing parenthesis/ }),
	    'an invalid rule is refused with file and line');
	is($d->check(REQUEST_URI => '/new')->{status}, 204,
	    'the old rules stay in force');
	my ($code, $out, $complaint) = $d->ctl(qw(config check));
	is($code, 1, 'fcgiauthctl config check refuses the rule');
	like($complaint, qr/:$at: \[rule 98-bad\] path_regex: /,
	    'its message has file and line');
};

$d->stop_ok;
done_testing;
