# SPDX-License-Identifier: MIT
# What most tests begin with: a daemon with users, nginx before it, an
# application behind it; and how a person signs in.
package FCGIAuth::Site;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Client;
use FCGIAuth::Daemon;
use FCGIAuth::Nginx;
use FCGIAuth::Test;
use Test::More;

our @EXPORT = qw(start_site sign_in json_sign_in token_of $PASSWORD);
our $PASSWORD = $FCGIAuth::Daemon::PASSWORD;

# The whole site is protected, but /open/.
our $plan = <<'EOT';
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
	location /open/ {
		proxy_pass http://app;
	}
EOT

# conf: of the daemon; server, http, workers: of nginx.
# Returns (daemon, nginx).
sub start_site {
	my (%arg) = @_;

	plan(skip_all => 'no nginx here') unless in_path('nginx');
	my $d = FCGIAuth::Daemon->new(conf => $arg{conf});
	$d->add_user('alice', roles => [qw(admin staff)],
	    email => 'alice@example.com', name => 'Alice Liddell');
	$d->add_user('bob', roles => ['staff']);
	$d->start;
	my $n = FCGIAuth::Nginx->new(service => $d->address,
	    secret => $arg{secret}, workers => $arg{workers},
	    server => $arg{server} || $plan);
	$n->{http} = "upstream app { server unix:$n->{dir}/app.sock; }\n" .
	    ($arg{http} || '');
	$n->echo_app;
	$n->start;
	return ($d, $n);
}

# By the form, as a browser; the last answer.
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

# The value of the session cookie of a client.
sub token_of {
	my ($client) = @_;
	return $client->jar->{fcgiauth};
}

1;
