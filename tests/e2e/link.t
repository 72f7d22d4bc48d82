# SPDX-License-Identifier: MIT
# Links of fcgiauthctl: one sets a new password, the other makes a user.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use FCGIAuth::Site;
use FCGIAuth::Test;
use Test::More;

my ($d, $n) = start_site();
my $NEW = 'a quite different phrase';
my $count = 0;
my @links; # that were made

# Returns the path of a new link.
sub link_of {
	my (@args) = @_;
	my ($code, $out, $errors) = $d->ctl('link', @args,
	    '--url', 'https://www.example.com');
	is($code, 0, "link @args") or diag($errors);
	my ($path) = $out =~
	    m{^https://www\.example\.com(/auth/link/[A-Za-z0-9_-]{43})\n\z};
	ok($path, 'the output is the link alone') or diag($out);
	push @links, $path if $path;
	return $path // '/auth/link/x';
}

# Sends the form of a link; %with replaces fields.
sub send_form {
	my ($c, $path, %with) = @_;
	my $page = $c->page($path);
	my %fields = (csrf => $page->field('csrf') // '', new => $NEW,
	    again => $with{new} // $NEW, %with);
	return $c->post_form($path, [ %fields ]);
}

sub phrase { return 'phrase of the number ' . ++$count }

sub is_gone {
	my ($a, $what) = @_;
	is($a->status, 404, $what);
	unlike($a->body, qr{/auth/link/\w}, 'the page does not show the link');
	return like($a->body, qr/does not work any more/,
	    'the page says what happened');
}

subtest 'a new password' => sub {
	my ($old, $c) = ($n->client, $n->client);
	json_sign_in($old, 'alice');
	my $path = link_of('reset', 'alice');
	for (1, 2) {
		my $a = $n->client->page($path);
		is($a->status, 200, 'GET shows the form');
		like($a->body, qr{<bdi>alice</bdi>}, 'it names the user');
		like($a->body, qr{name="username" value="alice"},
		    'and has the name for password managers');
		is($a->header('cache-control'), 'no-store', 'it is not cached');
		is($a->header('referrer-policy'), 'strict-origin',
		    'the link is in no Referer');
	}
	is($n->client->request(HEAD => $path)->status, 200, 'so does HEAD');
	is(json_sign_in($n->client, 'alice')->status, 200,
	    'the old password is still right');

	my $a = send_form($c, $path, new => 'short');
	is($a->status, 422, 'a short password is refused');
	like($a->body, qr/too short/, 'the page says why');
	is(send_form($c, $path, again => 'x')->status, 422,
	    'two that differ are refused');
	is(send_form($c, $path, csrf => 'x')->status, 403,
	    'a foreign form is refused');
	$a = $c->request(POST => $path, headers => [
		Origin => 'https://evil.example',
		'Content-Type' => 'application/x-www-form-urlencoded' ],
	    body => "new=$NEW&again=$NEW");
	is($a->status, 403, 'another site is refused');
	ok($old->xhr('/auth/me')->status == 200, 'nothing was changed');

	$a = send_form($c, $path);
	is($a->status, 303, 'the password is set');
	is($a->header('location'), '/auth/login?new=password',
	    'the browser is led to the login page');
	$a = $c->page($a->header('location'));
	like($a->body, qr/password is set/, 'which says so');
	unlike($c->get('/auth/login?new=password', Accept => 'text/html',
	    'Sec-Fetch-Site' => 'cross-site')->body, qr/password is set/,
	    'a link of another site does not make it say so');
	is($old->xhr('/auth/me')->status, 401, 'the sessions have ended');
	is(json_sign_in($n->client, 'alice')->status, 401,
	    'the old password is wrong');
	is(json_sign_in($n->client, 'alice', password => $NEW)->status, 200,
	    'the new one is right');
	is_gone(send_form($c, $path), 'the link does not work again');
	is_gone($n->client->page($path), 'nor does its page');
	like($d->log_text, qr/password_changed.*user=alice.*why=link/,
	    'the log tells');
};

subtest 'a link that is not valid' => sub {
	my $first = link_of('reset', 'bob');
	my $second = link_of('reset', 'bob');
	is_gone($n->client->page($first), 'a newer link voids an older one');
	is($n->client->page($second)->status, 200, 'the newer one works');
	for my $path ('/auth/link/' . 'A' x 43, '/auth/link/x') {
		is_gone($n->client->page($path), "GET $path");
		is($n->client->post_json($path, { new => $NEW })->status, 404,
		    "POST $path");
	}
	my ($code, $out, $errors) = $d->ctl(qw(user disable bob));
	is($code, 0, 'bob is disabled') or diag($errors);
	is_gone($n->client->page($second), 'then the link does not work');
	($code, $out, $errors) = $d->ctl(qw(link reset bob --url https://x.de));
	is($code, 1, 'and no other one is made');
	like($errors, qr/disabled/, 'the message says why');
	$d->ctl(qw(user enable bob));
	is_gone($n->client->page($second), 'nor when bob is enabled again');

	my $third = link_of('reset', 'bob');
	($code, $out) = $d->ctl(\$FCGIAuth::Daemon::PASSWORD,
	    qw(user passwd bob --password-stdin));
	is_gone($n->client->page($third), 'a new password voids it');
};

sub import_users {
	my ($text) = @_;
	my ($code, undef, $errors) = $d->ctl(\$text, qw(user import -));
	return is($code, 0, 'users are imported') || diag($errors);
}

subtest 'a user who is changed by an import' => sub {
	my $path = link_of('reset', 'bob');
	my $hash = crypt('an imported phrase', '$6$rounds=1000$saltsalt$');

	import_users("bob:$hash\n");
	is_gone($n->client->page($path), 'a new password voids a link');
	$path = link_of('reset', 'bob');
	is(json_sign_in($n->client, 'bob', password => 'an imported phrase')
	    ->status, 200, 'a sign-in replaces the hash');
	is($n->client->page($path)->status, 200, 'that is no new password');
	import_users(qq({"name":"bob","disabled":true}\n));
	import_users(qq({"name":"bob","disabled":false}\n));
	is_gone($n->client->page($path), 'a disabled user has no links left');
};

subtest 'at the same time' => sub {
	my $path = link_of('reset', 'bob');
	my @clients = map { $n->client } 1 .. 16;
	my @pages = map { $_->page($path) } @clients;
	my @children;
	my $dir = tempdir();

	for my $i (0 .. $#clients) {
		push @children, my $pid = fork // die "fork: $!";
		next if $pid;
		$clients[$i]->close;
		my $a = $clients[$i]->post_form($path, [
			csrf => $pages[$i]->field('csrf'),
			new => "$NEW $i", again => "$NEW $i" ]);
		spit("$dir/$i", $a->status);
		POSIX::_exit(0);
	}
	waitpid $_, 0 for @children;
	my @done = grep { slurp("$dir/$_") eq '303' } 0 .. $#clients;
	is(scalar @done, 1, 'one of 16 sets the password');
	is(json_sign_in($n->client, 'bob', password => "$NEW $done[0]")->status,
	    200, 'it is that one');
};

subtest 'an invitation' => sub {
	my $c = $n->client;
	my $path = link_of(qw(invite carol --role staff --role wiki));
	my $a = $c->page($path);
	is($a->status, 200, 'GET shows the form');
	like($a->body, qr/staff,wiki/, 'with the roles');
	is(json_sign_in($n->client, 'carol', password => $NEW)->status, 401,
	    'there is no such user yet');
	is(send_form($c, $path, new => 'carol')->status, 422,
	    'the name as the password is refused');
	$a = send_form($c, $path);
	is($a->status, 303, 'the user is made');
	like($c->page($a->header('location'))->body, qr/password is set/,
	    'the login page says so');
	is_deeply(json_sign_in($c, 'carol', password => $NEW)
	    ->json->{user}{roles}, [qw(staff wiki)], 'the user has the roles');
	is_gone(send_form($n->client, $path), 'the link works once');
	like($d->log_text,
	    qr/audit user_added user=carol roles=staff,wiki why=link/,
	    'the log has the roles');

	my ($code, undef, $errors) = $d->ctl(qw(link invite --role boss),
	    qw(--url https://www.example.com));
	like($errors,
	    qr/audit link_made kind=invite seconds=604800 roles=boss /,
	    'so has the audit line of a link');
	($code, undef, $errors) = $d->ctl(qw(link invite carol),
	    qw(--url https://www.example.com));
	is($code, 1, 'nobody is invited twice');
	like($errors, qr/exists/, 'the message says why');
};

subtest 'an invitation with a name to choose' => sub {
	my $c = $n->client;
	my $path = link_of(qw(invite --role staff));
	is(send_form($c, $path, username => 'a b')->status, 422,
	    'a text that is no name is refused');
	my $a = send_form($c, $path, username => 'alice');
	is($a->status, 422, 'so is the name of another user');
	like($a->body, qr/is taken/, 'the page says why');
	my $refused = qr/audit link_refused user=alice why=name_taken/;
	like($d->log_text, $refused, 'it is audited');
	is(send_form($c, $path, username => 'bob', new => 'short')
	    ->body =~ /too short/ ? 1 : 0, 1, 'the password is checked first');
	unlike($d->log_text, qr/link_refused user=bob/, 'and then the name');
	is(send_form($c, $path, username => ' dave ')->status, 303,
	    'the user is made');
	is(json_sign_in($n->client, 'dave', password => $NEW)->status, 200,
	    'the user can sign in');
	is_gone($c->page($path), 'the link works once');
};

# Others get the name between the invitation and its use.
subtest 'an invitation for a name that is taken' => sub {
	$d->configure(users => { %{ $d->store->users }, case => 'fold',
		email => 'yes' })->reload;
	ok(wait_for(10, sub {
		json_sign_in($n->client, 'DAVE', password => $NEW)
		    ->status == 200 }), 'the case does not matter now');
	my %taken = (Frank => 'frank', 'g@example.com' => 'grace');
	for my $name (sort keys %taken) {
		my $path = link_of(invite => $name);
		$d->add_user($taken{$name}, email => 'g@example.com');
		is_gone(send_form($n->client, $path), "$name is taken");
		is($n->client->post_json($path, { new => $NEW })->status, 404,
		    'also by a program');
		is(($d->ctl(qw(user show), $name))[0], 1, 'nobody is added');
		like($d->log_text,
		    qr/audit link_refused user=\Q$name\E why=name_taken/,
		    'it is audited');
		$d->ctl(qw(user delete), $taken{$name});
		is(send_form($n->client, $path)->status, 303,
		    'the link works when the name is free');
		$d->ctl(qw(user delete), $name);
	}
	$d->configure(users => { case => undef, email => undef })->reload;
};

subtest 'by a program' => sub {
	my $path = link_of('reset', 'alice');
	my $a = $n->client->post_json($path, { new => 'short' });
	is($a->status, 422, 'a refusal is 422');
	is($a->json->{error}, 'password_refused', 'with an error code');
	$a = $n->client->post_json($path, { new => phrase() });
	is($a->status, 204, 'a new password is 204');
};

subtest 'the address of a link' => sub {
	my @reset = qw(link reset alice);
	my ($code, $out, $errors) = $d->ctl(@reset);
	is($code, 1, 'without hosts, --url is needed');
	like($errors, qr/server\.hosts.*--url/, 'the message says so');
	for ('www.example.com', 'https://x.de/path', 'javascript:x') {
		($code) = $d->ctl(@reset, '--url', $_);
		is($code, 1, "$_ is no origin");
	}
	for ('1s', '31d', 'x') {
		($code) = $d->ctl(@reset, qw(--url https://x.de --ttl), $_);
		is($code, 1, "$_ is no life of a link");
	}
	for ([ 'www.example.com', 'https://www.example.com' ],
	    [ 'http://a.example:8080', 'http://a.example:8080' ]) {
		my ($hosts, $origin) = @$_;
		$d->configure(server => { hosts => $hosts });
		($code, $out) = $d->ctl(@reset);
		like($out, qr{^\Q$origin\E/auth/link/}, "hosts = $hosts");
	}
	my $own = $n->client->origin;
	$d->configure(server => { hosts => $own })->reload;
	($code, $out) = $d->ctl(@reset);
	my ($path) = $out =~ m{^\Q$own\E(/auth/link/\S+)};
	push @links, $path;
	is($n->client->page($path // '/')->status, 200, 'the link works');
	ok(wait_for(10, sub { $n->client->request(GET => $path // '/',
		headers => [ Host => 'evil.example' ])->status == 400 }),
	    'under a foreign host it does not');
	$d->configure(server => { hosts => undef })->reload;
};

subtest 'no links' => sub {
	my $path = link_of('reset', 'alice');
	$d->configure(account => { reset => 'no' })->reload;
	wait_for(10, sub { $n->client->page($path)->status == 404 });
	is_gone($n->client->page($path), 'a link does not work');
	my ($code, undef, $errors) = $d->ctl(qw(link reset alice));
	is($code, 1, 'none is made');
	like($errors, qr/reset = no/, 'the message says why');
	$d->configure(account => { reset => undef })->reload;
};

subtest 'the log' => sub {
	my $log = $d->log_text;
	like($log, qr{csrf_refused.* path=/auth/link/ },
	    'a refused form is in the log');
	like($log, qr{unknown_host.* path=/auth/link/ }, 'a foreign host, too');
	is(scalar(grep { index($log, $_) >= 0 } @links), 0,
	    'without the secrets of the links');
};

done_testing();
