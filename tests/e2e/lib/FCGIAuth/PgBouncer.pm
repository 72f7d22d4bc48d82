# SPDX-License-Identifier: MIT
# PgBouncer in front of a FCGIAuth::Postgres, in transaction mode by default, on
# a unix socket in its own folder.
package FCGIAuth::PgBouncer;

use strict;
use warnings;

use Carp qw(croak);
use FCGIAuth::Test;

sub available { return in_path('pgbouncer') && in_path('setpriv') ? 1 : 0 }

# Starts PgBouncer. server: the FCGIAuth::Postgres. users: [names] who may
# connect without a password. conf: { name => value } for the section
# [pgbouncer].
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir();
	my $server = $arg{server};
	my $self = bless { dir => $dir, log => "$dir/pgbouncer.log",
		port => 6432, server => $server }, $class;
	my %conf = (
		listen_addr => '',
		listen_port => $self->{port},
		unix_socket_dir => "$dir",
		auth_type => 'trust',
		auth_file => "$dir/users",
		pool_mode => 'transaction',
		default_pool_size => 4,
		max_client_conn => 500,
		%{ $arg{conf} || {} });

	spit("$dir/users", join '', map { qq("$_" ""\n) } 'postgres',
	    @{ $arg{users} || [] });
	spit("$dir/pgbouncer.ini", join "\n", '[databases]',
	    '* = host=' . $server->host . ' port=' . $server->port,
	    '[pgbouncer]', (map { "$_ = $conf{$_}" } sort keys %conf), '');
	chown((getpwnam 'nobody')[2, 3], "$dir", glob "$dir/*") if is_root();
	return $self->start;
}

sub dir { my ($self) = @_; return "$self->{dir}" }
sub log_text { my ($self) = @_; return slurp($self->{log}) }

sub conninfo {
	my ($self, $db, $user, %more) = @_;
	my %all = (host => $self->dir, port => $self->{port},
	    dbname => $db // 'postgres', user => $user // 'postgres', %more);

	return join ' ', map { "$_=$all{$_}" } sort keys %all;
}

sub start {
	my ($self) = @_;

	$self->{pid} = spawn('pgbouncer', $self->{log}, as_nobody('KILL'),
	    in_path('pgbouncer'), '-q', "$self->{dir}/pgbouncer.ini");
	my $up = wait_for(10, sub {
		return 'gone' if waitpid($self->{pid}, 1) != 0;
		return ($self->{server}->attempt('pg_isready', '-q', '-d',
		    $self->conninfo))[0] == 0;
	});
	croak "pgbouncer does not start:\n" . $self->log_text
	    if !$up || $up eq 'gone';
	return $self;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'CONT', $pid;
	kill 'INT', $pid;
	return reap($pid, 10);
}

1;
