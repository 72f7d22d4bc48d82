# SPDX-License-Identifier: MIT
# Refresh mode and a browser: a page whose access token has ended comes back by
# itself, in two windows at once as well, and nothing ever goes round in
# circles.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Client;
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use Test::More;
use Time::HiRes qw(sleep time);

my $ttl = 2 * (slow() > 1 ? 2 : 1);
my $keys = tempdir();
my $sockets = tempdir();
my ($d, $n) = start_site(
    conf => {
	auth => { mode => 'refresh', deliver => 'cookie' },
	jwt => { algorithm => 'ES256', keys => "$keys/keys",
		issuer => 'https://auth.example.com', audience => 'example',
		ttl => "${ttl}s", leeway => '0s' },
    },
    http => <<"EOT", server => <<"EOT");
	server {
		listen unix:$sockets/page.sock;
		location / {
			return 200 '<!DOCTYPE html><html lang="en">
<title>Application</title><link rel="icon" href="data:,">
<p id="who">\$http_remote_user</p><p id="at">\$request_uri</p></html>';
		}
	}
EOT
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://unix:$sockets/page.sock;
	}
EOT
my $site = 'http://127.0.0.1:' . $n->port;

# Longer than an access token lives; times in it are whole seconds.
sub outlive { sleep $ttl + 1.1; return }

sub alarms {
	return scalar grep { /audit refresh_reuse/ } split /\n/, $d->log_text;
}

# ---- by a program that does as a browser does -----------------------------

# Follows redirects as a browser would; (the last answer, the way).
sub follow {
	my ($c, $target, %arg) = @_;
	my @way;

	while (1) {
		my $a = $c->page($target,
		    $arg{cookies} ? (Cookie => $arg{cookies}) : ());
		push @way, $target;
		my $to = $a->header('location');
		return ($a, @way) if !defined $to || @way > 10;
		$target = $to;
	}
}

sub is_form { return $_[0]->body =~ /<input\b[^>]*\bname="password"/ }

subtest 'a navigation' => sub {
	my $c = $n->client;
	my $target = '/some/page?a=1&b=%26+x%2F%C3%A9';

	is(sign_in($c, 'alice', rd => $target)->status, 303, 'signed in');
	my %before = %{ $c->jar };
	outlive();
	my $a = $c->page($target);
	is($a->status, 302, 'the access token has ended');
	is($a->header('set-cookie'), undef, 'the check renews nothing');
	$a = $c->page($a->header('location'));
	is($a->status, 303, 'the login page does');
	is($a->header('location'), $target, 'and leads back, with the query');
	is($a->header('cache-control'), 'no-store', 'not stored');
	isnt($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'the refresh token was replaced');
	isnt($c->jar->{fcgiauth_access}, $before{fcgiauth_access},
	    'and the access token');
	$a = $c->page($target);
	is($a->status, 200, 'there it is');
	like($a->body, qr/id="who">alice</, 'for alice');
	ok(index($a->body, $target =~ s/&/&/gr) > 0, 'the same page');

	outlive();
	my @way;
	($a, @way) = follow($c, $target);
	is($a->status, 200, 'as often as need be');
	is(scalar @way, 3, 'by one detour');
	outlive();
	$c->jar->{fcgiauth_access} = 'x';
	($a, @way) = follow($c, $target);
	is($a->status, 200, 'a broken access cookie is renewed as well');
	outlive();
	($a, @way) = follow($c, '/auth/login');
	is($way[-1], '/', 'without a page to go to: home');
};

subtest 'a script' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	outlive();
	my $refresh = $c->jar->{fcgiauth_refresh};
	my $a = $c->xhr('/data');
	is($a->status, 401, 'is told, not sent away');
	is($a->header('www-authenticate'), 'Bearer', 'how');
	is($a->header('set-cookie'), undef, 'nothing is renewed');
	is($c->jar->{fcgiauth_refresh}, $refresh, 'at all');
	$a = $c->xhr('/auth/login?rd=%2F');
	is($c->jar->{fcgiauth_refresh}, $refresh,
	    'nor by the login page, for what is no navigation');
	$a = $c->request(POST => '/auth/refresh', headers => [
		@FCGIAuth::Client::XHR, Origin => $c->origin ]);
	is($a->status, 200, 'it refreshes');
	is($c->xhr('/data')->status, 200, 'and goes on');
};

subtest 'a dead refresh token' => sub {
	my $c = $n->client;

	sign_in($c, 'bob');
	is(($d->ctl(qw(session revoke --user bob)))[0], 0, 'ended');
	outlive();
	my %before = %{ $c->jar };
	my ($a, @way) = follow($c, '/page?q=1');
	is($a->status, 200, 'a page');
	ok(is_form($a), 'the form');
	is($way[-1], '/auth/login?rd=%2Fpage%3Fq%3D1', 'knows the way');
	is($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'the cookie is left alone');
	for my $bad ('x', 'A' x 92, '') {
		$c->jar->{fcgiauth_refresh} = $bad;
		($a, @way) = follow($c, '/page');
		ok(is_form($a), 'the form for rubbish');
		cmp_ok(scalar @way, '<=', 3, 'at once');
	}
	is(alarms(), 0, 'no alarm');
};

