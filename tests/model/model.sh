#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the model of the cache and the change feed with spin, exhaustively, and
# that each mistake which can be put into it is found. README.md has the list.
set -eu

srcdir=${srcdir:-.}
model=$(cd "$srcdir/tests/model" && pwd)/cache.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# name, the define of the mistake (-: none), and who ends the session
cases='
an-end-here - own
an-end-elsewhere - other
moment-late MOMENT_LATE own
moment-late-elsewhere MOMENT_LATE other
added-as-new ADDED_AS_NEW own
no-raise-after-open NO_RAISE_AFTER_OPEN other
until-from-end UNTIL_FROM_END other
proof-overtakes PROOF_OVERTAKES other
answer-first ANSWER_FIRST own
stamp-wrong STAMP_WRONG own
trust-ignored TRUST_IGNORED other
'

if ! command -v spin >/dev/null; then
    echo "1..0 # SKIP spin is not installed"
    exit 0
fi

# Runs spin on the model with the given defines; prints its report.
search() {
    (
        cd "$dir"
        spin -a "$@" "$model" >spin.log
        ${CC:-cc} -O2 -DSAFETY -DHC4 -o pan pan.c
        ./pan -m1000000 -w24
    ) 2>&1
}

n=0
echo "1..$(echo "$cases" | grep -c ' ')"
echo "$cases" | grep ' ' | while read -r name mistake who; do
    n=$((n + 1))
    set --
    [ "$mistake" = - ] || set -- "-D$mistake"
    [ "$who" = own ] || set -- "$@" -DOTHER_ENDS
    report=$(search "$@") || true
    case $mistake in
    -)
        what="$name: every promise holds"
        good='errors: 0$' ;;
    *)
        what="$name: the mistake is found"
        good='assertion violated' ;;
    esac
    if echo "$report" | grep -q "$good" &&
        ! echo "$report" | grep -q 'max search depth too small'; then
        echo "ok $n - $what"
    else
        echo "not ok $n - $what"
        echo "$report" | tail -n 20 | sed 's/^/# /'
    fi
done
