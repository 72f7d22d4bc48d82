#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the rules of "Commit" in CONTRIBUTING.md that a script can check: the
# messages of the commits after the one that FILE names, up to HEAD. Exits with
# 77 and prints a reason if there is no history to read.
#
#     check-commits.sh SRCDIR [FILE]
#
# FILE has a line `from HASH`, and lines `except HASH REASON`. No commit can
# contain its own hash, so `from` is the parent that the commit that added this
# check had when it was written. This parent stays an ancestor when that commit
# is rebased.
set -eu
dir=${1:-.}
file=${2:-$dir/tests/tools/commits-checked}

skip() {
    echo "$1"
    exit 77
}

# A tarball that is unpacked inside a repository does not belong to it.
[ -e "$dir/.git" ] || skip 'no repository'
command -v git >/dev/null || skip 'no git'
shallow=$(git -C "$dir" rev-parse --is-shallow-repository 2>&1) ||
    skip "$shallow"

from=$(sed -n 's/^from \([0-9a-f]\{40\}\)$/\1/p' "$file")
if [ -z "$from" ]; then
    echo "$file: needs one line: from HASH"
    exit 1
fi
if ! git -C "$dir" merge-base --is-ancestor "$from" HEAD 2>/dev/null; then
    [ "$shallow" = false ] || skip "the clone is shallow and lacks $from"
    echo "$file: $from is not an ancestor of HEAD"
    exit 1
fi
while read -r word hash reason; do
    case $word in
    '' | '#'* | from) ;;
    except)
        git -C "$dir" cat-file -e "$hash^{commit}" 2>/dev/null &&
            [ -n "$reason" ] && continue
        [ "$shallow" = true ] && [ -n "$reason" ] && continue
        echo "$file: needs: except HASH REASON: $word $hash $reason"
        exit 1
        ;;
    *)
        echo "$file: a line must begin with from or except: $word"
        exit 1
        ;;
    esac
done <"$file"

# Each commit is one record: its hash, its subject, its body, and the number of
# lines that it adds and removes in each file; a file that is only renamed has
# none.
git -C "$dir" rev-list --reverse --no-merges "$from..HEAD" |
    git -C "$dir" diff-tree --stdin --always -r -M --numstat \
        --format='%x01%H%n%s%n%b%x02' |
    LC_ALL=C awk -v file="$file" '
    BEGIN {
        while ((getline line <file) > 0)
            if (split(line, word, " ") > 2 && word[1] == "except")
                excepted[word[2]] = 1
    }

    function complain(what) {
        if (hash in excepted)
            return
        printf "%s %s: %s\n", substr(hash, 1, 12), subject, what
        bad = 1
    }

    # Returns the number of characters, in UTF-8.
    function width(text) {
        gsub(/[\200-\277]/, "", text)
        return length(text)
    }

    function check_subject(    verb) {
        if (width(subject) > 72)
            complain("subject of " width(subject) " characters")
        if (subject ~ /\.$/)
            complain("subject ends with a dot")
        if (subject !~ /^[A-Za-z][A-Za-z0-9_.\/-]*(, [A-Za-z][A-Za-z0-9_.\/-]*)*: [a-z]/) {
            complain("subject is not `area: imperative, lower case`")
            return
        }
        verb = subject
        sub(/^[^:]*: /, "", verb)
        sub(/[^a-z].*/, "", verb)
        if (verb ~ /(ed|ing|[^su]s)$/ && verb !~ \
            /^(bring|embed|exceed|feed|need|proceed|ring|seed|speed|string|succeed)$/)
            complain("subject is not imperative: " verb)
    }

    function check_commit() {
        if (hash == "")
            return
        check_subject()
        if (!has_body && lines > 20)
            complain(lines " changed lines, and no body says why")
        if (wide > 0)
            complain("body has a line of " wide " columns")
    }

    /^\001/ {
        check_commit()
        hash = substr($0, 2)
        has_body = lines = wide = 0
        part = "subject"
        next
    }
    part == "subject" { subject = $0; part = "body"; next }
    part == "body" && /^\002$/ { part = "files"; next }
    part == "body" {
        if ($0 != "")
            has_body = 1
        if (width($0) > 72 && $0 !~ /https?:\/\//)
            wide = width($0)
        next
    }
    part == "files" && NF > 2 { lines += $1 + $2 }
    END {
        check_commit()
        exit bad
    }'
