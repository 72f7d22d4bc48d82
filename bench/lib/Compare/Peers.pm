# SPDX-License-Identifier: MIT
# The peers that are not Apache: the limits (nginx alone, an upstream that does
# nothing), checks on Node.js, and glewlwyd. The members of their rows are to,
# service_pids, store_pids, credentials, and begin where the peer itself makes
# the credentials.
package Compare::Peers;

use strict;
use warnings;

use Bench qw(accepts_soon one_line program);
use Compare::Machine qw(with_children);
use Compare::Rows qw($NGINX_ALONE $NULL_UPSTREAM $NULL_RESPONDER $FAST_JWT
	$EXPRESS $GLEWLWYD);
use FCGIAuth::Client;
use FCGIAuth::Redis;
use FCGIAuth::Test;
use Peers ();

my $NO_STORE = sub { return };
my $GLEWLWYD_SESSIONS = 100;	# each costs the hash of a password
my $GLEWLWYD_SQL = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';

# arg: dir, front, service, sessions. Returns the rows that are always measured.
# Their requests have cookies as long as those of mode session.
sub limits {
	my (%arg) = @_;
	my $front = $arg{front};
	my $null = $front->null_upstream;
	my $socket = "$arg{dir}/null_responder.sock";
	my $responder = spawn('null_responder', "$arg{dir}/null_responder.log",
	    program('null_responder'), "unix:$socket", 8);

	my $file = "$arg{dir}/headers-limits";
	spit($file, join '', map { 'Cookie: fcgiauth=' .
	    sprintf("%064d\n", $_) } 1 .. $arg{sessions});
	return map { { %$_, credentials => $arg{sessions},
	    to => { %{ $_->{to} }, headers => $file } } } (
		{ name => $NGINX_ALONE, service_pids => $NO_STORE,
		    store_pids => $NO_STORE,
		    to => $front->add_host('alone', '') },
		{ name => $NULL_UPSTREAM, service_pids => sub { $null->{pid},
			children($null->{pid}) }, store_pids => $NO_STORE,
		    to => $front->add_http('null_upstream', $null->{address},
			'/') },
		{ name => $NULL_RESPONDER, service_pids => sub { $responder },
		    store_pids => $NO_STORE,
		    to => $front->add_service('null_responder',
			"unix:$socket") },
	);
}

sub children {
	my ($pid) = @_;
	my (undef, @children) = with_children($pid);
	return @children;
}

# Returns the rows of the peers; one that cannot be set up has `skipped`.
sub rows {
	my (%arg) = @_;
	my @make = ([ $FAST_JWT, \&fast_jwt ], [ $EXPRESS, \&express ],
	    [ $GLEWLWYD, \&glewlwyd ]);

	return map {
		my ($name, $code) = @$_;
		my %row = eval { $code->(%arg) };
		%row ? { name => $name, %row } :
		    { name => $name, skipped => one_line($@) };
	} @make;
}

# Verifies the tokens that the service issues with HS256.
sub fast_jwt {
	my (%arg) = @_;
	my $spec = { mode => 'jwt', alg => 'HS256' };
	my ($d) = $arg{service}->daemon($spec);
	my ($headers, $n) = $arg{service}->headers_for($spec, $d);
	my $peer = Peers::start_one($arg{dir}, 'fast-jwt with its cache',
	    'HS256', $d->{conf}{jwt}{keys}, \%Compare::Service::POLICY);

	return (service_pids => sub { $peer->{pid} }, store_pids => $NO_STORE,
	    credentials => $n,
	    to => { %{ $arg{front}->add_http('fast_jwt',
		"unix:$peer->{socket}", '/') }, headers => $headers });
}

sub express {
	my (%arg) = @_;
	my $redis = FCGIAuth::Redis->new;
	my $peer = Peers::start_script($arg{dir}, 'express', 'sessions.js',
	    'SOCKET', $redis->{socket});
	my $address = "unix:$peer->{socket}";

	$arg{front}->add_pass('express_all', "$address:");
	return (service_pids => sub { $peer->{pid} },
	    store_pids => sub { $redis->pid }, credentials => $arg{sessions},
	    begin => sub { return sign_ins($arg{front}{port}, 'express_all',
		$arg{sessions}, sub { $_[0]->get('/sign-in', @_[1, 2]) }) },
	    to => $arg{front}->add_http('express', $address, '/check'));
}

# ---- glewlwyd --------------------------------------------------------------

sub glewlwyd {
	my (%arg) = @_;
	my $port = free_port();
	my $pid = start_glewlwyd($arg{dir}, $port);
	my $login = { username => 'admin', password => 'password' };

	return (service_pids => sub { $pid }, store_pids => $NO_STORE,
	    credentials => $GLEWLWYD_SESSIONS,
	    begin => sub { return sign_ins($port, '127.0.0.1',
		$GLEWLWYD_SESSIONS, sub {
			$_[0]->post_json('/api/auth/', $login, @_[1, 2]) }) },
	    to => $arg{front}->add_http('glewlwyd', "127.0.0.1:$port",
		'/api/profile_list'));
}

sub start_glewlwyd {
	my ($dir, $port) = @_;
	my $program = in_path('glewlwyd') or
	    die "glewlwyd is missing (Debian: glewlwyd)\n";
	my $sqlite = in_path('sqlite3') or
	    die "sqlite3 is missing (Debian: sqlite3)\n";
	my $sql = slurp($GLEWLWYD_SQL);
	my ($code, undef, $errors) = capture(\$sql, $sqlite,
	    "$dir/glewlwyd.db");

	die "$GLEWLWYD_SQL: $errors" if $sql eq '' || $code != 0;
	spit("$dir/glewlwyd.conf", <<"EOT");
port = $port
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:$port/"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "ERROR"
cookie_secure = 0
session_expiration = 2419200
session_key = "GLEWLWYD2_SESSION_ID"
login_api_enabled = true
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3" path = "$dir/glewlwyd.db" };
EOT
	my $pid = spawn('glewlwyd', "$dir/glewlwyd.log", $program,
	    '--config-file=' . "$dir/glewlwyd.conf");
	accepts_soon($port) or die 'glewlwyd does not start: ' .
	    slurp("$dir/glewlwyd.log");
	return $pid;
}

# ---- sessions --------------------------------------------------------------

# Signs in n times, and returns the Cookie header of each session.
sub sign_ins {
	my ($port, $host, $n, $code) = @_;

	return map {
		my $c = FCGIAuth::Client->new(port => $port);
		my $a = $code->($c, Host => $host);
		my %jar = %{ $c->jar };
		die "$host: sign-in: " . $a->status . ' ' . $a->body
		    if $a->status >= 400 || !$a->status || !%jar;
		'Cookie: ' . join '; ', map { "$_=$jar{$_}" } sort keys %jar;
	} 1 .. $n;
}

1;
