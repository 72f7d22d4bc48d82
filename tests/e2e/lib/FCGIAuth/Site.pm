# SPDX-License-Identifier: MIT
# What most tests begin with: a daemon with users, a web server in front of it,
# an application behind that, and functions to sign in.
package FCGIAuth::Site;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Apache;
use FCGIAuth::Client;
use FCGIAuth::Daemon;
use FCGIAuth::Lighttpd;
use FCGIAuth::Nginx;
use FCGIAuth::Test;
use Test::More;

our @EXPORT = qw(start_site new_web web_name sign_in json_sign_in token_of
    $PASSWORD);
our $PASSWORD = $FCGIAuth::Daemon::PASSWORD;

# The whole site is protected except /open/.
our @PLAN = ({ path => '/' }, { path => '/open/', open => 1 });

# The same as a configuration of nginx.
our $plan = <<'EOT';
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
	location /open/ {
		proxy_pass http://app;
	}
EOT

# FCGIAUTH_WEB names the web server of the test, which determines the protocol
# of the application.
my %webs = (
	'nginx' => { class => 'FCGIAuth::Nginx', app => 'http' },
	'nginx-fastcgi' => { class => 'FCGIAuth::Nginx', app => 'fastcgi' },
	'apache' => { class => 'FCGIAuth::Apache', app => 'http', tcp => 1 },
	'lighttpd' => { class => 'FCGIAuth::Lighttpd', app => 'fastcgi' },
);

sub web_name { return $ENV{FCGIAUTH_WEB} || 'nginx' }

sub web {
	my $web = $webs{ web_name() } or die "no web server ", web_name(), "\n";
	my $found = $web->{class}->program;

	plan(skip_all => 'no ' . web_name() . ' here') unless $found;
	return $web;
}

# Configures the daemon for web servers that cannot use its unix socket.
sub web_conf {
	my ($d) = @_;
	return $d unless web()->{tcp};
	my $secret = 'only4us' x 4;

	$d->{tcp} = '127.0.0.1:' . free_port();
	$d->{brings} = { AUTH_SECRET => $secret };
	return $d->configure(server => { peer_secret => $secret,
		listen => $d->address . " $d->{tcp}" });
}

# Returns a web server for a daemon, or for another address.
sub new_web {
	my ($d, %arg) = @_;
	my $web = web();
	my @locations = map { { app => $web->{app}, %$_ } }
	    @{ $arg{locations} || \@PLAN };

	my $n = $web->{class}->new(service => $d->{tcp} || $d->address,
	    secret => $d->{brings}{AUTH_SECRET}, %arg,
	    locations => \@locations);
	$n->{http} = "upstream app { server unix:$n->{dir}/app.sock; }\n" .
	    ($arg{http} // '');
	return $n;
}

# Returns (daemon, web server), both started. conf: of the daemon. locations,
# workers: of the web server. server, http: text for the configuration of nginx.
sub start_site {
	my (%arg) = @_;

	plan(skip_all => 'for nginx')
	    if ($arg{server} || $arg{http}) && web_name() ne 'nginx';
	web();
	my $d = FCGIAuth::Daemon->new(conf => delete $arg{conf});
	$d->add_user('alice', roles => [qw(admin staff)],
	    email => 'alice@example.com', name => 'Alice Liddell');
	$d->add_user('bob', roles => ['staff']);
	web_conf($d)->start;
	my $n = new_web($d, %arg);
	$n->apps->start;
	return ($d, $n);
}

# Signs in with the form like a browser, and returns the last answer.
sub sign_in {
	my ($client, $name, %arg) = @_;
	my $rd = defined $arg{rd} ? $arg{rd} : '/';
	my $page = $client->page('/auth/login?rd=' .
	    FCGIAuth::Client::escape($rd));
	my @fields = (username => $name,
	    password => defined $arg{password} ? $arg{password} : $PASSWORD,
	    csrf => $page->field('csrf') // '', rd => $rd);

	push @fields, remember => 1 if $arg{remember};
	return $client->post_form('/auth/login', \@fields);
}

sub json_sign_in {
	my ($client, $name, %arg) = @_;
	return $client->post_json('/auth/login', { username => $name,
		password => $arg{password} // $PASSWORD,
		$arg{remember} ? (remember => JSON::PP::true()) : () });
}

# Returns the value of the session cookie of a client.
sub token_of {
	my ($client) = @_;
	return $client->jar->{fcgiauth};
}

1;
