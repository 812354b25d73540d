#!/usr/bin/env bash
# Run a command where podman can run systemd containers: env.sh COMMAND [ARG...]
#
# A host with cgroup v2 at /sys/fs/cgroup runs the command as it is. A root shell on a host with
# cgroup v1 or hybrid runs it in a private mount namespace whose /sys/fs/cgroup is cgroup v2; the
# namespace is kept for later calls, so containers live on between commands. The host's own mounts
# are never touched and nothing is installed: what is missing is named, with the command to get it.
#
#   env.sh --check        say what this host has and lacks; status 0 when scenarios can run
#   env.sh --down         drop the kept namespace (refused while containers run)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
state=${MAS_OPS_STATE:-/run/mas-ops-containers}
ns=$state/mnt

fail() { printf 'env.sh: %s\n' "$*" >&2; exit 69; }
unified() { [[ $(stat -fc %T /sys/fs/cgroup 2>/dev/null) == cgroup2fs ]]; }

keep_namespace() {
    # nsfs bind: the namespace lives as long as this mount, no process has to stay behind.
    mkdir -p "$state"
    exec 9>"$state/lock"
    flock 9
    if ! nsenter --mount="$ns" true 2>/dev/null; then
        mountpoint -q "$state" || mount --bind "$state" "$state"
        mount --make-private "$state"
        : > "$ns"
        unshare --mount="$ns" --propagation slave sh -c '
            mount --make-rprivate /sys/fs/cgroup && umount -R /sys/fs/cgroup &&
            mount -t cgroup2 cgroup2 /sys/fs/cgroup' ||
            fail "cannot mount cgroup v2 in a private namespace (kernel without cgroup2, or no CAP_SYS_ADMIN)"
    fi
    exec 9>&-
}

raises_limits() {
    # Bit 24 of the effective capabilities is CAP_SYS_RESOURCE: without it podman's own defaults fail.
    local caps
    caps=$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
    (((0x$caps >> 24) & 1))
}

narrow_limits() {
    [[ $(id -u) == 0 ]] || return 0
    if ! unified || ! raises_limits; then
        export CONTAINERS_CONF=${CONTAINERS_CONF:-$here/containers.conf}
    fi
}

enter() {
    narrow_limits
    if unified; then
        exec "$@"
    fi
    [[ $(id -u) == 0 ]] || fail "/sys/fs/cgroup is not cgroup v2; boot with systemd.unified_cgroup_hierarchy=1 or run as root"
    keep_namespace
    exec nsenter --mount="$ns" --wd="$PWD" -- "$@"
}

check() {
    local bad=0 tool
    report() { printf '%-12s %s\n' "$1" "$2"; }
    if unified; then report cgroup "v2, used as it is"
    elif [[ $(id -u) == 0 ]]; then report cgroup "v1/hybrid, private v2 namespace"
    else report cgroup "v1/hybrid and not root: containers with systemd cannot run"; bad=1; fi
    for tool in podman nsenter; do
        command -v "$tool" >/dev/null || { report "$tool" "missing: apt-get install ${tool/nsenter/util-linux}"; bad=1; }
    done
    command -v mmdebstrap >/dev/null || report mmdebstrap "missing: images then need a registry (apt-get install mmdebstrap)"
    if command -v podman >/dev/null; then
        report podman "$(podman --version | cut -d' ' -f3), $([[ $(id -u) == 0 ]] && echo rootful || echo rootless)"
        if [[ $(id -u) != 0 ]]; then
            grep -q "^$(id -un):" /etc/subuid 2>/dev/null || { report subuid "missing: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"; bad=1; }
            command -v newuidmap >/dev/null || { report newuidmap "missing: apt-get install uidmap"; bad=1; }
            grep -qw memory "/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers" 2>/dev/null ||
                report delegation "memory controller not delegated: limits inside containers do nothing"
        fi
        if ! { [[ -x /usr/lib/podman/netavark && -x /usr/lib/podman/aardvark-dns ]] || command -v netavark >/dev/null || [[ -x /usr/libexec/podman/netavark ]]; }; then
            report network "netavark and aardvark-dns missing: names between containers do not resolve"
        fi
    fi
    return "$bad"
}

case ${1:-} in
    --check) check ;;
    --down)
        [[ -e $ns ]] || exit 0
        running=$("$0" podman ps -q | wc -l)
        ((running == 0)) || fail "$running containers still run"
        umount "$ns" && umount "$state" && rm -rf "$state"
        ;;
    ''|-h|--help) sed -n '2,11s/^# \{0,1\}//p' "$0" ;;
    *) enter "$@" ;;
esac
