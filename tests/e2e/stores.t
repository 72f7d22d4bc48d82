# SPDX-License-Identifier: MIT
# What must be the same on every store: the lists of fcgiauthctl, and user
# agents. The migration, roles and files of PostgreSQL.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Basename qw(dirname);
use FCGIAuth::Postgres;
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;

my @STORES = qw(sqlite postgres redis);
my $seed = $ENV{SEED} // dirname(bin('fcgiauthd')) . '/tests/seed';

# ---- lists -----------------------------------------------------------------

sub seed {
	my ($d, @args) = @_;
	my ($code, $out, $errors) = capture($seed, $d->{file}, @args);

	die "seed: $errors" if $code != 0;
	return split /\n/, $out;
}

# Replaces what differs in each run: ids and times.
sub plain {
	my ($text) = @_;
	my (%id, $n);

	$text =~ s/\b([0-9a-f]{32})\b/$id{$1} \/\/= 'ID' . ++$n/ge;
	$text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/WHEN/g;
	$text =~ s/^\S+ (?=info audit )/WHEN /mg;
	$text =~ s/\b1[0-9]{9}\b/SECONDS/g;
	return $text;
}

# What an administrator does. The output must be the same on every store.
my @ACTS = (
	[ 'the list of users', qw(user list) ],
	[ 'a user', qw(user show alice) ],
	[ 'the list of bans', qw(ban list) ],
	[ 'the list of sessions', qw(session list) ],
	[ 'the sessions of a user', qw(session list --user alice) ],
	[ 'the sessions of an unknown user', qw(session list --user nobody) ],
	[ 'a change of roles', qw(user set alice --role other) ],
	[ 'the end of the sessions of a user', qw(session revoke --user bob) ],
	[ 'the same command again', qw(session revoke --user bob) ],
	[ 'the end of an unknown session', qw(session revoke), '0' x 32 ],
	[ 'the end of a ban', qw(ban lift --user carol) ],
	[ 'the end of an unknown ban', qw(ban lift --user carol) ],
	[ 'the end of the ban of an address', qw(ban lift --ip 2001:db8::1) ],
	[ 'disabling a user', qw(user disable alice) ],
	[ 'the remaining sessions', qw(session list) ],
	[ 'the end of all sessions', qw(session revoke --all) ],
	[ 'the empty list of sessions', qw(session list) ],
);

sub acts {
	my ($store) = @_;
	my $d = FCGIAuth::Daemon->new(store => $store);
	my @seen;

	$d->add_user('alice', roles => [qw(admin staff)],
	    email => "o'brien\@example.com", name => "\xc3\x96 'x' \\ %s \$1");
	$d->add_user($_) for qw(Bob bob carol);
	my $n = 0;
	for my $who (qw(alice bob alice carol Bob)) {
		seed($d, 'session', $who, '192.0.2.' . ++$n,
		    "Agent '$n' \\ %d \xe2\x82\xac", 1);
	}
	seed($d, 'session', 'bob', '2001:db8::1', 'many', 250);
	seed($d, 'ban', 'user:carol', 240);
	seed($d, 'ban', 'addr:192.0.2.1', 240);
	seed($d, 'ban', 'addr:2001:db8::', 240);
	for my $act (@ACTS) {
		my ($what, @args) = @$act;
		push @seen, [ $what, $d->ctl(@args) ];
		push @seen, [ "$what as JSON", $d->ctl(@args, '--json') ]
		    if $args[1] =~ /list|show/;
	}
	return @seen;
}

subtest 'all stores give the same lists' => sub {
	my @first = acts('sqlite');

	is(scalar(grep { $_->[1] } @first), 2,
	    'the two impossible commands fail');
	for my $store (grep { $_ ne 'sqlite' } @STORES) { SKIP: {
		my $missing = FCGIAuth::Store::missing($store);
		skip($missing, 1) if $missing;
		my @same = acts($store);
		for my $i (0 .. $#first) {
			my ($what, @expected) = @{ $first[$i] };
			my (undef, @got) = @{ $same[$i] };
			is_deeply([ map { plain($_) } @got ],
			    [ map { plain($_) } @expected ],
			    "$store gives the same output: $what");
		}
	} }
};

# ---- user agents ----------------------------------------------------------

my @AGENTS = ('', 'x' x 5000, "\xff\xfe", "\xc3", "\xc3\xa9" x 400,
	"x' OR 1=1; --", '$1 %s \\x41 {}', "*1\r\n", "a\0b", "\xed\xa0\x80",
	"\xf0\x9f\x98\x80" x 65);

