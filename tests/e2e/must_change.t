# SPDX-License-Identifier: MIT
# A user who must change their password: the right password leads to a form, and
# only a new one to a session.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Site;
use FCGIAuth::Test;
use POSIX ();
use Test::More;

my $folder = tempdir(); # is removed with the last reference to it
my %jwt = (keys => "$folder/keys", audience => 'x',
    issuer => 'https://auth.example.com');
my @XHR = @FCGIAuth::Client::XHR;
my $TO = '/auth/login/password';
my $count = 0;

sub phrase { return 'phrase of the number ' . ++$count }

sub is_in { my ($c) = @_; return $c->xhr('/auth/me')->status == 200 }

# Sets a password that the user must change.
sub demand {
	my ($d, $who, $password) = @_;
	my ($code, $out, $errors) = $d->ctl(\"$password\n", 'user', 'passwd',
	    $who, qw(--must-change --password-stdin));
	is($code, 0, 'user passwd --must-change') or diag($errors);
	return $password;
}

# Sends the form for a new password that a sign-in led to; %with replaces
# fields.
sub send_form {
	my ($c, $page, %with) = @_;
	my %fields = (%with, map { $_ => $with{$_} // $page->field($_) // '' }
	    qw(csrf ticket rd));

	$fields{again} //= $fields{new};
	return $c->post_form($TO, [ %fields ]);
}

sub begins_again {
	my ($a, $what) = @_;
	is($a->status, 303, $what);
	return like($a->header('location'), qr{^/auth/login\?again=1},
	    'the login page says why');
}

sub no_session {
	my ($a, $what) = @_;
	return is(scalar(grep { !/^fcgiauth_login=/ } $a->all('set-cookie')),
	    0, $what);
}

subtest 'the command' => sub {
	my $d = FCGIAuth::Daemon->new;
	my @set = qw(user set alice);
	my $show = sub { ($d->ctl(qw(user show alice), @_))[1] };

	$d->add_user('alice');
	like($show->(), qr/^must change +no$/m, 'at first it is not demanded');
	my ($code, $out, $errors) = $d->ctl(@set, '--must-change');
	is($code, 0, 'it is demanded') or diag($errors);
	like($errors, qr/audit user_changed user=alice must_change=yes/,
	    'which is an audit line');
	like($show->(), qr/^must change +yes$/m, 'user show says so');
	like($show->('--json'), qr/"must_change": true/, 'also as JSON');
	($code) = $d->ctl(\"the phrase of the boss\n",
	    qw(user passwd alice --password-stdin));
	like($show->(), qr/^must change +yes$/m,
	    'a password of the administrator leaves it');
	($code) = $d->ctl(@set, qw(--no-must-change --role staff));
	is($code, 0, 'it is taken back, with another change');
	like($show->('--json'), qr/"must_change": false/, 'user show says so');
	like($show->(), qr/staff/, 'the other change is there');

	($code) = $d->ctl(@set, qw(--must-change --no-must-change));
	is($code, 2, 'not both at once');
	($code, $out, $errors) = $d->ctl(qw(user set nobody --must-change));
	is($code, 1, 'a user who does not exist is refused');
	like($errors, qr/no such user/, 'the message says so');
	($code, $out, $errors) = $d->ctl(\"$PASSWORD\n",
	    qw(user add carol --must-change --password-stdin));
	is($code, 0, 'a user is added') or diag($errors);
	like(($d->ctl(qw(user show carol)))[1], qr/^must change +yes$/m,
	    'who must change the first password');

	$d->configure(factors => { driver => 'none' });
	($code, $out, $errors) = $d->ctl(@set, '--must-change');
	is($code, 1, 'without a factor store it cannot be demanded');
	like($errors, qr/--must-change needs a factor store/,
	    'the message says so');
	unlike($show->(), qr/must change/, 'user show says nothing of it');
	is(($d->ctl(\"$PASSWORD\n",
	    qw(user add dave --must-change --password-stdin)))[0], 1,
	    'nor with a new user');
	is(($d->ctl(qw(user show dave)))[0], 1, 'who is not added');
};

subtest 'a source that cannot set passwords' => sub {
	my $d = FCGIAuth::Daemon->new(store => 'sqlite');
	my $file = $d->dir . '/htpasswd';

	$d->add_user('alice');
	my ($code, $out) = $d->ctl(qw(user export));
	my ($hash) = $out =~ /"hash":"([^"]+)"/;
	spit($file, "alice:$hash\n");
	$d->configure(factors => { driver => 'sqlite',
		path => $d->dir . '/factors.db' },
	    users => { driver => 'htpasswd', path => undef, file => $file });
	($code, $out, my $errors) = $d->ctl(qw(user set alice --must-change));
	is($code, 1, 'it cannot be demanded');
	like($errors, qr/htpasswd\(1\)/, 'the message says where');
	($code, $out, $errors) = $d->ctl(qw(user set alice --no-must-change));
	is($code, 0, 'it can be taken back') or diag($errors);
};

