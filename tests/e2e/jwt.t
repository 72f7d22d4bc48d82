# SPDX-License-Identifier: MIT
# Mode jwt: what a token says, which tokens are accepted, for how long, and by
# which services.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256);
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::Token qw(b64 unb64 parts sign join_token signer_file public_pem
	new_pem openssl @ALGORITHMS);
use Test::More;
use Time::HiRes qw(sleep time);

plan(skip_all => 'no openssl here') unless in_path('openssl');

my $dir = tempdir();
my $ISSUER = 'https://auth.example.com';
my $TTL = 600;
my %both = (mode => 'jwt', deliver => 'both');

sub jwt_conf {
	my (%more) = @_;
	return { algorithm => 'HS256', keys => "$dir/keys-HS256",
		issuer => $ISSUER, audience => 'example', ttl => "${TTL}s",
		%more };
}

# Signs in by JSON at a daemon and returns the access token.
sub token {
	my ($d, $name, %param) = @_;
	my $a = $d->ask(REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/login',
	    CONTENT_TYPE => 'application/json', %param,
	    body => qq({"username":"$name","password":"$PASSWORD"}));
	my ($token) = ($a->{body} // '') =~ /"access_token":"([^"]*)"/;
	return $token;
}

sub status {
	my ($d, $token) = @_;
	return $d->check(HTTP_AUTHORIZATION => "Bearer $token")->{status};
}

sub reload {
	my ($d, %conf) = @_;
	my $before = length $d->log_text;

	$d->configure(%conf);
	$d->reload;
	ok(wait_for(20, sub {
		substr($d->log_text, $before) =~ /\breloaded\b/;
	}), 'the daemon reloads') or diag(substr $d->log_text, $before);
	return;
}

my ($d, $n) = start_site(conf => { auth => { %both }, jwt => jwt_conf() },
    http => 'large_client_header_buffers 4 32k;');
my $client = $n->client;

# Returns the status that the running service gives to a token, through nginx.
sub answer {
	my ($token) = @_;
	return $client->get('/x', Authorization => "Bearer $token")->status;
}

subtest 'every algorithm' => sub {
	for my $alg (@ALGORITHMS) {
		my $keys = "$dir/keys-$alg";
		reload($d, jwt => jwt_conf(algorithm => $alg, keys => $keys));
		my $token = token($d, 'alice');
		my ($h, $p) = parts($token);
		my $hmac = $alg =~ /^HS/;
		my $me = (split /\./, $token)[1];

		is($h->{alg}, $alg, "$alg: the header has the alg");
		is($h->{typ}, $hmac ? 'JWT' : 'at+jwt',
		    "$alg: the header has the typ");
		is_deeply([ grep { !/^(?:alg|typ|kid)$/ } keys %$h ], [],
		    "$alg: the header has no other members");
		is_deeply([ sort keys %$p ], [ sort qw(iss aud sub client_id
			exp iat jti sid roles email name auth_time) ],
		    "$alg: the token has exactly these claims");
		is($p->{iss}, $ISSUER, "$alg: iss is the issuer");
		is($p->{aud}, 'example', "$alg: aud is the audience");
		is($p->{sub}, 'alice', "$alg: sub is the user name");
		is($p->{client_id}, 'fcgiauth', "$alg: client_id is fcgiauth");
		is_deeply($p->{roles}, [qw(admin staff)],
		    "$alg: roles has the roles");
		is($p->{email}, 'alice@example.com',
		    "$alg: email has the address");
		is($p->{name}, 'Alice Liddell', "$alg: name has the full name");
		is($p->{exp} - $p->{iat}, $TTL,
		    "$alg: the token is valid for the configured time");
		cmp_ok(abs($p->{iat} - time), '<', 30, "$alg: iat is now");
		unlike(unb64($me), qr/"(?:exp|iat)":
		    "/, "$alg: exp and iat are numbers");
		like($p->{jti}, qr/^[0-9a-f]{32}$/, "$alg: jti is a random id");
		like($p->{sid}, qr/^[0-9a-f]{32}$/, "$alg: sid is a random id");
		isnt($p->{jti}, $p->{sid}, "$alg: jti and sid differ");
		is(answer($token), 200, "$alg: the token is accepted");
		my ($first, $last) = $token =~ /^(.*\.)(.*)$/;
		my $bad = unb64($last);
		substr($bad, 0, 1) ^= "\x01";
		is(answer($first . b64($bad)), 401,
		    "$alg: a token with a changed bit is refused");
		my $me2 = $client->get('/auth/me',
		    Authorization => "Bearer $token")->json;
		is($me2->{session}, $p->{sid},
		    "$alg: /auth/me has the session");

		my $a = $client->get('/auth/jwks.json');
		my @set = @{ $a->json->{keys} };
		is(scalar @set, $hmac ? 0 : 1,
		    "$alg: the key set has the public key, and no secret");
		like($a->header('cache-control'), qr/\bmax-age=[1-9]/,
		    "$alg: the key set may be cached");
		unlike($a->header('cache-control'), qr/no-store|private/,
		    "$alg: any cache may keep the key set");
		for my $key (@set) {
			my %public = (RSA => [qw(e n)], EC => [qw(crv x y)],
			    OKP => [qw(crv x)]);
			is_deeply([ sort keys %$key ], [ sort
				qw(kty use alg kid),
				@{ $public{ $key->{kty} } } ],
			    "$alg: the key has only public members");
			is($key->{alg}, $alg, "$alg: the key has the alg");
			is($key->{use}, 'sig', "$alg: the key has the use sig");
			is($key->{kid}, $h->{kid},
			    "$alg: the key has the kid of the token");
			is($key->{kid}, thumbprint($key),
			    "$alg: the kid is the thumbprint of the key");
		}
		is((stat $keys)[2] & 07777, 0700,
		    "$alg: only the owner may use the folder");
		is((stat signer_file($keys))[2] & 07777, 0600,
		    "$alg: only the owner may use the key file");
	}
};

# Returns the thumbprint of a key (RFC 7638).
sub thumbprint {
	my ($k) = @_;
	my @names = $k->{kty} eq 'RSA' ? qw(e kty n) :
	    $k->{kty} eq 'EC' ? qw(crv kty x y) : qw(crv kty x);
	return b64(sha256('{' . join(',',
		map { qq("$_":"$k->{$_}") } @names) . '}'));
}

# ---- forged tokens -----------------------------------------------------------

reload($d, jwt => jwt_conf());
my $secret = slurp(signer_file("$dir/keys-HS256"));
my $good = token($d, 'alice');
my ($HEAD, $CLAIMS) = parts($good);
# A token of any form is made by replacing a part of this text.
my $CLAIMS_TEXT;
# Returns a token that is signed with the correct key, whatever it says.
sub signed { return sign('HS256', $secret, @_) }
sub head { return signed({ %$HEAD, @_ }, $CLAIMS) }
sub claims { return signed($HEAD, { %$CLAIMS, @_ }) }

sub without {
	my ($from, $name) = @_;
	my %copy = %$from;

	delete $copy{$name};
	return \%copy;
}

# Returns a token with a claim given as JSON, so that the form of a number is
# exact.
sub raw_claim {
	my ($name, $json) = @_;
	my $text = FCGIAuth::Token::text_of(without($CLAIMS, $name));

	$text =~ s/\}$/,"$name":$json}/;
	return signed($HEAD, $text);
}

