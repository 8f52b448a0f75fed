#!/usr/bin/env bash
# Builds poolwatch-agent.exe for 64-bit and 32-bit Windows, as small as it gets, and says where it is and
# how large.
#
#   tools/windows/build.sh [--check] [x64] [x86]    --check only compiles, without optimisation
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

# What an agent on every server may take.
most_bytes=$((3 << 20))

check=
architectures=()
for argument in "$@"; do
    case $argument in
    --check) check=1 ;;
    x64 | x86) architectures+=("$argument") ;;
    *) say "knows --check, x64 and x86"; exit 2 ;;
    esac
done
[ ${#architectures[@]} != 0 ] || architectures=(x64 x86)

"$here/toolchain.sh"
# shellcheck disable=SC1091  # made by toolchain.sh
. "$cache/windows-env.sh"
cd "$here/../.."

# Frames are compressed at zstd's level 3, which uses none of the searches that higher levels do.
unused=
for search in GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do
    unused+=" -DZSTD_EXCLUDE_${search}_BLOCK_COMPRESSOR"
done
# Where the source of std is at hand, it is compiled with the program: for size, and for Windows 7 and
# Server 2008 R2, where std as it comes does not run.
own_std=()
system=pc
if [ -e "$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
    export RUSTC_BOOTSTRAP=1
    own_std=(-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size)
    system=win7
else
    say "uses std as it comes, without its source: the executable is about 250 kB larger and needs Windows 10"
    most_bytes=$((most_bytes + (256 << 10)))
fi
# Sections lie in the file as they do in memory, for 25 kB: so Wine too maps the program, where else it
# would copy it and count it as memory of the agent's own.
RUSTFLAGS="${RUSTFLAGS:-} -C link-arg=-Wl,--file-alignment=4096"
# No console program of a server needs the paths of the machine that built it.
RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
export RUSTFLAGS

for architecture in "${architectures[@]}"; do
    case $architecture in
    x64) target=x86_64-$system-windows-gnu mingw=x86_64-w64-mingw32 ;;
    x86) target=i686-$system-windows-gnu mingw=i686-w64-mingw32 ;;
    esac
    variable=${target//-/_}
    export "CARGO_TARGET_${variable^^}_LINKER=$mingw-gcc" "CC_$variable=$mingw-gcc" \
        "AR_$variable=$mingw-ar" "CFLAGS_$variable=$unused" "CROSS_COMPILE=$mingw-"
    if [ -n "$check" ]; then
        cargo check --locked -p poolwatch-agent --target "$target" "${own_std[@]}"
        continue
    fi
    cargo build --locked -p poolwatch-agent --bin poolwatch-agent --profile agent \
        --target "$target" "${own_std[@]}"
    exe=${CARGO_TARGET_DIR:-target}/$target/agent/poolwatch-agent.exe
    "$here/libraries.sh" "$mingw" "$(dirname "$exe")"
    bytes=$(wc -c <"$exe")
    echo "$exe: $bytes bytes"
    if ((bytes > most_bytes)); then
        say "larger than $most_bytes bytes: find out what has grown"
        exit 1
    fi
done