for my $mode (qw(session jwt refresh)) {
	subtest "mode $mode" => sub {
		my ($d, $n) = start_site(conf => {
			auth => { mode => $mode },
			$mode eq 'session' ? () :
			    (jwt => { %jwt, revocation => 'store' }) });
		by_form($d, $n);
		by_program($d, $n);
		hostile($d, $n);
		at_once($d, $n);
		$d->stop_ok;
	};
}

sub by_form {
	my ($d, $n) = @_;
	my ($c, $old) = ($n->client, $n->client);
	my ($given, $new) = (phrase(), phrase());

	json_sign_in($old, 'alice');
	is(($d->ctl(qw(user set alice --must-change)))[0], 0, 'it is demanded');
	ok(is_in($old), 'a session goes on');
	is(json_sign_in($old, 'alice')->status, 403, 'a sign-in is refused');
	ok(is_in($old), 'and does not end the session');
	demand($d, 'alice', $given);

	my $page = sign_in($c, 'alice', password => $given, rd => '/some/page');
	is($page->status, 200, 'the password leads to the form');
	like($page->body, qr/Choose a new password/, 'which says what to do');
	no_session($page, 'there is no session');
	ok(!is_in($c), 'nobody is signed in');
	my $a = send_form($c, $page, new => 'short');
	is($a->status, 422, 'a short password is refused');
	like($a->body, qr/too short/, 'the page says why');
	$a = send_form($c, $a, new => $given);
	is($a->status, 422, 'so is the old one');
	$a = send_form($c, $a, new => $new, again => 'x');
	is($a->status, 422, 'and two that differ');
	no_session($a, 'there is still no session');

	my $cookie = $c->jar->{fcgiauth_login};
	$a = send_form($c, $a, new => $new);
	is($a->status, 303, 'a good one is set');
	is($a->header('location'), '/some/page', 'and leads on');
	ok(is_in($c), 'the user is signed in');
	is($c->page('/some/page')->status, 200, 'the page opens');
	ok(!exists $c->jar->{fcgiauth_login} || !$c->jar->{fcgiauth_login},
	    'the cookie of the form is gone');
	ok(!is_in($old), 'the other session has ended');
	is(json_sign_in($n->client, 'alice', password => $given)->status, 401,
	    'the old password is wrong');
	is(json_sign_in($n->client, 'alice', password => $new)->status, 200,
	    'the new one signs in');
	$c->jar->{fcgiauth_login} = $cookie;
	begins_again(send_form($c, $page, new => phrase()),
	    'the form works once');
	ok(is_in($c), 'the session goes on');
	for (qw(login_incomplete password_changed)) {
		like($d->log_text, qr/audit $_ user=alice why=must_change/,
		    "the log has $_");
	}
	return;
}

sub by_program {
	my ($d, $n) = @_;
	my $c = $n->client;
	my $given = demand($d, 'bob', phrase());
	my $new = phrase();

	my $a = json_sign_in($c, 'bob', password => $given);
	is($a->status, 403, 'a program gets 403');
	is($a->json->{error}, 'password_change_required', 'with its code');
	my $ticket = $a->json->{ticket};
	like($ticket, qr/^[A-Za-z0-9_-]{43}\z/, 'and a ticket');
	no_session($a, 'there is no session');
	is_no_credential($n, $ticket);

	$a = $c->post_json($TO, { ticket => $ticket, new => 'short' });
	is($a->status, 422, 'a short password is refused');
	is($a->json->{error}, 'password_refused', 'with its code');
	$a = $c->post_json($TO, { ticket => $ticket, new => $new });
	is($a->status, 200, 'a good one signs in');
	is($a->json->{user}{name}, 'bob', 'with the answer of a sign-in');
	ok(is_in($c), 'the user is signed in');
	$a = $n->client->post_json($TO, { ticket => $ticket, new => phrase() });
	is($a->status, 401, 'the ticket works once');
	is($a->json->{error}, 'invalid_ticket', 'the code says so');
	return;
}

sub is_no_credential {
	my ($n, $ticket) = @_;
	my @as = ([ Authorization => "Bearer $ticket" ],
	    [ Cookie => join '; ', map { "fcgiauth$_=$ticket" }
		'', '_access', '_refresh', '_login' ]);

	for my $as (@as) {
		for my $path ('/', '/auth/me', '/auth/account',
		    '/auth/sessions') {
			is($n->client->get($path, @XHR, @$as)->status, 401,
			    "it is no $as->[0] at $path");
		}
		my $a = $n->client->post_json('/auth/refresh', '', @$as);
		cmp_ok($a->status, '>=', 400, 'nor at /auth/refresh');
	}
	is($n->client->page("/auth/link/$ticket")->status, 404,
	    'nor is it a link');
	return;
}

