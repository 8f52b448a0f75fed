#!/usr/bin/env bash
# A directory of Windows without Windows: Samba as domain controller of POOL.TEST in a folder, on one
# loopback address, with a share for packages, and one computer that has joined, HOST1.
#
#   domain.sh start FOLDER SHARE    SHARE is the folder that is shared as \\dc1.pool.test\deploy$
#   domain.sh as FOLDER COMMAND…    runs a command with the domain's names and Kerberos
#   domain.sh stop FOLDER           ends it and deletes the folder
#
# The folder's parents have to be open to all (mode 711), as computers read SYSVOL as other users.
# Needs root. The ports are those of the protocols, as clients know no others: the address is one that
# nobody else uses.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/windows/packages.sh
. "$here/../packages.sh"

address=127.77.0.1
realm=POOL.TEST
domain=POOL
computer=HOST1
controller=dc1.pool.test
# Of a directory that lives for a minute on a loopback address.
password=Only-For-Tests-1

[ $# -ge 2 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "needs root"; exit 1; }
    exec sudo --preserve-env=POOLWATCH_CACHE "$0" "$@"
fi
action=$1
folder=$(realpath -m "$2")
shift 2

has_samba() {
    local program
    for program in samba winbindd smbclient kinit setfattr; do
        PATH=$PATH:/usr/sbin command -v $program >/dev/null || return 1
    done
    compgen -G '/usr/lib/*/samba/vfs/acl_xattr.so' >/dev/null &&
        compgen -G '/usr/lib/*/libnss_wrapper.so*' >/dev/null && [ -d /usr/share/samba/setup ] &&
        /usr/bin/python3 -c 'import samba.gpo' 2>/dev/null
}

install_samba() {
    local policy=/usr/sbin/policy-rc.d own=
    ! has_samba || return 0
    # The machine is to have the programs and to start none of their services.
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        own=1
    fi
    install_packages samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules \
        python3-samba winbind smbclient krb5-user libnss-wrapper attr acl
    [ -z "$own" ] || rm -f $policy
}

# Names of the domain from a file of the folder; /etc stays as it is.
with_names() {
    LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_HOSTS=$folder/hosts KRB5_CONFIG=$folder/krb5.conf \
        KRB5CCNAME=FILE:$folder/tickets SMB_CONF_PATH=${smb_conf:-$folder/administrator.conf} \
        DIRECTORY=$folder "$@"
}

write_configuration() {
    local who
    mkdir -p "$folder"/{log,run/rpc,run/winbind,run/ntp,dc/cache,administrator,computer}
    for who in dc administrator computer; do
        cat >"$folder/$who.conf" <<CONF
[global]
    workgroup = $domain
    realm = $realm
    interfaces = $address/8
    bind interfaces only = yes
    disable netbios = yes
    name resolve order = host
    load printers = no
    printcap name = /dev/null
    logging = file
    log file = $folder/log/$who.%m
    lock directory = $folder/$who
    cache directory = $folder/$who
    state directory = $folder/$who
    private dir = $folder/$who
CONF
    done
    cat >>"$folder/dc.conf" <<CONF
    netbios name = DC1
    server role = active directory domain controller
    server services = s3fs, rpc, ldap, cldap, kdc, dns, winbindd
    private dir = $folder/dc/private
    state directory = $folder/dc/state
    cache directory = $folder/dc/cache
    binddns dir = $folder/dc/bind-dns
    pid directory = $folder/run
    ncalrpc dir = $folder/run/rpc
    winbindd socket directory = $folder/run/winbind
    ntp signd socket directory = $folder/run/ntp
[sysvol]
    path = $folder/dc/state/sysvol
    read only = no
[deploy\$]
    path = $share
    read only = yes
CONF
    for who in administrator computer; do
        cat >>"$folder/$who.conf" <<CONF
    netbios name = $computer
    security = ads
    kerberos method = secrets only
    create krb5 conf = no
    pid directory = $folder/$who
CONF
    done
    printf '%s %s dc1\n127.0.0.1 localhost\n' "$address" "$controller" >"$folder/hosts"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$folder/passwd"
    printf 'root:x:0:\nusers:x:100:\nnogroup:x:65534:\n' >"$folder/group"
    printf '%s\n' "$password" >"$folder/password"
    cat >"$folder/krb5.conf" <<CONF
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
    dns_canonicalize_hostname = false
[realms]
    $realm = {
        kdc = $address
    }
[domain_realm]
    .pool.test = $realm
CONF
}

# Runs a step of the start; what it said is shown when it fails.
step() {
    local name=$1
    shift
    "$@" >"$folder/log/$name" 2>&1 || { say "$name failed:"; tail -n 20 "$folder/log/$name" >&2; return 1; }
}

start() {
    share=$(realpath "$1")
    install_samba
    [ ! -e "$folder" ] || { say "$folder is there already"; exit 1; }
    trap 'stop' ERR
    mkdir -p "$folder"
    chmod 711 "$folder"
    write_configuration
    # Else settings of the machine's own smb.conf would be taken over.
    printf '[global]\n' >"$folder/empty.conf"
    step provision samba-tool domain provision -s "$folder/empty.conf" --realm=$realm \
        --domain=$domain --server-role=dc --dns-backend=SAMBA_INTERNAL --adminpass="$password" \
        --host-name=dc1 --host-ip=$address --targetdir="$folder/dc" \
        --option="interfaces=$address/8" --option="bind interfaces only=yes"
    # The service that would register this name does not run.
    step spn samba-tool spn add ldap/$controller 'DC1$' -s "$folder/dc.conf"
    # The file server asks for users and groups where it was built to; the wrapper tells it ours.
    LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_HOSTS=$folder/hosts NSS_WRAPPER_PASSWD=$folder/passwd \
        NSS_WRAPPER_GROUP=$folder/group SELFTEST_WINBINDD_SOCKET_DIR=$folder/run/winbind \
        KRB5_CONFIG=$folder/krb5.conf \
        setsid samba -i -M single --no-process-group -s "$folder/dc.conf" \
        </dev/null >"$folder/log/dc" 2>&1 &
    echo $! >"$folder/session"
    for _ in $(seq 600); do
        if step sysvol with_names smbclient "//$controller/sysvol" -U "Administrator%$password" -c ls \
            2>/dev/null; then break; fi
        sleep 0.1
    done
    step sysvol with_names smbclient "//$controller/sysvol" -U "Administrator%$password" -c ls
    with_names kinit "Administrator@$realm" <<<"$password" >"$folder/log/kinit" 2>&1
    smb_conf=$folder/computer.conf step join with_names net ads join -S $controller --no-dns-updates \
        -U "Administrator%$password"
    trap - ERR
}

# All processes of the controller's session, which are ours alone.
session() { ps -o pid= -s "$(cat "$folder/session")" 2>/dev/null || true; }

stop() {
    if [ -e "$folder/session" ]; then
        # shellcheck disable=SC2046  # one word each
        kill $(session) 2>/dev/null || true
        for _ in $(seq 50); do
            [ -n "$(session)" ] || break
            sleep 0.1
        done
        # shellcheck disable=SC2046
        kill -KILL $(session) 2>/dev/null || true
    fi
    rm -rf "$folder"
}

case $action in
start) start "$@" ;;
as) with_names "$@" ;;
stop) stop ;;
*) say "knows start, as and stop"; exit 2 ;;
esac
