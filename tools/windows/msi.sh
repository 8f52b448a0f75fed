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
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
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
source=$PWD/deploy/msi/poolwatch-agent.wxs
# wixl finds files only below the folder that it runs in.
(cd "$(dirname "$exe")" && wixl --arch "$architecture" --output "$package" --define "Version=$version" \
    --define "Win64=$win64" --define "ProgramFiles=$folder" "$source")

query() { msibuild "$package" -q "$1"; }
set_property() {
    query "DELETE FROM \`Property\` WHERE \`Property\`='$1'"
    query "INSERT INTO \`Property\` (\`Property\`, \`Value\`) VALUES ('$1', '$2')"
}
# What wixl cannot say. Without the first, the part of Windows Installer that runs as the system
# would not get the properties; without the second, the token would be in every log.
set_property SecureCustomProperties "SERVER_URL;ENROLL_TOKEN;CA_FILE;KEPT_SERVER_URL;KEPT_ENROLL_TOKEN;KEPT_CA_FILE;WIX_UPGRADE_DETECTED;WIX_DOWNGRADE_DETECTED"
set_property MsiHiddenProperties "ENROLL_TOKEN;KEPT_ENROLL_TOKEN;KeepEnrollToken"
# Without the value, which may be the token.
query "CREATE TABLE \`ActionText\` (\`Action\` CHAR(72) NOT NULL, \`Description\` CHAR(0) LOCALIZABLE, \`Template\` CHAR(0) LOCALIZABLE PRIMARY KEY \`Action\`)"
query "INSERT INTO \`ActionText\` (\`Action\`, \`Description\`, \`Template\`) VALUES ('WriteRegistryValues', 'Writing system registry values', 'Key: [1], Name: [2]')"
# After InstallInitialize, so that an upgrade that fails brings the old version back.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=1501 WHERE \`Action\`='RemoveExistingProducts'"

# The only condition, a newer version, needs no search; and what was refused has read no token.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=40 WHERE \`Action\`='LaunchConditions'"
# A rebuild of the same version replaces it: 1 alone would leave both, 512 means inclusive.
query "DELETE FROM \`Upgrade\` WHERE \`ActionProperty\`='WIX_UPGRADE_DETECTED'"
query "INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`) VALUES ('{6F5C2B0E-5B7D-4C0B-9A43-8E1B6D3C7A51}', '$version', 513, 'WIX_UPGRADE_DETECTED')"

echo "$package: $(wc -c <"$package") bytes"
