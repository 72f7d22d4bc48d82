# SPDX-License-Identifier: MIT
# A PostgreSQL server with an empty cluster in its own folder, on a unix socket
# and optionally on a loopback port, and standbys of it. Every local user may
# connect as any role.
package FCGIAuth::Postgres;

use strict;
use warnings;

use Carp qw(croak);
use FCGIAuth::Test;

my %all;	# running servers: object => process id

# Returns the folder of the newest installed version, or nothing.
sub programs {
	my ($newest) = sort { ($b =~ m{/(\d+)/bin})[0] <=>
	    ($a =~ m{/(\d+)/bin})[0] } grep { -x "$_/initdb" }
	    glob '/usr/lib/postgresql/*/bin';
	my $program = in_path('initdb');

	return $newest // ($program && $program =~ s{/initdb$}{}r);
}

sub available { return programs() && in_path('setpriv') ? 1 : 0 }

# Starts a server. tcp: it also listens on a port of 127.0.0.1. durable: it uses
# fsync. settings: { name => value } for the server.
sub new {
	my ($class, %arg) = @_;
	my $self = $class->make(%arg);

	$self->program('initdb', '-D', $self->data, '-U', 'postgres',
	    qw(--auth=trust --no-locale --encoding=UTF8 --no-sync
	    --no-instructions --wal-segsize=1));
	return $self->start;
}

sub make {
	my ($class, %arg) = @_;
	my $dir = tempdir();
	my $self = bless { dir => $dir, log => "$dir/postgres.log",
		port => $arg{tcp} ? free_port() : 5432, %arg }, $class;

	chown((getpwnam 'nobody')[2, 3], "$dir") if is_root();
	return $self;
}

sub dir { my ($self) = @_; return "$self->{dir}" }
sub data { my ($self) = @_; return "$self->{dir}/data" }
sub port { my ($self) = @_; return $self->{port} }
sub host { my ($self) = @_; return $self->{tcp} ? '127.0.0.1' : $self->dir }
sub pid { my ($self) = @_; return $self->{pid} }
sub log_text { my ($self) = @_; return slurp($self->{log}) }

# Returns a connection string for libpq. more: further keywords and values.
sub conninfo {
	my ($self, $db, $user, %more) = @_;
	my %all = (host => $self->host, port => $self->{port},
	    dbname => $db // 'postgres', user => $user // 'postgres', %more);

	return join ' ', map { "$_=$all{$_}" } sort keys %all;
}

# Runs a program of PostgreSQL as the user of the server. Dies when it fails.
sub program {
	my ($self, $name, @args) = @_;
	my ($code, $out, $errors) = $self->attempt($name, @args);

	croak "$name: $out$errors" if $code != 0;
	return $out;
}

sub attempt {
	my ($self, $name, @args) = @_;
	my @input = ref $args[0] ? shift @args : ();
	local @ENV{grep { /^PG/ } keys %ENV};

	delete @ENV{grep { /^PG/ } keys %ENV};
	return capture(@input, as_nobody(), programs() . "/$name", @args);
}

# Returns the arguments of psql that all calls share.
sub psql_args {
	my ($self, %arg) = @_;
	return (qw(-X -q -A -t -v ON_ERROR_STOP=1),
	    '-d', $self->conninfo($arg{db}, $arg{user}));
}

# Runs the statements and returns the rows, one a line, with `|` between
# columns.
sub psql {
	my ($self, $sql, %arg) = @_;
	my $out = $self->program('psql', \$sql, $self->psql_args(%arg),
	    '-f', '-');

	chomp $out;
	return $out;
}

# Returns (exit code, standard output, standard error).
sub try_psql {
	my ($self, $sql, %arg) = @_;
	return $self->attempt('psql', \$sql, $self->psql_args(%arg),
	    '-f', '-');
}

sub create_database {
	my ($self, $name, %arg) = @_;
	my $owner = $arg{owner} ? " OWNER $arg{owner}" : '';

	$self->psql("CREATE DATABASE $name$owner");
	return $name;
}

sub start {
	my ($self) = @_;
	my %set = (
		listen_addresses => $self->{tcp} ? '127.0.0.1' : '',
		port => $self->{port},
		unix_socket_directories => $self->dir,
		fsync => $self->{durable} ? 'on' : 'off',
		max_connections => 200,
		shared_buffers => '32MB',
		wal_retrieve_retry_interval => '100ms',
		log_line_prefix => '%m [%p] %u@%d ',
		%{ $self->{settings} || {} });

	$self->{pid} = spawn('postgres', $self->{log}, as_nobody('QUIT'),
	    programs() . '/postgres', '-D', $self->data,
	    map { ('-c', "$_=$set{$_}") } sort keys %set);
	$all{$self} = $self->{pid};
	my $up = wait_for(20, sub {
		return 'gone' if waitpid($self->{pid}, 1) != 0;
		return ($self->attempt('pg_isready', '-q', '-d',
		    $self->conninfo))[0] == 0;
	});
	croak "postgres does not start:\n" . $self->log_text
	    if !$up || $up eq 'gone';
	return $self;
}

# Returns the ids of the server process and its children.
sub processes {
	my ($pid) = @_;
	my @list = ($pid);

	for my $file (glob '/proc/[0-9]*/stat') {
		my ($child, $parent) =
		    slurp($file) =~ /^(\d+) \(.*\) \S (\d+)/s or next;
		push @list, $child if $parent == $pid;
	}
	return @list;
}

my %mode = (smart => 'TERM', fast => 'INT', immediate => 'QUIT');

sub stop {
	my ($self, $mode) = @_;
	my $pid = delete $self->{pid} or return;

	delete $all{$self};
	kill 'CONT', processes($pid);
	kill $mode{ $mode // 'fast' }, $pid;
	return reap($pid, 20);
}

# Kills all processes of the server. What they wrote before stays in the kernel,
# unlike after a power failure.
sub kill_hard {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	delete $all{$self};
	kill 'STOP', $pid;
	my @list = processes($pid);
	kill 'KILL', @list;
	reap($pid, 10);
	# The shared memory of these processes prevents a start until they have
	# ended.
	wait_for(10, sub {
		return !grep { slurp("/proc/$_/stat") =~ /\) [^ZX] / } @list;
	});
	return;
}

sub restart {
	my ($self, $mode) = @_;
	$self->stop($mode);
	return $self->start;
}

# Stops all processes of the server with SIGSTOP. Connections stay open but get
# no answers.
sub freeze {
	my ($self) = @_;
	my $pid = $self->{pid};

	kill 'STOP', $pid;	# it starts no more children
	my @list = processes($pid);
	kill 'STOP', @list;
	$self->{guard} = guard(@list);
	return wait_for(10, sub {
		return @list == grep { slurp("/proc/$_/stat") =~ /\) T / }
		    @list;
	});
}

