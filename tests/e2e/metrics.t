# SPDX-License-Identifier: MIT
# The metrics: what is counted, who may read them, that only their own snippet
# shows them, and that Prometheus and the shipped alarms and dashboard understand
# them.
# FCGIAUTH_WEB names the web server.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use JSON::PP qw(decode_json);
use Test::More;

my $web = web_name();
my $own_port = free_port();
# A server of its own that serves the metrics, as the snippets say.
my %serving = (
	nginx => { http => "server { listen 127.0.0.1:$own_port; " .
		"include fcgiauth/fcgiauth-metrics.conf; }" },
	apache => { after => "Listen 127.0.0.1:$own_port\n" .
		"<VirtualHost *:$own_port>\nUse FcgiauthServer\n" .
		"Use FcgiauthMetrics\n</VirtualHost>\n" },
	lighttpd => { after => "\$SERVER[\"socket\"] == " .
		"\"127.0.0.1:$own_port\" {\n" .
		"include \"fcgiauth/fcgiauth-metrics.conf\"\n}\n" },
);
my ($d, $n) = start_site(%{ $serving{$web} },
    conf => { metrics => { enabled => 'yes' } }, locations => [
	@FCGIAuth::Site::PLAN,
	{ path => '/admin/', require => 'role:admin' },
]);

# Asks the service itself, as the snippet for metrics does.
sub ask_for {
	my (%params) = @_;
	return $d->ask(REQUEST_URI => '/auth/metrics',
	    REMOTE_ADDR => '127.0.0.1', AUTH_METRICS => 'yes', %params);
}

# Returns { 'name{labels}' => value }.
sub values_of {
	my ($text) = @_;
	return { $text =~ /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/mg };
}

sub now { return values_of(ask_for()->{body}) }

