# SPDX-License-Identifier: MIT
# What every end-to-end test needs: where things are, a folder of its own, free
# ports, polling with a deadline, child processes that never outlive the test.
package FCGIAuth::Test;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
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

# A test that hangs fails; sanitizers make everything slower.
alarm($ENV{FCGIAUTH_TEST_LIMIT} || 300);
$SIG{ALRM} = sub { die "the test took too long\n" };
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 1 };

my $top = abs_path(dirname(__FILE__) . '/../../../..');
my %children;	# pid => name

sub top { return $top }

# The programs under test.
sub bin {
	my ($name) = @_;
	my $path = $ENV{ uc $name };
	$path = "$top/.build/main/$name" unless defined $path && $path ne '';
	die "$path is missing: build first, or set " . uc($name) . "\n"
	    unless -x $path;
	return $path;
}

# Below /tmp, because the path of a unix socket is short.
sub tempdir {
	return File::Temp->newdir('fcgiauth.XXXXXX', DIR => '/tmp');
}

# Below what the kernel gives to those that connect: one of them could take it
# before we listen.
sub free_port {
	for (1 .. 100) {
		my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    LocalPort => 10_000 + int rand 20_000, Listen => 1)
		    or next;
		return $s->sockport;
	}
	die "no free port: $!";
}

# Polls until the code gives something true, which it returns, or time is up.
# A caller that does not look at the result is told where it waited in vain.
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
		diag("waited in vain: $file line $line");
	}
	return $result;
}

# By how much deadlines stretch.
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

# Runs a program, or code, beside us; its output goes to a file.
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

# Waits for a child; kills it when the time is up.  Returns its wait status,
# or nothing when it had to be killed.
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

# Runs a program: (exit code, standard output, standard error).
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

# What to put before a command of a server that refuses to be root, or that
# has to end with us whatever happens to us.
sub as_nobody {
	my ($signal) = @_;
	my @who = is_root() ? ('--reuid', 'nobody', '--regid',
	    scalar getgrgid((getpwnam 'nobody')[3]), '--clear-groups') : ();

	return (in_path('setpriv') || die("no setpriv here\n"),
	    $signal ? ('--pdeathsig', $signal) : (), @who, '--',
	    'env', '-C', '/');	# nobody may not be allowed to be here
}

# Runs code in a child and gives back what it returned, as one line of text.
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
