#!/usr/bin/env bash
# Signs programs, libraries and packages of Windows with a certificate for code, where there is one;
# without one it does nothing.
#
#   tools/windows/sign.sh FILE…
#
# The certificate and its key (PEM) are named by SIGN_CERTIFICATE and SIGN_KEY, the key's password, if
# there is one, by SIGN_PASSWORD_FILE. SIGN_TIMESTAMP is the address of a service that says when it was
# signed (RFC 3161): without it a signature ends with the certificate.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

[ -n "${SIGN_CERTIFICATE:-}" ] || exit 0
: "${SIGN_KEY:?names the key of SIGN_CERTIFICATE}"
need_commands osslsigncode:osslsigncode
options=(-certs "$SIGN_CERTIFICATE" -key "$SIGN_KEY" -h sha256 -n "Poolwatch Agent")
[ -z "${SIGN_PASSWORD_FILE:-}" ] || options+=(-readpass "$SIGN_PASSWORD_FILE")
[ -z "${SIGN_TIMESTAMP:-}" ] || options+=(-ts "$SIGN_TIMESTAMP")
for file in "$@"; do
    osslsigncode sign "${options[@]}" -in "$file" -out "$file.signed" >"$cache/sign.log" 2>&1 || {
        rm -f "$file.signed"
        say "$file could not be signed; see $cache/sign.log"
        exit 1
    }
    chmod --reference="$file" "$file.signed"
    mv "$file.signed" "$file"
done
