# SPDX-License-Identifier: MIT
# What service managers may expect: notification, watchdog, every way to pass
# sockets, and the shipped units.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI;
use FCGIAuth::Manager;
use FCGIAuth::Test;
use File::Basename qw(dirname);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep clock_gettime CLOCK_MONOTONIC);

my $top = top();
my $build = dirname(bin('fcgiauthd'));

sub daemon {
	my (%conf) = @_;
	return FCGIAuth::Daemon->new(
	    conf => { server => { log_level => 'info' }, %conf });
}

sub login {
	my ($d) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', timeout => 60,
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice",) .
	    qq("password":"$FCGIAuth::Daemon::PASSWORD"}));
}

sub clean_log {
	my ($d) = @_;
	is_deeply([ $d->log_text =~
		/^.*(?:Sanitizer|runtime error:|Assertion).*$/mg ], [],
	    'the log has no report of a sanitizer and no failed assertion');
	return;
}

sub healthy {
	my ($d) = @_;
	my $a = $d->ask(REQUEST_URI => '/auth/health');
	return $a && $a->{status} == 200;
}

subtest 'notifications' => sub {
	my $m = FCGIAuth::Manager->new;
	my $d = daemon();
	my $pid = $m->start($d);

	is($m->wait_heard(qr/./), 'READY=1|STATUS=Serving',
	    'the daemon says that it is ready');
	ok(healthy($d), 'the daemon serves');

	my $before = clock_gettime(CLOCK_MONOTONIC) * 1e6;
	kill 'HUP', $pid;
	my $message = $m->wait_heard(qr/./);
	like($message, qr/^RELOADING=1\|MONOTONIC_USEC=\d+\|STATUS=/,
	    'the daemon says that it reloads');
	my ($usec) = $message =~ /USEC=(\d+)/;
	cmp_ok($usec, '>=', int $before,
	    'the time of the reload is after the signal');
	cmp_ok($usec, '<=', clock_gettime(CLOCK_MONOTONIC) * 1e6 + 2000,
	    'the time of the reload is not in the future');
	is($m->wait_heard(qr/./), 'READY=1|STATUS=Serving',
	    'the daemon says that it is ready again');

	my $good = slurp($d->{file});
	spit($d->{file}, "$good\nnonsense");
	kill 'HUP', $pid;
	like($m->wait_heard(qr/./), qr/^RELOADING=1/,
	    'the daemon says that it reloads again');
	like($m->wait_heard(qr/./),
	    qr/^READY=1\|STATUS=.*previous configuration.*invalid/,
	    'the daemon is ready and says why the reload failed');
	ok(healthy($d), 'the daemon serves after the failed reload');
	spit($d->{file}, $good);
	kill 'HUP', $pid;
	is($m->wait_heard(qr/^READY/), 'READY=1|STATUS=Serving',
	    'a reload with the correct file succeeds');
	is($m->stop($pid), 0, 'the daemon ends with status 0');
	like($m->wait_heard(qr/./), qr/^STOPPING=1\|/,
	    'the daemon says that it stops');
	is(scalar $m->hear, undef, 'no watchdog message was sent');
	clean_log($d);
};

subtest 'no service manager answers' => sub {
	my $m = FCGIAuth::Manager->new(
	    env => { NOTIFY_SOCKET => '/nowhere/at/all' });
	my $d = daemon();
	my $pid = $m->start($d);

	ok(wait_for(15, sub { healthy($d) }), 'the daemon serves');
	$d->{pid} = $pid;
	$d->reload;
	ok(wait_for(10, sub { $d->log_text =~ /reloaded/ }),
	    'the daemon reloads');
	my $complaints = () = $d->log_text =~ /notify_failed/g;
	is($complaints, 1,
	    'the log has one line about the failed notification');
	$d->stop_ok;
};

