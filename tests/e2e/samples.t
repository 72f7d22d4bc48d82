# SPDX-License-Identifier: MIT
# The sample configurations in conf/ work. Only their folders are replaced.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Daemon;
use FCGIAuth::FastCGI qw(fcgi_request);
use FCGIAuth::Store;
use FCGIAuth::Test;
use Test::More;

my %mode = (jwt => 'jwt', refresh => 'refresh');
my %cookies = (
	session => [qw(__Host-fcgiauth)],
	jwt => [qw(__Host-fcgiauth_access)],
	refresh => [qw(__Host-fcgiauth_access __Secure-fcgiauth_refresh)],
);

sub check_ok {
	my ($file, $what, @command) = @_;
	my $pid = spawn('check', "$file.log", @command);

	is(reap($pid, 30), 0, $what) or diag(slurp("$file.log"));
	return;
}

# What a sample needs beside its folder. The function changes the text, and
# returns whether users can be added.
my %needs = (
	postgres => sub {
		my ($text) = @_;
		my $host = FCGIAuth::Store::Postgres::server()->host;

		$$text =~ s{(?<=host=)/run/postgresql}{$host}g
		    or die 'no host';
		return 1;
	},
	redis => sub {
		my ($text, $dir) = @_;
		my $url = FCGIAuth::Store::Redis::server()->url;

		$$text =~ s{^url = \K.*}{$url}m or die 'no url';
		$$text =~ s{/etc/fcgiauth/}{$dir/}g;
		spit("$dir/htpasswd", 'alice:' . crypt(
			$FCGIAuth::Daemon::PASSWORD, '$6$saltsalt$') . "\n");
		spit("$dir/groups", "staff: alice\n");
		return 0;
	},
);

for my $sample (sort glob top() . '/conf/*.ini') {
	my ($name) = $sample =~ m{([^/]+)\.ini$};
	my ($kind) = $name =~ /^fcgiauth-(\w+)$/;
	my $mode = $mode{ $kind // '' } // 'session';

	subtest $name => sub {
		my $missing = FCGIAuth::Store::missing($kind // 'sqlite');
		plan(skip_all => $missing) if $missing;
		my $d = FCGIAuth::Daemon->new(store => 'sqlite');
		my $dir = $d->dir;
		my $text = slurp($sample);

		# In the sample with all options the paths are comments.
		$text =~ s/^;(\w+ = .*(?:\/run|\/var)\/.*)/$1/mg
		    if $name eq 'fcgiauth';
		# The smallest sample does not set the paths.
		$text .= "\n[$_]\npath = /var/lib/fcgiauth/fcgiauth.db\n"
		    for grep { $text !~ /^;?\[$_\]/m } qw(store users);
		$text =~ s{(?:/run|/var/lib)/fcgiauth/}{$dir/}g;
		my $can_add = !$needs{ $kind // '' } ||
		    $needs{$kind}->(\$text, $dir);
		spit("$dir/sample.ini", $text);
		chmod 0600, "$dir/sample.ini";
		$d->{file} = "$dir/sample.ini";

		check_ok("$dir/a",
		    'fcgiauthd --check succeeds', bin('fcgiauthd'), '-c',
		    $d->{file}, '--check');
		check_ok("$dir/b", 'fcgiauthd --dump-config succeeds',
		    bin('fcgiauthd'), '-c', $d->{file}, '--dump-config');
		like(slurp("$dir/b.log"), qr/^mode = $mode$/m,
		    "the sample uses mode $mode");
		$d->add_user('alice') if $can_add;
		my @said = $d->ctl('config', 'check');
		is($said[0], 0, 'fcgiauthctl config check succeeds')
		    or diag("@said");
		$d->start;
		my $password = $FCGIAuth::Daemon::PASSWORD;
		my $a = $d->ask(REQUEST_METHOD => 'POST',
		    REQUEST_URI => '/auth/login', HTTPS => 'on',
		    HTTP_HOST => 'app.example.com',
		    CONTENT_TYPE => 'application/json', body =>
		    qq({"username":"alice","password":"$password"}));
		is($a->{status}, 200, 'a sign-in succeeds');
		my @names = $a->{raw} =~ /^Set-Cookie: ([^=]+)=/mg;
		is("@names", "@{ $cookies{$mode} }",
		    'the sign-in sets the cookies of the mode');
		$d->stop_ok;
	};
}

done_testing;
