# SPDX-License-Identifier: MIT
# Users are in a password file that htpasswd(1) and editors change while the
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

# Waits until the daemon has read a changed file.
sub soon { my ($code) = @_; return ok(wait_for(6, $code), $_[1]) }

sub replace {
	my ($path, $text) = @_;
	spit("$path.new", $text);
	rename "$path.new", $path or die "rename: $!";
	return;
}

# Returns how often a file was refused.
sub refused { my $n = () = $d->log_text =~ /htpasswd_refused/g; return $n }

subtest '--check finds mistakes' => sub {
	my $check = sub {
		my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c',
		    $d->{file}, '--check');
		return ($code, $out . $errors);
	};

	$d->configure(users => { driver => 'htpasswd' });
	my ($code, $said) = $check->();
	is($code, 1, 'a missing setting fails');
	like($said, qr/\[users\] file: must be set/,
	    'the message names the setting');
	$d->configure(users => { file => $file });
	($code, $said) = $check->();
	is($code, 1, 'a missing file fails');
	like($said, qr/\Q$file\E: No such file/, 'the message names the file');
	spit($file, "alice:$hash\nrubbish\n");
	($code, $said) = $check->();
	is($code, 1, 'a wrong line fails');
	like($said, qr/\Q$file\E:2: there is no colon/,
	    'the message has file and line');
	spit($file, "alice:$hash\n");
	is(($check->())[0], 0, 'a correct file succeeds');
};

spit($file, "alice:$hash\nbob:$hash:a comment\n");
spit($groups, "admin: alice\nstaff: alice bob\n");
$d->configure(users => { groups => $groups, recheck => '1s' });
$d->start;
my ($status, $alice) = login('alice');
my ($bob_status, $bob) = login('bob');

subtest 'sign-ins' => sub {
	is($status, 200, 'alice signs in');
	is($bob_status, 200, 'bob signs in');
	is((header_values(check($alice), 'Remote-Groups'))[0], 'admin,staff',
	    'the groups of alice are her roles');
	is((header_values(check($bob), 'Remote-Groups'))[0], 'staff',
	    'the groups of bob are roles');
	is(login('alice', 'wrong'), 401, 'a wrong password is refused');
	is(login('carol'), 401, 'an unknown user is refused');
	is(login('Alice'), 401, 'the case of a name matters');
	is(login('bob', ''), 401, 'an empty password is refused');
};

subtest 'changes by htpasswd(1)' => sub {
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
	soon(sub { login('md5') == 200 },
	    'a user that htpasswd added can sign in');
	is(login($_), 200, "$_ (@{ $option{$_} }) can sign in")
	    for sort keys %option;
	is(login('sha1'), 401, 'a user with {SHA} is refused');
	like($d->log_text, qr/htpasswd_unusable.*kind=digest/,
	    'the log has the kind of the hash');
	like($d->log_text, qr/login_failure.*sha1.*unusable_hash: digest/,
	    'the audit line has the reason');
	capture(in_path('htpasswd'), '-D', $file, $_)
	    for 'sha1', keys %option;
	soon(sub { login('md5') == 401 },
	    'a user that htpasswd deleted cannot sign in');
	is(login('alice'), 200, 'another user can still sign in');
};