# Holds the lock of SQLite's writer like another process.
sub lock_writer {
	my ($d) = @_;
	my $file = $d->dir . '/fcgiauth.db-shm';

	open my $fh, '+<', $file or die "$file: $!";
	my $lock = pack 's s x![q] q q i x![q]', F_WRLCK, SEEK_SET, 120, 1, 0;
	wait_for(10, sub { fcntl $fh, F_SETLK, $lock }) or die "no lock: $!";
	return $fh;
}

subtest 'the watchdog' => sub {
	# A wait for the lock of the store lasts a few seconds, which is longer
	# than the interval.
	my $interval = slow() > 1 ? 0.6 : 0.4;
	my $m = FCGIAuth::Manager->new(
	    env => { WATCHDOG_USEC => int $interval * 1e6 });
	# The test needs the file lock of SQLite.
	my $d = FCGIAuth::Daemon->new(store => 'sqlite',
	    conf => { server => { log_level => 'info' } });
	$d->add_user('alice');
	my $pid = $m->start($d);

	ok($m->wait_heard(qr/^READY/), 'the daemon serves');
	for my $i (1 .. 5) {
		ok($m->wait_heard(qr/^WATCHDOG=1$/),
		    "the idle daemon sends watchdog message $i");
	}
	is(login($d)->{status}, 200, 'a sign-in succeeds');
	my $lock = lock_writer($d);
	# The test does not read this answer.
	my $client = fork // die "fork: $!";
	if ($client == 0) {
		login($d);
		POSIX::_exit(0);
	}
	ok(wait_for(20, sub { $m->hear; $d->log_text =~ /worker_stuck/ }),
	    'the log says that a worker is stuck') or diag($d->log_text);
	$m->hear;
	sleep 1.5 * $interval;
	is_deeply([ grep { /WATCHDOG/ } $m->hear ], [],
	    'a stuck daemon sends no watchdog message');
	close $lock;
	ok($m->wait_heard(qr/^WATCHDOG=1$/, 30),
	    'the daemon sends watchdog messages when the worker goes on');
	waitpid $client, 0;

	# An upgrade leaves no gap in the watchdog messages.
	kill 'USR2', $pid;
	like($m->wait_heard(qr/^MAINPID=/, 30), qr/\|WATCHDOG=1\|/,
	    'the old daemon sends a last watchdog message');
	my ($next) = grep { $_ != $pid } keys %{ $m->{pids} };
	ok($m->wait_heard(qr/^WATCHDOG=1$/),
	    'the successor sends watchdog messages');
	is($m->stop($next), 0, 'the successor ends with status 0');
	clean_log($d);
};

subtest 'a watchdog for another process' => sub {
	my $m = FCGIAuth::Manager->new(
	    env => { WATCHDOG_USEC => 200_000, WATCHDOG_PID => $$ });
	my $d = daemon();
	my $pid = $m->start($d);

	ok($m->wait_heard(qr/^READY/), 'the daemon serves');
	sleep 0.5;
	is_deeply([ $m->hear ], [], 'the daemon sends no watchdog message');
	is($m->stop($pid), 0, 'the daemon ends with status 0');
};

subtest 'several sockets' => sub {
	my $d = daemon();
	my ($dir, $port) = ($d->dir, free_port());
	my $m = FCGIAuth::Manager->new->listen_on(
	    web => "unix:$dir/web.sock", api => "127.0.0.1:$port",
	    more => "unix:$dir/more.sock");
	my $pid = $m->start($d);

	ok($m->wait_heard(qr/^READY/), 'the daemon serves');
	for my $address ("unix:$dir/web.sock", "127.0.0.1:$port",
	    "unix:$dir/more.sock") {
		my $a = FCGIAuth::FastCGI::fcgi_request($address,
		    FCGIAuth::Daemon::request(REQUEST_URI => '/auth/health'));
		is($a->{status}, 200, "the daemon answers at $address");
	}
	like($d->log_text, qr/listening socket=$_ from=passed/,
	    "the log names the socket $_")
	    for qw(web api more);
	ok(!-e $d->{socket},
	    'the daemon does not create its configured socket');
	is($m->stop($pid), 0, 'the daemon ends with status 0');
	ok(-S "$dir/web.sock", 'the passed sockets stay');
	clean_log($d);
};

