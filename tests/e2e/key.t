# SPDX-License-Identifier: MIT
# Signing keys are created, imported, rotated and retired, also by several
# commands at the same time and under a running daemon. Commands that end tokens
# in mode jwt.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Test;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

my $KID = qr/[A-Za-z0-9_-]{43}/;

sub site {
	my (%jwt) = @_;
	my $dir = tempdir();

	return FCGIAuth::Daemon->new(dir => $dir, conf => {
		auth => { mode => 'jwt', deliver => 'both' },
		jwt => { algorithm => 'ES256', keys => "$dir/keys", %jwt },
	});
}

# Runs fcgiauthctl and tests its exit status and output. Returns (standard
# output, standard error).
sub ctl_is {
	my ($d, $want, $pattern, @args) = @_;
	my ($code, $out, $errors) = $d->ctl(@args);

	is($code, $want, "@args exits with $want");
	like("$out$errors", $pattern, "@args prints the expected message");
	return ($out, $errors);
}

sub keys_of {
	my ($d) = @_;
	my ($code, $out, $errors) = $d->ctl('key', 'list', '--json');

	die "key list: $errors" if $code != 0;
	return @{ JSON::PP->new->utf8->decode($out)->{keys} };
}

# Returns "STATE ALGORITHM" of all keys, sorted.
sub states_of {
	my ($d) = @_;
	return join ', ', sort map { "$_->{state} $_->{alg}" } keys_of($d);
}

sub kid_of {
	my ($d, $state) = @_;
	my ($key) = grep { $_->{state} eq $state } keys_of($d);
	return $key && $key->{kid};
}

# Makes the key of a state older by some seconds.
sub age {
	my ($d, $state, $seconds) = @_;
	my ($file) = glob "$d->{dir}/keys/*.$state.*" or die "no $state key";
	my $aged = $file =~ s/\.(\d+)\.(pem|secret)$/
	    '.' . ($1 - $seconds) . ".$2"/er;

	rename $file, $aged or die "rename: $!";
	return;
}

sub openssl {
	my (@args) = @_;
	my $status = system "openssl @args >/dev/null 2>&1";
	die "openssl @args" if $status != 0;
	return;
}

subtest 'keys are generated, rotated and retired' => sub {
	my $d = site();
	my ($out, $errors) = ctl_is($d, 0, qr/\AKID/, qw(key list));

	is($out =~ tr/\n//, 1,
	    'key list of a missing folder prints only the heading');
	ok(!-e "$d->{dir}/keys", 'key list does not create the folder');
	ctl_is($d, 1, qr/no key yet.*key generate/, qw(key rotate));
	($out, $errors) = ctl_is($d, 0, qr/^$KID: ES256, active; .*SIGHUP/,
	    qw(key generate));
	my $first = kid_of($d, 'active');
	like($errors, qr/audit key_generated kid=\Q$first\E alg=ES256 state=/,
	    'key generate is audited');
	is(sprintf('%o', (stat "$d->{dir}/keys")[2] & 07777), '700',
	    'only its owner may use the folder');
	is(sprintf('%o', (stat glob "$d->{dir}/keys/*.pem")[2] & 07777),
	    '600', 'only its owner may use the key file');
	ctl_is($d, 1, qr/\Q$first\E is the key that signs.*key rotate/,
	    qw(key retire --), $first);
	ctl_is($d, 1, qr/no such key: x/, qw(key retire x));

	ctl_is($d, 1, qr/not an algorithm: none; known are: HS256/,
	    qw(key generate --alg none));
	ctl_is($d, 0, qr/: PS256, pending/, qw(key generate --alg PS256));
	is(states_of($d), 'active ES256, pending PS256',
	    'key generate adds a pending key');
	my $second = kid_of($d, 'pending');
	($out, $errors) = ctl_is($d, 0, qr/^\Q$second\E: PS256, active/m,
	    qw(key rotate));
	like($errors, qr/key_rotated kid=\Q$first\E alg=ES256 state=retiring/,
	    'key rotate is audited');
	like($errors, qr/warning: .* may not know it for another 3(?:600|5\d\d)/,
	    'an early rotation causes a warning');
	is(states_of($d), 'active PS256, retiring ES256',
	    'the pending key is active and the old key retiring');

	ctl_is($d, 1, qr/\Q$first\E: .* for another 42(?:30|[012]\d) s; .*--now/,
	    qw(key retire --), $first);
	is(states_of($d), 'active PS256, retiring ES256',
	    'a retiring key stays until its tokens have ended');
	age($d, 'retiring', 4130);
	ctl_is($d, 1, qr/for another (?:100|\d\d) s;/, qw(key retire --),
	    $first);
	age($d, 'retiring', 100);
	ctl_is($d, 0, qr/removed/, qw(key retire --), $first);
	is(states_of($d), 'active PS256',
	    'a retiring key is removed when its tokens have ended');
	ctl_is($d, 1, qr/no such key/, qw(key retire --), $first);

	($out, $errors) = ctl_is($d, 0, qr/: ES256, active/, qw(key rotate));
	like($errors, qr/warning: nobody has seen this key.*3600/,
	    'a rotation without a pending key causes a warning');
	is(states_of($d), 'active ES256, retiring PS256',
	    'a rotation without a pending key creates a key');
	($out, $errors) = ctl_is($d, 0, qr/removed/,
	    qw(key retire --now --), $second);
	is(states_of($d), 'active ES256',
	    'key retire --now removes a key at once');
	ctl_is($d, 0, qr/pending/, qw(key generate --alg EdDSA));
	ctl_is($d, 0, qr/: EdDSA, active/, qw(key rotate --now));
	ctl_is($d, 0, qr/pending/, qw(key generate));
	ctl_is($d, 0, qr/removed/, qw(key retire --), kid_of($d, 'pending'));
	is(states_of($d), 'active EdDSA, retiring ES256',
	    'a pending key can be removed');
	my @left = glob "$d->{dir}/keys/*";
	is(@left, 2, 'the folder has no other files');
};

