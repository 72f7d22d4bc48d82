# SPDX-License-Identifier: MIT
# What the web servers of the tests have in common: a folder, a free port, the
# applications, start and stop.
#
# A location is { path => P, and any of:
#	open => 1		for everybody
#	require => WORDS	for users who meet the requirement
#	app => http | fastcgi | files }	files: in `www` of the folder
#
# The argument `after` is text for the end of the configuration of Apache or
# lighttpd. With the argument `ids` of new(), access_lines() returns the lines of the
# access log: "STATUS METHOD PATH ID", with the ID of the request.
package FCGIAuth::WebServer;

use strict;
use warnings;

use FCGIAuth::App;
use FCGIAuth::Client;
use FCGIAuth::Test;
use IO::Socket::INET;
use Test::More;

# service: the address of the daemon. locations: a list of the above.
sub new {
	my ($class, %arg) = @_;
	my $self = bless {
		workers => 1,
		locations => [],
		%arg,
		dir => $arg{dir} || tempdir(),
		port => free_port(),
	}, $class;

	# The server may run as another user.
	chmod 0711, "$self->{dir}";
	mkdir "$self->{dir}/www";
	return $self;
}

sub port { my ($self) = @_; return $self->{port} }
sub dir { my ($self) = @_; return "$self->{dir}" }
sub log_text { my ($self) = @_; return slurp("$self->{dir}/web.log") }

sub access_lines {
	my ($self) = @_;
	return split /\n/, slurp("$self->{dir}/access.log");
}

sub client {
	my ($self, %arg) = @_;
	return FCGIAuth::Client->new(port => $self->{port}, %arg);
}

# Starts the HTTP and the FastCGI application.
sub apps {
	my ($self) = @_;

	$self->echo_app;
	FCGIAuth::App::start_fastcgi("$self->{dir}/fcgi.sock");
	return $self;
}

sub echo_app {
	my ($self) = @_;
	return FCGIAuth::App::start_http("$self->{dir}/app.sock");
}

# Copies the snippets of a folder. `change` may edit the text of each.
sub copy_snippets {
	my ($self, $server, $change) = @_;
	my $to = "$self->{dir}/fcgiauth";

	mkdir $to;
	for my $file (glob top() . "/conf/$server/*") {
		my ($name) = $file =~ m{([^/]+)$};
		my $text = slurp($file);
		$change->($name, \$text);
		spit("$to/$name", $text);
	}
	return;
}

# Runs the server in the foreground and waits until it accepts connections.
sub run {
	my ($self, @command) = @_;
	my $out = "$self->{dir}/web.out";

	$self->{pid} = spawn($command[0], $out, @command);
	my $up = wait_for(15, sub {
		return 'gone' if waitpid($self->{pid}, 1) != 0;
		return IO::Socket::INET->new(
		    PeerAddr => "127.0.0.1:$self->{port}");
	});
	if (!ref $up) {
		diag(slurp($out) . $self->log_text);
		die "$command[0] does not start\n";
	}
	return $self;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'TERM', $pid;
	return reap($pid, 10);
}

1;
