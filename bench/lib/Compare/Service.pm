# SPDX-License-Identifier: MIT
# The daemons of bench/compare, their stores, and the credentials of the load.
package Compare::Service;

use strict;
use warnings;

use Bench qw(one_line program);
use Compare::Machine qw(fast_dir on_cpu);
use Compare::Rows qw(row_name);
use FCGIAuth::Daemon;
use FCGIAuth::Store;
use FCGIAuth::Test;
use JSON::PP ();

our %POLICY = (issuer => 'https://auth.example.com', audience => 'example');

my $MEMORY_SESSIONS = 200;	# each costs the hash of a password
my $FRESH_TOKENS = 5000;
my $SMALL_CACHE = 1000;
my %DEBIAN = (redis => 'redis-server', postgres => 'postgresql');

# dir: of the files. front: the nginx. sessions: the number of different
# credentials of a row. many: the number of sessions in a full store.
sub new {
	my ($class, %arg) = @_;
	my $self = bless { %arg, daemon => {}, stores => {}, headers => {},
		hosts => 0 }, $class;

	$self->{cache} = $self->understands_cache;
	return $self;
}

# Returns whether the program knows the option [cache] size. An earlier build,
# which FCGIAUTHD can name, may not.
sub understands_cache {
	my ($self) = @_;
	my $d = FCGIAuth::Daemon->new(store => 'sqlite',
	    conf => { cache => { size => 0 } });
	my ($code) = capture(bin('fcgiauthd'), '-c', $d->{file}, '--check');

	return $code == 0;
}

# Returns the reason why a row cannot be measured, or nothing.
sub missing {
	my ($self, $spec) = @_;
	my $kind = $spec->{store} // 'sqlite';
	my $why = FCGIAuth::Store::missing($kind);

	return $why . ($DEBIAN{$kind} ? " (Debian: $DEBIAN{$kind})" : '')
	    if $why;
	return 'this fcgiauthd has no [cache]'
	    if ($spec->{cache} // '') eq 'off' && !$self->{cache};
	return;
}

# ---- stores ----------------------------------------------------------------

# Returns { store, conf, server, fresh } for the sessions of a mode.
sub store_for {
	my ($self, $spec) = @_;
	my $kind = $spec->{store} // 'sqlite';
	my $key = join ' ', $kind, $spec->{mode}, $spec->{many} // 0;

	return $self->{stores}{$key} //= do {
		my $dir = fast_dir();
		my $store = FCGIAuth::Store->new(dir => "$dir", kind => $kind);
		my $server = $kind eq 'redis' ?
		    FCGIAuth::Store::Redis::server() :
		    $kind eq 'postgres' ?
		    FCGIAuth::Store::Postgres::server() : undef;
		my %conf;
		if ($kind eq 'redis' && $spec->{many}) {
			$server = FCGIAuth::Redis->new;
			%conf = (url => $server->url);
		}
		{ dir => $dir, store => $store, conf => \%conf, kind => $kind,
		    server => $server, fresh => 1 };
	};
}

# Fills a store with sessions that no request uses.
sub fill {
	my ($self, $d) = @_;
	my ($code, $out, $errors) = $d->ctl('store', 'migrate');

	die "store migrate: $out$errors" if $code != 0;
	($code, undef, $errors) = capture(
	    on_cpu(0 .. Compare::Machine::processors() - 1),
	    program('store_growth'), '-f', $d->{file}, $self->{many});

	die "store_growth: $errors" if $code != 0;
	return;
}

# Returns the processes of the store as code.
sub store_processes {
	my ($store) = @_;
	my $server = $store->{server} or return sub { return };

	return sub { return $server->pid } if $store->{kind} eq 'redis';
	return sub { return FCGIAuth::Postgres::processes($server->pid) };
}

# ---- daemons ---------------------------------------------------------------

sub rules {
	my ($n) = @_;
	my %rule = map { (sprintf('rule r%05d', $_) =>
	    { path => "/none/$_/", require => 'role:nobody' }) } 1 .. $n - 1;

	return (%rule, 'rule z' => { require => 'user' });
}