sub refused {
	my ($what, @tokens) = @_;

	for my $token (@tokens) {
		is(answer($token), 401, "a token is refused: $what")
		    or diag(substr $token, 0, 300);
	}
	return;
}

# tests/unit/crypto has the full tables of refused tokens. These tests have one
# of each class, and show that the service applies the rules.
subtest 'headers of tokens' => sub {
	is(answer(head()), 200, 'a signed token is accepted');
	is(answer(signed(without($HEAD, 'kid'), $CLAIMS)), 200,
	    'a token without kid is accepted while there is one key');
	my ($h, $p, $s) = split /\./, $good;
	for my $none (qw(none nOnE)) {
		my $unsigned = b64(qq({"alg":"$none","typ":"JWT"})) . ".$p.";
		my $kid = join_token({ %$HEAD, alg => $none }, $CLAIMS, '');
		refused("alg $none", $unsigned, "$unsigned$s", "${kid}$s",
		    $kid, "${kid}AA", head(alg => $none));
	}
	for my $alg ('hs256', 'HS384', 'RS256', '', "HS256\0") {
		refused("alg $alg", head(alg => $alg));
	}
	refused('HS512 with the same secret', sign('HS512', $secret,
		{ %$HEAD, alg => 'HS512' }, $CLAIMS));
	refused('alg that is not a string', head(alg => undef),
	    head(alg => ['HS256']), head(alg => JSON::PP::true()));
	refused('no alg', signed(without($HEAD, 'alg'), $CLAIMS));
	refused('another typ', (map { head(typ => $_) } 'at+jwt', 'jwt', '', 1),
	    signed(without($HEAD, 'typ'), $CLAIMS));
	refused('a crit header', head(crit => ['exp']), head(crit => []),
	    head(crit => ['b64'], b64 => JSON::PP::false()));
	refused('a b64 header', head(b64 => JSON::PP::true()));
	refused("a header $_", head($_ => 'https://127.0.0.1:1/keys'))
	    for qw(zip enc cty jku x5u);
	my %own = (jwk => { kty => 'oct', k => b64('x' x 32) });
	refused('a key inside the token', head(%own),
	    head(x5c => ['AAAA']),
	    sign('HS256', 'x' x 32, { %$HEAD, %own }, $CLAIMS),
	    sign('HS256', 'x' x 32, { %{ without($HEAD, 'kid') }, %own },
		$CLAIMS));
	for my $kid ('', 'x' x 43, 'x' x 4000, '/dev/null', "' OR '1'='1",
	    "$HEAD->{kid}\0", lc $HEAD->{kid}, substr($HEAD->{kid}, 0, 42),
	    signer_file("$dir/keys-HS256"), "\x{1F511}", undef,
	    [ $HEAD->{kid} ]) {
		refused('an unknown kid', head(kid => $kid),
		    sign('HS256', '', { %$HEAD, kid => $kid }, $CLAIMS));
	}
};

