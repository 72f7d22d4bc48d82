# SPDX-License-Identifier: MIT
# One client for every mode: it logs in, calls, refreshes when told to, logs
# out and is refused.  It never asks which mode it talks to.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Client;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

# What an access token lives at most, where it cannot be revoked.
my $ttl = 4 * (slow() > 3 ? 3 : 1);

# Who has a token in the body sends it as Bearer, else the jar has it.
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

# RFC 6749 section 6, or with the cookie alone, or with what the client has.
sub refresh {
	my ($s) = @_;
	my $c = $s->{client};
	my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

	return $c->request(POST => '/auth/refresh', headers => \@form,
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $s->{refresh})) if $s->{refresh};
	return $c->request(POST => '/auth/refresh', headers => [ bearer($s) ]);
}

# Prolongs the login: by refreshing, else by logging in.
sub prolong {
	my ($s) = @_;
	my $a = refresh($s);

	return take($s, $a) if $a->status == 200;
	like(join(' ', $a->status, $a->json->{error}),
	    qr/^(?:400 invalid_grant|400 unsupported_grant_type|401 \w+)$/,
	    'a refusal says so');
	return login($s);
}

sub call {
	my ($s, $target, @headers) = @_;
	my $a = $s->{client}->xhr($target, bearer($s), @headers);

	return $a if $a->status != 401;
	prolong($s);
	return $s->{client}->xhr($target, bearer($s), @headers);
}

