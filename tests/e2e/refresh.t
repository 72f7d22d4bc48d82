# SPDX-License-Identifier: MIT
# Mode refresh. A refresh token is good for one use, even when the answer is
# lost. Its reuse ends the session and is logged.
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

# Starts a daemon with its own configuration.
sub daemon {
	my (%conf) = @_;
	my $dir = tempdir();
	my %jwt = (algorithm => 'ES256', keys => "$dir/keys", audience => 'x',
	    issuer => 'https://auth.example.com', %{ delete $conf{jwt} || {} });
	my $store = delete $conf{store};
	my $d = FCGIAuth::Daemon->new(store => $store, conf => {
		auth => { mode => 'refresh', deliver => 'both' },
		jwt => \%jwt, %conf });

	$d->{keys} = $dir;	# the folder is removed with the daemon
	$d->add_user('alice', roles => ['staff'])->add_user('bob');
	return $d->start;
}

# Signs in by JSON and returns { access, refresh, sid, cookies }.
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

# Returns the parameters of a refresh with the token in the body.
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
	is($r->{status}, 400, "$what: the answer is 400");
	is($r->{error}, 'invalid_grant', "$what: the error is invalid_grant");
	is(scalar @{ $r->{cookies} }, 0, "$what: the answer changes no cookie");
	return;
}

sub is_good {
	my ($d, $r, $what) = @_;
	is($r->{status}, 200, "$what succeeds") or return;
	is($d->check(HTTP_AUTHORIZATION => "Bearer $r->{access}")->{status},
	    204, "$what: the access token works");
	return;
}

# Returns the audit lines of an event.
sub audit {
	my ($d, $event) = @_;
	return grep { /\baudit \Q$event\E\b/ } split /\n/, $d->log_text;
}

sub alarms { my ($d) = @_; return scalar audit($d, 'refresh_reuse') }

# Tests what holds on every store.
sub rotation {
	my ($d) = @_;
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is_good($d, $one, 'a sign-in');
	is_good($d, $two, 'a refresh');
	isnt($two->{refresh}, $one->{refresh},
	    'a refresh returns a new refresh token');
	isnt($two->{access}, $one->{access},
	    'a refresh returns a new access token');
	is($two->{sid}, $one->{sid},
	    'the new token belongs to the same session');
	is($two->{json}{token_type}, 'Bearer', 'the token has the type Bearer');
	is($two->{json}{user}{name}, 'alice', 'the answer names the user');
	is_deeply($two->{json}{user}{roles}, ['staff'],
	    'the answer has the roles');
	cmp_ok($two->{json}{expires_in}, '>', 0,
	    'the answer says how long the token is valid');
	is($d->check(HTTP_AUTHORIZATION => "Bearer $one->{access}")->{status},
	    204, 'the old access token stays valid until its end');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'a second refresh');
	is(scalar(keys %{ { map { $_->{refresh} => 1 } $one, $two,
		$three } }), 3, 'all three refresh tokens differ');

	# A refresh token is no access token, and an access token no refresh
	# token.
	is($d->check(HTTP_AUTHORIZATION => "Bearer $three->{refresh}")
	    ->{status}, 401, 'a check refuses a refresh token');
	is($d->check(HTTP_COOKIE => "fcgiauth_access=$three->{refresh}")
	    ->{status}, 401,
	    'a check refuses a refresh token in the access cookie');
	is($d->check(HTTP_COOKIE => "fcgiauth_refresh=$three->{refresh}")
	    ->{status}, 401, 'a check ignores the refresh cookie');
	is_refused(refresh($d, $three->{access}),
	    'a refresh with an access token');
	is_good($d, refresh($d, $three->{refresh}),
	    'a refresh after the wrong tokens');
	return;
}