sub agents {
	my ($store) = @_;
	my $d = FCGIAuth::Daemon->new(store => $store)->add_user('alice')
	    ->start;
	my @seen;
	for my $agent (@AGENTS) {
		my $a = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', timeout => 60,
		    CONTENT_TYPE => 'application/json',
		    HTTP_USER_AGENT => $agent,
		    body => qq({"username":"alice","password":"$PASSWORD"}));
		push @seen, $a->{status} // 'none';
	}
	my ($code, $out) = $d->ctl(qw(session list --json));

	is($code, 0, "$store: session list succeeds");
	is(scalar @{ JSON::PP->new->utf8->decode($out)->{sessions} },
	    scalar(grep { $_ eq '200' } @seen),
	    "$store: each sign-in has a session");
	$d->stop_ok;
	note("$store: @seen");
	return join ' ', @seen;
}

subtest 'all stores accept the same user agents' => sub {
	my @can = grep { !FCGIAuth::Store::missing($_) } @STORES;
	my %seen = map { $_ => agents($_) } @can;

	unlike($seen{sqlite}, qr/5\d\d/, 'no user agent causes a server error');
	is($seen{$_}, $seen{sqlite}, "$_ gives the same answers as sqlite")
	    for @can;
};

# ---- Postgres --------------------------------------------------------------

my $why = FCGIAuth::Store::missing('postgres');
my $owner = 'fcgiauth_owner';

# Returns a daemon with an empty database, and writes the same configuration for
# the owner of the tables.
sub place {
	my ($server) = @_;
	my %keys = map { $_ => { driver => 'postgres', path => undef,
		conninfo => $server->conninfo('fcgiauth', 'fcgiauth') } }
	    qw(store users);
	my $d = FCGIAuth::Daemon->new(store => 'sqlite', conf => \%keys);
	my $text = slurp($d->{file});

	$text =~ s/user=fcgiauth$/user=$owner/mg or die 'no conninfo';
	spit("$d->{dir}/owner.ini", $text);
	chmod 0600, "$d->{dir}/owner.ini";
	return $d;
}

sub by_owner {
	my ($d, @args) = @_;
	return capture(bin('fcgiauthctl'), '-c', "$d->{dir}/owner.ini",
	    @args);
}

# Returns the exit status and the output of a daemon that must not start.
sub refuses {
	my ($d) = @_;
	my ($code, $out, $errors) = capture('timeout', 5, bin('fcgiauthd'),
	    '-c', $d->{file});

	return ($code, "$out$errors");
}

# The service reports a store that can be read but not written.
sub cannot_be_used {
	my ($d, $pattern) = @_;
	my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check');

	is($code, 1, '--check fails');
	like($errors, qr/fcgiauth\.ini: \[store\] .*$pattern/,
	    '--check gives the reason');
	($code, $out) = $d->ctl(qw(store status --json));
	is($code, 1, 'store status fails');
	like(JSON::PP->new->decode($out)->{store}{error}, $pattern,
	    'store status gives the reason');
	return;
}

