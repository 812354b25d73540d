# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of this host, by dpkg-query."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ..._core.errors import NotFound
from ..packages import FORMAT, available

_SECONDS = 30.0


class Dpkg:
    """What is installed."""

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of these packages that are not installed, and that no installed package provides either.

        :raises NotFound: dpkg does not say it
        """
        # All of them: which package provides a name can be asked in no other way.
        command = ["dpkg-query", "--show", f"--showformat={FORMAT}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotFound(
                f"dpkg-query does not say which packages are installed: {error}",
                where="this host",
                fix="Run `dpkg-query --show` there, and repair what it says (`dpkg --configure -a`).",
            ) from error
        found = available(done.stdout.decode(errors="replace"))
        return [name for name in names if name not in found]
