# SPDX-License-Identifier: MIT
# Users whom others disable, change and remove behind our back lose or change
# their live sessions in time: in a table of somebody else's in Postgres, and
# in SQLite by direct SQL.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Postgres;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

my $password = $FCGIAuth::Daemon::PASSWORD;
my $RECHECK = 2;

sub login {
	my ($d, $name) = @_;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json',
	    body => qq({"username":"$name","password":"$password"}));
	my ($cookie) = grep { /fcgiauth=/ } header_values($a, 'Set-Cookie');
	my ($token) = ($cookie // '') =~ /fcgiauth=([^;]*)/;
	return ($a->{status}, $token);
}

sub check {
	my ($d, $token) = @_;
	return $d->check(HTTP_COOKIE => "fcgiauth=$token");
}

sub groups {
	my ($d, $token) = @_;
	return (header_values(check($d, $token), 'Remote-Groups'))[0] // '';
}

# Within the interval, a little of its own and of the machine's.
sub in_time {
	my ($what, $code) = @_;
	return ok(wait_for($RECHECK + 1, $code), $what);
}

# What holds for every source.  sql: a reference to code that runs statements;
# the table is `$arg{table}`.
sub changes_follow {
	my ($d, %arg) = @_;
	my ($sql, $table) = @arg{qw(sql table)};
	my @alice = map { (login($d, 'alice'))[1] } 1 .. 2;
	my (undef, $bob) = login($d, 'bob');

	is(check($d, $_)->{status}, 204, 'signed in') for @alice, $bob;
	is(groups($d, $alice[0]), 'admin,staff', 'roles');
	$sql->("UPDATE $table SET roles = 'staff' WHERE name = 'alice'");
	in_time('roles change', sub { groups($d, $alice[0]) eq 'staff' });
	is(check($d, $alice[0])->{status}, 204, 'she stays signed in');
	is(groups($d, $alice[1]), 'staff', 'so does her other session');
	$sql->("UPDATE $table SET email = 'new\@example.com' " .
	    "WHERE name = 'alice'");
	in_time('e-mail, too', sub { ((header_values(check($d, $alice[1]),
	    'Remote-Email'))[0] // '') eq 'new@example.com' });

	$sql->("UPDATE $table SET disabled = $arg{yes} WHERE name = 'alice'");
	in_time('disabled', sub { check($d, $alice[0])->{status} == 401 });
	is(check($d, $alice[1])->{status}, 401, 'in every session');
	is((login($d, 'alice'))[0], 401, 'and cannot sign in');
	is(check($d, $bob)->{status}, 204, 'others stay');
	like($d->log_text, qr/sessions_revoked.*alice.*user_disabled/,
	    'the audit log has it');
	$sql->("UPDATE $table SET disabled = $arg{no} WHERE name = 'alice'");
	sleep($RECHECK);
	is(check($d, $alice[0])->{status}, 401, 'what has ended has ended');
	is((login($d, 'alice'))[0], 200, 'enabled again');

	$sql->("UPDATE $table SET name = 'robert' WHERE name = 'bob'");
	in_time('renamed is removed', sub { check($d, $bob)->{status} == 401 });
	($arg{status}, $bob) = login($d, 'robert');
	is($arg{status}, 200, 'the new name');
	my $a = $d->ask(REQUEST_METHOD => 'GET', REQUEST_URI => '/auth/me',
	    HTTP_COOKIE => "fcgiauth=$bob");
	is($a->{status}, 200, 'me');
	$sql->("DELETE FROM $table WHERE name = 'robert'");
	in_time('removed', sub { $d->ask(REQUEST_URI => '/auth/me',
	    HTTP_COOKIE => "fcgiauth=$bob")->{status} == 401 });
	return;
}

# Who keeps a session alive by nothing but refreshes is no exception.
sub refresh_is_looked_after {
	my ($d, %arg) = @_;
	my (undef, $token) = login($d, 'alice');

	$arg{sql}->("UPDATE $arg{table} SET disabled = $arg{yes} " .
	    "WHERE name = 'alice'");
	in_time('refreshed and disabled', sub { $d->ask(
	    REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/refresh',
	    HTTP_COOKIE => "fcgiauth=$token")->{status} == 401 });
	$arg{sql}->("UPDATE $arg{table} SET disabled = $arg{no} " .
	    "WHERE name = 'alice'");
	return;
}

subtest 'sqlite' => sub {
	my $sqlite = in_path('sqlite3') or plan(skip_all => 'no sqlite3 here');
	my $d = FCGIAuth::Daemon->new(
		conf => { users => { recheck => "${RECHECK}s" } });
	my %arg = (table => 'users', yes => 1, no => 0, sql => sub {
		my ($code, $out, $errors) = capture($sqlite, '-cmd',
		    '.timeout 5000', $d->dir . '/fcgiauth.db', $_[0]);
		is($code, 0, "sqlite3: $_[0]") or diag("$out$errors");
	});

	$d->add_user('alice', roles => [qw(admin staff)]);
	$d->add_user('bob');
	$d->start;
	changes_follow($d, %arg);
	refresh_is_looked_after($d, %arg);
	$d->stop_ok;
};

subtest 'mode refresh' => sub {
	my $sqlite = in_path('sqlite3') or plan(skip_all => 'no sqlite3 here');
	my $d = FCGIAuth::Daemon->new(conf => {
		auth => { mode => 'refresh', deliver => 'body' },
		jwt => { keys => undef } });
	$d->configure(jwt => { keys => $d->dir . '/keys' });
	$d->add_user('alice', roles => ['admin']);
	$d->start;
	my $sign_in = sub {
		my $a = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login',
		    CONTENT_TYPE => 'application/json', body =>
		    qq({"username":"alice","password":"$password"}));
		return ($a->{body} =~ /"refresh_token":"([^"]+)"/)[0];
	};
	my $refresh = sub {
		return $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/refresh',
		    CONTENT_TYPE => 'application/x-www-form-urlencoded',
		    body => "grant_type=refresh_token&refresh_token=$_[0]");
	};
	my $sql = sub { capture($sqlite, $d->dir . '/fcgiauth.db', $_[0]) };
	my $token = $sign_in->();

	$sql->("UPDATE users SET roles = 'staff'");
	my $a = $refresh->($token);
	is($a->{status}, 200, 'a refresh');
	like($a->{body}, qr/"roles":\["staff"\]/, 'has the roles of now');
	$sql->('UPDATE users SET disabled = 1');
	($token) = $a->{body} =~ /"refresh_token":"([^"]+)"/;
	is($refresh->($token)->{status}, 400, 'disabled');
	$sql->('UPDATE users SET disabled = 0');
	is($refresh->($token)->{status}, 400, 'for ever');
	$token = $sign_in->();
	$sql->('DELETE FROM users');
	is($refresh->($token)->{status}, 400, 'removed');
	$d->stop_ok;
};

