#!/usr/bin/env bash
# Makes the Debian package of the server.
#
# DEB_PROGRAM      the server's executable (target/release/poolwatch-server, built first)
# DEB_VERSION      the package's version (that of the workspace)
# DEB_FOLDER       where the package is put (target/deb)
# DEB_COMPRESSION  xz, or none, which is quick
set -euo pipefail
# shellcheck source=tools/paths.sh
. "$(dirname "$0")/paths.sh"

program=${DEB_PROGRAM:-$target/release/poolwatch-server}
version=${DEB_VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)}
folder=${DEB_FOLDER:-$target/deb}
architecture=$(dpkg --print-architecture)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

install -D --strip -m 755 "$program" "$root/usr/bin/poolwatch-server"
put() { install -D -m 644 "$1" "$root/$2"; }
put deploy/systemd/poolwatch-server.service usr/lib/systemd/system/poolwatch-server.service
put deploy/systemd/poolwatch-server.sysusers usr/lib/sysusers.d/poolwatch-server.conf
put deploy/debian/server.toml etc/poolwatch/server.toml
put deploy/prometheus/rules.yml usr/share/poolwatch/prometheus/rules.yml
put deploy/grafana/poolwatch.json usr/share/poolwatch/grafana/poolwatch.json
doc=usr/share/doc/poolwatch-server
for page in deployment configuration scale limits metrics alerting security api; do
    put "docs/$page.md" "$doc/$page.md"
done
cat LICENSE-MIT LICENSE-APACHE >"$root/$doc/copyright"
chmod 644 "$root/$doc/copyright"

mkdir "$root/DEBIAN"
echo /etc/poolwatch/server.toml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "deploy/debian/$script" "$root/DEBIAN/$script"
done
glibc=$(objdump -T "$root/usr/bin/poolwatch-server" | grep -o 'GLIBC_2\.[0-9]*' |
    sort -uV | tail -n 1)
size=$(du -sk --exclude DEBIAN "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
    -e "s/@GLIBC@/${glibc#GLIBC_}/" deploy/debian/control.in >"$root/DEBIAN/control"

mkdir -p "$folder"
package=$folder/poolwatch-server_${version}_$architecture.deb
dpkg-deb --root-owner-group "-Z${DEB_COMPRESSION:-xz}" --build "$root" "$package" >/dev/null
echo "$package"
