# SPDX-License-Identifier: MIT
# The configurations in the guides load, and webserver check has no finding.
# Only addresses, files and certificates are replaced. lighttpd.t tests those of
# the guide of lighttpd.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Guide;
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $tmp = tempdir();
my $address = 'unix:/tmp/fcgiauth-none.sock';

sub said { my (undef, $out, $err) = @_; return ($out // '') . ($err // '') }

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 " .
    "-nodes -subj /CN=x -days 2 -keyout $tmp/app.key -out $tmp/app.pem " .
    "2>$tmp/openssl.log") == 0 or die slurp("$tmp/openssl.log");

sub nothing_found {
	my ($file) = @_;
	my ($code, $out, $err) = capture(bin('fcgiauthctl'), 'webserver',
	    'check', $file);

	is("$out$err", '', 'webserver check has no finding');
	is($code, 0, 'webserver check exits with 0');
	return;
}

# In these guides the first block is the site. The other blocks belong in its
# `server` or beside it.
for my $guide (qw(nginx several-hosts)) {
	subtest "nginx, $guide.md" => sub {
		plan(skip_all => 'no nginx here') unless in_path('nginx');
		local $ENV{FCGIAUTH_WEB} = 'nginx';
		my $fake = bless { tcp => $address, brings => {} },
		    'FCGIAuth::Daemon';
		my $n = new_web($fake);
		my $dir = $n->dir;
		my ($site, @more) = blocks($guide, 'nginx');
		my @locations = grep { !/^(?:map|log_format)/ } @more;
		my $port = free_port();

		my $maps = join '', grep { /^(?:map|log_format)/ } @more;
		$maps =~ s{/var/log/nginx/}{$dir/}g;
		cmp_ok(@locations, '>=', 4,
		    'the guide has at least four locations')
		    if $guide eq 'nginx';
		$site =~ s/\}\s*\z/@locations}\n/ or die;
		$site =~ s{/etc/ssl/(?:certs|private)/}{$tmp/}g;
		$site =~ s/listen 443/listen 127.0.0.1:$port/g;
		spit("$dir/uwsgi_params", slurp('/etc/nginx/uwsgi_params'));
		$n->snippets;
		spit("$dir/nginx.conf", "pid $dir/pid; error_log $dir/log; " .
		    "events {} http { access_log off;\n$maps$site }\n");
		my @said = capture('nginx', '-t', '-q', '-p', $dir, '-e',
		    "$dir/log", '-c', "$dir/nginx.conf");
		is($said[0], 0, 'nginx accepts the configuration') or
		    diag(said(@said) . slurp("$dir/log"));
		nothing_found("$dir/nginx.conf");
	};
}

for my $guide (qw(apache several-hosts webservers)) {
	subtest "Apache, $guide.md" => sub {
		plan(skip_all => 'no Apache here') unless in_path('apache2');
		local $ENV{FCGIAUTH_WEB} = 'apache';
		my $fake = bless { tcp => '127.0.0.1:9',
			brings => { AUTH_SECRET => 'x' } }, 'FCGIAuth::Daemon';
		my $n = new_web($fake, modules => [qw(alias ssl socache_shmcb)]);
		my $file = $n->dir . '/httpd.conf';
		my ($site, @more) = blocks($guide, 'apache');
		push @more, blocks('programs', 'apache')
		    if $guide eq 'several-hosts';

		$site =~ s{/etc/ssl/(?:certs|private)/}{$tmp/}g;
		s{/var/log/apache2/}{$tmp/} for @more;
		$site =~ s{^</VirtualHost>}{join '', @more, $&}me or die;
		$site =~ s/^Include.*\n//;
		# The site replaces the VirtualHost of the test.
		$n->configure;
		my $text = slurp($file);
		$text =~ s{<VirtualHost \*>.*</VirtualHost>}{$site}s or die;
		spit($file, $text);
		my @said = capture('apache2', '-t', '-f', $file);
		is($said[0], 0, 'Apache accepts the configuration')
		    or diag(said(@said));
		nothing_found($file);
	};
}

