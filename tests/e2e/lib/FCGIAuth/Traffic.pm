# SPDX-License-Identifier: MIT
# Processes that sign in, check and end sessions at several daemons with one
# store, at random, and write what they do to a history (FCGIAuth::History).
package FCGIAuth::Traffic;

use strict;
use warnings;

use FCGIAuth::Daemon;
use FCGIAuth::Direct;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::History qw(now);
use FCGIAuth::Test;
use FCGIAuth::Token qw(parts sign signer_file unb64);
use JSON::PP qw(decode_json);
use Time::HiRes qw(sleep);

my $LIVES = 2;	# seconds of a session with "Stay signed in"
my $MOST = 8;	# live sessions of a user
my $USERS = 2;	# of one process

# mode: session, jwt or refresh. daemons: a list. store: for the ends by hand
# (FCGIAuth::Disturbances).
sub new {
	my ($class, %arg) = @_;
	return bless { %arg, history => FCGIAuth::History->new,
		dir => tempdir() }, $class;
}

# Returns the sections of the configuration that the traffic expects.
sub conf {
	my ($mode, $dir) = @_;
	my %jwt = (keys => "$dir/keys", audience => 'x', issuer =>
	    'https://auth.example.com', revocation => 'store', ttl => '1h');

	return (auth => { mode => $mode, deliver => 'both' },
	    $mode eq 'session' ? (session => { remember => "${LIVES}s" }) :
	    (jwt => \%jwt), $mode eq 'refresh' ?
	    (refresh => { grace => 0 }) : ());
}

sub history { my ($self) = @_; return $self->{history} }

# The number of a daemon names it in the history.
sub at { my ($self, $i) = @_; return $self->{daemons}[$i] }
sub any { my ($self) = @_; return int rand @{ $self->{daemons} } }

# Returns a name for use in each process: each has users of its own.
sub users {
	my ($k) = @_;
	return map { "u${k}x$_" } 1 .. $USERS;
}

# Starts the operators and checkers.
sub start {
	my ($self, %arg) = @_;
	my @running;

	spit("$self->{dir}/known", '');
	$self->at(-1)->add_user($_, roles => ['v0'])
	    for 'sample', map { users($_) } 1 .. $arg{operators};
	$self->unknown_token;
	for my $k (1 .. $arg{operators}) {
		push @running, child_code(sub {
			srand($arg{seed} * 100 + $k);
			$self->operate($k);
		});
	}
	for my $k (1 .. $arg{checkers}) {
		push @running, child_code(sub {
			srand($arg{seed} * 100 + 50 + $k);
			$self->check_on;
		});
	}
	$self->{running} = \@running;
	return;
}

sub must_stop { my ($self) = @_; return -e "$self->{dir}/stop" }

# Ends the processes. Returns what they died of.
sub stop {
	my ($self) = @_;

	spit("$self->{dir}/stop", '');
	return grep { $_ ne 'done' } map { $_->() // 'killed' }
	    @{ $self->{running} };
}

# Returns how many credentials the checkers know.
sub known {
	my ($self) = @_;
	return scalar(() = slurp("$self->{dir}/known") =~ /\n/g);
}

# The checker.

# Adds the sessions that became known since the last call.
sub learn {
	my ($self, $known) = @_;

	$self->{reader} //= do {
		open my $fh, '<', "$self->{dir}/known" or die "known: $!";
		$fh;
	};
	seek $self->{reader}, 0, 1;	# the file may have grown
	while (defined(my $line = readline $self->{reader})) {
		$self->{partial} .= $line;
		next if $line !~ /\n$/;
		push @$known, [ split ' ', $self->{partial} ];
		$self->{partial} = '';
	}
	return;
}

# Checks random sessions at random daemons, the latest ones more often.
sub check_on {
	my ($self) = @_;
	my @known;

	until ($self->must_stop) {
		$self->learn(\@known);
		my $recent = rand() < 0.7 ? 10 : 40;
		$recent = @known if $recent > @known;
		if ($recent == 0) {
			sleep 0.02;
			next;
		}
		$self->check($self->any, @{ $known[-1 - int rand $recent] });
		sleep 0.001;	# for the other processes
	}
	return 'done';
}

