# SPDX-License-Identifier: MIT
# Mode refresh: a token that is good for one use, whatever happens to the
# answer, and an alarm when somebody else has used it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Client;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use FCGIAuth::Token qw(b64 unb64 parts);
use Test::More;
use Time::HiRes qw(sleep time);

my $FORM = 'application/x-www-form-urlencoded';

# A daemon of its own for each way of being configured.
sub daemon {
	my (%conf) = @_;
	my $dir = tempdir();
	my %jwt = (algorithm => 'ES256', keys => "$dir/keys", audience => 'x',
	    issuer => 'https://auth.example.com', %{ delete $conf{jwt} || {} });
	my $store = delete $conf{store};
	my $d = FCGIAuth::Daemon->new(store => $store, conf => {
		auth => { mode => 'refresh', deliver => 'both' },
		jwt => \%jwt, %conf });

	$d->{keys} = $dir;	# it goes with the daemon
	$d->add_user('alice', roles => ['staff'])->add_user('bob');
	return $d->start;
}

# A login by JSON: { access, refresh, sid, cookies }.
sub login {
	my ($d, $name) = @_;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', timeout => 60,
	    body => qq({"username":"$name","password":"$PASSWORD"}));
	return result($a);
}

sub result {
	my ($a) = @_;
	my $j = eval { JSON::PP->new->decode($a->{body}) } || {};
	my %r = (status => $a->{status}, error => $j->{error}, json => $j,
	    access => $j->{access_token}, refresh => $j->{refresh_token},
	    cookies => [ header_values($a, 'Set-Cookie') ]);

	$r{sid} = (parts($r{access}))[1]{sid} if ($r{access} // '') =~ /\./;
	for my $line (@{ $r{cookies} }) {
		$r{cookie}{$2} = $3
		    if $line =~ /^(__\w+-)?fcgiauth_(access|refresh)=([^;]*)/;
	}
	return \%r;
}

# What is sent to refresh by the body.
sub presented {
	my ($token) = @_;
	return (REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/refresh',
	    CONTENT_TYPE => $FORM, timeout => 60,
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $token));
}

sub refresh {
	my ($d, $token) = @_;
	return result($d->ask(presented($token)));
}

sub refresh_by_cookie {
	my ($d, $token) = @_;
	return result($d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh',
	    HTTP_COOKIE => "fcgiauth_refresh=$token"));
}

sub is_refused {
	my ($r, $what) = @_;
	is($r->{status}, 400, "$what: refused");
	is($r->{error}, 'invalid_grant', "$what: invalid_grant");
	is(scalar @{ $r->{cookies} }, 0, "$what: no cookie changes");
	return;
}

sub is_good {
	my ($d, $r, $what) = @_;
	is($r->{status}, 200, $what) or return;
	is($d->check(HTTP_AUTHORIZATION => "Bearer $r->{access}")->{status},
	    204, "$what: the access token works");
	return;
}

# Audit lines of one event.
sub audit {
	my ($d, $event) = @_;
	return grep { /\baudit \Q$event\E\b/ } split /\n/, $d->log_text;
}

sub alarms { my ($d) = @_; return scalar audit($d, 'refresh_reuse') }

# The promises that hold for any store.
sub rotation {
	my ($d) = @_;
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is_good($d, $one, 'login');
	is_good($d, $two, 'refresh');
	isnt($two->{refresh}, $one->{refresh}, 'a new refresh token');
	isnt($two->{access}, $one->{access}, 'a new access token');
	is($two->{sid}, $one->{sid}, 'of the same session');
	is($two->{json}{token_type}, 'Bearer', 'its type');
	is($two->{json}{user}{name}, 'alice', 'whose');
	is_deeply($two->{json}{user}{roles}, ['staff'], 'with roles');
	cmp_ok($two->{json}{expires_in}, '>', 0, 'for how long');
	is($d->check(HTTP_AUTHORIZATION => "Bearer $one->{access}")->{status},
	    204, 'the old access token lives as long as it said');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'again');
	is(scalar(keys %{ { map { $_->{refresh} => 1 } $one, $two,
		$three } }), 3, 'three different ones');

	# One kind is not the other.
	is($d->check(HTTP_AUTHORIZATION => "Bearer $three->{refresh}")
	    ->{status}, 401, 'a refresh token is no access token');
	is($d->check(HTTP_COOKIE => "fcgiauth_access=$three->{refresh}")
	    ->{status}, 401, 'nor as a cookie');
	is($d->check(HTTP_COOKIE => "fcgiauth_refresh=$three->{refresh}")
	    ->{status}, 401, 'the check looks at no refresh cookie');
	is_refused(refresh($d, $three->{access}),
	    'an access token is no refresh token');
	is_good($d, refresh($d, $three->{refresh}), 'which ended nothing');
	return;
}

