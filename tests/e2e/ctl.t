#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# fcgiauthctl as an administrator sees it: exit statuses, output, passwords,
# root, the terminal.
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
umask 077;	# or the secret in the configuration is refused
my $limit = 60;    # seconds, for anything that hangs
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

# A folder with a configuration, and an empty store; returns both.  store,
# users: keys instead of those that FCGIAUTH_STORE says.
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

# Runs a program to its end: status, stdout, stderr.
sub run_program {
	my ($input, @command) = @_;
	my $dir = tempdir(CLEANUP => 1);

	spew("$dir/in", $input);
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		alarm $limit;
		POSIX::setsid();    # no terminal to ask
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

	is($status, 0, "@_ --json") or diag $err;
	unlike($out, qr/[^\x20-\x7e\n]/, '  is printable ASCII');
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

	is($status, 0, "add $name") or diag $err;
	return $err;
}

subtest 'usage' => sub {
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
		['user', 'show', '-x'], ['user', 'import', 'f'],
		['session', 'revoke'], ['session', 'revoke', '--all', '0' x 32],
		['session', 'revoke', '--all', '--user', 'a'],
		['ban', 'lift'], ['ban', 'lift', '--user', 'a', '--ip', '::1'],
		['store', 'migrate', '--json'], ['config', 'check', 'x'],
	);

	for my $i (0 .. $#wrong) {
		my ($status, $out, $err) = ctl(@{$wrong[$i]});

		is($status, 2, "row $i: @{$wrong[$i]}");
		is($out, '', "row $i: nothing on stdout");
		like($err, qr/\Afcgiauthctl: [^\n]+\n\z/, "row $i: one line");
		unlike($err, qr/hunter2/, "row $i: no value repeated");
	}
	ok(!-e "$dir/fcgiauth.db", 'wrong usage opens nothing');

	my ($status, $out, $err) = ctl('user');
	is($status, 2, 'user alone');
	like($err, qr/user add NAME/, '  lists the user commands');
	unlike($err, qr/session list/, '  and no others');
	($status, $out, $err) = run_program('', $ctl);
	is($status, 2, 'nothing at all');
	like($err, qr/session list/, '  lists all commands');
	($status, $out) = run_program('', $ctl, '--help');
	is($status, 0, '--help');
	like($out, qr/config show/, '  on stdout');
	($status, $out) = run_program('', $ctl, 'ban', 'lift', '--help');
	is($status, 0, 'ban lift --help');
	unlike($out, qr/ban list/, '  only that');
	($status, $out) = run_program('', $ctl, '--version');
	is($status, 0, '--version');
	like($out, qr/\Afcgiauthctl \d+\.\d+\S*\n\z/, '  and says it');
	($status, $out, $err) = ctl('user', 'add', 'alice');
	is($status, 2, 'no terminal and no --password-stdin');
	like($err, qr/--password-stdin/, '  says what to do');
};

