# SPDX-License-Identifier: MIT
# While the store cannot answer, nobody passes the check and no session ends.
# When it answers again, all sessions are still valid.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Faults;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use Test::More;

# The bytes of the -shm file that connections of SQLite lock (section 2.3 of its
# WAL format).
my %LOCK = (write => [ 120, 1 ], read => [ 123, 5 ]);

# Holds a lock like another process on the same database. The lock is released
# when the result is closed or destroyed.
sub hold {
	my ($d, $what) = @_;
	my ($start, $n) = @{ $LOCK{$what} };
	my $file = $d->dir . '/fcgiauth.db-shm';

	open my $fh, '+<', $file or die "$file: $!";
	my $got = wait_for(10, sub {
		fcntl $fh, F_SETLK, pack 's s x![q] q q i x![q]',
		    F_WRLCK, SEEK_SET, $start, $n, 0;
	});
	die "no lock: $!" unless $got;
	return $fh;
}

sub login_body {
	my ($name) = @_;
	return qq({"username":"$name","password":"$PASSWORD"});
}

sub raw_login {
	my ($d, $name) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', timeout => 60,
	    body => login_body($name));
}

# The answer must be a 503 that changes nothing at the client.
sub unavailable {
	my ($a, $what) = @_;
	is($a && $a->{status}, 503, "$what gets 503") or return;
	is($a->{headers}[0][0], 'Status', "$what: the first header is Status");
	like((header_values($a, 'Retry-After'))[0] // '', qr/^[1-9]\d*$/,
	    "$what: the answer has Retry-After");
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    "$what: the answer changes no cookie");
	is(scalar(header_values($a, 'Remote-User')), 0,
	    "$what: the answer has no identity");
	return;
}

# After a failure a worker may answer 503 until its connection works again. This
# must not take long, and the worker must never say that nobody is signed in.
sub allowed_soon {
	my ($d, $what, %cookie) = @_;
	my %seen;
	ok(wait_for(10, sub {
		my $status = $d->check(%cookie, timeout => 60)->{status};
		$seen{$status}++;
		return $status == 204;
	}), $what);
	delete @seen{204, 503};
	is(join(' ', keys %seen), '', "$what: all other answers are 503");
	return;
}

my ($d, $n) = start_site();
my $alice = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
my %cookie = (HTTP_COOKIE => 'fcgiauth=' . token_of($alice));

subtest 'another process has locked the store for writing' => sub {
	my $lock = hold($d, 'write');

	is($d->check(%cookie)->{status}, 204,
	    'a check succeeds because it only reads');
	unavailable(raw_login($d, 'alice'), 'a sign-in');
	unavailable($d->ask(REQUEST_METHOD => 'POST', timeout => 60,
		REQUEST_URI => '/auth/logout', %cookie,
		CONTENT_TYPE => 'application/json', body => '{}'),
		    'a sign-out');
	allowed_soon($d,
	    'the failed sign-out has not ended the session', %cookie);
	close $lock;
	ok(wait_for(10, sub { raw_login($d, 'alice')->{status} == 200 }),
	    'a sign-in works again after the lock is released');
	allowed_soon($d, 'alice is still signed in', %cookie);
};

subtest 'another process has locked the store for reading' => sub {
	my $lock = hold($d, 'read');
	# The session is in memory, and is believed until the change feed, which
	# reads the same file, has failed.
	my $a;
	ok(wait_for(10, sub { ($a = $alice->page('/x'))->status == 500 }),
	    'nginx answers 500');
	unlike($a->body, qr/THE APPLICATION/,
	    'the answer shows nothing of the application');
	is(scalar($a->all('set-cookie')), 0, 'the answer changes no cookie');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200,
	    '/auth/health answers 200');
	unavailable($d->check(%cookie, timeout => 60), 'a check');
	is(token_of($alice) ne '', 1, 'alice keeps her cookie');
	close $lock;
	ok(wait_for(15, sub { $alice->page('/x')->status == 200 }),
	    'alice passes the check after the lock is released');
};