# A table as applications have them, and a role that may do no more than it
# must.
sub foreign_table {
	my ($pg) = @_;
	my $hash = crypt($password, '$6$saltsalt$');

	$pg->psql(<<"EOT");
CREATE TABLE app.people (name varchar(80) UNIQUE, password_hash varchar(255),
	email varchar(255), roles text, disabled boolean, note text);
INSERT INTO app.people VALUES
	('alice', '$hash', 'alice\@example.com', 'admin staff', false, 'x'),
	('bob', '$hash', NULL, NULL, false, NULL),
	('Quote''d', '$hash', NULL, NULL, false, NULL),
	('control', '$hash', E'a\@b\\r\\nRemote-User: root', NULL, false, NULL);
GRANT SELECT (name, password_hash, email, roles, disabled),
	UPDATE (password_hash) ON app.people TO reader;
EOT
	return;
}

subtest 'postgres' => sub {
	plan(skip_all => 'no PostgreSQL here')
	    unless FCGIAuth::Postgres::available();
	my $pg = FCGIAuth::Postgres->new(settings => { log_statement => 'all' });
	my $sql = sub { $pg->psql($_[0]) };
	my $query = 'SELECT name, password_hash, email, roles, disabled ' .
	    'FROM app.people WHERE name = $1';
	my $d = FCGIAuth::Daemon->new(conf => { users => { path => undef,
		driver => 'postgres', recheck => "${RECHECK}s",
		conninfo => $pg->conninfo('postgres', 'reader'),
		query => $query } });
	my $check_fails = sub {
		my ($what, $says) = @_;
		my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c',
		    $d->{file}, '--check');

		isnt($code, 0, "--check: $what");
		like($out . $errors, $says, 'and says why');
		return;
	};

	$pg->psql('CREATE ROLE reader LOGIN; CREATE SCHEMA app; ' .
	    'GRANT USAGE ON SCHEMA app TO reader');
	$check_fails->('no such table', qr/app\.people.*does not exist/);
	foreign_table($pg);
	$d->configure(users => { query => "$query AND note IS NULL" });
	$check_fails->('not granted', qr/permission denied/);
	$d->configure(users => { query => 'SELECT name FROM app.people ' .
		'WHERE name = $1' });
	$check_fails->('no hash', qr/there is no column password_hash/);
	$d->configure(users => { query => $query });
	is((capture(bin('fcgiauthd'), '-c', $d->{file}, '--check'))[0], 0,
	    '--check');
	$d->start;
	changes_follow($d, table => 'app.people', yes => 'true', no => 'false',
	    sql => $sql);
	refresh_is_looked_after($d, table => 'app.people', yes => 'true',
	    no => 'false', sql => $sql);

	is((login($d, $_))[0], 401, "cannot sign in: $_") for 'ALICE',
	    "alice' OR '1'='1", "Quote'd", 'control', '%', 'nosuch';
	like($d->log_text, qr/user_refused.*control.*email/,
	    'the log says who is refused, and why');
	{
		# Nor can anybody fill the disk with it, banned or not.
		my $before = length $d->log_text;
		my %login = (REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login',
		    CONTENT_TYPE => 'application/json',
		    body => '{"username":"control","password":"wrong"}');
		$d->ask_at_once(map { +{ %login } } 1 .. 12);
		sleep 1.2;
		$d->ask(%login);
		my @lines = substr($d->log_text, $before) =~
		    /user_refused (.*)/g;
		my $counted = @lines;
		$counted += $_ for map { /left_out=(\d+)/ } @lines;
		cmp_ok(scalar @lines, '<', 7, 'of 13 look-ups not many lines');
		cmp_ok($counted, '>=', 13, '  and the others are counted')
		    or diag "@lines";
	}
	is($pg->psql('SELECT count(*) FROM app.people'), '3',
	    'the table is there');

	my $asked = sub { my $n = () = $pg->log_text =~
	    /execute <unnamed>: \Q$query\E/g; return $n };
	my (undef, $token) = login($d, 'alice');
	my ($before, $end, $checks) = ($asked->(), time + 2 * $RECHECK, 0);
	while (time < $end) {
		$checks++ if check($d, $token)->{status} == 204;
	}
	my $queries = $asked->() - $before;
	cmp_ok($checks, '>', 100, "$checks checks");
	cmp_ok($queries, '<=', 6, "$queries look-ups in two intervals");
	cmp_ok($queries, '>=', 1, 'but some');

	$pg->stop;
	in_time('nobody can tell', sub { check($d, $token)->{status} == 503 });
	my $a = check($d, $token);
	is(scalar(header_values($a, 'Set-Cookie')), 0, 'no cookie is touched');
	ok(header_values($a, 'Retry-After'), 'Retry-After');
	is((login($d, 'alice'))[0], 503, 'nor at a login');
	$a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	    HTTP_COOKIE => 'fcgiauth=' . $token, CONTENT_TYPE =>
	    'application/json', body => '');
	is($a->{status}, 204, 'signing out needs no users');
	$pg->start;
	ok(wait_for(3, sub { ((login($d, 'alice'))[0] // 0) == 200 }), 'back');

	like($pg->psql("SELECT password_hash FROM app.people WHERE name = " .
	    "'alice'"), qr/^\$6\$/, 'nothing was written');
	$d->configure(users => { update_hash => 'UPDATE app.people SET ' .
		'password_hash = $2 WHERE name = $1 AND password_hash = $3' });
	$d->reload;
	ok(wait_for(5, sub { login($d, 'alice'); $pg->psql('SELECT ' .
	    "password_hash FROM app.people WHERE name = 'alice'") =~
	    /^\$argon2id\$/ }), 'with update_hash a better one is');
	is((login($d, 'alice'))[0], 200, 'and is the same password');
	half_read($d, $pg);
	my ($code, $out, $errors) = $d->ctl(\"another good one here\n",
	    qw(user passwd alice --password-stdin));
	is($code, 0, 'user passwd') or diag("$out$errors");
	is((login($d, 'alice'))[0], 401, 'changes it');
	for my $command (qw(list), 'disable alice') {
		($code, $out, $errors) = $d->ctl('user', split ' ', $command);
		is($code, 1, "user $command");
		like($errors, qr/change the table/, 'says where');
	}
	($code, $out) = $d->ctl(qw(user show alice));
	is($code, 0, 'user show');
	like($out, qr/^password\s+argon2id/m, 'a person of that table');
	$d->stop_ok;
};

# bcrypt reads 72 bytes: whatever was typed behind them was not proven, and must
# not become the password.
sub half_read {
	my ($d, $pg) = @_;
	my $hash = crypt 'x' x 72, '$2b$05$abcdefghijklmnopqrstuu';
	my $stored = "SELECT password_hash FROM app.people WHERE name = 'alice'";
	my $before = $pg->psql($stored);

	$pg->psql("UPDATE app.people SET password_hash = '$hash' " .
	    "WHERE name = 'alice'");
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json',
	    body => '{"username":"alice","password":"' . 'x' x 72 . 'typo"}');
	is($a->{status}, 200, 'bcrypt sees the first 72 bytes');
	is($pg->psql($stored), $hash, 'so its hash stays');
	$pg->psql("UPDATE app.people SET password_hash = '$before' " .
	    "WHERE name = 'alice'");
	return;
}

done_testing;
