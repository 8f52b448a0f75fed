#!/usr/bin/env bash
# Makes ready what running the agent without Windows needs: Wine, and a prefix that tests copy.
# Safe to run again: what is there is kept. Prints the prefix's folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

prefix=$cache/wine
shim=$prefix/drive_c/windows/system32/bcryptprimitives.dll
export WINEPREFIX=$prefix.new WINEARCH=win64 WINEDEBUG=-all DISPLAY=
# Neither browser nor .NET is asked for, and no menu of the desktop is written.
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe=d"

need_commands wine:wine wine:wine64 x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64-posix

if ! [ -e "$prefix/ready" ]; then
    say "makes a Wine prefix, once"
    rm -rf "$prefix" "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    wine wineboot -i >"$cache/wineboot.log" 2>&1 || { say "failed; see $cache/wineboot.log"; exit 1; }
    # Ends what wineboot started, and writes the registry to the disk.
    wine wineboot -e -f >>"$cache/wineboot.log" 2>&1 || true
    wineserver -k 2>/dev/null || true
    wineserver -w
    mv "$WINEPREFIX" "$prefix"
fi
if [ "$here/tests/bcryptprimitives.c" -nt "$shim" ]; then
    x86_64-w64-mingw32-gcc -O2 -shared -o "$shim" "$here/tests/bcryptprimitives.c" -ladvapi32
fi
touch "$prefix/ready"
echo "$prefix"
