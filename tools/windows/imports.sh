#!/usr/bin/env bash
# Checks that a program imports nothing but what Windows 7 and Server 2008 R2 export, by the list
# windows7-imports.txt.
#
#   tools/windows/imports.sh OBJDUMP EXE
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
objdump=$1 exe=$2

imported() {
    "$objdump" -p "$exe" | awk '
        /^\tDLL Name: / { library = tolower($3); next }
        /^\tvma: / { inside = 1; next }
        /^$/ { inside = 0 }
        inside && NF >= 3 { print library, $NF }' | sort -u
}
unknown=$(comm -23 <(imported) <(grep -v '^#' "$here/windows7-imports.txt" | sort -u))
if [ -n "$unknown" ]; then
    {
        echo "imports: not among what Windows 7 is known to export (look each up, then add it to"
        echo "tools/windows/windows7-imports.txt, or do without it):"
        echo "$unknown"
    } >&2
    exit 1
fi