sub delivery {
	my ($d) = @_;
	my $r = login($d, 'alice');

	is(scalar @{ $r->{cookies} }, 2, 'a login sets two cookies');
	is($r->{cookie}{refresh}, $r->{refresh}, 'the same tokens');
	my $by_body = refresh($d, $r->{refresh});
	is(scalar @{ $by_body->{cookies} }, 0, 'by the body: no cookie');
	ok($by_body->{refresh} && $by_body->{access}, 'but tokens');
	my $by_cookie = refresh_by_cookie($d, $by_body->{refresh});
	is($by_cookie->{status}, 200, 'by the cookie');
	is(scalar @{ $by_cookie->{cookies} }, 2, 'two cookies');
	is($by_cookie->{refresh}, undef, 'no refresh token in the body');
	is($by_cookie->{access}, undef, 'nor an access token');
	cmp_ok($by_cookie->{json}{expires_in}, '>', 0, 'but how long');
	my %line = map { /fcgiauth_(\w+)=/ ? ($1 => $_) : () }
	    @{ $by_cookie->{cookies} };
	like($line{access}, qr{;\s*Path=/(?:;|$)}i, 'access: everywhere');
	like($line{refresh}, qr{;\s*Path=/auth(?:;|$)}i,
	    'refresh: our endpoints only');
	for my $line (values %line) {
		like($line, qr/;\s*HttpOnly/i, 'HttpOnly');
		like($line, qr/;\s*SameSite=Lax/i, 'SameSite');
		like($line, qr/;\s*Max-Age=[1-9]/i, 'Max-Age');
	}
	my $json = result($d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh', CONTENT_TYPE => 'application/json',
	    body => JSON::PP->new->encode({ grant_type => 'refresh_token',
		refresh_token => $by_cookie->{cookie}{refresh} })));
	is($json->{status}, 200, 'by JSON');
	# The body goes before the cookie.
	my $other = login($d, 'bob');
	my $both = result($d->ask(presented($json->{refresh}),
	    HTTP_COOKIE => "fcgiauth_refresh=$other->{refresh}"));
	is($both->{json}{user}{name}, 'alice', 'the body counts');
	is(scalar @{ $both->{cookies} }, 0, 'and the cookie stays');
	is_good($d, refresh($d, $other->{refresh}), 'and is not used up');
	return;
}

sub grace {
	my ($d) = @_;
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	my $again = refresh($d, $one->{refresh});
	my $before = alarms($d);

	is_good($d, $again, 'the answer was lost: again');
	is($again->{refresh}, $two->{refresh}, 'the same successor');
	is($again->{sid}, $two->{sid}, 'of the same session');
	my $cookie = refresh_by_cookie($d, $one->{refresh});
	is($cookie->{cookie}{refresh}, $two->{refresh}, 'by the cookie, too');
	is(alarms($d), $before, 'no alarm');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'the successor is good for one use');
	is_refused(refresh($d, $one->{refresh}), 'the grandparent, in grace');
	is(alarms($d), $before + 1, 'is an alarm');
	is_refused(refresh($d, $_->{refresh}), 'all is over')
	    for $two, $three, $one;
	is(alarms($d), $before + 1, 'one is enough');
	my ($line) = reverse audit($d, 'refresh_reuse');
	like($line, qr/session=$one->{sid}/, 'it names the session');
	like($line, qr/user=alice/, 'and the user');
	like($line, qr/address=127\.0\.0\.1/, 'and the address');
	return;
}

