# SPDX-License-Identifier: MIT
# Access rules through a real nginx with the shipped snippets: every trick of
# path, host, query and header that has opened a door elsewhere, with nginx
# merging slashes and not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Nginx;
use FCGIAuth::Site;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;

# In the order of the file, which sorts them.
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

# As a program would: no page instead of a status.
sub ask {
	my ($n, $who, $method, $target, @headers) = @_;

	unshift @headers, Cookie => $cookie{$who} if defined $cookie{$who};
	return $n->client->request($method, $target, headers => \@headers);
}

sub name { my ($s) = @_; return $s =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger }

# Target, then what nobody, bob and alice get.  "no" is a refusal of whatever
# kind, by nginx or by us.
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
	[ '/api/private/x%3f/status', 200, 200, 200 ], # that is a path
	[ '/api/x/status', 200, 200, 200 ],
	[ '/api/x/status/x', 401, 403, 403 ],
	[ '/foo/secret%23/bar', 200, 200, 200 ],
	[ '/foo/secret#/bar', 'no', 'no', 'no' ],
	[ '/foo/secret/bar', 200, 200, 200 ],
	[ '/foo/secret/bar?x', 200, 200, 200 ],
	[ '/foo/secret/barX', 401, 403, 403 ],
	# Authelia: what cannot be read
	[ '/%zz', 'no', 'no', 'no' ],
	[ '/public/%', 'no', 'no', 'no' ],
	[ "/public/\x80", 'no', 'no', 'no' ],
	[ "/public/\xff\xfe", 'no', 'no', 'no' ],
	[ '/public/%ff', 'no', 'no', 'no' ],
	[ '*', 'no', 'no', 'no' ],
	# AOS-CX: an alternative without an end
	[ '/rest/login', 200, 200, 200 ],
	[ '/rest/loginX', 401, 403, 403 ],
	[ '/rest/logoutX', 401, 403, 403 ],
	[ '/x/rest/logout', 401, 403, 403 ],
	# and the rest
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
	# what applications have in their addresses
	[ '/public/@scope%2fpackage', 200, 200, 200 ],
	[ '/user/api/queues/%2F/name', 401, 200, 200 ],
	[ '/user/group%2Fproject/-/raw/100%25.txt', 401, 200, 200 ],
	[ '/admin/x;jsessionid=1?a', 401, 403, 200 ],
	[ "/user/\xc3\xbc?\xc3\xbc", 401, 200, 200 ],
	[ '/user/%C3%BC%20%5Bx%5D', 401, 200, 200 ],
	[ '/user//webdav//x', 401, 200, 200 ],
	# what tells readings apart
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
	my $label = ($who || 'nobody') . ' at ' . name($target) . $what;

	if ($wanted eq 'no') {
		like($a->status, qr/^40[03]$/, $label);
	} else {
		is($a->status, $wanted, $label);
	}
	if ($wanted ne '200' && $a->body =~ /THE APPLICATION/) {
		fail("$label: sees the application");
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

subtest 'hosts' => sub {
	my @cases = (
	    # host, request line's host, nobody, bob, alice
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
	    # the request line wins over the header
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

subtest 'what headers cannot do' => sub {
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

subtest 'methods' => sub {
	my @cases = ([ GET => 200 ], [ HEAD => 200 ], [ POST => 401 ],
	    [ PUT => 401 ], [ DELETE => 401 ], [ OPTIONS => 401 ],
	    [ PATCH => 401 ], [ PROPFIND => 401 ], [ GETX => 401 ]);
	for my $case (@cases) {
		my ($method, $wanted) = @$case;

		is(ask($merging, '', $method, '/read')->status, $wanted,
		    "$method by nobody");
		is(ask($merging, 'alice', $method, '/read')->status,
		    $wanted == 200 ? 200 : 403, "$method by alice");
	}
	for my $method (qw(get TRACE CONNECT), 'G"T') {
		unlike(ask($merging, '', $method, '/read')->status, qr/^2/,
		    "$method is nothing");
	}
};

subtest 'networks' => sub {
	is(ask($merging, '', GET => '/here')->status, 200, 'from here');
	is(ask($merging, '', GET => '/inside')->status, 401, 'not from inside');
	is(ask($merging, 'alice', GET => '/inside')->status, 403,
	    'also for alice');
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
		    "from '$case->[0]'");
	}
};

subtest 'forged identity on public pages' => sub {
	my @forged = map { my $h = $_; map { ($h =~ s/-/$_/r) } '-', '_' }
	    qw(Remote-User Remote-Groups Remote-Email Remote-Name
	    REMOTE-USER remote-user);
	my $refused = sub {
		my ($what, $a) = @_;

		is($a->status, 400, "$what: refused");
		unlike($a->body, qr/THE APPLICATION|evil/, 'and reaches nobody');
	};

	for my $path (qw(/public/x /allowed /api/x/status /read /here)) {
		for my $method (qw(GET OPTIONS POST)) {
			next if $method ne 'GET' && $path eq '/read';
			my @headers = ('Remote_User' => 'evil');

			$refused->("$method $path, @headers", ask($merging, $_,
			    $method, $path, @headers)) for '', 'alice';
			my $a = ask($merging, '', $method, $path);
			is($a->status, 200, "$method $path: nobody may");
			unlike($a->body, qr/^Remote[-_]User:/mi,
			    'the application is told no name');
			$a = ask($merging, 'alice', $method, $path);
			is($a->status, 200, "$method $path: alice may");
			like($a->body, qr/^Remote-User: alice$/m,
			    'the application knows her');
		}
		my $a = ask($merging, '', GET => $path,
		    Cookie => 'fcgiauth=expired');
		is($a->status, 200, "$path: with a dead session");
		unlike($a->body, qr/^Remote[-_]User:/mi, 'told no name, either');
		$a = ask($merging, '', GET => $path,
		    Authorization => 'Bearer x', Authorization => 'Bearer y');
		unlike($a->body, qr/^Remote[-_]User:/mi,
		    'nor with two Authorizations');
	}
	$refused->($_, ask($merging, '', GET => '/public/x', $_ => 'evil'))
	    for @forged;
};

subtest 'who is refused' => sub {
	my $c = $merging->client;
	my $a = $c->page('/admin/closed?a=1');
	is($a->status, 302, 'a stranger is asked to sign in, even where that ' .
	    'will not help');
	is($a->header('location'), '/auth/login?rd=%2Fadmin%2Fclosed%3Fa%3D1',
	    'and comes back');
	json_sign_in($c, 'bob');
	$a = $c->page('/admin/closed?a=1');
	is($a->status, 403, 'bob is told who he is');
	like($a->body, qr/bob/, 'by name');
	is($a->header('location'), undef, 'and sent nowhere');
	$a = $c->xhr('/admin/x');
	is($a->status, 403, 'his script gets 403');
	is($a->header('www-authenticate'), undef, 'and no challenge');
	is($c->get('/user/x')->status, 200, 'elsewhere he goes on');
};

# What fcgiauthctl says is what happens.
sub agree {
	my ($method, $host, $target, $who, $address) = @_;
	my $live = $d->check(REQUEST_METHOD => $method, HTTP_HOST => $host,
	    REQUEST_URI => $target, REMOTE_ADDR => $address,
	    HTTP_COOKIE => $cookie{$who});
	my ($code, $out, $complaint) = $d->ctl(qw(rule test), $method,
	    "https://$host$target", '--ip', $address, '--json',
	    $who ? ('--user', $who) : ());
	my $said = eval { JSON::PP->new->decode($out) };
	my $label = "$method $host$target by " . ($who || 'nobody') .
	    " from $address";

	is($said && $said->{status}, $live->{status}, $label)
	    or diag("$out$complaint");
	is($code, ($live->{status} // 0) == 204 ? 0 : 1, 'exit status');
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
	is($said->{host}, 'localhost', 'the host as it is read');
	is($said->{path}, '/admin//late', 'the path as it was sent');
	is($said->{rule}, '20-admin', 'the rule');
	is($said->{reason}, undef, 'nothing against it');
	my @lines = split /\n/, slurp($d->{file});
	is($lines[ $said->{line} - 1 ], '[rule 20-admin]', 'and its line');
	is_deeply([ map { [ @$_{qw(path rule require status)} ] }
	    @{ $said->{readings} } ],
	    [ map { [ $_, '20-admin', 'role:admin', 204 ] }
		qw(/admin//late /admin/late) ], 'and its readings');
	$said = agree('GET', 'localhost', '/user%2fx', 'bob', '::1');
	is($said->{reason}, 'ambiguous path', 'why not');
	is($said->{rule}, undef, 'no rule decides');
	is_deeply([ map { [ @$_{qw(path rule status)} ] }
	    @{ $said->{readings} } ],
	    [ [ '/user%2Fx', undef, 403 ], [ '/user/x', '70-user', 204 ] ],
	    'as the readings show');
	$said = agree('GET', 'localhost', '/user/..;/x', 'bob', '::1');
	is($said->{reason}, 'hidden dot segment', 'or why not');
	is_deeply($said->{readings}, [], 'however it is read');
	my (undef, $text) = $d->ctl(qw(rule test GET /user%2fx --user bob));
	like($text, qr{^why +ambiguous path}m, 'for people, too');
	like($text, qr{^reading +/user/x \(rule 70-user, line \d+: user; allowed, 204\)$}m,
	    'a line for each reading');
	my ($code, $out) = $d->ctl(qw(rule test GET /h));
	is($code, 1, 'without a host');
	like($out, qr/rules with a host do not match/, 'it says so');
	($code, $out) = $d->ctl(qw(rule test GET /inside));
	like($out, qr/--ip/, 'without an address, too');
	($code) = $d->ctl(qw(rule test GET / --user nobody-here));
	is($code, 1, 'an unknown user');
	($code) = $d->ctl(qw(rule test GET no/url));
	is($code, 2, 'no URL');
	$d->ctl(qw(user disable bob));
	($code, $out) = $d->ctl(qw(rule test GET /user --user bob));
	is($code, 1, 'a disabled user');
	like($out, qr/disabled/, 'it says so');
	$d->ctl(qw(user enable bob));
};

subtest 'reload' => sub {
	is($d->check(REQUEST_URI => '/new')->{status}, 401, 'not yet');
	$d->configure('rule 99-new' => { path => '/new',
		require => 'public' });
	$d->reload;
	ok(wait_for(5, sub {
		$d->check(REQUEST_URI => '/new')->{status} == 204
	}), 'a new rule is in force');
	$d->configure('rule 98-bad' => { path_regex => '/(',
		require => 'public' });
	my @lines = split /\n/, slurp($d->{file});
	my ($at) = grep { $lines[ $_ - 1 ] eq 'path_regex = /(' } 1 .. @lines;
	$d->reload;
	ok(wait_for(5, sub { $d->log_text =~
	    /:$at: \[rule 98-bad\] path_regex: missing closing parenthesis/ }),
	    'a bad one is refused, by file and line');
	is($d->check(REQUEST_URI => '/new')->{status}, 204,
	    'and the old ones stay in force');
	my ($code, $out, $complaint) = $d->ctl(qw(config check));
	is($code, 1, 'fcgiauthctl says so, too');
	like($complaint, qr/:$at: \[rule 98-bad\] path_regex: /, 'as well');
};

$d->stop_ok;
done_testing;