subtest 'a mode without keys' => sub {
	my $d = FCGIAuth::Daemon->new(store => 'sqlite');
	my $none = qr/\A\S+ \[auth\] mode = session: there are no keys/;

	openssl("genpkey -algorithm ED25519 -out $d->{dir}/ed.pem");
	# The folder of the keys may exist or not.
	for my $keys ("$d->{dir}/none/keys", "$d->{dir}/keys") {
		$d->configure(jwt => { keys => $keys });
		ctl_is($d, 1, $none, @$_) for [qw(key list)],
		    [qw(key list --json)], [qw(key generate)],
		    [qw(key rotate)], [qw(key retire x)],
		    ['key', 'import', "$d->{dir}/ed.pem"],
		    [qw(token inspect x)], [qw(token issue --user alice)];
		ok(!-e $keys, 'no folder was created');
	}
};

subtest 'the oldest pending key is rotated first' => sub {
	my $d = site();

	$d->ctl(qw(key generate));
	$d->ctl(qw(key generate --alg ES384));
	age($d, 'pending', 9000);
	$d->ctl(qw(key generate --alg ES512));
	ctl_is($d, 0, qr/ES384, active/, qw(key rotate));
	is(states_of($d), 'active ES384, pending ES512, retiring ES256',
	    'the other pending key stays pending');
};

subtest 'keys of HMAC' => sub {
	my $d = site(algorithm => 'HS512');

	ctl_is($d, 0, qr/HS512, active/, qw(key generate));
	my ($file) = glob "$d->{dir}/keys/*";
	is(-s $file, 64, 'the secret has the size of its hash');
	ctl_is($d, 0, qr/HS256, pending/, qw(key generate --alg HS256));
	my ($out, $errors) = ctl_is($d, 0, qr/HS256, active/,
	    qw(key rotate));
	unlike($errors, qr/warning/,
	    'an early rotation of a secret causes no warning');
	($out, $errors) = ctl_is($d, 0, qr/HS512, active/, qw(key rotate));
	unlike($errors, qr/warning/,
	    'a second early rotation causes no warning');
	my ($code, $all, $complaints) = $d->ctl(qw(key list --json));
	for my $secret (glob "$d->{dir}/keys/*") {
		my $bytes = slurp($secret);
		is(index("$all$complaints", substr($bytes, 0, 16)), -1,
		    'key list does not show a secret');
	}
};

