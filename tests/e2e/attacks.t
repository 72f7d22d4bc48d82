# SPDX-License-Identifier: MIT
# What would let somebody in, keep others out or hide: changes at the same time,
# floods, silence, misleading bytes, faults at the wrong moment.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Site;
use FCGIAuth::Store;
use FCGIAuth::Test;
use Fcntl qw(F_SETLK F_WRLCK F_GETFL F_SETFL O_NONBLOCK SEEK_SET);
use IO::Socket::UNIX;
use JSON::PP qw(encode_json);
use List::Util qw(sum);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

sub login {
	my ($d, $name, $password, %more) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', timeout => 30 * slow(),
	    body => encode_json({ username => $name, password => $password }),
	    %more);
}

# The session cookie of an answer, as a browser sends it.
sub cookie_of {
	my ($answer) = @_;
	my ($cookie) = $answer->{raw} =~ /Set-Cookie: (fcgiauth=[^;]+)/;
	return $cookie;
}

sub logged_in {
	my ($d, $name, %more) = @_;
	return cookie_of(login($d, $name, $PASSWORD, %more));
}

# Runs them beside each other; what they returned.
sub at_once {
	my @running = map { child_code($_) } @_;
	return map { $_->() } @running;
}

sub count {
	my ($text, $pattern) = @_;
	return scalar(() = $text =~ /$pattern/g);
}

subtest 'one user, many administrators' => sub {
	my $d = FCGIAuth::Daemon->new->add_user('alice')->start;
	my ($undone, $old, $stale, $refused) = (0, 0, 0, 0);
	my $now = $PASSWORD;
	my $set = sub {
		my $bad = 0;
		for my $i (1 .. 6) {
			my ($code, undef, $why) = $d->ctl('user', 'set',
			    'alice', '--email', "a$i\@example.com");
			$bad++ if $code != 0 && $why !~ /keeps changing/;
		}
		return $bad;
	};

	for my $i (1 .. 6) {
		my $new = "a quite different password $i";
		my @codes = at_once($set, $set, $set, sub {
			sleep 0.01;
			return ($d->ctl('user', 'disable', 'alice'))[0];
		});
		my (undef, $shown) = $d->ctl('user', 'show', 'alice');
		$undone++ unless $shown =~ /^state\s+disabled/m;
		$refused += $_ for @codes;
		$d->ctl('user', 'enable', 'alice');

		@codes = at_once($set, $set, $set, sub {
			return ($d->ctl(\"$new\n", 'user', 'passwd', 'alice',
				'--password-stdin'))[0];
		});
		$refused += $_ for @codes;
		$old++ if login($d, 'alice', $now)->{status} == 200;
		$now = $new;
		my $cookie = cookie_of(login($d, 'alice', $now));

		at_once(map {
			my $role = $_;
			sub { ($d->ctl('user', 'set', 'alice', '--role',
				    $role))[0] }
		} qw(r1 r2 r3 r4));
		my ($live) = header_values($d->check(HTTP_COOKIE => $cookie),
		    'Remote-Groups');
		(undef, $shown) = $d->ctl('user', 'show', 'alice');
		$stale++ unless $shown =~ /^roles\s+\Q$live\E$/m;
	}
	is($refused, 0, 'each change is made');
	is($undone, 0, 'a disabled user stays so');
	is($old, 0, 'the old password is dead');
	is($stale, 0, 'live sessions have the roles that the user has');
	$d->stop_ok;
};

