# SPDX-License-Identifier: MIT
# Tokens of mode jwt that can be ended, because a store is asked.
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

# By JSON, straight to a daemon: the access token.
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
my $dead = sub {
	my ($what, $token) = @_;
	is(status($_, $token), 401, $what) for $one, $two;
};
my $alive = sub {
	my ($what, $token) = @_;
	is(status($_, $token), 204, $what) for $one, $two;
};

my ($token, $more) = map { token($one, 'alice') } 1, 2;
$alive->('one login, two services', $token);
is($two->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	HTTP_AUTHORIZATION => "Bearer $token")->{status}, 204,
    'logged out');
$dead->('a logout', $token);
$alive->('another login of alice is not touched', $more);
is($two->ask(REQUEST_URI => '/auth/me',
	HTTP_AUTHORIZATION => "Bearer $token")->{status}, 401,
    'nobody');
# Another token of the same session dies with it.
my $key = slurp(signer_file("$dir/keys"));
my ($h, $p) = parts($token);
$dead->('another spelling of the session', sign('HS256', $key, $h,
	{ %$p, jti => 'b' x 32 }));

my ($sid) = (parts($more))[1]{sid};
my @ended = $one->ctl('session', 'revoke', $sid);
is($ended[0], 0, 'session revoke') or diag("@ended");
$dead->('session revoke', $more);
for my $case (
    [ 'session revoke --user', qw(session revoke --user bob) ],
    [ 'user passwd', \"another long password\n",
	qw(user passwd bob --password-stdin) ],
    [ 'user disable', qw(user disable bob) ]) {
	my ($what, @args) = @$case;
	$one->ctl(qw(user delete bob));
	$one->add_user('bob');
	sleep 0.01;
	my $his = token($two, 'bob');
	my $hers = token($two, 'carol');
	$alive->("$what: before", $his);
	@ended = $one->ctl(@args);
	is($ended[0], 0, "$what: done") or diag("@ended");
	$dead->("$what: after", $his);
	$alive->("$what: carol is not touched", $hers);
}
$one->ctl(qw(user delete bob));
$one->add_user('bob');
sleep 0.01;
my $new = token($one, 'bob');
$alive->('a new login is good', $new) if defined $new;
ok(defined $new, 'there is one');
is($one->stop, 0, 'stopped');
$one->start;
$dead->('a restart forgets nothing', $token);

# A store that cannot answer is no yes.
my $last = token($one, 'dave');
$alive->('dave', $last);
$one->store->away;
is(status($one, $last), 503, 'the store is away: nobody can tell');
is(status($one, "${last}x"), 401, 'but for what is no token');
$one->store->back;
ok(wait_for(10, sub { status($one, $last) == 204 }),
    'with the store back, dave is let in again');
ok(wait_for(10, sub { status($one, $token) == 401 }),
    'and what was ended is ended');
$_->stop_ok for $one, $two;

done_testing;
