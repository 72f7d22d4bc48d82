# SPDX-License-Identifier: MIT
# Redis fails in every way it can: nobody gets in, nobody is signed out, and
# when it is back all is as before.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Faults;
use FCGIAuth::Proxy;
use FCGIAuth::Redis;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no redis-server here') unless FCGIAuth::Redis::available();
plan(skip_all => 'built without Redis')
    unless FCGIAuth::Store::has_driver('store redis');

my $redis = FCGIAuth::Redis->new(tcp => 1, durable => 1);
my $proxy = FCGIAuth::Proxy->new(to => $redis->address);
my $url = 'redis://127.0.0.1:' . $proxy->port . '/0';
my @sites = map { FCGIAuth::Faults->new(mode => $_,
	store => { driver => 'redis', url => $url, prefix => "$_:",
		timeout => '1s', connect_timeout => '1s' })
    } qw(session refresh);

sub loading { return ($redis->try_cli('PING'))[1] =~ /^LOADING/ }

# Reads all its data anew, and takes its time: 30 ms for each key.
sub load {
	$redis->cli(qw(DEBUG POPULATE 1000 filler));
	$redis->cli(qw(CONFIG SET key-load-delay 30000));
	$redis->cli(qw(CONFIG SET loading-process-events-interval-bytes 1024));
	spawn('redis-cli', '/dev/null', in_path('redis-cli'), '-s',
	    $redis->{socket}, 'DEBUG', 'RELOAD');
	wait_for(10, \&loading) or die "it does not load\n";
	return;
}

my @faults = (
	FCGIAuth::Faults::usual($redis, $proxy),
	{ name => 'loading', begin => \&load, end => sub {
		$redis->cli(qw(CONFIG SET key-load-delay 0));
		wait_for(20, sub { !loading() }) or die "it still loads\n";
	    } },
	{ name => 'out of memory', serves => 1,
	    begin => sub { $redis->cli(qw(CONFIG SET maxmemory 1)) },
	    end => sub { $redis->cli(qw(CONFIG SET maxmemory 0)) } },
);

for my $site (@sites) {
	$site->during($_->{name}, %$_) for @faults;
	$site->works('slow', sub { $proxy->tell('delay', 0.1) },
	    sub { $proxy->tell('pass') });
	$site->works('byte by byte', sub { $proxy->tell('bytes') },
	    sub { $proxy->tell('pass') });
	$site->unnoticed('all connections are cut', 20, 5, sub {
		$redis->cli(qw(CLIENT KILL TYPE normal)) });
	$site->unnoticed('all connections are swallowed', 2, 2,
	    sub { $proxy->tell('swallow') });
	$site->works('its scripts are forgotten',
	    sub { $redis->cli(qw(SCRIPT FLUSH)) }, sub { });
	$site->survives_cuts($proxy);
	$site->traffic('a restart under traffic', run => sub {
		$redis->stop;
		$redis->start;
	});
	$site->nothing_is_lost;
	$site->stop_ok;
}

done_testing;
