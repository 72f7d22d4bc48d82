#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# The bash completion of fcgiauthctl offers every command and its options.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no bash here') unless in_path('bash');

my $d = FCGIAuth::Daemon->new;
my $program = bin('fcgiauthctl');
my $script = top() . '/src/ctl/completion/fcgiauthctl';
$d->add_user('alice');
$d->add_user('albert');

# Returns what TAB offers after these words, sorted.
sub offers {
	my (@words) = @_;
	my $n = @words;

	open my $bash, '-|', 'bash', '--norc', '-c', <<'EOT', 'bash', $script, $program, @words
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_fcgiauthctl "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
EOT
	    or die "bash: $!";
	my @got = <$bash>;
	close $bash;
	chomp @got;
	return join ' ', sort grep { $_ ne '' } @got;
}

my %verbs;
my %flags;
for (split /\n/, `$program --help`) {
	my ($group, $verb, $rest) = /^  ([a-z]+)(?: ([a-z]+))?(.*)$/ or next;
	my @flags = $rest =~ /(--[a-z-]+)/g;
	push @{ $verbs{$group} }, $verb // @flags;
	$flags{"$group $verb"} = \@flags if defined $verb;
}
cmp_ok(scalar(keys %flags), '>=', 20, 'the help names the commands');

is(offers(''), join(' ', sort('--help', '--version', '-c', keys %verbs)),
    'the first word is a group of commands');
is(offers('se'), 'session', 'the beginning of a group is completed');
for my $group (sort keys %verbs) {
	is(offers($group, ''), join(' ', sort @{ $verbs{$group} }),
	    "the verbs of $group are offered");
}
for my $command (sort keys %flags) {
	is(offers(split(/ /, $command), '--'),
	    join(' ', sort @{ $flags{$command} }),
	    "the options of $command are offered");
}
is(offers('-c', $d->{file}, 'ban', 'l'), 'lift list', '-c FILE is skipped');
like(offers('-c', substr $d->{file}, 0, -3), qr/\Q$d->{file}\E/,
    'the file of -c is completed');
is(offers('token', 'inspect', '--alg', 'E'), 'ES256 ES384 ES512 EdDSA',
    'algorithms are offered after --alg');
is(offers('-c', $d->{file}, 'user', 'disable', 'al'), 'albert alice',
    'users are offered where a command needs one');
unlike(offers('-c', $d->{file}, 'user', 'import', ''), qr/alice/,
    'a file is no user');
is(offers('-c', $d->{file}, 'session', 'list', '--user', 'ali'), 'alice',
    'users are offered after --user');
is(offers('$(touch x)', '`id`', ''), '', 'the typed words are not executed');

done_testing();
