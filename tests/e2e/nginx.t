# SPDX-License-Identifier: MIT
# The shipped snippets of nginx around real applications: who is let in, what
# the application gets, and that only an explicit yes of the service opens a
# location.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::FastCGI qw(fcgi_listen fcgi_serve);
use FCGIAuth::Site;
use FCGIAuth::Test;
use IO::Socket::UNIX;
use Test::More;

my $tmp = tempdir();
my ($d, $n) = start_site(
    http => <<'EOT',
	underscores_in_headers on;
	log_format seen '$status $request_uri user=$fcgiauth_user '
	    'reason="$fcgiauth_reason" request=$request_id';
EOT
    server => <<"EOT");
	access_log $tmp/access.log seen;
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
	location /admin/ {
		set \$fcgiauth_require "role:admin";
		include fcgiauth/fcgiauth-protect.conf;
		proxy_set_header Host \$host;
		proxy_pass http://app;
	}
	location /files/ {
		include fcgiauth/fcgiauth-protect.conf;
		root $tmp;
	}
	location /fcgi/ {
		include fcgiauth/fcgiauth-protect-fastcgi.conf;
		fastcgi_param SCRIPT_FILENAME /nowhere\$fastcgi_script_name;
		fastcgi_pass unix:$tmp/fcgi.sock;
	}
	location /open/ {
		proxy_pass http://app;
	}
	location /open-own/ {
		include fcgiauth/fcgiauth-public.conf;
		proxy_set_header Host \$host;
		proxy_pass http://app;
	}
	location /open-fcgi/ {
		include /etc/nginx/fastcgi_params;
		include fcgiauth/fcgiauth-public.conf;
		fastcgi_pass unix:$tmp/fcgi.sock;
	}
EOT

mkdir "$tmp/files";
chmod 0755, "$tmp", "$tmp/files";
spit("$tmp/files/secret.html", 'THE APPLICATION, as a file');
my $fcgi = fcgi_listen("$tmp/fcgi.sock");
spawn('fcgi app', '/dev/null', sub {
	fcgi_serve($fcgi, sub {
		my ($params) = @_;
		my $text = "THE APPLICATION\n";
		while (my ($name, $value) = splice @$params, 0, 2) {
			$text .= "$name: $value\n";
		}
		return "Content-Type: text/plain\r\n\r\n$text";
	});
});
close $fcgi;

my $alice = $n->client;
my $bob = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
is(sign_in($bob, 'bob')->status, 303, 'bob signs in');

my @protected = qw(/x /admin/x /files/secret.html /fcgi/x);

subtest 'a visitor' => sub {
	for my $path (@protected) {
		my $c = $n->client;
		my $a = $c->page("$path?a=1&b=%20");
		is($a->status, 302,
		    "$path: a person is redirected to the login page");
		like($a->header('location'),
		    qr{^/auth/login\?rd=[^&]*%3Fa%3D1%26b%3D%2520$},
		    "$path: the return URL has the query");
		unlike($a->body, qr/THE APPLICATION/,
		    "$path: the person sees nothing of the application");
		$a = $c->xhr($path);
		is($a->status, 401, "$path: a script gets 401");
		is($a->header('www-authenticate'), 'Bearer',
		    "$path: the answer to a script names the scheme Bearer");
		is($a->header('location'), undef,
		    "$path: the answer to a script has no Location");
		ok($a->json && $a->json->{error},
		    "$path: the answer to a script is JSON");
		$a = $c->get($path, Accept => '*/*');
		is($a->status, 401, "$path: a program gets 401");
		$a = $c->request(POST => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ], body => 'x=1');
		is($a->status, 401, "$path: a POST is not redirected");
		$a = $c->request(HEAD => $path, headers => [
			@FCGIAuth::Client::NAVIGATE ]);
		is($a->status, 302, "$path: HEAD is redirected like GET");
	}
	my $a = $n->client->get('/x', 'Sec-Fetch-Mode' => 'cors',
	    Accept => 'text/html');
	is($a->status, 401, 'Sec-Fetch-Mode takes precedence over Accept');
	$a = $n->client->get('/x', Accept => 'text/html',
	    'X-Requested-With' => 'XMLHttpRequest');
	is($a->status, 401, 'a request with X-Requested-With is a script');
	$a = $n->client->get('/x', Accept => 'text/html');
	is($a->status, 302, 'a browser without Sec-Fetch-Mode is redirected');
};