subtest 'configuration' => sub {
	(my $dir, $config) = site();
	my ($status, $out, $err) = ctl('config', 'check');

	is($status, 0, 'config check') or diag $err;
	unlike($err, qr/warning/, '  without a warning');
	ok(!-e "$dir/fcgiauth.db", '  creates nothing');
	($status, $out) = ctl('config', 'show');
	is($status, 0, 'config show');
	like($out, qr/^listen = unix:\Q$dir\E\/s\.sock$/m, '  shows values');
	unlike($out, qr/topsecret-value-x/, '  masks secrets');
	is(json('config', 'show')->{server}{listen}, "unix:$dir/s.sock",
	    '  as JSON, too');

	(undef, $config) = site(more =>
	    "[rule a]\nhost = a.example\nrequire = user\n");
	($status, $out, $err) = ctl('config', 'check');
	is($status, 0, 'config check of what may be meant');
	like($err, qr/\.ini:\d+: warning: \[server\] hosts: is empty/,
	    '  with a warning');
	($status, $out, $err) = ctl('user', 'list');
	is("$status $err", '0 ', '  which is not repeated elsewhere');

	(my $bad, $config) = site(more => "[server2]\n[limits]\nbody = x\n");
	my $at = 1 + (slurp($config) =~ s/\[server2.*//sr) =~ tr/\n//;
	for my $command (['config', 'check'], ['user', 'list'],
	    ['session', 'list'], ['store', 'status']) {
		($status, $out, $err) = ctl(@$command);
		is($status, 1, "@$command with a wrong configuration");
		like($err, qr/^\Q$config\E:$at:.*server2/m, '  first problem');
		like($err, qr/^\Q$config\E:@{[$at + 2]}:.*limits.*body/m,
		    '  second');
		unlike($err, qr/topsecret-value-x/, '  no secrets');
	}
	($status, $out, $err) = run_program('', $ctl, '-c', "$dir/none",
	    'user', 'list');
	is($status, 1, 'no configuration');
	like($err, qr/\Q$dir\E\/none/, '  named');

	($bad, $config) = site(more => "[password]\nblocklist = $dir/none\n");
	($status, $out, $err) = ctl('config', 'check');
	is($status, 1, 'a blocklist that is not there');
	like($err, qr/password.*blocklist/, '  named');
	($bad, $config) = site(users => { path => "$dir/none/x.db" });
	($status, $out, $err) = ctl('config', 'check');
	is($status, 1, 'a folder that is not there');
	like($err, qr/^\Q$config\E: \[users\].*\Q$dir\E\/none/m, '  named');
};

subtest 'users' => sub {
	(my $dir, $config) = site();
	my $audit = add_user('alice', '--role', 'admin', '--role=ops:eu',
	    '--email', 'alice@example.com', '--name', "Al\xc3\xafce");

	like($audit, qr/^\S+ info audit user_added user=alice by_uid=\d+/m,
	    'an audit line');
	unlike($audit, qr/\Q$good\E|argon2/, '  without password or hash');
	my ($status, $out, $err) = ctl_in("$good\n", 'user', 'add', 'alice',
	    '--password-stdin');
	is($status, 1, 'the same again');
	like($err, qr/exists/, '  says why');

	my $user = json('user', 'show', 'alice');
	is_deeply($user->{roles}, ['admin', 'ops:eu'], 'roles');
	is($user->{full_name}, "Al\x{ef}ce", 'full name');
	is($user->{password}, 'argon2id', 'kind of the hash');
	ok(!$user->{disabled}, 'enabled');
	ok(abs($user->{created} - time) < 60, 'created now');
	($status, $out) = ctl('user', 'show', 'alice');
	like($out, qr/^email +alice\@example\.com$/m, 'user show');
	unlike($out, qr/\$argon2/, '  without the hash');

	add_user('Bob');
	($status) = ctl_in("$good\n", 'user', 'add', '--password-stdin', '--',
	    '-dash');
	is($status, 0, 'a name like an option');
	($status, $out) = ctl('user', 'list');
	is($status, 0, 'user list');
	like($out, qr/\ANAME +STATE +PASSWORD +ROLES +EMAIL +FULL NAME\n/, '  heads');
	my @states = map { index $_, 'enabled' } split /\n/, $out;
	is_deeply([@states[1 .. 3]], [$states[1], $states[1], $states[1]],
	    '  columns');
	is_deeply([map { $_->{name} } @{json('user', 'list')->{users}}],
	    ['-dash', 'Bob', 'alice'], '  by name');

	($status) = ctl('user', 'set', 'alice', '--email', '', '--no-roles');
	is($status, 0, 'user set');
	$user = json('user', 'show', 'alice');
	is($user->{email}, '', '  e-mail removed');
	is_deeply($user->{roles}, [], '  roles removed');
	is($user->{full_name}, "Al\x{ef}ce", '  name kept');
	is($user->{password}, 'argon2id', '  password kept');

	($status) = ctl('user', 'disable', 'alice');
	is($status, 0, 'disable');
	ok(json('user', 'show', 'alice')->{disabled}, '  is disabled');
	($status) = ctl('user', 'disable', 'alice');
	is($status, 0, 'disable again');
	($status) = ctl('user', 'enable', 'alice');
	ok(!json('user', 'show', 'alice')->{disabled}, 'enable');

	($status) = ctl('user', 'delete', 'alice');
	is($status, 0, 'delete');
	for my $verb (qw(show delete disable enable)) {
		($status, $out, $err) = ctl('user', $verb, 'alice');
		is($status, 1, "$verb of nobody");
		like($err, qr/no such user: alice/, '  says so');
	}
	for my $i (['passwd', 'alice', '--password-stdin'],
	    ['set', 'alice', '--role', 'x'], ['show', 'alice ']) {
		($status) = ctl_in("$good\n", 'user', @$i);
		is($status, 1, "@$i: nobody");
	}
};

subtest 'values' => sub {
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
		    "row $i: nothing for the terminal");
	}
	is_deeply(json('user', 'list')->{users}, [], 'nobody was added');
};

