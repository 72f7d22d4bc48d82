# SPDX-License-Identifier: MIT
# The commands in the guides do what the guides say. Only folders, addresses and
# the effect of systemctl are replaced.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Guide;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $tmp = tempdir();

sub said { my (undef, $out, $err) = @_; return ($out // '') . ($err // '') }

# Runs lines as one shell script and returns its output. places: { text => its
# replacement }.
sub run_script {
	my ($places, @lines) = @_;
	my $script = join "\n", 'set -e', @lines;

	for my $text (sort { length $b <=> length $a } keys %$places) {
		$script =~ s/\Q$text\E/$places->{$text}/g;
	}
	my @said = capture('sh', '-c', $script);
	is($said[0], 0, "the command succeeds: $lines[0]")
	    or diag("$script\n" . said(@said));
	return $said[1];
}

# Signs alice in and returns her session token.
sub sign_in_to {
	my ($d) = @_;
	my $answer = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));

	return $answer->{raw} =~ /fcgiauth=([\w-]+)/ ? $1 : '';
}

# Returns replacements that give the programs the configuration in a folder.
sub programs {
	my ($dir) = @_;
	return (
		"\nfcgiauthctl " => "\n" . bin('fcgiauthctl') .
		    " -c $dir/fcgiauth.ini ",
		"\nfcgiauthctl -c" => "\n" . bin('fcgiauthctl') . ' -c',
	);
}

# Starts the service with fcgiauth.ini of a folder, and asks it for its state.
sub feed_is_proven {
	my ($dir) = @_;
	my @tool = (bin('fcgiauthctl'), '-c', "$dir/fcgiauth.ini");

	spit("$dir/fcgiauth.ini", "[server]\nlisten = unix:$dir/sock\n" .
	    slurp("$dir/fcgiauth.ini"));
	my $pid = spawn('fcgiauthd', "$dir/log", bin('fcgiauthd'), '-c',
	    "$dir/fcgiauth.ini");
	ok(wait_for(15, sub { said(capture(@tool, 'status')) =~
		/^feed +proven/m }), 'fcgiauthctl status prints proven')
	    or diag(slurp("$dir/log"));
	kill 'TERM', $pid;
	is(reap($pid, 15), 0, 'the service ends');
	return;
}

