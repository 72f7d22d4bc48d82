# SPDX-License-Identifier: MIT
# The rows of bench/compare that measure fcgiauth, and their names. A row is a
# default configuration except for what its spec says:
#
#	mode	session, jwt or refresh
#	store	sqlite, redis, postgres or memory; in mode jwt for revocations
#	alg	the algorithm of the tokens
#	many	the store has many sessions, of which the usual number is used
#	rules	the number of rules
#	roles	the number of roles of the user
#	cache	off; or small, which no token survives; or its size
package Compare::Rows;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(row_name basic_specs all_specs commas $NULL_UPSTREAM
	$NULL_RESPONDER $NGINX_ALONE $FAST_JWT $EXPRESS $GLEWLWYD $APACHE $APACHE_DBD
	$APACHE_CRYPTO %STORE_NAMES);

our $NGINX_ALONE = 'nginx alone';
our $NULL_UPSTREAM = 'null upstream (nginx, HTTP)';
our $NULL_RESPONDER = 'null responder on our loop';
our $FAST_JWT = 'fast-jwt with its cache, HS256';
our $EXPRESS = 'express-session + connect-redis';
our $GLEWLWYD = 'glewlwyd, session';
our $APACHE = 'Apache, unprotected';
our $APACHE_DBD = 'Apache mod_auth_form, session_dbd';
our $APACHE_CRYPTO = 'Apache mod_auth_form, session_crypto';

our %STORE_NAMES = (sqlite => 'SQLite', redis => 'Redis',
    postgres => 'Postgres', memory => 'memory');

sub commas {
	my ($n) = @_;
	1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
	return $n;
}

# Returns the name of a row, which identifies it.
sub row_name {
	my (%spec) = @_;
	my $name = $spec{mode};

	$name .= " $spec{alg}" if $spec{mode} eq 'jwt';
	$name .= ($spec{mode} eq 'jwt' ? ', revocation in ' : ', ') .
	    $STORE_NAMES{ $spec{store} } if $spec{store};
	$name .= ', many sessions' if $spec{many};
	$name .= ', ' . commas($spec{rules}) . ' rules' if $spec{rules};
	$name .= ", $spec{roles} roles" if $spec{roles};
	$name .= ', cache off' if ($spec{cache} // '') eq 'off';
	$name .= ', fresh tokens' if ($spec{cache} // '') eq 'small';
	return $name;
}

my @STORES = qw(sqlite redis postgres);
my @ALGORITHMS = qw(HS256 RS256 ES256 EdDSA);

# Every mode on every store, with the default configuration.
sub basic_specs {
	return (
		(map { { mode => 'session', store => $_ } } @STORES, 'memory'),
		(map { { mode => 'jwt', alg => $_ } } @ALGORITHMS),
		(map { { mode => 'jwt', alg => 'HS256', store => $_ } }
			@STORES),
		(map { { mode => 'refresh', store => $_ } } @STORES),
	);
}

# Each as a hit and with the cache off, if that makes a difference.
sub all_specs {
	my @basic = basic_specs();
	my @more = ((map { my $rules = $_; (
		{ mode => 'session', store => 'sqlite', rules => $rules },
		{ mode => 'jwt', alg => 'HS256', rules => $rules }) } 20, 1000),
	    { mode => 'session', store => 'sqlite', roles => 30 },
	    { mode => 'jwt', alg => 'HS256', roles => 30 });
	my @many = map { { mode => 'session', store => $_, many => 1 } }
	    @STORES;

	return (@basic, (map { { %$_, cache => 'off' } } @basic), @more,
	    { mode => 'session', store => 'sqlite', rules => 1000,
		cache => 'off' },
	    { mode => 'jwt', alg => 'HS256', roles => 30, cache => 'off' },
	    @many, (map { { %$_, cache => 'off' } } @many),
	    { mode => 'jwt', alg => 'RS256', cache => 'small' });
}

1;
