#!/bin/sh
# SPDX-License-Identifier: MIT
# Is every external function called from another file of the product?  One that
# is not is to be static, or is dead.  Reads the objects that LIST names, as
# TAP; without an argument, those of this folder.
#
#     check-unused.sh [LIST]
set -eu
list=${1:-tests/tools/product.objects}

# Tests have functions of their own only where they could not see or reach
# otherwise what they ask for.
excepted='
main                 the C library calls it
__wrap_OS_IpcClose   libfcgi calls it, by --wrap of the linker
__wrap_OS_Read       likewise
__wrap_OS_Write      likewise
arena_fail_after     tests let an allocation fail
arena_has_failed     tests ask whether it was reached
hash_slots_count     tests wait until logins wait
loop_count           tests wait until connections are at rest
keyring_name_parse   tests ask for names that no key file may have
login_floor_left     tests ask for waits without waiting
password_kinds       tests ask for a vector of every row
registry_store       tests and bench open a store by its name
settings_parse       tests have a configuration as text
template_names       tests compare what a page has with what it is given
template_text        tests compare it with the file it is made of
'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2046 # names of ours have no blanks
nm -P -g -A $(cat "$list") >"$work/symbols"
awk '$3 == "T" { print $2 }' "$work/symbols" | LC_ALL=C sort -u >"$work/defined"
awk '$3 == "U" { print $2 }' "$work/symbols" | LC_ALL=C sort -u >"$work/used"
printf '%s' "$excepted" | awk 'NF { print $1 }' | LC_ALL=C sort \
	>"$work/excepted"
LC_ALL=C comm -23 "$work/defined" "$work/used" >"$work/unused"

echo 1..3
status=0
# verdict N WHAT FILE: FILE is empty.
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
	echo "nm has found next to no functions" >"$work/few"
fi
LC_ALL=C comm -23 "$work/unused" "$work/excepted" >"$work/wrong"
LC_ALL=C comm -13 "$work/unused" "$work/excepted" >"$work/idle"
verdict 1 'there are functions' "$work/few"
verdict 2 'what no other file calls is static' "$work/wrong"
verdict 3 'no exception is left over' "$work/idle"
exit "$status"