subtest 'JSON of tokens' => sub {
	my $h = FCGIAuth::Token::text_of($HEAD);
	my $p = FCGIAuth::Token::text_of($CLAIMS);

	is(answer(signed($h, $p)), 200, 'a token made of text is accepted');
	is(answer(signed(" $h\n", "\t$p ")), 200,
	    'white space in the JSON is accepted');
	for my $twice ('"alg":"none"', qq("kid":"$HEAD->{kid}"),
	    '"\u0061lg":"HS256"') {
		refused("a header with a second $twice",
		    signed($h =~ s/\}$/,$twice}/r, $p),
		    signed($h =~ s/^\{/{$twice,/r, $p));
	}
	for my $twice ('"sub":"bob"', '"exp":9999999999', '"roles":["root"]',
	    '"s\u0075b":"bob"', '"x":{"a":1,"a":2}') {
		refused("a payload with a second $twice",
		    signed($h, $p =~ s/\}$/,$twice}/r),
		    signed($h, $p =~ s/^\{/{$twice,/r));
	}
	for my $text ('[]', 'null', '{}', '{', '', "[$p]", "$p$p", "$p\0",
	    "\xEF\xBB\xBF$p", $p =~ s/"/'/gr, $p =~ s/\}$/,"x":"\xff"}/r,
	    $p =~ s/alice/alice\\u0000/r, $p =~ s/^\{/{"x":01,/r,
	    ('[' x 3000) . (']' x 3000),
	    '{"a":' x 2000 . '1' . '}' x 2000) {
		refused(
		    'the payload is ' . substr($text =~ s/[^ -~]/?/gr, 0, 40),
		    signed($h, $text));
		next if $text =~ /alice/;
		refused('the header is ' . substr($text, 0, 40),
		    signed($text, $p));
	}
	refused('a header that is not UTF-8',
	    signed($h =~ s/\}$/,"x":"\xff"}/r, $p));
};

subtest 'times of tokens' => sub {
	my $now = int time;
	# Accepted tokens, then refused tokens.
	my @good = (
		[ 'as issued', iat => $now, exp => $now + $TTL ],
		[ 'expired within the leeway', iat => $now - 100,
			exp => $now - 20 ],
		[ 'issued in the future within the leeway', iat => $now + 20,
			exp => $now + 100 ],
		[ 'nbf in the future within the leeway', nbf => $now + 20 ],
		[ 'nbf in the past', nbf => 0 ],
	);
	my @bad = (
		[ 'expired', iat => $now - 500, exp => $now - 31 ],
		[ 'expired long ago', iat => 0, exp => 1 ],
		[ 'issued in the future', iat => $now + 60, exp => $now + 100 ],
		[ 'a lifetime above the ttl', iat => $now,
			exp => $now + $TTL + 1 ],
		[ 'an end in 2038', iat => $now, exp => 2**31 ],
		[ 'an end beyond all times', iat => $now, exp => 2**53 ],
		[ 'a lifetime of twice the ttl', iat => $now - $TTL,
			exp => $now + $TTL ],
		[ 'an end that equals the start', iat => $now + 5,
			exp => $now + 5 ],
		[ 'an end before the start', iat => $now + 20,
			exp => $now + 10 ],
		[ 'nbf in the future', nbf => $now + 60 ],
	);

	for my $case (@good, @bad) {
		my ($what, %claim) = @$case;
		is(answer(claims(%claim)), (grep { $_ == $case } @good) ?
		    200 : 401, "the result is correct: $what");
	}
	my $far = $now + 300;
	for my $name (qw(exp iat nbf)) {
		my $t = $name eq 'exp' ? $far : $now;
		is(answer(raw_claim($name, $t)), 200,
		    "$name may be an integer");
		refused("$name: $_", raw_claim($name, $_)) for
		    qq("$t"), "$t.0", "${t}e0", "[$t]", 'null', 'true', '-1',
		    '1e300', '9007199254740993', '9223372036854775808';
	}
	refused("no $_", signed($HEAD, without($CLAIMS, $_)))
	    for qw(exp iat);
};

subtest 'claims of tokens' => sub {
	is(answer(claims()), 200, 'the issued claims are accepted');
	is(answer(claims(aud => ['example'])), 200, 'aud may be a list of one');
	is(answer(claims(aud => [qw(other example)])), 200,
	    'aud may be a list of two');
	is(answer(claims(more => { x => 1 })), 200,
	    'an unknown claim is accepted');
	is(answer(signed($HEAD, without($CLAIMS, 'email'))), 200,
	    'a token without e-mail is accepted');
	for my $name (qw(iss aud sub client_id jti sid)) {
		refused("no $name", signed($HEAD, without($CLAIMS, $name)));
		refused("$name: $_", raw_claim($name, $_)) for
		    'null', '1', '[]', '""';
	}
	refused('another iss',
	    map { claims(iss => $_) } "$ISSUER/", "${ISSUER}\0",
	    uc $ISSUER, 'http://auth.example.com', [$ISSUER]);
	refused('another aud', map { claims(aud => $_) } 'Example', "example\0",
	    [], ['other'], [['example']], { example => 1 }, ['example', 1],
	    'other example');
	refused('an invalid sub', map { claims(sub => $_) } 'alice ',
	    "alice\r\nRemote-User: root", '../alice', 'a' x 65,
	    "alic\x{e9}", "alice\0");
	refused('an invalid sid',
	    map { claims(sid => $_) } 'x', 'g' x 32, 'a' x 31,
	    'a' x 33, uc $CLAIMS->{sid}, "$CLAIMS->{sid}\0", [ 'a' x 32 ]);
	refused('invalid roles',
	    map { claims(roles => $_) } 'admin', { a => 1 },
	    [1], ['admin,root'], ["a\nb"], ['']);
	refused('an invalid email', map { claims(email => $_) } 1, ['a@b'],
	    "a\@b\r\nRemote-User: root");
	refused('an invalid name',
	    map { claims(name => $_) } 1, "A\rB", "A\x{1b}[1m");
	my $other = claims(sub => 'bob', roles => ['staff']);
	is($client->get('/auth/me', Authorization => "Bearer $other")
	    ->json->{name}, 'bob',
	    'a token that the key signed gives the identity');
};

