# SPDX-License-Identifier: MIT
# An HTTP client with a cookie jar. It sends exactly what the caller asks for,
# like a browser or a program, and keeps its connection when it can. Unlike a
# browser it also sends invalid requests.
package FCGIAuth::Client;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes ();

sub new {
	my ($class, %arg) = @_;
	return bless {
		host => '127.0.0.1',
		port => $arg{port},
		timeout => $arg{timeout} || 20,
		jar => {},
		paths => {},
		ends => {},
		connections => 0,
	}, $class;
}

sub origin { my ($self) = @_; return "http://$self->{host}:$self->{port}" }

# Returns the cookies as name => value and removes those that have expired.
sub jar {
	my ($self) = @_;
	my $ends = $self->{ends};

	for my $name (grep { $ends->{$_} <= Time::HiRes::time() } keys %$ends) {
		delete $self->{$_}{$name} for qw(jar paths ends);
	}
	return $self->{jar};
}

# The headers that a browser sends when a person follows a link, and those that
# a script sends.
our @NAVIGATE = (
	'Accept' => 'text/html,application/xhtml+xml,*/*;q=0.8',
	'Sec-Fetch-Mode' => 'navigate',
	'Sec-Fetch-Site' => 'same-origin',
);
our @XHR = (
	'Accept' => 'application/json',
	'X-Requested-With' => 'XMLHttpRequest',
);

# headers: a list of names and values. The function adds a Host and the cookies
# of the jar unless the list has them. Returns FCGIAuth::Client::Answer. Its
# status is 0 when the connection broke or was too slow.
sub request {
	my ($self, $method, $target, %arg) = @_;
	my $text = $self->compose($method, $target, %arg);

	for my $try (1, 2) {
		my $fresh = !$self->{socket};
		my $answer = $self->exchange($text, $method eq 'HEAD');
		if ($answer) {
			$self->store_cookies($answer);
			return $answer;
		}
		last if $fresh;	# a kept connection may have been closed
	}
	return FCGIAuth::Client::Answer->new(0, [], '');
}

# Sends a request, and does not wait for its answer. The arguments are those of
# request(), and finish() returns the answer.
sub begin {
	my ($self, $method, $target, %arg) = @_;

	$self->dial or die "connect: $!\n";
	$self->put($self->compose($method, $target, %arg));
	return $self;
}

sub finish {
	my ($self) = @_;
	my $answer = $self->take;

	$self->store_cookies($answer) if $answer;
	return $answer || FCGIAuth::Client::Answer->new(0, [], '');
}

