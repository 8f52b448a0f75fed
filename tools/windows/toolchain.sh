#!/bin/sh
# Makes ready what building the agent for Windows needs, and says how to use it.
#
#   tools/windows/toolchain.sh              prefers the target of rustup
#   tools/windows/toolchain.sh --fallback   builds the target's std from Debian's sources
#
# Safe to run again: what is there is kept. The result is a file to source,
# ~/.cache/poolwatch/windows-env.sh (POOLWATCH_CACHE names another folder).
set -eu

target=x86_64-pc-windows-gnu
cache=${POOLWATCH_CACHE:-$HOME/.cache/poolwatch}
env_file=$cache/windows-env.sh
mkdir -p "$cache"

say() { echo "toolchain: $*" >&2; }

need_packages() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "install these first: $*"
        exit 1
    fi
    apt-get install -y --no-install-recommends "$@" >"$cache/apt.log" 2>&1 || {
        apt-get update >>"$cache/apt.log" 2>&1
        apt-get install -y --no-install-recommends "$@" >>"$cache/apt.log" 2>&1
    }
}

command -v x86_64-w64-mingw32-gcc >/dev/null || need_packages gcc-mingw-w64-x86-64-posix

# Lines that both ways need.
common_env() {
    echo "export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc"
    echo "export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine"
    echo "export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc"
    echo "export AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar"
}

with_rustup() {
    command -v rustup >/dev/null || return 1
    rustup target list --installed 2>/dev/null | grep -qx "$target" ||
        rustup target add "$target" >"$cache/rustup.log" 2>&1 || return 1
    common_env >"$env_file"
    say "uses the target that rustup installed"
}

# Debian's rustc conflicts with rustup's, so it is unpacked and never installed. Its std for Windows
# is built once, with bitcode (or LTO fails) and with panic_abort compiled to abort.
with_debian() {
    debs=$cache/debs root=$cache/debian wrap=$cache/wrap
    libs=$root/usr/lib/rustlib/$target/lib
    mkdir -p "$debs" "$root" "$wrap"
    if [ ! -x "$root/usr/bin/rustc" ]; then
        say "unpacks Debian's rustc"
        # The version that rust-web-src comes in decides the others.
        release=$(apt-cache policy rust-web-src | sed -n 's/.*Candidate: \([0-9]*\.[0-9]*\).*/\1/p')
        (cd "$debs" && apt-get download rustc-web cargo-web "libstd-rust-web-$release" \
            libstd-rust-web-dev rust-web-src libllvm22 libgit2-1.5 libmbedcrypto7 libmbedtls14 \
            libmbedx509-1 libhttp-parser2.9 >"$cache/download.log" 2>&1)
        for deb in "$debs"/*.deb; do dpkg -x "$deb" "$root"; done
    fi
    for program in rustc cargo rustdoc; do
        {
            echo '#!/bin/sh'
            echo "export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu"
            if [ "$program" = rustc ]; then
                echo 'case " $* " in *" --crate-name panic_abort "*) set -- "$@" -C panic=abort ;; esac'
            fi
            echo "exec $root/usr/bin/$program \"\$@\""
        } >"$wrap/$program"
        chmod +x "$wrap/$program"
    done
    {
        common_env
        echo "unset RUSTUP_TOOLCHAIN"
        echo "export PATH=$wrap:\$PATH CARGO_HOME=$cache/cargo"
        echo "export RUSTC=$wrap/rustc RUSTDOC=$wrap/rustdoc"
        # Not to be mixed with what another compiler made.
        echo "export CARGO_TARGET_DIR=\${CARGO_TARGET_DIR:-$cache/target}"
    } >"$env_file.new"
    if ! ls "$libs"/libstd-*.rlib >/dev/null 2>&1; then
        say "builds std for Windows, once (about two minutes)"
        empty=$cache/empty
        mkdir -p "$empty/src"
        : >"$empty/src/lib.rs"
        printf '[package]\nname = "empty_for_std"\nedition = "2024"\n[workspace]\n' >"$empty/Cargo.toml"
        (
            . "$env_file.new"
            cd "$empty"
            RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C embed-bitcode=yes" CARGO_TARGET_DIR=$cache/target_std \
                cargo build --release -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test \
                --target "$target" >"$cache/std.log" 2>&1
        ) || { say "std could not be built; see $cache/std.log"; exit 1; }
        mkdir -p "$libs"
        for lib in "$cache/target_std/$target"/release/deps/lib*.rlib; do
            case $lib in *empty_for_std*) ;; *) cp "$lib" "$libs/" ;; esac
        done
        # What was built against another std does not link (E0463).
        rm -rf "$cache/target/$target"
    fi
    mv "$env_file.new" "$env_file"
    say "uses Debian's rustc with a std of its own"
}

case ${1:-} in
--fallback) with_debian ;;
'') with_rustup || with_debian ;;
*) say "knows only --fallback"; exit 2 ;;
esac
say "source $env_file"
