# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by quickstart: makes the builds below .build/, and their logs.
: "${top:?}"

jobs=$(nproc 2>/dev/null || echo 2)

# logged NAME COMMAND...: runs the command with its output in .build/NAME.log,
# and shows the end of that file if it fails.
logged() {
    log=$top/.build/$1.log
    shift
    "$@" >"$log" 2>&1 && return 0
    tail -n 40 "$log" >&2
    printf 'quickstart: failed: %s\n(complete log: %s)\n' "$*" "$log" >&2
    return 1
}

# Makes configure, unless it is newer than all files that it is made of.
autogen() {
    cd "$top" || exit 1
    test ! -e config.status ||
        die "the source folder itself is configured: run make distclean first"
    mkdir -p .build
    if test -x configure && test -e Makefile.in && test -z "$(find \
        configure.ac Makefile.am autogen.sh m4 src backends conf doc tests \
        bench -newer configure \( -name configure.ac -o -name Makefile.am \
        -o -name autogen.sh -o -name '*.m4' -o -name local.mk \))"; then
        return 0
    fi
    say "making configure"
    logged autogen ./autogen.sh
}

# configured NAME [ARGUMENT of configure...]: configures .build/NAME, outside of
# the source tree.
configured() {
    name=$1
    shift
    dir=$top/.build/$name
    mkdir -p "$dir"
    if ! test -e "$dir/Makefile" ||
        test "$top/configure" -nt "$dir/config.status" ||
        test "$(cat "$dir/arguments" 2>/dev/null)" != "$*"; then
        say "configuring .build/$name"
        rm -f "$dir/arguments"
        cd "$dir" || return 1
        logged "$name-configure" "$top/configure" "$@" || return 1
        printf '%s\n' "$*" >"$dir/arguments"
    fi
}

# build NAME [ARGUMENT of configure...]: configures .build/NAME and makes the
# programs.
build() {
    configured "$@" || return 1
    say "building .build/$name"
    logged "$name-make" make -C "$dir" -j "$jobs"
}