subtest 'a socket as standard input' => sub {
	my $d = daemon();
	my $m = FCGIAuth::Manager->new->listen_on(web => $d->address);
	my $pid = $m->start($d, stdin => 1);

	ok($m->wait_heard(qr/^READY/), 'the daemon serves');
	ok(healthy($d), 'the daemon answers at the socket');
	like($d->log_text, qr/listening socket="standard input"/,
	    'the log names standard input');
	kill 'USR2', $pid;
	ok($m->wait_heard(qr/^MAINPID=/, 30), 'the upgrade starts a successor');
	ok($m->wait_heard(qr/^STATUS=Serving$/), 'the successor takes over');
	my ($next) = grep { $_ != $pid } keys %{ $m->{pids} };
	ok(healthy($d), 'the successor answers at the socket');
	is($m->stop($next), 0, 'the successor ends with status 0');
	clean_log($d);
};

subtest 'spawn-fcgi' => sub {
	my $spawn = in_path('spawn-fcgi') or plan(skip_all => 'not here');
	my $d = daemon();
	my $pid = spawn('spawn-fcgi', $d->{log}, $spawn, '-n', '-s',
	    $d->{socket}, '--', bin('fcgiauthd'), '-c', $d->{file});

	ok(wait_for(15, sub { -S $d->{socket} && healthy($d) }),
	    'the daemon serves') or diag($d->log_text);
	$d->{pid} = $pid;
	$d->stop_ok;
};

subtest 'systemd-socket-activate' => sub {
	my $activate = in_path('systemd-socket-activate') or
	    plan(skip_all => 'not here');
	my $d = daemon();
	my $port = free_port();
	my $pid = spawn('activate', $d->{log}, $activate, '-l', $d->{socket},
	    '-l', "127.0.0.1:$port", '--fdname=web:api', bin('fcgiauthd'),
	    '-c', $d->{file});

	# The first request starts the daemon and is answered.
	ok(wait_for(15, sub { -S $d->{socket} }),
	    'systemd-socket-activate creates the socket');
	ok(wait_for(15, sub { healthy($d) }), 'the first request is answered');
	like($d->log_text, qr/listening socket=$_/,
	    "the log names the socket $_") for qw(web api);
	$d->{pid} = $pid;
	$d->stop_ok;
};

# ---- the units ---------------------------------------------------------------

my $units = tempdir();
my $analyze = in_path('systemd-analyze');

sub analyze {
	my ($status, $out, $errors) = capture($analyze, @_);
	return ($status, $out . $errors);
}

sub write_units {
	my $text = slurp("$build/systemd/fcgiauth.service");
	my $program = bin('fcgiauthd');

	$text =~ s{^ExecStart=\S+}{ExecStart=$program}m or die;
	spit("$units/fcgiauth.service", $text);
	spit("$units/fcgiauth.socket",
	    slurp("$top/systemd/fcgiauth.socket"));
	return $text;
}

subtest 'units' => sub {
	plan(skip_all => 'no systemd-analyze here') unless $analyze;
	write_units();
	my ($status, $out) = analyze('--man=no', 'verify',
	    "$units/fcgiauth.service", "$units/fcgiauth.socket");
	is($status, 0, 'systemd-analyze accepts the units') or diag($out);
	is($out, '', 'systemd-analyze has no remark');
	($status, $out) = analyze('security', '--offline=yes', '--no-pager',
	    "$units/fcgiauth.service");
	my ($level) = $out =~ /Overall exposure level.*: ([\d.]+)/;
	cmp_ok($level // 10, '<=', 1.5,
	    'the exposure level of the service is low') or
	    diag($out);
};

# Returns the system calls of a set, including those of its subsets.
sub calls {
	my ($set) = @_;
	my (undef, $out) = analyze('--no-pager', 'syscall-filter', $set);
	my %calls;

	for my $line (split /\n/, $out) {
		next unless $line =~ /^\s+(\@?[\w-]+)\s*$/;
		my $name = $1;
		%calls = (%calls, $name =~ /^@/ ? calls($name) : ($name => 1));
	}
	return %calls;
}

