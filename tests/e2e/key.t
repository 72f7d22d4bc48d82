# SPDX-License-Identifier: MIT
# Keys: made, imported, rotated, retired; by two at once; under a daemon that
# goes on checking tokens; and what ends in mode jwt.
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

# Runs it and expects that end; (standard output, standard error).
sub ctl_is {
	my ($d, $want, $pattern, @args) = @_;
	my ($code, $out, $errors) = $d->ctl(@args);

	is($code, $want, "@args");
	like("$out$errors", $pattern, '  says so');
	return ($out, $errors);
}

sub keys_of {
	my ($d) = @_;
	my ($code, $out, $errors) = $d->ctl('key', 'list', '--json');

	die "key list: $errors" if $code != 0;
	return @{ JSON::PP->new->utf8->decode($out)->{keys} };
}

# "active ES256", sorted.
sub states_of {
	my ($d) = @_;
	return join ', ', sort map { "$_->{state} $_->{alg}" } keys_of($d);
}

sub kid_of {
	my ($d, $state) = @_;
	my ($key) = grep { $_->{state} eq $state } keys_of($d);
	return $key && $key->{kid};
}

# Makes a key of that state so many seconds older.
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

subtest 'generate, rotate, retire' => sub {
	my $d = site();
	my ($out, $errors) = ctl_is($d, 0, qr/\AKID/, qw(key list));

	is($out =~ tr/\n//, 1, 'a missing directory: nothing but the heads');
	ok(!-e "$d->{dir}/keys", '  and it is not made');
	ctl_is($d, 1, qr/no key yet.*key generate/, qw(key rotate));
	($out, $errors) = ctl_is($d, 0, qr/^$KID: ES256, active; .*SIGHUP/,
	    qw(key generate));
	my $first = kid_of($d, 'active');
	like($errors, qr/audit key_generated kid=\Q$first\E alg=ES256 state=/,
	    '  audited');
	is(sprintf('%o', (stat "$d->{dir}/keys")[2] & 07777), '700',
	    '  a folder of its own');
	is(sprintf('%o', (stat glob "$d->{dir}/keys/*.pem")[2] & 07777),
	    '600', '  and a file');
	ctl_is($d, 1, qr/\Q$first\E is the key that signs.*key rotate/,
	    qw(key retire --), $first);
	ctl_is($d, 1, qr/no such key: x/, qw(key retire x));

	ctl_is($d, 1, qr/not an algorithm: none; known are: HS256/,
	    qw(key generate --alg none));
	ctl_is($d, 0, qr/: PS256, pending/, qw(key generate --alg PS256));
	is(states_of($d), 'active ES256, pending PS256', 'two keys');
	my $second = kid_of($d, 'pending');
	($out, $errors) = ctl_is($d, 0, qr/^\Q$second\E: PS256, active/m,
	    qw(key rotate));
	like($errors, qr/key_rotated kid=\Q$first\E alg=ES256 state=retiring/,
	    '  audited');
	like($errors, qr/warning: .* may not know it for another 3(?:600|5\d\d)/,
	    '  with a warning that it is early');
	is(states_of($d), 'active PS256, retiring ES256', '  rotated');

	ctl_is($d, 1, qr/\Q$first\E: .* for another 42(?:30|[012]\d) s; .*--now/,
	    qw(key retire --), $first);
	is(states_of($d), 'active PS256, retiring ES256',
	    '  and tokens of it go on');
	age($d, 'retiring', 4130);
	ctl_is($d, 1, qr/for another (?:100|\d\d) s;/, qw(key retire --),
	    $first);
	age($d, 'retiring', 100);
	ctl_is($d, 0, qr/removed/, qw(key retire --), $first);
	is(states_of($d), 'active PS256', '  when it is over it goes');
	ctl_is($d, 1, qr/no such key/, qw(key retire --), $first);

	($out, $errors) = ctl_is($d, 0, qr/: ES256, active/, qw(key rotate));
	like($errors, qr/warning: nobody has seen this key.*3600/,
	    'no pending key: a new one at once, with a warning');
	is(states_of($d), 'active ES256, retiring PS256', '  rotated');
	($out, $errors) = ctl_is($d, 0, qr/removed/,
	    qw(key retire --now --), $second);
	is(states_of($d), 'active ES256', '  a stolen one goes at once');
	ctl_is($d, 0, qr/pending/, qw(key generate --alg EdDSA));
	ctl_is($d, 0, qr/: EdDSA, active/, qw(key rotate --now));
	ctl_is($d, 0, qr/pending/, qw(key generate));
	ctl_is($d, 0, qr/removed/, qw(key retire --), kid_of($d, 'pending'));
	is(states_of($d), 'active EdDSA, retiring ES256', 'all states left');
	my @left = glob "$d->{dir}/keys/*";
	is(@left, 2, '  and no other files');
};

subtest 'a mode without keys' => sub {
	my $d = FCGIAuth::Daemon->new(store => 'sqlite');
	my $none = qr/\A\S+ \[auth\] mode = session: there are no keys/;

	openssl("genpkey -algorithm ED25519 -out $d->{dir}/ed.pem");
	# The folder of the keys is there, or is not.
	for my $keys ("$d->{dir}/none/keys", "$d->{dir}/keys") {
		$d->configure(jwt => { keys => $keys });
		ctl_is($d, 1, $none, @$_) for [qw(key list)],
		    [qw(key list --json)], [qw(key generate)],
		    [qw(key rotate)], [qw(key retire x)],
		    ['key', 'import', "$d->{dir}/ed.pem"],
		    [qw(token inspect x)], [qw(token issue --user alice)];
		ok(!-e $keys, 'nothing was made');
	}
};

subtest 'the oldest pending key first' => sub {
	my $d = site();

	$d->ctl(qw(key generate));
	$d->ctl(qw(key generate --alg ES384));
	age($d, 'pending', 9000);
	$d->ctl(qw(key generate --alg ES512));
	ctl_is($d, 0, qr/ES384, active/, qw(key rotate));
	is(states_of($d), 'active ES384, pending ES512, retiring ES256',
	    'the other one waits');
};

subtest 'HS' => sub {
	my $d = site(algorithm => 'HS512');

	ctl_is($d, 0, qr/HS512, active/, qw(key generate));
	my ($file) = glob "$d->{dir}/keys/*";
	is(-s $file, 64, 'a secret of the size of its hash');
	ctl_is($d, 0, qr/HS256, pending/, qw(key generate --alg HS256));
	my ($out, $errors) = ctl_is($d, 0, qr/HS256, active/,
	    qw(key rotate));
	unlike($errors, qr/warning/, 'what is not published needs no hour');
	($out, $errors) = ctl_is($d, 0, qr/HS512, active/, qw(key rotate));
	unlike($errors, qr/warning/, 'nor a warning');
	my ($code, $all, $complaints) = $d->ctl(qw(key list --json));
	for my $secret (glob "$d->{dir}/keys/*") {
		my $bytes = slurp($secret);
		is(index("$all$complaints", substr($bytes, 0, 16)), -1,
		    'secrets are not shown');
	}
};

subtest 'a shared secret' => sub {
	my $dir = tempdir();
	spit("$dir/secret", 'k' x 48);
	chmod 0600, "$dir/secret";
	my $d = site(algorithm => 'HS256', secret_file => "$dir/secret");
	my ($out, $errors) = ctl_is($d, 0, qr/HS256  active/, qw(key list));

	like($errors, qr/one shared secret.*nothing to rotate/, '  says so');
	unlike("$out$errors", qr/kkkk/, '  does not show it');
	my ($key) = keys_of($d);
	is($key->{since}, undef, 'nobody knows since when');
	for my $args ([qw(generate)], [qw(rotate)],
	    [qw(import --alg HS256), "$dir/secret"],
	    [qw(retire --), $key->{kid}]) {
		ctl_is($d, 1, qr/secret_file = \Q$dir\E.*that file/, 'key',
		    @$args);
	}
	ok(!-e "$d->{dir}/keys", 'no directory was made');
	spit("$dir/secret", 'short');
	ctl_is($d, 1, qr/secret/, qw(key list));
};

subtest 'import' => sub {
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
	chmod 0600, glob "$dir/*";

	ctl_is($d, 1, qr/public key cannot be the first/, qw(key import),
	    "$dir/ec.pub");
	ok(!-e "$d->{dir}/keys", 'nothing was made');
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
	    'pending HS256, retiring ES256', 'all of them');
	my ($public) = grep { !$_->{private} } keys_of($d);
	is($public->{state}, 'retiring', 'the public one only checks');

	for my $row ([ 'small.pem', qr/bits/ ], [ 'locked.pem', qr/./ ],
	    [ 'raw', qr/neither PEM nor JWK/ ], [ 'none', qr/No such file/ ],
	    [ '.', qr/./ ]) {
		ctl_is($d, 1, $row->[1], qw(key import), "$dir/$row->[0]");
	}
	ctl_is($d, 1, qr/./, qw(key import --alg HS256), "$dir/rsa.pub");
	ctl_is($d, 1, qr/./, qw(key import --alg ES256), "$dir/ed.pem");
	is(scalar(keys_of($d)), 5, 'and no more');
	chmod 0644, "$dir/ed.pem";
	(undef, $errors) = $d->ctl(qw(key retire --),
	    (map { $_->{kid} } grep { $_->{alg} eq 'EdDSA' } keys_of($d)));
	ctl_is($d, 0, qr/warning: .*every user/, qw(key import),
	    "$dir/ed.pem");
};

