# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read calendars as entries of windows or freezes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: calendar
author:
  - the mas.ops authors (@mas-ops)
version_added: 0.1.0
short_description: Read an iCalendar file or address as windows or freezes
description:
  - Returns the events of calendars as entries that the variables C(change_windows) and C(change_freezes) take, so that they can be
    looked at, filtered and written down.
  - The variable C(change_calendars) does without it, and says what holds when a calendar cannot be read.
requirements:
  - The Python libraries icalendar and python-dateutil on the controller.
options:
  _terms:
    description: Paths of files, which are searched as other lookups do, or C(http://) and C(https://) addresses.
    type: list
    elements: str
    required: true
  zone:
    description: The time zone of times that have none, and of days. By default what the calendar says, or UTC.
    type: str
    default: ''
  timeout:
    description: How long an address may take to answer.
    type: str
    default: 10s
  cache:
    description: For how long a copy on the controller stands in for an address.
    type: str
    default: 60s
  max_age:
    description: How old such a copy may be when the address does not answer.
    type: str
    default: 0s
  on_error:
    description: What a calendar means that cannot be read.
    type: str
    choices:
      fail: An error.
      ignore: No events.
    default: fail
seealso:
  - plugin: mas.ops.window_state
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Freezes from a calendar that the business keeps, and one of our own
  ansible.builtin.set_fact:
    freezes: >-
      {{ query('mas.ops.calendar', 'https://calendar.example.com/freezes.ics', max_age='24h') + own_freezes }}
"""

RETURN = r"""
_raw:
  description: Entries of C(change_windows) or C(change_freezes).
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils._core.errors import OpsError
from ..module_utils._core.urls import is_url
from ..plugin_utils.windows.adapters.calendar import parse_sources, read_sources
from ..plugin_utils.windows.adapters.inventory import check_libraries
from ..plugin_utils.windows.events import entries

_OPTIONS = ("zone", "timeout", "cache", "max_age", "on_error")


class LookupModule(LookupBase):
    """Ansible looks the lookup up here."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: str(self.get_option(name)) for name in _OPTIONS}
        try:
            check_libraries()
            sources = parse_sources(
                [{"source": self._found(str(term), variables), **options} for term in terms]
            )
            return [entry for text in read_sources(sources) for entry in entries(text, "UTC")]
        except OpsError as error:
            raise AnsibleLookupError(str(error)) from error

    def _found(self, term: str, variables: Any) -> str:
        if is_url(term):
            return term
        path = self.find_file_in_search_path(variables or {}, "files", term, ignore_missing=True)
        return str(path or term)
