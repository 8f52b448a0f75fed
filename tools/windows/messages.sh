#!/usr/bin/env bash
# Builds poolwatch-messages.dll, the texts of the agent's events: resources without code.
#
#   tools/windows/messages.sh MINGW FOLDER    MINGW as in x86_64-w64-mingw32
set -euo pipefail
mingw=$1 folder=$(realpath "$2")
source=$(cd "$(dirname "$0")/../../deploy/msi" && pwd)/messages.mc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$mingw-windmc" -b -r . -h . "$source"
"$mingw-windres" messages.rc messages.o
"$mingw-gcc" -shared -nostdlib -s -Wl,--no-insert-timestamp -o "$folder/poolwatch-messages.dll" messages.o
