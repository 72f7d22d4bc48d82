# SPDX-License-Identifier: MIT
# Paths that servers and applications read in different ways, through a real web
# server with the shipped snippets. In public locations, paths with hidden dot
# segments are refused. For random paths, nobody is let in whom a reading would
# refuse, and nobody is refused whom all readings let in. FCGIAUTH_SEED=N
# repeats a run.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my $seed = $ENV{FCGIAUTH_SEED} // time;
note("seed $seed");
srand $seed;

my $web = web_name();
my ($d, $n) = start_site(
	# The requirement of a location counts for every reading as well.
	conf => { server => { locations => '/need/' } },
	locations => [ { path => '/' },
	{ path => '/need/', require => 'role:admin' },
	{ path => '/open/', open => 1 } ]);

my %cookie;
for my $name (qw(bob alice)) {
	my $c = $n->client;
	is(json_sign_in($c, $name)->status, 200, "$name signs in");
	$cookie{$name} = 'fcgiauth=' . token_of($c);
}

sub name { my ($s) = @_; return $s =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger }

# Returns the status and the path that the application got. The path is undef
# when the application was not reached.
sub ask {
	my ($who, $target) = @_;
	my @headers = $cookie{$who} ? (Cookie => $cookie{$who}) : ();
	my $a = $n->client->request('GET', $target, headers => \@headers);
	my ($given) = $a->body =~ /^THE APPLICATION\nGET (\S+) /;

	return ($a->status, $given);
}