sub delivery {
	my ($d) = @_;
	my $r = login($d, 'alice');

	is(scalar @{ $r->{cookies} }, 2, 'a sign-in sets two cookies');
	is($r->{cookie}{refresh}, $r->{refresh},
	    'the cookie and the body have the same refresh token');
	my $by_body = refresh($d, $r->{refresh});
	is(scalar @{ $by_body->{cookies} }, 0,
	    'a refresh by the body sets no cookie');
	ok($by_body->{refresh} && $by_body->{access},
	    'a refresh by the body returns tokens in the body');
	my $by_cookie = refresh_by_cookie($d, $by_body->{refresh});
	is($by_cookie->{status}, 200, 'a refresh by the cookie succeeds');
	is(scalar @{ $by_cookie->{cookies} }, 2,
	    'a refresh by the cookie sets two cookies');
	is($by_cookie->{refresh}, undef, 'its body has no refresh token');
	is($by_cookie->{access}, undef, 'its body has no access token');
	cmp_ok($by_cookie->{json}{expires_in}, '>', 0,
	    'its body says how long the access token is valid');
	my %line = map { /fcgiauth_(\w+)=/ ? ($1 => $_) : () }
	    @{ $by_cookie->{cookies} };
	like($line{access}, qr{;\s*Path=/(?:;|$)}i,
	    'the access cookie is for all paths');
	like($line{refresh}, qr{;\s*Path=/auth(?:;|$)}i,
	    'the refresh cookie is for the endpoints only');
	for my $line (values %line) {
		like($line, qr/;\s*HttpOnly/i, 'the cookie has HttpOnly');
		like($line, qr/;\s*SameSite=Lax/i,
		    'the cookie has SameSite=Lax');
		like($line, qr/;\s*Max-Age=[1-9]/i, 'the cookie has Max-Age');
	}
	my $json = result($d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh', CONTENT_TYPE => 'application/json',
	    body => JSON::PP->new->encode({ grant_type => 'refresh_token',
		refresh_token => $by_cookie->{cookie}{refresh} })));
	is($json->{status}, 200, 'a refresh by JSON succeeds');
	# A token in the body takes precedence over the cookie.
	my $other = login($d, 'bob');
	my $both = result($d->ask(presented($json->{refresh}),
	    HTTP_COOKIE => "fcgiauth_refresh=$other->{refresh}"));
	is($both->{json}{user}{name}, 'alice', 'the token in the body is used');
	is(scalar @{ $both->{cookies} }, 0, 'the answer changes no cookie');
	is_good($d, refresh($d, $other->{refresh}),
	    'a refresh with the token of the cookie');
	return;
}

sub grace {
	my ($d) = @_;
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	my $again = refresh($d, $one->{refresh});
	my $before = alarms($d);

	is_good($d, $again, 'a repeated refresh within the grace period');
	is($again->{refresh}, $two->{refresh}, 'it returns the same successor');
	is($again->{sid}, $two->{sid}, 'the session is the same');
	my $cookie = refresh_by_cookie($d, $one->{refresh});
	is($cookie->{cookie}{refresh}, $two->{refresh},
	    'a repeated refresh by the cookie returns the same successor');
	is(alarms($d), $before, 'no reuse is logged');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'a refresh with the successor');
	is_refused(refresh($d, $one->{refresh}),
	    'the predecessor of the predecessor within the grace period');
	is(alarms($d), $before + 1, 'its reuse is logged');
	is_refused(refresh($d, $_->{refresh}), 'a token of the ended session')
	    for $two, $three, $one;
	is(alarms($d), $before + 1, 'the reuse is logged once');
	my ($line) = reverse audit($d, 'refresh_reuse');
	like($line, qr/session=$one->{sid}/, 'the log line names the session');
	like($line, qr/user=alice/, 'the log line names the user');
	like($line, qr/address=127\.0\.0\.1/, 'the log line names the address');
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
		is_deeply(\%seen, { 200 => $count },
		    "all $count simultaneous refreshes succeed");
		my %refresh = map { ($_->{refresh} // '') => 1 } @answers;
		is(scalar keys %refresh, 1,
		    'all answers have the same successor');
		my %access = map { $_->{access} => 1 } grep { $_->{access} }
		    @answers;
		is(scalar(grep { $d->check(HTTP_AUTHORIZATION =>
			    "Bearer $_")->{status} == 204 } keys %access),
		    scalar keys %access, 'all access tokens are valid');
		my ($next) = keys %refresh;
		$r = refresh($d, $next);
		is_good($d, $r, 'a refresh with the successor');
		is_good($d, refresh($d, $r->{refresh}),
		    'a refresh with the token after it');
	}
	is(alarms($d), $before, 'no reuse is logged');
	return;
}

