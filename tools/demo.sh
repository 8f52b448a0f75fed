#!/usr/bin/env bash
# A server, a mail catcher and a simulated fleet, all on this machine. Everything that is started
# here ends with this script, however it ends.
#
# DEMO_HOSTS          hosts of the fleet (100)
# DEMO_HISTORY_HOURS  hours of history (48)
# DEMO_SECONDS        stop after so many seconds of live pushes (never)
# DEMO_DIR            folder for database and logs, kept (a temporary one, removed at the end)
# DEMO_PORT, DEMO_SMTP_PORT, DEMO_MAIL_PORT
#                     ports (8443, 1025, 1080, or the next free ones)
# DEMO_PASSWORD       password to sign in with (a random one)
# DEMO_PROFILE        which executables: release or debug (release)
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

hosts=${DEMO_HOSTS:-100}
history_hours=${DEMO_HISTORY_HOURS:-48}
seconds=${DEMO_SECONDS:-}
programs=$target/${DEMO_PROFILE:-release}
email=demo@example.com
password=${DEMO_PASSWORD:-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')}
# Only what is said here counts.
unset DATABASE_URL "${!POOLWATCH_@}"
export POOLWATCH_CONFIG=/dev/null
node=$(find_node) || { echo "demo: no Node.js: run make setup" >&2; exit 1; }
# Logs are read as files.
export NO_COLOR=1

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The wanted port, or the first free one from a usual one on.
choose_port() {
    local wanted=$1 port=$2
    if [ -n "$wanted" ]; then
        is_free "$wanted" || { echo "demo: port $wanted is taken" >&2; return 1; }
        echo "$wanted"
        return
    fi
    until is_free "$port"; do port=$((port + 1)); done
    echo "$port"
}
port=$(choose_port "${DEMO_PORT:-}" 8443)
smtp_port=$(choose_port "${DEMO_SMTP_PORT:-}" 1025)
mail_port=$(choose_port "${DEMO_MAIL_PORT:-}" 1080)

if [ -n "${DEMO_DIR:-}" ]; then
    mkdir -p "$DEMO_DIR"
    dir=$(cd "$DEMO_DIR" && pwd)
    if [ -n "$(ls -A "$dir")" ]; then
        echo "demo: $dir is not empty: each demo starts afresh" >&2
        exit 1
    fi
else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/poolwatch-demo.XXXXXX")
    # The private Postgres of a server started as root runs as another user.
    chmod 711 "$dir"
fi

names=()
pids=()
ready=
# Runs a program in the background; the kernel ends it should this script be killed.
start() {
    local name=$1
    shift
    if setpriv --pdeathsig TERM true 2>/dev/null; then
        set -- setpriv --pdeathsig TERM "$@"
    fi
    "$@" </dev/null >"$dir/$name.log" 2>&1 &
    names+=("$name")
    pids+=($!)
}

stop() {
    local status=$? at pid left
    trap - EXIT
    trap '' INT TERM HUP
    [ -z "$ready" ] || kill "$ready" 2>/dev/null || true
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
        pid=${pids[at]}
        kill -TERM "$pid" 2>/dev/null || continue
        left=300
        while kill -0 "$pid" 2>/dev/null && ((left-- > 0)); do sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null && echo "demo: ${names[at]} had to be killed" >&2
    done
    # Left behind only by a server that did not end by itself.
    if [ -e "$dir/data/postgres/data/postmaster.pid" ]; then
        kill -INT "$(head -n 1 "$dir/data/postgres/data/postmaster.pid")" 2>/dev/null || true
        sleep 1
    fi
    case $status in
    0 | 129 | 130 | 143)
        if [ -z "${DEMO_DIR:-}" ]; then rm -rf "$dir"; fi
        echo "demo: stopped"
        ;;
    *) echo "demo: the logs are in $dir" >&2 ;;
    esac
    exit "$status"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Fails, with the end of its log, when a program has ended.
check_running() {
    local at
    for at in "${!pids[@]}"; do
        if ! kill -0 "${pids[at]}" 2>/dev/null; then
            echo "demo: ${names[at]} has ended. The end of its log:" >&2
            tail -n 20 "$dir/${names[at]}.log" >&2
            exit 1
        fi
    done
}

url=https://127.0.0.1:$port
ca=$dir/data/tls/ca.pem
database=(--database embedded --data-dir "$dir/data")
began=$SECONDS

start mail "$node" tools/demo/node_modules/.bin/maildev --ip 127.0.0.1 --smtp "$smtp_port" \
    --web-ip 127.0.0.1 --web "$mail_port" --mail-directory "$dir/mail"
mkdir -m 711 "$dir/data"
start server "$programs/poolwatch-server" serve --listen "127.0.0.1:$port" "${database[@]}" \
    --tls self-signed --public-url "$url" --smtp-url "smtp://127.0.0.1:$smtp_port" \
    --mail-from poolwatch@example.com --mail-to operators@example.com
"$node" tools/demo/ready.mjs "$url" "$ca" 60 &
ready=$!
while kill -0 "$ready" 2>/dev/null; do
    check_running
    sleep 0.2
done
wait "$ready"
ready=

admin() {
    "$programs/poolwatch-server" admin "$@" 2>"$dir/admin.log" && return
    head -n 1 "$dir/admin.log" >&2
    return 1
}
printf '%s\n' "$password" |
    admin create-user "${database[@]}" --email "$email" --name Demo --role admin >/dev/null
token=$(admin create-token enrolment "${database[@]}" --name demo --auto-approve </dev/null)

POOLWATCH_TOKEN=$token start simulator "$programs/poolwatch-sim" demo --server "$url" \
    --ca-file "$ca" --hosts "$hosts" --history-hours "$history_hours" --truth "$dir/truth.json"

cat <<END

  Poolwatch   $url
              (the certificate is made for this demo: your browser will ask)
  Sign in     $email
  Password    $password
  Mail        http://127.0.0.1:$mail_port
  Logs        $dir

  $hosts simulated hosts are sending $history_hours hours of history.
END
until grep -q ' Live hosts=' "$dir/simulator.log"; do
    check_running
    sleep 0.3
done
# For who waits for it: written in one step, once everything is there.
cat >"$dir/demo.json.new" <<END
{"console": "$url", "mail": "http://127.0.0.1:$mail_port", "email": "$email",
 "password": "$password", "data": "$dir/data", "programs": "$(cd "$programs" && pwd)"}
END
mv "$dir/demo.json.new" "$dir/demo.json"
echo "  They are live after $((SECONDS - began)) s. The first mail comes about a minute later."
echo
echo "  Ctrl-C stops everything${seconds:+; without it, that happens in $seconds s}."

end=$((SECONDS + ${seconds:-0}))
while [ -z "$seconds" ] || ((SECONDS < end)); do
    check_running
    sleep 1
done
