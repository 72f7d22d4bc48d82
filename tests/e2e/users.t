# SPDX-License-Identifier: MIT
# A sign-in by the name in another case, and by the e-mail address: everything
# that follows has the name of the user source.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use JSON::PP;
use Test::More;

my ($d, $n) = start_site(conf => { limits => { login_attempts => 5 } });

# Turns both options on, beside the options of the user source.
sub turn_on {
	my %users = %{ $d->store->users };

	$d->configure(users => { %users, case => 'fold', email => 'yes' });
	$d->reload;
}

sub refused {
	my ($name, $status, $what) = @_;
	my $a = json_sign_in($n->client, $name, password => 'wrong');

	is($a->status, $status, $what);
}

subtest 'by default only the exact name signs in' => sub {
	for my $name ('Alice', 'ALICE', 'alice@example.com') {
		is(json_sign_in($n->client, $name)->status, 401,
		    "$name is refused");
	}
	is(json_sign_in($n->client, ' alice ')->status, 200,
	    'blanks around the name do not matter');
};

# An address that several users have can only be from before.
$d->add_user('dave', email => 'both@example.com');
$d->add_user('erin', email => 'Both@example.com');
turn_on();
$d->add_user('Carol', email => 'carol@example.com');

subtest 'the name of the user source is used' => sub {
	for my $name ('ALICE', 'Alice@Example.com', ' aLice', 'alice') {
		my $c = $n->client;
		my $a = sign_in($c, $name);

		is($a->status, 303, "$name signs in by the form");
		like($c->page('/')->body, qr/^remote-user: alice\r?$/mi,
		    "$name is alice for the application");
		is($c->xhr('/auth/me')->json->{name}, 'alice',
		    "$name is alice at /auth/me");
	}
	my $a = json_sign_in($n->client, 'CAROL');
	is($a->status, 200, 'CAROL signs in');
	is($a->json->{user}{name}, 'Carol', 'CAROL is Carol');
	unlike($d->log_text, qr/audit login user="?(?:ALICE|aLice|Alice@|CAR)/,
	    'the log has the name of the user source');
};

subtest 'a new user has a name of their own' => sub {
	my ($status, $out, $err) = $d->ctl(\"$PASSWORD\n", 'user', 'add',
	    'ALICE', '--password-stdin');

	is($status, 1, 'a name that differs in case is refused');
	like($err, qr/ALICE means the user alice at a sign-in/,
	    'the message names the user');
};

subtest 'an e-mail address means one user' => sub {
	my ($status, $out, $err) = $d->ctl(\"$PASSWORD\n", 'user', 'add',
	    'judy', '--password-stdin', '--email', 'Carol@Example.com');

	is($status, 1, 'a new user with the address of another is refused');
	like($err, qr/address means the user Carol/, 'the message says whose');
	($status, $out, $err) = $d->ctl('user', 'set', 'bob', '--email',
	    'carol@example.com');
	is($status, 1, 'so is a user who gets the address');
	like($err, qr/address means the user Carol/, 'the message says whose');
	is(($d->ctl('user', 'set', 'Carol', '--email',
	    'CAROL@example.com'))[0], 0, 'Carol may write it otherwise');
	is(($d->ctl('user', 'set', 'dave', '--email', 'both@example.com',
	    '--name', 'Dave'))[0], 0,
	    'an address that two users share already may stay');
};

subtest 'a text that fits several users signs nobody in' => sub {
	is(json_sign_in($n->client, 'both@example.com')->status, 401,
	    'the address of two users is refused');
	like($d->log_text, qr/login_failure .*why=ambiguous_name/,
	    'the audit log says why');
	is(json_sign_in($n->client, 'erin')->status, 200,
	    'the exact name signs in');
};

sub import_users {
	my ($text, @more) = @_;

	return $d->ctl(\$text, 'user', 'import', '-', @more);
}

sub user {
	my ($name) = @_;

	return decode_json(($d->ctl('user', 'show', $name, '--json'))[1]);
}

