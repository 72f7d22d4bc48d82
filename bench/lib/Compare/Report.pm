# SPDX-License-Identifier: MIT
# The output of bench/compare: a table, and JSON.
package Compare::Report;

use strict;
use warnings;

use FCGIAuth::Test;
use JSON::PP ();

# [field, heading, format]
my @COLUMNS = (
	[ nginx => 'nginx', '%7.2f' ],
	[ service => 'service', '%8.2f' ],
	[ store => 'store', '%6.2f' ],
	[ total => 'total', '%7.2f' ],
	[ ratio_service => 'service x', '%9.2f' ],
	[ ratio_total => 'total x', '%7.2f' ],
	[ requests_per_second => 'req/s', '%7.0f' ],
	[ p50_ms => 'p50 ms', '%7.3f' ],
	[ p99_ms => 'p99 ms', '%7.3f' ],
	[ rss_idle_mb => 'idle MB', '%7.1f' ],
	[ pss_idle_mb => 'PSS MB', '%6.1f' ],
	[ rss_loaded_mb => 'MB', '%6.1f' ],
	[ first_answer_ms => 'start ms', '%8.1f' ],
);
# Members of rows that are not for JSON.
my @INTERNAL = qw(to service_pids store_pids spec daemon begin direct
	credentials);

sub cell {
	my ($value, $format) = @_;
	my ($width) = $format =~ /(\d+)/;

	return defined $value ? sprintf($format, $value) : ' ' x $width;
}

sub print_table {
	my (@rows) = @_;

	printf '%-44s', 'CPU seconds for 100,000 requests';
	printf ' %*s', $_->[2] =~ /(\d+)/, $_->[1] for @COLUMNS;
	print "\n";
	for my $row (grep { defined $_->{total} } @rows) {
		printf '%-44s %s' . "\n", $row->{name},
		    join ' ', map { cell($row->{ $_->[0] }, $_->[2]) }
		    @COLUMNS;
	}
	printf "%s: %d rounds failed: %s\n", @$_{qw(name failed_rounds failure)}
	    for grep { $_->{failure} && !$_->{skipped} } @rows;
	print "\n";
	print_others(grep { !defined $_->{total} } @rows);
	return;
}

# Rows with members of their own, and rows that were not measured.
sub print_others {
	my (@rows) = @_;

	for my $row (@rows) {
		my @is = map { "$_ " . rounded($row->{$_}) }
		    grep { $_ ne 'name' } sort keys %{ public($row) };
		printf "%-44s %s\n", $row->{name}, defined $row->{skipped} ?
		    "not measured: $row->{skipped}" : join ', ', @is;
	}
	print "\n";
	return;
}

sub rounded {
	my ($value) = @_;
	return $value =~ /^-?\d+\.\d/ ? sprintf('%.3f', $value) : $value;
}

sub print_targets {
	my (@targets) = @_;

	printf "%-66s %9s %11s\n", 'target', 'is', 'goal';
	for my $t (@targets) {
		printf "%-66s %9s %s %7.3g %s\n", $t->{name},
		    defined $t->{value} ? sprintf('%.3f', $t->{value}) : '-',
		    $t->{sense} eq 'at most' ? '<=' : '>=', $t->{goal},
		    $t->{reached} ? 'reached' : defined $t->{value} ?
		    "NOT reached: $t->{why}" : $t->{why};
	}
	printf "\n%d of %d targets are reached, %d were not measured.\n",
	    scalar(grep { $_->{reached} } @targets), scalar @targets,
	    scalar(grep { !defined $_->{value} } @targets);
	return;
}

# Returns the members of a row that are for others.
sub public {
	my ($row) = @_;
	my %is = %$row;

	delete @is{@INTERNAL};
	delete @is{ grep { ref $is{$_} || !defined $is{$_} } keys %is };
	return \%is;
}

# opt: what the run was made with.
sub write_json {
	my ($file, $opt, $rows, $targets) = @_;
	my $json = JSON::PP->new->canonical->pretty;

	spit($file, $json->encode({
		options => $opt,
		rows => [ map { numbers(public($_)) } @$rows ],
		targets => [ map { numbers({ %$_, reached => $_->{reached} ?
			JSON::PP::true() : JSON::PP::false() }) } @$targets ],
	}));
	return;
}

# Makes sure that numbers are numbers in JSON.
sub numbers {
	my ($is) = @_;
	return { map { my $v = $is->{$_}; ($_ => defined $v && !ref $v &&
		$v =~ /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i ? $v + 0 : $v) }
	    keys %$is };
}

1;
