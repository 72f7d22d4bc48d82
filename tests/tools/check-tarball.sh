#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that a tarball has all files that git has, but for those that only git
# reads. Prints what is missing.
#
#     check-tarball.sh TARBALL TOP
set -eu
git -C "$2" rev-parse --git-dir >/dev/null 2>&1 || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar tf "$1" | sed 's|^[^/]*/||' | sort >"$work/has"
git -C "$2" ls-files | grep -vx '\.gitignore' | sort >"$work/wants"
missing=$(comm -13 "$work/has" "$work/wants")
test -z "$missing" && exit 0
printf 'missing in %s:\n%s\n' "$1" "$missing" >&2
exit 1
