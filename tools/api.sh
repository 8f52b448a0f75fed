#!/usr/bin/env bash
# Generated requests to every operation of /api/v1 (schemathesis), on a server of its own: none is
# answered by a failure of the server.
#
# API_EXAMPLES  requests of a kind to an operation (25)
# API_PROFILE   which executables: release or debug (debug)
# API_PORT      port (18443)
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

programs=$target/${API_PROFILE:-debug}
port=${API_PORT:-18443}
url=http://127.0.0.1:$port
wanted=tools/schemathesis/requirements.txt
venv=$PWD/tools/schemathesis/venv
unset DATABASE_URL "${!POOLWATCH_@}"

if ! cmp -s "$wanted" "$venv/.installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" --quiet --disable-pip-version-check install --requirement "$wanted"
    cp "$wanted" "$venv/.installed"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/poolwatch-api.XXXXXX")
# The private Postgres of a server started as root runs as another user.
chmod 711 "$dir"
mkdir -m 711 "$dir/data"
database=(--database embedded --data-dir "$dir/data")
"$programs/poolwatch-server" serve --listen "127.0.0.1:$port" "${database[@]}" --tls off \
    --public-url "$url" >"$dir/server.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$dir"' EXIT

for ((tries = 0; ; tries++)); do
    curl --silent --fail --output /dev/null "$url/healthz" && break
    if ((tries == 300)) || ! kill -0 "$server"; then
        tail -n 20 "$dir/server.log" >&2
        exit 1
    fi
    sleep 0.2
done
token=$("$programs/poolwatch-server" admin create-token api "${database[@]}" --name walk --role admin)

# Tokens are left alone: the one that asks could be revoked. What it finds is kept in the folder that goes.
cd "$dir"
"$venv/bin/schemathesis" run "$url/api/v1/openapi.json" --url "$url" \
    --header "Authorization: Bearer $token" --checks not_a_server_error \
    --max-examples "${API_EXAMPLES:-25}" --exclude-path-regex '^/api/v1/tokens' \
    --generation-database none --no-color
