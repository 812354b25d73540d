# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules of a release, also for their actions, which run no release."""

from __future__ import annotations

from .._core.argspec import APPLICATION, WHO, ArgumentSpec

STATES = ["staged", "live", "confirmed", "rolled_back", "restarted", "contracted", "absent"]
_OWN = ArgumentSpec(
    {
        "state": {"type": "str", "required": True, "choices": STATES},
        "version": {"type": "str"},
        "artifact": {"type": "str"},
        "sha256": {"type": "str"},
        "signature": {"type": "str"},
        "size": {"type": "int"},
        "manifest": {"type": "dict", "default": {}},
        "size_limit": {"type": "int", "default": 4 << 30},
        "fetch_timeout": {"type": "float", "default": 600.0},
        "processes": {"type": "dict"},
        "to_version": {"type": "str"},
        "from_version": {"type": "str"},
        "drain_timeout": {"type": "float", "default": 30.0},
        "migration_timeout": {"type": "int", "default": 600},
        "artifact_pushed": {"type": "bool", "default": False},
        "assume_staged": {"type": "bool", "default": False},
        "steps": {"type": "list", "elements": "int", "default": []},
        "bake": {"type": "float", "default": 0.0},
        "canary": {"type": "dict", "default": {}},
        "confirm_timeout": {"type": "float", "default": 0.0},
        "lease": {"type": "float", "default": 900.0},
        # A number that everybody may see; the name is the one that such numbers have.
        "token": {"type": "int", "no_log": False},
        "force_unlock": {"type": "bool", "default": False},
        "soak": {"type": "float", "default": 86400.0},
        "code_digest": {"type": "str", "default": ""},
        "gate": {"type": "dict", "default": {}},
        "inventory": {"type": "list", "elements": "str", "default": []},
        "limit": {"type": "str", "default": ""},
        "report_missing": {"type": "bool", "default": False},
        "forward": {"type": "bool", "default": False},
        # The action puts them in their places.
        "defaults": {"type": "dict", "default": {}},
    },
    required_if=[
        ("state", "staged", ["version", "sha256"]),
        ("state", "live", ["version"]),
        ("state", "confirmed", ["version"]),
        ("state", "contracted", ["version"]),
        ("state", "absent", ["version"]),
    ],
    mutually_exclusive=[("to_version", "from_version")],
)
RELEASE = APPLICATION + WHO + _OWN
RELEASE_COMMAND = (
    APPLICATION
    + WHO
    + ArgumentSpec(
        {
            "command": {"type": "raw", "required": True},
            "process": {"type": "str"},
            "version": {"type": "str"},
            "timeout": {"type": "int", "default": 600},
            "report_missing": {"type": "bool", "default": False},
            "host": {"type": "str", "default": ""},
            "gate": {"type": "dict", "default": {}},
            "inventory": {"type": "list", "elements": "str", "default": []},
        }
    )
)
RELEASE_INFO = ArgumentSpec(
    {
        "application": {"type": "str"},
        "inventory": {"type": "list", "elements": "str", "default": []},
        "run_age": {"type": "float", "default": 0.0},
    }
)
