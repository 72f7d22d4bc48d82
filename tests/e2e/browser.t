# SPDX-License-Identifier: MIT
# A person uses the pages in a browser: with the keyboard only, with and without
# JavaScript, in a large and a small window, in light and dark colours.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use Test::More;

plan(skip_all => 'no Chromium with chromedriver here')
    unless FCGIAuth::WebDriver::available();

my $shots = $ENV{FCGIAUTH_SCREENSHOTS} || tempdir();
my $sockets = tempdir();
my ($d, $n) = start_site(
    http => <<"EOT", server => <<"EOT");
	log_format referers '\$http_referer';
	server {
		listen unix:$sockets/page.sock;
		location / {
			return 200 '<!DOCTYPE html><html lang="en">
<title>Application</title><link rel="icon" href="data:,">
<script>document.title = "scripts run";</script>
<p id="who">\$http_remote_user</p><p id="groups">\$http_remote_groups</p>
<a href="/auth/logout">Sign out</a></html>';
		}
	}
EOT
	access_log $sockets/referers referers;
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://unix:$sockets/page.sock;
	}
	location /admin/ {
		set \$fcgiauth_require "role:admin";
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://unix:$sockets/page.sock;
	}
EOT
my $site = 'http://127.0.0.1:' . $n->port;
my $web = FCGIAuth::WebDriver->new(dir => tempdir());
my $key = \%FCGIAuth::WebDriver::KEY;

sub quiet {
	my ($what) = @_;
	# These are errors of the page itself. A 401 or 403 is a regular answer.
	my @lines = grep { !/the server responded with a status of 40[13]/ }
	    $web->console;
	is(join("\n", @lines), '', "$what: the console has no message");
	return;
}

# Returns the only element of a selector.
sub the {
	my ($css) = @_;
	my @found = $web->find($css);
	is(scalar @found, 1, "the page has one $css") or return;
	return $found[0];
}

# Presses Tab until the element has the focus.
sub tab_to {
	my ($element, $what) = @_;
	for (1 .. 15) {
		return pass("Tab leads to $what")
		    if $web->active eq $element;
		$web->type($key->{tab});
	}
	return fail("Tab leads to $what");
}

