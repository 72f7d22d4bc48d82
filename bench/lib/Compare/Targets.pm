# SPDX-License-Identifier: MIT
# The targets of bench/compare, as functions of its rows. Nothing is measured
# here.
package Compare::Targets;

use strict;
use warnings;

use Compare::Rows qw(row_name basic_specs $NULL_UPSTREAM $FAST_JWT $EXPRESS
	$GLEWLWYD $APACHE %STORE_NAMES);
use Exporter qw(import);
use List::Util qw(max);

our @EXPORT_OK = qw(add_ratios targets);

# Why a target is not reached, by the beginning of its name; the first that
# fits applies.
our @WHY = (
	[ 'hit, whole cost / null upstream',
	    'nginx has the largest part of it: 1.8 of 2.4 CPU seconds, and ' .
	    'its part varies by 10 per cent from one row to another, although ' .
	    'it does the same in all rows of hits. None of the lines of the ' .
	    'snippet for the check costs more than 3 per cent.' ],
	[ "service CPU of the costliest hit / fast-jwt's",
	    'The null responder on the same loop, which decodes and answers ' .
	    'only, costs 0.4 CPU seconds, and fast-jwt with its cache 1.1. ' .
	    'A hit makes two system calls, and one more for about 20 ' .
	    'requests. Its instructions outside the kernel are 26,000, a ' .
	    'third of them in libfcgi and malloc(). A decoder of our own ' .
	    'would save 0.05 to 0.10 CPU seconds.' ],
	[ "service CPU of the costliest hit / express-session's",
	    'express-session 1.19.0 on node 20 costs 13 CPU seconds on the ' .
	    'machine of the last run, and 36 on the one on which the target ' .
	    'was set. 1/35 of 13 is what the null responder costs.' ],
	[ "whole cost of the costliest hit / Apache's",
	    'nginx alone has 1.8 CPU seconds of it. Apache costs 3.6, and ' .
	    'cost more on the machine on which the target was set.' ],
	[ 'miss on Redis',
	    'A miss is three commands, which cost Redis 0.87 CPU seconds, and ' .
	    'two more changes of threads in the service. One command less, ' .
	    'with the time of the last use in the record, makes each update ' .
	    'of this time a change for all processes: 74 per cent hits with ' .
	    '100 ends a second, in place of 99.' ],
	[ 'miss on Postgres',
	    'nginx, the threads of the service and the processes of ' .
	    'PostgreSQL take turns on one processor, so that nginx wakes up ' .
	    'for single requests: it costs 4 CPU seconds in place of 1.8.' ],
	[ 'HS256 without cache',
	    'libjwt verifies the token. It parses header and claims itself, ' .
	    'and looks up HMAC in libcrypto for each token: 55 per cent of ' .
	    'the instructions. With all JSON of a check in one piece of ' .
	    'memory it takes 11 per cent fewer of them, but then JSON must ' .
	    'not be freed by another thread than the one that has parsed ' .
	    'it.' ],
	[ 'hit beside sign-ins',
	    'Hashing gives way to checks, but a processor that it was using ' .
	    'has other memory in its caches.' ],
	[ 'an end reaches 8 daemons, p99 in ms: Postgres',
	    'The server wakes up the processes of all feeds, and each sends ' .
	    'to one daemon: 16 processes on two processors.' ],
	[ 'resident memory when idle',
	    'Most of it is code of shared libraries, which processes share: in ' .
	    'mode refresh 4.0 of 13.7 MB are libcrypto, 1.5 libc, 1.2 ' .
	    'sqlite3, and 3.4 libpq with the 18 libraries that it needs ' .
	    '(LDAP, GnuTLS, Kerberos). The memory that the process does not ' .
	    'share is 3 MB. A build with --without-postgres takes 7.3 to ' .
	    '10.3 MB.' ],
);

# Adds the ratios to the null upstream to the rows that were measured.
sub add_ratios {
	my (@rows) = @_;
	my ($null) = grep { $_->{name} eq $NULL_UPSTREAM } @rows;

	return unless $null && $null->{service} && $null->{total};
	for my $row (grep { defined $_->{total} } @rows) {
		$row->{"ratio_$_"} = $row->{$_} / $null->{$_}
		    for qw(service total);
	}
	return;
}

# ---- values ----------------------------------------------------------------
# Each returns code that finds a value by the rows: { name => row }. It dies
# with the name of the row if that was not measured.

sub field {
	my ($name, @fields) = @_;
	return sub {
		my ($rows) = @_;
		my $row = $rows->{$name} or die "$name was not measured\n";
		my $sum = 0;
		for my $field (@fields) {
			die "$name: ", $row->{skipped} // 'was not measured',
			    "\n" unless defined $row->{$field};
			$sum += $row->{$field};
		}
		return $sum;
	};
}

sub quotient {
	my ($above, $below) = @_;
	return sub {
		my ($rows) = @_;
		my $divisor = $below->($rows);
		die "nothing to compare with was measured\n" unless $divisor;
		return $above->($rows) / $divisor;
	};
}

sub scaled {
	my ($value, $factor) = @_;
	return sub { return $value->(@_) * $factor };
}

# The highest of several values. All must have been measured.
sub highest {
	my (@values) = @_;
	return sub {
		my ($rows) = @_;
		return max map { $_->($rows) } @values;
	};
}

# The growth of the cost in the service and in the store from one row to
# another.
sub growth {
	my ($spec, %more) = @_;
	return quotient(map { field($_, 'service', 'store') }
	    row_name(%$spec, %more), row_name(%$spec));
}

