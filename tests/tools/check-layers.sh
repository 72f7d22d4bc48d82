#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks which folder includes which (HACKING.md, "Layers"): compares the
# #include lines of src and backends with the table below.
# usage: check-layers.sh SRCDIR
set -eu
cd "${1:-.}"

# A folder, then the folders that it may include. The first row that matches
# decides; SELF is the backend's own folder.
table='
src/base base
src/os base os
src/conf base os conf
src/crypto base crypto
src/http base conf http
src/mail base os conf mail
src/strategy base os conf crypto strategy
src/modes base os conf crypto http strategy modes
src/pages base http pages
src/auth base os conf crypto http strategy modes pages auth
src/server base os conf crypto http mail strategy modes pages auth server
src/webserver base os webserver
src/ctl base os conf crypto http mail strategy modes pages auth webserver ctl
backends/redis/client base conf backends/redis/client
backends/ base os conf strategy SELF
'

row_of() {
    printf '%s\n' "$table" | while read -r prefix rest; do
        case $1 in
        "${prefix:-none}"*) printf '%s\n' "$rest"; break ;;
        esac
    done
}

may_include() { # HEADER ALLOWED SELF
    for folder in $2; do
        test "$folder" != SELF || folder=$3
        case $1 in "$folder"/*) return 0 ;; esac
    done
    return 1
}

bad=0
for f in src/*/*.[ch] backends/*/*.[ch] backends/*/*/*.[ch]; do
    self=$(printf '%s\n' "$f" | cut -d / -f 1,2)
    allowed=$(row_of "$f")
    [ -n "$allowed" ] || { echo "$f: is in no layer"; bad=1; continue; }
    # shellcheck disable=SC2013 # names of headers have no blanks
    for header in $(sed -n 's/^#[ ]*include "\([^"]*\)".*/\1/p' "$f"); do
        case $header in
        config.h | backends/backends.inc) continue ;;
        */*) ;;
        *) echo "$f: \"$header\" needs its folder"; bad=1; continue ;;
        esac
        may_include "$header" "$allowed" "$self" || {
            echo "$f: includes $header, but may include only: $allowed"
            bad=1
        }
    done
done
exit $bad
