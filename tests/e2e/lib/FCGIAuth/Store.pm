# SPDX-License-Identifier: MIT
# The store and the user source of the daemons in a test. FCGIAUTH_STORE names
# the kind: sqlite (the default), postgres, redis or memory. Each object is an
# empty store: a file, a database or a prefix. A server is started when the
# first store on it is needed, and serves until the test ends.
package FCGIAuth::Store;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Postgres;
use FCGIAuth::Redis;
use FCGIAuth::Test;
use Test::More;

our @EXPORT = qw(store_kind store_is);

my %class = map { $_ => 'FCGIAuth::Store::' . ucfirst }
    qw(sqlite postgres redis memory);

sub store_kind { return $ENV{FCGIAUTH_STORE} || 'sqlite' }
sub store_is { return scalar grep { $_ eq store_kind() } @_ }

# The backends of the tested program: "store redis", "users sqlite".
my %drivers;

sub has_driver {
	my ($name) = @_;

	if (!%drivers) {
		my (undef, $list) = capture(bin('fcgiauthd'),
		    '--list-backends');
		$drivers{"$1 $2"} = 1
		    while $list =~ /^(\w+)\s+(\w+)(?!.*not compiled)/mg;
	}
	return $drivers{$name};
}

my %server = (postgres => \&FCGIAuth::Postgres::available,
    redis => \&FCGIAuth::Redis::available);

# Returns the reason why a kind cannot be tested here, or nothing.
sub missing {
	my ($kind) = @_;

	return unless $server{$kind};
	return "no $kind here" if !$server{$kind}->();
	return "built without $kind" if !has_driver("store $kind");
	return;
}

my $missing = missing(store_kind());
plan(skip_all => $missing) if $missing;

# dir: the folder for files. kind: another kind than FCGIAUTH_STORE names.
sub new {
	my ($class, %arg) = @_;
	my $kind = $arg{kind} // store_kind();
	my $self = bless { kind => $kind, dir => $arg{dir},
		file => "$arg{dir}/fcgiauth.db" },
	    $class{$kind} || die "FCGIAUTH_STORE=$kind?\n";

	$self->make;
	return $self;
}

sub kind { my ($self) = @_; return $self->{kind} }
sub make { return }

# Returns the sections of the configuration: (store => {...}, users => {...}).
sub sections {
	my ($self) = @_;
	return (store => $self->store, users => $self->users);
}

sub users {
	my ($self) = @_;
	return { path => $self->{file} };
}

# away() makes the store unreachable until back() is called. raw() returns all
# bytes in it.

package FCGIAuth::Store::Sqlite;

our @ISA = 'FCGIAuth::Store';

use FCGIAuth::Test;

sub store {
	my ($self) = @_;
	return { path => $self->{file} };
}

sub away {
	my ($self) = @_;
	rename $self->{file}, "$self->{file}.away" or die "rename: $!";
	return;
}

sub back {
	my ($self) = @_;
	rename "$self->{file}.away", $self->{file} or die "rename: $!";
	return;
}

sub raw {
	my ($self) = @_;
	return join '', map { slurp($_) } glob "$self->{file}*";
}

package FCGIAuth::Store::Memory;

our @ISA = 'FCGIAuth::Store';

sub store { return { driver => 'memory' } }
sub raw { return '' }

package FCGIAuth::Store::Redis;

our @ISA = 'FCGIAuth::Store';

use FCGIAuth::Test;

my ($redis, $prefixes);

sub server {
	$redis //= FCGIAuth::Redis->new(conf => { rdbcompression => 'no' });
	return $redis;
}

sub make {
	my ($self) = @_;
	server();
	$self->{prefix} = 't' . ++$prefixes . ':';
	return;
}

sub store {
	my ($self) = @_;
	return { driver => 'redis', url => server()->url,
		prefix => $self->{prefix} };
}

sub away { return server()->stop(save => 1) }
sub back { return server()->start }

sub raw {
	my $server = server();
	$server->cli('SAVE');
	return slurp($server->dir . '/dump.rdb');
}

package FCGIAuth::Store::Postgres;

our @ISA = 'FCGIAuth::Store';

use FCGIAuth::Test;

my ($postgres, $databases);
my $TEMPLATE = 'fcgiauth';	# created by roles.sql

sub server {
	return $postgres if $postgres;
	$postgres = FCGIAuth::Postgres->new;
	prepare($postgres);
	return $postgres;
}

sub keys_for {
	my ($server, $db, $user) = @_;
	return { driver => 'postgres',
		conninfo => $server->conninfo($db, $user) };
}

sub has_users { return FCGIAuth::Store::has_driver('users postgres') }

# Creates the roles and the database as an administrator does, and our tables.
sub prepare {
	my ($server) = @_;
	my $dir = tempdir();
	my $keys = keys_for($server, $TEMPLATE, 'fcgiauth_owner');

	$server->psql(slurp(top() . '/conf/postgres/roles.sql'));
	my $text = join "\n", map { ("[$_]", map { "$_ = $keys->{$_}" }
		sort keys %$keys) } 'store', has_users() ? 'users' : ();
	$text .= "\n[users]\npath = $dir/users.db\n" unless has_users();
	spit("$dir/owner.ini", $text);
	chmod 0600, "$dir/owner.ini";
	my ($code, $out, $errors) = capture(bin('fcgiauthctl'), '-c',
	    "$dir/owner.ini", 'store', 'migrate');
	die "store migrate: $out$errors" if $code != 0;
	return;
}

sub make {
	my ($self) = @_;
	$self->{name} = 't' . ++$databases;
	server()->psql("CREATE DATABASE $self->{name} TEMPLATE $TEMPLATE");
	return;
}

sub store {
	my ($self) = @_;
	return keys_for(server(), $self->{name}, 'fcgiauth');
}

sub users {
	my ($self) = @_;
	return has_users() ? $self->store : $self->SUPER::users;
}

sub away { return server()->stop }
sub back { return server()->start }

sub raw {
	my ($self) = @_;
	my @tables = split /\n/, server()->psql('SELECT table_name FROM ' .
	    "information_schema.tables WHERE table_schema = 'fcgiauth'",
	    db => $self->{name});

	return join '', map { server()->psql("COPY fcgiauth.$_ TO STDOUT " .
	    '(FORMAT binary)', db => $self->{name}) } @tables;
}

1;
