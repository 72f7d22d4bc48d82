# SPDX-License-Identifier: MIT
# The same check by services on Node.js, behind the same nginx.
package Peers;

use strict;
use warnings;

use FCGIAuth::Test;
use FCGIAuth::Token qw(public_pem signer_file);
use File::Copy qw(copy);
use File::Path qw(make_path);

# Each with the end of its name.
our %KINDS = ('fast-jwt' => '_fast', 'fast-jwt with its cache' => '_cached',
    'jsonwebtoken' => '_plain');
our @ALGORITHMS = qw(HS256 RS256);

# Installs the packages outside of the source; returns their folder. Dies with
# the reason if that is not possible.
sub install {
	my ($node, $npm) = map { in_path($_) or
	    die "$_ is missing (Debian: nodejs, npm)\n" } qw(node npm);
	my $at = $ENV{FCGIAUTH_PEERS} || top() . '/.build/peers';
	my $from = top() . '/bench/peers';
	my $done = -d "$at/node_modules" && slurp("$at/package-lock.json") eq
	    slurp("$from/package-lock.json");

	make_path($at);
	copy($_, $at) or die "$at: $!" for glob "$from/*.js*";
	return $at if $done;
	my $pid = spawn('npm', "$at/npm.log", $npm, 'ci', '--prefix', $at,
	    qw(--ignore-scripts --no-audit --no-fund));
	my $status = reap($pid, 300);
	return $at if defined $status && $status == 0;
	unlink "$at/package-lock.json";	# the next run tries again
	die "npm cannot install the packages of bench/peers: $at/npm.log\n";
}

# Starts a script of the folder, which listens on a unix socket; returns
# { pid, socket }.
sub start_script {
	my ($dir, $name, $script, @args) = @_;
	my $at = install();
	my $socket = "$dir/$name.sock";
	my $pid = spawn($name, "$dir/$name.log", in_path('node'),
	    "$at/$script", map { $_ eq 'SOCKET' ? $socket : $_ } @args);

	wait_for(10, sub { -S $socket }) or die slurp("$dir/$name.log");
	return { pid => $pid, socket => $socket };
}

# Starts a check of access tokens; returns { name, label, algorithm, pid,
# socket }. keys: the folder of the keys of the service that issues them.
sub start_one {
	my ($dir, $kind, $alg, $keys, $policy) = @_;
	my $key = signer_file($keys);
	my $name = "peer_$alg" . $KINDS{$kind};

	if ($alg !~ /^HS/) {
		spit("$dir/$alg.pem", public_pem($key));
		$key = "$dir/$alg.pem";
	}
	return { name => $name, label => "node, $kind, $alg",
	    algorithm => $alg,
	    %{ start_script($dir, $name, 'server.js', $kind, $alg, $key,
		'SOCKET', @$policy{qw(issuer audience)}) } };
}

# Starts all kinds; returns what start_one() returns for each.
sub start {
	my ($dir, $keys_of, $policy) = @_;

	return map { my $alg = $_; map {
		start_one($dir, $_, $alg, $keys_of->{$alg}, $policy) }
	    sort keys %KINDS } @ALGORITHMS;
}

1;
