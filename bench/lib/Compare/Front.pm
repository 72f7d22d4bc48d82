# SPDX-License-Identifier: MIT
# The nginx in front of all responders. Each has a virtual host of its own, in
# which the same small file is protected; for fcgiauth by the shipped snippets,
# unchanged except for the name of the upstream.
package Compare::Front;

use strict;
use warnings;

use Bench qw(accepts_soon);
use FCGIAuth::Test;
use Compare::Machine qw(with_children);

my $FILE = 'x' x 100;

sub new {
	my ($class, %arg) = @_;
	my $dir = tempdir();
	my $self = bless { dir => $dir, port => free_port(),
		workers => $arg{workers}, hosts => '', upstreams => '' },
	    $class;

	chmod 0711, "$dir";
	mkdir "$dir/www";
	spit("$dir/www/f", $FILE);
	$self->snippets('fcgiauth');
	return $self;
}

sub dir { my ($self) = @_; return "$self->{dir}" }

# Writes the snippets into a folder, with another name of the upstream.
sub snippets {
	my ($self, $name) = @_;
	my $to = "$self->{dir}/$name";

	mkdir $to;
	for my $file (glob top() . '/conf/nginx/*') {
		my $text = slurp($file);
		$text =~ s/\bfastcgi_pass fcgiauth;/fastcgi_pass $name;/g;
		$text =~ s{\binclude fcgiauth/}{include $name/}g;
		spit($to . '/' . ($file =~ m{([^/]+)$})[0], $text);
	}
	return;
}

sub add_host {
	my ($self, $name, $text) = @_;

	$self->{hosts} .= <<"EOT";
	server {
		listen 127.0.0.1:$self->{port};
		server_name $name;
		$text
	}
EOT
	return { port => $self->{port}, host => $name, path => '/f' };
}

# Returns the upstream of the shipped snippets.
sub shipped_upstream {
	my ($text) = slurp(top() . '/conf/nginx/fcgiauth-upstream.conf') =~
	    /^(upstream fcgiauth \{.*?^\})/ms or die 'no upstream';
	return $text;
}

# Adds a host whose check goes to a service of ours. Returns where its requests
# go to.
sub add_service {
	my ($self, $name, $address) = @_;
	my $shipped = shipped_upstream();

	$shipped =~ s/^upstream fcgiauth/upstream $name/;
	$shipped =~ s/server unix:[^;]+;/server $address;/;
	$self->{upstreams} .= "$shipped\n";
	$self->snippets($name);
	return $self->add_host($name, <<"EOT");
include $name/fcgiauth-server.conf;
		location / { include $name/fcgiauth-protect.conf; }
EOT
}

# Adds a host whose check goes to a path of an HTTP server. As many connections
# are kept as to a service of ours.
sub add_http {
	my ($self, $name, $address, $path) = @_;
	my ($keepalive) = shipped_upstream() =~ /^\s*(keepalive \d+;)/m;

	$self->{upstreams} .=
	    "upstream $name { server $address; $keepalive }\n";
	return $self->add_host($name, <<"EOT");
location / { auth_request /_check; }
		location = /_check {
			internal;
			proxy_pass http://$name$path;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header Connection "";
			proxy_http_version 1.1;
		}
EOT
}

# Adds a host whose endpoints are those of an HTTP server.
sub add_pass {
	my ($self, $name, $address) = @_;
	return $self->add_host($name, <<"EOT");
location / { proxy_pass http://$address; }
EOT
}

# Starts an nginx with this configuration of `http`; returns its process id.
sub spawn_nginx {
	my ($dir, $name, $workers, $http) = @_;
	my $nginx = in_path('nginx') or
	    die "nginx is missing (Debian: nginx)\n";
	my $user = is_root() ? 'user ' . getpwuid($>) . ';' : '';
	my $temp = join "\n\t", map { "${_}_temp_path $dir/$name-$_;" }
	    qw(client_body proxy fastcgi uwsgi scgi);

	spit("$dir/$name.conf", <<"EOT");
$user
worker_processes $workers;
daemon off;
pid $dir/$name.pid;
error_log $dir/$name.log warn;
events { worker_connections 4096; }
http {
	access_log off;
	default_type text/html;
	keepalive_requests 10000000;
	server_names_hash_bucket_size 128;
	$temp
	$http
}
EOT
	return spawn($name, "$dir/$name.out", $nginx, '-p', $dir,
	    '-e', "$dir/$name.log", '-c', "$dir/$name.conf");
}

sub start {
	my ($self) = @_;
	my $dir = $self->{dir};

	$self->{pid} = spawn_nginx($dir, 'front', $self->{workers}, <<"EOT");
	root $dir/www;
	include fcgiauth/fcgiauth-upstream.conf;
	$self->{upstreams}
	$self->{hosts}
EOT
	accepts_soon($self->{port}) or die 'nginx does not start: ' .
	    slurp("$dir/front.out") . slurp("$dir/front.log");
	return $self;
}

# Starts another nginx that answers 204 to everything; returns { pid, address }.
sub null_upstream {
	my ($self) = @_;
	my $socket = "$self->{dir}/null.sock";
	my $pid = spawn_nginx($self->{dir}, 'null', $self->{workers},
	    <<"EOT");
	server { listen unix:$socket; location / { return 204; } }
EOT

	wait_for(15, sub { -S $socket }) or
	    die 'nginx does not start: ' . slurp("$self->{dir}/null.log");
	return { pid => $pid, address => "unix:$socket" };
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'TERM', $pid;
	return reap($pid, 10);
}

sub processes {
	my ($self) = @_;
	return with_children($self->{pid});
}

1;
