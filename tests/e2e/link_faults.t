# SPDX-License-Identifier: MIT
# Links of fcgiauthctl that must not work, and stores that are away while one is
# used: nothing is changed, and the link still works afterwards.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $NEW = 'a quite different phrase';
my @RESET = qw(link reset alice --url https://www.example.com);
my ($d, $n) = start_site();
my $file = $d->dir . '/factors.db';

# Returns the path of a new link for a new password of alice.
sub new_link {
	my ($code, $out, $errors) = $d->ctl(@RESET);
	is($code, 0, 'a link is made') or diag($errors);
	my ($path) = $out =~ m{(/auth/link/\S+)};
	return $path;
}

sub in_factors {
	my ($text) = @_;
	my ($code, undef, $errors) = capture(in_path('sqlite3'), $file, $text);
	is($code, 0, $text) or diag($errors);
	return;
}

sub set_password {
	my ($path) = @_;
	return $n->client->post_json($path, { new => $NEW })->status;
}

sub status_of { return $n->client->page($_[0])->status }

sub signs_in {
	my ($password) = @_;
	return json_sign_in($n->client, 'alice',
	    password => $password)->status == 200;
}

# Waits until the page of the link has this status.
sub soon {
	my ($path, $status, $what) = @_;
	return ok(wait_for(30, sub { status_of($path) == $status }), $what);
}

$d->configure(factors => { driver => 'sqlite', path => $file });
$d->reload;
ok(wait_for(20, sub { -s $file }), 'the factor store has a file of its own');

subtest 'the link has expired' => sub {
	my $path = new_link();
	soon($path, 200, 'it works before');
	in_factors('UPDATE one_time SET created_ms = created_ms - 3600000, ' .
	    'expires_ms = expires_ms - 3600000');
	is(status_of($path), 404, 'its page is gone');
	is(set_password($path), 404, 'it sets no password');
	ok(signs_in($FCGIAuth::Daemon::PASSWORD), 'the old one is right');
};

subtest 'the secret has another purpose' => sub {
	my $path = new_link();
	in_factors('UPDATE one_time SET kind = 1');
	is(status_of($path), 404, 'its page is gone');
	is(set_password($path), 404, 'it sets no password');
};

subtest 'the factor store is away' => sub {
	my $path = new_link();
	rename $file, "$file.away" or die $!;
	soon($path, 503, 'the page says that it cannot tell');
	is(set_password($path), 503, 'and sets no password');
	rename "$file.away", $file or die $!;
	soon($path, 200, 'the link works when it is back');
	ok(signs_in($FCGIAuth::Daemon::PASSWORD), 'the old password is right');
	is(set_password($path), 204, 'the link sets the new one');
	ok(signs_in($NEW), 'the new one is right');
	is(($d->ctl(\"$FCGIAuth::Daemon::PASSWORD\n",
	    qw(user passwd alice --password-stdin)))[0], 0, 'it is set back');
};

subtest 'the other stores are away' => sub {
	my $path = new_link();
	$d->store->away;
	soon($path, 503, 'the page says that it cannot tell');
	is(set_password($path), 503, 'and sets no password');
	$d->store->back;
	soon($path, 200, 'the link works when they are back');
	ok(wait_for(30, sub { signs_in($FCGIAuth::Daemon::PASSWORD) }),
	    'the old password is right');
	is(set_password($path), 204, 'the link sets the new one');
};

subtest 'users in a password file' => sub {
	my $e = FCGIAuth::Daemon->new(
	    conf => { server => { hosts => 'www.example.com' } });
	my $users = $e->dir . '/htpasswd';
	spit($users, "alice:\$6\$salt\$x\n");
	$e->configure(users => { driver => 'htpasswd', path => undef,
		file => $users });
	for (['reset'], ['invite'], ['reset', 'alice'], ['invite', 'carol']) {
		my ($code, $out, $errors) = $e->ctl('link', @$_);
		isnt($code, 0, "link @$_ is refused");
		is($out, '', 'no link is printed');
	}
	my (undef, undef, $errors) = $e->ctl(qw(link reset alice));
	like($errors, qr/htpasswd/, 'the message names the source');
};

$d->stop_ok;
done_testing;
