#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom (HACKING.md, "Layers"): reads the #include lines of src
# and backends against the table below.  usage: check-layers.sh SRCDIR
set -eu
cd "${1:-.}"

# folder or backend prefix, then the folders it may include
table='
src/base base
src/conf base conf
src/crypto base crypto
src/http base conf http
src/api base conf crypto api backends
src/auth base conf crypto http api auth
src/server base conf crypto http api auth server
src/ctl base conf crypto http api auth ctl
backends/mode_ base conf crypto http api backends
backends/ base conf api backends
'
bad=0
for f in src/*/*.[ch] backends/*.[ch]; do
    allowed=$(printf '%s\n' "$table" | while read -r prefix rest; do
        case $f in
        "${prefix:-none}"*) printf '%s\n' "$rest"; break ;;
        esac
    done)
    [ -n "$allowed" ] || { echo "$f: in no layer"; bad=1; continue; }
    for header in $(sed -n 's/^#[ ]*include "\([^"]*\)".*/\1/p' "$f"); do
        case $header in
        config.h) continue ;;
        */*) folder=${header%%/*} ;;
        *) echo "$f: \"$header\" is not named with its folder"; bad=1; continue ;;
        esac
        case " $allowed " in
        *" $folder "*) ;;
        *) echo "$f: includes $header, but may include only: $allowed"; bad=1 ;;
        esac
    done
done
exit $bad
