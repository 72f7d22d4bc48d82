# SPDX-License-Identifier: MIT
# The mail in the outbox: it is sent, tried again, given up, and never lost.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Mta;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no sqlite3 here') unless in_path('sqlite3');

my $hour = 3_600_000;
my $mta = FCGIAuth::Mta->new->start;
my $shared = tempdir();
my $file = "$shared/factors.db";

sub new_daemon {
	return FCGIAuth::Daemon->new(conf => {
		factors => { driver => 'sqlite', path => $file },
		mail => { from => 'login@example.com', smtp => $mta->url,
			  tls => 'no' },
	});
}

sub sql {
	my ($sql) = @_;
	my ($code, $out, $errors) = capture(in_path('sqlite3'), '-cmd',
	    '.timeout 10000', $file, $sql);

	die "sqlite3: $errors" if $code != 0;
	chomp $out;
	return $out;
}

# Adds a mail as the service does. age: in milliseconds.
sub queue {
	my ($subject, %arg) = @_;
	my $to = $arg{to} // 'alice@example.org';
	my $now = int(time * 1000) - ($arg{age} // 0);
	my $expires = $now + 48 * $hour;

	sql("INSERT INTO outbox VALUES (randomblob(16), 'alice', '$to', " .
	    "'reset', '$subject' || char(10) || 'The link.' || char(10), " .
	    "$now, $now, $expires, 0)");
	return;
}

sub waiting { return sql('SELECT count(*) FROM outbox') }
sub sent { my ($subject) = @_; return grep { /^Subject: $subject\r$/m }
	$mta->mails }

my $d = new_daemon()->start;

subtest 'a mail is sent' => sub {
	queue('One');
	ok(wait_for(30, sub { sent('One') }), 'it arrives');
	like((sent('One'))[0], qr/^To: alice\@example\.org\r$/m,
	    'it has the recipient');
	like((sent('One'))[0], qr/\r\n\r\nThe link\.\r\n\z/, 'it has the text');
	ok(wait_for(30, sub { waiting() == 0 }), 'it leaves the outbox');
	like($d->log_text, qr/mail_sent kind=reset user=alice tries=1 /,
	    'the log says so');
};

subtest 'a mail waits while no server takes it' => sub {
	$mta->answer(rcpt => '450 4.2.0 later');
	queue('Two');
	ok(wait_for(30, sub { $d->log_text =~ /mail_delayed .*450 4\.2\.0/ }),
	    'the log says why');
	ok(wait_for(30, sub { my $in = sql('SELECT next_ms FROM outbox') -
	    1000 * time; return $in > 0 && $in <= 61_000 }),
	    'it is tried again after a minute');
	is(sql('SELECT tries FROM outbox'), 1, 'it was tried once');
	sql('UPDATE outbox SET tries = 20, next_ms = 0');
	ok(wait_for(30, sub { my $in = sql('SELECT next_ms FROM outbox') -
	    1000 * time; return $in > 5 * $hour && $in <= 6 * $hour }),
	    'the time grows to six hours');
	$mta->answer(rcpt => undef);
	sql('UPDATE outbox SET next_ms = 0');
	ok(wait_for(30, sub { sent('Two') }), 'it is sent in the end');
	ok(wait_for(30, sub { waiting() == 0 }), 'it leaves the outbox');
};

subtest 'a mail is given up' => sub {
	$mta->answer(rcpt => '550 5.1.1 unknown');
	queue('Three');
	ok(wait_for(30, sub { $d->log_text =~ /mail_refused .*550 5\.1\.1/ }),
	    'the server refuses it permanently');
	ok(wait_for(30, sub { waiting() == 0 }), 'it leaves the outbox');
	$mta->answer(rcpt => '450 4.2.0 later');
	queue('Four', age => 24 * $hour - 10_000);
	ok(wait_for(30, sub { $d->log_text =~ /mail_dropped / }),
	    'a day is over');
	ok(wait_for(30, sub { waiting() == 0 }), 'it leaves the outbox');
	$mta->answer(rcpt => undef);
	queue('Five', to => 'a@b,c@d');
	ok(wait_for(30, sub { $d->log_text =~ /mail_refused .*recipient/ }),
	    'it has no address to which mail can be sent');
	ok(wait_for(30, sub { waiting() == 0 }), 'it leaves the outbox');
	is(scalar(grep { sent($_) } qw(Three Four Five)), 0,
	    'none of them arrives');
};

subtest 'a stop loses nothing' => sub {
	$mta->answer(rcpt => 'silence');
	my $before = $mta->asked('rcpt');
	queue('Six');
	ok(wait_for(30, sub { $mta->asked('rcpt') > $before }),
	    'the server does not answer');
	$d->stop_ok;
	is(waiting(), 1, 'the mail is still there');
	cmp_ok(sql('SELECT next_ms FROM outbox'), '<=', 1000 * (time + 1),
	    'and due at once');
	$mta->answer(rcpt => undef);
	$d->start;
	ok(wait_for(30, sub { sent('Six') }), 'it is sent after the start');
};

subtest 'two instances send each mail once' => sub {
	my $other = new_daemon()->start;

	queue("Many-$_") for 1 .. 20;
	ok(wait_for(60, sub { waiting() == 0 }), 'all are sent');
	is(scalar(sent('Many-\d+')), 20, 'each of them once');
	$other->stop_ok;
};

$d->stop_ok;
$mta->stop;
done_testing;
