# SPDX-License-Identifier: MIT
# Mode jwt: what a token says, which tokens are believed, for how long, and by
# whom.
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

# By JSON, straight to a daemon: the access token.
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
	}), 'reloaded') or diag(substr $d->log_text, $before);
	return;
}

my ($d, $n) = start_site(conf => { auth => { %both }, jwt => jwt_conf() },
    http => 'large_client_header_buffers 4 32k;');
my $client = $n->client;

# What the live service says to a token, through nginx.
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

		is($h->{alg}, $alg, $alg);
		is($h->{typ}, $hmac ? 'JWT' : 'at+jwt', "$alg: typ");
		is_deeply([ grep { !/^(?:alg|typ|kid)$/ } keys %$h ], [],
		    "$alg: nothing else in the header");
		is_deeply([ sort keys %$p ], [ sort qw(iss aud sub client_id
			exp iat jti sid roles email name) ],
		    "$alg: the claims");
		is($p->{iss}, $ISSUER, "$alg: iss");
		is($p->{aud}, 'example', "$alg: aud");
		is($p->{sub}, 'alice', "$alg: sub");
		is($p->{client_id}, 'fcgiauth', "$alg: client_id");
		is_deeply($p->{roles}, [qw(admin staff)], "$alg: roles");
		is($p->{email}, 'alice@example.com', "$alg: email");
		is($p->{name}, 'Alice Liddell', "$alg: name");
		is($p->{exp} - $p->{iat}, $TTL, "$alg: how long");
		cmp_ok(abs($p->{iat} - time), '<', 30, "$alg: since when");
		unlike(unb64($me), qr/"(?:exp|iat)":"/, "$alg: as numbers");
		like($p->{jti}, qr/^[0-9a-f]{32}$/, "$alg: jti");
		like($p->{sid}, qr/^[0-9a-f]{32}$/, "$alg: sid");
		isnt($p->{jti}, $p->{sid}, "$alg: which differ");
		is(answer($token), 200, "$alg: is believed");
		my ($first, $last) = $token =~ /^(.*\.)(.*)$/;
		my $bad = unb64($last);
		substr($bad, 0, 1) ^= "\x01";
		is(answer($first . b64($bad)), 401, "$alg: a bit is not");
		my $me2 = $client->get('/auth/me',
		    Authorization => "Bearer $token")->json;
		is($me2->{session}, $p->{sid}, "$alg: me");

		my $a = $client->get('/auth/jwks.json');
		my @set = @{ $a->json->{keys} };
		is(scalar @set, $hmac ? 0 : 1, "$alg: keys to show");
		like($a->header('cache-control'), qr/\bmax-age=[1-9]/,
		    "$alg: to be kept");
		unlike($a->header('cache-control'), qr/no-store|private/,
		    "$alg: by anybody");
		for my $key (@set) {
			my %public = (RSA => [qw(e n)], EC => [qw(crv x y)],
			    OKP => [qw(crv x)]);
			is_deeply([ sort keys %$key ], [ sort
				qw(kty use alg kid),
				@{ $public{ $key->{kty} } } ],
			    "$alg: public members, and no others");
			is($key->{alg}, $alg, "$alg: its alg");
			is($key->{use}, 'sig', "$alg: its use");
			is($key->{kid}, $h->{kid}, "$alg: its kid");
			is($key->{kid}, thumbprint($key),
			    "$alg: which is its thumbprint");
		}
		is((stat $keys)[2] & 07777, 0700, "$alg: the folder is ours");
		is((stat signer_file($keys))[2] & 07777, 0600,
		    "$alg: so is the key");
	}
};

# RFC 7638.
sub thumbprint {
	my ($k) = @_;
	my @names = $k->{kty} eq 'RSA' ? qw(e kty n) :
	    $k->{kty} eq 'EC' ? qw(crv kty x y) : qw(crv kty x);
	return b64(sha256('{' . join(',',
		map { qq("$_":"$k->{$_}") } @names) . '}'));
}

# ---- tokens of others ------------------------------------------------------

