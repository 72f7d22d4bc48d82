# SPDX-License-Identifier: MIT
# SIGHUP applies a new configuration as a whole, or keeps the old one and logs
# the reason. Clients do not notice it.
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

subtest 'a valid configuration' => sub {
	ok(offers_remember(), 'the login page has the box to be remembered');
	$d->configure(session => { remember => 0 });
	$d->reload;
	ok(wait_for(10, sub { !offers_remember() }),
	    'the box disappears after a reload');
	is($alice->page('/x')->status, 200, 'alice is still signed in');
	$d->configure(session => { remember => '30d' });
	$d->reload;
	ok(wait_for(10, sub { offers_remember() }),
	    'the box is back after another reload');
	$d->configure(limits => { body => '1k' });
	$d->reload;
	ok(wait_for(10, sub {
		$n->client->post_json('/auth/login', { username => 'alice',
			password => 'x' x 4000 })->status == 413;
	}), 'a smaller limit is in force after a reload');
};

subtest 'an invalid configuration' => sub {
	my $good = slurp($d->{file});

	for my $bad (
	    [ "[session]\nidel_timeout = 5m\n",
		qr/fcgiauth\.ini:\d+:.*idel_timeout/, 'an unknown key' ],
	    [ "[sesion]\nidle_timeout = 5m\n",
		qr/fcgiauth\.ini:\d+:.*sesion/, 'an unknown section' ],
	    [ "[session]\nidle_timeout = soon\n",
		qr/fcgiauth\.ini:\d+:.*idle_timeout/, 'a bad value' ],
	    [ "[session\n", qr/fcgiauth\.ini:\d+:/, 'a syntax error' ],
	    [ "[auth]\nmode = nosuch\n", qr/fcgiauth\.ini:\d+:.*mode/,
		'an unknown mode' ]) {
		my ($text, $pattern, $what) = @$bad;
		ok(log_grew($pattern, sub {
			spit($d->{file}, "$good\n$text");
			$d->reload;
		}), "$what: the log has file and line");
		is($alice->page('/x')->status, 200,
		    "$what: alice is still signed in");
		is(sign_in($n->client, 'alice')->status, 303,
		    "$what: a sign-in succeeds");
	}
	unlink $d->{file};
	ok(log_grew(qr/fcgiauth\.ini/, sub { $d->reload }),
	    'a missing file is logged');
	is($alice->page('/x')->status, 200,
	    'alice is still signed in without the file');
	spit($d->{file}, $good);
	ok(log_grew(qr/\breloaded\b/, sub { $d->reload }),
	    'a reload with the restored file succeeds');
	ok(log_grew(qr/restart.*listen/, sub {
		$d->configure(server => { listen =>
			"unix:$d->{socket} unix:" . $d->dir . '/other.sock' });
		$d->reload;
	}), 'the log names a change that needs a restart');
	is($alice->page('/x')->status, 200,
	    'alice is still signed in after such a change');
	$d->configure(server => { listen => "unix:$d->{socket}" });
};

subtest 'pages of the site' => sub {
	my $pages = tempdir();
	my $title = sub { $n->client->page('/auth/login')->body =~
		m{<h1>(.*?)</h1>} ? $1 : '' };

	mkdir "$pages/texts" or die "mkdir: $!";
	spit("$pages/texts/en.txt", "login.title = Come in\n");
	$d->configure(pages => { directory => "$pages" });
	$d->reload;
	ok(wait_for(10, sub { $title->() eq 'Come in' }),
	    'a reload applies the folder of the pages');
	spit("$pages/texts/en.txt", "login.title = {x}\n");
	ok(log_grew(qr{texts/en\.txt:1: login\.title: the placeholders},
	    sub { $d->reload }), 'a mistake in a text is logged');
	is($title->(), 'Come in', 'the old pages are kept');
	spit("$pages/texts/en.txt", "login.title = Welcome\n");
	$d->reload;
	ok(wait_for(10, sub { $title->() eq 'Welcome' }),
	    'a reload reads the files again');
	$d->configure(pages => { directory => '' });
	$d->reload;
	ok(wait_for(10, sub { $title->() eq 'Sign in' }),
	    'a reload returns to the built-in pages');
};

subtest 'reloads under load' => sub {
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
		is($bad, 0, 'no request failed during the reloads');
	}
	note("$reloads reloads");
};

$d->stop_ok;

subtest 'reloads with the memory store' => sub {
	my $e = FCGIAuth::Daemon->new(store => 'memory');
	$e->add_user('alice')->start;
	my $a = $e->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    body => qq({"username":"alice","password":"$PASSWORD"}));
	my ($cookie) = $a->{raw} =~ /(fcgiauth=[^;]+)/;
	is($e->check(HTTP_COOKIE => $cookie)->{status}, 204,
	    'the session is valid');
	$e->reload;
	ok(wait_for(10, sub { $e->log_text =~ /\breloaded\b/ }),
	    'the daemon reloads');
	is($e->check(HTTP_COOKIE => $cookie)->{status}, 204,
	    'the session is valid after the reload');
	unlike($e->log_text, qr/everybody_must_sign_in_anew/,
	    'the log has no line about lost sessions');
	my $told = sub {
		my (@conf) = @_;
		my $before = length $e->log_text;

		$e->configure(@conf);
		$e->reload;
		ok(wait_for(10, sub { substr($e->log_text, $before) =~
			/\breload(?:ed|_refused)\b/ }),
			    'the daemon reads the configuration');
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
		is($told->(@conf), $what,
		    "the log says that a change of $what ends sessions");
	}
	ok(!$told->(@$_),
	    'a change that keeps sessions has no such line') for
	    [ jwt => { issuer => 'https://c.test' } ],
	    [ jwt => { keys => $e->dir . '/keys' } ],
	    [ server => { hosts => 'https://www.example.com' } ],
	    [ cookie => { secure => 'no' } ],
	    [ jwt => { ttl => '5m' }, cookie => { same_site => 'strict' } ];
	$e->stop_ok;
};

done_testing;
