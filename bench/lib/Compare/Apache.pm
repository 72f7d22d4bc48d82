# SPDX-License-Identifier: MIT
# Apache httpd that serves the same file itself: unprotected, and with
# mod_auth_form and its sessions in a database or in an encrypted cookie. All
# rows share one server, which no nginx is in front of. It has one process with
# one connection to the database, because several would lock each other out.
package Compare::Apache;

use strict;
use warnings;

use Bench qw(accepts_soon one_line);
use Compare::Machine qw(fast_dir with_children);
use Compare::Peers;
use Compare::Rows qw($APACHE $APACHE_DBD $APACHE_CRYPTO);
use FCGIAuth::Apache;
use FCGIAuth::Client;
use FCGIAuth::Test;

my @MODULES = qw(mpm_event authn_core authn_file authz_core authz_user dir
	request auth_form session session_cookie session_crypto session_dbd
	dbd);
my %SESSIONS = (dbd => 1000, crypto => 200);	# different ones
my %ROWS = (open => $APACHE, dbd => $APACHE_DBD, crypto => $APACHE_CRYPTO);

# arg: dir, sessions. Returns the rows; with `skipped` if there is no Apache.
sub rows {
	my (%arg) = @_;
	my $a = eval { start() };
	my $why = one_line($@);
	my @rows;

	for my $kind (qw(open dbd crypto)) {
		my %row = (name => $ROWS{$kind}, direct => 1);
		push @rows, $a ? { %row, row_of($a, $kind, $arg{sessions}) } :
		    { %row, skipped => $why };
	}
	return @rows;
}

sub row_of {
	my ($a, $kind, $sessions) = @_;
	my $n = $SESSIONS{$kind} // 0;

	$n = $sessions if $n > $sessions;
	my %row = (service_pids => sub { return with_children($a->{pid}) },
	    store_pids => sub { return }, credentials => $n,
	    to => { port => $a->{port}, host => 'localhost',
		path => "/$kind/f" });
	$row{begin} = sub { return Compare::Peers::sign_ins($a->{port},
	    'localhost', $n, sub { sign_in($kind, @_) }) } if $n;
	return %row;
}

sub sign_in {
	my ($kind, $c, @headers) = @_;
	return $c->post_form("/$kind-sign-in", [
		httpd_username => 'alice', httpd_password => 'password' ],
	    @headers);
}

sub protected {
	my ($kind, $session) = @_;
	my $form = <<"EOT";
	$session
	AuthFormProvider file
	AuthUserFile users
	AuthType form
	AuthName bench
	SessionMaxAge 86400
	AuthFormSitePassphrase only-for-the-benchmark
EOT
	return <<"EOT";
<Location /$kind/>
	Session On
$form
	Require valid-user
</Location>
<Location /$kind-sign-in>
	SetHandler form-login-handler
	Session On
$form
	AuthFormLoginSuccessLocation /open/f
	AuthFormLoginRequiredLocation /refused
</Location>
EOT
}

sub start {
	my $program = FCGIAuth::Apache->program or
	    die "apache2 is missing (Debian: apache2-bin)\n";
	my $from = FCGIAuth::Apache::modules();
	my $at = fast_dir();
	my $port = free_port();

	-e "$from/mod_$_.so" or die "mod_$_ of Apache is missing\n"
	    for @MODULES;
	chmod 0777, "$at";	# the workers write the database
	for my $kind (qw(open dbd crypto)) {
		mkdir "$at/$kind";
		spit("$at/$kind/f", 'x' x 100);
	}
	my $sql = 'CREATE TABLE session (key TEXT PRIMARY KEY, value TEXT, ' .
	    'expiry INTEGER);';
	my ($code, undef, $errors) = capture(\$sql,
	    in_path('sqlite3') || die("sqlite3 is missing (Debian: sqlite3)\n"),
	    "$at/sessions.db");
	die "sqlite3: $errors" if $code != 0;
	chmod 0666, "$at/sessions.db";
	spit("$at/users", 'alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' . "\n");
	spit("$at/httpd.conf", configuration($at, $from, $port));
	my $pid = spawn('apache', "$at/out", $program, '-f', "$at/httpd.conf",
	    '-DFOREGROUND');
	accepts_soon($port) or die 'Apache does not start ' .
	    '(Debian: apache2-bin, libaprutil1-dbd-sqlite3): ' .
	    slurp("$at/out") . slurp("$at/log") . "\n";
	return { pid => $pid, port => $port, dir => $at };
}

sub configuration {
	my ($at, $from, $port) = @_;
	my $load = join "\n", map {
		"LoadModule ${_}_module $from/mod_$_.so" } @MODULES;
	my $owner = FCGIAuth::Apache::owner();
	my $dbd = protected('dbd', 'SessionDBDCookieName session path=/');
	my $crypto = protected('crypto',
	    "SessionCookieName session path=/\n\tSessionCryptoPassphrase x");

	return <<"EOT";
ServerRoot $at
PidFile $at/pid
DefaultRuntimeDir $at
Listen 127.0.0.1:$port
ServerName localhost
ErrorLog $at/log
$load
$owner
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
KeepAliveTimeout 60
DBDriver sqlite3
DBDMin 1
DBDKeep 1
DBDMax 1
DBDParams "$at/sessions.db"
DBDPrepareSQL "SELECT value FROM session WHERE key = %s \\
	AND (expiry = 0 OR expiry > %lld)" selectsession
DBDPrepareSQL "INSERT INTO session (value, expiry, key) \\
	VALUES (%s, %lld, %s)" insertsession
DBDPrepareSQL "UPDATE session SET value = %s, expiry = %lld, \\
	key = %s WHERE key = %s" updatesession
DBDPrepareSQL "DELETE FROM session WHERE key = %s" deletesession
DBDPrepareSQL "DELETE FROM session WHERE expiry != 0 \\
	AND expiry < %lld" cleansession
DocumentRoot $at
<Directory $at>
	AllowOverride None
	Require all granted
</Directory>
$dbd
$crypto
EOT
}

1;