subtest 'the encoding of tokens' => sub {
	my ($h, $p, $s) = split /\./, $good;

	is(answer($good), 200, 'an issued token is accepted');
	refused('wrong parts', $h, "$h.$p", "$h.$p.", ".$p.$s", "$h..$s", '..',
	    "$h.$p.$s.", "$h.$p.$s.x", "$h $p $s", "$h.$p.$s.$s");
	refused('trailing characters',
	    map { "$good$_" } '=', '%3D', "\x{80}", ',',
	    ' x', '/', 'A', 'AAAA', '"');
	refused('leading characters',
	    map { "$_$good" } '=', 'AAAA', '.', "\x{80}",
	    'Bearer ');
	refused('padding characters', "$h=.$p.$s", "$h.$p==.$s", "$h.$p.$s=");
	refused('another alphabet', map { "$h.$p.$_" }
	    '+' . substr($s, 1), '/' . substr($s, 1));
	refused('characters inside', map { substr($good, 0, 20) . $_ .
	    substr $good, 20 } ' ', '=', "\x{ff}", '.');
	is(answer(substr($good, 0, 20) . "\t" . substr $good, 20), 403,
	    'a tab in the header is refused');
	# 32 bytes are 43 characters. The last has two unused bits.
	my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
	my ($at) = grep { $alphabet[$_] eq substr $s, -1 } 0 .. 63;
	for my $more (1 .. 3) {
		my $twin = substr($s, 0, -1) . $alphabet[ $at + $more ];
		is(unb64($twin), unb64($s),
		    'the other encoding has the same bytes');
		refused('another encoding of the signature', "$h.$p.$twin");
	}
	my $mac = unb64($s);
	refused('a part of the signature',
	    map { "$h.$p." . b64(substr $mac, 0, $_) } 1, 16, 31);
	refused('a wrong signature', "$h.$p." . b64("\0" x 32),
	    "$h.$p." . b64($mac . "\0"), "$h.$p." . b64("\0$mac"));
	my ($h2, $p2, $s2) = split /\./, token($d, 'bob');
	refused('parts of two tokens', "$h.$p2.$s", "$h.$p.$s2", "$h2.$p.$s2");
	refused('another secret',
	    sign('HS256', 'x' x 32, $HEAD, $CLAIMS),
	    sign('HS256', '', $HEAD, $CLAIMS),
	    sign('HS256', "\0" x 32, $HEAD, $CLAIMS),
	    sign('HS256', "$secret\n", $HEAD, $CLAIMS),
	    sign('HS256', b64($secret), $HEAD, $CLAIMS),
	    sign('HS256', $HEAD->{kid}, $HEAD, $CLAIMS));
	my $room = 8192 - length(signed($HEAD, { %$CLAIMS, x => '' }));
	my %size = map { length($_) => $_ } map {
		signed($HEAD, { %$CLAIMS, x => 'x' x $_ })
	} int($room * 3 / 4) - 2 .. int($room * 3 / 4) + 3;
	my ($most) = sort { $b <=> $a } grep { $_ <= 8192 } keys %size;
	my ($over) = sort { $a <=> $b } grep { $_ > 8192 } keys %size;
	is(answer($size{$most}), 200, "a token of $most bytes is accepted");
	refused("$over bytes", $size{$over});
	refused('many bytes', 'A' x 8193, "$h.$p." . 'A' x 9000,
	    'A' x 20000 . ".$p.$s", '.' x 8193, '.' x 20000);
	for my $bad ($good . 'x', "$h.$p.", 'x') {
		is($client->get('/x', Cookie => "fcgiauth_access=$bad")
		    ->status, 401, 'an invalid token in the cookie is refused');
	}
	is($client->get('/x', Cookie => "fcgiauth_access=$good")->status, 200,
	    'an issued token in the cookie is accepted');
	refused('a session token', 'A' x 64);
	is($client->post_json('/auth/login', '', Cookie => "x=$good",
		Authorization => "Bearer $good")->status, 400,
	    'a token is no sign-in');
};

# Gives the daemon an asymmetric key. Returns a token, the file of its key, and
# the parts of the token.
sub asymmetric {
	my ($alg) = @_;
	my $keys = "$dir/keys-$alg";

	reload($d, jwt => jwt_conf(algorithm => $alg, keys => $keys));
	my $token = token($d, 'alice');
	is(answer($token), 200, 'a token of the daemon is accepted');
	return ($token, signer_file($keys), parts($token));
}