subtest 'a user' => sub {
	for my $path (@protected) {
		my $a = $alice->page("$path?q=1");
		is($a->status, 200, "$path: alice is let in");
		like($a->body, qr/^THE APPLICATION/,
		    "$path: alice gets the page");
	}
	my $a = $alice->page('/x');
	like($a->body, qr/^Remote-User: alice$/m,
	    'the application gets the name');
	like($a->body, qr/^Remote-Groups: (?:admin,staff|staff,admin)$/m,
	    'the application gets the groups');
	like($a->body, qr/^Remote-Email: alice\@example\.com$/m,
	    'the application gets the e-mail address');
	like($a->body, qr/^Remote-Name: Alice Liddell$/m,
	    'the application gets the full name');
	$a = $alice->page('/fcgi/x');
	for my $name (qw(REMOTE_USER AUTH_USER HTTP_REMOTE_USER)) {
		is(join(' ', $a->body =~ /^$name: (.*)$/mg), 'alice',
		    "the application gets $name once");
	}
	is(join(' ', $a->body =~ /^AUTH_EMAIL: (.*)$/mg), 'alice@example.com',
	    'the application gets the e-mail address once');
	my ($token) = token_of($alice);
	is($n->client->get('/x', Authorization => "Bearer $token")->status,
	    200, 'a Bearer token is accepted');
	is($alice->request(POST => '/x', body => 'a' x 100000)->status, 200,
	    'a request with a body is let in');
	my $body = $alice->request(POST => '/x', body => '')->body;
	like($body, qr/^POST /m, 'the application gets the method');
	like($n->client->get('/x', Authorization => "Bearer $token",
		Authorization => "Bearer $token")->status, qr/^40[01]$/,
	    'two Authorization headers are refused');
	is($n->client->get('/x', Cookie => "fcgiauth=$token",
		Cookie => 'fcgiauth=' . token_of($bob))->status, 401,
	    'two Cookie headers with different sessions are refused');
	is($n->client->get('/x', Cookie => 'a=b',
		Cookie => "fcgiauth=$token")->status, 200,
	    'two Cookie headers with one session are accepted');
};

subtest 'a location that requires a role' => sub {
	my $a = $bob->page('/admin/x');
	is($a->status, 403, 'bob gets 403');
	like($a->header('content-type'), qr{^text/html}, 'bob gets a page');
	like($a->body, qr/bob/, 'the page names bob');
	like($a->body, qr{/auth/logout}, 'the page links to the logout page');
	is($a->header('cache-control'), 'no-store', 'the page is not cached');
	unlike($a->body, qr/THE APPLICATION/,
	    'the page has nothing of the application');
	$a = $bob->xhr('/admin/x');
	is($a->status, 403, 'a script of bob gets 403');
	ok($a->json && $a->json->{error}, 'the answer to the script is JSON');
	is($bob->page('/x')->status, 200,
	    'bob is let in where no role is required');
	is($alice->page('/admin/x')->status, 200, 'alice is let in');
	is($bob->page('/files/')->status, 403, 'a folder is not listed');
};