sub reuse {
	my ($d, $grace) = @_;

	for my $generation (0 .. 9) {
		my @chain = login($d, 'alice');
		push @chain, refresh($d, $chain[-1]{refresh}) for 1 .. 10;
		is($chain[-1]{status}, 200, 'ten refreshes succeed');
		my $before = alarms($d);
		sleep $grace + 0.1 if $generation == 9;
		is_refused(refresh($d, $chain[$generation]{refresh}),
		    "the token of generation $generation");
		is(alarms($d), $before + 1, 'the reuse is logged');
		is_refused(refresh($d, $chain[-1]{refresh}),
		    'the newest token');
		is_refused(refresh($d, $chain[9]{refresh}),
		    'the predecessor of the newest token');
		is(alarms($d), $before + 1, 'the reuse is logged once');
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
		    "a token with a change in byte $at is refused");
	}
	# The generations include past and future ones of an existing session.
	for my $generation (0, 1, 2, 7, 2**31, 2**32 - 1) {
		my $copy = $bytes;
		substr($copy, 17, 4) = pack 'N', $generation;
		is_refused(refresh($d, b64($copy)),
		    "generation $generation without a valid signature")
		    if $copy ne $bytes;
	}
	my $other = unb64(login($d, 'bob')->{refresh});
	is_refused(refresh($d, b64($_)), 'a token made of two tokens') for
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
		is($a->{status}, 400,
		    'an invalid token in the body is refused');
		is(scalar @{ $a->{cookies} }, 0,
		    'the answer changes no cookie');
		$a = refresh_by_cookie($d, $garbage) if $garbage !~
		    /[^!-~]|[,;"\\]/;
		isnt($a->{status}, 200,
		    'an invalid token in the cookie is refused');
		is(scalar @{ $a->{cookies} }, 0,
		    'the answer changes no cookie');
	}
	is(alarms($d), $before, 'invalid tokens are not logged as reuse');
	is_good($d, refresh($d, $r->{refresh}), 'a refresh of the session');
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
		isnt($a->{status}, 200, "the request does not succeed: $what");
		is($a->{status}, $status,
		    "the status is $status: $what") if defined $status;
		is($a->{error}, $error,
		    "the error is $error: $what") if defined $error;
		is(scalar @{ $a->{cookies} }, 0,
		    "the answer changes no cookie: $what");
	}
	is_good($d, refresh($d, $token),
	    'a refresh after the refused requests');
	return;
}

sub endings {
	my ($d) = @_;
	my %end = (
		'a sign-out by the cookies' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout', HTTP_COOKIE =>
			    "fcgiauth_access=$r->{access}; " .
			    "fcgiauth_refresh=$r->{refresh}");
		},
		'a sign-out by the refresh cookie alone' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout', HTTP_COOKIE =>
			    "fcgiauth_refresh=$r->{refresh}");
		},
		'a sign-out by Bearer' => sub {
			my ($r) = @_;
			return $d->ask(REQUEST_METHOD => 'POST',
			    REQUEST_URI => '/auth/logout',
			    HTTP_AUTHORIZATION => "Bearer $r->{access}");
		},
		'another sign-in in the same browser' => sub {
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

		like($a->{status}, qr/^20[04]$/, "$what succeeds");
		is_refused(refresh($d, $r->{refresh}),
		    "$what: the first refresh after it");
		is_refused(refresh($d, $r->{refresh}),
		    "$what: the second refresh after it");
		is(alarms($d), $before, "$what: no reuse is logged");
		is_good($d, refresh($d, $other->{refresh}),
		    "$what: a refresh of another session");
	}
	# After a rotation, the predecessor of an access token still ends the
	# session as a whole.
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	$end{'a sign-out by Bearer'}->($one);
	is_refused(refresh($d, $_->{refresh}),
	    'a token of a session that an old access token ended')
	    for $two, $one;
	return;
}

sub secrets_of {
	my ($r) = @_;
	return map { ($_, substr unb64($_), 21, 32) }
	    grep { defined } $r->{refresh}, $r->{cookie}{refresh};
}

