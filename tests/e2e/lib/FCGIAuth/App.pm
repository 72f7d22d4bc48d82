# SPDX-License-Identifier: MIT
# The application behind the web server, by HTTP and by FastCGI. It answers with
# what it received, one "name: value" a line. Some endings of the path ask for
# other answers: see special().
package FCGIAuth::App;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FCGIAuth::FastCGI qw(fcgi_listen fcgi_serve);
use FCGIAuth::Test;
use IO::Socket::UNIX;
use Time::HiRes ();

our $CHUNK = 'x' x 65536;
our $CHUNKS = 48;

# start_http() and start_fastcgi() serve on a unix socket that every user may
# connect to, until the test ends. They return the process id.
sub start_http {
	my ($path) = @_;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 64)
	    or die "$path: $!";

	return run($path, $listener, sub { serve($listener) });
}

sub start_fastcgi {
	my ($path) = @_;
	my $listener = fcgi_listen($path);

	return run($path, $listener, sub {
		fcgi_serve($listener, \&by_fastcgi);
	});
}

sub run {
	my ($path, $listener, $code) = @_;

	chmod 0777, $path;
	my $pid = spawn('application', '/dev/null', sub {
		local $SIG{PIPE} = 'IGNORE';	# a client may close early
		$code->();
	});
	close $listener;
	return $pid;
}

# A form of each kind that posts to /posted.
our $FORMS = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Forms</title>' .
    '<link rel="icon" href="data:,">' .
    '<form id="plain" method="post" action="/posted?a=1&amp;b=%2F">' .
    '<textarea name="text"></textarea><button>Send</button></form>' .
    '<form id="file" method="post" action="/posted?f" ' .
    'enctype="multipart/form-data"><input type="file" name="file">' .
    '<button>Send</button></form></html>';

# Returns a page that shows the length and the MD5 sum of what was posted. Of an
# uploaded file, only its content counts.
sub posted {
	my ($method, $body) = @_;
	my $what = $body;

	if ($body =~ /^(--\S+)\r\n/) {
		my $from = index($body, "\r\n\r\n") + 4;
		my $to = rindex $body, "\r\n$1";
		$what = substr $body, $from, $to - $from;
	}
	return '<!DOCTYPE html><html lang="en"><title>Posted</title>' .
	    '<link rel="icon" href="data:,"><p id="posted">' .
	    "$method " . length($what) . ' ' . md5_hex($what) . '</p></html>';
}

# Returns the headers and the body of a path with a special answer, or nothing.
# The first of the headers is the status.
sub special {
	my ($method, $path, $body) = @_;

	return ("200 OK\r\nX-Own: yes", "$method " . length($body) . ' ' .
	    md5_hex($body) . "\n") if $path =~ m{/digest$};
	return ("200 OK\r\nContent-Type: text/html", posted($method, $body))
	    if $path =~ m{/posted$};
	return ("200 OK\r\nContent-Type: text/html", $FORMS)
	    if $path =~ m{/forms$};
	return ("403 Forbidden\r\nCache-Control: no-store\r\n" .
	    "Content-Type: text/x-own", "of the application\n")
	    if $path =~ m{/forbidden$};
	return ("200 OK\r\nContent-Type: text/x-own\r\n" .
	    "Cache-Control: max-age=77\r\nSet-Cookie: own=1; Path=/",
	    "of the application\n") if $path =~ m{/own$};
	return;
}

sub serve {
	my ($listener) = @_;

	while (1) {
		my $s = $listener->accept or next;
		one_http($s);
		close $s;
	}
}

sub one_http {
	my ($s) = @_;
	my $head = '';

	until ($head =~ /\r\n\r\n/) {
		sysread $s, $head, 65536, length $head or return;
	}
	my $body = $head =~ s/\r\n\r\n(.*)//s ? $1 : '';
	my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
	syswrite $s, "HTTP/1.1 100 Continue\r\n\r\n"
	    if $head =~ /^Expect: 100-continue/mi;
	while (length $body < ($length // 0)) {
		sysread $s, $body, 65536, length $body or return;
	}
	my ($line, @headers) = split /\r\n/, $head;
	my ($method, $target) = split / /, $line;
	my $path = $target =~ s/\?.*//r;
	if ($path =~ m{/stream$}) {
		stream($s);
		return;
	}
	my ($first, $text) = special($method, $path, $body);
	if (!defined $first) {
		$first = "200 OK\r\nContent-Type: text/plain";
		$text = join "\n", 'THE APPLICATION', $line, @headers, '';
	}
	my $n = length $text;
	$text = '' if $method eq 'HEAD';
	syswrite $s, "HTTP/1.0 $first\r\nContent-Length: $n\r\n\r\n$text";
	return;
}

# Sends a body of unknown length in pieces.
sub stream {
	my ($s) = @_;

	syswrite $s, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";
	for my $i (1 .. $CHUNKS) {
		Time::HiRes::sleep(0.01) if $i % 16 == 0;
		syswrite $s, $CHUNK or return;
	}
	return;
}

# Answers a FastCGI request like the HTTP application, with the parameters
# written as headers.
sub by_fastcgi {
	my ($params, $body) = @_;
	my %is = @$params;
	my $path = $is{REQUEST_URI} =~ s/\?.*//r;

	return "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n" .
	    $CHUNK x $CHUNKS if $path =~ m{/stream$};
	my ($first, $text) = special($is{REQUEST_METHOD}, $path, $body);
	return "Status: $first\r\n\r\n$text" if defined $first;
	$text = "THE APPLICATION\n$is{REQUEST_METHOD} $is{REQUEST_URI} " .
	    "$is{SERVER_PROTOCOL}\n";
	while (my ($name, $value) = splice @$params, 0, 2) {
		$text .= "$name: $value\n";
		my @words = $name =~ /^HTTP_(.*)/ ? split /_/, $1 : ();
		$text .= join('-', map { ucfirst lc } @words) . ": $value\n"
		    if @words && $value ne '';
	}
	for my $what (qw(User Groups Email Name)) {
		my $variable = $is{"AUTH_\U$what"} // '';
		$text .= "Remote-$what: $variable\n"
		    if $variable ne '' && !$is{"HTTP_REMOTE_\U$what"};
	}
	return "Content-Type: text/plain\r\n\r\n$text";
}

1;
