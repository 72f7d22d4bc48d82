# SPDX-License-Identifier: MIT
# An upgrade of the running program, and the ways in which it can fail.
# upgrade.t counts requests during upgrades.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Manager;
use FCGIAuth::Test;
use File::Copy qw(copy);
use Socket qw(AF_UNIX MSG_DONTWAIT SOCK_DGRAM pack_sockaddr_un);
use Test::More;

my $real = bin('fcgiauthd');
my $m = FCGIAuth::Manager->new(env => { FCGIAUTH_TEST => 'is kept' });
my $d = FCGIAuth::Daemon->new(conf => { server => { log_level => 'info' } });
$d->add_user('alice');
my $program = $d->dir . '/program';

# Replaces the program file, like a package manager.
sub put {
	my ($from) = @_;

	if (ref $from) {
		spit("$program.new", "#!/bin/sh\n$$from\n");
	} else {
		copy($from, "$program.new") or die "copy: $!";
	}
	chmod 0755, "$program.new";
	rename "$program.new", $program or die "rename: $!";
	return;
}

sub log_grew {
	my ($pattern, $code, $limit) = @_;
	my $before = length $d->log_text;
	$code->();
	return wait_for($limit || 15,
	    sub { substr($d->log_text, $before) =~ $pattern });
}

put($real);
# The parent ignores its children. The daemon must reap its own children all the
# same.
my $main = $m->start($d, command => [ $^X, '-e',
	'$SIG{CHLD} = "IGNORE"; exec { $ARGV[0] } @ARGV', $program ]);
ok($m->wait_heard(qr/^READY=1/), 'the daemon serves') or diag($d->log_text);

my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
    CONTENT_TYPE => 'application/json',
    body => qq({"username":"alice","password":"$FCGIAuth::Daemon::PASSWORD"}));
my ($cookie) = map { /^(fcgiauth=[^;]+)/ ? $1 : () }
    header_values($a, 'Set-Cookie');

sub still_serves {
	my ($what) = @_;
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204, $what);
	ok(kill(0, $main), 'the same process still runs');
	return;
}

sub upgrade {
	my $before = $main;
	kill 'USR2', $main;
	my $message = $m->wait_heard(qr/^MAINPID=\d+\|READY=1\|/, 40) or return;
	($main) = $message =~ /(\d+)/;
	return $m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before);
}

subtest 'successors that cannot take over' => sub {
	my $good = slurp($d->{file});

	spit($d->{file}, "$good\n[nonsense\n");
	ok(log_grew(qr/upgrade_failed.*exited with status 1/,
	    sub { kill 'USR2', $main }),
	    'an upgrade with an invalid configuration fails');
	like($d->log_text, qr/fcgiauth\.ini:\d+: the section header/,
	    'the log has the line of the configuration');
	ok($m->wait_heard(qr/^STATUS=.*upgrade failed/),
	    'the service manager gets the failure');
	still_serves('the daemon serves after an invalid configuration');
	spit($d->{file}, $good);

	unlink $program;
	ok(log_grew(qr/upgrade_failed.*cannot be started/,
	    sub { kill 'USR2', $main }),
	    'an upgrade to a missing program fails');
	still_serves('the daemon serves after a missing program');

	put(\'kill -SEGV $$');
	ok(log_grew(qr/upgrade_failed.*signal 11/,
	    sub { kill 'USR2', $main }),
	    'an upgrade to a program that crashes fails');
	still_serves('the daemon serves after a crash of the successor');

	put(\'exit 0');
	ok(log_grew(qr/upgrade_failed.*exited with status 0/,
	    sub { kill 'USR2', $main }),
	    'an upgrade to a program that ends fails');
	still_serves('the daemon serves after the end of the successor');
};

subtest 'a successful upgrade' => sub {
	put($real);
	my $before = $main;
	ok(upgrade(), 'the successor takes over') or diag($d->log_text);
	isnt($main, $before, 'the successor is another process');
	is((stat "/proc/$main/exe")[1], (stat $program)[1],
	    'the successor runs the new file');
	ok($d->check(HTTP_COOKIE => $cookie)->{status} == 204,
	    'alice is still signed in');
	my %env = map { /^(\w+)=(.*)/s ? ($1 => $2) : () }
	    split /\0/, slurp("/proc/$main/environ");
	is($env{FCGIAUTH_TEST}, 'is kept', 'the environment is kept');
	my @lines = split /\0/, slurp("/proc/$main/cmdline");
	is_deeply(\@lines, [ $program, '-c', $d->{file} ],
	    'the command line is kept');
};

# Returns the open files of a process: descriptor => target.
sub open_files {
	my ($pid) = @_;
	return map { m{/(\d+)$} => readlink } glob "/proc/$pid/fd/*";
}

subtest 'no file descriptors leak' => sub {
	my @clients = map { IO::Socket::UNIX->new(Peer => $d->{socket}) }
	    1 .. 20;
	my %of_first;

	ok(wait_for(10, sub {
		%of_first = open_files($main);
		return keys %of_first >= 20;
	}), 'the daemon has 20 connections');
	ok(upgrade(), 'the upgrade succeeds');
	close $_ for @clients;
	my %of_second = open_files($main);
	my %seen = map { $_ => 1 } values %of_first;
	my @common = sort grep { /^socket:/ && $seen{$_} } values %of_second;
	is(scalar @common, 1, 'both processes share only the listening socket');
	cmp_ok(scalar keys %of_second, '<', 20,
	    'the successor has few open files');
	ok(upgrade(), "upgrade $_ succeeds") for 1 .. 3;
	my %later = open_files($main);
	is(scalar keys %later, scalar keys %of_second,
	    'further upgrades leave no more open files');
};