sub hostile {
	my ($d, $n) = @_;
	my ($c, $other) = ($n->client, $n->client);
	my $given = demand($d, 'alice', phrase());
	my $page = sign_in($c, 'alice', password => $given);
	my $theirs = $other->page('/auth/login');

	begins_again(send_form($other, $page, new => phrase(),
		csrf => $theirs->field('csrf')), 'another browser is refused');
	my $a = $n->client->post_json($TO, { ticket => $page->field('ticket'),
		new => phrase() });
	is($a->status, 401, 'so is a program without the cookie');
	is(send_form($c, $page, new => phrase(), csrf => 'x')->status, 403,
	    'so is a wrong token of the form');
	$a = $c->request(POST => $TO, headers => [
		Origin => 'https://evil.example',
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => FCGIAuth::Client::form(map { $_ => $page->field($_) }
		qw(csrf ticket)) . '&new=a+good+new+one&again=a+good+new+one');
	is($a->status, 403, 'so is another site');
	begins_again(send_form($c, $page, new => phrase(), ticket => 'x'),
	    'so is another ticket');
	$a = $c->page('/auth/login?again=1');
	like($a->body, qr/Please sign in again/, 'the login page says why');

	is(($d->ctl(qw(user disable alice)))[0], 0, 'the user is disabled');
	begins_again(send_form($c, $page, new => phrase()),
	    'then the form does not work');
	is(($d->ctl(qw(user enable alice)))[0], 0, 'the user is enabled');
	begins_again(send_form($c, $page, new => phrase()), 'nor does it then');
	$page = sign_in($c, 'alice', password => $given);
	is(send_form($c, $page, new => phrase(), rd => 'https://evil.example/')
	    ->header('location'), '/auth/account',
	    'a foreign return address is dropped');
	ok(is_in($c), 'and the user is signed in');
	return;
}

sub at_once {
	my ($d, $n) = @_;
	my $c = $n->client;
	my $given = demand($d, 'bob', phrase());
	my $page = sign_in($c, 'bob', password => $given);
	my $dir = tempdir();
	my @new = map { phrase() } 1 .. 8;
	my @children;

	for my $i (0 .. $#new) {
		push @children, my $pid = fork // die "fork: $!";
		next if $pid;
		$c->close;
		my $a = send_form($c, $page, new => $new[$i]);
		spit("$dir/$i", $a->status . ' ' .
		    ($a->header('location') // ''));
		POSIX::_exit(0);
	}
	waitpid $_, 0 for @children;
	my @won = grep { slurp("$dir/$_") eq '303 /' } 0 .. $#new;
	is(scalar @won, 1, 'of 8 forms at once, one wins');
	is(json_sign_in($n->client, 'bob', password => $new[$won[0] // 0])
	    ->status, 200, 'its password is set');
	return;
}

subtest 'the factor store' => sub {
	my $sqlite = in_path('sqlite3');
	plan(skip_all => 'no sqlite3') unless $sqlite;
	my $file = "$folder/factors.db";
	my ($d, $n) = start_site(conf => {
		factors => { driver => 'sqlite', path => $file } });
	my ($c, $old) = ($n->client, $n->client);

	json_sign_in($old, 'alice');
	is(($d->ctl(qw(user set alice --must-change)))[0], 0, 'it is demanded');
	my $page = sign_in($c, 'alice');
	is($page->status, 200, 'a sign-in leads to the form');

	rename $file, "$file.away" or die $!;
	my $a;
	ok(wait_for(30, sub {
		($a = json_sign_in($old, 'alice'))->status == 503 }),
	    'a sign-in is 503 while the factor store is away');
	is(scalar $a->all('set-cookie'), 0, 'no cookie changes');
	ok(is_in($old), 'and no session ends');
	is(send_form($c, $page, new => phrase())->status, 503,
	    'so is a new password');
	rename "$file.away", $file or die $!;
	ok(wait_for(30, sub {
		send_form($c, $page, new => 'short')->status == 422 }),
	    'then the ticket is valid again');

	my ($code, $out, $errors) = capture($sqlite, $file,
	    'PRAGMA busy_timeout = 5000; UPDATE one_time ' .
	    'SET expires_ms = created_ms + 1;');
	is($code, 0, 'five minutes pass') or diag($errors);
	begins_again(send_form($c, $page, new => phrase()),
	    'then it has expired');
	like(($d->ctl(qw(user show alice)))[1], qr/^must change +yes$/m,
	    'and nothing was changed');
	$d->stop_ok;
};

done_testing();