reload($d, jwt => jwt_conf());
my $secret = slurp(signer_file("$dir/keys-HS256"));
my $good = token($d, 'alice');
my ($HEAD, $CLAIMS) = parts($good);
# As text: a token of any shape is made by replacing a part of it.
my $CLAIMS_TEXT;
# Signed with the right key, whatever it says.
sub signed { return sign('HS256', $secret, @_) }
sub head { return signed({ %$HEAD, @_ }, $CLAIMS) }
sub claims { return signed($HEAD, { %$CLAIMS, @_ }) }

sub without {
	my ($from, $name) = @_;
	my %copy = %$from;

	delete $copy{$name};
	return \%copy;
}

# A claim by its JSON, so that a number is what we say it is.
sub raw_claim {
	my ($name, $json) = @_;
	my $text = FCGIAuth::Token::text_of(without($CLAIMS, $name));

	$text =~ s/\}$/,"$name":$json}/;
	return signed($HEAD, $text);
}

sub refused {
	my ($what, @tokens) = @_;

	for my $token (@tokens) {
		is(answer($token), 401, $what)
		    or diag(substr $token, 0, 300);
	}
	return;
}

# The tables of all that is refused are in tests/unit/crypto; these, of each
# class, ask whether the service asks.
subtest 'headers' => sub {
	is(answer(head()), 200, 'one that we could have made');
	is(answer(signed(without($HEAD, 'kid'), $CLAIMS)), 200,
	    'without kid, while there is one key');
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
	refused('typ', (map { head(typ => $_) } 'at+jwt', 'jwt', '', 1),
	    signed(without($HEAD, 'typ'), $CLAIMS));
	refused('crit', head(crit => ['exp']), head(crit => []),
	    head(crit => ['b64'], b64 => JSON::PP::false()));
	refused('b64', head(b64 => JSON::PP::true()));
	refused($_, head($_ => 'https://127.0.0.1:1/keys'))
	    for qw(zip enc cty jku x5u);
	my %own = (jwk => { kty => 'oct', k => b64('x' x 32) });
	refused('a key that it brings itself', head(%own),
	    head(x5c => ['AAAA']),
	    sign('HS256', 'x' x 32, { %$HEAD, %own }, $CLAIMS),
	    sign('HS256', 'x' x 32, { %{ without($HEAD, 'kid') }, %own },
		$CLAIMS));
	for my $kid ('', 'x' x 43, 'x' x 4000, '/dev/null', "' OR '1'='1",
	    "$HEAD->{kid}\0", lc $HEAD->{kid}, substr($HEAD->{kid}, 0, 42),
	    signer_file("$dir/keys-HS256"), "\x{1F511}", undef,
	    [ $HEAD->{kid} ]) {
		refused('kid', head(kid => $kid),
		    sign('HS256', '', { %$HEAD, kid => $kid }, $CLAIMS));
	}
};

subtest 'JSON' => sub {
	my $h = FCGIAuth::Token::text_of($HEAD);
	my $p = FCGIAuth::Token::text_of($CLAIMS);

	is(answer(signed($h, $p)), 200, 'as it should be');
	is(answer(signed(" $h\n", "\t$p ")), 200, 'with white space');
	for my $twice ('"alg":"none"', qq("kid":"$HEAD->{kid}"),
	    '"\u0061lg":"HS256"') {
		refused("header: $twice, again",
		    signed($h =~ s/\}$/,$twice}/r, $p),
		    signed($h =~ s/^\{/{$twice,/r, $p));
	}
	for my $twice ('"sub":"bob"', '"exp":9999999999', '"roles":["root"]',
	    '"s\u0075b":"bob"', '"x":{"a":1,"a":2}') {
		refused("payload: $twice, again",
		    signed($h, $p =~ s/\}$/,$twice}/r),
		    signed($h, $p =~ s/^\{/{$twice,/r));
	}
	for my $text ('[]', 'null', '{}', '{', '', "[$p]", "$p$p", "$p\0",
	    "\xEF\xBB\xBF$p", $p =~ s/"/'/gr, $p =~ s/\}$/,"x":"\xff"}/r,
	    $p =~ s/alice/alice\\u0000/r, $p =~ s/^\{/{"x":01,/r,
	    ('[' x 3000) . (']' x 3000),
	    '{"a":' x 2000 . '1' . '}' x 2000) {
		refused('payload: ' . substr($text =~ s/[^ -~]/?/gr, 0, 40),
		    signed($h, $text));
		next if $text =~ /alice/;
		refused('header: ' . substr($text, 0, 40),
		    signed($text, $p));
	}
	refused('a header that is not UTF-8',
	    signed($h =~ s/\}$/,"x":"\xff"}/r, $p));
};

