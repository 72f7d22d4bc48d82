# SPDX-License-Identifier: MIT
# A person uses a browser at addresses that the web server does not know: behind
# a balancer that ends TLS, on a forwarded port, and by plain http in a LAN. One
# line in the configuration is enough. Without it the page and the log name the
# line. This holds for every web server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Proxy;
use FCGIAuth::Site;
use FCGIAuth::Test;
use FCGIAuth::WebDriver;
use IO::Socket::INET;
use Test::More;

plan(skip_all => 'no Chromium with chromedriver here')
    unless FCGIAuth::WebDriver::available();
plan(skip_all => 'no nginx or no openssl here')
    unless in_path('nginx') && in_path('openssl');

my $dir = tempdir();
my %program = (nginx => 'nginx', apache => 'apache2', lighttpd => 'lighttpd');

# The browser resolves these names to this machine and accepts any certificate.
my $web = FCGIAuth::WebDriver->new(dir => tempdir());
$web->open(args => [ '--ignore-certificate-errors',
	'--host-resolver-rules=MAP *.example 127.0.0.1, MAP *.lan 127.0.0.1' ]);

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x " .
	"-keyout $dir/key.pem -out $dir/cert.pem >/dev/null 2>&1") == 0
    or die 'openssl';

# Starts a balancer that ends TLS and passes the Host header on. Returns its
# port and process id.
my $balancers = 0;
sub balancer {
	my ($to) = @_;
	my $port = free_port();
	my $home = "$dir/balancer" . ++$balancers;
	my $temp = join "\n", map { "${_}_temp_path $home/$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $user = is_root() ? 'user ' . getpwuid($>) . ';' : '';

	mkdir $home;
	spit("$home/nginx.conf", <<"EOT");
$user
daemon off;
pid $home/pid;
error_log $home/log info;
events { }
http {
	access_log off;
	$temp
	server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $dir/cert.pem;
		ssl_certificate_key $dir/key.pem;
		location / {
			proxy_pass http://127.0.0.1:$to;
			proxy_set_header Host \$http_host;
			proxy_set_header X-Forwarded-For 203.0.113.7;
			proxy_redirect off;
		}
	}
}
EOT
	my $pid = spawn('balancer', "$home/out", in_path('nginx'), '-p', $home,
	    '-e', "$home/log", '-c', "$home/nginx.conf");
	wait_for(15, sub {
		IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
	}) or die 'balancer: ' . slurp("$home/log");
	return ($port, $pid);
}

# Fills in the login form to which $url leads.
sub submit {
	my ($url) = @_;

	$web->go("$url/private");
	my ($name) = $web->find('input[name=username]') or return fail($url);
	$web->click($name);
	$web->type('alice', $FCGIAuth::WebDriver::KEY{tab}, $PASSWORD,
	    $FCGIAuth::WebDriver::KEY{enter});
	return wait_for(15, sub {
		my $now = eval { $web->url } // '';
		my $text = eval { $web->source } // '';
		return $text =~ /server\.hosts/ || $now eq "$url/private";
	});
}

sub refused_with_line {
	my ($d, $url, $page) = @_;
	my $before = length $d->log_text;

	submit($url);
	my $source = $web->source;
	like($source, qr/$page/, "$url: the page names the missing setting");
	unlike($source, qr/"error"/, "$url: the page is not JSON");
	my $line = qr/csrf_refused.*cure="server.hosts = \Q$url\E"/;
	ok(wait_for(10, sub { substr($d->log_text, $before) =~ $line }),
	    "$url: the log has the line for the configuration");
	return;
}

# Configures a web server behind the balancer as doc/guides/behind-a-balancer.md says.
sub believe_balancer {
	my ($n, $name) = @_;

	$n->stop;
	if ($name eq 'nginx') {
		$n->{http} .= "set_real_ip_from 127.0.0.1;\n" .
		    "real_ip_header X-Forwarded-For;\n";
	} elsif ($name eq 'apache') {
		$n->{modules} = ['remoteip'];
		$n->{server} = "RemoteIPHeader X-Forwarded-For\n" .
		    "RemoteIPInternalProxy 127.0.0.1\n";
	} else {
		$n->{server} = <<"EOT";
server.modules += ( "mod_extforward" )
extforward.forwarder = ( "127.0.0.1" => "trust" )
extforward.headers = ( "X-Forwarded-For" )
EOT
	}
	$n->start;
	return;
}

# Tests one web server.
sub try_web {
	my ($name) = @_;
	local $ENV{FCGIAUTH_WEB} = $name;
	my ($d, $n) = start_site(conf => { cookie => { secure => undef } });
	believe_balancer($n, $name);
	my ($tls, $pid) = balancer($n->port);
	my $forward = FCGIAuth::Proxy->new(to => '127.0.0.1:' . $n->port);
	my $balanced = "https://app.$name.example:$tls";
	my $published = "http://box.$name.lan:" . $forward->port;
	my $lan = "http://nas.$name.lan:" . $n->port;

	refused_with_line($d, $balanced, 'must name that address');
	refused_with_line($d, $lan, 'This address is plain http');
	refused_with_line($d, $published,
	    $name eq 'nginx' ? 'must name that address' : 'plain http');

	$d->configure(server => { hosts => "$balanced $published $lan" });
	my $before = length $d->log_text;
	$d->reload;
	ok(wait_for(10, sub { substr($d->log_text, $before) =~ /reloaded/ }),
	    "$name: a reload with the line succeeds");
	for my $url ($balanced, $published, $lan) {
		submit($url);
		is($web->url, "$url/private", "$url: the sign-in succeeds");
		like($web->source, qr/alice/, "$url: the page is for alice");
	}
	my @from = $d->log_text =~ / login user=alice\b.* address=(\S+)/g;
	is("@from", '203.0.113.7 127.0.0.1 127.0.0.1',
	    "$name: the log has the address of the client");
	unlike($d->log_text, qr/warning: /,
	    'the log has no warning about the configuration');
	$n->stop;
	kill 'TERM', $pid;
	reap($pid, 10);
	$d->stop_ok;
	return;
}

for my $name (sort keys %program) {
	SKIP: {
		skip("no $name here", 1) unless in_path($program{$name});
		subtest $name => sub { try_web($name) };
	}
}

$web->stop;
done_testing;
