# SPDX-License-Identifier: MIT
# The stores of a traffic (FCGIAuth::Traffic), and what can happen to them and
# to their change feeds. An object is a store that several daemons share, with a
# proxy before the first of them if it has a server.
package FCGIAuth::Disturbances;

use strict;
use warnings;

use FCGIAuth::Daemon;
use FCGIAuth::History qw(now);
use FCGIAuth::Proxy;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Time::HiRes qw(sleep);

# kind: sqlite, postgres, redis, sentinel or cluster. mode: of the daemons.
# heartbeat: in seconds. conf: more of their configuration.
sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg, dir => tempdir() },
	    'FCGIAuth::Disturbances::' . ucfirst $arg{kind};

	$self->make;
	$self->{daemons} = [ map { $self->daemon($_) } 0 .. 2 ];
	$_->start for @{ $self->{daemons} };
	return $self;
}

# Returns a daemon with a configuration and a store of its own folder.
sub daemon {
	my ($self, $i) = @_;
	my $d = FCGIAuth::Daemon->new(store => $self->{store}, conf => {
		%{ $self->{conf} },
		users => { driver => 'sqlite', conninfo => undef,
			path => "$self->{dir}/users.db" },
		cache => { heartbeat =>
			int(1000 * $self->{heartbeat}) . 'ms' },
		store => $self->keys_of($i) });

	return $d;
}

sub keys_of { return {} }
sub daemons { my ($self) = @_; return @{ $self->{daemons} } }

# What can happen to each store: { name, run, away, loses }. away: the daemons
# that may answer 503 meanwhile, the number of one or `*`. It ends when they
# reach the store again. loses: the store may lose what it has acknowledged.
sub all {
	my ($self, $traffic) = @_;
	my $long = 2.5 * $self->{heartbeat};
	my @all = ({ name => 'a reload', run => sub {
		$traffic->at($traffic->any)->reload;
	} }, { name => 'a daemon is suspended', run => sub {
		my $d = $traffic->at($traffic->any);
		$d->freeze;
		sleep $long;
		$d->thaw;
	} }, { name => 'session revoke --all', run => sub {
		$traffic->end('all', '-', 'session revoke --all', sub {
			$traffic->ctl_ok(qw(session revoke --all)) });
	} });

	# In mode jwt the store has revocations only, and without them more
	# tokens are valid. Some deletions take time to be noticed.
	push @all, map { my ($name, $do, $moves) = @$_;
		+{ name => $name, run => sub {
			my $begin = now();
			$traffic->end('all', '-', $name, $do);
			$traffic->history->add('moved', $begin, $moves + now())
			    if $moves;
		} } } $self->deletions if $self->{mode} ne 'jwt';
	return @all, $self->own($long), $self->network($long);
}

# What can happen on the way between the first daemon and the store.
sub network {
	my ($self, $long) = @_;
	my $proxy = $self->{proxy} or return;
	my $heartbeat = $self->{heartbeat};
	my @all = map { my ($name, $after, @tell) = @$_;
		+{ name => $name, away => 0, run => sub {
			$proxy->tell(@tell);
			sleep $long;
			$proxy->tell(@$after);
		} }
	    } [ 'no connection is possible', ['pass'], 'refuse' ],
	    [ 'nothing is forwarded', ['pass'], 'hang' ],
	    # No answer may overtake an earlier one.
	    map { [ "answers come $_ s late", [ 'delay', 0 ], 'delay', $_ ] }
	    $heartbeat / 2, 1.5 * $heartbeat, 3 * $heartbeat;

	return @all, { name => 'connections fail silently', away => 0,
		run => sub {
			$proxy->tell('discard');
			sleep $long;
		} };
}