subtest 'Postgres: roles and migration' => sub {
	plan(skip_all => $why) if $why;
	my $server = FCGIAuth::Postgres->new;
	$server->psql(slurp(top() . '/conf/postgres/roles.sql'));
	my $d = place($server);
	my ($code, $out, $errors);

	($code, $out) = refuses($d);
	is($code, 1, 'without tables the daemon does not start');
	like($out, qr/fcgiauthctl store migrate/,
	    'its message names store migrate');
	($code, $out) = $d->ctl(qw(store status --json));
	like(JSON::PP->new->decode($out)->{$_}{state}, qr/store migrate/,
	    "store status names store migrate for $_") for qw(store users);
	for my $command ([qw(user list)], [qw(session list)],
	    [qw(user disable x)]) {
		($code, undef, $errors) = $d->ctl(@$command);
		is($code, 1, "@$command fails without tables");
		like($errors, qr/store migrate/,
		    "@$command names store migrate");
	}
	($code, $out, $errors) = $d->ctl(qw(store migrate));
	is($code, 1, 'the role of the daemon cannot create the tables');
	like("$out$errors", qr/permission|denied|may not|42501/i,
	    'the message gives the reason');
	is($server->psql("SELECT count(*) FROM pg_tables WHERE schemaname = " .
		"'fcgiauth'", db => 'fcgiauth'), 0, 'no table was created');

	($code, $out, $errors) = by_owner($d, qw(store migrate));
	is($code, 0, 'the owner can create the tables') or diag "$out$errors";
	($code, $out) = by_owner($d, qw(store migrate));
	is($code, 0, 'a second migration succeeds');
	like($out, qr/already/,
	    'the second migration says that nothing changes');
	($code, $out) = $d->ctl(qw(store status --json));
	is(JSON::PP->new->decode($out)->{$_}{state}, 'ok',
	    "store status says that $_ is ready")
	    for qw(store users);

	$d->add_user('alice', roles => ['staff'])->start;
	my $a = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));
	is($a->{status}, 200, 'alice signs in');
	my ($cookie) = $a->{raw} =~ /(fcgiauth=[^;]+)/;
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204,
	    'the session of alice is valid');
	rights($server);
	for my $loss (
	    [ 'REVOKE DELETE ON fcgiauth.attempts FROM fcgiauth',
		qr/permission denied for table attempts/ ],
	    [ 'GRANT DELETE ON fcgiauth.attempts TO fcgiauth; ALTER ROLE ' .
		'fcgiauth SET default_transaction_read_only = on',
		qr/in a read-only transaction/ ]) {
		my ($sql, $pattern) = @$loss;
		$server->psql($_, db => 'fcgiauth') for split /; /, $sql;
		cannot_be_used($d, $pattern);
	}
	$server->psql('ALTER ROLE fcgiauth RESET ' .
	    'default_transaction_read_only');
	is(($d->ctl(qw(store status)))[0], 0,
	    'store status succeeds when the rights are restored');

	is($d->stop, 0, 'the daemon ends with status 0');
	$server->psql('UPDATE fcgiauth.schema_version SET version = 99',
	    db => 'fcgiauth');
	($code, $out) = refuses($d);
	is($code, 1, 'the daemon does not start with a newer schema');
	my $newer = qr/store\ postgres:\ schema\ version\ 99\ is\ newer\ than
	    \ this\ program,\ which\ knows\ \d+:\ install\ the\ newer/x;
	like($out, $newer, 'the message names the versions');
	for my $ask (sub { capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check') }, sub { $d->ctl(qw(config check)) },
	    sub { by_owner($d, qw(store migrate)) }) {
		($code, $out, my $errors) = $ask->();
		is($code, 1, 'a command refuses the newer schema');
		like($errors, $newer, 'its message is the same');
	}
	($code, $out) = $d->ctl(qw(store status));
	is($code, 1, 'store status fails with a newer schema');
	like($out, qr/^store .* newer: install the newer fcgiauth$/m,
	    'store status has a short message');
	$server->stop;
};

# The address of the server and the password are in files of libpq.
subtest 'Postgres: service and pass files' => sub {
	plan(skip_all => $why) if $why;
	my $server = FCGIAuth::Postgres->new;
	$server->psql(slurp(top() . '/conf/postgres/roles.sql'));
	my $d = place($server);
	my $dir = $d->dir;
	my $hba = $server->data . '/pg_hba.conf';
	local $ENV{PGSERVICEFILE} = "$dir/services";

	is((by_owner($d, qw(store migrate)))[0], 0, 'store migrate succeeds');
	$server->psql("ALTER ROLE fcgiauth PASSWORD 'correct'");
	spit($hba, "local all fcgiauth scram-sha-256\n" . slurp($hba));
	$server->restart;
	spit("$dir/services", join "\n", '[auth]', 'host=' . $server->host,
	    'port=' . $server->port, 'dbname=fcgiauth', 'user=fcgiauth', '');
	my $conninfo = "service=auth passfile=$dir/pass";
	$d->configure(map { $_ => { conninfo => $conninfo } } qw(store users));
	for my $password (qw(correct mistaken)) {
		spit("$dir/pass", "*:*:fcgiauth:fcgiauth:$password\n");
		chmod 0600, "$dir/pass";
		my ($code, $out, $errors) = $d->ctl(qw(store status --json));
		is($code, $password eq 'correct' ? 0 : 1,
		    "store status with the $password password")
		    or diag("$out$errors");
		unlike("$out$errors", qr/$password/,
		    'the output does not show the password');
	}
	$server->stop;
};

