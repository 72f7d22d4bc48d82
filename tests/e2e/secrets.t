# SPDX-License-Identifier: MIT
# Passwords and cookies do not stay in memory and are not written to a core
# file.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::Test;
use Fcntl qw(SEEK_SET);
use Test::More;

# Returns the matches of a pattern in the writable memory of a process, or undef
# when it cannot be read. Only root may read it.
sub in_memory {
	my ($pid, $pattern) = @_;
	my %found;

	no warnings 'portable';	# 64 bits
	open my $maps, '<', "/proc/$pid/maps" or return;
	open my $memory, '<:raw', "/proc/$pid/mem" or return;
	while (my $line = <$maps>) {
		my ($from, $to) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw/
		    or next;
		my $n = hex($to) - hex($from);
		next if $n > 300_000_000;	# shadow memory of a sanitizer
		sysseek $memory, hex($from), SEEK_SET or next;
		sysread $memory, my $bytes, $n or next;
		$found{$1}++ while $bytes =~ /($pattern)/g;
	}
	return \%found;
}

subtest 'the memory of the daemon' => sub {
	plan(skip_all => 'only root can read the memory') unless is_root();
	my $d = FCGIAuth::Daemon->new->add_user('alice')->start;
	my %common = (REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login');

	for my $i (1 .. 20) {
		login($d, 'alice', "jjUNIQUE$i.");
		$d->ask(%common,
		    CONTENT_TYPE => 'application/x-www-form-urlencoded',
		    body => "username=alice&password=ffUNIQUE$i.&csrf=x");
		$d->check(HTTP_COOKIE => "a=b; fcgiauth=ccUNIQUE$i.");
	}
	my ($token) = logged_in($d, 'alice') =~ /=(.*)/;
	my $found = in_memory($d->pid, "(?:[jfc]{2}UNIQUE\\d+\\.|$token)");
	plan(skip_all => 'memory cannot be read here') unless $found;
	is(join(' ', sort keys %$found), '',
	    'the memory has no password and no cookie');
	$d->stop_ok;
};

subtest 'a core file' => sub {
	plan(skip_all => 'no prlimit here') unless in_path('prlimit');
	my $dir = tempdir();
	my $dumped = 128;	# in a wait status
	my $log = "$dir/log";
	my $other = spawn('sh', $log, in_path('prlimit'),
	    '--core=unlimited:unlimited', '/bin/sh', '-c',
	    "cd $dir && kill -SEGV \$\$");
	my $status = reap($other, 10);
	plan(skip_all => 'no process dumps core here')
	    unless defined $status && $status & $dumped;

	my $d = FCGIAuth::Daemon->new;
	local $ENV{FCGIAUTH_WRAP} = 'prlimit --core=unlimited:unlimited';
	$d->start;
	kill 'SEGV', $d->pid;
	$status = reap(delete $d->{pid}, 15);
	is($status & $dumped, 0, 'a crash of the daemon writes no core file');
};

done_testing;
