#!/usr/bin/env bash
# Installs what is missing. With "demo" only what the demo needs, without the browser tests' part.
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

say() { echo "setup: $*"; }
fail() {
    echo "setup: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root (or sudo) for: $*"
    fi
}

apt_fresh=
install_packages() {
    command -v apt-get >/dev/null ||
        fail "please install $* (or what your system calls them), then run this again"
    say "installing $*"
    if [ -z "$apt_fresh" ]; then
        as_root apt-get -qq update
        apt_fresh=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}

install_postgres() {
    if ! [ -e /etc/postgresql-common/createcluster.conf ]; then
        # Only the programs are wanted: without this line the package starts a server at once.
        install_packages postgresql-common
        echo "create_main_cluster = false" |
            as_root tee -a /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    install_packages postgresql
}

# The packages of a folder, exactly as its package-lock.json has them.
install_npm() {
    local folder=$1
    if cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json"; then
        return
    fi
    say "installing the npm packages of $folder/"
    (cd "$folder" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-progress --loglevel=error)
    cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json"
}

# Programs that check dependencies, in a folder of their own.
install_cargo_tools() {
    local wanted=tools/cargo/requirements.txt folder=tools/cargo/venv
    if cmp -s "$wanted" "$folder/.installed"; then
        return
    fi
    say "installing what checks dependencies"
    rm -rf "$folder"
    if ! python3 -m venv "$folder" >/dev/null 2>&1; then
        install_packages python3 python3-venv
        python3 -m venv "$folder"
    fi
    "$folder/bin/pip" --quiet --disable-pip-version-check install --requirement "$wanted"
    cp "$wanted" "$folder/.installed"
}

for_what=${1:-all}

if ! command -v cargo >/dev/null; then
    fail "Rust 1.95 or later is missing: install it with rustup"
fi
if ! command -v cc >/dev/null; then
    install_packages build-essential
fi
if ! [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    install_packages ca-certificates
fi
if ! find_postgres >/dev/null; then
    install_postgres
fi
if ! command -v npm >/dev/null; then
    if command -v node >/dev/null; then install_packages npm; else install_packages nodejs npm; fi
fi
if ! find_node >/dev/null; then
    say "Node.js $(node --version) is too old"
    install_npm tools/node
    find_node >/dev/null || fail "please install Node.js $node_minimum or later"
fi
install_npm web
install_npm tools/demo

if [ "$for_what" != demo ]; then
    for component in fmt:rustfmt clippy:clippy; do
        if ! cargo "${component%:*}" --version >/dev/null 2>&1; then
            say "installing ${component#*:}"
            rustup component add "${component#*:}"
        fi
    done
    install_npm e2e
    install_cargo_tools
    if ! [ -x /usr/sbin/pgbouncer ]; then
        install_packages pgbouncer
    fi
    if ! find_chromium >/dev/null; then
        install_packages chromium
    fi
fi
say "ready: $(cargo --version), $("$(find_postgres)/postgres" --version), Node.js $("$(find_node)" --version)"
