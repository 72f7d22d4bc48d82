#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks the source without running it, and prints TAP. A check that exits with
# 77 prints what is missing for it on this machine, and is skipped.
srcdir=${srcdir:-.}
n=0

try() {
    what=$1
    shift
    n=$((n + 1))
    status=0
    said=$("$@" 2>&1) || status=$?
    case $status in
    0) echo "ok $n - $what" ;;
    77) echo "ok $n - $what # SKIP $said" ;;
    *)
        echo "not ok $n - $what"
        printf '%s\n' "$said" | sed 's/^/# /'
        ;;
    esac
}

lint() {
    command -v mandoc >/dev/null || { echo "mandoc is missing"; return 1; }
    mandoc -T lint -W warning "$srcdir"/doc/man/*.8 doc/man/fcgiauth.ini.5
}

# Checks that the files that the guides link to exist.
links() {
    for file in "$srcdir"/*.md "$srcdir"/*/*.md "$srcdir"/*/*/*.md; do
        # shellcheck disable=SC2013 # names of ours have no blanks
        for to in $(grep -o '](\([^)#]*\)' "$file" | cut -c 3- |
            grep -v '^[a-z]*:'); do
            test -e "$(dirname "$file")/$to" || echo "$file: $to"
        done
    done | grep . && return 1
    return 0
}

# Checks that the files that doc/internals names exist. Only names with a folder
# are checked, relative to the top folder or to src.
named_files() {
    for file in "$srcdir"/doc/internals/*; do
        # shellcheck disable=SC2013 # names of ours have no blanks
        for name in $(grep -o '[a-z][a-z0-9_/-]*/[a-z0-9_]*\.[a-z]*' "$file" |
            grep '\.\(c\|h\|lua\|sql\|mk\)$'); do
            case $name in
            src/* | backends/* | tests/*) test -e "$srcdir/$name" ;;
            *) test -e "$srcdir/src/$name" ;;
            esac || echo "$file: $name"
        done
    done | grep . && return 1
    return 0
}

# Checks that the tests that doc/asvs.md names exist: `FILE` or `FILE: CASE`.
asvs_tests() {
    # shellcheck disable=SC2016 # backticks are meant as they are
    grep -o '`\(unit\|e2e\)/[^`]*`' "$srcdir/doc/asvs.md" | tr -d '\140' |
        while IFS= read -r named; do
            file=$srcdir/tests/${named%%: *}
            case $named in
            *': '*) grep -qF "${named#*: }" "$file" ;;
            *) test -e "$file" ;;
            esac || echo "$named"
        done | grep . && return 1
    return 0
}

# Checks that all guides are installed in one folder, and link to no file outside
# of it.
installed_links() {
    names=$(sed -n '/^dist_doc_DATA/,/[^\\]$/p' "$srcdir/doc/local.mk" |
        grep -o '[A-Za-z./-]*\.md')
    for file in "$srcdir"/doc/guides/*.md; do
        printf '%s\n' "$names" | grep -qx "doc/guides/${file##*/}" ||
            echo "$file: is not installed"
    done | grep . && return 1
    for name in $names; do
        # shellcheck disable=SC2013 # names of ours have no blanks
        for to in $(grep -o '](\([^)#]*\)' "$srcdir/$name" | cut -c 3- |
            grep -v '^[a-z]*:'); do
            printf '%s\n' "$names" | sed 's|.*/||' | grep -qx "$to" ||
                echo "$name: $to is not beside it"
        done
    done | grep . && return 1
    return 0
}

# Checks the shell scripts with shellcheck.
shell_scripts() {
    (cd "$srcdir" && shellcheck -x quickstart .ci/run scripts/*.sh \
        tests/tools/*.sh debian/tests/demo)
}

# Checks that each stage of the test is a job of the workflow.
stages_are_jobs() {
    stages=$(sh "$srcdir/quickstart" test --list | sed 's/ .*//')
    jobs=$(sed -n '/^ *stage:$/,/^ *steps:$/s/^ *- \([a-z0-9-]*\)$/\1/p' \
        "$srcdir/.github/workflows/test.yml")
    test "$stages" = "$jobs" && return 0
    printf 'stages:\n%s\njobs:\n%s\n' "$stages" "$jobs"
    return 1
}

try 'each folder includes only its layers' \
    sh "$srcdir/tests/tools/check-layers.sh" "$srcdir"
try 'all C files are formatted' \
    sh "$srcdir/tests/tools/check-format.sh" "$srcdir"
try 'all files follow the style' \
    sh "$srcdir/tests/tools/check-style.sh" "$srcdir"
try 'no function has more than six parameters' \
    perl "$srcdir/tests/tools/check-params.pl" "$srcdir"
try 'the messages of commits have their form' \
    sh "$srcdir/tests/tools/check-commits.sh" "$srcdir"
# A build without a backend does not know the options of that backend.
partial=
grep -q '^NO_' backends/backends.inc && partial=--partial
try 'options are in the example and the manual' \
    sh "$srcdir/tests/tools/check-options.sh" $partial doc/man/options.names \
    "$srcdir/conf/fcgiauth.ini" doc/man/fcgiauth.ini.5
try 'mandoc accepts the manual pages' lint
if command -v shellcheck >/dev/null; then
    try 'shellcheck accepts the shell scripts' shell_scripts
else
    n=$((n + 1))
    echo "ok $n - shellcheck accepts the shell scripts # SKIP no shellcheck here"
fi
try 'stages of the test are jobs of the workflow' stages_are_jobs
try 'the links of the guides lead to files' links
try 'the links of the installed guides stay in their folder' installed_links
try 'the files that doc/internals names exist' named_files
try 'the tests that doc/asvs.md names exist' asvs_tests
echo "1..$n"
