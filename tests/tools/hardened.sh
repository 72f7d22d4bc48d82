#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that the built programs have the intended hardening, and prints TAP;
# without an argument, checks those of this folder.
#
#     hardened.sh [PROGRAM...]
test $# -gt 0 || set -- ./fcgiauthd ./fcgiauthctl
n=0
failed=0

# has WHAT PATTERN OPTION...: passes if the output of readelf for $program
# matches.
has() {
    what=$1
    pattern=$2
    shift 2
    n=$((n + 1))
    if readelf "$@" "$program" 2>&1 | grep -Eq -e "$pattern"; then
        echo "ok $n - $program: $what"
    else
        echo "not ok $n - $program: $what"
        readelf "$@" "$program" 2>&1 | head -n 40 | sed 's/^/# /'
        failed=1
    fi
}

# lacks WHAT PATTERN OPTION...: passes if readelf prints something for $program,
# and it does not match.
lacks() {
    what=$1
    pattern=$2
    shift 2
    n=$((n + 1))
    if said=$(readelf "$@" "$program" 2>&1) && test -n "$said" &&
        ! printf '%s\n' "$said" | grep -Eq -e "$pattern"; then
        echo "ok $n - $program: $what"
    else
        echo "not ok $n - $program: $what"
        printf '%s\n' "$said" | grep -E -e "$pattern" | sed 's/^/# /'
        failed=1
    fi
}

for program; do
    has 'position independent' 'Type: +DYN .*Position-Independent|Type: +DYN' \
        -hW
    has 'is a program, not a library' '\(FLAGS_1\).* PIE' -dW
    has 'relocations are read-only' 'GNU_RELRO' -lW
    has 'all symbols are bound at the start' '\(FLAGS_1\).* NOW' -dW
    has 'no code on the stack' 'GNU_STACK.* RW +0x' -lW
    lacks 'no segment is writable and executable' ' RWE ' -lW
    lacks 'no relocation in the code' 'TEXTREL' -dW
    lacks 'no search path for libraries' 'R(UN)?PATH' -dW
    has 'stack protector' '__stack_chk_fail' -W --dyn-syms
    has 'checked string functions' '__[a-z]+_chk@' -W --dyn-syms
done
echo "1..$n"
exit "$failed"
