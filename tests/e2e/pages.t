# SPDX-License-Identifier: MIT
# Every page as a person meets it: at the width of a desk and of phones, in
# light and dark colours, by the keyboard, without scripts, in all languages.
# With FCGIAUTH_PICTURES=FOLDER, the test writes pictures of the pages there.
# With names of pages as arguments, it looks at these only.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Look;
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use Test::More;

plan(skip_all => 'no Chromium with chromedriver here')
    unless FCGIAuth::WebDriver::available();

# There are many pages, and 16 languages.
alarm(5 * ($ENV{FCGIAUTH_TEST_LIMIT} || 300));

my $pictures = $ENV{FCGIAUTH_PICTURES};
my ($d, $n) = start_site(
    conf => {
	server => { hosts => 'www.example.com 127.0.0.1' },
	limits => { login_attempts => 30, trusted => '127.0.0.0/8' },
	account => { reset => 'mail' },
	mail => { from => 'login@example.com', command => '/bin/true' },
	'link wiki' => { url => '/wiki/', title => 'The Wiki' },
	'link mail' => { url => 'https://mail.example.com/' },
	'link board' => { url => '/board/', title => 'Notice board' },
	pages => { title => 'Example Works', contact => 'help@example.com' },
    }, server => <<'EOT');
	location / {
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
	location /admin/ {
		set $fcgiauth_require "role:admin";
		include fcgiauth/fcgiauth-protect.conf;
		proxy_pass http://app;
	}
	location = /forms {
		return 200 '<!DOCTYPE html><html lang="en">
<title>Forms of other pages</title><link rel="icon" href="data:,">
<form method="post"><input name="a" value="b"><button>Send</button></form>';
	}
EOT
my $site = 'http://www.example.com:' . $n->port;
my $web = FCGIAuth::WebDriver->new(dir => tempdir())->open(
    args => ['--host-resolver-rules=MAP *.example.com 127.0.0.1']);
my $wrong = 0;
my %token;
my $language = 'en';

sub get { my ($path) = @_; return sub { $web->go("$site$path") } }

# Fills a form of the page in and sends it.
sub submit_at {
	my ($css, %value) = @_;
	my $values = JSON::PP->new->encode(\%value);

	FCGIAuth::Look::run($web, <<"EOT");
window.before = true;
for (const [name, value] of Object.entries($values)) {
	const form = document.querySelector('$css');
	if (name in form.elements)
		form.elements[name].value = value;
	else
		form[name] = value;
}
EOT
	my ($button) = $web->find("$css [type=submit], " .
	    "$css button:not([type])");
	$web->click($button);
	wait_for(15, sub { eval { FCGIAuth::Look::run($web,
		'!window.before && document.readyState === "complete"') } })
	    or die "no page after the form\n";
	return;
}

sub submit { return submit_at('form[method=post]', @_) }

sub log_in {
	my (%value) = @_;
	$web->go("$site/auth/login?rd=%2Fsome%2Fpage");
	submit(password => 'not the password', %value);
	return;
}

# Posts the login form as if the page had another origin.
sub log_in_from {
	my ($origin, %more) = @_;
	$web->go("$site/auth/login");
	$web->cdp('Network.setExtraHTTPHeaders', { headers => {
		'Accept-Language' => $language, Origin => $origin,
		%more } });
	submit(username => 'alice', password => 'no');
	prefer($language);
	return;
}

# Sends a form of an application to an address.
sub form {
	my ($path, %more) = @_;
	$web->go("$site/forms");
	submit(action => $path, %more);
	return;
}

# Signs in with a browser that calls itself as given, and keeps the cookie.
sub have_session {
	my ($who, $agent) = @_;

	$web->cdp('Network.clearBrowserCookies', {});
	$web->cdp('Network.setUserAgentOverride', { userAgent => $agent });
	log_in(username => $who, password => $PASSWORD);
	my $all = $web->cdp('Network.getCookies', { urls => [$site] });
	($token{$who}) = map { $_->{value} } grep { $_->{name} eq 'fcgiauth' }
	    @{ $all->{cookies} };
	return;
}

sub change_password {
	my ($old, $new) = @_;

	$web->go("$site/auth/account");
	submit_at('#password form', current => $old, new => $new);
	return;
}

# Returns the path of a new link.
sub link_of {
	my ($code, $out, $errors) = $d->ctl('link', @_);
	die "link @_: $errors" if $code != 0;
	return $out =~ m{(/auth/link/\S+)} ? $1 : die "no link: $out";
}

sub follow { $web->go($site . link_of(@_)) }

# Lets bob change the password at the next sign-in, or not.
sub demand {
	my ($flag) = @_;
	return sub {
		my ($code, undef, $errors) = $d->ctl(qw(user set bob),
		    "$flag-change");
		die "user set: $errors" if $code != 0;
	};
}

# Each page: its name, how a browser gets there, the status, the heading, and
# who is signed in. before and after: what happens outside of the browser. dark:
# the pictures show also the dark colours, and Arabic. words: look at the page
# in all languages, because its texts are long or many. except: rules of
# axe-core that do not hold.
my @pages = (
	{ name => 'login', words => 1, status => 200, dark => 1,
	    heading => 'Sign in',
	    reach => get('/auth/login?rd=%2Fsome%2Fpage') },
	{ name => 'login-wrong', words => 1, status => 401, dark => 1,
	    heading => 'Sign in',
	    reach => sub { log_in(username => 'nobody' . $wrong++) } },
	{ name => 'login-stale', status => 403, heading => 'Sign in',
	    reach => sub { log_in(username => 'alice', csrf => 'x') } },
	{ name => 'login-banned', words => 1, status => 429,
	    heading => 'Please wait a little',
	    before => sub { sign_in($n->client, 'mallory', password => 'no')
		for 1 .. 31 },
	    reach => sub { log_in(username => 'mallory') } },
	{ name => 'account', words => 1, status => 200, as => 'alice',
	    dark => 1, heading => 'Your account',
	    reach => get('/auth/account') },
	{ name => 'account-refused', words => 1, status => 422, as => 'alice',
	    heading => 'Your account',
	    reach => sub { change_password($PASSWORD, 'alice') } },
	{ name => 'account-wrong', status => 401, as => 'alice',
	    heading => 'Your account',
	    reach => sub { change_password('no', 'a long enough password') } },
	{ name => 'link-reset', words => 1, status => 200, dark => 1,
	    heading => 'Change password',
	    reach => sub { follow(qw(reset bob)) } },
	{ name => 'link-refused', status => 422, heading => 'Change password',
	    reach => sub { follow(qw(reset bob));
		submit(new => 'bob', again => 'bob') } },
	{ name => 'forgot', words => 1, status => 200, dark => 1,
	    heading => 'Forgot your password?',
	    reach => get('/auth/reset?rd=%2Fsome%2Fpage') },
	{ name => 'forgot-sent', words => 1, status => 200,
	    heading => 'Check your e-mail',
	    reach => sub { $web->go("$site/auth/reset");
		submit(username => 'nobody') } },
	{ name => 'link-invite', words => 1, status => 200,
	    heading => 'Create your account',
	    reach => sub { follow(qw(invite --role staff --role wiki)) } },
	{ name => 'link-taken', status => 422, heading => 'Create your account',
	    reach => sub { follow('invite');
		submit(username => 'alice', new => 'a quite different phrase',
		    again => 'a quite different phrase') } },
	{ name => 'link-gone', words => 1, status => 404,
	    heading => 'This link does not work any more',
	    reach => get('/auth/link/' . 'A' x 43) },
	{ name => 'must-change', words => 1, status => 200, dark => 1,
	    heading => 'Choose a new password', before => demand('--must'),
	    reach => sub { log_in(username => 'bob', password => $PASSWORD) } },
	{ name => 'must-change-refused', status => 422,
	    heading => 'Choose a new password', reach => sub {
		log_in(username => 'bob', password => $PASSWORD);
		submit(new => 'bob', again => 'bob') } },
	{ name => 'must-change-gone', words => 1, status => 200,
	    heading => 'Sign in', after => demand('--no-must'),
	    reach => sub {
		log_in(username => 'bob', password => $PASSWORD);
		submit(ticket => 'x', new => 'a quite different phrase',
		    again => 'a quite different phrase') } },
	{ name => 'logout', words => 1, status => 200, as => 'alice',
	    heading => 'Sign out?', reach => get('/auth/logout') },
	{ name => 'signed-out', status => 200,
	    heading => 'You are signed out', reach => get('/auth/logout') },
	{ name => 'logout-stale', status => 403, as => 'alice',
	    heading => 'Open this page once more', reach => sub {
		$web->go("$site/auth/logout");
		submit(csrf => 'x') } },
	{ name => 'forbidden', words => 1, status => 403, as => 'bob',
	    dark => 1, heading => 'No access to this page',
	    reach => get('/admin/') },
	{ name => 'unsent', words => 1, status => 401,
	    heading => 'Your form was not sent',
	    reach => sub { form('/save') } },
	{ name => 'too-long', status => 401, heading => 'Sign in first',
	    reach => get('/?' . '%2b' x 2000) },
	{ name => 'not-found', status => 404,
	    heading => 'There is no such page', reach => get('/auth/nothing') },
	{ name => 'method', status => 405,
	    heading => 'This page cannot be used in this way',
	    reach => sub { form('/auth/style.css') } },
	{ name => 'large', status => 413, heading => 'That was too large',
	    reach => sub { form('/auth/login', a => 'x' x 20000) } },
	{ name => 'media', status => 415,
	    heading => 'This form cannot be read',
	    reach => sub { form('/auth/login', enctype => 'text/plain') } },
	{ name => 'malformed', status => 400,
	    heading => 'This address does not work',
	    reach => get('/auth/login?rd=/a&rd=/b') },
	{ name => 'foreign', words => 1, status => 403,
	    heading => 'This form came from another site',
	    reach => sub { log_in_from('https://evil.example') } },
	{ name => 'hidden', words => 1, status => 403,
	    heading => 'We cannot tell where this form came from',
	    reach => sub { log_in_from('null') } },
	{ name => 'renamed', words => 1, status => 403,
	    heading => 'The address of this site is changed on the way',
	    reach => sub { log_in_from('http://inside.example.net',
		'Sec-Fetch-Site' => 'same-origin') } },
	{ name => 'unnamed', words => 1, status => 403,
	    heading => 'This address is not set up yet',
	    reach => sub { log_in_from('http://www.example.com:1') } },
	{ name => 'unknown-host', status => 400,
	    heading => 'We do not serve this address', reach => sub {
		$web->go($site =~ s/www/old/r . '/auth/login') } },
	{ name => 'odd-path', status => 403, as => 'bob',
	    heading => 'This address is written in an unusual way',
	    reach => get('/admin/..%2fx') },
	{ name => 'store-away', status => 503,
	    heading => 'Sign-in is out of order',
	    before => sub { $d->store->away }, after => sub { $d->store->back },
	    reach => sub { log_in(username => 'alice',
		password => $PASSWORD) } },
	{ name => 'login-own', status => 200, heading => 'Sign in', dark => 1,
	    # A colour of the site has 5:1 on light ground.
	    except => ['color-contrast-enhanced'],
	    before => \&brand, reach => get('/auth/login') },
);

# Gives the pages much to carry: a long title, a wide logo, a long notice, and a
# colour that nobody could read.
sub brand {
	my $logo = $d->dir . '/logo.svg';

	spit($logo, '<svg xmlns="http://www.w3.org/2000/svg" width="160" ' .
	    'height="40"><rect width="160" height="40" rx="8" ' .
	    'fill="#14532d"/><circle cx="24" cy="20" r="10" ' .
	    'fill="#ffff00"/></svg>');
	$d->configure(pages => { logo => $logo, color => 'ffff00',
		title => 'The Example Works of Springfield and Shelbyville, ' .
		    'Looms', notice => 'For those who work here. ' .
		    'Ask in room 12 for an account. ' x 8 });
	my $before = length $d->log_text;
	$d->reload;
	wait_for(20, sub {
		substr($d->log_text, $before) =~ /\breloaded\b/;
	});
	return;
}

sub be {
	my ($who) = @_;

	$web->cdp('Network.clearBrowserCookies', {});
	$web->cdp('Network.setCookie', { name => 'fcgiauth', url => $site,
		value => $token{$who} }) if $who;
	return;
}

sub prefer {
	($language) = @_;
	return $web->cdp('Network.setExtraHTTPHeaders',
	    { headers => { 'Accept-Language' => $language } });
}

sub clean {
	my ($what, @findings) = @_;
	return is(join("\n", @findings), '', $what);
}

sub picture {
	my ($page, @more) = @_;
	FCGIAuth::Look::picture($web, join('-', "$pictures/$page->{name}",
		@more) . '.png') if $pictures;
	return;
}

sub view {
	my ($page, $width, $scheme, %arg) = @_;
	my $what = "$width, $scheme";

	$web->emulate($width, $width > 600 ? 800 : 844, $scheme);
	my $findings = sub {
		$page->{reach}->();
		return FCGIAuth::Look::findings($web,
		    status => $page->{status}, %arg);
	};
	my @found = $findings->();
	# On a busy machine a page may be painted before its end has arrived. A
	# shift that the page itself causes is there each time.
	if (grep { /^layout shift/ } @found) {
		diag("$page->{name}: $_") for @found;
		@found = $findings->();
	}
	clean($what, @found);
	return $what;
}

sub look_at {
	my ($page) = @_;
	my @except = @{ $page->{except} || [] };

	my $what = view($page, 1280, 'light');
	is(FCGIAuth::Look::run($web,
		'document.querySelector("h1").textContent.trim()'),
	    $page->{heading}, 'the heading');
	picture($page, 1280);
	clean("$what: axe-core", FCGIAuth::Look::axe($web, rules =>
		{ map { $_ => { enabled => JSON::PP::false } } @except }));
	clean("$what: the keyboard", FCGIAuth::Look::keyboard($web));

	$what = view($page, 390, 'dark');
	picture($page, 390, 'dark') if $page->{dark};
	clean("$what: axe-core", FCGIAuth::Look::axe_colours($web, @except));

	view($page, 320, 'light', unfold => 1);

	$web->cdp('Emulation.setScriptExecutionDisabled',
	    { value => JSON::PP::true });
	view($page, 390, 'light', still => 1);
	picture($page, 390);
	$web->cdp('Emulation.setScriptExecutionDisabled',
	    { value => JSON::PP::false });
	return;
}

sub read_in {
	my ($page, $language) = @_;

	prefer($language);
	$web->emulate(320, 640, 'light');
	$page->{reach}->();
	clean("320, in $language", FCGIAuth::Look::overflow($web));
	my $got = FCGIAuth::Look::run($web, 'document.documentElement.lang + ' .
		'document.documentElement.dir');
	is(substr($got, 0, 2), $language, "the page is in $language");
	picture($page, 320, $language) if $page->{dark} && $got =~ /rtl$/;
	return;
}

sub languages {
	$web->go("$site/auth/login");
	return @{ FCGIAuth::Look::run($web, '[...document.querySelectorAll(' .
		'".lang a")].map((e) => e.lang)') };
}

$web->cdp('Network.enable', {});
have_session('alice', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS ' .
    'X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 ' .
    'Safari/604.1');
have_session($_, 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 ' .
    'Firefox/128.0') for qw(alice bob);
diag('axe-core is missing') unless FCGIAuth::Look::has_axe();
my @languages = languages();
my %only = map { $_ => 1 } @ARGV;
for my $page (grep { !%only || $only{ $_->{name} } } @pages) {
	subtest $page->{name} => sub {
		be($page->{as});
		$page->{before}->() if $page->{before};
		look_at($page);
		read_in($page, $_) for $page->{words} ? @languages : ();
		prefer('en');
		$page->{after}->() if $page->{after};
	};
}

$web->stop;
$d->stop_ok;
done_testing;
