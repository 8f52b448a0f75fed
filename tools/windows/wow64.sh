#!/usr/bin/env bash
# What a 64-bit Wine needs to run 32-bit programs (its own, experimental way: no 32-bit Wine is installed): its
# libraries for i386, of the same version, out of Debian's package. Prints the folder, or nothing where
# they cannot be had. Safe to run again: what is there is kept.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

wow64=$cache/wow64
# What the agent imports, and what these import.
libraries=(advapi32 bcrypt combase crypt32 dnsapi gdi32 imm32 iphlpapi jsproxy kernel32 kernelbase
    mpr msvcrt nsi ntdll ole32 oleaut32 psapi rpcrt4 sechost secur32 setupapi shcore shell32 shlwapi
    ucrtbase user32 version wevtapi win32u winhttp wininet ws2_32)

unpack() {
    local version unix work=$wow64.new lists=$cache/apt-i386
    version=$(dpkg-query -W -f '${Version}' libwine 2>/dev/null) || return 1
    unix=$(dpkg -L libwine | grep '/x86_64-unix$') || return 1
    local options=(-o "APT::Architectures::=amd64" -o "APT::Architectures::=i386" -o "Dir::State::lists=$lists")
    rm -rf "$work"
    mkdir -p "$work/i386-windows" "$lists/partial"
    # Lists of its own: those of the system stay as they are.
    apt-get "${options[@]}" -qq update >"$cache/apt-i386.log" 2>&1 || true
    (cd "$work" && apt-get "${options[@]}" -qq download "libwine:i386=$version") >>"$cache/apt-i386.log" 2>&1 || return 1
    dpkg -x "$work"/*.deb "$work/package" || return 1
    for library in "${libraries[@]}"; do
        cp "$(find "$work/package" -path "*/i386-windows/$library.dll" -print -quit)" "$work/i386-windows/" || return 1
    done
    cp -L "$(dirname "$unix")/i386-windows/zlib1.dll" "$work/i386-windows/" || return 1
    ln -s "$unix" "$work/x86_64-unix"
    i686-w64-mingw32-gcc -O2 -s -shared -o "$work/i386-windows/bcryptprimitives.dll" \
        "$here/tests/bcryptprimitives.c" -ladvapi32 || return 1
    rm -rf "$work/package" "$work"/*.deb
    mv "$work" "$wow64"
}

if ! [ -d "$wow64" ]; then
    say "unpacks Wine's libraries for 32-bit programs, once"
    unpack || { say "they cannot be had; see $cache/apt-i386.log"; exit 0; }
fi
echo "$wow64"
