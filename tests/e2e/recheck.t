# SPDX-License-Identifier: MIT
# When another program disables, changes or removes a user, the sessions of the
# user end or change within the recheck interval. The users are in a foreign
# table in PostgreSQL, or in SQLite and changed by SQL.
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

# The change must be visible within the interval and one second more.
sub in_time {
	my ($what, $code) = @_;
	return ok(wait_for($RECHECK + 1, $code), $what);
}

# Tests what every user source promises. sql: code that runs a statement. table:
# the name of the table. yes, no: the values of the column disabled.
sub changes_follow {
	my ($d, %arg) = @_;
	my ($sql, $table) = @arg{qw(sql table)};
	my @alice = map { (login($d, 'alice'))[1] } 1 .. 2;
	my (undef, $bob) = login($d, 'bob');

	is(check($d, $_)->{status}, 204,
	    'the new session is valid') for @alice, $bob;
	is(groups($d, $alice[0]), 'admin,staff', 'the check returns the roles');
	$sql->("UPDATE $table SET roles = 'staff' WHERE name = 'alice'");
	in_time('the session gets the new roles',
	    sub { groups($d, $alice[0]) eq 'staff' });
	is(check($d, $alice[0])->{status}, 204, 'the session stays valid');
	is(groups($d, $alice[1]), 'staff',
	    'the other session of the user gets them too');
	$sql->("UPDATE $table SET email = 'new\@example.com' " .
	    "WHERE name = 'alice'");
	in_time('the session gets the new e-mail address',
	    sub { ((header_values(check($d, $alice[1]),
	    'Remote-Email'))[0] // '') eq 'new@example.com' });

	$sql->("UPDATE $table SET disabled = $arg{yes} WHERE name = 'alice'");
	in_time('the session of a disabled user ends',
	    sub { check($d, $alice[0])->{status} == 401 });
	is(check($d, $alice[1])->{status}, 401,
	    'the other session of the user ends too');
	is((login($d, 'alice'))[0], 401, 'the disabled user cannot sign in');
	is(check($d, $bob)->{status}, 204,
	    'the session of another user stays valid');
	like($d->log_text, qr/sessions_revoked.*alice.*user_disabled/,
	    'the audit log records the end of the sessions');
	$sql->("UPDATE $table SET disabled = $arg{no} WHERE name = 'alice'");
	sleep($RECHECK);
	is(check($d, $alice[0])->{status}, 401,
	    'an ended session stays ended when the user is enabled again');
	is((login($d, 'alice'))[0], 200, 'the user can sign in again');

	$sql->("UPDATE $table SET name = 'robert' WHERE name = 'bob'");
	in_time('the session of a renamed user ends',
	    sub { check($d, $bob)->{status} == 401 });
	($arg{status}, $bob) = login($d, 'robert');
	is($arg{status}, 200, 'the user can sign in with the new name');
	my $a = $d->ask(REQUEST_METHOD => 'GET', REQUEST_URI => '/auth/me',
	    HTTP_COOKIE => "fcgiauth=$bob");
	is($a->{status}, 200, '/auth/me knows the new session');
	$sql->("DELETE FROM $table WHERE name = 'robert'");
	in_time('the session of a removed user ends',
	    sub { $d->ask(REQUEST_URI => '/auth/me',
	    HTTP_COOKIE => "fcgiauth=$bob")->{status} == 401 });
	return;
}

# A session that is only refreshed is rechecked as well.
sub refresh_is_rechecked {
	my ($d, %arg) = @_;
	my (undef, $token) = login($d, 'alice');

	$arg{sql}->("UPDATE $arg{table} SET disabled = $arg{yes} " .
	    "WHERE name = 'alice'");
	in_time('a refresh of a disabled user is refused', sub { $d->ask(
	    REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/refresh',
	    HTTP_COOKIE => "fcgiauth=$token")->{status} == 401 });
	$arg{sql}->("UPDATE $arg{table} SET disabled = $arg{no} " .
	    "WHERE name = 'alice'");
	return;
}

subtest 'users in SQLite' => sub {
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
	refresh_is_rechecked($d, %arg);
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
	is($a->{status}, 200,
	    'a refresh succeeds after the roles have changed');
	like($a->{body}, qr/"roles":\["staff"\]/,
	    'the new token has the current roles');
	$sql->('UPDATE users SET disabled = 1');
	($token) = $a->{body} =~ /"refresh_token":"([^"]+)"/;
	is($refresh->($token)->{status}, 400,
	    'a refresh of a disabled user is refused');
	$sql->('UPDATE users SET disabled = 0');
	is($refresh->($token)->{status}, 400,
	    'the token stays refused when the user is enabled again');
	$token = $sign_in->();
	$sql->('DELETE FROM users');
	is($refresh->($token)->{status}, 400,
	    'a refresh of a removed user is refused');
	$d->stop_ok;
};

# A table of an application, and a role with no more privileges than the service
# needs.
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

subtest 'users in a foreign table of PostgreSQL' => sub {
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

		isnt($code, 0, "--check fails: $what");
		like($out . $errors, $says, "--check gives the reason: $what");
		return;
	};

	$pg->psql('CREATE ROLE reader LOGIN; CREATE SCHEMA app; ' .
	    'GRANT USAGE ON SCHEMA app TO reader');
	$check_fails->('the table does not exist',
	    qr/app\.people.*does not exist/);
	foreign_table($pg);
	$d->configure(users => { query => "$query AND note IS NULL" });
	$check_fails->('a column is not granted', qr/permission denied/);
	$d->configure(users => { query => 'SELECT name FROM app.people ' .
		'WHERE name = $1' });
	$check_fails->('the query returns no hash',
	    qr/there is no column password_hash/);
	$d->configure(users => { query => $query });
	is((capture(bin('fcgiauthd'), '-c', $d->{file}, '--check'))[0], 0,
	    '--check accepts the configuration');
	$d->start;
	changes_follow($d, table => 'app.people', yes => 'true', no => 'false',
	    sql => $sql);
	refresh_is_rechecked($d, table => 'app.people', yes => 'true',
	    no => 'false', sql => $sql);

	is((login($d, $_))[0], 401, "the name $_ cannot sign in") for 'ALICE',
	    "alice' OR '1'='1", "Quote'd", 'control', '%', 'nosuch';
	like($d->log_text, qr/user_refused.*control.*email/,
	    'the log names the refused user and the reason');
	{
		# The log of refused users is limited, so that nobody can fill
		# the disk with it.
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
		cmp_ok(scalar @lines, '<', 7, '13 look-ups write few lines');
		cmp_ok($counted, '>=', 13, 'the lines count the others')
		    or diag "@lines";
	}
	is($pg->psql('SELECT count(*) FROM app.people'), '3',
	    'the table still has its three users');

	my $asked = sub { my $n = () = $pg->log_text =~
	    /execute [^:]*: \Q$query\E/g; return $n };
	my (undef, $token) = login($d, 'alice');
	my ($before, $end, $checks) = ($asked->(), time + 2 * $RECHECK, 0);
	while (time < $end) {
		$checks++ if check($d, $token)->{status} == 204;
	}
	my $queries = $asked->() - $before;
	cmp_ok($checks, '>', 100, "$checks checks succeed");
	cmp_ok($queries, '<=', 6, "$queries look-ups in two intervals are few");
	cmp_ok($queries, '>=', 1, 'the service looks the user up again');

	$pg->stop;
	in_time('a check gets 503 while the server is down',
	    sub { check($d, $token)->{status} == 503 });
	my $a = check($d, $token);
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    'the answer changes no cookie');
	ok(header_values($a, 'Retry-After'), 'the answer has Retry-After');
	is((login($d, 'alice'))[0], 503, 'a sign-in gets 503');
	$a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/logout',
	    HTTP_COOKIE => 'fcgiauth=' . $token, CONTENT_TYPE =>
	    'application/json', body => '');
	is($a->{status}, 204, 'a sign-out needs no user source');
	$pg->start;
	ok(wait_for(3, sub { ((login($d, 'alice'))[0] // 0) == 200 }),
	    'a sign-in succeeds when the server is back');

	like($pg->psql("SELECT password_hash FROM app.people WHERE name = " .
	    "'alice'"), qr/^\$6\$/, 'the service has not changed the hash');
	$d->configure(users => { update_hash => 'UPDATE app.people SET ' .
		'password_hash = $2 WHERE name = $1 AND password_hash = $3' });
	$d->reload;
	ok(wait_for(5, sub { login($d, 'alice'); $pg->psql('SELECT ' .
	    "password_hash FROM app.people WHERE name = 'alice'") =~
	    /^\$argon2id\$/ }),
	    'with update_hash a sign-in writes an Argon2id hash');
	is((login($d, 'alice'))[0], 200, 'the password stays the same');
	half_read($d, $pg);
	my ($code, $out, $errors) = $d->ctl(\"another good one here\n",
	    qw(user passwd alice --password-stdin));
	is($code, 0, 'user passwd succeeds') or diag("$out$errors");
	is((login($d, 'alice'))[0], 401, 'user passwd changes the password');
	for my $command (qw(list), 'disable alice') {
		($code, $out, $errors) = $d->ctl('user', split ' ', $command);
		is($code, 1, "user $command fails");
		like($errors, qr/change the table/,
		    "user $command names the table");
	}
	($code, $out) = $d->ctl(qw(user show alice));
	is($code, 0, 'user show succeeds');
	like($out, qr/^password\s+argon2id/m,
	    'user show shows the user of the table');
	$d->stop_ok;
};

# bcrypt reads only 72 bytes. Further bytes that were typed are not verified, so
# they must not become part of the password.
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
	is($a->{status}, 200, 'bcrypt verifies the first 72 bytes');
	is($pg->psql($stored), $hash,
	    'the service does not replace such a hash');
	$pg->psql("UPDATE app.people SET password_hash = '$before' " .
	    "WHERE name = 'alice'");
	return;
}

done_testing;