sub configuration {
	my ($self, $spec, $store) = @_;
	my %conf = (
		server => { log_level => 'info', threads => undef },
		auth => { mode => $spec->{mode} },
		store => { %{ $store->{conf} } },
		$spec->{rules} ? rules($spec->{rules}) : (),
	);

	if ($spec->{mode} ne 'session') {
		my $alg = $spec->{alg} // 'ES256';
		$conf{jwt} = { algorithm => $alg, ttl => '1d', %POLICY,
			keys => "$self->{dir}/keys-$spec->{mode}-$alg" };
		$conf{jwt}{revocation} = 'store'
		    if $spec->{mode} eq 'jwt' && $spec->{store};
	}
	my %size = (off => 0, small => $SMALL_CACHE);
	$conf{cache} = { size => $size{ $spec->{cache} } // $spec->{cache} }
	    if $spec->{cache} && $self->{cache};
	return \%conf;
}

# Returns a daemon that is not started, with its users.
sub prepare {
	my ($self, $spec) = @_;
	my $store = $self->store_for($spec);
	my $d = FCGIAuth::Daemon->new(store => $store->{store},
	    conf => $self->configuration($spec, $store));

	return ($d, $store) unless $store->{fresh};
	$d->add_user('alice', roles => [qw(admin staff)],
	    email => 'alice@example.com');
	$d->add_user('many', roles => [ map { "role$_" } 1 .. 30 ],
	    email => 'many@example.com');
	$self->fill($d) if $spec->{many};
	$store->{fresh} = 0;
	return ($d, $store);
}

# Returns (daemon, store, where requests go to) for a spec. The daemon runs.
# Rows that differ only by the user share one, unless the spec has `own`.
sub daemon {
	my ($self, $spec) = @_;
	my $key = row_name(%$spec, roles => 0) . ($spec->{own} // '');

	return @{ $self->{daemon}{$key} //= do {
		my ($d, $store) = $self->prepare($spec);
		$d->start;
		[ $d, $store, $self->{front}->add_service(
		    'ours' . ++$self->{hosts}, $d->address) ];
	} };
}

# ---- credentials -----------------------------------------------------------

# Returns a file with a header for each request, and how many it has.
sub headers_for {
	my ($self, $spec, $d) = @_;
	my $user = $spec->{roles} ? 'many' : 'alice';
	my $n = ($spec->{cache} // '') eq 'small' ? $FRESH_TOKENS :
	    $self->{sessions};
	my $key = join ' ', $spec->{mode}, $user, $n, $spec->{many} // 0,
	    map { $spec->{$_} // '' } qw(store alg);

	# Sessions in memory belong to one daemon.
	$key .= " $d->{socket}" if ($spec->{store} // '') eq 'memory';
	return @{ $self->{headers}{$key} //= do {
		my @tokens = ($spec->{store} // '') eq 'memory' ?
		    sign_ins($d, $user) : issued($d, $user, $n);
		my $file = "$self->{dir}/headers" . keys %{ $self->{headers} };
		my $begin = $spec->{mode} eq 'session' ?
		    'Cookie: fcgiauth=' : 'Authorization: Bearer ';
		spit($file, join '', map { "$begin$_\n" } @tokens);
		[ $file, scalar @tokens ];
	} };
}

sub issued {
	my ($d, $user, $n) = @_;
	my ($code, $out, $errors) = capture(program('issue_credentials'),
	    $d->{file}, $user, $n);

	die "issue_credentials: $errors" if $code != 0;
	return split /\n/, $out;
}

# Signs in with the password, because nothing else reaches the memory of the
# daemon.
sub sign_ins {
	my ($d, $user) = @_;
	my $body = JSON::PP->new->encode({ username => $user,
		password => $FCGIAuth::Daemon::PASSWORD });

	return map {
		my $a = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', body => $body,
		    CONTENT_TYPE => 'application/json');
		$a && $a->{raw} =~ /^Set-Cookie: fcgiauth=([^;]+)/mi
		    or die 'sign-in: ' . ($a ? $a->{raw} : 'no answer');
		$1;
	} 1 .. $MEMORY_SESSIONS;
}

# ---- rows ------------------------------------------------------------------

# Returns a row; `skipped` says why it cannot be measured.
sub row {
	my ($self, $spec) = @_;
	my %row = (name => row_name(%$spec), spec => $spec);
	my $why = $self->missing($spec);

	return { %row, skipped => $why } if $why;
	my $done = eval {
		my ($d, $store, $to) = $self->daemon($spec);
		my ($headers, $n) = $self->headers_for($spec, $d);
		%row = (%row, to => { %$to, headers => $headers },
		    credentials => $n, daemon => $d,
		    service_pids => sub { return $d->pid },
		    store_pids => store_processes($store));
	};
	return $done ? \%row : { %row, skipped => one_line($@) };
}

1;