subtest 'only one upgrade at a time' => sub {
	put(\"sleep 2\nexec $real \"\$\@\"");
	my $reloads = () = $d->log_text =~ /\breloaded\b/g;
	kill 'USR2', $main;
	ok($m->wait_heard(qr/while a successor starts/),
	    'an upgrade is in progress');
	ok(log_grew(qr/upgrade_refused.*still starting/,
	    sub { kill 'USR2', $main }), 'a second upgrade is refused');
	$d->configure(session => { remember => '20d' });
	ok(log_grew(qr/reloaded/, sub { kill 'HUP', $main }),
	    'a reload is done meanwhile');
	still_serves('the daemon serves meanwhile');
	my $before = $main;
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok($m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before),
	    'the daemon ends when the successor serves');
	ok(wait_for(10, sub {
		my $n = () = $d->log_text =~ /\breloaded\b/g;
		return $n == $reloads + 2;
	}), 'the successor reloads as well');
};

subtest 'a reload during the end of the old process' => sub {
	put($real);
	# The old process waits for this silent connection.
	my $silent = IO::Socket::UNIX->new(Peer => $d->{socket});
	my $old = $main;
	kill 'USR2', $old;
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok(log_grew(qr/reloaded/, sub { kill 'HUP', $old }),
	    'the successor reloads');
	ok($m->wait_heard(qr/^READY=1/), 'the successor says that it is ready');
	ok($m->gone($old), 'the old process has ended');
	close $silent;
};

subtest 'a service manager that reads no messages' => sub {
	socket my $crowd, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!";
	my $ear = pack_sockaddr_un("$m->{dir}/notify");
	my $old = $main;

	# A service manager that does not know the successor would end it
	# together with the old process.
	1 while defined send $crowd, 'CROWD=1', MSG_DONTWAIT, $ear;
	ok(log_grew(qr/notify_failed/, sub { kill 'USR2', $old }),
	    'the notification fails');
	ok(!log_grew(qr/handed_over/, sub { }, 3),
	    'the old process does not hand over');
	still_serves('the old process serves');
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok($m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($old),
	    'the old process ends when the message was read');
};

subtest 'SIGTERM during an upgrade' => sub {
	my $mark = $d->dir . '/started';
	put($real);
	is($m->stop($main), 0, 'the daemon ends with status 0');
	$main = $m->start($d, command => [ $program ]);
	ok($m->wait_heard(qr/^READY=1/),
	    'a daemon of the replaced program serves');
	put(\"echo \$\$ >$mark; exec sleep 1000");
	kill 'USR2', $main;
	ok(wait_for(10, sub { slurp($mark) =~ /\n/ }), 'the successor hangs');
	my ($successor) = slurp($mark) =~ /(\d+)/;
	still_serves('the daemon serves');
	kill 'TERM', $main;
	ok($m->wait_heard(qr/^STOPPING=1/), 'the daemon says that it stops');
	ok($m->gone($main, 30), 'the daemon ends');
	ok(!kill(0, $successor), 'the successor ends as well');
	ok(!-e $d->{socket}, 'the socket is removed');
};

subtest 'a successor gets the passed sockets' => sub {
	put($real);
	$m = FCGIAuth::Manager->new->listen_on(web => $d->address);
	$main = $m->start($d, command => [ $program ]);
	ok($m->wait_heard(qr/^READY=1/), 'the daemon serves');
	ok(log_grew(qr/listening socket=web from=passed/,
	    sub { ok(upgrade(), 'the upgrade succeeds') }),
	    'the successor logs the name of the socket');
	is($m->stop($main), 0, 'the successor ends with status 0');
	ok(-S $d->{socket}, 'the successor leaves the passed socket');
};

subtest 'process 1 of a container' => sub {
	my @unshare = ('unshare', is_root() ? () : ('--map-root-user'),
	    qw(--pid --fork --kill-child));
	my ($status) = capture(@unshare, 'true');
	plan(skip_all => 'no containers here') if $status != 0;
	$m = FCGIAuth::Manager->new;
	my $outside = $m->start($d, command => [ @unshare, $real ]);
	ok($m->wait_heard(qr/^READY=1/), 'the daemon serves as process 1');
	my ($pid) =
	    slurp("/proc/$outside/task/$outside/children") =~ /(\d+)/;
	ok(log_grew(qr/upgrade_refused.*process 1/,
	    sub { kill 'USR2', $pid }), 'an upgrade of process 1 is refused');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200,
	    'the daemon serves after the refusal');
	kill 'TERM', $pid;
	is(reap($outside, 30), 0, 'the daemon ends with status 0');
};

is_deeply([ $d->log_text =~
	/^.*(?:Sanitizer|runtime error:|Assertion).*$/mg ], [],
    'the log has no report of a sanitizer and no failed assertion');
done_testing;