subtest 'locations inside a protected one' => sub {
	my ($d, $n) = start_site(
	    conf => {
		'rule 1-ruled' => { path => '/ruled/', require => 'role:admin' },
		'rule 2-rest' => { path => '/', require => 'user' },
	    },
	    server => <<'EOT');
	location /admin/ {
		set $fcgiauth_require "role:admin";
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
		location ~ \.php$ {
			set $fcgiauth_require "role:admin";
			include fcgiauth/fcgiauth-protect.conf;
			proxy_pass http://app;
		}
	}
	location /ruled/ {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
		location ~ \.php$ { proxy_pass http://app; }
	}
EOT
	my ($bob, $alice) = ($n->client, $n->client);
	sign_in($bob, 'bob');
	sign_in($alice, 'alice');
	for my $path (qw(/admin/x /admin/x.php /ruled/x /ruled/x.php)) {
		is($bob->page($path)->status, 403, "bob may not see $path");
		is($alice->page($path)->status, 200, '  alice may');
	}
	$d->stop_ok;
};

# Right passwords, so that no ban helps, from eight networks and from one
# account at a time; it goes on until the others are done.
subtest 'a flood of logins' => sub {
	my @accounts = map { "mallory$_" } 1 .. 4;
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 4 },
	    limits => { hash_slots => 1 } })->add_user('alice');
	$d->add_user($_) for @accounts;
	$d->start;
	my $cookie = logged_in($d, 'alice');
	my $enough = $d->dir . '/enough';
	my @flood = map {
		my $i = $_;
		child_code(sub {
			my $n = 0;
			until (-e $enough) {
				login($d, $accounts[$i % 4], $PASSWORD,
				    REMOTE_ADDR => '2001:db8:' . $i % 8 .
				    ":$n\::1");
				$n++;
			}
			return $n;
		})
	} 1 .. 24;
	my $theirs = sub { count($d->log_text, 'audit login .*mallory') };
	ok(wait_for(60, sub { $theirs->() >= 24 }), 'it has begun');
	my $before = $theirs->();
	my @got = map { login($d, 'alice', $PASSWORD,
		REMOTE_ADDR => '192.0.2.7')->{status} } 1 .. 10;
	my $meanwhile = $theirs->() - $before;
	my @checks = map { $d->check(HTTP_COOKIE => $cookie,
		timeout => 30)->{status} } 1 .. 50;
	POSIX::close(POSIX::creat($enough, 0600));
	cmp_ok((grep { $_ == 200 } @got), '>=', 9,
	    "gives others their turn (@got)");
	# All 24 for each of hers when they are served as they come.
	cmp_ok($meanwhile, '<', 80, '  before most of it');
	is((grep { $_ == 204 } @checks), 50, 'and checks do not wait at all');
	cmp_ok($_->(), '>', 0, 'and is answered') for @flood;
	$d->stop_ok;
};

subtest 'guesses at the same time' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 64 },
	    limits => { login_attempts => 5, hash_slots => 32 } })
	    ->add_user('alice')->start;
	my @status = at_once(map {
		my $i = $_;
		sub { login($d, 'alice', "guess $i",
			REMOTE_ADDR => "10.0.0.$i")->{status} }
	} 1 .. 60);
	is((grep { $_ == 401 } @status), 5, 'no more are tried than allowed');
	is(count($d->log_text, ' audit ban '), 1, 'one ban, one line');
	$d->stop_ok;
};

subtest 'bytes that mislead the reader' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server =>
	    { log_format => 'json' } })->add_user('alice')->start;
	my @agents = map { 'a' x $_ . '"' x 400 } 3800 .. 3803;

	login($d, 'alice', 'wrong', HTTP_USER_AGENT => $_)
	    for @agents, "\xc2\x9b31m\xe2\x80\xae";
	my @lines = grep { /"login_failure"/ } split /\n/, $d->log_text;
	my @json = grep { defined } map {
		eval { JSON::PP->new->utf8->decode($_) } } @lines;
	is(scalar @lines, 5, 'each attempt is a line of the log');
	is(scalar @json, 5, '  that is JSON');
	is((grep { defined $_->{why} } @json), 5, '  and says why');
	ok($d->log_text !~ /\xc2[\x80-\x9f]|\xe2\x80\xae/,
	    '  without a control character of any kind');
	for my $name ("Ann\xc2\x9b31m", "\xe2\x80\xaennA", "A\xd8\x9cnn") {
		my ($code) = $d->ctl('user', 'set', 'alice', '--name', $name);
		is($code, 1, 'nor can a user have such a name');
	}
	$d->stop_ok;
};

