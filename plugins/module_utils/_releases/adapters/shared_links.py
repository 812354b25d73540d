# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links from a release to the files and folders that it shares with all others."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence

from ..._core.errors import StorageError
from ..._core.files import storage_errors, sync_folder
from ..shared import is_folder, plain

#: Of a folder that is made, below the shared one and in the release.
_MODE = 0o750
_PARENT_MODE = 0o755


def link_shared(release: str, paths: Sequence[str], shared: str, owner: tuple[int, int]) -> None:
    """Make a link in ``release`` for each path, and in ``shared`` the folders that it needs and that are not there.

    The links are relative, so they hold when the release is renamed. A file that is shared is never made: it is the
    operator's or the application's.

    :param release: an unpacked release, in a folder beside ``shared`` at the same depth as its last place
    :param owner: user and group of the folders that are made
    :raises StorageError: the application has put a link where a folder is to be
    """
    for path in paths:
        name = plain(path)
        with storage_errors(os.path.join(release, name)):
            _link(release, name)
        with storage_errors(os.path.join(shared, name)):
            _make(shared, name if is_folder(path) else os.path.dirname(name), owner)


def _link(release: str, name: str) -> None:
    parent, made = release, [release]
    for part in name.split("/")[:-1]:
        parent = os.path.join(parent, part)
        made.append(parent)
        if not os.path.isdir(parent):
            os.mkdir(parent)
            os.chmod(parent, _PARENT_MODE)
    up = "../" * (name.count("/") + 2)
    os.symlink(f"{up}shared/{name}", os.path.join(release, name))
    for folder in reversed(made):
        sync_folder(folder)


def _make(shared: str, name: str, owner: tuple[int, int]) -> None:
    """Folder by folder from an open one: a link that the application puts there meanwhile leads root nowhere."""
    os.makedirs(shared, exist_ok=True)
    opened = [os.open(shared, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for part in filter(None, name.split("/")):
            opened.append(_step(opened[-1], part, owner, shared))
    finally:
        for handle in opened:
            os.close(handle)


def _step(above: int, part: str, owner: tuple[int, int], shared: str) -> int:
    made = False
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=above)
        made = True
    try:
        handle = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        raise StorageError(
            f"{part!r} is shared by all releases and must be a folder, but it is a file or a link",
            where=shared,
            fix="Make a folder of it (a mount or a bind mount will do): root follows no link in there.",
        ) from error
    if made:
        os.fchmod(handle, _MODE)
        if os.geteuid() == 0:
            os.fchown(handle, *owner)
        os.fsync(above)
    return handle