subtest 'forged identity' => sub {
	my @forged = map { my $h = $_; map { ($h =~ s/-/$_/r => 'evil') }
	    '-', '_' } qw(Remote-User Remote-Groups Remote-Email Remote-Name
	    remote-user REMOTE-USER Remote-user);
	# guard.t tests the protection behind this refusal.
	for my $path (@protected, qw(/open/x /open-own/x /open-fcgi/x)) {
		for my $c ($n->client, $alice, $bob) {
			my $a = $c->page($path, @forged);
			is($a->status, 400, "$path: the request is refused");
			unlike($a->body, qr/evil|APPLICATION/,
			    "$path: the request reaches no application");
		}
	}
	my @other = ('Remote.User' => 'evil', 'Auth-User' => 'nobody',
	    'Proxy' => 'nobody');
	for my $path (qw(/x /admin/x /fcgi/x)) {
		my $a = $alice->page($path, @other);
		is($a->status, 200, "$path: alice is let in");
		unlike($a->body, qr/evil/,
		    "$path: the application gets no forged header");
		like($a->body, qr/alice/,
		    "$path: the application gets the name alice");
	}
	for my $path (qw(/open/x /open-own/x /open-fcgi/x)) {
		my $a = $alice->page($path);
		unlike($a->body, qr/^Remote-User|^REMOTE_USER: ./m,
		    "$path: a public location passes no identity");
	}
	my $a = $alice->get('/x', Connection => 'close, Remote-User');
	like($a->body, qr/^Remote-User: alice$/m,
	    'a Connection header does not remove Remote-User');
	$a = $n->client->page('/fcgi/x', Authorization => 'Basic ZXZpbDp4');
	is($a->status, 302, 'a name from HTTP Basic is no identity');
	$a = $alice->page('/fcgi/x', Authorization => 'Basic ZXZpbDp4');
	is(join(' ', $a->body =~ /^REMOTE_USER: (.*)$/mg), 'alice',
	    'a name from HTTP Basic does not replace that of the session');
};

subtest 'headers do not change the result' => sub {
	my @tricks = (
	    [ 'X-Forwarded-Uri' => '/open/x' ],
	    [ 'X-Original-Uri' => '/open/x' ],
	    [ 'X-Original-Url' => '/open/x' ],
	    [ 'X-Forwarded-Method' => 'OPTIONS' ],
	    [ 'X-Forwarded-Prefix' => '/open' ],
	    [ 'X-Forwarded-Host' => 'evil.example' ],
	    [ 'X-Forwarded-For' => 'a' ], [ 'X-Forwarded-For' => '127.0.0.1' ],
	    [ 'X-Forwarded-Proto' => 'https' ], [ 'X_Forwarded_Proto' => 'x' ],
	    [ 'User-Agent' => 'GoogleHC/1.0' ],
	    [ 'Auth-Action' => 'challenge' ], [ 'AUTH_ACTION' => 'x' ],
	    [ 'Auth-Require' => 'public' ], [ 'AUTH_REQUIRE' => 'public' ],
	    [ 'Session' => 'fcgiauth' ], [ 'Cookie' => '=' ],
	    [ 'Cookie' => ';;' ], [ 'Cookie' => 'fcgiauth=9999999' ],
	    [ 'Accept' => 'text/html', 'Accept' => 'application/json' ],
	    [ 'X-Accel-Redirect' => '/open/x' ], [ 'Status' => '200' ],
	);
	for my $trick (@tricks) {
		my $a = $n->client->get('/admin/x', @$trick);
		like($a->status, qr/^(?:401|302)$/,
		    "a visitor is refused with @$trick");
		unlike($a->header('location') // '', qr/evil|open/,
		    "the Location is not changed by @$trick");
		next if $trick->[0] eq 'Cookie';
		is($bob->get('/admin/x', @$trick)->status, 403,
		    "bob gets 403 with @$trick");
	}
	for my $host ('evil.example', 'LOCALHOST', 'localhost.:1') {
		my $a = $n->client->page('/x', Host => $host);
		is($a->status, 302, "a visitor with Host $host is redirected");
		is($a->header('location'), '/auth/login?rd=%2Fx',
		    "Host $host is not in the Location");
	}
	my $a = $n->client->request(GET => 'http://other.example/x',
	    headers => [ @FCGIAuth::Client::NAVIGATE, Host => 'localhost' ]);
	is($a->status, 302,
	    'a visitor is redirected with a host in the request line');
	for my $target ('/%zz', '/../x', '/x/../../x', '/x/%2e%2e/admin/x',
	    '//admin/x', '/%61dmin/x', '/admin%2fx', '/admin/..;/x', '/x%00',
	    '/x%5c', '/x%23', '/x%3f', '/x?', '/x?&', '/./x', '/x;a=1',
	    '/%252e%252e/x', "/\xff", '/%c0%af', '*', 'x', '/open/../x',
	    '/open/%2e%2e/x', '/open/..%2fx', '/OPEN/x') {
		my $a = $n->client->page($target);
		unlike($a->status, qr/^2|^0/, 'a visitor is refused at ' .
		    $target =~ s/[^ -~]/?/gr);
		unlike($a->body, qr/THE APPLICATION/,
		    'the visitor sees nothing of the application');
	}
	for my $target ('/%61dmin/x', '//admin/x', '/x/../admin/x',
	    '/./admin/x', '/open/..//admin/x') {
		is($bob->page($target)->status, 403, "bob gets 403 at $target");
	}
	is($alice->page('/x', Cookie => 'fcgiauth=' . token_of($alice) .
		'; big=' . 'x' x 6000)->status, 200,
		    'a large cookie is accepted');
};

