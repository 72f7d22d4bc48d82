#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Runs the end-to-end tests of tests/e2e: the named ones, or all in all
# variants. The last line is "counts: PASSED FAILED SKIPPED".
#
#	tests/tools/e2e.pl [--jobs N] [--memory | --plain | NAME[@VARIANT]...]
#
# NAME may also be the path of the file: tests/e2e/login.t.
#
# --plain runs those that @plain lists below, --memory all others: a build with
# AddressSanitizer is tested with the second half only.
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

# The variants: tests that run again with something else in place of the
# default. A store can break what @state tests; other tests do not depend on the
# store.
my @state = qw(account cache concurrency ctl history link login must_change
    refresh reset revocation session sessions status users);
my @front = qw(concurrency login metrics paths protocol request_id sessions
    web);
my %variants = (
	apache => { set => 'FCGIAUTH_WEB', tests => \@front },
	lighttpd => { set => 'FCGIAUTH_WEB', tests => [ @front, 'uploads' ] },
	'nginx-fastcgi' => { set => 'FCGIAUTH_WEB', tests => ['web'] },
	postgres => { set => 'FCGIAUTH_STORE', tests => \@state },
	redis => { set => 'FCGIAUTH_STORE', tests => \@state },
);

# These test time, processes or documents, not memory. Under a sanitizer they
# would spend most of their time on starting hundreds of programs.
my @plain = qw(completion floods guide_commands guides history kept key pages
    races samples);

# The longest tests, which start first.
my %first = map { $_ => 1 } qw(browser faults faults_postgres faults_redis
    floods forms history jose nginx pages pgbouncer promotion races refresh
    renew sentinel scaling session stores successor upgrade web);

sub everything {
	my @files = map { m{([^/]+)\.t$} } glob "$folder/*.t";

	return @files, map {
		my $v = $_;
		map { "$_\@$v" } @{ $variants{$v}{tests} }
	} sort keys %variants;
}

sub base { return $_[0] =~ s/@.*//sr }

# Returns the command for a test name, with the variable that its variant sets.
sub command {
	my ($harness, $name) = @_;
	my ($file, $variant) = split /@/, $name;
	my $set = $variants{ $variant // '' };

	return [ $set ? ('env', "$set->{set}=$variant") : (), $^X,
	    "-I$folder/lib", "$folder/$file.t" ];
}

s{^.*/}{}, s{\.t(?=@|$)}{} for @ARGV;

my %is_plain = map { $_ => 1 } @plain;
my @names = @ARGV ? @ARGV : grep {
	my $is_plain = $is_plain{ base($_) };
	$memory ? !$is_plain : !$plain || $is_plain;
} everything();
for my $name (@names) {
	my ($file, $variant) = split /@/, $name;
	die "there is no test $name\n" if !-e "$folder/$file.t" ||
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

# A skipped case is "ok" in TAP; here it does not count as passed.
my $skipped = $all->skipped;
my $passed = $all->passed - $skipped;
my $failed = $all->failed;

for my $entry (@parsers) {
	my ($name, $parser) = @$entry;
	next unless $parser->skip_all;
	print "$name skipped: ", $parser->skip_all, "\n";
	$skipped++;
}
# A file that ended early counts as failed, too.
for my $name ($all->descriptions) {
	my ($parser) = $all->parsers($name);
	my $broken = $parser->exit || $parser->wait ||
	    $parser->parse_errors;
	$failed++ if $broken && !$parser->failed;
}
print "counts: $passed $failed $skipped\n";
exit($failed ? 1 : 0);
