# SPDX-License-Identifier: MIT
# Lines of the log: bytes of a client cannot mislead a reader, and every end of
# a session has a line.
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

done_testing;
