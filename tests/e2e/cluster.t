# SPDX-License-Identifier: MIT
# The slots of a Redis Cluster move, and its masters are killed, under traffic.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Faults;
use FCGIAuth::Redis;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no redis-server here') unless FCGIAuth::Redis::available();
plan(skip_all => 'built without Redis')
    unless FCGIAuth::Store::has_driver('store redis');

my @masters = FCGIAuth::Redis->cluster(3);

# Moves slots and their keys from one master to another.
sub move {
	my ($from, $to, $n) = @_;
	my @cluster = (in_path('redis-cli'), '--cluster');

	wait_for(20, sub {
		return (capture(@cluster, 'check', $from->address))[0] == 0;
	}) or die "the nodes do not agree on the slots\n";
	my ($code, $out, $errors) = capture(@cluster, 'reshard', $from->address,
	    '--cluster-from', $from->id, '--cluster-to', $to->id,
	    '--cluster-slots', $n, '--cluster-yes');

	is($code, 0, "redis-cli moves $n slots") or diag("$out$errors");
	return;
}

my $heir = $masters[1]->cluster_replica;
my @sites = map { FCGIAuth::Faults->new(mode => $_, timeout => 2, store => {
	driver => 'redis', cluster => 'yes', prefix => "$_:",
	url => 'redis://' . join(',', map { $_->address } @masters),
	timeout => '1s', connect_timeout => '1s' }) } qw(refresh session);

for my $site (@sites) {
	$site->traffic('slots move under traffic', run => sub {
		move($masters[0], $masters[2], 1000);
		move($masters[2], $masters[0], 1000);
	});
}
my ($old, $new) = ($masters[1], $heir);
for my $site (@sites) {
	$site->traffic('a master is killed under traffic', run => sub {
		FCGIAuth::Faults::settle($old);
		$old->kill_hard;
		ok(wait_for(30, sub { $new->info('role') eq 'master' &&
		    $new->cli('CLUSTER', 'INFO') =~ /^cluster_state:ok/m }),
		    'the replica becomes the master');
	});
	$old->start;
	wait_for(20, sub { $old->info('role') eq 'slave' &&
	    $old->info('master_link_status') eq 'up' })
	    or die "the restarted node does not follow the master\n";
	($old, $new) = ($new, $old);
}
for my $site (@sites) {
	$site->nothing_is_lost;
	$site->stop_ok;
}

done_testing;