# The block of this guide belongs at the end of the configuration.
my $first = <<'EOT';
server.modules += ( "mod_redirect", "mod_setenv", "mod_magnet", "mod_fastcgi" )
include "fcgiauth/fcgiauth.conf"
server.modules += ( "mod_proxy" )
EOT
for (['webservers', ''], ['several-hosts', $first]) {
	my ($guide, $before) = @$_;
	subtest "lighttpd, $guide.md" => sub {
		plan(skip_all => 'no lighttpd here')
		    unless in_path('lighttpd');
		local $ENV{FCGIAUTH_WEB} = 'lighttpd';
		my $fake = bless { tcp => $address, brings => {} },
		    'FCGIAuth::Daemon';
		my $n = new_web($fake);
		my $file = $n->dir . '/lighttpd.conf';
		my ($site) = blocks($guide, 'lighttpd');

		$site =~ s{/etc/lighttpd/fcgiauth}{$n->dir . '/fcgiauth'}ge;
		$n->snippets;
		spit($file, 'server.document-root = "' . $n->dir . "/www\"\n" .
		    "$before$site");
		my @said = capture('lighttpd', '-tt', '-f', $file);
		is($said[0], 0, 'lighttpd accepts the configuration')
		    or diag(said(@said));
		nothing_found($file);
	};
}

# Returns true when the program was built with the store that a block names.
sub is_built {
	my ($driver) = $_[0] =~ /^\[store\]\ndriver = (\w+)/m;
	return !$driver || FCGIAuth::Store::has_driver("store $driver");
}

# The blocks of several-hosts.md form one file. Those of other guides are
# separate files.
subtest 'the blocks of fcgiauth.ini' => sub {
	my $try = sub {
		my ($guide, $text) = @_;
		$text =~ s{/var/backups/|/etc/fcgiauth/}{$tmp/}g;
		$text =~ s{/usr/bin/msmtp}{$^X}; # may not be installed
		$text =~ s{^driver = sqlite\n(?=case)}
		    {$&path = $tmp/fcgiauth.db\n}m;
		for my $section (qw(store users)) {
			next if $text =~ /^\[$section\]/m;
			$text .= "\n[$section]\npath = $tmp/fcgiauth.db\n";
		}
		spit("$tmp/try.ini", $text);
		chmod 0600, "$tmp/try.ini";
		# config check would connect to the server of another store.
		my @said = capture($text =~ /^driver/m ?
		    (bin('fcgiauthd'), '-c', "$tmp/try.ini", '--dump-config') :
		    (bin('fcgiauthctl'), '-c', "$tmp/try.ini", 'config', 'check'));
		is($said[0], 0, "$guide: the configuration is valid")
		    or diag(said(@said) . $text);
		# The guide speaks of this warning about Redis.
		unlike(said(@said), qr/warning: (?!\[factors\].* is redis)/,
		    "$guide: the configuration causes no other warning");
	};
	my $n = 0;

	spit("$tmp/$_", "user=x\n"), chmod 0600, "$tmp/$_"
	    for qw(owner.conninfo service.conninfo redis.password
	    mail.password);
	spit("$tmp/logo.svg", '<svg viewBox="0 0 40 10"></svg>');
	mkdir "$tmp/pages" or die "mkdir: $!";
	for my $guide (qw(accounts backup changing installing links mail pages
	    programs scaling webservers)) {
		$try->($guide, $_), $n++ for grep { is_built($_) }
		    blocks($guide, 'ini');
	}
	my $hosts = join "\n", blocks('several-hosts', 'ini');
	$try->('several-hosts', $hosts);
	cmp_ok($n, '>=', 5, 'the guides have at least five configurations');

	# The guide says what happens without this line.
	$hosts =~ s/^domain = .*\n//m or die;
	spit("$tmp/try.ini", $hosts);
	like(said(capture(bin('fcgiauthctl'), '-c', "$tmp/try.ini", 'config',
	    'check')), qr/warning: \[cookie\] domain: is empty, but/,
	    'several-hosts: a missing cookie.domain causes a warning');
};

done_testing;
