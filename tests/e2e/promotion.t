# SPDX-License-Identifier: MIT
# The primary is killed under traffic and its synchronous standby is promoted.
# Every acknowledged operation is still in effect, and no session ends.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Faults;
use FCGIAuth::Postgres;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no PostgreSQL here') unless FCGIAuth::Postgres::available();
plan(skip_all => 'built without PostgreSQL')
    unless FCGIAuth::Store::has_driver('store postgres');

for my $mode (qw(refresh session)) {
	my $primary = FCGIAuth::Postgres->new(tcp => 1);
	$primary->create_database('auth');
	my $standby = $primary->standby(sync => 1);
	my $conninfo = $primary->conninfo('auth', undef,
	    host => '127.0.0.1,127.0.0.1',
	    port => join(',', $primary->port, $standby->port),
	    target_session_attrs => 'read-write');
	my $site = FCGIAuth::Faults->new(mode => $mode, timeout => 4, store => {
		driver => 'postgres', conninfo => $conninfo,
		timeout => '1s', connect_timeout => '2s' });

	$site->traffic('the primary is killed and the standby is promoted',
	    run => sub {
		$primary->kill_hard;
		$standby->promote;
	});
	$site->during('no server is left', begin => sub { $standby->stop },
	    end => sub { $standby->start });
	$site->nothing_is_lost;
	$site->stop_ok;
}

done_testing;
