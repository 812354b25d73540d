# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GET requests whose responses are JSON."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ....module_utils._core.errors import NoResponse
from ....module_utils._core.urls import redact_url
from ..model import HttpEndpoint
from .client import get

#: Ten thousand alerts fit.
_LIMIT = 32 << 20


def get_json(
    endpoint: HttpEndpoint,
    path: str,
    parameters: Iterable[tuple[str, str]],
    accepted: tuple[int, ...] = (200,),
) -> Any:
    """What the server sends.

    :param accepted: the statuses whose responses mean something
    :raises NoResponse: a sentence with the address: no response, another status, or something that is not JSON
    """
    url = f"{endpoint.url.rstrip('/')}{path}?{urllib.parse.urlencode(list(parameters))}"
    try:
        response = get(replace(endpoint, url=url), _LIMIT)
    except NoResponse as error:
        raise NoResponse(f"{redact_url(url)} did not answer: {error.what}") from error
    if response.status not in accepted:
        raise NoResponse(f"{redact_url(url)} answered {response.status}: {response.text[:200].strip()}")
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise NoResponse(f"{redact_url(url)} answered something that is not JSON") from None