# --check finds a server that is unreachable, before the service starts.
subtest 'fcgiauthd --check' => sub {
	for my $kind (@STORES) {
		my $d = FCGIAuth::Daemon->new(store => $kind);
		my @check = (bin('fcgiauthd'), '-c', $d->{file}, '--check');

		is((capture(@check))[0], 0,
		    "--check succeeds when $kind is reachable");
		next if $kind eq 'sqlite';	# a missing file is created
		$d->store->away;
		my ($code, undef, $errors) = capture(@check);
		is($code, 1, "--check fails when $kind is unreachable");
		like($errors, qr/^\S+fcgiauth\.ini: \[store\] .*$kind/m,
		    "the message for $kind names the section");
		$d->store->back;
	}
};

# The store is used, but a warning tells the administrator.
sub warns_of_policy {
	my ($d, $pattern) = @_;
	my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check');

	is($code, 0, '--check succeeds');
	like($errors, qr/fcgiauth\.ini: warning: \[store\] $pattern/,
	    '--check prints the warning');
	($code, $out, $errors) = $d->ctl(qw(config check));
	is($code, 0, 'config check succeeds');
	like($errors, qr/fcgiauth\.ini: warning: \[store\] $pattern/,
	    'config check prints the warning');
	($code, $out, $errors) = $d->ctl(qw(store status));
	is($code, 0, 'store status succeeds');
	like($errors, qr/warning: \[store\] $pattern/,
	    'store status prints the warning');
	($code, $out) = $d->ctl(qw(store status --json));
	my $status = JSON::PP->new->decode($out);
	like($status->{store}{warning}, qr/\A$pattern/,
	    'store status --json has the warning');
	ok(exists $status->{users}{warning} &&
	    !defined $status->{users}{warning},
	    'store status --json has no warning about the users');
	$d->start;
	like($d->log_text, qr/warning configuration section=store .*$pattern/,
	    'the daemon logs the warning at its start');
	$d->stop_ok;
	return;
}

subtest 'Redis: eviction of keys' => sub {
	plan(skip_all => 'no Redis') if FCGIAuth::Store::missing('redis');
	my @limited = (conf => { maxmemory => '100mb' });
	my $policy = qr/maxmemory-policy is allkeys-lru: .*noeviction/;
	my $one = FCGIAuth::Redis->new(tcp => 1, @limited);
	my $d = FCGIAuth::Daemon->new(store => 'sqlite', conf => { store => {
		driver => 'redis', path => undef,
		url => 'redis://' . $one->address } });

	my ($code, $out) = $d->ctl(qw(store status --json));
	is(JSON::PP->new->decode($out)->{store}{warning}, undef,
	    'noeviction causes no warning');
	$one->cli(qw(CONFIG SET maxmemory-policy allkeys-lru));
	warns_of_policy($d, qr/\Q${\ $one->address }\E: $policy/);

	my @nodes = FCGIAuth::Redis->cluster(3, @limited);
	$nodes[2]->cli(qw(CONFIG SET maxmemory-policy allkeys-lru));
	$d->configure(store => { cluster => 'yes',
		url => 'redis://' . $nodes[0]->address });
	warns_of_policy($d, qr/\Q${\ $nodes[2]->address }\E: $policy/);
};

# Tests what the role of the daemon must not do.
sub rights {
	my ($server) = @_;
	my @cannot = (
		'CREATE TABLE fcgiauth.x (a int)', 'CREATE TABLE public.x (a int)',
		'CREATE SCHEMA x', 'CREATE TEMPORARY TABLE x (a int)',
		'ALTER TABLE fcgiauth.sessions ADD x int',
		'DROP TABLE fcgiauth.sessions', 'DROP SCHEMA fcgiauth CASCADE',
		'TRUNCATE fcgiauth.sessions',
		'CREATE INDEX x ON fcgiauth.sessions (email)',
		'ALTER TABLE fcgiauth.sessions OWNER TO fcgiauth',
		'GRANT SELECT ON fcgiauth.sessions TO PUBLIC',
		'CREATE ROLE x', "SET ROLE $owner",
		'CREATE FUNCTION fcgiauth.f() RETURNS int LANGUAGE sql ' .
		    'AS $$ SELECT 1 $$');

	for my $sql (@cannot) {
		my (undef, undef, $errors) = $server->try_psql($sql,
		    db => 'fcgiauth', user => 'fcgiauth');
		like($errors, qr/permission denied|must be owner|no privileges/,
		    "the role of the daemon cannot: $sql");
	}
	$server->psql('CREATE ROLE stranger LOGIN');
	my (undef, undef, $errors) = $server->try_psql('SELECT 1',
	    db => 'fcgiauth', user => 'stranger');
	like($errors, qr/permission denied for database/,
	    'another role cannot connect');
	return;
}

done_testing;
