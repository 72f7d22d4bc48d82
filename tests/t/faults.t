# SPDX-License-Identifier: MIT
# The store cannot answer.  Nobody gets in, nobody is signed out, and when it
# is back all is as before.
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

# Bytes of the -shm file that SQLite's connections lock (its WAL format, 2.3).
my %LOCK = (write => [ 120, 1 ], read => [ 123, 5 ]);

# Holds a lock as another process on the same database would; undef the result
# to let go.
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

# A 503 that changes nothing at the client.
sub unavailable {
	my ($a, $what) = @_;
	is($a && $a->{status}, 503, "$what: 503") or return;
	is($a->{headers}[0][0], 'Status', "$what: Status first");
	like((header_values($a, 'Retry-After'))[0] // '', qr/^[1-9]\d*$/,
	    "$what: Retry-After");
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    "$what: cookies untouched");
	is(scalar(header_values($a, 'Remote-User')), 0, "$what: no identity");
	return;
}

# A worker whose connection has failed answers 503 until it tries again; it must
# not take long, and it must never say that nobody is signed in.
sub allowed_soon {
	my ($d, $what, %cookie) = @_;
	my %seen;
	ok(wait_for(10, sub {
		my $status = $d->check(%cookie, timeout => 60)->{status};
		$seen{$status}++;
		return $status == 204;
	}), $what);
	delete @seen{204, 503};
	is(join(' ', keys %seen), '', "$what: nothing but 503 and 204");
	return;
}

my ($d, $n) = start_site();
my $alice = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
my %cookie = (HTTP_COOKIE => 'fcgiauth=' . token_of($alice));

subtest 'nobody can write' => sub {
	my $lock = hold($d, 'write');

	is($d->check(%cookie)->{status}, 204, 'the check only reads');
	unavailable(raw_login($d, 'alice'), 'a login');
	unavailable($d->ask(REQUEST_METHOD => 'POST', timeout => 60,
		REQUEST_URI => '/auth/logout', %cookie,
		CONTENT_TYPE => 'application/json', body => '{}'), 'a logout');
	allowed_soon($d, 'which has ended nothing', %cookie);
	close $lock;
	ok(wait_for(10, sub { raw_login($d, 'alice')->{status} == 200 }),
	    'a login works again');
	allowed_soon($d, 'and alice is still there', %cookie);
};

subtest 'nobody can read' => sub {
	my $lock = hold($d, 'read');
	my $began = time;

	my $a = $alice->page('/x');
	is($a->status, 500, 'nginx closes');
	unlike($a->body, qr/THE APPLICATION/, 'and shows nothing');
	is(scalar($a->all('set-cookie')), 0, 'no cookie is deleted');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200,
	    'the service is alive');
	unavailable($d->check(%cookie, timeout => 60), 'a check');
	is(token_of($alice) ne '', 1, 'alice keeps her cookie');
	close $lock;
	ok(wait_for(15, sub { $alice->page('/x')->status == 200 }),
	    'and is let in again');
	# By itself SQLite would take 10 s for each of them.
	my $took = time - $began;
	cmp_ok($took, '<', 8 * slow(), "which took $took s");
};

subtest 'the file is gone' => sub {
	my $db = $d->dir . '/fcgiauth.db';

	rename $db, "$db.away" or die $!;
	my $a = $alice->page('/x');
	is($a->status, 500, 'nginx closes');
	is(scalar($a->all('set-cookie')), 0, 'no cookie is deleted');
	unavailable($d->check(%cookie), 'a check');
	unavailable(raw_login($d, 'alice'), 'a login');
	my $ready;	# it looks once a second
	ok(wait_for(5, sub {
		$ready = $d->ask(REQUEST_URI => '/auth/ready');
		return $ready->{status} == 503;
	}), 'not ready');
	like($ready->{body}, qr/store/, 'and says what is down');
	is($d->ask(REQUEST_URI => '/auth/health')->{status}, 200,
	    'the service is alive');
	ok(!-e $db, 'no new, empty one is made in its place');
	rename "$db.away", $db or die $!;
	allowed_soon($d, 'with the file back, alice is let in again', %cookie);
};