subtest 'connections to the service' => sub {
	my $c = $n->client;
	my %inode;

	$c->jar->{fcgiauth} = token_of($alice);
	for my $i (1 .. 60) {
		is($c->get('/x')->status, 200, "check $i succeeds")
		    if $i % 20 == 0;
		$c->get('/x') unless $i % 20 == 0;
		for my $line (split /\n/, slurp('/proc/net/unix')) {
			my @field = split ' ', $line;
			# The end of a connection at the service has state 03.
			$inode{ $field[6] } = 1 if @field > 7 &&
			    $field[5] eq '03' &&
			    index($field[7], $d->dir . '/') == 0;
		}
	}
	cmp_ok(scalar keys %inode, '>=', 1, 'the test sees the connection');
	cmp_ok(scalar keys %inode, '<=', 2,
	    '60 checks in one nginx worker share a connection');
};

# ---- failures of the service ------------------------------------------------

sub closed {
	my ($what) = @_;
	for my $path (@protected) {
		my $a = $alice->page($path);
		is($a->status, 500, "$what: $path is closed");
		unlike($a->body, qr/THE APPLICATION/,
		    "$what: the answer has nothing of the application");
	}
	return;
}

subtest 'a suspended service' => sub {
	ok($d->freeze, 'the service is suspended');
	my $a = $alice->page('/x');
	is($a->status, 500, 'a page is closed');
	unlike($a->body, qr/THE APPLICATION/,
	    'the answer has nothing of the application');
	$d->thaw;
	ok(wait_for(5, sub { $alice->page('/x')->status == 200 }),
	    'the page is open when the service goes on');
};

subtest 'a stopped service' => sub {
	$d->stop_ok;
	closed('stopped');
	is($n->client->page('/open/x')->status, 200, 'a public page is shown');
	like($n->client->page('/auth/login')->status, qr/^50[0-4]$/,
	    'the login page is answered with an error');
	spit($d->{socket}, '');
	closed('no socket');
	unlink $d->{socket};
	$d->start;
	ok(wait_for(5, sub { $alice->page('/x')->status == 200 }),
	    'the page is open when the service runs again');
};

