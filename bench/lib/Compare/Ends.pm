# SPDX-License-Identifier: MIT
# The end of a session in many processes: how soon it is known everywhere, and
# what it does to the cache for other sessions.
package Compare::Ends;

use strict;
use warnings;

use Bench qw(one_line program);
use Compare::Load;
use Compare::Machine qw(pin);
use Compare::Rows qw(%STORE_NAMES);
use FCGIAuth::Test;
use JSON::PP ();
use Time::HiRes ();

my $DAEMONS = 8;
my $PAUSE_US = 100;	# between two questions to the same daemon
my $ENDS = 100;		# a second
my $RATE = 2000;	# checks of other sessions a second

# Returns one row for each store. Nothing is pinned: a feed that has to wait for
# the processor would be measured as slow.
sub propagation {
	my ($service, $events) = @_;

	return map {
		my $spec = { mode => 'session', store => $_ };
		my $name = "an end of a session, $STORE_NAMES{$_}";
		my $why = $service->missing($spec);
		my $row = $why ? { skipped => $why } :
		    eval { propagate($service, $spec, $events) } ||
		    { skipped => one_line($@) };
		{ name => $name, %$row };
	} qw(sqlite redis postgres);
}

sub propagate {
	my ($service, $spec, $events) = @_;
	my @daemons = map { ($service->prepare($spec))[0] } 1 .. $DAEMONS;
	my $file = "$service->{dir}/ends";

	pin(0 .. Compare::Machine::processors() - 1);
	$_->start for @daemons;
	spit($file, join '', map { "$_\n" }
	    Compare::Service::issued($daemons[0], 'alice', $events));
	my ($code, $out, $errors) = capture(program('propagate'), $PAUSE_US,
	    $file, map { $_->{socket} } @daemons);
	$_->stop for @daemons;
	pin($Compare::Machine::SERVERS);
	die "propagate: $errors" if $code != 0;
	my $seen = Compare::Load::parse($out);
	return { daemons => $DAEMONS, events => $events,
	    p50_ms => $seen->{p50_ns} / 1e6, p99_ms => $seen->{p99_ns} / 1e6,
	    max_ms => $seen->{max_ns} / 1e6,
	    one_p50_ms => $seen->{one_p50_ns} / 1e6,
	    one_p99_ms => $seen->{one_p99_ns} / 1e6 };
}

# ---- hit rate --------------------------------------------------------------

# Returns one row for each store: the hit rate of the cache while sessions of
# other users end. rows: the rows of mode session by their stores.
sub hit_rates {
	my ($service, $seconds, %rows) = @_;

	return map {
		my $row = $rows{$_};
		my $name = "$ENDS ends a second, $STORE_NAMES{$_}";
		my $got = $row->{skipped} ? { skipped => $row->{skipped} } :
		    eval { hit_rate($service, $row, $seconds) } ||
		    { skipped => one_line($@) };
		{ name => $name, %$got };
	} qw(sqlite redis postgres);
}

sub hit_rate {
	my ($service, $row, $seconds) = @_;
	my $d = $row->{daemon};

	counters($d);
	my @tokens = Compare::Service::issued($d, 'alice', $ENDS * $seconds);
	Compare::Load::run($row->{to}, requests => 2 * $row->{credentials});
	my $before = counters($d);
	my $ender = child_code(sub { return end_all($d, @tokens) });
	Compare::Load::run($row->{to}, rate => $RATE, seconds => $seconds);
	my $after = counters($d);
	my $ended = $ender->();
	die "$ended\n" unless $ended =~ /^\d+$/;
	my ($hits, $misses) = map { $after->{$_} - $before->{$_} }
	    qw(hits misses);
	die "the cache is not used\n" unless $hits + $misses;
	return { hit_percent => 100 * $hits / ($hits + $misses),
	    ends => $ended };
}

# Ends one session after the other at a constant rate; returns their number.
sub end_all {
	my ($d, @tokens) = @_;
	my $began = Time::HiRes::time();
	my $n = 0;

	pin($Compare::Machine::CLIENTS);
	for my $token (@tokens) {
		my $wait = $began + $n / $ENDS - Time::HiRes::time();
		Time::HiRes::sleep($wait) if $wait > 0;
		my $a = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/logout', body => '{}',
		    CONTENT_TYPE => 'application/json',
		    HTTP_AUTHORIZATION => "Bearer $token");
		die "sign-out: " . ($a->{status} // 'no answer') . "\n"
		    if ($a->{status} // 0) != 204;
		$n++;
	}
	return $n;
}

# Returns the counters of the cache: { hits, misses }.
sub counters {
	my ($d) = @_;
	my $a = $d->ask(AUTH_ACTION => 'status');
	my $is = $a && ($a->{status} // 0) == 200 &&
	    eval { JSON::PP->new->utf8->decode($a->{body}) };
	my $cache = ref $is eq 'HASH' && $is->{cache};

	die "this fcgiauthd does not count hits of a cache\n"
	    unless ref $cache eq 'HASH' && defined $cache->{hits} &&
	    defined $cache->{misses};
	return $cache;
}

1;
