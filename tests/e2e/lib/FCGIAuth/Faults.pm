# SPDX-License-Identifier: MIT
# A site whose store a test can break. The promises tested here hold for every
# store and every fault, while it lasts and afterwards.
package FCGIAuth::Faults;

use strict;
use warnings;

use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(header_values);
use FCGIAuth::Nginx;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;
use Time::HiRes qw(sleep time);

# Returns the faults that every server, or the network before it, can have, in
# the form that during() takes.
sub usual {
	my ($server, $proxy) = @_;

	return (
		{ name => 'the server is stopped',
		    begin => sub { $server->stop },
		    end => sub { $server->start } },
		{ name => 'the server is killed',
		    begin => sub { $server->kill_hard },
		    end => sub { $server->start } },
		{ name => 'the server is suspended',
		    begin => sub { $server->freeze },
		    end => sub { $server->thaw } },
		{ name => 'the server is unreachable',
		    begin => sub { $proxy->tell('refuse') },
		    end => sub { $proxy->tell('pass') } },
		{ name => 'the server is silent',
		    begin => sub { $proxy->tell('hang') },
		    end => sub { $proxy->tell('pass') } },
		{ name => 'the server is too slow',
		    begin => sub { $proxy->tell('delay', 4) },
		    end => sub { $proxy->tell('pass') } },
	);
}

# mode: session or refresh. store: the keys of the section [store].
sub new {
	my ($class, %arg) = @_;
	my $keys = tempdir();
	my %conf = (auth => { mode => $arg{mode}, deliver => 'both' },
	    limits => { hash_slots => 2 });

	if ($arg{mode} eq 'refresh') {
		$conf{jwt} = { algorithm => 'ES256', keys => "$keys/keys" };
		$conf{refresh} = { grace => '60s' };
	}
	# FCGIAUTH_STORE does not apply here.
	$conf{store} = { path => undef, %{ $arg{store} } };
	$conf{users} = { driver => 'sqlite', conninfo => undef,
		path => "$keys/users.db" };
	my $d = FCGIAuth::Daemon->new(conf => \%conf);
	my ($code, $out, $errors) = $d->ctl('store', 'migrate');
	die "store migrate: $out$errors" if $code != 0;
	$d->add_user('alice')->start;

	my $n = FCGIAuth::Nginx->new(service => $d->address,
	    locations => [ { path => '/' } ]);
	$n->{http} = "upstream app { server unix:$n->{dir}/app.sock; }\n";
	$n->echo_app;
	$n->start;
	return bless { mode => $arg{mode}, d => $d, n => $n, keys => $keys,
		people => [], refresh => $arg{mode} eq 'refresh' }, $class;
}

sub mode { my ($self) = @_; return $self->{mode} }
sub daemon { my ($self) = @_; return $self->{d} }
sub stop_ok { my ($self) = @_; return $self->{d}->stop_ok }

# Tries to sign in with a new browser. Returns { client, token, refresh, status,
# answer }.
sub person {
	my ($self) = @_;
	my $client = $self->{n}->client(timeout => 30 * slow());
	my $a = json_sign_in($client, 'alice');
	my $j = $a->json || {};
	my $p = { client => $client, status => $a->status, answer => $a,
		token => $j->{access_token}, refresh => $j->{refresh_token} };

	push @{ $self->{people} }, $p if $p->{status} == 200;
	return $p;
}

sub logout {
	my ($self, $p) = @_;
	$p->{asked} = 1;
	my $a = $p->{client}->post_json('/auth/logout', {});

	$p->{gone} = 1 if $a->status == 204;
	return $a;
}

# Every sign-in and sign-out that was acknowledged must still be in effect.
sub nothing_is_lost {
	my ($self) = @_;

	is(join('; ', $self->lies), '', 'all ' . @{ $self->{people} } .
	    ' are signed in or out, as the answers told them');
	return;
}

sub lies {
	my ($self) = @_;
	my @wrong;

	for my $p (@{ $self->{people} }) {
		my $state;
		# A sign-out that got no answer may have happened or not.
		next if $p->{asked} && !$p->{gone};
		wait_for(10, sub { $state = $self->state_of($p);
			$state ne 'unknown' });
		push @wrong, "told otherwise, is $state"
		    if $state ne ($p->{gone} ? 'out' : 'in');
	}
	return @wrong;
}