# The memory store is tested beside the default store.
for my $store (store_is('sqlite') ? qw(sqlite memory) : store_kind()) {
	my $grace = 2 * slow();
	my $d = daemon(refresh => { grace => "${grace}s" },
	    store => $store);

	subtest "$store: a refresh token rotates" => sub { rotation($d) };
	subtest "$store: tokens come by body and by cookie" =>
	    sub { delivery($d) };
	subtest "$store: a token in its grace period" => sub { grace($d) };
	subtest "$store: 64 simultaneous refreshes" => sub { at_once($d, 64) };
	subtest "$store: forged tokens" => sub { forged($d) };
	subtest "$store: malformed requests" => sub { requests($d) };
	subtest "$store: the end of a session" => sub { endings($d) };
	subtest "$store: reuse of a token" => sub { reuse($d, $grace) };

	my $r = login($d, 'alice');
	my $next = refresh($d, $r->{refresh});
	my $log = $d->log_text;
	my $raw = $d->store->raw;
	isnt(index($raw, 'alice'), -1, "$store: the test can read the store")
	    unless $store eq 'memory';
	for my $secret (secrets_of($r), secrets_of($next)) {
		is(index($log, $secret), -1, "$store: the log has no secret");
		is(index($raw, $secret), -1, "$store: the store has no secret");
	}
	$d->stop_ok;
}

subtest 'the end of the grace period' => sub {
	my $d = daemon(refresh => { grace => '1s' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});
	my $began = time;

	# The use of the token does not prolong the grace period.
	while (time - $began < 0.6) {
		refresh($d, $one->{refresh});
		sleep 0.1;
	}
	sleep 0.6;
	is_refused(refresh($d, $one->{refresh}),
	    'the token after its grace period');
	is(alarms($d), 1, 'the reuse is logged');
	is_refused(refresh($d, $two->{refresh}),
	    'a token of the ended session');
	$d->stop_ok;
};

subtest 'no grace period' => sub {
	my $d = daemon(refresh => { grace => '0' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is_good($d, $two, 'the first refresh');
	is_refused(refresh($d, $one->{refresh}),
	    'the second refresh with the same token');
	is(alarms($d), 1, 'the reuse is logged');
	is_refused(refresh($d, $two->{refresh}),
	    'a token of the ended session');
	my $r = login($d, 'alice');
	my %seen;
	$seen{ $_->{status} }++ for map { result($_) }
	    $d->ask_at_once(map { +{ presented($r->{refresh}) } } 1 .. 16);
	is($seen{200}, 1, 'one of 16 simultaneous refreshes succeeds');
	is($seen{400}, 15, 'the other refreshes are refused');
	is(alarms($d), 2, 'the reuse is logged once');
	$d->stop_ok;
};

subtest 'the timeouts of a session' => sub {
	my $d = daemon(refresh => { idle_timeout => '3s',
		absolute_timeout => '7s', grace => '1s' },
	    jwt => { ttl => '1s', leeway => '0s' });
	my $idle = login($d, 'bob');
	my $r = login($d, 'alice');
	my $began = time;
	my ($line) = grep { /refresh=/ } @{ $r->{cookies} };
	my ($age, $last) = ($line =~ /Max-Age=(\d+)/i, 0);
	my $ended;

	cmp_ok($age, '<=', 3, 'the refresh cookie ends with the session');
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
		cmp_ok($age, '<=', 8 - $last,
		    'the cookie never outlives the session')
		    if $last > 5;
		$r = $next;
	}
	cmp_ok($last, '>', 4,
	    'refreshes keep the session beyond the idle timeout');
	ok($ended, 'the absolute timeout ends the session');
	is_refused(refresh($d, $idle->{refresh}),
	    'a token of a session after its idle timeout');
	is(alarms($d), 0, 'no reuse is logged');
	$d->stop_ok;
};

subtest 'changes of users' => sub {
	my $d = daemon();
	my $r = login($d, 'alice');

	is(($d->ctl(qw(user set alice --role boss --email new@example.com)))
	    [0], 0, 'user set succeeds');
	$r = refresh($d, $r->{refresh});
	is_deeply($r->{json}{user}{roles}, ['boss'],
	    'the next access token has the new roles');
	is((parts($r->{access}))[1]{email}, 'new@example.com',
	    'the next access token has the new e-mail address');
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
		is_good($d, $two, "a refresh before $what");
		is(($d->ctl(@{ $end{$what} }))[0], 0, "$what succeeds");
		is_refused(refresh($d, $two->{refresh}),
		    "the token after $what");
		is_refused(refresh($d, $one->{refresh}),
		    "its predecessor after $what");
		$d->ctl(qw(user delete carol));
	}
	my $one = login($d, 'bob');
	is(($d->ctl('session', 'revoke', $one->{sid}))[0], 0,
	    'session revoke succeeds');
	is_refused(refresh($d, $one->{refresh}),
	    'the token after session revoke');
	is(alarms($d), 0, 'no reuse is logged');
	$d->stop_ok;
};

