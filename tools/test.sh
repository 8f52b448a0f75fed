#!/usr/bin/env bash
# Everything that is tested, part by part. Goes on after a failure, so that one run tells all; the
# exit status is that of the whole.
set -uo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

report=()
failures=()
failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
part() {
    local name=$1 began=$SECONDS result=passed
    shift
    printf '\n==> %s\n' "$name"
    # Not a pipe: that would wait for whatever a failed test left running.
    if ! "$@" > >(tee "$output") 2>&1; then
        result=FAILED
        failed=1
        failures+=("$(told "$name")")
    fi
    report+=("$(printf '%-34s %5d s  %s' "$name" $((SECONDS - began)) "$result")")
}

# What a reader of the end of a long output has to know of a part that failed.
told() {
    printf '\n==> FAILED: %s\n' "$1"
    grep -E '^(test .* FAILED|error|Diff in)|panicked at|^ +[0-9]+\) |Error:' "$output" |
        sort -u | head -n 40
    tail -n 25 "$output"
}

# shellcheck disable=SC2329  # part calls it
browser() {
    local node
    node=$(find_node) && (cd e2e && "$node" node_modules/.bin/playwright test)
}

part "setup" tools/setup.sh
part "formatting" cargo fmt --all --check
part "lints" cargo clippy -q --workspace --all-targets --locked -- -D warnings
part "licences and sources" cargo deny --log-level error check bans licenses sources
part "unused dependencies" cargo shear
part "queries" tools/queries.sh --check
part "drivers of others" tools/drivers.sh
part "Rust tests" cargo test --workspace --locked --no-fail-fast
# With the executables that the Rust tests have just built.
part "kills and a full disk" cargo test --workspace --locked --test survive -- --ignored \
    --skip attack --skip pages
# What measures has the machine for itself.
part "attacks" cargo test --workspace --locked --test survive -- --ignored --test-threads 1 \
    attack pages
# And the browser against them.
part "browser tests" browser

printf '\n'
[ "$failed" = 0 ] || printf '%s\n' "${failures[@]}"
printf '%s\n' "${report[@]}"
exit "$failed"