sub thaw {
	my ($self) = @_;

	delete $self->{guard};
	kill 'CONT', processes($self->{pid}) if $self->{pid};
	return;
}

# Stopped processes never end when the test is killed. This process continues
# them when the other end of the pipe is closed.
sub guard {
	my @list = @_;

	pipe my $read, my $write or die "pipe: $!";
	spawn('guard', '/dev/null', sub {
		close $write;
		sysread $read, my $nothing, 1;
		kill 'CONT', @list;
	});
	return $write;
}

# Terminates all connections except its own.
sub cut {
	my ($self) = @_;
	return $self->psql('SELECT count(pg_terminate_backend(pid)) ' .
	    'FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ' .
	    "backend_type = 'client backend'");
}

# Starts a standby. sync: commits wait for it until promote() or asynchronous()
# is called.
sub standby {
	my ($self, %arg) = @_;
	my $copy = ref($self)->make(tcp => $self->{tcp},
	    durable => $self->{durable}, settings => $self->{settings}, %arg);

	$self->program('pg_basebackup', '-D', $copy->data, qw(-X stream -R
	    --checkpoint=fast --no-sync), '-d',
	    $self->conninfo(undef, undef, application_name => 'standby'));
	$copy->start;
	if ($arg{sync}) {
		$self->psql('ALTER SYSTEM SET synchronous_standby_names ' .
		    "= 'standby'; SELECT pg_reload_conf()");
		wait_for(10, sub { $self->psql('SELECT sync_state FROM ' .
		    'pg_stat_replication') eq 'sync' })
		    or croak 'no synchronous standby';
	}
	return $copy;
}

sub asynchronous {
	my ($self) = @_;
	$self->psql('ALTER SYSTEM RESET synchronous_standby_names; ' .
	    'SELECT pg_reload_conf()');
	return;
}

# Waits until the standby has everything that was committed here before the
# call.
sub caught_up {
	my ($self, $standby) = @_;
	my $here = $self->psql('SELECT pg_current_wal_lsn()');

	return wait_for(10, sub { $standby->psql(
	    "SELECT pg_last_wal_replay_lsn() >= '$here'") eq 't' });
}

sub promote {
	my ($self) = @_;

	$self->psql('ALTER SYSTEM RESET synchronous_standby_names');
	$self->psql('SELECT pg_reload_conf(), pg_promote()');
	return $self;
}

END {
	my $status = $?;
	for my $pid (values %all) {
		kill 'CONT', processes($pid);
		kill 'QUIT', $pid;
	}
	$? = $status;
}

1;