# The life of a login, in this order.
my @walk = (
	'a stranger' => sub {
		my ($s) = @_;
		my $c = $s->{client};
		my $a = $c->xhr('/page?a=1');

		is($a->status, 401, 'a program is refused');
		is($a->header('www-authenticate'), 'Bearer', 'and told how');
		is($a->header('location'), undef, 'not sent anywhere');
		ok($a->json->{error}, 'in JSON');
		is($a->header('set-cookie'), undef, 'without a cookie');
		$a = $c->page('/page?a=1&b=%26');
		is($a->status, 302, 'a person');
		is($a->header('location'),
		    '/auth/login?rd=%2Fpage%3Fa%3D1%26b%3D%2526',
		    'goes to the login page, and knows the way back');
		is($c->xhr('/auth/me')->status, 401, 'is nobody');
		is($c->request(POST => '/auth/logout')->status, 204,
		    'may log out');
		is($c->xhr('/open/')->status, 200, 'and see the open pages');
	},
	'a wrong password' => sub {
		my ($s) = @_;
		for my $who ([ 'alice', 'not the password' ],
		    [ 'nobody', $PASSWORD ]) {
			my ($name, $password) = @$who;
			my $a = json_sign_in($s->{client}, $name,
			    password => $password);
			is($a->status, 401, $name);
			is($a->json->{error}, 'invalid_credentials',
			    "$name: says no more");
			is($a->header('set-cookie'), undef,
			    "$name: no cookie");
		}
		is($s->{client}->xhr('/page')->status, 401, 'still refused');
	},
	'logging in' => sub {
		my ($s) = @_;
		my $a = login($s);
		my $j = $a->json;

		is($a->status, 200, 'done');
		is($a->header('cache-control'), 'no-store', 'not stored');
		like($a->header('content-type'), qr{^application/json\b},
		    'JSON');
		is($j->{user}{name}, 'alice', 'who');
		is_deeply($j->{user}{roles}, [qw(admin staff)], 'roles');
		is($j->{user}{email}, 'alice@example.com', 'e-mail');
		cmp_ok($j->{expires_in}, '>', 0, 'how long');
		my $body = $s->{deliver} ne 'cookie';
		my $cookies = $s->{deliver} ne 'body';
		is(defined $j->{access_token} ? 1 : 0, $body ? 1 : 0,
		    'a token in the body, or none');
		is($j->{token_type} // '', $body ? 'Bearer' : '',
		    'and its type');
		is(keys %{ $s->{client}->jar } ? 1 : 0, $cookies ? 1 : 0,
		    'cookies, or none');
		for my $line ($a->all('set-cookie')) {
			like($line, qr/;\s*HttpOnly/i, 'HttpOnly');
			like($line, qr/;\s*SameSite=Lax/i, 'SameSite');
			unlike($line, qr/;\s*Domain/i, 'no Domain');
			cmp_ok(length($line =~ s/;.*//r), '<=', 4096,
			    'a browser keeps it');
		}
	},
	'calling' => sub {
		my ($s) = @_;
		my @claim = ('Remote-User' => 'mallory',
		    'Remote_User' => 'mallory');
		my $a = call($s, '/page', @claim);

		# nginx refuses it, the others take it away.
		unlike($a->body, qr/mallory/, 'nobody says who he is himself');
		$a = call($s, '/page') if $a->status == 400;
		is($a->status, 200, 'allowed');
		for my $line ('Remote-User: alice',
		    'Remote-Groups: admin,staff',
		    'Remote-Email: alice@example.com',
		    'Remote-Name: Alice Liddell') {
			like($a->body, qr/^$line$/m, $line);
		}
		unlike($a->body, qr/mallory/, 'and nobody else');
		is($a->header('set-cookie'), undef, 'a check sets no cookie');
		is(call($s, '/admin/')->status, 200, 'a role');
		is(call($s, '/root/')->status, 403,
		    'one that alice has not: 403, not 401');
		unlike(call($s, '/page')->body, qr/fcgiauth_refresh/,
		    'the application sees no refresh token');
	},
	'me' => sub {
		my ($s) = @_;
		my $a = call($s, '/auth/me');
		my $j = $a->json;

		is($a->status, 200, 'somebody');
		is($a->header('cache-control'), 'no-store', 'not stored');
		is($j->{name}, 'alice', 'name');
		is_deeply($j->{roles}, [qw(admin staff)], 'roles');
		is($j->{full_name}, 'Alice Liddell', 'full name');
		like($j->{session}, qr/^[0-9a-f]{32}$/, 'session');
		cmp_ok($j->{expires_in}, '>', 0, 'how long');
		$s->{session} = $j->{session};
	},
	'refreshing' => sub {
		my ($s) = @_;
		my $a = prolong($s);

		is($a->status, 200, 'done');
		is($a->header('cache-control'), 'no-store', 'not stored');
		cmp_ok($a->json->{expires_in}, '>', 0, 'how long');
		is($a->json->{user}{name}, 'alice', 'who');
		is(call($s, '/page')->status, 200, 'and it works');
	},
	'two credentials' => sub {
		my ($s) = @_;
		my $c = $s->{client};

		call($s, '/page');
		is($c->xhr('/page', Authorization => 'Bearer rubbish')->status,
		    401, 'a wrong Bearer counts, whatever the cookie says');
		is($c->xhr('/page', Authorization => 'Bearer ')->status,
		    401, 'an empty one as well') if $s->{access};
		like($c->xhr('/page', bearer($s), Authorization => 'Basic YTpi')
		    ->status, $s->{access} ? qr{^40[01]$} : qr{^200$},
		    'two headers are none; another scheme is ignored');
	},
	'the keys' => sub {
		my ($s) = @_;
		my $a = $s->{client}->get('/auth/jwks.json');

		is($a->status, 200, 'anybody may see them');
		is(ref $a->json->{keys}, 'ARRAY', 'a set');
		like($a->header('content-type'),
		    qr{^application/jwk-set\+json\b}, 'of its type');
		like($a->header('cache-control'), qr/\bmax-age=\d+/,
		    'to be kept');
	},
	'logging out' => sub {
		my ($s) = @_;
		my $c = $s->{client};
		my $a;

		call($s, '/page');
		$s->{old} = { access => $s->{access},
		    refresh => $s->{refresh}, cookies => $c->cookie_line,
		    all => $c->cookie_line('/auth/') };
		$a = $c->request(POST => '/auth/logout',
		    headers => [ bearer($s) ]);
		is($a->status, 204, 'done');
		is(join(' ', grep { !/refresh/ } keys %{ $c->jar }), '',
		    'no cookie is left that could be shown to a check');
		is($c->request(POST => '/auth/logout',
			headers => [ bearer($s) ])->status, 204, 'once more');
		delete @$s{qw(access refresh)};
		is($c->xhr('/page')->status, 401, 'refused');
		is($c->page('/page')->status, 302, 'a person is asked again');
		is($c->xhr('/auth/me')->status, 401, 'nobody');
	},
	'what is left of it' => sub {
		my ($s) = @_;
		my $old = $s->{old};
		my $c = $s->{client};
		my $again = { %$s, access => $old->{access},
		    refresh => $old->{refresh} };

		isnt(refresh($again)->status, 200, 'a refresh token is dead');
		isnt($c->request(POST => '/auth/refresh', headers => [
			Cookie => $old->{all} ])->status, 200,
		    'as a cookie, too') if $old->{all};
	},
);

# The old credentials die by themselves where nothing is stored of them.
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
		}), "the $way of before the logout");
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

# Every client is never refused, however often its tokens end.
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
		    "$s->{name}: a client that refreshes when told to");
	}
	return;
}

sub end {
	my ($s) = @_;
	my $log = $s->{d}->log_text;

	is_dead($s);
	for my $secret ($PASSWORD, grep { defined } $s->{old}{access},
	    $s->{old}{refresh}) {
		unlike($log, qr/\Q$secret\E/, 'no secret in the log');
	}
	like($log, qr/audit login .*user=alice/, 'a login is audited');
	like($log, qr/audit logout/, 'and a logout');
	$s->{n}->stop;
	$s->{d}->stop_ok;
	return;
}

# All of them side by side: most of the time is waiting for tokens to end.
my @sites = map { my $mode = $_; map { begin($mode, $_) }
	qw(body both cookie) } @modes;

while (my ($what, $code) = splice @walk, 0, 2) {
	for my $s (@sites) {
		subtest "$s->{name}: $what" => sub { $code->($s) };
	}
	follow(@sites) if $what eq 'refreshing';
}
for my $s (@sites) {
	subtest "$s->{name}: afterwards" => sub { end($s) };
}
done_testing;
