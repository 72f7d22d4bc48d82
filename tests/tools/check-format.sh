#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks that all C files are formatted as .clang-format says, or formats them.
# Exits with 77 without clang-format 14, as other versions break lines at other
# places.
#
#     check-format.sh [--write] SRCDIR
set -eu
mode='--dry-run --Werror'
if [ "${1:-}" = --write ]; then
    mode=-i
    shift
fi
cd "${1:-.}"

for program in clang-format-14 clang-format ''; do
    [ -n "$program" ] || { echo 'clang-format 14 is missing'; exit 77; }
    "$program" --version 2>/dev/null | grep -q 'version 14\.' && break
done
# shellcheck disable=SC2086 # several words
find src backends tests bench doc -name '*.[ch]' \
    -exec "$program" $mode --style=file {} +
