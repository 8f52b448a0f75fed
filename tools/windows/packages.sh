# shellcheck shell=bash
# Sourced by the scripts beside it: where they keep what they made, and how they get what they need.

cache=${POOLWATCH_CACHE:-$HOME/.cache/poolwatch}
mkdir -p "$cache"

say() { echo "$(basename "$0" .sh): $*" >&2; }

# The version that everything of the project has.
workspace_version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

# Installs the packages of those commands that are missing: need_commands COMMAND:PACKAGE…
need_commands() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

install_packages() {
    if ! command -v apt-get >/dev/null; then
        say "please install $* (or what your system calls them), then run this again"
        exit 1
    fi
    say "installs $*"
    as_root apt-get -qq update >"$cache/apt.log" 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 install \
        --no-install-recommends "$@" >>"$cache/apt.log" 2>&1 || {
        say "could not install them; see $cache/apt.log"
        exit 1
    }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "needs root (or sudo) for: $*"
        exit 1
    fi
}
