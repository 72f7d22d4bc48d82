# SPDX-License-Identifier: MIT
# PostgreSQL fails in many ways. During each fault nobody passes the check and
# no session ends. After it all sessions are still valid.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Faults;
use FCGIAuth::Postgres;
use FCGIAuth::Proxy;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no PostgreSQL here') unless FCGIAuth::Postgres::available();
plan(skip_all => 'built without PostgreSQL')
    unless FCGIAuth::Store::has_driver('store postgres');

my $pg = FCGIAuth::Postgres->new(tcp => 1, durable => 1);
my $proxy = FCGIAuth::Proxy->new(to => '127.0.0.1:' . $pg->port);

# One database for each mode.
sub site {
	my ($mode) = @_;
	my $conninfo = $pg->conninfo($pg->create_database($mode), undef,
	    port => $proxy->port);

	return FCGIAuth::Faults->new(mode => $mode,
	    store => { driver => 'postgres', timeout => '1s',
		connect_timeout => '2s', conninfo => $conninfo });
}

# Another client holds a lock that every write needs. Reads succeed.
my $locker;
sub lock_tables {
	my ($mode) = @_;
	$locker = spawn('psql', '/dev/null', FCGIAuth::Postgres::programs() .
	    '/psql', $pg->conninfo($mode), '-c', 'BEGIN; LOCK TABLE ' .
	    'fcgiauth.sessions, fcgiauth.attempts IN EXCLUSIVE MODE; ' .
	    'SELECT pg_sleep(60)');
	wait_for(10, sub { $pg->psql('SELECT count(*) FROM pg_locks WHERE ' .
	    "mode = 'ExclusiveLock' AND locktype = 'relation' AND granted",
	    db => $mode) >= 2 }) or die "no lock\n";
	return;
}

sub unlock_tables {
	$pg->psql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity ' .
	    "WHERE query LIKE 'BEGIN; LOCK%'");
	reap($locker, 10);
	return;
}

my @faults = FCGIAuth::Faults::usual($pg, $proxy);

for my $site (map { site($_) } qw(session refresh)) {
	my $mode = $site->mode;

	$site->during($_->{name}, %$_) for @faults;
	$site->during('the tables are locked by another client', serves => 1,
	    begin => sub { lock_tables($mode) }, end => \&unlock_tables);
	$site->during('the database is read-only', serves => 1, begin => sub {
		$pg->psql("ALTER DATABASE $mode SET " .
		    'default_transaction_read_only = on');
		$pg->cut;
	}, end => sub {
		$pg->psql("BEGIN READ WRITE; ALTER DATABASE $mode RESET " .
		    'default_transaction_read_only; COMMIT');
		$pg->cut;
	});
	$site->works('each answer is delayed by 100 ms',
	    sub { $proxy->tell('delay', 0.1) }, sub { $proxy->tell('pass') });
	$site->works(
	    'each byte arrives separately', sub { $proxy->tell('bytes') },
	    sub { $proxy->tell('pass') });
	$site->unnoticed('all connections are cut', 20, 5, sub { $pg->cut });
	$site->unnoticed('all connections drop their traffic', 2, 2,
	    sub { $proxy->tell('discard') });
	$site->survives_cuts($proxy);
	$site->traffic(
	    'the server restarts under traffic', run => sub { $pg->restart });
	$site->nothing_is_lost;
	$site->stop_ok;
}

done_testing;
