# SPDX-License-Identifier: MIT
# Lines of the log: bytes of a client cannot mislead a reader, and every event
# of the audit log has a line with the facts that belong to it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Test;
use JSON::PP;
use Test::More;

my $PASSWORD = $FCGIAuth::Daemon::PASSWORD;

subtest 'bytes that mislead the reader' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { server =>
	    { log_format => 'json' } })->add_user('alice')->start;
	my @agents = map { 'a' x $_ . '"' x 400 } 3800 .. 3803;

	login($d, 'alice', 'wrong', HTTP_USER_AGENT => $_)
	    for @agents, "\xc2\x9b31m\xe2\x80\xae";
	my @lines = grep { /"login_failure"/ } split /\n/, $d->log_text;
	my @json = grep { defined } map {
		eval { JSON::PP->new->utf8->decode($_) } } @lines;
	is(scalar @lines, 5, 'each attempt has a line in the log');
	is(scalar @json, 5, 'each line is JSON');
	is((grep { defined $_->{why} } @json), 5, 'each line has the reason');
	ok($d->log_text !~ /\xc2[\x80-\x9f]|\xe2\x80\xae/,
	    'no line has a control or direction character');
	for my $name ("Ann\xc2\x9b31m", "\xe2\x80\xaennA", "A\xd8\x9cnn") {
		my ($code) = $d->ctl('user', 'set', 'alice', '--name', $name);
		is($code, 1, 'a user cannot have a name with such a character');
	}
	$d->stop_ok;
};

subtest 'sessions that a sign-in ends' => sub {
	my $d = FCGIAuth::Daemon->new(conf => { session =>
	    { max_per_user => 2 } })->add_user('alice')->start;
	my ($first, $second) = map { logged_in($d, 'alice') } 1, 2;
	my $out = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/logout', HTTP_COOKIE => $first,
	    HTTP_AUTHORIZATION => 'Bearer rubbish');
	my $cleared = grep { /Max-Age=0/ } header_values($out, 'Set-Cookie');
	my $alive = $d->check(HTTP_COOKIE => $first)->{status} == 204;

	ok(!($cleared && $alive),
	    'the cookie of a valid session is not cleared');
	logged_in($d, 'alice', HTTP_COOKIE => $second);
	is(count($d->log_text, 'audit session_replaced '), 1,
	    'a session that a sign-in replaces is logged');
	is(count($d->log_text, 'audit session_limit '), 0,
	    'no session was ended by the limit');
	logged_in($d, 'alice') for 1 .. 2;
	my @lines = $d->log_text =~ /audit session_limit (.*)/g;
	is(scalar @lines, $alive ? 2 : 1,
	    'a session that the limit ends is logged');
	like($_, qr/user=alice .*ended=1\b/, 'the line has the user')
	    for @lines;
	$d->stop_ok;
};

