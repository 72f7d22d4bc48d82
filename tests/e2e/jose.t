# SPDX-License-Identifier: MIT
# An independent implementation accepts our tokens, and the service accepts its
# tokens: the package jose on Node.js. fcgiauth does not need it otherwise.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Npm;
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::Token qw(b64 unb64 signer_file @ALGORITHMS);
use IPC::Open2 qw(open2);
use Test::More;

my $node = in_path('node');
plan(skip_all => 'no node or npm here') unless $node && in_path('npm');

my $at = FCGIAuth::Npm::folder();
plan(skip_all => "npm ci does not work here, see $at/npm.log")
    unless FCGIAuth::Npm::install();

# Gives tasks to jose and returns the results.
sub jose {
	my (@tasks) = @_;
	my $pid = open2(my $out, my $in, $node, "$at/jose.js");

	print {$in} JSON::PP->new->utf8->encode(\@tasks);
	close $in;
	local $/ = undef;
	my $text = <$out>;
	waitpid $pid, 0;
	my $results = eval { JSON::PP->new->utf8->decode($text) };
	die "jose: $text\n" unless $results;
	return @$results;
}

my $dir = tempdir();
my %policy = (issuer => 'https://auth.example.com', audience => 'example');

sub jwt_conf {
	my ($alg) = @_;
	return { algorithm => $alg, keys => "$dir/keys-$alg", %policy };
}

my ($d, $n) = start_site(conf => {
	auth => { mode => 'jwt', deliver => 'body' },
	jwt => jwt_conf('ES256') });
my $client = $n->client;

sub reload {
	my ($what) = @_;
	my $before = length $d->log_text;

	$d->reload;
	ok(wait_for(20, sub {
		substr($d->log_text, $before) =~ /\breloaded\b/;
	}), $what) or diag(substr $d->log_text, $before);
	return;
}

sub answer {
	my ($token) = @_;
	return $client->get('/x', Authorization => "Bearer $token")->status;
}

# Returns the task to verify one of our tokens.
sub verify {
	my ($alg, $token, %other) = @_;
	my %key = $alg =~ /^HS/ ? (secret_file => signer_file("$dir/keys-$alg"))
	    : (jwks => $client->origin . '/auth/jwks.json');
	return { do => 'verify', token => $token, alg => $alg, %policy, %key,
	    typ => $alg =~ /^HS/ ? 'JWT' : 'at+jwt', %other };
}

sub ours {
	my ($alg, $what) = @_;
	my $token = json_sign_in($client, 'alice')->json->{access_token};
	my ($first, $last) = $token =~ /^(.*\.)(.*)$/;
	my $bad = unb64($last);
	substr($bad, 5, 1) ^= "\x10";
	my @r = jose(verify($alg, $token),
	    verify($alg, $first . b64($bad)),
	    verify($alg, $token, audience => 'other'),
	    verify($alg, $token, issuer => 'https://other.example'),
	    verify($alg, $token, typ => 'x'));

	is($r[0]{error}, undef, "$what: jose accepts our token");
	is($r[0]{payload}{sub}, 'alice', "$what: jose reads the user name");
	is_deeply($r[0]{payload}{roles}, [qw(admin staff)],
	    "$what: jose reads the roles");
	is($r[1]{error}, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
	    "$what: jose refuses a token with a changed bit");
	is($r[$_]{error}, 'ERR_JWT_CLAIM_VALIDATION_FAILED',
	    "$what: jose refuses another policy") for 2 .. 4;
	return;
}

sub theirs {
	my ($alg, $key) = @_;
	my $now = time;
	my %header = (typ => $alg =~ /^HS/ ? 'JWT' : 'at+jwt',
	    kid => (split /\./, (signer_file("$dir/keys-$alg") =~
		m{([^/]+)$})[0])[0]);
	my %claims = (iss => $policy{issuer}, aud => $policy{audience},
	    sub => 'bob', client_id => 'jose', iat => $now, exp => $now + 60,
	    jti => 'a' x 32, sid => 'b' x 32, roles => ['staff']);
	my ($other) = jose({ do => 'generate', alg => $alg });
	my $make = sub {
		my ($h, $c, $jwk) = @_;
		return { do => 'sign', alg => $alg, jwk => $jwk || $key->{jwk},
		    header => { %header, %$h }, claims => { %claims, %$c } };
	};
	my @wrong = (
		[ 'another key', $make->({}, {}, $other->{jwk}) ],
		[ 'another kid', $make->({ kid => 'x' x 43 }, {}) ],
		[ 'another typ', $make->({ typ => 'id+jwt' }, {}) ],
		[ 'no typ', $make->({ typ => undef }, {}) ],
		[ 'another audience', $make->({}, { aud => 'other' }) ],
		[ 'another issuer', $make->({}, { iss => 'other' }) ],
		[ 'an expired token', $make->({}, { iat => $now - 400,
			    exp => $now - 100 }) ],
		[ 'an issue time in the future', $make->({}, { iat => $now + 200,
			    exp => $now + 300 }) ],
		[ 'no sub', $make->({}, { sub => undef }) ],
		[ 'a time as text', $make->({}, { exp => '' . ($now + 60) }) ],
		[ 'a fraction of a second', $make->({},
			{ exp => $now + 60.5 }) ],
	);
	my ($good, $two, @tokens) = jose($make->({}, {}),
	    $make->({}, { aud => [qw(other example)] }),
	    map { $_->[1] } @wrong);

	is($good->{error}, undef, "$alg: jose signs a token") or return;
	is($key->{kid}, $header{kid}, "$alg: the thumbprint is the same")
	    if $key->{kid};
	is(answer($good->{token}), 200,
	    "$alg: the service accepts a token of jose");
	is($client->get('/auth/me',
		Authorization => "Bearer $good->{token}")->json->{name},
	    'bob', "$alg: the service reads the user name");
	is(answer($two->{token}), 200,
	    "$alg: the service accepts a list of audiences");
	for my $i (0 .. $#wrong) {
		is(answer($tokens[$i]{token} // ''), 401,
		    "$alg: the service refuses $wrong[$i][0]");
	}
	return;
}

for my $i (0 .. $#ALGORITHMS) {
	my $alg = $ALGORITHMS[$i];
	subtest "algorithm $alg" => sub {
		$d->configure(jwt => jwt_conf($alg));
		reload('the daemon uses a new key of its own');
		ours($alg, 'our key');
		my $format = $i % 2 ? 'pem' : 'jwk';
		my ($key) = jose({ do => 'generate', alg => $alg,
			format => $format });
		is($key->{error}, undef, 'jose creates a key');
		spit("$dir/import", $key->{file});
		chmod 0600, "$dir/import";
		my @said = $d->ctl('key', 'import', "$dir/import", '--alg',
		    $alg);
		is($said[0], 0, 'key import succeeds') or diag("@said");
		@said = $d->ctl(qw(key rotate --now));
		is($said[0], 0, 'key rotate succeeds') or diag("@said");
		reload('the daemon uses the key of jose');
		ours($alg, 'the key of jose');
		theirs($alg, $key);
		unlike($client->get('/auth/jwks.json')->body,
		    qr/"(?:d|p|q|dp|dq|qi|k|oth)":/,
		    'the key set has no private member');
	};
}

$n->stop;
$d->stop_ok;
done_testing;
