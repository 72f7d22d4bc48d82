#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Runs the end-to-end tests of tests/t, all or the named ones, and ends with
# "counts: PASSED FAILED SKIPPED".
#
#	tests/tools/e2e.pl [--jobs N] [NAME...]
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Getopt::Long;
use TAP::Harness;

my $jobs = 1;
GetOptions('jobs=i' => \$jobs) or exit 2;

my $folder = abs_path(dirname(__FILE__) . '/../t');
my @files = @ARGV ? map { "$folder/$_.t" } @ARGV : sort glob "$folder/*.t";
# The longest first.
my %first = map { $_ => 1 } qw(attacks browser faults jose nginx refresh renew
    session);
my @names = map { m{([^/]+)\.t$} ? [ $_, $1 ] : () } @files;
@names = sort { !$first{ $a->[1] } <=> !$first{ $b->[1] } } @names;

my $harness = TAP::Harness->new({
	lib => ["$folder/lib"], jobs => $jobs, merge => 0, verbosity => 0,
	color => 0,
});
my @skipped_files;
$harness->callback(made_parser => sub {
	my ($parser, $job) = @_;
	push @skipped_files, [ $job->[1], $parser ];
});
my $all = $harness->runtests(@names);

# A skipped case is "ok" in TAP; here it is not passed.
my $skipped = $all->skipped;
my $passed = $all->passed - $skipped;
my $failed = $all->failed;

for my $entry (@skipped_files) {
	my ($name, $parser) = @$entry;
	next unless $parser->skip_all;
	print "$name skipped: ", $parser->skip_all, "\n";
	$skipped++;
}
# A file that broke off counts, too.
for my $name ($all->descriptions) {
	my ($parser) = $all->parsers($name);
	my $broken = $parser->exit || $parser->wait ||
	    $parser->parse_errors;
	$failed++ if $broken && !$parser->failed;
}
print "counts: $passed $failed $skipped\n";
exit($failed ? 1 : 0);
