# SPDX-License-Identifier: MIT
# A proxy in front of a server. It counts connections and requests, and its
# commands delay, cut or drop the traffic.
package FCGIAuth::Proxy;

use strict;
use warnings;

use FCGIAuth::Test;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(AF_UNIX IPPROTO_TCP PF_UNSPEC SOCK_STREAM TCP_NODELAY);
use Time::HiRes qw(time);

# to: HOST:PORT, or the path of a unix socket. The proxy listens on the unix
# socket `at`, or else on a TCP port.
sub new {
	my ($class, %arg) = @_;
	my $listener = $arg{at} ?
	    IO::Socket::UNIX->new(Local => $arg{at}, Listen => 128) :
	    IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128)
	    or die "proxy: $!";
	socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC
	    or die "socketpair: $!";
	my $self = bless { control => $here,
		port => $arg{at} ? undef : $listener->sockport }, $class;

	$self->{pid} = spawn('proxy', $arg{log} || '/dev/null', sub {
		close $here;
		local $SIG{PIPE} = 'IGNORE';
		FCGIAuth::Proxy::Child->new(to => $arg{to},
		    listener => $listener, control => $there)->serve;
	});
	close $there;
	return $self;
}

sub port { my ($self) = @_; return $self->{port} }

# Sends a command to the proxy. Returns when the command is in effect.
#
#	pass		forwards all traffic
#	delay SECONDS	delays every answer
#	bytes		forwards one byte at a time in both directions
#	hang		accepts connections and forwards nothing
#	discard		drops all traffic of the existing connections
#			without closing them; new connections work
#	refuse		closes all connections, and new ones at once
#	cut N		cuts the N-th answer from now in its middle
#	lose N		closes the connection in place of the N-th answer from
#			now
#	cuts		returns how many answers were cut or lost
#	connects	returns how many connections were accepted
#	requests	returns how many FastCGI requests have begun
sub tell {
	my ($self, @words) = @_;
	my $control = $self->{control};
	my $answer = '';

	syswrite $control, "@words\n";
	until ($answer =~ /\n/) {
		sysread $control, $answer, 100, length $answer
		    or die "proxy: gone\n";
	}
	chomp $answer;
	return $answer;
}

package FCGIAuth::Proxy::Child;

use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

sub new {
	my ($class, %arg) = @_;
	return bless { %arg, mode => 'pass', value => 0,
		cuts => 0, connects => 0, requests => 0,
		peer => {}, client => {}, asked => {}, dead => {}, queue => [],
		order => '' }, $class;
}

sub serve {
	my ($self) = @_;

	while (1) {
		my @wait = ($self->{listener}, $self->{control});
		push @wait, map { $_->{from} } values %{ $self->{peer} }
		    unless $self->{mode} eq 'hang';
		my $next = @{ $self->{queue} } ?
		    $self->{queue}[0]{due} - time : 60;
		for my $s (IO::Select->new(@wait)
		    ->can_read($next > 0 ? $next : 0)) {
			if ($s == $self->{listener}) {
				$self->take;
			} elsif ($s == $self->{control}) {
				$self->obey or return;
			} else {
				$self->forward($s);
			}
		}
		$self->deliver;
	}
}

sub take {
	my ($self) = @_;
	my $client = $self->{listener}->accept or return;

	$self->{connects}++;
	return if $self->{mode} eq 'refuse';
	my $to = $self->{to};
	my $server = $to =~ m{^/} ? IO::Socket::UNIX->new(Peer => $to) :
	    IO::Socket::INET->new(PeerAddr => $to, Timeout => 5) or return;
	for my $s ($client, $server) {
		setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1
		    if $s->isa('IO::Socket::INET');
	}
	$self->{peer}{$client} = { from => $client, to => $server };
	$self->{peer}{$server} = { from => $server, to => $client };
	$self->{client}{$client} = 1;
	return;
}

sub obey {
	my ($self) = @_;

	sysread $self->{control}, $self->{order}, 100, length $self->{order}
	    or return 0;
	while ($self->{order} =~ s/^(\S+) ?(.*)\n//) {
		my ($word, $value) = ($1, $2);
		my $counter = $word =~ /^(?:cuts|connects|requests)$/;
		my $answer = $counter ? $self->{$word} : 'ok';

		if ($word eq 'discard') {
			$self->{dead}{$_} = 1 for keys %{ $self->{peer} };
		} elsif (!$counter) {
			@$self{qw(mode value)} = ($word, $value || 0);
			$self->{cuts} = 0 if $word =~ /^(?:cut|lose)$/;
		}
		if ($word eq 'refuse') {
			my @all = map { $_->{from} }
			    values %{ $self->{peer} };
			$self->drop($_) for @all;
		}
		syswrite $self->{control}, "$answer\n";
	}
	return 1;
}

sub drop {
	my ($self, $s) = @_;
	my $pair = $self->{peer}{$s} or return;

	for my $end ($s, $pair->{to}) {
		delete $self->{$_}{$end} for qw(peer client asked dead);
		@{ $self->{queue} } = grep { $_->{to} != $end }
		    @{ $self->{queue} };
		close $end;
	}
	return;
}

sub forward {
	my ($self, $s) = @_;
	my $pair = $self->{peer}{$s} or return;
	my $n = sysread $s, my $bytes, 65536;

	if (!$n) {
		$self->drop($s);
		return;
	}
	return if $self->{dead}{$s};
	if ($self->{client}{$s}) {
		$self->{asked}{$s} = 1;
		# A FastCGI request begins with version 1 and BEGIN_REQUEST.
		$self->{requests}++ if $bytes =~ /^\x01\x01/;
		$self->send($pair->{to}, $bytes);
		return;
	}
	my $answer = delete $self->{asked}{ $pair->{to} };
	if ($answer && $self->{mode} =~ /^(?:cut|lose)$/ &&
	    --$self->{value} == 0) {
		my $some = $self->{mode} eq 'cut' ? $n / 2 : 0;
		$self->{mode} = 'pass';
		$self->{cuts}++;
		$self->send($pair->{to}, substr $bytes, 0, $some);
		$self->drop($s);
	} elsif ($self->{mode} eq 'delay') {
		push @{ $self->{queue} }, { due => time + $self->{value},
			to => $pair->{to}, bytes => $bytes };
	} else {
		$self->send($pair->{to}, $bytes);
	}
	return;
}

sub deliver {
	my ($self) = @_;
	my $queue = $self->{queue};

	while (@$queue && $queue->[0]{due} <= time) {
		my $next = shift @$queue;
		$self->send($next->{to}, $next->{bytes});
	}
	return;
}

sub send {
	my ($self, $to, $bytes) = @_;
	my $step = $self->{mode} eq 'bytes' ? 1 : length $bytes;

	for (my $at = 0; $at < length $bytes; $at += $step) {
		syswrite $to, $bytes, $step, $at or return;
		# A short pause now and then lets the receiver see a part of the
		# data.
		Time::HiRes::sleep(0.0002) if $step < length $bytes &&
		    $at % 32 == 7;
	}
	return;
}

1;