sub at {
	my ($path) = @_;
	return wait_for(15, sub {
		(eval { $web->url } // '') =~ m{^\Q$site$path\E$};
	});
}

# Returns the contrast between the text of an element and its background (WCAG
# 1.4.3).
my $contrast = <<'EOT';
const el = document.querySelector(arguments[0]);
const rgb = s => { const m = s.match(/[\d.]+/g).map(Number);
	return { c: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
const lum = c => { const f = c.map(v => { v /= 255;
	return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
	return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
let back = [255, 255, 255];
for (let e = el; e; e = e.parentElement) {
	const b = rgb(getComputedStyle(e).backgroundColor);
	if (b.a > 0.99) { back = b.c; break; }
}
const a = lum(rgb(getComputedStyle(el).color).c), b = lum(back);
return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
EOT

sub contrast_of {
	my ($css) = @_;
	return $web->do(POST => '/execute/sync',
	    { script => $contrast, args => [$css] });
}

sub good_form {
	my ($what) = @_;
	my $name = the('input[name=username]');
	my $password = the('input[name=password]');
	my $button = the('form button[type=submit]');

	is($web->label($name), 'User name', "$what: the name has a label");
	is($web->label($password), 'Password',
	    "$what: the password has a label");
	is($web->role($button), 'button',
	    "$what: the button has the role of a button");
	is($web->attribute($name, 'autocomplete'), 'username',
	    "$what: password managers recognize the name");
	is($web->attribute($password, 'autocomplete'), 'current-password',
	    "$what: password managers recognize the password");
	is($web->attribute($password, 'type'), 'password',
	    "$what: the password is not shown");
	ok($web->title, "$what: the page has a title");
	is($web->script('return document.documentElement.lang'), 'en',
	    "$what: the page has a language");
	is($web->script('return document.querySelectorAll("h1").length'), 1,
	    "$what: the page has one heading");
	return ($name, $password, $button);
}

$web->open;

subtest 'the layout of the login page' => sub {
	for my $view ([ 1280, 800 ], [ 390, 844 ]) {
		for my $scheme (qw(light dark)) {
			my ($width, $height) = @$view;
			my $what = "${width}x$height $scheme";
			$web->emulate($width, $height, $scheme);
			$web->go("$site/auth/login");
			my ($name, $password, $button) = good_form($what);
			is($web->script('return matchMedia(' .
				'"(prefers-color-scheme: dark)").matches')
				? 'dark' : 'light', $scheme,
				    "$what: the colour scheme is in effect");
			cmp_ok($web->script('return document.' .
				'documentElement.scrollWidth'), '<=', $width,
			    "$what: the page is not wider than the window");
			cmp_ok($web->rect($button)->{height}, '>=', 40,
			    "$what: the button is large enough");
			cmp_ok($web->rect($name)->{height}, '>=', 40,
			    "$what: the fields are large enough");
			for my $css ('h1', 'label', 'button',
			    'input[name=username]') {
				cmp_ok(contrast_of($css), '>=', 4.5,
				    "$what: $css has enough contrast");
			}
			cmp_ok($web->screenshot(
				"$shots/login-$width-$scheme.png"), '>', 1000,
			    "$what: the screenshot is written");
			quiet($what);
		}
	}
	$web->emulate(1280, 800, 'light');
	my $light = $web->css(the('body'), 'background-color');
	$web->emulate(1280, 800, 'dark');
	isnt($web->css(the('body'), 'background-color'), $light,
	    'the dark scheme has another background');
	$web->emulate(1280, 800, 'light');
};

sub keyboard_login {
	my ($what, $user) = @_;
	my $target = '/some/page?a=1&b=%26';

	$web->go("$site$target");
	ok(at('/auth/login?rd=%2Fsome%2Fpage%3Fa%3D1%26b%3D%2526'),
	    "$what: a visitor gets the login page");
	my ($name, $password, $button) = good_form($what);
	tab_to($name, 'the name');
	my $outline = $web->css($name, 'outline-style');
	isnt($outline, 'none', "$what: the focus is visible");
	$web->type($user);
	$web->type($key->{tab});
	is($web->active, $password,
	    "$what: Tab leads from the name to the password");
	$web->type('not the password', $key->{enter});
	ok(wait_for(15, sub { eval { $web->find('[role=alert]') } }),
	    "$what: the page reports a wrong password");
	is($web->attribute(the('input[name=username]'), 'value'), $user,
	    "$what: the page keeps the name");
	$web->screenshot("$shots/wrong-password.png");
	tab_to(the('input[name=password]'), 'the password');
	$web->type($PASSWORD);
	tab_to(the('form button[type=submit]'), 'the button');
	isnt($web->css($web->active, 'outline-style'), 'none',
	    "$what: the focus on the button is visible");
	$web->type($key->{space});
	ok(at($target),
	    "$what: the sign-in leads back to the page with its query");
	is($web->text(the('#who')), $user, "$what: the page has the name");
	quiet("$what, signed in");
	return;
}

sub keyboard_logout {
	my ($what, $user) = @_;

	tab_to(the('a[href="/auth/logout"]'), 'the link');
	$web->type($key->{enter});
	ok(at('/auth/logout'), "$what: the link leads to the logout page");
	like($web->source, qr/\Q$user\E/,
	    "$what: the logout page has the name");
	$web->screenshot("$shots/logout.png");
	my $button = the('form button[type=submit]');
	tab_to($button, 'the button');
	$web->type($key->{enter});
	ok(wait_for(15, sub { !eval { $web->find('form button') } }),
	    "$what: the button signs out");
	$web->screenshot("$shots/signed-out.png");
	quiet("$what, signed out");
	$web->go("$site/");
	ok(at('/auth/login?rd=%2F'), "$what: the person is a visitor again");
	return;
}

subtest 'a person with a keyboard' => sub {
	keyboard_login('keyboard', 'alice');
	is($web->text(the('#groups')) =~ /admin/ ? 1 : 0, 1,
	    'the page has the roles');
	is($web->title, 'scripts run', 'the application may run scripts');
	is($web->script('return document.cookie'), '',
	    'scripts of the application cannot read our cookies');
	$web->go("$site/auth/login?rd=%2Fother");
	ok(at('/other'), 'the login page redirects a signed-in person');
	$web->go("$site/");
	keyboard_logout('keyboard', 'alice');
};

subtest 'a person without the required role' => sub {
	keyboard_login('bob', 'bob');
	$web->go("$site/admin/");
	like($web->source, qr/bob/, 'the page names bob');
	unlike($web->source, qr/id="who"/,
	    'the page shows nothing of the application');
	$web->screenshot("$shots/forbidden.png");
	the('a[href="/auth/logout"]');
	quiet('forbidden');
	$web->go("$site/");
	keyboard_logout('bob', 'bob');
};

# The pages of links have a Referrer-Policy of their own: with a wrong one, the
# form would be refused.
subtest 'the form of a link' => sub {
	$d->add_user('carol');
	my ($code, $out, $errors) = $d->ctl(qw(link reset carol --url), $site);
	is($code, 0, 'a link') or diag($errors);
	chomp $out;
	$web->go($out);
	for my $field ('#new', '#again') {
		$web->click(the($field));
		$web->type('a quite different phrase');
	}
	$web->click(the('form button[type=submit]'));
	ok(at('/auth/login?new=password'), 'it leads to the login page');
	like($web->text(the('main')), qr/Your password is set/,
	    'which says so');
	quiet('a link');
	my ($secret) = $out =~ m{([^/]+)\z};
	my $referers = slurp("$sockets/referers");
	like($referers, qr{^\Q$site\E/$}m, 'its files are asked for');
	unlike($referers, qr/\Q$secret\E/, 'no Referer has its secret');
};

subtest 'a browser without JavaScript' => sub {
	$web->cdp('Emulation.setScriptExecutionDisabled', { value =>
		JSON::PP::true });
	keyboard_login('no scripts', 'alice');
	is($web->title, 'Application', 'JavaScript is off');
	keyboard_logout('no scripts', 'alice');
};

$web->stop;
$d->stop_ok;
done_testing;
