# SPDX-License-Identifier: MIT
# This class runs an nginx with the shipped snippets.
package FCGIAuth::Nginx;

use strict;
use warnings;

use FCGIAuth::Test;
use parent 'FCGIAuth::WebServer';

sub program { return in_path('nginx') }

# Arguments of new(): `server` is text for the block `server` and replaces the
# locations. `http` is text for the block `http`.

# Copies the snippets and replaces the address and the secret.
sub snippets {
	my ($self) = @_;

	$self->copy_snippets('nginx', sub {
		my ($name, $text) = @_;
		return if $name ne 'fcgiauth-upstream.conf';
		$$text =~ s{server unix:/run/fcgiauth/fcgiauth.sock;}
		    {server $self->{service};} or die $name;
		$$text =~ s{(fcgiauth_secret \{\s+default ")}
		    {$1$self->{secret}} or die $name
		    if defined $self->{secret};
	});
	return;
}

sub location {
	my ($self, $l) = @_;
	my $app = $l->{app} || 'http';
	my $text = '';

	$text .= "set \$fcgiauth_require \"$l->{require}\";\n" if $l->{require};
	if ($app eq 'fastcgi') {
		$text .= $l->{open}
		    ? "include /etc/nginx/fastcgi_params;\n" .
		    "include fcgiauth/fcgiauth-public.conf;\n"
		    : "include fcgiauth/fcgiauth-protect-fastcgi.conf;\n";
		$text .= "fastcgi_param SCRIPT_FILENAME " .
		    "/nowhere\$fastcgi_script_name;\n" .
		    "fastcgi_pass unix:$self->{dir}/fcgi.sock;\n";
	} else {
		$text .= 'include fcgiauth/fcgiauth-' .
		    ($l->{open} ? 'public' : 'protect') . ".conf;\n";
		$text .= $app eq 'http' ? "proxy_pass http://app;\n"
		    : "root $self->{dir}/www;\n";
	}
	return "location $l->{path} {\n$text}\n";
}

sub configure {
	my ($self) = @_;
	my $dir = $self->{dir};
	my $user = is_root() ? 'user ' . getpwuid($>) . ';' : '';
	my $temp = join "\n\t", map { "${_}_temp_path $dir/$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $http = $self->{http} // '';
	my $log = $self->{ids} ? <<"EOT" : 'access_log off;';
log_format ids '\$status \$request_method \$request_uri \$request_id';
	access_log $dir/access.log ids;
EOT
	my $server = $self->{server} //
	    join '', map { $self->location($_) } @{ $self->{locations} };

	$self->snippets;
	spit("$dir/nginx.conf", <<"EOT");
$user
worker_processes $self->{workers};
daemon off;
pid $dir/nginx.pid;
error_log $dir/web.log info;
events { worker_connections 512; }
http {
	$log
	default_type text/html;
	keepalive_requests 100000;
	client_max_body_size 64m;
	$temp
	include fcgiauth/fcgiauth-upstream.conf;
	$http
	server {
		listen 127.0.0.1:$self->{port};
		server_name localhost;
		include fcgiauth/fcgiauth-server.conf;
		$server
	}
}
EOT
	return $self;
}

sub start {
	my ($self) = @_;
	my $dir = $self->{dir};

	$self->configure;
	return $self->run($self->program, '-p', $dir, '-e', "$dir/web.log",
	    '-c', "$dir/nginx.conf");
}

sub worker_pids {
	my ($self) = @_;
	my $pid = $self->{pid};

	return split ' ', slurp("/proc/$pid/task/$pid/children");
}

# Stops the workers with SIGSTOP. thaw() continues them. What happens to their
# connections in the meantime they then learn in the order in which it happened.
sub freeze {
	my ($self) = @_;
	my @workers = $self->worker_pids;

	kill 'STOP', @workers;
	return wait_for(10, sub {
		@workers == grep { slurp("/proc/$_/stat") =~ /\) T / } @workers;
	});
}

sub thaw {
	my ($self) = @_;
	kill 'CONT', $self->worker_pids;
	return;
}

1;
