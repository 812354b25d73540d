# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that variables had before the first release. Whoever still gives one is pointed to the new one."""

from __future__ import annotations

#: No other collection uses these names: wherever they are set, they were meant for this one.
DISTINCT = {
    "application_environment_name": "mas_environment",
    "application_source": "build_source",
    "deploy_dead_man": "deploy_confirm_timeout",
    "deploy_fetch_timeout": "change_fetch_timeout",
    "deploy_migration_timeout": "change_migration_timeout",
    "failure_domain": "mas_failure_domain",
    "freezes": "change_freezes",
    "gate_override": "change_override",
    "gate_stop": "change_stop",
    "gate_stop_file": "change_stop_file",
    "release_take_over": "change_force_unlock",
    "rollback_at": "rollback_to_time",
    "windows": "change_windows",
    "windows_calendars": "change_calendars",
    "windows_required": "change_windows_required",
    "windows_zone": "change_time_zone",
}

#: Names that an inventory may use for something else. As extra variables they were meant for the playbook that is run:
#: the new name by playbook, and under ``""`` for every other one.
GENERIC = {
    "application": {"": "application_name"},
    "at": {"windows": "windows_at"},
    "built": {"build": "build_time"},
    "chart": {"windows": "windows_chart"},
    "commit": {"build": "build_commit"},
    "days": {"windows": "windows_days"},
    "hosts": {"windows": "windows_hosts"},
    "notifications": {"": "change_notifications"},
    "phase": {"deploy": "deploy_until=staged"},
    "resume": {"deploy": "deploy_abort=true"},
    "signing_key": {"build": "build_signing_key"},
    "version": {
        "build": "build_version",
        "contract": "contract_version",
        "deploy": "deploy_version",
        "rollback": "rollback_version",
    },
    "zone": {"windows": "windows_time_zone"},
}

#: What playbooks hand on by set_stats, which a workflow gives its next node as extra variables.
HANDED_ON = frozenset(
    {
        *("build_release", "build_sha256", "deploy_result", "rollback_result"),
        *("report_broken", "report_silent", "windows_groups", "windows_open"),
    }
)

#: Variables that are read no more, and why.
GONE = {
    "proxy_health_path": "a slot is checked as health in the mas.yml of its release says",
    "proxy_health_status": "a slot is checked as health in the mas.yml of its release says",
    "proxy_timeout_check": "a slot is checked as health in the mas.yml of its release says",
}


def new_name(name: str, playbook: str) -> str:
    """What an extra variable of a playbook is called today; empty where it never had another name."""
    generic = GENERIC.get(name, {})
    return DISTINCT.get(name) or generic.get(playbook) or generic.get("", "")
