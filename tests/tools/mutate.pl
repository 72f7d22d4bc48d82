#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Makes small wrong changes to source files, one at a time, and reports those
# that no test notices.
#
#     tests/tools/mutate.pl [option...] FILE...
#
#     --tests=A,B   run these programs; the default is the map below
#     --max=N       at most N changes, drawn by --seed (default 1)
#     --minutes=N   begin no change after this time (default 20)
#     --timeout=N   seconds for one program (default 120); one that hangs
#                   counts as noticed
#     --copy=DIR    keep the copy of the tree there for the next call; the
#                   default is a folder below /tmp, which is removed
#     --configure=S arguments for configure (default: CFLAGS="-g -O1")
#     --list        show the changes and make none
#
# The working tree is not changed: the changes are made in a copy of the files
# that git lists, with modifications that are not committed. Warnings do not
# stop the compilation of a change; one that does not compile is counted
# separately, not as noticed. Prints each survivor with file, line and
# difference, and finally the share that was noticed; exits with 1 when a change
# survived, and with 2 when the tests fail without any change.
#
# Kinds of changes: a condition is negated, a clause of && or || or a statement
# is left out, < and <=, + and -, == and !=, or true and false are exchanged, a
# number is off by one, another value is returned. SQL of backends and Lua get
# similar changes. Some survivors are equivalent programs, which no
# test can notice: read the survivors before you draw conclusions. Memory that
# is not freed is noticed with --configure='--enable-sanitizers=address'.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Getopt::Long;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

my %opt = (seed => 1, minutes => 20, timeout => 120,
    configure => q{CFLAGS="-g -O1"});
GetOptions(\%opt, 'tests=s', 'max=i', 'seed=i', 'minutes=f', 'timeout=i',
    'copy=s', 'configure=s', 'list') && @ARGV
    or die "usage: mutate.pl [--tests=A,B] [--max=N] [--seed=N] FILE...\n";

# The tests that exercise a file most, by the first pattern that matches: names
# of programs, which are tests/unit/*/test_NAME or tests/contract/*/test_NAME.
my @flow = qw(audit login login_wait logout refresh renewal prolong sign_out
    verify recheck clock outputs forms torture);
my @map = (
    [qr{^backends/memory/} => qw(store_memory)],
    [qr{^backends/sqlite/users} => qw(users)],
    [qr{^backends/sqlite/} => qw(store_sqlite sqlite users)],
    [qr{^backends/htpasswd/} => qw(htpasswd_file htpasswd)],
    [qr{^backends/redis/client/} =>
	qw(backend_options store_redis redis redis_conn)],
    [qr{^backends/redis/} => qw(redis store_redis)],
    [qr{^backends/postgres/(?:users|foreign)} =>
	qw(backend_options users_postgres users_foreign postgres)],
    [qr{^backends/postgres/} => qw(store_postgres postgres)],
    [qr{^src/modes/} =>
	@flow, qw(modes each_mode refresh_torture access revocation)],
    [qr{^src/auth/rules|^src/auth/require} =>
	qw(rules rule_mistakes rule_paths rule_readings access verify)],
    [qr{^src/auth/(?:csrf|own)} =>
	qw(csrf origin_refusals origins login logout forms repeat)],
    [qr{^src/auth/(?:verify|access|refusals)} =>
	qw(access refusals readings verify conflict outputs)],
    [qr{^src/auth/(?:logout|left_over|conflict)} =>
	qw(logout conflict sign_out sign_out_page each_mode renewal forms)],
    [qr{^src/auth/(?:recheck|touches)} =>
	qw(touches clock recheck marks untouched)],
    [qr{^src/auth/(?:throttle|ban_key|hash_slots|login_floor|authenticate)} =>
	qw(hash_slots login_floor login_wait audit regulation
	regulation_limits login logout marks untouched)],
    [qr{^src/auth/} => @flow, qw(cors revocation repeat refusals
	sign_out_page access conflict)],
    [qr{^src/strategy/} => qw(conn users modes access revocation marks recheck
	login login_floor refresh conf backend_options store_memory store_sqlite
	sqlite)],
    [qr{^src/crypto/password} => qw(crypto password_legacy)],
    [qr{^src/crypto/(?:jwk|keyring)} =>
	qw(jwk jwk_refused keyring keyring_refused)],
    [qr{^src/crypto/} => qw(jws jws_oracles jwt jwt_claims crypto)],
    [qr{^src/http/} => qw(cookie form headers origin path redirect request
	response origin_refusals origins readings rule_readings conflict)],
    [qr{^src/conf/} => qw(conf files mistakes text hosts ini)],
    [qr{^src/(?:base|os)/} => qw(base conf)],
    [qr{^src/server/} =>
	qw(frame listen listen_passed loop loop_drain notify parking upgrade)],
);

