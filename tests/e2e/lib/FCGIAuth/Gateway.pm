# SPDX-License-Identifier: MIT
# Applications that speak uwsgi, SCGI, AJP, HTTP/2 or web sockets, each on a
# unix socket or a TCP port. uwsgi and SCGI give the same answers as the FastCGI
# application. AJP and HTTP/2 answer with the names and values that they
# received.
package FCGIAuth::Gateway;

use strict;
use warnings;

use FCGIAuth::App;
use FCGIAuth::Test;
use IO::Socket::INET;
use IO::Socket::UNIX;

# An address is a path or a port of the loopback interface.
sub listen_at {
	my ($address) = @_;

	return IO::Socket::INET->new(LocalAddr => "127.0.0.1:$address",
	    Listen => 64, ReuseAddr => 1) || die "$address: $!"
	    if $address =~ /^\d+$/;
	return IO::Socket::UNIX->new(Local => $address, Listen => 64)
	    || die "$address: $!";
}

# Serves one request on each connection. `answer` gets the socket.
sub start {
	my ($address, $answer) = @_;
	my $listener = listen_at($address);

	return FCGIAuth::App::run($address, $listener, sub {
		while (1) {
			my $s = $listener->accept or next;
			$answer->($s);
			close $s;
		}
	});
}

sub read_exactly {
	my ($s, $n) = @_;
	my $bytes = '';

	while (length $bytes < $n) {
		sysread $s, $bytes, $n - length $bytes, length $bytes or last;
	}
	return $bytes;
}

# Sends a CGI answer and reads no further request. The status line begins with
# `first`.
sub answer_cgi {
	my ($s, $first, @params) = @_;
	my %is = @params;
	my $body = read_exactly($s, $is{CONTENT_LENGTH} || 0);
	my $text = FCGIAuth::App::by_fastcgi(\@params, $body);

	$text = "Status: 200 OK\r\n$text" unless $text =~ /^Status:/;
	syswrite $s, $text =~ s/^Status:/$first/r;
	return;
}

sub start_uwsgi {
	my ($address) = @_;

	return start($address, sub {
		my ($s) = @_;
		my (undef, $size) = unpack 'CvC', read_exactly($s, 4);
		answer_cgi($s, 'HTTP/1.0', unpack '(v/a)*', read_exactly($s, $size // 0));
	});
}

sub start_scgi {
	my ($address) = @_;

	return start($address, sub {
		my ($s) = @_;
		my $size = '';
		my $c;
		$size .= $c while ($c = read_exactly($s, 1)) =~ /^\d$/;
		my $names = read_exactly($s, $size || 0);
		read_exactly($s, 1);
		answer_cgi($s, 'Status:', map { $_ // '' } $names =~ /([^\0]*)\0/g);
	});
}

# Answers with the strings of the request packet. AJP replaces the names of
# frequent headers by codes, so those names are missing.
sub start_ajp {
	my ($address) = @_;
	my $packet = sub { return pack 'a2n/a', 'AB', $_[0] };

	return start($address, sub {
		my ($s) = @_;
		my (undef, $size) = unpack 'nn', read_exactly($s, 4);
		my $request = read_exactly($s, $size // 0);
		my @strings = $request =~ /([\x20-\x7e]{2,})\0/g;
		my $text = join "\n", 'THE APPLICATION', @strings, '';
		syswrite $s, $packet->(pack 'Cnn/axn', 4, 200, 'OK', 0);
		syswrite $s, $packet->(pack 'Cn/ax', 3, $text);
		syswrite $s, $packet->(pack 'CC', 5, 0);
	});
}

# Serves HTTP on a free port. To a web socket handshake it answers with a short
# greeting and closes. Returns the port.
sub start_websocket {
	my $port = free_port();

	start($port, sub {
		my ($s) = @_;
		my $head = '';
		until ($head =~ /\r\n\r\n/) {
			sysread $s, $head, 65536, length $head or return;
		}
		my $socket = $head =~ /^Upgrade: *websocket\r$/mi &&
		    $head =~ /^Connection:.*\bupgrade\b/mi;
		syswrite $s, $socket ? "HTTP/1.1 101 Switching Protocols\r\n" .
		    "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello"
		    : "HTTP/1.1 200 OK\r\nConnection: close\r\n" .
		    "Content-Length: 15\r\n\r\nTHE APPLICATION";
	});
	return $port;
}

# Runs an nginx that serves HTTP/2 without TLS and answers with the identity
# headers.
sub start_http2 {
	my ($dir, $listen) = @_;
	my $user = is_root() ? 'user ' . getpwuid($>) . ';' : '';
	my $temp = join "\n\t", map { "${_}_temp_path $dir/h2/$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $text = join '', map { "$_: \$http_\L$_\\n" }
	    qw(Remote_User Remote_Groups Remote_Email Remote_Name);

	mkdir "$dir/h2";
	spit("$dir/h2/nginx.conf", <<"EOT");
$user
daemon off;
pid $dir/h2/nginx.pid;
error_log $dir/h2/log info;
events { worker_connections 64; }
http {
	access_log off;
	$temp
	server {
		listen $listen http2;
		underscores_in_headers on;
		default_type text/plain;
		return 200 "THE APPLICATION\\n\$server_protocol\\n$text";
	}
}
EOT
	my $pid = spawn('http2 app', "$dir/h2/out", in_path('nginx'), '-p',
	    "$dir/h2", '-e', "$dir/h2/log", '-c', "$dir/h2/nginx.conf");
	my ($path) = $listen =~ /^unix:(.*)/;
	wait_for(15, sub { return $path ? -S $path
		: IO::Socket::INET->new(PeerAddr => $listen) })
	    or die slurp("$dir/h2/out") . slurp("$dir/h2/log");
	chmod 0777, $path if $path;
	return $pid;
}

1;