# ---- the list --------------------------------------------------------------

my @STORES = qw(sqlite redis postgres);
my $SQLITE = { mode => 'session', store => 'sqlite' };
my $HS256 = { mode => 'jwt', alg => 'HS256' };

# [name, goal, value, stretch]
sub hit_targets {
	my @names = map { row_name(%$_) } basic_specs();

	return (
		(map { [ "hit, service CPU / null upstream's: $_", 1.45,
		    field($_, 'ratio_service'), 1.3 ] } @names),
		(map { [ "hit, whole cost / null upstream's: $_", 1.2,
		    field($_, 'ratio_total'), 1.15 ] } @names),
	);
}

sub peer_targets {
	my @names = map { row_name(%$_) } basic_specs();
	my $service = highest(map { field($_, 'service') } @names);
	my $total = highest(map { field($_, 'total') } @names);

	return (
		[ "service CPU of the costliest hit / fast-jwt's with cache",
		    0.4, quotient($service, field($FAST_JWT, 'service')) ],
		[ "service CPU of the costliest hit / express-session's",
		    1 / 35, quotient($service, field($EXPRESS, 'service')) ],
		[ "service CPU of the costliest hit / glewlwyd's", 1 / 35,
		    quotient($service, field($GLEWLWYD, 'service')) ],
		[ "whole cost of the costliest hit / Apache's, unprotected",
		    0.66, quotient($total, field($APACHE, 'total')) ],
	);
}

sub miss_targets {
	my %limit = (redis => 1.9, postgres => 2.9);

	return (
		(map { my %spec = (mode => 'session', store => $_);
		    [ "miss on $STORE_NAMES{$_}, whole cost / that of a hit",
			$limit{$_}, quotient(
			    field(row_name(%spec, cache => 'off'), 'total'),
			    field(row_name(%spec), 'total')) ] }
			sort keys %limit),
		[ "HS256 without cache, service CPU / null upstream's", 4,
		    field(row_name(%$HS256, cache => 'off'),
			'ratio_service') ],
		[ 'RS256 with a fresh token, us in the service', 45,
		    scaled(field(row_name(mode => 'jwt', alg => 'RS256',
			cache => 'small'), 'service'), 10) ],
	);
}

sub growth_targets {
	return (
		(map { [ "hit with many sessions / with few: $STORE_NAMES{$_}",
		    1.1, growth({ mode => 'session', store => $_ },
			many => 1) ] } @STORES),
		(map { my $name = row_name(%$_); (
		    [ "hit with 1,000 rules / with none: $name", 1.15,
			growth($_, rules => 1000) ],
		    [ "hit with 30 roles / with two: $name", 1.1,
			growth($_, roles => 30) ]) } $SQLITE, $HS256),
	);
}

# What a flood of sign-ins costs a check.
sub flood_targets {
	my $row = 'sign-ins beside ' . row_name(%$SQLITE);

	return map { my ($percentile, $goal) = @$_;
		[ "hit beside sign-ins / without, $percentile", $goal,
		    quotient(field($row, "${percentile}_flood_ms"),
			field($row, "${percentile}_ms")) ] }
	    [ p50 => 1.1 ], [ p99 => 4 ];
}

sub other_targets {
	my %ms = (redis => 1, postgres => 3, sqlite => 20);

	return (
		(map { [ "an end reaches 8 daemons, p99 in ms: " .
		    $STORE_NAMES{$_}, $ms{$_},
		    field("an end of a session, $STORE_NAMES{$_}",
			'p99_ms') ] } sort keys %ms),
		(map { [ "hit rate with 100 ends a second, per cent: " .
		    $STORE_NAMES{$_}, 95,
		    field("100 ends a second, $STORE_NAMES{$_}",
			'hit_percent'), undef, 'at least' ] } @STORES),
		[ 'resident memory when idle, MB', 10,
		    highest(map { field(row_name(%$_), 'rss_idle_mb') }
			basic_specs()) ],
		[ 'bytes of a cached session', 250,
		    field('a cached session', 'bytes') ],
		(map { [ "first answer after the start, ms: $_", 60,
		    field($_, 'first_answer_ms') ] }
		    map { row_name(%$_) } basic_specs()),
	);
}

# Returns the targets: name, value (undef: not measured), goal, sense, stretch,
# reached, why.
sub targets {
	my (@rows) = @_;
	my %rows = map { $_->{name} => $_ } @rows;

	return map { target(\%rows, @$_) } hit_targets(), peer_targets(),
	    miss_targets(), growth_targets(), flood_targets(),
	    other_targets();
}

sub target {
	my ($rows, $name, $goal, $code, $stretch, $sense) = @_;
	my $value = eval { $code->($rows) };
	my $why = $@ =~ s/\n\z//r;

	$sense //= 'at most';
	my $reached = defined $value &&
	    ($sense eq 'at most' ? $value <= $goal : $value >= $goal);
	$why = why($name) if defined $value && !$reached;
	return { name => $name, value => $value, goal => $goal,
	    sense => $sense, reached => $reached ? 1 : 0,
	    why => $reached ? '' : $why,
	    defined $stretch ? (stretch => $stretch) : () };
}

sub why {
	my ($name) = @_;

	for my $entry (@WHY) {
		my ($begin, $text) = @$entry;
		return $text if index($name, $begin) == 0;
	}
	return 'the reason is not known';
}

1;
