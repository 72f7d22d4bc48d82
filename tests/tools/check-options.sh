#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that every option is in the example file and in the manual, and that
# the example file has no others. Each line of NAMES_FILE is `section.key` or
# `section.driver.key` (settings_names() of src/conf/settings.h). Without
# arguments, checks the build that quickstart made; exits with 77 if there is
# none. With --partial NAMES_FILE lacks the options of a backend that is not
# compiled in, so the example file may have others.
set -eu

partial=
if [ "${1:-}" = --partial ]; then
    partial=yes
    shift
fi

if [ $# -eq 0 ]; then
    top=$(cd "$(dirname "$0")/../.." && pwd)
    build=$top/.build/main
    if [ ! -e "$build/doc/man/options.names" ]; then
        echo "there is no build to check: \`./quickstart test unit\` makes one"
        exit 77
    fi
    set -- "$build/doc/man/options.names" "$top/conf/fcgiauth.ini" \
        "$build/doc/man/fcgiauth.ini.5"
fi
if [ $# -ne 3 ]; then
    echo "usage: check-options.sh [--partial] NAMES_FILE INI_FILE MANUAL_PAGE" >&2
    exit 2
fi
for file do
    if [ ! -s "$file" ]; then
        echo "check-options: $file must have contents, but is missing or" \
            "empty" >&2
        exit 1
    fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# A key of a driver is written in the section of its kind.
sed 's/^\([^.]*\)\..*\.\([^.]*\)$/\1.\2/' "$1" | LC_ALL=C sort -u \
    >"$work/names"

# `;key = value` is an option with its default, `; text` is a comment.
sed -n '
    s/^;\{0,1\}\[\([a-z_]*\)[^]]*\].*/[\1/p
    s/^;\{0,1\}\([A-Za-z0-9_]\{1,\}\) *=.*/\1/p
' "$2" | awk '/^\[/ { section = substr($0, 2); next }
    { print section "." $0 }' | LC_ALL=C sort -u >"$work/ini"

sed -n '
    s/^\.Ss \[\([a-z_]*\)[^]]*\].*/[\1/p
    s/^\.It Ic \([A-Za-z0-9_]*\) Ns = .*/\1/p
' "$3" | awk '/^\[/ { section = substr($0, 2); next }
    { print section "." $0 }' | LC_ALL=C sort -u >"$work/manual"

status=0
complain() { # FILE WHAT
    while read -r name; do
        echo "check-options: $name $2"
        status=1
    done <"$1"
}

LC_ALL=C comm -23 "$work/names" "$work/ini" >"$work/missing"
complain "$work/missing" "is not in $2"
LC_ALL=C comm -23 "$work/names" "$work/manual" >"$work/missing"
complain "$work/missing" "is not in $3"
LC_ALL=C comm -13 "$work/names" "$work/ini" >"$work/unknown"
[ -n "$partial" ] || complain "$work/unknown" "is in $2, but is not an option"
exit $status
