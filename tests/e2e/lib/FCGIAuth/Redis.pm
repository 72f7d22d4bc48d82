# SPDX-License-Identifier: MIT
# A Redis server in its own folder, on a unix socket or a loopback port, and its
# replicas, Sentinels and clusters.
package FCGIAuth::Redis;

use strict;
use warnings;

use Carp qw(croak);
use FCGIAuth::Test;

sub available { return in_path('redis-server') && in_path('redis-cli') }
sub has_sentinel { return in_path('redis-sentinel') }

# Starts a server. tcp: it also listens on a port of 127.0.0.1. durable: it uses
# an append-only file that is synced with each write. password: of the default
# user. conf: { name => value } for the server.
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir();
	my $self = bless { dir => $dir, log => "$dir/redis.log",
		socket => "$dir/redis.sock",
		port => $arg{tcp} ? free_port() : 0, %arg }, $class;
	my %conf = (
		bind => '127.0.0.1',
		port => $self->{port},
		unixsocket => $self->{socket},
		dir => "$dir",
		save => '""',
		appendonly => $arg{durable} ? 'yes' : 'no',
		appendfsync => 'always',
		'enable-debug-command' => 'local',
		'repl-diskless-sync-delay' => 0,
		$arg{password} ? (requirepass => $arg{password},
		    masterauth => $arg{password}) : (),
		%{ $arg{conf} || {} });

	$self->write_conf(%conf);
	return $self->start;
}

# Redis itself also writes to this file.
sub write_conf {
	my ($self, %conf) = @_;
	spit("$self->{dir}/redis.conf", join '', map { "$_ $conf{$_}\n" }
	    sort keys %conf);
	return;
}

sub dir { my ($self) = @_; return "$self->{dir}" }
sub port { my ($self) = @_; return $self->{port} }
sub pid { my ($self) = @_; return $self->{pid} }
sub address { my ($self) = @_; return "127.0.0.1:$self->{port}" }
sub log_text { my ($self) = @_; return slurp($self->{log}) }

# Returns the value of store.url. It uses TCP if the server listens there.
sub url {
	my ($self) = @_;
	return $self->{port} ? 'redis://' . $self->address . '/0'
	    : "unix://$self->{socket}";
}

# Returns the answer to a command. Dies when the command fails.
sub cli {
	my ($self, @command) = @_;
	my ($code, $out, $errors) = $self->try_cli(@command);

	croak "redis-cli @command: $out$errors"
	    if $code != 0 || $out =~ /^[A-Z]*ERR /;
	chomp $out;
	return $out;
}

# Returns (exit code, standard output, standard error).
sub try_cli {
	my ($self, @command) = @_;
	local $ENV{REDISCLI_AUTH} = $self->{password};

	delete $ENV{REDISCLI_AUTH} unless defined $self->{password};
	return capture(in_path('redis-cli'), $self->{sentinel} ?
	    ('-p', $self->{port}) : ('-s', $self->{socket}), @command);
}

# Returns the value of a line of INFO.
sub info {
	my ($self, $name) = @_;
	return ($self->cli('INFO') =~ /^\Q$name\E:([^\r\n]*)/m)[0];
}

sub start {
	my ($self) = @_;
	my @setpriv = (in_path('setpriv') || die("no setpriv here\n"),
	    '--pdeathsig', 'KILL', '--');

	$self->{pid} = spawn('redis', $self->{log}, @setpriv,
	    in_path($self->{sentinel} ? 'redis-sentinel' : 'redis-server'),
	    "$self->{dir}/redis.conf");
	my $up = wait_for(10, sub {
		return 'gone' if waitpid($self->{pid}, 1) != 0;
		return ($self->try_cli('PING'))[1] =~ /^PONG/;
	});
	croak "redis does not start:\n" . $self->log_text
	    if !$up || $up eq 'gone';
	return $self;
}

# Stops the server. save: it writes its data to disk for the next start.
sub stop {
	my ($self, %arg) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'CONT', $pid;
	$self->cli('SAVE') if $arg{save};
	kill 'TERM', $pid;
	return reap($pid, 10);
}

sub kill_hard {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'KILL', $pid;
	return reap($pid, 10);
}

sub restart {
	my ($self) = @_;
	$self->stop;
	return $self->start;
}

sub freeze {
	my ($self) = @_;

	kill 'STOP', $self->{pid};
	return wait_for(10, sub {
		return slurp("/proc/$self->{pid}/stat") =~ /\) T /;
	});
}

sub thaw {
	my ($self) = @_;
	kill 'CONT', $self->{pid} if $self->{pid};
	return;
}

# Closes all client connections except its own.
sub cut {
	my ($self) = @_;
	return $self->cli(qw(CLIENT KILL TYPE normal SKIPME yes));
}

