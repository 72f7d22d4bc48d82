#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Uses the demo as a client would, prints the answers, and exits with 1 at the
# first answer that was not expected.
#
#	demo-check.pl PORT USER <PASSWORD
use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/../e2e/lib';
use FCGIAuth::Client;

my ($port, $user) = @ARGV;
my $password = <STDIN>;
chomp $password;

my $browser = FCGIAuth::Client->new(port => $port);

sub saw {
	my ($what, $answer) = @_;
	my $location = $answer->header('location');

	printf "%-44s %s%s\n", $what, $answer->status || 'no answer',
	    defined $location ? "  -> $location" : '';
	return $answer;
}

sub expect {
	my ($right, $what) = @_;

	return if $right;
	print "\nUNEXPECTED: expected $what\n";
	exit 1;
}

my $a = saw('GET /  (a visitor)', $browser->page('/'));
expect($a->status == 302 &&
    ($a->header('location') // '') eq '/auth/login?rd=%2F',
    'to be sent to the login page');

$a = saw('GET /  (a script of a visitor)', $browser->xhr('/'));
expect($a->status == 401 && $a->json, '401 in JSON');

$a = saw('GET /auth/login?rd=%2F', $browser->page('/auth/login?rd=%2F'));
my $csrf = $a->field('csrf');
expect($a->status == 200 && $csrf, 'the login page with its CSRF token');

$a = saw('POST /auth/login  (a wrong password)',
    $browser->post_form('/auth/login', [ username => $user,
	password => 'not the password', csrf => $csrf, rd => '/' ]));
expect($a->status == 401, 'the page again, with 401');
$csrf = $a->field('csrf');
expect($csrf, 'a CSRF token on that page');

$a = saw('POST /auth/login  (the right password)',
    $browser->post_form('/auth/login', [ username => $user,
	password => $password, csrf => $csrf, rd => '/' ]));
expect($a->status == 303 && ($a->header('location') // '') eq '/',
    'to be sent back to /');
expect(scalar(grep { /^fcgiauth=/ && /;\s*HttpOnly/i && /;\s*SameSite=/i }
    $a->all('set-cookie')), 'the session cookie, HttpOnly and SameSite');

my $cookie = $browser->cookie_line;
$a = saw("GET /  ($user, who claims to be root)",
    $browser->page('/', 'Remote-User' => 'root'));
expect($a->status == 400, 'to be refused');
$a = saw("GET /  ($user)", $browser->page('/'));
expect($a->status == 200, 'the protected page');
expect($a->body =~ /Hello, \Q$user\E</, "\"Hello, $user\" on it");
expect($a->body =~ /Remote-Groups: staff</, 'the role on it');
print "    the page says: Hello, $user\n";

$a = saw('GET /auth/me', $browser->xhr('/auth/me'));
expect($a->status == 200 && $a->json && $a->json->{name} eq $user,
    'the same name');

$a = saw('GET /auth/logout', $browser->page('/auth/logout'));
$csrf = $a->field('csrf');
expect($a->status == 200 && $csrf, 'the page with the button');

$a = saw('POST /auth/logout',
    $browser->post_form('/auth/logout', [ csrf => $csrf ]));
expect($a->status == 303, 'to be sent on');

$a = saw('GET /  (signed out)', $browser->page('/'));
expect($a->status == 302, 'to be sent to the login page');

$a = saw('GET /  (with the old cookie)',
    FCGIAuth::Client->new(port => $port)->page('/', Cookie => $cookie));
expect($a->status == 302, 'the old cookie to be refused');

print "\nAll answers are as expected.\n";