# Sanitizers use further calls, and do not work under strace.
subtest 'the filter of system calls' => sub {
	my $strace = in_path('strace');
	plan(skip_all => 'no systemd-analyze or strace here')
	    unless $analyze && $strace;
	my $unit = write_units();
	my ($set) = $unit =~ /^SystemCallFilter=(@.*)/m;
	my ($without) = $unit =~ /^SystemCallFilter=~(.*)/m;
	my %allowed = calls($set);
	my %refused = map { calls($_) } split ' ', $without;
	delete @allowed{ keys %refused };
	my ($more) = $unit =~ /^SystemCallFilter=([a-z].*)/m;
	$allowed{$_} = 1 for split ' ', $more;
	# As root, the daemon gives new files to the owner of the database with
	# fchown(). The service does not run as root.
	$allowed{fchown} = 1 if is_root();
	cmp_ok(scalar keys %allowed, '>', 200,
	    'systemd-analyze knows the calls of the filter');
	ok(!$allowed{ptrace} && !$allowed{setuid},
	    'the filter refuses ptrace and setuid');

	my $m = FCGIAuth::Manager->new;
	my $d = daemon();
	$d->add_user('alice');
	my $trace = $d->dir . '/trace';
	my $tracer = $m->start($d, command => [ $strace, '-f', '-o', $trace,
	    bin('fcgiauthd') ]);
	ok($m->wait_heard(qr/^READY/, 30), 'the daemon serves') or
	    return diag($d->log_text);
	is(login($d)->{status}, 200, 'a sign-in succeeds');
	my ($pid) = slurp("/proc/$tracer/task/$tracer/children") =~ /(\d+)/;
	kill 'HUP', $pid;
	ok($m->wait_heard(qr/^READY/, 30), 'a reload succeeds');
	kill 'USR2', $pid;
	my ($next) = ($m->wait_heard(qr/^MAINPID/, 60) // '') =~ /(\d+)/;
	ok($m->wait_heard(qr/^STATUS=Serving$/, 30), 'an upgrade succeeds');
	kill 'TERM', $next;
	ok(defined reap($tracer, 30), 'the daemon ends');
	my %seen = map { $_ => 1 } slurp($trace) =~ /^\d+ +(\w+)\(/mg;
	cmp_ok(scalar keys %seen, '>', 20, 'strace has recorded the calls');
	is_deeply([ sort grep { !$allowed{$_} } keys %seen ], [],
	    'the filter allows all recorded calls');
} unless slurp(bin('fcgiauthd')) =~ /__[at]san_init/;

subtest 'users and files' => sub {
	my ($sysusers, $tmpfiles) =
	    map { in_path($_) } qw(systemd-sysusers systemd-tmpfiles);
	plan(skip_all => 'no systemd-sysusers here') unless $sysusers;
	my $root = tempdir();
	mkdir "$root/$_" for qw(etc run var);
	my ($status, $out, $errors) = capture($sysusers, "--root=$root",
	    "$top/systemd/sysusers.d/fcgiauth.conf");
	is($status, 0,
	    'systemd-sysusers creates the user') or diag("$out$errors");
	like(slurp("$root/etc/passwd"), qr/^fcgiauth:.*nologin$/m,
	    'the user cannot log in');
	spit("$root/etc/group", slurp("$root/etc/group") .
	    "www-data:x:33:\n");
	return note('not root: no folder') unless is_root() && $tmpfiles;
	($status, $out, $errors) = capture($tmpfiles, "--root=$root",
	    '--create', "$top/systemd/tmpfiles.d/fcgiauth.conf");
	is($status, 0,
	    'systemd-tmpfiles creates the folder') or diag("$out$errors");
	my @stat = stat "$root/run/fcgiauth";
	is(sprintf('%o', $stat[2] & 07777), '2755',
	    'the folder is open for the group');
	is($stat[5], 33, 'the folder belongs to the group of the web server');
};

done_testing;
