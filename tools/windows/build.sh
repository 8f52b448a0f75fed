#!/bin/sh
# Builds poolwatch-agent.exe, as small as it gets, and says where it is and how large.
#
#   tools/windows/build.sh [--check]    --check only compiles, without optimisation
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target=x86_64-pc-windows-gnu
cache=${POOLWATCH_CACHE:-$HOME/.cache/poolwatch}

[ -e "$cache/windows-env.sh" ] || "$here/toolchain.sh"
. "$cache/windows-env.sh"
cd "$here/../.."

if [ "${1:-}" = --check ]; then
    exec cargo check -p poolwatch-agent --target "$target"
fi
# No console program of a server needs the paths of the machine that built it.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build -p poolwatch-agent --bin poolwatch-agent --profile agent --target "$target"

exe=${CARGO_TARGET_DIR:-target}/$target/agent/poolwatch-agent.exe
echo "$exe: $(wc -c <"$exe") bytes"
