# SPDX-License-Identifier: MIT
# Sentinel makes another Redis server the master under traffic.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Faults;
use FCGIAuth::Redis;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no redis-sentinel here') unless
    FCGIAuth::Redis::available() && FCGIAuth::Redis::has_sentinel();
plan(skip_all => 'built without Redis')
    unless FCGIAuth::Store::has_driver('store redis');

for my $mode (qw(session refresh)) {
	my $master = FCGIAuth::Redis->new(tcp => 1);
	my $replica = FCGIAuth::Redis->new(tcp => 1)->replica_of($master);
	my $sentinel = FCGIAuth::Redis->sentinel($master);
	ok($sentinel->knows_replicas(1), 'Sentinel knows the replica');
	# The first of the two Sentinel addresses never answers.
	my $site = FCGIAuth::Faults->new(mode => $mode, timeout => 3, store => {
		driver => 'redis', sentinels => '127.0.0.1:1 127.0.0.1:' .
		    $sentinel->port, sentinel_name => 'mymaster',
		timeout => '1s', connect_timeout => '1s' });
	my $is_master = sub {
		my ($port) = @_;
		return wait_for(30, sub {
			return ($sentinel->master)[1] == $port;
		});
	};

	$site->traffic('the master is killed under traffic', run => sub {
		FCGIAuth::Faults::settle($master);
		$master->kill_hard;
		ok($is_master->($replica->port),
		    'Sentinel makes the replica the master');
	});
	$site->nothing_is_lost;
	if ($mode eq 'session') {
		$master->start;
		ok(wait_for(60, sub {
			($replica->info('slave0') // '') =~ /state=online/ }),
		    'the restarted master becomes a replica');
		# The old master acknowledges writes until it learns of the
		# change. Those are lost.
		$site->traffic('the master is changed on request', loses => 1,
		    run => sub {
			$sentinel->cli(qw(SENTINEL FAILOVER mymaster));
			ok($is_master->($master->port),
			    'the first server is the master again');
		});
	}
	$site->stop_ok;
}

done_testing;
