# SPDX-License-Identifier: MIT
# Mode refresh with a browser. A page whose access token has ended is shown
# again without a sign-in, also in two windows at the same time. No redirect
# leads into a loop.
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

# Waits longer than an access token lives. Its times are whole seconds.
sub outlive { sleep $ttl + 1.1; return }

sub alarms {
	return scalar grep { /audit refresh_reuse/ } split /\n/, $d->log_text;
}

# ---- by a program that does as a browser does -----------------------------

# Follows redirects like a browser. Returns (the last answer, the targets).
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

subtest 'a person opens a page' => sub {
	my $c = $n->client;
	my $target = '/some/page?a=1&b=%26+x%2F%C3%A9';

	is(sign_in($c, 'alice', rd => $target)->status, 303, 'alice signs in');
	my %before = %{ $c->jar };
	outlive();
	my $a = $c->page($target);
	is($a->status, 302,
	    'a page is redirected when the access token has ended');
	is($a->header('set-cookie'), undef, 'the check sets no cookie');
	$a = $c->page($a->header('location'));
	is($a->status, 303, 'the login page refreshes');
	is($a->header('location'), $target,
	    'the login page redirects to the page with its query');
	is($a->header('cache-control'), 'no-store',
	    'the redirect is not cached');
	isnt($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'the refresh token was replaced');
	isnt($c->jar->{fcgiauth_access}, $before{fcgiauth_access},
	    'the access token was replaced');
	$a = $c->page($target);
	is($a->status, 200, 'the page is shown');
	like($a->body, qr/id="who">alice</, 'the page is for alice');
	ok(index($a->body, $target =~ s/&/&/gr) > 0,
	    'the page has the same address');

	outlive();
	my @way;
	($a, @way) = follow($c, $target);
	is($a->status, 200, 'a second refresh shows the page');
	is(scalar @way, 3, 'a refresh takes one detour');
	outlive();
	$c->jar->{fcgiauth_access} = 'x';
	($a, @way) = follow($c, $target);
	is($a->status, 200, 'an invalid access cookie is replaced as well');
	outlive();
	($a, @way) = follow($c, '/auth/login');
	is($way[-1], '/auth/account',
	    'without a return URL the browser is led to the account page');
};

subtest 'a script sends a request' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	outlive();
	my $refresh = $c->jar->{fcgiauth_refresh};
	my $a = $c->xhr('/data');
	is($a->status, 401, 'a script gets 401');
	is($a->header('www-authenticate'), 'Bearer',
	    'the answer names the scheme Bearer');
	is($a->header('set-cookie'), undef, 'the answer sets no cookie');
	is($c->jar->{fcgiauth_refresh}, $refresh,
	    'the refresh token is unchanged');
	$a = $c->xhr('/auth/login?rd=%2F');
	is($c->jar->{fcgiauth_refresh}, $refresh,
	    'the login page refreshes nothing for a script');
	$a = $c->request(POST => '/auth/refresh', headers => [
		@FCGIAuth::Client::XHR, Origin => $c->origin ]);
	is($a->status, 200, 'the script can refresh');
	is($c->xhr('/data')->status, 200,
	    'the request succeeds after the refresh');
};

subtest 'an invalid refresh token' => sub {
	my $c = $n->client;

	sign_in($c, 'bob');
	is(($d->ctl(qw(session revoke --user bob)))[0], 0,
	    'session revoke succeeds');
	outlive();
	my %before = %{ $c->jar };
	my ($a, @way) = follow($c, '/page?q=1');
	is($a->status, 200, 'the last answer is a page');
	ok(is_form($a), 'the page has the form');
	is($way[-1], '/auth/login?rd=%2Fpage%3Fq%3D1',
	    'the form has the return URL');
	is($c->jar->{fcgiauth_refresh}, $before{fcgiauth_refresh},
	    'the cookie is unchanged');
	for my $bad ('x', 'A' x 92, '') {
		$c->jar->{fcgiauth_refresh} = $bad;
		($a, @way) = follow($c, '/page');
		ok(is_form($a), 'an invalid cookie leads to the form');
		cmp_ok(scalar @way, '<=', 3, 'the form needs few redirects');
	}
	is(alarms(), 0, 'no reuse is logged');
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
		is($a->status, 200, "$what: the last answer is a page");
		cmp_ok(scalar @way, '<', 8,
		    "$what: the page needs few redirects")
		    or diag("@way");
		ok(is_form($a), "$what: the page has the form");
		like($a->body, qr/cookie/i, "$what: the page mentions cookies");
	}
	my ($a, @way) = follow($n->client, '/page?x=1');
	ok(is_form($a), 'a browser without cookies gets the form');
	is(scalar @way, 2, 'the form needs one redirect');
	# Only a GET is refreshed.
	$a = $n->client->post_form('/page', [ a => 1 ],
	    Cookie => $c->cookie_line('/auth/'));
	isnt($a->status, 200, 'a form that is posted too late does not pass');
	is(alarms(), 0, 'no reuse is logged');
};

subtest 'return URLs of other sites' => sub {
	my $c = $n->client;

	sign_in($c, 'alice');
	outlive();
	for my $rd ('//evil.example/', 'https://evil.example/', '/\\evil',
	    'javascript:alert(1)', '/%09/evil.example') {
		my $a = $c->page('/auth/login?rd=' .
		    FCGIAuth::Client::escape($rd));
		my $to = $a->header('location') // '/';
		unlike($to, qr/evil|javascript/,
		    "$rd: the browser is not redirected there");
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
	ok(at($web, $target), 'alice signs in with the browser');
	return;
}

# Both windows open a page at the same moment.
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
		ok(at($web, "/one?round=$round"),
		    "round $round: the first window shows its page");
		$web->do(POST => '/window', { handle => $windows[1] });
		ok(at($web, "/two?round=$round"),
		    "round $round: the second window shows its page");
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
		ok(at($web, $target), 'a page is shown after a refresh');
		outlive();
		$web->do(POST => '/refresh');
		ok(at($web, $target),
		    'a reload shows the page after a refresh');
		is($web->script('return document.cookie'), '',
		    'scripts cannot read our cookies');
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
		    'a script is refused, refreshes, and is served');
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
		is(alarms(), 0, 'no reuse is logged');
	};
	$web->stop;
}

$d->stop_ok;
done_testing;