# Refreshes as fast as it can until it is refused. Returns the last tokens.
sub refresh_on {
	my ($d, $token) = @_;
	my @had = ($token);

	for (1 .. 2000) {
		my $r = refresh($d, $had[-1]);
		last unless ($r->{status} // 0) == 200;
		push @had, $r->{refresh};
	}
	return join ' ', splice @had, @had > 3 ? -3 : 0;
}

subtest 'a session ends during refreshes' => sub {
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
			my @clients = map { my $r = $_; child_code(sub {
				refresh_on($d, $r->{refresh}) }) } @r;
			sleep 0.02 + rand 0.05;
			my ($code) = $end{$what}->($r[0]);
			is($code, 0, "$what succeeds");
			my @last = map { split ' ', $_->() } @clients;
			my @alive = grep {
				refresh($d, $_)->{status} != 400 } @last;
			is(scalar @alive, 0,
			    "$what: no token is valid afterwards");
		}
	}
	$d->stop_ok;
};

subtest 'restarts of the daemon' => sub {
	my $d = daemon(refresh => { grace => '30s' });
	my $one = login($d, 'alice');
	my $two = refresh($d, $one->{refresh});

	is($d->stop, 0, 'the daemon ends with status 0');
	$d->start;
	my $again = refresh($d, $one->{refresh});
	is($again->{refresh}, $two->{refresh},
	    'the grace period survives a restart');
	my $three = refresh($d, $two->{refresh});
	is_good($d, $three, 'a refresh after a restart');
	$d->kill_hard;
	$d->start;
	is_good($d, refresh($d, $three->{refresh}), 'a refresh after a crash');
	is_refused(refresh($d, $one->{refresh}), 'a used token after a crash');
	is(alarms($d), 1, 'the reuse is logged');
	$d->stop_ok;
};

subtest 'the daemon is killed during refreshes' => sub {
	my $d = daemon(refresh => { grace => '60s' });

	for my $round (1 .. 5) {
		my $r = login($d, 'alice');
		my $client = child_code(sub { refresh_on($d, $r->{refresh}) });
		sleep 0.05 + rand 0.1;
		$d->kill_hard;
		my @last = split ' ', $client->();
		$d->start;
		is_good($d, refresh($d, $last[-1]),
		    'a refresh that is repeated after a lost answer');
	}
	is(alarms($d), 0, 'no reuse is logged');
	$d->stop_ok;
};

subtest 'the store is unreachable' => sub {
	my $d = daemon(refresh => { grace => '60s' });
	my $one = login($d, 'alice');

	$d->store->away;
	for my $a (refresh($d, $one->{refresh}),
	    refresh_by_cookie($d, $one->{refresh})) {
		is($a->{status}, 503, 'a refresh gets 503');
		is(scalar @{ $a->{cookies} }, 0,
		    'the answer changes no cookie');
	}
	my $a = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	like((header_values($a, 'Retry-After'))[0] // '', qr/^[1-9]/,
	    'the answer has Retry-After');
	$a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	is($a->{status}, 503, 'a sign-out gets 503');
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    'the answer changes no cookie');
	my $page = $d->ask(REQUEST_URI => '/auth/login?rd=%2Fx',
	    HTTP_ACCEPT => 'text/html', HTTP_SEC_FETCH_MODE => 'navigate',
	    HTTP_COOKIE => "fcgiauth_refresh=$one->{refresh}");
	is($page->{status}, 503, 'the login page is answered 503');
	is(scalar(header_values($page, 'Set-Cookie')), 0,
	    'the answer changes no cookie');
	is($d->check(HTTP_AUTHORIZATION => "Bearer $one->{access}")->{status},
	    204, 'the check of an access token needs no store');
	$d->store->back;
	my $two;
	ok(wait_for(15, sub {
		$two = refresh($d, $one->{refresh});
		$two->{status} == 200;
	}), 'the same refresh token is accepted when the store is back');
	is_good($d, $two, 'the refresh with it');
	# Another worker may still have a broken connection.
	my $three;
	ok(wait_for(15, sub {
		$three = refresh($d, $two->{refresh});
		$three->{status} == 200;
	}), 'its successor is accepted');
	is_good($d, $three, 'the refresh with the successor');
	is(alarms($d), 0, 'no reuse is logged');
	$d->stop_ok;
};

