# SPDX-License-Identifier: MIT
# This class runs an Apache httpd with the shipped snippets.
package FCGIAuth::Apache;

use strict;
use warnings;

use FCGIAuth::Test;
use parent 'FCGIAuth::WebServer';

my @modules = qw(mpm_event authn_core authz_core authz_user authnz_fcgi dir
    headers macro proxy proxy_fcgi proxy_http reqtimeout setenvif);

# The argument `modules` of new() names further modules.

sub program { return in_path('apache2') || in_path('httpd') }

# Returns the folder in which the distribution keeps the modules.
sub modules {
	for my $dir (qw(/usr/lib/apache2/modules /usr/lib64/httpd/modules
		/usr/lib/httpd/modules)) {
		return $dir if -d $dir;
	}
	die "no modules of Apache here\n";
}

# Copies the snippets and replaces the address and the secret. Both are always
# set.
sub snippets {
	my ($self) = @_;

	$self->copy_snippets('apache', sub {
		my ($name, $text) = @_;
		$$text =~ s{^(Define FCGIAUTH_SERVICE ).*}
		    {$1$self->{service}}m or die $name;
		$$text =~ s{^(Define FCGIAUTH_SECRET ).*}
		    {$1$self->{secret}}m or die $name;
	});
	return;
}

sub location {
	my ($self, $l) = @_;
	my $dir = $self->{dir};
	my $path = $l->{path};
	my %app = (
		http => "ProxyPass unix:$dir/app.sock|http://app$path\n",
		fastcgi => "ProxyPass unix:$dir/fcgi.sock|fcgi://fcgi$path\n",
		files => "ProxyPass !\n",
	);
	my $text = $l->{open} ? "Use FcgiauthPublic\n" : $l->{require}
	    ? "Use FcgiauthRequire \"$l->{require}\"\n"
	    : "Use FcgiauthProtect\n";

	return "<Location \"$path\">\n$text" . $app{ $l->{app} || 'http' } .
	    "</Location>\n";
}

# Apache refuses to serve requests as root. The name of the group of `nobody`
# depends on the distribution.
sub owner {
	return '' unless is_root();
	my $group = getgrgid((getpwnam 'nobody')[3]);
	return "User nobody\nGroup $group\n";
}

sub configure {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $from = modules();
	# Of several sections that match, Apache applies the last one.
	my @locations = sort { length $a->{path} <=> length $b->{path} }
	    @{ $self->{locations} };
	my $load = join "\n", map {
		"LoadModule ${_}_module $from/mod_$_.so" } @modules,
	    @{ $self->{modules} || [] };
	my $plan = join '', map { $self->location($_) } @locations;
	my $owner = owner();
	my $log = $self->{ids} ? <<"EOT" : '';
LoadModule unique_id_module $from/mod_unique_id.so
CustomLog $dir/access.log "%>s %m %U%q %{REQUEST_ID}e"
EOT
	my $after = $self->{after} // '';
	my $more = $self->{server} // '';

	$self->snippets;
	spit("$dir/httpd.conf", <<"EOT");
ServerRoot $dir
PidFile $dir/httpd.pid
DefaultRuntimeDir $dir
Listen 127.0.0.1:$self->{port}
ServerName localhost
ErrorLog $dir/web.log
LogLevel info
$load
$owner
StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
MaxSpareThreads 50
MaxKeepAliveRequests 0
KeepAliveTimeout 60
ProxyTimeout 30
DocumentRoot $dir/www
<Directory $dir/www>
	AllowOverride AuthConfig
	Require all granted
</Directory>
$log
Include fcgiauth/fcgiauth.conf
<VirtualHost *>
	ServerName localhost
	$plan
	$more
	Use FcgiauthServer
</VirtualHost>
$after
EOT
	return $self;
}

sub start {
	my ($self) = @_;

	$self->configure;
	return $self->run($self->program, '-f', "$self->{dir}/httpd.conf",
	    '-DFOREGROUND');
}

1;
