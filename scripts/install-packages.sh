#!/bin/sh
# SPDX-License-Identifier: MIT
# Run as root by quickstart: installs the packages that are named. While apt
# runs, policy-rc.d keeps packages from starting their services. A policy-rc.d
# that already exists is left as it is.
set -eu

policy=/usr/sbin/policy-rc.d
policy_is_ours=
cluster=/etc/postgresql-common/createcluster.d

cleanup() {
    test -z "$policy_is_ours" || rm -f "$policy"
    rm -f "$cluster/fcgiauth-quickstart.conf"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if ! test -e "$policy" && ! test -L "$policy"; then
    policy_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND

# Services of packages that are already installed are left as they are.
services=
for name in apache2 lighttpd nginx pgbouncer postgresql redis-sentinel \
    redis-server; do
    test -e "/lib/systemd/system/$name.service" ||
        services="$services $name.service"
done

# No database cluster is created for the machine.
case " $* " in
*" postgresql "*)
    mkdir -p "$cluster"
    echo 'create_main_cluster = false' >"$cluster/fcgiauth-quickstart.conf"
    ;;
esac

apt-get -o DPkg::Lock::Timeout=300 update </dev/null
list=
for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        list="$list $package"
    else
        echo "quickstart: package $package does not exist here, skipped" >&2
    fi
done
# shellcheck disable=SC2086 # each package is one word
apt-get -o DPkg::Lock::Timeout=300 --yes --no-remove \
    --no-install-recommends install $list </dev/null

# The services are not started at the next boot either.
if command -v systemctl >/dev/null; then
    for service in $services; do
        systemctl disable "$service" >/dev/null 2>&1 || :
    done
fi
