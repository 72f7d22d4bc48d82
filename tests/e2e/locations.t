# SPDX-License-Identifier: MIT
# Locations of nginx: one inside another protected one, and the longest
# addresses that nginx accepts.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

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
		is($bob->page($path)->status, 403,
		    "bob, who does not have the role, gets 403 at $path");
		is($alice->page($path)->status, 200,
		    "alice, who has the role, is let in at $path");
	}
	$d->stop_ok;
};

subtest 'the longest addresses that nginx accepts' => sub {
	my ($d, $n) = start_site();
	my $client = $n->client;

	for my $length (1000, 4000, 5300, 5500, 6000, 7900) {
		my $answer = $client->page('/x?' . '/' x $length);
		# Each slash takes three bytes in the address of the login page.
		is($answer->status, 3 * $length < 7900 ? 302 : 401,
		    "an address of $length slashes is redirected if it fits");
		$answer = $client->page('/x?' . 'a' x $length);
		is($answer->status, 302,
		    "an address of $length letters is redirected");
	}
	$d->stop_ok;
};

done_testing;
