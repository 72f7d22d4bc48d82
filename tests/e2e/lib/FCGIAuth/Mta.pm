# SPDX-License-Identifier: MIT
# A mail server that keeps each message in a file, and answers as a test says.
#
#	FCGIAuth::Mta->new(tls => 'starttls')->start
#
# tls: starttls or smtps; without it, the server knows no TLS. user, password:
# what a client must sign in with. The certificate is for localhost only.
package FCGIAuth::Mta;

use strict;
use warnings;

use FCGIAuth::Test;
use IO::Socket::INET;
use IO::Socket::SSL;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes ();

sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg, dir => tempdir(), port => free_port() }, $class;

	mkdir "$self->{dir}/kept" or die "mkdir: $!";
	if ($self->{tls}) {
		system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 ' .
		    '-subj /CN=localhost -addext subjectAltName=DNS:localhost '
		    . "-keyout $self->{dir}/key.pem -out $self->{dir}/cert.pem "
		    . '2>/dev/null') == 0 or die 'openssl req';
	}
	return $self;
}

sub port { my ($self) = @_; return $self->{port} }
sub ca_file { my ($self) = @_; return "$self->{dir}/cert.pem" }

sub url {
	my ($self, $host) = @_;
	my $scheme = ($self->{tls} // '') eq 'smtps' ? 'smtps' : 'smtp';

	return "$scheme://" . ($host // 'localhost') . ":$self->{port}";
}

sub start {
	my ($self) = @_;

	$self->{pid} = spawn('mta', "$self->{dir}/log",
	    sub { $self->serve });
	wait_for(15, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $self->{port}) });
	return $self;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'TERM', $pid;
	return reap($pid, 10);
}

# From now on, the server answers `answer` to a command (ehlo, mail, rcpt), to
# the connection (greeting) or to the message (message): a reply, `silence` or
# `disconnect`. Without an answer it does as it should.
sub answer {
	my ($self, $to, $answer) = @_;

	if (defined $answer) {
		spit("$self->{dir}/$to.new", $answer);
		rename "$self->{dir}/$to.new", "$self->{dir}/$to"
		    or die "rename: $!";
	} else {
		unlink "$self->{dir}/$to";
	}
	return $self;
}

# Returns the messages in the order in which they came. Each begins with lines
# about the envelope and the connection: from, to, tls, user.
sub mails {
	my ($self) = @_;
	return map { slurp($_) } sort glob "$self->{dir}/kept/*.eml";
}

# Returns how often the server was asked to do something: greeting, rcpt, ...
sub asked {
	my ($self, $what) = @_;
	my @times = slurp("$self->{dir}/log") =~ /^$what$/mg;

	return scalar @times;
}

sub serve {
	my ($self) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => $self->{port}, Listen => 16, ReuseAddr => 1)
	    or die "listen: $!";

	$| = 1;
	$SIG{CHLD} = 'IGNORE';
	setpgrp;
	$SIG{TERM} = sub { local $SIG{TERM} = 'IGNORE'; kill 'TERM', -$$;
		POSIX::_exit(0) };
	while (1) {
		my $client = $listener->accept or next;
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			$SIG{TERM} = 'DEFAULT';
			eval { $self->session($client) };
			print "died: $@" if $@;
			POSIX::_exit(0);
		}
		close $client;
	}
}

# Answers; returns false when the session must end.
sub reply {
	my ($self, $s, $to, $usual) = @_;
	my $text = slurp("$self->{dir}/$to");

	print "$to\n";
	$text = $usual if $text eq '';
	if ($text eq 'silence') {
		sleep 1 while 1;
	}
	return 0 if $text eq 'disconnect';
	print {$s} map { "$_\r\n" } split /\n/, $text;
	return $text eq $usual;
}

sub encrypt {
	my ($self, $s) = @_;

	return IO::Socket::SSL->start_SSL($s, SSL_server => 1,
	    SSL_cert_file => "$self->{dir}/cert.pem",
	    SSL_key_file => "$self->{dir}/key.pem") ||
	    die "TLS: $IO::Socket::SSL::SSL_ERROR\n";
}

sub session {
	my ($self, $s) = @_;
	my %mail = (from => '', to => '', tls => 'no', user => '');
	my $starttls = ($self->{tls} // '') eq 'starttls';

	$s->autoflush(1);
	if (($self->{tls} // '') eq 'smtps') {
		$s = $self->encrypt($s);
		$mail{tls} = 'yes';
	}
	$self->reply($s, 'greeting', '220 mta.test ESMTP') or return;
	while (my $line = <$s>) {
		my ($verb, $rest) = $line =~ /^(\w+)\s*(.*?)\r\n$/ or die;
		$verb = lc $verb;
		if ($verb eq 'ehlo') {
			my @more = $starttls && $mail{tls} eq 'no' ?
			    'STARTTLS' : defined $self->{user} ? 'AUTH PLAIN' :
			    '8BITMIME';
			$self->reply($s, 'ehlo',
			    join "\n", '250-mta.test', "250 @more");
		} elsif ($verb eq 'starttls') {
			print {$s} "220 go on\r\n";
			$s = $self->encrypt($s);
			$mail{tls} = 'yes';
		} elsif ($verb eq 'auth') {
			my ($code) = $rest =~ /^PLAIN ?(.*)/ or die;
			if ($code eq '') {
				print {$s} "334 \r\n";
				$code = <$s>;
			}
			(undef, my $user, my $password) =
			    split /\0/, decode_base64($code);
			my $good = $user eq $self->{user} &&
			    $password eq $self->{password};
			$mail{user} = $user if $good;
			print {$s} $good ? "235 2.7.0 welcome\r\n" :
			    "535 5.7.8 wrong password\r\n";
		} elsif ($verb eq 'mail') {
			my $usual = '250 2.1.0 sender ok';
			$usual = '530 5.7.0 sign in first'
			    if defined $self->{user} && $mail{user} eq '';
			$mail{from} = $rest =~ s/^FROM://ir;
			$self->reply($s, 'mail', $usual);
		} elsif ($verb eq 'rcpt') {
			$mail{to} = $rest =~ s/^TO://ir;
			$self->reply($s, 'rcpt', '250 2.1.5 recipient ok')
			    or slurp("$self->{dir}/rcpt") ne 'disconnect'
			    or return;
		} elsif ($verb eq 'data') {
			print {$s} "354 go on\r\n";
			$self->take($s, \%mail) or return;
		} elsif ($verb eq 'quit') {
			$self->reply($s, 'quit', '221 bye');
			return;
		} else {
			print {$s} "502 5.5.1 unknown command\r\n";
		}
	}
	return;
}

sub take {
	my ($self, $s, $mail) = @_;
	my $text = join '', map { "$_: $mail->{$_}\n" } sort keys %$mail;
	my $ended;

	while (my $line = <$s>) {
		if ($line eq ".\r\n") {
			$ended = 1;
			last;
		}
		$text .= $line =~ s/^\.\././r;
	}
	return 0 if !$ended;
	my $answer = slurp("$self->{dir}/message");
	if ($answer eq '') {
		my $name = sprintf "$self->{dir}/kept/%017.6f.%d",
		    Time::HiRes::time(), $$;
		spit("$name.new", $text);
		rename "$name.new", "$name.eml" or die "rename: $!";
	}
	return $self->reply($s, 'message', '250 2.0.0 queued') ||
	    $answer ne 'disconnect';
}

1;
