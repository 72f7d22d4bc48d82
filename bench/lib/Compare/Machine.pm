# SPDX-License-Identifier: MIT
# Processors, processes and their cost.
package Compare::Machine;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Test;
use File::Temp ();
use Time::HiRes ();

our @EXPORT_OK = qw(pin move on_cpu cpu_seconds since rss_mb pss_mb
	with_children settle fast_dir);

# The measured processes run on the first processor, and the generator of the
# load on the second one. A machine with one processor shares it.
our $SERVERS = 0;
our $CLIENTS = processors() > 1 ? 1 : 0;

sub processors {
	my $n = () = slurp('/proc/cpuinfo') =~ /^processor\b/mg;
	return $n;
}

# Pins a process with all its threads to some processors.
sub move {
	my ($pid, @cpus) = @_;
	my ($code, undef, $errors) = capture(in_path('taskset'), '-apc',
	    (join ',', @cpus), $pid);

	die "taskset: $errors" if $code != 0;
	return;
}

# Pins this process and all that it starts from now on.
sub pin { return move($$, @_) }

# Returns the beginning of a command that runs on these processors.
sub on_cpu {
	my (@cpus) = @_;
	return (in_path('taskset'), '-c', join ',', @cpus);
}

# Returns the processor time of each process with all its threads, also those
# that have ended: { process id => seconds }. The clock of another process has
# the number that clock_getcpuclockid() makes of its id, and counts nanoseconds.
sub cpu_seconds {
	my (@pids) = @_;
	my %is;

	for my $pid (grep { defined } @pids) {
		my $seconds = Time::HiRes::clock_gettime(-8 * $pid - 6);
		$is{$pid} = $seconds if $seconds >= 0;
	}
	return \%is;
}

# Returns the sum of what the processes have used since then.
sub since {
	my ($before, @pids) = @_;
	my $now = cpu_seconds(@pids);
	my $sum = 0;

	$sum += $now->{$_} - ($before->{$_} // 0) for keys %$now;
	return $sum;
}

# Returns the process and its children.
sub with_children {
	my ($pid) = @_;
	my @children = map { split ' ', slurp($_) }
	    glob "/proc/$pid/task/*/children";

	return ($pid, @children);
}

# Returns the resident memory of a process in megabytes.
sub rss_mb {
	my ($pid) = @_;
	my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m or return;
	return $kb / 1024;
}

# Returns the proportional memory of a process in megabytes: memory that several
# processes share counts for each of them in equal parts.
sub pss_mb {
	my ($pid) = @_;
	my ($kb) = slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m
	    or return;
	return $kb / 1024;
}

# Returns a temporary folder in memory, if there is such a file system, for
# databases whose durability is not measured.
sub fast_dir {
	return File::Temp->newdir('fcgiauth.XXXXXX',
	    DIR => -w '/dev/shm' ? '/dev/shm' : '/tmp');
}

# Waits until a process that has just started does nothing any more.
sub settle {
	my ($pid) = @_;
	my $last = -1;

	for (1 .. 40) {
		my $now = cpu_seconds($pid)->{$pid} // 0;
		last if $now - $last < 0.001;
		$last = $now;
		Time::HiRes::sleep(0.1);
	}
	return;
}

1;
