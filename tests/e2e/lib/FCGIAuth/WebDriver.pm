# SPDX-License-Identifier: MIT
# The part of WebDriver (W3C) that the tests need. It controls Chromium by
# chromedriver.
package FCGIAuth::WebDriver;

use strict;
use warnings;

use FCGIAuth::Test;
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use constant ELEMENT => 'element-6066-11e4-a52e-4f735466cecf';

our %KEY = (tab => "\x{e004}", enter => "\x{e007}", space => ' ');

# Returns false when chromedriver or Chromium is missing.
sub available {
	return in_path('chromedriver') &&
	    (in_path('chromium') || in_path('google-chrome'));
}

sub new {
	my ($class, %arg) = @_;
	my $dir = $arg{dir} || tempdir();
	my $port = free_port();
	my $self = bless { dir => $dir, url => "http://127.0.0.1:$port",
		http => HTTP::Tiny->new(timeout => 60) }, $class;

	# The browser writes its files in this folder.
	local $ENV{HOME} = "$dir";
	local $ENV{TMPDIR} = "$dir";
	local $ENV{http_proxy};
	$self->{pid} = spawn('chromedriver', "$dir/chromedriver.log",
	    in_path('chromedriver'), "--port=$port");
	wait_for(20, sub { eval { $self->call(GET => '/status')->{ready} } })
	    or die 'chromedriver: ' . slurp("$dir/chromedriver.log");
	return $self;
}

# Opens a window. no_script: JavaScript is off. args: further options of
# Chromium.
sub open {
	my ($self, %arg) = @_;
	my %options = (
		args => [
			qw(--headless --no-sandbox --disable-gpu
			--disable-quic --no-first-run --disable-sync
			--disable-background-networking
			--disable-component-update --disable-dev-shm-usage
			--disable-extensions --no-default-browser-check),
			"--window-size=1280,800",
			"--user-data-dir=$self->{dir}/profile" . ++$self->{n},
			@{ $arg{args} || [] },
		],
	);

	$options{prefs} = {
		'profile.managed_default_content_settings.javascript' => 2,
	} if $arg{no_script};
	my $answer = $self->call(POST => '/session', { capabilities => {
		alwaysMatch => {
			browserName => 'chrome',
			'goog:chromeOptions' => \%options,
			'goog:loggingPrefs' => { browser => 'ALL' },
		},
	} });
	$self->{session} = "/session/$answer->{sessionId}";
	# Without a screen Chromium may treat the window as one without focus.
	$self->cdp('Emulation.setFocusEmulationEnabled',
	    { enabled => JSON::PP::true() });
	return $self;
}

sub call {
	my ($self, $method, $path, $data) = @_;
	my %request = (headers => { 'Content-Type' => 'application/json' });

	$request{content} = JSON::PP->new->utf8->encode($data || {})
	    if $method eq 'POST';
	my $answer = $self->{http}->request($method, "$self->{url}$path",
	    \%request);
	my $json = eval { JSON::PP->new->utf8->decode($answer->{content}) };
	die "$method $path: $answer->{status} $answer->{content}\n"
	    unless $answer->{success} && $json;
	return $json->{value};
}

sub do {
	my ($self, $method, $path, $data) = @_;
	return $self->call($method, "$self->{session}$path", $data);
}

sub go {
	my ($self, $url) = @_;
	return $self->do(POST => '/url', { url => $url });
}

sub url { my ($self) = @_; return $self->do(GET => '/url') }
sub source { my ($self) = @_; return $self->do(GET => '/source') }
sub title { my ($self) = @_; return $self->do(GET => '/title') }

sub find {
	my ($self, $css) = @_;
	my $found = $self->do(POST => '/elements',
	    { using => 'css selector', value => $css });
	return map { $_->{+ELEMENT} } @$found;
}

sub active {
	my ($self) = @_;
	return $self->do(GET => '/element/active')->{+ELEMENT};
}

sub attribute {
	my ($self, $element, $name) = @_;
	return $self->do(GET => "/element/$element/attribute/$name");
}

sub css {
	my ($self, $element, $name) = @_;
	return $self->do(GET => "/element/$element/css/$name");
}

sub rect {
	my ($self, $element) = @_;
	return $self->do(GET => "/element/$element/rect");
}

sub text {
	my ($self, $element) = @_;
	return $self->do(GET => "/element/$element/text");
}

# label() and role() return the name and the role in the accessibility tree,
# which a screen reader reads.
sub label {
	my ($self, $element) = @_;
	return $self->do(GET => "/element/$element/computedlabel");
}

sub role {
	my ($self, $element) = @_;
	return $self->do(GET => "/element/$element/computedrole");
}

# Sends keys to the element that has the focus.
sub type {
	my ($self, @keys) = @_;
	my @actions;

	for my $key (map { split //, $_ } @keys) {
		push @actions, { type => 'keyDown', value => $key },
		    { type => 'keyUp', value => $key };
	}
	$self->do(POST => '/actions', { actions =>
	    [ { type => 'key', id => 'keyboard', actions => \@actions } ] });
	return;
}

sub click {
	my ($self, $element) = @_;
	return $self->do(POST => "/element/$element/click", {});
}

sub script {
	my ($self, $text) = @_;
	return $self->do(POST => '/execute/sync', { script => $text,
		args => [] });
}

sub cdp {
	my ($self, $command, $params) = @_;
	return $self->do(POST => '/goog/cdp/execute',
	    { cmd => $command, params => $params });
}

# Sets the size of the window and the preferred colour scheme (light or dark).
sub emulate {
	my ($self, $width, $height, $scheme) = @_;
	$self->cdp('Emulation.setDeviceMetricsOverride', {
		width => $width, height => $height,
		deviceScaleFactor => 1,
		mobile => $width < 600 ? JSON::PP::true : JSON::PP::false,
	});
	$self->cdp('Emulation.setEmulatedMedia', { features =>
	    [ { name => 'prefers-color-scheme', value => $scheme } ] });
	return;
}

sub screenshot {
	my ($self, $path) = @_;
	my $png = decode_base64($self->do(GET => '/screenshot'));

	spit($path, $png);
	return length $png;
}

# Returns the messages of the console since the last call, as "level: text".
sub console {
	my ($self) = @_;
	my $log = $self->do(POST => '/se/log', { type => 'browser' });
	return map { "$_->{level}: $_->{message}" } @$log;
}

sub close {
	my ($self) = @_;
	my $session = delete $self->{session} or return;
	$self->call(DELETE => $session);
	return;
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	eval { $self->close };
	kill 'TERM', $pid;
	return reap($pid, 10);
}

1;
