# SPDX-License-Identifier: MIT
# Runs bench/load on its processor.
package Compare::Load;

use strict;
use warnings;

use Bench qw(program);
use Compare::Machine qw(on_cpu);
use FCGIAuth::Test;

our $CONNECTIONS = 32;

my %flag = (connections => '-c', rate => '-r', seconds => '-s',
    requests => '-n', headers => '-H', body => '-b');

sub command {
	my ($to, %how) = @_;
	my %all = (connections => $CONNECTIONS, headers => $to->{headers},
	    %how);

	return (on_cpu($Compare::Machine::CLIENTS), program('load'),
	    (map { ($flag{$_}, $all{$_}) } grep { defined $all{$_} }
		sort keys %all), $to->{port}, $to->{host}, $to->{path});
}

# Sends requests and returns what the generator has seen. to: port, host, path,
# headers (a file), status. how: the options of bench/load by name.
sub run {
	my ($to, %how) = @_;
	my ($code, $out, $errors) = capture(command($to, %how));

	die "bench/load: $errors" if $code != 0;
	my $seen = parse($out);
	my $good = $seen->{ $to->{status} // 200 } // 0;
	die "$to->{host}$to->{path}: $good of $seen->{requests} requests were "
	    . 'answered ' . ($to->{status} // 200) . ": $out"
	    if !$good || $good != $seen->{requests} || $seen->{lost};
	return $seen;
}

# Starts a load that runs beside others, with a body. Returns a function that
# waits for its end and returns what the generator has seen.
sub start {
	my ($to, %how) = @_;
	my $log = $how{log};

	delete $how{log};
	unlink $log;
	my $pid = spawn('load', $log, command($to, %how));
	return sub {
		my $status = reap($pid, 120);
		die 'bench/load: ' . slurp($log)
		    if !defined $status || $status != 0;
		return parse(slurp($log));
	};
}

sub parse {
	my ($line) = @_;
	return { $line =~ /(\w+)=(\S+)/g };
}

1;