subtest 'a secret in a file' => sub {
	my $dir = tempdir();
	spit("$dir/secret", 'k' x 48);
	chmod 0600, "$dir/secret";
	my $d = site(algorithm => 'HS256', secret_file => "$dir/secret");
	my ($out, $errors) = ctl_is($d, 0, qr/HS256  active/, qw(key list));

	like($errors, qr/one shared secret.*nothing to rotate/,
	    'key list says that there is nothing to rotate');
	unlike("$out$errors", qr/kkkk/, 'key list does not show the secret');
	my ($key) = keys_of($d);
	is($key->{since}, undef, 'the secret has no time of creation');
	for my $args ([qw(generate)], [qw(rotate)],
	    [qw(import --alg HS256), "$dir/secret"],
	    [qw(retire --), $key->{kid}]) {
		ctl_is($d, 1, qr/secret_file = \Q$dir\E.*that file/, 'key',
		    @$args);
	}
	ok(!-e "$d->{dir}/keys", 'no folder of keys was created');
	spit("$dir/secret", 'short');
	ctl_is($d, 1, qr/secret/, qw(key list));
};

# A key whose p is the product of 6k + 1, 12k + 1 and 18k + 1, which are prime:
# a Carmichael number, so that the signatures of the key are valid.
(my $factors = <<'END') =~ s/\n//g;
{"kty":"RSA","n":"zWA5FehIJIQ6KZdek7wEr9aFu0-_-B2BAM6ED5ReSG7kWKmEmqTzsJWQkm
0khsAUw_E7PwJwIQlHzRkU1fRrD2tVe9GZ4HC-cff93ZuWRQlqkrpIxzCNGW8i_t0-O45ZhS6diq
4aobXShiShitpc_vIO-dfwxc0Gg7lxooC8FgUwcWu2qaQW7AQLuBoG8euqrGTNInQPPArEwQ2MtV
mqz7Bl49z1lPUczMrwsa0xjW9vofO86DHGk5MQLgKmLjkOStDlN4bgHBg3ndgOt5TRv4AjroNAE-
XmwQQwv7VoePgbhoNTe-ChUXAoBBGAe-jRYNwt20wnTbZEbjaXFqdvyw","e":"AQAB","d":"nS
D6a_1sfKvByCJslMEsINATPw00BYOlOFXIihbsz6QwBnmj36FGZJr5ol3orUP2XzeIKZwW59-u1I
dU_qDi7EglffcOML5xpsair1MjdCxRInNtzSAjRAtYjf_9Zhlx-kiA9iJgc8qliEYsZgzNS60ssh
B5wQws6MkP3NF7lagBw7pIJc11ohz3AG-m1S_NI574ptj719rsw2fueUoRlOCaHXNcxPATY_h6yo
B55MDnzs9Smc7FgQABnfsCDh1McTWLWaHKpheLSPOay-Tadzwx6dwNt3OZrNtVY2sDAboeCI1115
oOHONmA-zy2ct8aJL6VxgpXSJLTfhTC8tJ0Q","p":"4AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAAABiIwe7-v-sgpL_rYjFmAoh7ZD6nhxV1kAFtuNA-RRmiSCPY8qPdw3h-OE
19K7oy1EFKOqFffpMXF_LWTBlAsouzq0RD-WoGlHpQIZDxShxEJJPzuHH23-kk","q":"6rccq1K
bl3KLnT9HhESXpGLh-qRJG49u3Fm7f4T-CaNOHC9y-eEWej2hShGKVfwuW05gEoaL77DTvcaYVsE
pTeKhvP1vIKsf2-PvdRcgWbIOjqw-hiDnTQ1-VBrm2cnEWzOpxpeCJ3-G4czAmNWj5vqjTNRaAyL
ZSLcAg-4J-XM","dp":"kVKurVFSrq1RUq6tUVKurVFSrq1RUq6tUVKurVFSrq1RUq6tUVKusUwB
FGfaLeMqBXzCfNucPpGw1R6r4LWkKS8oIhJvd7Rj-fh2hlByI0lpjVvnazhSR9KnxsOrzmSY_Eh4
qEHfk5wNA7H4spMlot77Srxv9jyxKBQIDufpMjE","dq":"GDmF7_i6rkrYNgaN7wzVSdYa1K-YD
AwluQBZ5bNoNL5yFV6gU0Hz-_HYb7iXuoAomKviJodUcgyiDfgtSObuyGcXolXV3l1LEHraAA---
wLxlbAZU-aZeM5nt25_XQMCDRer8h85A7KZzTxAtIV4QSKlMAzKrYAvRN3-Y59x0Bk","qi":"Gk
k3J_3q2d3RzNpjl6R7BFmrM435ilxQNzDdVKMdYthIqf6kJLumaAwwL5IJ1o3wILvIzWUKp9niJX
TIjjr4WwBfz_ykjif-HfPLIQuEqCv67IOJj-ruFSOmdtnOdl_qFvFFcSee7jRCnOGqZiFaIy9DT3
OXt2LFSA_BLsL-dmk"}
END

subtest 'keys are imported' => sub {
	my $d = site();
	my $dir = "$d->{dir}/in";
	my $jwk = '{"kty":"oct","alg":"HS256","k":"' . 'A' x 43 . '"}';

	mkdir $dir;
	openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 " .
	    "-out $dir/rsa.pem");
	openssl("pkey -in $dir/rsa.pem -pubout -out $dir/rsa.pub");
	openssl("ecparam -name prime256v1 -genkey -noout -out $dir/ec.pem");
	openssl("pkey -in $dir/ec.pem -pubout -out $dir/ec.pub");
	openssl("genpkey -algorithm ED25519 -out $dir/ed.pem");
	openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 " .
	    "-out $dir/small.pem");
	openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 " .
	    "-aes-128-cbc -pass pass:abcd -out $dir/locked.pem");
	spit("$dir/oct.jwk", $jwk);
	spit("$dir/raw", 'x' x 32);
	spit("$dir/factors.jwk", $factors);
	chmod 0600, glob "$dir/*";

	ctl_is($d, 1, qr/public key cannot be the first/, qw(key import),
	    "$dir/ec.pub");
	ok(!-e "$d->{dir}/keys", 'the refused import creates no folder');
	ctl_is($d, 0, qr/: PS256, active/, qw(key import --alg PS256),
	    "$dir/rsa.pem");
	ctl_is($d, 0, qr/: ES256, retiring/, qw(key import), "$dir/ec.pub");
	my ($out, $errors) = ctl_is($d, 1, qr{already exists},
	    qw(key import), "$dir/ec.pem");
	ctl_is($d, 0, qr/: EdDSA, pending/, qw(key import), "$dir/ed.pem");
	ctl_is($d, 0, qr/: HS256, pending/, qw(key import), "$dir/oct.jwk");
	ctl_is($d, 0, qr/: HS256, pending/, qw(key import --alg HS256),
	    "$dir/raw");
	is(states_of($d), 'active PS256, pending EdDSA, pending HS256, ' .
	    'pending HS256, retiring ES256',
	    'all imported keys have their states');
	my ($public) = grep { !$_->{private} } keys_of($d);
	is($public->{state}, 'retiring',
	    'an imported public key only verifies');

	for my $row ([ 'small.pem', qr/bits/ ], [ 'locked.pem', qr/./ ],
	    [ 'factors.jwk', qr/not prime/ ],
	    [ 'raw', qr/neither PEM nor JWK/ ], [ 'none', qr/No such file/ ],
	    [ '.', qr/./ ]) {
		ctl_is($d, 1, $row->[1], qw(key import), "$dir/$row->[0]");
	}
	ctl_is($d, 1, qr/./, qw(key import --alg HS256), "$dir/rsa.pub");
	ctl_is($d, 1, qr/./, qw(key import --alg ES256), "$dir/ed.pem");
	is(scalar(keys_of($d)), 5, 'the refused imports add no key');
	chmod 0644, "$dir/ed.pem";
	(undef, $errors) = $d->ctl(qw(key retire --),
	    (map { $_->{kid} } grep { $_->{alg} eq 'EdDSA' } keys_of($d)));
	ctl_is($d, 0, qr/warning: .*every user/, qw(key import),
	    "$dir/ed.pem");
};

