"""What stays on the machine once the hosts of a run are gone, and how to remove it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bed import CHECKOUT, BedError, podman

#: What `prepare` has installed, a package a line.
INSTALLED = CHECKOUT / ".cache/installed-packages"
#: Where env.sh keeps the containers on a machine with cgroup v1.
_NAMESPACE = Path("/run/mas-ops-containers")
_MIB = 1 << 20


def describe(
    images: Sequence[tuple[str, int]], packages: Sequence[str], runs: Sequence[str], namespace: bool
) -> str:
    """
    :param images: their names, and their sizes in bytes
    :param packages: those that were installed for the test bed
    :param runs: whose hosts are still there
    """
    lines = ["What stays on this machine, and how to remove it:"]
    lines.extend(f"  the hosts of run {run}: tests/bed/bed.py down --run {run}" for run in runs)
    if images:
        size = sum(size for _, size in images) // _MIB
        names = " ".join(name for name, _ in images)
        lines.append(f"  {len(images)} images, {size} MiB at most: tests/bed/env.sh podman image rm {names}")
    if packages:
        names = " ".join(packages)
        lines.append(f"  packages that tests/bed/prepare installed: apt-get purge --autoremove {names}")
    else:
        lines.append("  no package: tests/bed/prepare had to install none from this checkout")
    if namespace:
        lines.append("  a mount namespace, until the next boot: tests/bed/env.sh --down")
    lines.append(
        "  .venv and .cache in the checkout: make clean; .bed, with nothing once no hosts are there: rm -r .bed"
    )
    return "\n".join(lines)


def leftovers() -> str:
    """The same, of this machine."""
    try:
        label = "label=mas.ops.recipe"
        found = json.loads(podman("image", "ls", "--filter", label, "--format", "json") or "[]")
    except BedError:
        found = []
    images = [(image["Names"][0], int(image["Size"])) for image in found if image.get("Names")]
    packages = INSTALLED.read_text().split() if INSTALLED.exists() else []
    runs = sorted(path.parent.name for path in (CHECKOUT / ".bed").glob("*/hosts.json"))
    return describe(sorted(images), sorted(set(packages)), runs, _NAMESPACE.exists())


if __name__ == "__main__":
    print(leftovers())
