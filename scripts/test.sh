# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by quickstart: runs the tests, in stages.
: "${top:?}"
: "${no_deps?}"
: "${jobs:?}"

# Each stage has a name, a function and a title. A stage runs in a shell of its
# own; it builds what it needs, and passes the results of its cases to count().
stages() {
    cat <<'END'
unit | stage_unit | unit tests, contracts, fuzz corpus, checks of the source
upgrade | stage_upgrade | no request is lost while the service is replaced
processes | stage_processes | end to end: many processes at once, documents, keys
memcheck | stage_memcheck | unit tests under valgrind: reads of unset memory
asan | stage_asan | unit tests under AddressSanitizer and UBSan
e2e | stage_e2e | end to end under AddressSanitizer, with nginx and a browser
tsan | stage_tsan | unit tests that start threads, under ThreadSanitizer
tsan-e2e | stage_tsan_e2e | end to end under ThreadSanitizer, many clients at once
clang | stage_clang | clang compiles all of it without a warning
bare | stage_bare | without SQLite, PostgreSQL, Redis and libcurl: build and unit tests
distcheck | stage_distcheck | the tarball is complete: it builds, installs, uninstalls
END
}

# These stages compute all the time, while the end-to-end tests mostly wait.
# They run at the same time as the others, with lower priority.
beside='memcheck clang bare distcheck'

stage_unit() {
    tree main && unit_tests main 2 check
}

stage_upgrade() {
    tree main && end_to_end main 1 upgrade
}

stage_processes() {
    tree main && end_to_end main 2 --plain
}

stage_memcheck() {
    tree memcheck && unit_tests memcheck 20 memcheck
}

stage_asan() {
    tree asan && unit_tests asan 4 check
}

stage_e2e() {
    tree asan && end_to_end asan 4 --memory
}

stage_tsan() {
    # shellcheck disable=SC2046 # a command of several words
    tree tsan && unit_tests tsan 10 threadcheck env $(fixed_addresses)
}

stage_tsan_e2e() {
    tree tsan && end_to_end tsan 10 concurrency reload \
        concurrency@postgres concurrency@redis
}

stage_clang() {
    if ! command -v clang >/dev/null; then
        say "  clang is not installed"
        count 0 0 1
        return 0
    fi
    tree clang && one logged clang-check make -C "$top/.build/clang" \
        -j "$jobs" check TESTS=
}

stage_bare() {
    tree bare && unit_tests bare 4 check
}

stage_distcheck() {
    tree dist && one logged distcheck make -C "$top/.build/dist" \
        -j "$jobs" tarball
}

# tree NAME: makes the build of that name; if it fails, counts a failed case.
tree() {
    case $1 in
    main) build main --enable-werror ;;
    memcheck)
        build memcheck --enable-werror --disable-auto-init CFLAGS="-g -O1"
        ;;
    asan)
        build asan --enable-werror --enable-sanitizers=address,undefined
        ;;
    tsan) build tsan --enable-werror --enable-sanitizers=thread ;;
    dist) configured dist ;;
    clang) build clang --enable-werror CC=clang CFLAGS=-O0 ;;
    bare)
        build bare --enable-werror --without-sqlite --without-postgres \
            --without-redis --without-curl CFLAGS=-O0
        ;;
    esac && return 0
    count 0 1 0
    return 1
}

# count PASSED FAILED SKIPPED
count() {
    printf '%s %s %s\n' "$1" "$2" "$3" >>"$results/$stage"
    say "  $1 passed, $2 failed, $3 skipped"
}

# one COMMAND...: counts the command as one case.
one() {
    if "$@"; then
        count 1 0 0
    else
        count 0 1 0
    fi
}

# Prints the command that programs are run with, because ThreadSanitizer may
# need fewer bits of address randomness than the kernel gives.
fixed_addresses() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        echo "setarch $(uname -m) -R"
    fi
}

