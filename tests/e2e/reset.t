# SPDX-License-Identifier: MIT
# Forgotten passwords: a person asks for a link, which arrives by mail.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Mta;
use FCGIAuth::Site;
use FCGIAuth::Test;
use MIME::Base64 qw(decode_base64);
use Test::More;

my $mta = FCGIAuth::Mta->new->start;
my ($d, $n) = start_site();
my $own = $n->client->origin;
my $count = 0;
my @links; # that were sent
my $trusted = '127.0.0.0/8'; # the limit of an address does not count

$d->ctl(qw(user set bob --email bob@example.com));
$d->add_user('twin1', email => 'twins@example.com');
$d->add_user('twin2', email => 'twins@example.com');
$d->add_user('silent');
$d->add_user('gone', email => 'gone@example.com');
$d->ctl(qw(user disable gone));

# Waits until the settings are those that the test has written.
sub reload_until {
	my ($status) = @_;
	$d->reload;
	return wait_for(15, sub {
		$n->client->page('/auth/reset')->status == $status });
}

$d->configure(server => { hosts => $own }, account => { reset => 'mail' },
    users => { case => 'fold', email => 'yes' },
    mail => { from => 'Login <login@example.com>', smtp => $mta->url,
	tls => 'no' }, limits => { trusted => $trusted });
ok(reload_until(200), 'there is a page for a forgotten password') or
    diag($d->log_text);

