# SPDX-License-Identifier: MIT
# Users list and end their sessions, in every mode with a store.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $folder = tempdir(); # is removed with the last reference to it
my %jwt = (keys => "$folder/keys", audience => 'x',
    issuer => 'https://auth.example.com');
my @XHR = @FCGIAuth::Client::XHR;

sub end {
	my ($c, $what, @headers) = @_;
	return $c->request(DELETE => "/auth/sessions$what",
	    headers => [ @XHR, @headers ])->status;
}

sub listed {
	my ($c) = @_;
	my $a = $c->xhr('/auth/sessions');
	return $a->status == 200 ? @{ $a->json->{sessions} } : ();
}

sub current {
	my ($c) = @_;
	my ($id) = map { $_->{id} } grep { $_->{current} } listed($c);
	return $id;
}

sub is_in { my ($c) = @_; return $c->xhr('/auth/me')->status == 200 }

for my $mode ('session', 'refresh', 'jwt') {
	subtest "mode $mode" => sub {
		my ($d, $n) = start_site(conf => {
			auth => { mode => $mode, deliver => 'both' },
			jwt => { %jwt, revocation => 'store' } });
		my ($first, $second, $third, $bob) =
		    map { $n->client } 1 .. 4;
		json_sign_in($_, 'alice') for $first, $second, $third;
		json_sign_in($bob, 'bob');

		my @all = listed($first);
		is(scalar @all, 3, 'alice sees her three sessions');
		is(scalar(grep { $_->{current} } @all), 1, 'one is her own');
		for my $s (@all) {
			like($s->{id}, qr/^[0-9a-f]{32}$/, 'each has an id');
			ok($s->{created} <= $s->{last_seen},
			    'each has its times');
		}
		is($n->client->xhr('/auth/sessions')->status, 401,
		    'a visitor sees none');

		my $id = current($second);
		is(end($bob, "/$id"), 404, 'bob cannot end it');
		is(end($n->client, "/$id"), 401, 'a visitor cannot end it');
		is(end($first, "/$id", Origin => 'https://evil.example'), 403,
		    'another site cannot end it');
		ok(is_in($second), 'it goes on');
		is(end($first, "/$id"), 204, 'alice ends it');
		ok(!is_in($second), 'it has ended');
		is(end($first, "/$id"), 404, 'it ends once');
		is(end($first, "/$_"), 404, "no session has the id $_")
		    for 'x', '0' x 32, 'f' x 33, '0' x 31;
		is(end($first, "/$id/"), 404, 'a longer path is not found');
		is($first->request(GET => "/auth/sessions/$id",
			headers => \@XHR)->status, 405, 'it cannot be read');

		is(end($first, ''), 204, 'alice ends all others');
		ok(is_in($first) && !is_in($third), 'only her own goes on');
		is(end($first, '?all=yes'), 400, 'an odd value is refused');
		is(end($first, '?all=1&all=1'), 400, 'so are two');
		ok(is_in($first), 'nothing was ended');
		is(end($first, '?all=1'), 204, 'alice ends all');
		ok(!is_in($first), 'it has ended');
		is_deeply([ grep { /^fcgiauth(?:_access|_refresh)?$/ }
			keys %{ $first->jar } ], [], 'her cookies are gone');
		ok(is_in($bob), 'bob is still signed in');
	};
}

for my $mode ('session', 'refresh', 'jwt') {
	subtest "the limit in mode $mode" => sub {
		my ($d, $n) = start_site(conf => {
			auth => { mode => $mode, deliver => 'both' },
			session => { max_per_user => 2 },
			jwt => { %jwt, revocation => 'store' } });
		my ($bob, @alice) = map { $n->client } 0 .. 3;
		json_sign_in($bob, 'bob');
		json_sign_in($_, 'alice') for @alice;
		is_deeply([ map { is_in($_) ? 1 : 0 } $bob, @alice ],
		    [ 1, 0, 1, 1 ], 'the oldest session of alice has ended');
		is(scalar listed($alice[2]), 2, 'two are listed');
		like($d->log_text, qr/audit.*session_limit/,
		    'the end is audited');
	};
}

subtest 'forms' => sub {
	my ($d, $n) = start_site();
	my ($first, $second) = map { $n->client } 1, 2;
	sign_in($_, 'alice') for $first, $second;
	my $id = current($second);
	my $csrf = $first->page('/auth/logout')->field('csrf');

	is($first->post_form("/auth/sessions/$id/end", [])->status, 403,
	    'a form needs its token');
	ok(is_in($second), 'nothing was ended');
	my $a = $first->post_form("/auth/sessions/$id/end", [ csrf => $csrf ]);
	is($a->status, 303, 'a form ends a session');
	is($a->header('location'), '/auth/account', 'and leads back');
	ok(!is_in($second), 'the session has ended');
	$a = $first->post_form('/auth/sessions/end',
	    [ csrf => $csrf, all => 1 ]);
	is($a->header('location'), '/auth/logout',
	    'the end of all leads to the sign-out page');
	ok(!is_in($first), 'all have ended');
};

subtest 'mode jwt without a store' => sub {
	my ($d, $n) = start_site(conf => { auth => { mode => 'jwt' },
		jwt => { %jwt } });
	my $c = $n->client;
	json_sign_in($c, 'alice');
	is($c->xhr('/auth/sessions')->status, 404, 'nothing is listed');
	is(end($c, ''), 404, 'nothing can be ended');
};

done_testing;
