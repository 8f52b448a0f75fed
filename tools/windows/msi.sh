#!/usr/bin/env bash
# Builds the installers of the agent, target/poolwatch-agent-VERSION-x64.msi and -x86.msi.
#
#   tools/windows/msi.sh                           builds the executables first
#   tools/windows/msi.sh ARCH EXE VERSION PACKAGE  from an executable that is there, as this version
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/packages.sh"
cd "$here/../.."

need_commands wixl:wixl msibuild:msitools

if [ $# = 0 ]; then
    version=$(workspace_version)
    for architecture in x64 x86; do
        exe=$("$here/build.sh" "$architecture" | tee >(cat >&2) | tail -n 1 | sed 's/: [0-9]* bytes$//')
        "$here/msi.sh" "$architecture" "$exe" "$version" \
            "${CARGO_TARGET_DIR:-target}/poolwatch-agent-$version-$architecture.msi"
    done
    exit
fi
architecture=$1 exe=$2 version=$3 package=$4
case $architecture in
x64) win64=yes folder=ProgramFiles64Folder ;;
x86) win64=no folder=ProgramFilesFolder ;;
esac

rm -f "$package"
package=$(realpath "$package")
source=$PWD/deploy/msi
# wixl finds files only below the folder that it runs in.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$exe" "$work/poolwatch-agent.exe"
cp "$(dirname "$exe")"/poolwatch-{messages,setup}.dll "$source/poolwatch.ico" "$work"
"$here/sign.sh" "$work"/poolwatch-agent.exe "$work"/*.dll
(cd "$work" && wixl --arch "$architecture" --output "$package" --define "Version=$version" \
    --define "Win64=$win64" --define "ProgramFiles=$folder" "$source/poolwatch-agent.wxs")

query() { msibuild "$package" -q "$1"; }
set_property() {
    query "DELETE FROM \`Property\` WHERE \`Property\`='$1'"
    query "INSERT INTO \`Property\` (\`Property\`, \`Value\`) VALUES ('$1', '$2')"
}
# The version that a program or library says it has (VS_FIXEDFILEINFO).
file_version() {
    local at words
    at=$(LC_ALL=C grep -obUaP '\xbd\x04\xef\xfe\x00\x00\x01\x00' "$1" | head -n 1 | cut -d : -f 1)
    read -r -d '' -a words < <(od -An -v -t u2 -j $((at + 8)) -N 8 "$1"; printf '\0')
    echo "${words[1]}.${words[0]}.${words[3]}.${words[2]}"
}
# What wixl cannot say. Without the first, the part of Windows Installer that runs as the system
# would not get the properties; without the second, secrets would be in every log.
secure=WIX_UPGRADE_DETECTED\;WIX_DOWNGRADE_DETECTED
for property in SERVER_URL ENROLL_TOKEN CA_FILE PROXY LABELS INTERVAL NOSTART PURGE; do
    secure+=";$property;KEPT_$property"
done
set_property SecureCustomProperties "$secure"
set_property MsiHiddenProperties "ENROLL_TOKEN;KEPT_ENROLL_TOKEN;KeepEnrollToken;PROXY;KEPT_PROXY;KeepProxy"
# Without the value, which may be the token.
query "CREATE TABLE \`ActionText\` (\`Action\` CHAR(72) NOT NULL, \`Description\` CHAR(0) LOCALIZABLE, \`Template\` CHAR(0) LOCALIZABLE PRIMARY KEY \`Action\`)"
query "INSERT INTO \`ActionText\` (\`Action\`, \`Description\`, \`Template\`) VALUES ('WriteRegistryValues', 'Writing system registry values', 'Key: [1], Name: [2]')"
# After InstallInitialize, so that an upgrade that fails brings the old version back.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=1501 WHERE \`Action\`='RemoveExistingProducts'"
query "UPDATE \`InstallExecuteSequence\` SET \`Condition\`='VersionNT AND (NOT NOSTART OR NOSTART=\"0\")' WHERE \`Action\`='StartServices'"
# A file whose version the package does not tell counts as older than any that has one: an upgrade would
# leave it out.
for file in AgentExe:poolwatch-agent.exe Messages:poolwatch-messages.dll; do
    query "UPDATE \`File\` SET \`Version\`='$(file_version "$work/${file#*:}")', \`Language\`='1033' WHERE \`File\`='${file%:*}'"
done

# The only condition, a newer version, needs no search; and what was refused has read no token.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=40 WHERE \`Action\`='LaunchConditions'"
# A rebuild of the same version replaces it: 1 alone would leave both, 512 means inclusive.
query "DELETE FROM \`Upgrade\` WHERE \`ActionProperty\`='WIX_UPGRADE_DETECTED'"
query "INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`) VALUES ('{6F5C2B0E-5B7D-4C0B-9A43-8E1B6D3C7A51}', '$version', 513, 'WIX_UPGRADE_DETECTED')"
"$here/sign.sh" "$package"

echo "$package: $(wc -c <"$package") bytes"