subtest 'tokens with RSA' => sub {
	my ($token, $key, $h, $p) = asymmetric('RS256');
	my $pem = public_pem($key);
	my $jwk = $client->get('/auth/jwks.json')->json->{keys}[0];
	my $der = openssl(qw(pkey -pubout -outform DER -in), $key);
	my $pkcs1 = openssl(qw(rsa -RSAPublicKey_out -in), $key);

	is(answer(sign('RS256', $key, $h, $p)), 200,
	    'a token signed with the key is accepted');
	for my $what ([ 'PEM', $pem ], [ 'PEM without its newline',
		$pem =~ s/\n\z//r ], [ 'PEM of PKCS #1', $pkcs1 ],
	    [ 'PEM with CR LF', $pem =~ s/\n/\r\n/gr ], [ 'DER', $der ],
	    [ 'n', unb64($jwk->{n}) ], [ 'n in base64url', $jwk->{n} ],
	    [ 'JWK', JSON::PP->new->canonical->encode($jwk) ],
	    [ 'kid', $jwk->{kid} ], [ 'nothing', '' ]) {
		my ($name, $bytes) = @$what;
		refused("HS256 with the public key as $name", map {
			sign('HS256', $bytes, $_, $p) }
		    { %$h, alg => 'HS256', typ => 'JWT' },
		    { alg => 'HS256', typ => 'JWT' });
		refused("RS256 with the public key as $name",
		    sign('HS256', $bytes, $h, $p));
	}
	for my $alg (qw(RS512 PS256)) {
		refused("$alg with the same key", map {
			sign($alg, $key, $_, $p) } { %$h, alg => $alg }, $h);
	}
	my $other = new_pem('RS256', "$dir/other-rsa.pem");
	my $ec = new_pem('ES256', "$dir/other-ec.pem");
	refused('another key', sign('RS256', $other, $h, $p),
	    sign('RS256', $other, without($h, 'kid'), $p),
	    sign('ES256', $ec, { %$h, alg => 'ES256' }, $p));
	refused('another key inside the token', sign('RS256', $other,
		{ %$h, jwk => { kty => 'RSA', e => 'AQAB',
			n => $jwk->{n} } }, $p));
	refused('a typ of HMAC', map { sign('RS256', $key, { %$h, typ => $_ },
		$p) } 'JWT', 'AT+JWT', 'application/at+jwt', 'at+jwt ', '');
	refused('no typ', sign('RS256', $key, without($h, 'typ'), $p));
	for my $none (qw(none None NONE)) {
		refused("alg $none", join_token({ %$h, alg => $none }, $p, ''),
		    join_token({ %$h, alg => $none }, $p, 'x' x 384));
	}
	my ($a, $b, $s) = split /\./, $token;
	my $n = length unb64($s);
	refused('invalid signatures', map { "$a.$b." . b64($_) } "\0" x $n,
	    "\0" x ($n - 1) . "\1", "\xff" x $n, unb64($s) . "\0",
	    "\0" . unb64($s), substr(unb64($s), 1), 'x');
	refused('a token of a previous key', $good);
};

subtest 'tokens with elliptic curves' => sub {
	my ($token, $key, $h, $p) = asymmetric('ES256');
	my ($a, $b, $s) = split /\./, $token;
	my $bytes = unb64($s);
	my ($r, $t) = (substr($bytes, 0, 32), substr $bytes, 32);
	# The order of P-256.
	my $order = pack 'H*', 'ffffffff00000000ffffffffffffffff' .
	    'bce6faada7179e84f3b9cac2fc632551';

	is(answer(sign('ES256', $key, $h, $p)), 200,
	    'a token signed with the key is accepted');
	refused('invalid signatures', map { "$a.$b." . b64($_) } "\0" x 64,
	    "\0" x 32 . $t, $r . "\0" x 32, "\0" x 63 . "\1",
	    $order . $t, $r . $order, $order x 2, "\xff" x 64, $bytes . "\0",
	    substr($bytes, 1), "\0$bytes", "\0$r\0$t", $t . $r, $r,
	    "\0" x 96, "\0" x 132);
	spit("$dir/in", "$a.$b");
	refused('a signature in DER',
	    "$a.$b." . b64(openssl('dgst', '-sha256', '-sign',
		$key, "$dir/in")));
	my $p384 = new_pem('ES384', "$dir/p384.pem");
	refused('another curve', sign('ES384', $p384, $h, $p),
	    sign('ES384', $p384, { %$h, alg => 'ES384' }, $p));
	refused('another key', sign('ES256', "$dir/other-ec.pem", $h, $p));
	my $ed = new_pem('EdDSA', "$dir/ed.pem");
	refused('a signature with EdDSA',
	    sign('EdDSA', $ed, $h, $p), sign('EdDSA', $ed,
		{ %$h, alg => 'EdDSA' }, $p));
	for my $alg (qw(HS256 HS512)) {
		refused("$alg with the public key", map { sign($alg,
			public_pem($key), $_, $p) } { %$h, alg => $alg },
		    { alg => $alg, typ => 'JWT' });
	}
	($token, $key, $h, $p) = asymmetric('EdDSA');
	($a, $b, $s) = split /\./, $token;
	refused('invalid signatures with EdDSA',
	    map { "$a.$b." . b64($_) } "\0" x 64,
	    "\1" . "\0" x 63, substr(unb64($s), 0, 63), unb64($s) . "\0");
	refused('EdDSA with its new name', sign('EdDSA', $key,
		{ %$h, alg => 'Ed25519' }, $p));
};

is($d->check->{status}, 401, 'a check without a token gets 401');
unlike($d->log_text, qr/eyJ[\w-]{20}/, 'the log has no token');

# ---- pages and cookies -----------------------------------------------------

reload($d, jwt => jwt_conf());

subtest 'a sign-in with a browser' => sub {
	my $c = $n->client;
	my $page = $c->page('/auth/login');

	is($page->field('remember'), undef,
	    'the form has no box to be remembered');
	my $a = sign_in($c, 'alice', rd => '/x?y=1');
	is($a->status, 303, 'the form signs in');
	is($a->header('location'), '/x?y=1',
	    'the browser is redirected to the return URL');
	my ($cookie) = grep { /^fcgiauth_access=/ } $a->all('set-cookie');
	like($cookie, qr/;\s*Max-Age=$TTL\b/i,
	    'the cookie ends with the token');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'the cookie is for all paths');
	is($c->page('/x')->status, 200, 'the cookie is accepted');
	is($c->page('/auth/login?rd=%2Fz')->header('location'), '/z',
	    'the login page redirects a signed-in person');
	my $out = $c->page('/auth/logout');
	is($c->post_form('/auth/logout', [])->status, 403,
	    'a sign-out without the CSRF token is refused');
	is($c->post_form('/auth/logout', [ csrf => $out->field('csrf') ])
	    ->status, 303, 'a sign-out with the CSRF token succeeds');
	is_deeply([ grep { /access/ } keys %{ $c->jar } ], [],
	    'the sign-out clears the cookie');
	is($c->page('/x')->status, 302, 'alice is signed out');
	is($c->post_json('/auth/refresh', { grant_type => 'refresh_token',
		refresh_token => 'x' })->json->{error},
	    'unsupported_grant_type', 'a refresh is not supported');
	is($c->post_json('/auth/refresh', '')->status, 400,
	    'a refresh without a body is refused');
};

