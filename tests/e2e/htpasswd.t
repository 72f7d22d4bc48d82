# SPDX-License-Identifier: MIT
# Users in a password file, changed by htpasswd(1) and by editors while the
# daemon runs.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

my $password = $FCGIAuth::Daemon::PASSWORD;
my $hash = crypt($password, '$6$saltsalt$');
plan(skip_all => 'crypt(3) has no $6$ here') unless ($hash // '') =~ /^\$6\$/;

my $d = FCGIAuth::Daemon->new(conf => { users => { path => undef } });
my ($file, $groups) = map { $d->dir . "/$_" } qw(htpasswd groups);

sub login {
	my ($name, $try) = @_;
	my $pw = $try // $password;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json',
	    body => qq({"username":"$name","password":"$pw"}));
	my ($cookie) = grep { /fcgiauth=/ } header_values($a, 'Set-Cookie');
	my ($token) = ($cookie // '') =~ /fcgiauth=([^;]*)/;
	return wantarray ? ($a->{status}, $token) : $a->{status};
}

sub check {
	my ($token) = @_;
	return $d->check(HTTP_COOKIE => "fcgiauth=$token");
}

# Until the file has rested, and been seen.
sub soon { my ($code) = @_; return ok(wait_for(6, $code), $_[1]) }

sub replace {
	my ($path, $text) = @_;
	spit("$path.new", $text);
	rename "$path.new", $path or die "rename: $!";
	return;
}

# How often a file was refused.
sub refused { my $n = () = $d->log_text =~ /htpasswd_refused/g; return $n }

subtest 'mistakes keep it from starting' => sub {
	my $check = sub {
		my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c',
		    $d->{file}, '--check');
		return ($code, $out . $errors);
	};

	$d->configure(users => { driver => 'htpasswd' });
	my ($code, $said) = $check->();
	is($code, 1, 'no file is configured');
	like($said, qr/\[users\] file: must be set/, 'and says so');
	$d->configure(users => { file => $file });
	($code, $said) = $check->();
	is($code, 1, 'no such file');
	like($said, qr/\Q$file\E: No such file/, 'and says which');
	spit($file, "alice:$hash\nrubbish\n");
	($code, $said) = $check->();
	is($code, 1, 'a mistake');
	like($said, qr/\Q$file\E:2: there is no colon/, 'file and line');
	spit($file, "alice:$hash\n");
	is(($check->())[0], 0, 'all is well');
};

spit($file, "alice:$hash\nbob:$hash:a comment\n");
spit($groups, "admin: alice\nstaff: alice bob\n");
$d->configure(users => { groups => $groups, recheck => '1s' });
$d->start;
my ($status, $alice) = login('alice');
my ($bob_status, $bob) = login('bob');

subtest 'signing in' => sub {
	is($status, 200, 'alice');
	is($bob_status, 200, 'bob');
	is((header_values(check($alice), 'Remote-Groups'))[0], 'admin,staff',
	    'groups are roles');
	is((header_values(check($bob), 'Remote-Groups'))[0], 'staff',
	    'of bob, too');
	is(login('alice', 'wrong'), 401, 'a wrong password');
	is(login('carol'), 401, 'an unknown user');
	is(login('Alice'), 401, 'case matters');
	is(login('bob', ''), 401, 'no password');
};

subtest 'htpasswd(1)' => sub {
	plan(skip_all => 'no htpasswd here') unless in_path('htpasswd');
	my %option = (md5 => ['-m'], sha256 => ['-2'], sha512 => ['-5'],
	    bcrypt => ['-B']);

	for my $kind (sort keys %option) {
		my ($code) = capture(in_path('htpasswd'), '-b',
		    @{ $option{$kind} }, $file, $kind, $password);
		$code == 0 or diag("htpasswd has no $option{$kind}[0]");
		delete $option{$kind} if $code != 0;
	}
	capture(in_path('htpasswd'), qw(-b -s), $file, 'sha1', $password);
	soon(sub { login('md5') == 200 }, 'what it adds can sign in');
	is(login($_), 200, "$_: @{ $option{$_} }") for sort keys %option;
	is(login('sha1'), 401, '{SHA} is refused');
	like($d->log_text, qr/htpasswd_unusable.*kind=digest/,
	    'and the log says what it is');
	like($d->log_text, qr/login_failure.*sha1.*unusable_hash: digest/,
	    'and the audit line why');
	capture(in_path('htpasswd'), '-D', $file, $_)
	    for 'sha1', keys %option;
	soon(sub { login('md5') == 401 }, 'what it deletes cannot');
	is(login('alice'), 200, 'the others are not touched');
};

