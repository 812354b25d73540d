#!/usr/bin/env bash
# Build the images of the test bed.
#
#   build-images.sh [--from debootstrap|registry] [IMAGE...]
#
# IMAGE is bookworm-systemd, trixie-systemd, bookworm-host, trixie-host, or a suite (both of its images);
# default: all four. A -host image is made on top of its -systemd image.
#   debootstrap  mmdebstrap from a Debian mirror, no registry (default when mmdebstrap is there)
#   registry     podman build on the debian:SUITE image
# An image is rebuilt only when its recipe or the week changed; FORCE=1 rebuilds.
# MAS_OPS_MIRROR: another Debian mirror. MAS_OPS_IMAGE_PREFIX: what comes before the name (localhost).
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mirror=${MAS_OPS_MIRROR:-}
prefix=${MAS_OPS_IMAGE_PREFIX:-localhost}
# In a folder of the user's own: what others can write to may hold a link that was prepared for us.
locks=${XDG_CACHE_HOME:-$HOME/.cache}/mas-ops/images

[[ -n ${MAS_OPS_IN_ENV:-} ]] || MAS_OPS_IN_ENV=1 exec "$here/env.sh" "$0" "$@"

usage() { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

list() { tr '\n' ' ' <"$here/image/$1.packages"; }

debootstrap_image() {
    local suite=$1 image=$2 label=$3 packages
    packages=$(list systemd)
    # shellcheck disable=SC2016 # $1 in a hook is the root of the new system
    # Lists stay in the image: without them apt's cache_valid_time looks fresh and finds nothing.
    mmdebstrap --quiet --variant=minbase --include="${packages// /,}" \
        --skip=cleanup/apt/lists --dpkgopt=force-unsafe-io \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
        --customize-hook="copy-in '$here/image/systemd.sh' /tmp" \
        --customize-hook='chroot "$1" sh /tmp/systemd.sh && rm "$1/tmp/systemd.sh"' \
        "$suite" - ${mirror:+"$mirror"} |
        podman import -q --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' \
            --change "LABEL mas.ops.recipe=$label" - "$image"
}

layered_image() {
    local base=$1 recipe=$2 image=$3 label=$4
    podman build -q --isolation=chroot --network=host --build-arg "BASE=$base" --build-arg "RECIPE=$recipe" \
        --label "mas.ops.recipe=$label" -t "$image" -f "$here/Containerfile" "$here"
}

recipe_label() {
    local suite=$1 kind=$2
    {
        declare -f debootstrap_image layered_image
        cat "$here/Containerfile" "$here"/image/systemd.*
        [[ $kind == systemd ]] || cat "$here"/image/host.*
        echo "$from $mirror $suite $(date +%G-%V)"
    } | sha256sum | cut -c1-16
}

build() {
    local suite=${1%-*} kind=${1##*-} image=$prefix/$1 label have start=$SECONDS
    exec 8>"$locks/$1"
    flock 8 # Two runs that need the same image: the second one finds it done.
    label=$(recipe_label "$suite" "$kind")
    have=$(podman image inspect --format '{{index .Labels "mas.ops.recipe"}}' "$image" 2>/dev/null || true)
    if [[ $have == "$label" && -z ${FORCE:-} ]]; then
        echo "$image: up to date"
        return
    fi
    echo "$image: building ($from)"
    case $kind-$from in
        systemd-debootstrap) debootstrap_image "$suite" "$image" "$label" ;;
        systemd-registry) layered_image "docker.io/library/debian:$suite" systemd "$image" "$label" ;;
        host-*) layered_image "$prefix/$suite-systemd" host "$image" "$label" ;;
    esac >/dev/null
    echo "$image: built in $((SECONDS - start)) s"
    touch "$locks/built.$$"
}

build_suite() {
    local suite=$1
    [[ " ${wanted[*]} " != *" $suite-systemd "* && " ${wanted[*]} " != *" $suite-host "* ]] || build "$suite-systemd"
    [[ " ${wanted[*]} " != *" $suite-host "* ]] || build "$suite-host"
}

from=
wanted=()
while (($#)); do
    case $1 in
        --from) from=$2; shift ;;
        bookworm | trixie) wanted+=("$1-systemd" "$1-host") ;;
        bookworm-systemd | trixie-systemd | bookworm-host | trixie-host) wanted+=("$1") ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done
((${#wanted[@]})) || wanted=(bookworm-systemd bookworm-host trixie-systemd trixie-host)
if [[ -z $from ]]; then
    if command -v mmdebstrap >/dev/null; then from=debootstrap; else from=registry; fi
fi

(umask 077 && mkdir -p "$locks")
[[ -O $locks && ! -L $locks ]] || { echo "$locks is not a folder of your own: remove it" >&2; exit 73; }
jobs=()
for suite in bookworm trixie; do
    build_suite "$suite" &
    jobs+=($!)
done
status=0
for job in "${jobs[@]}"; do wait "$job" || status=1; done
if [[ -e $locks/built.$$ ]]; then
    rm "$locks/built.$$"
    # What the new images replaced; one that a container still uses stays until the next time.
    podman image prune --force --filter label=mas.ops.recipe >/dev/null 2>&1 || true
fi
exit "$status"