# Returns the text of a request.
sub compose {
	my ($self, $method, $target, %arg) = @_;
	my @headers = @{ $arg{headers} || [] };
	my %has = map { lc $headers[ 2 * $_ ] => 1 } 0 .. @headers / 2 - 1;
	my $body = $arg{body};
	my $text = "$method $target HTTP/1.1\r\n";

	unshift @headers, Host => "$self->{host}:$self->{port}"
	    unless $has{host} || $arg{no_host};
	my $cookies = $self->cookie_line($target);
	push @headers, Cookie => $cookies if !$has{cookie} && $cookies ne '';
	push @headers, 'Content-Length' => length($body // '')
	    if (defined $body || $method =~ /^P/) && !$has{'content-length'} &&
	    !$has{'transfer-encoding'};
	while (my ($name, $value) = splice @headers, 0, 2) {
		$text .= "$name: $value\r\n";
	}
	return "$text\r\n" . (defined $body ? $body : '');
}

sub get { my ($self, $t, @h) = @_;
	return $self->request(GET => $t, headers => \@h) }
sub page { my ($self, $t, @h) = @_;
	return $self->request(GET => $t, headers => [ @NAVIGATE, @h ]) }
sub xhr { my ($self, $t, @h) = @_;
	return $self->request(GET => $t, headers => [ @XHR, @h ]) }

# Sends the request of a browser that opens a web socket, and closes the
# connection after the answer.
sub upgrade {
	my ($self, $target, @headers) = @_;
	my $answer = $self->request(GET => $target, headers => [
		'Connection' => 'Upgrade', 'Upgrade' => 'websocket',
		'Sec-WebSocket-Version' => 13,
		'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==',
		'Sec-Fetch-Mode' => 'websocket', @headers ]);

	$self->close;
	return $answer;
}

# Sends a form like a browser that shows a page of this site.
sub post_form {
	my ($self, $target, $fields, @headers) = @_;
	return $self->request(POST => $target,
	    headers => [
		@NAVIGATE, Origin => $self->origin,
		'Content-Type' => 'application/x-www-form-urlencoded',
		@headers
	    ],
	    body => form(@$fields));
}

sub post_json {
	my ($self, $target, $data, @headers) = @_;
	return $self->request(POST => $target,
	    headers => [
		'Content-Type' => 'application/json',
		'Accept' => 'application/json', @headers
	    ],
	    body => ref $data ? JSON::PP->new->canonical->encode($data) : $data);
}

sub form {
	my @list = @_;
	my @out;

	while (my ($name, $value) = splice @list, 0, 2) {
		push @out, escape($name) . '=' . escape($value);
	}
	return join '&', @out;
}

sub escape {
	my ($s) = @_;
	$s =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
	return $s;
}

# Returns the cookies of the jar whose Path matches the target.
sub cookie_line {
	my ($self, $target) = @_;

	$target //= '/';
	my $jar = $self->jar;
	return join '; ', map { "$_=$jar->{$_}" } grep {
		my $path = $self->{paths}{$_} // '/';
		$path eq '/' || $target =~ m{^\Q$path\E(?:[/?]|$)};
	} sort keys %$jar;
}

sub store_cookies {
	my ($self, $answer) = @_;

	for my $line ($answer->all('set-cookie')) {
		my ($name, $value, $rest) = $line =~ /^([^=;]+)=([^;]*)(.*)/
		    or next;
		my ($age) = $rest =~ /;\s*Max-Age=(\d+)/i;
		$self->{jar}{$name} = $value;
		($self->{paths}{$name}) = $rest =~ /;\s*Path=([^;]+)/i;
		delete $self->{ends}{$name};
		$self->{ends}{$name} = Time::HiRes::time() + $age
		    if defined $age;
	}
	return;
}

sub close {
	my ($self) = @_;
	delete $self->{socket};
	$self->{rest} = '';
	return;
}

sub exchange {
	my ($self, $text, $head_only) = @_;

	$self->dial or return;
	$self->put($text);
	return $self->take($head_only);
}

# Connects unless there is a connection.
sub dial {
	my ($self) = @_;

	return 1 if $self->{socket};
	$self->{socket} = IO::Socket::INET->new(
	    PeerAddr => "$self->{host}:$self->{port}",
	    Timeout => $self->{timeout}) or return;
	$self->{socket}->autoflush(1);
	$self->{connections}++;
	$self->{rest} = '';
	return 1;
}

sub put {
	my ($self, $text) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $sent = 0;

	while ($sent < length $text) {
		my $n = syswrite $self->{socket}, $text,
		    length($text) - $sent, $sent;
		last unless defined $n;	# there may be an answer
		$sent += $n;
	}
	return;
}

# Returns the answer, or nothing when the connection broke or was too slow.
sub take {
	my ($self, $head_only) = @_;
	my $answer = eval { $self->read_answer($head_only) };
	my $keep = $answer && $answer->{keep};
	$self->close unless $keep;
	return $answer;
}

# Reads more bytes. Dies when the time is over or reading fails.
sub fill {
	my ($self, $end) = @_;
	my $left = $end - Time::HiRes::time();

	die "slow\n" if $left <= 0 ||
	    !IO::Select->new($self->{socket})->can_read($left);
	my $n = sysread $self->{socket}, $self->{rest}, 65536,
	    length $self->{rest};
	die "read: $!\n" unless defined $n;
	return $n;
}

sub read_answer {
	my ($self, $head_only) = @_;
	my $end = Time::HiRes::time() + $self->{timeout};
	my ($head, $body) = ('', '');

	until (($head) = $self->{rest} =~ /^(.*?)\r\n\r\n/s) {
		$self->fill($end) or die "closed\n";
	}
	substr $self->{rest}, 0, length($head) + 4, '';
	my ($first, @lines) = split /\r\n/, $head;
	my ($status) = $first =~ m{^HTTP/1\.[01] (\d{3})} or die "not HTTP\n";
	return $self->read_answer($head_only) if $status == 100;
	my $answer = FCGIAuth::Client::Answer->new($status,
	    [ map { [ split /:\s*/, $_, 2 ] } @lines ], '');
	my $length = $answer->header('content-length');

	if ($head_only || $status =~ /^(?:1..|204|304)$/) {
		;
	} elsif (lc($answer->header('transfer-encoding') // '') eq 'chunked') {
		while (1) {
			my $line;
			until (($line) = $self->{rest} =~
			    /^([0-9a-fA-F]+[^\r\n]*\r\n)/) {
				$self->fill($end) or die "closed\n";
			}
			substr $self->{rest}, 0, length $line, '';
			my $n = hex(($line =~ /^([0-9a-fA-F]+)/)[0]);
			while (length $self->{rest} < $n + 2) {
				$self->fill($end) or die "closed\n";
			}
			$body .= substr $self->{rest}, 0, $n, '';
			substr $self->{rest}, 0, 2, '';
			last if $n == 0;
		}
	} elsif (defined $length) {
		while (length $self->{rest} < $length) {
			$self->fill($end) or die "closed\n";
		}
		$body = substr $self->{rest}, 0, $length, '';
	} else {
		1 while $self->fill($end);
		$body = $self->{rest};
		$answer->{keep} = 0;
	}
	$answer->{body} = $body;
	$answer->{keep} = 0
	    if lc($answer->header('connection') // '') eq 'close';
	return $answer;
}

package FCGIAuth::Client::Answer;

sub new {
	my ($class, $status, $headers, $body) = @_;
	return bless { status => $status, headers => $headers,
		body => $body, keep => 1 }, $class;
}

sub status { return $_[0]{status} }
sub body { return $_[0]{body} }

sub all {
	my ($self, $name) = @_;
	return map { $_->[1] } grep { lc $_->[0] eq lc $name }
	    @{ $self->{headers} };
}

sub header {
	my ($self, $name) = @_;
	my @all = $self->all($name);
	return @all ? join(', ', @all) : undef;
}

# Returns the parsed body, or undef when it is not JSON.
sub json {
	my ($self) = @_;
	return eval { JSON::PP->new->utf8->decode($self->{body}) };
}

# Returns the value of an input element of the page.
sub field {
	my ($self, $name) = @_;
	my ($tag) = $self->{body} =~ /(<input\b[^>]*\bname="\Q$name\E"[^>]*>)/
	    or return;
	my ($value) = $tag =~ /\bvalue="([^"]*)"/;
	return unless defined $value;
	my %char = (amp => '&', lt => '<', gt => '>', quot => '"', '#39' => "'");
	$value =~ s/&(amp|lt|gt|quot|#39);/$char{$1}/g;
	return $value;
}

1;
