# SPDX-License-Identifier: MIT
# One client works in every mode. It signs in, sends requests, refreshes after a
# refusal and signs out. It never asks for the mode.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Client;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

# The lifetime of an access token that cannot be revoked.
my $ttl = 4 * (slow() > 3 ? 3 : 1);

# A client with a token from the body sends it as Bearer. Otherwise the cookie
# jar has it.
sub bearer {
	my ($s) = @_;
	return $s->{access} ? (Authorization => "Bearer $s->{access}") : ();
}

sub take {
	my ($s, $answer) = @_;
	my $j = $answer->json;

	$s->{access} = $j->{access_token} if $j->{access_token};
	$s->{refresh} = $j->{refresh_token} if $j->{refresh_token};
	$s->{until} = time + $j->{expires_in};
	return $answer;
}

sub login {
	my ($s) = @_;
	return take($s, json_sign_in($s->{client}, 'alice'));
}

# Refreshes as in section 6 of RFC 6749, or with the cookie, or with the Bearer
# token.
sub refresh {
	my ($s) = @_;
	my $c = $s->{client};
	my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

	return $c->request(POST => '/auth/refresh', headers => \@form,
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $s->{refresh})) if $s->{refresh};
	return $c->request(POST => '/auth/refresh', headers => [ bearer($s) ]);
}

# Prolongs the session by a refresh, or else by a sign-in.
sub prolong {
	my ($s) = @_;
	my $a = refresh($s);

	return take($s, $a) if $a->status == 200;
	like(join(' ', $a->status, $a->json->{error}),
	    qr/^(?:400 invalid_grant|400 unsupported_grant_type|401 \w+)$/,
	    'a refused refresh has an error code');
	return login($s);
}

sub call {
	my ($s, $target, @headers) = @_;
	my $a = $s->{client}->xhr($target, bearer($s), @headers);

	return $a if $a->status != 401;
	prolong($s);
	return $s->{client}->xhr($target, bearer($s), @headers);
}

