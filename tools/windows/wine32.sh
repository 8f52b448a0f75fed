#!/usr/bin/env bash
# Makes ready a 32-bit Wine, unpacked beside the system's own and never installed: its libraries would have
# to be of the same versions as those of the system. Safe to run again: what is there is kept. Prints the
# program that stands for `wine`, and a prefix that tests copy.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

root=$cache/wine32
program=$root/wine
prefix=$cache/wine32-prefix
libraries=$root/lib/i386-linux-gnu:$root/usr/lib/i386-linux-gnu

need_commands patchelf:patchelf

# apt with packages of i386 and a state of its own: this system stays as it is.
apt_i386() {
    local state=$cache/apt-i386
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    apt-get -q -y -o Dir::State="$state" -o Dir::State::lists="$state/lists" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$state" -o APT::Architecture=i386 \
        -o APT::Architectures=i386 -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

if ! [ -x "$program" ]; then
    say "downloads and unpacks a 32-bit Wine, once (about 130 MB)"
    # Some lists may be missing on some mirrors; what is needed shows below.
    apt_i386 update >"$cache/wine32.log" 2>&1 || true
    apt_i386 install --download-only --no-install-recommends wine32 >>"$cache/wine32.log" 2>&1 || {
        say "could not download it; see $cache/wine32.log"
        exit 1
    }
    rm -rf "$root"
    for package in "$cache"/apt-i386/archives/*.deb; do dpkg -x "$package" "$root"; done
    rm -rf "$cache/apt-i386"
    for file in wine wineserver32; do
        patchelf --set-interpreter "$root/lib/i386-linux-gnu/ld-linux.so.2" "$root/usr/lib/wine/$file"
    done
    {
        echo '#!/bin/sh'
        echo "export LD_LIBRARY_PATH=$libraries WINESERVER=$root/usr/lib/wine/wineserver32"
        echo "export WINELOADER=$root/usr/lib/wine/wine"
        echo "exec $root/usr/lib/wine/wine \"\$@\""
    } >"$program"
    chmod +x "$program"
fi

export WINEPREFIX=$prefix.new WINEARCH=win32 WINEDEBUG=-all DISPLAY=
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe=d"
if ! [ -e "$prefix/ready" ]; then
    say "makes a 32-bit Wine prefix, once"
    rm -rf "$prefix" "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    "$program" wineboot -i >"$cache/wine32.log" 2>&1 || {
        say "failed; see $cache/wine32.log"
        exit 1
    }
    "$program" wineboot -e -f >>"$cache/wine32.log" 2>&1 || true
    wait_server() { LD_LIBRARY_PATH=$libraries "$root/usr/lib/wine/wineserver32" "$1" || true; }
    wait_server -k
    wait_server -w
    mv "$WINEPREFIX" "$prefix"
fi
touch "$prefix/ready"
echo "$program"
echo "$prefix"
