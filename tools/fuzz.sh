#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS each (default 60), one after the other. With names as
# arguments only those. A crash is left in fuzz/artifacts/, and the exit status is 1.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

seconds=${FUZZ_SECONDS:-60}
toolchain=nightly
# The parsers hold no unsafe code: what could be found is panics, slowness and greed for memory.
options=(--fuzz-dir fuzz --sanitizer none)

if ! rustup toolchain list 2>/dev/null | grep -q "^$toolchain"; then
    echo "fuzz: needs a nightly Rust for its coverage. Install one with: rustup toolchain install nightly --profile minimal" >&2
    exit 2
fi
if ! command -v cargo-fuzz >/dev/null; then
    echo "fuzz: installing cargo-fuzz"
    cargo install --quiet --locked cargo-fuzz || exit 2
fi

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    for file in fuzz/targets/*.rs; do
        targets+=("$(basename "$file" .rs)")
    done
fi

cargo "+$toolchain" run --quiet --manifest-path fuzz/Cargo.toml --example make_seeds || exit 2
cargo "+$toolchain" fuzz build "${options[@]}" || exit 2

failed=()
for target in "${targets[@]}"; do
    printf '\n==> %s, %s s\n' "$target" "$seconds"
    log=$(mktemp)
    cargo "+$toolchain" fuzz run "${options[@]}" "$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 >"$log" 2>&1 || failed+=("$target")
    grep -E '^(stat::number|stat::average|SUMMARY|==[0-9]+==|thread|Failing)|panicked|artifact' "$log"
    rm -f "$log"
done

if [ ${#failed[@]} != 0 ]; then
    printf '\nfuzz: failed: %s\n' "${failed[*]}" >&2
    exit 1
fi
printf '\nfuzz: nothing found in %d targets\n' "${#targets[@]}"
