# SPDX-License-Identifier: MIT
# Functions that every end-to-end test needs: paths, temporary folders, free
# ports, polling with a deadline, and child processes that end with the test.
package FCGIAuth::Test;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Temp ();
use IO::Socket::INET;
use IPC::Open3 qw(open3);
use POSIX ();
use Symbol qw(gensym);
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(
	top bin tempdir free_port wait_for spit slurp spawn reap in_path
	is_root slow child_code capture as_nobody
);

# A test that hangs fails after this time. Sanitizers need a higher limit.
alarm(($ENV{FCGIAUTH_TEST_LIMIT} || 300) * slow());
$SIG{ALRM} = sub { die "the test took too long\n" };
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 1 };

my $top = abs_path(dirname(__FILE__) . '/../../../..');
my %children;	# pid => name

sub top { return $top }

# Returns the path of a program of the build, or the value of the environment
# variable of its name: FCGIAUTHD for fcgiauthd.
sub bin {
	my ($name) = @_;
	my $variable = uc basename($name);
	my $path = $ENV{$variable} // '';

	if ($path ne '') {
		-x $path or die "$variable: must be the path of a program, but "
		    . "is $path\n";
		return $path;
	}
	$path = "$top/.build/main/$name";
	-x $path or die "$path is missing: run `./quickstart test unit`, which "
	    . "builds it, or set $variable to the path of another one\n";
	return $path;
}

# The folder is below /tmp, because the path of a unix socket must be short.
sub tempdir {
	return File::Temp->newdir('fcgiauth.XXXXXX', DIR => '/tmp');
}

# The port is below the range from which the kernel takes ports for outgoing
# connections. Such a connection could otherwise occupy it before the server
# listens.
sub free_port {
	for (1 .. 100) {
		my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    LocalPort => 10_000 + int rand 20_000, Listen => 1)
		    or next;
		return $s->sockport;
	}
	die "no free port: $!";
}

# Polls until the code returns something true, and returns that, or false when
# the time is over. When the caller ignores the result, a failure prints the
# line of the call.
sub wait_for {
	my ($limit, $code) = @_;
	my $end = Time::HiRes::time() + $limit * slow();
	my $result;

	until ($result = $code->()) {
		last if Time::HiRes::time() > $end;
		Time::HiRes::sleep(0.02);
	}
	if (!$result && !defined wantarray) {
		my (undef, $file, $line) = caller;
		diag("the condition did not become true: $file line $line");
	}
	return $result;
}

# Returns the factor for deadlines.
sub slow { return $ENV{FCGIAUTH_SLOW} || 1 }

sub spit {
	my ($path, $text) = @_;
	open my $fh, '>', $path or die "$path: $!";
	print {$fh} $text;
	close $fh or die "$path: $!";
	return;
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<', $path or return '';
	local $/ = undef;
	my $text = <$fh>;
	return defined $text ? $text : '';
}

sub in_path {
	my ($name) = @_;
	for my $dir (split(/:/, $ENV{PATH} || ''), '/usr/sbin', '/sbin') {
		return "$dir/$name" if -x "$dir/$name" && !-d "$dir/$name";
	}
	return;
}

sub is_root { return $> == 0 }

# Runs a program or a function as a child. Its output goes to a file.
sub spawn {
	my ($name, $log, @command) = @_;
	my $pid = fork;

	die "fork: $!" unless defined $pid;
	if ($pid == 0) {
		%children = ();
		alarm 0;
		$SIG{$_} = 'DEFAULT' for qw(TERM INT PIPE ALRM);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		if (ref $command[0]) {
			eval { $command[0]->(); 1 } or print STDERR $@;
			POSIX::_exit($@ ? 1 : 0);
		}
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	$children{$pid} = $name;
	return $pid;
}

# Waits for a child and returns its wait status. When the time is over, the
# function kills the child and returns nothing.
sub reap {
	my ($pid, $limit) = @_;
	my $status;
	my $done = wait_for($limit, sub {
		my $got = waitpid($pid, POSIX::WNOHANG());
		$status = $? if $got == $pid;
		return $got != 0;
	});

	delete $children{$pid};
	return $status if $done;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

# Runs a program. Returns (exit code, standard output, standard error).
sub capture {
	my @command = @_;
	my $input = ref $command[0] ? ${ shift @command } : '';
	my $errors = gensym;
	my $pid = open3(my $in, my $out, $errors, @command);

	print {$in} $input;
	close $in;
	local $/ = undef;
	my $text = <$out>;
	my $complaint = <$errors>;
	waitpid $pid, 0;
	return ($? >> 8, $text, $complaint);
}

# Returns a prefix for the command of a server that must not run as root. With
# `signal` the kernel also sends that signal to the server when the test ends.
sub as_nobody {
	my ($signal) = @_;
	my @who = is_root() ? ('--reuid', 'nobody', '--regid',
	    scalar getgrgid((getpwnam 'nobody')[3]), '--clear-groups') : ();

	return (in_path('setpriv') || die("no setpriv here\n"),
	    $signal ? ('--pdeathsig', $signal) : (), @who, '--',
	    'env', '-C', '/');	# nobody may have no access to this folder
}

# Runs code in a child. Returns a function that waits for the child and returns
# the result of the code as one line.
sub child_code {
	my ($code) = @_;
	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork;

	die "fork: $!" unless defined $pid;
	if ($pid == 0) {
		%children = ();
		close $read;
		my $answer = eval { $code->() };
		$answer = "died: $@" unless defined $answer;
		$answer =~ s/\s+/ /g;
		print {$write} "$answer\n";
		close $write;
		POSIX::_exit(0);
	}
	close $write;
	$children{$pid} = 'child';
	return sub {
		my $line = <$read>;
		waitpid $pid, 0;
		delete $children{$pid};
		chomp $line if defined $line;
		return $line;
	};
}

END {
	my $status = $?;
	for my $pid (keys %children) {
		kill 'CONT', $pid;
		kill 'TERM', $pid;
	}
	for my $pid (keys %children) {
		reap($pid, 5);
	}
	$? = $status;
}

1;
