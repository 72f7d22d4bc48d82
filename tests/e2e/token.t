# SPDX-License-Identifier: MIT
# fcgiauthctl token: the tokens that it issues, and what it says about its own
# and other tokens.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::Test;
use Digest::SHA qw(hmac_sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;

my $dir = tempdir();
my $json = JSON::PP->new->canonical->utf8;

sub site {
	my ($mode, %jwt) = @_;
	my $place = tempdir();
	my $d = FCGIAuth::Daemon->new(dir => $place, conf => {
		auth => { mode => $mode, deliver => 'both' },
		jwt => { algorithm => 'ES256', keys => "$place/keys", %jwt },
	});

	$d->add_user('alice', roles => [qw(a b)], email => 'a@example.com',
	    name => "Al\xc3\xafce");
	return $d;
}

sub ctl_is {
	my ($d, $want, $pattern, @args) = @_;
	my ($code, $out, $errors) = $d->ctl(@args);

	my $name = join ' ', map { ref $_ ? '(input)' : substr $_, 0, 30 }
	    @args;
	is($code, $want, "$name exits with $want") or diag "$out$errors";
	like("$out$errors", $pattern, "$name prints the expected message");
	return ($out, $errors);
}

sub issue {
	my ($d, @more) = @_;
	my ($code, $out, $errors) = $d->ctl(qw(token issue --user alice),
	    @more);

	die "token issue: $errors" if $code != 0;
	chomp $out;
	return $out;
}

# Runs fcgiauthctl without a configuration.
sub bare {
	my (@args) = @_;
	my $d = { file => "$dir/there-is-none" };

	return FCGIAuth::Daemon::ctl($d, @args);
}

# Returns a token with any header and payload, signed with a secret.
sub forge {
	my ($header, $payload, $secret) = @_;
	my $text = join '.', map {
		encode_base64url(ref $_ ? $json->encode($_) : $_)
	} $header, $payload;

	return "$text." . encode_base64url(hmac_sha256($text, $secret));
}

subtest 'token issue' => sub {
	my $d = site('jwt', ttl => '5m');

	ctl_is($d, 1, qr/no key yet.*key generate/,
	    qw(token issue --user alice));
	ok(!-e "$d->{dir}/keys", 'no key was created');
	$d->ctl(qw(key generate));
	my ($out, $errors) = ctl_is($d, 0,
	    qr/\A[\w-]+\.[\w-]+\.[\w-]+\n.*audit/s,
	    qw(token issue --user alice --ttl 90s));
	like($out, qr/\A[\w.-]+\n\z/, 'standard output has only the token');
	chomp $out;
	like($errors, qr/token_issued user=alice session=\w{32} expires_in=90/,
	    'token issue is audited');
	is(index($errors, (split /\./, $out)[2]), -1,
	    'the audit line does not have the token');
	my ($header, $claims) = map {
		$json->decode(decode_base64url($_))
	} (split /\./, $out)[0, 1];
	is($header->{typ}, 'at+jwt', 'the header has the typ at+jwt');
	is($claims->{sub}, 'alice', 'sub is the user name');
	is_deeply($claims->{roles}, [qw(a b)],
	    'roles has the roles of the user');
	is($claims->{name}, "Al\x{ef}ce", 'name has the full name');
	is($claims->{exp} - $claims->{iat}, 90,
	    'the token is valid for the given time');
	ok(abs($claims->{iat} - time) < 10, 'the token is valid from now on');

	$d->start;
	is($d->check(HTTP_AUTHORIZATION => "Bearer $out")->{status}, 204,
	    'the daemon accepts the token');
	is($d->check(HTTP_AUTHORIZATION => 'Bearer ' . issue($d))->{status},
	    204, 'the daemon accepts a token with the longest lifetime');
	$d->stop_ok;

	for my $ttl (qw(301s 6m 0 0s -1s x 1 5w 99999999999999999999s), '') {
		ctl_is($d, 1, qr/--ttl: .*jwt/, qw(token issue --user alice),
		    "--ttl=$ttl");
	}
	ctl_is($d, 1, qr/no such user: bob/, qw(token issue --user bob));
	ctl_is($d, 1, qr/no such user/, qw(token issue --user), "a'b");
	ctl_is($d, 2, qr/--user is needed/, qw(token issue));
	ctl_is($d, 2, qr/too many/, qw(token issue --user alice x));
	$d->ctl(qw(user disable alice));
	ctl_is($d, 1, qr/alice is disabled/, qw(token issue --user alice));

	$d = site('session');
	ctl_is($d, 1, qr/mode = session.*no signed tokens/,
	    qw(token issue --user alice));
	$d = site('refresh');
	$d->ctl(qw(key generate));
	like(issue($d), qr/\A[\w-]+(?:\.[\w-]+){2}\z/,
	    'token issue works in mode refresh');
	$d = site('refresh', revocation => 'store');
	ctl_is($d, 1, qr/revocation = store, a token belongs to a session/,
	    qw(token issue --user alice));
	spit("$dir/hs", 's' x 32);
	chmod 0600, "$dir/hs";
	$d = site('jwt', algorithm => 'HS256', secret_file => "$dir/hs");
	ctl_is($d, 0, qr/^valid$/m, qw(token inspect), issue($d));
};

subtest 'token inspect with the configured keys' => sub {
	my $d = site('jwt');
	$d->ctl(qw(key generate));
	my $token = issue($d);
	my ($out) = ctl_is($d, 0, qr/\Avalid\n/, qw(token inspect), $token);

	like($out, qr/^  alg: ES256$/m, 'the output has the header');
	like($out, qr/^  sub: alice$/m, 'the output has the claims');
	like($out, qr/^  roles: \["a","b"\]$/m,
	    'the output has claims that are lists');
	my ($code, $text) = $d->ctl(qw(token inspect --json), $token);
	is($text =~ tr/\n//, 1, 'the JSON is one line');
	my $found = $json->decode($text);
	is($found->{valid}, JSON::PP::true,
	    'the JSON says that the token is valid');
	is($found->{header}{alg}, 'ES256', 'the JSON has the header');
	is($found->{claims}{sub}, 'alice', 'the JSON has the claims');

	my @parts = split /\./, $token;
	my $flipped = $parts[2] =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er;
	my $claims = $json->decode(decode_base64url($parts[1]));
	my $other = encode_base64url($json->encode({ %$claims,
	    sub => 'mallory' }));
	my @refused = (
		[ "$parts[0].$parts[1].$flipped", 'signature: must be' ],
		[ "$parts[0].$other.$parts[2]", 'signature: must be' ],
		[ "$parts[0].$parts[1].", 'three non-empty parts' ],
		[ "$token.", 'three non-empty parts' ],
		[ "$token=", 'must consist of letters' ],
		[ '', 'three non-empty parts' ],
		[ 'A' x 8193, 'at most 8192 bytes' ],
		[ encode_base64url('{"alg":"none"}') . ".$parts[1].$parts[2]",
		    'alg: must be a supported algorithm' ],
	);
	for my $i (0 .. $#refused) {
		my ($bad, $why) = @{ $refused[$i] };

		($out) = ctl_is($d, 1, qr/\Arefused: [^\n]*\Q$why\E[^\n]*\n\z/,
		    qw(token inspect --), $bad);
		($code, $text) = $d->ctl(qw(token inspect --json --), $bad);
		is($code, 1, "row $i: --json exits with 1");
		$found = $json->decode($text);
		is_deeply([ sort keys %$found ], [qw(valid why)],
		    "row $i: the JSON has no claims");
	}
	my $old = $d->{conf}{jwt}{audience};
	$d->configure(jwt => { audience => 'another' });
	ctl_is($d, 1, qr/\Arefused: [^\n]*aud/, qw(token inspect), $token);
	ctl_is($d, 0, qr/\Avalid/, qw(token inspect --signature-only), $token);
	$d->configure(jwt => { audience => $old, ttl => '5m' });
	ctl_is($d, 1, qr/\Arefused: /, qw(token inspect), $token);
	$d->ctl(qw(key rotate));
	$d->configure(jwt => { ttl => '10m' });
	ctl_is($d, 0, qr/\Avalid/, qw(token inspect), $token);
	$d->ctl(qw(key retire --now --), $_->{kid}) for grep {
		$_->{state} eq 'retiring'
	} @{ $json->decode(($d->ctl(qw(key list --json)))[1])->{keys} };
	ctl_is($d, 1, qr/\Arefused: kid: must be that of a known key/,
	    qw(token inspect), $token);
	ctl_is($d, 1, qr/\Arefused: kid: must be that of a known key/,
	    qw(token inspect --signature-only), $token);
};

subtest 'token inspect reads standard input' => sub {
	my $d = site('jwt');
	$d->ctl(qw(key generate));
	my $token = issue($d);
	my $lines = join "\n", $token, 'x', '', 'A' x 100000, "$token\r",
	    "a\0b", " $token", $token;
	my ($out) = ctl_is($d, 1, qr/valid/, \$lines, qw(token inspect -));
	my @said = split /\n/, $out;

	is(@said, 8, 'each line of input has a line of output');
	is($said[$_], 'valid', "line $_ is valid") for 0, 7;
	like($said[$_], qr/^refused: ./, "line $_ is refused") for 1 .. 6;
	like($said[3], qr/at most 8192 bytes/,
	    'a long line is refused for its length');
	($out) = ctl_is($d, 1, qr/valid/, \$lines,
	    qw(token inspect --json -));
	@said = map { $json->decode($_) } split /\n/, $out;
	is(@said, 8, 'each line of input has a line of JSON');
	is($said[7]{claims}{sub}, 'alice',
	    'the JSON of a valid token has claims');
	is(scalar(grep { exists $_->{claims} } @said), 2,
	    'only valid tokens have claims');
	ctl_is($d, 0, qr/\Avalid\nvalid\n\z/, \"$token\n$token\n",
	    qw(token inspect -));
	ctl_is($d, 1, qr/no token/, \'', qw(token inspect -));
	$lines = "$token\n" x 3000;
	($out) = ctl_is($d, 0, qr/valid/, \$lines,
	    qw(token inspect --signature-only -));
	is($out =~ tr/\n//, 3000, '3000 tokens are inspected');
};

subtest 'token inspect with a given key' => sub {
	my $d = site('jwt');
	my $secret = 'not a very good secret, but long';
	my $now = time;
	my $claims = { iss => 'fcgiauth', aud => 'fcgiauth', sub => 'alice',
		client_id => 'x', iat => $now, exp => $now + 60,
		jti => 'a1', sid => '0' x 32 };
	my $head = { alg => 'HS256', typ => 'JWT', kid => 'whatever' };
	my $good = forge($head, $claims, $secret);
	my @with = ('--key', "$dir/secret", qw(--alg HS256));

	spit("$dir/secret", $secret);
	ctl_is($d, 0, qr/\Avalid/, qw(token inspect), @with, $good);
	ctl_is($d, 1, qr/\Arefused: .*aud/, qw(token inspect), @with,
	    forge($head, { %$claims, aud => 'x' }, $secret));
	ctl_is($d, 1, qr/\Arefused: .*typ/, qw(token inspect), @with,
	    forge({ %$head, typ => 'x' }, $claims, $secret));
	ctl_is($d, 1, qr/\Arefused: exp: must/, qw(token inspect), @with,
	    forge($head, { %$claims, iat => $now - 999, exp => $now - 900 },
		$secret));
	ok(!-e "$d->{dir}/keys", 'no configured key was created');
	my ($code, $out, $errors) = bare(qw(token inspect), @with, $good);
	is($code, 1, 'the claims cannot be checked without a configuration');
	like($errors, qr/there-is-none/, 'the message names the missing file');

	# The check of a signature needs only the key.
	@with = ('--signature-only', @with);
	my @rows = (
		[ $good, 0, qr/sub: alice/ ],
		[ forge({ alg => 'HS256' }, { any => [ 1, { x => undef } ] },
		    $secret), 0, qr/any: \[1,\{"x":null\}\]/ ],
		[ forge({ alg => 'HS256', typ => 'x', kid => 7 }, {},
		    $secret), 0, qr/\Avalid/ ],
		[ forge({ alg => 'HS256' }, "\0\xff\e[31m", $secret), 0,
		    qr/^payload: 7 bytes, not a JSON object$/m ],
		[ forge({ alg => 'HS256' }, '{"a":1,"a":2}', $secret), 0,
		    qr/^payload: 13 bytes, not a JSON object$/m ],
		[ forge({ alg => 'HS256' }, { "a\e" => "\e]0;x\a\n\x{202e}" },
		    $secret), 0, qr/^  a\\x1b: \\x1b\]0;x\\x07\\x0a\\xe2/m ],
		[ forge({ alg => 'HS512' }, {}, $secret), 1,
		    qr/alg: must be that of the key/ ],
		[ forge({ alg => 'none' }, {}, $secret), 1, qr/alg/ ],
		[ forge({ alg => 'hs256' }, {}, $secret), 1, qr/alg/ ],
		[ forge({ alg => 'HS256', crit => ['exp'] }, {}, $secret), 1,
		    qr/crit/ ],
		[ forge({ alg => 'HS256', b64 => JSON::PP::false }, {},
		    $secret), 1, qr/b64/ ],
		[ forge('{"alg":"HS256","alg":"HS256"}', {}, $secret), 1,
		    qr/duplicate/ ],
		[ forge({ alg => 'HS256' }, {}, 'x' . $secret), 1,
		    qr/signature: must be valid/ ],
		[ "$good=", 1, qr/must consist of letters/ ],
	);
	for my $i (0 .. $#rows) {
		my ($token, $want, $pattern) = @{ $rows[$i] };

		($code, $out, $errors) = bare(qw(token inspect), @with,
		    $token);
		is($code, $want, "row $i exits with $want")
		    or diag "$out$errors";
		like($out, $pattern, "row $i prints the expected message");
		unlike("$out$errors", qr/[\x00-\x09\x0b-\x1f\x7f]/,
		    "row $i prints no control characters");
		is($errors, '', "row $i prints no error") unless $want;
		($code, $out) = bare(qw(token inspect --json), @with, $token);
		is($code, $want, "row $i exits with $want with --json");
		ok(eval { $json->decode($out) }, "row $i prints valid JSON");
		unlike("$out", qr/[^\x20-\x7e\n]/,
		    "row $i prints JSON in ASCII");
	}
	my @last = (split /\./, $good)[2] =~ /(.*)(.)\z/;
	my $spelt = $last[1] =~ tr/A-Za-z0-9_-/B-Za-z0-9_\-A/r;
	($code, $out) = bare(qw(token inspect), @with,
	    (join '.', (split /\./, $good)[0, 1]) . ".$last[0]$spelt");
	is($code, 1, 'another encoding of the same signature is refused');

	($code, $out, $errors) = bare(qw(token inspect --signature-only),
	    '--key', "$dir/secret", $good);
	is($code, 1, 'a secret without --alg is refused');
	like($errors, qr/neither PEM nor JWK.*HS256/,
	    'the message asks for the algorithm');
	unlike("$out$errors", qr/very good/,
	    'the message does not show the secret');
	ctl_is($d, 2, qr/--alg needs --key/, qw(token inspect --alg HS256 x));
	ctl_is($d, 1, qr/not an algorithm: x/, qw(token inspect --alg x --key),
	    "$dir/secret", 'x');
	ctl_is($d, 1, qr/No such file/, qw(token inspect --key), "$dir/none",
	    'x');
	ctl_is($d, 2, qr/missing/, qw(token inspect));
};

# Returns a signature by openssl in the form of JOSE.
sub openssl_sign {
	my ($text, $key, $ec, @options) = @_;

	spit("$dir/text", $text);
	system("openssl dgst -sign $key @options -out $dir/sig $dir/text") == 0
	    or die 'openssl';
	my $raw = slurp("$dir/sig");
	return encode_base64url($raw) unless $ec;
	# SEQUENCE { INTEGER r, INTEGER s }
	my ($r, $s) = unpack 'x2 x C/a x C/a', $raw;
	return encode_base64url(join '', map {
		my $number = s/^\0+//r;
		"\0" x (32 - length $number) . $number;
	} $r, $s);
}

subtest 'token inspect with public keys of openssl' => sub {
	system("cd $dir && openssl genpkey -quiet -algorithm RSA " .
	    '-pkeyopt rsa_keygen_bits:2048 -out rsa 2>/dev/null || ' .
	    'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 ' .
	    '-out rsa 2>/dev/null') == 0 or die;
	system("cd $dir && openssl ecparam -name prime256v1 -genkey -noout " .
	    '-out ec') == 0 or die;
	system("cd $dir && openssl pkey -in $_ -pubout -out $_.pub") == 0 or die
	    for qw(rsa ec);
	my $pss = '-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1';
	my @rows = (
		[ 'RS256', 'rsa', '-sha256' ], [ 'RS512', 'rsa', '-sha512' ],
		[ 'PS256', 'rsa', "-sha256 $pss" ], [ 'ES256', 'ec', '-sha256' ],
	);

	for my $row (@rows) {
		my ($alg, $key, $options) = @$row;
		my $text = join '.', map { encode_base64url($_) }
		    qq({"alg":"$alg","typ":"JWT"}), 'any bytes';
		my $token = "$text." . openssl_sign($text, "$dir/$key",
		    $key eq 'ec', $options);

		for my $file ("$dir/$key", "$dir/$key.pub") {
			my ($code, $out, $errors) = bare(
			    qw(token inspect --signature-only --key), $file,
			    '--alg', $alg, $token);
			is($code, 0, "$alg is valid with $file")
			    or diag "$out$errors";
			like($out, qr/payload: 9 bytes/,
			    "$alg: the payload may be any bytes");
		}
		for my $alg2 (qw(RS256 PS256 ES256 HS256)) {
			next if $alg2 eq $alg;
			my ($code, $out) = bare(
			    qw(token inspect --signature-only --key),
			    "$dir/$key.pub", '--alg', $alg2, $token);
			is($code, 1, "$alg is refused with --alg $alg2");
			unlike($out, qr/valid/,
			    "$alg with --alg $alg2 is not called valid");
		}
		my ($code, $out) = bare(
		    qw(token inspect --signature-only --key),
		    "$dir/$key.pub", $token);
		is($code, $alg eq 'RS256' || $alg eq 'ES256' ? 0 : 1,
		    "$alg without --alg");
	}
};

# The examples of RFC 7515, appendix A.1 and A.2, have typ JWT and other claims.
subtest 'the examples of RFC 7515' => sub {
	my $hs = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.' .
	    'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt' .
	    'cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.' .
	    'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
	my $key = '{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQ' .
	    'Lr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}';

	spit("$dir/a1.jwk", $key);
	my ($code, $out, $errors) = bare(qw(token inspect --signature-only),
	    '--alg', 'HS256', '--key', "$dir/a1.jwk", $hs);
	is($code, 0, 'example A.1 is valid') or diag "$out$errors";
	like($out, qr/^  iss: joe$/m, 'the output has its claims');
	unlike("$out$errors", qr/AyM1Sys/, 'the output does not show its key');
};

done_testing();
