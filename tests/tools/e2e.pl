#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Runs the end-to-end tests of tests/e2e, all in all variants or the named ones,
# and ends with "counts: PASSED FAILED SKIPPED".
#
#	tests/tools/e2e.pl [--jobs N] [--memory | --plain | NAME[@VARIANT]...]
#
# --plain are those below @plain, and --memory are all others: a build with
# AddressSanitizer is asked the second half only.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Getopt::Long;
use TAP::Harness;

my $jobs = 1;
my ($memory, $plain);
GetOptions('jobs=i' => \$jobs, memory => \$memory, plain => \$plain)
    or exit 2;

my $folder = abs_path(dirname(__FILE__) . '/../e2e');

# What is asked again with something else in place of the default.  A store
# can break what these ask; the others ask for what it never sees.
my @state = qw(concurrency ctl login refresh revocation session);
my @front = qw(concurrency login paths protocol web);
my %variants = (
	apache => { set => 'FCGIAUTH_WEB', tests => \@front },
	lighttpd => { set => 'FCGIAUTH_WEB', tests => [ @front, 'uploads' ] },
	'nginx-fastcgi' => { set => 'FCGIAUTH_WEB', tests => ['web'] },
	postgres => { set => 'FCGIAUTH_STORE', tests => \@state },
	redis => { set => 'FCGIAUTH_STORE', tests => \@state },
);

# Their subject is not memory but time, processes or documents: most of what
# they would cost under a sanitizer is the start of hundreds of programs.
my @plain = qw(completion floods guide_commands guides key races samples);

# The longest first.
my %first = map { $_ => 1 } qw(browser faults faults_postgres faults_redis
    floods forms jose nginx pgbouncer promotion races refresh renew sentinel
    scaling session stores successor upgrade web);

sub everything {
	my @files = map { m{([^/]+)\.t$} } glob "$folder/*.t";

	return @files, map { my $v = $_;
		map { "$_\@$v" } @{ $variants{$v}{tests} } } sort keys %variants;
}

sub base { return $_[0] =~ s/@.*//sr }

# A test is known by its name, and runs with what its variant sets.
sub command {
	my ($harness, $name) = @_;
	my ($file, $variant) = split /@/, $name;
	my $set = $variants{ $variant // '' };

	return [ $set ? ('env', "$set->{set}=$variant") : (), $^X,
	    "-I$folder/lib", "$folder/$file.t" ];
}

my %is_plain = map { $_ => 1 } @plain;
my @names = @ARGV ? @ARGV : grep {
	my $is_plain = $is_plain{ base($_) };
	$memory ? !$is_plain : !$plain || $is_plain;
} everything();
for my $name (@names) {
	my ($file, $variant) = split /@/, $name;
	die "no test $name\n" if !-e "$folder/$file.t" ||
	    (defined $variant && !$variants{$variant});
}
@names = sort { !$first{ base($a) } <=> !$first{ base($b) } } @names;

my $harness = TAP::Harness->new({ exec => \&command, jobs => $jobs,
	merge => 0, verbosity => 0, color => 0, timer => 1 });
my @parsers;
$harness->callback(made_parser => sub {
	my ($parser, $job) = @_;
	push @parsers, [ $job->[1], $parser ];
});
my $all = $harness->runtests(@names);

# A skipped case is "ok" in TAP; here it is not passed.
my $skipped = $all->skipped;
my $passed = $all->passed - $skipped;
my $failed = $all->failed;

for my $entry (@parsers) {
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