# Presents the token in the body and not in the jar, so that an old token can be
# presented again.
sub refresh {
	my ($self, $p, $token) = @_;
	my $a = $self->{n}->client(timeout => 30 * slow())->request(
	    POST => '/auth/refresh',
	    headers => [ 'Content-Type' => 'application/x-www-form-urlencoded',
		$self->{refresh} ? () :
		    (Authorization => "Bearer $p->{token}") ],
	    body => $self->{refresh} ? FCGIAuth::Client::form(
		grant_type => 'refresh_token',
		refresh_token => $token // $p->{refresh}) : '');
	my $j = $a->json || {};

	@$p{qw(token refresh)} = @$j{qw(access_token refresh_token)}
	    if $self->{refresh} && $a->status == 200 && !defined $token;
	return $a;
}

# Returns the parameters of a request that asks the store about a signed-in
# person. In mode refresh this is a refresh, because the check of an access
# token does not ask the store.
sub question {
	my ($self, $p) = @_;
	return (AUTH_ACTION => 'verify',
	    HTTP_AUTHORIZATION => "Bearer $p->{token}")
	    unless $self->{refresh};
	return (REQUEST_METHOD => 'POST', REQUEST_URI => '/auth/refresh',
	    CONTENT_TYPE => 'application/x-www-form-urlencoded',
	    body => FCGIAuth::Client::form(grant_type => 'refresh_token',
		refresh_token => $p->{refresh}));
}

# Returns 'in', 'out' or 'unknown'.
sub state_of {
	my ($self, $p) = @_;
	if ($self->{refresh}) {
		my $status = $self->refresh($p)->status;
		return { 200 => 'in', 400 => 'out', 503 => 'unknown' }->{
		    $status } // "refresh: $status";
	}
	my $status = $self->{d}->ask($self->question($p),
	    timeout => 30)->{status} // 0;
	return { 204 => 'in', 401 => 'out', 503 => 'unknown' }->{$status} //
	    "check: $status";
}

# Converts a FastCGI answer to an answer of the HTTP client.
sub raw {
	my ($a) = @_;
	return FCGIAuth::Client::Answer->new($a->{status} // 0,
	    $a->{headers} // [], $a->{body} // '');
}

# Returns what is wrong with an answer that must be a 503 and change nothing.
sub not_unavailable {
	my ($a, $status) = @_;
	my @wrong;

	push @wrong, 'status ' . $a->status if $a->status != $status;
	push @wrong, 'Retry-After' if $status == 503 &&
	    ($a->header('retry-after') // '') !~ /^[1-9]\d*$/;
	push @wrong, 'a cookie' if $a->all('set-cookie');
	push @wrong, 'an identity' if $a->all('remote-user');
	push @wrong, 'the application' if $a->body =~ /THE APPLICATION/;
	return @wrong ? join(', ', @wrong) : ();
}

# Runs `begin`, tests all operations some times, runs `end`, and tests that
# everything works again.
#
#	name	what happens
#	begin	code that breaks the store
#	end	code that repairs it
#	serves	reads succeed, and acknowledged writes are done
#	rounds	how often all operations are tested
sub during {
	my ($self, $name, %arg) = @_;

	subtest "mode $self->{mode}, $name" => sub {
		my $people = $self->gather;

		$arg{begin}->();
		if ($arg{serves}) {
			$self->serves($people);
		} else {
			$self->endures($people, $arg{rounds} // 3);
		}
		$arg{end}->();
		$self->recovers($people);
	};
	return;
}

# Tests that an event disturbs no operation.
sub works {
	my ($self, $name, $begin, $end) = @_;

	subtest "mode $self->{mode}, $name" => sub {
		my $people = $self->gather;

		$begin->();
		$self->recovers($people);
		$end->();
	};
	return;
}

# Tests an event that ends every connection and that no client must notice. The
# event happens before each of some checks of a signed-in person, and before
# each of some sign-ins.
sub unnoticed {
	my ($self, $name, $questions, $logins, $end) = @_;

	subtest "mode $self->{mode}, $name" => sub {
		my $p = $self->person_soon;
		my (%state, %status);

		for (1 .. $questions) {
			$end->();
			$state{ $self->state_of($p) }++;
		}
		is_deeply(\%state, { in => $questions },
		    "$questions checks of a signed-in person succeed");
		for (1 .. $logins) {
			$end->();
			$status{ $self->person->{status} }++;
		}
		is_deeply(\%status, { 200 => $logins },
		    "$logins persons sign in");
	};
	return;
}

# Signs in the persons whose sessions the fault may affect.
sub gather {
	my ($self) = @_;
	my %p = map { $_ => $self->person } qw(stays left leaves turned turns);
	my @status = map { $_->{status} } values %p;

	is("@status", '200 200 200 200 200',
	    'five persons sign in before the fault');
	is($self->logout($p{left})->status, 204, 'one of them signs out');
	my $old = $p{turned}{refresh};
	is($self->refresh($p{turned})->status, 200, 'one of them refreshes');
	$p{turned}{old} = $old;
	return \%p;
}

sub endures {
	my ($self, $p, $rounds) = @_;
	my @wrong;
	my $d = $self->{d};
	my @health = (REQUEST_URI => '/auth/health', timeout => 30);
	my @question = $self->question($p->{stays});
	my %step = (
		question => sub { raw($d->ask(@question, timeout => 30)) },
		login => sub { $self->person->{answer} },
		logout => sub { $self->logout($p->{leaves}) },
		refresh => sub { $self->refresh($p->{turns}) },
	);

	for my $round (1 .. $rounds) {
		# The first four requests may occupy all workers.
		my ($health, @answers) =
		    $d->ask_at_once({ @health }, ({ @question }) x 4);
		push @wrong, 'no health'
		    if ($health->{status} // 0) != 200;
		push @wrong, map { "crowd: $_" }
		    map { not_unavailable(raw($_), 503) } @answers;
		for my $kind (sort keys %step) {
			my $a = $step{$kind}->();
			push @wrong, map { "$kind: $_" }
			    not_unavailable($a, 503);
			my $h = $d->ask(@health);
			push @wrong, "no health after $kind"
			    if ($h->{status} // 0) != 200;
		}
		my $page = $p->{stays}{client}->page('/x');
		# The check of an access token needs no store.
		push @wrong, map { "page: $_" }
		    not_unavailable($page, 500) unless $self->{refresh};
		sleep 0.1;
	}
	is(join('; ', @wrong), '',
	    'all answers are 503 and change nothing during the fault');
	return;
}

# Tests a fault that affects writes but not reads: what the answers say is true.
sub serves {
	my ($self, $p) = @_;
	my @wrong;

	for my $round (1 .. 3) {
		my $a = $self->person->{answer};
		push @wrong, map { "login: $_" } not_unavailable($a, 503)
		    if $a->status != 200;	# there may be space left
		my %seen;
		# A refused write may close the connection, so the next check
		# may have to connect again.
		wait_for(5, sub {
			my $q = raw($self->{d}->check(timeout => 30,
			    HTTP_AUTHORIZATION => "Bearer $p->{stays}{token}"));
			$seen{ $q->status }++;
			return $q->status == 204;
		}) or push @wrong, 'no check';
		push @wrong, map { "check: $_" } grep { $_ != 204 &&
			$_ != 503 } keys %seen;
	}
	my $a = $self->logout($p->{leaves});
	push @wrong, map { "logout: $_" } not_unavailable($a, 503)
	    if $a->status != 204;
	$a = $self->refresh($p->{turns});
	push @wrong, map { "refresh: $_" } not_unavailable($a, 503)
	    if $a->status != 200;
	is(join('; ', @wrong), '',
	    'reads succeed and writes are done or answered 503');
	return;
}

# Waits until the store works again, and tests that it works for all and that
# nothing acknowledged is lost.
sub recovers {
	my ($self, $p) = @_;
	my $began = time;
	my %seen;

	ok(wait_for(20, sub {
		my $state = $self->state_of($p->{stays});
		$seen{$state}++;
		return $state ne 'unknown';
	}), 'the store works again after the fault');
	note(sprintf 'after %.2f s', time - $began);
	is(join(' ', grep { !/^(?:in|unknown)$/ } keys %seen), '',
	    'no answer says that the person is signed out');
	my @question = $self->question($p->{stays});
	my $good = $self->{refresh} ? 200 : 204;
	my @status = map { $_->{status} // 0 }
	    $self->{d}->ask_at_once(({ @question }) x 16);
	is(scalar(grep { $_ == $good } @status), 16,
	    '16 simultaneous questions are answered')
	    or diag("@status");
	# The person takes the successor before the grace period ends.
	$self->refresh($p->{stays}) if $self->{refresh};

	is($self->{n}->client->page('/x')->status, 302,
	    'a visitor is redirected to the login page');
	is($p->{stays}{client}->page('/x')->status, 200,
	    'the person who was signed in passes the check');
	is($self->state_of($p->{left}), 'out',
	    'the person who had signed out stays signed out')
	    unless $self->{refresh};
	$self->refresh_recovers($p) if $self->{refresh};
	# An operation that was not acknowledged can be repeated.
	is($self->logout($p->{leaves})->status, 204,
	    'the person whose sign-out failed can sign out')
	    unless $p->{leaves}{gone};
	is($self->state_of($p->{leaves}), 'out', 'that person is signed out');
	is($self->refresh($p->{turns})->status, 200,
	    'the person whose refresh failed can refresh');
	is($self->person->{status}, 200, 'a person can sign in');
	return;
}

# The connection breaks in the middle of the n-th answer of the store while a
# person signs in, refreshes or signs out.
sub survives_cuts {
	my ($self, $proxy) = @_;

	subtest "mode $self->{mode}, an answer breaks off" => sub {
		$self->cut_while($proxy, 'login', sub { $self->person },
		    sub { $_[0]{status} == 200 ? 'in' : '' });
		$self->cut_while($proxy, 'refresh', sub {
			my ($p) = @_;
			return { answer => $self->refresh($p) };
		}, sub { 'in' });
		$self->cut_while($proxy, 'logout', sub {
			my ($p) = @_;
			return { answer => $self->logout($p) };
		}, sub { 'out' });
		$self->nothing_is_lost;
	};
	return;
}

sub cut_while {
	my ($self, $proxy, $kind, $do, $then) = @_;
	my ($cuts, $hurt, @wrong) = (0, 0);

	for my $n (1 .. 20) {
		my $p = $self->person_soon;
		$proxy->tell('cut', $n);
		my $did = $do->($p);
		my $cut = $proxy->tell('cuts');
		$proxy->tell('pass');
		my $status = $did->{answer}->status;
		last if !$cut && $n > 4;
		$cuts += $cut;
		if ($status >= 300) {
			$hurt++;
			push @wrong, not_unavailable($did->{answer}, 503);
			# The outcome is not known. Repeating the operation is
			# safe.
			wait_for(10, sub { $did = $do->($p);
				$did->{answer}->status < 300 })
			    or push @wrong, 'it does not succeed when repeated';
		}
		my $who = $kind eq 'login' ? $did : $p;
		my $expected = $then->($who);
		my $state;
		wait_for(10, sub { $state = $self->state_of($who);
			$state ne 'unknown' });
		push @wrong, "then $state" if $state ne $expected;
	}
	is(join('; ', @wrong), '',
	    "$kind: each answer is 503 or success, and is true");
	cmp_ok($cuts, '>', 0, "$kind: $cuts answers were cut");
	note("$hurt requests were answered 503");
	return;
}

# Returns a person who is signed in. The first attempts after a fault may get a
# 503.
sub person_soon {
	my ($self) = @_;
	my $p;
	wait_for(10, sub { ($p = $self->person)->{status} == 200 })
	    or die "nobody can sign in\n";
	return $p;
}

# Several processes sign in, ask, refresh and sign out while `run` runs. At the
# end every acknowledged operation must be in effect, unless `loses` says that
# the store may lose some.
sub traffic {
	my ($self, $name, %arg) = @_;

	subtest "mode $self->{mode}, $name" => sub {
		my $stop = "$self->{keys}/stop";
		my @children = map { my $rounds = "$stop.$_";
			child_code(sub { $self->busy($stop, $rounds,
				$arg{loses}) }) } 1 .. 4;

		all_go_round($stop);
		my $began = time;
		$arg{run}->();
		ok(wait_for(30, sub {
			my $p = $self->person;
			return $p->{status} == 200 &&
			    $self->state_of($p) eq 'in';
		}), 'a person can sign in after the event');
		note(sprintf 'after %.2f s', time - $began);
		all_go_round($stop);
		spit($stop, '');
		for my $child (@children) {
			my $said = $child->();
			like($said // 'nothing', qr/^good: /,
			    'a process got only true answers and 503');
			note($said // '');
		}
		unlink $stop, glob "$stop.*";
		$self->{people} = [] if $arg{loses};
	};
	return;
}

# Waits until each of the four processes has signed in two more persons. It then
# has also done each other operation.
sub all_go_round {
	my ($stop) = @_;
	my %before = map { $_ => -s $_ } glob "$stop.*";

	return wait_for(30, sub {
		return 4 == grep { -s $_ > 1 + ($before{$_} // 0) }
		    glob "$stop.*";
	});
}

# From now on the Redis server acknowledges no write that its replica does not
# have. Without this, Redis may lose writes that it acknowledged shortly before
# a failover.
sub settle {
	my ($redis) = @_;

	$redis->cli(qw(CLIENT PAUSE 60000 WRITE));
	my $all = $redis->info('master_repl_offset');
	wait_for(20, sub {
		my ($has) = ($redis->info('slave0') // '') =~
		    /state=online,offset=(\d+)/;
		return ($has // -1) >= $all;
	}) or die "the replica does not follow\n";
	return;
}

# Returns "good: ..." or a list of what was wrong.
sub busy {
	my ($self, $stop, $path, $loses) = @_;
	my (%count, @wrong);
	my $step = sub {
		my ($kind, $good, $code) = @_;
		my $a = $code->();

		# This 503 is due to the limit on password hashes and not to the
		# store.
		my $busy = ($a->json || {})->{error} // '';
		$count{ $a->status . ($busy eq 'busy' ? ' (busy)' : '') }++;
		return 1 if $a->status == $good;
		push @wrong, map { "$kind: $_" } not_unavailable($a, 503);
		sleep 0.01;
		return 0;
	};

	open my $rounds, '>>', $path or die "$path: $!";
	$self->{people} = [];
	my $me = $self->person_soon;
	while (!-e $stop && @wrong < 5) {
		$step->('ask', $self->{refresh} ? 200 : 204, sub { raw(
		    $self->{d}->ask($self->question($me), timeout => 30)) });
		$step->('refresh', 200, sub { $self->refresh($me) });
		my $p;
		$step->('login', 200, sub { ($p = $self->person)->{answer} })
		    or next;
		syswrite $rounds, 'x';
		# The sign-out is repeated until it is acknowledged.
		next if @{ $self->{people} } % 2;
		for (1 .. 1000) {
			last if -e $stop || $step->('logout', 204,
			    sub { $self->logout($p) });
		}
	}
	push @wrong, $self->lies unless $loses;
	return join '; ', @wrong if @wrong;
	return sprintf 'good: %s; %d people',
	    join(', ', map { "$count{$_} x $_" } sort keys %count),
	    scalar @{ $self->{people} };
}

sub refresh_recovers {
	my ($self, $p) = @_;
	my $turned = $p->{turned};
	my $again = $self->refresh($turned, $turned->{old});

	is($again->status, 200,
	    'the old token is accepted again within the grace period');
	is(($again->json || {})->{refresh_token}, $turned->{refresh},
	    'it gives the same successor');
	is($self->refresh($turned)->status, 200, 'the successor is accepted');
	is($self->refresh($p->{left})->status, 400,
	    'the person who had signed out stays signed out');
	return;
}

1;
