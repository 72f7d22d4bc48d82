# SPDX-License-Identifier: MIT
# The account page, and the change of the password.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $folder = tempdir(); # is removed with the last reference to it
my %jwt = (keys => "$folder/keys", audience => 'x',
    issuer => 'https://auth.example.com');
my @XHR = @FCGIAuth::Client::XHR;
my $new = 'violet otters swim by night';

sub is_in { my ($c) = @_; return $c->xhr('/auth/me')->status == 200 }

sub change {
	my ($c, %with) = @_;
	return $c->post_json('/auth/password', \%with);
}

subtest 'the page' => sub {
	my ($d, $n) = start_site(conf => {
		'link wiki' => { url => '/wiki/?start=1', title => 'The Wiki' },
		'link code' => { url => 'https://code.example.org/',
			require => 'role:nobody user:bob' },
		'link away' => { url => 'https://away.example.org/a' },
		'link shut' => { url => '/shut/' },
		'rule 10-shut' => { path => '/shut/', require => 'deny' },
		'rule 20-all' => { require => 'user' },
	});
	my ($one, $two) = map { $n->client } 1, 2;

	my $a = $one->page('/auth/account');
	is($a->status, 303, 'a visitor is sent away');
	like($a->header('location'), qr{^/auth/login\?rd=(?:/|%2F)auth},
	    'to the login page, which leads back');
	is($one->xhr('/auth/account')->status, 401, 'a program gets 401');

	sign_in($one, 'alice');
	sign_in($two, 'alice');
	$a = $one->page('/auth/account');
	is($a->status, 200, 'it is shown');
	like($a->body, qr{<bdi>alice</bdi>}, 'it says who is signed in');
	like($a->body, qr{href="/wiki/\?start=1"}, 'it has a link');
	like($a->body, qr{The Wiki}, 'with its title');
	like($a->body, qr{<bdi>away</bdi>.*away\.example\.org}s,
	    'a link without a title has its name, and its host');
	unlike($a->body, qr{code\.example\.org},
	    'a link for others is not shown');
	unlike($a->body, qr{/shut/}, 'nor is one that the rules deny');
	is(() = $a->body =~ m{action="/auth/sessions/[0-9a-f]{32}/end"}g, 1,
	    'the other session can be ended');
	is(() = $a->body =~ m{class="tag"}g, 1, 'its own is marked');
	like($a->header('cache-control'), qr/no-store/, 'it is not stored');

	my ($end) = $a->body =~ m{action="(/auth/sessions/[0-9a-f]{32}/end)"};
	my $csrf = $a->field('csrf');
	is($one->post_form($end, [ csrf => $csrf ])->header('location'),
	    '/auth/account', 'the button leads back');
	ok(!is_in($two) && is_in($one), 'the other session has ended');
	is($one->post_form($end, [ csrf => $csrf ])->status, 303,
	    'once more does no harm');
	unlike($one->page('/auth/account')->body, qr{[0-9a-f]{32}/end"},
	    'there is nothing more to end');
	is($one->page('/auth/login')->header('location'), '/auth/account',
	    'it is the landing page');
};

for my $mode ('session', 'refresh', 'jwt') {
	subtest "a program changes the password in mode $mode" => sub {
		my ($d, $n) = start_site(conf => {
			auth => { mode => $mode },
			jwt => { %jwt, revocation => 'store' } });
		my ($one, $two, $bob) = map { $n->client } 1 .. 3;
		json_sign_in($_, 'alice') for $one, $two;
		json_sign_in($bob, 'bob');
		my $old = $PASSWORD;

		is(change($n->client, current => $old, new => $new)->status,
		    401, 'a visitor cannot');
		my $a = change($one, current => 'wrong', new => $new);
		is($a->status, 401, 'the current one must be right');
		is($a->json->{error}, 'invalid_credentials', 'it says so');
		for ([ 'short', 'short' ], [ 'alice' x 4, 'the name' ],
		    [ 'passwordpassword', 'common' ],
		    [ $old, 'the current one' ]) {
			$a = change($one, current => $old, new => $_->[0]);
			is($a->status, 422, "refused: $_->[1]");
			is($a->json->{error}, 'password_refused',
			    'it says so');
		}
		is(change($one, current => $old)->status, 400,
		    'both must be there');
		is($one->request(POST => '/auth/password',
			headers => [ @XHR, Origin => 'https://evil.example',
				'Content-Type' => 'application/json' ],
			body => '{}')->status, 403,
		    'another site cannot');
		ok(is_in($two), 'nothing was changed');

		is(change($one, current => $old, new => $new)->status, 204,
		    'it is changed');
		ok(is_in($one), 'the session goes on');
		ok(!is_in($two), 'the other one has ended');
		ok(is_in($bob), 'another user is not concerned');
		is(json_sign_in($n->client, 'alice')->status, 401,
		    'the old password is refused');
		is(json_sign_in($n->client, 'alice',
			password => $new)->status, 200,
		    'the new one is right');
	};
}

subtest 'a form changes the password' => sub {
	my ($d, $n) = start_site();
	my $c = $n->client;
	my $old = $PASSWORD;
	sign_in($c, 'alice');
	my $csrf = $c->page('/auth/account')->field('csrf');
	my $post = sub {
		my (%with) = @_;
		return $c->post_form('/auth/password', [ %with ]);
	};

	is($post->(current => $old, new => $new)->status, 403,
	    'the form needs its token');
	my $a = $post->(csrf => $csrf, current => 'wrong', new => $new);
	is($a->status, 401, 'the current one must be right');
	like($a->body, qr{current password is wrong}, 'the page says so');
	$a = $post->(csrf => $csrf, current => $old, new => 'short');
	is($a->status, 422, 'a short one is refused');
	like($a->body, qr{<bdi>10</bdi> more characters}, 'the page says why');
	unlike($a->body, qr{\Q$old\E}, 'and repeats no password');
	$a = $post->(csrf => $csrf, current => $old, new => $new);
	is($a->status, 303, 'it is changed');
	is($a->header('location'), '/auth/account?changed=1',
	    'and the page shown again');
	unlike($n->client->page('/auth/account?changed=1')->body // '',
	    qr{has changed}, 'a link does not make the page say so');
};

# This does not depend on the store.
$ENV{FCGIAUTH_STORE} or subtest 'a source that cannot change passwords' => sub {
	my $hash = crypt($PASSWORD, '$6$saltsalt$') // '';
	plan(skip_all => 'crypt(3) has no $6$ here') unless $hash =~ /^\$6\$/;
	my $d = FCGIAuth::Daemon->new(conf => { users => { path => undef } });
	my $file = $d->dir . '/htpasswd';
	spit($file, "alice:$hash\n");
	$d->configure(users => { driver => 'htpasswd', file => $file });
	FCGIAuth::Site::web_conf($d)->start;
	my $n = new_web($d);
	$n->apps->start;
	my $c = $n->client;
	json_sign_in($c, 'alice');

	my $a = change($c, current => $PASSWORD, new => $new);
	is($a->status, 403, 'it is refused');
	is($a->json->{error}, 'password_elsewhere', 'it says so');
	unlike($c->page('/auth/account')->body, qr{name="new"},
	    'the page has no form for it');
};

done_testing;
