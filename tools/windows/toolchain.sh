#!/usr/bin/env bash
# Makes ready what building the agent for Windows needs, and says how to use it.
#
#   tools/windows/toolchain.sh              prefers the target of rustup
#   tools/windows/toolchain.sh --fallback   builds the target's std from Debian's sources
#
# Safe to run again: what is there is kept. The result is a file to source,
# ~/.cache/poolwatch/windows-env.sh (POOLWATCH_CACHE names another folder).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

target=x86_64-pc-windows-gnu
env_file=$cache/windows-env.sh
debian=$cache/debian
libs=$debian/usr/lib/rustlib/$target/lib

# Lines that both ways need.
common_env() {
    echo "export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc"
    echo "export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc"
    echo "export AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar"
}

with_rustup() {
    command -v rustup >/dev/null || return 1
    if ! rustup target list --installed 2>/dev/null | grep -qx "$target"; then
        say "rustup installs the target $target"
        timeout 300 rustup target add "$target" >"$cache/rustup.log" 2>&1 || {
            say "rustup cannot (see $cache/rustup.log)"
            return 1
        }
    fi
    # For a std compiled for size: the build does without where it is not to be had.
    if ! rustup component list --installed 2>/dev/null | grep -qx rust-src; then
        say "rustup installs the source of std"
        timeout 300 rustup component add rust-src >>"$cache/rustup.log" 2>&1 || true
    fi
    common_env >"$env_file"
}

# Debian's rustc conflicts with rustup's, so it is unpacked and never installed. Its std for Windows
# is built once, with bitcode (or LTO fails) and with panic_abort compiled to abort.
with_debian() {
    unpack_rustc
    make_wrappers
    {
        common_env
        echo "unset RUSTUP_TOOLCHAIN"
        echo "export PATH=$cache/wrap:\$PATH CARGO_HOME=$cache/cargo"
        echo "export RUSTC=$cache/wrap/rustc RUSTDOC=$cache/wrap/rustdoc"
        # Not to be mixed with what another compiler made.
        echo "export CARGO_TARGET_DIR=\${CARGO_TARGET_DIR:-$cache/target}"
    } >"$env_file.new"
    has_std || build_std
    mv "$env_file.new" "$env_file"
}

has_std() { compgen -G "$libs/libstd-*.rlib" >/dev/null; }

unpack_rustc() {
    local release deb
    [ ! -x "$debian/usr/bin/rustc" ] || return 0
    release=$(rustc_release)
    if [ -z "$release" ]; then
        say "brings the list of Debian's packages up to date"
        as_root apt-get -qq update >"$cache/apt.log" 2>&1 || true
        release=$(rustc_release)
    fi
    say "downloads and unpacks Debian's rustc $release (about 200 MB)"
    mkdir -p "$cache/debs"
    (cd "$cache/debs" && apt-get download rustc-web cargo-web "libstd-rust-web-$release" \
        libstd-rust-web-dev rust-web-src libllvm22 libgit2-1.5 libmbedcrypto7 libmbedtls14 \
        libmbedx509-1 libhttp-parser2.9 >"$cache/download.log" 2>&1) || {
        say "failed; see $cache/download.log"
        exit 1
    }
    rm -rf "$debian.new"
    for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$debian.new"; done
    mv "$debian.new" "$debian"
    rm -rf "$cache/debs"
}

# The version that rust-web-src comes in decides the others.
rustc_release() {
    apt-cache policy rust-web-src | sed -n 's/.*Candidate: \([0-9]*\.[0-9]*\).*/\1/p'
}

make_wrappers() {
    local program
    mkdir -p "$cache/wrap"
    for program in rustc cargo rustdoc; do
        {
            echo '#!/bin/sh'
            echo "export LD_LIBRARY_PATH=$debian/usr/lib/x86_64-linux-gnu"
            if [ "$program" = rustc ]; then
                echo 'case " $* " in *" --crate-name panic_abort "*) set -- "$@" -C panic=abort ;; esac'
            fi
            echo "exec $debian/usr/bin/$program \"\$@\""
        } >"$cache/wrap/$program"
        chmod +x "$cache/wrap/$program"
    done
}

build_std() {
    local empty=$cache/empty lib
    say "builds Rust's std for Windows, once (about two minutes)"
    mkdir -p "$empty/src"
    : >"$empty/src/lib.rs"
    printf '[package]\nname = "empty_for_std"\nedition = "2024"\n[workspace]\n' >"$empty/Cargo.toml"
    (
        # shellcheck disable=SC1091  # just made
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
    rm -rf "$cache/target_std" "$cache/target/$target"
}

case ${1:-} in
--fallback | '') ;;
*) say "knows only --fallback"; exit 2 ;;
esac
need_commands x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-posix \
    i686-w64-mingw32-gcc:gcc-mingw-w64-i686-posix
if [ "${1:-}" != --fallback ] && { ! has_std || ! grep -q RUSTC "$env_file"; } && with_rustup; then
    say "uses the target $target of rustup"
else
    with_debian
    say "uses Debian's rustc with a std of its own, in $cache"
fi
