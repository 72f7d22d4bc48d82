# SPDX-License-Identifier: MIT
# Mail by a command and by SMTP, as an administrator tests it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Mta;
use FCGIAuth::Test;
use Test::More;

plan(skip_all => 'no openssl here') unless in_path('openssl');

my $to = 'alice@example.org';

# Returns a daemon that is not started, with these keys in [mail].
sub with_mail {
	my (%keys) = @_;

	return FCGIAuth::Daemon->new(conf => { mail => {
		from => 'Login <login@example.com>', %keys } });
}

# Sends a test message: (exit code, all that was printed).
sub send_test {
	my ($d) = @_;
	my ($code, $out, $errors) = $d->ctl(qw(mail test), $to);

	return ($code, $out . $errors);
}

sub sends {
	my ($mta, $what, %keys) = @_;
	my ($code, $said) = send_test(with_mail(smtp => $mta->url, %keys));

	is("$code $said", "0 sent: 250 2.0.0 queued\n", $what);
	return;
}

# The message must not be sent. $said: what is printed.
sub fails {
	my ($mta, $what, $said, %keys) = @_;
	my $before = $mta->mails;
	my ($code, $text) = send_test(with_mail(smtp => $mta->url, %keys));

	like("$code $text", qr/^1 fcgiauthctl: $said$/, $what);
	is($mta->mails, $before, "$what: nothing is sent");
	return;
}

subtest 'a server without TLS' => sub {
	my $mta = FCGIAuth::Mta->new->start;

	sends($mta, 'tls = no sends', tls => 'no');
	my ($mail) = $mta->mails;
	like($mail, qr/^from: <login\@example\.com>\ntls: no\nto: <$to>\n/m,
	    'the envelope has the two addresses');
	like($mail, qr/^From: "Login"\r\n <login\@example\.com>\r
To: $to\r
Subject: Test message of fcgiauth\r
Date: .*? \+0000\r
Message-ID: <[0-9a-f]{32}\@example\.com>\r
Auto-Submitted: auto-generated\r\n/m, 'the message has its headers');
	fails($mta, 'TLS is required by default', 'not sent: .*');
	$mta->stop;
	my ($code, $said) = send_test(with_mail(smtp => $mta->url,
	    tls => 'no'));
	like("$code $said", qr/^1 fcgiauthctl: not sent: Failed to connect/,
	    'a server that is away');
};

for my $tls (qw(starttls smtps)) {
	subtest "a server with $tls" => sub {
		my $mta = FCGIAuth::Mta->new(tls => $tls)->start;
		my %ca = (ca_file => $mta->ca_file);

		sends($mta, 'its certificate is good', %ca);
		like(($mta->mails)[0], qr/^tls: yes$/m, 'TLS was used');
		fails($mta, 'an unknown authority', 'not sent: SSL .*');
		fails($mta, 'another name', 'not sent: SSL: .*', %ca,
		    smtp => $mta->url('127.0.0.1'));
		$mta->stop;
	};
}

subtest 'a server that asks for a password' => sub {
	my $mta = FCGIAuth::Mta->new(tls => 'starttls', user => 'fcgiauth',
	    password => 'pass; word')->start;
	my %keys = (ca_file => $mta->ca_file, username => 'fcgiauth',
	    password => '"pass; word"');
	my $file = tempdir();

	sends($mta, 'the right one', %keys);
	like(($mta->mails)[0], qr/^user: fcgiauth$/m, 'the user has signed in');
	fails($mta, 'a wrong one', 'not sent: 535 5.7.8 wrong password', %keys,
	    password => 'wrong');
	fails($mta, 'none', 'not sent: 530 5.7.0 sign in first', %keys,
	    username => undef, password => undef);
	spit("$file/password", "pass; word\n");
	sends($mta, 'one from a file', %keys, password => undef,
	    password_file => "$file/password");

	my $d = with_mail(smtp => $mta->url, %keys);
	my ($code, $out) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--dump-config');
	like($out, qr/^password = \*\*\*$/m, '--dump-config masks it');
	unlike($out, qr/pass; word/, 'it is nowhere else');
	$mta->stop;
};

