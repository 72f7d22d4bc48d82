# SPDX-License-Identifier: MIT
# What only lighttpd does. web.t tests the rest.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

BEGIN { $ENV{FCGIAUTH_WEB} = 'lighttpd' }

use FCGIAuth::FastCGI qw(fcgi_listen fcgi_serve);
use FCGIAuth::Gateway;
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

# lighttpd looks for files before the check unless it is configured otherwise.
subtest 'missing files' => sub {
	for my $path (qw(/files/none /files /http/none /none)) {
		is($n->client->page($path)->status, 302,
		    "a visitor is redirected from $path");
	}
	is($alice->page('/files/none')->status, 404,
	    'alice gets 404 for a missing file');
};

subtest 'a public rule' => sub {
	my $a = $n->client->page('/public/x');
	is($a->status, 200, 'a visitor is let in');
	unlike($a->body, qr/^REMOTE_USER|^Remote-User: ./m,
	    'the application gets no identity of a visitor');
	like($alice->page('/public/x')->body, qr/^Remote-User: alice$/m,
	    'the application gets the identity of alice');
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
	is($a->status, 200, 'alice is let in');
	unlike($a->body, qr/evil/, 'the application gets no forged header');
	like($a->body, qr/^Forwarded: remote_user="alice"$/m,
	    'Forwarded has the name of the user');
	unlike($a->body, qr/^Remote-User/m, 'no Remote-User header is sent');
	$m->stop;
};

# lighttpd combines the settings of several conditions that match.
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
	    'an added application is behind the check');
	my $c = $m->client;
	$c->jar->{fcgiauth} = token_of($alice);
	like($c->page('/mixed/a.x')->body, qr/^REMOTE_USER: alice$/m,
	    'an added application gets the identity');
	$m->stop;
};

# ---- the whole of a site, and every kind of application -------------------------

# The guard corrects the conditions before it.
my $kinds = <<'EOT';
server.modules += ( "mod_ajp13", "mod_scgi", "mod_cgi" )
fastcgi.server += ( ".outside" => (( "socket" => "DIR/fcgi.sock",
	"check-local" => "disable" )) )
$HTTP["url"] =~ "^(/open)?/http/" {
	proxy.server = ( "" => (( "socket" => "DIR/app.sock" )) )
}
$HTTP["url"] =~ "^(/open)?/scgi/" {
	scgi.server = ( "" => (( "socket" => "DIR/scgi.sock",
		"check-local" => "disable" )) )
}
$HTTP["url"] =~ "^(/open)?/uwsgi/" {
	scgi.protocol = "uwsgi"
	scgi.server = ( "" => (( "socket" => "DIR/uwsgi.sock",
		"check-local" => "disable" )) )
}
$HTTP["url"] =~ "^(/open)?/ajp/" {
	ajp13.server = ( "" => (( "host" => "127.0.0.1", "port" => AJP )) )
}
$HTTP["url"] =~ "^(/open)?/cgi/" {
	cgi.assign = ( "" => "" )
}
$HTTP["url"] =~ "^/inside/" {
	fastcgi.server = ( "" => (( "socket" => "DIR/fcgi.sock",
		"check-local" => "disable" )) )
}
$HTTP["url"] =~ "^/live/" {
	proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => LIVE )) )
	proxy.header = ( "upgrade" => "enable" )
}
$HTTP["url"] =~ "^/http/forgets/" {
	setenv.set-request-header = ( "X-Own" => "1" )
}
include "fcgiauth/fcgiauth-guard.conf"
$HTTP["url"] =~ "^/after/" {
	include "fcgiauth/fcgiauth-protect.conf"
	fastcgi.server += ( "" => (( "socket" => "DIR/fcgi.sock",
		"check-local" => "disable" )) )
}
$HTTP["url"] =~ "^/http/admin/" {
	setenv.add-environment = ( "AUTH_REQUIRE" => "role:admin" )
}
$HTTP["url"] =~ "^/open/" {
	include "fcgiauth/fcgiauth-public.conf"
}
EOT

