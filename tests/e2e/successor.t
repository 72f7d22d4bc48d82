# SPDX-License-Identifier: MIT
# A change of the program, and all that can be wrong with it.  upgrade.t counts
# requests meanwhile.
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

# Puts something under the name of the program, as packages do.
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
# By somebody who leaves nobody to reap: it is for us to see to that.
my $main = $m->start($d, command => [ $^X, '-e',
	'$SIG{CHLD} = "IGNORE"; exec { $ARGV[0] } @ARGV', $program ]);
ok($m->wait_heard(qr/^READY=1/), 'it serves') or diag($d->log_text);

my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
    CONTENT_TYPE => 'application/json',
    body => qq({"username":"alice","password":"$FCGIAuth::Daemon::PASSWORD"}));
my ($cookie) = map { /^(fcgiauth=[^;]+)/ ? $1 : () }
    header_values($a, 'Set-Cookie');

sub still_serves {
	my ($what) = @_;
	is($d->check(HTTP_COOKIE => $cookie)->{status}, 204, $what);
	ok(kill(0, $main), 'it is the one that was');
	return;
}

sub upgrade {
	my $before = $main;
	kill 'USR2', $main;
	my $message = $m->wait_heard(qr/^MAINPID=\d+\|READY=1\|/, 40) or return;
	($main) = $message =~ /(\d+)/;
	return $m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before);
}

subtest 'what cannot take over' => sub {
	my $good = slurp($d->{file});

	spit($d->{file}, "$good\n[nonsense\n");
	ok(log_grew(qr/upgrade_failed.*exited with status 1/,
	    sub { kill 'USR2', $main }), 'a wrong configuration');
	like($d->log_text, qr/fcgiauth\.ini:\d+: the section header/,
	    'is shown');
	ok($m->wait_heard(qr/^STATUS=.*upgrade failed/), 'and told');
	still_serves('goes on');
	spit($d->{file}, $good);

	unlink $program;
	ok(log_grew(qr/upgrade_failed.*cannot be started/,
	    sub { kill 'USR2', $main }), 'a program that is gone');
	still_serves('goes on');

	put(\'kill -SEGV $$');
	ok(log_grew(qr/upgrade_failed.*signal 11/,
	    sub { kill 'USR2', $main }), 'one that crashes');
	still_serves('goes on');

	put(\'exit 0');
	ok(log_grew(qr/upgrade_failed.*exited with status 0/,
	    sub { kill 'USR2', $main }), 'one that ends');
	still_serves('goes on');
};

subtest 'a new file under the old name' => sub {
	put($real);
	my $before = $main;
	ok(upgrade(), 'takes over') or diag($d->log_text);
	isnt($main, $before, 'as another process');
	is((stat "/proc/$main/exe")[1], (stat $program)[1], 'of that file');
	ok($d->check(HTTP_COOKIE => $cookie)->{status} == 204,
	    'alice is still signed in');
	my %env = map { /^(\w+)=(.*)/s ? ($1 => $2) : () }
	    split /\0/, slurp("/proc/$main/environ");
	is($env{FCGIAUTH_TEST}, 'is kept', 'the environment as it was');
	my @lines = split /\0/, slurp("/proc/$main/cmdline");
	is_deeply(\@lines, [ $program, '-c', $d->{file} ], 'the command, too');
};

# What is open in a process: descriptor => what.
sub open_files {
	my ($pid) = @_;
	return map { m{/(\d+)$} => readlink } glob "/proc/$pid/fd/*";
}

subtest 'nothing leaks' => sub {
	my @clients = map { IO::Socket::UNIX->new(Peer => $d->{socket}) }
	    1 .. 20;
	my %of_first;

	ok(wait_for(10, sub {
		%of_first = open_files($main);
		return keys %of_first >= 20;
	}), 'there is something to leak');
	ok(upgrade(), 'an upgrade');
	close $_ for @clients;
	my %of_second = open_files($main);
	my %seen = map { $_ => 1 } values %of_first;
	my @common = sort grep { /^socket:/ && $seen{$_} } values %of_second;
	is(scalar @common, 1, 'one socket in common: it listens');
	cmp_ok(scalar keys %of_second, '<', 20, 'and little else is open');
	ok(upgrade(), "upgrade $_") for 1 .. 3;
	my %later = open_files($main);
	is(scalar keys %later, scalar keys %of_second,
	    'however often it is done');
};

