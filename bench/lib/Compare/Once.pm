# SPDX-License-Identifier: MIT
# What is measured outside of the rounds: the start, memory, sign-ins beside
# checks. Each function adds to the rows or returns a row.
package Compare::Once;

use strict;
use warnings;

use Bench qw(median);
use Compare::Ends;
use Compare::Load;
use Compare::Machine qw(move pss_mb rss_mb settle);
use Compare::Measure;
use Compare::Rows qw(basic_specs row_name);
use FCGIAuth::Daemon;
use FCGIAuth::Test;
use JSON::PP ();
use Time::HiRes ();

my $STARTS = 9;
my $FLOOD_CLIENTS = 3;	# more of them are answered 503

# Adds first_answer_ms to the rows of every mode and store.
sub starts {
	my ($service, %row) = @_;

	for my $spec (basic_specs()) {
		my $row = $row{ row_name(%$spec) } or next;
		next if $row->{skipped};
		my ($d) = $service->prepare($spec);
		$row->{first_answer_ms} = median(map { start_ms($d) }
		    1 .. $STARTS);
	}
	return;
}

# Starts and stops a daemon; returns the time until its first answer.
sub start_ms {
	my ($d) = @_;
	my $began = Time::HiRes::time();
	my $answer;

	$d->{pid} = spawn('fcgiauthd', $d->{log}, bin('fcgiauthd'), '-c',
	    $d->{file});
	until ($answer) {
		die "fcgiauthd does not start: ", $d->log_text
		    if Time::HiRes::time() - $began > 15;
		$answer = -S $d->{socket} &&
		    $d->ask(REQUEST_URI => '/auth/health') ||
		    do { Time::HiRes::sleep(0.0005); undef };
	}
	my $ms = 1000 * (Time::HiRes::time() - $began);
	$d->stop;
	unlink $d->{socket};
	return $ms;
}

# Adds the resident memory of the services that have done nothing yet.
sub idle_memory {
	my (@rows) = @_;

	for my $row (grep { !$_->{skipped} } @rows) {
		my ($pid) = $row->{service_pids}->() or next;
		settle($pid);
		$row->{rss_idle_mb} = rss_mb($pid);
		$row->{pss_idle_mb} = pss_mb($pid);
	}
	return;
}

sub loaded_memory {
	my (@rows) = @_;

	for my $row (grep { !$_->{skipped} } @rows) {
		my ($pid) = $row->{service_pids}->() or next;
		$row->{rss_loaded_mb} = rss_mb($pid);
	}
	return;
}

# Returns the daemons for cached_bytes() with n sessions. They are behind nginx,
# so they are made before it starts. The store is Redis, which has no memory in
# the process. The cache has 100 entries for 90 sessions, because some of its
# parts are full before others.
sub cached_daemons {
	my ($service, $n) = @_;
	my %spec = (mode => 'session', store => 'redis', own => 'cached');
	my %cache = (off => 'off', on => int($n / 0.9));
	my $why = $service->missing({ %spec, cache => 'off' });

	return { n => $n, skipped => $why } if $why;
	return { n => $n, map { $_ => [ $service->daemon({ %spec,
		cache => $cache{$_} }) ] } sort keys %cache };
}

# Returns a row with the bytes of a cached session: how much more memory a
# service has than one without a cache, after each has checked n sessions once.
# The tables of the cache, which have their size from the start, are nearly
# full then. They are a part of the bytes, and a larger one if fewer of the
# entries are in use.
sub cached_bytes {
	my ($service, $daemons) = @_;
	my %row = (name => 'a cached session', sessions => $daemons->{n});
	my $n = $daemons->{n};
	my $file = "$service->{dir}/cached";
	my %mb;

	return { %row, skipped => $daemons->{skipped} } if $daemons->{skipped};
	for my $cache ('off', 'on') {
		my ($d, undef, $to) = @{ $daemons->{$cache} };
		spit($file, join '', map { "Cookie: fcgiauth=$_\n" }
		    Compare::Service::issued($d, 'alice', $n)) unless -e $file;
		Compare::Load::run({ %$to, headers => $file },
		    requests => $n);
		$mb{$cache} = rss_mb($d->pid);
	}
	my $kept = Compare::Ends::counters($daemons->{on}[0])->{entries};
	return { %row, skipped => "the cache keeps $kept of $n sessions" }
	    if $kept < 0.9 * $n;
	return { %row, bytes => ($mb{on} - $mb{off}) * 2**20 / $n };
}

# ---- sign-ins --------------------------------------------------------------

# Returns a row with the latency of checks with and without sign-ins beside
# them. Nothing is pinned, because the hash of a password needs a processor.
sub flood {
	my ($front, $row, $rate, $seconds) = @_;
	my $name = "sign-ins beside $row->{name}";
	my @all = (0 .. Compare::Machine::processors() - 1);
	my @pids = ($front->processes, $row->{service_pids}->());

	move($_, @all) for @pids;
	local $Compare::Machine::CLIENTS = join ',', @all;
	Compare::Measure::warm($row);
	my $quiet = Compare::Load::run($row->{to}, rate => $rate,
	    seconds => $seconds);
	my $end = Compare::Load::start({ %{ $row->{to} },
		path => '/auth/login', headers => undef },
	    connections => $FLOOD_CLIENTS, seconds => $seconds,
	    log => "$front->{dir}/flood.log", body => JSON::PP->new->encode({
		username => 'alice',
		password => $FCGIAuth::Daemon::PASSWORD }));
	my $busy = Compare::Load::run($row->{to}, rate => $rate,
	    seconds => $seconds);
	my $logins = $end->();
	move($_, $Compare::Machine::SERVERS) for @pids;
	return { name => $name, rate => $rate,
	    p50_ms => $quiet->{p50_ns} / 1e6, p99_ms => $quiet->{p99_ns} / 1e6,
	    p50_flood_ms => $busy->{p50_ns} / 1e6,
	    p99_flood_ms => $busy->{p99_ns} / 1e6,
	    sign_ins_per_second => ($logins->{200} // 0) / $logins->{seconds} };
}

1;
