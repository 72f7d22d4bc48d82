# SPDX-License-Identifier: MIT
# Measures rows: in rounds, so that all rows have the same conditions.
package Compare::Measure;

use strict;
use warnings;

use Bench qw(median one_line);
use Compare::Load;
use Compare::Machine qw(cpu_seconds since);
use FCGIAuth::Test;

my $PER = 1e5;	# the number of requests that CPU seconds are for

# Uses all credentials of a row before it is measured, so that caches are warm,
# and no session is due for an update.
sub warm {
	my ($row) = @_;
	my $n = 2 * ($row->{credentials} // 100);

	return Compare::Load::run($row->{to}, requests => $n);
}

# Returns the cost of a closed loop.
sub closed {
	my ($row, $front, $seconds) = @_;
	my %pids = (nginx => sub { $row->{direct} ? () : $front->processes },
	    service => $row->{service_pids},
	    store => $row->{store_pids});
	my %before = map { $_ => cpu_seconds($pids{$_}->()) } keys %pids;
	my $seen = Compare::Load::run($row->{to}, seconds => $seconds);
	my %cost = map { $_ => since($before{$_}, $pids{$_}->()) *
	    $PER / $seen->{requests} } keys %pids;

	$cost{total} = $cost{nginx} + $cost{service} + $cost{store};
	return { %cost,
	    requests_per_second => $seen->{requests} / $seen->{seconds} };
}

# Returns the latency of an open loop. A row that cannot serve the rate gets
# half of what it can serve.
sub open_loop {
	my ($row, $rate, $seconds, $most) = @_;

	$rate = int $most / 2 || 1 if $rate > $most / 2;
	my $seen = Compare::Load::run($row->{to}, rate => $rate,
	    seconds => $seconds);
	return { rate => $rate, p50_ms => $seen->{p50_ns} / 1e6,
	    p99_ms => $seen->{p99_ns} / 1e6 };
}

# Writes the credentials of rows that get them from the peer itself.
sub begin {
	my ($dir, @rows) = @_;
	my $n = 0;

	for my $row (grep { $_->{begin} && !$_->{skipped} } @rows) {
		my $file = "$dir/begun" . $n++;
		my @headers = eval { $row->{begin}->() };
		if (!@headers) {
			$row->{skipped} = one_line($@);
			next;
		}
		spit($file, join '', map { "$_\n" } @headers);
		$row->{to} = { %{ $row->{to} }, headers => $file };
	}
	return;
}

# opt: rounds, seconds, rate. Adds to each row the medians of its measurements.
sub rounds {
	my ($front, $opt, @rows) = @_;
	my (%seen, %failed);

	@rows = grep { !$_->{skipped} } @rows;
	for my $round (1 .. $opt->{rounds}) {
		for my $row (@rows) {
			my $got = eval { measure_once($front, $opt, $row) };
			push @{ $seen{ $row->{name} } }, $got if $got;
			push @{ $failed{ $row->{name} } },
			    one_line($@) unless $got;
		}
		print STDERR "round $round of $opt->{rounds}\n";
	}
	add_rounds($_, $seen{ $_->{name} } || [], $failed{ $_->{name} } || [])
	    for @rows;
	return;
}

# Adds the medians of the rounds to a row, and the reason if a round has failed.
# If half of them have, the row counts as not measured.
sub add_rounds {
	my ($row, $seen, $failed) = @_;

	if (@$failed) {
		$row->{failed_rounds} = @$failed;
		$row->{failure} = $failed->[-1];
	}
	if (@$failed >= @$seen) {
		$row->{skipped} = $row->{failure};
		return;
	}
	add_medians($row, @$seen);
	return;
}

sub measure_once {
	my ($front, $opt, $row) = @_;

	warm($row);
	my $closed = closed($row, $front, $opt->{seconds});
	my $open = open_loop($row, $opt->{rate}, $opt->{seconds},
	    $closed->{requests_per_second});
	return { %$closed, %$open };
}

sub add_medians {
	my ($row, @seen) = @_;

	for my $what (keys %{ $seen[0] }) {
		$row->{$what} = median(map { $_->{$what} } @seen);
	}
	return;
}

1;