subtest 'one at a time' => sub {
	put(\"sleep 2\nexec $real \"\$\@\"");
	my $reloads = () = $d->log_text =~ /\breloaded\b/g;
	kill 'USR2', $main;
	ok($m->wait_heard(qr/while a successor starts/), 'one is under way');
	ok(log_grew(qr/upgrade_refused.*still starting/,
	    sub { kill 'USR2', $main }), 'another is refused');
	$d->configure(session => { remember => '20d' });
	ok(log_grew(qr/reloaded/, sub { kill 'HUP', $main }),
	    'a reload is not');
	still_serves('serves');
	my $before = $main;
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok($m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before),
	    'then it goes');
	ok(wait_for(10, sub {
		my $n = () = $d->log_text =~ /\breloaded\b/g;
		return $n == $reloads + 2;
	}), 'the successor reloads as well');
};

subtest 'a reload that comes late' => sub {
	put($real);
	# It says nothing, and is waited for.
	my $silent = IO::Socket::UNIX->new(Peer => $d->{socket});
	my $old = $main;
	kill 'USR2', $old;
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok(log_grew(qr/reloaded/, sub { kill 'HUP', $old }),
	    'is done by the successor');
	ok($m->wait_heard(qr/^READY=1/), 'which says so');
	ok($m->gone($old), 'the other has gone');
	close $silent;
};

subtest 'a service manager that is busy' => sub {
	socket my $crowd, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!";
	my $ear = pack_sockaddr_un("$m->{dir}/notify");
	my $old = $main;

	# Would it not know of the successor, it would end it with us.
	1 while defined send $crowd, 'CROWD=1', MSG_DONTWAIT, $ear;
	ok(log_grew(qr/notify_failed/, sub { kill 'USR2', $old }),
	    'it cannot be told');
	ok(!log_grew(qr/handed_over/, sub { }, 3), 'so nothing is handed over');
	still_serves('it serves');
	($main) = $m->wait_heard(qr/^MAINPID=/, 30) =~ /(\d+)/;
	ok($m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($old),
	    'it goes when that was heard');
};

subtest 'told to end meanwhile' => sub {
	my $mark = $d->dir . '/started';
	put($real);
	is($m->stop($main), 0, 'the one before ends');
	$main = $m->start($d, command => [ $program ]);
	ok($m->wait_heard(qr/^READY=1/), 'one of that name');
	put(\"echo \$\$ >$mark; exec sleep 1000");
	kill 'USR2', $main;
	ok(wait_for(10, sub { slurp($mark) =~ /\n/ }), 'a successor hangs');
	my ($successor) = slurp($mark) =~ /(\d+)/;
	still_serves('it serves');
	kill 'TERM', $main;
	ok($m->wait_heard(qr/^STOPPING=1/), 'is stopping');
	ok($m->gone($main, 30), 'ends');
	ok(!kill(0, $successor), 'and so does the other');
	ok(!-e $d->{socket}, 'no socket is left');
};

subtest 'passed sockets are passed on' => sub {
	put($real);
	$m = FCGIAuth::Manager->new->listen_on(web => $d->address);
	$main = $m->start($d, command => [ $program ]);
	ok($m->wait_heard(qr/^READY=1/), 'it serves');
	ok(log_grew(qr/listening socket=web from=passed/,
	    sub { ok(upgrade(), 'an upgrade') }), 'with its name');
	is($m->stop($main), 0, 'ends');
	ok(-S $d->{socket}, 'the socket is not its own to remove');
};

subtest 'process 1 of a container' => sub {
	my @unshare = ('unshare', is_root() ? () : ('--map-root-user'),
	    qw(--pid --fork --kill-child));
	my ($status) = capture(@unshare, 'true');
	plan(skip_all => 'no containers here') if $status != 0;
	$m = FCGIAuth::Manager->new;
	my $outside = $m->start($d, command => [ @unshare, $real ]);
	ok($m->wait_heard(qr/^READY=1/), 'it serves');
	my ($pid) =
	    slurp("/proc/$outside/task/$outside/children") =~ /(\d+)/;
	ok(log_grew(qr/upgrade_refused.*process 1/,
	    sub { kill 'USR2', $pid }), 'an upgrade is refused');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200, 'it serves');
	kill 'TERM', $pid;
	is(reap($outside, 30), 0, 'and ends when told to');
};

is_deeply([ $d->log_text =~
	/^.*(?:Sanitizer|runtime error:|Assertion).*$/mg ], [],
    'no report of a sanitizer, no failed assertion');
done_testing;