subtest 'the file of the store is missing' => sub {
	my $db = $d->dir . '/fcgiauth.db';

	rename $db, "$db.away" or die $!;
	my $a;
	ok(wait_for(10, sub { ($a = $alice->page('/x'))->status == 500 }),
	    'nginx answers 500');
	is(scalar($a->all('set-cookie')), 0, 'the answer changes no cookie');
	unavailable($d->check(%cookie), 'a check');
	unavailable(raw_login($d, 'alice'), 'a sign-in');
	my $ready;	# the probe runs once a second
	ok(wait_for(5, sub {
		$ready = $d->ask(REQUEST_URI => '/auth/ready');
		return $ready->{status} == 503;
	}), '/auth/ready answers 503');
	like($ready->{body}, qr/store/, 'the answer names the store');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200,
	    '/auth/health answers 200');
	ok(!-e $db, 'the service creates no empty file in its place');
	rename "$db.away", $db or die $!;
	allowed_soon($d,
	    'alice passes the check when the file is back', %cookie);
};

$d->stop_ok;

my $mounted;
END {
	my $status = $?;
	system(in_path('umount'), '-l', $mounted) if defined $mounted;
	$? = $status;
}

# Mounts a small file system, which the test can fill. Needs root.
sub small_disk {
	my ($dir) = @_;
	my $mount = in_path('mount');

	return unless is_root() && $mount;
	system("$mount -t tmpfs -o size=2m,mode=0700 tmpfs $dir 2>/dev/null")
	    == 0 or return;
	$mounted = "$dir";
	return 1;
}

# Signs persons in until the store has no space left.
sub exhaust {
	my ($f) = @_;
	my $failed = 0;

	for (1 .. 500) {	# SQLite has free pages in its files
		$failed = $f->person->{status} == 503 ? $failed + 1 : 0;
		return if $failed == 3;
	}
	die "the store never becomes full\n";
}

# A probe writes, and may use a page of the remaining space.
sub is_ready_soon {
	my ($d, $want) = @_;

	return ok(wait_for(20, sub {
		return $d->ask(REQUEST_URI => '/auth/ready')->{status} ==
		    ($want ? 200 : 503);
	}), $want ? '/auth/ready answers 200' : '/auth/ready answers 503');
}

# The daemon's --check and fcgiauthctl must report the full disk as well.
sub is_known_to_be_full {
	my ($d) = @_;
	my @check = (bin('fcgiauthd'), '-c', $d->{file}, '--check');
	my ($code, $errors);

	ok(wait_for(10, sub {
		($code, undef, $errors) = capture(@check);
		return $code == 1;
	}), '--check fails on a full disk');
	like($errors, qr/\[store\] .*disk is full/,
	    '--check says that the disk is full');
	is(($d->ctl(qw(store status)))[0], 1,
	    'store status fails on a full disk');
	return;
}

# A restart must lose nothing, and the database file must be intact.
sub restart {
	my ($f, $db) = @_;
	my $sqlite = in_path('sqlite3');

	is($f->daemon->stop, 0, 'the daemon ends with status 0');
	is((capture($sqlite, $db, 'PRAGMA integrity_check'))[1], "ok\n",
	    'the database passes the integrity check') if $sqlite;
	$f->daemon->start;
	$f->nothing_is_lost;
	return;
}

for my $mode (qw(session refresh)) {
	my $dir = tempdir();
	my $disk = small_disk($dir);
	my $db = "$dir/store.db";
	my $f = FCGIAuth::Faults->new(mode => $mode,
	    store => { driver => 'sqlite', path => $db });

	$f->during('the disk is full', serves => 1, begin => sub {
		open my $fill, '>', "$dir/fill" or die $!;
		1 while syswrite $fill, 'x' x 4096;
		exhaust($f);
		is_ready_soon($f->daemon, 0);
		is_known_to_be_full($f->daemon);
	}, end => sub { unlink "$dir/fill" }) if $disk;
	$f->during('files cannot grow', serves => 1, begin => sub {
		my $size = 4096 + -s "$db-wal";
		system(in_path('prlimit'), '--pid', $f->daemon->pid,
		    "--fsize=$size:unlimited") == 0 or die 'prlimit';
		exhaust($f);
		is_ready_soon($f->daemon, 0);
	}, end => sub {
		system(in_path('prlimit'), '--pid', $f->daemon->pid,
		    '--fsize=unlimited:unlimited') == 0 or die 'prlimit';
	}) if in_path('prlimit');
	is_ready_soon($f->daemon, 1);
	restart($f, $db);
	$f->stop_ok;
	system(in_path('umount'), '-l', $mounted) if defined $mounted;
	undef $mounted;
}