sub ask {
	my ($name, @headers) = @_;
	my $c = $n->client;
	my $page = $c->page('/auth/reset');
	return $c->post_form('/auth/reset', [ username => $name,
		csrf => $page->field('csrf') // '' ], @headers);
}

# Asks by a program: 202.
sub ask_json {
	my ($name, @headers) = @_;
	return $n->client->post_json('/auth/reset', { username => $name },
	    @headers)->status;
}

# Returns (header, text) of the mails whose text has this.
sub mails_with {
	my ($has) = @_;
	my @found;

	for my $mail ($mta->mails) {
		my ($head, $body) = split /\r\n\r\n/, $mail, 2;
		$body = decode_base64($body) if $head =~ /base64/;
		$body =~ s/\r//g;
		push @found, [ $head, $body ] if $body =~ $has;
	}
	return @found;
}

# Waits for the next mail with a link for a user, and returns it and the link.
my %seen;
sub next_mail {
	my ($user, $within) = @_;
	my $mail;

	my $arrived = wait_for($within // 30, sub {
		my @all = mails_with(qr{the account \Q$user\E\b.*/auth/link/}s);
		return if @all <= ($seen{$user} // 0);
		return $mail = $all[$seen{$user} // 0];
	});
	ok($arrived, "a mail with a link for $user arrives") or
	    return ([ '', '' ], '/none');
	$seen{$user}++;
	my ($path) = $mail->[1] =~ m{^\Q$own\E(/auth/link/[\w-]{43})$}m;
	push @links, $path if $path;
	return ($mail, $path // '/none');
}

sub use_link {
	my ($path, $password) = @_;
	my $c = $n->client;
	my $page = $c->page($path);
	return $c->post_form($path, [ csrf => $page->field('csrf') // '',
		new => $password, again => $password ]);
}

sub audited {
	my ($what) = @_;
	return wait_for(30, sub { $d->log_text =~ /reset_asked $what/ });
}

subtest 'from the login page to a new password' => sub {
	my ($old, $new) = ($n->client, 'a quite different phrase');
	json_sign_in($old, 'alice');
	my $login = $n->client->page('/auth/login?rd=%2Fapp%2F');
	like($login->body, qr{href="/auth/reset\?rd=%2Fapp%2F"},
	    'the login page leads there');
	my $a = ask('alice');
	is($a->status, 303, 'the request is taken');
	is($a->header('location'), '/auth/reset?sent=1', 'a page follows');
	like($n->client->page('/auth/reset?sent=1')->body, qr/spam folder/,
	    'which says what to do');

	my ($mail, $path) = next_mail('alice');
	like($mail->[0], qr/^To: alice\@example\.com\r$/m, 'to the address');
	like($mail->[0], qr/^Subject: A new password for your account\r$/m,
	    'with a constant subject');
	like($mail->[0], qr/^Auto-Submitted: /m, 'as an automatic one');
	like($mail->[1], qr/from the address 127\.0\.0\.1\./,
	    'the text says who asked');
	ok(audited('user=alice why=sent '), 'the log says so');
	for (1, 2) {
		is($n->client->page($path)->status, 200,
		    'a scanner opens the link');
	}
	is($old->xhr('/auth/me')->status, 200, 'nothing has changed');
	is(use_link($path, $new)->status, 303, 'the password is set');
	is($old->xhr('/auth/me')->status, 401, 'the sessions have ended');
	is($n->client->page($path)->status, 404, 'the link is used up');
	is(json_sign_in($n->client, 'alice', password => $new)->status, 200,
	    'the new password is right');
	ok(wait_for(30, sub { mails_with(
	    qr/password of the account alice was changed/) == 1 }),
	    'a notice says that it was changed');
};

subtest 'a password that an administrator sets' => sub {
	my ($code, undef, $errors) = $d->ctl(\"$PASSWORD\n",
	    qw(user passwd alice --password-stdin));
	is($code, 0, 'fcgiauthctl user passwd');
	unlike($errors, qr/warning/, 'without a warning');
	ok(wait_for(30, sub { mails_with(
	    qr/^An administrator .* for the account alice\./m) }),
	    'the user is told');
};

subtest 'a newer mail voids the link of an older one' => sub {
	is(ask_json('bob'), 202, 'a program can ask, too');
	my (undef, $first) = next_mail('bob');
	is(ask_json('BOB@Example.com'), 202,
	    'an address in another case is taken');
	my (undef, $second) = next_mail('bob');
	is(ask_json(' Bob '), 202, 'and a name in another case');
	my (undef, $third) = next_mail('bob');
	is($n->client->page($_)->status, 404, 'an old link is dead')
	    for $first, $second;
	is($n->client->page($third)->status, 200,
	    'the newest one works');
	is(ask_json('bob'), 202, 'one more is taken');
	ok(audited('user=bob why=limited '), 'but not sent');
	is($n->client->page($third)->status, 200,
	    'and voids nothing');
};

subtest 'a stranger voids no link of an administrator' => sub {
	my ($code, $out, $errors) = $d->ctl(qw(link reset alice));
	my ($path) = $out =~ m{(/auth/link/\S+)} or diag($errors);
	is(ask_json('alice'), 202, 'somebody asks for a mail');
	my (undef, $by_mail) = next_mail('alice');
	is($n->client->page($_)->status, 200, 'both links work')
	    for $path, $by_mail;
	is(use_link($by_mail, 'yet another long phrase')->status, 303,
	    'one sets the password');
	is($n->client->page($path)->status, 404, 'then the other is dead');
};

# With a pause after each 20, the last one would wait for a minute.
subtest 'many requests hold up nobody' => sub {
	my $c = $n->client;
	my @answers = map { $c->post_json('/auth/reset',
		{ username => "nobody$_" })->status } 1 .. 600;
	is(scalar(grep { $_ == 202 } @answers), 600, 'strangers ask');
	is(ask_json('late'), 202, 'and another person');
	ok(audited('user=late why=unknown_user'), 'whose request is handled');
};

subtest 'nobody learns who has an account' => sub {
	my @kinds = ([ 'nobody', 'unknown_user' ],
	    [ 'twins@example.com', 'ambiguous_name' ],
	    [ 'silent', 'no_address' ], [ 'gone', 'disabled' ],
	    [ "x\r\nBcc: evil\@example.com", 'unknown_user' ],
	    [ 'bob', 'limited' ]);
	my $plain = ask('alice');
	next_mail('alice');
	my %all = (shape($plain) => 1);
	for (@kinds) {
		my ($name, $why) = @$_;
		$all{ shape(ask($name)) }++;
		ok(audited(".*why=$why "), "$why is in the log");
	}
	is(scalar keys %all, 1, 'all answers are the same');
	is(scalar(mails_with(qr{/auth/link/})), scalar(@links),
	    'nobody else gets a link');
	unlike(join('', $mta->mails), qr/evil/, 'no header is injected');
};

# Returns an answer without what differs from request to request.
sub shape {
	my ($a) = @_;
	return join "\n", $a->status, $a->header('location') // '',
	    sort(map { lc } grep { defined } $a->header('set-cookie')),
	    $a->body;
}

subtest 'the link leads to our host only' => sub {
	$d->add_user('host', email => 'host@example.com');
	is(ask_json('host', Host => 'evil.example'), 400,
	    'another host is refused');
	is(ask_json('host', 'X-Forwarded-Host' => 'evil.example',
	    Forwarded => 'host=evil.example'), 202,
	    'other headers are ignored');
	my ($mail, $path) = next_mail('host');
	isnt($path, '/none', 'the link has the configured address');
	unlike($mail->[1], qr/evil/, 'and no other one');
};

# This takes a minute, and is the same with every store.
$ENV{FCGIAUTH_STORE} or subtest 'the mail server is away' => sub {
	$d->add_user('late', email => 'late@example.com');
	$mta->answer(greeting => '421 4.3.2 later');
	is(ask_json('late'), 202, 'the answer is the same');
	ok(wait_for(30, sub { $d->log_text =~ /mail_delayed kind=reset / }),
	    'the mail waits');
	$mta->answer(greeting => undef);
	my (undef, $path) = next_mail('late', 150);
	is($n->client->page($path)->status, 200,
	    'it is sent when the server is back');
};

subtest 'the limit of an address' => sub {
	$d->configure(limits => { trusted => undef });
	$d->reload;
	my $a;
	ok(wait_for(60, sub { $a = $n->client->post_json('/auth/reset',
	    { username => 'nobody' }); return $a->status == 429 }),
	    'too many requests are refused');
	is($a->header('retry-after'), 3600, 'for an hour');
	is($a->json->{error}, 'too_many_attempts', 'with an error code');
	$a = ask('alice');
	is($a->status, 429, 'a form, too');
	like($a->body, qr/asked for from this network/, 'with a page');
	is(json_sign_in($n->client, 'bob')->status, 200,
	    'this does not stop a sign-in');
	my ($code, $out) = $d->ctl(qw(ban list));
	unlike($out, qr/mail/, 'and is no ban');
};

subtest 'without mail there is no page' => sub {
	for my $reset (qw(link no)) {
		$d->configure(account => { reset => $reset });
		ok(reload_until(404), "reset = $reset");
		is(ask_json('alice'), 404, 'nor is a request taken');
		unlike($n->client->page('/auth/login')->body, qr{/auth/reset},
		    'the login page does not lead there');
	}
};

subtest 'what it needs' => sub {
	for ([ mail => 'from', 'smtp', 'needs \[mail\]' ],
	    [ server => 'hosts', 'hosts', 'login_url or hosts' ]) {
		my ($section, $key, $other, $why) = @$_;
		my %kept = %{ $d->{conf}{$section} };
		$d->configure(account => { reset => 'mail' }, $section => {
			map { $_ => undef } $key, $other,
			$section eq 'mail' ? 'tls' : () });
		my ($code, $out, $errors) = capture(bin('fcgiauthd'), '-c',
		    $d->{file}, '--check');
		isnt($code, 0, "--check refuses it without $section.$key");
		like("$out$errors", qr/\[account\] reset: is mail.*$why/,
		    'the message says why');
		$d->configure($section => \%kept);
	}
};

subtest 'users whose passwords the service cannot change' => sub {
	my $file = $d->dir . '/htpasswd';
	my $hash = crypt('a password', '$6$salt$');
	spit($file, "alice:$hash\n");
	chmod 0600, $file;
	my $other = FCGIAuth::Daemon->new(conf => {
		%{ $d->{conf} }, account => { reset => 'mail' },
		users => { driver => 'htpasswd', file => $file,
			map { $_ => undef } qw(path conninfo conninfo_file) },
		factors => { driver => 'memory' } });
	for ([ 'fcgiauthd', '--check' ], [ 'fcgiauthctl', 'config', 'check' ]) {
		my ($program, @args) = @$_;
		my ($code, $out, $errors) = capture(bin($program), '-c',
		    $other->{file}, @args);
		isnt($code, 0, "$program @args refuses them");
		like("$out$errors", qr/reset: is mail, but .*htpasswd/,
		    'the message says why');
	}
};

unlike($d->log_text, qr{/auth/link/[\w-]{20}}, 'the log has no link');
$d->stop_ok;
$mta->stop;
done_testing();
