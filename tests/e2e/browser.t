# SPDX-License-Identifier: MIT
# A person with a browser: keyboard only, with and without scripts, on a desk
# and on a phone, by day and by night.
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
	# What the page itself did wrong; a 401 or 403 is an answer, not that.
	my @lines = grep { !/the server responded with a status of 40[13]/ }
	    $web->console;
	is(join("\n", @lines), '', "$what: nothing on the console");
	return;
}

# The one element of that name.
sub the {
	my ($css) = @_;
	my @found = $web->find($css);
	is(scalar @found, 1, "one $css") or return;
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

# Contrast of an element's text against what is behind it (WCAG 1.4.3).
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
	is($web->label($password), 'Password', "$what: the password, too");
	is($web->role($button), 'button', "$what: a button");
	is($web->attribute($name, 'autocomplete'), 'username',
	    "$what: password managers know the name");
	is($web->attribute($password, 'autocomplete'), 'current-password',
	    "$what: and the password");
	is($web->attribute($password, 'type'), 'password',
	    "$what: which is not shown");
	ok($web->title, "$what: the page has a title");
	is($web->script('return document.documentElement.lang'), 'en',
	    "$what: and a language");
	is($web->script('return document.querySelectorAll("h1").length'), 1,
	    "$what: and one heading");
	return ($name, $password, $button);
}

$web->open;

subtest 'looks' => sub {
	for my $view ([ 1280, 800 ], [ 390, 844 ]) {
		for my $scheme (qw(light dark)) {
			my ($width, $height) = @$view;
			my $what = "${width}x$height $scheme";
			$web->emulate($width, $height, $scheme);
			$web->go("$site/auth/login");
			my ($name, $password, $button) = good_form($what);
			is($web->script('return matchMedia(' .
				'"(prefers-color-scheme: dark)").matches')
				? 'dark' : 'light', $scheme, "$what: so");
			cmp_ok($web->script('return document.' .
				'documentElement.scrollWidth'), '<=', $width,
			    "$what: nothing sticks out");
			cmp_ok($web->rect($button)->{height}, '>=', 40,
			    "$what: the button is large enough");
			cmp_ok($web->rect($name)->{height}, '>=', 40,
			    "$what: so are the fields");
			for my $css ('h1', 'label', 'button',
			    'input[name=username]') {
				cmp_ok(contrast_of($css), '>=', 4.5,
				    "$what: $css can be read");
			}
			cmp_ok($web->screenshot(
				"$shots/login-$width-$scheme.png"), '>', 1000,
			    "$what: a picture");
			quiet($what);
		}
	}
	$web->emulate(1280, 800, 'light');
	my $light = $web->css(the('body'), 'background-color');
	$web->emulate(1280, 800, 'dark');
	isnt($web->css(the('body'), 'background-color'), $light,
	    'dark is another background');
	$web->emulate(1280, 800, 'light');
};

sub keyboard_login {
	my ($what, $user) = @_;
	my $target = '/some/page?a=1&b=%26';

	$web->go("$site$target");
	ok(at('/auth/login?rd=%2Fsome%2Fpage%3Fa%3D1%26b%3D%2526'),
	    "$what: sent to the login page");
	my ($name, $password, $button) = good_form($what);
	tab_to($name, 'the name');
	my $outline = $web->css($name, 'outline-style');
	isnt($outline, 'none', "$what: the focus can be seen");
	$web->type($user);
	$web->type($key->{tab});
	is($web->active, $password, "$what: then the password");
	$web->type('not the password', $key->{enter});
	ok(wait_for(15, sub { eval { $web->find('[role=alert]') } }),
	    "$what: a wrong password is said");
	is($web->attribute(the('input[name=username]'), 'value'), $user,
	    "$what: and the name kept");
	$web->screenshot("$shots/wrong-password.png");
	tab_to(the('input[name=password]'), 'the password');
	$web->type($PASSWORD);
	tab_to(the('form button[type=submit]'), 'the button');
	isnt($web->css($web->active, 'outline-style'), 'none',
	    "$what: the focus can be seen on it");
	$web->type($key->{space});
	ok(at($target), "$what: back at the page, with its query");
	is($web->text(the('#who')), $user, "$what: which knows the name");
	quiet("$what, signed in");
	return;
}

sub keyboard_logout {
	my ($what, $user) = @_;

	tab_to(the('a[href="/auth/logout"]'), 'the link');
	$web->type($key->{enter});
	ok(at('/auth/logout'), "$what: a page to ask");
	like($web->source, qr/\Q$user\E/, "$what: that says who");
	$web->screenshot("$shots/logout.png");
	my $button = the('form button[type=submit]');
	tab_to($button, 'the button');
	$web->type($key->{enter});
	ok(wait_for(15, sub { !eval { $web->find('form button') } }),
	    "$what: done");
	$web->screenshot("$shots/signed-out.png");
	quiet("$what, signed out");
	$web->go("$site/");
	ok(at('/auth/login?rd=%2F'), "$what: a stranger again");
	return;
}

subtest 'a keyboard' => sub {
	keyboard_login('keyboard', 'alice');
	is($web->text(the('#groups')) =~ /admin/ ? 1 : 0, 1, 'and the roles');
	is($web->title, 'scripts run', 'the application may run scripts');
	is($web->script('return document.cookie'), '',
	    'but they see no cookie of ours');
	$web->go("$site/auth/login?rd=%2Fother");
	ok(at('/other'), 'the login page sends on who is signed in');
	$web->go("$site/");
	keyboard_logout('keyboard', 'alice');
};

subtest 'not allowed' => sub {
	keyboard_login('bob', 'bob');
	$web->go("$site/admin/");
	like($web->source, qr/bob/, 'bob is told who he is');
	unlike($web->source, qr/id="who"/, 'and shown nothing');
	$web->screenshot("$shots/forbidden.png");
	the('a[href="/auth/logout"]');
	quiet('forbidden');
	$web->go("$site/");
	keyboard_logout('bob', 'bob');
};

subtest 'without scripts' => sub {
	$web->cdp('Emulation.setScriptExecutionDisabled', { value =>
		JSON::PP::true });
	keyboard_login('no scripts', 'alice');
	is($web->title, 'Application', 'scripts are off indeed');
	keyboard_logout('no scripts', 'alice');
};

$web->stop;
$d->stop_ok;
done_testing;
