# shellcheck shell=bash
# Sourced by the other scripts: where things are.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# Queries are checked against .sqlx/, whatever DATABASE_URL is set to. tools/queries.sh alone asks a database.
export SQLX_OFFLINE=true
# Where tools/setup.sh puts programs that check dependencies.
export PATH="$PWD/tools/cargo/venv/bin:$PATH"
# shellcheck disable=SC2034  # used by those that source this
target=${CARGO_TARGET_DIR:-target}

# Playwright and the mail catcher want this Node.js or a later one.
node_minimum=20

# The machine's Node.js, or the one that tools/setup.sh brought because that is too old.
find_node() {
    local own
    own=$(command -v node || true)
    if [ -n "$own" ] && [ "$("$own" -p 'parseInt(process.versions.node)')" -ge "$node_minimum" ]; then
        echo "$own"
        return
    fi
    for own in "$PWD"/tools/node/node_modules/node-linux-*/bin/node; do
        if [ -x "$own" ]; then
            echo "$own"
            return
        fi
    done
    return 1
}

# The folder with PostgreSQL's server programs, looked for where the server itself looks.
find_postgres() {
    local folder
    if command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
        dirname "$(command -v initdb)"
        return
    fi
    if folder=$(pg_config --bindir 2>/dev/null) && [ -x "$folder/initdb" ]; then
        echo "$folder"
        return
    fi
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -Vr); do
        if [ -x "$folder/initdb" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

# Chromium or Chrome: $CHROMIUM, or what the machine has.
find_chromium() {
    local name
    for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome; do
        if command -v "$name"; then
            return
        fi
    done
    return 1
}