subtest 'changes reach existing sessions' => sub {
	is(check($alice)->{status}, 204, 'alice is signed in');
	replace($groups, "staff: alice bob\n");
	soon(sub { ((header_values(check($alice), 'Remote-Groups'))[0] // '')
	    eq 'staff' }, 'the session of alice loses a role');
	replace($file, "alice:$hash\n");
	soon(sub { check($bob)->{status} == 401 },
	    'the session of a removed user ends');
	is(login('bob'), 401, 'a removed user cannot sign in');
	is(check($alice)->{status}, 204,
	    'the session of another user is valid');
	like($d->log_text, qr/sessions_revoked.*bob.*user_gone/,
	    'the audit log records the end of the sessions');
	my $new = crypt('quite another one', '$5$pepper$');
	replace($file, "alice:$new\nbob:$hash\n");
	soon(sub { login('alice', 'quite another one') == 200 },
	    'the user can sign in with a new password');
	is(login('alice'), 401, 'the old password is refused');
	($status, $bob) = login('bob');
	is($status, 200, 'a user who was added again can sign in');
	soon(sub { check($alice)->{status} == 401 },
	    'the session ends after the change of the password');
	like($d->log_text, qr/session_revoked.*alice.*password_changed/,
	    'the audit log records the end of the session');
	is(check($bob)->{status}, 204, 'the session of another user is valid');
	replace($file, "alice:$hash\nbob:$hash\n");
	soon(sub { login('alice') == 200 },
	    'the user can sign in with the restored password');
	($status, $alice) = login('alice');
};

subtest 'a file that is being written' => sub {
	# The test writes like htpasswd, but slower.
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
	is(join(' ', grep { $_ != 204 } @seen), '',
	    'no check fails while the file is written');
	is(refused(), 0, 'the unfinished file is not refused');
	# The file stays cut off.
	spit($file, substr($text, 0, length($text) - 10));
	soon(sub { check($alice); refused() == 1 },
	    'a file that stays cut off is refused');
	is(check($bob)->{status}, 204, 'the session of bob is valid');
	is(login('bob'), 200, 'bob can sign in');
	like($d->log_text, qr/may be cut off/, 'the log gives the reason');
	spit($file, '');
	soon(sub { check($bob)->{status} == 503 },
	    'a check gets 503 when the file is empty');
	my $a = check($bob);
	is(scalar(header_values($a, 'Set-Cookie')), 0,
	    'the answer changes no cookie');
	ok(header_values($a, 'Retry-After'), 'the answer has Retry-After');
	is(login('bob'), 503, 'a sign-in gets 503 when the file is empty');
	spit($file, $text);
	soon(sub { check($bob)->{status} == 204 },
	    'the session is valid when the file is restored');
	is(check($alice)->{status}, 204, 'the session of alice is valid');
};

subtest 'mistakes in changed files' => sub {
	my $before = refused();

	replace($file, "alice:$hash\nbob $hash\n");
	soon(sub { login('bob'); refused() == $before + 1 },
	    'a file with a wrong line is refused');
	like($d->log_text, qr/\Q$file\E:2: there is no colon/,
	    'the log has file and line');
	is(login('bob'), 200, 'the last correct file stays in use');
	is(refused(), $before + 1, 'the refusal is logged once');
	replace($file, "alice:$hash\nbob:$hash\n");
	replace($groups, "staff alice\n");
	soon(sub { login('bob'); refused() == $before + 2 },
	    'a wrong file of groups is refused');
	replace($groups, "staff: alice\n");
	soon(sub { ((header_values(check($bob), 'Remote-Groups'))[0] // '')
	    eq '' }, 'a corrected file of groups is used');
};

subtest 'a missing file' => sub {
	rename $file, "$file.away" or die "rename: $!";
	soon(sub { check($bob)->{status} == 503 }, 'a check gets 503');
	is(login('bob'), 503, 'a sign-in gets 503');
	is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 503,
	    '/auth/ready answers 503');
	rename "$file.away", $file or die "rename: $!";
	soon(sub { check($bob)->{status} == 204 },
	    'the session is valid when the file is back');
	is(login('alice'), 200, 'a sign-in succeeds when the file is back');
};

subtest 'commands of fcgiauthctl' => sub {
	my ($code, $out, $errors) = $d->ctl('user', 'list');

	is($code, 0, 'user list succeeds');
	like($out, qr/^alice\s+enabled\s+sha512-crypt\s+staff/m,
	    'user list shows users and groups');
	($code, $out) = $d->ctl('user', 'show', 'bob');
	is($code, 0, 'user show succeeds');
	like($out, qr/^password\s+sha512-crypt$/m,
	    'user show shows the kind of the hash');
	unlike($out, qr/\Q$hash\E/, 'user show does not show the hash');
	for my $command ([qw(add carol --password-stdin)],
	    [qw(passwd bob --password-stdin)], [qw(set bob --role x)],
	    [qw(disable bob)], [qw(enable bob)], [qw(delete bob)]) {
		($code, $out, $errors) = $d->ctl(\"$password\n", 'user',
		    @$command);
		is($code, 1, "user @$command fails");
		like($errors, qr/htpasswd\(1\)/,
		    "user @$command names htpasswd(1)");
	}
	is(login('bob'), 200, 'the refused commands change nothing');
	($code, $out) = $d->ctl('store', 'status');
	is($code, 0, 'store status succeeds');
	($code, $out) = $d->ctl('store', 'migrate');
	is($code, 0, 'store migrate succeeds');
	($code, $out) = $d->ctl('config', 'check');
	is($code, 0, 'config check succeeds');
};

$d->stop_ok;
done_testing;