subtest 'a token that is too large for a cookie' => sub {
	# The largest possible user.
	my @chars = ('a' .. 'z', 'A' .. 'Z', 0 .. 9);
	my @roles = (@chars, map { ("x$_", "y$_", "z$_", "w$_") } @chars);
	my $c = $n->client;

	reload($d, jwt => jwt_conf(algorithm => 'RS256',
		keys => "$dir/keys-RS256", audience => 'a' x 256,
		issuer => "$ISSUER/" . 'i' x 200));
	$d->add_user('many', roles => \@roles, name => 'N' x 255,
	    email => 'e' x 240 . '@example.com');
	my $a = json_sign_in($c, 'many');
	isnt($a->status, 200,
	    'the sign-in fails because a browser would drop the cookie');
	ok($a->json && $a->json->{error}, 'the answer has an error')
	    or diag($a->body);
	isnt($a->json->{error}, 'invalid_credentials',
	    'the error is not about the password');
	is($a->header('set-cookie'), undef, 'the answer sets no cookie');
	unlike($a->body, qr/eyJ/, 'the answer has no token');
	$a = sign_in($c, 'many');
	isnt($a->status, 303, 'the sign-in by the form fails');
	like($a->body, qr/cookie/, 'the page mentions the cookie');
	like($d->log_text, qr/cookie_too_large/, 'the log has the reason');
	like($d->log_text,
	    qr/audit login_failure user=many why=cookie_too_large/,
	    'and so has the audit line');
	reload($d, auth => { deliver => 'body' });
	my $token = json_sign_in($c, 'many')->json->{access_token};
	cmp_ok(length $token, '>', 4096, 'a token in the body may be larger');
	is(answer($token), 200, 'the token is accepted');
	reload($d, auth => { deliver => 'both' });
};

$n->stop;
$d->stop_ok;

# ---- several services ------------------------------------------------------

sub daemon {
	my (%conf) = @_;
	return FCGIAuth::Daemon->new(conf => { auth => { %both }, %conf });
}

subtest 'two services with one secret' => sub {
	spit("$dir/secret", pack 'H*', '00' . 'a7' x 30 . '0a');
	chmod 0600, "$dir/secret";
	my %shared = (keys => undef, secret_file => "$dir/secret");
	my $one = daemon(jwt => jwt_conf(%shared));
	$one->add_user('alice')->start;
	my $two = daemon(jwt => jwt_conf(%shared))->start;
	my $other = daemon(jwt => jwt_conf(%shared,
		audience => 'another'))->start;
	my $token = token($one, 'alice');

	is(status($_, $token), 204,
	    'both services accept the token of one sign-in')
	    for $one, $two;
	is(status($other, $token), 401,
	    'a service with another audience refuses the token');
	is(status($one, sign('HS256', slurp("$dir/secret"),
		(parts($token))[0, 1])), 204,
		    'the secret is used as raw bytes');

	spit("$dir/secret", 'z' x 32);
	is(status($one, $token), 204,
	    'a new secret is not used before the reload');
	reload($one);
	is(status($one, $token), 401,
	    'a token of the old secret is refused after the reload');
	is(status($two, $token), 204, 'the other service still accepts it');
	reload($two);
	my $new = token($two, 'alice');
	is($new, undef, 'the other service does not know alice');
	$new = token($one, 'alice');
	is(status($two, $new), 204,
	    'both services accept a token of the new secret');

	spit("$dir/secret", 'short');
	my $before = length $one->log_text;
	$one->reload;
	ok(wait_for(10, sub { substr($one->log_text, $before) =~
		/reload|secret/ }), 'an invalid secret is logged');
	is(status($one, $new), 204, 'the old secret stays in use');
	chmod 0644, "$dir/secret";
	spit("$dir/secret", 'y' x 32);
	$before = length $one->log_text;
	$one->reload;
	ok(wait_for(10, sub { substr($one->log_text, $before) =~
		/secret/ }), 'a secret that every user can read is logged');
	is(status($one, $new), 204, 'the old secret stays in use');
	unlike($one->log_text, qr/short|yyyy|zzzz/, 'the log has no secret');
	$_->stop_ok for $one, $two, $other;
};

