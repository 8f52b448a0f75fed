#!/usr/bin/env bash
# Brings real driver files with known tags into target/drivers/, for the tests of crates/tagscan. Fails
# where there is no pip or no network.
set -uo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

folder=$target/drivers
pip=$(command -v pip3 || command -v pip)
if [ -n "$(ls "$folder"/*.sys 2>/dev/null)" ]; then
    exit 0
fi
if [ -z "$pip" ]; then
    echo "drivers: please install pip, by which real driver files are brought" >&2
    exit 1
fi
mkdir -p "$folder"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
# WinDivert, a packet filter: its old release for both processors, its current one for x64.
get() {
    "$pip" download --quiet --no-deps --only-binary :all: --platform win_amd64 \
        --dest "$temporary" "pydivert==$1" >/dev/null 2>&1 || return
    python3 -m zipfile -e "$temporary"/pydivert-"$1"-*.whl "$temporary/$1"
    for file in "$temporary/$1"/pydivert/windivert_dll/*.sys; do
        cp "$file" "$folder/$(basename "$file" .sys)-$1.sys"
    done
}
get 2.1.0
get 4.0.1
ls "$folder"/*.sys || { echo "drivers: none could be had; is there a network?" >&2; exit 1; }