subtest 'a guarded site' => sub {
	my $port = free_port();
	my $m = new_web($d, locations => []);
	my $dir = $m->dir;

	my $live = FCGIAuth::Gateway::start_websocket();
	$m->{server} = $kinds =~ s/DIR/$dir/gr =~ s/AJP/$port/r =~
	    s/LIVE/$live/r;
	FCGIAuth::Gateway::start_uwsgi("$dir/uwsgi.sock");
	FCGIAuth::Gateway::start_scgi("$dir/scgi.sock");
	FCGIAuth::Gateway::start_ajp($port);
	for my $at ('', '/open') {
		mkdir "$dir/www$at";
		mkdir "$dir/www$at/cgi";
		spit("$dir/www$at/cgi/x", "#!/bin/sh\n" .
		    "printf 'Content-Type: text/plain\n\nTHE APPLICATION\n'\n" .
		    "env | sed 's/=/: /'\n");
		chmod 0755, "$dir/www$at/cgi/x";
	}
	$m->apps->start;
	my ($visitor, $alice, $bob) = map { $m->client } 1 .. 3;
	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	is(sign_in($bob, 'bob')->status, 303, 'bob signs in');
	my @forged = map { my $sign = $_;
		map { ($_ =~ s/-/$sign/r => 'evil', uc($_) => 'evil') }
		    qw(Remote-User Remote-Groups Remote-Email Remote-Name)
	} '-', '_', '.';
	my @at = (map({ "$_/x" } qw(http scgi uwsgi ajp cgi after
		http/forgets)), 'x.outside');
	for my $at ('inside/x', 'none', 'http/admin/x') {
		is($visitor->page("/$at")->status, 302,
		    "$at: a visitor is redirected");
	}
	for my $at (@at) {
		is($visitor->page("/$at")->status, 302,
		    "$at: a visitor is redirected");
		my $a = $alice->page("/$at", @forged);
		is($a->status, 200, "$at: alice is let in");
		like($a->body, qr/^(?:REMOTE.USER: )?alice$/mi,
		    "$at: the application gets the name");
		like($a->body, qr/admin,staff$/m,
		    "$at: the application gets the groups");
		unlike($a->body, qr/evil/,
		    "$at: the application gets no forged header");
		next if $at =~ /after|forgets/;
		$a = $visitor->page("/open/$at", @forged);
		is($a->status, 200, "$at: a visitor is let in at /open");
		unlike($a->body, qr/evil|alice/,
		    "$at: the application gets no identity at /open");
	}
	unlike($alice->page('/inside/x')->body, qr/THE APPLICATION/,
	    'a FastCGI application without a condition of the guard is closed');
	is($visitor->upgrade('/live/x')->status, 401,
	    'a web socket of a visitor is refused');
	is($alice->upgrade('/live/x')->status, 101,
	    'a web socket of alice is accepted');
	is($alice->page('/live/x')->status, 200,
	    'HTTP on the same path is served');
	is($bob->page('/http/admin/x')->status, 403,
	    'bob, who does not have the role, gets 403');
	is($alice->page('/http/admin/x')->status, 200,
	    'alice, who has the role, is let in');
	$m->stop;
};

