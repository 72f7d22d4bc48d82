# SPDX-License-Identifier: MIT
# A fcgiauthd with its configuration, database and socket in a folder, and
# fcgiauthctl for it.
package FCGIAuth::Daemon;

use strict;
use warnings;

use FCGIAuth::FastCGI qw(fcgi_request fcgi_at_once);
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

our $PASSWORD = 'correct horse battery';

# conf: { section => { key => value } } overrides the defaults below. store: a
# kind, or the store of another daemon to share it. Without it the daemon gets a
# store of its own, of the kind that FCGIAUTH_STORE names.
sub new {
	my ($class, %arg) = @_;
	my $dir = $arg{dir} || tempdir();
	my $store = ref $arg{store} ? $arg{store} :
	    FCGIAuth::Store->new(dir => $dir, kind => $arg{store});
	my $self = bless {
		dir => $dir,
		store => $store,
		socket => "$dir/fcgiauth.sock",
		log => "$dir/fcgiauthd.log",
		file => "$dir/fcgiauth.ini",
		conf => {
			server => { listen => "unix:$dir/fcgiauth.sock",
				    log_level => 'debug', threads => 4 },
			$store->sections,
			cookie => { secure => 'no' },
			limits => { login_attempts => 1000,
				    login_attempts_address => 10000 },
		},
	}, $class;

	$self->configure(%{ $arg{conf} || {} });
	return $self;
}

sub dir { my ($self) = @_; return "$self->{dir}" }
sub store { my ($self) = @_; return $self->{store} }
sub address { my ($self) = @_; return "unix:$self->{socket}" }
sub pid { my ($self) = @_; return $self->{pid} }
sub log_text { my ($self) = @_; return slurp($self->{log}) }

# Writes the configuration file. An undefined value removes the key.
sub configure {
	my ($self, %conf) = @_;
	my $text = '';

	for my $section (keys %conf) {
		for my $key (keys %{ $conf{$section} }) {
			$self->{conf}{$section}{$key} = $conf{$section}{$key};
		}
	}
	for my $section (sort keys %{ $self->{conf} }) {
		my $keys = $self->{conf}{$section};
		$text .= "[$section]\n";
		for my $key (sort grep { defined $keys->{$_} } keys %$keys) {
			$text .= "$key = $keys->{$key}\n";
		}
	}
	# The file is replaced as a whole, because a reload may read it at the
	# same time. It may contain a secret.
	spit("$self->{file}.new", $text);
	chmod 0600, "$self->{file}.new";
	rename "$self->{file}.new", $self->{file} or die "rename: $!";
	return $self;
}

# Returns the command that FCGIAUTH_WRAP names, which runs the daemon.
sub wrapped {
	my ($first, @rest) = split ' ', $ENV{FCGIAUTH_WRAP} || '' or return;
	return (in_path($first) || $first, @rest);
}

sub start {
	my ($self) = @_;
	my $bin = bin('fcgiauthd');

	$self->{pid} = spawn('fcgiauthd', $self->{log},
	    wrapped(), $bin, '-c', $self->{file});
	my $up = wait_for(15, sub {
		my $gone = waitpid($self->{pid}, 1);
		return 'gone' if $gone != 0;
		my $answer = $self->ask(REQUEST_URI => '/auth/health',
		    AUTH_SECRET => $self->{conf}{server}{peer_secret});
		return $answer && ($answer->{status} // 0) == 200;
	});
	if (!$up || $up eq 'gone') {
		diag($self->log_text);
		die "fcgiauthd does not start\n";
	}
	return $self;
}

# `brings`: the parameters that the web server of this daemon adds to each
# request.

# Sends a FastCGI request with the parameters that every request needs.
sub ask {
	my ($self, %param) = @_;
	return fcgi_request($self->address,
	    request(%{ $self->{brings} || {} }, %param));
}

# Sends several requests at once. Each is a reference to the arguments of ask().
sub ask_at_once {
	my ($self, @requests) = @_;
	return fcgi_at_once($self->address, map {
		+{ request(%{ $self->{brings} || {} }, %$_) } } @requests);
}

sub request {
	my (%param) = @_;
	my %arg;

	for my $name (grep { /^[a-z]/ } keys %param) {
		$arg{$name} = delete $param{$name};
	}
	my %all = (REQUEST_METHOD => 'GET', REQUEST_URI => '/',
	    REMOTE_ADDR => '127.0.0.1', HTTP_HOST => 'localhost',
	    SERVER_PORT => '80', %param);
	if (defined $arg{body}) {
		$all{CONTENT_LENGTH} = length $arg{body};
	}
	return (params => [ map { $_ => $all{$_} } sort
		grep { defined $all{$_} } keys %all ], %arg);
}

sub check {
	my ($self, %param) = @_;
	return $self->ask(AUTH_ACTION => 'verify', %param);
}

sub reload {
	my ($self) = @_;
	kill 'HUP', $self->{pid};
	return;
}

# Stops all threads of the daemon with SIGSTOP. thaw() continues them.
sub freeze {
	my ($self) = @_;

	kill 'STOP', $self->{pid};
	return wait_for(10, sub {
		my @threads = glob "/proc/$self->{pid}/task/*/stat";
		return @threads && @threads ==
		    grep { slurp($_) =~ /\) T / } @threads;
	});
}

sub thaw {
	my ($self) = @_;
	kill 'CONT', $self->{pid};
	return;
}

# Ends the daemon with SIGTERM, as a service manager does, and returns its wait
# status.
sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'CONT', $pid;
	kill 'TERM', $pid;
	return reap($pid, 15);
}

# Ends the daemon with SIGKILL.
sub kill_hard {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'KILL', $pid;
	return reap($pid, 15);
}

# Runs the two tests that belong at the end of every file.
sub stop_ok {
	my ($self) = @_;
	my $status = $self->stop;

	is($status, 0, 'fcgiauthd ends with status 0 after SIGTERM');
	my @reports = $self->log_text =~
	    /^.*(?:Sanitizer|runtime error:|Assertion|assert).*$/mg;
	is("@reports", '',
	    'the log has no report of a sanitizer and no failed assertion');
	diag($self->log_text) if @reports || !defined $status || $status != 0;
	return;
}

# Runs fcgiauthctl: (exit code, standard output, standard error).
sub ctl {
	my ($self, @args) = @_;
	my @input = ref $args[0] ? shift @args : ();

	return capture(@input, bin('fcgiauthctl'), '-c', $self->{file}, @args);
}

sub add_user {
	my ($self, $name, %arg) = @_;
	my @options = map { ('--role', $_) } @{ $arg{roles} || [] };

	push @options, '--email', $arg{email} if defined $arg{email};
	push @options, '--name', $arg{name} if defined $arg{name};
	my ($code, $out, $errors) = $self->ctl(
	    \(($arg{password} || $PASSWORD) . "\n"),
	    'user', 'add', $name, '--password-stdin', @options);
	die "user add $name: $out$errors" if $code != 0;
	return $self;
}

1;
