#!/usr/bin/env bash
# Pictures of every page in both themes, of the demo with a small fleet, into docs/screenshots/.
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

node=$(find_node) || { echo "screenshots: no Node.js: run make setup" >&2; exit 1; }
export SCREENSHOTS=$PWD/docs/screenshots
cd e2e
exec "$node" node_modules/.bin/playwright test pages "$@"