subtest 'users are imported from CSV' => sub {
	my $csv = "name,email,roles,password\nfrank,f\@example.com,"
	    . "\"a, b\",$PASSWORD\n\ngrace,,,short\n no name,,,x\n"
	    . "heidi,F\@example.com,,$PASSWORD\nfrank,,,$PASSWORD\n";
	my ($status, $out, $err) = import_users($csv, '--dry-run');

	is($status, 1, 'bad lines are a failure');
	like($out, qr/^frank: would be added \(line 2\)$/m, 'the plan');
	like($out, qr/nothing was changed$/, 'the report says dry run');
	is(($d->ctl('user', 'show', 'frank'))[0], 1, 'nobody was added');

	($status, $out, $err) = import_users($csv);
	is($status, 1, 'bad lines are a failure');
	like($out, qr/^frank: added \(line 2\)$/m, 'frank is added');
	like($out, qr/^users: 1 added, 0 changed, 0 unchanged, 4 lines/m,
	    'the sums');
	like($err, qr/stdin:4: password: .* too short/, 'line 4 is refused');
	like($err, qr/stdin:5: name: must be/, 'line 5 is refused');
	like($err, qr/stdin:6: the e-mail address means the user frank/,
	    'line 6 is refused');
	like($err, qr/stdin:7: frank is already in line 2/,
	    'line 7 is refused');
	unlike($err, qr/\Q$PASSWORD\E|short\W*$/m, 'no password is printed');
	is_deeply(user('frank')->{roles}, [ 'a', 'b' ], 'frank has roles');
	is(json_sign_in($n->client, 'frank')->status, 200, 'frank signs in');

	($status, undef, $err) = $d->ctl('user', 'import', '/');
	is("$status $err", "1 fcgiauthctl: /: cannot be read\n",
	    'what cannot be read has no number of a line');

	($status, $out) = import_users("name,roles\nfrank,\"a,b\"\n");
	is($status, 0, 'a good file is a success');
	like($out, qr/^users: 0 added, 0 changed, 1 unchanged/, 'the sums');
	like($out, qr/nothing was changed$/, 'the report says so');
	($status, $out) = import_users("name,password\nfrank,$PASSWORD\n");
	like($out, qr/0 changed, 1 unchanged/, 'the password is the same');
};

