# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stop file: a path on the controller, or a URL that answers 200 while changes are stopped."""

from __future__ import annotations

from pathlib import Path

from ....module_utils._core.errors import NoResponse
from ....module_utils._core.urls import is_url, redact_url
from ..checks.model import Unknown


def stop_reason(place: str, given: bool) -> str | Unknown:
    """The first line of the file with its place; empty when there is none.

    :param given: the inventory names the file, so its folder must exist: it may be a mount that is missing
    """
    if is_url(place):
        return _from_url(place)
    path = Path(place)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if given and not path.parent.is_dir():
            return Unknown(f"the folder of the stop file {place} is not there")
        return ""
    except OSError as error:
        # Without the right to read it, whether it exists is unknown.
        return Unknown(f"the stop file {place} cannot be read: {error.strerror}")
    return _reason(text, place)


def _from_url(url: str) -> str | Unknown:
    # What only a URL needs is a sixth of all that the gate loads.
    from ...http.adapters.client import get  # noqa: PLC0415
    from ...http.model import HttpEndpoint  # noqa: PLC0415

    address = redact_url(url)
    try:
        response = get(HttpEndpoint(url))
    except NoResponse as error:
        return Unknown(f"{address} did not answer: {error.what}")
    if response.is_absent:
        return ""
    if response.status != 200:
        return Unknown(f"{address} answered {response.status}")
    return _reason(response.text, address)


def _reason(text: str, place: str) -> str:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no reason was given")
    # Any file of the controller may be named as the stop file, and the reason goes to job output and ledger.
    reason = first[:200] if first.isprintable() else "its text is not printable"
    return f"{reason} ({place})"