subtest 'invalid answers of a service' => sub {
	$d->stop;
	my $end = FCGIAuth::FastCGI::record(3, 1, pack 'NCx3', 0, 0);
	my $out = sub { FCGIAuth::FastCGI::record(6, 1, $_[0]) };
	my %rubbish = (
	    'no FastCGI' => \"HTTP/1.1 204 No Content\r\n\r\n",
	    'zeros' => \("\0" x 64),
	    'nothing' => \'',
	    'the end only' => \$end,
	    'empty output' => '',
	    'not even headers' => 'hello',
	    'a redirect' => "Status: 302 Found\r\nLocation: /open/x\r\n\r\n",
	    'a bare Location' => "Location: /open/x\r\n\r\n",
	    'an error' => "Status: 503 Service Unavailable\r\n\r\n",
	    'a strange status' => "Status: abc\r\n\r\n",
	    'cut in the headers' => \$out->("Status: 204 No Con"),
	    'cut in a record' => \substr($out->("Status: 204\r\n\r\n"), 0, 15),
	    'headers without end' => \($out->('Remote-User: alice') . $end),
	    'too long' => 'X: ' . 'x' x 40000 . "\r\n\r\n",
	);
	for my $what (sort keys %rubbish) {
		my $answer = $rubbish{$what};
		my $listener = fcgi_listen($d->{socket});
		my $pid = spawn('fake', '/dev/null', sub {
			fcgi_serve($listener, sub { $answer });
		});
		close $listener;
		closed($what);
		kill 'TERM', $pid;
		reap($pid, 5);
	}
	unlink $d->{socket};
	$d->start;
	ok(wait_for(5, sub { $alice->page('/x')->status == 200 }),
	    'the page is open with the real service');
};

# nginx writes its line after it has sent the answer.
sub access_line {
	my ($path) = @_;
	my $line;

	wait_for(5, sub {
		($line) = grep { m{^\d+ \Q$path\E[ ?]} }
		    split /\n/, slurp("$tmp/access.log");
		return defined $line;
	});
	return $line // '';
}

subtest 'the access log shows refused users and reasons' => sub {
	my $bob = $n->client;
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	is($bob->page('/admin/seen?token=hidden')->status, 403,
	    'bob is refused');
	my $line = access_line('/admin/seen');
	like($line, qr/^403 \S+ user=bob reason="location" request=[0-9a-f]{32}$/,
	    'the access log has the user and the reason');
	my ($id) = $line =~ /request=(\w+)/;
	my ($own) = grep { /\brequest=$id\b/ } split /\n/, $d->log_text;
	like($own // '', qr{ refusal\ refused\ status=403\ reason=location
	    \ user=bob\ host=127\.0\.0\.1\ method=GET\ path=/admin/seen\ }x,
	    'the log of the service has the same for this request');
	unlike($own // '', qr/hidden/,
	    'the log of the service does not have the query');
	is($bob->page('/let/in')->status, 200, 'bob is let in');
	like(access_line('/let/in'), qr/^200 \S+ user=bob reason="-?" /,
	    'the access log has the name and no reason');
	is($n->client->page('/nobody/here')->status, 302,
	    'a visitor is redirected');
	like(access_line('/nobody/here'), qr/ user=-? reason="not signed in" /,
	    'the access log has no name');
};

subtest 'a peer secret' => sub {
	my ($e, $m) = start_site(secret => 'correct', conf => {
		server => { peer_secret => 'correct' } });
	my $c = $m->client;
	is(sign_in($c, 'alice')->status, 303,
	    'a sign-in with the correct secret succeeds');
	is($c->page('/x')->status, 200,
	    'a page is shown with the correct secret');
	is($e->check->{status}, 403, 'a check without a secret is refused');
	is($e->check(AUTH_SECRET => 'wrong')->{status}, 403,
	    'a check with a wrong secret is refused');
	is($e->ask(REQUEST_URI => '/auth/login')->{status}, 403,
	    'the login page without a secret is refused');
	$m->{secret} = 'wrong';
	$m->stop;
	$m->start;
	like($c->page('/x')->status, qr/^403$/,
	    'nginx with a wrong secret is refused');
	$e->stop_ok;
};

$d->stop_ok;
done_testing;