subtest 'permissions of the folder and the files' => sub {
	my $d = site();

	$d->ctl(qw(key generate));
	chmod 0755, "$d->{dir}/keys";
	ctl_is($d, 1, qr/chmod 700/, qw(key list));
	ctl_is($d, 1, qr/\[jwt\].*chmod 700/, qw(config check));
	chmod 0700, "$d->{dir}/keys";
	my ($file) = glob "$d->{dir}/keys/*";
	chmod 0644, $file;
	ctl_is($d, 1, qr/chmod 600/, qw(key rotate));
	chmod 0600, $file;
	ctl_is($d, 0, qr/ok$/, qw(config check));
	spit("$d->{dir}/keys/notes", 'x');
	ctl_is($d, 1, qr/notes/, qw(key generate));
};

subtest 'root writes files for the owner of the folder' => sub {
	plan skip_all =>
	    'only root can change the owner of files' unless is_root();
	my ($nobody, $group) = (65534, 65534);
	my $dir = tempdir();
	mkdir "$dir/data";
	chown $nobody, $group, "$dir", "$dir/data";
	my $other = site(keys => "$dir/data/keys");
	ctl_is($other, 0, qr/active/, qw(key generate));
	for my $path ("$dir/data/keys", glob "$dir/data/keys/*.pem") {
		is(join(' ', (stat $path)[4, 5]), "$nobody $group",
		    "$path belongs to the owner of the folder");
	}
	ctl_is($other, 0, qr/ES384, pending/, qw(key generate --alg ES384));
	my @owners = map { (stat $_)[4] } glob "$dir/data/keys/*";
	is("@owners", "$nobody $nobody",
	    'the next key belongs to the owner of the folder');
	chown 0, 0, "$dir/data/keys";
	chown $nobody, $group, glob "$dir/data/keys/*";
	ctl_is($other, 1, qr/belongs to uid 0/, qw(key list));
};

