#!/usr/bin/env bash
# Builds what the installer puts beside the agent, or runs itself:
# poolwatch-messages.dll, the texts of the agent's events: resources without code;
# poolwatch-setup.dll, which runs the agent's own set-up with its words in the installer's log.
#
#   tools/windows/libraries.sh MINGW FOLDER    MINGW as in x86_64-w64-mingw32
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"
mingw=$1 folder=$(realpath "$2")
cd "$here/../.."
source=$PWD/deploy/msi
version=$(workspace_version)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# What Windows shows of a library, and the installer compares.
describe() {
    cat <<RESOURCE
1 VERSIONINFO
FILEVERSION ${version//./,},0
PRODUCTVERSION ${version//./,},0
FILETYPE 2
BEGIN
    BLOCK "StringFileInfo"
    BEGIN
        BLOCK "040904b0"
        BEGIN
            VALUE "CompanyName", "Poolwatch"
            VALUE "FileDescription", "$1"
            VALUE "FileVersion", "$version"
            VALUE "OriginalFilename", "$2"
            VALUE "ProductName", "Poolwatch Agent"
            VALUE "ProductVersion", "$version"
        END
    END
    BLOCK "VarFileInfo"
    BEGIN
        VALUE "Translation", 0x409, 1200
    END
END
RESOURCE
}

"$mingw-windmc" -b -r . -h . "$source/messages.mc"
describe "Messages of the Poolwatch Agent" poolwatch-messages.dll >>messages.rc
"$mingw-windres" messages.rc messages.o
link=(-shared -s -Wl,--no-insert-timestamp)
"$mingw-gcc" "${link[@]}" -nostdlib -o "$folder/poolwatch-messages.dll" messages.o

describe "Setup of the Poolwatch Agent" poolwatch-setup.dll >setup.rc
"$mingw-windres" setup.rc setup.o
# Without a runtime library of its own, and its function under the plain name on 32-bit Windows too.
"$mingw-gcc" "${link[@]}" -Os -Wall -Wextra -Werror -Wl,--kill-at -static-libgcc \
    -o "$folder/poolwatch-setup.dll" "$source/setup.c" setup.o -lmsi
