# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a release that only the application may read, beside root: by its group, which can change with provision."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat

from ..._core.files import storage_errors
from ..application import Application

_OTHERS = 0o007


def account(app: Application) -> tuple[int, int]:
    """The ids of the application's user and group; root's, which no application is in, where the host has none of that name."""
    user = group = 0
    with contextlib.suppress(KeyError):
        user = pwd.getpwnam(app.user).pw_uid
    with contextlib.suppress(KeyError):
        group = grp.getgrnam(app.group).gr_gid
    return user, group


def give_to(release: str, group: int) -> None:
    """Make this the group that may read a release's private files.

    The folder of the release has that group too, so that the rest is only looked at when it changed.
    """
    if os.geteuid() or not os.path.isdir(release) or os.stat(release).st_gid == group:
        return
    with storage_errors(release):
        for folder, folders, files in os.walk(release):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                mode = os.lstat(path).st_mode
                if not stat.S_ISLNK(mode) and not mode & _OTHERS:
                    os.chown(path, -1, group, follow_symlinks=False)
        os.chown(release, -1, group)
