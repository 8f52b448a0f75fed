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
most_bytes=3000000

"$here/toolchain.sh"
# shellcheck disable=SC1091  # made by toolchain.sh
. "$cache/windows-env.sh"
cd "$here/../.."

if [ "${1:-}" = --check ]; then
    exec cargo check --locked -p poolwatch-agent --target "$target"
fi
# Frames are compressed at zstd's level 3, which uses none of the searches that higher levels do.
unused=
for search in GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do
    unused+=" -DZSTD_EXCLUDE_${search}_BLOCK_COMPRESSOR"
done
export CFLAGS_x86_64_pc_windows_gnu="${CFLAGS_x86_64_pc_windows_gnu:-}$unused"
# A std that is compiled for size as well, where its source is at hand.
own_std=()
if [ -e "$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
    export RUSTC_BOOTSTRAP=1
    own_std=(-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size)
else
    say "uses std as it comes, without its source: the executable is about 250 kB larger"
    most_bytes=3250000
fi
# Sections lie in the file as they do in memory, for 25 kB: so Wine too maps the program, where else it
# would copy it and count it as memory of the agent's own.
RUSTFLAGS="${RUSTFLAGS:-} -C link-arg=-Wl,--file-alignment=4096"
# No console program of a server needs the paths of the machine that built it.
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build --locked -p poolwatch-agent --bin poolwatch-agent --profile agent --target "$target" \
    "${own_std[@]}"

exe=${CARGO_TARGET_DIR:-target}/$target/agent/poolwatch-agent.exe
bytes=$(wc -c <"$exe")
echo "$exe: $bytes bytes"
if ((bytes > most_bytes)); then
    say "larger than $most_bytes bytes: find out what has grown"
    exit 1
fi