subtest 'a browser that keeps no cookies' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	for my $kept ([ 'its old ones', $c->cookie_line('/auth/') ],
	    [ 'the refresh cookie only',
		"fcgiauth_refresh=$c->{jar}{fcgiauth_refresh}" ]) {
		my ($what, $cookies) = @$kept;
		outlive() if $what =~ /old/;
		my ($a, @way) = follow($n->client, '/page?x=1',
		    cookies => $cookies);
		is($a->status, 200, "$what: a page in the end");
		cmp_ok(scalar @way, '<', 8, "$what: soon") or diag("@way");
		ok(is_form($a), "$what: the form");
		like($a->body, qr/cookie/i, "$what: that says why");
	}
	my ($a, @way) = follow($n->client, '/page?x=1');
	ok(is_form($a), 'nothing at all: the form');
	is(scalar @way, 2, 'at once');
	# A method that is no navigation is not renewed.
	$a = $n->client->post_form('/page', [ a => 1 ],
	    Cookie => $c->cookie_line('/auth/'));
	isnt($a->status, 200, 'a form that is posted too late is not passed');
	is(alarms(), 0, 'no alarm');
};

subtest 'foreign pages' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	outlive();
	for my $rd ('//evil.example/', 'https://evil.example/', '/\\evil',
	    'javascript:alert(1)', '/%09/evil.example') {
		my $a = $c->page('/auth/login?rd=' .
		    FCGIAuth::Client::escape($rd));
		my $to = $a->header('location') // '/';
		unlike($to, qr/evil|javascript/, 'nobody is sent there');
		outlive() if $rd eq '//evil.example/';
	}
};

# ---- by a browser ----------------------------------------------------------

sub at {
	my ($web, $path) = @_;
	return wait_for(15, sub {
		(eval { $web->url } // '') eq "$site$path" &&
		    eval { $web->source } =~ /id="who">alice</;
	});
}

sub browser_signs_in {
	my ($web, $target) = @_;

	$web->go("$site$target");
	my ($name) = $web->find('input[name=username]');
	$web->click($name);
	$web->type('alice', $FCGIAuth::WebDriver::KEY{tab}, $PASSWORD,
	    $FCGIAuth::WebDriver::KEY{enter});
	ok(at($web, $target), 'signed in');
	return;
}

# Both windows go somewhere in the same moment.
sub race {
	my ($web, @windows) = @_;

	for my $round (1 .. 4) {
		outlive();
		$web->do(POST => '/window', { handle => $windows[0] });
		$web->script(<<"EOT");
const w = window.other;
w.location = "$site/two?round=$round";
window.location = "$site/one?round=$round";
EOT
		ok(at($web, "/one?round=$round"), "round $round: one window");
		$web->do(POST => '/window', { handle => $windows[1] });
		ok(at($web, "/two?round=$round"), "round $round: the other");
		$web->do(POST => '/window', { handle => $windows[0] });
		$web->script('window.other = window.open("", "other")');
	}
	return;
}

SKIP: {
	skip('no Chromium with chromedriver here', 3)
	    unless FCGIAuth::WebDriver::available();
	my $web = FCGIAuth::WebDriver->new(dir => tempdir());
	$web->open;

	subtest 'one window' => sub {
		my $target = '/some/page?a=1&b=%26';
		browser_signs_in($web, $target);
		outlive();
		$web->go("$site$target");
		ok(at($web, $target), 'comes back by itself');
		outlive();
		$web->do(POST => '/refresh');
		ok(at($web, $target), 'reloading as well');
		is($web->script('return document.cookie'), '',
		    'scripts see no cookie');
	};

	subtest 'a script in a page' => sub {
		outlive();
		my $said = $web->do(POST => '/execute/async', { args => [],
			script => <<'EOT' });
const done = arguments[arguments.length - 1];
(async () => {
	const get = () => fetch("/data", { redirect: "manual" });
	const all = [];
	all.push((await get()).status);
	const r = await fetch("/auth/refresh", { method: "POST" });
	all.push(r.status, (await r.json()).expires_in > 0);
	all.push((await get()).status);
	/* Several of them at once. */
	const more = await Promise.all([1, 2, 3, 4, 5, 6].map(() =>
	    fetch("/auth/refresh", { method: "POST" })));
	all.push(...new Set(more.map(a => a.status)));
	all.push((await get()).status);
	done(all.join(" "));
})().catch(e => done(String(e)));
EOT
		is($said, '401 200 true 200 200 200',
		    'refused, refreshed, served');
	};

	subtest 'two windows' => sub {
		$web->go("$site/start");
		my $first = $web->do(GET => '/window');
		my $handle = $web->do(POST => '/window/new',
		    { type => 'tab' })->{handle};
		$web->do(POST => '/window', { handle => $handle });
		$web->go("$site/start");
		$web->script('window.name = "other"');
		$web->do(POST => '/window', { handle => $first });
		$web->script(
		    'window.other = window.open("/start", "other")');
		my ($second) = grep { $_ ne $first && $_ ne $handle }
		    @{ $web->do(GET => '/window/handles') };
		race($web, $first, $second // $handle);
		is(alarms(), 0, 'and no alarm');
	};
	$web->stop;
}

$d->stop_ok;
done_testing;
