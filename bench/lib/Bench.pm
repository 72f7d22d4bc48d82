# SPDX-License-Identifier: MIT
# Runs loads, measures their cost, and prints the tables.
package Bench;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Test;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes ();

our @EXPORT = qw(load_get load_clients median print_table tokens_script
	program);
our @EXPORT_OK = qw(accepts_soon one_line);

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

# Returns the path of a program of the build, or the value of the environment
# variable of its name.
sub program {
	my ($name) = @_;

	return bin("bench/$name");
}

# Waits until a program accepts connections at a port of the loopback interface;
# returns whether it does.
sub accepts_soon {
	my ($port) = @_;
	return wait_for(15, sub {
		IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") });
}

# Returns a message as one line.
sub one_line { return $_[0] =~ s/\s+/ /gr }

# Returns the CPU seconds of processes with all their threads.
sub cpu {
	my (@pids) = @_;
	my $sum = 0;

	for my $pid (grep { defined } @pids) {
		my $stat = slurp("/proc/$pid/stat");
		$stat =~ s/^.*\) //;
		my @field = split / /, $stat;
		$sum += ($field[11] + $field[12]) / $ticks;
	}
	return $sum;
}

sub workers {
	my ($nginx) = @_;
	my $pid = $nginx->{pid};

	return split ' ', slurp("/proc/$pid/task/$pid/children");
}

# Runs code that returns the number of its requests, and returns their cost.
# responder: a process id, or code that returns several.
sub measured {
	my ($nginx, $responder, $code) = @_;
	my @nginx = workers($nginx);
	my $those = ref $responder ? $responder : sub { return $responder };
	my @before = (cpu(@nginx), cpu($those->()));
	my $began = Time::HiRes::time();
	my $requests = $code->();
	my $seconds = Time::HiRes::time() - $began;

	die "no requests were counted\n" unless $requests;
	return {
		rate => $requests / $seconds,
		nginx => (cpu(@nginx) - $before[0]) / $requests,
		responder => (cpu($those->()) - $before[1]) / $requests,
	};
}

# Sends GET requests by wrk. row: label, path, responder (process id),
# refused, and either cookie or tokens (a script of tokens_script).
sub load_get {
	my ($nginx, $row, $opt) = @_;
	my $wrk = in_path('wrk') or die "wrk is needed (Debian: wrk)\n";
	my @how = $row->{cookie} ? ('-H', "Cookie: $row->{cookie}") :
	    $row->{tokens} ? ('-s', $row->{tokens}) : ();

	return measured($nginx, $row->{responder}, sub {
		open my $out, '-|', $wrk, '-t1', "-c$opt->{clients}",
		    "-d$opt->{seconds}s", @how, 'http://127.0.0.1:' .
		    $nginx->port . "$row->{path}f" or die "wrk: $!";
		my $text = do { local $/ = undef; <$out> };
		close $out;
		my ($requests) = $text =~ /(\d+) requests in/;
		my $bad = $text =~ /Non-2xx or 3xx responses: (\d+)/ ? $1 : 0;
		die "$row->{label}: $bad of $requests refused\n" if
		    $row->{refused} ? $bad != $requests : $bad;
		return $requests;
	});
}

# Writes a script for wrk that sends one Bearer token after the other.
sub tokens_script {
	my ($path, @tokens) = @_;
	my $list = join ",\n", map { qq("$_") } @tokens;

	spit($path, <<"EOT");
local requests = {}
local at = 0
function init()
	for i, token in ipairs({ $list }) do
		wrk.headers["Authorization"] = "Bearer " .. token
		requests[i] = wrk.format("GET")
	end
end
function request()
	at = at % #requests + 1
	return requests[at]
end
EOT
	return $path;
}

# Runs a load that wrk cannot make: clients in processes, each of which repeats
# `step` of the row. A step gets the result of the step before. row: label,
# responder, clients, client, begin, step.
sub load_clients {
	my ($nginx, $row, $opt) = @_;
	my @begun = map { $row->{begin}->($row->{client}->()) }
	    1 .. $row->{clients};

	return measured($nginx, $row->{responder}, sub {
		my @children = map { my $carry = $_; child_code(sub {
			my $c = $row->{client}->();
			my $end = Time::HiRes::time() + $opt->{seconds};
			my $n = 0;
			while (Time::HiRes::time() < $end) {
				$carry = $row->{step}->($c, $carry);
				$n++;
			}
			return $n;
		}) } @begun;
		my $sum = 0;
		for my $child (@children) {
			my $said = $child->();
			die "$row->{label}: $said\n" unless $said =~ /^\d+$/;
			$sum += $said;
		}
		return $sum;
	});
}

sub median {
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[ @sorted / 2 ];
}

# Prints a table. rows: labels in order; seen: measurements by label; per: the
# number of requests that the CPU seconds are for; base: the label of the row
# that counts as 1.
sub print_table {
	my ($rows, $seen, $per, $base) = @_;
	my %m;

	for my $label (@$rows) {
		for my $what (qw(rate nginx responder)) {
			my $scale = $what eq 'rate' ? 1 : $per;
			$m{$label}{$what} = $scale *
			    median(map { $_->{$what} } @{ $seen->{$label} });
		}
		$m{$label}{total} = $m{$label}{nginx} + $m{$label}{responder};
	}
	printf "%-52s %10s %7s %9s %7s  %s\n", "CPU seconds for $per",
	    'requests/s', 'nginx', 'responder', 'total', 'to the row *';
	for my $label (@$rows) {
		my $r = $m{$label};
		printf "%-52s %10.0f %7.2f %9.2f %7.2f  %5.2f %6.2f%s\n",
		    $label, @$r{qw(rate nginx responder total)},
		    $r->{responder} / ($m{$base}{responder} || 1),
		    $r->{total} / ($m{$base}{total} || 1),
		    $label eq $base ? ' *' : '';
	}
	print "\n";
	return;
}

1;