# Starts the commands at the same moment and returns their statuses and outputs.
sub at_once {
	my ($d, @commands) = @_;
	pipe my $wait, my $go or die "pipe: $!";
	my @all = map { my $args = $_; child_code(sub {
		close $go;
		sysread $wait, my $nothing, 1;
		my ($code, $out, $errors) = $d->ctl(@$args);
		return "$code $out$errors";
	}) } @commands;

	close $go;
	return map { $_->() } @all;
}

subtest 'simultaneous commands' => sub {
	for my $round (1 .. 4) {
		my $d = site();
		my @said = at_once($d, map { [qw(key generate)] } 1 .. 3);
		is(scalar(grep { /^0 / } @said), 3,
		    "round $round: three commands create a key each")
		    or diag "@said";
		is(states_of($d), 'active ES256, pending ES256, ' .
		    'pending ES256', "round $round: one of the keys is active");

		@said = at_once($d, map { [qw(key rotate --now)] } 1 .. 3);
		my @keys = keys_of($d);
		is(scalar(grep { $_->{state} eq 'active' } @keys), 1,
		    "round $round: one key is active after three rotations")
		    or diag "@said";
		ok(!grep({ !/^0 / && !/^1 .*another process/ } @said),
		    "round $round: a failed rotation names the reason")
		    or diag "@said";
		ok(scalar(grep { /^0 / } @said) >= 1,
		    "round $round: a rotation succeeds");

		my $empty = site();
		$empty->ctl(qw(key generate));
		@said = at_once($empty, map { [qw(key rotate)] } 1 .. 3);
		@keys = keys_of($empty);
		my $won = grep { /^0 / } @said;
		is(scalar(grep { $_->{state} eq 'active' } @keys), 1,
		    "round $round: one key is active after new keys")
		    or diag "@said";
		is(scalar(grep { $_->{state} eq 'retiring' } @keys), $won,
		    "round $round: each successful rotation retires one key")
		    or diag "@said";
		is(scalar(@keys), $won + 1,
		    "round $round: a failed rotation leaves no key")
		    or diag "@said";

		my $kid = kid_of($empty, 'retiring');
		@said = at_once($empty, map {
			[qw(key retire --now --), $kid] } 1 .. 3);
		is(scalar(grep { /^0 / } @said), 1,
		    "round $round: one of three commands removes the key");
	}
};

