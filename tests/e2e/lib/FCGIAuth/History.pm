# SPDX-License-Identifier: MIT
# A history of sign-ins, checks and ends of sessions, and what it must not
# contain. All processes of a test write to it. A record is a line with these
# fields, separated by tabs; times are of the monotonic clock, in seconds:
#
#	login	SESSION USER BEGIN END LIFE
#		LIFE: the session ends by itself after this time; 0: it does not
#	check	SESSION DAEMON BEGIN END STATUS VERSION
#		STATUS is 0 if there was no answer. VERSION is that of the role;
#		-: the answer had none.
#	end	SCOPE DAEMON BEGIN END DONE WHAT
#		SCOPE: session:SESSION, user:USER or all. DAEMON ended them; -:
#		another program did. DONE is 0 if it is unknown whether they
#		ended. WHAT says by which means.
#	role	USER VERSION BEGIN END DONE
#	away	DAEMON BEGIN END WHAT
#		DAEMON may answer 503; *: all of them
#	lost	BEGIN END
#		the store may lose what was acknowledged meanwhile
#	moved	BEGIN END
#		the daemons may still read from the former store meanwhile
package FCGIAuth::History;

use strict;
use warnings;

use Exporter qw(import);
use FCGIAuth::Test;
use List::Util qw(max min);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(now);

# The wall clock decides when a session expires, and this test reads the
# monotonic one. Adjustments make them differ by at most 500 ppm.
my $CLOCKS = 0.005;

my %fields = (
	login => [qw(session user begin end life)],
	check => [qw(session daemon begin end status version)],
	end => [qw(scope daemon begin end done what)],
	role => [qw(user version begin end done)],
	away => [qw(daemon begin end what)],
	lost => [qw(begin end)],
	moved => [qw(begin end)],
);

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub new {
	my ($class) = @_;
	return bless { dir => tempdir() }, $class;
}