sub at_once {
	my ($d, $count) = @_;
	my $before = alarms($d);

	for my $round (1 .. 5) {
		my $r = login($d, 'alice');
		my %seen;
		my @answers = map { result($_) } $d->ask_at_once(
		    map { +{ presented($r->{refresh}) } } 1 .. $count);
		$seen{ $_->{status} }++ for @answers;
		is_deeply(\%seen, { 200 => $count }, "all of $count");
		my %refresh = map { ($_->{refresh} // '') => 1 } @answers;
		is(scalar keys %refresh, 1, 'get the same successor');
		my %access = map { $_->{access} => 1 } grep { $_->{access} }
		    @answers;
		is(scalar(grep { $d->check(HTTP_AUTHORIZATION =>
			    "Bearer $_")->{status} == 204 } keys %access),
		    scalar keys %access, 'and access tokens that work');
		my ($next) = keys %refresh;
		$r = refresh($d, $next);
		is_good($d, $r, 'which goes on');
		is_good($d, refresh($d, $r->{refresh}), 'and on');
	}
	is(alarms($d), $before, 'no alarm');
	return;
}

sub replay {
	my ($d, $grace) = @_;

	for my $generation (0 .. 9) {
		my @chain = login($d, 'alice');
		push @chain, refresh($d, $chain[-1]{refresh}) for 1 .. 10;
		is($chain[-1]{status}, 200, 'ten times');
		my $before = alarms($d);
		sleep $grace + 0.1 if $generation == 9;
		is_refused(refresh($d, $chain[$generation]{refresh}),
		    "the token of generation $generation");
		is(alarms($d), $before + 1, 'an alarm');
		is_refused(refresh($d, $chain[-1]{refresh}), 'the last one');
		is_refused(refresh($d, $chain[9]{refresh}), 'its parent');
		is(alarms($d), $before + 1, 'one alarm');
	}
	return;
}

sub forged {
	my ($d) = @_;
	my $r = login($d, 'alice');
	my $bytes = unb64($r->{refresh});
	my $before = alarms($d);
	my $n = length $bytes;

	for my $at (0 .. $n - 1) {
		my $copy = $bytes;
		substr($copy, $at, 1) ^= chr(1 << $at % 8);
		my $a = refresh($d, b64($copy));
		is("$a->{status} $a->{error}", '400 invalid_grant',
		    "byte $at of a token that names a session");
	}
	# A generation that was, or will be, of a session that is.
	for my $generation (0, 1, 2, 7, 2**31, 2**32 - 1) {
		my $copy = $bytes;
		substr($copy, 17, 4) = pack 'N', $generation;
		is_refused(refresh($d, b64($copy)),
		    "generation $generation, not signed")
		    if $copy ne $bytes;
	}
	my $other = unb64(login($d, 'bob')->{refresh});
	is_refused(refresh($d, b64($_)), 'pieces of two') for
	    substr($bytes, 0, 17) . substr($other, 17),
	    substr($other, 0, 17) . substr($bytes, 17),
	    substr($bytes, 0, 21) . substr($other, 21),
	    substr($bytes, 0, $n - 16) . substr($other, $n - 16),
	    substr($bytes, 0, $n - 16) . "\0" x 16;
	for my $garbage ('x', 'A' x 92, '-' x 92, '.', '0', 'null', 'A' x 91,
	    'A' x 93, 'A' x 4000, "$r->{refresh}A", "$r->{refresh}=",
	    substr($r->{refresh}, 1), " $r->{refresh}", "$r->{refresh} ",
	    "$r->{refresh}\n", "$r->{refresh}\0", "\xff" x 92,
	    lc $r->{refresh}, $r->{refresh} =~ s/.$/!/r, '../../x',
	    "' OR 1=1 --", $r->{sid}, "\0" x 69) {
		my $a = refresh($d, $garbage);
		is($a->{status}, 400, 'garbage');
		is(scalar @{ $a->{cookies} }, 0, 'changes no cookie');
		$a = refresh_by_cookie($d, $garbage) if $garbage !~
		    /[^!-~]|[,;"\\]/;
		isnt($a->{status}, 200, 'as a cookie');
		is(scalar @{ $a->{cookies} }, 0, 'changes no cookie');
	}
	is(alarms($d), $before, 'no alarm');
	is_good($d, refresh($d, $r->{refresh}), 'and the session goes on');
	return;
}

sub requests {
	my ($d) = @_;
	my $r = login($d, 'alice');
	my $token = $r->{refresh};
	my $good = "grant_type=refresh_token&refresh_token=$token";
	my %cookie = (HTTP_COOKIE => "fcgiauth_refresh=$token");
	my @cases = (
		[ "refresh_token=$token", 400, 'invalid_request' ],
		[ 'grant_type=refresh_token', 400, 'invalid_request' ],
		[ 'grant_type=refresh_token', 400, 'invalid_request',
			%cookie ],
		[ 'grant_type=password&username=alice', 400,
			'unsupported_grant_type' ],
		[ "grant_type=authorization_code&refresh_token=$token", 400,
			'unsupported_grant_type' ],
		[ "grant_type=Refresh_Token&refresh_token=$token", 400,
			'unsupported_grant_type' ],
		[ "grant_type=&refresh_token=$token", 400, undef ],
		[ "grant_type=refresh_token&refresh_token=", 400, undef ],
		[ "$good&refresh_token=$token", 400, 'invalid_request' ],
		[ "$good&grant_type=refresh_token", 400, 'invalid_request' ],
		[ '%zz', 400, 'invalid_request' ],
		[ '', 400, 'invalid_grant' ],
		[ "{\"grant_type\":\"refresh_token\",\"refresh_token\":" .
			"\"$token\",\"refresh_token\":\"$token\"}", 400,
			'invalid_request',
			CONTENT_TYPE => 'application/json' ],
		[ '["refresh_token"]', 400, 'invalid_request',
			CONTENT_TYPE => 'application/json' ],
		[ '{"grant_type":1,"refresh_token":2}', 400, undef,
			CONTENT_TYPE => 'application/json' ],
		[ '{', 400, 'invalid_request',
			CONTENT_TYPE => 'application/json' ],
		[ $good, 415, undef, CONTENT_TYPE => 'text/plain' ],
		[ $good, 403, 'csrf', HTTP_ORIGIN => 'https://evil.example' ],
		[ $good, 403, 'csrf', HTTP_ORIGIN => 'null' ],
		[ '', 403, 'csrf', HTTP_ORIGIN => 'https://evil.example',
			%cookie ],
		[ "$good&x=" . 'x' x 20000, 413, undef ],
		[ '', 400, 'invalid_grant', HTTP_COOKIE =>
			"fcgiauth_refresh=$token; fcgiauth_refresh=x" ],
		[ '', 400, 'invalid_grant', HTTP_COOKIE =>
			"__Secure-fcgiauth_refresh=$token" ],
		[ '', 400, 'invalid_grant', HTTP_COOKIE =>
			"FCGIAUTH_REFRESH=$token" ],
		[ '', 400, undef, REQUEST_URI =>
			"/auth/refresh?$good" ],
		[ '', 405, undef, REQUEST_METHOD => 'GET', %cookie ],
		[ '', 405, undef, REQUEST_METHOD => 'PUT', %cookie ],
	);

	for my $case (@cases) {
		my ($body, $status, $error, %param) = @$case;
		my $what = substr "$body @{[ %param ]}", 0, 50;
		my $a = result($d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/refresh', CONTENT_TYPE => $FORM,
		    ($body ne '' ? (body => $body) : ()), %param));
		isnt($a->{status}, 200, "not: $what");
		is($a->{status}, $status, "status: $what") if defined $status;
		is($a->{error}, $error, "error: $what") if defined $error;
		is(scalar @{ $a->{cookies} }, 0, "no cookie: $what");
	}
	is_good($d, refresh($d, $token), 'which used up nothing');
	return;
}

sub endings {
	my ($d) = @_;
	my %end = (
		'logout by the cookies' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout', HTTP_COOKIE =>
			    "fcgiauth_access=$r->{access}; " .
			    "fcgiauth_refresh=$r->{refresh}");
		},
		'logout by the refresh cookie alone' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout', HTTP_COOKIE =>
			    "fcgiauth_refresh=$r->{refresh}");
		},
		'logout by Bearer' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout',
			    HTTP_AUTHORIZATION => "Bearer $r->{access}");
		},
		'another login in the same browser' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/login', HTTP_COOKIE =>
			    "fcgiauth_access=$r->{access}; " .
			    "fcgiauth_refresh=$r->{refresh}",
			    CONTENT_TYPE => 'application/json', body =>
			    qq({"username":"bob","password":"$PASSWORD"}));
		},
	);

	for my $what (sort keys %end) {
		my $r = login($d, 'alice');
		my $other = login($d, 'alice');
		my $before = alarms($d);
		my $a = $end{$what}->($r);

		like($a->{status}, qr/^20[04]$/, $what);
		is_refused(refresh($d, $r->{refresh}), "$what: at once");
		is_refused(refresh($d, $r->{refresh}), "$what: and again");
		is(alarms($d), $before, "$what: no alarm");
		is_good($d, refresh($d, $other->{refresh}),
		    "$what: another session goes on");
	}
	# After a rotation the predecessor ends nothing it should not, and the
	# session ends as a whole.
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	$end{'logout by Bearer'}->($one);
	is_refused(refresh($d, $_->{refresh}), 'an old access token ends it')
	    for $two, $one;
	return;
}

