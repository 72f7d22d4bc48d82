# SPDX-License-Identifier: MIT
# This class runs a lighttpd with the shipped snippets.
package FCGIAuth::Lighttpd;

use strict;
use warnings;

use FCGIAuth::Test;
use parent 'FCGIAuth::WebServer';

sub program { return in_path('lighttpd') }

# Returns true when mod_magnet is installed. Without it, an application behind
# HTTP does not get the identity.
sub has_magnet {
	return grep { -e "$_/mod_magnet.so" }
	    qw(/usr/lib/lighttpd /usr/lib64/lighttpd);
}

# The argument `magnet` of new() is 0 for a server without mod_magnet.

# Copies the snippets and replaces the address of the service.
sub snippets {
	my ($self) = @_;
	my ($socket) = $self->{service} =~ /^unix:(.*)/ or die;

	$self->copy_snippets('lighttpd', sub {
		my ($name, $text) = @_;
		return if $name ne 'fcgiauth.conf';
		$$text =~ s{^(var.fcgiauth_socket = ")[^"]*}{$1$socket}m
		    or die $name;
	});
	return;
}

sub location {
	my ($self, $l) = @_;
	my $dir = $self->{dir};
	my $app = $l->{app} || 'http';
	my $local = '"check-local" => "disable"';
	my $text = 'include "fcgiauth/fcgiauth-' .
	    ($l->{open} ? 'public' : 'protect') . ".conf\"\n";

	$text .= "setenv.add-environment = ( \"AUTH_REQUIRE\" => " .
	    "\"$l->{require}\" )\n" if $l->{require};
	$text .= "fastcgi.server += ( \"\" => (( " .
	    "\"socket\" => \"$dir/fcgi.sock\", $local )) )\n"
	    if $app eq 'fastcgi';
	$text .= $app eq 'http' ? "proxy.server = ( \"\" => (( " .
	    "\"socket\" => \"$dir/app.sock\" )) )\n" : "proxy.server = ()\n";
	return "\$HTTP[\"url\"] =~ \"^\Q$l->{path}\E\" {\n$text}\n";
}

sub configure {
	my ($self) = @_;
	my $dir = $self->{dir};
	# Of several conditions that match, lighttpd applies the last one.
	my @locations = sort { length $a->{path} <=> length $b->{path} }
	    @{ $self->{locations} };
	my $plan = join '', map { $self->location($_) } @locations;
	my $magnet = $self->{magnet} // has_magnet() ? <<"EOT" : '';
server.modules += ( "mod_magnet" )
magnet.attract-raw-url-to = ( "$dir/fcgiauth/fcgiauth-headers.lua" )
EOT
	my $log = $self->{ids} ? <<"EOT" : '';
server.modules += ( "mod_accesslog" )
accesslog.filename = "$dir/access.log"
accesslog.format = "%s %m %U%q %{REQUEST_ID}e"
EOT
	my $after = $self->{after} // '';
	my $more = $self->{server} // '';

	$self->snippets;
	spit("$dir/lighttpd.conf", <<"EOT");
server.modules = ( "mod_setenv", "mod_fastcgi", "mod_proxy" )
server.document-root = "$dir/www"
server.port = $self->{port}
server.bind = "127.0.0.1"
server.errorlog = "$dir/web.log"
server.upload-dirs = ( "$dir" )
server.max-keep-alive-requests = 100000
mimetype.assign = ( ".html" => "text/html" )
$magnet
$log
include "fcgiauth/fcgiauth.conf"
$plan
$more
include "fcgiauth/fcgiauth-server.conf"
$after
EOT
	return $self;
}

sub start {
	my ($self) = @_;

	$self->configure;
	return $self->run($self->program, '-D', '-f',
	    "$self->{dir}/lighttpd.conf");
}

1;