subtest 'what is counted' => sub {
	my $before = now();
	my ($bob, $nobody) = map { $n->client } 1, 2;
	sign_in($bob, 'bob');
	sign_in($nobody, 'bob', password => 'wrong');
	$bob->get('/x') for 1 .. 3;
	$bob->get('/admin/x');
	$nobody->get('/x');
	$bob->post_json('/auth/logout', {});
	my $after = now();
	my $grown = sub { ($after->{ $_[0] } // 'none') -
		($before->{ $_[0] } // 0) };

	is($grown->("fcgiauth_checks_total{mode=\"session\",verdict=\"$_->[0]\"}"),
	    $_->[1], "checks: $_->[0]")
	    for [ allowed => 3 ], [ 401 => 1 ], [ 403 => 1 ], [ 503 => 0 ];
	is($grown->("fcgiauth_logins_total{outcome=\"$_->[0]\"}"), $_->[1],
	    "sign-ins: $_->[0]") for [ success => 1 ], [ failure => 1 ];
	is($grown->('fcgiauth_sessions_started_total'), 1, 'a session began');
	is($grown->('fcgiauth_sessions_ended_total{reason="logout"}'), 1,
	    'and ended');
	is($after->{"fcgiauth_backend_up{section=\"$_\"}"}, 1, "$_ is up")
	    for qw(store users);
	cmp_ok($grown->('fcgiauth_backend_seconds_count{section="store"}'),
	    '>', 2, 'operations of the store are counted');
	cmp_ok($after->{'fcgiauth_backend_seconds_count{section="factors"}'},
	    '>', 0, 'those of the factor store, too');
	is((grep { /^fcgiauth_feed\{/ && $after->{$_} } keys %$after), 1,
	    'the feed has one state');
	cmp_ok($after->{fcgiauth_connections}, '>=', 1,
	    'connections are counted');
	is((grep { /bob|alice|admin/ } keys %$after), 0,
	    'no label is the name of a user or a path');
	ok(!(grep { !/^fcgiauth_/ } keys %$after), 'all names have the prefix');
};

subtest 'a reload keeps the counters' => sub {
	my $before = now();
	$d->reload;
	my $name = 'fcgiauth_reloads_total{result="success"}';
	ok(wait_for(10, sub { now()->{$name} > $before->{$name} }),
	    'the reload is counted');
	is(now()->{'fcgiauth_logins_total{outcome="success"}'},
	    $before->{'fcgiauth_logins_total{outcome="success"}'},
	    'the counters go on');
};

subtest 'who may read them' => sub {
	my $alice = $n->client;
	sign_in($alice, 'alice');
	for my $path ('/auth/metrics', '/auth/%6detrics', '/auth/./metrics',
		'//auth/metrics', '/auth/x/../metrics', '/auth/metrics?a=b') {
		for my $client ($n->client, $alice) {
			my $answer = $client->get($path);
			isnt($answer->status, 200, "$path is hidden")
			    if $path ne '/auth/metrics';
			is($answer->status, 404, "$path is 404")
			    if $path eq '/auth/metrics';
			unlike($answer->body, qr/fcgiauth_checks/,
			    'the answer has no metrics');
		}
	}
	is(ask_for(REMOTE_ADDR => $_)->{status}, 404,
	    "404 from the network of $_") for '192.0.2.1', '2001:db8::1';
	is(ask_for(REMOTE_ADDR => '::1')->{status}, 200, '200 from ::1');
	is($d->ask(REQUEST_URI => '/auth/metrics',
	    REMOTE_ADDR => '127.0.0.1')->{status}, 404,
	    'a web server that does not say AUTH_METRICS does not show them');
	is(ask_for(AUTH_METRICS => 'no')->{status}, 404,
	    'nor one that says no');
	my $own = FCGIAuth::Client->new(port => $own_port)
	    ->get('/auth/metrics');
	is($own->status, 200, 'the snippet for metrics serves them');
	like($own->header('Content-Type'), qr{^text/plain; version=0\.0\.4\b},
	    'as text for Prometheus');
	like($own->body, qr/^fcgiauth_build_info\{version="/m,
	    'with the version');
};

# The service counts when it starts, and then once a minute.
subtest 'who is signed in' => sub {
	sign_in($n->client, 'bob') for 1, 2;
	my ($code, $said) = $d->ctl(qw(session list --count));
	my ($sessions, $users) = $said =~ /(\d+)/g;

	cmp_ok($sessions, '>=', 2, 'bob is signed in twice') or diag($said);
	is($d->stop, 0, 'the daemon stops');
	$d->start;
	ok(wait_for(20, sub {
		my $now = now();
		return ($now->{'fcgiauth_signed_in{of="sessions"}'} // 0) ==
		    $sessions &&
		    ($now->{'fcgiauth_signed_in{of="users"}'} // 0) == $users;
	}), 'the metrics have as many') or diag(ask_for()->{body});
};

# Returns the exit status and the output of promtool.
sub promtool {
	my ($input, @arguments) = @_;
	my $dir = tempdir();

	spit("$dir/in", $input);
	my ($code, $out, $err) = capture('sh', '-c',
	    "promtool @arguments <$dir/in");
	return ($code, ($out // '') . ($err // ''));
}

my $conf = top() . '/conf';
my @families = ask_for()->{body} =~ /^# TYPE (\S+)/mg;

subtest 'promtool' => sub {
	plan(skip_all => 'no promtool here') unless in_path('promtool');
	my ($code, $said) = promtool(ask_for()->{body}, 'check metrics');
	is($code, 0, 'promtool accepts the metrics') or diag($said);
	is($said, '', 'and has nothing to say');
	my $rules = "$conf/prometheus/fcgiauth.rules.yml";
	($code, $said) = promtool('', "check rules $rules");
	is($code, 0, 'promtool accepts the alarms') or diag($said);
	my $dir = tempdir();
	my $test = slurp(top() . '/tests/e2e/prometheus/alarms.yml');
	spit("$dir/fcgiauth.rules.yml", slurp($rules));
	spit("$dir/alarms.yml", $test);
	($code, $said) = promtool('', "test rules $dir/alarms.yml");
	is($code, 0, 'the alarms ring when they should') or diag($said);
	my @missing = grep { $test !~ /alertname: $_\b/ }
	    slurp($rules) =~ /alert: (\S+)/g;
	is("@missing", '', 'each alarm is tested');
};

# Returns the metrics in an expression.
sub metrics_in {
	my ($text) = @_;
	return map { s/_(?:bucket|sum|count)$//r } $text =~ /\b(fcgiauth_\w+)/g;
}

subtest 'alarms and dashboard name metrics that exist' => sub {
	my %known = map { $_ => 1 } map { s/_(?:bucket|sum|count)$//r }
	    @families;
	my $dashboard = decode_json(slurp("$conf/grafana/fcgiauth.json"));
	my @queries = map { $_->{expr} } map { @{ $_->{targets} } }
	    @{ $dashboard->{panels} };
	my @alarms = slurp("$conf/prometheus/fcgiauth.rules.yml") =~
	    /expr: (.*)/g;

	cmp_ok(scalar @queries, '>=', 15, 'the dashboard has queries');
	for my $text (@queries, @alarms) {
		my @named = metrics_in($text);
		ok(@named, "a query: $text");
		is(join(' ', grep { !$known{$_} } @named), '',
		    'its metrics exist');
	}
	my $guide = slurp(top() . '/doc/guides/monitoring.md');
	is(join(' ', grep { $guide !~ /\b$_\b/ } @families), '',
	    'the guide has all metrics');
	my %ids = map { $_->{id} => 1 } @{ $dashboard->{panels} };
	is(keys %ids, @{ $dashboard->{panels} }, 'each panel has its own ID');
};

subtest 'disabled' => sub {
	$d->stop_ok;
	$d->configure(metrics => { enabled => undef });
	$d->start;
	is(ask_for()->{status}, 404, 'by default there is no such page');
	is(FCGIAuth::Client->new(port => $own_port)->get('/auth/metrics')
	    ->status, 404, 'neither with the snippet');
	$d->stop_ok;
};

done_testing;
