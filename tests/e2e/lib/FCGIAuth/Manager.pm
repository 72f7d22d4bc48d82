# SPDX-License-Identifier: MIT
# A small service manager. It holds listening sockets, passes them to daemons,
# and receives their messages (sd_notify).
package FCGIAuth::Manager;

use strict;
use warnings;

use FCGIAuth::Test;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX MSG_DONTWAIT SOCK_DGRAM SOCK_STREAM pack_sockaddr_un);
use Time::HiRes ();

# env: further variables for the daemons. Daemons bind their own sockets unless
# listen_on() was called.
sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir();
	my $self = bless {
		dir => $dir, sockets => [], names => [], pids => {},
		env => $arg{env} || {}, heard => [],
	}, $class;

	socket $self->{ear}, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!";
	bind $self->{ear}, pack_sockaddr_un("$dir/notify") or die "bind: $!";
	return $self;
}

# Binds sockets, given as name => address. A unix socket exists after the call.
sub listen_on {
	my ($self, @sockets) = @_;

	while (my ($name, $address) = splice @sockets, 0, 2) {
		my ($path) = $address =~ /^unix:(.*)/;
		my $s = defined $path ?
		    IO::Socket::UNIX->new(Local => $path, Listen => 4096) :
		    IO::Socket::INET->new(LocalAddr => $address,
			Listen => 4096, ReuseAddr => 1);
		die "$address: $!" unless $s;
		push @{ $self->{sockets} }, $s;
		push @{ $self->{names} }, $name;
	}
	return $self;
}

# Starts a daemon with this configuration and returns its process id. With
# `stdin` the first socket becomes standard input. The function does not wait
# until the daemon serves.
sub start {
	my ($self, $d, %arg) = @_;
	my @command = @{ $arg{command} || [ bin('fcgiauthd') ] };

	my $pid = spawn('fcgiauthd', $d->{log}, sub {
		my @fds = map { fileno $_ } @{ $self->{sockets} };
		my $stdin = $arg{stdin} ? shift @fds : undef;

		POSIX::dup2($stdin, 0) if defined $stdin;
		# The sockets move to high numbers first and then to their
		# places. Only those copies stay open over exec.
		@fds = map { POSIX::dup2($fds[$_], 50 + $_) } 0 .. $#fds;
		POSIX::dup2($fds[$_], 3 + $_) for 0 .. $#fds;
		POSIX::close($_) for @fds;
		@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} =
		    ($$, scalar @fds, join ':', @{ $self->{names} }) if @fds;
		$ENV{NOTIFY_SOCKET} = "$self->{dir}/notify";
		$ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} };
		exec { $command[0] } @command, '-c', $d->{file};
	});
	$self->{pids}{$pid} = 1;
	return $pid;
}

# Returns the messages since the last call. The lines of a message are joined by
# "|".
sub hear {
	my ($self) = @_;

	while (defined recv $self->{ear}, my $message, 4096, MSG_DONTWAIT) {
		$message =~ s/\n/|/g;
		push @{ $self->{heard} }, $message;
		$self->{pids}{$1} = 1 if $message =~ /MAINPID=(\d+)/;
	}
	return splice @{ $self->{heard} };
}

# Waits for a message and returns it. The messages after it stay in the queue.
sub wait_heard {
	my ($self, $pattern, $limit) = @_;

	return wait_for($limit || 15, sub {
		my @all = $self->hear;
		while (defined(my $message = shift @all)) {
			next unless $message =~ $pattern;
			$self->{heard} = \@all;
			return $message;
		}
		return;
	});
}

# Waits for the end of a process, which need not be a child of this one.
sub gone {
	my ($self, $pid, $limit) = @_;

	return wait_for($limit || 15, sub {
		waitpid $pid, POSIX::WNOHANG();
		# The parent may take some time until it reaps the process. Its
		# main thread may have ended before others, which still hold
		# its sockets.
		my @threads = glob "/proc/$pid/task/*";
		return @threads < 2 && slurp("/proc/$pid/stat") !~ /\) [^Z] /;
	});
}

# Sends SIGTERM. Returns the wait status of a child, and 0 for another process.
sub stop {
	my ($self, $pid) = @_;

	delete $self->{pids}{$pid};
	kill 'TERM', $pid;
	my $got = waitpid $pid, POSIX::WNOHANG();
	return reap($pid, 15) if $got == 0;
	return $got == $pid ? $? : $self->gone($pid) ? 0 : undef;
}

# The daemons that an upgrade started are not children of the test.
sub DESTROY {
	my ($self) = @_;
	local ($?, $!, $@);

	$self->hear;
	kill 'KILL', grep { is_daemon($_) } keys %{ $self->{pids} };
	return;
}

sub is_daemon {
	my ($pid) = @_;
	return slurp("/proc/$pid/cmdline") =~ /fcgiauth/;
}

1;
