# SPDX-License-Identifier: MIT
# A sign-in by the name in another case, and by the e-mail address: everything
# that follows has the name of the user source.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my ($d, $n) = start_site(conf => { limits => { login_attempts => 5 } });

# Turns both options on, beside the options of the user source.
sub turn_on {
	my %users = %{ $d->store->users };

	$d->configure(users => { %users, case => 'fold', email => 'yes' });
	$d->reload;
}

sub refused {
	my ($name, $status, $what) = @_;
	my $a = json_sign_in($n->client, $name, password => 'wrong');

	is($a->status, $status, $what);
}

subtest 'by default only the exact name signs in' => sub {
	for my $name ('Alice', 'ALICE', 'alice@example.com') {
		is(json_sign_in($n->client, $name)->status, 401,
		    "$name is refused");
	}
	is(json_sign_in($n->client, ' alice ')->status, 200,
	    'blanks around the name do not matter');
};

turn_on();
$d->add_user('Carol', email => 'carol@example.com');
$d->add_user('dave', email => 'both@example.com');
$d->add_user('erin', email => 'Both@example.com');

subtest 'the name of the user source is used' => sub {
	for my $name ('ALICE', 'Alice@Example.com', ' aLice', 'alice') {
		my $c = $n->client;
		my $a = sign_in($c, $name);

		is($a->status, 303, "$name signs in by the form");
		like($c->page('/')->body, qr/^remote-user: alice\r?$/mi,
		    "$name is alice for the application");
		is($c->xhr('/auth/me')->json->{name}, 'alice',
		    "$name is alice at /auth/me");
	}
	my $a = json_sign_in($n->client, 'CAROL');
	is($a->status, 200, 'CAROL signs in');
	is($a->json->{user}{name}, 'Carol', 'CAROL is Carol');
	unlike($d->log_text, qr/audit login user="?(?:ALICE|aLice|Alice@|CAR)/,
	    'the log has the name of the user source');
};

subtest 'a new user has a name of their own' => sub {
	my ($status, $out, $err) = $d->ctl(\"$PASSWORD\n", 'user', 'add',
	    'ALICE', '--password-stdin');

	is($status, 1, 'a name that differs in case is refused');
	like($err, qr/ALICE means the user alice at a sign-in/,
	    'the message names the user');
};

subtest 'a text that fits several users signs nobody in' => sub {
	is(json_sign_in($n->client, 'both@example.com')->status, 401,
	    'the address of two users is refused');
	like($d->log_text, qr/login_failure .*why=ambiguous_name/,
	    'the audit log says why');
	is(json_sign_in($n->client, 'erin')->status, 200,
	    'the exact name signs in');
};

# CVE-2025-24806, CVE-2026-47203.
subtest 'all forms of a name have one counter' => sub {
	my $c = $n->client;

	$d->ctl('ban', 'lift', '--user', 'alice');
	refused($_, 401, "$_ with a wrong password is refused")
	    for 'ALICE', ' alice', 'alice@example.com', 'Alice',
	    'ALICE@EXAMPLE.COM';
	refused($_, 429, "$_ is banned")
	    for 'alice', 'ALICE', 'alice@example.com', ' Alice ';
	my ($status, $out) = $d->ctl('ban', 'list');
	like($out, qr/^user +alice /m, 'the ban is that of alice');
};

subtest 'all forms of an unknown name have one counter' => sub {
	refused($_, 401, "$_ is refused")
	    for 'nobody', 'NOBODY', ' nobody', 'Nobody', 'nobody ';
	refused('noBody', 429, 'noBody is banned');
	# These cannot be names.
	refused($_, 401, "$_ is refused") for ("no'body\@example.com") x 3,
	    ("NO'body\@example.com") x 2;
	refused("no'body\@example.com", 429, 'the address is banned');
	refused("no'body2\@example.com", 401, 'another address is not');
};

done_testing();
