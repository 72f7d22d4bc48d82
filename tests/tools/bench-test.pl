#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Tests the medians, the names of rows, the targets and the JSON of
# bench/compare.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp ();
use JSON::PP ();
use Test::More;
use lib map { dirname(__FILE__) . "/../../$_" } 'bench/lib', 'tests/e2e/lib';

use Bench qw(median);
use Compare::Load;
use Compare::Measure;
use Compare::Report;
use Compare::Rows qw(all_specs row_name $NULL_UPSTREAM $FAST_JWT);
use Compare::Targets qw(add_ratios targets);

is(median(3, 1, 2), 2, 'the median of an odd number of values');
is(median(7), 7, 'the median of one value');

my %seen;
$seen{ row_name(%$_) }++ for all_specs();
is_deeply([ grep { $seen{$_} > 1 } sort keys %seen ], [],
    'each row has a name of its own');
is(row_name(mode => 'jwt', alg => 'HS256', store => 'redis', rules => 1000,
	cache => 'off'),
    'jwt HS256, revocation in Redis, 1,000 rules, cache off',
    'a name has all parts of the spec');

is_deeply(Compare::Load::parse("requests=10 p50_ns=7 lost=0 200=9 503=1\n"),
    { requests => 10, p50_ns => 7, lost => 0, 200 => 9, 503 => 1 },
    'the output of the generator is read');

my $row = { name => 'x' };
Compare::Measure::add_medians($row, map { { service => $_, p99_ms => 10 * $_ } }
    1, 5, 2);
is_deeply($row, { name => 'x', service => 2, p99_ms => 20 },
    'a row gets the median of each field');

$row = { name => 'x' };
Compare::Measure::add_rounds($row, [ { total => 1 }, { total => 3 },
	{ total => 2 } ], ['it was late']);
is_deeply($row, { name => 'x', total => 2, failed_rounds => 1,
	failure => 'it was late' }, 'a round that has failed is reported');
$row = { name => 'x' };
Compare::Measure::add_rounds($row, [ { total => 1 } ], ['late', 'refused']);
is($row->{skipped}, 'refused', 'a row whose rounds have failed is left out');

my @rows = (
	{ name => $NULL_UPSTREAM, nginx => 2, service => 0.5, store => 0,
	    total => 2.5 },
	{ name => 'session, SQLite', nginx => 2, service => 0.7, store => 0,
	    total => 2.7 },
	{ name => 'session, SQLite, 1,000 rules', service => 1.4, store => 0,
	    total => 3.4, nginx => 2 },
	{ name => 'session, Redis', skipped => 'no redis here' },
	{ name => '100 ends a second, SQLite', hit_percent => 96 },
	{ name => 'sign-ins beside session, SQLite', p50_ms => 0.1,
	    p50_flood_ms => 0.1, p99_ms => 0.2, p99_flood_ms => 1.0 },
);
add_ratios(@rows);
is(sprintf('%.2f %.2f', @{ $rows[1] }{qw(ratio_service ratio_total)}),
    '1.40 1.08', 'the ratios are those to the null upstream');

my %target = map { $_->{name} => $_ } targets(@rows);
my $t = $target{"hit, service CPU / null upstream's: session, SQLite"};
ok($t->{reached}, 'a ratio below the goal reaches it');
is($t->{why}, '', 'a target that is reached has no reason');
is($t->{stretch}, 1.3, 'a target may have a further one');
$t = $target{'hit with 1,000 rules / with none: session, SQLite'};
ok(!$t->{reached}, 'a value above the goal does not reach it');
is($t->{value}, 2, 'the value is the quotient of two rows');
$t = $target{"hit, service CPU / null upstream's: session, Redis"};
ok(!$t->{reached} && !defined $t->{value},
    'a target of a row that was not measured is not reached');
is($t->{why}, 'session, Redis: no redis here', 'and the reason is that row');
$t = $target{'hit rate with 100 ends a second, per cent: SQLite'};
ok($t->{reached}, 'a value that must be high enough reaches the goal');
$t = $target{'hit beside sign-ins / without, p99'};
ok(!$t->{reached} && $t->{value} == 5, 'a flood of sign-ins has its ratio');
isnt($t->{why}, 'the reason is not known', 'and a reason');

my $dir = File::Temp->newdir;
Compare::Report::write_json("$dir/x.json", { rounds => 1 }, \@rows,
    [ targets(@rows) ]);
open my $in, '<', "$dir/x.json" or die $!;
my $json = JSON::PP->new->decode(do { local $/ = undef; <$in> });
is($json->{rows}[0]{total}, 2.5, 'the JSON has the rows');
my ($in_json) = grep { $_->{name} =~ /service CPU.*session, SQLite/ }
    @{ $json->{targets} };
is_deeply($in_json, { name => "hit, service CPU / null upstream's: " .
	'session, SQLite', value => 1.4, goal => 1.45, stretch => 1.3,
	sense => 'at most', reached => JSON::PP::true(), why => '' },
    'the JSON has the targets');
done_testing();
