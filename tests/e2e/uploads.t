# SPDX-License-Identifier: MIT
# Uploads of visitors are refused before the body is read, and forms get a page.
# The tests measure what each web server reads of a body before it answers, and
# that it writes nothing to disk.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Client;
use FCGIAuth::Site;
use FCGIAuth::Test;
use IO::Select;
use IO::Socket::INET;
use Test::More;

my $LENGTH = 60_000_000;
my ($d, $n) = start_site(conf => { auth => { mode => 'refresh' },
	jwt => { keys => tempdir() . '', issuer => 'https://x.example',
		audience => 'x' } });

# Sends the header and then the body until there is an answer. Returns the
# status, the number of bytes sent, and the answer.
sub upload {
	my ($method, $target, @headers) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $n->port)
	    or die "connect: $!";
	my ($sent, $answer, $piece, $left) = (0, '', 'x' x 65536, '');
	my $chunked = grep { /chunked/ } @headers;

	local $SIG{PIPE} = 'IGNORE';
	print $s join "\r\n", "$method $target HTTP/1.1", 'Host: localhost:' .
	    $n->port, @headers, $chunked ? () : "Content-Length: $LENGTH",
	    '', '';
	$s->flush;
	$s->blocking(0);
	$piece = "10000\r\n$piece\r\n" if $chunked;
	my $end = time + 30;
	while (time < $end) {
		my $more = $left ne '' || $sent < $LENGTH || $chunked;
		my $can = IO::Select->new($s);
		if ($can->can_read($more && $can->can_write(0) ? 0 : 1)) {
			last unless sysread $s, $answer, 65536, length $answer;
			last if $answer =~ /\r\n\r\n.*(?:<\/html>|\})/s;
			next;
		}
		next unless $more;
		if ($left eq '') {
			$left = $sent < $LENGTH ? $piece : "0\r\n\r\n";
			$left = substr $left, 0, $LENGTH - $sent
			    if !$chunked;
			$chunked = 0 if $sent >= $LENGTH;
		}
		my $wrote = syswrite $s, $left;
		substr $left, 0, $wrote // 0, '';
		$sent += $wrote // 0;
	}
	my ($status) = $answer =~ m{^HTTP/1.1 (?!100)(\d+)}m;
	return ($status // 0, $sent, $answer);
}

sub written { return scalar grep { -s } glob "$n->{dir}/client_body/*" }

my @person = ('Accept: text/html', 'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-Site: cross-site', 'Content-Type: text/plain');
my %uploads = (
	'a program' => [ 'PUT', '/x', 401, 'Accept: */*' ],
	'a program that waits' => [ 'PUT', '/x', 401, 'Accept: */*',
		'Expect: 100-continue' ],
	'a program, in pieces' => [ 'POST', '/x', 401, 'Accept: */*',
		'Transfer-Encoding: chunked' ],
	'a person' => [ 'POST', '/x', 401, @person ],
	'a person, in pieces' => [ 'POST', '/x', 401, @person,
		'Transfer-Encoding: chunked' ],
	'to be repeated' => [ 'POST', '/auth/repeat?rd=/x', 401, @person ],
	'to be repeated, in pieces' => [ 'POST', '/auth/repeat?rd=/x', 401,
		@person, 'Transfer-Encoding: chunked' ],
);

for my $who (sort keys %uploads) {
	my ($method, $target, $status, @headers) = @{ $uploads{$who} };
	my ($is, $sent, $answer) = upload($method, $target, @headers);

	is($is, $status, "$who: the status is $status");
	like($answer, $who =~ /program/ ? qr/"unauthorized"/
	    : qr/Your form was not sent/,
	    "$who: the answer has a suitable form");
	# These bytes may be in transit when the answer is written. Apache reads
	# the whole body and discards it.
	cmp_ok($sent, '<', 20_000_000,
	    "$who: the answer comes after $sent bytes")
	    if web_name() ne 'apache';
}
is(written(), 0, 'no body was written to disk');

# A form of the usual size does not end the connection.
my $client = $n->client;
for (1, 2) {
	my $a = $client->request(POST => '/x', headers => [
		Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate',
		'Sec-Fetch-Site' => 'cross-site' ], body => 'x' x 10_000);
	is($a->status, 401, 'a form of the usual size is refused');
}
is($client->{connections}, 1, 'both forms use one connection')
    if web_name() eq 'nginx';

$d->stop_ok;
done_testing;
