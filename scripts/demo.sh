# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by quickstart: runs the service behind nginx, with a user, until
# Ctrl-C.
: "${top:?}"
: "${no_deps?}"

daemon_pid=
nginx_pid=
sockets=

demo_stop() {
    status=$?
    trap '' INT TERM HUP
    for pid in $nginx_pid $daemon_pid; do
        kill -TERM "$pid" 2>/dev/null || :
    done
    for pid in $nginx_pid $daemon_pid; do
        wait "$pid" 2>/dev/null || :
    done
    test -z "$sockets" || rm -rf "$sockets"
    exit "$status"
}

port_is_free() {
    perl -MIO::Socket::INET -e 'IO::Socket::INET->new(
        LocalAddr => "127.0.0.1", LocalPort => shift,
        Listen => 1, ReuseAddr => 1) or die "$!\n"' "$1"
}

port_answers() {
    perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(
        PeerAddr => "127.0.0.1", PeerPort => shift)' "$1"
}

demo_files() {
    rm -rf "$run"
    mkdir -p "$run/fcgiauth" "$run/tmp"
    chmod 700 "$run"
    # The path of a unix socket must be short.
    sockets=$(mktemp -d "${TMPDIR:-/tmp}/fcgiauth.XXXXXX")
    cat >"$run/fcgiauth.ini" <<END
[server]
listen = unix:$sockets/fcgiauth.sock

[store]
path = $run/fcgiauth.db

[users]
path = $run/fcgiauth.db

[cookie]
secure = no    ; the demo speaks plain http on the loopback interface
END
    for file in "$snippets"/*.conf; do
        sed "s|unix:/run/fcgiauth/fcgiauth.sock|unix:$sockets/fcgiauth.sock|" \
            "$file" >"$run/fcgiauth/${file##*/}"
    done
}

# nginx.conf is written in two parts: the web server that asks the service, and
# the application behind it.
nginx_front() {
    user_line=
    if test "$(id -u)" = 0; then
        user_line="user $(id -un) $(id -gn);"
    fi
    cat >"$run/nginx.conf" <<END
$user_line
worker_processes 2;
daemon off;
pid $run/nginx.pid;
error_log $run/nginx.log;
events { worker_connections 256; }
http {
	access_log $run/access.log;
	client_body_temp_path $run/tmp/body;
	proxy_temp_path $run/tmp/proxy;
	fastcgi_temp_path $run/tmp/fastcgi;
	uwsgi_temp_path $run/tmp/uwsgi;
	scgi_temp_path $run/tmp/scgi;

	include fcgiauth/fcgiauth-upstream.conf;

	server {
		listen 127.0.0.1:$port;
		server_name localhost 127.0.0.1;
		include fcgiauth/fcgiauth-server.conf;
		include fcgiauth/fcgiauth-guard.conf;

		location / {
			proxy_pass http://unix:$sockets/app.sock;
		}
	}

END
}

# The application shows only the name and the roles: their characters are
# limited, while e-mail address and full name are free text, and nginx cannot
# escape what it puts into a page.
nginx_application() {
    cat >>"$run/nginx.conf" <<END
	server {
		listen unix:$sockets/app.sock;
		default_type "text/html; charset=utf-8";
END
    cat >>"$run/nginx.conf" <<'END'
		add_header Cache-Control no-store;
		location = / {
			return 200 '<!DOCTYPE html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Protected page</title>
<style>
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem;
	margin: 15vh auto; padding: 0 1rem }
</style>
<h1>Hello, $http_remote_user</h1>
<p>This page belongs to an application that never sees passwords. Its web
server tells it who you are:
<p><code>Remote-User: $http_remote_user</code><br>
<code>Remote-Groups: $http_remote_groups</code>
<p><a href="/auth/logout">Sign out</a>
</html>
';
		}
		location / {
			return 404 "No such page.\n";
		}
	}
}
END
}

start_daemon() {
    "$bin/fcgiauthd" -c "$run/fcgiauth.ini" >"$run/fcgiauthd.log" 2>&1 &
    daemon_pid=$!
    tries=0
    until test -S "$sockets/fcgiauth.sock"; do
        tries=$((tries + 1))
        if test $tries -gt 100 || ! kill -0 "$daemon_pid" 2>/dev/null
        then
            cat "$run/fcgiauthd.log" >&2
            die "fcgiauthd did not start"
        fi
        sleep 0.1
    done
}

start_nginx() {
    nginx -p "$run" -e "$run/nginx.log" -c "$run/nginx.conf" \
        >"$run/nginx.out" 2>&1 &
    nginx_pid=$!
    tries=0
    until port_answers "$port"; do
        tries=$((tries + 1))
        if test $tries -gt 100 || ! kill -0 "$nginx_pid" 2>/dev/null
        then
            cat "$run/nginx.out" "$run/nginx.log" >&2
            die "nginx did not start"
        fi
        sleep 0.1
    done
}

demo_user() {
    password=$(LC_ALL=C tr -dc 'a-hjkmnp-z2-9' </dev/urandom | head -c 16 |
        sed 's/..../&-/g; s/-$//')
    printf '%s\n' "$password" |
        "$bin/fcgiauthctl" -c "$run/fcgiauth.ini" user add demo \
        --role staff --password-stdin >"$run/fcgiauthctl.log" 2>&1 ||
        die "the user was not created: $(cat "$run/fcgiauthctl.log")"
}

# demo PORT CHECK: runs the demo; if CHECK is not empty, signs in and out once
# and stops.
demo() {
    port=$1
    check=$2
    case $port in
    *[!0-9]* | '' | ??????*) die "not a port: $port" ;;
    esac
    if test "$port" -lt 1 || test "$port" -gt 65535; then
        die "not a port: $port"
    fi

    PATH=$PATH:/usr/sbin:/sbin
    test -n "$no_deps" || dependencies demo
    why=$(port_is_free "$port" 2>&1) ||
        die "port $port: $why (choose another one with --port N)"
    autogen
    # A configuration that `test` has made there is used as it is.
    # shellcheck disable=SC2046 # each argument is one word
    build main $(cat "$top/.build/main/arguments" 2>/dev/null || :)
    bin=$top/.build/main
    snippets=$top/conf/nginx
    run=$top/.demo/$port
    demo_serve
}

# Runs the programs in $bin with the nginx snippets in $snippets and all files
# in $run, on $port; $check as above. Ends this shell.
demo_serve() {
    trap demo_stop EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    demo_files
    nginx_front
    nginx_application
    demo_user
    start_daemon
    start_nginx

    if test -n "$check"; then
        printf '%s\n' "$password" |
            perl "$top/tests/tools/demo-check.pl" "$port" demo
        exit
    fi
    cat <<END

  http://127.0.0.1:$port/

  user      demo
  password  $password

Ctrl-C ends the demo. Its files are in .demo/$port
END
    while kill -0 "$daemon_pid" 2>/dev/null &&
        kill -0 "$nginx_pid" 2>/dev/null; do
        sleep 0.5
    done
    tail -n 20 "$run/fcgiauthd.log" "$run/nginx.log" >&2
    die "a server has ended unexpectedly"
}

