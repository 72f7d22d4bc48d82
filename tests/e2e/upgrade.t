# SPDX-License-Identifier: MIT
# No request is lost: not by reloads, not by restarts with a socket that
# somebody else holds, not by a change of the program.  FCGIAUTH_REQUESTS is
# how many are counted, at least: 100,000, and with sanitizers 10,000.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Manager;
use FCGIAuth::Nginx;
use FCGIAuth::Test;
use File::Basename qw(dirname);
use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

my $load = $ENV{LOAD} // dirname(bin('fcgiauthd')) . '/tests/load';
BAIL_OUT('tests/load is not built') unless -x $load;
plan(skip_all => 'no nginx here') unless in_path('nginx');

my $all = $ENV{FCGIAUTH_REQUESTS} || (slow() > 1 ? 10_000 : 100_000);
my ($done, $failed) = (0, 0);

my $d = FCGIAuth::Daemon->new(conf => { server => { log_level => 'info' } });
my $port = free_port();
$d->configure(server => {
	listen => "unix:$d->{socket} 127.0.0.1:$port" });
$d->add_user('alice');

# By two sockets, as an administrator may choose either.
my %nginx = map { $_ => FCGIAuth::Nginx->new(workers => 2,
    service => $_ eq 'unix' ? $d->address : "127.0.0.1:$port",
    server => <<"EOT") } qw(unix tcp);
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		add_header X-User \$fcgiauth_user;
		root @{[ $d->dir ]};
	}
EOT
spit($d->dir . '/page.txt', "a page\n");
chmod 0755, $d->dir;
$_->start for values %nginx;

my $cookie;
sub sign_in {
	my $a = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice",) .
	    qq("password":"$FCGIAuth::Daemon::PASSWORD"}));
	($cookie) = map { /^(fcgiauth=[^;]+)/ ? $1 : () }
	    header_values($a, 'Set-Cookie');
	return ok(defined $cookie, 'alice signs in');
}

# Load from all sides: on kept FastCGI connections, where nobody asks again,
# and through nginx, both ways.  `share` of all the requests, and as long as
# the code runs.
sub under_load {
	my ($share, $code) = @_;
	my @kinds = ([ fcgi => $d->{socket}, 0.4 ],
	    [ http => $nginx{unix}->port, 0.4 ],
	    [ http => $nginx{tcp}->port, 0.2 ]);
	my @running;

	for my $kind (@kinds) {
		my ($how, $where, $part) = @$kind;
		my $log = tempdir();
		open my $errors, '>', "$log/errors" or die;
		my $pid = open3(my $in, my $out, '>&' . fileno $errors,
		    $load, int($all * $share * $part) + 1, 2, $how, $where,
		    $cookie);
		push @running, [ "$how $where", $pid, $in, $out, $log ];
	}
	$code->();
	close $_->[2] for @running;
	for my $one (@running) {
		my ($name, $pid, undef, $out, $log) = @$one;
		my $line = <$out> // '';
		waitpid $pid, 0;
		my ($fine, $bad, $moved) = split ' ', $line;
		is($bad, 0, "$name: none failed");
		cmp_ok($fine // 0, '>', 0, "$name: some were done");
		note("$name: $line");
		diag(slurp("$log/errors")) if $bad // 1;
		$done += $fine // 0;
		$failed += $bad // 1;
	}
	return;
}

# How often a line is in the log.
sub logged {
	my ($event) = @_;
	my $n = () = $d->log_text =~ /^\S+ \w+ $event\b/mg;
	return $n;
}

my $m = FCGIAuth::Manager->new;
my ($reloads, $restarts, $upgrades) = (30, 10, 10);
my $main;

sub start_first {
	my ($manager) = @_;
	$main = $manager->start($d);
	ok($manager->wait_heard(qr/READY=1/), 'it serves') or
	    diag($d->log_text);
	return;
}

# One upgrade, to its end; false when there was none.
sub upgrade {
	my $before = $main;
	kill 'USR2', $main;
	my $message = $m->wait_heard(qr/^MAINPID=\d+\|READY=1\|/, 40) or return;
	($main) = $message =~ /(\d+)/;
	# These are the successor's own words.
	return $m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before);
}

subtest 'reloads' => sub {
	start_first($m);
	sign_in();
	under_load(0.3, sub {
		my $i = 0;
		my $end = time + 60 * slow();

		# Signals that come while one is waiting are one.
		while (logged('reloaded') < $reloads && time < $end) {
			$d->configure(session => { remember =>
				$i++ % 2 ? '30d' : '20d' });
			kill 'HUP', $main;
			$m->hear; # or it waits for us
			sleep 0.05;
		}
		note("$i signals");
	});
	cmp_ok(logged('reloaded'), '>=', $reloads, "$reloads reloads");
	is(logged('reload_refused'), 0, 'none refused');
};

subtest 'upgrades' => sub {
	my $first = $main;

	under_load(0.35, sub {
		for my $i (1 .. $upgrades) {
			ok(upgrade(), "upgrade $i") or last;
			# A reload goes to whoever serves in the end.
			kill 'HUP', $main if $i % 3 == 0;
		}
	});
	is(logged('handed_over'), $upgrades, "$upgrades upgrades");
	isnt($main, $first, 'by other processes');
	is($m->stop($main), 0, 'the last one ends');
	ok(!-e $d->{socket}, 'and removes the socket of the first');
};

subtest 'restarts' => sub {
	my $before = logged('started');
	my $holder = FCGIAuth::Manager->new->listen_on(
	    web => $d->address, api => "127.0.0.1:$port");
	$m = $holder;
	start_first($m);
	like($d->log_text, qr/listening socket=web from=passed/,
	    'sockets have names');
	under_load(0.35, sub {
		for my $i (1 .. $restarts) {
			my $old = $main;
			if ($i % 2) {
				# As systemd does it: requests wait.
				is($m->stop($old), 0, 'stopped');
				start_first($m);
			} else {
				# Or the next one is there before.
				start_first($m);
				is($m->stop($old), 0, 'drained');
			}
		}
	});
	is(logged('started') - $before, $restarts + 1, "$restarts restarts");
	is($m->stop($main), 0, 'the last one ends');
};

for my $kind (sort keys %nginx) {
	my @lines = $nginx{$kind}->log_text =~ /\[error\] (.*)/g;
	note("nginx by $kind sent ", scalar @lines, ' requests again, as: ',
	    $lines[0] // '-');
}
is($failed, 0, "0 failed of $done");
cmp_ok($done, '>=', $all, "as many as were to be counted");
is_deeply([ $d->log_text =~
	/^.*(?:Sanitizer|runtime error:|[Aa]ssert|worker_stuck).*$/mg ], [],
    'no report of a sanitizer, no failed assertion');
done_testing;