sub secrets_of {
	my ($r) = @_;
	return map { ($_, substr unb64($_), 21, 32) }
	    grep { defined } $r->{refresh}, $r->{cookie}{refresh};
}

# Memory as well, beside the embedded default.
for my $store (store_is('sqlite') ? qw(sqlite memory) : store_kind()) {
	my $grace = 2 * slow();
	my $d = daemon(refresh => { grace => "${grace}s" },
	    store => $store);

	subtest "$store: rotation" => sub { rotation($d) };
	subtest "$store: delivery" => sub { delivery($d) };
	subtest "$store: grace" => sub { grace($d) };
	subtest "$store: 64 at once" => sub { at_once($d, 64) };
	subtest "$store: forged" => sub { forged($d) };
	subtest "$store: requests" => sub { requests($d) };
	subtest "$store: endings" => sub { endings($d) };
	subtest "$store: replay" => sub { replay($d, $grace) };

	my $r = login($d, 'alice');
	my $next = refresh($d, $r->{refresh});
	my $log = $d->log_text;
	my $raw = $d->store->raw;
	isnt(index($raw, 'alice'), -1, "$store: found what is there")
	    unless $store eq 'memory';
	for my $secret (secrets_of($r), secrets_of($next)) {
		is(index($log, $secret), -1, "$store: not in the log");
		is(index($raw, $secret), -1, "$store: not in the store");
	}
	$d->stop_ok;
}

