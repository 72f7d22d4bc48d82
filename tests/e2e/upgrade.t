# SPDX-License-Identifier: MIT
# No request is lost during reloads, restarts with sockets of a service manager,
# and upgrades of the program. FCGIAUTH_REQUESTS is the least number of
# requests: 100,000, and 10,000 with sanitizers.
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

# nginx reaches the daemon by a unix socket or by TCP.
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

# Sends requests while the code runs: on kept FastCGI connections, where no
# client repeats a request, and through both nginx servers. `share` is the share
# of all requests.
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
		is($bad, 0, "$name: no request failed");
		cmp_ok($fine // 0, '>', 0, "$name: requests were answered");
		note("$name: $line");
		diag(slurp("$log/errors")) if $bad // 1;
		$done += $fine // 0;
		$failed += $bad // 1;
	}
	return;
}

# Returns how often an event is in the log.
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
	ok($manager->wait_heard(qr/READY=1/), 'the daemon serves') or
	    diag($d->log_text);
	return;
}

# Upgrades the daemon and waits until the old process has ended. Returns false
# when the upgrade fails.
sub upgrade {
	my $before = $main;
	kill 'USR2', $main;
	my $message = $m->wait_heard(qr/^MAINPID=\d+\|READY=1\|/, 40) or return;
	($main) = $message =~ /(\d+)/;
	# The successor sends this message itself.
	return $m->wait_heard(qr/^STATUS=Serving$/) && $m->gone($before);
}

subtest 'no request is lost during reloads' => sub {
	start_first($m);
	sign_in();
	under_load(0.3, sub {
		my $i = 0;
		my $end = time + 60 * slow();

		# Signals that arrive during a reload cause only one further
		# reload.
		while (logged('reloaded') < $reloads && time < $end) {
			$d->configure(session => { remember =>
				$i++ % 2 ? '30d' : '20d' });
			kill 'HUP', $main;
			$m->hear; # the daemon waits for this reader
			sleep 0.05;
		}
		note("$i signals");
	});
	cmp_ok(logged('reloaded'), '>=', $reloads,
	    "the daemon has reloaded $reloads times");
	is(logged('reload_refused'), 0, 'no reload was refused');
};

subtest 'no request is lost during upgrades' => sub {
	my $first = $main;

	under_load(0.35, sub {
		for my $i (1 .. $upgrades) {
			ok(upgrade(), "upgrade $i succeeds") or last;
			# A reload during an upgrade is done by the successor.
			kill 'HUP', $main if $i % 3 == 0;
		}
	});
	is(logged('handed_over'), $upgrades, "$upgrades upgrades were done");
	isnt($main, $first, 'another process serves now');
	is($m->stop($main), 0, 'the last daemon ends with status 0');
	ok(!-e $d->{socket}, 'the last daemon removes the socket of the first');
};

subtest 'no request is lost during restarts' => sub {
	my $before = logged('started');
	my $holder = FCGIAuth::Manager->new->listen_on(
	    web => $d->address, api => "127.0.0.1:$port");
	$m = $holder;
	start_first($m);
	like($d->log_text, qr/listening socket=web from=passed/,
	    'the log names the passed socket');
	under_load(0.35, sub {
		for my $i (1 .. $restarts) {
			my $old = $main;
			if ($i % 2) {
				# Like systemd: requests wait in the socket.
				is($m->stop($old), 0,
				    'the old daemon ends first');
				start_first($m);
			} else {
				# The next daemon starts before the old one
				# ends.
				start_first($m);
				is($m->stop($old), 0,
				    'the old daemon ends last');
			}
		}
	});
	is(logged('started') - $before, $restarts + 1,
	    "$restarts restarts were done");
	is($m->stop($main), 0, 'the last daemon ends with status 0');
};

for my $kind (sort keys %nginx) {
	my @lines = $nginx{$kind}->log_text =~ /\[error\] (.*)/g;
	note("nginx by $kind sent ", scalar @lines, ' requests again, as: ',
	    $lines[0] // '-');
}
is($failed, 0, "none of $done requests failed");
cmp_ok($done, '>=', $all, "at least $all requests were answered");
is_deeply([ $d->log_text =~
	/^.*(?:Sanitizer|runtime error:|[Aa]ssert|worker_stuck).*$/mg ], [],
    'the log has no report of a sanitizer and no failed assertion');
done_testing;