subtest 'changes reach live sessions' => sub {
	is(check($alice)->{status}, 204, 'alice is signed in');
	replace($groups, "staff: alice bob\n");
	soon(sub { ((header_values(check($alice), 'Remote-Groups'))[0] // '')
	    eq 'staff' }, 'she loses a group');
	replace($file, "alice:$hash\n");
	soon(sub { check($bob)->{status} == 401 }, 'bob is removed');
	is(login('bob'), 401, 'and cannot come back');
	is(check($alice)->{status}, 204, 'alice stays');
	like($d->log_text, qr/sessions_revoked.*bob.*user_gone/,
	    'the audit log has it');
	my $new = crypt('quite another one', '$5$pepper$');
	replace($file, "alice:$new\nbob:$hash\n");
	soon(sub { login('alice', 'quite another one') == 200 },
	    'a new password');
	is(login('alice'), 401, 'not the old one');
	($status, $bob) = login('bob');
	is($status, 200, 'bob is back');
	soon(sub { check($alice)->{status} == 401 },
	    'the session of the old one ends');
	like($d->log_text, qr/session_revoked.*alice.*password_changed/,
	    'the audit log has it');
	is(check($bob)->{status}, 204, 'nobody else is signed out');
	replace($file, "alice:$hash\nbob:$hash\n");
	soon(sub { login('alice') == 200 }, 'all as before');
	($status, $alice) = login('alice');
};

subtest 'half-written' => sub {
	# What htpasswd does, but slower.
	my $text = slurp($file);
	my @seen;

	for my $part ('', substr($text, 0, 40), $text) {
		spit($file, $part);
		my $end = time + 0.4;
		while (time < $end) {
			push @seen, check($alice)->{status},
			    check($bob)->{status};
			sleep(0.02);
		}
	}
	is(join(' ', grep { $_ != 204 } @seen), '', 'nobody notices');
	is(refused(), 0, 'it is no mistake');
	# It broke off there, and stays so.
	spit($file, substr($text, 0, length($text) - 10));
	soon(sub { check($alice); refused() == 1 }, 'cut off');
	is(check($bob)->{status}, 204, 'bob stays');
	is(login('bob'), 200, 'and can sign in');
	like($d->log_text, qr/may be cut off/, 'the log says why');
	spit($file, '');
	soon(sub { check($bob)->{status} == 503 }, 'emptied: no answer');
	my $a = check($bob);
	is(scalar(header_values($a, 'Set-Cookie')), 0, 'no cookie is touched');
	ok(header_values($a, 'Retry-After'), 'Retry-After');
	is(login('bob'), 503, 'nor to a login');
	spit($file, $text);
	soon(sub { check($bob)->{status} == 204 }, 'written again');
	is(check($alice)->{status}, 204, 'the same sessions');
};

subtest 'mistakes' => sub {
	my $before = refused();

	replace($file, "alice:$hash\nbob $hash\n");
	soon(sub { login('bob'); refused() == $before + 1 }, 'refused');
	like($d->log_text, qr/\Q$file\E:2: there is no colon/, 'file and line');
	is(login('bob'), 200, 'the last good one stays');
	is(refused(), $before + 1, 'said once');
	replace($file, "alice:$hash\nbob:$hash\n");
	replace($groups, "staff alice\n");
	soon(sub { login('bob'); refused() == $before + 2 }, 'groups, too');
	replace($groups, "staff: alice\n");
	soon(sub { ((header_values(check($bob), 'Remote-Groups'))[0] // '')
	    eq '' }, 'mended');
};

subtest 'missing' => sub {
	rename $file, "$file.away" or die "rename: $!";
	soon(sub { check($bob)->{status} == 503 }, 'no answer');
	is(login('bob'), 503, 'to a login neither');
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 503, 'not ready');
	rename "$file.away", $file or die "rename: $!";
	soon(sub { check($bob)->{status} == 204 }, 'it is back');
	is(login('alice'), 200, 'as before');
};

subtest 'fcgiauthctl' => sub {
	my ($code, $out, $errors) = $d->ctl('user', 'list');

	is($code, 0, 'user list');
	like($out, qr/^alice\s+enabled\s+sha512-crypt\s+staff/m, 'users and groups');
	($code, $out) = $d->ctl('user', 'show', 'bob');
	is($code, 0, 'user show');
	like($out, qr/^password\s+sha512-crypt$/m, 'the kind of hash');
	unlike($out, qr/\Q$hash\E/, 'never the hash');
	for my $command ([qw(add carol --password-stdin)],
	    [qw(passwd bob --password-stdin)], [qw(set bob --role x)],
	    [qw(disable bob)], [qw(enable bob)], [qw(delete bob)]) {
		($code, $out, $errors) = $d->ctl(\"$password\n", 'user',
		    @$command);
		is($code, 1, "user @$command");
		like($errors, qr/htpasswd\(1\)/, 'says who changes it');
	}
	is(login('bob'), 200, 'nothing was changed');
	($code, $out) = $d->ctl('store', 'status');
	is($code, 0, 'store status');
	($code, $out) = $d->ctl('store', 'migrate');
	is($code, 0, 'store migrate');
	($code, $out) = $d->ctl('config', 'check');
	is($code, 0, 'config check');
};

$d->stop_ok;
done_testing;