subtest 'the end of grace' => sub {
	my $d = daemon(refresh => { grace => '1s' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	my $began = time;

	# Using it does not prolong it.
	while (time - $began < 0.6) {
		refresh($d, $one->{refresh});
		sleep 0.1;
	}
	sleep 0.6;
	is_refused(refresh($d, $one->{refresh}), 'one second later');
	is(alarms($d), 1, 'it is an alarm');
	is_refused(refresh($d, $two->{refresh}), 'that ends the session');
	$d->stop_ok;
};

subtest 'no grace' => sub {
	my $d = daemon(refresh => { grace => '0' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is_good($d, $two, 'one use');
	is_refused(refresh($d, $one->{refresh}), 'not two');
	is(alarms($d), 1, 'an alarm');
	is_refused(refresh($d, $two->{refresh}), 'the session is over');
	my $r = login($d, 'alice');
	my %seen;
	$seen{ $_->{status} }++ for map { result($_) }
	    $d->ask_at_once(map { +{ presented($r->{refresh}) } } 1 .. 16);
	is($seen{200}, 1, 'of many callers one wins');
	is($seen{400}, 15, 'and all others are refused');
	is(alarms($d), 2, 'by one alarm');
	$d->stop_ok;
};

subtest 'limits' => sub {
	my $d = daemon(refresh => { idle_timeout => '3s',
		absolute_timeout => '7s', grace => '1s' },
	    jwt => { ttl => '1s', leeway => '0s' });
	my $idle = login($d, 'bob');
	my $r = login($d, 'alice');
	my $began = time;
	my ($line) = grep { /refresh=/ } @{ $r->{cookies} };
	my ($age, $last) = ($line =~ /Max-Age=(\d+)/i, 0);
	my $ended;

	cmp_ok($age, '<=', 3, 'the cookie ends with the login');
	while (!$ended && time - $began < 12 * slow()) {
		sleep 0.5;
		my $asked = time - $began;
		my $next = refresh_by_cookie($d, $r->{refresh} //
		    $r->{cookie}{refresh});
		if ($next->{status} != 200) {
			$ended = 1;
			last;
		}
		$last = $asked;
		($line) = grep { /refresh=/ } @{ $next->{cookies} };
		($age) = $line =~ /Max-Age=(\d+)/i;
		cmp_ok($age, '<=', 8 - $last, 'never longer than the login')
		    if $last > 5;
		$r = $next;
	}
	cmp_ok($last, '>', 4, 'use prolongs it beyond the idle timeout');
	ok($ended, 'the absolute one ends it all the same');
	is_refused(refresh($d, $idle->{refresh}), 'an idle one has ended');
	is(alarms($d), 0, 'without an alarm');
	$d->stop_ok;
};

subtest 'users' => sub {
	my $d = daemon();
	my $r = login($d, 'alice');

	is(($d->ctl(qw(user set alice --role boss --email new@example.com)))
	    [0], 0, 'user set');
	$r = refresh($d, $r->{refresh});
	is_deeply($r->{json}{user}{roles}, ['boss'],
	    'the next token has the new roles');
	is((parts($r->{access}))[1]{email}, 'new@example.com', 'and e-mail');
	my %end = (
		'user disable' => [qw(user disable carol)],
		'user delete' => [qw(user delete carol)],
		'user passwd' => [ \"another long password\n",
			qw(user passwd carol --password-stdin) ],
		'session revoke --user' => [qw(session revoke --user carol)],
	);
	for my $what (sort keys %end) {
		$d->add_user('carol');
		my $one = login($d, 'carol');
		my $two = refresh($d, $one->{refresh});
		is_good($d, $two, "$what: before");
		is(($d->ctl(@{ $end{$what} }))[0], 0, "$what: done");
		is_refused(refresh($d, $two->{refresh}), "$what: at once");
		is_refused(refresh($d, $one->{refresh}), "$what: its parent");
		$d->ctl(qw(user delete carol));
	}
	my $one = login($d, 'bob');
	is(($d->ctl('session', 'revoke', $one->{sid}))[0], 0,
	    'session revoke');
	is_refused(refresh($d, $one->{refresh}), 'session revoke: at once');
	is(alarms($d), 0, 'none of this is an alarm');
	$d->stop_ok;
};

# Refreshes as fast as it can, until it is refused; the last tokens.
sub hunt {
	my ($d, $token) = @_;
	my @had = ($token);

	for (1 .. 2000) {
		my $r = refresh($d, $had[-1]);
		last unless ($r->{status} // 0) == 200;
		push @had, $r->{refresh};
	}
	return join ' ', splice @had, @had > 3 ? -3 : 0;
}

subtest 'a race with the administrator' => sub {
	my $d = daemon();
	my %end = (
		disable => sub { $d->ctl(qw(user disable carol)) },
		passwd => sub { $d->ctl(\"another long password\n",
			qw(user passwd carol --password-stdin)) },
		revoke => sub { $d->ctl(qw(session revoke --user carol)) },
		logout => sub {
			my ($r) = @_;
			$d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout',
			    HTTP_AUTHORIZATION => "Bearer $r->{access}");
			return 0;
		},
	);

	for my $round (1 .. 3) {
		for my $what (sort keys %end) {
			$d->ctl(qw(user delete carol));
			$d->add_user('carol');
			my @r = map { login($d, 'carol') } 1 .. 2;
			@r = ($r[0], $r[0]) if $what eq 'logout';
			my @hunters = map { my $r = $_; child_code(sub {
				hunt($d, $r->{refresh}) }) } @r;
			sleep 0.02 + rand 0.05;
			my ($code) = $end{$what}->($r[0]);
			is($code, 0, "$what: done");
			my @last = map { split ' ', $_->() } @hunters;
			my @alive = grep {
				refresh($d, $_)->{status} != 400 } @last;
			is(scalar @alive, 0, "$what: no survivor");
		}
	}
	$d->stop_ok;
};

subtest 'restarts' => sub {
	my $d = daemon(refresh => { grace => '30s' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is($d->stop, 0, 'stopped');
	$d->start;
	my $again = refresh($d, $one->{refresh});
	is($again->{refresh}, $two->{refresh}, 'grace survives a restart');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'and so does the session');
	$d->kill_hard;
	$d->start;
	is_good($d, refresh($d, $three->{refresh}), 'and a crash');
	is_refused(refresh($d, $one->{refresh}), 'and what has been used');
	is(alarms($d), 1, 'is known');
	$d->stop_ok;
};

subtest 'killed in the middle' => sub {
	my $d = daemon(refresh => { grace => '60s' });

	for my $round (1 .. 5) {
		my $r = login($d, 'alice');
		my $hunter = child_code(sub { hunt($d, $r->{refresh}) });
		sleep 0.05 + rand 0.1;
		$d->kill_hard;
		my @last = split ' ', $hunter->();
		$d->start;
		is_good($d, refresh($d, $last[-1]),
		    'whoever got no answer asks again');
	}
	is(alarms($d), 0, 'without an alarm');
	$d->stop_ok;
};

subtest 'the store is down' => sub {
	my $d = daemon(refresh => { grace => '60s' });
	my $one = login($d, 'alice');

	$d->store->away;
	for my $a (refresh($d, $one->{refresh}),
	    refresh_by_cookie($d, $one->{refresh})) {
		is($a->{status}, 503, 'not now');
		is(scalar @{ $a->{cookies} }, 0, 'cookies untouched');
	}
	my $a = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	like((header_values($a, 'Retry-After'))[0] // '', qr/^[1-9]/,
	    'but soon');
	$a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	is($a->{status}, 503, 'nobody is logged out only seemingly');
	is(scalar(header_values($a, 'Set-Cookie')), 0, 'cookies untouched');
	my $page = $d->ask(REQUEST_URI => '/auth/login?rd=%2Fx',
	    HTTP_ACCEPT => 'text/html', HTTP_SEC_FETCH_MODE => 'navigate',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	is($page->{status}, 503, 'a person is told so');
	is(scalar(header_values($page, 'Set-Cookie')), 0,
	    'cookies untouched');
	is($d->check(HTTP_AUTHORIZATION => "Bearer $one->{access}")->{status},
	    204, 'access tokens need no store');
	$d->store->back;
	my $two;
	ok(wait_for(15, sub {
		$two = refresh($d, $one->{refresh});
		$two->{status} == 200;
	}), 'the same token works again');
	is_good($d, $two, 'after that');
	# Another worker may not have noticed yet.
	my $three;
	ok(wait_for(15, sub {
		$three = refresh($d, $two->{refresh});
		$three->{status} == 200;
	}), 'and its successor');
	is_good($d, $three, 'as good');
	is(alarms($d), 0, 'no alarm');
	$d->stop_ok;
};

subtest 'two daemons, one store' => sub {
	my $one = daemon(refresh => { grace => '60s' });
	my $two = FCGIAuth::Daemon->new(conf => { %{ $one->{conf} },
		server => { log_level => 'debug' } });
	$two->configure(server => { listen => 'unix:' . $two->{socket} });
	$two->start;

	my $r = login($one, 'alice');
	for (1 .. 5) {
		$r = refresh($_, $r->{refresh}) for $one, $two;
	}
	is_good($two, $r, 'each takes what the other gave');
	for my $round (1 .. 5) {
		$r = login($one, 'alice');
		my $token = $r->{refresh};
		my @children = map { my $d = $_; child_code(sub {
			join ' ', map { result($_)->{refresh} // 'none' }
			    $d->ask_at_once(map { +{ presented($token) } }
				1 .. 32);
		}) } $one, $two;
		my @got = map { split ' ', $_->() } @children;
		my %seen = map { $_ => 1 } @got;
		is(scalar @got, 64, '64 answers of two');
		is(scalar keys %seen, 1, 'are the same successor');
		is_good($two, refresh($two, (keys %seen)[0]), 'that works');
	}
	my $alarms = alarms($one) + alarms($two);
	is($alarms, 0, 'no alarm');
	is_refused(refresh($two, $r->{refresh}), 'the grandparent');
	is_refused(refresh($one, $r->{refresh}), 'is over everywhere');
	$_->stop_ok for $two, $one;
};

subtest 'names of cookies' => sub {
	my %https = (HTTPS => 'on', SERVER_PORT => 443,
	    HTTP_HOST => 'app.example.com');

	for my $case ([ '__Host-', {} ],
	    [ '__Secure-', { domain => 'example.com' } ]) {
		my ($prefix, $cookie) = @$case;
		my $d = daemon(cookie => { secure => 'yes', %$cookie });
		my $a = result($d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', %https,
		    CONTENT_TYPE => 'application/json', body =>
		    qq({"username":"alice","password":"$PASSWORD"})));
		my ($access) = grep { /_access=/ } @{ $a->{cookies} };
		my ($refresh) = grep { /_refresh=/ } @{ $a->{cookies} };
		like($access, qr/^\Q$prefix\Efcgiauth_access=/, $access);
		like($access, qr{;\s*Path=/(?:;|$)}i, 'Path of access');
		like($refresh, qr/^__Secure-fcgiauth_refresh=/, $refresh);
		like($refresh, qr{;\s*Path=/auth(?:;|$)}i,
		    'Path of refresh');
		for my $line ($access, $refresh) {
			like($line, qr/;\s*Secure/i, 'Secure');
			like($line, qr/;\s*HttpOnly/i, 'HttpOnly');
			is($line =~ /;\s*Domain=/i ? 1 : 0,
			    $cookie->{domain} ? 1 : 0, 'Domain');
		}
		my $again = result($d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/refresh', %https, HTTP_COOKIE =>
		    "__Secure-fcgiauth_refresh=$a->{refresh}"));
		is($again->{status}, 200, 'refreshed');
		my $out = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/logout', %https, HTTP_COOKIE =>
		    "__Secure-fcgiauth_refresh=$again->{cookie}{refresh}");
		my @gone = grep { /Max-Age=0/i }
		    header_values($out, 'Set-Cookie');
		is(scalar(grep { /^\Q$prefix\Efcgiauth_access=;/ } @gone), 1,
		    'logout clears the one');
		is(scalar(grep { /^__Secure-fcgiauth_refresh=;.*Path=\/auth/ }
			@gone), 1, 'and the other, where it was set');
		$d->stop_ok;
	}
};

subtest 'session mode' => sub {
	my $d = FCGIAuth::Daemon->new(conf => {
		auth => { deliver => 'both' },
		session => { idle_timeout => '3s', absolute_timeout => '60s' } });
	$d->add_user('alice')->start;
	my $r = login_session($d);
	my $other = login_session($d);
	my $by = sub {
		my (%param) = @_;
		return result($d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/refresh', %param));
	};
	my %cookie = (HTTP_COOKIE => "fcgiauth=$r");
	my $began = time;

	while (time - $began < 4) {
		my $a = $by->(%cookie);
		is($a->{status}, 200, 'it counts as activity');
		cmp_ok($a->{json}{expires_in}, '<=', 3, 'the nearer limit');
		cmp_ok($a->{json}{expires_in}, '>=', 2, 'is what it says');
		is($a->{refresh}, undef, 'nothing rotates');
		sleep 0.5;
	}
	is($d->check(%cookie)->{status}, 204, 'still alive');
	is($d->check(HTTP_COOKIE => "fcgiauth=$other")->{status}, 401,
	    'one that did not refresh is not');
	is($by->(HTTP_AUTHORIZATION => "Bearer $r")->{status}, 200,
	    'by Bearer');
	for my $dead ([ HTTP_COOKIE => "fcgiauth=$other" ],
	    [ HTTP_AUTHORIZATION => "Bearer $other" ],
	    [ HTTP_COOKIE => 'fcgiauth=' . 'A' x 64 ], []) {
		my $a = $by->(@$dead);
		is($a->{status}, 401, 'a dead one is 401');
		is(scalar @{ $a->{cookies} }, 0, 'and no cookie changes');
	}
	$d->stop_ok;
};

sub login_session {
	my ($d) = @_;
	return login_raw($d)->{body} =~ /"access_token":"([^"]+)"/ ? $1 : '';
}

sub login_raw {
	my ($d) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));
}

done_testing;
