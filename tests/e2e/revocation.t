# SPDX-License-Identifier: MIT
# Mode jwt with revocation = store: tokens can be ended before their time.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::Token qw(parts sign signer_file);
use Test::More;
use Time::HiRes qw(sleep);

my $dir = tempdir();

# Signs in by JSON at a daemon and returns the access token.
sub token {
	my ($d, $name) = @_;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json',
	    body => qq({"username":"$name","password":"$PASSWORD"}));
	my ($token) = ($a->{body} // '') =~ /"access_token":"([^"]*)"/;
	return $token;
}

sub status {
	my ($d, $token) = @_;
	return $d->check(HTTP_AUTHORIZATION => "Bearer $token")->{status};
}

my %conf = (conf => { auth => { mode => 'jwt', deliver => 'both' },
	jwt => { algorithm => 'HS256', keys => "$dir/keys", audience => 'x',
		issuer => 'https://auth.example.com',
		revocation => 'store' } });
my $one = FCGIAuth::Daemon->new(%conf);
$one->add_user($_) for qw(alice bob carol dave);
$one->start;
my $two = FCGIAuth::Daemon->new(%conf, store => $one->store)->start;
# Each refuses it as soon as the change feed has told it.
my $dead = sub {
	my ($what, $token) = @_;
	for my $d ($one, $two) {
		ok(wait_for(10, sub { status($d, $token) == 401 }), $what);
	}
};
my $alive = sub {
	my ($what, $token) = @_;
	is(status($_, $token), 204, $what) for $one, $two;
};

my ($token, $more) = map { token($one, 'alice') } 1, 2;
$alive->('two services accept the token of one sign-in', $token);
is($two->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	HTTP_AUTHORIZATION => "Bearer $token")->{status}, 204,
    'the sign-out succeeds');
$dead->('the token is refused after the sign-out', $token);
$alive->('the token of another sign-in is valid', $more);
is($two->ask(REQUEST_URI => '/auth/me',
	HTTP_AUTHORIZATION => "Bearer $token")->{status}, 401,
    '/auth/me refuses the ended token');
# The end of a session also ends its other tokens.
my $key = slurp(signer_file("$dir/keys"));
my ($h, $p) = parts($token);
$dead->('another token of the ended session is refused', sign('HS256', $key, $h,
	{ %$p, jti => 'b' x 32 }));

my ($sid) = (parts($more))[1]{sid};
# Returns the rows of the sessions of a user.
my $rows = sub {
	my ($name) = @_;
	my (undef, $out) = $one->ctl(qw(session list --user), $name);
	return grep { / \Q$name\E / } split /\n/, $out;
};
is(join(' ', map { /^(\w+)/ } $rows->('alice')), $sid,
    'session list has the session that has not ended');
my @ended = $one->ctl('session', 'revoke', $sid);
is($ended[0], 0, 'session revoke succeeds') or diag("@ended");
$dead->('the token is refused after session revoke', $more);
is(scalar $rows->('alice'), 0, 'session list does not have it any more');
my $old = sign('HS256', $key, $h, { %$p, sid => 'a' x 32, jti => 'c' x 32 });
$alive->('a token without a session in the store is valid', $old);
is(($one->ctl('session', 'revoke', 'a' x 32))[0], 0, 'it can be revoked');
$dead->('it is refused after session revoke', $old);
for my $case (
    [ 'session revoke --user', qw(session revoke --user bob) ],
    [ 'user passwd', \"another long password\n",
	qw(user passwd bob --password-stdin) ],
    [ 'user disable', qw(user disable bob) ]) {
	my ($what, @args) = @$case;
	$one->ctl(qw(user delete bob));
	$one->add_user('bob');
	sleep 0.01;
	my $bobs = token($two, 'bob');
	my $carols = token($two, 'carol');
	$alive->("$what: the token is valid before", $bobs);
	@ended = $one->ctl(@args);
	is($ended[0], 0, "$what succeeds") or diag("@ended");
	$dead->("$what: the token is refused after", $bobs);
	$alive->("$what: the token of carol is valid", $carols);
	is(scalar $rows->('bob'), 0, "$what: no session of bob is listed");
}
$one->ctl(qw(user delete bob));
$one->add_user('bob');
sleep 0.01;
my $new = token($one, 'bob');
$alive->('the token of a new sign-in is valid', $new) if defined $new;
ok(defined $new, 'a new sign-in returns a token');
is($one->stop, 0, 'the daemon ends with status 0');
$one->start;
$dead->('an ended token stays refused after a restart', $token);

# A check without an answer of the store is not allowed.
my $last = token($one, 'dave');
$alive->('the token of dave is valid', $last);
$one->store->away;
ok(wait_for(10, sub { status($one, $last) == 503 }),
    'a check gets 503 while the store is unreachable');
is(status($one, "${last}x"), 401,
    'an invalid token gets 401 while the store is unreachable');
$one->store->back;
ok(wait_for(10, sub { status($one, $last) == 204 }),
    'the token is valid when the store is back');
ok(wait_for(10, sub { status($one, $token) == 401 }),
    'an ended token is refused when the store is back');
$_->stop_ok for $one, $two;

done_testing;