sub log_in {
	my ($d) = @_;
	my $answer = $d->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/login', CONTENT_TYPE => 'application/json',
	    HTTP_ACCEPT => 'application/json',
	    body => JSON::PP->new->encode({ username => 'alice',
		password => $FCGIAuth::Daemon::PASSWORD }));
	my $json = eval { JSON::PP->new->utf8->decode($answer->{body}) };
	return $json && $json->{access_token};
}

sub status_of {
	my ($d, $token) = @_;
	my $answer = $d->check(HTTP_AUTHORIZATION => "Bearer $token");
	return $answer->{status} // 0;
}

# What another process ends is refused as soon as the change feed has told it.
sub refused_soon {
	my ($d, $token) = @_;
	return wait_for(10, sub { status_of($d, $token) == 401 });
}

sub signs_with {
	my ($token) = @_;
	my ($header) = split /\./, $token;
	require MIME::Base64;
	return JSON::PP->new->decode(MIME::Base64::decode_base64url($header))
	    ->{kid};
}

subtest 'changes of keys under a running daemon' => sub {
	my $d = site();
	my @tokens;

	$d->add_user('alice');
	$d->start;
	push @tokens, log_in($d);
	my $reader = child_code(sub {
		my ($end, $n, @bad) = (time + 4 * slow(), 0);
		while (time < $end) {
			my $status = status_of($d, $tokens[0]);
			push @bad, $status if $status != 200 && $status != 204;
			$n++;
		}
		return "$n checks, bad: @bad";
	});
	for my $round (1 .. 6) {
		my ($code) = $d->ctl($round % 2 ? qw(key generate) :
		    (qw(key rotate --now)));
		is($code, 0, "round $round: the command succeeds");
		is(status_of($d, $tokens[-1]), 204,
		    "round $round: the newest token is valid before");
		my $active = kid_of($d, 'active');
		$d->reload;
		ok(wait_for(10, sub {
			push @tokens, log_in($d);
			signs_with($tokens[-1]) eq $active;
		}), "round $round: the active key signs after the reload");
		my @bad = grep { status_of($d, $_) != 204 } @tokens;
		is(scalar(@bad), 0, "round $round: all tokens are valid");
	}
	like($reader->(), qr/^\d\d+ checks, bad: $/,
	    'no check was refused meanwhile');

	my $jwks = JSON::PP->new->decode($d->ask(
	    REQUEST_URI => '/auth/jwks.json')->{body});
	is_deeply([ sort map { $_->{kid} } @{ $jwks->{keys} } ],
	    [ sort map { $_->{kid} } keys_of($d) ], 'the key set has all keys');
	is(scalar(grep { exists $_->{d} } @{ $jwks->{keys} }), 0,
	    'the key set has no private part');

	my $old = signs_with($tokens[0]);
	$d->ctl(qw(key retire --now --), $old);
	is(status_of($d, $tokens[0]), 204,
	    'a removed key is used until a reload');
	$d->reload;
	ok(wait_for(10, sub { status_of($d, $tokens[0]) == 401 }),
	    'a token of the removed key is refused after the reload');
	is(status_of($d, $tokens[-1]), 204, 'a token of another key is valid');

	# A folder with an invalid file changes nothing.
	spit("$d->{dir}/keys/notes", 'x');
	$d->ctl(qw(key rotate --now));
	$d->reload;
	ok(wait_for(10, sub { $d->log_text =~ /notes/ }),
	    'the log names the invalid file');
	is(status_of($d, $tokens[-1]), 204, 'the keys in use stay');
	unlink "$d->{dir}/keys/notes";
	$d->stop_ok;
};

subtest 'a daemon and key generate create the first key' => sub {
	my $d = site();

	$d->add_user('alice');
	my ($said) = at_once($d, [qw(key generate)]);
	$d->start;
	is(scalar(grep { $_->{state} eq 'active' } keys_of($d)), 1,
	    'one key is active');
	is(status_of($d, log_in($d)), 204, 'a token of the key is valid');
	$d->stop_ok;
};

