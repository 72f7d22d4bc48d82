# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by quickstart: installs the packages that the build and the tests
# need.
: "${top:?}"

# Prints the Build-Depends of debian/control, one a line, with alternatives
# separated by `|` and without versions. Those that only the test needs are
# marked <!nocheck> there; debhelper is needed only to make packages.
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
    # These are the needed parts of build-essential.
    printf '%s\n' gcc make libc6-dev
}

installed() {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" \
        = installed
}

# True if apt has lists of packages, and this package is not in them.
unknown() {
    test -n "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null)" &&
        ! apt-cache show "$1" >/dev/null 2>&1
}

# Node.js is often not a Debian package, and Debian's npm needs hundreds of
# others.
has_node() {
    command -v node >/dev/null && command -v npm >/dev/null
}

# Prints the first alternative of each group of which none is installed.
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
            say "package $first does not exist here, skipped" >&2
            continue
        fi
        printf '%s\n' "$first"
    done
}

# Without apt, nothing is installed; the missing packages are named.
no_debian() {
    for tool in autoreconf automake pkg-config cc make nginx; do
        command -v $tool >/dev/null && continue
        say "This is not Debian: please install what these Debian packages" \
            "contain, then try again:" >&2
        wanted "$1" | sed 's/^/  /' >&2
        die "$tool is missing (--no-deps skips this check)"
    done
}

# dependencies demo|test: installs the packages that are missing for it.
dependencies() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null
    then
        no_debian "$1"
        return 0
    fi
    # shellcheck disable=SC2046 # each package is one word
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
            "(complete log: .build/apt.log)"
    fi
    grep '^quickstart:' "$top/.build/apt.log" || :
}