# The steps of a session, in this order.
my @walk = (
	'a visitor' => sub {
		my ($s) = @_;
		my $c = $s->{client};
		my $a = $c->xhr('/page?a=1');

		is($a->status, 401, 'a program gets 401');
		is($a->header('www-authenticate'), 'Bearer',
		    'the answer names the scheme Bearer');
		is($a->header('location'), undef,
		    'a program is not redirected');
		ok($a->json->{error}, 'the refusal is JSON');
		is($a->header('set-cookie'), undef,
		    'the refusal sets no cookie');
		$a = $c->page('/page?a=1&b=%26');
		is($a->status, 302, 'a person is redirected');
		is($a->header('location'),
		    '/auth/login?rd=%2Fpage%3Fa%3D1%26b%3D%2526',
		    'the redirect leads to the login page with the return URL');
		is($c->xhr('/auth/me')->status, 401, '/auth/me answers 401');
		is($c->request(POST => '/auth/logout')->status, 204,
		    'a sign-out succeeds');
		is($c->xhr('/open/')->status, 200, 'a public page is shown');
	},
	'a wrong password' => sub {
		my ($s) = @_;
		for my $who ([ 'alice', 'not the password' ],
		    [ 'nobody', $PASSWORD ]) {
			my ($name, $password) = @$who;
			my $a = json_sign_in($s->{client}, $name,
			    password => $password);
			is($a->status, 401, "$name is refused");
			is($a->json->{error}, 'invalid_credentials',
			    "$name: the error is invalid_credentials");
			is($a->header('set-cookie'), undef,
			    "$name: the answer sets no cookie");
		}
		is($s->{client}->xhr('/page')->status, 401,
		    'a check is still refused');
	},
	'a sign-in' => sub {
		my ($s) = @_;
		my $a = login($s);
		my $j = $a->json;

		is($a->status, 200, 'the sign-in succeeds');
		is($a->header('cache-control'), 'no-store',
		    'the answer is not cached');
		like($a->header('content-type'), qr{^application/json\b},
		    'the answer is JSON');
		is($j->{user}{name}, 'alice', 'the answer names the user');
		is_deeply($j->{user}{roles}, [qw(admin staff)],
		    'the answer has the roles');
		is($j->{user}{email}, 'alice@example.com',
		    'the answer has the e-mail address');
		cmp_ok($j->{expires_in}, '>', 0,
		    'the answer says how long the token is valid');
		my $body = $s->{deliver} ne 'cookie';
		my $cookies = $s->{deliver} ne 'body';
		is(defined $j->{access_token} ? 1 : 0, $body ? 1 : 0,
		    'the body has a token as configured');
		is($j->{token_type} // '', $body ? 'Bearer' : '',
		    'the token has the type Bearer');
		is(keys %{ $s->{client}->jar } ? 1 : 0, $cookies ? 1 : 0,
		    'the answer sets cookies as configured');
		for my $line ($a->all('set-cookie')) {
			like($line, qr/;\s*HttpOnly/i,
			    'the cookie has HttpOnly');
			like($line, qr/;\s*SameSite=Lax/i,
			    'the cookie has SameSite=Lax');
			unlike($line, qr/;\s*Domain/i,
			    'the cookie has no Domain');
			cmp_ok(length($line =~ s/;.*//r), '<=', 4096,
			    'the cookie is not too large for a browser');
		}
	},
	'requests with a session' => sub {
		my ($s) = @_;
		my @claim = ('Remote-User' => 'mallory',
		    'Remote_User' => 'mallory');
		my $a = call($s, '/page', @claim);

		# nginx refuses such headers, the other web servers remove them.
		unlike($a->body, qr/mallory/,
		    'a client cannot set the identity');
		$a = call($s, '/page') if $a->status == 400;
		is($a->status, 200, 'the request is allowed');
		for my $line ('Remote-User: alice',
		    'Remote-Groups: admin,staff',
		    'Remote-Email: alice@example.com',
		    'Remote-Name: Alice Liddell') {
			like($a->body, qr/^$line$/m,
			    "the application gets $line");
		}
		unlike($a->body, qr/mallory/,
		    'the application gets no other identity');
		is($a->header('set-cookie'), undef, 'a check sets no cookie');
		is(call($s, '/admin/')->status, 200,
		    'a role of the user is allowed');
		is(call($s, '/root/')->status, 403,
		    'a role that alice does not have gets 403');
		unlike(call($s, '/page')->body, qr/fcgiauth_refresh/,
		    'the application sees no refresh token');
	},
	'/auth/me' => sub {
		my ($s) = @_;
		my $a = call($s, '/auth/me');
		my $j = $a->json;

		is($a->status, 200, '/auth/me answers 200');
		is($a->header('cache-control'), 'no-store',
		    'the answer is not cached');
		is($j->{name}, 'alice', 'the answer has the name');
		is_deeply($j->{roles}, [qw(admin staff)],
		    'the answer has the roles');
		is($j->{full_name}, 'Alice Liddell',
		    'the answer has the full name');
		like($j->{session}, qr/^[0-9a-f]{32}$/,
		    'the answer has the id of the session');
		cmp_ok($j->{expires_in}, '>', 0,
		    'the answer says how long the session is valid');
		$s->{session} = $j->{session};
	},
	'a refresh' => sub {
		my ($s) = @_;
		my $a = prolong($s);

		is($a->status, 200, 'the session is prolonged');
		is($a->header('cache-control'), 'no-store',
		    'the answer is not cached');
		cmp_ok($a->json->{expires_in}, '>', 0,
		    'the answer says how long the token is valid');
		is($a->json->{user}{name}, 'alice',
		    'the answer names the user');
		is(call($s, '/page')->status, 200, 'the new token is accepted');
	},
	'two credentials' => sub {
		my ($s) = @_;
		my $c = $s->{client};

		call($s, '/page');
		is($c->xhr('/page', Authorization => 'Bearer rubbish')->status,
		    401,
		    'a wrong Bearer token is refused despite a valid cookie');
		is($c->xhr('/page', Authorization => 'Bearer ')->status,
		    401, 'an empty Bearer token is refused') if $s->{access};
		like($c->xhr('/page', bearer($s), Authorization => 'Basic YTpi')
		    ->status, $s->{access} ? qr{^40[01]$} : qr{^200$},
		    'two Authorization headers are refused, another scheme ' .
		    'is ignored');
	},
	'the public keys' => sub {
		my ($s) = @_;
		my $a = $s->{client}->get('/auth/jwks.json');

		is($a->status, 200, 'the key set is public');
		is(ref $a->json->{keys}, 'ARRAY',
		    'the answer has a list of keys');
		like($a->header('content-type'),
		    qr{^application/jwk-set\+json\b},
		    'the answer is a JWK set');
		like($a->header('cache-control'), qr/\bmax-age=\d+/,
		    'the answer may be cached');
	},
	'a sign-out' => sub {
		my ($s) = @_;
		my $c = $s->{client};
		my $a;

		call($s, '/page');
		$s->{old} = { access => $s->{access},
		    refresh => $s->{refresh}, cookies => $c->cookie_line,
		    all => $c->cookie_line('/auth/') };
		$a = $c->request(POST => '/auth/logout',
		    headers => [ bearer($s) ]);
		is($a->status, 204, 'the sign-out succeeds');
		is(join(' ', grep { !/refresh/ } keys %{ $c->jar }), '',
		    'no cookie is left for a check');
		is($c->request(POST => '/auth/logout',
			headers => [ bearer($s) ])->status, 204,
			    'a repeated sign-out succeeds');
		delete @$s{qw(access refresh)};
		is($c->xhr('/page')->status, 401, 'a check is refused');
		is($c->page('/page')->status, 302,
		    'a person is redirected to the login page');
		is($c->xhr('/auth/me')->status, 401, '/auth/me answers 401');
	},
	'old refresh tokens' => sub {
		my ($s) = @_;
		my $old = $s->{old};
		my $c = $s->{client};
		my $again = { %$s, access => $old->{access},
		    refresh => $old->{refresh} };

		isnt(refresh($again)->status, 200,
		    'a refresh with the old token is refused');
		isnt($c->request(POST => '/auth/refresh', headers => [
			Cookie => $old->{all} ])->status, 200,
		    'a refresh with the old cookies is refused') if $old->{all};
	},
);

# Old credentials end by themselves where no store records their end.
sub is_dead {
	my ($s) = @_;
	my $old = $s->{old};
	my $c = $s->{client};
	my %way = (
		Bearer => $old->{access} &&
		    [ Authorization => "Bearer $old->{access}" ],
		cookie => $old->{cookies} && [ Cookie => $old->{cookies} ],
	);

	for my $way (grep { $way{$_} } sort keys %way) {
		my $limit = $s->{at_once} ? 0 : $ttl + 1;
		ok(wait_for($limit, sub {
			$c->xhr('/page', @{ $way{$way} })->status == 401;
		}), "the old $way is refused");
	}
	return;
}

my %jwt = (algorithm => 'ES256', issuer => 'https://auth.example.com',
    audience => 'example', ttl => "${ttl}s", leeway => '0s');
my @modes = (
	{ name => 'session', at_once => 1, conf => {
		session => { idle_timeout => "${ttl}s" } } },
	{ name => 'jwt', conf => { jwt => \%jwt } },
	{ name => 'jwt, revocable', at_once => 1, conf => {
		jwt => { %jwt, revocation => 'store' } } },
	{ name => 'refresh', conf => { jwt => \%jwt,
		refresh => { grace => '1s' } } },
);
my @plan = (@FCGIAuth::Site::PLAN, map {
	{ path => "/$_/", require => "role:$_" } } qw(admin root));

sub begin {
	my ($mode, $deliver) = @_;
	my $dir = tempdir();
	my %conf = %{ $mode->{conf} };

	$conf{jwt} = { %{ $conf{jwt} }, keys => "$dir/keys" } if $conf{jwt};
	$conf{auth} = { mode => $mode->{name} =~ s/,.*//r,
	    deliver => $deliver };
	my ($d, $n) = start_site(conf => \%conf, locations => \@plan);
	return { d => $d, n => $n, dir => $dir, deliver => $deliver,
	    at_once => $mode->{at_once}, client => $n->client,
	    name => "$mode->{name}, $deliver" };
}

# A client that refreshes after each 401 is never refused.
sub follow {
	my (@sites) = @_;
	my $end = time + $ttl + 1.5;
	my %seen;

	while (time < $end) {
		for my $s (@sites) {
			my $status = call($s, '/page')->status;
			$seen{ $s->{name} }{$status}++;
		}
		sleep 0.2;
	}
	for my $s (@sites) {
		is(join(' ', keys %{ $seen{ $s->{name} } }), 200,
		    "$s->{name}: a client that refreshes is never refused");
	}
	return;
}

sub end {
	my ($s) = @_;
	my $log = $s->{d}->log_text;

	is_dead($s);
	for my $secret ($PASSWORD, grep { defined } $s->{old}{access},
	    $s->{old}{refresh}) {
		unlike($log, qr/\Q$secret\E/, 'the log has no secret');
	}
	like($log, qr/audit login .*user=alice/, 'a sign-in is audited');
	like($log, qr/audit logout/, 'a sign-out is audited');
	$s->{n}->stop;
	$s->{d}->stop_ok;
	return;
}

# All modes run together, because the test mostly waits for tokens to end.
my @sites = map { my $mode = $_; map { begin($mode, $_) }
	qw(body both cookie) } @modes;

while (my ($what, $code) = splice @walk, 0, 2) {
	for my $s (@sites) {
		subtest "$s->{name}: $what" => sub { $code->($s) };
	}
	follow(@sites) if $what eq 'a refresh';
}
for my $s (@sites) {
	subtest "$s->{name}: after the sign-out" => sub { end($s) };
}
done_testing;
