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
src/pages base os conf http pages
src/auth base os conf crypto http strategy modes pages auth
src/server base os conf crypto http mail strategy modes pages auth server
src/webserver base os webserver
src/ctl base os conf crypto http mail strategy modes pages auth webserver ctl
backends/redis/client base conf backends/redis/client
backends/ base os conf strategy SELF
'

awk -v table="$table" '
    BEGIN {
        rows = split(table, row, "\n")
        for (i = 1; i <= rows; i++) {
            at = index(row[i], " ")
            prefix[i] = substr(row[i], 1, at - 1)
            list[i] = substr(row[i], at + 1)
        }
    }
    FNR == 1 {
        split(FILENAME, part, "/")
        self = part[1] "/" part[2]
        allowed = ""
        for (i = 1; i <= rows && allowed == ""; i++)
            if (prefix[i] != "" && index(FILENAME, prefix[i]) == 1)
                allowed = list[i]
        if (allowed == "")
            complain("is in no layer")
    }
    function complain(what) {
        print FILENAME ": " what
        bad = 1
    }
    function may_include(header, n, folder, i) {
        n = split(allowed, folder, " ")
        for (i = 1; i <= n; i++) {
            sub(/^SELF$/, self, folder[i])
            if (index(header, folder[i] "/") == 1)
                return 1
        }
        return 0
    }
    allowed != "" && /^#[ ]*include "[^"]*"/ {
        split($0, quoted, "\"")
        header = quoted[2]
        if (header == "config.h" || header == "backends/backends.inc")
            next
        if (header !~ /\//)
            complain("\"" header "\" needs its folder")
        else if (!may_include(header))
            complain("includes " header ", but may include only: " allowed)
    }
    END { exit bad }' src/*/*.[ch] backends/*/*.[ch] backends/*/*/*.[ch]
