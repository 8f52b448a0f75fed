#!/usr/bin/env bash
# Everything that is tested, part by part. Goes on after a failure, so that one run tells all; the
# exit status is that of the whole.
set -uo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

report=()
failed=0
part() {
    local name=$1 began=$SECONDS result=passed
    shift
    printf '\n==> %s\n' "$name"
    if ! "$@"; then
        result=FAILED
        failed=1
    fi
    report+=("$(printf '%-34s %5d s  %s' "$name" $((SECONDS - began)) "$result")")
}

# Of developers, not of every machine: run where they are.
optional() {
    local tool=$1
    if command -v "cargo-$tool" >/dev/null; then
        part "cargo $*" cargo "$@"
    else
        report+=("$(printf '%-34s %7s  not installed' "cargo $*" '')")
    fi
}

# shellcheck disable=SC2329  # part calls it
browser() {
    local node
    node=$(find_node) && (cd e2e && "$node" node_modules/.bin/playwright test)
}

part "setup" tools/setup.sh
part "formatting" cargo fmt --all --check
part "lints" cargo clippy -q --workspace --all-targets --locked -- -D warnings
part "queries" tools/queries.sh --check
part "Rust tests" cargo test --workspace --locked --no-fail-fast
# With the executables that the Rust tests have just built.
part "kills and a full disk" cargo test --locked -p poolwatch-server --test survive -- --ignored
# And the browser against them.
part "browser tests" browser
optional deny --log-level warn check
optional machete

printf '\n'
printf '%s\n' "${report[@]}"
exit "$failed"
