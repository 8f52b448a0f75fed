#!/usr/bin/env bash
# Kills the server, Postgres and its backends under load, and fills the disk, again and again.
#
# SOAK_MINUTES  how long (60)
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

end=$((SECONDS + ${SOAK_MINUTES:-60} * 60))
cargo build --locked -p poolwatch-server -p poolwatch-simulator
rounds=0
while ((SECONDS < end)); do
    left=$((end - SECONDS))
    # A round of some minutes: what is acknowledged is checked at the end of each.
    SURVIVE_SECONDS=$((left < 60 ? 30 : left < 600 ? left / 2 : 300)) \
        cargo test --locked -p poolwatch-server --test survive -- --ignored --nocapture
    rounds=$((rounds + 1))
done
echo "soak: $rounds rounds, everything acknowledged is there"