subtest 'permissions' => sub {
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

subtest 'root' => sub {
	plan skip_all => 'only root becomes somebody else' unless is_root();
	my ($nobody, $group) = (65534, 65534);
	my $dir = tempdir();
	mkdir "$dir/data";
	chown $nobody, $group, "$dir", "$dir/data";
	my $other = site(keys => "$dir/data/keys");
	ctl_is($other, 0, qr/active/, qw(key generate));
	for my $path ("$dir/data/keys", glob "$dir/data/keys/*.pem") {
		is(join(' ', (stat $path)[4, 5]), "$nobody $group",
		    'belongs to the owner of the folder');
	}
	ctl_is($other, 0, qr/ES384, pending/, qw(key generate --alg ES384));
	my @owners = map { (stat $_)[4] } glob "$dir/data/keys/*";
	is("@owners", "$nobody $nobody", 'and so does the next');
	chown 0, 0, "$dir/data/keys";
	chown $nobody, $group, glob "$dir/data/keys/*";
	ctl_is($other, 1, qr/belongs to uid 0/, qw(key list));
};

# Starts the commands together; their statuses.
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

subtest 'at once' => sub {
	for my $round (1 .. 4) {
		my $d = site();
		my @said = at_once($d, map { [qw(key generate)] } 1 .. 3);
		is(scalar(grep { /^0 / } @said), 3, "round $round: three keys")
		    or diag "@said";
		is(states_of($d), 'active ES256, pending ES256, ' .
		    'pending ES256', '  and one of them signs');

		@said = at_once($d, map { [qw(key rotate --now)] } 1 .. 3);
		my @keys = keys_of($d);
		is(scalar(grep { $_->{state} eq 'active' } @keys), 1,
		    '  rotated: one active key') or diag "@said";
		ok(!grep({ !/^0 / && !/^1 .*another process/ } @said),
		    '  who lost is told') or diag "@said";
		ok(scalar(grep { /^0 / } @said) >= 1, '  somebody won');

		my $empty = site();
		$empty->ctl(qw(key generate));
		@said = at_once($empty, map { [qw(key rotate)] } 1 .. 3);
		@keys = keys_of($empty);
		my $won = grep { /^0 / } @said;
		is(scalar(grep { $_->{state} eq 'active' } @keys), 1,
		    '  rotated to new keys: one active key') or diag "@said";
		is(scalar(grep { $_->{state} eq 'retiring' } @keys), $won,
		    '  each that won retired one') or diag "@said";
		is(scalar(@keys), $won + 1, '  who lost left nothing')
		    or diag "@said";

		my $kid = kid_of($empty, 'retiring');
		@said = at_once($empty, map {
			[qw(key retire --now --), $kid] } 1 .. 3);
		is(scalar(grep { /^0 / } @said), 1, '  one removes it');
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

sub signs_with {
	my ($token) = @_;
	my ($header) = split /\./, $token;
	require MIME::Base64;
	return JSON::PP->new->decode(MIME::Base64::decode_base64url($header))
	    ->{kid};
}

subtest 'a running daemon' => sub {
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
		is($code, 0, "round $round: a change");
		is(status_of($d, $tokens[-1]), 204, '  nobody has to know');
		my $active = kid_of($d, 'active');
		$d->reload;
		ok(wait_for(10, sub {
			push @tokens, log_in($d);
			signs_with($tokens[-1]) eq $active;
		}), '  after SIGHUP the active key signs');
		my @bad = grep { status_of($d, $_) != 204 } @tokens;
		is(scalar(@bad), 0, '  and all tokens so far are good');
	}
	like($reader->(), qr/^\d\d+ checks, bad: $/,
	    'no check in between was refused');

	my $jwks = JSON::PP->new->decode($d->ask(
	    REQUEST_URI => '/auth/jwks.json')->{body});
	is_deeply([ sort map { $_->{kid} } @{ $jwks->{keys} } ],
	    [ sort map { $_->{kid} } keys_of($d) ], 'all are published');
	is(scalar(grep { exists $_->{d} } @{ $jwks->{keys} }), 0,
	    '  without their private parts');

	my $old = signs_with($tokens[0]);
	$d->ctl(qw(key retire --now --), $old);
	is(status_of($d, $tokens[0]), 204, 'a removed key works on');
	$d->reload;
	ok(wait_for(10, sub { status_of($d, $tokens[0]) == 401 }),
	    '  until SIGHUP');
	is(status_of($d, $tokens[-1]), 204, '  others go on');

	# All or nothing: a directory that is not in order changes nothing.
	spit("$d->{dir}/keys/notes", 'x');
	$d->ctl(qw(key rotate --now));
	$d->reload;
	ok(wait_for(10, sub { $d->log_text =~ /notes/ }), 'a bad directory');
	is(status_of($d, $tokens[-1]), 204, '  leaves the keys as they were');
	unlink "$d->{dir}/keys/notes";
	$d->stop_ok;
};

subtest 'a daemon and key generate make the first key' => sub {
	my $d = site();

	$d->add_user('alice');
	my ($said) = at_once($d, [qw(key generate)]);
	$d->start;
	is(scalar(grep { $_->{state} eq 'active' } keys_of($d)), 1,
	    'one active key');
	is(status_of($d, log_in($d)), 204, 'that works');
	$d->stop_ok;
};

subtest 'mode jwt, revocation = store' => sub {
	my $d = site(revocation => 'store');

	$d->add_user('alice');
	$d->start;
	my $token = log_in($d);
	my (undef, $issued) = $d->ctl(qw(token issue --user alice));
	chomp $issued;
	is(status_of($d, $_), 204, 'a token') for $token, $issued;

	ctl_is($d, 1, qr/mode = jwt.*nothing to list/, qw(session list));
	my (undef, $json) = $d->ctl(qw(token inspect --json), $issued);
	my $sid = JSON::PP->new->decode($json)->{claims}{sid};
	my (undef, $errors) = ctl_is($d, 0, qr/refused from now on/,
	    qw(session revoke), $sid);
	like($errors, qr/audit session_revoked session=$sid/, '  audited');
	is(status_of($d, $issued), 401, '  that one is refused');
	is(status_of($d, $token), 204, '  no other');
	ctl_is($d, 1, qr/not a session id/, qw(session revoke zz));

	(undef, $errors) = ctl_is($d, 0, qr/refused from now on/,
	    qw(session revoke --user alice));
	like($errors, qr/audit sessions_revoked user=alice by/, '  audited');
	is(status_of($d, $token), 401, '  all of the user are refused');
	ok(wait_for(5, sub { status_of($d, log_in($d)) == 204 }),
	    '  and the next login works');
	$token = log_in($d);
	ctl_is($d, 0, qr/\(all\): tokens issued so far are refused/,
	    qw(session revoke --all));
	is(status_of($d, $token), 401, '  everybody\'s end');
	ok(wait_for(5, sub { status_of($d, log_in($d)) == 204 }),
	    '  and logins go on');

	my ($warned) = (ctl_is($d, 0, qr/changed/,
	    qw(user set alice --role x)))[1];
	like($warned, qr/warning: .*tokens of alice.*630 s/,
	    'user set warns that tokens do not follow');
	for my $do ([qw(user passwd alice --password-stdin)],
	    [qw(user disable alice)], [qw(user delete alice)]) {
		$d->ctl(qw(user enable alice));
		(undef, $token) = $d->ctl(qw(token issue --user alice));
		chomp $token;
		is(status_of($d, $token), 204, "before @$do");
		my ($code, $out, $complaint) = $d->ctl(
		    \"another long password\n", @$do);
		is($code, 0, "@$do") or diag $complaint;
		like($out, qr/tokens issued so far are refused/, '  says so');
		unlike($complaint, qr/warning/, '  without a warning');
		is(status_of($d, $token), 401, '  and they are');
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
		is($code, 0, "@$do") or diag $complaint;
		like($complaint, qr/warning: .*tokens of alice work.* 300 s/,
		    '  warns');
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
	ok(defined log_in($d), 'a login');
	ctl_is($d, 0, qr/ alice /, qw(session list));
	ctl_is($d, 0, qr/disabled; sessions ended: 1/, qw(user disable alice));
	$d->stop_ok;
};

done_testing();
