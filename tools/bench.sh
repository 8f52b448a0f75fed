#!/usr/bin/env bash
# What the server carries on this machine: writes docs/benchmarks.md and prints one line of JSON last.
#
# BENCH_SECONDS      seconds of steady load to measure (300)
# BENCH_HOSTS        hosts (10000)
# BENCH_RATE         snapshots per second of all hosts together (1700)
# BENCH_CONNECTIONS  connections that hosts share (256)
# BENCH_BACKLOG      frames that each host has kept, sent first in batches (60)
# BENCH_WEEK_HOSTS   hosts with a week of frames, for reading back (10)
# BENCH_OWN          hosts that keep a connection each, in a part of its own (5000)
# BENCH_CRITERION    no to leave out the small benchmarks (yes)
# BENCH_BUILD        no to use the executables that are there (yes)
# BENCH_DIR          folder for database and logs, kept (a temporary one, removed at the end)
# BENCH_OUTPUT       the page to write (docs/benchmarks.md)
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

unset DATABASE_URL "${!POOLWATCH_@}"
node=$(find_node) || { echo "bench: no Node.js: run make setup" >&2; exit 1; }
postgres=$(find_postgres) || { echo "bench: no PostgreSQL: run make setup" >&2; exit 1; }
export PATH=$PATH:$postgres NO_COLOR=1
if [ "${BENCH_BUILD:-yes}" != no ]; then
    cargo build --release --locked -p poolwatch-server -p poolwatch-simulator
fi
export BENCH_PROGRAMS=$target/release
exec "$node" tools/bench/main.mjs