subtest 'two daemons on one store' => sub {
	my $one = daemon(refresh => { grace => '60s' });
	my $two = FCGIAuth::Daemon->new(conf => { %{ $one->{conf} },
		server => { log_level => 'debug' } });
	$two->configure(server => { listen => 'unix:' . $two->{socket} });
	$two->start;

	my $r = login($one, 'alice');
	for (1 .. 5) {
		$r = refresh($_, $r->{refresh}) for $one, $two;
	}
	is_good($two, $r, 'a refresh after refreshes by both daemons');
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
		is(scalar @got, 64,
		    '64 simultaneous refreshes are answered by two daemons');
		is(scalar keys %seen, 1, 'all answers have the same successor');
		is_good($two, refresh($two, (keys %seen)[0]),
		    'a refresh with the successor');
	}
	my $alarms = alarms($one) + alarms($two);
	is($alarms, 0, 'no reuse is logged');
	is_refused(refresh($two, $r->{refresh}),
	    'a token whose successor was used');
	is_refused(refresh($one, $r->{refresh}),
	    'the token at the other daemon');
	$_->stop_ok for $two, $one;
};

subtest 'the cookies with https' => sub {
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
		like($access, qr/^\Q$prefix\Efcgiauth_access=/,
		    "the access cookie has the prefix $prefix");
		like($access, qr{;\s*Path=/(?:;|$)}i,
		    'the access cookie is for all paths');
		like($refresh, qr/^__Secure-fcgiauth_refresh=/,
		    'the refresh cookie has the prefix __Secure-');
		like($refresh, qr{;\s*Path=/auth(?:;|$)}i,
		    'the refresh cookie is for the endpoints only');
		for my $line ($access, $refresh) {
			like($line, qr/;\s*Secure/i, 'the cookie has Secure');
			like($line, qr/;\s*HttpOnly/i,
			    'the cookie has HttpOnly');
			is($line =~ /;\s*Domain=/i ? 1 : 0,
			    $cookie->{domain} ? 1 : 0,
			    'the cookie has the configured Domain');
		}
		my $again = result($d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/refresh', %https, HTTP_COOKIE =>
		    "__Secure-fcgiauth_refresh=$a->{refresh}"));
		is($again->{status}, 200, 'a refresh by the cookie succeeds');
		my $out = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/logout', %https, HTTP_COOKIE =>
		    "__Secure-fcgiauth_refresh=$again->{cookie}{refresh}");
		my @gone = grep { /Max-Age=0/i }
		    header_values($out, 'Set-Cookie');
		is(scalar(grep { /^\Q$prefix\Efcgiauth_access=;/ } @gone), 1,
		    'a sign-out clears the access cookie');
		is(scalar(grep { /^__Secure-fcgiauth_refresh=;.*Path=\/auth/ }
			@gone), 1,
			    'a sign-out clears the refresh cookie');
		$d->stop_ok;
	}
};

subtest 'a refresh in mode session' => sub {
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
		is($a->{status}, 200,
		    'a refresh succeeds and counts as activity');
		cmp_ok($a->{json}{expires_in}, '<=', 3,
		    'expires_in is at most the idle timeout');
		cmp_ok($a->{json}{expires_in}, '>=', 2,
		    'expires_in is nearly the idle timeout');
		is($a->{refresh}, undef, 'the answer has no refresh token');
		sleep 0.5;
	}
	is($d->check(%cookie)->{status}, 204,
	    'the refreshed session is valid after its idle timeout');
	is($d->check(HTTP_COOKIE => "fcgiauth=$other")->{status}, 401,
	    'a session without refreshes has ended');
	is($by->(HTTP_AUTHORIZATION => "Bearer $r")->{status}, 200,
	    'a refresh by Bearer succeeds');
	for my $dead ([ HTTP_COOKIE => "fcgiauth=$other" ],
	    [ HTTP_AUTHORIZATION => "Bearer $other" ],
	    [ HTTP_COOKIE => 'fcgiauth=' . 'A' x 64 ], []) {
		my $a = $by->(@$dead);
		is($a->{status}, 401,
		    'a refresh without a valid session gets 401');
		is(scalar @{ $a->{cookies} }, 0,
		    'the answer changes no cookie');
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
