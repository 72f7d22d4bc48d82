# SPDX-License-Identifier: MIT
# One nginx around the shipped snippets, in a folder, on a free port.
package FCGIAuth::Nginx;

use strict;
use warnings;

use FCGIAuth::Client;
use FCGIAuth::Test;
use IO::Socket::INET;
use Test::More;

# service: address of the daemon.  server: text inside `server`, after the
# snippet; http: text inside `http`.  workers: worker processes.
sub new {
	my ($class, %arg) = @_;
	return bless {
		dir => $arg{dir} || tempdir(),
		service => $arg{service},
		secret => $arg{secret},
		http => $arg{http} || '',
		server => $arg{server} || '',
		workers => $arg{workers} || 1,
		port => free_port(),
	}, $class;
}

sub port { my ($self) = @_; return $self->{port} }
sub dir { my ($self) = @_; return "$self->{dir}" }
sub log_text { my ($self) = @_; return slurp("$self->{dir}/nginx.log") }

sub client {
	my ($self, %arg) = @_;
	return FCGIAuth::Client->new(port => $self->{port}, %arg);
}

# The snippets as they are; only the address and the secret change.
sub snippets {
	my ($self) = @_;
	my $to = "$self->{dir}/fcgiauth";

	mkdir $to;
	for my $file (glob top() . '/conf/nginx/*.conf') {
		my ($name) = $file =~ m{([^/]+)$};
		my $text = slurp($file);
		if ($name eq 'fcgiauth-upstream.conf') {
			$text =~ s{server unix:/run/fcgiauth/fcgiauth.sock;}
			    {server $self->{service};} or die $name;
			$text =~ s{(fcgiauth_secret \{\s+default ")}
			    {$1$self->{secret}} or die $name
			    if defined $self->{secret};
		}
		spit("$to/$name", $text);
	}
	return;
}

sub configure {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $user = is_root() ? 'user ' . getpwuid($>) . ';' : '';
	my $temp = join "\n\t", map { "${_}_temp_path $dir/$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);

	$self->snippets;
	spit("$dir/nginx.conf", <<"EOT");
$user
worker_processes $self->{workers};
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.log info;
events { worker_connections 512; }
http {
	access_log off;
	default_type text/html;
	keepalive_requests 100000;
	$temp
	include fcgiauth/fcgiauth-upstream.conf;
	$self->{http}
	server {
		listen 127.0.0.1:$self->{port};
		server_name localhost;
		include fcgiauth/fcgiauth-server.conf;
		$self->{server}
	}
}
EOT
	return $self;
}

sub start {
	my ($self) = @_;
	my $nginx = in_path('nginx');
	my $dir = $self->{dir};

	$self->configure;
	$self->{pid} = spawn('nginx', "$dir/nginx.out", $nginx,
	    '-p', $dir, '-e', "$dir/nginx.log", '-c', "$dir/nginx.conf");
	my $up = wait_for(10, sub {
		return 'gone' if waitpid($self->{pid}, 1) != 0;
		return IO::Socket::INET->new(
		    PeerAddr => "127.0.0.1:$self->{port}");
	});
	if (!ref $up) {
		diag(slurp("$dir/nginx.out") . $self->log_text);
		die "nginx does not start\n";
	}
	return $self;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'TERM', $pid;
	return reap($pid, 10);
}

# The application behind it: answers with what it was told, one
# "name: value" a line, on a unix socket of this folder.
sub echo_app {
	my ($self) = @_;
	return FCGIAuth::Echo::start("$self->{dir}/app.sock");
}

package FCGIAuth::Echo;

use FCGIAuth::Test;
use IO::Socket::UNIX;

sub start {
	my ($path) = @_;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 64)
	    or die "$path: $!";
	my $pid = spawn('echo', '/dev/null', sub { serve($listener) });

	close $listener;
	return $pid;
}

sub serve {
	my ($listener) = @_;

	while (1) {
		my $s = $listener->accept or next;
		my $head = '';
		until ($head =~ /\r\n\r\n/) {
			last unless sysread $s, $head, 65536, length $head;
		}
		my $body = $head =~ s/\r\n\r\n(.*)//s ? $1 : '';
		my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
		while (length $body < ($length // 0)) {
			last unless sysread $s, $body, 65536, length $body;
		}
		my ($line, @headers) = split /\r\n/, $head;
		my $text = join "\n", 'THE APPLICATION', $line, @headers, '';
		syswrite $s, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n" .
		    'Content-Length: ' . length($text) . "\r\n\r\n$text";
		close $s;
	}
}

1;
