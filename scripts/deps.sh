# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by quickstart: the packages that the build and the tests need.
: "${top:?}"

# Prints the Build-Depends of debian/control, one a line, its alternatives with
# `|`, without versions.  The test's own are marked <!nocheck> there; debhelper
# is for making packages only.
wanted() {
    awk -v what="$1" '
    /^[^ \t#]/ { in_field = /^Build-Depends:/ }
    in_field { sub(/^Build-Depends:/, ""); all = all $0 }
    END {
        n = split(all, entry, ",")
        for (i = 1; i <= n; i++) {
            e = entry[i]
            test_only = e ~ /<!nocheck>/
            gsub(/\([^)]*\)|\[[^]]*\]|<[^>]*>|[ \t]/, "", e)
            if (e == "" || e ~ /^debhelper/)
                continue
            if (what == "demo" && test_only && e !~ /nginx/)
                continue
            print e
        }
    }' "$top/debian/control"
    # These are what build-essential means here.
    printf '%s\n' gcc make libc6-dev
}

installed() {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" \
        = installed
}

# Nobody can install what apt does not know, once it knows anything.
unknown() {
    test -n "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null)" &&
        ! apt-cache show "$1" >/dev/null 2>&1
}

# Node.js often comes from elsewhere, and npm of Debian brings hundreds.
has_node() {
    command -v node >/dev/null && command -v npm >/dev/null
}

# Prints the first of each group of alternatives of which none is installed.
missing() {
    for group in $(wanted "$1"); do
        found=
        first=${group%%|*}
        case $first in
        nodejs | npm) has_node && continue ;;
        esac
        for package in $(printf '%s' "$group" | tr '|' ' '); do
            if installed "$package"; then
                found=yes
            fi
        done
        test -n "$found" && continue
        if unknown "$first"; then
            say "no package $first here, going on without" >&2
            continue
        fi
        printf '%s\n' "$first"
    done
}

# Where there is no apt, nothing is installed; what is missing is named.
no_debian() {
    for tool in autoreconf automake pkg-config cc make nginx; do
        command -v $tool >/dev/null && continue
        say "This is no Debian: please install what these Debian packages" \
            "hold, then try again:" >&2
        wanted "$1" | sed 's/^/  /' >&2
        die "$tool is missing (--no-deps skips this check)"
    done
}

# dependencies demo|test: installs what is missing for it.
dependencies() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null
    then
        no_debian "$1"
        return 0
    fi
    # shellcheck disable=SC2046 # one word a package
    set -- $(missing "$1")
    test $# -gt 0 || return 0
    say "installing: $*"
    sudo=
    if test "$(id -u)" != 0; then
        command -v sudo >/dev/null ||
            die "not root, and no sudo: please install: $*"
        sudo=sudo
    fi
    mkdir -p "$top/.build"
    if ! $sudo sh "$top/scripts/install-packages.sh" "$@" \
        >"$top/.build/apt.log" 2>&1; then
        tail -n 20 "$top/.build/apt.log" >&2
        die "the packages could not be installed: $*" \
            "(all of it: .build/apt.log)"
    fi
    grep '^quickstart:' "$top/.build/apt.log" || :
}
