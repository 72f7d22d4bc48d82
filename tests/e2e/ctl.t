#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# fcgiauthctl as an administrator sees it: exit statuses, output, passwords,
# files of root, the terminal.
use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(O_RDWR O_NOCTTY);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Store;
use JSON::PP;
use POSIX ();
use Test::More;

my $ctl = abs_path($ENV{FCGIAUTHCTL} // '.build/main/fcgiauthctl');
BAIL_OUT('fcgiauthctl is not built') if !defined $ctl || !-x $ctl;
my $seed = abs_path($ENV{SEED} // dirname($ctl) . '/tests/seed');
BAIL_OUT('tests/seed is not built') if !defined $seed || !-x $seed;

$ENV{FCGIAUTHCTL} = $ctl;
umask 077;	# otherwise the secret in the file is refused
my $limit = 60;    # seconds, for a command that hangs
my $good = 'correct horse battery staple';
my $other = 'another long enough phrase';

sub spew {
	my ($path, $text) = @_;

	open my $fh, '>:raw', $path or die "$path: $!";
	print $fh $text;
	close $fh or die "$path: $!";
}

sub slurp {
	my ($path) = @_;

	open my $fh, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$fh>;
}

# Returns a folder and a configuration with an empty store. store, users:
# sections that replace those of FCGIAUTH_STORE.
sub site {
	my (%with) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my %place = (FCGIAuth::Store->new(dir => $dir)->sections,
	    map { $_ => $with{$_} } grep { $with{$_} } qw(store users));

	spew("$dir/c.ini", join '', "[server]\nlisten = unix:$dir/s.sock\n",
	    "peer_secret = topsecret-value-x\n",
	    (map { section($_, $place{$_}) } qw(store users)),
	    $with{more} // '');
	return ($dir, "$dir/c.ini");
}

sub section {
	my ($name, $keys) = @_;
	return join "\n", "[$name]", (map { "$_ = $keys->{$_}" }
	    sort keys %$keys), '';
}

# Runs a program to its end. Returns (status, standard output, standard error).
sub run_program {
	my ($input, @command) = @_;
	my $dir = tempdir(CLEANUP => 1);

	spew("$dir/in", $input);
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		alarm $limit;
		POSIX::setsid();    # no terminal for a prompt
		open STDIN, '<', "$dir/in" or POSIX::_exit(99);
		open STDOUT, '>', "$dir/out" or POSIX::_exit(99);
		open STDERR, '>', "$dir/err" or POSIX::_exit(99);
		exec { $command[0] } @command or POSIX::_exit(99);
	}
	waitpid $pid, 0;
	return ($? & 127 ? "signal $?" : $? >> 8, slurp("$dir/out"),
	    slurp("$dir/err"));
}

my $config;
sub ctl { return run_program('', $ctl, '-c', $config, @_) }

sub ctl_in {
	my ($input, @args) = @_;

	return run_program($input, $ctl, '-c', $config, @args);
}

sub json {
	my ($status, $out, $err) = ctl(@_, '--json');

	is($status, 0, "@_ --json succeeds") or diag $err;
	unlike($out, qr/[^\x20-\x7e\n]/, "@_ --json prints ASCII");
	return decode_json($out);
}

sub seed {
	my ($status, $out, $err) = run_program('', $seed, $config, @_);

	die "seed: $err" if $status ne '0';
	return split /\n/, $out;
}

sub add_user {
	my ($name, @more) = @_;
	my ($status, $out, $err) =
	    ctl_in("$good\n", 'user', 'add', $name, '--password-stdin', @more);

	is($status, 0, "user add $name succeeds") or diag $err;
	return $err;
}

subtest 'wrong usage and help' => sub {
	(my $dir, $config) = site();
	my @wrong = (
		['usr'], ['user', 'frob'], ['user', 'add'],
		['user', 'add', 'a', 'b'], ['user', 'list', 'x'],
		['user', 'add', 'a', '--all'], ['user', 'add', 'a', '--role'],
		['user', 'add', 'a', '--email', 'x', '--email', 'y'],
		['user', 'add', 'a', '--role', 'x', '--role', 'x'],
		['user', 'add', 'a', '--password', 'hunter2'],
		['user', 'add', 'a', '--password=hunter2'],
		['user', 'list', '--json=1'], ['user', 'list', '--json', '--json'],
		['user', 'list', '-c', 'other'], ['user', 'set', 'a'],
		['user', 'set', 'a', '--no-roles', '--role', 'x'],
		['user', 'show', '-x'], ['user', 'import'],
		['session', 'revoke'], ['session', 'revoke', '--all', '0' x 32],
		['session', 'revoke', '--all', '--user', 'a'],
		['ban', 'lift'], ['ban', 'lift', '--user', 'a', '--ip', '::1'],
		['store', 'migrate', '--json'], ['config', 'check', 'x'],
	);

	for my $i (0 .. $#wrong) {
		my ($status, $out, $err) = ctl(@{$wrong[$i]});

		is($status, 2, "row $i is wrong usage: @{$wrong[$i]}");
		is($out, '', "row $i prints nothing to standard output");
		like($err, qr/\Afcgiauthctl: [^\n]+\n\z/,
		    "row $i prints one line");
		unlike($err, qr/hunter2/, "row $i does not repeat a value");
	}
	ok(!-e "$dir/fcgiauth.db", 'wrong usage creates no file');

	my ($status, $out, $err) = ctl('user');
	is($status, 2, 'a group without a command is wrong usage');
	like($err, qr/user add NAME/,
	    'the message lists the commands of the group');
	unlike($err, qr/session list/, 'the message lists no other commands');
	($status, $out, $err) = run_program('', $ctl);
	is($status, 2, 'no argument is wrong usage');
	like($err, qr/session list/, 'the message lists all commands');
	($status, $out) = run_program('', $ctl, '--help');
	is($status, 0, '--help succeeds');
	like($out, qr/config show/, '--help prints to standard output');
	($status, $out) = run_program('', $ctl, 'ban', 'lift', '--help');
	is($status, 0, 'ban lift --help succeeds');
	unlike($out, qr/ban list/, 'ban lift --help shows only this command');
	($status, $out) = run_program('', $ctl, '--version');
	is($status, 0, '--version succeeds');
	like($out, qr/\Afcgiauthctl \d+\.\d+\S*\n\z/,
	    '--version prints the version');
	($status, $out, $err) = ctl('user', 'add', 'alice');
	is($status, 2, 'a password without a terminal is wrong usage');
	like($err, qr/--password-stdin/, 'the message names --password-stdin');
};

subtest 'config check and config show' => sub {
	(my $dir, $config) = site();
	my ($status, $out, $err) = ctl('config', 'check');

	is($status, 0, 'config check succeeds') or diag $err;
	# Beside Redis the users are in a file of this host, which is doubtful.
	unlike($err, qr/warning(?!: \[factors\] driver: is sqlite, a file)/,
	    'config check prints no warning');
	ok(!-e "$dir/fcgiauth.db", 'config check creates no file');
	($status, $out) = ctl('config', 'show');
	is($status, 0, 'config show succeeds');
	like($out, qr/^listen = unix:\Q$dir\E\/s\.sock$/m,
	    'config show prints the values');
	unlike($out, qr/topsecret-value-x/, 'config show masks secrets');
	is(json('config', 'show')->{server}{listen}, "unix:$dir/s.sock",
	    'config show --json has the values');

	(undef, $config) = site(more =>
	    "[rule a]\nhost = a.example\nrequire = user\n");
	($status, $out, $err) = ctl('config', 'check');
	is($status, 0, 'config check succeeds with a doubtful value');
	like($err, qr/\.ini:\d+: warning: \[server\] hosts: is empty/,
	    'config check prints a warning');
	($status, $out, $err) = ctl('user', 'list');
	is("$status $err", '0 ', 'another command does not print the warning');

	(my $bad, $config) = site(more => "[server2]\n[limits]\nbody = x\n");
	my $at = 1 + (slurp($config) =~ s/\[server2.*//sr) =~ tr/\n//;
	for my $command (['config', 'check'], ['user', 'list'],
	    ['session', 'list'], ['store', 'status']) {
		($status, $out, $err) = ctl(@$command);
		is($status, 1, "@$command fails with a wrong configuration");
		like($err, qr/^\Q$config\E:$at:.*server2/m,
		    "@$command reports the first problem");
		like($err, qr/^\Q$config\E:@{[$at + 2]}:.*limits.*body/m,
		    "@$command reports the second problem");
		unlike($err, qr/topsecret-value-x/,
		    "@$command prints no secret");
	}
	($status, $out, $err) = run_program('', $ctl, '-c', "$dir/none",
	    'user', 'list');
	is($status, 1, 'a missing configuration fails');
	like($err, qr/\Q$dir\E\/none/, 'the message names the missing file');

	($bad, $config) = site(more => "[password]\nblocklist = $dir/none\n");
	($status, $out, $err) = ctl('config', 'check');
	is($status, 1, 'a missing blocklist fails');
	like($err, qr/password.*blocklist/,
	    'the message names the option blocklist');
	($bad, $config) = site(users => { path => "$dir/none/x.db" });
	($status, $out, $err) = ctl('config', 'check');
	is($status, 1, 'a missing folder fails');
	like($err, qr/^\Q$config\E: \[users\].*\Q$dir\E\/none/m,
	    'the message names the missing folder');
};

subtest 'commands for users' => sub {
	(my $dir, $config) = site();
	my $audit = add_user('alice', '--role', 'admin', '--role=ops:eu',
	    '--email', 'alice@example.com', '--name', "Al\xc3\xafce");

	like($audit, qr/^\S+ info audit user_added user=alice by_uid=\d+/m,
	    'user add is audited');
	unlike($audit, qr/\Q$good\E|argon2/,
	    'the audit line has no password and no hash');
	my ($status, $out, $err) = ctl_in("$good\n", 'user', 'add', 'alice',
	    '--password-stdin');
	is($status, 1, 'an existing user cannot be added');
	like($err, qr/exists/, 'the message says that the user exists');

	my $user = json('user', 'show', 'alice');
	is_deeply($user->{roles}, ['admin', 'ops:eu'],
	    'the user has the roles');
	is($user->{full_name}, "Al\x{ef}ce", 'the user has the full name');
	is($user->{password}, 'argon2id', 'the password is an Argon2id hash');
	ok(!$user->{disabled}, 'the user is enabled');
	ok(abs($user->{created} - time) < 60, 'the user was created now');
	($status, $out) = ctl('user', 'show', 'alice');
	like($out, qr/^email +alice\@example\.com$/m,
	    'user show shows the e-mail address');
	unlike($out, qr/\$argon2/, 'user show does not show the hash');

	add_user('Bob');
	($status) = ctl_in("$good\n", 'user', 'add', '--password-stdin', '--',
	    '-dash');
	is($status, 0, 'a name like an option can be added');
	($status, $out) = ctl('user', 'list');
	is($status, 0, 'user list succeeds');
	like($out, qr/\ANAME +STATE +PASSWORD +ROLES +EMAIL +FULL NAME\n/,
	    'user list has a heading');
	my @states = map { index $_, 'enabled' } split /\n/, $out;
	is_deeply([@states[1 .. 3]], [$states[1], $states[1], $states[1]],
	    'user list aligns its columns');
	is_deeply([map { $_->{name} } @{json('user', 'list')->{users}}],
	    ['-dash', 'Bob', 'alice'], 'user list is sorted by name');

	($status) = ctl('user', 'set', 'alice', '--email', '', '--no-roles');
	is($status, 0, 'user set succeeds');
	$user = json('user', 'show', 'alice');
	is($user->{email}, '', 'user set removes the e-mail address');
	is_deeply($user->{roles}, [], 'user set removes the roles');
	is($user->{full_name}, "Al\x{ef}ce", 'user set keeps the full name');
	is($user->{password}, 'argon2id', 'user set keeps the password');

	($status) = ctl('user', 'disable', 'alice');
	is($status, 0, 'user disable succeeds');
	ok(json('user', 'show', 'alice')->{disabled}, 'the user is disabled');
	($status) = ctl('user', 'disable', 'alice');
	is($status, 0, 'a repeated user disable succeeds');
	($status) = ctl('user', 'enable', 'alice');
	ok(!json('user', 'show', 'alice')->{disabled},
	    'user enable enables the user');

	($status) = ctl('user', 'delete', 'alice');
	is($status, 0, 'user delete succeeds');
	for my $verb (qw(show delete disable enable)) {
		($status, $out, $err) = ctl('user', $verb, 'alice');
		is($status, 1, "user $verb of an unknown user fails");
		like($err, qr/no such user: alice/,
		    "the message of user $verb names the user");
	}
	for my $i (['passwd', 'alice', '--password-stdin'],
	    ['set', 'alice', '--role', 'x'], ['show', 'alice ']) {
		($status) = ctl_in("$good\n", 'user', @$i);
		is($status, 1, "user @$i fails for an unknown user");
	}
};

subtest 'invalid values' => sub {
	(my $dir, $config) = site();
	my @bad = (
		['a b'], [''], ['a' x 65], ["a\n"], ['../x'], ["\xc3\xa4"],
		['ok', '--role', 'a,b'], ['ok', '--role', ''],
		['ok', '--email', "x\ny"], ['ok', '--name', "\e[31m"],
		['ok', '--name', "\xff"], ['ok', '--name', 'x' x 257],
		['ok', map { ('--role', sprintf 'r%060d', $_) } 1 .. 20],
	);

	for my $i (0 .. $#bad) {
		my ($status, $out, $err) = ctl_in("$good\n", 'user', 'add',
		    '--password-stdin', @{$bad[$i]});

		is($status, 1, "row $i is refused");
		unlike($err, qr/[\x00-\x09\x0b-\x1f\x7f]/,
		    "row $i prints no control characters");
	}
	is_deeply(json('user', 'list')->{users}, [], 'no user was added');
};

subtest 'passwords from standard input' => sub {
	my $black = tempdir(CLEANUP => 1) . '/list';
	spew($black, "something\nBlocked Phrase 1\n");
	(my $dir, $config) = site(more => "[password]\nblocklist = $black\n");
	my @bad = ('', "\n", "\n$good\n", "short\n", 'x' x 513 . "\n",
	    'x' x 100000, "blocked phrase 1\n", "zero\0zero\0zero\0\n",
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n");

	for my $i (0 .. $#bad) {
		my ($status, $out, $err) = ctl_in($bad[$i], 'user', 'add', 'a',
		    '--password-stdin');

		is($status, 1, "row $i is refused");
		like($err, qr/\Afcgiauthctl: refused: [^\n]+\n/,
		    "row $i prints a reason");
		unlike($err, qr/xxx|phrase 1/i,
		    "row $i does not print the password");
	}
	my ($status, $out, $err) = ctl_in("fourteen chär.\n", 'user', 'add',
	    'a', '--password-stdin');
	like($err, qr/short: it has 14 characters, but must have at least 15/,
	    'the message has the length and the minimum');
	($status, $out, $err) = ctl_in("averylonguser.name\n", 'user', 'add',
	    'averylonguser.name', '--password-stdin');
	is($status, 1, 'the own name is refused as password');
	($status) = ctl_in($good, 'user', 'add', 'a', '--password-stdin');
	is($status, 0, 'a password without a newline is accepted');
	($status) = ctl_in("$other\nsecond line\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 0, 'the first of two lines is the password');
	($status) = ctl_in('x' x 14 . "\r\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 1, 'a carriage return does not count as a character');
	($status) = ctl_in("\xef\xbb\xbf" . 'x' x 14 . "\n", 'user', 'passwd',
	    'a', '--password-stdin');
	is($status, 1, 'a byte order mark does not count as a character');
	($status) = ctl_in("short\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 1, 'user passwd refuses a short password');
};

subtest 'commands for sessions' => sub {
	(my $dir, $config) = site();
	add_user($_) for qw(alice bob);
	# The service stores only UTF-8, and PostgreSQL accepts nothing else.
	my $byte = store_is('postgres') ? '' : "\xff";
	my $evil = "Moz\e]0;x\a\n\x7f\xc2\x9b31m$byte\\ \xe2\x80\xae.";
	my @alice = seed('session', 'alice', '192.0.2.1', $evil, 2);
	my ($bob) = seed('session', 'bob', '2001:db8::1', 'curl/8', 1);
	my ($status, $out, $err) = ctl('session', 'list');

	is($status, 0, 'session list succeeds');
	like($out, qr/\AID +USER +CREATED +LAST SEEN +ADDRESS +USER AGENT\n/,
	    'session list has a heading');
	my $when = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
	like($out, qr{^$bob  bob    $when  $when  2001:db8::1  curl/8$}m,
	    'session list has the row of the session');
	is(($out =~ tr/\n//), 4, 'session list has a line for each session');
	unlike($out, qr/[^\x20-\x7e\n]/,
	    'session list prints no control characters');
	like($out, qr/Moz\\x1b\]0;x\\x07\\x0a\\x7f/,
	    'session list escapes control characters');
	my $list = json('session', 'list');
	is(@{$list->{sessions}}, 3, 'session list --json has all sessions');
	my ($row) = grep { $_->{id} eq $bob } @{$list->{sessions}};
	is($row->{user}, 'bob', 'the JSON has the user');
	is($row->{user_agent}, 'curl/8', 'the JSON has the user agent');
	ok(abs($row->{created} - time) < 60,
	    'the JSON has the time of creation');
	ok(abs($row->{expires} - 3600 - time) < 60, 'the JSON has the end');
	is_deeply(json('session', 'list', '--count'),
	    { sessions => 3, users => 2 }, 'session list --count counts');
	is((ctl('session', 'list', '--count'))[1],
	    "sessions: 3\nusers: 2\n", 'it prints both numbers');
	is((ctl('session', 'list', '--count', '--user', 'bob'))[0], 2,
	    'session list --count does not take a user');
	is(@{json('session', 'list', '--user', 'alice')->{sessions}}, 2,
	    'session list --user lists the sessions of a user');
	is(@{json('session', 'list', '--user', 'nobody')->{sessions}}, 0,
	    'session list --user lists nothing for an unknown user');
	($status) = ctl('session', 'list', '--user', 'a b');
	is($status, 1, 'session list --user refuses an invalid name');

	($status, $out, $err) = ctl('session', 'revoke', $alice[0]);
	is($status, 0, 'session revoke succeeds');
	like($err,
	    qr/audit session_revoked session=$alice[0] user=alice by_uid=/,
	    'session revoke is audited');
	is(@{json('session', 'list')->{sessions}}, 2,
	    'session revoke ends one session');
	for my $id ($alice[0], '0' x 32, uc($bob) . 'x', 'zz', '') {
		($status) = ctl('session', 'revoke', $id);
		is($status, 1, "session revoke refuses '$id'");
	}
	($status, $out, $err) = ctl('session', 'revoke', '--user', 'alice');
	is($status, 0, 'session revoke --user succeeds');
	like($err, qr/audit sessions_revoked user=alice ended=1/,
	    'session revoke --user is audited');
	($status, $out) = ctl('session', 'revoke', '--user', 'alice');
	is("$status $out", "0 sessions ended: 0\n",
	    'a repeated session revoke --user ends nothing');
	is(@{json('session', 'list')->{sessions}}, 1,
	    'the session of bob stays');
	seed('session', 'alice', '192.0.2.1', 'x', 3);
	($status, $out) = ctl('session', 'revoke', '--all');
	is("$status $out", "0 sessions ended: 4\n",
	    'session revoke --all ends all sessions');

	seed('session', 'alice', '192.0.2.1', 'x', 1);
	is_deeply([seed('roles', 'alice')], ['old'],
	    'the session has its roles');
	($status) = ctl('user', 'set', 'alice', '--role', 'a', '--role', 'b');
	is_deeply([seed('roles', 'alice')], ['a,b'],
	    'user set changes the roles of the session');
	ctl('session', 'revoke', '--all');

	for my $do (['user', 'disable', 'alice'],
	    ['user', 'passwd', 'alice', '--password-stdin'],
	    ['user', 'delete', 'alice']) {
		seed('session', 'alice', '192.0.2.1', 'x', 2);
		($status, $out, $err) = ctl_in("$other\n", @$do);
		is($status, 0, "@$do succeeds") or diag $err;
		like($err, qr/audit sessions_revoked user=alice ended=2/,
		    "@$do is audited with the number of sessions");
		is(@{json('session', 'list', '--user', 'alice')->{sessions}},
		    0, "@$do ends all sessions of the user");
	}

	my $many = 1203;
	seed('session', 'bob', '192.0.2.1', 'x', $many);
	my %ids = map { $_->{id} => 1 } @{json('session', 'list')->{sessions}};
	is(keys %ids, $many, 'a long list has each session once');
};

subtest 'commands for bans' => sub {
	(my $dir, $config) = site();
	my @keys = ('user:bob', 'addr:192.0.2.1', 'addr:2001:db8::',
	    'net:2001:db8::', 'addr:2001:db8:0:1::', 'known:bob:00ff',
	    'known:bobby:00ff');
	seed('ban', $_, 240) for @keys;
	my ($status, $out, $err) = ctl('ban', 'list');

	is($status, 0, 'ban list succeeds');
	like($out, qr/^user +bob +user +\d{4}-\S+Z$/m, 'ban list has the user');
	like($out, qr/^user +bob +user at a known network +\d{4}-\S+Z$/m,
	    'ban list has the user at a known network');
	like($out, qr/^address +2001:db8:: +address +\d{4}-\S+Z$/m,
	    'ban list has the address');
	like($out, qr{^network +2001:db8:: +network /48 +\d{4}-\S+Z$}m,
	    'ban list has the network');
	is_deeply([sort map { "$_->{kind} $_->{value} $_->{reason}" }
	    @{json('ban', 'list')->{bans}}],
	    ['address 192.0.2.1 address', 'address 2001:db8:0:1:: address',
	     'address 2001:db8:: address', 'network 2001:db8:: network',
	     'user bob known_network', 'user bob user',
	     'user bobby known_network'], 'ban list --json has all bans');
	for my $lift (['--user', 'Bob'], ['--ip', '192.0.2.1'],
	    ['--ip', '2001:DB8:0::5']) {
		($status, $out, $err) = ctl('ban', 'lift', @$lift);
		is($status, 0, "ban lift @$lift succeeds") or diag $err;
		like($err, qr/audit ban_lifted/, "ban lift @$lift is audited");
		($status) = ctl('ban', 'lift', @$lift);
		is($status, 1, "a repeated ban lift @$lift fails");
	}
	($status) = ctl('ban', 'lift', '--ip', 'example.com');
	is($status, 1, 'ban lift refuses an invalid address');
	is_deeply([sort map { "$_->{value} $_->{reason}" }
	    @{json('ban', 'list')->{bans}}],
	    ['2001:db8:0:1:: address', 'bobby known_network'],
	    'the /48 of an address is lifted, another /64 is not, and all ' .
	    'bans ' .
	    'of a user are lifted in any spelling of the name');
};

subtest 'commands with the memory store' => sub {
	(my $dir, $config) = site(store => { driver => 'memory' });
	for my $do (['session', 'list'], ['session', 'revoke', '--all'],
	    ['ban', 'list'], ['ban', 'lift', '--user', 'a']) {
		my ($status, $out, $err) = ctl(@$do);

		is($status, 1, "@$do fails");
		like($err, qr/driver = memory.*memory of the daemon/,
		    "@$do gives the reason");
	}
	add_user('alice');
	for my $do (['passwd', 'alice', '--password-stdin'],
	    ['set', 'alice', '--role', 'x'], ['disable', 'alice'],
	    ['delete', 'alice']) {
		my ($status, $out, $err) = ctl_in("$other\n", 'user', @$do);

		is($status, 0, "user @$do succeeds");
		like($err, qr/warning: .*memory of the daemon/,
		    "user @$do prints a warning");
	}
	my ($status) = ctl('store', 'migrate');
	is($status, 0, 'store migrate succeeds');
	my $state = json('store', 'status');
	is($state->{store}{driver}, 'memory', 'store status names the driver');
	ok(!defined $state->{store}{have},
	    'store status has no schema version');
	($status) = ctl('config', 'check');
	is($status, 0, 'config check succeeds');
};

# The files of SQLite.
subtest 'store status and store migrate' => sub {
	(my $dir, $config) = site(users =>
	    { path => tempdir(CLEANUP => 1) . '/u.db' });
	my $state = json('store', 'status');

	is($state->{$_}{state}, 'not created yet',
	    "$_: the status says that there is no schema yet") for
	    qw(store users factors);
	ok(!-e "$dir/fcgiauth.db", 'store status creates no file');
	my ($status, $out, $err) = ctl('store', 'migrate');
	is($status, 0, 'store migrate succeeds') or diag $err;
	$state = json('store', 'status');
	for my $part (qw(store users factors)) {
		is($state->{$part}{state}, 'ok',
		    "$part: the status is ok after store migrate");
		ok($state->{$part}{have} > 0,
		    "$part: the schema has a version");
		is($state->{$part}{have}, $state->{$part}{want},
		    "$part: the version is the current one");
	}
	($status, $out) = ctl('store', 'migrate');
	is($status, 0, 'a repeated store migrate succeeds');
	like($out, qr/^store \(sqlite\): version \d+ already$/m,
	    'a repeated store migrate changes nothing');
	my @mode = stat "$dir/fcgiauth.db";
	is($mode[2] & 077, 0, 'only the owner may use the database');
	spew("$dir/fcgiauth.db", 'x' x 100000);
	unlink "$dir/fcgiauth.db-wal", "$dir/fcgiauth.db-shm";
	($status, $out, $err) = ctl('store', 'status');
	is($status, 1, 'store status fails with an invalid file');
	like($out, qr/^store +sqlite.*unreachable/m,
	    'store status says that the store is unreachable');
	($status, $out, $err) = ctl('user', 'list');
	is($status, 0, 'user list succeeds with users in another file')
	    or diag $err;

	# The change of the user is kept even if the sessions cannot be ended.
	add_user('alice');
	($status, $out, $err) = ctl('user', 'disable', 'alice');
	is($status, 1, 'user disable fails without a store');
	like($err, qr/disabled, but .*session revoke --user alice/,
	    'the message names session revoke');
	ok(json('user', 'show', 'alice')->{disabled}, 'the user is disabled');
} if store_is('sqlite');

# The audit line is written between the change and the end of the sessions.
# Nobody reads it here.
subtest 'the reader of the output has ended' => sub {
	(my $dir, $config) = site();
	add_user('alice');
	seed('session', 'alice', '192.0.2.1', 'x', 2);
	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		close $read;
		$SIG{PIPE} = 'DEFAULT';
		open STDERR, '>&', $write or POSIX::_exit(99);
		open STDOUT, '>&', $write or POSIX::_exit(99);
		kill 'STOP', $$;
		exec $ctl, '-c', $config, 'user', 'disable', 'alice'
		    or POSIX::_exit(99);
	}
	waitpid $pid, POSIX::WUNTRACED();
	close $read;
	close $write;
	kill 'CONT', $pid;
	waitpid $pid, 0;
	is($? >> 8, 1, 'lost output causes status 1');
	ok(json('user', 'show', 'alice')->{disabled}, 'the user is disabled');
	is(@{json('session', 'list')->{sessions}}, 0,
	    'the sessions of the user have ended');
};

subtest 'output to a full disk' => sub {
	plan skip_all => 'no /dev/full' if !-e '/dev/full';
	(my $dir, $config) = site();
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDOUT, '>', '/dev/full' or POSIX::_exit(99);
		open STDERR, '>', "$dir/err" or POSIX::_exit(99);
		exec $ctl, '-c', $config, 'user', 'list' or POSIX::_exit(99);
	}
	waitpid $pid, 0;
	is($? >> 8, 1, 'lost output causes status 1');
};

# Returns a site with sessions and users in one SQLite file.
sub files {
	my ($path) = @_;
	return site(store => { path => $path }, users => { path => $path });
}

subtest 'root writes files for the owner of the folder' => sub {
	plan skip_all => 'only root can change the owner of files' if $> != 0;
	my ($nobody, $group) = (65534, 65534);
	my $dir = tempdir(CLEANUP => 1);
	my $status;

	chmod 0711, $dir or die;
	mkdir "$dir/$_" or die for qw(data mixed);
	chown $nobody, $group, "$dir/data" or die;
	chmod 0700, "$dir/data" or die;
	(undef, $config) = files("$dir/data/a.db");
	add_user('alice');
	for my $file (glob "$dir/data/*") {
		my @stat = stat $file;

		is("$stat[4] $stat[5]", "$nobody $group",
		    "the owner of the folder owns $file");
	}

	chown 0, 0, "$dir/data" or die;
	chmod 0777, "$dir/data" or die;
	add_user('bob');
	my @stat = stat "$dir/data/a.db";
	is($stat[4], $nobody,
	    'the owner of an existing file counts, not that of the folder');

	# Like systemd for a DynamicUser.
	mkdir "$dir/private", 0700 or die;
	mkdir "$dir/private/data", 0700 or die;
	chown $nobody, $group, "$dir/private/data" or die;
	symlink 'private/data', "$dir/behind" or die;
	(undef, $config) = files("$dir/behind/a.db");
	($status) = ctl('config', 'check');
	is($status, 0, 'config check succeeds before the files exist');
	add_user('carol');
	for my $file (glob "$dir/private/data/*") {
		my @stat = stat $file;

		is("$stat[4] $stat[5]", "$nobody $group",
		    "the owner of the folder owns $file");
	}

	chown $nobody, $group, "$dir/mixed" or die;
	spew("$dir/mixed/root.db", '');
	symlink '/etc/passwd', "$dir/mixed/link.db" or die;
	my $err;
	for my $name (qw(root.db link.db)) {
		(undef, $config) = files("$dir/mixed/$name");
		($status, undef, $err) = ctl('user', 'list');
		is($status, 1, "$name in a folder of another user is refused");
		like($err, qr/belongs to uid 0.*65534/,
		    "the message about $name names both owners");
	}
	mkdir "$dir/shared" or die;
	chown 0, $group, "$dir/shared" or die;
	chmod 0770, "$dir/shared" or die;
	(undef, $config) = files("$dir/shared/a.db");
	($status, undef, $err) = ctl('user', 'list');
	is($status, 1, 'a folder of root that a group may write is refused');
	like($err, qr/shared by root and gid $group/,
	    'the message names the group');
	(undef, $config) = site(users => { path => "$dir/data/a.db" });
	($status, undef, $err) = ctl('user', 'list');
	is($status, 1, 'store and users with different owners are refused');
	like($err, qr/different owners/,
	    'the message says that the owners differ');
} if store_is('sqlite');

# Starts the program in the foreground of a new terminal.
sub terminal {
	my (@args) = @_;

	sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY or return;
	my ($lock, $number) = (pack('i', 0), pack('i', 0));
	ioctl $master, 0x40045431, $lock or return;	# TIOCSPTLCK
	ioctl $master, 0x80045430, $number or return;	# TIOCGPTN
	my $name = '/dev/pts/' . unpack 'i', $number;
	sysopen my $slave, $name, O_RDWR | O_NOCTTY or return;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		alarm $limit;
		# A shell may have set these signals to be ignored.
		$SIG{$_} = 'DEFAULT' for qw(INT QUIT TERM HUP);
		POSIX::setsid();
		sysopen my $tty, $name, O_RDWR or POSIX::_exit(99);
		POSIX::dup2(fileno $tty, $_) for 0 .. 2;
		exec $ctl, '-c', $config, @args or POSIX::_exit(99);
	}
	return { master => $master, slave => $slave, pid => $pid, seen => '' };
}

sub has_echo {
	my ($t) = @_;
	my $mode = POSIX::Termios->new;

	$mode->getattr(fileno $t->{slave});
	return $mode->getlflag & POSIX::ECHO() ? 1 : 0;
}

# Reads until the text comes. Returns false when it does not come.
sub expect {
	my ($t, $text) = @_;
	my $until = time + $limit;

	while (index($t->{seen}, $text, $t->{at} // 0) < 0) {
		my $ready = '';

		return 0 if time > $until;
		vec($ready, fileno $t->{master}, 1) = 1;
		next if select($ready, undef, undef, 1) <= 0;
		sysread $t->{master}, $t->{seen}, 4096, length $t->{seen}
		    or return 0;
	}
	$t->{at} = index($t->{seen}, $text, $t->{at} // 0) + length $text;
	return 1;
}

sub finish {
	my ($t) = @_;

	waitpid $t->{pid}, 0;
	my $status = $?;
	my $ready = '';
	vec($ready, fileno $t->{master}, 1) = 1;
	sysread $t->{master}, $t->{seen}, 4096, length $t->{seen}
	    if select($ready, undef, undef, 0) > 0;
	return $status & 127 ? 'signal ' . ($status & 127) : $status >> 8;
}

subtest 'passwords from the terminal' => sub {
	(my $dir, $config) = site();
	my @rows = (
		# the input at each prompt, and the result
		["$good\n", "$good\n", 0],
		["$good\n", "$other\n", 1],
		["horse\n", "horse\n", 1],
		["\n", undef, 1],
		["\x04", undef, 1],
		["\x03", undef, 'signal 2'],
		["$good\n", "half\x03", 'signal 2'],
		['x' x 600 . "\n", undef, 1],
	);

	for my $i (0 .. $#rows) {
		my ($first, $second, $end) = @{$rows[$i]};
		my $t = terminal('user', 'add', "u$i");

		plan skip_all => 'no pseudo-terminals' if !defined $t;
		ok(has_echo($t), "row $i: the terminal has echo before")
		    if $i == 0;
		ok(expect($t, 'New password: '),
		    "row $i: the program asks for the password");
		ok(!has_echo($t), "row $i: the terminal has no echo meanwhile");
		syswrite $t->{master}, $first;
		if (defined $second) {
			ok(expect($t, 'again: '),
			    "row $i: the program asks for the repetition");
			syswrite $t->{master}, $second;
		}
		is(finish($t), $end, "row $i: the program ends as expected")
		    or diag $t->{seen};
		ok(has_echo($t), "row $i: the terminal has echo afterwards");
		unlike($t->{seen}, qr/horse|long enough|half|xxx/,
		    "row $i: the password is not shown");
	}
	my $t;
	for my $signal (POSIX::SIGTERM(), POSIX::SIGHUP()) {
		$t = terminal('user', 'passwd', 'u0');
		ok(expect($t, 'New password: '),
		    'user passwd asks for the password');
		kill $signal, $t->{pid};
		is(finish($t), "signal $signal",
		    'the program ends by the signal');
		ok(has_echo($t), 'the terminal has echo after the signal');
	}
	is_deeply([map { $_->{name} } @{json('user', 'list')->{users}}], ['u0'],
	    'only one user was added');
	$t = terminal('user', 'passwd', 'nobody');
	is(finish($t), 1, 'user passwd fails for an unknown user');
	unlike($t->{seen}, qr/New password/,
	    'user passwd does not ask for a password of an unknown user');
};

done_testing();
