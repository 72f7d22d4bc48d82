# SPDX-License-Identifier: MIT
# The same check by services on Node.js, behind the same nginx.
package Peers;

use strict;
use warnings;

use FCGIAuth::Test;
use FCGIAuth::Token qw(public_pem signer_file);
use File::Copy qw(copy);
use File::Path qw(make_path);

our @KINDS = ('fast-jwt', 'fast-jwt with its cache', 'jsonwebtoken');
our @ALGORITHMS = qw(HS256 RS256);

# Installs the packages outside of the source; returns their folder, or nothing.
sub install {
	my ($node, $npm) = map { in_path($_) } qw(node npm);
	my $at = $ENV{FCGIAUTH_PEERS} || top() . '/.build/peers';
	my $from = top() . '/bench/peers';

	return unless $node && $npm;
	make_path($at);
	copy("$from/$_", "$at/$_") or die "$at/$_: $!"
	    for qw(server.js package.json package-lock.json);
	return $at if -d "$at/node_modules";
	my $pid = spawn('npm', "$at/npm.log", $npm, 'ci', '--prefix', $at,
	    qw(--ignore-scripts --no-audit --no-fund));
	my $status = reap($pid, 300);
	return defined $status && $status == 0 ? $at : undef;
}

# Starts the services; returns { name, label, algorithm, pid, socket } for each.
sub start {
	my ($dir, $keys_of, $policy) = @_;
	my $at = install() or
	    die "node, npm and the packages of bench/peers are needed\n";
	my @peers;

	for my $alg (@ALGORITHMS) {
		my $key = signer_file($keys_of->{$alg});
		if ($alg !~ /^HS/) {
			spit("$dir/$alg.pem", public_pem($key));
			$key = "$dir/$alg.pem";
		}
		for my $kind (@KINDS) {
			my $name = "peer_$alg" . @peers;
			my $socket = "$dir/$name.sock";
			my $pid = spawn($name, "$dir/$name.log",
			    in_path('node'), "$at/server.js", $kind, $alg,
			    $key, $socket, @$policy{qw(issuer audience)});
			wait_for(10, sub { -S $socket }) or
			    die slurp("$dir/$name.log");
			push @peers, { name => $name, pid => $pid,
			    label => "node, $kind, $alg", algorithm => $alg,
			    socket => $socket };
		}
	}
	return @peers;
}

1;