$d->stop_ok;

my $mounted;
END {
	my $status = $?;
	system(in_path('umount'), '-l', $mounted) if defined $mounted;
	$? = $status;
}

# A full disk as it is, where one can be made.
sub small_disk {
	my ($dir) = @_;
	my $mount = in_path('mount');

	return unless is_root() && $mount;
	system("$mount -t tmpfs -o size=2m,mode=0700 tmpfs $dir 2>/dev/null")
	    == 0 or return;
	$mounted = "$dir";
	return 1;
}

# Until nothing more can be written.
sub exhaust {
	my ($f) = @_;
	my $failed = 0;

	for (1 .. 500) {	# what SQLite has left in its own files
		$failed = $f->person->{status} == 503 ? $failed + 1 : 0;
		return if $failed == 3;
	}
	die "there is always room\n";
}

# After a restart, too; and the file is whole.
sub restart {
	my ($f, $db) = @_;
	my $sqlite = in_path('sqlite3');

	is($f->daemon->stop, 0, 'a restart');
	is((capture($sqlite, $db, 'PRAGMA integrity_check'))[1], "ok\n",
	    'the database is whole') if $sqlite;
	$f->daemon->start;
	$f->nothing_is_lost;
	return;
}

for my $mode (qw(session refresh)) {
	my $dir = tempdir();
	my $disk = small_disk($dir);
	my $db = "$dir/store.db";
	my $f = FCGIAuth::Faults->new(mode => $mode, timeout => 2,
	    store => { driver => 'sqlite', path => $db });

	$f->during('the disk is full', serves => 1, begin => sub {
		open my $fill, '>', "$dir/fill" or die $!;
		1 while syswrite $fill, 'x' x 4096;
		exhaust($f);
	}, end => sub { unlink "$dir/fill" }) if $disk;
	$f->during('files cannot grow', serves => 1, begin => sub {
		my $size = 4096 + -s "$db-wal";
		system(in_path('prlimit'), '--pid', $f->daemon->pid,
		    "--fsize=$size:unlimited") == 0 or die 'prlimit';
		exhaust($f);
	}, end => sub {
		system(in_path('prlimit'), '--pid', $f->daemon->pid,
		    '--fsize=unlimited:unlimited') == 0 or die 'prlimit';
	}) if in_path('prlimit');
	restart($f, $db);
	$f->stop_ok;
	system(in_path('umount'), '-l', $mounted) if defined $mounted;
	undef $mounted;
}

subtest 'the file is overwritten' => sub {
	my $e = FCGIAuth::Daemon->new;
	my $db = $e->dir . '/fcgiauth.db';

	$e->add_user('alice')->start;
	my $a = raw_login($e, 'alice');
	my ($token) = join(' ', header_values($a, 'Set-Cookie')) =~
	    /fcgiauth=([^;]+)/;
	is($e->stop, 0, 'stopped');
	my $whole = slurp($db);
	spit($db, 'rubbish ' x (length($whole) / 8));
	my ($code, $out, $errors) = $e->ctl('user', 'list');
	isnt($code, 0, 'fcgiauthctl refuses it');
	like("$out$errors", qr/\S/, 'and says so');
	my $pid = spawn('fcgiauthd', $e->{log}, bin('fcgiauthd'), '-c',
	    $e->{file});
	my $answer;
	my $refused = wait_for(10, sub {
		return 1 if waitpid($pid, 1) != 0;
		$answer = $e->check(HTTP_COOKIE => "fcgiauth=$token");
		return $answer;
	});
	ok($refused, 'fcgiauthd ends, or answers');
	if ($answer) {
		unavailable($answer, 'a check');
		kill 'TERM', $pid;
		reap($pid, 10);
	}
	like($e->log_text, qr/\Q$db\E|not a database|malformed/i,
	    'and says why');
	unlink "$db-wal", "$db-shm";
	spit($db, $whole);
	$e->start;
	is($e->check(HTTP_COOKIE => "fcgiauth=$token")->{status}, 204,
	    'with the file back, the session is back');
	$e->stop_ok;
};

done_testing;