subtest 'accounts.md' => sub {
	my $d = FCGIAuth::Daemon->new(store => 'sqlite',
	    conf => { server => { hosts => 'www.example.com localhost' } })
	    ->start;
	my @lines = commands('accounts', 'Make users');
	my $run = sub {
		my ($line) = @_;
		my $tool = bin('fcgiauthctl') . " -c $d->{file}";

		$line =~ s{users\.csv}{$tmp/users.csv};
		$line =~ s/^fcgiauthctl //;
		$tool = "echo '$PASSWORD' | $tool"
		    if $line =~ s/^user add .*\K/ --password-stdin/;
		my @said = capture('sh', '-c', "$tool $line");
		is($said[0], 0, "the command succeeds: $line")
		    or diag(said(@said));
		return $said[1];
	};

	spit("$tmp/users.csv", join '', map { "$_\n" } grep { /,/ } @lines);
	my ($added, $link, $would, $does) =
	    map { $run->($_) } grep { /^fcgiauthctl/ } @lines;
	is($added, "alice: added\n", 'alice is added');
	like($link, qr{^https://www\.example\.com/auth/link/},
	    'a link for bob');
	like($would, qr/^users: 2 added.*nothing was changed/m, 'the dry run');
	like($does, qr/^users: 2 added, 0 changed/m, 'two users are imported');
	sign_in_to($d);
	like($run->($_), qr{^https://}, 'a link for a new password')
	    for commands('accounts', 'Passwords');
	my ($count, $list, $revoked, @ends) = map { $run->($_) }
	    commands('accounts', 'Sessions, and the end of an account');
	is($count, "sessions: 1\nusers: 1\n", 'one user is signed in');
	like($list, qr/ alice /, 'the session of alice is listed');
	is($revoked, "sessions ended: 1\n", 'it is ended');
	is(scalar @ends, 2, 'alice is disabled and deleted');
	$d->stop_ok;
};

# Runs the commands with other folders, and without systemctl.
subtest 'backup.md, the embedded database' => sub {
	plan(skip_all => 'no sqlite3 here') unless in_path('sqlite3');
	my $d = FCGIAuth::Daemon->new(store => 'sqlite')->start;
	my $dir = $d->dir;
	my ($ini) = blocks('backup', 'ini');
	my $run = sub {
		for my $line (@_) {
			$d->stop_ok, next if $line =~ /^systemctl stop/;
			$d->start, next if $line =~ /^systemctl start/;
			$line =~ s{/var/backups/}{$tmp/}g;
			$line =~ s{/var/lib/fcgiauth/}{$dir/}g;
			$line =~ s{^fcgiauthd\b}{bin('fcgiauthd')}e;
			$line =~ s{^fcgiauthctl\b(?! -c)}{fcgiauthctl -c $d->{file}};
			$line =~ s{^fcgiauthctl\b}{bin('fcgiauthctl')}e;
			my @said = capture('sh', '-c', "umask 077; $line");
			is($said[0], 0, "the command succeeds: $line")
			    or diag(said(@said));
			$line = $said[1];
		}
		return @_;
	};

	mkdir "$dir/keys";
	$d->add_user('alice');
	my $asks = sub { $d->check(HTTP_COOKIE => "fcgiauth=$_[0]")->{status} };
	my $old = sign_in_to($d);
	is($asks->($old), 204, 'the session of alice is valid');
	$run->(grep { /^sqlite3/ } commands('backup', 'The embedded database'));
	is(($d->ctl('user', 'disable', 'alice'))[0], 0, 'alice is disabled');
	ok(wait_for(10, sub { $asks->($old) == 401 }),
	    'the session of alice has ended');

	$ini =~ s{/var/backups/}{$tmp/}g;
	spit("$tmp/try.ini", $ini);
	my ($check, $list, $whole) =
	    $run->(commands('backup', 'Is the copy good?'));
	is($check, '', 'the first command prints nothing');
	like($list, qr/^alice\s+enabled/m,
	    'the second command lists the users');
	is($whole, "ok\n", 'the last command prints ok');

	$run->(commands('backup', 'Restore'));
	is($asks->($old), 401, 'the restore brings no session back');
	is($asks->(sign_in_to($d)), 204, 'the user of the backup can sign in');
	$d->stop_ok;
};

subtest 'scaling.md and backup.md, PostgreSQL' => sub {
	my $missing = FCGIAuth::Store::missing('postgres');
	plan(skip_all => $missing) if $missing;
	my $server = FCGIAuth::Postgres->new(tcp => 1);
	my $etc = tempdir();
	my ($owner, $ours) = grep { /conninfo/ } blocks('scaling', 'ini');
	my $port = $server->port;
	my $psql = 'env PGHOST=127.0.0.1 PGUSER=postgres ' .
	    "PGPORT=$port sh -c";
	my %places = (programs($etc),
		'su postgres -c' => "PATH=\$PATH:" .
		    FCGIAuth::Postgres::programs() . " $psql",
		'/usr/share/fcgiauth/' => top() . '/conf/postgres/',
		'/etc/fcgiauth/' => "$etc/",
		'/var/backups/' => "$tmp/",
		'host=127.0.0.1' => "host=127.0.0.1 port=$port",
		'chgrp fcgiauth' => 'true',
	);

	for (['migrate.ini', $owner], ['fcgiauth.ini', $ours]) {
		spit("$etc/$_->[0]", $_->[1] =~ s{/etc/fcgiauth/}{$etc/}gr);
	}
	run_script(\%places, commands('scaling', 'Setting up PostgreSQL'));
	is(() = run_script(\%places, 'fcgiauthctl store status') =~
	    /^\w+ +postgres +\d+ +\d+ +ok$/mg, 3,
	    'store, users and factors are ok');
	my ($code, @more) = capture(\"$PASSWORD\n", bin('fcgiauthctl'), '-c',
	    "$etc/fcgiauth.ini", qw(user add alice --password-stdin));
	is($code, 0, 'user add succeeds') or diag("@more");
	feed_is_proven($etc);

	my ($dump, $create, $look, $restore, $end) =
	    grep { !/umask/ } commands('backup', 'PostgreSQL');
	run_script(\%places, $dump, $create, $look);
	is($server->psql('SELECT name FROM fcgiauth.users',
	    db => 'fcgiauth_try'), 'alice', 'the copy has the user');
	run_script(\%places, 'fcgiauthctl user delete alice');
	run_script(\%places, $restore, $end);
	like(run_script(\%places, 'fcgiauthctl user list'), qr/^alice\b/m,
	    'the restore brings the user back');
	$server->stop;
};

subtest 'scaling.md, Redis' => sub {
	my $missing = FCGIAuth::Store::missing('redis');
	plan(skip_all => $missing) if $missing;
	my $server = FCGIAuth::Redis->new(tcp => 1,
	    conf => { 'maxmemory-policy' => 'noeviction' });
	my $etc = tempdir();
	my ($ours) = grep { /redis/ } blocks('scaling', 'ini');
	my %places = (programs($etc), '/etc/fcgiauth/' => "$etc/",
		'chgrp fcgiauth' => 'true',
		'redis-cli' => 'redis-cli -p ' . $server->port);

	$ours =~ s{/etc/fcgiauth/}{$etc/}g;
	$ours =~ s/127\.0\.0\.1:6379/$server->address/e;
	spit("$etc/fcgiauth.ini",
	    "$ours\n[users]\npath = $etc/fcgiauth.db\n");
	run_script(\%places, commands('scaling', 'Setting up Redis'));
	# The guide speaks of this warning.
	unlike(said(capture(bin('fcgiauthd'), '-c', "$etc/fcgiauth.ini",
	    '--check')), qr/warning: (?!\[factors\].* is redis)|error/,
	    '--check has no other warning');
	feed_is_proven($etc);
	$server->cli(qw(acl setuser fcgiauth -getrange));
	my @said = capture(bin('fcgiauthd'), '-c', "$etc/fcgiauth.ini",
	    '--check');
	is($said[0], 1,
	    '--check fails when a right of the Redis user is missing');
	$server->stop;
};

done_testing;