subtest 'a server that refuses' => sub {
	my $mta = FCGIAuth::Mta->new->start;
	my @rows = (
		[ rcpt => '450 4.2.0 later', 'not sent: 450 4.2.0 later' ],
		[ rcpt => '550 5.1.1 unknown',
		  'refused permanently: 550 5.1.1 unknown' ],
		[ rcpt => "550-5.1.1 one\n550 5.1.1 two",
		  'refused permanently: 550 5.1.1 two' ],
		[ mail => '451 4.3.0 later', 'not sent: 451 4.3.0 later' ],
		[ mail => '553 5.1.8 sender',
		  'refused permanently: 553 5.1.8 sender' ],
		[ message => '452 4.3.1 full', 'not sent: 452 4.3.1 full' ],
		[ message => '554 5.7.1 spam',
		  'refused permanently: 554 5.7.1 spam' ],
		[ message => 'disconnect', 'not sent: .*' ],
		[ rcpt => 'disconnect', 'not sent: .*' ],
		[ greeting => '421 4.3.2 busy', 'not sent: 421 4.3.2 busy' ],
		[ greeting => '554 5.3.2 no service',
		  'not sent: 554 5.3.2 no service' ],
		[ greeting => 'disconnect', 'not sent: .*' ],
		[ greeting => 'nonsense', 'not sent: .*' ],
	);

	for (@rows) {
		my ($to, $answer, $said) = @$_;

		$mta->answer($to => $answer);
		fails($mta, $answer =~ s/\n/ /r . " to $to", $said, tls => 'no');
		$mta->answer($to => undef);
	}
	$mta->answer(quit => '500 no');
	sends($mta, 'what comes after the message does not matter',
	    tls => 'no');
	$mta->stop;
};

subtest 'a command' => sub {
	my $dir = tempdir();
	my $program = "$dir/sendmail";

	spit($program, "#!/bin/sh\ncat >$dir/message\n" .
	    "echo \"\$@\" >$dir/words\n. $dir/end\n");
	chmod 0755, $program, $dir;
	spit("$dir/end", "exit 0\n");
	my $d = with_mail(command => "$program -t -i");
	my ($code, $said) = send_test($d);
	is("$code $said", "0 sent\n", 'exit status 0: the message is sent');
	is(slurp("$dir/words"), "-t -i\n", 'the command gets its arguments');
	like(slurp("$dir/message"), qr/^To: $to\nSubject: Test/m,
	    'the command gets the message');
	spit("$dir/end", "echo no such user >&2; exit 67\n");
	($code, $said) = send_test($d);
	is("$code $said",
	    "1 fcgiauthctl: refused permanently: exit status 67: "
	    . "no such user\n",
	    'exit status 67: it is refused');
	spit("$dir/end", "exit 75\n");
	($code, $said) = send_test($d);
	is("$code $said", "1 fcgiauthctl: not sent: exit status 75\n",
	    'exit status 75: later');

	chmod 0644, $program;
	my $problem = "$d->{file}: [mail] command: cannot be executed: " .
	    "Permission denied\n";
	(undef, undef, $said) = capture(bin('fcgiauthd'), '-c', $d->{file},
	    '--check');
	is($said, $problem, '--check finds a command that cannot be run');
	(undef, undef, $said) = $d->ctl(qw(config check));
	is($said, $problem, 'config check finds it, too');
	($code, $said) = send_test($d);
	is("$code $said", "1 fcgiauthctl: [mail] command: cannot be executed: "
	    . "Permission denied\n", 'mail test names the key');
};

subtest 'what mail test refuses' => sub {
	my ($code, undef, $errors) = FCGIAuth::Daemon->new->ctl(
	    qw(mail test), $to);
	is("$code $errors", '1 fcgiauthctl: mail is not configured: set from, '
	    . "and smtp or command, in [mail]\n", 'no [mail]');
	my $d = with_mail(command => '/bin/true');
	for (my @addresses = ('alice', 'a@b,c@d', "a\@b\nBcc: c\@d", 'A <a@b>',
	    '', "b\xc3\xbc\@b")) {
		my $address = $_;
		($code) = $d->ctl(qw(mail test), $address);
		$address =~ s/\n/ /;
		is($code, 2, "the address '$address'");
	}
};

done_testing;