subtest 'passwords from stdin' => sub {
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
		    "row $i: with a reason");
		unlike($err, qr/xxx|phrase 1/i, "row $i: not repeated");
	}
	my ($status, $out, $err) = ctl_in("fourteen chär.\n", 'user', 'add',
	    'a', '--password-stdin');
	like($err, qr/short: it has 14 characters, but must have at least 15/,
	    'how much is missing');
	($status, $out, $err) = ctl_in("averylonguser.name\n", 'user', 'add',
	    'averylonguser.name', '--password-stdin');
	is($status, 1, 'the own name');
	($status) = ctl_in($good, 'user', 'add', 'a', '--password-stdin');
	is($status, 0, 'without a newline');
	($status) = ctl_in("$other\nsecond line\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 0, 'the first of two lines');
	($status) = ctl_in('x' x 14 . "\r\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 1, 'the end of a line of Windows is no character of it');
	($status) = ctl_in("\xef\xbb\xbf" . 'x' x 14 . "\n", 'user', 'passwd',
	    'a', '--password-stdin');
	is($status, 1, '  nor is its mark of UTF-8');
	($status) = ctl_in("short\n", 'user', 'passwd', 'a',
	    '--password-stdin');
	is($status, 1, 'passwd asks the same');
};

subtest 'sessions' => sub {
	(my $dir, $config) = site();
	add_user($_) for qw(alice bob);
	# The service stores none that is no UTF-8, and Postgres takes none.
	my $byte = store_is('postgres') ? '' : "\xff";
	my $evil = "Moz\e]0;x\a\n\x7f\xc2\x9b31m$byte\\ \xe2\x80\xae.";
	my @alice = seed('session', 'alice', '192.0.2.1', $evil, 2);
	my ($bob) = seed('session', 'bob', '2001:db8::1', 'curl/8', 1);
	my ($status, $out, $err) = ctl('session', 'list');

	is($status, 0, 'session list');
	like($out, qr/\AID +USER +CREATED +LAST SEEN +ADDRESS +USER AGENT\n/,
	    '  heads');
	my $when = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
	like($out, qr{^$bob  bob    $when  $when  2001:db8::1  curl/8$}m,
	    '  a row');
	is(($out =~ tr/\n//), 4, '  a line each');
	unlike($out, qr/[^\x20-\x7e\n]/, '  nothing for the terminal');
	like($out, qr/Moz\\x1b\]0;x\\x07\\x0a\\x7f/, '  but shown');
	my $list = json('session', 'list');
	is(@{$list->{sessions}}, 3, 'as JSON');
	my ($row) = grep { $_->{id} eq $bob } @{$list->{sessions}};
	is($row->{user}, 'bob', '  user');
	is($row->{user_agent}, 'curl/8', '  user agent');
	ok(abs($row->{created} - time) < 60, '  created');
	ok(abs($row->{expires} - 3600 - time) < 60, '  expires');
	is(@{json('session', 'list', '--user', 'alice')->{sessions}}, 2,
	    'of one user');
	is(@{json('session', 'list', '--user', 'nobody')->{sessions}}, 0,
	    'of nobody');
	($status) = ctl('session', 'list', '--user', 'a b');
	is($status, 1, 'of an impossible user');

	($status, $out, $err) = ctl('session', 'revoke', $alice[0]);
	is($status, 0, 'revoke one');
	like($err, qr/audit session_revoked session=$alice[0] by_uid=/,
	    '  audited');
	is(@{json('session', 'list')->{sessions}}, 2, '  one less');
	for my $id ($alice[0], '0' x 32, uc($bob) . 'x', 'zz', '') {
		($status) = ctl('session', 'revoke', $id);
		is($status, 1, "revoke '$id'");
	}
	($status, $out, $err) = ctl('session', 'revoke', '--user', 'alice');
	is($status, 0, 'revoke a user');
	like($err, qr/audit sessions_revoked user=alice ended=1/,
	    '  audited');
	($status, $out) = ctl('session', 'revoke', '--user', 'alice');
	is("$status $out", "0 sessions ended: 0\n", '  none left');
	is(@{json('session', 'list')->{sessions}}, 1, '  bob stays');
	seed('session', 'alice', '192.0.2.1', 'x', 3);
	($status, $out) = ctl('session', 'revoke', '--all');
	is("$status $out", "0 sessions ended: 4\n", 'revoke all');

	seed('session', 'alice', '192.0.2.1', 'x', 1);
	is_deeply([seed('roles', 'alice')], ['old'], 'roles of a session');
	($status) = ctl('user', 'set', 'alice', '--role', 'a', '--role', 'b');
	is_deeply([seed('roles', 'alice')], ['a,b'], '  follow user set');
	ctl('session', 'revoke', '--all');

	for my $do (['user', 'disable', 'alice'],
	    ['user', 'passwd', 'alice', '--password-stdin'],
	    ['user', 'delete', 'alice']) {
		seed('session', 'alice', '192.0.2.1', 'x', 2);
		($status, $out, $err) = ctl_in("$other\n", @$do);
		is($status, 0, "@$do") or diag $err;
		like($err, qr/audit sessions_revoked user=alice ended=2/,
		    '  ends the sessions');
		is(@{json('session', 'list', '--user', 'alice')->{sessions}},
		    0, '  all of them');
	}

	my $many = 1203;
	seed('session', 'bob', '192.0.2.1', 'x', $many);
	my %ids = map { $_->{id} => 1 } @{json('session', 'list')->{sessions}};
	is(keys %ids, $many, 'more than a page, each once');
};

subtest 'bans' => sub {
	(my $dir, $config) = site();
	my @keys = ('user:bob', 'addr:192.0.2.1', 'addr:2001:db8::',
	    'net:2001:db8::', 'addr:2001:db8:0:1::', 'known:bob:00ff',
	    'known:bobby:00ff');
	seed('ban', $_, 240) for @keys;
	my ($status, $out, $err) = ctl('ban', 'list');

	is($status, 0, 'ban list');
	like($out, qr/^user +bob +user +\d{4}-\S+Z$/m, '  a user');
	like($out, qr/^user +bob +user at a known network +\d{4}-\S+Z$/m,
	    '  a user in one network');
	like($out, qr/^address +2001:db8:: +address +\d{4}-\S+Z$/m,
	    '  an address');
	like($out, qr{^network +2001:db8:: +network /48 +\d{4}-\S+Z$}m,
	    '  a network');
	is_deeply([sort map { "$_->{kind} $_->{value} $_->{reason}" }
	    @{json('ban', 'list')->{bans}}],
	    ['address 192.0.2.1 address', 'address 2001:db8:0:1:: address',
	     'address 2001:db8:: address', 'network 2001:db8:: network',
	     'user bob known_network', 'user bob user',
	     'user bobby known_network'], '  as JSON');
	for my $lift (['--user', 'Bob'], ['--ip', '192.0.2.1'],
	    ['--ip', '2001:DB8:0::5']) {
		($status, $out, $err) = ctl('ban', 'lift', @$lift);
		is($status, 0, "lift @$lift") or diag $err;
		like($err, qr/audit ban_lifted/, '  audited');
		($status) = ctl('ban', 'lift', @$lift);
		is($status, 1, '  only once');
	}
	($status) = ctl('ban', 'lift', '--ip', 'example.com');
	is($status, 1, 'no address');
	is_deeply([sort map { "$_->{value} $_->{reason}" }
	    @{json('ban', 'list')->{bans}}],
	    ['2001:db8:0:1:: address', 'bobby known_network'],
	    'a /48 is lifted with an address in it, another /64 is not; and ' .
	    'a user everywhere, however his name is written');
};

subtest 'memory store' => sub {
	(my $dir, $config) = site(store => { driver => 'memory' });
	for my $do (['session', 'list'], ['session', 'revoke', '--all'],
	    ['ban', 'list'], ['ban', 'lift', '--user', 'a']) {
		my ($status, $out, $err) = ctl(@$do);

		is($status, 1, "@$do");
		like($err, qr/driver = memory.*memory of the daemon/,
		    '  says why');
	}
	add_user('alice');
	for my $do (['passwd', 'alice', '--password-stdin'],
	    ['set', 'alice', '--role', 'x'], ['disable', 'alice'],
	    ['delete', 'alice']) {
		my ($status, $out, $err) = ctl_in("$other\n", 'user', @$do);

		is($status, 0, "user @$do");
		like($err, qr/warning: .*memory of the daemon/, '  warns');
	}
	my ($status) = ctl('store', 'migrate');
	is($status, 0, 'store migrate');
	my $state = json('store', 'status');
	is($state->{store}{driver}, 'memory', 'store status');
	ok(!defined $state->{store}{have}, '  no schema');
	($status) = ctl('config', 'check');
	is($status, 0, 'config check');
};

# What is about its files.
subtest 'schemas' => sub {
	(my $dir, $config) = site(users =>
	    { path => tempdir(CLEANUP => 1) . '/u.db' });
	my $state = json('store', 'status');

	is($state->{$_}{state}, 'not created yet', "$_ before") for
	    qw(store users);
	ok(!-e "$dir/fcgiauth.db", '  and status creates nothing');
	my ($status, $out, $err) = ctl('store', 'migrate');
	is($status, 0, 'store migrate') or diag $err;
	$state = json('store', 'status');
	for my $part (qw(store users)) {
		is($state->{$part}{state}, 'ok', "$part after");
		ok($state->{$part}{have} > 0, '  has a schema');
		is($state->{$part}{have}, $state->{$part}{want}, '  ours');
	}
	($status, $out) = ctl('store', 'migrate');
	is($status, 0, 'migrate again');
	like($out, qr/^store \(sqlite\): version \d+ already$/m, '  no change');
	my @mode = stat "$dir/fcgiauth.db";
	is($mode[2] & 077, 0, 'the database is for its owner alone');
	spew("$dir/fcgiauth.db", 'x' x 100000);
	unlink "$dir/fcgiauth.db-wal", "$dir/fcgiauth.db-shm";
	($status, $out, $err) = ctl('store', 'status');
	is($status, 1, 'a file that is no database');
	like($out, qr/^store +sqlite.*unreachable/m, '  says so');
	($status, $out, $err) = ctl('user', 'list');
	is($status, 0, 'users are elsewhere') or diag $err;

	# The change of the user stands, whatever happens to the sessions.
	add_user('alice');
	($status, $out, $err) = ctl('user', 'disable', 'alice');
	is($status, 1, 'disable without a store');
	like($err, qr/disabled, but .*session revoke --user alice/,
	    '  says what to do');
	ok(json('user', 'show', 'alice')->{disabled}, '  and is done');
} if store_is('sqlite');

# The audit line is written between the change and the end of the sessions.
subtest 'nobody reads' => sub {
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
	is($? >> 8, 1, 'output that is lost is no success');
	ok(json('user', 'show', 'alice')->{disabled}, 'disabled');
	is(@{json('session', 'list')->{sessions}}, 0, 'and the sessions ended');
};

subtest 'full disk' => sub {
	plan skip_all => 'no /dev/full' if !-e '/dev/full';
	(my $dir, $config) = site();
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDOUT, '>', '/dev/full' or POSIX::_exit(99);
		open STDERR, '>', "$dir/err" or POSIX::_exit(99);
		exec $ctl, '-c', $config, 'user', 'list' or POSIX::_exit(99);
	}
	waitpid $pid, 0;
	is($? >> 8, 1, 'output that is lost is no success');
};

# Both in one SQLite file.
sub files {
	my ($path) = @_;
	return site(store => { path => $path }, users => { path => $path });
}

subtest 'root' => sub {
	plan skip_all => 'only root becomes somebody else' if $> != 0;
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

		is("$stat[4] $stat[5]", "$nobody $group", "owner of $file");
	}

	chown 0, 0, "$dir/data" or die;
	chmod 0777, "$dir/data" or die;
	add_user('bob');
	my @stat = stat "$dir/data/a.db";
	is($stat[4], $nobody, "an existing file's owner, not the folder's");

	# As systemd does for a DynamicUser.
	mkdir "$dir/private", 0700 or die;
	mkdir "$dir/private/data", 0700 or die;
	chown $nobody, $group, "$dir/private/data" or die;
	symlink 'private/data', "$dir/behind" or die;
	(undef, $config) = files("$dir/behind/a.db");
	($status) = ctl('config', 'check');
	is($status, 0, 'config check of files to be made');
	add_user('carol');
	for my $file (glob "$dir/private/data/*") {
		my @stat = stat $file;

		is("$stat[4] $stat[5]", "$nobody $group", "owner of $file");
	}

	chown $nobody, $group, "$dir/mixed" or die;
	spew("$dir/mixed/root.db", '');
	symlink '/etc/passwd', "$dir/mixed/link.db" or die;
	my $err;
	for my $name (qw(root.db link.db)) {
		(undef, $config) = files("$dir/mixed/$name");
		($status, undef, $err) = ctl('user', 'list');
		is($status, 1, "$name in somebody's folder");
		like($err, qr/belongs to uid 0.*65534/, '  says why');
	}
	mkdir "$dir/shared" or die;
	chown 0, $group, "$dir/shared" or die;
	chmod 0770, "$dir/shared" or die;
	(undef, $config) = files("$dir/shared/a.db");
	($status, undef, $err) = ctl('user', 'list');
	is($status, 1, 'a folder of a group');
	like($err, qr/shared by root and gid $group/, '  says why');
	(undef, $config) = site(users => { path => "$dir/data/a.db" });
	($status, undef, $err) = ctl('user', 'list');
	is($status, 1, 'two owners');
	like($err, qr/different owners/, '  says why');
} if store_is('sqlite');