subtest 'peers that say nothing' => sub {
	plan(skip_all => 'no prlimit here') unless in_path('prlimit');
	my $d = FCGIAuth::Daemon->new;
	local $ENV{FCGIAUTH_WRAP} = 'prlimit --nofile=64:64';
	$d->start;
	my @silent = map { IO::Socket::UNIX->new(Peer => $d->{socket}) }
	    1 .. 100;
	# Less than the time after which a silent one is closed anyway.
	my $answer = $d->ask(REQUEST_URI => '/auth/health', timeout => 8);
	is($answer && $answer->{status}, 200, 'do not keep others out');
	@silent = ();
	$d->stop_ok;
};

subtest 'a store that comes late' => sub {
	my $why = FCGIAuth::Store::missing('redis');
	plan(skip_all => $why) if $why;
	my $d = FCGIAuth::Daemon->new(store => 'redis')->add_user('alice');
	my ($ready, $page);

	$d->store->away;
	$d->start;
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 503,
	    'is missed at first');
	is(login($d, 'alice', $PASSWORD)->{status}, 503, '  by logins too');
	$d->store->back;
	my $lies = 0;
	ok(wait_for(10, sub {
		$ready = $d->ask(REQUEST_URI => '/auth/ready')->{status};
		$page = $d->ask(REQUEST_URI => '/auth/login')->{status};
		$lies++ if $ready == 200 && $page != 200;
		return $ready == 200 && $page == 200;
	}), 'is found, and used');
	is($lies, 0, '  and is not said to be ready before');
	is(login($d, 'alice', $PASSWORD)->{status}, 200, '  for logins too');
	$d->stop_ok;
};

subtest 'sessions that end beside another event' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { session =>
	    { max_per_user => 2 } })->add_user('alice')->start;
	my ($first, $second) = map { logged_in($d, 'alice') } 1, 2;
	my $out = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/logout', HTTP_COOKIE => $first,
	    HTTP_AUTHORIZATION => 'Bearer rubbish');
	my $cleared = grep { /Max-Age=0/ } header_values($out, 'Set-Cookie');
	my $alive = $d->check(HTTP_COOKIE => $first)->{status} == 204;

	ok(!($cleared && $alive), 'no cookie is cleared of a living session');
	logged_in($d, 'alice', HTTP_COOKIE => $second);
	is(count($d->log_text, 'audit session_replaced '), 1,
	    'a session that a login replaces is in the log');
	is(count($d->log_text, 'audit session_limit '), 0,
	    'so far there was room');
	logged_in($d, 'alice') for 1 .. 2;
	my @lines = $d->log_text =~ /audit session_limit (.*)/g;
	is(scalar @lines, $alive ? 2 : 1,
	    'one that has to make room is in the log');
	like($_, qr/user=alice .*ended=1\b/, '  with its user') for @lines;
	$d->stop_ok;
};

# Nobody can write to the database, as when another process does: the lock of
# SQLite's WAL format, 2.3.
subtest 'probes while the store is busy' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { threads => 8 } })
	    ->add_user('alice')->start;
	my $cookie = logged_in($d, 'alice');

	open my $shm, '+<', $d->dir . '/fcgiauth.db-shm' or die $!;
	my $lock = pack 's s x![q] q q i x![q]', F_WRLCK, SEEK_SET, 120, 1, 0;
	ok(wait_for(10, sub { fcntl $shm, F_SETLK, $lock }),
	    'the store is locked');
	my $end = time + 5;
	my @probes = map {
		child_code(sub {
			my $n = 0;
			while (time < $end) {
				$d->ask(REQUEST_URI => '/auth/ready',
				    timeout => 30);
				$n++;
			}
			return $n;
		})
	} 1 .. 16;
	sleep 0.5;
	for (1 .. 5) {
		my $answer = $d->check(HTTP_COOKIE => $cookie,
		    timeout => 30);
		is($answer->{status}, 204, 'a check is answered');
	}
	my @answered = map { $_->() } @probes;
	cmp_ok($_, '>', 0, 'the probes too') for @answered;
	# One of them asks the store, for which it waits: the others do not.
	cmp_ok(sum(@answered), '>', 2 * count($d->log_text, ' not_ready '),
	    '  few of which hold a worker');
	close $shm;
	$d->stop_ok;
};

