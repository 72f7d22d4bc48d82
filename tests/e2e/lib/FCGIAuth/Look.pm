# SPDX-License-Identifier: MIT
# Looks at a page in the browser like a person who cannot tell what it is built
# of: size, colours, keyboard, messages of the console. look.js measures.
package FCGIAuth::Look;

use strict;
use warnings;

use Cwd qw(abs_path);
use FCGIAuth::Npm;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use File::Basename qw(dirname);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

my $look = slurp(abs_path(dirname(__FILE__)) . '/../look.js');
my $axe;

# The rules of axe-core: WCAG A and AA, the contrast of AAA, and its own advice.
my @tags = qw(wcag2a wcag2aa wcag2aaa wcag21a wcag21aa wcag22aa best-practice);
my $json = JSON::PP->new;

# Without axe-core, the other findings remain.
sub has_axe {
	$axe //= FCGIAuth::Npm::install() ?
	    slurp(FCGIAuth::Npm::folder() .
		'/node_modules/axe-core/axe.min.js') : '';
	return $axe ne '';
}

# Evaluates an expression in the page and waits for its promise. It does not
# depend on the Content-Security-Policy, nor, without a promise, on whether
# scripts are on.
sub run {
	my ($web, $expression) = @_;
	my $got = $web->cdp('Runtime.evaluate', {
		expression => $expression, awaitPromise => $json->true,
		returnByValue => $json->true });

	die "in the page: ", $json->encode($got->{exceptionDetails}),
	    "\n" if $got->{exceptionDetails};
	return $got->{result}{value};
}

# The messages of the console, but the one that the status of the page itself
# causes.
sub messages {
	my ($web) = @_;
	my $url = $web->url =~ s/#.*//sr;

	return grep { !/^\w+: \Q$url\E - Failed to load resource: the server /
	    } $web->console;
}

# Returns what is wrong with the page in the window, one line each. status: what
# the server must have answered. unfold: whether to open what is folded. still:
# whether scripts are off, so that nothing in the page can wait.
sub findings {
	my ($web, %arg) = @_;

	run($web, $look);
	my @shifts = $arg{still} ? () : @{ run($web, 'look.shifts()') };
	run($web, 'look.unfold()') if $arg{unfold};
	my $status = run($web, 'look.status()');
	return ((defined $arg{status} && $status != $arg{status} ?
	    "status $status instead of $arg{status}" : ()),
	    @{ run($web, 'look.findings()') }, @shifts, messages($web));
}

# Returns what does not fit into the window, and the messages.
sub overflow {
	my ($web) = @_;

	run($web, $look);
	return @{ run($web, 'look.overflow()') }, messages($web);
}

# Presses Tab through the whole page, after findings().
sub keyboard {
	my ($web) = @_;
	my $n = run($web, 'look.start()');

	$web->type($FCGIAuth::WebDriver::KEY{tab} x $n) if $n > 0;
	return @{ run($web, 'look.visited()') };
}

# Runs axe-core. %arg: its options in place of the ones here.
sub axe {
	my ($web, %arg) = @_;
	my $options = $json->encode({ resultTypes => ['violations'],
		runOnly => { type => 'tag', values => \@tags }, %arg });

	return () unless has_axe();
	run($web, "$axe; 0");
	return @{ run($web, <<"EOT") };
axe.run(document, $options).then((r) => r.violations.map((v) => "axe " + v.id +
	": " + v.nodes.map((n) => n.html.slice(0, 90) + " " +
	((n.any[0] || n.all[0] || n.none[0] || {}).message || "")).join(" | ")))
EOT
}

# The rules of axe-core whose result depends on the colours.
sub axe_colours {
	my ($web, @except) = @_;
	my %except = map { $_ => 1 } @except;

	return axe($web, runOnly => { type => 'rule', values =>
		[ grep { !$except{$_} }
		qw(color-contrast color-contrast-enhanced) ] });
}

# Writes a picture of the whole page. pngquant, if it is here, makes the file a
# third as large.
sub picture {
	my ($web, $path) = @_;
	my ($width, $height) = @{ run($web, '[innerWidth, Math.max(' .
		'innerHeight, document.documentElement.scrollHeight)]') };

	run($web, 'window.scrollTo(0, 0)');
	my $got = $web->cdp('Page.captureScreenshot', { format => 'png',
		captureBeyondViewport => $json->true, clip => { x => 0,
		y => 0, width => $width, height => $height, scale => 1 } });
	spit($path, decode_base64($got->{data}));
	my $small = in_path('pngquant') or return;
	my ($code, undef, $errors) = capture($small,
	    qw(--force --strip --nofs --speed 1 --ext .png 48), $path);
	die "pngquant: $errors" if $code != 0;
	return;
}

1;