subtest 'mode jwt, revocation = store' => sub {
	my $d = site(revocation => 'store');

	$d->add_user('alice');
	$d->start;
	my $token = log_in($d);
	my (undef, $issued) = $d->ctl(qw(token issue --user alice));
	chomp $issued;
	is(status_of($d, $_), 204, 'a token is valid') for $token, $issued;

	my (undef, $rows) = $d->ctl(qw(session list));
	is(scalar(() = $rows =~ /^[0-9a-f]{32} /mg), 1,
	    'session list has the sign-in, and no token that was issued');
	my (undef, $json) = $d->ctl(qw(token inspect --json), $issued);
	my $sid = JSON::PP->new->decode($json)->{claims}{sid};
	my (undef, $errors) = ctl_is($d, 0, qr/refused from now on/,
	    qw(session revoke), $sid);
	like($errors, qr/audit session_revoked session=$sid/,
	    'session revoke is audited');
	ok(refused_soon($d, $issued),
	    'the token of the revoked session is refused');
	is(status_of($d, $token), 204, 'another token is valid');
	ctl_is($d, 1, qr/not a session id/, qw(session revoke zz));

	(undef, $errors) = ctl_is($d, 0, qr/refused from now on/,
	    qw(session revoke --user alice));
	like($errors, qr/audit sessions_revoked user=alice by/,
	    'session revoke --user is audited');
	ok(refused_soon($d, $token), 'the tokens of the user are refused');
	ok(wait_for(5, sub { status_of($d, log_in($d)) == 204 }),
	    'a token of the next sign-in is valid');
	$token = log_in($d);
	ctl_is($d, 0, qr/\(all\): tokens issued so far are refused/,
	    qw(session revoke --all));
	ok(refused_soon($d, $token), 'session revoke --all ends all tokens');
	ok(wait_for(5, sub { status_of($d, log_in($d)) == 204 }),
	    'a token of a later sign-in is valid');

	my ($warned) = (ctl_is($d, 0, qr/changed/,
	    qw(user set alice --role x)))[1];
	like($warned, qr/warning: .*tokens of alice.*630 s/,
	    'user set warns that tokens do not follow');
	for my $do ([qw(user passwd alice --password-stdin)],
	    [qw(user disable alice)], [qw(user delete alice)]) {
		$d->ctl(qw(user enable alice));
		(undef, $token) = $d->ctl(qw(token issue --user alice));
		chomp $token;
		is(status_of($d, $token), 204, "a token is valid before @$do");
		my ($code, $out, $complaint) = $d->ctl(
		    \"another long password\n", @$do);
		is($code, 0, "@$do succeeds") or diag $complaint;
		like($out, qr/tokens issued so far are refused/,
		    "@$do says that tokens are refused");
		unlike($complaint, qr/warning/, "@$do prints no warning");
		ok(refused_soon($d, $token),
		    "the token is refused after @$do");
	}
	$d->stop_ok;
};

subtest 'mode jwt, revocation = none' => sub {
	my $d = site(ttl => '5m', leeway => 0);

	$d->add_user('alice');
	for my $do ([qw(session list)], [qw(session revoke --all)],
	    [qw(session revoke --user alice)],
	    [qw(session revoke), '0' x 32]) {
		ctl_is($d, 1, qr/mode = jwt/, @$do);
	}
	for my $do ([qw(ban list)], [qw(ban lift --user alice)]) {
		ctl_is($d, 1, qr/mode = jwt.*memory of the daemon/, @$do);
	}
	for my $do ([qw(user passwd alice --password-stdin)],
	    [qw(user disable alice)], [qw(user delete alice)]) {
		my ($code, $out, $complaint) = $d->ctl(
		    \"another long password\n", @$do);
		is($code, 0, "@$do succeeds") or diag $complaint;
		like($complaint, qr/warning: .*tokens of alice work.* 300 s/,
		    "@$do warns that tokens stay valid");
	}
	ctl_is($d, 0, qr/^store +memory .*in the memory of the daemon$/m,
	    qw(store status));
	ctl_is($d, 0, qr/ok$/, qw(config check));
};

subtest 'mode refresh' => sub {
	my $d = site();

	$d->configure(auth => { mode => 'refresh' });
	$d->add_user('alice');
	$d->start;
	ok(defined log_in($d), 'a sign-in succeeds');
	ctl_is($d, 0, qr/ alice /, qw(session list));
	ctl_is($d, 0, qr/disabled; sessions ended: 1/, qw(user disable alice));
	$d->stop_ok;
};

done_testing();
