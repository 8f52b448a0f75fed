#!/usr/bin/env bash
# Builds poolwatch-agent.exe, as small as it gets, and says where it is and how large.
#
#   tools/windows/build.sh [--check]    --check only compiles, without optimisation
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

target=x86_64-pc-windows-gnu
# What an agent on every server may take.
most_bytes=2500000

"$here/toolchain.sh"
# shellcheck disable=SC1091  # made by toolchain.sh
. "$cache/windows-env.sh"
cd "$here/../.."

if [ "${1:-}" = --check ]; then
    exec cargo check --locked -p poolwatch-agent --target "$target"
fi
# No console program of a server needs the paths of the machine that built it.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build --locked -p poolwatch-agent --bin poolwatch-agent --profile agent --target "$target"

exe=${CARGO_TARGET_DIR:-target}/$target/agent/poolwatch-agent.exe
bytes=$(wc -c <"$exe")
echo "$exe: $bytes bytes"
if ((bytes > most_bytes)); then
    say "the executable is larger than $most_bytes bytes"
    exit 1
fi