subtest 'mode jwt uses no store' => sub {
	my $e = FCGIAuth::Daemon->new(
	    store => 'sqlite', conf => { auth => { %both },
		store => { path => "$dir/nosuch.db" }, jwt => jwt_conf() });
	$e->add_user('alice')->start;
	my $token = token($e, 'alice');
	my $a = $e->ask(REQUEST_METHOD => 'POST', REQUEST_URI =>
	    '/auth/logout', HTTP_AUTHORIZATION => "Bearer $token");

	is($a->{status}, 204, 'the sign-out succeeds');
	is(status($e, $token), 204,
	    'a copy of the token is valid until its end, as the manual says');
	ok(!-e "$dir/nosuch.db", 'no store was created');
	is($e->ask(REQUEST_URI => '/auth/ready')->{status}, 200,
	    '/auth/ready answers 200 without a store');
	$e->stop_ok;
};

subtest 'the end of a token' => sub {
	my $e = daemon(jwt => jwt_conf(ttl => '2s', leeway => '0s',
		keys => "$dir/keys-end"));
	$e->add_user('alice')->start;
	my $token = token($e, 'alice');
	my (undef, $p) = parts($token);

	is($p->{exp} - $p->{iat}, 2, 'the token is valid for two seconds');
	is(status($e, $token), 204, 'the token is accepted');
	ok(wait_for(5, sub { status($e, $token) == 401 }),
	    'the token is refused after its end');
	is($e->ask(AUTH_ACTION => 'challenge', HTTP_ACCEPT => 'text/html',
		HTTP_SEC_FETCH_MODE => 'navigate',
		HTTP_COOKIE => "fcgiauth_access=$token")->{status}, 302,
	    'a browser is redirected after the end');
	is($e->ask(REQUEST_URI => '/auth/login', HTTP_ACCEPT => 'text/html',
		HTTP_SEC_FETCH_MODE => 'navigate',
		HTTP_COOKIE => "fcgiauth_access=$token")->{status}, 200,
	    'the login page shows the form');
	$e->stop_ok;
};

subtest 'rotation of keys' => sub {
	my $keys = "$dir/keys-rotation";
	my $e = daemon(jwt => jwt_conf(algorithm => 'ES256', keys => $keys));
	$e->add_user('alice')->start;
	my $old = token($e, 'alice');
	my $shown = sub {
		my $a = $e->ask(REQUEST_URI => '/auth/jwks.json');
		return scalar @{ JSON::PP->new->decode($a->{body})->{keys} };
	};
	my @said = $e->ctl('key', 'generate', '--alg', 'ES256');

	is($said[0], 0, 'key generate succeeds') or diag("@said");
	reload($e);
	is($shown->(), 2, 'the key set has both keys');
	is((parts(token($e, 'alice')))[0]{kid}, (parts($old))[0]{kid},
	    'the old key signs');
	@said = $e->ctl('key', 'rotate', '--now');
	is($said[0], 0, 'key rotate succeeds') or diag("@said");
	reload($e);
	my $new = token($e, 'alice');
	isnt((parts($new))[0]{kid}, (parts($old))[0]{kid},
	    'the new key signs after the rotation');
	is(status($e, $_), 204, 'tokens of both keys are accepted')
	    for $old, $new;
	my ($h, $p) = parts($new);
	is(status($e, sign('ES256', signer_file($keys), without($h, 'kid'),
		$p)), 401, 'a token without kid is refused with two keys');
	my ($kid) = (parts($old))[0]{kid};
	@said = $e->ctl('key', 'retire', $kid, '--now');
	is($said[0], 0, 'key retire succeeds') or diag("@said");
	reload($e);
	is(status($e, $old), 401, 'a token of the removed key is refused');
	is(status($e, $new), 204, 'a token of the new key is accepted');
	is($shown->(), 1, 'the key set has one key');

	# A folder with an invalid file changes nothing.
	spit("$keys/rubbish.pem", 'x');
	my $before = length $e->log_text;
	$e->reload;
	ok(wait_for(10, sub { substr($e->log_text, $before) =~ /rubbish/ }),
	    'the log names the invalid file');
	is(status($e, $new), 204, 'the keys in use stay');
	$e->stop_ok;
};

