#!/usr/bin/env bash
# Writes .sqlx/, what the compile-time check of SQL needs where there is no database. With --check,
# only tells whether it is up to date.
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

postgres=$(find_postgres) || { echo "queries: no PostgreSQL: run make setup" >&2; exit 1; }
PATH=$PATH:$postgres
dir=$(mktemp -d "${TMPDIR:-/tmp}/poolwatch-queries.XXXXXX")

# PostgreSQL refuses to run as root.
as_user=()
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$dir"
    as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$dir")
fi
run() {
    if ! (cd / && "${as_user[@]}" "$postgres/$1" -D "$dir/data" "${@:2}" >"$dir/log" 2>&1); then
        tail -n 5 "$dir/log" >&2
        return 1
    fi
}

started=
stop() {
    local status=$?
    trap - EXIT
    [ -z "$started" ] || run pg_ctl stop -m immediate || true
    rm -rf "$dir"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

run initdb -U poolwatch -A trust -E UTF8 --locale=C --no-sync
run pg_ctl start -w -o "-c listen_addresses= -c unix_socket_directories='$dir' -c fsync=off"
started=yes
for migration in migrations/*.sql; do
    psql -X -q -v ON_ERROR_STOP=1 -h "$dir" -U poolwatch -d postgres -f "$migration"
done

# The macros ask the database only when the crate is compiled: a file that looks new makes sure of
# that, and looks as old as before afterwards, so that nothing else is compiled again.
mkdir "$dir/new"
touch -r crates/store/src/lib.rs "$dir/old"
touch crates/store/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$dir/new" \
    DATABASE_URL="postgres://poolwatch@localhost/postgres?host=$dir" \
    cargo check -q --locked --workspace --all-targets
touch -r "$dir/old" crates/store/src/lib.rs

if [ "${1:-}" = --check ]; then
    if ! diff -rq .sqlx "$dir/new"; then
        echo "queries: .sqlx/ is out of date: run make queries" >&2
        exit 1
    fi
    echo "queries: the $(find .sqlx -name '*.json' | wc -l) of .sqlx/ are up to date"
else
    mkdir -p .sqlx
    rm -f .sqlx/query-*.json
    cp "$dir"/new/query-*.json .sqlx/
    echo "queries: wrote $(find .sqlx -name '*.json' | wc -l) to .sqlx/"
fi
