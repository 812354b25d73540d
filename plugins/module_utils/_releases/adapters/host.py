# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the adapters of a real host."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ..._core.clock import MonotonicClock
from ..._core.errors import NotFound, Refused
from ..._core.files import exclusive
from ..._ledger.adapters.host import host_ledger
from ..._traffic.adapters.haproxy import HAProxy
from ..application import Application
from ..layout import THIS_APPLICATION, Layout
from ..manifest import Manifest
from ..ports import ArtifactSource, Ports, Transfer
from ..preflight import supported, system_of
from .dpkg import Dpkg
from .folders import Folders, load_application
from .health_probe import LocalProbe
from .interruptible_clock import InterruptibleClock
from .systemd import Systemd

_OS_RELEASE = "/etc/os-release"


class NoArtifact:
    """The source of a request that brings nothing in."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders

    def fetch(self, release: str) -> None:
        raise NotFound(
            f"no artifact was named for {release}", where="artifact", fix="Give artifact and sha256."
        )

    def promised(self, release: str, freed: int) -> Manifest | None:  # noqa: ARG002 - as every source
        return self.manifest(release)

    def manifest(self, release: str) -> Manifest:
        raise NotFound(
            f"no artifact was named for {release}", where="artifact", fix="Give artifact and sha256."
        )

    def forget(self, release: str) -> None:
        """A run that was killed may have fetched it."""
        self.folders.forget_archive(release)


def proxy_of(app: Application, clock: MonotonicClock | None = None) -> HAProxy | None:
    """The proxy in front of an application, ``None`` for one that serves no HTTP."""
    if app.proxy is None or not app.web:
        return None
    return HAProxy(app.name, app.proxy.backend, app.proxy.socket, app.proxy.split, clock)


@contextlib.contextmanager
def pushed(path: str | None) -> Iterator[None]:
    """Remove the copy of an artifact that the controller pushed, and its folder, whatever happens."""
    try:
        yield
    finally:
        if path:
            with contextlib.suppress(OSError):
                os.unlink(path)
                os.rmdir(os.path.dirname(path))


@contextlib.contextmanager
def require_proxy(application: str, lock: bool = True) -> Iterator[HAProxy]:
    """The proxy of an application of this host, with the application locked against other changes.

    :raises Refused: the application serves no HTTP
    """
    app = load_application(application)
    proxy = proxy_of(app)
    if proxy is None:
        raise Refused(
            f"{application} has no traffic to split: it has no web process or no proxy",
            where="this host",
            fix="Set application_web to true and run mas.ops.provision.",
        )
    with exclusive(Layout(app).lock, subject=THIS_APPLICATION) if lock else contextlib.nullcontext():
        yield proxy


def assemble(
    app: Application,
    artifact: str | None = None,
    sha256: str = "",
    signature: str | None = None,
    clock: InterruptibleClock | None = None,
    transfer: Transfer | None = None,
) -> tuple[Ports, Layout]:
    """Everything that a release touches on this host.

    :param clock: by which it waits; by default nothing ends it
    """
    clock = clock or InterruptibleClock()
    layout = Layout(app)
    folders = Folders(layout)
    source: ArtifactSource = NoArtifact(folders)
    if artifact:
        # Imported here, and in Folders.unpack: what fetches and unpacks is a fifth of our part of a module's start,
        # and only one phase of a release needs it.
        from .source import Artifact  # noqa: PLC0415

        source = Artifact(app, folders, artifact, sha256, signature, transfer or Transfer(), clock.check)
    ports = Ports(
        services=Systemd(layout, clock.sleep),
        proxy=proxy_of(app, clock),
        store=folders,
        source=source,
        ledger=host_ledger(),
        clock=clock,
        probe=LocalProbe(),
        packages=Dpkg(),
    )
    return ports, layout


def check_platform() -> None:
    """
    :raises Refused: the host's distribution is not one that mas.ops is made for
    """
    with open(_OS_RELEASE, encoding="utf-8") as stream:
        system = system_of(stream.read())
    if not system.supported:
        raise Refused(f"{system.name} is not supported", where="this host", fix=f"Use {supported()}.")