subtest 'times' => sub {
	my $now = int time;
	# What is believed, then what is not.
	my @good = (
		[ 'as issued', iat => $now, exp => $now + $TTL ],
		[ 'over within the leeway', iat => $now - 100,
			exp => $now - 20 ],
		[ 'begins within the leeway', iat => $now + 20,
			exp => $now + 100 ],
		[ 'not before, within the leeway', nbf => $now + 20 ],
		[ 'not before the past', nbf => 0 ],
	);
	my @bad = (
		[ 'over', iat => $now - 500, exp => $now - 31 ],
		[ 'over for long', iat => 0, exp => 1 ],
		[ 'from the future', iat => $now + 60, exp => $now + 100 ],
		[ 'longer than we issue', iat => $now,
			exp => $now + $TTL + 1 ],
		[ 'for ever', iat => $now, exp => 2**31 ],
		[ 'for ever and ever', iat => $now, exp => 2**53 ],
		[ 'too long', iat => $now - $TTL, exp => $now + $TTL ],
		[ 'ends as it begins', iat => $now + 5, exp => $now + 5 ],
		[ 'ends before it begins', iat => $now + 20,
			exp => $now + 10 ],
		[ 'not yet', nbf => $now + 60 ],
	);

	for my $case (@good, @bad) {
		my ($what, %claim) = @$case;
		is(answer(claims(%claim)), (grep { $_ == $case } @good) ?
		    200 : 401, $what);
	}
	my $far = $now + 300;
	for my $name (qw(exp iat nbf)) {
		my $t = $name eq 'exp' ? $far : $now;
		is(answer(raw_claim($name, $t)), 200, "$name: a number");
		refused("$name: $_", raw_claim($name, $_)) for
		    qq("$t"), "$t.0", "${t}e0", "[$t]", 'null', 'true', '-1',
		    '1e300', '9007199254740993', '9223372036854775808';
	}
	refused("no $_", signed($HEAD, without($CLAIMS, $_)))
	    for qw(exp iat);
};

subtest 'claims' => sub {
	is(answer(claims()), 200, 'as issued');
	is(answer(claims(aud => ['example'])), 200, 'aud: a list of one');
	is(answer(claims(aud => [qw(other example)])), 200, 'aud: of two');
	is(answer(claims(more => { x => 1 })), 200, 'one that we do not know');
	is(answer(signed($HEAD, without($CLAIMS, 'email'))), 200,
	    'no e-mail');
	for my $name (qw(iss aud sub client_id jti sid)) {
		refused("no $name", signed($HEAD, without($CLAIMS, $name)));
		refused("$name: $_", raw_claim($name, $_)) for
		    'null', '1', '[]', '""';
	}
	refused('iss', map { claims(iss => $_) } "$ISSUER/", "${ISSUER}\0",
	    uc $ISSUER, 'http://auth.example.com', [$ISSUER]);
	refused('aud', map { claims(aud => $_) } 'Example', "example\0",
	    [], ['other'], [['example']], { example => 1 }, ['example', 1],
	    'other example');
	refused('sub', map { claims(sub => $_) } 'alice ',
	    "alice\r\nRemote-User: root", '../alice', 'a' x 65,
	    "alic\x{e9}", "alice\0");
	refused('sid', map { claims(sid => $_) } 'x', 'g' x 32, 'a' x 31,
	    'a' x 33, uc $CLAIMS->{sid}, "$CLAIMS->{sid}\0", [ 'a' x 32 ]);
	refused('roles', map { claims(roles => $_) } 'admin', { a => 1 },
	    [1], ['admin,root'], ["a\nb"], ['']);
	refused('email', map { claims(email => $_) } 1, ['a@b'],
	    "a\@b\r\nRemote-User: root");
	refused('name', map { claims(name => $_) } 1, "A\rB", "A\x{1b}[1m");
	my $other = claims(sub => 'bob', roles => ['staff']);
	is($client->get('/auth/me', Authorization => "Bearer $other")
	    ->json->{name}, 'bob', 'who holds the key says who it is');
};