my $top = abs_path(dirname($0) . '/../..');
my $began = time;

# Returns tests/unit/auth/test_login for "login", for example.
sub program {
	my ($name) = @_;
	my ($source) = glob "$top/tests/{unit,contract}/*/test_$name.c";

	# Several programs share the source of a test suite of backends.
	($source) = glob "$top/tests/contract/" . ($name =~ s/_.*//r) . '/'
	    if !$source && $name =~ /^(?:store|users)_/;
	die "there is no test $name\n" if !$source;
	return dirname("$source/x") =~ s{^\Q$top\E/}{}r . "/test_$name"
	    if $source =~ m{/$};
	return $source =~ s{^\Q$top\E/|\.c$}{}gr;
}

sub tests_of {
	my ($file) = @_;

	return map { program($_) } split /,/, $opt{tests} if $opt{tests};
	for my $pair (@map) {
		my ($pattern, @names) = @$pair;

		return map { program($_) } @names if $file =~ $pattern;
	}
	die "$file: no tests are known; name them by --tests\n";
}

sub slurp {
	my ($path) = @_;

	open my $in, '<', $path or die "$path: $!\n";
	local $/ = undef;
	return scalar <$in>;
}

sub spew {
	my ($path, $text) = @_;

	open my $out, '>', $path or die "$path: $!\n";
	print {$out} $text;
	close $out or die "$path: $!\n";
	return;
}

# Returns the text that may be changed: comments, strings and preprocessor lines
# are blanked out, and the length is the same.
sub code_of {
	my ($text) = @_;
	my $blank = sub { my $s = shift; $s =~ s/[^\n]/ /g; $s };

	$text =~ s{(/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')}
	    {$blank->($1)}gse;
	$text =~ s{^([ \t]*\#(?:.*\\\n)*.*)$}{$blank->($1)}gme;
	return $text;
}

# Returns the end of the parenthesis that begins at $at.
sub closing {
	my ($code, $at) = @_;
	my $depth = 0;

	for my $i ($at .. length($code) - 1) {
		my $c = substr $code, $i, 1;
		$depth++ if $c eq '(';
		return $i if $c eq ')' && --$depth == 0;
	}
	return;
}

# Returns the clauses of a condition, each with the operator beside it: [from,
# length].
sub clauses {
	my ($code, $from, $to) = @_;
	my ($depth, $start, @found) = (0, $from);

	for (my $i = $from; $i < $to; $i++) {
		my $c = substr $code, $i, 1;
		$depth++ if $c =~ /[(\[{]/;
		$depth-- if $c =~ /[)\]}]/;
		my $two = substr $code, $i, 2;
		if ($depth == 0 && ($two eq '&&' || $two eq '||')) {
			push @found, [$start, $i, $two];
			$start = $i + 2;
			$i++;
		}
	}
	return @found ? (@found, [$start, $to, '']) : ();
}

# Adds the changes of queries in SQL or Lua: comparisons, AND and OR, numbers,
# statements. Text that must not be changed is blank in `code`.
sub query_changes {
	my ($code, $add) = @_;
	my %swap = ('<' => '<=', '<=' => '<', '>' => '>=', '>=' => '>',
	    '=' => '<>', '==' => '~=', '~=' => '==', '<>' => '=',
	    AND => 'OR', OR => 'AND', and => 'or', or => 'and');

	while ($code =~ /(?<=\s)(<=|>=|==|~=|<>|<|>|AND|OR|and|or)(?=\s)/g) {
		$add->($-[1], length $1, $swap{$1}, "$1 is $swap{$1}");
	}
	# Numbers of parameters are not changed.
	while ($code =~ /(?<![\w.?\$:])(\d{1,6})(?![\w.])/g) {
		$add->($-[1], length $1, $1 + 1, 'one more');
	}
	while ($code =~ /\bnot (?=[\w(])/g) {
		$add->($-[0], 4, '', 'not left out');
	}
	while ($code =~ /^[ \t]+(?:redis\.call|[\w, ]+ = )[^\n]*$/gm) {
		$add->($-[0], $+[0] - $-[0], '', 'statement left out');
	}
	return;
}

# Returns the strings in C that look like SQL; all else is blanked out.
sub sql_of {
	my ($text) = @_;
	my $sql = $text =~ s/[^\n]/ /gr;

	while ($text =~ m{/\*.*?\*/|"((?:\\.|[^"\\])*)"}gs) {
		my ($at, $string) = ($-[1], $1);
		next if !defined $string || $string !~ /\b(?:SELECT|UPDATE|
		    DELETE|INSERT|WHERE|AND|OR|SET|LIMIT|CASE|WHEN|VALUES|
		    ON)\b/x;
		substr($sql, $at, length $string) = $string;
	}
	return $sql;
}

# Returns all changes of a file: { at, length, to, kind }.
sub changes_of {
	my ($text, $path) = @_;
	my @all;
	my $add = sub {
		my ($at, $length, $to, $kind) = @_;

		push @all, { at => $at, length => $length, to => $to,
			kind => $kind };
	};

	if ($path =~ /\.lua\z/) {
		query_changes($text =~ s/(--.*|'[^']*')/' ' x length $1/ger,
		    $add);
		return @all;
	}
	query_changes(sql_of($text), $add) if $path =~ m{^backends/};
	code_changes($text, $add);
	return @all;
}

sub code_changes {
	my ($text, $add) = @_;
	my $code = code_of($text);

	# Conditions, and their clauses.
	while ($code =~ /\b(?:if|while)\s*\(/g) {
		my $open = pos($code) - 1;
		my $close = closing($code, $open);
		next if !defined $close;
		my $inside = substr $text, $open + 1, $close - $open - 1;
		$add->($open + 1, length $inside, "!($inside)",
		    'condition turned');
		clause_changes($code, $text, $open + 1, $close, $add);
	}
	# Expressions of && and || that are returned or assigned.
	while ($code =~ /(?:\breturn\b|[^=!<>]=)(?=[^=;]*(?:&&|\|\|))/g) {
		my $from = pos $code;
		my $to = index $code, ';', $from;
		next if $to < 0 || substr($code, $from, $to - $from) =~ /[{}]/;
		clause_changes($code, $text, $from, $to, $add);
	}
	# Statements that can be left out: calls and assignments.
	while ($code =~ /(?<=[;{}:)\n])([ \t]*\n?[ \t]+)((?:\(void\))?
	    [A-Za-z_*][\w.\->\[\]*]*(?:\s*\(|\s*[-+|&^]?=[^=]|\+\+|--)[^;{}]*;)
	    /gx) {
		my ($at, $what) = ($-[2], $2);
		next if $what =~ /^(?:return|if|for|while|switch|else|goto|do|
		    sizeof|static|const|struct|enum|case)\b/x;
		$add->($at, length $what, ';', 'statement left out');
	}
	my %swap = ('<' => '<=', '<=' => '<', '>' => '>=', '>=' => '>',
	    '==' => '!=', '!=' => '==', '+' => '-', '-' => '+');
	while ($code =~ /(?<=\s)(<=|>=|==|!=|<|>|\+|-)(?=\s)/g) {
		$add->($-[1], length $1, $swap{$1}, "$1 is $swap{$1}");
	}
	# -1 is not changed: callers do not distinguish failures.
	while ($code =~ /(?<![\w.])(?<!-)(\d+)(?![\w.])/g) {
		$add->($-[1], length $1, $1 + 1, 'one more');
		$add->($-[1], length $1, $1 - 1, 'one less')
		    if $1 > 1;
	}
	while ($code =~ /\breturn\s+(-1|0|true|false)\s*;/g) {
		my %other = (-1 => '0', 0 => '-1', true => 'false',
		    false => 'true');
		$add->($-[1], length $1, $other{$1}, 'another answer');
	}
	while ($code =~ /=\s*(true|false)\b/g) {
		$add->($-[1], length $1, $1 eq 'true' ? 'false' : 'true',
		    'true and false');
	}
	while ($code =~ /(?<=[\s(])(!)(?=[\w(*])/g) {
		$add->($-[1], 1, '', 'not left out');
	}
	return;
}

sub clause_changes {
	my ($code, $text, $from, $to, $add) = @_;
	my @found = clauses($code, $from, $to);

	for my $i (0 .. $#found) {
		my ($start, $end, $op) = @{ $found[$i] };
		my $before = $i > 0 ? $found[ $i - 1 ][2] : $op;
		my $neutral = ($op || $before) eq '&&' ? ' true ' : ' false ';
		$add->($start, $end - $start, $neutral, 'clause left out');
	}
	return;
}

# Draws n of the changes, by the seed; the result is the same on every machine.
sub draw {
	my ($n, @all) = @_;
	my $x = $opt{seed} * 2654435761 % 4294967296;

	for my $i (reverse 1 .. $#all) {
		$x = ($x * 1103515245 + 12345) % 2147483648;
		my $j = int($x / 65536) % ($i + 1);
		@all[$i, $j] = @all[$j, $i];
	}
	return $n < @all ? @all[0 .. $n - 1] : @all;
}

# Ends all processes of a session. A test program gives each of its cases a
# process group, so a group is not all that it started, but its session is.
sub end_session {
	my ($leader) = @_;

	for my $path (glob '/proc/[0-9]*/stat') {
		open my $in, '<', $path or next;
		my $line = <$in> // '';
		close $in;
		# "pid (name) state parent group session ..."
		my ($pid, $session) =
		    $line =~ /^(\d+) \(.*\) \S+ \d+ \d+ (\d+)/s or next;
		kill 'KILL', $pid if $session == $leader;
	}
	return;
}

sub run {
	my ($dir, $seconds, $log, @command) = @_;
	my $pid = fork // die "fork: $!\n";

	if ($pid == 0) {
		POSIX::setsid();
		chdir $dir or POSIX::_exit(127);
		open STDOUT, '>', $log or POSIX::_exit(127);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
		exec @command or POSIX::_exit(127);
	}
	my $end = time + $seconds;
	while (waitpid($pid, WNOHANG) == 0) {
		if (time > $end) {
			end_session($pid);
			waitpid $pid, 0;
			return 124;
		}
		sleep 0.02;
	}
	my $status = $?;
	end_session($pid); # what it has left running
	return $status == 0 ? 0 : 1;
}

# Returns 'noticed', 'survived', or 'broken' when the change does not compile.
sub result_of {
	my ($dir, $tests, $log) = @_;

	return 'broken' if run($dir, 600, $log, 'make', '-s', @{$tests}) != 0;
	for my $test (@{$tests}) {
		return 'noticed'
		    if run($dir, $opt{timeout}, $log, "./$test") != 0;
	}
	return 'survived';
}

sub line_of {
	my ($text, $at) = @_;

	return 1 + (substr($text, 0, $at) =~ tr/\n//);
}

# Returns the lines that differ, as in a patch.
sub difference {
	my ($before, $after) = @_;
	my @a = split /\n/, $before, -1;
	my @b = split /\n/, $after, -1;

	while (@a && @b && $a[0] eq $b[0]) { shift @a; shift @b }
	while (@a && @b && $a[-1] eq $b[-1]) { pop @a; pop @b }
	return join '', map({ "-$_\n" } @a), map({ "+$_\n" } @b);
}

# Copies a file. A file with the same content keeps its time, others get a new
# one: otherwise an object file of an earlier change would count as up to date.
sub copy_file {
	my ($from, $to) = @_;
	my $text = slurp($from);

	return if -e $to && slurp($to) eq $text;
	make_path(dirname($to));
	spew($to, $text);
	chmod((stat $from)[2] & 0777, $to) or die "$to: $!\n";
	return;
}

sub make_copy {
	my ($dir) = @_;
	my @files = split /\0/,
	    qx(cd '$top' && git ls-files -co --exclude-standard -z);

	make_path("$dir/tree/build");
	@files > 0 or die "cannot list the tree\n";
	for my $file (@files) {
		copy_file("$top/$file", "$dir/tree/$file") if -f "$top/$file";
	}
	return if -e "$dir/tree/build/Makefile";
	system("(cd '$dir/tree' && ./autogen.sh && cd build && ../configure "
	    . "$opt{configure}) > '$dir/configure.log' 2>&1") == 0
	    or die "cannot configure: see $dir/configure.log\n";
	return;
}

# The files are read once, as the working tree may change meanwhile.
my (@plan, %text);
for my $file (@ARGV) {
	my $path = abs_path($file) // abs_path("$top/$file") // '';
	$path =~ s{^\Q$top\E/}{} or die "$file: is not in this tree\n";
	$text{$path} = slurp("$top/$path");
	push @plan, map { { %{$_}, file => $path } }
	    changes_of($text{$path}, $path);
}
my $possible = @plan;
@plan = draw($opt{max} // $possible, @plan);
@plan = sort { $a->{file} cmp $b->{file} || $a->{at} <=> $b->{at} } @plan;
if ($opt{list}) {
	for my $c (@plan) {
		my $text = $text{ $c->{file} };
		printf "%s:%d: %s\n", $c->{file}, line_of($text, $c->{at}),
		    $c->{kind};
	}
	exit 0;
}

my $place = $opt{copy} // tempdir('mutate.XXXXXX', TMPDIR => 1, CLEANUP => 1);
make_path($place);
make_copy(abs_path($place));
my ($tree, $log) = ("$place/tree", abs_path($place) . '/log');
my %counted = (noticed => 0, survived => 0, broken => 0);
my %good;
$| = 1;

for my $c (@plan) {
	my @tests = tests_of($c->{file});
	my $key = "@tests";

	last if time - $began > 60 * $opt{minutes};
	if (!$good{$key}) {
		if (result_of("$tree/build", \@tests, $log) ne 'survived') {
			print STDERR slurp($log);
			warn "the tests fail without a change\n";
			exit 2;
		}
		$good{$key} = 1;
	}
	my $text = $text{ $c->{file} };
	my $wrong = $text;
	substr($wrong, $c->{at}, $c->{length}) = $c->{to};
	spew("$tree/$c->{file}", $wrong);
	my $verdict = result_of("$tree/build", \@tests, $log);
	spew("$tree/$c->{file}", $text);
	$counted{$verdict}++;
	next if $verdict ne 'survived';
	printf "%s:%d: %s\n%s\n", $c->{file}, line_of($text, $c->{at}),
	    $c->{kind}, difference($text, $wrong);
}

my $tried = $counted{noticed} + $counted{survived};
printf "%d changes of %d possible: %d noticed, %d survived, %d did not "
    . "compile%s\n", $tried + $counted{broken}, $possible, $counted{noticed},
    $counted{survived}, $counted{broken},
    $tried > 0 ? sprintf('; %.0f %% noticed', 100 * $counted{noticed} / $tried)
    : '';
exit($counted{survived} > 0 ? 1 : 0);
