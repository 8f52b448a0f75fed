#!/usr/bin/env bash
# The agent without Windows: its tests, the executable, the service and the installer under Wine,
# against a real server. Whatever is started here ends with this script.
#
#   tools/windows/test.sh
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/../paths.sh"
here=$PWD/tools/windows
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"

report=()
began=$SECONDS
# Says how long the part took that has just ended.
done_with() {
    report+=("$(printf '%-34s %5d s' "$1" $((SECONDS - began)))")
    began=$SECONDS
}

tools/setup.sh demo
need_commands xmllint:libxml2-utils osslsigncode:osslsigncode msiextract:msitools openssl:openssl \
    python3:python3
prefix=$("$here/wine.sh")
"$here/toolchain.sh"
done_with "setup"

# What make test has built is taken as it is.
server=$(realpath -m "$target/debug/poolwatch-server")
[ -x "$server" ] || cargo build --locked -p poolwatch-server
done_with "server"

tests=
run=$(mktemp -d "${TMPDIR:-/tmp}/poolwatch-windows.XXXXXX")
# The private Postgres of a server started as root runs as another user.
chmod 711 "$run"
export WINEPREFIX=$run/wine WINEARCH=win64 WINEDEBUG=-all DISPLAY=
stop() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    if [ -n "$tests" ]; then
        kill "$tests" 2>/dev/null || true
        wait "$tests" 2>/dev/null || true
    fi
    wineserver -k 2>/dev/null || true
    wineserver -w 2>/dev/null || true
    "$here/directory/domain.sh" stop "$run/directory" || true
    if mountpoint -q "$run/small"; then as_root umount --lazy "$run/small"; fi
    if [ "$status" = 0 ]; then rm -rf "$run"; else say "logs are in $run"; fi
    exit "$status"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
cp -a "$prefix" "$WINEPREFIX"
mkdir "$WINEPREFIX/drive_c/agent"
wow64=$("$here/wow64.sh")
if [ -n "$wow64" ]; then
    cp -a "$prefix" "$run/wow64"
    cp "$wow64"/i386-windows/* "$run/wow64/drive_c/windows/syswow64/"
fi
for program in holder busy; do
    x86_64-w64-mingw32-gcc -O2 -s -o "$WINEPREFIX/drive_c/agent/$program.exe" "$here/tests/$program.c"
done

# With the compiler of toolchain.sh, and what it makes apart from what ours makes.
with_toolchain() (
    # shellcheck disable=SC1091  # made by toolchain.sh
    . "$cache/windows-env.sh"
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine
    "$@"
)
# Optimised dependencies take longer to compile than they save here. One test at a time: under Wine a
# port that one test has given back may be another's at once.
with_toolchain cargo test --locked -p poolwatch-agent --target x86_64-pc-windows-gnu \
    --config 'profile.dev.package."*".opt-level=0' -- --test-threads=1
wineserver -w
done_with "the agent's tests under Wine"

# Optimised: ten thousand cycles, a host with very many processes, each in a process of its own; and drivers
# of Wine, which hold no tag.
for test in cycles twenty_thousand; do
    cargo test --locked --release -p poolwatch-agent --test it -- --ignored "$test" --nocapture
done
cargo test --locked -p poolwatch-tagscan -- --ignored
done_with "cycles, drivers of Wine"

built() { "$here/build.sh" "$1" | tee >(cat >&2) | tail -n 1 | sed 's/: [0-9]* bytes$//'; }
exe=$(built x64)
exe_x86=$(built x86)
"$here/imports.sh" x86_64-w64-mingw32-objdump "$exe"
"$here/imports.sh" i686-w64-mingw32-objdump "$exe_x86"
done_with "executables"

"$here/msi.sh" x64 "$exe" 0.9.1 "$run/first.msi"
"$here/msi.sh" x64 "$exe" 0.9.2 "$run/second.msi"
"$here/msi.sh" x86 "$exe_x86" 0.9.1 "$run/x86.msi"
# As it is handed out: its name tells its version, which is the program's.
version=$(workspace_version)
"$here/msi.sh" x64 "$exe" "$version" "$run/poolwatch-agent-$version-x64.msi"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Code of Poolwatch's tests" \
    -addext extendedKeyUsage=codeSigning -keyout "$run/signer.key" -out "$run/signer.pem" 2>/dev/null
SIGN_CERTIFICATE=$run/signer.pem SIGN_KEY=$run/signer.key \
    "$here/msi.sh" x64 "$exe" 0.9.1 "$run/signed.msi"
done_with "installers"

RUN=$run SERVER=$server AGENT_EXE=$exe FIRST_MSI=$run/first.msi SECOND_MSI=$run/second.msi \
    CURRENT_MSI=$run/poolwatch-agent-$version-x64.msi X86_MSI=$run/x86.msi \
    SIGNED_MSI=$run/signed.msi SIGNER=$run/signer.pem X86_EXE=$exe_x86 WOW64=$wow64 \
    "$(find_node)" --test-reporter=spec "$here/tests/windows.test.mjs" &
tests=$!
wait "$tests"
tests=
done_with "executable, service, installer"

printf '\n'
printf '%s\n' "${report[@]}"