# A new terminal with the program in the foreground.
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
		# A shell may have had us ignore them.
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

# Reads until the text comes; false when it does not.
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

subtest 'terminal' => sub {
	(my $dir, $config) = site();
	my @rows = (
		# what is typed at each prompt, and how it ends
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
		ok(has_echo($t), "row $i: a terminal with echo") if $i == 0;
		ok(expect($t, 'New password: '), "row $i: asks");
		ok(!has_echo($t), "row $i: without echo");
		syswrite $t->{master}, $first;
		if (defined $second) {
			ok(expect($t, 'again: '), "row $i: asks again");
			syswrite $t->{master}, $second;
		}
		is(finish($t), $end, "row $i: the end") or diag $t->{seen};
		ok(has_echo($t), "row $i: the echo is back");
		unlike($t->{seen}, qr/horse|long enough|half|xxx/,
		    "row $i: nothing shown");
	}
	my $t;
	for my $signal (POSIX::SIGTERM(), POSIX::SIGHUP()) {
		$t = terminal('user', 'passwd', 'u0');
		ok(expect($t, 'New password: '), 'passwd asks');
		kill $signal, $t->{pid};
		is(finish($t), "signal $signal", 'killed');
		ok(has_echo($t), 'the echo is back');
	}
	is_deeply([map { $_->{name} } @{json('user', 'list')->{users}}], ['u0'],
	    'only one was added');
	$t = terminal('user', 'passwd', 'nobody');
	is(finish($t), 1, 'nobody is not asked for a password');
	unlike($t->{seen}, qr/New password/, '  at all');
};

done_testing();