sub check {
	my ($self, $i, $session, $token) = @_;
	my $begin = now();
	my $a = $self->at($i)->check(HTTP_AUTHORIZATION => "Bearer $token");
	my $end = now();
	my ($role) = $a ? header_values($a, 'Remote-Groups') : ();

	$self->{history}->add('check', $session, $i, $begin, $end,
	    ($a || {})->{status} // 0, ($role // '') =~ /^v(\d+)$/ ? $1 : 0);
	return;
}

# Waits until the named daemons reach the store on all connections: they answer
# checks of credentials that they cannot have in memory, several at once.
sub settle {
	my ($self, @which) = @_;

	for my $i (@which) {
		my $good = 0;
		wait_for(30, sub {
			$good = $self->reaches_store($i) ? $good + 1 : 0;
			return $good == 3;
		}) or die "daemon $i does not reach the store\n";
	}
	return;
}

sub reaches_store {
	my ($self, $i) = @_;
	my @answers = $self->at($i)->ask_at_once(map { +{
		AUTH_ACTION => 'verify', HTTP_AUTHORIZATION =>
		'Bearer ' . $self->unknown_token } } 1 .. 16);

	return !grep { (($_ // {})->{status} // 0) !~ /^(204|401)$/ } @answers;
}

sub hex_id { return join '', map { sprintf '%02x', int rand 256 } 1 .. 16 }

# Returns a token for which the store must be asked.
sub unknown_token {
	my ($self) = @_;

	return FCGIAuth::Token::b64(pack 'C*', map { int rand 256 } 1 .. 48)
	    if $self->{mode} eq 'session';
	my $sample = $self->{sample} //= do {
		my $s = $self->begin_session($self->any, 'sample');
		$s->{token};
	};
	my ($header, $claims) = parts($sample);
	return sign('HS256', slurp(signer_file("$self->{keys}/keys")), $header,
	    { %$claims, jti => hex_id(), sid => hex_id() });
}

# The operator.

# Signs in. Returns { id, token, refresh, sid }, or nothing.
sub begin_session {
	my ($self, $i, $user, %arg) = @_;
	my $a = login($self->at($i), $user, $arg{password} //
	    $FCGIAuth::Daemon::PASSWORD, body => JSON::PP::encode_json({
		username => $user, password => $arg{password} //
		$FCGIAuth::Daemon::PASSWORD,
		$arg{remember} ? (remember => JSON::PP::true()) : () }));
	return unless $a && ($a->{status} // 0) == 200;
	my $j = decode_json($a->{body});
	my %s = (token => $j->{access_token}, refresh => $j->{refresh_token});

	$s{sid} = $self->{mode} eq 'session' ?
	    unpack 'H32', unb64($s{token}) : (parts($s{token}))[1]{sid};
	return \%s;
}

# Tells the checkers a credential of a session.
sub make_known {
	my ($self, $s) = @_;

	open my $fh, '>>', "$self->{dir}/known" or die "known: $!";
	syswrite $fh, "$s->{id} $s->{token}\n";
	return;
}

# Writes an end to the history: do returns true if the sessions have certainly
# ended.
sub end {
	my ($self, $scope, $i, $what, $do) = @_;
	my $begin = now();
	my $done = $do->() ? 1 : 0;

	$self->{history}->add('end', $scope, $i, $begin, now(), $done, $what);
	return $done;
}

sub ctl_ok {
	my ($self, @args) = @_;
	return ($self->at(-1)->ctl(@args))[0] == 0;
}

# Repeats what must succeed before the user can sign in again.
sub insist {
	my ($self, @args) = @_;

	for (1 .. 100) {
		return 1 if $self->ctl_ok(@args);
		sleep 0.2;
	}
	return 0;
}

sub op_login {
	my ($self, $o, $u) = @_;
	my $live = $u->{live};
	my $life = $self->{mode} eq 'session' && rand() < 0.3 ? $LIVES : 0;

	return $self->op_logout($o, $u) if @$live >= $MOST;
	my $begin = now();
	my $s = $self->begin_session($self->any, $u->{name}, remember => $life,
	    password => $u->{password}) or return;
	$s->{id} = "$o->{k}." . ++$o->{n};
	$self->{history}->add('login', $s->{id}, $u->{name}, $begin, now(),
	    $life);
	$self->make_known($s);
	push @$live, $s unless $life;
	return;
}

# Returns a random session of the user and removes it from the list.
sub take {
	my ($u) = @_;
	return splice @{ $u->{live} }, rand @{ $u->{live} }, 1;
}

sub op_logout {
	my ($self, $o, $u) = @_;
	my $s = take($u) or return;
	my $i = $self->any;

	$self->end("session:$s->{id}", $i, 'sign-out', sub {
		my $a = $self->at($i)->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/logout',
		    HTTP_AUTHORIZATION => "Bearer $s->{token}");
		return $a && ($a->{status} // 0) == 204;
	});
	# The daemon that has ended it may not answer from memory either.
	$self->check($i, $s->{id}, $s->{token});
	return;
}

sub op_revoke {
	my ($self, $o, $u) = @_;
	my $s = take($u) or return;

	$self->end("session:$s->{id}", '-', 'session revoke',
	    sub { $self->ctl_ok(qw(session revoke), $s->{sid}) });
	return;
}

sub op_by_hand {
	my ($self, $o, $u) = @_;
	return $self->op_revoke($o, $u) if $self->{mode} eq 'jwt';
	my $s = take($u) or return;

	$self->end("session:$s->{id}", '-', 'a deletion by hand',
	    sub { $self->{store}->delete_session($s->{sid}) });
	return;
}

sub op_revoke_user {
	my ($self, $o, $u) = @_;

	$self->end("user:$u->{name}", '-', 'session revoke --user',
	    sub { $self->ctl_ok(qw(session revoke --user), $u->{name}) });
	$u->{live} = [];
	return;
}

sub op_disable {
	my ($self, $o, $u) = @_;

	$self->end("user:$u->{name}", '-', 'user disable',
	    sub { $self->ctl_ok(qw(user disable), $u->{name}) });
	$u->{live} = [];
	$self->insist(qw(user enable), $u->{name});
	return;
}

sub op_passwd {
	my ($self, $o, $u) = @_;
	my $new = "another good password $o->{k} " . ++$o->{n};
	my @command = (\"$new\n", qw(user passwd), $u->{name},
	    '--password-stdin');

	$self->end("user:$u->{name}", '-', 'user passwd',
	    sub { $self->ctl_ok(@command) }) or $self->insist(@command);
	@$u{qw(live password)} = ([], $new);
	return;
}

sub op_role {
	my ($self, $o, $u) = @_;
	my $version = ++$u->{version};
	my $begin = now();
	my $done = $self->ctl_ok(qw(user set), $u->{name}, '--role',
	    "v$version");

	$self->{history}->add('role', $u->{name}, $version, $begin, now(),
	    $done ? 1 : 0);
	return;
}

# Presents a refresh token. Returns the status, and the answer.
sub ask_refresh {
	my ($self, $i, $token) = @_;
	my $a = $self->at($i)->ask(REQUEST_METHOD => 'POST',
	    REQUEST_URI => '/auth/refresh', CONTENT_TYPE =>
	    'application/x-www-form-urlencoded', body =>
	    "grant_type=refresh_token&refresh_token=$token");
	return $a ? ($a->{status} // 0, $a) : (0);
}

# A refreshed session is live, with another access token. If the answer is
# lost, it is unknown which refresh token is valid.
sub op_refresh {
	my ($self, $o, $u) = @_;
	return $self->op_login($o, $u) if $self->{mode} ne 'refresh';
	my $s = take($u) or return;
	my $old = $s->{refresh};
	my $i = $self->any;
	my $begin = now();
	my ($status, $a) = $self->ask_refresh($i, $old);

	# It must succeed when a check must.
	my %as_check = (200 => 204, 400 => 401);
	$self->{history}->add('check', $s->{id}, $i, $begin, now(),
	    $as_check{$status} // $status, '-');
	return if $status != 200;
	my $j = decode_json($a->{body});
	@$s{qw(token refresh)} = @$j{qw(access_token refresh_token)};
	$self->make_known($s);
	if (rand() < 0.7) {
		push @{ $u->{live} }, $s;
		return;
	}
	$i = $self->any;
	$self->end("session:$s->{id}", $i, 'a reused refresh token',
	    sub { ($self->ask_refresh($i, $old))[0] == 400 });
	return;
}

my @ops = ((\&op_login) x 12, (\&op_logout) x 4, (\&op_refresh) x 3,
    (\&op_by_hand) x 3, (\&op_revoke) x 2, \&op_revoke_user, \&op_disable,
    \&op_passwd, (\&op_role) x 2);

sub operate {
	my ($self, $k) = @_;
	my %o = (k => $k, n => 0);
	my @users = map { +{ name => $_, live => [], version => 0,
		password => $FCGIAuth::Daemon::PASSWORD } } users($k);

	until ($self->must_stop) {
		my $op = $ops[rand @ops];
		$self->$op(\%o, $users[rand @users]);
		# A token of the same millisecond as the revocation of all
		# tokens of the user is refused, too.
		sleep 0.01 + rand 0.04;
	}
	return 'done';
}

1;
