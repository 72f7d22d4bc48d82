#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# No function has more than six parameters, nor has a pointer to one: in the
# C of src, backends, bench and tests.  What belongs together is a struct.
# usage: check-params.pl SRCDIR [LIMIT]
use v5.30;
use warnings;
use File::Find;

my ($srcdir, $limit) = @ARGV;
$limit //= 6;
chdir($srcdir // '.') or die "check-params: $srcdir: $!\n";

# Spaces for all that is no code; the lines stay.
sub blank { $_[0] =~ tr/\n/ /cr }

my $literal = qr/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/s;
my $comment = qr{/\*.*?\*/|//[^\n]*}s;
my $directive = qr/^[ \t]*#(?:[^\\\n]|\\.)*/ms;

sub code {
    my ($text) = @_;
    $text =~ s/($literal|$comment)/blank($1)/ge;
    return $text =~ s/($directive)/blank($1)/ger;
}

# A list in parentheses; what is nested in it does not count.
my $list = qr/(\((?:[^()]++|(?-1))*+\))/;

sub parameters {
    my ($inner) = $_[0] =~ /^\((.*)\)$/s;
    1 while $inner =~ s/\([^()]*\)//;
    return $inner =~ tr/,// + 1;
}

# What stands outside of all braces declares or defines; (*name)(...) is a
# pointer to a function wherever it stands.
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

# Those that are still to be mended, as FILE NAME; the list may only shrink.
my %later = map { (s/\n//r => 0) } <DATA>;

my $bad = 0;
for my $file (sort @files) {
    open my $in, '<', $file or die "check-params: $file: $!\n";
    my $text = code(do { local $/; <$in> });
    for (functions($text)) {
        my ($name, $at, $count) = @$_;
        next if $count <= $limit;
        next if exists $later{"$file $name"} && ++$later{"$file $name"};
        my $line = 1 + substr($text, 0, $at) =~ tr/\n//;
        say "$file:$line: $name has $count parameters, $limit is the most";
        $bad = 1;
    }
}
for (grep { !$later{$_} && $limit == 6 } sort keys %later) {
    say "$0: $_ is mended: take it off the list";
    $bad = 1;
}
exit $bad;

__DATA__
backends/memory/attempts.c memory_attempts_bans
backends/memory/attempts.h memory_attempts_bans
backends/memory/rotation.c memory_sessions_rotate
backends/memory/sessions.c find_page
backends/memory/sessions.c memory_sessions_list
backends/memory/sessions.h memory_sessions_list
backends/memory/sessions.h memory_sessions_rotate
backends/memory/store.c store_memory_bans
backends/memory/store.c store_memory_denied
backends/memory/store.c store_memory_find
backends/memory/store.c store_memory_list
backends/memory/store.c store_memory_rotate
backends/postgres/attempts.c postgres_numbers
backends/postgres/attempts.c store_postgres_bans
backends/postgres/denials.c store_postgres_denied
backends/postgres/store.c rotate_by
backends/postgres/store.c store_postgres_find
backends/postgres/store.c store_postgres_list
backends/postgres/store.c store_postgres_rotate
backends/postgres/store_sql.h postgres_numbers
backends/postgres/store_sql.h store_postgres_bans
backends/postgres/store_sql.h store_postgres_denied
backends/redis/attempts.c store_redis_bans
backends/redis/denials.c ask_denials
backends/redis/denials.c store_redis_denied
backends/redis/lists.c store_redis_list
backends/redis/record.c end_some
backends/redis/record.c redis_end
backends/redis/record.c take_ended
backends/redis/records.h redis_end
backends/redis/records.h store_redis_bans
backends/redis/records.h store_redis_denied
backends/redis/records.h store_redis_list
backends/redis/records.h store_redis_rotate
backends/redis/rotate.c store_redis_rotate
backends/redis/store.c store_redis_find
backends/sqlite/attempts.c sqlite_numbers
backends/sqlite/attempts.c store_sqlite_bans
backends/sqlite/denials.c store_sqlite_denied
backends/sqlite/store.c get_page
backends/sqlite/store.c rotate
backends/sqlite/store.c store_sqlite_find
backends/sqlite/store.c store_sqlite_list
backends/sqlite/store.c store_sqlite_rotate
backends/sqlite/store_sql.h sqlite_numbers
backends/sqlite/store_sql.h store_sqlite_bans
backends/sqlite/store_sql.h store_sqlite_denied
src/strategy/session_store.h bans
src/strategy/session_store.h denied
src/strategy/session_store.h find
src/strategy/session_store.h list
src/strategy/session_store.h rotate
src/strategy/store.c rotate
src/strategy/store.c store_bans
src/strategy/store.c store_denied
src/strategy/store.c store_find
src/strategy/store.c store_list
src/strategy/store.c store_rotate
src/strategy/store.h store_bans
src/strategy/store.h store_denied
src/strategy/store.h store_find
src/strategy/store.h store_list
src/strategy/store.h store_rotate
tests/contract/conn/idle.c inner_find
tests/contract/conn/idle.c slow
tests/contract/conn/idle.c slow_among_others
tests/contract/conn/log.c list
tests/contract/store/races.c present
tests/support/store_faulty.c faulty_bans
tests/support/store_faulty.c faulty_denied
tests/support/store_faulty.c faulty_find
tests/support/store_faulty.c faulty_list
tests/support/store_faulty.c faulty_rotate
tests/unit/modes/test_refresh_torture.c rotate_wrongly
tests/unit/modes/test_refresh_torture.c rotates