# In public locations there is no check. The web server itself refuses paths
# that lead out of them.
subtest 'paths in public locations' => sub {
	my @hidden = ('%252e%252e#x', '\..#', qw(
	    ..;/admin ..;x=1/admin .;/x ..%3b/admin ..%253b/admin
	    %2e%2e;/admin ..%5cadmin ..%5Cadmin ..%255cadmin ..\admin
	    \..\admin %5c..%5cadmin ..%252fadmin x%252f..%252fadmin
	    %252e%252e/admin %252E%252e%252Fadmin .%252e/admin
	    %25%32%65%25%32%65/admin ..%25%32%66admin ..%25%35%63admin
	    ..%25%33%62/admin %252e ..; .%5c));
	my @plain = qw(x a/b.c/ ..x/y .x x.. ... a;b=..c a;../b a%252eb
	    %252e%252e%252e/x 100%25 a%25b .%252ex/y ?..;/admin
	    x?a=%252e%252e/ x?/..%5cy);

	for my $path (@hidden) {
		my ($status, $given) = ask('', "/open/$path");

		like($status, qr/^40[034]$/, "$path is refused");
		is($given, undef, "$path reaches no application");
	}
	for my $path (@plain) {
		my (undef, $given) = ask('', "/open/$path");

		is($given, "/open/$path", "$path reaches the application");
	}
	for my $path (qw(/open/../admin /open/x/../../admin)) {
		my ($status, $given) = ask('', $path);
		is($status, 401, "$path is outside of the public location");
		is($given, undef, "$path reaches no application");
	}
	# A parser of URLs reads this as /admin of a host. lighttpd cannot
	# recognize it.
	for my $path (qw(//open/admin ///open/admin /%2fopen/admin
	    /%2Fopen/admin http://x//open/admin)) {
		next if $web eq 'lighttpd';
		my (undef, $given) = ask('', $path);

		is($given, undef, "$path reaches no application");
	}
	# Behind lighttpd, HTTP applications get the normalized path.
	for my $path (qw(/admin/../open/x /open/%2e%2e/open/x)) {
		next if $web eq 'lighttpd';
		my ($status, $given) = ask('', $path);
		like($status, qr/^40[034]$/, "$path is refused");
		is($given, undef, "$path reaches no application");
	}
};

# After the sign-in the browser returns to the address as it was written.
subtest 'return URLs' => sub {
	my %back = ("/\xc3\xbc?\xc3\xbc\\" => '/%C3%BC?%C3%BC%5C',
	    map { $_ => $_ } qw(/a;b=c/d /100%25.txt /a%23%3Fb?c=%2F),
	    $web eq 'apache' ? () : qw(/@scope%2fpackage /api/queues/%2F/x));

	for my $target (sort keys %back) {
		my $c = $n->client;
		my $to = $c->page($target)->header('location');
		my $page = $c->page($to);
		my $a = $c->post_form('/auth/login', [ username => 'bob',
			password => $PASSWORD, rd => $page->field('rd'),
			csrf => $page->field('csrf') ]);

		is($a->status, 303, name($target) . ': the sign-in succeeds');
		is($a->header('location'), $back{$target},
		    'the redirect leads to the address');
		is($c->page($back{$target})->status, 200,
		    'the address is allowed');
	}
};

# The steps by which servers and applications change a path.
my %step = (
	d => sub { $_[0] =~ s/%([0-9a-f]{2})/chr hex $1/gier },
	c => sub { $_[0] =~ s{;[^/]*}{}gr },
	b => sub { $_[0] =~ tr{\\}{/}r },
	m => sub { $_[0] =~ s{//+}{/}gr },
	h => sub { $_[0] =~ m{^//+[^/]*(.*)}s ? $1 || '/' : $_[0] },
	r => sub {
		my @in = split m{/}, substr($_[0], 1), -1;
		my @out;

		for my $i (0 .. $#in) {
			if ($in[$i] eq '..') {
				pop @out;
			} elsif ($in[$i] ne '.') {
				push @out, $in[$i];
				next;
			}
			push @out, '' if $i == $#in;
		}
		return '/' . join '/', @out;
	},
);

sub run_steps {
	my ($letters, $path) = @_;

	$path = $step{$_}->($path) for split //, $letters;
	return $path;
}

# Returns all results of these steps in every order, with at most two decodings.
sub readings {
	my ($path, $letters) = @_;
	my %seen;
	my @todo = ([ $path, 0 ]);

	while (my $next = pop @todo) {
		my ($s, $decoded) = @$next;

		next if $seen{$s}{$decoded}++;
		for my $letter (split //, $letters) {
			my $again = $decoded + ($letter eq 'd' ? 1 : 0);
			push @todo, [ $step{$letter}->($s), $again ]
			    if $again <= 2;
		}
	}
	return keys %seen;
}

sub dots { my ($s) = @_; return scalar grep { /^\.\.?\z/ } split m{/}, $s, -1 }

sub hides_dots {
	my ($path) = @_;
	return grep { dots($_) > dots($path) } readings($path, 'dcb');
}

# Replaces escapes that do not change the meaning of the path.
sub as_sent {
	my ($target) = @_;
	return $target =~ s{(%([0-9a-f]{2}))}{
	    my $byte = chr hex $2; $byte =~ /[ \x80-\xff]/ ? $byte : uc $1 }gier;
}

my %require = (
	'user' => { bob => 1, alice => 1 },
	'public' => { '' => 1, bob => 1, alice => 1 },
	'role:admin' => { alice => 1 },
	'user:bob' => { bob => 1 },
	'deny' => {},
);
# The configuration file has the rules in this order.
my @sites = (
	[],
	[ [ path => '/admin/closed', 'deny' ], [ path => '/admin', 'role:admin' ],
	    [ path => '/public/', 'public' ], [ path => '/bob', 'user:bob' ],
	    [ path => '/need', 'user' ] ],
	[ [ path_regex => '.*/admin(/.*)?', 'role:admin' ],
	    [ path => '/public/', 'user:bob' ], [ path => '/', 'user' ] ],
	[ [ path => '/public', 'public' ], [ path => '/bob/', 'role:admin' ],
	    [ path => '/', 'user' ] ],
);

sub let_in {
	my ($rules, $who, $path) = @_;

	for my $rule (@$rules) {
		my ($key, $text, $words) = @$rule;
		my $fits = $key eq 'path_regex' ? $path =~ m{^(?:$text)\z}s
		    : $text =~ m{/\z} ? index($path, $text) == 0
		    : $path =~ m{^\Q$text\E(?:/|\z)};

		return $require{$words}{$who} if $fits;
	}
	return !@$rules && $require{user}{$who};
}

my @segments = (qw(admin public bob need open closed a b.c admin public bob
    need open a), '', qw(%61dmin a%64min %2561dmin public%2fadmin a%2Fb
    need%2fx need;x need%252fx need\y admin%252fx admin;x bob;a=b ;x a%3Bb a%253bb a\b admin\x a%5Cb
    admin%255cx 100%25 @s%2fp a%20b a%23b %C3%A9 . ..), "\xc3\xa9");
my @bad = qw(%2e%2e ..; %252e%252e ..%5c ..%2fadmin .%3bx ..\admin %2e);

sub make_path {
	my $path = join '', map { '/' . (rand(20) < 1 ? $bad[ rand @bad ]
	    : rand() < 0.5 ? $segments[ rand 14 ] : $segments[ rand @segments ]) }
	    1 .. 1 + rand 4;
	return rand() < 0.3 ? "$path/" : $path;
}

# Returns true when the path leads above the root.
sub climbs {
	my $depth = 0;

	for (split m{/+}, $_[0]) {
		$depth += $_ eq '..' ? -1 : /^\.?\z/ ? 0 : 1;
		return 1 if $depth < 0;
	}
	return 0;
}

# Returns true for paths that web servers refuse or redirect themselves.
sub is_for_server {
	my ($path) = @_;

	return climbs($path) || ($web eq 'nginx' &&
		run_steps('dmr', $path) =~ m{^/(?:need|open)\z}) ||
	    ($web eq 'apache' && $path =~ /%2f/i);
}

my %seen;

# Returns true for paths that lead out of a public location. lighttpd removes
# ".." itself and cannot recognize a host.
sub is_way_out {
	my ($path) = @_;

	$path = run_steps('mr', $path =~ s/%2e/./gir =~ s{%2f}{/}gir)
	    if $web eq 'lighttpd';
	return 1 if $web ne 'lighttpd' &&
	    grep { m{^/[/\\]} } readings($path, 'd');
	return hides_dots($path) || $path =~ m{/\.\.(?:/|\z)};
}

sub try_path {
	my ($rules, $target) = @_;
	my $path = as_sent($target);
	my @readings = readings($path, 'dcbmrh');
	my $hidden = hides_dots($path);
	my $read = run_steps('dmr', $path);	# by the web server
	my $open = $read =~ m{^/open/};
	my $need = $read =~ m{^/need/};
	my $below = grep { m{^/need/} } @readings;
	my $torn = $below > 0 && $below < @readings;
	my @wrong;

	for my $who ('', 'bob', 'alice') {
		my ($status, $given) = ask($who, $target);
		my @no = grep { !let_in($rules, $who, $_) } @readings;
		my $may = $open ? !is_way_out($path) : !$hidden && !@no &&
		    !$torn && (!$need || $require{'role:admin'}{$who});
		my $label = name($target) . ' by ' . ($who || 'nobody') .
		    " ($status)";

		push @wrong, "$label: was let in" if defined $given && !$may;
		# Apache requires a user even where a rule says public.
		push @wrong, "$label: was refused" if !defined $given && $may &&
		    !is_for_server($path) &&
		    ($web ne 'apache' || $open || $who ne '');
		$seen{ defined $given ? 'let in' : $hidden ? 'hidden'
			: $torn ? 'torn'
			: @no && @no < @readings ? 'ambiguous' : 'refused' }++;
		next if !defined $given || $open;
		# A proxied application may read the path that it got in these
		# ways.
		for my $app (qw(d dr dmr cd cdr cdmr dc r mr dbmr h bh), '') {
			my $as = run_steps($app, as_sent($given));
			push @wrong,
			    "$label: an application reads $as by '$app'"
			    if !let_in($rules, $who, $as) ||
			    ($as =~ m{^/need/} && !$require{'role:admin'}{$who});
		}
	}
	return @wrong;
}

for my $i (0 .. $#sites) {
	my $rules = $sites[$i];
	my $n = 0;

	$d->configure("rule $i-" . $n++ => { $_->[0] => $_->[1],
		require => $_->[2] }) for @$rules;
	if ($i > 0) {
		my $before = () = $d->log_text =~ /\breloaded\b/g;

		delete $d->{conf}{ 'rule ' . ($i - 1) . "-$_" }
		    for 0 .. $#{ $sites[ $i - 1 ] };
		$d->configure->reload;
		ok(wait_for(10, sub { $before <
		    (() = $d->log_text =~ /\breloaded\b/g) }),
		    'the daemon reloads');
	}
	my @wrong = map { try_path($rules, make_path()) } 1 .. 120;
	is_deeply(\@wrong, [],
	    "the rules of site $i hold for random paths, seed $seed");
}

ok(($seen{$_} // 0) > 20, "more than 20 paths are: $_")
    for 'let in', 'refused', 'hidden', 'ambiguous', 'torn';
$d->stop_ok;
done_testing;