# Adds a record. A process writes to a file of its own.
sub add {
	my ($self, $kind, @values) = @_;

	if (($self->{writer} // 0) != $$) {
		open my $fh, '>>', "$self->{dir}/$$" or die "history: $!";
		@$self{qw(writer fh)} = ($$, $fh);
	}
	syswrite $self->{fh}, join("\t", $kind, @values) . "\n";
	return;
}

sub lines {
	my ($self) = @_;
	return map { split /\n/, slurp($_) } glob "$self->{dir}/*";
}

# Returns the records by kind.
sub records {
	my (@lines) = @_;
	my %all = map { $_ => [] } keys %fields;

	for my $line (@lines) {
		my ($kind, @values) = split /\t/, $line;
		my %r;
		@r{ @{ $fields{$kind} } } = @values;
		push @{ $all{$kind} }, \%r;
	}
	return \%all;
}

# Returns true if the record is about the session, which may have been there:
# the operation did not end before its sign-in began.
sub concerns {
	my ($r, $s) = @_;
	my ($kind, $name) = split /:/, $r->{scope}, 2;

	return 0 if $r->{end} < $s->{begin};
	return 1 if $kind eq 'all';
	return $name eq $s->{ $kind };
}

# Takes back the acknowledgement of what the store may have lost: an end may not
# have happened, and a session may not be there.
sub forget_lost {
	my ($all) = @_;
	my $is_lost = sub { my ($r) = @_; return grep {
		$_->{begin} <= $r->{end} && $r->{begin} <= $_->{end} }
		@{ $all->{lost} } };

	$_->{done} = 0 for grep { $is_lost->($_) }
	    map { @{ $all->{$_} } } qw(end role);
	push @{ $all->{end} }, map { +{ scope => "session:$_->{session}",
		begin => $_->{begin}, end => $_->{end}, done => 0 } }
	    grep { $is_lost->($_) } @{ $all->{login} };
	return;
}

# What was acknowledged while the store moved counts from the end of the move.
sub delay_moved {
	my ($all) = @_;

	for my $r (map { @{ $all->{$_} } } qw(end role)) {
		$r->{end} = max($r->{end}, map { $_->{end} }
		    grep { $_->{begin} <= $r->{end} &&
			$r->{begin} <= $_->{end} } @{ $all->{moved} });
	}
	return;
}

# Adds to each session: may_end, the first time when it may have ended, and
# ended, the times from when on no daemon may accept it, with the daemon that
# ended it.
sub find_ends {
	my ($all) = @_;

	for my $s (@{ $all->{login} }) {
		my $life = $s->{life};
		my @ends = grep { concerns($_, $s) } @{ $all->{end} };
		$s->{may_end} = min(9**9**9, map { $_->{begin} } @ends);
		# What was done during the sign-in may have missed the session.
		$s->{ended} = [ grep { $_->{done} && $_->{begin} > $s->{end} }
			@ends ];
		$s->{may_end} = min($s->{may_end}, $s->{begin} + $life -
		    $CLOCKS) if $life;
		$s->{expired} = $s->{end} + $life + $CLOCKS if $life;
	}
	return;
}

# Returns why a check must not have passed, or nothing.
sub must_be_refused {
	my ($s, $c, $bound) = @_;
	my $late = sub { sprintf '%s, %.0f ms before the check began', $_[0],
		1000 * ($c->{begin} - $_[1]) };

	return $late->('expired', $s->{expired})
	    if $s->{expired} && $c->{begin} > $s->{expired};
	for my $e (@{ $s->{ended} }) {
		my $allowed = $e->{daemon} eq $c->{daemon} ? 0 : $bound;
		return $late->("ended by $e->{what} at $e->{daemon}", $e->{end})
		    if $c->{begin} > $e->{end} + $allowed;
	}
	return;
}

sub may_be_unavailable {
	my ($all, $c) = @_;
	return grep { ($_->{daemon} eq '*' || $_->{daemon} eq $c->{daemon}) &&
	    $_->{begin} <= $c->{end} && $c->{begin} <= $_->{end} }
	    @{ $all->{away} };
}

# Returns what is wrong with the role of an allowed check, or nothing.
sub wrong_role {
	my ($all, $s, $c, $bound) = @_;
	my ($least, $most) = (0, 0);

	return if $c->{version} eq '-';
	for my $r (grep { $_->{user} eq $s->{user} } @{ $all->{role} }) {
		my $beside = $r->{begin} <= $s->{end} &&
		    $r->{end} >= $s->{begin};
		$most = max($most, $r->{version}) if $r->{begin} <= $c->{end};
		$least = max($least, $r->{version}) if $r->{done} &&
		    !$beside && $r->{end} + $bound < $c->{begin};
	}
	return if $c->{version} >= $least && $c->{version} <= $most;
	return "role $c->{version}, expected $least to $most";
}

# Returns a list of what must not be in the history. bound: in seconds, how long
# after an acknowledged end a daemon that did not end the session may accept it.
# Such a daemon reads its clock after the check began, and the proof of its feed
# began before the end was acknowledged. So the bound holds on a machine of any
# speed. roles: the roles are compared, too.
sub wrong {
	my ($self, %arg) = @_;
	my $all = records($arg{lines} ? @{ $arg{lines} } : $self->lines);
	my (%session, @wrong, %n);

	forget_lost($all);
	delay_moved($all);
	find_ends($all);
	$session{ $_->{session} } = $_ for @{ $all->{login} };
	for my $c (@{ $all->{check} }) {
		my $s = $session{ $c->{session} } or next;
		my $status = $c->{status};
		my ($past, $why) = must_be_refused($s, $c, $arg{bound});
		$n{$status}++;
		if ($status == 204) {
			$why = $past;
			$why //= wrong_role($all, $s, $c, $arg{bound})
			    if $arg{roles};
		} elsif ($status == 401) {
			$why = 'the session is live'
			    if $c->{end} < $s->{may_end};
			$n{late}++ if $past;
		} elsif ($status == 503) {
			$why = 'the store is there'
			    unless may_be_unavailable($all, $c);
		} elsif ($status != 0) {
			$why = 'no such answer is expected';
		}
		push @wrong, sprintf '%s of %s at %s: %d at %.3f to %.3f: %s',
		    $c->{session}, $s->{user}, $c->{daemon}, $status,
		    $c->{begin}, $c->{end}, $why if defined $why;
	}
	$self->{counts} = \%n;
	$self->{counts}{ends} = grep { $_->{done} } @{ $all->{end} };
	$self->{counts}{logins} = @{ $all->{login} };
	return @wrong;
}

# Returns the records about the session and its user, ordered by time.
sub about {
	my ($self, $session) = @_;
	my ($user) = map { (split /\t/)[2] } grep { /^login\t\Q$session\E\t/ }
	    $self->lines;
	my @all = map { [ $_, records($_) ] } grep {
		/\t(?:session:)?\Q$session\E\t|^role\t\Q$user\E\t|
		    \tuser:\Q$user\E\t|^end\tall\t|^away\t/x } $self->lines;
	my $begin = sub { (map { @$_ } values %{ $_[0][1] })[0]{begin} };

	return map { $_->[0] } sort { $begin->($a) <=> $begin->($b) } @all;
}

1;
