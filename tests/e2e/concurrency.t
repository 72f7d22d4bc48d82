# SPDX-License-Identifier: MIT
# Many simultaneous requests: each answer is about the user of its own request.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep);

my $USERS = 8;
my $ROUNDS = slow() > 5 ? 40 : 150;
my ($d, $n) = start_site(workers => 2);

$d->add_user("user$_", roles => ["role$_"],
    email => "user$_\@example.com") for 1 .. $USERS;

# Repeats a sign-in that gets a 503 because all hash slots are busy.
sub patient_sign_in {
	my ($c, $name) = @_;
	my $a;

	for (1 .. 100) {
		$a = json_sign_in($c, $name);
		last if $a->status != 503;
		sleep 0.2;
	}
	return $a;
}

my (@tokens, @children);
for my $i (1 .. $USERS) {
	$children[$i] = child_code(sub {
		my $c = $n->client;
		my $a = patient_sign_in($c, "user$i");
		return $a->status . ' ' . (token_of($c) // '');
	});
}
for my $i (1 .. $USERS) {
	my ($status, $token) = split ' ', $children[$i]->() // '';
	is($status, 200, "user$i can sign in beside the others");
	$tokens[$i] = $token;
}
my %seen = map { $_ => 1 } grep { defined } @tokens;
is(scalar keys %seen, $USERS, 'each has a token of their own');

# Returns true when the answer for the token of user $i is about user $i only.
sub is_about {
	my ($a, $i) = @_;
	my $body = $a->body;
	return $a->status == 200 && $body =~ /^Remote-User: user$i$/m &&
	    $body =~ /^Remote-Groups: role$i$/m &&
	    $body =~ /^Remote-Email: user$i\@example\.com$/m;
}

subtest 'many users' => sub {
	my @checkers = map {
		my $k = $_;
		child_code(sub {
			my $c = $n->client;
			my $wrong = 0;
			for my $round (1 .. $ROUNDS) {
				my $i = 1 + ($round * $k) % $USERS;
				my $a = $c->get('/x', Cookie =>
				    "fcgiauth=$tokens[$i]");
				$wrong++ unless is_about($a, $i);
			}
			return "wrong $wrong";
		});
	} 1 .. 4;
	# Meanwhile other clients sign in and out, and the configuration is
	# reloaded.
	my @visitors = map {
		my $i = $_;
		child_code(sub {
			my $bad = '';
			for (1 .. 4) {
				my $c = $n->client;
				my $a = patient_sign_in($c, "user$i");
				my $token = token_of($c);
				$bad .= ' login' if $a->status != 200;
				$bad .= ' check'
				    unless is_about($c->get('/x'), $i);
				$a = $c->post_json('/auth/logout', {});
				$bad .= ' logout' if $a->status != 204;
				$a = $c->get('/x',
				    Cookie => "fcgiauth=$token");
				$bad .= ' after' if $a->status != 401;
			}
			return "bad$bad";
		});
	} 1 .. 3;
	for (1 .. 30) {
		$d->reload;
		sleep 0.03;
	}
	is($_->(), 'wrong 0', 'every check is about its own user')
	    for @checkers;
	is($_->(), 'bad', 'sign-ins and sign-outs succeed meanwhile')
	    for @visitors;
};

subtest 'many requests of one session' => sub {
	my @all = map { child_code(sub {
		my $c = $n->client;
		my %count;
		for (1 .. $ROUNDS) {
			$count{ $c->get('/x', Cookie =>
			    "fcgiauth=$tokens[1]")->status }++;
		}
		return join ' ', %count;
	}) } 1 .. 4;
	is($_->(), "200 $ROUNDS", 'all requests are allowed') for @all;
};

subtest 'many sign-outs of one session' => sub {
	my @all = map { child_code(sub {
		return $n->client->request(POST => '/auth/logout', headers => [
			Cookie => "fcgiauth=$tokens[2]",
			'Content-Type' => 'application/json' ],
		    body => '{}')->status;
	}) } 1 .. 6;
	is($_->(), 204, 'each sign-out succeeds') for @all;
	is($n->client->get('/x', Cookie => "fcgiauth=$tokens[2]")->status,
	    401, 'the session has ended');
	is($n->client->get('/x', Cookie => "fcgiauth=$tokens[3]")->status,
	    200, 'another session is valid');
};

is($d->ask(REQUEST_URI => '/auth/ready')->{status}, 200,
    '/auth/ready answers 200');
$d->stop_ok;
done_testing;