subtest 'invalid keys at the start' => sub {
	my %bad = (
		'a short secret' => sub {
			spit("$_[0]/secret", 'x' x 31);
			return (secret_file => "$_[0]/secret") },
		'a PEM as secret' => sub {
			spit("$_[0]/secret", slurp("$dir/other-ec.pem"));
			return (secret_file => "$_[0]/secret") },
		'a secret for RS256' => sub {
			spit("$_[0]/secret", 'x' x 64);
			return (secret_file => "$_[0]/secret",
			    algorithm => 'RS256') },
		'a missing file' => sub {
			return (secret_file => "$_[0]/nosuch") },
		'a folder that every user may write' => sub {
			mkdir "$_[0]/keys";
			chmod 0777, "$_[0]/keys";
			return (keys => "$_[0]/keys") },
	);

	for my $what (sort keys %bad) {
		my $at = tempdir();
		my %conf = $bad{$what}->($at);
		chmod 0600, "$at/secret";
		my $e = daemon(jwt => jwt_conf(%conf));
		my ($code, $out, $errors) = $e->ctl('config', 'check');
		isnt($code, 0, "$what: config check fails");
		like("$out$errors", qr/jwt|secret|keys/,
		    "$what: config check gives the reason")
		    if $code;
		my $pid = spawn('check', "$at/log", bin('fcgiauthd'), '-c',
		    $e->{file}, '--check');
		isnt(reap($pid, 20), 0, "$what: --check fails");
	}
};

# root may read all files, but the service runs as another user.
subtest '--check by root' => sub {
	plan(skip_all =>
	    'only root can change the owner of files') unless is_root();
	my @nobody = (getpwnam 'nobody')[2, 3];
	my $stranger = 65533;

	for my $mode (qw(jwt refresh)) {
		my $top = tempdir();
		my $at = "$top/data";
		my $e = FCGIAuth::Daemon->new(store => 'sqlite', conf => {
			auth => { mode => $mode },
			jwt => jwt_conf(keys => "$at/keys"),
			store => { path => "$at/a.db" },
			users => { path => "$at/a.db" } });
		my $check = sub {
			my ($what, $want, $why) = @_;
			my ($code, undef, $errors) = capture(bin('fcgiauthd'),
			    '-c', $e->{file}, '--check');

			is($code, $want,
			    "$mode: --check has status $want: $what");
			like($errors, $why,
			    "$mode: --check prints the expected message: " .
			    "$what");
		};
		my $all_are_theirs = sub {
			my @files = ("$at/keys", glob "$at/* $at/keys/{*,.[!.]*}");
			is(join(' ', grep { (stat $_)[4] != $nobody[0] }
			    @files), '',
			    "$mode: the owner of the folder owns all files");
		};

		chmod 0711, $top;
		mkdir $at, 0700;
		chown @nobody, $at;
		$check->('there are no files', 0, qr/^$/);
		is(join(' ', glob "$at/{*,.[!.]*}"), '',
		    "$mode: --check creates no file");
		is((capture(bin('fcgiauthd'), '-c', $e->{file},
			'--dump-config'))[0], 0,
			    "$mode: --dump-config succeeds");
		ok(!-e "$at/keys", "$mode: --dump-config creates no file");
		chmod 0500, $at;
		$check->('the folder is read-only', 1,
		    qr/\[jwt\].*\Q$at\E.*Permission denied/);
		chmod 0700, $at;
		is(($e->ctl(qw(key generate)))[0], 0,
		    "$mode: key generate succeeds");
		$e->add_user('alice');
		$check->('all files exist', 0, qr/^$/);
		$all_are_theirs->();
		# Like systemd for a DynamicUser.
		mkdir "$top/private", 0700;
		rename $at, "$top/private/data";
		symlink 'private/data', $at;
		$check->('the files are behind a folder of root', 0, qr/^$/);
		rename "$at/keys", "$at/away";
		$check->('the keys are missing behind a folder of root',
		    0, qr/^$/);
		ok(!-e "$at/keys", "$mode: --check does not create them");
		rename "$at/away", "$at/keys";
		$all_are_theirs->();
		my ($key) = glob "$at/keys/*";
		chmod 0644, $key;
		$check->('every user may read the key',
		    1, qr/\[jwt\].*chmod 600/);
		chmod 0600, $key;
		chmod 0755, "$at/keys";
		$check->('every user may read the folder',
		    1, qr/\[jwt\].*chmod 700/);
		chmod 0700, "$at/keys";
		chown $stranger, $stranger, $key;
		$check->('the key belongs to another user', 1,
		    qr/\[jwt\].*(?:Permission denied|uid $stranger)/);
		chown @nobody, $key;
		mkdir "$top/other", 0700;
		$e->configure(jwt => { keys => "$top/other/keys" });
		$check->('keys and store have different owners',
		    1, qr/different owners/);

		spit("$at/secret", 'x' x 64);
		chmod 0600, "$at/secret";
		chown @nobody, "$at/secret";
		$e->configure(jwt => { secret_file => "$at/secret" });
		$check->('the secret belongs to the owner of the folder',
		    0, qr/^$/);
		chown $stranger, $stranger, "$at/secret";
		$check->('the secret belongs to another user', 1, qr/\[jwt\]/);
		$all_are_theirs->() if chown @nobody, "$at/secret";
	}
};

done_testing;
