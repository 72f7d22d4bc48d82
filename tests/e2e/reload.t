# SPDX-License-Identifier: MIT
# SIGHUP takes a whole new configuration, or keeps the old one and says why;
# nobody notices.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

my ($d, $n) = start_site(workers => 2);
my $alice = $n->client;
is(sign_in($alice, 'alice')->status, 303, 'alice signs in');

sub log_grew {
	my ($pattern, $code) = @_;
	my $before = length $d->log_text;
	$code->();
	return wait_for(10, sub { substr($d->log_text, $before) =~ $pattern });
}

sub offers_remember {
	return defined $n->client->page('/auth/login')->field('remember');
}

subtest 'a good one' => sub {
	ok(offers_remember(), 'there is a box');
	$d->configure(session => { remember => 0 });
	$d->reload;
	ok(wait_for(10, sub { !offers_remember() }), 'now there is none');
	is($alice->page('/x')->status, 200, 'alice is still signed in');
	$d->configure(session => { remember => '30d' });
	$d->reload;
	ok(wait_for(10, sub { offers_remember() }), 'and there it is again');
	$d->configure(limits => { body => '1k' });
	$d->reload;
	ok(wait_for(10, sub {
		$n->client->post_json('/auth/login', { username => 'alice',
			password => 'x' x 4000 })->status == 413;
	}), 'a smaller limit holds');
};

subtest 'a bad one' => sub {
	my $good = slurp($d->{file});

	for my $bad (
	    [ "[session]\nidel_timeout = 5m\n",
		qr/fcgiauth\.ini:\d+:.*idel_timeout/, 'an unknown key' ],
	    [ "[sesion]\nidle_timeout = 5m\n",
		qr/fcgiauth\.ini:\d+:.*sesion/, 'an unknown section' ],
	    [ "[session]\nidle_timeout = soon\n",
		qr/fcgiauth\.ini:\d+:.*idle_timeout/, 'a bad value' ],
	    [ "[session\n", qr/fcgiauth\.ini:\d+:/, 'no INI' ],
	    [ "[auth]\nmode = nosuch\n", qr/fcgiauth\.ini:\d+:.*mode/,
		'an unknown mode' ]) {
		my ($text, $pattern, $what) = @$bad;
		ok(log_grew($pattern, sub {
			spit($d->{file}, "$good\n$text");
			$d->reload;
		}), "$what: the log says where");
		is($alice->page('/x')->status, 200, "$what: all goes on");
		is(sign_in($n->client, 'alice')->status, 303,
		    "$what: logins as well");
	}
	unlink $d->{file};
	ok(log_grew(qr/fcgiauth\.ini/, sub { $d->reload }),
	    'no file: the log says so');
	is($alice->page('/x')->status, 200, 'no file: all goes on');
	spit($d->{file}, $good);
	ok(log_grew(qr/\breloaded\b/, sub { $d->reload }), 'a good one again');
	ok(log_grew(qr/restart.*listen/, sub {
		$d->configure(server => { listen =>
			"unix:$d->{socket} unix:" . $d->dir . '/other.sock' });
		$d->reload;
	}), 'what needs a restart is said');
	is($alice->page('/x')->status, 200, 'all goes on');
	$d->configure(server => { listen => "unix:$d->{socket}" });
};

subtest 'under load' => sub {
	my $cookie = 'fcgiauth=' . token_of($alice);
	my $end = time + 3 * (slow() > 5 ? 2 : 1);
	my @children = map { child_code(sub {
		my $c = $n->client;
		my ($done, $bad) = (0, 0);
		while (time < $end) {
			my $a = $c->get('/x', Cookie => $cookie);
			$done++;
			$bad++ if $a->status != 200 ||
			    $a->body !~ /^Remote-User: alice$/m;
		}
		return "$done $bad";
	}) } 1 .. 4;
	my $reloads = 0;

	while (time < $end) {
		$d->configure(session => { remember => $reloads % 2 ?
			'30d' : '20d' });
		$d->reload;
		$reloads++;
		sleep 0.05;
	}
	for my $child (@children) {
		my ($done, $bad) = split ' ', $child->() // '';
		cmp_ok($done // 0, '>', 0, 'requests were made');
		is($bad, 0, 'none of them noticed');
	}
	note("$reloads reloads");
};

$d->stop_ok;

subtest 'sessions in memory' => sub {
	my $e = FCGIAuth::Daemon->new(store => 'memory');
	$e->add_user('alice')->start;
	my $a = $e->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));
	my ($cookie) = $a->{raw} =~ /(fcgiauth=[^;]+)/;
	is($e->check(HTTP_COOKIE => $cookie)->{status}, 204, 'one');
	$e->reload;
	ok(wait_for(10, sub { $e->log_text =~ /\breloaded\b/ }), 'reloaded');
	is($e->check(HTTP_COOKIE => $cookie)->{status}, 204, 'is still there');
	unlike($e->log_text, qr/everybody_must_sign_in_anew/, 'and no alarm');
	my $told = sub {
		my (@conf) = @_;
		my $before = length $e->log_text;

		$e->configure(@conf);
		$e->reload;
		ok(wait_for(10, sub { substr($e->log_text, $before) =~
			/\breload(?:ed|_refused)\b/ }), 'read');
		return substr($e->log_text, $before) =~
		    /everybody_must_sign_in_anew reason="(.*) ha(?:s|ve) / &&
		    $1;
	};
	my %jwt = (keys => $e->dir . '/keys', issuer => 'https://a.test',
	    audience => 'test');
	for my $change ([ '[cookie] name', cookie => { name => 'other' } ],
	    [ '[cookie] domain', cookie => { domain => 'example.com' } ],
	    [ '[cookie] secure', cookie => { secure => 'yes' } ],
	    [ '[auth] mode', auth => { mode => 'jwt' }, jwt => \%jwt ],
	    [ '[jwt] issuer', jwt => { issuer => 'https://b.test' } ],
	    [ '[jwt] audience', jwt => { audience => 'other' } ],
	    [ '[jwt] keys', jwt => { keys => $e->dir . '/others' } ],
	    [ '[auth] mode', auth => { mode => 'refresh' } ]) {
		my ($what, @conf) = @$change;
		is($told->(@conf), $what, "a change of $what is told of");
	}
	ok(!$told->(@$_), 'nobody has to') for
	    [ jwt => { issuer => 'https://c.test' } ],
	    [ jwt => { keys => $e->dir . '/keys' } ],
	    [ server => { hosts => 'https://www.example.com' } ],
	    [ cookie => { secure => 'no' } ],
	    [ jwt => { ttl => '5m' }, cookie => { same_site => 'strict' } ];
	$e->stop_ok;
};

done_testing;
