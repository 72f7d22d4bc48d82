# SPDX-License-Identifier: MIT
# A person submits a form after the end of the session, in a browser, with each
# web server and in each mode. The form is sent again after a refresh, or kept
# until the person has signed in.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use Test::More;

plan(skip_all => 'no Chromium with chromedriver here')
    unless FCGIAuth::WebDriver::available();

my %class = (nginx => 'FCGIAuth::Nginx', apache => 'FCGIAuth::Apache',
    lighttpd => 'FCGIAuth::Lighttpd');
my $files = tempdir();
my $large = join '', map { pack 'N', $_ * 2654435761 % 2**32 }
    1 .. 5 * 1024 * 1024;
spit("$files/large", $large);
my $web = FCGIAuth::WebDriver->new(dir => tempdir());
my $TEXT = "What I typed & meant:\n100% \x{fc}ber";
my $SENT = 'text=What+I+typed+%26+meant%3A%0D%0A100%25+%C3%BCber';

$web->open;

sub the {
	my ($css) = @_;
	my $found = wait_for(20, sub { (eval { $web->find($css) })[0] })
	    or diag($web->url . ": " . $web->title);
	return $found;
}

sub forget {
	my ($site, @names) = @_;

	$web->cdp('Network.deleteCookies', { name => $_, url => $site })
	    for @names;
	return;
}

sub sign_in_here {
	my ($password) = the('input[name=password]');

	$web->do(POST => '/element/' . the('input[name=username]') . '/value',
	    { text => 'alice' });
	$web->do(POST => "/element/$password/value", { text => $PASSWORD });
	$web->click(the('form button[type=submit]'));
	return;
}

sub submit_plain {
	my ($site) = @_;

	$web->go("$site/forms");
	$web->do(POST => '/execute/sync', { script =>
		'document.querySelector("textarea").value = arguments[0]',
		args => [$TEXT] });
}

sub submit {
	my ($form) = @_;
	$web->click(the("#$form button"));
	return;
}

sub is_posted {
	my ($what, $body) = @_;
	my $p = the('#posted') or return fail($what);

	is($web->text($p), 'POST ' . length($body) . ' ' . md5_hex($body),
	    $what);
	return;
}

# Signs in in another tab, and sends the form that the first tab still has.
sub by_hand {
	my ($what, $body) = @_;
	my $here = $web->do(GET => '/window');
	my $link = the('a[target=_blank]') or return fail(
	    "$what: the page has a link");

	like($web->title, qr/Your form was not sent/,
	    "$what: the page says that the form was not sent");
	$web->click($link);
	my $other = wait_for(20, sub {
		(grep { $_ ne $here } @{ $web->do(GET => '/window/handles') })[0];
	});
	$web->do(POST => '/window', { handle => $other });
	sign_in_here();
	ok(wait_for(20, sub { $web->source =~ /THE APPLICATION/ }),
	    "$what: the sign-in in the other tab succeeds");
	$web->do(DELETE => '/window');
	$web->do(POST => '/window', { handle => $here });
	$web->do(POST => '/refresh', {});
	is_posted("$what: a reload of the first tab sends the form", $body);
	return;
}

sub try_mode {
	my ($server, $mode) = @_;
	my ($d, $n) = start_site(conf => {
		auth => { mode => $mode },
		jwt => { keys => tempdir() . '', issuer => 'https://x.example',
			audience => 'x' },
	});
	my $site = 'http://127.0.0.1:' . $n->port;
	my @access = $mode eq 'session' ? 'fcgiauth' : 'fcgiauth_access';
	my @all = (@access, 'fcgiauth_refresh');

	$web->cdp('Network.clearBrowserCookies', {});
	$web->go("$site/forms?a=1#/panel/7");
	sign_in_here();
	the('#plain');
	is($web->url, "$site/forms?a=1#/panel/7",
	    'the sign-in leads back to the page with its fragment');
	submit_plain($site);
	submit('plain');
	is_posted('a signed-in person sends a form', $SENT);

	submit_plain($site);
	forget($site, @access);
	submit('plain');
	if ($mode eq 'refresh') {
		is_posted('the form is sent again after a refresh', $SENT);
		is($web->url, "$site/posted?a=1&b=%2F",
		    'the form is sent to its address');
		$web->go("$site/forms");
		$web->do(POST => '/element/' . the('input[type=file]') .
		    '/value', { text => "$files/large" });
		forget($site, @access);
		submit('file');
		is_posted('a file of 20 MB is sent again after a refresh',
		    $large);
		submit_plain($site);
		forget($site, @all);
		submit('plain');
	}
	by_hand('the session has ended', $SENT);
	$d->stop_ok;
	$n->stop;
	return;
}

for my $server (qw(nginx apache lighttpd)) {
	next unless $class{$server}->program;
	local $ENV{FCGIAUTH_WEB} = $server;
	for my $mode (qw(refresh session jwt)) {
		subtest "$server, $mode" => sub { try_mode($server, $mode) };
	}
}

$web->stop;
done_testing;