subtest 'the text' => sub {
	my ($h, $p, $s) = split /\./, $good;

	is(answer($good), 200, 'a good one');
	refused('parts', $h, "$h.$p", "$h.$p.", ".$p.$s", "$h..$s", '..',
	    "$h.$p.$s.", "$h.$p.$s.x", "$h $p $s", "$h.$p.$s.$s");
	refused('trailing junk', map { "$good$_" } '=', '%3D', "\x{80}", ',',
	    ' x', '/', 'A', 'AAAA', '"');
	refused('leading junk', map { "$_$good" } '=', 'AAAA', '.', "\x{80}",
	    'Bearer ');
	refused('padding', "$h=.$p.$s", "$h.$p==.$s", "$h.$p.$s=");
	refused('another alphabet', map { "$h.$p.$_" }
	    '+' . substr($s, 1), '/' . substr($s, 1));
	refused('junk inside', map { substr($good, 0, 20) . $_ .
	    substr $good, 20 } ' ', '=', "\x{ff}", '.');
	is(answer(substr($good, 0, 20) . "\t" . substr $good, 20), 403,
	    'a tab is no part of any header');
	# 32 bytes are 43 characters, whose last has two bits to spare.
	my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
	my ($at) = grep { $alphabet[$_] eq substr $s, -1 } 0 .. 63;
	for my $more (1 .. 3) {
		my $twin = substr($s, 0, -1) . $alphabet[ $at + $more ];
		is(unb64($twin), unb64($s), 'the same bytes');
		refused('another spelling', "$h.$p.$twin");
	}
	my $mac = unb64($s);
	refused('a part of the signature',
	    map { "$h.$p." . b64(substr $mac, 0, $_) } 1, 16, 31);
	refused('no signature at all', "$h.$p." . b64("\0" x 32),
	    "$h.$p." . b64($mac . "\0"), "$h.$p." . b64("\0$mac"));
	my ($h2, $p2, $s2) = split /\./, token($d, 'bob');
	refused('of two tokens', "$h.$p2.$s", "$h.$p.$s2", "$h2.$p.$s2");
	refused('the secret of somebody else',
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
	is(answer($size{$most}), 200, "$most bytes");
	refused("$over bytes", $size{$over});
	refused('many bytes', 'A' x 8193, "$h.$p." . 'A' x 9000,
	    'A' x 20000 . ".$p.$s", '.' x 8193, '.' x 20000);
	for my $bad ($good . 'x', "$h.$p.", 'x') {
		is($client->get('/x', Cookie => "fcgiauth_access=$bad")
		    ->status, 401, 'as a cookie, too');
	}
	is($client->get('/x', Cookie => "fcgiauth_access=$good")->status, 200,
	    'where a good one is good');
	refused('a session token', 'A' x 64);
	is($client->post_json('/auth/login', '', Cookie => "x=$good",
		Authorization => "Bearer $good")->status, 400,
	    'a token is no login');
};

# A daemon with an asymmetric key, and what its own key would sign.
sub asymmetric {
	my ($alg) = @_;
	my $keys = "$dir/keys-$alg";

	reload($d, jwt => jwt_conf(algorithm => $alg, keys => $keys));
	my $token = token($d, 'alice');
	is(answer($token), 200, 'a token of its own');
	return ($token, signer_file($keys), parts($token));
}

subtest 'RSA' => sub {
	my ($token, $key, $h, $p) = asymmetric('RS256');
	my $pem = public_pem($key);
	my $jwk = $client->get('/auth/jwks.json')->json->{keys}[0];
	my $der = openssl(qw(pkey -pubout -outform DER -in), $key);
	my $pkcs1 = openssl(qw(rsa -RSAPublicKey_out -in), $key);

	is(answer(sign('RS256', $key, $h, $p)), 200, 'the key is the key');
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
	refused('another key that it brings along', sign('RS256', $other,
		{ %$h, jwk => { kty => 'RSA', e => 'AQAB',
			n => $jwk->{n} } }, $p));
	refused('typ of HS', map { sign('RS256', $key, { %$h, typ => $_ },
		$p) } 'JWT', 'AT+JWT', 'application/at+jwt', 'at+jwt ', '');
	refused('no typ', sign('RS256', $key, without($h, 'typ'), $p));
	for my $none (qw(none None NONE)) {
		refused($none, join_token({ %$h, alg => $none }, $p, ''),
		    join_token({ %$h, alg => $none }, $p, 'x' x 384));
	}
	my ($a, $b, $s) = split /\./, $token;
	my $n = length unb64($s);
	refused('signatures', map { "$a.$b." . b64($_) } "\0" x $n,
	    "\0" x ($n - 1) . "\1", "\xff" x $n, unb64($s) . "\0",
	    "\0" . unb64($s), substr(unb64($s), 1), 'x');
	refused('a token of before, of another key', $good);
};

subtest 'elliptic curves' => sub {
	my ($token, $key, $h, $p) = asymmetric('ES256');
	my ($a, $b, $s) = split /\./, $token;
	my $bytes = unb64($s);
	my ($r, $t) = (substr($bytes, 0, 32), substr $bytes, 32);
	# The order of P-256.
	my $order = pack 'H*', 'ffffffff00000000ffffffffffffffff' .
	    'bce6faada7179e84f3b9cac2fc632551';

	is(answer(sign('ES256', $key, $h, $p)), 200, 'the key is the key');
	refused('signatures', map { "$a.$b." . b64($_) } "\0" x 64,
	    "\0" x 32 . $t, $r . "\0" x 32, "\0" x 63 . "\1",
	    $order . $t, $r . $order, $order x 2, "\xff" x 64, $bytes . "\0",
	    substr($bytes, 1), "\0$bytes", "\0$r\0$t", $t . $r, $r,
	    "\0" x 96, "\0" x 132);
	spit("$dir/in", "$a.$b");
	refused('DER', "$a.$b." . b64(openssl('dgst', '-sha256', '-sign',
		$key, "$dir/in")));
	my $p384 = new_pem('ES384', "$dir/p384.pem");
	refused('another curve', sign('ES384', $p384, $h, $p),
	    sign('ES384', $p384, { %$h, alg => 'ES384' }, $p));
	refused('another key', sign('ES256', "$dir/other-ec.pem", $h, $p));
	my $ed = new_pem('EdDSA', "$dir/ed.pem");
	refused('EdDSA', sign('EdDSA', $ed, $h, $p), sign('EdDSA', $ed,
		{ %$h, alg => 'EdDSA' }, $p));
	for my $alg (qw(HS256 HS512)) {
		refused("$alg with the public key", map { sign($alg,
			public_pem($key), $_, $p) } { %$h, alg => $alg },
		    { alg => $alg, typ => 'JWT' });
	}
	($token, $key, $h, $p) = asymmetric('EdDSA');
	($a, $b, $s) = split /\./, $token;
	refused('EdDSA signatures', map { "$a.$b." . b64($_) } "\0" x 64,
	    "\1" . "\0" x 63, substr(unb64($s), 0, 63), unb64($s) . "\0");
	refused('EdDSA by its new name', sign('EdDSA', $key,
		{ %$h, alg => 'Ed25519' }, $p));
};

is($d->check->{status}, 401, 'and the service is well');
unlike($d->log_text, qr/eyJ[\w-]{20}/, 'no token in the log');

# ---- pages and cookies -----------------------------------------------------

reload($d, jwt => jwt_conf());

subtest 'a browser' => sub {
	my $c = $n->client;
	my $page = $c->page('/auth/login');

	is($page->field('remember'), undef, 'no box to be remembered by');
	my $a = sign_in($c, 'alice', rd => '/x?y=1');
	is($a->status, 303, 'signed in');
	is($a->header('location'), '/x?y=1', 'and sent back');
	my ($cookie) = grep { /^fcgiauth_access=/ } $a->all('set-cookie');
	like($cookie, qr/;\s*Max-Age=$TTL\b/i, 'the cookie ends with it');
	like($cookie, qr{;\s*Path=/(?:;|$)}i, 'is for all paths');
	is($c->page('/x')->status, 200, 'allowed');
	is($c->page('/auth/login?rd=%2Fz')->header('location'), '/z',
	    'who is signed in goes on');
	my $out = $c->page('/auth/logout');
	is($c->post_form('/auth/logout', [])->status, 403,
	    'logging out needs the token of the page');
	is($c->post_form('/auth/logout', [ csrf => $out->field('csrf') ])
	    ->status, 303, 'with it');
	is_deeply([ grep { /access/ } keys %{ $c->jar } ], [],
	    'the cookie is gone');
	is($c->page('/x')->status, 302, 'and so is alice');
	is($c->post_json('/auth/refresh', { grant_type => 'refresh_token',
		refresh_token => 'x' })->json->{error},
	    'unsupported_grant_type', 'there is nothing to refresh');
	is($c->post_json('/auth/refresh', '')->status, 400, 'at all');
};

subtest 'too many roles' => sub {
	# As much as a user may have, in the shape that takes most room.
	my @chars = ('a' .. 'z', 'A' .. 'Z', 0 .. 9);
	my @roles = (@chars, map { ("x$_", "y$_", "z$_", "w$_") } @chars);
	my $c = $n->client;

	reload($d, jwt => jwt_conf(algorithm => 'RS256',
		keys => "$dir/keys-RS256", audience => 'a' x 256,
		issuer => "$ISSUER/" . 'i' x 200));
	$d->add_user('many', roles => \@roles, name => 'N' x 255,
	    email => 'e' x 240 . '@example.com');
	my $a = json_sign_in($c, 'many');
	isnt($a->status, 200, 'the cookie would be dropped by a browser');
	ok($a->json && $a->json->{error}, 'the login says so')
	    or diag($a->body);
	isnt($a->json->{error}, 'invalid_credentials', 'and what it is');
	is($a->header('set-cookie'), undef, 'no cookie');
	unlike($a->body, qr/eyJ/, 'no token');
	$a = sign_in($c, 'many');
	isnt($a->status, 303, 'the form as well');
	like($a->body, qr/cookie/, 'to a person');
	like($d->log_text, qr/cookie_too_large/, 'and to the log');
	reload($d, auth => { deliver => 'body' });
	my $token = json_sign_in($c, 'many')->json->{access_token};
	cmp_ok(length $token, '>', 4096, 'a body is large enough');
	is(answer($token), 200, 'and the token good');
	reload($d, auth => { deliver => 'both' });
};

$n->stop;
$d->stop_ok;

# ---- several services ------------------------------------------------------

sub daemon {
	my (%conf) = @_;
	return FCGIAuth::Daemon->new(conf => { auth => { %both }, %conf });
}

subtest 'one secret for two' => sub {
	spit("$dir/secret", pack 'H*', '00' . 'a7' x 30 . '0a');
	chmod 0600, "$dir/secret";
	my %shared = (keys => undef, secret_file => "$dir/secret");
	my $one = daemon(jwt => jwt_conf(%shared));
	$one->add_user('alice')->start;
	my $two = daemon(jwt => jwt_conf(%shared))->start;
	my $other = daemon(jwt => jwt_conf(%shared,
		audience => 'another'))->start;
	my $token = token($one, 'alice');

	is(status($_, $token), 204, 'one login, two services') for $one, $two;
	is(status($other, $token), 401, 'not where another audience is');
	is(status($one, sign('HS256', slurp("$dir/secret"),
		(parts($token))[0, 1])), 204, 'the secret is raw bytes');

	spit("$dir/secret", 'z' x 32);
	is(status($one, $token), 204, 'a new secret waits for the reload');
	reload($one);
	is(status($one, $token), 401, 'then the old token is over');
	is(status($two, $token), 204, 'not elsewhere');
	reload($two);
	my $new = token($two, 'alice');
	is($new, undef, 'alice is not known there');
	$new = token($one, 'alice');
	is(status($two, $new), 204, 'one login again');

	spit("$dir/secret", 'short');
	my $before = length $one->log_text;
	$one->reload;
	ok(wait_for(10, sub { substr($one->log_text, $before) =~
		/reload|secret/ }), 'a bad secret is said');
	is(status($one, $new), 204, 'and the old one kept');
	chmod 0644, "$dir/secret";
	spit("$dir/secret", 'y' x 32);
	$before = length $one->log_text;
	$one->reload;
	ok(wait_for(10, sub { substr($one->log_text, $before) =~
		/secret/ }), 'one that all can read as well');
	is(status($one, $new), 204, 'kept');
	unlike($one->log_text, qr/short|yyyy|zzzz/, 'none is in the log');
	$_->stop_ok for $one, $two, $other;
};

subtest 'nothing is stored' => sub {
	my $e = FCGIAuth::Daemon->new(
	    store => 'sqlite', conf => { auth => { %both },
		store => { path => "$dir/nosuch.db" }, jwt => jwt_conf() });
	$e->add_user('alice')->start;
	my $token = token($e, 'alice');
	my $a = $e->ask(REQUEST_METHOD => 'POST', REQUEST_URI =>
	    '/auth/logout', HTTP_AUTHORIZATION => "Bearer $token");

	is($a->{status}, 204, 'logged out');
	is(status($e, $token), 204,
	    'a copy of the token works until its end, as the manual says');
	ok(!-e "$dir/nosuch.db", 'no store was made');
	is($e->ask(REQUEST_URI => '/auth/ready')->{status}, 200,
	    'nor is one missing');
	$e->stop_ok;
};

subtest 'the end' => sub {
	my $e = daemon(jwt => jwt_conf(ttl => '2s', leeway => '0s',
		keys => "$dir/keys-end"));
	$e->add_user('alice')->start;
	my $token = token($e, 'alice');
	my (undef, $p) = parts($token);

	is($p->{exp} - $p->{iat}, 2, 'a token of two seconds');
	is(status($e, $token), 204, 'is one');
	ok(wait_for(5, sub { status($e, $token) == 401 }), 'ends by itself');
	is($e->ask(AUTH_ACTION => 'challenge', HTTP_ACCEPT => 'text/html',
		HTTP_SEC_FETCH_MODE => 'navigate',
		HTTP_COOKIE => "fcgiauth_access=$token")->{status}, 302,
	    'and a browser is signed out');
	is($e->ask(REQUEST_URI => '/auth/login', HTTP_ACCEPT => 'text/html',
		HTTP_SEC_FETCH_MODE => 'navigate',
		HTTP_COOKIE => "fcgiauth_access=$token")->{status}, 200,
	    'and sees the form');
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

	is($said[0], 0, 'key generate') or diag("@said");
	reload($e);
	is($shown->(), 2, 'both are shown');
	is((parts(token($e, 'alice')))[0]{kid}, (parts($old))[0]{kid},
	    'the old one signs');
	@said = $e->ctl('key', 'rotate', '--now');
	is($said[0], 0, 'key rotate') or diag("@said");
	reload($e);
	my $new = token($e, 'alice');
	isnt((parts($new))[0]{kid}, (parts($old))[0]{kid}, 'a new one signs');
	is(status($e, $_), 204, 'both are believed') for $old, $new;
	my ($h, $p) = parts($new);
	is(status($e, sign('ES256', signer_file($keys), without($h, 'kid'),
		$p)), 401, 'without kid nobody knows which');
	my ($kid) = (parts($old))[0]{kid};
	@said = $e->ctl('key', 'retire', $kid, '--now');
	is($said[0], 0, 'key retire') or diag("@said");
	reload($e);
	is(status($e, $old), 401, 'the old one is over');
	is(status($e, $new), 204, 'the new one is not');
	is($shown->(), 1, 'one is left to show');

	# All or nothing.
	spit("$keys/rubbish.pem", 'x');
	my $before = length $e->log_text;
	$e->reload;
	ok(wait_for(10, sub { substr($e->log_text, $before) =~ /rubbish/ }),
	    'a bad file is said');
	is(status($e, $new), 204, 'and the keys kept');
	$e->stop_ok;
};

subtest 'bad keys at the start' => sub {
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
		'no file' => sub {
			return (secret_file => "$_[0]/nosuch") },
		'a folder for all' => sub {
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
		isnt($code, 0, $what);
		like("$out$errors", qr/jwt|secret|keys/, "$what: says why")
		    if $code;
		my $pid = spawn('check', "$at/log", bin('fcgiauthd'), '-c',
		    $e->{file}, '--check');
		isnt(reap($pid, 20), 0, "$what: --check");
	}
};

# Who may look at all of it is not who serves.
subtest '--check by root' => sub {
	plan(skip_all => 'only root becomes somebody else') unless is_root();
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

			is($code, $want, "$mode: $what");
			like($errors, $why, '  says why');
		};
		my $all_are_theirs = sub {
			my @files = ("$at/keys", glob "$at/* $at/keys/{*,.[!.]*}");
			is(join(' ', grep { (stat $_)[4] != $nobody[0] }
			    @files), '', '  all files are theirs');
		};

		chmod 0711, $top;
		mkdir $at, 0700;
		chown @nobody, $at;
		$check->('nothing is there', 0, qr/^$/);
		is(join(' ', glob "$at/{*,.[!.]*}"), '', '  nothing is made');
		is((capture(bin('fcgiauthd'), '-c', $e->{file},
			'--dump-config'))[0], 0, "$mode: --dump-config");
		ok(!-e "$at/keys", '  makes nothing either');
		chmod 0500, $at;
		$check->('a folder that is not to be changed', 1,
		    qr/\[jwt\].*\Q$at\E.*Permission denied/);
		chmod 0700, $at;
		is(($e->ctl(qw(key generate)))[0], 0, '  a key');
		$e->add_user('alice');
		$check->('all is there', 0, qr/^$/);
		$all_are_theirs->();
		# as systemd does for a DynamicUser
		mkdir "$top/private", 0700;
		rename $at, "$top/private/data";
		symlink 'private/data', $at;
		$check->('all is behind a folder of root', 0, qr/^$/);
		rename "$at/keys", "$at/away";
		$check->('and the keys are missing', 0, qr/^$/);
		ok(!-e "$at/keys", '  and still are');
		rename "$at/away", "$at/keys";
		$all_are_theirs->();
		my ($key) = glob "$at/keys/*";
		chmod 0644, $key;
		$check->('a key for all', 1, qr/\[jwt\].*chmod 600/);
		chmod 0600, $key;
		chmod 0755, "$at/keys";
		$check->('a folder for all', 1, qr/\[jwt\].*chmod 700/);
		chmod 0700, "$at/keys";
		chown $stranger, $stranger, $key;
		$check->('a key of another', 1,
		    qr/\[jwt\].*(?:Permission denied|uid $stranger)/);
		chown @nobody, $key;
		mkdir "$top/other", 0700;
		$e->configure(jwt => { keys => "$top/other/keys" });
		$check->('two owners', 1, qr/different owners/);

		spit("$at/secret", 'x' x 64);
		chmod 0600, "$at/secret";
		chown @nobody, "$at/secret";
		$e->configure(jwt => { secret_file => "$at/secret" });
		$check->('a secret of theirs', 0, qr/^$/);
		chown $stranger, $stranger, "$at/secret";
		$check->('a secret of another', 1, qr/\[jwt\]/);
		$all_are_theirs->() if chown @nobody, "$at/secret";
	}
};

done_testing;