# `@before`: a command that runs the daemon.
sub refuses_to_start {
	my ($e, $pattern, $what, @before) = @_;
	my ($code, $out, $errors) = capture(@before, 'timeout', 10 * slow(),
	    bin('fcgiauthd'), '-c', $e->{file});

	is($code, 1, "$what: the daemon does not start");
	like("$out$errors", $pattern, "$what: the message gives the reason");
	return;
}

sub log_grew {
	my ($e, $pattern, $code) = @_;
	my $before = length $e->log_text;

	$code->();
	return wait_for(10, sub {
		substr($e->log_text, $before) =~ $pattern });
}

for my $section (qw(store users)) {
	subtest "$section: a file that cannot be used" => sub {
		my $e = FCGIAuth::Daemon->new(store => 'sqlite');
		my $dir = $e->dir;
		my $good = $e->{conf}{$section}{path};

		mkdir "$dir/folder";
		spit("$dir/rubbish", 'rubbish ' x 1000);
		for ([ 'none/x.db', qr/cannot be created: its folder/ ],
		    [ 'folder', qr/not a regular file/ ],
		    [ 'rubbish/x.db', qr/Not a directory/ ],
		    [ 'rubbish', qr/file is not a database/ ]) {
			my ($path, $pattern) = @$_;
			$e->configure($section => { path => "$dir/$path" });
			refuses_to_start($e,
			    qr/^fcgiauthd: $section .*\Q$path\E: $pattern/m,
			    $path);
		}
		mkdir "$dir/closed", 0;
		chmod 0711, $dir or die $!;
		$e->configure($section => { path => "$dir/closed/x.db" });
		chown((getpwnam 'nobody')[2, 3], $e->{file}) if is_root();
		refuses_to_start($e, qr/closed\/x.db: Permission denied/,
		    'a folder without access', as_nobody());

		$e->configure($section => { path => $good });
		$e->add_user('alice')->start;
		for my $path ("$dir/none/x.db", "$dir/rubbish") {
			ok(log_grew($e, qr/reload_refused .*\Q$path\E/, sub {
				$e->configure($section => { path => $path });
				$e->reload;
			}), "a reload with $path is refused");
			is(raw_login($e, 'alice')->{status}, 200,
			    'a sign-in works after the refused reload');
		}
		$e->configure($section => { path => $good },
		    session => { idle_timeout => '20m' });
		rename $good, "$good.away" or die $!;
		ok(log_grew($e, qr/\breloaded\b/, sub { $e->reload }),
		    'a reload succeeds although the file in use is missing');
		rename "$good.away", $good or die $!;
		$e->stop_ok;
	};
}

subtest 'a Redis server that does not run' => sub {
	plan(skip_all => 'built without Redis')
	    unless FCGIAuth::Store::has_driver('store redis');
	my $e = FCGIAuth::Daemon->new(store => 'sqlite', conf => {
		store => { driver => 'redis', path => undef,
			   url => 'redis://127.0.0.1:' . free_port() } });

	$e->add_user('alice')->start;
	like($e->log_text, qr/store_unavailable/,
	    'the daemon starts and logs that the store is unavailable');
	unavailable(raw_login($e, 'alice'), 'a sign-in');
	$e->stop_ok;
};

subtest 'the database file is overwritten' => sub {
	my $e = FCGIAuth::Daemon->new;
	my $db = $e->dir . '/fcgiauth.db';

	$e->add_user('alice')->start;
	my $a = raw_login($e, 'alice');
	my ($token) = join(' ', header_values($a, 'Set-Cookie')) =~
	    /fcgiauth=([^;]+)/;
	is($e->stop, 0, 'the daemon ends with status 0');
	my $whole = slurp($db);
	spit($db, 'rubbish ' x (length($whole) / 8));
	my ($code, $out, $errors) = $e->ctl('user', 'list');
	isnt($code, 0, 'fcgiauthctl refuses the file');
	like("$out$errors", qr/\S/, 'fcgiauthctl prints a message');
	refuses_to_start($e, qr/\Q$db\E: file is not a database/,
	    'an overwritten database');
	unlink "$db-wal", "$db-shm";
	spit($db, $whole);
	$e->start;
	is($e->check(HTTP_COOKIE => "fcgiauth=$token")->{status}, 204,
	    'the session is valid when the file is restored');
	$e->stop_ok;
};

done_testing;