# Makes this server a replica of `master` and waits until it has caught up.
sub replica_of {
	my ($self, $master) = @_;

	$self->cli('REPLICAOF', '127.0.0.1', $master->{port});
	wait_for(10, sub { $self->info('master_link_status') eq 'up' })
	    or croak 'the replica does not follow';
	return $self;
}

sub promote {
	my ($self) = @_;
	$self->cli('REPLICAOF', 'NO', 'ONE');
	return $self;
}

# Starts a Sentinel that watches `master` under a name. Sentinels of the same
# master find each other. down_after is in milliseconds, but a Sentinel probes
# only once a second.
sub sentinel {
	my ($class, $master, %arg) = @_;
	my $dir = tempdir();
	my $name = $arg{name} // 'mymaster';
	my $self = bless { dir => $dir, log => "$dir/sentinel.log",
		sentinel => 1, port => free_port(), name => $name }, $class;
	my @monitor = ("sentinel monitor $name 127.0.0.1 $master->{port} " .
	    ($arg{quorum} // 1));

	push @monitor, "sentinel auth-pass $name $master->{password}"
	    if defined $master->{password};
	spit("$dir/redis.conf", join "\n", 'bind 127.0.0.1',
	    "port $self->{port}", "dir $dir", @monitor,
	    "sentinel down-after-milliseconds $name " .
	    ($arg{down_after} // 1500),
	    "sentinel failover-timeout $name 3000", '');
	return $self->start;
}

# Returns (host, port) of the server that the Sentinel takes for the master.
sub master {
	my ($self) = @_;
	return split /\n/, $self->cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
	    $self->{name});
}

# Waits until the Sentinel knows n replicas without any error flag.
sub knows_replicas {
	my ($self, $n) = @_;
	return wait_for(20, sub {
		my $flags = $self->cli('SENTINEL', 'REPLICAS', $self->{name});
		return $n == (() = $flags =~ /^flags\nslave$/mg);
	});
}

# Starts n masters that share all slots.
sub cluster {
	my ($class, $n, %arg) = @_;
	my @nodes = map { $class->new(tcp => 1, %arg, conf => {
		'cluster-enabled' => 'yes', 'cluster-port' => free_port(),
		'cluster-node-timeout' => 1000, %{ $arg{conf} || {} } })
	    } 1 .. $n;

	for my $i (0 .. $n - 1) {
		my ($from, $to) = map { int 16384 * $_ / $n } $i, $i + 1;
		$nodes[$i]->cli('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
		$nodes[$i]->cli('CLUSTER', 'ADDSLOTSRANGE', $from, $to - 1);
		$nodes[$i]->cli('CLUSTER', 'MEET', '127.0.0.1',
		    $nodes[0]{port}, $nodes[0]->bus) if $i > 0;
	}
	for my $node (@nodes) {
		wait_for(20, sub {
			my $info = $node->cli('CLUSTER', 'INFO');
			return $info =~ /^cluster_state:ok/m &&
			    $info =~ /^cluster_known_nodes:$n\b/m;
		}) or croak 'no cluster: ' . $node->cli('CLUSTER', 'NODES');
	}
	return @nodes;
}

# Adds a node to the cluster, which is a replica of this master.
sub cluster_replica {
	my ($self) = @_;
	my $r = ref($self)->new(tcp => 1, conf => {
		'cluster-enabled' => 'yes', 'cluster-port' => free_port(),
		'cluster-node-timeout' => 1000 });

	$r->cli('CLUSTER', 'MEET', '127.0.0.1', $self->port, $self->bus);
	wait_for(20, sub {
		($r->try_cli('CLUSTER', 'REPLICATE', $self->id))[1] =~ /^OK/ })
	    or croak 'no replica';
	wait_for(20, sub { $r->info('master_link_status') eq 'up' })
	    or croak 'the replica does not follow its master';
	return $r;
}

sub bus {
	my ($self) = @_;
	return $self->cli('CONFIG', 'GET', 'cluster-port') =~ /(\d+)$/;
}

sub id { my ($self) = @_; return $self->cli('CLUSTER', 'MYID') }

# Returns the node that holds the slot of a key.
sub holder {
	my ($class, $key, @nodes) = @_;
	my $slot = $nodes[0]->cli('CLUSTER', 'KEYSLOT', $key);

	for my $node (@nodes) {
		my ($own) = $node->cli('CLUSTER', 'NODES') =~ /myself.*/g;
		for my $range ($own =~ / (\d+(?:-\d+)?)(?= |$)/g) {
			my ($from, $to) = split /-/, $range;
			return $node if $slot >= $from &&
			    $slot <= ($to // $from);
		}
	}
	return;
}

1;
