#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the rules of HACKING.md that a script can check.
# usage: check-style.sh SRCDIR
set -eu
cd "${1:-.}"
bad=0
complain() {
    echo "$1"
    bad=1
}

files=$(find src backends tests bench -name '*.[ch]' | sort)

# Functions that must not be called; the exceptions are listed below.
banned='strcpy strcat sprintf vsprintf strncpy strtok atoi atol gets localtime
gmtime rand srand time clock_gettime system popen alloca setjmp longjmp'
for f in $(find src backends -name '*.c' | sort); do
    for word in $banned; do
        case "$f $word" in
        "src/base/env.c clock_gettime") continue ;; # the real clock
        "src/auth/login_floor.c clock_gettime") continue ;; # the time used
        "src/server/janitor.c clock_gettime") continue ;; # the deadline of a
                                                          # condition variable
        esac
        grep -nE "(^|[^_[:alnum:]>.])$word\(" "$f" /dev/null &&
            complain "$f: $word() is banned"
    done
    grep -nE '^[[:space:]]*static [^(]*[;=]' "$f" | grep -vE 'const|_Thread_local' &&
        complain "$f: mutable static"
done

for f in $files; do
    lines=$(wc -l <"$f")
    [ "$lines" -le 500 ] || complain "$f: $lines lines, the limit is 500"
    head -n 1 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
        complain "$f: no SPDX line on top"
    grep -nE '(^|[^:"])//( |$)' "$f" && complain "$f: // comment"
    grep -nE '[[:space:]]+$' "$f" && complain "$f: trailing white space"
    grep -nE '^[[:space:]]*/?\*.*\.  [^[:space:]]' "$f" &&
        complain "$f: two blanks after a full stop"
    grep -n '^	*typedef struct' "$f" && complain "$f: typedef of a struct"
    awk -v f="$f" '
        /^{/ { start = NR }
        /^}/ && start { if (NR - start > 60)
            printf "%s:%d: function of %d lines\n", f, start, NR - start
            start = 0 }
        {
            line = ""
            rest = $0
            while ((at = index(rest, "\t")) > 0) {
                line = line substr(rest, 1, at - 1)
                line = line substr("        ", length(line) % 8 + 1)
                rest = substr(rest, at + 1)
            }
            line = line rest
        }
        length(line) > 80 && !/https?:/ { printf "%s:%d: %d columns\n",
            f, NR, length(line) }
    ' "$f" >"${TMPDIR:-/tmp}/check-style.$$"
    if [ -s "${TMPDIR:-/tmp}/check-style.$$" ]; then
        cat "${TMPDIR:-/tmp}/check-style.$$"
        bad=1
    fi
    rm -f "${TMPDIR:-/tmp}/check-style.$$"
done
# A name of a static function belongs to one file, so that a debugger, a profile
# and grep say which one is meant.
# shellcheck disable=SC2046 # names of ours have no blanks
twice=$(awk 'FNR == 1 { last = "" }
    last != "" && /^[a-z0-9_]+\(/ {
        name = $0
        sub(/\(.*/, "", name)
        is_static = last ~ /^static /
        if (name in file && file[name] != FILENAME &&
            (is_static || static[name]))
            printf "%s and %s: %s()\n", file[name], FILENAME, name
        file[name] = FILENAME
        if (is_static)
            static[name] = 1
    }
    { last = $0 }' $(find src backends bench -name '*.c' | sort))
[ -z "$twice" ] || complain "$twice: prefix the name with that of the file"

# The same holds for the tag of a struct, a union or an enum.
# shellcheck disable=SC2046 # names of ours have no blanks
twice=$(awk '{
    rest = $0
    while (match(rest, /(struct|union|enum) [a-z0-9_]+ \{/)) {
        split(substr(rest, RSTART, RLENGTH), word, " ")
        tag = word[2]
        if (tag in file && file[tag] != FILENAME)
            printf "%s and %s: %s %s\n", file[tag], FILENAME, word[1], tag
        file[tag] = FILENAME
        rest = substr(rest, RSTART + RLENGTH)
    }
}' $(find src backends bench -name '*.[ch]' | sort))
[ -z "$twice" ] || complain "$twice: prefix the tag with the name of its file"

# Words of the third column of "Words" in HACKING.md that have no other meaning
# here, and pronouns for persons.
words='anew|blame[ds]?|deaf|dearest|dice|forgive[ns]?|he|him|his|judge[ds]?'
words="$words|mercy|she|swallow(s|ed)?|whoever|whomever"
if grep -rnwiE "$words" src backends scripts quickstart bench conf systemd \
    debian README.md SECURITY.md NEWS.md CONTRIBUTING.md doc tests \
    --exclude=common_passwords.txt --exclude=check-style.sh \
    --exclude-dir=corpus --exclude-dir=node_modules; then
    complain 'HACKING.md, "Words", names a better word'
fi
exit $bad
