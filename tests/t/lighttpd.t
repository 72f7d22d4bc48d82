# SPDX-License-Identifier: MIT
# What is peculiar to lighttpd; the rest is in web.t.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

BEGIN { $ENV{FCGIAUTH_WEB} = 'lighttpd' }

use FCGIAuth::FastCGI qw(fcgi_listen fcgi_serve);
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my @locations = (
	@FCGIAuth::Site::PLAN,
	{ path => '/http/', app => 'http' },
	{ path => '/files/', app => 'files' },
	{ path => '/mixed/', app => 'files' },
);
my ($d, $n) = start_site(
    conf => {
	'rule 1-public' => { path => '/public/', require => 'public' },
	'rule 2-rest' => { path => '/', require => 'user' },
    },
    locations => \@locations);
my $alice = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');

# lighttpd looks for files before it asks, unless told not to.
subtest 'what is not there' => sub {
	for my $path (qw(/files/none /files /http/none /none)) {
		is($n->client->page($path)->status, 302,
		    "$path: not to be told");
	}
	is($alice->page('/files/none')->status, 404, 'but to alice');
};

subtest 'a public rule' => sub {
	my $a = $n->client->page('/public/x');
	is($a->status, 200, 'is open');
	unlike($a->body, qr/^REMOTE_USER|^Remote-User: ./m, 'to nobody');
	like($alice->page('/public/x')->body, qr/^Remote-User: alice$/m,
	    'and knows alice');
};

subtest 'an application in HTTP, without mod_magnet' => sub {
	my $m = new_web($d, magnet => 0, locations => \@locations,
	    server => qq(proxy.forwarded = ( "remote_user" => 1 )));
	$m->apps->start;
	my $c = $m->client;
	$c->jar->{fcgiauth} = token_of($alice);
	my @forged = (Forwarded => 'for=x;remote_user="evil"',
	    'Remote-User' => 'evil', 'Remote!User' => 'evil');
	my $a = $c->page('/http/x', @forged);
	is($a->status, 200, 'alice may');
	unlike($a->body, qr/evil/, 'nothing forged');
	like($a->body, qr/^Forwarded: remote_user="alice"$/m,
	    'her name is in Forwarded');
	unlike($a->body, qr/^Remote-User/m, 'only there');
	$m->stop;
};

# What the configuration says, and what lighttpd makes of it.
subtest 'several conditions' => sub {
	my $m = new_web($d, locations => \@locations, server => <<"EOT");
\$HTTP["url"] =~ "^/mixed/" {
	include "fcgiauth/fcgiauth-protect.conf"
	fastcgi.server += ( ".x" => (( "socket" => "@{[ $n->dir ]}/fcgi.sock",
		"check-local" => "disable" )) )
}
EOT
	$m->apps->start;
	is($m->client->page('/mixed/a.x')->status, 302,
	    'an application that is added is behind the check');
	my $c = $m->client;
	$c->jar->{fcgiauth} = token_of($alice);
	like($c->page('/mixed/a.x')->body, qr/^REMOTE_USER: alice$/m,
	    'and is told who it is');
	$m->stop;
};

# Why the service never ends an answer that has no Status.
subtest 'an answer without Status' => sub {
	my $dir = tempdir();
	my $fake = bless { tcp => "unix:$dir/s" }, 'FCGIAuth::Daemon';
	my $listener = fcgi_listen("$dir/s");

	spawn('fake', '/dev/null', sub {
		fcgi_serve($listener, sub { return '' });
	});
	my $m = new_web($fake);
	$m->apps->start;
	is($m->client->page('/x')->status, 200, 'is a yes to lighttpd');
	$m->stop;
};

$d->stop_ok;
done_testing;