# unit_tests BUILD SLOW TARGET [WRAPPER...]: makes the target, and counts the
# results that the TAP driver recorded. The tests that take longest mostly wait,
# so more of them run at a time than there are processors.
unit_tests() {
    dir=$top/.build/$1
    log=$top/.build/$1-check.log
    slow=$2
    target=$3
    shift 3
    find "$dir" -name '*.trs' -exec rm -f {} +
    status=0
    CK_TIMEOUT_MULTIPLIER=$slow "$@" make -C "$dir" -j $((2 * jobs)) \
        "$target" >"$log" 2>&1 || status=1
    outcomes=$(find "$dir" -name '*.trs' -exec cat {} + |
        sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p')
    good=$(printf '%s\n' "$outcomes" | grep -c -e '^PASS$' -e '^XFAIL$' || :)
    bad=$(printf '%s\n' "$outcomes" |
        grep -c -e '^FAIL$' -e '^XPASS$' -e '^ERROR$' || :)
    left=$(printf '%s\n' "$outcomes" | grep -c '^SKIP$' || :)
    if test $status != 0; then
        failed_logs "$dir"
        # It ended before any case could fail.
        if test "$bad" = 0; then
            tail -n 40 "$log" >&2
            bad=1
        fi
    fi
    test "$good$bad$left" != 000 || bad=1
    count "$good" "$bad" "$left"
}

# failed_logs FOLDER: shows the end of the log of each program that failed.
failed_logs() {
    find "$1" -name '*.trs' | while read -r trs; do
        grep -q '^:test-result: *\(FAIL\|ERROR\|XPASS\)' "$trs" || continue
        say "--- ${trs#"$top"/}" >&2
        tail -n 40 "${trs%.trs}.log" >&2
    done
}

# end_to_end BUILD SLOW [TEST...]: tests the programs of that build. These tests
# mostly wait, so more of them run at a time than there are processors.
end_to_end() {
    dir=$top/.build/$1
    log=$top/.build/$stage-e2e.log
    slow=$2
    shift 2
    # A build of the programs alone lacks the tools of these tests.
    if ! logged "$stage-tools" make -C "$dir" -j "$jobs" tests/load tests/seed
    then
        count 0 1 0
        return 1
    fi
    FCGIAUTHD=$dir/fcgiauthd FCGIAUTHCTL=$dir/fcgiauthctl \
        FCGIAUTH_SLOW=$slow FCGIAUTH_WRAP=$(fixed_addresses) \
        perl "$top/tests/tools/e2e.pl" --jobs $((2 * jobs)) "$@" \
        >"$log" 2>&1 || :
    grep -v '^counts:' "$log" || :
    # shellcheck disable=SC2046 # three numbers
    set -- $(sed -n 's/^counts: //p' "$log")
    if test $# = 3; then
        count "$1" "$2" "$3"
    else
        count 0 1 0
    fi
}

stage_names() { stages | sed 's/ .*//'; }

list_stages() {
    stages | while IFS='|' read -r name _ title; do
        printf '%-10s%s\n' "$name" "$title"
    done
}

# run_stage FUNCTION TITLE: runs $stage.
run_stage() {
    say "== $stage: $2"
    began=$(date +%s)
    status=0
    ("$1") || status=1
    # A stage that ends early has failed, whatever it has counted before.
    if test ! -s "$results/$stage" || { test $status = 1 &&
        ! grep -q '^[0-9]* [1-9]' "$results/$stage"; }; then
        count 0 1 0
    fi
    say "  took $(($(date +%s) - began)) s"
}

# Prints the totals of all stages that ran, and the names of those that failed.
summary() {
    cd "$results" || return 1
    awk '
    { passed += $1; failed += $2; skipped += $3 }
    $2 && !(FILENAME in red) { red[FILENAME]; names = names " " FILENAME }
    END {
        print ""
        if (failed)
            print "failed stages:" names
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed != 0
    }' "$@"
}

# run_stages [STAGE...]: runs the named stages in the order of the table.
run_stages() {
    chosen=" $* "
    stages >"$results/table.$$"
    # The table has its own descriptor, as stages may read standard input.
    while IFS=' |' read -r stage function title <&3; do
        case $chosen in
        *" $stage "*) run_stage "$function" "$title" ;;
        esac
    done 3<"$results/table.$$"
}

# start_beside STAGE...: runs the stages in a session of its own, so that all
# their processes can be ended together with this one.
start_beside() {
    say "== at the same time, shown at the end: $*"
    QUICKSTART_RESULTS=$results nice setsid sh "$top/quickstart" test \
        --no-deps "$@" >"$results/beside.log" 2>&1 &
    beside_pid=$!
    trap 'kill -TERM "-$beside_pid" 2>/dev/null || :' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# test_stages [STAGE...]: runs the named stages, or all.
test_stages() {
    PATH=$PATH:/usr/sbin:/sbin
    for stage in "$@"; do
        stage_names | grep -Fqx -e "$stage" && continue
        printf 'quickstart: there is no stage %s; there are:\n' "$stage" >&2
        list_stages >&2
        exit 2
    done
    # shellcheck disable=SC2046 # each stage is one word
    test $# -gt 0 || set -- $(stage_names)

    test -n "$no_deps" || dependencies test
    autogen || exit 1
    if test -n "${QUICKSTART_RESULTS:-}"; then # started by start_beside
        results=$QUICKSTART_RESULTS
        run_stages "$@"
        return 0
    fi
    results=$top/.build/results
    rm -rf "$results"
    mkdir -p "$results"
    here=
    there=
    for stage in "$@"; do
        case " $beside " in
        *" $stage "*) there="$there $stage" ;;
        *) here="$here $stage" ;;
        esac
    done
    # shellcheck disable=SC2086 # each stage is one word
    if test -n "$here" && test -n "$there" && command -v setsid >/dev/null
    then
        start_beside $there
        run_stages $here
        wait "$beside_pid" || :
        trap - EXIT
        cat "$results/beside.log"
    else
        run_stages $here $there
    fi
    set --
    for stage in $(stage_names); do
        test ! -e "$results/$stage" || set -- "$@" "$stage"
    done
    summary "$@"
}
