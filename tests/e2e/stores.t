# SPDX-License-Identifier: MIT
# The same on every store: what fcgiauthctl lists, what a browser may call
# itself; and how the tables come into Postgres.
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

# Without what cannot be the same twice.
sub plain {
	my ($text) = @_;
	my (%id, $n);

	$text =~ s/\b([0-9a-f]{32})\b/$id{$1} \/\/= 'ID' . ++$n/ge;
	$text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/WHEN/g;
	$text =~ s/^\S+ (?=info audit )/WHEN /mg;
	$text =~ s/\b1[0-9]{9}\b/SECONDS/g;
	return $text;
}

# What an administrator does and sees, in words that every store must share.
my @ACTS = (
	[ 'users', qw(user list) ],
	[ 'a user', qw(user show alice) ],
	[ 'bans', qw(ban list) ],
	[ 'sessions', qw(session list) ],
	[ 'of one', qw(session list --user alice) ],
	[ 'of nobody', qw(session list --user nobody) ],
	[ 'roles', qw(user set alice --role other) ],
	[ 'sessions of a user', qw(session revoke --user bob) ],
	[ 'once more', qw(session revoke --user bob) ],
	[ 'nobody', qw(session revoke), '0' x 32 ],
	[ 'a ban', qw(ban lift --user carol) ],
	[ 'no ban', qw(ban lift --user carol) ],
	[ 'an address', qw(ban lift --ip 2001:db8::1) ],
	[ 'out with her', qw(user disable alice) ],
	[ 'what is left', qw(session list) ],
	[ 'all of it', qw(session revoke --all) ],
	[ 'nothing is left', qw(session list) ],
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

subtest 'lists' => sub {
	my @first = acts('sqlite');

	is(scalar(grep { $_->[1] } @first), 2, 'what cannot be done is not');
	for my $store (grep { $_ ne 'sqlite' } @STORES) { SKIP: {
		my $missing = FCGIAuth::Store::missing($store);
		skip($missing, 1) if $missing;
		my @same = acts($store);
		for my $i (0 .. $#first) {
			my ($what, @expected) = @{ $first[$i] };
			my (undef, @got) = @{ $same[$i] };
			is_deeply([ map { plain($_) } @got ],
			    [ map { plain($_) } @expected ],
			    "$store: $what");
		}
	} }
};

# ---- what a browser says of itself -----------------------------------------

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

	is($code, 0, "$store: listed");
	is(scalar @{ JSON::PP->new->utf8->decode($out)->{sessions} },
	    scalar(grep { $_ eq '200' } @seen), '  each');
	$d->stop_ok;
	note("$store: @seen");
	return join ' ', @seen;
}

subtest 'user agents' => sub {
	my @can = grep { !FCGIAuth::Store::missing($_) } @STORES;
	my %seen = map { $_ => agents($_) } @can;

	unlike($seen{sqlite}, qr/5\d\d/, 'none is our fault');
	is($seen{$_}, $seen{sqlite}, "$_: all alike") for @can;
};

# ---- Postgres --------------------------------------------------------------

my $why = FCGIAuth::Store::missing('postgres');
my $owner = 'fcgiauth_owner';

# A daemon of an empty database, and the same configuration for the owner.
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

# Its exit status and what it said, of a daemon that must not start.
sub refuses {
	my ($d) = @_;
	my ($code, $out, $errors) = capture('timeout', 5, bin('fcgiauthd'),
	    '-c', $d->{file});

	return ($code, "$out$errors");
}

# Whoever asks is told, though all of it can be read.
sub cannot_be_used {
	my ($d, $pattern) = @_;
	my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check');

	is($code, 1, '--check fails');
	like($errors, qr/fcgiauth\.ini: \[store\] .*$pattern/, '  and says why');
	($code, $out) = $d->ctl(qw(store status --json));
	is($code, 1, 'so does store status');
	like(JSON::PP->new->decode($out)->{store}{error}, $pattern, '  likewise');
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
	like($out, qr/fcgiauthctl store migrate/, '  and says what to run');
	($code, $out) = $d->ctl(qw(store status --json));
	like(JSON::PP->new->decode($out)->{$_}{state}, qr/store migrate/,
	    "so does the status of $_") for qw(store users);
	for my $command ([qw(user list)], [qw(session list)],
	    [qw(user disable x)]) {
		($code, undef, $errors) = $d->ctl(@$command);
		is($code, 1, "@$command");
		like($errors, qr/store migrate/, '  says what to run');
	}
	($code, $out, $errors) = $d->ctl(qw(store migrate));
	is($code, 1, 'the role of the daemon cannot migrate');
	like("$out$errors", qr/permission|denied|may not|42501/i,
	    '  and the reason is said');
	is($server->psql("SELECT count(*) FROM pg_tables WHERE schemaname = " .
		"'fcgiauth'", db => 'fcgiauth'), 0, '  nothing was made');

	($code, $out, $errors) = by_owner($d, qw(store migrate));
	is($code, 0, 'its owner can') or diag "$out$errors";
	($code, $out) = by_owner($d, qw(store migrate));
	is($code, 0, 'twice');
	like($out, qr/already/, '  and says so');
	($code, $out) = $d->ctl(qw(store status --json));
	is(JSON::PP->new->decode($out)->{$_}{state}, 'ok', "$_ is ready")
	    for qw(store users);

	$d->add_user('alice', roles => ['staff'])->start;
	my $a = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));
	is($a->{status}, 200, 'alice signs in');
	my ($cookie) = $a->{raw} =~ /(fcgiauth=[^;]+)/;
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204, '  and is known');
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
	is(($d->ctl(qw(store status)))[0], 0, 'all is allowed again');

	is($d->stop, 0, 'stopped');
	$server->psql('UPDATE fcgiauth.schema_version SET version = 99',
	    db => 'fcgiauth');
	($code, $out) = refuses($d);
	is($code, 1, 'with tables of a newer one it does not start');
	my $newer = qr/store\ postgres:\ schema\ version\ 99\ is\ newer\ than
	    \ this\ program,\ which\ knows\ \d+:\ install\ the\ newer/x;
	like($out, $newer, '  and says so');
	for my $ask (sub { capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check') }, sub { $d->ctl(qw(config check)) },
	    sub { by_owner($d, qw(store migrate)) }) {
		($code, $out, my $errors) = $ask->();
		is($code, 1, 'who is asked refuses');
		like($errors, $newer, '  in the same words');
	}
	($code, $out) = $d->ctl(qw(store status));
	is($code, 1, 'store status');
	like($out, qr/^store .* newer: install the newer fcgiauth$/m,
	    '  has a short form');
	$server->stop;
};

