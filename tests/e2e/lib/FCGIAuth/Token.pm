# SPDX-License-Identifier: MIT
# JSON Web Tokens, valid and forged. HMAC is computed by Digest::SHA, the other
# signatures by the program openssl.
package FCGIAuth::Token;

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter qw(import);
use FCGIAuth::Test;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use POSIX ();

our @EXPORT_OK = qw(b64 unb64 parts join_token sign openssl signer_file
	public_pem new_pem @ALGORITHMS);

our @ALGORITHMS = qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512
	ES256 ES384 ES512 EdDSA);

my %hmac = (256 => \&hmac_sha256, 384 => \&hmac_sha384, 512 => \&hmac_sha512);
# The number of bytes of each half of a signature.
my %half = (ES256 => 32, ES384 => 48, ES512 => 66);

sub b64 { return encode_base64url($_[0]) }
sub unb64 { return decode_base64url($_[0]) }

# Returns (header, payload) of a token, decoded.
sub parts {
	my ($token) = @_;
	return map { JSON::PP->new->utf8->decode(unb64($_)) }
	    (split /\./, $token)[0, 1];
}

# Returns a hash as JSON, and text unchanged.
sub text_of {
	my ($x) = @_;
	return ref $x ? JSON::PP->new->utf8->canonical->encode($x) : $x;
}

sub join_token {
	my ($header, $payload, $signature) = @_;
	return join '.', b64(text_of($header)), b64(text_of($payload)),
	    b64($signature);
}

# key: the bytes of an HMAC secret, or the path of a private key in PEM.
sub sign {
	my ($alg, $key, $header, $payload) = @_;
	my $input = b64(text_of($header)) . '.' . b64(text_of($payload));

	return $input . '.' . b64(signature($alg, $key, $input));
}

sub signature {
	my ($alg, $key, $input) = @_;
	my ($kind, $bits) = $alg =~ /^(HS|RS|PS|ES)(\d+)$/;

	return $hmac{$bits}->($input, $key) if ($kind // '') eq 'HS';
	my $dir = tempdir();
	spit("$dir/in", $input);
	return openssl(qw(pkeyutl -sign -rawin -inkey), $key,
	    '-in', "$dir/in") if $alg eq 'EdDSA';
	my @pss = $kind eq 'PS' ? qw(-sigopt rsa_padding_mode:pss
		-sigopt rsa_pss_saltlen:digest) : ();
	my $made = openssl('dgst', "-sha$bits", '-sign', $key, @pss,
	    "$dir/in");
	return $kind eq 'ES' ? joined($made, $half{$alg}) : $made;
}

# Converts SEQUENCE { INTEGER r, INTEGER s } to r || s.
sub joined {
	my ($der, $half) = @_;
	my $at = ord(substr $der, 1, 1) == 0x81 ? 3 : 2;
	my $out = '';

	for (1, 2) {
		my $n = ord substr $der, $at + 1, 1;
		my $integer = substr $der, $at + 2, $n;
		$integer =~ s/^\0+//;
		$out .= ("\0" x ($half - length $integer)) . $integer;
		$at += 2 + $n;
	}
	return $out;
}

# Returns the output of openssl. Dies when it fails.
sub openssl {
	my (@args) = @_;
	my $program = in_path('openssl') or die "no openssl here\n";

	my $pid = open my $out, '-|';
	die "fork: $!" unless defined $pid;
	if ($pid == 0) {
		open STDERR, '>', '/dev/null';
		exec { $program } $program, @args or POSIX::_exit(127);
	}
	binmode $out;
	local $/ = undef;
	my $text = <$out>;
	close $out or die "openssl @args: $?\n";
	return $text;
}

# Returns the file of the signing key in a folder of keys.
sub signer_file {
	my ($keys) = @_;
	my @found = glob "$keys/*.active.*";

	@found == 1 or die "$keys: @found";
	return $found[0];
}

sub public_pem {
	my ($private) = @_;
	return openssl(qw(pkey -pubout -in), $private);
}

my %new = (
	RS => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
	PS => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
	ES256 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)],
	ES384 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-384)],
	ES512 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-521)],
	EdDSA => [qw(-algorithm ED25519)],
);

# Writes a new private key to a file.
sub new_pem {
	my ($alg, $path) = @_;
	my $how = $new{$alg} || $new{ substr $alg, 0, 2 };

	openssl('genpkey', '-out', $path, '-outform', 'PEM', @$how);
	chmod 0600, $path;
	return $path;
}

1;
