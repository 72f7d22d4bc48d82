#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that every external function is called from another file of the
# product; one that is not must be static, or is dead code. Reads the objects
# that LIST names (without an argument, those of this folder) and prints TAP.
#
#     check-unused.sh [LIST]
set -eu
list=${1:-tests/tools/product.objects}
if [ ! -s "$list" ]; then
    echo "$list is missing: \`make check\` makes it in the build folder" >&2
    exit 1
fi

# The functions that only tests call. Each makes something visible to a test
# that it could not see or reach otherwise.
excepted='
main                 the C library calls it
__wrap_OS_IpcClose   libfcgi calls it, by --wrap of the linker
__wrap_OS_Read       likewise
__wrap_OS_Write      likewise
accent_contrast      tests prove that each colour can be read
accent_derive        likewise
accent_read          likewise
arena_fail_after     tests let an allocation fail
arena_has_failed     tests check that this allocation was reached
catalogue_of         tests compare the texts of the languages
keyring_name_parse   tests try names that no key file may have
login_floor_left     tests compute waits without waiting
password_kinds       tests check that every row has a test vector
registry_factor_store tests open a factor store by its name
registry_store       tests and bench open a store by its name
settings_parse       tests parse a configuration from text
template_names       tests compare the placeholders of a page with its values
'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2046 # our file names have no blanks
nm -P -g -A $(cat "$list") >"$work/symbols"
awk '$3 == "T" { print $2 }' "$work/symbols" | LC_ALL=C sort -u >"$work/defined"
awk '$3 == "U" { print $2 }' "$work/symbols" | LC_ALL=C sort -u >"$work/used"
printf '%s' "$excepted" | awk 'NF { print $1 }' | LC_ALL=C sort \
    >"$work/excepted"
LC_ALL=C comm -23 "$work/defined" "$work/used" >"$work/unused"

echo 1..3
status=0
# verdict N WHAT FILE: case N passes if FILE is empty.
verdict() {
    if [ ! -s "$3" ]; then
        echo "ok $1 - $2"
    else
        echo "not ok $1 - $2"
        sed 's/^/# /' "$3"
        status=1
    fi
}
if [ "$(wc -l <"$work/defined")" -gt 500 ]; then
    : >"$work/few"
else
    echo "nm found 500 functions or fewer" >"$work/few"
fi
LC_ALL=C comm -23 "$work/unused" "$work/excepted" >"$work/wrong"
LC_ALL=C comm -13 "$work/unused" "$work/excepted" >"$work/idle"
verdict 1 'there are functions' "$work/few"
verdict 2 'functions that no other file calls are static' "$work/wrong"
verdict 3 'every exception is still needed' "$work/idle"
exit "$status"
