# SPDX-License-Identifier: MIT
# Redis fails in many ways. During each fault nobody passes the check and no
# session ends. After it all sessions are still valid.
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

# Makes Redis reload its data slowly, with 30 ms for each key.
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
	{ name =>
	    'the server is loading its data', begin => \&load, end => sub {
		$redis->cli(qw(CONFIG SET key-load-delay 0));
		wait_for(20, sub { !loading() }) or die "it still loads\n";
	    } },
	{ name => 'the server has no memory left', serves => 1,
	    begin => sub { $redis->cli(qw(CONFIG SET maxmemory 1)) },
	    end => sub { $redis->cli(qw(CONFIG SET maxmemory 0)) } },
);

for my $site (@sites) {
	$site->during($_->{name}, %$_) for @faults;
	$site->works('each answer is delayed by 100 ms',
	    sub { $proxy->tell('delay', 0.1) }, sub { $proxy->tell('pass') });
	$site->works(
	    'each byte arrives separately', sub { $proxy->tell('bytes') },
	    sub { $proxy->tell('pass') });
	$site->unnoticed('all connections are cut', 20, 5, sub {
		$redis->cli(qw(CLIENT KILL TYPE normal)) });
	$site->unnoticed('all connections drop their traffic', 2, 2,
	    sub { $proxy->tell('discard') });
	$site->works('the server loses its scripts',
	    sub { $redis->cli(qw(SCRIPT FLUSH)) }, sub { });
	$site->survives_cuts($proxy);
	$site->traffic('the server restarts under traffic', run => sub {
		$redis->stop;
		$redis->start;
	});
	$site->nothing_is_lost;
	$site->stop_ok;
}

done_testing;
