#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Checks that no function and no pointer to a function has more than six
# parameters, in the C files of src, backends, bench and tests. Values that
# belong together must be a struct.
# usage: check-params.pl SRCDIR [LIMIT]
use v5.30;
use warnings;
use File::Find;

my ($srcdir, $limit) = @ARGV;
$limit //= 6;
chdir($srcdir // '.') or die "check-params: $srcdir: $!\n";

# Replaces all that is not code by spaces; the lines stay.
sub blank { $_[0] =~ tr/\n/ /cr }

my $literal = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/s;
my $comment = qr{/\*.*?\*/|//[^\n]*}s;
my $directive = qr/^[ \t]*#(?:[^\\\n]|\\.)*/ms;

sub code {
    my ($text) = @_;
    $text =~ s/($literal|$comment)/blank($1)/ge;
    return $text =~ s/($directive)/blank($1)/ger;
}

# A list in parentheses, which may contain others; their commas do not count.
my $list = qr/(\((?:[^()]++|(?-1))*+\))/;

sub parameters {
    my ($inner) = $_[0] =~ /^\((.*)\)$/s;
    1 while $inner =~ s/\([^()]*\)//;
    return $inner =~ tr/,// + 1;
}

# Text outside of all braces is a declaration or a definition; (*name)(...) is a
# pointer to a function anywhere.
sub functions {
    my ($text) = @_;
    my @found;
    while ($text =~ /\(\s*\*\s*(\w+)[^()]*\)\s*$list/g) {
        push @found, [$1, $-[1], parameters($2)];
    }
    my $body = qr/(\{(?:[^{}]++|(?-1))*+\})/;
    $text =~ s/$body/blank($1)/ge;
    while ($text =~ /\b(\w+)\s*$list/g) {
        push @found, [$1, $-[1], parameters($2)];
    }
    return @found;
}

my @files;
find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.[ch]\z/ } },
    grep { -d } qw(src backends bench tests));

my $bad = 0;
for my $file (sort @files) {
    open my $in, '<', $file or die "check-params: $file: $!\n";
    my $text = code(do { local $/; <$in> });
    for (functions($text)) {
        my ($name, $at, $count) = @$_;
        next if $count <= $limit;
        my $line = 1 + substr($text, 0, $at) =~ tr/\n//;
        say "$file:$line: $name has $count parameters, the limit is $limit";
        $bad = 1;
    }
}
exit $bad;