# Whether a pattern is in the memory of a process, which only root may read.
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
		next if $n > 300_000_000;	# a sanitizer's
		sysseek $memory, hex($from), SEEK_SET or next;
		sysread $memory, my $bytes, $n or next;
		$found{$1}++ while $bytes =~ /($pattern)/g;
	}
	return \%found;
}

subtest 'what is left in memory' => sub {
	plan(skip_all => 'only root can look') unless is_root();
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
	    'neither passwords nor cookies');
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
	plan(skip_all => 'nothing dumps core here')
	    unless defined $status && $status & $dumped;

	my $d = FCGIAuth::Daemon->new;
	local $ENV{FCGIAUTH_WRAP} = 'prlimit --core=unlimited:unlimited';
	$d->start;
	kill 'SEGV', $d->pid;
	$status = reap(delete $d->{pid}, 15);
	is($status & $dumped, 0, 'is not written of passwords and keys');
};

subtest 'a peer without the secret' => sub {
	my $secret = 'x' x 32;
	my $d = FCGIAuth::Daemon->new(conf => { server =>
	    { peer_secret => $secret } })->start;

	is($d->ask(REQUEST_URI => $_)->{status}, 403, "403 for $_")
	    for '/%2f', '/auth/login', '/auth/health', '/x';
	$d->ask(REQUEST_URI => '/x') for 1 .. 200;
	cmp_ok(count($d->log_text, 'peer_refused'), '<', 20,
	    'does not fill the log');
	$d->stop_ok;
};

subtest 'the end of an idle session' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { session =>
	    { idle_timeout => '1s' } })->add_user('alice')->start;
	my $revived = 0;

	for (1 .. 6) {
		my $cookie = logged_in($d, 'alice');
		sleep 0.9;
		my $seen = join '', map {
			sleep 0.05;
			$d->check(HTTP_COOKIE => $cookie)->{status} == 204
			    ? 'y' : 'n';
		} 1 .. 12;
		$revived++ if $seen =~ /ny/;
	}
	is($revived, 0, 'what is over stays over');
	$d->stop_ok;
};

subtest 'addresses as long as nginx takes them' => sub {
	my ($d, $n) = start_site();
	my $client = $n->client;

	for my $length (1000, 4000, 5300, 5500, 6000, 7900) {
		my $answer = $client->page('/x?' . '/' x $length);
		# Each is three bytes in the address of the login page.
		is($answer->status, 3 * $length < 7900 ? 302 : 401,
		    "$length: asked to sign in");
		$answer = $client->page('/x?' . 'a' x $length);
		is($answer->status, 302, "$length: and led back");
	}
	$d->stop_ok;
};

# It stops at its first message, as standard error is full: there it has only
# begun.
subtest 'signals during the start' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server => { nonsense => 1 } });

	for my $signal (qw(HUP TERM INT)) {
		pipe my $read, my $write or die $!;
		my $flags = fcntl $write, F_GETFL, 0;
		fcntl $write, F_SETFL, $flags | O_NONBLOCK or die $!;
		1 while syswrite $write, 'x' x 4096;
		1 while syswrite $write, 'x';
		fcntl $write, F_SETFL, $flags or die $!;
		my $pid = spawn('fcgiauthd', '/dev/null', sub {
			open STDERR, '>&', $write or POSIX::_exit(126);
			exec bin('fcgiauthd'), '-c', $d->{file};
		});
		# These three, and no more: it is past what fork() does.
		wait_for(10, sub {
			slurp("/proc/$pid/status") =~ /^SigBlk:\s*0*4003$/m;
		});
		kill $signal, $pid;
		close $write;
		1 while sysread $read, my $bytes, 65536;
		my $status = reap($pid, 15);
		is($status, 1 << 8, "SIG$signal waits until it is of use");
	}
};

done_testing;