subtest 'an import reaches live sessions' => sub {
	my $c = $n->client;

	is(json_sign_in($c, 'frank')->status, 200, 'frank signs in');
	my ($status, $out, $err) =
	    import_users(qq({"name":"frank","roles":["c"]}\n));
	is($status, 0, 'the roles are changed') or diag $err;
	is($out =~ s/\n.*//sr, 'frank: changed: roles (line 1)', 'says what');
	like($err, qr/audit user_changed user=frank/, 'the audit line');
	ok(wait_for(10, sub {
		($c->xhr('/auth/me')->json->{roles}[0] // '') eq 'c' }),
	    'the session has the new roles');
	is(user('frank')->{email}, 'f@example.com', 'the rest stays');

	($status, $out, $err) =
	    import_users(qq({"name":"frank","disabled":true}\n));
	like($out, qr/changed: is disabled \(line 1\); sessions ended: [1-9]/,
	    'the sessions are ended');
	like($err, qr/audit user_disabled user=frank/, 'the audit line');
	ok(wait_for(10, sub { $c->xhr('/auth/me')->status == 401 }),
	    'frank is signed out');
	import_users(qq({"name":"frank","disabled":false}\n));

	is(json_sign_in($c, 'frank')->status, 200, 'frank signs in again');
	($status, $out, $err) = import_users("name,password\n"
	    . "frank,another long enough phrase\n");
	like($out, qr/changed: password \(line 2\); sessions ended: [1-9]/,
	    'a new password ends the sessions');
	like($err, qr/audit password_changed user=frank/, 'the audit line');
	ok(wait_for(10, sub { $c->xhr('/auth/me')->status == 401 }),
	    'frank is signed out');
};

# A sign-in replaces the hash by a better one.
subtest 'an import of htpasswd is repeated after sign-ins' => sub {
	my $hash = crypt($PASSWORD, '$6$rounds=1000$saltsalt$');
	my $file = "# users\nivan:$hash\njudy:\$1\$x\$y\nmallory\n";
	my ($status, $out, $err) = import_users($file);

	is($status, 1, 'bad lines are a failure');
	like($out, qr/^ivan: added \(line 2\)$/m, 'ivan is added');
	like($err, qr/stdin:3: hash: md5-crypt: too weak/, 'a weak hash');
	like($err, qr/stdin:4: there is no colon/, 'no hash');
	my $c = $n->client;
	is(json_sign_in($c, 'ivan')->status, 200, 'ivan signs in');
	is(user('ivan')->{password}, 'argon2id', 'the hash is replaced');
	($status, $out) = import_users("ivan:$hash\n");
	is($status, 0, 'the second import succeeds');
	like($out, qr/^users: .* 1 unchanged, .*nothing was changed$/,
	    'the second import changes nothing');
	is($c->xhr('/auth/me')->status, 200, 'ivan is still signed in');
};

subtest 'an export restores the users' => sub {
	my ($status, $out) = $d->ctl('user', 'export');

	is($status, 0, 'the users are exported');
	unlike($out, qr/[^\x20-\x7e\n]/, 'the export is ASCII');
	$d->ctl('user', 'disable', 'dave');
	($status, my $dave) = $d->ctl('user', 'export');
	$dave = (grep { /"dave"/ } split /\n/, $dave)[0] . "\n";
	$d->ctl('user', 'delete', $_) for 'alice', 'dave';
	my ($code, $did, $err) = import_users($out =~ s/^.*"dave".*\n//mr);
	is($code, 0, 'the export is imported') or diag $err;
	like($did, qr/^users: 1 added, 0 changed/m, 'only alice was missing');
	is(json_sign_in($n->client, 'alice')->status, 200, 'alice signs in');
	is(user('alice')->{email}, 'alice@example.com', 'alice is complete');

	($code, $did, $err) = import_users($dave);
	is($code, 1, 'dave has an address that erin has');
	like($err, qr/address means the user erin/, 'the message says so');
};

# Their sessions could not be ended.
subtest 'without the store nobody is changed' => sub {
	my %users = %{ $d->store->users };
	my $file = $d->dir . '/away.ini';

	spit($file, join "\n", '[server]', 'listen = unix:' . $d->dir . '/x',
	    'peer_secret = topsecret-value-x', '[store]', 'driver = redis',
	    'url = redis://127.0.0.1:1/0', '[users]',
	    (map { "$_ = $users{$_}" } sort keys %users), '');
	chmod 0600, $file or die "$file: $!";
	my $record = qq({"name":"bob","disabled":true}\n);
	my ($status, $out, $err) = capture(\$record,
	    bin('fcgiauthctl'), '-c', $file, 'user', 'import', '-');
	is($status, 1, 'the import is refused');
	is($out, '', 'nothing is done');
	like($err, qr/redis/, 'the message names the store');
	ok(!user('bob')->{disabled}, 'bob is as before');
};

subtest 'files that cannot be imported' => sub {
	my ($status, $out, $err) = $d->ctl('user', 'import', '/nonexistent');

	is($status, 1, 'a file that is missing is refused');
	like($err, qr{/nonexistent: No such file}, 'the message names it');
	($status, $out, $err) = import_users("name,phone\nx,y\n");
	is($status, 1, 'an unknown column is refused');
	like($err, qr/stdin:1: the header of CSV: unknown field phone/,
	    'the message names it');
	is(($d->ctl('user', 'import'))[0], 2, 'a file must be named');
	($status, $out, $err) = import_users("x:\n" . 'x' x 20000 . "\nx\n");
	is($status, 1, 'a line that is too long is refused');
	like($err, qr/stdin:2: must have at most 16384 bytes\n.*stdin:3: there/,
	    'and the next one is read');
	is(($d->ctl('user', 'export', 'x'))[0], 2, 'export takes no name');
};

# CVE-2025-24806, CVE-2026-47203.
subtest 'all forms of a name have one counter' => sub {
	my $c = $n->client;

	$d->ctl('ban', 'lift', '--user', 'alice');
	refused($_, 401, "$_ with a wrong password is refused")
	    for 'ALICE', ' alice', 'alice@example.com', 'Alice',
	    'ALICE@EXAMPLE.COM';
	refused($_, 429, "$_ is banned")
	    for 'alice', 'ALICE', 'alice@example.com', ' Alice ';
	my ($status, $out) = $d->ctl('ban', 'list');
	like($out, qr/^user +alice /m, 'the ban is that of alice');
};

subtest 'all forms of an unknown name have one counter' => sub {
	refused($_, 401, "$_ is refused")
	    for 'nobody', 'NOBODY', ' nobody', 'Nobody', 'nobody ';
	refused('noBody', 429, 'noBody is banned');
	# These cannot be names.
	refused($_, 401, "$_ is refused") for ("no'body\@example.com") x 3,
	    ("NO'body\@example.com") x 2;
	refused("no'body\@example.com", 429, 'the address is banned');
	refused("no'body2\@example.com", 401, 'another address is not');
};

done_testing();
