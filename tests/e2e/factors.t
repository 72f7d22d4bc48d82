# SPDX-License-Identifier: MIT
# The factor store in a file of its own: what depends on it while it is away,
# a reload that names another file, and a user who is deleted.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Test;
use JSON::PP qw(decode_json);
use Test::More;

my $sqlite = in_path('sqlite3');

sub daemon {
	my $d = FCGIAuth::Daemon->new;
	my $file = $d->dir . '/factors.db';

	$d->configure(factors => { driver => 'sqlite', path => $file });
	$d->add_user($_) for 'alice', 'bob';
	return ($d->start, $file);
}

# What /auth/ready says is down; undef if it is ready.
sub down {
	my ($d) = @_;
	my $a = $d->ask(REQUEST_URI => '/auth/ready');
	return $a->{status} == 200 ? undef :
	    join ' ', @{ decode_json($a->{body})->{down} };
}

sub sql {
	my ($file, $text) = @_;
	my ($code, $out, $err) = capture($sqlite, $file, $text);
	is($code, 0, 'sqlite3 succeeds') or diag($err);
	return $out;
}

subtest 'the factor store is away' => sub {
	my ($d, $file) = daemon();
	my $cookie = logged_in($d, 'alice');

	ok(wait_for(10, sub { !defined down($d) }), 'the service is ready');
	rename $file, "$file.away" or die $!;
	ok(wait_for(10, sub { (down($d) // '') eq 'factors' }),
	    '/auth/ready names the factor store');
	like(($d->ctl('status'))[1], qr/^factors +sqlite: does not answer/m,
	    'so does fcgiauthctl status');
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204,
	    'a check does not need it');
	ok(!-e $file, 'the service creates no empty file in its place');
	rename "$file.away", $file or die $!;
	ok(wait_for(30, sub { !defined down($d) }),
	    'the service is ready when it is back');
	$d->stop_ok;
};

subtest 'a reload opens another one' => sub {
	my ($d, $file) = daemon();
	my $cookie = logged_in($d, 'alice');

	$d->configure(factors => { path => "$file.new" });
	$d->reload;
	ok(wait_for(10, sub { !defined down($d) && -e "$file.new" }),
	    'the other file is used');
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204,
	    'the sessions go on');
	unlink $file;
	$d->configure(factors => { driver => 'none', path => undef });
	$d->reload;
	ok(wait_for(10, sub { ($d->ctl('status'))[1] =~ /^factors +none$/m }),
	    'it can be turned off');
	$d->stop_ok;
};

# Mail goes to a proven address first.
subtest 'an administrator sets another e-mail address' => sub {
	plan(skip_all => 'sqlite3 is missing') if !$sqlite;
	my ($d, $file) = daemon();
	my $proven = sub { return sql($file, 'SELECT verified_email ' .
		"FROM account WHERE name = 'alice'") };
	my $import = sub { return ($d->ctl(\
		qq({"name":"alice","email":"$_[0]"}\n),
		qw(user import -)))[0] };

	ok(wait_for(10, sub { !defined down($d) }), 'the tables are made');
	for my $set (sub { ($d->ctl(qw(user set alice --email), $_[0]))[0] },
	    $import) {
		sql($file, 'DELETE FROM account; INSERT INTO account VALUES ' .
		    "('alice', randomblob(32), 0, 'old\@example.com', 1, 0)");
		is($set->('old@example.com'), 0, 'the proven one is set');
		is($proven->(), "old\@example.com\n", 'it stays proven');
		is($set->('new@example.com'), 0, 'another one is set');
		is($proven->(), "\n", 'the old one is forgotten');
	}
	$d->stop_ok;
};

subtest 'a user is deleted' => sub {
	plan(skip_all => 'sqlite3 is missing') if !$sqlite;
	my ($d, $file) = daemon();
	my $rows = sub { return sql($file, join ' UNION ALL ',
	    map { "SELECT '$_', name FROM $_" } qw(account one_time outbox)) };

	ok(wait_for(10, sub { !defined down($d) }), 'the tables are made');
	for my $name ('alice', 'bob') {
		my $bytes = 'randomblob(32)';
		sql($file, "INSERT INTO account VALUES ('$name', $bytes, 1, " .
		    "'', 1, 0); INSERT INTO one_time VALUES ($bytes, 2, " .
		    "'$name', '', 1, 0, 1 << 50); INSERT INTO outbox VALUES " .
		    "(randomblob(16), '$name', 'x', 'x', 'x', 0, 1 << 50, " .
		    '1 << 50, 0)');
	}
	my ($code, $out, $err) = $d->ctl(qw(user delete alice));
	is($code, 0, 'alice is deleted') or diag($err);
	is($rows->(), "account|bob\none_time|bob\noutbox|bob\n",
	    'so are her records, and no others');
	$d->stop_ok;
};

done_testing;
