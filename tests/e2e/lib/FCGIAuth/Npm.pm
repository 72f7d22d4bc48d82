# SPDX-License-Identifier: MIT
# The packages of npm that tests need: those that tests/interop/package.json
# names. fcgiauth does not need them otherwise.
package FCGIAuth::Npm;

use strict;
use warnings;

use FCGIAuth::Test;
use Fcntl qw(LOCK_EX);
use File::Copy qw(copy);
use File::Path qw(make_path);

# The packages are installed once, outside of the source.
my $at = $ENV{FCGIAUTH_INTEROP} || top() . '/.build/interop';
my $source = top() . '/tests/interop';

sub folder { return $at }

# Returns false if the packages cannot be installed here. Two tests may ask at
# the same time.
sub install {
	my $npm = in_path('npm') or return 0;
	my $stamp = join '', map { slurp("$source/$_") }
	    qw(package.json package-lock.json);

	make_path($at);
	open my $lock, '>', "$at/lock" or die "$at/lock: $!";
	flock $lock, LOCK_EX or die "flock: $!";
	copy("$source/$_", "$at/$_") or die "$at/$_: $!"
	    for qw(jose.js package.json package-lock.json);
	return 1 if slurp("$at/stamp") eq $stamp;
	my $pid = spawn('npm', "$at/npm.log", $npm, 'ci', '--prefix', $at,
	    qw(--ignore-scripts --no-audit --no-fund));
	my $status = reap($pid, 120);
	return 0 unless defined $status && $status == 0;
	spit("$at/stamp", $stamp);
	return 1;
}

1;
