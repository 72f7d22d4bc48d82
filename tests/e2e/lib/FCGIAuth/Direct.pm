# SPDX-License-Identifier: MIT
# Functions that sign in at a daemon without a web server in between, and that
# run several things at once.
package FCGIAuth::Direct;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Daemon;
use FCGIAuth::Test;
use JSON::PP qw(encode_json);

our @EXPORT = qw(login cookie_of logged_in at_once count);

sub login {
	my ($d, $name, $password, %more) = @_;
	return $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', timeout => 30 * slow(),
	    body => encode_json({ username => $name, password => $password }),
	    %more);
}

# Returns the session cookie of an answer in the form in which a browser sends
# it.
sub cookie_of {
	my ($answer) = @_;
	my ($cookie) = $answer->{raw} =~ /Set-Cookie: (fcgiauth=[^;]+)/;
	return $cookie;
}

sub logged_in {
	my ($d, $name, %more) = @_;
	return cookie_of(login($d, $name, $FCGIAuth::Daemon::PASSWORD, %more));
}

# Runs the given functions in parallel and returns their results.
sub at_once {
	my @running = map { child_code($_) } @_;
	return map { $_->() } @running;
}

sub count {
	my ($text, $pattern) = @_;
	return scalar(() = $text =~ /$pattern/g);
}

1;
