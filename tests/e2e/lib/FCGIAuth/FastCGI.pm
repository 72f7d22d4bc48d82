# SPDX-License-Identifier: MIT
# Both ends of FastCGI: a client that sends requests with any parameters, and a
# small server for applications and for fake services.
package FCGIAuth::FastCGI;

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes ();

our @EXPORT_OK = qw(
	fcgi_request fcgi_at_once fcgi_serve fcgi_listen
	header_values record pairs
);

use constant {
	T_BEGIN => 1, T_END => 3, T_PARAMS => 4, T_STDIN => 5, T_STDOUT => 6,
};

sub record {
	my ($type, $id, $content) = @_;
	return pack('CCnnCC', 1, $type, $id, length $content, 0, 0) . $content;
}

sub stream {
	my ($type, $id, $content) = @_;
	my $out = '';

	while ($content ne '') {
		$out .= record($type, $id, substr($content, 0, 65535, ''));
	}
	return $out . record($type, $id, '');
}

sub size {
	my ($n) = @_;
	return $n < 128 ? pack('C', $n) : pack('N', $n | 0x80000000);
}

# The pairs are a list and not a hash, because a name may occur twice.
sub pairs {
	my @list = @_;
	my $out = '';

	while (my ($name, $value) = splice @list, 0, 2) {
		$out .= size(length $name) . size(length $value) .
		    $name . $value;
	}
	return $out;
}

sub dial {
	my ($address) = @_;
	return $address =~ m{^unix:(.*)}
	    ? IO::Socket::UNIX->new(Peer => $1)
	    : IO::Socket::INET->new(PeerAddr => $address, Timeout => 5);
}

# Sends one request. Returns { status, headers => [[name, value]...], body, raw
# }, or nothing when the service closed without an answer or was too slow.
sub fcgi_request {
	my ($address, %arg) = @_;
	return receive(send_request($address, %arg), $arg{timeout});
}

# Sends several requests at once, each on its own connection. All are sent
# before the first answer is read.
sub fcgi_at_once {
	my ($address, @requests) = @_;
	my @sockets = map { send_request($address, %$_) } @requests;

	return map { scalar receive($_, 60) } @sockets;
}

sub receive {
	my ($socket, $timeout) = @_;
	return unless $socket;
	my ($out, $ended) = read_answer($socket, $timeout || 10);
	return unless $ended;
	return parse($out);
}

sub send_request {
	my ($address, %arg) = @_;
	my $socket = dial($address) or return;
	my $role = $arg{authorizer} ? 2 : 1;
	my $bytes = record(T_BEGIN, 1, pack('nCx5', $role, 0)) .
	    stream(T_PARAMS, 1, pairs(@{ $arg{params} }));

	$bytes .= stream(T_STDIN, 1, $arg{body} // '') if $role == 1;
	print {$socket} $bytes;
	$socket->flush;
	return $socket;
}

sub read_answer {
	my ($socket, $limit) = @_;
	my $end = Time::HiRes::time() + $limit;
	my $select = IO::Select->new($socket);
	my ($in, $out, $ended) = ('', '', 0);

	while (!$ended) {
		my $left = $end - Time::HiRes::time();
		last if $left <= 0 || !$select->can_read($left);
		last unless sysread $socket, $in, 65536, length $in;
		while (length $in >= 8) {
			my ($v, $type, $id, $n, $pad) = unpack 'CCnnC', $in;
			last if length $in < 8 + $n + $pad;
			$out .= substr $in, 8, $n if $type == T_STDOUT;
			$ended = 1 if $type == T_END;
			substr $in, 0, 8 + $n + $pad, '';
		}
	}
	return ($out, $ended);
}

sub parse {
	my ($out) = @_;
	my ($head, $body) = split /\r?\n\r?\n/, $out, 2;
	my @headers = map { [ split /:\s*/, $_, 2 ] }
	    split /\r?\n/, defined $head ? $head : '';
	my %answer = (raw => $out, body => $body, headers => \@headers);

	if (@headers && lc $headers[0][0] eq 'status') {
		($answer{status}) = $headers[0][1] =~ /^(\d+)/;
	}
	return \%answer;
}

# Returns all values of a header of an answer.
sub header_values {
	my ($answer, $name) = @_;
	return map { $_->[1] } grep { lc $_->[0] eq lc $name }
	    @{ $answer->{headers} };
}

sub fcgi_listen {
	my ($path) = @_;
	unlink $path;
	return IO::Socket::UNIX->new(Local => $path, Listen => 64)
	    || die "$path: $!";
}

# Serves one request at a time until the process is killed. The handler gets the
# list of parameters and the body. It returns CGI text, or a reference to raw
# bytes that are written unchanged before the connection is closed.
sub fcgi_serve {
	my ($listener, $handler) = @_;
	my $select = IO::Select->new($listener);
	my %buffer;

	while (1) {
		for my $s ($select->can_read) {
			if ($s == $listener) {
				my $new = $listener->accept or next;
				$select->add($new);
				$buffer{$new} = '';
				next;
			}
			my $n = sysread $s, $buffer{$s}, 65536,
			    length $buffer{$s};
			my $open = $n ? answer($s, \$buffer{$s}, $handler) : 0;
			next if $open;
			$select->remove($s);
			delete $buffer{$s};
			close $s;
		}
	}
}

# Returns false when the caller must close the connection.
sub answer {
	my ($s, $buffer, $handler) = @_;
	my ($params, $body, $keep, $at, $done) = ('', '', 0, 0, 0);
	my ($rid, $role) = (1, 1);

	while (length($$buffer) - $at >= 8) {
		my ($v, $type, $id, $n, $pad) =
		    unpack 'CCnnC', substr $$buffer, $at, 8;
		return 1 if length($$buffer) - $at < 8 + $n + $pad;
		my $content = substr $$buffer, $at + 8, $n;
		$at += 8 + $n + $pad;
		$rid = $id;
		($role, $keep) = unpack 'nC', $content if $type == T_BEGIN;
		$params .= $content if $type == T_PARAMS;
		$body .= $content if $type == T_STDIN;
		# Not all servers send the end of the body to an authorizer,
		# which gets no body.
		$done = $n == 0 && $type == ($role == 2 ? T_PARAMS : T_STDIN);
		last if $done;
	}
	return 1 unless $done;
	substr $$buffer, 0, $at, '';
	my $text = $handler->(unpairs($params), $body);
	if (ref $text) {
		syswrite $s, $$text;
		return 0;
	}
	syswrite $s, stream(T_STDOUT, $rid, $text) .
	    record(T_END, $rid, pack('NCx3', 0, 0));
	return $keep & 1;
}

sub unpairs {
	my ($bytes) = @_;
	my @list;

	while ($bytes ne '') {
		my @n;
		for (1 .. 2) {
			my $n = ord substr $bytes, 0, 1;
			my $long = $n & 0x80;
			$n = unpack('N', $bytes) & 0x7fffffff if $long;
			substr $bytes, 0, $long ? 4 : 1, '';
			push @n, $n;
		}
		push @list, substr($bytes, 0, $n[0], ''),
		    substr($bytes, 0, $n[1], '');
	}
	return \@list;
}

1;