# With the files of conf-available of Debian, except for paths that do not exist
# here.
subtest 'beside the files of the distribution' => sub {
	my $from = '/etc/lighttpd';
	plan(skip_all => "no $from/conf-available here")
	    unless -d "$from/conf-available";
	my $m = new_web($d, locations => []);
	my $dir = $m->dir;
	my $guide = slurp(top() . '/doc/guides/lighttpd.md');
	my ($first, $last) = $guide =~ /```lighttpd\n(.*?)```/sg;
	my $fcgi = "$dir/fcgi.sock";

	mkdir "$dir/conf-enabled";
	for my $name (qw(05-auth 05-setenv 10-accesslog 10-cgi 10-dir-listing
		10-evhost 10-expire 10-fastcgi 10-magnet 10-no-www 10-proxy
		10-rewrite 10-ssi 10-status 10-userdir 11-extforward
		15-fastcgi-php 15-fastcgi-php-fpm)) {
		my $text = slurp("$from/conf-available/$name.conf");
		$text =~ s{/var/log/lighttpd}{$dir};
		$text =~ s{/run/php/php-fpm.sock}{$fcgi};
		spit("$dir/conf-enabled/$name.conf", $text);
	}
	for ($first, $last) {
		s/^ {3}//mg;
		s{/etc/lighttpd/fcgiauth}{$dir/fcgiauth}g;
		s{\$SERVER\["socket"\].*?\}\n}{}s;
		s{\$HTTP\["scheme"\].*?\}\n\}?}{}s;
		s/"mod_openssl", //;
		s{"host" => "127.0.0.1", "port" => 3000}
		    {"socket" => "$dir/app.sock"};
	}
	spit("$dir/conf-enabled/01-fcgiauth.conf", $first);
	spit("$dir/conf-enabled/99-app.conf", $last);
	spit("$dir/conf-enabled/20-php.conf",
	    "\$HTTP[\"url\"] =~ \"[.]php\$\" { proxy.server = () }\n");
	my $text = slurp("$from/lighttpd.conf");
	$text =~ s/^server\.(?:username|groupname).*\n//mg;
	$text =~ s/^(server.port\s*=).*/$1 $m->{port}\nserver.bind = "127.0.0.1"/m;
	$text =~ s{^include_shell .*ipv6.*\n}{}m;
	$text =~ s{"/etc/lighttpd/conf-enabled/}{"$dir/conf-enabled/};
	$text =~ s{/var/log/lighttpd/error.log}{$dir/web.log};
	$text =~ s{/var/cache/lighttpd/uploads}{$dir};
	$text =~ s{"/var/www/html"}{"$dir/www"};
	$text =~ s{"/run/lighttpd.pid"}{"$dir/pid"};
	spit("$dir/www/x.php", 'THE SOURCE');
	$m->snippets;
	spit("$dir/lighttpd.conf", $text);
	# The two files for PHP exclude each other. One of them starts php-cgi.
	for my $other (qw(15-fastcgi-php-fpm 15-fastcgi-php)) {
		my $path = "$dir/conf-enabled/$other.conf";
		rename $path, "$path.off";
		my ($code, $out, $said) = capture('lighttpd', '-tt', '-f',
		    "$dir/lighttpd.conf");
		is($code, 0, "the configuration loads without $other")
		    or diag($out . $said);
		rename "$path.off", $path if $other =~ /fpm/;
	}
	$m->apps->run('lighttpd', '-D', '-f', "$dir/lighttpd.conf");
	my $alice = $m->client;
	is(sign_in($alice, 'alice')->status, 303, 'alice signs in');
	for my $path (qw(/x /x.php /cgi-bin/x /server-status)) {
		is($m->client->page($path)->status, 302,
		    "$path: a visitor is redirected");
	}
	like($alice->page('/x.php')->body, qr/^REMOTE_USER: alice$/m,
	    'PHP gets the identity');
	like($alice->page('/x')->body, qr/^Remote-User: alice$/m,
	    'the application behind the proxy gets the identity');
	$m->stop;
};

# This is the reason why every answer of the service has a Status.
subtest 'an answer without Status' => sub {
	my $dir = tempdir();
	my $fake = bless { tcp => "unix:$dir/s" }, 'FCGIAuth::Daemon';
	my $listener = fcgi_listen("$dir/s");

	spawn('fake', '/dev/null', sub {
		fcgi_serve($listener, sub { return '' });
	});
	my $m = new_web($fake);
	$m->apps->start;
	is($m->client->page('/x')->status, 200,
	    'lighttpd lets a request in when the answer has no Status');
	$m->stop;
};

$d->stop_ok;
done_testing;
