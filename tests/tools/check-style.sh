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

# Each check reads all files at once: a process for each of them would take
# minutes on a busy machine.
# shellcheck disable=SC2046 # names of ours have no blanks
set -- $(find src backends tests bench -name '*.[ch]' | sort)
# shellcheck disable=SC2046
product=$(find src backends -name '*.c' | sort)

# Complains about lines, if there are any.
complain_of() {
    [ -z "$2" ] || complain "$2: $1"
}

# Functions that must not be called; the exceptions are the real clock, the time
# that a thread used, and the deadline of a condition variable.
banned='strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|gets|localtime'
banned="$banned|gmtime|rand|srand|time|clock_gettime|system|popen|alloca"
banned="$banned|setjmp|longjmp"
clocks='src/(base/env|auth/login_floor|server/janitor)\.c'
# shellcheck disable=SC2086
complain_of 'this function is banned' \
    "$(grep -nE "(^|[^_[:alnum:]>.])($banned)\(" $product |
        grep -vE "^$clocks:.*clock_gettime")"
# shellcheck disable=SC2086
complain_of 'mutable static' \
    "$(grep -nE '^[[:space:]]*static [^(]*[;=]' $product |
        grep -vE 'const|_Thread_local')"

complain_of '// comment' "$(grep -nE '(^|[^:"])//( |$)' "$@")"
complain_of 'trailing white space' "$(grep -nE '[[:space:]]+$' "$@")"
complain_of 'two blanks after a full stop' \
    "$(grep -nE '^[[:space:]]*/?\*.*\.  [^[:space:]]' "$@")"
complain_of 'typedef of a struct' "$(grep -n '^	*typedef struct' "$@")"
complain_of 'see "Rules" in HACKING.md' "$(awk '
    function end_of_file() {
        if (file != "" && lines > 500)
            printf "%s: %d lines, the limit is 500\n", file, lines
    }
    FNR == 1 {
        end_of_file()
        file = FILENAME
        start = 0
        if (!/SPDX-License-Identifier: MIT/)
            printf "%s: no SPDX line on top\n", file
    }
    { lines = FNR }
    /^{/ { start = FNR }
    /^}/ && start {
        if (FNR - start > 60)
            printf "%s:%d: function of %d lines\n", file, start, FNR - start
        start = 0
    }
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
    length(line) > 80 && !/https?:/ {
        printf "%s:%d: %d columns\n", file, FNR, length(line)
    }
    END { end_of_file() }' "$@")"

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
if grep -rnIwiE "$words" src backends scripts quickstart bench conf systemd \
    debian README.md SECURITY.md NEWS.md CONTRIBUTING.md doc tests \
    src/pages/texts/en.txt --exclude-dir=texts \
    --exclude=common_passwords.txt --exclude=check-style.sh \
    --exclude-dir=corpus --exclude-dir=node_modules; then
    complain 'HACKING.md, "Words", names a better word'
fi
exit $bad
