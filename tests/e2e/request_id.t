# SPDX-License-Identifier: MIT
# One ID finds a request in the access log of the web server and in the log of
# the service, and a client cannot choose it. FCGIAUTH_WEB names the web server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Guide;
use FCGIAuth::Lighttpd;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $web = web_name();
plan(skip_all => 'mod_magnet is not installed')
    if $web eq 'lighttpd' && !FCGIAuth::Lighttpd::has_magnet();

my ($d, $n) = start_site(ids => 1, locations => [
	@FCGIAuth::Site::PLAN,
	{ path => '/admin/', require => 'role:admin' },
	{ path => '/own/', app => 'fastcgi' },
]);

# Returns the lines of the service that match, and those of the access log with
# the ID of the first one.
sub lines_of {
	my ($pattern) = @_;
	my @ours;

	wait_for(10, sub {
		@ours = grep { $_ =~ $pattern } split /\n/, $d->log_text;
		@ours;
	});
	my ($id) = ($ours[0] // '') =~ /\brequest=(\S+)/;
	like($id // '', qr/^[0-9a-f]{32}$/, 'the line has an ID');
	my @theirs;
	wait_for(10, sub {
		@theirs = grep { / \Q$id\E$/ } $n->access_lines;
		@theirs;
	});
	return ($id, \@ours, \@theirs);
}

my $bob = $n->client;
is(sign_in($bob, 'bob')->status, 303, 'bob signs in');

subtest 'a refused request' => sub {
	my @forged = map { ($_ => 'f' x 32) }
	    qw(Request-Id X-Request-Id Unique-Id X-Unique-Id Request.Id);
	is($bob->get('/admin/one', @forged)->status, 403,
	    'bob is refused');
	my ($id, $ours, $theirs) = lines_of(qr{refusal refused .*/admin/one});
	is(scalar @$ours, 1, 'the log of the service has one line');
	is(scalar @$theirs, 1, 'the access log has one line with the ID');
	like($theirs->[0], qr{^403 GET /admin/one }, 'of that request');
	isnt($id, 'f' x 32, 'the client does not choose the ID');

	# The command of the guide, with these logs.
	my ($command) = commands('why-refused', 'One request in all logs');
	my $log = substr($id, 0, 12);
	$command =~ s/\bgrep -h \K[0-9a-f]{12}\b/$log/ or die;
	$command =~ s/journalctl -u fcgiauth/cat $d->{log}/ or die;
	$command =~ s{/var/log/nginx/access.log}{$n->{dir}/access.log} or die;
	my ($code, $out) = capture('sh', '-c', $command);
	is($code, 0, 'the command of the guide succeeds');
	is($out, "$ours->[0]\n$theirs->[0]\n", 'it prints both lines');

	$bob->get('/admin/two');
	my ($second) = lines_of(qr{refusal refused .*/admin/two});
	isnt(substr($second, 0, 12), substr($id, 0, 12),
	    'the beginning tells two requests apart');
};

subtest 'a sign-in' => sub {
	sign_in($n->client, 'alice', password => 'wrong');
	my (undef, $ours, $theirs) = lines_of(qr/audit login_failure/);
	is(scalar @$ours, 1, 'the log of the service has one line');
	is(scalar @$theirs, 1, 'the access log has one line with the ID');
	like($theirs->[0], qr{^401 POST /auth/login }, 'of that request');
};

subtest 'an application in FastCGI' => sub {
	my ($id) = $bob->get('/own/x')->body =~ /^REQUEST_ID: (\S+)$/m;
	like($id // '', qr/^[0-9a-f]{32}$/, 'it gets the ID');
	ok(wait_for(10, sub {
		grep { m{^200 GET /own/x \Q$id\E$} } $n->access_lines;
	}), 'the same as in the access log');
};

$d->stop_ok;
done_testing;