# The lines of class audit, in both formats.
sub audit_lines {
	my ($text) = @_;
	my @lines;

	for my $line (split /\n/, $text) {
		my %is;

		if ($line =~ /^\{/) {
			%is = %{ JSON::PP->new->utf8->decode($line) };
			next if ($is{class} // '') ne 'audit';
		} else {
			my ($event, $facts) =
			    $line =~ /^\S+ info audit (\w+)(.*)/ or next;

			%is = (event => $event, $facts =~
			    /(\w+)=((?:"(?:[^"\\]|\\.)*")|\S+)/g);
			s/^"(.*)"$/$1/ for values %is;
		}
		push @lines, \%is;
	}
	return @lines;
}

my ($AGENT, $REQUEST) = ('Agent "1.0"', 'audited-request');
my @FROM = (REMOTE_ADDR => '192.0.2.9', HTTP_USER_AGENT => $AGENT,
    REQUEST_ID => $REQUEST);

# Does what the audit log must have. Returns the session ids by name, and the
# standard error of the commands.
sub act {
	my ($d) = @_;
	my $post = sub { return $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => "/auth/$_[0]", @FROM, @_[1 .. $#_]) };
	my $json = sub { return JSON::PP->new->decode($_[0]->{body}) };
	my $renew = sub { return $post->('refresh',
	    CONTENT_TYPE => 'application/x-www-form-urlencoded',
	    body => "grant_type=refresh_token&refresh_token=$_[0]") };
	my (%token, %id);

	for my $name (qw(out reuse one others keeps)) {
		my $a = $json->(login($d, 'alice', $PASSWORD, @FROM));
		$token{$name} = $a;
		$id{$name} = $json->($d->ask(REQUEST_URI => '/auth/me',
		    HTTP_AUTHORIZATION => "Bearer $a->{access_token}"))
		    ->{session};
	}
	my $as = sub { return (HTTP_AUTHORIZATION =>
	    "Bearer $token{$_[0]}{access_token}", @FROM) };
	$post->('logout', $as->('out'));
	my $refresh = $token{reuse}{refresh_token};
	$refresh = $json->($renew->($refresh))->{refresh_token} for 1, 2;
	$renew->($token{reuse}{refresh_token});
	$d->ask(REQUEST_METHOD => 'DELETE', $as->('keeps'),
	    REQUEST_URI => "/auth/sessions/$id{one}");
	$d->ask(REQUEST_METHOD => 'DELETE', $as->('keeps'),
	    REQUEST_URI => '/auth/sessions') for 1, 2;
	login($d, 'bob', 'wrong', @FROM) for 1, 2;

	my $said = '';
	for my $command ([ qw(ban lift --user bob) ],
		[ qw(session revoke), $id{keeps} ],
		[ qw(user set bob --email b@example.com) ],
		[ \"an0ther Passw0rd of bob\n",
		    qw(user passwd bob --password-stdin) ],
		[ qw(user disable bob) ], [ qw(user enable bob) ],
		[ qw(user delete bob) ], [ qw(session revoke --all) ],
		[ qw(key generate) ], [ qw(key rotate --now) ]) {
		my ($code, $out, $err) = $d->ctl(@$command);
		is($code, 0, "@$command[0, 1] succeeds") or diag($err);
		$said .= $err;
	}
	return (\%id, $said);
}

# Events of requests, with the user and perhaps the session and the reason.
my @requests = (
	(map { [ 'login', 'alice', $_ ] } qw(out reuse one others keeps)),
	[ 'logout', 'alice', 'out' ],
	[ 'refresh_reuse', 'alice', 'reuse', qr/reused/ ],
	[ 'session_ended', 'alice', 'one' ],
	[ 'sessions_ended', 'alice' ],
	(map { [ 'login_failure', 'bob', undef, qr/^wrong_password$/ ] } 1, 2),
	[ 'ban', 'bob', undef, qr/user/ ],
);

# Events of fcgiauthctl, with a fact of each.
my @commands = (
	[ 'ban_lifted', user => 'bob' ],
	[ 'session_revoked', user => 'alice' ],
	[ 'user_changed', user => 'bob' ],
	[ 'password_changed', user => 'bob' ],
	[ 'user_disabled', user => 'bob' ],
	[ 'user_enabled', user => 'bob' ],
	[ 'user_deleted', user => 'bob' ],
	[ 'sessions_revoked', user => '(all)' ],
	[ 'key_generated', state => 'pending' ],
	[ 'key_rotated', state => 'active' ],
	[ 'key_rotated', state => 'retiring' ],
);

for my $format (qw(text json)) {
	subtest "every event, as $format" => sub {
		my $dir = tempdir();
		my $d = FCGIAuth::Daemon->new(conf => {
			server => { log_format => $format },
			auth => { mode => 'refresh', deliver => 'body' },
			refresh => { grace => 0 },
			limits => { login_attempts => 2 },
			jwt => { keys => "$dir/keys", algorithm => 'ES256',
			    audience => 'x', revocation => 'store',
			    issuer => 'https://auth.example.com' } });
		$d->add_user($_) for 'alice', 'bob';
		$d->start;
		my ($id, $said) = act($d);
		$d->stop_ok;
		my ($first, @lines) = audit_lines($d->log_text);

		is_deeply([ @$first{qw(event alg state)} ],
		    [ qw(key_generated ES256 active) ],
		    'the first key that the service makes');
		is_deeply([ sort map { $_->{event} } @lines ],
		    [ sort map { $_->[0] } @requests ],
		    'each event has one line');
		for my $r (@requests) {
			my ($event, $user, $session, $why) = @$r;
			my ($line) = grep { $_->{event} eq $event &&
			    (!$session ||
				($_->{session} // '') eq $id->{$session}) }
			    @lines;
			is($line->{user}, $user, "$event: the user");
			is($line->{address}, '192.0.2.9', 'the address');
			is($line->{user_agent} =~ s/\\//gr, $AGENT,
			    'the user agent');
			is($line->{request}, $REQUEST, 'the request');
			like($line->{why}, $why, 'and why') if $why;
		}
		@lines = audit_lines($said);
		for my $c (@commands) {
			my ($event, $key, $value) = @$c;
			is(scalar(grep { $_->{event} eq $event &&
			    ($_->{$key} // '') eq $value &&
			    defined $_->{by_uid} } @lines), 1,
			    "$event $key=$value has a line");
		}
		unlike($d->log_text . $said,
		    qr/\Q$PASSWORD\E|an0ther|eyJ[\w-]{10}/,
		    'no line has a password or a token');
	};
}

done_testing;