# Makes the disturbance happen, and writes it to the history.
sub happen {
	my ($self, $traffic, $what) = @_;
	my $begin = now();
	my @which = !defined $what->{away} ? () : $what->{away} eq '*' ?
	    (0 .. $#{ $self->{daemons} }) : $what->{away};

	$what->{run}->();
	return if !@which;
	$traffic->settle(@which);
	# A replica has what was acknowledged a second before. A feed notices
	# with its next proof that another server is the master.
	$traffic->history->add('lost', $begin - 1,
	    now() + 2 * $self->{heartbeat}) if $what->{loses};
	$traffic->history->add('away', $what->{away}, $begin, now(),
	    $what->{name});
	return;
}

package FCGIAuth::Disturbances::Sqlite;

use FCGIAuth::Test;
use Time::HiRes qw(sleep);

our @ISA = 'FCGIAuth::Disturbances';

# The database is in a folder to which a link leads, so that it can be replaced
# as a whole.
sub make {
	my ($self) = @_;
	my $link = "$self->{dir}/current";

	mkdir "$self->{dir}/0" or die "mkdir: $!";
	symlink '0', $link or die "symlink: $!";
	$self->{store} = FCGIAuth::Store->new(dir => $link, kind => 'sqlite');
	return;
}

# Replaces the database by the backup.
sub replace {
	my ($self) = @_;
	my $n = ++$self->{replaced};
	my $there = "$self->{dir}/$n";

	mkdir $there or die "mkdir: $!";
	capture(in_path('cp'), '-p', "$self->{dir}/backup.db",
	    "$there/fcgiauth.db");
	symlink $n, "$there/link" or die "symlink: $!";
	rename "$there/link", "$self->{dir}/current" or die "rename: $!";
	return 1;
}

# Returns true if the statements or commands succeed.
sub sqlite {
	my ($self, @commands) = @_;
	my ($code, $out, $errors) = capture(in_path('sqlite3'), '-bail',
	    '-cmd', '.timeout 10000', $self->{store}{file}, @commands);

	warn "sqlite3 @commands: $out$errors" if $code != 0;
	return $code == 0;
}

sub delete_session {
	my ($self, $id) = @_;
	return $self->sqlite("DELETE FROM sessions WHERE id = x'$id'");
}

sub empty {
	my ($self) = @_;
	return $self->sqlite('DELETE FROM sessions', 'DELETE FROM secrets');
}

# Makes a copy in which no session is.
sub prepare {
	my ($self) = @_;
	return $self->sqlite(".backup $self->{dir}/backup.db");
}

sub deletions {
	my ($self) = @_;
	return ([ 'DELETE FROM sessions', sub {
		$self->sqlite('DELETE FROM sessions') } ],
	    [ 'a restored backup', sub {
		$self->sqlite(".restore $self->{dir}/backup.db") } ],
	    # A connection that the feed has not told looks once a second.
	    [ 'another file', sub { $self->replace }, 1 ]);
}

sub own {
	my ($self, $long) = @_;
	return (map { my $sql = $_; +{ name => $sql,
		run => sub { $self->sqlite($sql) } }
	    } 'VACUUM', 'PRAGMA wal_checkpoint(TRUNCATE)', 'REINDEX'),
	    { name => 'a lock on the database', run => sub {
		my $hold = $long;
		$self->sqlite('BEGIN IMMEDIATE', ".shell sleep $hold",
		    'ROLLBACK');
	    } };
}

package FCGIAuth::Disturbances::Postgres;

use FCGIAuth::Proxy;
use Time::HiRes qw(sleep);

our @ISA = 'FCGIAuth::Disturbances';

sub server { return FCGIAuth::Store::Postgres::server() }
sub prepare { return 1 }

sub make {
	my ($self) = @_;

	$self->{store} = FCGIAuth::Store->new(dir => $self->{dir},
	    kind => 'postgres');
	my $name = '.s.PGSQL.' . server()->port;
	$self->{proxy} = FCGIAuth::Proxy->new(at => "$self->{dir}/$name",
	    to => server()->dir . "/$name");
	return;
}

sub keys_of {
	my ($self, $i) = @_;
	my %keys = %{ $self->{store}->store };
	my $dir = server()->dir;

	$keys{conninfo} =~ s/host=\Q$dir\E/host=$self->{dir}/ if $i == 0;
	return { %keys, timeout => '1s' };
}

sub sql {
	my ($self, $sql) = @_;
	server()->psql($sql, db => $self->{store}{name});
	return 1;
}

sub delete_session {
	my ($self, $id) = @_;
	return $self->sql("DELETE FROM fcgiauth.sessions WHERE id = '\\x$id'");
}

sub deletions {
	my ($self) = @_;
	return map { my $sql = $_; [ $sql, sub { $self->sql($sql) } ] }
	    'DELETE FROM fcgiauth.sessions', 'TRUNCATE fcgiauth.sessions';
}

sub empty {
	my ($self) = @_;
	return $self->sql('TRUNCATE fcgiauth.sessions, fcgiauth.secrets');
}

# Ends connections of the daemons, not those of the test itself.
sub terminate {
	my ($self, $which) = @_;
	return $self->sql('SELECT count(pg_terminate_backend(pid)) FROM ' .
	    "pg_stat_activity WHERE application_name <> 'psql' AND " .
	    "datname = current_database() AND $which");
}

sub own {
	my ($self, $long) = @_;
	return ({ name => 'the feeds are cut', run => sub {
		$self->terminate("query LIKE '%pg_listening_channels%'");
	} }, { name => 'all connections are cut', away => '*', run => sub {
		$self->terminate("backend_type = 'client backend'");
	} }, { name => 'the server is suspended', away => '*', run => sub {
		server()->freeze;
		sleep $long;
		server()->thaw;
	} }, { name => 'VACUUM FULL', run => sub {
		$self->sql('VACUUM FULL fcgiauth.sessions');
	} });
}

package FCGIAuth::Disturbances::Redis;

use FCGIAuth::Proxy;
use FCGIAuth::Redis;
use FCGIAuth::Test;
use Time::HiRes qw(sleep);

our @ISA = 'FCGIAuth::Disturbances';

sub prepare { return 1 }

sub make {
	my ($self) = @_;

	$self->{nodes} = [ FCGIAuth::Redis->new ];
	my ($node) = $self->nodes;
	$self->{proxy} = FCGIAuth::Proxy->new(at => "$self->{dir}/redis.sock",
	    to => $node->dir . '/redis.sock');
	$self->{keys} = { driver => 'redis', url => $node->url };
	return;
}

# The servers that hold the sessions.
sub nodes { my ($self) = @_; return @{ $self->{nodes} } }

sub daemon {
	my ($self, $i) = @_;
	# The store of the daemon is not used.
	local $self->{store} = FCGIAuth::Store->new(dir => $self->{dir},
	    kind => 'memory');
	return $self->SUPER::daemon($i);
}

sub keys_of {
	my ($self, $i) = @_;
	return { %{ $self->{keys} }, timeout => '1s', connect_timeout => '1s',
		$self->{proxy} && $i == 0 ?
		    (url => "unix://$self->{dir}/redis.sock") : () };
}

# Runs a command on each master.
sub each_node {
	my ($self, @command) = @_;
	return map { $_->cli(@command) } $self->masters;
}

# A server may close the connection of any command.
sub masters {
	my ($self) = @_;
	return grep { ($_->try_cli('INFO', 'replication'))[1] =~
	    /^role:master/m } $self->nodes;
}

sub delete_session {
	my ($self, $id) = @_;
	my $deleted = 0;

	# A former master may not know yet that it is one.
	for my $node ($self->masters) {
		my (undef, $key) = $node->try_cli('KEYS', "*s:$id");
		chomp $key;
		$deleted++ if $key ne '' &&
		    ($node->try_cli('DEL', $key))[1] =~ /^1$/m;
	}
	return $deleted;
}

sub empty { my ($self) = @_; return $self->each_node('FLUSHDB') > 0 }

sub deletions {
	my ($self) = @_;
	return ([ 'FLUSHDB', sub { $self->each_node('FLUSHDB') } ],
	    [ 'FLUSHALL ASYNC', sub {
		$self->each_node('FLUSHALL', 'ASYNC') } ]);
}

sub own {
	my ($self, $long) = @_;
	my $any = sub { my @all = $self->nodes; return $all[rand @all] };

	return ({ name => 'the feeds are cut', run => sub {
		$_->cli(qw(CLIENT KILL TYPE pubsub)) for $self->nodes;
	} }, { name => 'all connections are cut', away => '*', run => sub {
		for my $node ($self->nodes) {
			$node->cut;
			$node->cli(qw(CLIENT KILL TYPE pubsub));
		}
	} }, { name => 'a server is suspended', away => '*', run => sub {
		my $node = $any->();
		$node->freeze;
		sleep $long;
		$node->thaw;
	} }, { name => 'a server is busy', away => '*', run => sub {
		$any->()->cli(qw(DEBUG SLEEP), $long);
	} });
}

package FCGIAuth::Disturbances::Sentinel;

use FCGIAuth::Test;
use Test::More;

our @ISA = 'FCGIAuth::Disturbances::Redis';

sub make {
	my ($self) = @_;
	my $master = FCGIAuth::Redis->new(tcp => 1);
	my $replica = FCGIAuth::Redis->new(tcp => 1)->replica_of($master);

	$self->{nodes} = [ $master, $replica ];
	$self->{sentinel} = FCGIAuth::Redis->sentinel($master);
	$self->{sentinel}->knows_replicas(1) or die "Sentinel has no replica\n";
	$self->{keys} = { driver => 'redis', sentinel_name => 'mymaster',
		sentinels => '127.0.0.1:' . $self->{sentinel}->port };
	return;
}

sub own {
	my ($self, $long) = @_;
	# The former master is a replica about ten seconds later.
	return ({ name => 'a failover', away => '*', loses => 1, run => sub {
		my $sentinel = $self->{sentinel};
		my $old = ($sentinel->master)[1];
		return if ($sentinel->try_cli(qw(SENTINEL FAILOVER mymaster))
		    )[1] !~ /^OK/;
		wait_for(30, sub { ($sentinel->master)[1] != $old });
	} }, $self->SUPER::own($long));
}

package FCGIAuth::Disturbances::Cluster;

use FCGIAuth::Test;

our @ISA = 'FCGIAuth::Disturbances::Redis';

sub make {
	my ($self) = @_;
	my @masters = FCGIAuth::Redis->cluster(3);

	$self->{nodes} = [ @masters, $masters[1]->cluster_replica ];
	$self->{keys} = { driver => 'redis', cluster => 'yes',
		url => 'redis://' . join(',', map { $_->address } @masters) };
	return;
}

# The replica takes over when it has everything.
sub own {
	my ($self, $long) = @_;
	return ({ name => 'a failover', away => '*', run => sub {
		my @masters = $self->masters;
		my ($heir) = grep { my $node = $_;
			!grep { $_ == $node } @masters } $self->nodes;
		wait_for(10, sub {
			$heir->info('master_link_status') eq 'up' });
		$heir->cli(qw(CLUSTER FAILOVER));
		wait_for(20, sub { $heir->info('role') eq 'master' });
	} }, $self->SUPER::own($long));
}

1;