# Where the server is and what opens it, in the files that libpq reads.
subtest 'Postgres: service and pass files' => sub {
	plan(skip_all => $why) if $why;
	my $server = FCGIAuth::Postgres->new;
	$server->psql(slurp(top() . '/conf/postgres/roles.sql'));
	my $d = place($server);
	my $dir = $d->dir;
	my $hba = $server->data . '/pg_hba.conf';
	local $ENV{PGSERVICEFILE} = "$dir/services";

	is((by_owner($d, qw(store migrate)))[0], 0, 'migrated');
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
		is($code, $password eq 'correct' ? 0 : 1, "$password password")
		    or diag("$out$errors");
		unlike("$out$errors", qr/$password/, '  which is not shown');
	}
	$server->stop;
};

# What cannot be reached is found out before the service starts.
subtest 'fcgiauthd --check' => sub {
	for my $kind (@STORES) {
		my $d = FCGIAuth::Daemon->new(store => $kind);
		my @check = (bin('fcgiauthd'), '-c', $d->{file}, '--check');

		is((capture(@check))[0], 0, "$kind is there");
		next if $kind eq 'sqlite';	# the file is made when missing
		$d->store->away;
		my ($code, undef, $errors) = capture(@check);
		is($code, 1, "$kind is away");
		like($errors, qr/^\S+fcgiauth\.ini: \[store\] .*$kind/m,
		    '  and the section is named');
		$d->store->back;
	}
};

# It is used, and whoever looks after it is told.
sub warns_of_policy {
	my ($d, $pattern) = @_;
	my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check');

	is($code, 0, '--check passes');
	like($errors, qr/fcgiauth\.ini: warning: \[store\] $pattern/,
	    '  with a warning');
	($code, $out, $errors) = $d->ctl(qw(config check));
	is($code, 0, 'so does config check');
	like($errors, qr/fcgiauth\.ini: warning: \[store\] $pattern/,
	    '  with a warning');
	($code, $out, $errors) = $d->ctl(qw(store status));
	is($code, 0, 'so does store status');
	like($errors, qr/warning: \[store\] $pattern/, '  with a warning');
	($code, $out) = $d->ctl(qw(store status --json));
	my $status = JSON::PP->new->decode($out);
	like($status->{store}{warning}, qr/\A$pattern/, '  in JSON, too');
	ok(exists $status->{users}{warning} &&
	    !defined $status->{users}{warning}, '  and none about the users');
	$d->start;
	like($d->log_text, qr/warning configuration section=store .*$pattern/,
	    'so does the start');
	$d->stop_ok;
	return;
}

subtest 'Redis: what may be dropped' => sub {
	plan(skip_all => 'no Redis') if FCGIAuth::Store::missing('redis');
	my @limited = (conf => { maxmemory => '100mb' });
	my $policy = qr/maxmemory-policy is allkeys-lru: .*noeviction/;
	my $one = FCGIAuth::Redis->new(tcp => 1, @limited);
	my $d = FCGIAuth::Daemon->new(store => 'sqlite', conf => { store => {
		driver => 'redis', path => undef,
		url => 'redis://' . $one->address } });

	my ($code, $out) = $d->ctl(qw(store status --json));
	is(JSON::PP->new->decode($out)->{store}{warning}, undef, 'none at all');
	$one->cli(qw(CONFIG SET maxmemory-policy allkeys-lru));
	warns_of_policy($d, qr/\Q${\ $one->address }\E: $policy/);

	my @nodes = FCGIAuth::Redis->cluster(3, @limited);
	$nodes[2]->cli(qw(CONFIG SET maxmemory-policy allkeys-lru));
	$d->configure(store => { cluster => 'yes',
		url => 'redis://' . $nodes[0]->address });
	warns_of_policy($d, qr/\Q${\ $nodes[2]->address }\E: $policy/);
};

# What the role of the daemon is for, and what not.
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
		    "refused: $sql");
	}
	$server->psql('CREATE ROLE stranger LOGIN');
	my (undef, undef, $errors) = $server->try_psql('SELECT 1',
	    db => 'fcgiauth', user => 'stranger');
	like($errors, qr/permission denied for database/, 'nor anybody else');
	return;
}

done_testing;
