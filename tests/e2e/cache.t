# SPDX-License-Identifier: MIT
# Checks are answered from memory, and a session that ends anywhere is refused:
# by the daemon that ended it at once, by others as soon as the change feed has
# told them. Two daemons use one store.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP qw(decode_json);
use Test::More;

my $PASSWORD = $FCGIAuth::Daemon::PASSWORD;

# A feed that is lost is noticed within twice this time.
my $HEARTBEAT = 200;

sub state {
	my ($d) = @_;
	my (undef, $out) = $d->ctl(qw(status --json));
	return eval { decode_json($out)->{cache} } || {};
}

sub wait_proven {
	my ($d) = @_;
	ok(wait_for(10, sub { (state($d)->{feed} // '') eq 'proven' }),
	    'the feed is proven') or diag($d->log_text);
}

# Starts two daemons on one store, with two users.
sub pair {
	my (%conf) = @_;
	my %all = (cache => { heartbeat => "${HEARTBEAT}ms" }, %conf);
	my $place = tempdir();

	$all{jwt} = { keys => "$place/keys", %{ $all{jwt} || {} } };
	my $one = FCGIAuth::Daemon->new(conf => \%all);
	my $two = FCGIAuth::Daemon->new(store => $one->store, conf => \%all);
	$one->add_user($_, roles => ['staff']) for qw(alice bob);
	$_->start for $one, $two;
	wait_proven($_) for $one, $two;
	$one->{keys} = $place;	# which exists as long as the daemon
	return ($one, $two);
}

# The cookies of a sign-in, as a browser sends them with each request.
sub cookies {
	my ($d, $name) = @_;
	my $a = login($d, $name, $PASSWORD);
	return join '; ', $a->{raw} =~ /Set-Cookie: (fcgiauth[^;]+)/g;
}

sub check { return $_[0]->check(HTTP_COOKIE => $_[1])->{status} }

# Fills the caches: the second check of each is a hit.
sub warm {
	my ($cookie, @d) = @_;
	for my $d (@d) {
		is(check($d, $cookie), 204, 'the session is accepted')
		    for 1 .. 2;
	}
}

sub soon {
	my ($d, $cookie, $what) = @_;
	ok(wait_for(10, sub { check($d, $cookie) == 401 }),
	    "$what: the other daemon refuses it soon");
}

sub post {
	my ($d, $uri, $cookie, %more) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => $uri,
	    CONTENT_TYPE => 'application/json', HTTP_COOKIE => $cookie,
	    body => '{}', %more)->{status};
}

sub session_id {
	my ($d, $cookie) = @_;
	my $a = $d->ask(REQUEST_URI => '/auth/me', HTTP_COOKIE => $cookie);
	return decode_json($a->{body})->{session};
}

# Each way to end what alice has. Those that a daemon is asked for take effect
# there at once.
my @ends = (
	[ 'sign-out', sub { post($_[0], '/auth/logout', $_[1]) }, 1 ],
	[ 'session revoke', sub {
		$_[0]->ctl(qw(session revoke), session_id($_[0], $_[1])) } ],
	[ 'session revoke --user', sub {
		$_[0]->ctl(qw(session revoke --user alice)) } ],
	[ 'session revoke --all', sub {
		$_[0]->ctl(qw(session revoke --all)) } ],
	[ 'user disable', sub { $_[0]->ctl(qw(user disable alice));
		$_[0]->ctl(qw(user enable alice)) } ],
	[ 'user passwd', sub {
		$_[0]->ctl(\$PASSWORD,
		    qw(user passwd alice --password-stdin)) } ],
);

for my $case ([ 'session', {} ],
    [ 'jwt', { jwt => { revocation => 'store', leeway => '0' } } ],
    [ 'refresh', { jwt => { revocation => 'store' } } ]) {
	my ($mode, $conf) = @$case;

	subtest "mode $mode" => sub {
		my ($one, $two) = pair(auth => { mode => $mode }, %$conf);
		my $bob = cookies($one, 'bob');

		for my $end (@ends) {
			my ($what, $run, $here) = @$end;
			# In mode jwt there are no sessions to list, and one
			# that ends is known by its id alone.
			my $alice = cookies($one, 'alice');
			warm($alice, $one, $two);
			$run->($one, $alice);
			is(check($one, $alice), 401,
			    "$what: the daemon itself refuses it at once")
			    if $here;
			soon($_, $alice, $what) for $one, $two;
			if ($what eq 'session revoke --all') {
				soon($_, $bob, $what) for $one, $two;
				$bob = cookies($one, 'bob');
			}
			is(check($_, $bob), 204, "$what: bob may go on")
			    for $one, $two;
		}
		my $hits = state($two)->{hits};
		is(check($two, $bob), 204, 'bob is still known');
		is(state($two)->{hits}, $hits + 1, 'without the store');
		$_->stop_ok for $one, $two;
	};
}

subtest 'a change of roles' => sub {
	for my $mode (qw(session refresh)) {
		my ($one, $two) = pair(auth => { mode => $mode },
		    jwt => { revocation => 'store' });
		my $alice = cookies($one, 'alice');
		warm($alice, $one, $two);
		my (undef, undef, $err) =
		    $one->ctl(qw(user set alice --role admin));
		unlike($err, qr/warning/, "mode $mode: no token stays as it is");
		for my $d ($one, $two) {
			ok(wait_for(10, sub {
				my $a = $d->check(HTTP_COOKIE => $alice);
				((header_values($a, 'Remote-Groups'))[0] // '')
				    eq 'admin';
			}), "mode $mode: the new role arrives soon");
		}
		$_->stop_ok for $one, $two;
	}
};

subtest 'revocation = none' => sub {
	my $place = tempdir();
	my $one = FCGIAuth::Daemon->new(conf => {
		auth => { mode => 'refresh' },
		jwt => { keys => "$place/keys" } });
	$one->add_user('alice');
	$one->start;
	my $alice = cookies($one, 'alice');
	warm($alice, $one);
	post($one, '/auth/logout', $alice);
	is(check($one, $alice), 204,
	    'an access token works until it expires');
	my (undef, undef, $err) = $one->ctl(qw(user disable alice));
	like($err, qr/access tokens that alice has already work until/,
	    'fcgiauthctl warns of it');
	$one->stop_ok;
};

subtest 'a reload empties the cache' => sub {
	my ($one) = pair();
	my $alice = cookies($one, 'alice');
	warm($alice, $one);
	my $misses = state($one)->{misses};
	$one->reload;
	ok(wait_for(10, sub { $one->log_text =~ /reloaded/ }),
	    'the configuration is taken over');
	is(check($one, $alice), 204, 'the session is accepted');
	cmp_ok(state($one)->{misses}, '>', $misses, 'the store was asked');
	# Until the feed of the new configuration is proven, each check asks.
	ok(wait_for(10, sub {
		my $hits = state($one)->{hits};
		return check($one, $alice) == 204 &&
		    state($one)->{hits} == $hits + 1;
	}), 'checks are answered from memory again');
	$one->stop_ok;
};

done_testing;
