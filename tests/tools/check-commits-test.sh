#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests check-commits.sh on a repository that is made for it, and prints TAP.
set -eu
check=$(cd "$(dirname "$0")" && pwd)/check-commits.sh

command -v git >/dev/null || {
    echo '1..0 # SKIP no git'
    exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a.invalid
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@a.invalid
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
n=0
failed=0

# verdict WHAT STATUS PATTERN DIR: checks DIR with the rules in $work/rules;
# passes if the status and the output are as expected. An empty pattern means no
# output.
verdict() {
    n=$((n + 1))
    status=0
    said=$(sh "$check" "$4" "$work/rules" 2>&1) || status=$?
    if [ "$status" -eq "$2" ] && if [ -z "$3" ]; then
        [ -z "$said" ]
    else
        printf '%s\n' "$said" | grep -q -e "$3"
    fi; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "status $status" "$said" | sed 's/^/# /'
        failed=1
    fi
}

# change COUNT: adds COUNT new lines to the tree.
change() {
    i=0
    while [ "$i" -lt "$1" ]; do
        n_lines=$((n_lines + 1))
        i=$((i + 1))
        echo "line $n_lines"
    done >>"$work/r/file"
    git -C "$work/r" add file
}
n_lines=0

# commit STATUS PATTERN LINES MESSAGE [WHAT]: makes one commit and checks it
# alone.
commit() {
    change "$3"
    git -C "$work/r" commit -qm "$4"
    verdict "${5:-$4}" "$1" "$2" "$work/r"
    echo "from $(git -C "$work/r" rev-parse HEAD)" >"$work/rules"
}

git init -q "$work/r"
change 1
git -C "$work/r" commit -qm 'Whatever came before.'
first=$(git -C "$work/r" rev-parse HEAD)
echo "from $first" >"$work/rules"
verdict 'commits before the first checked one are skipped' 0 '' "$work/r"

long='area: say in no more than seventy-two characters what this commit is for'
wide='A line of the body that is longer than the seventy-two columns it may have'
commit 0 '' 1 'area: do a thing'
commit 0 '' 1 'src/area, README: do a thing'
commit 0 '' 20 'area: change twenty lines'
commit 0 '' 21 'area: change more

Because.' 'a commit of more than twenty lines with a body passes'
commit 0 '' 1 "$long" 'a subject of 72 characters passes'
commit 0 '' 1 "area: say where

https://host.invalid/$wide" 'a long URL in the body passes'
commit 0 '' 1 "area: say it

$(printf 'na\303\257ve %066d' 0)" 'a line of 72 characters and more bytes passes'
commit 1 'no body says why' 21 'area: change more'
commit 1 'subject of 73 characters' 1 "${long}s"
commit 1 'ends with a dot' 1 'area: do a thing.'
commit 1 'is not .area' 1 'do a thing'
commit 1 'is not .area' 1 'area: Do a thing'
commit 1 'is not .area' 1 'area:do a thing'
commit 1 'is not .area' 1 'fixup! area: do a thing'
commit 1 'not imperative: added' 1 'area: added a thing'
commit 1 'not imperative: adds' 1 'area: adds a thing'
commit 1 'not imperative: adding' 1 'area: adding a thing'
commit 1 'body has a line of 74 columns' 1 "area: do a thing

$wide" 'a wide line of the body fails'

git -C "$work/r" mv file elsewhere
git -C "$work/r" commit -qm 'area: move a long file'
verdict 'lines of a renamed file do not count' 0 '' "$work/r"
git -C "$work/r" mv elsewhere file
git -C "$work/r" commit -qm 'Back'
git -C "$work/r" branch side HEAD~1
git -C "$work/r" commit -q --allow-empty -m 'area: begin'
begun=$(git -C "$work/r" rev-parse HEAD)
echo "from $begun" >"$work/rules"
git -C "$work/r" merge -q -s ours -m 'Merge whatever' side
verdict 'merges are skipped' 0 '' "$work/r"

git -C "$work/r" commit -q --allow-empty -m 'Bad'
bad=$(git -C "$work/r" rev-parse HEAD)
git -C "$work/r" commit -q --allow-empty -m 'area: be good'
verdict 'a wrong commit before the last one fails' 1 'Bad' "$work/r"
printf 'from %s\nexcept %s published\n' "$begun" "$bad" >"$work/rules"
verdict 'an exception passes' 0 '' "$work/r"
printf 'from %s\nexcept %s\n' "$begun" "$bad" >"$work/rules"
verdict 'an exception without a reason fails' 1 'REASON' "$work/r"
printf 'from %s\nexcept %040d why\n' "$begun" 1 >"$work/rules"
verdict 'an exception that is no commit fails' 1 'REASON' "$work/r"
echo "from HEAD" >"$work/rules"
verdict 'a file without a hash fails' 1 'needs one line' "$work/r"
printf 'from %040d\n' 1 >"$work/rules"
verdict 'a first hash that is no commit fails' 1 'not an ancestor' "$work/r"

echo "from $first" >"$work/rules"
git clone -q --depth 2 "file://$work/r" "$work/shallow"
verdict 'a shallow clone is skipped' 77 'shallow' "$work/shallow"
mkdir "$work/r/unpacked"
verdict 'a tarball is skipped' 77 'no repository' "$work/r/unpacked"
echo "1..$n"
exit "$failed"
